"""What trees say of subjects that did not teach them."""

from __future__ import annotations

import numpy as np

from anxin.models.probability import HORIZONS, Observed, fit_top
from anxin.training.fitting import fit
from anxin.training.grouped import left_out
from anxin.training.rows import Stacked

SUBJECTS, DATES = 900, 8
PARAMETERS = {"min_data_in_leaf": 5, "num_leaves": 15, "learning_rate": 0.1}
NAMES = ("sign", "own")


def _rows(seed: int = 0) -> tuple[Stacked, np.ndarray]:
    """Return subjects on many dates, outcomes the same on all of them: by a sign, and by chance a number of its own."""
    rng = np.random.default_rng(seed)
    sign, own = rng.normal(size=SUBJECTS), rng.normal(size=SUBJECTS)
    came = (rng.random(SUBJECTS) < 1 / (1 + np.exp(2.0 - sign))).astype(float)
    subjects = np.tile(np.arange(SUBJECTS), DATES * len(HORIZONS))
    horizon = np.repeat(np.array(HORIZONS, dtype=float), SUBJECTS * DATES)
    x = np.column_stack([sign[subjects], own[subjects], horizon])
    return Stacked(x, came[subjects], np.ones(len(subjects)), np.arange(len(subjects))), subjects


def _said(rows: Stacked, subjects: np.ndarray, rounds: int) -> list[Observed]:
    return [group for part in left_out(rows, subjects, NAMES, PARAMETERS, rounds, 1) for group in part()]


def test_every_row_is_judged_once_a_group_for_each_part_and_horizon() -> None:
    rows, subjects = _rows()
    groups = _said(rows, subjects, 10)
    assert len(groups) == 3 * len(HORIZONS)
    assert sum(len(group.y) for group in groups) == len(rows.y)
    assert sum(group.y.sum() for group in groups) == rows.y.sum()
    again = _said(rows, subjects, 10)
    assert all((a.margin == b.margin).all() for a, b in zip(groups, again, strict=True))


def test_trees_that_know_their_subjects_by_heart_are_found_too_sure_of_others() -> None:
    rows, subjects = _rows()
    groups = _said(rows, subjects, 200)
    others = np.concatenate([group.margin for group in groups])
    own = fit(rows, NAMES, PARAMETERS, 200, 1).predict(rows.x, raw_score=True)
    came = np.concatenate([group.y for group in groups]) == 1
    assert own[rows.y == 1].mean() > 1.0 > others[came].mean()
    assert fit_top(groups, 20.0) < 0.8


def test_where_no_case_teaches_nothing_is_said() -> None:
    rows, subjects = _rows()
    quiet = Stacked(rows.x, np.zeros(len(rows.y)), rows.weight, rows.places)
    assert _said(quiet, subjects, 5) == []
    nobody = Stacked(rows.x[:0], rows.y[:0], rows.weight[:0], rows.places[:0])
    assert _said(nobody, subjects[:0], 5) == []
