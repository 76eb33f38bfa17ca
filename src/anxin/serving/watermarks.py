"""How far each feed reaches on a day, and how long it may be silent before a reader must be told."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import ibis

from anxin.feeds.asof import View
from anxin.feeds.contract import contract

_LOOK_BACK = 180
_FEWEST_DAYS = 3


def watermarks(view: View, day: date) -> dict[str, dict[str, Any]]:
    """Return for each feed of the contract what had been received before `day`.

    `rows`, `last_event`, `last_received`, `silent_days`, and `expected_days`: twice the longest gap between deliveries
    of the last half year, at least three days; only rows received before the day count, so a replay says the same.
    """
    return {name: _watermark(view, name, day) for name in contract()}


def _watermark(view: View, name: str, day: date) -> dict[str, Any]:
    empty = {"rows": 0, "last_event": None, "last_received": None, "silent_days": None, "expected_days": None}
    if name not in view.lake.feeds():
        return empty
    rows = view.history(name)
    rows = rows.filter(rows.received_at < ibis.literal(day).cast("timestamp(6)"))
    event = rows[contract()[name].event]
    by_day = rows.group_by(received_on=rows.received_at.date()).aggregate(
        rows=rows.count(), last_event=(event < ibis.literal(day)).ifelse(event, None).max()
    )
    days = view.backend.to_pyarrow(by_day).to_pylist()
    if not days:
        return empty
    received = sorted(found["received_on"] for found in days)
    events = [found["last_event"] for found in days if found["last_event"] is not None]
    late = [moment for moment in received if moment >= received[-1] - timedelta(days=_LOOK_BACK)]
    gaps = [(b - a).days for a, b in pairwise(late)]
    return {
        "rows": sum(found["rows"] for found in days),
        "last_event": max(events).isoformat() if events else None,
        "last_received": received[-1].isoformat(),
        "silent_days": (day - received[-1]).days,
        "expected_days": max(_FEWEST_DAYS, 2 * max(gaps, default=0)),
    }
