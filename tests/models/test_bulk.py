"""Contributions in bulk are LightGBM's own, wherever a value is missing, nought or on a threshold."""

from __future__ import annotations

from typing import Any

import lightgbm as lgb
import numpy as np
import pytest

from anxin.domain.errors import AnxinError
from anxin.models.bulk import contributions, explain_all, trees_of

from . import made

TOLERANCE = 1e-9


def _fit(x: made.Floats, rounds: int = 12, **settings: Any) -> lgb.Booster:
    rng = np.random.default_rng(4)
    known = np.nan_to_num(x, nan=1.0)
    y = (
        known[:, 0] * np.where(known[:, 1] > 1, 1, -1) + known[:, 2] + rng.normal(0, 0.5, len(x)) > 1
    ).astype(float)
    plain = {"objective": "binary", "verbose": -1, "num_threads": 1, "min_data_in_leaf": 3, "num_leaves": 15}
    return lgb.train({**plain, **settings}, lgb.Dataset(x, y), rounds)


def _rows(n: int, seed: int) -> made.Floats:
    """Return small whole numbers: many rows on a threshold, at nought, or missing."""
    rng = np.random.default_rng(seed)
    x = rng.integers(-2, 4, (n, 6)).astype(float) + np.where(
        rng.random((n, 6)) < 0.3, rng.normal(size=(n, 6)), 0
    )
    x[rng.random(x.shape) < 0.2] = np.nan
    x[rng.random(x.shape) < 0.05] = 1e-40
    return x


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"zero_as_missing": True},
        {"use_missing": False},
        {"num_leaves": 2},
        {"num_leaves": 40, "rounds": 4},  # more splits than a table has room for
        {"num_leaves": 63, "max_depth": -1, "rounds": 3, "min_data_in_leaf": 1},
        {"bagging_fraction": 0.6, "bagging_freq": 1, "extra_trees": True},
        {"monotone_constraints": [1, 0, 0, -1, 0, 0]},
    ],
)
def test_bulk_gives_what_lightgbm_gives(settings: dict[str, Any]) -> None:
    booster = _fit(_rows(600, 1), **settings)
    rows = np.vstack([_rows(300, 2), np.full((1, 6), np.nan), np.zeros((1, 6))])
    rounds = booster.num_trees()
    expected = np.asarray(booster.predict(rows, pred_contrib=True))
    found, base = contributions(trees_of(booster, rounds), rows, workers=1)
    assert np.abs(found - expected[:, :-1]).max() < TOLERANCE
    assert np.abs(base - expected[:, -1]).max() < TOLERANCE


def test_a_path_longer_than_any_table_is_worked_out_all_the_same() -> None:
    rng = np.random.default_rng(7)
    x = rng.normal(size=(4000, 16))
    # Each feature alone cuts off a few rows: the trees are chains, one feature after the other.
    y = (x > 1.6).any(axis=1).astype(float) + rng.normal(0, 0.01, len(x))
    settings = {
        "objective": "regression",
        "verbose": -1,
        "num_threads": 1,
        "num_leaves": 17,
        "min_data_in_leaf": 2,
    }
    booster = lgb.train(settings, lgb.Dataset(x, y), 3)
    trees = trees_of(booster, 3)
    assert max(len(leaf.features) for tree in trees for leaf in tree.leaves) > 10
    expected = np.asarray(booster.predict(x[:200], pred_contrib=True))
    found, base = contributions(trees, x[:200])
    assert np.abs(found - expected[:, :-1]).max() < TOLERANCE
    assert base == pytest.approx(expected[0, -1], abs=TOLERANCE)


def test_fewer_rounds_than_were_fitted_are_explained_as_such() -> None:
    booster = _fit(_rows(300, 1), rounds=9)
    rows = _rows(50, 5)
    expected = np.asarray(booster.predict(rows, pred_contrib=True, num_iteration=4))
    found, base = contributions(trees_of(booster, 4), rows)
    assert np.abs(found - expected[:, :-1]).max() < TOLERANCE
    assert base == pytest.approx(expected[0, -1], abs=TOLERANCE)


def test_a_tree_that_learned_nothing_is_part_of_the_base() -> None:
    booster = _fit(_rows(40, 1), rounds=2, min_data_in_leaf=1000)
    rows = _rows(5, 2)
    found, base = contributions(trees_of(booster, booster.num_trees()), rows)
    assert not found.any()
    assert base == pytest.approx(float(booster.predict(rows, raw_score=True)[0]), abs=TOLERANCE)


def test_many_rows_are_worked_on_in_pieces_and_come_back_in_order() -> None:
    booster = _fit(_rows(600, 1))
    trees = trees_of(booster, booster.num_trees())
    rows = np.tile(_rows(500, 3), (40, 1))
    found, _ = contributions(trees, rows, workers=3)
    few, _ = contributions(trees, rows[:500], workers=1)
    assert np.array_equal(found, np.tile(few, (40, 1)))
    assert np.abs(found.sum(axis=1) - found.sum(axis=1)[0]).max() > 0.1
    assert contributions(trees, rows[:0])[0].shape == (0, 6)


def test_trees_with_more_leaves_than_bits_are_refused_in_words() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(3000, 3))
    booster = lgb.train(
        {
            "objective": "regression",
            "verbose": -1,
            "num_threads": 1,
            "num_leaves": 100,
            "min_data_in_leaf": 2,
        },
        lgb.Dataset(x, x[:, 0] * x[:, 1]),
        1,
    )
    with pytest.raises(AnxinError, match="100"):
        trees_of(booster, 1)


def test_the_score_of_everyone_is_taken_apart_as_that_of_one() -> None:
    rows = made.matrix(200, seed=9)
    parts, base = explain_all(made.ordered(), rows)
    expected, of_each = made.ordered().contributions(rows)
    assert np.abs(parts - expected).max() < TOLERANCE
    assert np.abs(base - of_each).max() < TOLERANCE
    assert np.abs(parts.sum(axis=1) + base - made.ordered().margin(rows)).max() < TOLERANCE
