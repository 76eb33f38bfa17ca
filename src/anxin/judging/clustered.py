"""Intervals for figures over subjects seen on several dates: the subject is what is drawn, with all its rows.

Dates a month apart share most of their 90 days, so rows are not independent; subjects nearly are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import beta

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_CHUNK = 20


def weights(subjects: int, draws: int, seed: int = 0) -> Iterator[Floats]:
    """Give `draws` rows of bootstrap weights of subjects (Poisson, mean 1), some rows at a time."""
    rng = np.random.default_rng(seed)
    for start in range(0, draws, _CHUNK):
        yield rng.poisson(1.0, (min(_CHUNK, draws - start), subjects)).astype(np.float64)


def precision_draws(figure: Floats, y: Floats, subject: Ints, drawn: Floats) -> Floats:
    """Return the average precision of one date under each row of weights; ties are judged as ties, NaN without a hit."""
    order = np.argsort(-figure, kind="stable")
    ends = np.flatnonzero(np.r_[np.diff(figure[order]) != 0, True])
    weight = drawn[:, subject[order]]
    size = np.cumsum(weight, axis=1)[:, ends]
    hits = np.cumsum(weight * y[order], axis=1)[:, ends]
    with np.errstate(invalid="ignore", divide="ignore"):
        precision = np.where(size > 0, hits / size, 0.0)
        found = (np.diff(hits, axis=1, prepend=0.0) * precision).sum(axis=1) / hits[:, -1]
    return np.asarray(found, dtype=np.float64)


def gain_draws(days: Sequence[tuple[Floats, Floats, Floats, Ints]], subjects: int, draws: int) -> Floats:
    """Return draws of the mean gain in average precision over dates.

    Each date is (ours, theirs, y, subject number), one entry per row. A draw in which a date has no hit leaves it out.
    """
    found = []
    for drawn in weights(subjects, draws):
        gains = np.stack(
            [
                precision_draws(ours, y, subject, drawn) - precision_draws(theirs, y, subject, drawn)
                for ours, theirs, y, subject in days
            ]
        )
        with np.errstate(invalid="ignore"):
            known = np.isfinite(gains)
            found.append(np.where(known, gains, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1))
    return np.concatenate(found)


def ratio(observed: Floats, expected: Floats, subject: Ints, z: float) -> tuple[float, float, float]:
    """Return Σ observed / Σ expected with an interval of ± z standard errors in logs, subjects being independent.

    Nothing observed gives 0 with the upper end a Poisson count of none allows.
    """
    total, base = float(observed.sum()), float(expected.sum())
    if base <= 0:
        return float("nan"), 0.0, float("inf")
    if total <= 0:
        return 0.0, 0.0, float(0.5 * (z + 1.0) ** 2 / base)
    found = total / base
    left = np.bincount(subject, weights=observed - found * expected)
    # Never narrower than a Poisson count: few subjects hardly show how they vary.
    error = max(float(np.sqrt((left**2).sum())) / total, total**-0.5)
    return found, found * float(np.exp(-z * error)), found * float(np.exp(z * error))


def mean(values: Floats, subject: Ints, z: float) -> tuple[float, float, float]:
    """Return the mean of rows with an interval of ± z standard errors, subjects being independent."""
    found = float(values.mean())
    error = float(np.sqrt((np.bincount(subject, weights=values - found) ** 2).sum())) / len(values)
    return found, found - z * error, found + z * error


def slope(p: Floats, y: Floats, subject: Ints, z: float) -> tuple[float, float, float]:
    """Return the slope of a logistic regression of outcomes on the log-odds said, with a subject-robust interval."""
    x = np.column_stack([np.ones(len(p)), np.log(p) - np.log1p(-p)])
    line = np.array([0.0, 1.0])
    for _ in range(25):
        q = 1.0 / (1.0 + np.exp(-np.clip(x @ line, -30, 30)))
        curve = (x * (q * (1 - q))[:, None]).T @ x + 1e-9 * np.eye(2)
        step = np.linalg.solve(curve, x.T @ (y - q))
        line = line + np.clip(step, -2.0, 2.0)
        if np.abs(step).max() < 1e-8:
            break
    each = x * (y - q)[:, None]
    by_subject = np.column_stack([np.bincount(subject, weights=each[:, i]) for i in range(2)])
    inverse = np.linalg.inv(curve)
    error = float(np.sqrt((inverse @ (by_subject.T @ by_subject) @ inverse)[1, 1]))
    return float(line[1]), float(line[1] - z * error), float(line[1] + z * error)


def overlap(rows: pd.DataFrame) -> float:
    """Return how many dates share one window of 90 days: so many rows of a subject count as one."""
    days = sorted(pd.to_datetime(rows["as_of"]).unique())
    if len(days) < 2:
        return 1.0
    step = float(np.median(np.diff(np.array(days)) / np.timedelta64(1, "D")))
    return float(min(len(days), max(1.0, 90 / step)))


def binomial(hits: float, n: float, alpha: float) -> tuple[float, float]:
    """Return the exact two-sided interval of a share; `n` may be no whole number where rows were thinned."""
    low = float(beta.ppf(alpha / 2, hits, n - hits + 1)) if hits > 0 else 0.0
    high = float(beta.ppf(1 - alpha / 2, hits + 1, n - hits)) if n > hits else 1.0
    return low, high
