"""Bills for electricity, water, gas and property: what is unpaid now, how late they are paid, and the trend.

What is paid is looked at for a year; what is not stays owed however old it is. Nobody owes what fell due since the last
payment its utility told of: who is behind has not told of those who paid since.
"""

from __future__ import annotations

from datetime import timedelta

import ibis
import ibis.expr.types as ir

from anxin.features.known import KEYS, Known, age, counted, ratio, summed, whole

UTILITIES = ("electricity", "water", "gas", "property")
_YEAR, _HALF = 365, 180
_UNNAMED = ""
"""Stands for a utility that is not stated."""


def bills(known: Known) -> list[ir.Table]:
    """Return one table: all bills together and each utility alone.

    Added up per utility first: a few sums of many rows, then the many columns of few.
    """
    each = known.by_date(
        "energy_bills",
        None,
        ("utility", "amount", "due_on", "paid_on"),
        _of_utilities,
        lambda rows: _of_a_year(known, rows),
    )
    found: dict[str, ir.Value] = {
        "bills_unpaid": each.unpaid.sum().cast("float64"),
        "bills_unpaid_utilities": counted((each.unpaid > 0) & (each.utility != _UNNAMED)),
    }
    for utility in (None, *UTILITIES):
        ours = ibis.literal(True) if utility is None else each.utility == utility
        name = "" if utility is None else f"_{utility}"
        now = ratio(summed(each.late, ours), summed(each.paid, ours))
        then = ratio(summed(each.late_before, ours), summed(each.paid_before, ours))
        found |= {
            f"bills_unpaid_amount{name}": summed(each.amount, ours),
            f"bills_unpaid_days{name}": ours.ifelse(each.days, None).max().cast("float64").fill_null(0.0),
            f"bills_late_days_180d{name}": now,
            f"bills_late_rise_180d{name}": now - then,
            f"bill_unpaid_last_days{name}": _age(ours.ifelse(each.owed_last, None).min()),
            f"bill_unpaid_first_days{name}": _age(ours.ifelse(each.owed_first, None).max()),
            f"bill_paid_last_days{name}": _age(ours.ifelse(each.paid_last, None).min()),
        }
    return [each.group_by(KEYS).aggregate(**found)]


def _age(days: ir.IntegerValue) -> ir.FloatingValue:
    return days.cast("float64")


def _number(rows: ir.BooleanValue) -> ir.IntegerValue:
    return rows.ifelse(1, None).count()


def _of_a_year(known: Known, rows: ir.Table) -> ir.Table:
    """Leave out bills that were paid, and issued a year ago, before the first date: which is asked before any date is."""
    if not known.dates:
        return rows
    first = min(known.dates)
    issued = rows.issued_on >= ibis.literal(first - timedelta(_YEAR))
    return rows.filter(issued | rows.paid_on.isnull() | (rows.paid_on >= ibis.literal(first)))


def _of_utilities(rows: ir.Table) -> ir.Table:
    """Add up the bills of a year, and older ones not paid before the date, per subject and utility."""
    rows = rows.filter((rows.age <= _YEAR) | rows.paid_on.isnull() | (rows.paid_on >= rows.as_of))
    rows = rows.mutate(utility=rows.utility.fill_null(_UNNAMED), settled=rows.paid_on < rows.as_of)
    told = rows.group_by("utility").aggregate(told_on=rows.settled.ifelse(rows.paid_on, None).max())
    rows = rows.inner_join(told, "utility").select(*rows.columns, "told_on")
    due = age(rows.told_on, rows.due_on)
    paid = rows.settled.fill_null(False)
    unpaid = (~paid & (due > 0)).fill_null(False)
    late = ibis.greatest(age(rows.paid_on, rows.due_on), 0)
    owed = unpaid.ifelse(age(rows.as_of, rows.due_on), None)
    recent, before = paid & (rows.age <= _HALF), paid & (rows.age > _HALF)
    return rows.group_by("subject_id", "utility").aggregate(
        unpaid=_number(unpaid),
        amount=unpaid.ifelse(rows.amount, None).sum().cast("decimal(38,2)"),
        days=unpaid.ifelse(due, None).max(),
        owed_last=owed.min(),
        owed_first=owed.max(),
        late=whole(recent.ifelse(late, None).sum()),
        paid=_number(recent),
        paid_last=recent.ifelse(age(rows.as_of, rows.paid_on), None).min(),
        late_before=whole(before.ifelse(late, None).sum()),
        paid_before=_number(before),
    )
