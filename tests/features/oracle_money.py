"""Electricity, wages, social insurance, tax and the money of projects."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from anxin.domain.calendar import spring_festival

from .oracle import Past, Row, Values, difference, newest, number, ratio, total


def energy(past: Past, subject: str) -> Values:
    rows = past.rows("energy_usage", subject)
    late = [row for row in rows if row["age"] <= 28]
    usual = _mean([row["kwh"] for row in rows if 28 < row["age"] <= 208])
    shift = past.age(last_season(past.day))
    then = [row for row in rows if shift < row["age"] <= shift + 28]
    enough = len(late) >= 14 and len(then) >= 14
    year = ratio(_mean([row["kwh"] for row in late]), _mean([row["kwh"] for row in then])) if enough else None
    daily: dict[date, Decimal] = defaultdict(Decimal)
    for row in rows:
        if row["age"] <= 56:
            daily[row["date"]] += row["kwh"]
    idle = [daily[day] * 10 <= max(daily.values()) for day in daily if past.age(day) <= 28]
    weekend = _mean([row["kwh"] for row in late if row["date"].isoweekday() >= 6])
    workday = _mean([row["kwh"] for row in late if row["date"].isoweekday() < 6])
    seen = any(row["age"] <= 208 for row in rows)
    return {
        "energy_level_28d": ratio(_mean([row["kwh"] for row in late]), usual),
        "energy_level_7d": ratio(_mean([row["kwh"] for row in late if row["age"] <= 7]), usual),
        "energy_level_year": year,
        "energy_weekend_ratio": ratio(weekend, workday),
        "energy_idle_days_28d": sum(idle) if idle else None,
        "energy_readings_28d": len(late) if seen else None,
        "energy_last_days": newest(rows) if seen else None,
    }


def last_season(day: date) -> date:
    """The day as far from last year's Spring Festival if one is within 60 days, else 52 weeks before."""
    for year in (day.year - 1, day.year, day.year + 1):
        if abs((day - spring_festival(year)).days) <= 60:
            return spring_festival(year - 1) + (day - spring_festival(year))
    return day - timedelta(weeks=52)


def bills(past: Past, subject: str) -> Values:
    rows = past.rows("energy_bills", subject, 365)
    unpaid = [row for row in rows if past.before(row["due_on"]) and not past.before(row["paid_on"])]
    late = [
        max((row["paid_on"] - row["due_on"]).days, 0)
        for row in rows
        if row["age"] <= 180 and past.before(row["paid_on"])
    ]
    return {
        "bills_unpaid": len(unpaid) if rows else None,
        "bills_unpaid_amount": float(total(row["amount"] for row in unpaid)) if rows else None,
        "bills_unpaid_days": max((past.age(row["due_on"]) for row in unpaid), default=0) if rows else None,
        "bills_late_days_180d": _mean(late),
        "bill_last_days": newest(rows),
    }


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


def progress(past: Past, subject: str) -> Values:
    if past.kind == "employer":
        return {}
    rows = past.rows("progress_payments", subject, 400)
    owed = [
        row
        for row in rows
        if not past.before(row["settled_on"])
        or (row["payable"] is not None and row["payable"] > (row["paid"] or 0))
    ]
    funded = [row for row in rows if row["public_funds_in"] is not None and row["payable"] is not None]
    lags = [(row["settled_on"] - row["due_on"]).days for row in rows if past.before(row["settled_on"])]
    return {
        "progress_paid_share": _paid_share(rows),
        "progress_paid_share_120d": _paid_share([row for row in rows if row["age"] <= 120]),
        "progress_overdue_periods": len(owed) if rows else None,
        "progress_overdue_days": max((row["age"] for row in owed), default=0) if rows else None,
        "progress_lag_days": _mean(lags),
        "public_funds_share": ratio(
            total(r["public_funds_in"] for r in funded), total(r["payable"] for r in funded)
        ),
        "progress_last_days": newest(rows),
    }


def _paid_share(rows: list[Row]) -> float | None:
    """Paid of completed, over periods of known completed value; nothing if no payment is known at all."""
    valued = [row for row in rows if row["completed_value"] is not None]
    paid = [row["paid"] for row in valued if row["paid"] is not None]
    return ratio(total(paid), total(row["completed_value"] for row in valued)) if paid else None


def account(past: Past, subject: str) -> Values:
    if past.kind == "employer":
        return {}
    rows = past.rows("wage_accounts", subject, 400)
    credited = [row for row in rows if row["kind"] == "appropriation"]
    wages = [row for row in rows if row["kind"] == "wage"]
    other = [row["amount"] for row in rows if row["kind"] == "other_out" and row["age"] <= 180]
    credited_90 = total(row["amount"] for row in credited if row["age"] <= 90)
    credited_past = total(row["amount"] for row in credited if 90 < row["age"] <= 270)
    wages_90 = total(row["amount"] for row in wages if row["age"] <= 90)
    balance = min((row["balance"] for row in rows if row["age"] == newest(rows)), default=None)
    return {
        "appropriation_days": newest(credited),
        "appropriation_trend": ratio(2 * credited_90, credited_past),
        "appropriation_to_wages": ratio(credited_90, wages_90),
        "wage_out_days": newest(wages),
        "account_frozen": sum(row["kind"] == "frozen" for row in rows),
        "account_other_out_180d": float(total(other)) if rows else None,
        "account_balance": number(balance),
        "account_cover_months": None if balance is None else ratio(balance, wages_90 / 3),
        "account_last_days": newest(rows),
    }


def deposits(past: Past, subject: str) -> Values:
    if past.kind == "employer":
        return {}
    live = [row for row in past.rows("deposits", subject) if not past.before(row["expires_on"])]
    money = [row for row in live if row["form"] != "exempt"]
    return {
        "deposit_held": sum(row["stored"] > 0 for row in money),
        "deposit_exempt": len(live) - len(money),
        "deposit_share": ratio(
            total(row["stored"] for row in money), total(row["required"] for row in money)
        ),
        "deposit_used": float(total(row["used"] for row in live)) if live else None,
        "deposit_last_days": newest(live),
    }


def guarantees(past: Past, subject: str) -> Values:
    if past.kind == "employer":
        return {}
    rows = past.rows("guarantees", subject, 400)
    now = [
        row for row in rows if row["age"] == newest(other for other in rows if other["kind"] == row["kind"])
    ]
    stated = [row for row in now if row["balance"] is not None and row["required"] is not None]
    left = [-past.age(row["expires_on"]) for row in now if row["expires_on"] is not None]
    return {
        "guarantee_share": ratio(
            total(row["balance"] for row in stated), total(row["required"] for row in stated)
        ),
        "guarantee_left_days": min(left, default=None),
        "guarantee_last_days": newest(now),
    }


def _mean(values: list[Any]) -> float | None:
    return float(sum(values)) / len(values) if values else None


FAMILIES = (energy, bills, payroll, attendance, insurance, tax, progress, account, deposits, guarantees)
