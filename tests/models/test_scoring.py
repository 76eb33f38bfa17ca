"""The one scoring function: columns, order, ties, and sizes with their intervals."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from anxin.domain.errors import AnxinError
from anxin.models.scoring import score
from anxin.models.severity import SIZES, Severity

from . import made

COLUMNS = (
    *("kind", "subject_id", "as_of", "p30", "p90", "p180", "score", "grade", "rank", "in_hand"),
    *("workers", "workers_lo", "workers_hi", "amount", "amount_lo", "amount_hi", "model_version"),
)


def test_scores_have_the_columns_of_the_contract_ranked_by_p90() -> None:
    scores = score(made.model(), made.snapshot(made.matrix(200, seed=3)))
    assert tuple(scores) == COLUMNS
    assert list(scores["rank"]) == list(range(1, 201))
    assert (np.diff(scores["p90"]) <= 0).all()
    assert ((scores["p30"] <= scores["p90"]) & (scores["p90"] <= scores["p180"])).all()
    assert set(scores["model_version"]) == {made.model().model_id}


def test_equals_are_ranked_by_id_whatever_order_they_come_in() -> None:
    table = made.snapshot(np.tile(made.matrix(1, seed=8), (50, 1)))
    shuffled = table.take(pa.array(np.random.default_rng(0).permutation(50)))
    assert list(score(made.model(), shuffled)["subject_id"]) == sorted(table["subject_id"].to_pylist())


def test_the_company_of_others_changes_no_score() -> None:
    table = made.snapshot(made.matrix(100, seed=6))
    together = score(made.model(), table).set_index("subject_id").drop(columns="rank")
    alone = score(made.model(), table.slice(17, 1)).set_index("subject_id").drop(columns="rank")
    assert together.loc[alone.index].equals(alone)


def test_nobody_scored_is_an_empty_table_of_the_same_columns() -> None:
    scores = score(made.model(), made.snapshot(made.matrix(0)))
    assert tuple(scores) == COLUMNS
    assert len(scores) == 0


def test_a_feed_that_is_not_there_leaves_its_sizes_at_what_is_usual() -> None:
    values = made.matrix(30, seed=2)
    values[:, made.FEATURES.index("insured_heads")] = np.nan
    scores = score(made.model(), made.snapshot(values))
    assert scores["workers"].notna().all()
    assert scores["workers"].nunique() == 1
    assert scores[["amount", "amount_lo", "amount_hi"]].isna().all(axis=None)


def test_a_column_that_trees_read_and_nobody_made_is_an_error_not_a_missing_value() -> None:
    model = made.model()
    table = made.snapshot(made.matrix(3)).drop_columns([model.ordered.features[0]])
    with pytest.raises(AnxinError, match=model.ordered.features[0]):
        score(model, table)


def test_a_larger_subject_is_expected_to_owe_more_workers() -> None:
    values = made.matrix(2, missing=0.0)
    values[:, made.FEATURES.index("insured_heads")] = [5.0, 400.0]
    by_id = score(made.model(), made.snapshot(values)).set_index("subject_id")["workers"]
    assert by_id["S000"] < by_id["S001"]


def test_sizes_survive_being_written(tmp_path: object) -> None:
    assert Severity.from_json(made.severity().to_json()) == made.severity()


@pytest.mark.parametrize("kind", SIZES)
def test_sizes_are_read_from_columns_a_snapshot_has(kind: str) -> None:
    from anxin.features.catalogue import facts, of

    columns = {feature.name for feature in of(kind)} | {n for n, f in facts().items() if kind in f.kinds}
    assert set(SIZES[kind]) <= columns
