"""Who is scored on a date, the facts a list needs of them, and whether they are already in hand (在办)."""

from __future__ import annotations

from datetime import datetime, time, timedelta

import ibis
import ibis.expr.types as ir

from anxin.features.known import KEYS, Known
from anxin.feeds.contract import contract

_MEMORY = 365
"""Days a row keeps a subject outside the registry on the list (semantics.md)."""

_COMPLAINT_DAYS = 90

_EMPLOYER = ("name", "district", "industry", "ownership", "park", "controller_id")
_PROJECT = (
    "name",
    "district",
    "project_type",
    "investment",
    "government_funded",
    "soe_owner",
    "real_estate",
    "owner_id",
    "contractor_id",
)


def subjects(known: Known) -> ir.Table:
    """Return (`subject_id`, `as_of`, `registered`, facts): everyone scored on each date, each once."""
    id_ = f"{known.kind}_id"
    live = going_on(known)
    columns = _EMPLOYER if known.kind == "employer" else _PROJECT
    facts = live.select("as_of", *columns, subject_id=live[id_]).mutate(registered=True)
    outside = _outside(known, id_)
    if outside is None:
        return facts
    blank = {name: ibis.null(facts.schema()[name]) for name in facts.columns if name not in KEYS}
    return facts.union(outside.mutate(**{**blank, "registered": False}).select(*facts.columns))


def going_on(known: Known) -> ir.Table:
    """Return the registry's rows of employers not deregistered, or of projects started and not ended, on each date."""
    registry = known.all(f"{known.kind}s")
    if known.kind == "employer":
        return registry.filter(registry.status != "deregistered")
    ended = registry.ended_on.notnull() & (registry.ended_on < registry.as_of)
    return registry.filter(registry.start_on <= registry.as_of, ~ended)


def in_hand(known: Known) -> ir.Table:
    """Return the subjects in hand on each date.

    A complaint in the 90 days before, or a case or hazard not closed and not unfounded (semantics.md).
    """
    complaints = known.rows("complaints", _COMPLAINT_DAYS).select(*KEYS)
    cases = known.rows("cases")
    open_cases = cases.filter(
        cases.outcome != "unfounded", cases.closed_on.isnull() | (cases.closed_on >= cases.as_of)
    )
    hazards = known.rows("hazards")
    open_hazards = hazards.filter(
        hazards.resolution.isnull() | (hazards.resolution != "unfounded"),
        hazards.resolved_on.isnull() | (hazards.resolved_on >= hazards.as_of),
    )
    every = complaints.union(open_cases.select(*KEYS)).union(open_hazards.select(*KEYS))
    return every.distinct().mutate(in_hand=True)


def _outside(known: Known, id_: str) -> ir.Table | None:
    """Return who is not in the registry, but of whom a row was received in the last 365 days.

    Nobody whose registry rows were received before the first date can be outside on any: which ids are not
    among those is asked first, and only their rows are read.
    """
    if not known.dates:
        return None
    since = datetime.combine(min(known.dates) - timedelta(_MEMORY), time())
    registry = known.view.received(f"{known.kind}s")
    # A row dated ahead is not known when it is received: then the subject may be outside later, too.
    ahead = registry.changed_on.cast("timestamp(6)") >= registry.received_at
    settled = registry.group_by(subject_id=registry[id_]).aggregate(
        received=registry.received_at.min(), ahead=ahead.cast("int64").max()
    )
    first = ibis.literal(min(known.dates)).cast("timestamp(6)")
    settled = settled.filter(settled.ahead == 0, settled.received < first).select("subject_id")
    feeds = {}
    for name, feed in contract().items():
        if id_ in feed.names and name != f"{known.kind}s" and name in known.view.lake.feeds():
            rows = known.view.received(name, since)
            feeds[name] = rows.filter(rows[id_].notnull()).select("received_at", subject_id=rows[id_])
    if not feeds:
        return None
    heard = [rows.select("subject_id").distinct() for rows in feeds.values()]
    every = ibis.union(*heard) if len(heard) > 1 else heard[0]
    # Told apart before they are made distinct: few are left by then.
    strangers = known.view.keep(every.anti_join(settled, "subject_id").distinct())
    found = [
        rows.filter(rows.received_at >= ibis.literal(since.date()).cast("timestamp(6)"))
        .semi_join(strangers, "subject_id")
        .select("subject_id", received_on=lambda t: t.received_at.date())
        .distinct()
        for rows in feeds.values()
    ]
    rows = ibis.union(*found) if len(found) > 1 else found[0]
    asked = rows.cross_join(known.calendar())
    received = asked.as_of.delta(asked.received_on, unit="day")
    recent = asked.filter(received > 0, received <= _MEMORY).select(*KEYS).distinct()
    known_rows = known.all(f"{known.kind}s")
    return recent.anti_join(known_rows.select("as_of", subject_id=known_rows[id_]), KEYS)
