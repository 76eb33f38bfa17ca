"""The level of probabilities: that of the last year of taught rows, moved by what folds at such a level missed later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import lightgbm as lgb
import numpy as np
import numpy.typing as npt

from anxin.models.probability import HORIZONS, Calibration, Observed, fit_calibration, fit_slope, missed
from anxin.training.rows import Matrix, Stacked

Floats = npt.NDArray[np.float64]

_YEAR_DAYS = 365


@dataclass(frozen=True)
class Margins:
    """Margins of rows of one horizon, one column per number of rounds compared; labels (NaN unknown) and weights."""

    by_rounds: Floats
    y: Floats
    weight: Floats

    def at(self, column: int) -> Observed:
        """Return the rows with a known label at one number of rounds."""
        known = np.isfinite(self.y)
        return Observed(self.by_rounds[known, column], self.y[known], self.weight[known])


@dataclass(frozen=True)
class Passed:
    """What one fold's trees said per horizon: of the last year of rows that taught them, and of the rows they judged."""

    taught: Mapping[int, Margins]
    judged: Mapping[int, Margins]
    cases: float = 1.0
    """Positive rows that taught them, as a share of those that teach the model."""


def by_rounds(booster: lgb.Booster, x: Matrix, grid: Sequence[int]) -> Floats:
    """Return the margins after each number of rounds; every tree is walked once."""
    steps = [
        booster.predict(
            x, raw_score=True, start_iteration=before, num_iteration=rounds - before, num_threads=1
        )
        for before, rounds in zip([0, *grid], grid, strict=False)
    ]
    return np.cumsum(np.column_stack(steps), axis=1)


def last_year(
    booster: lgb.Booster, grid: Sequence[int], rows: Stacked, as_of: npt.NDArray[Any]
) -> dict[int, Margins]:
    """Return the margins of the last year of taught rows per horizon: a level needs a whole year, for the season."""
    days = as_of[rows.places]
    found = {}
    for horizon in HORIZONS:
        of_horizon = rows.x[:, -1] == horizon
        if not of_horizon.any():
            continue
        late = of_horizon & (days > days[of_horizon].max() - np.timedelta64(_YEAR_DAYS, "D"))
        found[horizon] = Margins(by_rounds(booster, rows.x[late], grid), rows.y[late], rows.weight[late])
    return found


def spread(passed: Sequence[Passed], column: int, prior: float, top: float = 1.0) -> float:
    """Return the slope that out-of-time margins call for, a fold counting by how much of what the model knows it knew.

    Trees that were taught few cases are surer of them than trees taught many: their spread is not that of the model.
    `top` is the bend the slope will stand beside.
    """
    groups = []
    for fold in passed:
        for later in fold.judged.values():
            seen = later.at(column)
            groups.append(Observed(seen.margin, seen.y, seen.weight * fold.cases))
    return fit_slope(groups, prior, top)


def calibrated(
    slope: float,
    recent: Mapping[int, Margins],
    column: int,
    passed: Sequence[Passed],
    at: int,
    fold_days: int,
    prior: float,
    top: float = 1.0,
) -> Calibration:
    """Return the calibrator of trees whose last year is `recent` (its `column`), moved by what `passed` missed (`at`).

    Of what those that know a horizon missed, `year_share` of them is taken. `top` is that of these trees alone: folds,
    which saw each subject on fewer dates, miss what they miss on a straight line.
    """
    moved: dict[int, float] = {}
    last = 0.0
    for horizon in HORIZONS:
        each = []
        for fold in passed:
            taught = fold.taught.get(horizon)
            later = fold.judged[horizon].at(at)
            if taught is not None and len(later.y):
                each.append(missed(taught.at(at), later, slope, prior))
        # A horizon whose labels no two folds know yet moves as the shorter one does.
        last = year_share(len(each), fold_days) * _agreed(each) if len(each) > 1 else last
        moved[horizon] = last
    return fit_calibration(slope, {h: found.at(column) for h, found in recent.items()}, prior, moved, top)


def year_share(folds: int, fold_days: int) -> float:
    """Return how far what folds missed can be taken: none of it for half a year or less, which is mostly its season."""
    days = folds * fold_days
    return 0.0 if days <= _YEAR_DAYS / 2 else min(1.0, days / (_YEAR_DAYS // fold_days * fold_days))


def _agreed(each: Sequence[float]) -> float:
    """Return the mean of what folds missed, less the more they disagree (James-Stein, never beyond zero).

    Where cases rise year after year each fold misses as much; where one season was bad some miss much, others nothing.
    """
    mean = float(np.mean(each))
    error = float(np.var(each, ddof=1)) / len(each)
    return mean * max(0.0, 1.0 - error / mean**2) if mean else 0.0
