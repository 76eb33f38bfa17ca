"""Borrowing."""

from __future__ import annotations

import itertools

from .oracle import Past, Row, Values, difference, newest, number, ratio

_CLASSES = ["normal", "special_mention", "substandard", "doubtful", "loss"]
_NOTHING = dict.fromkeys(
    [
        *("overdue_amount", "overdue_days", "classification", "loan_balance", "credit_line"),
        *("guarantees_given", "age"),
    ]
)


def credit(past: Past, subject: str) -> Values:
    if past.kind == "project":
        return {}
    rows = sorted(past.rows("credit", subject, 400), key=lambda row: row["month"], reverse=True)
    last = rows[0] if rows else _NOTHING
    then = rows[3] if len(rows) > 3 else _NOTHING
    year = [row for row in rows if row["age"] <= 365]
    # Who was not reported in the year is unknown, not in order.
    overdue = [row["overdue_amount"] for row in year if row["overdue_amount"] is not None]
    classed = any(row["classification"] is not None for row in year)
    steps = list(itertools.pairwise(rows))
    drops = [new for new, old in steps if _less(_grade(old), _grade(new))]
    cuts = [new for new, old in steps if _less(new["credit_line"], old["credit_line"])]
    capital = (past.registered(subject) or {}).get("registered_capital")
    use, use_then = (ratio(row["loan_balance"], row["credit_line"]) for row in (last, then))
    best = min((grade for row in rows if (grade := _grade(row)) is not None), default=None)
    balance, balance_then = number(last["loan_balance"]), number(then["loan_balance"])
    return {
        "credit_overdue_amount": number(last["overdue_amount"]),
        "credit_overdue_days": last["overdue_days"],
        "credit_overdue_share": ratio(last["overdue_amount"], last["loan_balance"]),
        "credit_overdue_capital": ratio(last["overdue_amount"], capital),
        "credit_overdue_months_365d": sum(amount > 0 for amount in overdue) if overdue else None,
        "credit_overdue_rise": difference(number(last["overdue_amount"]), number(then["overdue_amount"])),
        "credit_class": _grade(last),
        "credit_class_fall": difference(_grade(last), best),
        "credit_class_drops_365d": sum(row["age"] <= 365 for row in drops) if classed else None,
        "credit_class_drop_days": newest(drops),
        "credit_utilisation": use,
        "credit_utilisation_rise": difference(use, use_then),
        "credit_line_left": ratio(last["credit_line"], _most(rows, "credit_line")),
        "credit_line_cut_days": newest(cuts),
        "credit_balance": balance,
        "credit_balance_left": ratio(balance, _most(rows, "loan_balance")),
        "credit_balance_change": ratio(difference(balance, balance_then), balance_then),
        "credit_balance_capital": ratio(balance, capital),
        "credit_no_loan": None if balance is None else balance == 0,
        "credit_guarantees": ratio(last["guarantees_given"], last["credit_line"]),
        "credit_guarantees_capital": ratio(last["guarantees_given"], capital),
        "credit_reports_365d": len(year),
        "credit_report_days": newest(past.rows("credit", subject, 800)),
        "credit_last_days": last["age"],
    }


def _grade(row: Row) -> int | None:
    return None if row["classification"] is None else _CLASSES.index(row["classification"])


def _less(left: float | None, right: float | None) -> bool:
    return left is not None and right is not None and left < right


def _most(rows: list[Row], name: str) -> float | None:
    return max((row[name] for row in rows if row[name] is not None), default=None)


FAMILIES = (credit,)
