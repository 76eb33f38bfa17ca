"""Training rows: labels on a snapshot, stacked by horizon, thinned without changing what they say."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anxin.feeds.asof import View
from anxin.models.probability import HORIZONS, SCORE_HORIZON
from anxin.training.rows import Labelled, label, stack

LABELS = st.lists(st.sampled_from([0.0, 0.0, 0.0, 1.0, np.nan]), min_size=3, max_size=60)
NO_CASES = pd.DataFrame()


def _labelled(each: list[list[float]]) -> Labelled:
    y = dict(zip(HORIZONS, map(np.array, each), strict=True))
    return Labelled(y, y[SCORE_HORIZON], NO_CASES)


def _at_most(rows: int) -> SimpleNamespace:
    return SimpleNamespace(of=lambda positives: rows)


@given(LABELS.flatmap(lambda one: st.tuples(*[st.permutations(one)] * 3)), st.integers(0, 200), st.data())
def test_no_unknown_label_and_no_row_left_out_ever_teaches(
    each: tuple[list[float], ...], most: int, data: st.DataObject
) -> None:
    labelled = _labelled(list(each))
    n = len(each[0])
    keep = np.array(data.draw(st.lists(st.booleans(), min_size=n, max_size=n)))
    features = np.arange(float(n))[:, None]
    rows = stack(features, labelled, keep, _at_most(most), 1)  # type: ignore[arg-type]
    assert np.isfinite(rows.y).all()
    assert keep[rows.places].all()
    assert (rows.x[:, 0] == features[rows.places, 0]).all()
    for horizon in HORIZONS:
        mine = rows.x[:, -1] == horizon
        assert (rows.y[mine] == labelled.y[horizon][rows.places[mine]]).all()
        assert len(set(rows.places[mine])) == mine.sum()
        # Positives are never thinned.
        assert rows.y[mine].sum() == np.nansum(labelled.y[horizon][keep])
    assert (rows.weight[rows.y == 1] == 1).all()


def test_thinned_negatives_count_as_all_of_them_did() -> None:
    rng = np.random.default_rng(0)
    each = [list((rng.random(40_000) < 0.01 * (1 + i)).astype(float)) for i in range(3)]
    labelled = _labelled(each)
    keep = np.ones(40_000, dtype=bool)
    rows = stack(np.zeros((40_000, 1)), labelled, keep, _at_most(20_000), 1)  # type: ignore[arg-type]
    assert len(rows.y) == pytest.approx(20_000, rel=0.03)
    for horizon in HORIZONS:
        mine = rows.x[:, -1] == horizon
        y = labelled.y[horizon]
        assert rows.weight[mine].sum() == pytest.approx(len(y), rel=0.03)
        thinned = (rows.weight[mine] * rows.y[mine]).sum() / rows.weight[mine].sum()
        assert thinned == pytest.approx(y.mean(), rel=0.03)


def test_few_rows_are_all_taken_once() -> None:
    labelled = _labelled([[0.0, 1.0], [0.0, 1.0], [np.nan, 1.0]])
    rows = stack(np.zeros((2, 1)), labelled, np.ones(2, dtype=bool), _at_most(100), 1)  # type: ignore[arg-type]
    assert len(rows.y) == 5
    assert (rows.weight == 1).all()


def test_immature_silent_pending_and_averted_are_unknown_and_the_rest_is_negative(
    view_of: Callable[..., View],
) -> None:
    day, through = date(2025, 1, 10), date(2025, 1, 10) + timedelta(days=90 + 45)

    def case(subject: str, opened: date, outcome: str) -> dict[str, object]:
        row = {"case_id": subject, "employer_id": subject, "source": "complaint", "outcome": outcome}
        dates = {"arrears_from": opened.replace(day=1), "opened_on": opened}
        return row | dates | {"workers": 4, "received_at": datetime.combine(opened + timedelta(1), time())}

    view = view_of(
        {
            "cases": [
                case("A", day + timedelta(50), "verified"),
                case("B", day + timedelta(10), "pending"),
                case("Z", day + timedelta(10), "verified"),
            ]
        }
    )
    later = day + timedelta(days=30)
    snapshot = pa.table(
        {
            "subject_id": ["A", "B", "C", "A"],
            "as_of": pa.array([day, day, day, later], pa.date32()),
        }
    )
    found = label(view, snapshot, through, "employer", [])
    assert list(found.y[90][:1]) == [1.0]
    assert np.isnan(found.y[90][1])
    assert found.y[90][2] == 0.0
    assert np.isnan(found.y[90][3])  # not mature
    assert list(found.y[30][[0, 2, 3]]) == [0.0, 0.0, 1.0]
    assert np.isnan(found.y[180]).all()
    silent = label(view, snapshot, through, "employer", [(day + timedelta(40), day + timedelta(60))])
    assert np.isnan(silent.y[90]).all()
    assert list(silent.y[30][[0, 2]]) == [0.0, 0.0]
