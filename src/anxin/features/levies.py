"""Social insurance and tax of an employer: short, late, and how the heads and the revenue behind them move."""

from __future__ import annotations

import functools
import operator
from collections.abc import Mapping, Sequence

import ibis
import ibis.expr.types as ir

from anxin.features.known import Known, age, counted, month, ratio, summed

DECLARED: Mapping[str, Sequence[str]] = {
    "social_insurance": ("month", "insured", "due", "paid"),
    "tax": ("month", "revenue", "tax_due", "tax_paid"),
}
"""What is read of a declaration, beside when it was made."""

_LATE = 130
"""Age in days of the oldest month of «the last four months» declared: declarations come in the next month."""

MONTHS = 430
"""Age in days of the oldest of the last thirteen months, and of the oldest declaration looked at: a month declared long
after it ended is none of them."""

_PAST = 250
"""Age in days of the oldest of the four months before them."""


_BACK = range(5)
"""Months back from that of the as-of date, as far as «the last four months» reach."""


def insurance(known: Known) -> ir.Table:
    """Return social insurance: what was not paid, whether the next declaration is late, and insured heads.

    Late is who is later than usual by the newest declaration of anyone: beyond it nothing is known of anybody.
    """
    found = known.by_date("social_insurance", MONTHS, DECLARED["social_insurance"], _insurance)
    behind = found.insurance_last_days.min().over(ibis.window(group_by="as_of")) - 1.0
    late = ibis.greatest(found.late - behind, 0.0)
    return found.mutate(insurance_overdue_days=found.late.notnull().ifelse(late, None)).drop("late")


def _insurance(rows: ir.Table) -> ir.Table:
    month_age = age(rows.as_of, rows.month)
    # Older months are looked at only where they are short: most are not, and the feed is large.
    rows = rows.filter((month_age <= _PAST) | (rows.paid < rows.due))
    short = ibis.greatest(rows.due - rows.paid, 0)
    month_age = age(rows.as_of, rows.month)
    recent, late, year = month_age <= _PAST, month_age <= _LATE, (rows.age <= 400) & (month_age <= MONTHS)
    sums = rows.group_by("subject_id").aggregate(
        short=summed(short, late),
        due=summed(rows.due, late),
        insurance_short_months=counted((rows.paid < rows.due) & year),
        insurance_short_amount=summed(short, year),
        insured=summed(rows.insured, late),
        months=counted(late),
        insured_past=summed(rows.insured, recent & ~late),
        months_past=counted(recent & ~late),
        # Days from the month's first to its declaration: its age less the declaration's.
        waited=summed(month_age - rows.age, recent),
        declared=counted(recent),
        newest=month_age.min().cast("float64"),
        # One row per employer and month is known on a date: the latest month is one row.
        insured_heads=rows.insured.argmax(rows.month, where=recent).cast("float64"),
        insurance_last_days=rows.age.argmax(rows.month, where=recent).cast("float64"),
    )
    usual = ratio(sums.waited, sums.declared)
    return sums.select(
        "subject_id",
        "insurance_short_months",
        "insurance_short_amount",
        "insured_heads",
        "insurance_last_days",
        insurance_short_share=ratio(sums.short, sums.due),
        insured_trend=ratio(ratio(sums.insured, sums["months"]), ratio(sums.insured_past, sums.months_past)),
        late=sums.newest - 31 - usual,
    )


def tax(known: Known) -> ir.Table:
    """Return tax: what was not paid, and declared revenue against before and against last year."""
    return known.by_date("tax", 560, DECLARED["tax"], _tax)


def _tax(rows: ir.Table) -> ir.Table:
    month_age = age(rows.as_of, rows.month)
    same_last_year = (month_age > 365) & (month_age <= 365 + _LATE)
    rows = rows.filter(
        (month_age <= _PAST) | same_last_year | (rows.tax_paid < rows.tax_due).fill_null(False)
    )
    month_age = age(rows.as_of, rows.month)
    both = rows.tax_due.notnull() & rows.tax_paid.notnull()
    short = ibis.greatest(rows.tax_due - rows.tax_paid, 0)
    told = rows.revenue.notnull()
    late, then = month_age <= _LATE, (month_age > 365) & (month_age <= 365 + _LATE)
    before = (month_age > _LATE) & (month_age <= _PAST)
    back = month(rows.as_of) - month(rows.month)
    # The last of the four months is often not declared yet: only months told in both years are held side by side.
    each = {f"now_{n}": (late & (back == n)).ifelse(rows.revenue, None).sum() for n in _BACK}
    each |= {f"then_{n}": (then & (back == n + 12)).ifelse(rows.revenue, None).sum() for n in _BACK}
    sums = rows.group_by("subject_id").aggregate(
        now=summed(rows.revenue, late),
        months=counted(late & told),
        before=summed(rows.revenue, before),
        months_before=counted(before & told),
        short=summed(short, both & (month_age <= 220)),
        due=summed(rows.tax_due, both & (month_age <= 220)),
        tax_short_months=counted((rows.tax_paid < rows.tax_due) & (rows.age <= 400) & (month_age <= MONTHS)),
        tax_last_days=rows.age.min().cast("float64"),
        **each,
    )
    now = ratio(sums.now, sums["months"])
    return sums.select(
        "subject_id",
        "tax_short_months",
        "tax_last_days",
        tax_short_share=ratio(sums.short, sums.due),
        revenue_trend=ratio(now, ratio(sums.before, sums.months_before)),
        revenue_year=ratio(_paired(sums, "now", "then"), _paired(sums, "then", "now")),
    )


def _paired(sums: ir.Table, year: str, other: str) -> ir.FloatingValue:
    """Return the revenue of the months of one year that are told in the other too."""
    told = (sums[f"{other}_{n}"].notnull().ifelse(sums[f"{year}_{n}"].cast("float64"), None) for n in _BACK)
    return functools.reduce(operator.add, (value.fill_null(0.0) for value in told))
