"""The five states of a label, kept apart: verified, averted, pending, unfounded, never looked at.

`labels` says what teaches; here is what is known of each subject and date whatever it teaches. A subject that was
looked at in [D, D+H) (a complaint, an inspection, a hazard, or a case that proved unfounded) without a verified or
pending case is `unfounded`; one that nobody looked at is `unseen`, which is not the same as innocent.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Literal, get_args

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from anxin.features.known import Kind, Known
from anxin.feeds.asof import View
from anxin.judging.averted import acted_on
from anxin.judging.frames import frame
from anxin.judging.labels import inside

State = Literal["verified", "averted", "pending", "unfounded", "unseen"]
STATES: tuple[State, ...] = get_args(State)
"""In the order in which one wins over the next."""

_LOOKS = {"complaints": "occurred_on", "inspections": "inspected_on", "hazards": "found_on"}


def states(view: View, dates: Sequence[date], horizon: int, known_on: date, kind: Kind) -> pd.DataFrame:
    """Return what is known at T of everyone whom something happened to in [D, D+H); who is not returned is `unseen`.

    One row per `subject_id, as_of`, with `state`; `case` (`verified`, `pending`, `unfounded` or None), the best of its
    cases whatever became of a warning; `averted`; `looked_on`, the first day someone looked (a case counts); and of all
    its verified cases `opened_on` (the first), `workers` and `amount` in yuan (sums; NaN where none is stated).
    """
    at = Known(view, (known_on,), kind)
    asked = Known(view, tuple(dates), kind).calendar().select(day="as_of")
    cases = frame(view, _cases(at, asked, horizon))
    averted = acted_on(at).cross_join(asked)
    averted = averted.filter(inside(averted.day, averted.acted_on, horizon))
    averted = averted.group_by("subject_id", as_of="day").aggregate(acted_on=averted.acted_on.min())
    looks = frame(view, _looks(at, asked, horizon))
    keys = ["subject_id", "as_of"]
    table: pd.DataFrame = looks.merge(cases, on=keys, how="outer").merge(
        frame(view, averted), on=keys, how="outer"
    )
    best = np.select(
        [table["verified"] > 0, table["pending"] > 0, table["verified"].notna()],
        ["verified", "pending", "unfounded"],
        "",
    )
    table["case"] = pd.Series(best, index=table.index, dtype=object).replace({"": None})
    table["averted"] = table["acted_on"].notna()
    table["state"] = np.select(
        [table["case"] == "verified", table["averted"], table["case"] == "pending"],
        ["verified", "averted", "pending"],
        "unfounded",
    )
    days = [pd.to_datetime(table[name]) for name in ("looked_on", "first_opened", "acted_on")]
    table["looked_on"] = pd.concat(days, axis=1).min(axis=1)
    columns = [*keys, "state", "case", "averted", "looked_on", "opened_on", "workers", "amount"]
    table = table[columns].sort_values(["as_of", "subject_id"], ignore_index=True)
    return table


def _cases(at: Known, asked: ir.Table, horizon: int) -> ir.Table:
    rows = at.rows("cases").drop("as_of").cross_join(asked)
    rows = rows.filter(inside(rows.day, rows.opened_on, horizon))
    verified = rows.outcome == "verified"
    return rows.group_by("subject_id", as_of="day").aggregate(
        verified=verified.cast("int64").sum(),
        pending=(rows.outcome == "pending").cast("int64").sum(),
        first_opened=rows.opened_on.min(),
        opened_on=verified.ifelse(rows.opened_on, None).min(),
        workers=verified.ifelse(rows.workers, None).sum().cast("float64"),
        amount=verified.ifelse(rows.amount, None).sum().cast("float64"),
    )


def _looks(at: Known, asked: ir.Table, horizon: int) -> ir.Table:
    parts = [at.rows(feed).select("subject_id", event=event) for feed, event in _LOOKS.items()]
    rows = ibis.union(*parts).cross_join(asked)
    rows = rows.filter(inside(rows.day, rows.event, horizon))
    return rows.group_by("subject_id", as_of="day").aggregate(looked_on=rows.event.min())
