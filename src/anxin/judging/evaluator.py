"""The evaluator of any list: how good a ranking was, date by date, for all subjects and for 新发现 alone.

Whoever made a list (the model, a baseline, another system) is judged here by the same measures. Ties are judged as
ties: a precision among equals is what a random order of them would give on average.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]

GROUPS = ("all", "new")
"""Everyone, and 新发现 (new): subjects not in hand on D. The second decides."""


@dataclass(frozen=True)
class Measures:
    """How one ranking did on one date and group. Figures that cannot be had are None."""

    as_of: str
    group: str
    subjects: int
    positives: int
    average_precision: float | None
    auc: float | None
    precision_100: float | None
    precision_500: float | None
    recall_500: float | None
    observed_expected_100: float | None
    observed_expected_500: float | None
    log_loss: float | None
    log_loss_base: float | None


def measure(as_of: str, group: str, figure: Floats, y: Floats, probability: Floats | None) -> Measures:
    """Judge one ranking: `figure` (higher is worse), labels 0/1, and probabilities where the list has them."""
    n, positives = len(y), int(y.sum())
    ranked = _Ranked.of(figure, y)
    some = 0 < positives < n
    p = None if probability is None else np.clip(probability, 1e-9, 1 - 1e-9)
    return Measures(
        as_of=as_of,
        group=group,
        subjects=n,
        positives=positives,
        average_precision=ranked.average_precision() if positives else None,
        auc=ranked.auc() if some else None,
        precision_100=ranked.found(100) / min(100, n) if n else None,
        precision_500=ranked.found(500) / min(500, n) if n else None,
        recall_500=ranked.found(500) / positives if positives else None,
        observed_expected_100=None if p is None else _observed_expected(figure, y, p, 100),
        observed_expected_500=None if p is None else _observed_expected(figure, y, p, 500),
        log_loss=None if p is None or not n else float(-(y * np.log(p) + (1 - y) * np.log(1 - p)).mean()),
        log_loss_base=_base(y) if n else None,
    )


@dataclass(frozen=True)
class _Ranked:
    """Groups of equals from the top: how many there are up to each, and how many of them came true."""

    size: Floats
    hits: Floats

    @classmethod
    def of(cls, figure: Floats, y: Floats) -> _Ranked:
        _, group = np.unique(-figure, return_inverse=True)
        return cls(np.cumsum(np.bincount(group)).astype(float), np.cumsum(np.bincount(group, weights=y)))

    def average_precision(self) -> float:
        recall_step = np.diff(self.hits, prepend=0.0) / self.hits[-1]
        return float((recall_step * self.hits / self.size).sum())

    def auc(self) -> float:
        misses = self.size - self.hits
        heights = (self.hits + np.concatenate([[0.0], self.hits[:-1]])) / 2
        return float((np.diff(misses, prepend=0.0) * heights).sum() / (self.hits[-1] * misses[-1]))

    def found(self, k: int) -> float:
        """Return how many of the first k came true, on average over the orders of equals."""
        return float(np.interp(min(k, self.size[-1]), np.r_[0.0, self.size], np.r_[0.0, self.hits]))


def _observed_expected(figure: Floats, y: Floats, p: Floats, k: int) -> float | None:
    expected = _Ranked.of(figure, p).found(k)
    return float(_Ranked.of(figure, y).found(k) / expected) if expected > 0 else None


def _base(y: Floats) -> float:
    """Log-loss of the best constant, the date's own base rate: harder to beat than any base rate known before."""
    rate = np.clip(y.mean(), 1e-9, 1 - 1e-9)
    return float(-(rate * np.log(rate) + (1 - rate) * np.log(1 - rate)))


def judge(rows: pd.DataFrame) -> list[Measures]:
    """Judge a ranking over dates.

    `rows`: `as_of`, `figure` (higher is worse), `y` (1.0, 0.0 or NaN for unknown and averted), `in_hand`, and
    optionally `p90`. Rows without a label are left out. Returns one `Measures` per date and group.
    """
    found = []
    for as_of, day in rows.loc[rows["y"].notna()].groupby("as_of", sort=True):
        for group in GROUPS:
            part = day if group == "all" else day.loc[~day["in_hand"]]
            if len(part):
                p = part["p90"].to_numpy(float) if "p90" in part else None
                found.append(
                    measure(str(as_of), group, part["figure"].to_numpy(float), part["y"].to_numpy(float), p)
                )
    return found


def mean_over_dates(measures: Sequence[Measures], group: str) -> dict[str, float]:
    """Return each figure's mean over the dates of a group; a figure no date has is left out."""
    table = pd.DataFrame([asdict(m) for m in measures if m.group == group])
    if table.empty:
        return {}
    means = table.drop(columns=["as_of", "group"]).astype(float).mean(skipna=True)
    return {str(name): float(value) for name, value in means.items() if np.isfinite(value)}
