"""Declarations of social insurance and tax: the newest month, late ones, and what was ever declared short."""

from __future__ import annotations

from datetime import datetime, time

from .oracle import Past, Row, Values, fading, mean, newest, ratio, total


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
    late = [
        row for row in rows if (row["declared_on"] - row["month"]).days > 51 and past.age(row["month"]) <= 430
    ]
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


def insured(past: Past, subject: str) -> Values:
    if past.kind == "project":
        return {}
    every = past.rows("social_insurance", subject, 430)
    rows = [row for row in every if past.age(row["month"]) <= 250]
    late = [row for row in rows if past.age(row["month"]) <= 130]
    before = [row for row in rows if past.age(row["month"]) > 130]
    short = [row for row in every if row["paid"] < row["due"]]
    year = [row for row in short if row["age"] <= 400 and past.age(row["month"]) <= 430]
    last = max(rows, key=lambda row: row["month"], default=None)
    overdue = None
    if last is not None:
        usual = mean([(row["declared_on"] - row["month"]).days for row in rows])
        assert usual is not None
        overdue = max(past.age(last["month"]) - 31 - usual - (_newest_declared(past) - 1), 0)
    return {
        "insurance_short_months": len(year) if rows or short else None,
        "insurance_short_amount": float(total(r["due"] - r["paid"] for r in year)) if rows or short else None,
        "insurance_short_share": ratio(
            total(max(r["due"] - r["paid"], 0) for r in late), total(r["due"] for r in late)
        ),
        "insurance_overdue_days": overdue,
        "insured_trend": ratio(mean([r["insured"] for r in late]), mean([r["insured"] for r in before])),
        "insured_heads": None if last is None else last["insured"],
        "insurance_last_days": None if last is None else last["age"],
    }


def _newest_declared(past: Past) -> int:
    """Return the age of the newest declaration of insurance: of the newest month of each employer, the least."""
    newest: dict[str, Row] = {}
    for row in past.all("social_insurance", 430):
        before = newest.get(row["employer_id"])
        if past.age(row["month"]) <= 250 and (before is None or row["month"] > before["month"]):
            newest[row["employer_id"]] = row
    return min(int(row["age"]) for row in newest.values())


def taxed(past: Past, subject: str) -> Values:
    if past.kind == "project":
        return {}
    every = past.rows("tax", subject, 560)
    rows = [
        row
        for row in every
        if past.age(row["month"]) <= 250
        or 365 < past.age(row["month"]) <= 495
        or (None not in (row["tax_due"], row["tax_paid"]) and row["tax_paid"] < row["tax_due"])
    ]
    both = [row for row in rows if row["tax_due"] is not None and row["tax_paid"] is not None]
    late = [row for row in both if past.age(row["month"]) <= 220]
    revenue = [(past.age(row["month"]), row["revenue"]) for row in rows if row["revenue"] is not None]
    now = mean([value for age, value in revenue if age <= 130])
    before = mean([value for age, value in revenue if 130 < age <= 250])
    told = {row["month"]: row["revenue"] for row in rows if row["revenue"] is not None}
    twice = [
        (value, told[last])
        for this, value in told.items()
        if past.age(this) <= 130
        and (last := this.replace(year=this.year - 1)) in told
        and 365 < past.age(last) <= 495
    ]
    year = [row for row in both if row["age"] <= 400 and past.age(row["month"]) <= 430]
    short = sum(row["tax_paid"] < row["tax_due"] for row in year)
    return {
        "tax_short_months": short if rows else None,
        "tax_short_share": ratio(
            total(max(row["tax_due"] - row["tax_paid"], 0) for row in late),
            total(row["tax_due"] for row in late),
        ),
        "revenue_trend": ratio(now, before),
        "revenue_year": ratio(total(this for this, _ in twice), total(last for _, last in twice)),
        "tax_last_days": newest(rows),
    }


FAMILIES = (insured, taxed, insurance, tax, both)
