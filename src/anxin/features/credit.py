"""Borrowing of an employer at month ends: overdue, class and its migration, use of the line, guarantees."""

from __future__ import annotations

import ibis.expr.types as ir

from anxin.features.known import KEYS, Known, latest, ratio

_CLASSES = ("normal", "special_mention", "substandard", "doubtful", "loss")
_YEAR = 400
"""Days of history read: thirteen month-ends."""


def credit(known: Known) -> list[ir.Table]:
    """Return the tables of the family; only employers have these (see relations for a project's parties)."""
    if known.kind != "employer":
        return []
    rows = known.rows("credit", _YEAR)
    rows = rows.mutate(
        grade=rows.classification.cases(*((name, float(i)) for i, name in enumerate(_CLASSES)), else_=None)
    )
    now = latest(rows, rows.month)
    state = now.select(
        *KEYS,
        credit_overdue_amount=now.overdue_amount.cast("float64"),
        credit_overdue_days=now.overdue_days.cast("float64"),
        credit_class=now.grade,
        credit_utilisation=ratio(now.loan_balance, now.credit_line),
        credit_balance=now.loan_balance.cast("float64"),
        credit_guarantees=ratio(now.guarantees_given, now.credit_line),
        credit_last_days=now.age.cast("float64"),
    )
    past = rows.group_by(KEYS).aggregate(
        best=rows.grade.min(),
        largest_line=rows.credit_line.max().cast("float64"),
        line=(rows.age <= 62).ifelse(rows.credit_line, None).min().cast("float64"),
    )
    change = past.select(*KEYS, "best", credit_line_left=ratio(past.line, past.largest_line))
    both = state.inner_join(change, KEYS)
    return [both.mutate(credit_class_fall=both.credit_class - both.best).drop("best")]
