"""Electricity and bills."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from anxin.domain.calendar import spring_festival

from .oracle import Past, Values, newest, ratio, total


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


def _mean(values: list[Any]) -> float | None:
    return float(sum(values)) / len(values) if values else None


FAMILIES = (
    energy,
    bills,
)
