"""Declarations of social insurance and tax: the newest month, late ones, and what was ever declared short."""

from __future__ import annotations

from datetime import datetime, time

from .oracle import Past, Values, fading


def insurance(past: Past, subject: str) -> Values:
    return _declared(past, subject, "social_insurance", "insurance", "due", "paid")


def tax(past: Past, subject: str) -> Values:
    return _declared(past, subject, "tax", "tax", "tax_due", "tax_paid")


def _declared(past: Past, subject: str, feed: str, name: str, due: str, paid: str) -> Values:
    if past.kind == "project":
        return {}
    rows = past.rows(feed, subject, 430)
    recent = [row for row in rows if past.age(row["month"]) <= 130]
    newest = max(recent, key=lambda row: row["month"], default=None)
    late = [row for row in rows if (row["declared_on"] - row["month"]).days > 51]
    # Every version received before the day counts here, also one replaced since.
    shorted = {
        row["month"]
        for row in past.world[feed]
        if row["employer_id"] == subject
        and row["received_at"] < datetime.combine(past.day, time())
        and past.before(row["declared_on"])
        and None not in (row[due], row[paid])
        and row[paid] < row[due]
        and past.age(row["month"]) <= 430
    }
    ages = [past.age(month) for month in shorted]
    there = newest is not None

    late_ages = [past.age(row["month"]) for row in late]
    found = {
        f"{name}_shorted": float(newest["month"] in shorted) if newest else None,
        f"{name}_shorted_months_130d": float(sum(age <= 130 for age in ages)),
        f"{name}_shorted_fading_60d": fading(ages, 60),
        f"{name}_shorted_fading_120d": fading(ages, 120),
        f"{name}_wait_days": float((newest["declared_on"] - newest["month"]).days) if newest else None,
        f"{name}_late_months": float(len(late)),
        f"{name}_late_fading_120d": fading(late_ages, 120),
    }
    return found if there else dict.fromkeys(found)


def both(past: Past, subject: str) -> Values:
    if past.kind == "project":
        return {}
    found: Values = {}
    for name in ("shorted", "shorted_fading_60d", "shorted_fading_120d", "late_fading_120d"):
        each = [insurance(past, subject)[f"insurance_{name}"], tax(past, subject)[f"tax_{name}"]]
        there = [value for value in each if value is not None]
        found[f"levies_{name}"] = sum(there) if there else None
    return found


FAMILIES = (insurance, tax, both)
