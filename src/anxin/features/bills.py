"""Bills for electricity, water, gas and property: what is unpaid now, how late they are paid, and the trend.

What is paid is looked at for a year; what is not stays owed however old it is.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from anxin.features.known import KEYS, Known, age, counted, ratio, summed

UTILITIES = ("electricity", "water", "gas", "property")
_YEAR, _HALF = 365, 180


def bills(known: Known) -> list[ir.Table]:
    """Return one table: all bills together and each utility alone."""
    rows = _bills(known)
    due = age(rows.as_of, rows.due_on)
    paid = (rows.paid_on < rows.as_of).fill_null(False)
    unpaid = ~paid & (due > 0)
    late = ibis.greatest(age(rows.paid_on, rows.due_on), 0)
    found: dict[str, ir.Value] = {
        "bills_unpaid": counted(unpaid),
        "bills_unpaid_utilities": unpaid.ifelse(rows.utility, None).nunique().cast("float64"),
        "bill_last_days": rows.age.min().cast("float64"),
    }
    for utility in (None, *UTILITIES):
        ours = ibis.literal(True) if utility is None else rows.utility == utility
        name = "" if utility is None else f"_{utility}"
        owed = unpaid & ours
        recent, before = (paid & ours & (rows.age <= _HALF)), (paid & ours & (rows.age > _HALF))
        now, then = (ratio(summed(late, part), counted(part)) for part in (recent, before))
        found |= {
            f"bills_unpaid_amount{name}": summed(rows.amount, owed),
            f"bills_unpaid_days{name}": owed.ifelse(due, None).max().cast("float64").fill_null(0.0),
            f"bills_late_days_180d{name}": now,
            f"bills_late_rise_180d{name}": now - then,
        }
    return [rows.group_by(KEYS).aggregate(**found)]


def _bills(known: Known) -> ir.Table:
    """Return the bills of a year, and older ones not paid before the date.

    Which of all bills can be that old and unpaid is asked of each row before any date is: almost none.
    """
    rows = known.rows("energy_bills", _YEAR)
    old = known.rows("energy_bills")
    if known.dates:
        old = old.filter(old.paid_on.isnull() | (old.paid_on >= ibis.literal(min(known.dates))))
    old = old.filter(old.age > _YEAR, old.paid_on.isnull() | (old.paid_on >= old.as_of))
    return rows.union(old.select(*rows.columns))
