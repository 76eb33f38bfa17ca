"""Which warnings were acted on and ended averted (化解于萌芽), and whose they were.

Three ways to know (semantics.md, «Label at T for D and H»); the day of acting decides the window:

1. a visit that names a warning (`inspections.warning_id`) which ended `averted`;
2. a receipt of the governance centre (`dispositions`) for a warning of our own lists, whose number says whom it was
   about: acted on the day it was visited, or fed back where no visit is told;
3. a visit because of a warning that found a hazard, where the hazard was then resolved `averted`, and the warning has
   no outcome of its own. Other hazards that ended averted were found without a warning and are no warning.

A warning ends with its last outcome: averted first and unfounded later is unfounded.
"""

from __future__ import annotations

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.compute as pc

from anxin.domain.identifiers import warning_code
from anxin.features.known import Known
from anxin.feeds.asof import View
from anxin.feeds.contract import contract

_FOUND_WITHIN = 7
"""Days from a visit to the hazard it found being entered."""

_OWN = r"^W[0-9]{8}-[0-9A-F]{8}$"
"""The shape of the numbers of our own lists (`domain.identifiers.warning_id`)."""


def acted_on(at: Known) -> ir.Table:
    """Return (`subject_id`, `acted_on`) of every warning acted on and averted, as known on the one date of `at`."""
    ended = _last_outcomes(at)
    averted = ended.filter(ended.outcome == "averted").select("warning_id")
    visits = at.rows("inspections").select("warning_id", "subject_id", "inspected_on", "reason", "finding")
    told = visits.filter(visits.warning_id.notnull()).semi_join(averted, "warning_id")
    every = [
        told.select("subject_id", acted_on="inspected_on"),
        _by_hazard(at, visits.anti_join(ended, "warning_id")),
    ]
    own = _own_warnings(at, averted)
    if own is not None:
        every.append(own)
    return ibis.union(*every, distinct=True)


def _last_outcomes(at: Known) -> ir.Table:
    ends = at.all("dispositions")
    ends = ends.filter(ends.outcome.notnull())
    window = ibis.window(
        group_by="warning_id", order_by=[ibis.desc(ends.status_on), ends.leg, ends.status, ends.outcome]
    )
    last = ends.mutate(_nth=ibis.row_number().over(window)).filter(lambda t: t["_nth"] == 0)
    return last.select("warning_id", "outcome")


def _by_hazard(at: Known, visits: ir.Table) -> ir.Table:
    hazards = at.rows("hazards")
    hazards = hazards.filter(hazards.resolution == "averted").select("subject_id", "found_on")
    visits = visits.filter(visits.reason == "warning", visits.finding == "hazard")
    both = visits.select("subject_id", "inspected_on").join(hazards, "subject_id")
    later = both.found_on.delta(both.inspected_on, unit="day")
    return both.filter(later >= 0, later <= _FOUND_WITHIN).select("subject_id", acted_on="inspected_on")


def _own_warnings(at: Known, averted: ir.Table) -> ir.Table | None:
    """Return when warnings of our own lists were acted on by what the receipts say, None where there are none."""
    receipts = at.all("dispositions").semi_join(averted, "warning_id")
    receipts = receipts.filter(receipts.warning_id.re_search(_OWN))
    visited = (receipts.status == "visited").ifelse(receipts.status_on, None).min()
    answered = receipts.outcome.notnull().ifelse(receipts.status_on, None).min()
    acted = receipts.group_by("warning_id").aggregate(visited=visited, answered=answered)
    acted = acted.select("warning_id", acted_on=ibis.coalesce(acted.visited, acted.answered))
    found: pa.Table = at.view.backend.to_pyarrow(acted)
    if not len(found):
        return None
    subjects = _subjects_of(at, found["warning_id"].to_pylist())
    if not subjects:
        return None
    rows = [
        (subject, day)
        for number, day in zip(found["warning_id"].to_pylist(), found["acted_on"].to_pylist(), strict=True)
        for subject in subjects.get(number[-8:], ())
    ]
    table = pa.table(
        {
            "subject_id": pa.array([subject for subject, _ in rows], pa.string()),
            "acted_on": pa.array([day for _, day in rows], pa.date32()),
        }
    )
    return ibis.memtable(table, schema=ibis.Schema.from_pyarrow(table.schema))


def _subjects_of(at: Known, numbers: Sequence[str]) -> dict[str, list[str]]:
    """Return whose the codes at the end of warning numbers are; a code that two subjects share is nobody's."""
    wanted = {number[-8:] for number in numbers}
    every = at.view.once(("subjects ever named", at.kind), lambda view: _ever_named(view, at.kind))
    found: dict[str, list[str]] = {}
    for subject in every:
        code = warning_code(at.kind, subject)
        if code in wanted:
            found.setdefault(code, []).append(subject)
    return {code: subjects for code, subjects in found.items() if len(subjects) == 1}


def _ever_named(view: View, kind: str) -> tuple[str, ...]:
    id_ = f"{kind}_id"
    feeds = (f"{kind}s", "complaints", "cases", "hazards", "inspections")
    held = [feed for feed in feeds if feed in view.lake.feeds() and id_ in contract()[feed].names]
    named = [view.backend.to_pyarrow(view.received(feed).select(id_).distinct())[id_] for feed in held]
    if not named:
        return ()
    every = pa.chunked_array([chunk for ids in named for chunk in ids.chunks], pa.string())
    return tuple(sorted(pc.unique(pc.drop_null(every)).to_pylist()))
