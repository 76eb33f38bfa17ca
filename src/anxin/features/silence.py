"""Who has gone quiet: days since a subject's own last row of a feed, less what the whole feed is behind.

A feed that is dead for all says nothing about anyone, so the feed's own age is taken off: what remains is
silence of this subject. Only subjects that used to send the feed have a value.
"""

from __future__ import annotations

import ibis.expr.types as ir

from anxin.features.known import KEYS, Known

_YEAR = 365

_FEEDS = {
    "employer": (
        "energy_usage",
        "social_insurance",
        "tax",
        "credit",
        "wage_sheets",
        "attendance_daily",
        "payroll",
    ),
    "project": (
        "energy_usage",
        "attendance_daily",
        "wage_sheets",
        "payroll",
        "wage_accounts",
        "progress_payments",
    ),
}


def silence(known: Known) -> list[ir.Table]:
    """Return one table per feed that subjects of this kind send."""
    present = [feed for feed in _FEEDS[known.kind] if feed in known.view.lake.feeds()]
    return [_silent(known, feed) for feed in present]


def _silent(known: Known, feed: str) -> ir.Table:
    rows = known.rows(feed, _YEAR, own=feed not in ("payroll", "attendance_daily", "wage_sheets"))
    last = rows.group_by(KEYS).aggregate(own=rows.age.min())
    overall = last.group_by("as_of").aggregate(behind=last.own.min())
    joined = last.inner_join(overall, "as_of")
    return joined.select(
        *KEYS,
        (joined.own - joined.behind).cast("float64").name(f"{feed}_silent_days"),
        joined.own.cast("float64").name(f"{feed}_seen_days"),
    )
