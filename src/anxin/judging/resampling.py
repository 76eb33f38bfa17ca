"""How sure a figure is, when dates share subjects: intervals over subjects, not over rows.

Dates 30 days apart share two thirds of their 90-day labels: a case counts for the same subject on three dates, and what
looks like twelve results is nearer to four. So a subject is drawn with all its dates or not at all. Ranked figures are
drawn anew with weights (each subject's weight Poisson(1), the bootstrap of a large sample); ratios of sums (calibration,
lead) get the same by linearisation, without drawing. The dates themselves are taken as given: intervals say nothing of
other seasons.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import beta

from anxin.judging.evaluator import GROUPS

Floats = npt.NDArray[np.float64]

DRAWS = 200
CONFIDENCE = 0.90
_NORMAL = 1.6448536269514722
"""The normal quantile of a two-sided 90 % interval."""

_HEAD = 2000
"""Ranks whose every row is drawn; below, only what came true is, and how many rows there are stays as it is."""

SIZES = ("workers", "yuan")


@dataclass(frozen=True)
class Interval:
    """A figure with its 90 % interval; None where it cannot be had."""

    mean: float | None
    low: float | None
    high: float | None

    def as_dict(self) -> dict[str, float | None]:
        """Return it for JSON."""
        return {"mean": self.mean, "low": self.low, "high": self.high}


class Subjects:
    """The weight of each subject in each draw, the same for every ranking, group and date."""

    def __init__(self, subject_ids: Sequence[str] | pd.Series, draws: int = DRAWS, seed: int = 0) -> None:
        self._index = pd.Index(sorted(set(subject_ids)))
        rng = np.random.default_rng(seed)
        self._weights = rng.poisson(1.0, (len(self._index), draws)).astype(np.uint8)
        self.draws = draws

    def weights(self, subject_ids: pd.Series | npt.NDArray[np.object_]) -> npt.NDArray[np.float32]:
        """Return a row of weights for each subject asked, (subjects, draws)."""
        return self._weights[self._index.get_indexer(pd.Index(subject_ids))].astype(np.float32)


def within(figure: Floats, k: int) -> Floats:
    """Return how likely each row is among the first k (higher figures first), equals being drawn at random."""
    _, group = np.unique(-figure, return_inverse=True)
    size = np.bincount(group)
    before = np.cumsum(size) - size
    chance: Floats = np.clip((k - before[group]) / size[group], 0.0, 1.0)
    return chance


def within_each(rows: pd.DataFrame, k: int) -> Floats:
    """Return how likely each row is among the first k of its date (`as_of`, `figure`)."""
    chance = np.zeros(len(rows))
    figure = rows["figure"].to_numpy(float)
    for places in rows.reset_index(drop=True).groupby("as_of").indices.values():
        chance[places] = within(figure[places], k)
    return chance


@dataclass(frozen=True)
class Drawn:
    """One ranking judged on some dates and drawn anew: each figure per date, and per date and draw."""

    dates: tuple[str, ...]
    figures: Mapping[str, Floats]
    draws: Mapping[str, Floats]

    def interval(self, name: str) -> Interval:
        """Return the mean of a figure over the dates that have it; every figure is a share."""
        found = _interval(self.figures[name], self.draws[name])
        low, high = (None if v is None else min(max(v, 0.0), 1.0) for v in (found.low, found.high))
        return Interval(found.mean, low, high)

    def gain(self, other: Drawn, name: str) -> dict[str, float | int | None]:
        """Compare two rankings on the dates both have, with the same draws of subjects: mean gain and dates won."""
        both = [day for day in self.dates if day in other.dates]
        if not both:
            return {"dates": 0}
        ours = np.array([self.dates.index(day) for day in both])
        theirs = np.array([other.dates.index(day) for day in both])
        gains = self.figures[name][ours] - other.figures[name][theirs]
        known = np.isfinite(gains)
        if not known.any():
            return {"dates": 0}
        drawn = self.draws[name][ours] - other.draws[name][theirs]
        found = _interval(gains[known], drawn[known])
        return {"dates": int(known.sum()), "won": int((gains[known] > 0).sum()), **found.as_dict()}


def _interval(figures: Floats, draws: Floats) -> Interval:
    known = np.isfinite(figures)
    if not known.any():
        return Interval(None, None, None)
    drawn = draws[known]
    counted = np.isfinite(drawn)
    means = np.where(counted, drawn, 0.0).sum(axis=0) / np.maximum(counted.sum(axis=0), 1)
    means = means[counted.any(axis=0)]
    mean = float(figures[known].mean())
    if not len(means):
        return Interval(mean, None, None)
    # A subject drawn twice flatters a ranking: the draws lie higher than the figure as a whole, and are moved back.
    low, high = np.quantile(means, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2]) - means.mean() + mean
    return Interval(mean, float(low), float(high))


def drawn(rows: pd.DataFrame, subjects: Subjects, capacities: Sequence[int]) -> dict[str, Drawn]:
    """Judge a ranking at capacities, over dates and with draws, for everyone and for 新发现 (`GROUPS`).

    `rows` as for `judge`, with `subject_id` and, of what came true, `workers` and `yuan` (NaN unknown). Figures:
    `average_precision`, and per capacity k `precision_k`, `recall_k`, `workers_k` and `yuan_k` (shares of the workers and
    yuan of all that came true).
    """
    found = {}
    known = rows.loc[rows["y"].notna()]
    for group in GROUPS:
        days = [
            (str(day), part if group == "all" else part.loc[~part["in_hand"]])
            for day, part in known.groupby("as_of", sort=True)
        ]
        days = [(day, part) for day, part in days if len(part)]
        results = [_day(part, subjects, capacities) for _, part in days]
        names = _names(capacities)
        found[group] = Drawn(
            tuple(day for day, _ in days),
            {name: np.array([result[name][0] for result in results]) for name in names},
            {
                name: np.array([result[name][1:] for result in results]).reshape(len(days), subjects.draws)
                for name in names
            },
        )
    return found


def _names(capacities: Sequence[int]) -> list[str]:
    figures = ("precision", "recall", *SIZES)
    return ["average_precision", *(f"{figure}_{k}" for k in capacities for figure in figures)]


def _day(day: pd.DataFrame, subjects: Subjects, capacities: Sequence[int]) -> dict[str, Floats]:
    """Return each figure of one date: first as it is, then per draw."""
    figure = day["figure"].to_numpy(float)
    order = np.argsort(-figure, kind="stable")
    figure, y = figure[order], day["y"].to_numpy(float)[order]
    n = len(order)
    head = min(n, max(_HEAD, 4 * max(capacities, default=0)))
    ids = day["subject_id"].to_numpy()[order]
    ends = np.flatnonzero(np.r_[figure[1:] != figure[:-1], True])
    sizes = [
        day[name].fillna(0.0).to_numpy(float)[order] * y if name in day else np.zeros(n) for name in SIZES
    ]
    size = _sizes(subjects.weights(ids[:head]), ends, head, n)
    true = np.flatnonzero(y > 0)
    weight = _with_itself(subjects.weights(ids[true]))
    group = np.searchsorted(ends, true)
    found = {"average_precision": _average_precision(size, weight, y[true], group)}
    # What lies below the head is one long group: capacities do not reach it.
    shown = np.flatnonzero((ends < head) | (ends == n - 1))
    values = [y[true], *(each[true] for each in sizes)]
    sums = [_cumulated(weight * value[:, None], group, shown) for value in values]
    for k in capacities:
        reached = _first(size[shown], sums, k)
        with np.errstate(invalid="ignore", divide="ignore"):
            found[f"precision_{k}"] = reached[0] / np.minimum(k, size[-1])
            for name, at, each in zip(("recall", *SIZES), reached, sums, strict=True):
                found[f"{name}_{k}"] = at / each[-1]
    return found


def _with_itself(weights: npt.NDArray[np.float32]) -> Floats:
    """Put the sample as it is, every weight 1, before its draws."""
    return np.column_stack([np.ones(len(weights)), weights]).astype(np.float64)


def _sizes(weights: npt.NDArray[np.float32], ends: npt.NDArray[np.int64], head: int, n: int) -> Floats:
    """Return how many rows there are up to the end of each group of equals, per draw."""
    up_to = np.cumsum(_with_itself(weights), axis=0)
    inside = ends < head
    below = up_to[-1] + (ends[~inside, None] + 1 - head)
    return np.concatenate([up_to[ends[inside]], below])


def _cumulated(values: Floats, group: npt.NDArray[np.int64], shown: npt.NDArray[np.int64]) -> Floats:
    """Return the sums of values up to the end of each shown group; `group` is each value's own, ascending."""
    sums = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)])
    return sums[np.searchsorted(group, shown, side="right")]


def _average_precision(size: Floats, weight: Floats, y: Floats, group: npt.NDArray[np.int64]) -> Floats:
    if not len(group):
        return np.full(size.shape[1], np.nan)
    groups = np.unique(group)
    hits = _cumulated(weight * y[:, None], group, groups)
    steps = np.diff(hits, axis=0, prepend=0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        precision = np.where(steps > 0, hits / np.maximum(size[groups], 1e-12), 0.0)
        found: Floats = (steps * np.minimum(precision, 1.0)).sum(axis=0) / hits[-1]
    return found


def _first(size: Floats, sums: Sequence[Floats], k: int) -> list[Floats]:
    """Return what the first k hold of each sum, on average over the orders of equals, per draw."""
    each = np.arange(size.shape[1])
    place = np.array([np.searchsorted(size[:, d], k) for d in each])
    last = np.minimum(place, len(size) - 1)
    first = np.maximum(last - 1, 0)
    before = np.where(last > 0, size[first, each], 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        part = np.clip((k - before) / (size[last, each] - before), 0.0, 1.0)
    part = np.nan_to_num(part, nan=1.0)
    found = []
    for values in sums:
        low = np.where(last > 0, values[first, each], 0.0)
        found.append(low + part * (values[last, each] - low))
    return found


def ratio(over: Floats, under: Floats, subject: Sequence[str] | pd.Series, *, log: bool = False) -> Interval:
    """Return Σ over / Σ under with an interval over subjects (linearised, clustered); on the log scale if `log`."""
    total = float(np.sum(under))
    if not len(over) or total == 0:
        return Interval(None, None, None)
    found = float(np.sum(over)) / total
    codes, _ = pd.factorize(pd.Series(np.asarray(subject)))
    residual = np.bincount(codes, weights=(over - found * under)) / total
    m = len(residual)
    spread = float(np.sqrt((residual**2).sum() * m / max(m - 1, 1)))
    if log and found > 0:
        factor = float(np.exp(_NORMAL * spread / found))
        return Interval(found, found / factor, found * factor)
    return Interval(found, found - _NORMAL * spread, found + _NORMAL * spread)


def share(over: Floats, under: Floats, subject: Sequence[str] | pd.Series) -> Interval:
    """Return a ratio that lies in [0, 1] with its interval over subjects.

    Where nothing of it came true, or all, there is no spread to be seen: the bound is that of a count of none among as
    many subjects as there effectively are.
    """
    found = ratio(over, under, subject)
    if found.mean is None or found.low is None or found.high is None:
        return found
    if 1e-12 < found.mean < 1 - 1e-12:
        return Interval(found.mean, max(found.low, 0.0), min(found.high, 1.0))
    codes, _ = pd.factorize(pd.Series(np.asarray(subject)))
    mass = np.bincount(codes, weights=under)
    least = ((1 - CONFIDENCE) / 2) ** (1 / max(float(mass.sum() ** 2 / (mass**2).sum()), 1.0))
    return Interval(0.0, 0.0, 1 - least) if found.mean < 0.5 else Interval(1.0, least, 1.0)


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
