"""Borrowing."""

from __future__ import annotations

from .oracle import Past, Values, difference, number, ratio


def credit(past: Past, subject: str) -> Values:
    if past.kind == "project":
        return {}
    classes = ["normal", "special_mention", "substandard", "doubtful", "loss"]
    rows = past.rows("credit", subject, 400)
    last = max(rows, key=lambda row: row["month"], default=dict.fromkeys(_CREDIT))
    grades = [classes.index(row["classification"]) for row in rows if row["classification"]]
    grade = None if last["classification"] is None else classes.index(last["classification"])
    lines = [row["credit_line"] for row in rows if row["credit_line"] is not None]
    recent = [row["credit_line"] for row in rows if row["credit_line"] is not None and row["age"] <= 62]
    return {
        "credit_overdue_amount": number(last["overdue_amount"]),
        "credit_overdue_days": last["overdue_days"],
        "credit_class": grade,
        "credit_class_fall": difference(grade, min(grades, default=None)),
        "credit_utilisation": ratio(last["loan_balance"], last["credit_line"]),
        "credit_line_left": ratio(min(recent, default=None), max(lines, default=None)),
        "credit_balance": number(last["loan_balance"]),
        "credit_guarantees": ratio(last["guarantees_given"], last["credit_line"]),
        "credit_last_days": last["age"],
    }


_CREDIT = (
    *(
        "overdue_amount",
        "overdue_days",
        "classification",
        "loan_balance",
        "credit_line",
        "guarantees_given",
        "age",
    ),
)


FAMILIES = (credit,)
