"""When the outcome feed was dead: a label window over such a stretch is unknown, in training and in judging."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise

import ibis

from anxin.feeds.asof import View

OUTCOME = "cases"
REGISTRIES = ("employers", "projects")
OUTAGE_DAYS = 14
"""Days without a single row that make the feed dead, if it is not slow by nature."""


def outages_of(view: View, before: date, since: date | None = None) -> list[tuple[date, date]]:
    """Return the outages of the outcome feed known before a date; days before its first case count as one from `since`.

    A feed that joins later than the others knows nothing of the time before its earliest case, however early that lies.
    """
    rows = view.history(OUTCOME)
    rows = rows.filter(
        rows.received_at < ibis.literal(before).cast("timestamp(6)"), rows.opened_on < ibis.literal(before)
    )
    days = view.backend.to_pyarrow(rows.select(day=rows.received_at.date()).distinct())["day"].to_pylist()
    if not days:
        return []
    found = outages(days, before, OUTAGE_DAYS)
    first: date = view.backend.to_pyarrow(rows.aggregate(first=rows.opened_on.min()))["first"][0].as_py()
    if since is not None and (first - since).days > OUTAGE_DAYS:
        found.insert(0, (since, first - timedelta(days=1)))
    return found


def first_received(view: View, before: date) -> date | None:
    """Return the first day before a date that any feed of events was received: what happens is known since then."""
    firsts = [view.lake.first_received(feed) for feed in view.lake.feeds() if feed not in REGISTRIES]
    return min(
        (first.date() for first in firsts if first is not None and first.date() < before), default=None
    )


def overlaps(day: date, horizon: int, dead: Sequence[tuple[date, date]]) -> bool:
    """Say whether the window of `horizon` days from a date sees an outage."""
    return any(day <= last and day + timedelta(days=horizon) > first for first, last in dead)


def outages(received: Sequence[date], known_before: date, least_days: int) -> list[tuple[date, date]]:
    """Return the stretches of at least `least_days` without a row of the outcome feed: first and last silent day.

    A label window over a dead feed is unknown, not negative. A feed that is slow by nature (few cases) is judged by its
    own rhythm: silence counts from four times its usual longest gap. A feed that never came has no stretches.
    """
    days = sorted(set(received))
    if not days:
        return []
    gaps = [(a, b, (b - a).days - 1) for a, b in pairwise([*days, known_before])]
    silent = sorted(gap for _, _, gap in gaps)
    usual = silent[int(0.95 * (len(silent) - 1))] if silent else 0
    least = max(least_days, 4 * usual)
    return [(a + timedelta(days=1), b - timedelta(days=1)) for a, b, gap in gaps if gap >= least]
