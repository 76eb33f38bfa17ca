"""Labels: what came true for a subject after D, as known at T (semantics.md, «Label at T for D and H»).

Labels look forward, features never do; that is why they live here. Unknown and averted are not negative.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import ibis
import ibis.expr.types as ir
import pandas as pd

from anxin.features.known import KEYS, Kind, Known
from anxin.feeds.asof import View
from anxin.judging.averted import acted_on

GAP_DAYS = 45
"""Days a case is given after the horizon to be verified: before that a label is not mature."""


def is_mature(as_of: date, horizon: int, known_on: date) -> bool:
    """Say whether the label of D and H can be known at T: T ≥ D + H + 45 days."""
    return known_on >= as_of + timedelta(days=horizon + GAP_DAYS)


def labels(view: View, dates: Sequence[date], horizon: int, known_on: date, kind: Kind) -> pd.DataFrame:
    """Return what is known at T of subjects for which something happened in [D, D+H).

    Columns `subject_id, as_of, outcome` (`positive`, `pending` or `averted`), `workers`, `amount`, `opened_on` of the
    first verified case. A subject and date that is not returned is negative if `is_mature`, else unknown. Only rows
    received before T enter.
    """
    at = Known(view, (known_on,), kind)
    asked = Known(view, tuple(dates), kind).calendar()
    asked = asked.select(day="as_of")
    found = [_cases(at, asked, horizon), _averted(at, asked, horizon)]
    tables = [view.backend.to_pyarrow(rows).to_pandas() for rows in found]
    cases, averted = tables
    averted = averted.merge(cases.loc[cases["outcome"] == "positive", list(KEYS)], how="left", indicator=True)
    averted = averted.loc[averted["_merge"] == "left_only"].drop(columns="_merge")
    pending = cases.loc[cases["outcome"] == "pending"].merge(averted[list(KEYS)], how="left", indicator=True)
    pending = pending.loc[pending["_merge"] == "left_only"].drop(columns="_merge")
    every = [cases.loc[cases["outcome"] == "positive"], averted, pending]
    table: pd.DataFrame = pd.concat([part for part in every if len(part)] or [cases], ignore_index=True)
    return table.sort_values(["as_of", "subject_id"], ignore_index=True)


def inside(day: ir.DateColumn, event: ir.DateColumn, horizon: int) -> ir.BooleanColumn:
    """Say whether an event lies in [D, D + horizon)."""
    ahead = event.delta(day, unit="day")
    return (ahead >= 0) & (ahead < horizon)


def _cases(at: Known, asked: ir.Table, horizon: int) -> ir.Table:
    cases = at.rows("cases").drop("as_of").cross_join(asked)
    cases = cases.filter(inside(cases.day, cases.opened_on, horizon), cases.outcome != "unfounded")
    verified = cases.outcome == "verified"
    window = ibis.window(
        group_by=["subject_id", "day"], order_by=[ibis.desc(verified), cases.opened_on, cases.case_id]
    )
    first = cases.mutate(_nth=ibis.row_number().over(window)).filter(lambda t: t["_nth"] == 0)
    return first.select(
        "subject_id",
        as_of="day",
        outcome=(first.outcome == "verified").ifelse("positive", "pending"),
        workers=(first.outcome == "verified").ifelse(first.workers, None).cast("float64"),
        amount=(first.outcome == "verified").ifelse(first.amount, None).cast("float64"),
        opened_on=first.opened_on,
    )


def _averted(at: Known, asked: ir.Table, horizon: int) -> ir.Table:
    """Return the subjects with a warning acted on in [D, D+H) that ended averted (`averted`)."""
    acted = acted_on(at).cross_join(asked)
    acted = acted.filter(inside(acted.day, acted.acted_on, horizon))
    return acted.select(
        "subject_id",
        as_of="day",
        outcome=ibis.literal("averted"),
        workers=ibis.null("float64"),
        amount=ibis.null("float64"),
        opened_on=ibis.null("date"),
    ).distinct()
