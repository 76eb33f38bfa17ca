"""Wages, attendance, social insurance and tax."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from decimal import Decimal
from typing import Any

from .oracle import Past, Row, Values, difference, newest, ratio, total


def payroll(past: Past, subject: str) -> Values:
    months = _months(past, subject)
    late = [worker for month, workers in months.items() if past.age(month) <= 125 for worker in workers]
    before = [worker for month, workers in months.items() if past.age(month) > 125 for worker in workers]
    delay, delay_before = (_mean([worker["delay"] for worker in each]) for each in (late, before))
    every = late + before
    return {
        "pay_short_share": ratio(sum(w["paid"] < w["due"] * Decimal("0.95") for w in late), len(late)),
        "pay_paid_share": ratio(total(w["paid"] for w in late), total(w["due"] for w in late)),
        "pay_delay_days": delay,
        "pay_delay_rise": difference(delay, delay_before),
        "pay_last_days": min((past.age(worker["last"]) for worker in every), default=None),
        **_sheets(past, subject, months),
        **_attended(past, subject, months),
    }


def _months(past: Past, subject: str) -> dict[date, list[dict[str, Any]]]:
    """Per month worked, each worker of each employer and project: due, paid, last paid on, delay."""
    workers: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for row in past.rows("payroll", subject, 300, own=False):
        if past.age(row["month"]) <= 250:
            workers[row["month"], row["project_id"], row["employer_id"], row["worker_id"]].append(row)
    months = defaultdict(list)
    for (month, *_), rows in workers.items():
        last = max(row["paid_on"] for row in rows)
        paid, due = total(row["paid"] for row in rows), max(row["due"] for row in rows)
        months[month].append({"due": due, "paid": paid, "last": last, "delay": (last - month).days})
    return months


def _sheets(past: Past, subject: str, months: dict[date, list[dict[str, Any]]]) -> Values:
    rows = [row for row in past.rows("wage_sheets", subject, 300, own=False) if past.age(row["month"]) <= 250]
    owed, due_soon = [], []
    for month in {row["month"] for row in rows}:
        due = total(row["due"] for row in rows if row["month"] == month)
        passed = past.age(max(row["pay_due_on"] for row in rows if row["month"] == month))
        paid = total(worker["paid"] for worker in months.get(month, []))
        if passed > 0 and paid < due * Decimal("0.95"):
            owed.append((due - paid, passed))
        if passed > -40:
            due_soon.append(due)
    told = bool(rows) and bool(months)
    return {
        "wages_unpaid_months": len(owed) if told else None,
        "wages_unpaid_amount": float(total(amount for amount, _ in owed)) if told else None,
        "wages_unpaid_days": max((passed for _, passed in owed), default=0) if told else None,
        "wage_sheet_last_days": newest(rows),
        "wages_due_month": _mean(due_soon),
    }


def _attended(past: Past, subject: str, months: dict[date, list[dict[str, Any]]]) -> Values:
    """Months that began 62 to 155 days ago: everyone with a day of work, against everyone paid something."""
    rows = [
        row
        for row in past.rows("attendance", subject, 250, own=False)
        if 62 <= past.age(row["month"]) <= 155 and row["days"] > 0
    ]
    if not months:
        return {"attended_unpaid_share": None, "attended_last_days": None}
    missing = heads = 0
    for month in {row["month"] for row in rows}:
        attended = sum(row["month"] == month for row in rows)
        paid = sum(worker["paid"] > 0 for worker in months.get(month, []))
        heads += attended
        missing += max(attended - paid, 0)
    return {"attended_unpaid_share": ratio(missing, heads), "attended_last_days": newest(rows)}


def attendance(past: Past, subject: str) -> Values:
    rows = past.rows("attendance_daily", subject, 120, own=False)
    late = [row for row in rows if row["age"] <= 14]
    before = [row for row in rows if row["age"] > 28]
    per_day, per_day_before = (
        ratio(total(row["present"] for row in each), len({row["date"] for row in each}))
        for each in (late, before)
    )
    return {
        "attendance_trend": ratio(per_day, per_day_before),
        "attendance_share": ratio(total(r["present"] for r in late), total(r["registered"] for r in late)),
        "attendance_heads": per_day,
        "attendance_last_days": newest(rows),
    }


def insurance(past: Past, subject: str) -> Values:
    if past.kind == "project":
        return {}
    rows = past.rows("social_insurance", subject, 430)
    late = [row for row in rows if past.age(row["month"]) <= 130]
    before = [row for row in rows if past.age(row["month"]) > 130]
    year = [row for row in rows if row["age"] <= 400]
    last = max(rows, key=lambda row: row["month"], default=None)
    return {
        "insurance_short_months": sum(row["paid"] < row["due"] for row in year) if rows else None,
        "insurance_short_amount": float(total(max(r["due"] - r["paid"], 0) for r in year)) if rows else None,
        "insurance_short_share": ratio(
            total(max(r["due"] - r["paid"], 0) for r in late), total(r["due"] for r in late)
        ),
        "insured_trend": ratio(_mean([r["insured"] for r in late]), _mean([r["insured"] for r in before])),
        "insured_heads": None if last is None else last["insured"],
        "insurance_last_days": None if last is None else last["age"],
    }


def tax(past: Past, subject: str) -> Values:
    if past.kind == "project":
        return {}
    rows = past.rows("tax", subject, 560)
    both = [row for row in rows if row["tax_due"] is not None and row["tax_paid"] is not None]
    late = [row for row in both if past.age(row["month"]) <= 220]
    revenue = [(past.age(row["month"]), row["revenue"]) for row in rows if row["revenue"] is not None]
    now = _mean([value for age, value in revenue if age <= 130])
    then = _mean([value for age, value in revenue if 365 < age <= 495])
    short = sum(row["tax_paid"] < row["tax_due"] for row in both if row["age"] <= 400)
    return {
        "tax_short_months": short if rows else None,
        "tax_short_share": ratio(
            total(max(row["tax_due"] - row["tax_paid"], 0) for row in late),
            total(row["tax_due"] for row in late),
        ),
        "revenue_year": ratio(now, then),
        "tax_last_days": newest(rows),
    }


def _mean(values: list[Any]) -> float | None:
    return float(sum(values)) / len(values) if values else None


FAMILIES = (
    payroll,
    attendance,
    insurance,
    tax,
)
