"""Ordered probabilities: one LightGBM over rows stacked by horizon, and one calibrator that keeps their order.

The horizon is a feature the trees may only rise in, so the margins of 30, 90 and 180 days are ordered on every row.
The calibrator has one slope for all horizons and intercepts that do not fall, so the probabilities are ordered too, by
construction and not by clipping.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import expit

HORIZONS = (30, 90, 180)
"""Days ahead. The score is the margin of the middle one."""

SCORE_HORIZON = 90
HORIZON = "horizon_days"

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Calibration:
    """`p = expit(slope · margin + intercept[horizon])`, slope > 0, intercepts not falling with the horizon."""

    slope: float
    intercepts: tuple[float, float, float]

    def __post_init__(self) -> None:
        if not self.slope > 0 or list(self.intercepts) != sorted(self.intercepts):
            raise ValueError(f"this calibration would break the order of probabilities: {self}")

    def probability(self, margin: Floats, horizon: int) -> Floats:
        """Return the calibrated probability of the margins of one horizon."""
        return np.asarray(expit(self.slope * margin + self.intercepts[HORIZONS.index(horizon)]), dtype=np.float64)


IDENTITY = Calibration(1.0, (0.0, 0.0, 0.0))


def fit_calibration(
    margins: Sequence[Floats], labels: Sequence[Floats], weights: Sequence[Floats], prior: float
) -> Calibration:
    """Fit on out-of-time margins, one array per horizon; `prior` positives' worth of pull towards no change.

    Few positives must not bend probabilities far: the pull is a quadratic around slope 1 and intercepts 0. Rows are
    weighted; labels are 0 or 1.
    """
    held = [(m, y, w) for m, y, w in zip(margins, labels, weights, strict=True)]
    if sum(float((y * w).sum()) for _, y, w in held) < 1:
        return IDENTITY

    def unpack(theta: Floats) -> tuple[float, Floats]:
        return float(np.exp(theta[0])), np.cumsum(np.concatenate([theta[1:2], np.exp(theta[2:]) - _TINY]))

    def loss(theta: Floats) -> float:
        slope, intercepts = unpack(theta)
        total = 0.0
        for (margin, y, w), b in zip(held, intercepts, strict=True):
            if len(margin):
                z = slope * margin + b
                total += float((w * (np.logaddexp(0.0, z) - y * z)).sum())
        return total + prior * float((theta[0] / 0.5) ** 2 + theta[1] ** 2 + ((intercepts - theta[1])[1:] ** 2).sum())

    start = np.array([0.0, 0.0, np.log(_TINY), np.log(_TINY)])
    best = minimize(loss, start, method="Nelder-Mead", options={"xatol": 1e-5, "fatol": 1e-7, "maxiter": 4000})
    slope, intercepts = unpack(best.x)
    rounded = [round(float(b), 6) for b in np.maximum.accumulate(intercepts)]
    return Calibration(round(slope, 6), (rounded[0], rounded[1], rounded[2]))


_TINY = 1e-3
"""Steps between intercepts start from (almost) nothing."""


@dataclass(frozen=True)
class Ordered:
    """The fitted trees, the features they read in order, and the calibrator."""

    booster: lgb.Booster
    features: tuple[str, ...]
    calibration: Calibration
    rounds: int

    def margin(self, rows: Floats, horizon: int = SCORE_HORIZON) -> Floats:
        """Return raw margins (float64) of rows (n × features) for one horizon."""
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
        raw: Any = self.booster.predict(
            self._stacked(rows, SCORE_HORIZON), pred_contrib=True, num_iteration=self.rounds
        )
        parts = np.asarray(raw, dtype=np.float64)
        return parts[:, :-2], parts[:, -2] + parts[:, -1]

    def _stacked(self, rows: Floats, horizon: int) -> Floats:
        return np.column_stack([rows, np.full(len(rows), float(horizon))])
