"""Ordered probabilities: one LightGBM over rows stacked by horizon, and one calibrator that keeps their order.

The horizon is a feature the trees may only rise in, so the margins of 30, 90 and 180 days are ordered on every row.
The calibrator has one slope for all horizons, intercepts that do not fall, and one bend at the top, so the probabilities
are ordered too, by construction and not by clipping. The slope is what out-of-time folds say of the spread of margins;
the level is that of the last year of labels, a whole year so that the season is in it, moved by what folds with such a
level missed later; the bend is how much surer trees are at the top than holds for subjects that did not teach them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq, minimize_scalar
from scipy.special import expit, logit

HORIZONS = (30, 90, 180)
"""Days ahead. The score is the margin of the middle one."""

SCORE_HORIZON = 90
HORIZON = "horizon_days"

KNOT = float(logit(0.1))
"""Log-odds at which the calibrator may bend: below one in ten, cases are many and one slope does."""

_BIN = 0.02
"""Width of the bins of margins that slopes and bends are fitted on: each bin keeps its mean margin and its positives."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Calibration:
    """`p = expit(bent(slope · margin + intercept[horizon], top))`: slope > 0, intercepts not falling with the horizon.

    `top`, above 0 and at most 1, is the share of the slope that is left above the knot.
    """

    slope: float
    intercepts: tuple[float, float, float]
    top: float = 1.0

    def __post_init__(self) -> None:
        if not (self.slope > 0 and 0 < self.top <= 1) or list(self.intercepts) != sorted(self.intercepts):
            raise ValueError(f"this calibration would break the order of probabilities: {self}")

    def probability(self, margin: Floats, horizon: int) -> Floats:
        """Return the calibrated probability of the margins of one horizon."""
        straight = self.slope * margin + self.intercepts[HORIZONS.index(horizon)]
        return np.asarray(expit(bent(straight, self.top)), dtype=np.float64)


IDENTITY = Calibration(1.0, (0.0, 0.0, 0.0))


def bent(log_odds: Floats, top: float) -> Floats:
    """Return log-odds with `top` (0 to 1) of what each has above the knot; a top of 1 changes no bit."""
    return log_odds if top == 1.0 else np.minimum(log_odds, KNOT + top * (log_odds - KNOT))


@dataclass(frozen=True)
class Observed:
    """Margins that met their outcome: labels 0 or 1, and what each row counts."""

    margin: Floats
    y: Floats
    weight: Floats


def fit_slope(groups: Sequence[Observed], prior: float, top: float = 1.0) -> float:
    """Return the slope that out-of-time margins call for, each group (a fold and horizon) with a level of its own.

    A fold's level says how the number of cases moved after it, which is no fault of the margins; its slope says how much
    of their spread held. `prior` is the weight, in cases, of «no change»: few positives must not bend probabilities far.
    `top` is the bend the slope stands beside: fitted without it, margins too sure at the top would be paid for twice.
    """
    held = [_binned(group) for group in groups if 0 < group.y.sum() < len(group.y)]
    if not held:
        return 1.0

    def loss(log_slope: float) -> float:
        slope = float(np.exp(log_slope))
        total = prior * (log_slope / 0.5) ** 2
        for group in held:
            z = bent(slope * group.margin + level(group, slope, top=top), top)
            total += float((group.weight * (np.logaddexp(0.0, z) - group.y * z)).sum())
        return total

    return round(float(np.exp(minimize_scalar(loss, bounds=(-1.5, 1.0), method="bounded").x)), 6)


def fit_top(groups: Sequence[Observed], prior: float) -> float:
    """Return the share of the slope that holds above the knot, each group with a level of its own.

    Groups are of subjects that did not teach the trees that judge them. Their common slope is fitted beside and left:
    that of folds of time is better known. `prior` is the weight, in cases, of «no bend», and nothing is stretched: what
    few cases say of the top never makes it surer than trees are.
    """
    held = [_binned(group) for group in groups if 0 < group.y.sum() < len(group.y)]
    if not held:
        return 1.0

    def loss(log_slope: float, log_top: float) -> float:
        slope, top = float(np.exp(log_slope)), float(np.exp(log_top))
        total = prior * ((log_slope / 0.5) ** 2 + (log_top / 0.5) ** 2)
        for group in held:
            z = bent(slope * group.margin + level(group, slope, top=top), top)
            total += float((group.weight * (np.logaddexp(0.0, z) - group.y * z)).sum())
        return total

    def at_best_slope(log_top: float) -> float:
        return float(minimize_scalar(loss, bounds=(-1.5, 1.0), args=(log_top,), method="bounded").fun)

    best = minimize_scalar(at_best_slope, bounds=(-1.5, 0.0), method="bounded")
    return round(float(np.exp(best.x)), 6) if best.fun < at_best_slope(0.0) else 1.0


def _binned(group: Observed) -> Observed:
    """Return one row for the rows of each bin of margins: their mean margin and share of positives, all their weight."""
    place = np.floor(group.margin / _BIN).astype(np.int64)
    place -= place.min()
    weight = np.bincount(place, group.weight).astype(np.float64)
    taken = weight > 0
    margin, y = (
        np.bincount(place, group.weight * of)[taken] / weight[taken] for of in (group.margin, group.y)
    )
    return Observed(margin, y, weight[taken])


def level(group: Observed, slope: float, prior: float = 0.0, top: float = 1.0) -> float:
    """Return the intercept at which as many are expected as were observed.

    `prior` cases' worth of what the margins themselves expect is mixed in: a year in which nothing happened lowers the
    level, but neither to nothing nor (with a slope below 1) up. Raises ValueError without a prior where nothing, or
    everything, came true.
    """
    observed = float((group.weight * group.y).sum())
    expected = float((group.weight * expit(group.margin)).sum())
    target = expected * (observed + prior) / (expected + prior) if prior else observed

    def missing(intercept: float) -> float:
        return float((group.weight * expit(bent(slope * group.margin + intercept, top))).sum()) - target

    return float(brentq(missing, -60.0, 60.0 / top, xtol=1e-9))


def missed(taught: Observed, later: Observed, slope: float, prior: float) -> float:
    """Return how far the level of later rows lies above the level of the rows that taught the same trees.

    Two things part them. Trees know their own rows better than others, so that at the level of their own they expect too
    little of later ones; and the number of cases moves. `prior` cases' worth of «not at all» is mixed in.
    """
    there = slope * later.margin + level(taught, slope, prior)
    return level(Observed(there, later.y, later.weight), 1.0, prior)


def fit_calibration(
    slope: float,
    recent: Mapping[int, Observed],
    prior: float,
    moved: Mapping[int, float] | None = None,
    top: float = 1.0,
) -> Calibration:
    """Return the calibrator of a slope and top at the level of the recent past, by horizon, `moved` by what folds missed.

    A horizon without rows takes the level of the one before it, the first that of the next.
    """
    by = moved or {}
    levels = [
        level(recent[h], slope, prior, top) + by.get(h, 0.0) if h in recent and len(recent[h].y) else None
        for h in HORIZONS
    ]
    last = next((value for value in levels if value is not None), 0.0)
    filled = []
    for value in levels:
        last = value if value is not None else last
        filled.append(last)
    # The order of probabilities comes before the level of one horizon.
    ordered = [round(float(value), 6) for value in np.maximum.accumulate(filled)]
    return Calibration(slope, (ordered[0], ordered[1], ordered[2]), top)


@dataclass(frozen=True)
class Ordered:
    """The fitted trees, the features they read in order, and the calibrator."""

    booster: lgb.Booster
    features: tuple[str, ...]
    calibration: Calibration
    rounds: int

    def margin(self, rows: Floats, horizon: int = SCORE_HORIZON) -> Floats:
        """Return raw margins (float64) of rows (n × features) for one horizon."""
        if not len(rows):  # LightGBM divides by the number of rows.
            return np.empty(0)
        raw = self.booster.predict(self._stacked(rows, horizon), raw_score=True, num_iteration=self.rounds)
        return np.asarray(raw, dtype=np.float64)

    def probabilities(self, rows: Floats) -> tuple[Floats, Floats, Floats]:
        """Return p30 ≤ p90 ≤ p180 of rows (n × features)."""
        p30, p90, p180 = (self.calibration.probability(self.margin(rows, h), h) for h in HORIZONS)
        return p30, p90, p180

    def contributions(self, rows: Floats) -> tuple[Floats, Floats]:
        """Return SHAP contributions (n × features) to the score, and the base of each row.

        `base + contributions.sum(axis=1)` is the score. What the horizon itself contributes is part of the base: it is
        the question, not a finding about the subject.
        """
        if not len(rows):
            return np.empty((0, len(self.features))), np.empty(0)
        raw: Any = self.booster.predict(
            self._stacked(rows, SCORE_HORIZON), pred_contrib=True, num_iteration=self.rounds
        )
        parts = np.asarray(raw, dtype=np.float64)
        return parts[:, :-2], parts[:, -2] + parts[:, -1]

    def _stacked(self, rows: Floats, horizon: int) -> Floats:
        return np.column_stack([rows, np.full(len(rows), float(horizon))])
