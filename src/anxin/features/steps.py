"""Lasting falls of electricity: where the level of the last half year is best parted into before and since.

Both are held against each meter's own level over all of these weeks; those near Spring Festival are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import reduce
from operator import add, or_

import ibis
import ibis.expr.types as ir

from anxin.features.known import ratio
from anxin.features.meters import STEPS, level, level_of
from anxin.features.weeks import WEEK, by_day

_READINGS = (15, 30)
"""Readings there must be since a step and before it."""
_FALL = 0.2
NEWEST = 3
"""The newest ordinary weeks that must still be below: a level that came back did not fall for good."""


def since(found: ir.Table) -> dict[str, ir.Value]:
    """Return the sums of the ordinary weeks since each week at which a new level could begin."""
    return {
        f"since_{k}_{what}": reduce(add, [found[f"ordinary_{of}_{what}"] for of in range(1, k + 1)])
        for k in STEPS
        for what in ("wh", "n", "usual")
    }


def newest(found: ir.Table, oldest: Mapping[date, int]) -> dict[str, ir.Value]:
    """Return the sums of the newest ordinary weeks, and how many weeks back the `oldest` of them lies, by date."""
    groups: dict[int, list[date]] = {}
    for day, week in oldest.items():
        groups.setdefault(week, []).append(day)
    sums: dict[str, ir.Value] = {"newest": by_day(found.as_of, oldest)}
    for what in ("wh", "usual"):
        every = {week: found[f"since_{week}_{what}"] for week in groups}
        cases = [(found.as_of.isin(days), every[week]) for week, days in groups.items()]
        sums[f"newest_{what}"] = ibis.cases(*cases) if len(every) > 1 else every.popitem()[1]
    return sums


def falls(found: ir.Table) -> dict[str, ir.FloatingValue]:
    """Return for each week at which a new level could begin how far it fell, and how well it parts the weeks.

    Festive weeks are left out. `score_k` is the sum of squares between the weeks before and the `k` since, 0
    if the level fell by less than a fifth or the newest weeks are above that again, missing if there are too
    few readings. Newest weeks without a reading do not say that it came back.
    """
    found_falls: dict[str, ir.FloatingValue] = {}
    for k in STEPS:
        since_wh, since_n, since_usual = (found[f"since_{k}_{what}"] for what in ("wh", "n", "usual"))
        before_n = found.steady_n - since_n
        now = level_of(since_wh, since_usual)
        before = level_of(found.steady_wh - since_wh, found.steady_usual - since_usual)
        enough = (since_n >= _READINGS[0]) & (before_n >= _READINGS[1])
        fall = 1.0 - ratio(now, before)
        # Of the newest weeks those that lie since.
        lately = (found.newest > k).ifelse(now, level(found, "newest"))
        below = (1.0 - ratio(lately, before) >= _FALL).fill_null(True)
        weight = ratio(since_n * before_n, found.steady_n)
        lasting = (fall >= _FALL).fill_null(False) & below
        score = lasting.ifelse(weight * (before - now) * (before - now), 0.0)
        found_falls |= {f"fall_{k}": fall, f"score_{k}": enough.ifelse(score, None)}
    return found_falls


def step(levels: ir.Table) -> tuple[ir.FloatingValue, ir.FloatingValue]:
    """Return the age in days and the depth of the last lasting fall: the best parting, the latest of equals."""
    scores = {k: levels[f"score_{k}"] for k in STEPS}
    best = ibis.greatest(*(score.fill_null(0.0) for score in scores.values()))
    hits = {k: ((score == best) & (score > 0.0)).fill_null(False) for k, score in scores.items()}
    days = ibis.cases(*((hit, levels.week_age + k * WEEK) for k, hit in hits.items()))
    depth = ibis.cases(*((hit, levels[f"fall_{k}"]) for k, hit in hits.items()), else_=0.0)
    tried = reduce(or_, [score.notnull() for score in scores.values()])
    return days.cast("float64"), tried.ifelse(depth, None)
