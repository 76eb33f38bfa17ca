"""Whether probabilities are what they say, pooled over dates, with intervals over subjects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from anxin.judging.resampling import CONFIDENCE, Interval, ratio, within_each

Floats = npt.NDArray[np.float64]

_NORMAL = 1.6448536269514722
_STEPS = 50
_LEAST = 1e-9


@dataclass(frozen=True)
class Calibration:
    """Pooled over the dates: rows, what came true, and how far the probabilities can be taken at their word."""

    rows: int
    positives: int
    log_loss_skill: Interval
    """1 - log-loss / log-loss of each date's own base rate, which nobody knows beforehand: hard to beat."""
    slope: Interval
    """Slope of a logistic regression of what came true on the log-odds given; 1 is right, below 1 too extreme."""
    observed_expected: dict[str, Interval]
    """By part: the first k of each date (`first_100`), the grades (`grade_4` … `grade_1`, `grade_0`), `everyone`."""

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            "rows": self.rows,
            "positives": self.positives,
            "confidence": CONFIDENCE,
            "log_loss_skill": self.log_loss_skill.as_dict(),
            "slope": self.slope.as_dict(),
            "observed_expected": {part: each.as_dict() for part, each in self.observed_expected.items()},
        }


def calibration(rows: pd.DataFrame, firsts: tuple[int, ...] = (100, 500)) -> Calibration:
    """Judge the probabilities of a ranking, pooled over dates.

    `rows`: `subject_id, as_of, figure, p90, y` (NaN unknown: left out) and, where there is one, `grade`.
    """
    rows = rows.loc[rows["y"].notna() & rows["p90"].notna()]
    y, p = rows["y"].to_numpy(float), np.clip(rows["p90"].to_numpy(float), _LEAST, 1 - _LEAST)
    subject = rows["subject_id"]
    rate = rows.groupby("as_of")["y"].transform("mean").to_numpy(float).clip(_LEAST, 1 - _LEAST)
    loss = ratio(_loss(y, p), _loss(y, rate), subject)
    parts = {"everyone": np.ones(len(rows))}
    for k in firsts:
        parts[f"first_{k}"] = within_each(rows, k)
    if "grade" in rows:
        graded = rows["grade"].to_numpy(float)
        parts |= {f"grade_{n}": (graded == n).astype(float) for n in (4, 3, 2, 1, 0) if (graded == n).any()}
    return Calibration(
        rows=len(rows),
        positives=int(y.sum()),
        log_loss_skill=Interval(*(None if v is None else 1 - v for v in (loss.mean, loss.high, loss.low))),
        slope=slope(y, p, subject),
        observed_expected={
            name: _observed_expected(y, p, part, subject) for name, part in parts.items() if part.sum() > 0
        },
    )


def _loss(y: Floats, p: Floats) -> Floats:
    found: Floats = -(y * np.log(p) + (1 - y) * np.log(1 - p))
    return found


def _observed_expected(y: Floats, p: Floats, part: Floats, subject: pd.Series) -> Interval:
    """Return Σ observed / Σ expected; with nothing observed the upper bound is that of a Poisson count of none."""
    inside = part > 0
    weight = part[inside]
    observed, expected = y[inside] * weight, p[inside] * weight
    if observed.sum() == 0:
        most = -np.log((1 - CONFIDENCE) / 2)
        return Interval(0.0, 0.0, float(most / expected.sum()))
    found = ratio(observed, expected, subject[inside], log=True)
    # Never narrower than a Poisson count: few subjects hardly show how they vary.
    least = float(np.exp(_NORMAL * observed.sum() ** -0.5))
    if found.mean is None or found.low is None or found.high is None:
        return found
    return Interval(found.mean, min(found.low, found.mean / least), max(found.high, found.mean * least))


def slope(y: Floats, p: Floats, subject: pd.Series) -> Interval:
    """Return the calibration slope (Cox 1958), its interval clustered by subject; None without both outcomes."""
    none = Interval(None, None, None)
    x = np.log(p / (1 - p))
    if not 0 < y.sum() < len(y) or np.ptp(x) < 1e-9:
        return none
    design = np.column_stack([np.ones(len(x)), x])
    beta = np.array([0.0, 1.0])
    for _ in range(_STEPS):
        fitted = 1 / (1 + np.exp(-np.clip(design @ beta, -30, 30)))
        information = (design * (fitted * (1 - fitted))[:, None]).T @ design
        if not np.isfinite(information).all() or np.linalg.cond(information) > 1e14:
            return none
        step = np.linalg.solve(information, design.T @ (y - fitted))
        step *= min(1.0, 3.0 / max(float(np.abs(step).max()), 1e-12))
        beta = beta + step
        if np.abs(step).max() < 1e-10:
            break
    else:
        return none
    codes, uniques = pd.factorize(subject)
    scores = design * (y - fitted)[:, None]
    by_subject = np.column_stack([np.bincount(codes, weights=each) for each in scores.T])
    bread = np.linalg.inv(information)
    spread = bread @ (by_subject.T @ by_subject) @ bread * len(uniques) / max(len(uniques) - 1, 1)
    error = float(np.sqrt(spread[1, 1]))
    return Interval(float(beta[1]), float(beta[1] - _NORMAL * error), float(beta[1] + _NORMAL * error))
