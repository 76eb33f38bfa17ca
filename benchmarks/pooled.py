"""Figures of rankings pooled over cities and dates, with intervals clustered by city and subject.

A subject stands in twelve rankings and its label in most of them: rows are not independent, subjects nearly are. A draw
takes cities anew, and subjects within each, with all their dates; every figure of every ranking is computed on the same
draws, so that ratios of two have intervals, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

LEVEL = 0.9
DRAWS = 200


@dataclass(frozen=True)
class Figure:
    """A figure and the middle 90 % of its draws."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Panel:
    """Judged rows in segments (a city and date each): labels, and which subject of which city each row is."""

    y: Floats
    starts: Ints
    """Where each segment starts; rows are sorted by segment."""
    city: Ints
    """Of each segment."""
    subject: Ints
    """Of each row, numbered over all cities."""
    owner: Ints
    """The city of each subject."""

    @classmethod
    def of(cls, rows: pd.DataFrame) -> Panel:
        """Make a panel of rows sorted by `city, as_of`, with `subject_id` and `y` (0 or 1)."""
        segment = pd.MultiIndex.from_frame(rows[["city", "as_of"]])
        codes = pd.factorize(segment)[0]
        starts = np.flatnonzero(np.diff(codes, prepend=-1))
        subject, who = pd.factorize(pd.MultiIndex.from_frame(rows[["city", "subject_id"]]))
        cities = pd.factorize(rows["city"])[0]
        owner = pd.factorize(pd.Series([city for city, _ in who]))[0]
        return cls(rows["y"].to_numpy(float), starts, cities[starts], subject, owner)

    def draws(self, count: int, seed: int = 0) -> Iterator[tuple[Floats, Floats]]:
        """Yield how often each row and each segment is drawn; the first time, everything once."""
        yield np.ones(len(self.y)), np.ones(len(self.starts))
        rng = np.random.default_rng(seed)
        cities = int(self.city.max()) + 1
        for _ in range(count):
            times = np.bincount(rng.integers(cities, size=cities), minlength=cities)
            drawn = np.zeros(len(self.owner))
            for city in range(cities):
                mine = np.flatnonzero(self.owner == city)
                np.add.at(drawn, mine[rng.integers(len(mine), size=len(mine))], 1.0)
            yield drawn[self.subject], times[self.city].astype(float)


@dataclass(frozen=True)
class Ranked:
    """A ranking of a panel: rows from the top within each segment, equals as one."""

    order: Ints
    first: Ints
    """Of each place in the order, the first place of its equals."""
    last: Ints
    starts: Ints

    @classmethod
    def of(cls, panel: Panel, figure: Floats) -> Ranked:
        """Rank by a figure, higher is worse."""
        segment = np.repeat(np.arange(len(panel.starts)), np.diff(panel.starts, append=len(panel.y)))
        order = np.lexsort((-figure, segment))
        new = np.ones(len(order), dtype=bool)
        new[1:] = (np.diff(segment[order]) != 0) | (np.diff(figure[order]) != 0)
        group = np.cumsum(new) - 1
        heads = np.flatnonzero(new)
        tails = np.append(heads[1:], len(order)) - 1
        return cls(order, heads[group], tails[group], panel.starts)

    def measured(self, y: Floats, drawn: Floats, k: int) -> dict[str, Floats]:
        """Return per segment `ap`, `auc`, `precision` and `recall` of the first k; `y` may be a probability."""
        weight, hits = drawn[self.order], (drawn * y)[self.order]
        ends = np.append(self.starts[1:], len(weight)) - 1
        size, found = _within(weight, self.starts), _within(hits, self.starts)
        size_end, found_end = size[self.last], found[self.last]
        found_start = found[self.first] - hits[self.first]
        total, misses = found[ends], size[ends] - found[ends]
        with np.errstate(invalid="ignore", divide="ignore"):
            share = np.where(size_end > 0, found_end / size_end, 0.0)
            ap = np.add.reduceat(hits * share, self.starts) / total
            wrong = (weight - hits) * (found_start + found_end) / 2
            auc = np.add.reduceat(wrong, self.starts) / (total * misses)
        spans = [slice(start, end + 1) for start, end in zip(self.starts, ends, strict=True)]
        first = np.array(
            [
                np.interp(min(k, size_end[one][-1]), np.r_[0.0, size_end[one]], np.r_[0.0, found_end[one]])
                for one in spans
            ]
        )
        with np.errstate(invalid="ignore", divide="ignore"):
            return {
                "ap": ap,
                "auc": auc,
                "precision": first / np.minimum(k, size[ends]),
                "recall": first / total,
                "found": first,
            }


def _within(values: Floats, starts: Ints) -> Floats:
    """Return running sums that start anew at each segment."""
    total = np.cumsum(values)
    before = np.r_[0.0, total[starts[1:] - 1]]
    return total - np.repeat(before, np.diff(starts, append=len(values)))


def pooled(
    panel: Panel,
    rankings: Mapping[str, Floats],
    k: int,
    ratios: Sequence[tuple[str, str]],
    draws: int = DRAWS,
) -> tuple[dict[str, dict[str, Figure]], dict[tuple[str, str], Figure]]:
    """Return per ranking the mean over cities and dates of each figure, and of pairs the ratio of average precision.

    Figures: `ap, auc, precision, recall`, the last two of the first k.
    """
    ranked = {name: Ranked.of(panel, figure) for name, figure in rankings.items()}
    found: dict[str, dict[str, list[float]]] = {name: {} for name in rankings}
    for drawn, times in panel.draws(draws):
        for name, ranking in ranked.items():
            for figure, values in ranking.measured(panel.y, drawn, k).items():
                known = np.isfinite(values)
                mean = np.average(values[known], weights=times[known]) if times[known].sum() else np.nan
                found[name].setdefault(figure, []).append(float(mean))
    figures = {
        name: {figure: interval(values) for figure, values in of.items() if figure != "found"}
        for name, of in found.items()
    }
    times_as = {
        (a, b): interval(np.array(found[a]["ap"]) / np.array(found[b]["ap"])) for a, b in ratios if b in found
    }
    return figures, times_as


def interval(values: Sequence[float] | Floats, *, of_counts: bool = False) -> Figure:
    """Return the first value, which is that of the rows as they are, with the interval of the draws after it.

    A subject drawn twice flatters a ranking: draws lie higher than the figure as a whole, and are moved back. A ratio
    `of_counts` is scaled instead: it cannot be below zero.
    """
    draws = np.asarray(values, dtype=float)[1:]
    known = draws[np.isfinite(draws)]
    low, high = np.quantile(known, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]) if len(known) else (np.nan, np.nan)
    value = float(values[0])
    if of_counts:
        scale = value / float(known.mean()) if len(known) and known.mean() > 0 else 1.0
        return Figure(value, float(low) * scale, float(high) * scale)
    moved = value - float(known.mean()) if len(known) else 0.0
    return Figure(value, float(low) + moved, float(high) + moved)


def calibration(panel: Panel, p: Floats, grade: Ints, draws: int = DRAWS) -> dict[str, Figure]:
    """Return `skill` (log-loss below that of each segment's own base rate), `slope`, and observed over expected.

    `oe_100`, `oe_500` are of the first so many of each segment, `oe_grade_<g>` of each grade, all pooled.
    """
    p = np.clip(p, 1e-9, 1 - 1e-9)
    logit = np.log(p / (1 - p))
    loss = -(panel.y * np.log(p) + (1 - panel.y) * np.log(1 - p))
    ranked = Ranked.of(panel, p)
    found: dict[str, list[float]] = {}
    for place, (drawn, times) in enumerate(panel.draws(draws)):
        weight = drawn * np.repeat(times, np.diff(panel.starts, append=len(p)))
        said = {"skill": _skill(panel, loss, drawn, times)}
        # A slope of every draw would take minutes: every fourth tells its interval, too.
        if place % 4 == 0:
            said["slope"] = _slope(logit, panel.y, weight)
        for k in (100, 500):
            came = (ranked.measured(panel.y, drawn, k)["found"] * times).sum()
            said[f"oe_{k}"] = came / (ranked.measured(p, drawn, k)["found"] * times).sum()
        for one in sorted(set(grade[grade > 0])):
            mine = grade == one
            expected = (weight * p)[mine].sum()
            said[f"oe_grade_{one}"] = (weight * panel.y)[mine].sum() / expected if expected else np.nan
        for name, value in said.items():
            found.setdefault(name, []).append(float(value))
    return {name: interval(values, of_counts=name.startswith("oe_")) for name, values in found.items()}


def _skill(panel: Panel, loss: Floats, drawn: Floats, times: Floats) -> float:
    size = np.add.reduceat(drawn, panel.starts)
    rate = np.clip(np.add.reduceat(drawn * panel.y, panel.starts) / size, 1e-9, 1 - 1e-9)
    base = -size * (rate * np.log(rate) + (1 - rate) * np.log(1 - rate))
    return float(1 - (np.add.reduceat(drawn * loss, panel.starts) * times).sum() / (base * times).sum())


def _slope(logit: Floats, y: Floats, weight: Floats) -> float:
    """Return b of the weighted logistic regression of y on a + b · logit, by Newton's method."""
    x = np.column_stack([np.ones(len(logit)), logit])
    at = np.array([0.0, 1.0])
    for _ in range(12):
        p = 1 / (1 + np.exp(-(x @ at)))
        gradient = x.T @ (weight * (y - p))
        step = np.linalg.solve((x * (weight * p * (1 - p))[:, None]).T @ x, gradient)
        at = at + step
        if np.abs(step).max() < 1e-8:
            break
    return float(at[1])


def lead(
    rows: pd.DataFrame, figure: Floats, cases: pd.DataFrame, k: int, days: int = 180
) -> dict[str, Figure | float]:
    """Return how far before the first complaint (before the case, if nobody complained) a ranking had each case.

    A case is reached on the first date of the `days` before it opened on which its subject is among the first k of its
    city. `share` are those reached before the complaint, of all cases; `days` the median head start of these. Equals
    are taken in the order of their ids. `cases`: `city, subject_id, opened_on, complained_on`.
    """
    place = rows.assign(figure=-figure).sort_values(["city", "as_of", "figure", "subject_id"])
    first = place.loc[
        place.groupby(["city", "as_of"], sort=False).cumcount() < k, ["city", "subject_id", "as_of"]
    ]
    told = cases["complained_on"].fillna(cases["opened_on"])
    listed = cases.assign(told=told, case=np.arange(len(cases))).merge(first, on=["city", "subject_id"])
    before = (listed["opened_on"] - listed["as_of"]).dt.days
    reached = listed.loc[(before >= 0) & (before <= days)].sort_values("as_of").drop_duplicates("case")
    head_start = (reached["told"] - reached["as_of"]).dt.days
    ahead = pd.Series(np.nan, index=np.arange(len(cases)))
    ahead.loc[reached["case"]] = head_start.to_numpy(float)
    won = (ahead > 0).to_numpy()
    return {"cases": float(len(cases)), **_by_case(cases, won, ahead.to_numpy())}


def _by_case(cases: pd.DataFrame, won: npt.NDArray[np.bool_], ahead: Floats) -> dict[str, Figure]:
    rng = np.random.default_rng(0)
    codes, who = pd.factorize(pd.MultiIndex.from_frame(cases[["city", "subject_id"]]))
    members = pd.Series(np.arange(len(cases))).groupby(codes).indices
    share, median = [], []
    for draw in range(DRAWS + 1):
        drawn = np.arange(len(cases))
        if draw:
            drawn = np.concatenate([members[one] for one in rng.integers(len(who), size=len(who))])
        share.append(float(won[drawn].mean()))
        median.append(float(np.median(ahead[drawn][won[drawn]])) if won[drawn].any() else np.nan)
    return {"share": interval(share), "days": interval(median)}
