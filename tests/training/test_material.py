"""What a kind is trained on takes no more memory than what it says, and loses nothing that training reads."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pytest

from anxin.features.known import Kind
from anxin.features.snapshots import KINDS, snapshots
from anxin.feeds.asof import View
from anxin.models.rules import hits
from anxin.training.material import _between, _read, joined, laid_out, narrowed

from .conftest import THROUGH


def test_numbers_are_kept_in_single_precision_only_where_that_loses_nothing() -> None:
    values = {
        "subject_id": (["a", "b"], ["c"]),
        "count": ([1.0, None], [3.0]),
        "share": ([0.5, 0.25], [0.1]),
        "yuan": ([16_777_217.0, None], [1.0]),
        "nothing": ([None, None], [None]),
    }
    types = {"subject_id": pa.string()}
    parts = [
        narrowed(
            pa.table(
                {name: pa.array(each[i], types.get(name, pa.float64())) for name, each in values.items()}
            )
        )
        for i in (0, 1)
    ]
    table = joined(parts)
    assert table.to_pydict() == {name: [*first, *second] for name, (first, second) in values.items()}
    assert [name for name in table.column_names if table[name].type == pa.float32()] == ["count", "nothing"]
    assert not parts  # nobody holds the wide columns any longer


def test_what_trees_read_is_held_once_and_still_says_what_the_snapshot_said() -> None:
    snapshot = pa.table({"count": [1.0, None, 3.0], "share": [0.1, 0.2, None], "name": ["a", None, "c"]})
    narrow = narrowed(snapshot)
    columns = dict(zip(narrow.column_names, narrow.columns, strict=True))
    features = laid_out(columns, ("count", "share"))
    assert pa.table(columns).to_pydict() == snapshot.to_pydict()
    np.testing.assert_array_equal(
        features, np.array([[1, 0.1], [np.nan, 0.2], [3, np.nan]], dtype=np.float32)
    )
    held = columns["count"].chunk(0).buffers()[1].address
    assert held == features[:, 0].__array_interface__["data"][0]
    assert columns["share"].type == pa.float64()  # a tenth is not the same in single precision


@pytest.mark.parametrize(("step", "back"), [(30, [22, 15, 8]), (10, [8, 5, 2]), (2, [1]), (1, [])])
def test_days_between_lie_before_the_newest_training_date_and_are_none_themselves(
    step: int, back: list[int]
) -> None:
    newest = date(2025, 6, 18)
    dates = tuple(newest - timedelta(days=step * place) for place in reversed(range(12)))
    found = _between(dates, step)
    assert [(newest - day).days for day in found] == back
    assert not set(found) & set(dates)
    assert all(dates[-2] < day < newest for day in found)


@pytest.mark.parametrize("kind", KINDS)
def test_rules_say_the_same_of_what_training_keeps_as_of_everything(kind: Kind, everything: View) -> None:
    """Red and orange rest on a dated fact: without the columns that date them the same hits would raise less."""
    day = THROUGH - timedelta(days=90)
    whole, kept = snapshots(everything, [day], kind), snapshots(everything, [day], kind, only=_read(kind))
    assert len(kept.column_names) < len(whole.column_names)
    found = hits(whole, kind, day)
    assert hits(kept, kind, day) == found
    # The docket of these tests is of employers.
    assert kind == "project" or any(hit.date for each in found for hit in each)
