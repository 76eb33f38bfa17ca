"""Wages: owed against paid, attended against paid, pay day, attendance, social insurance and tax.

Worker rows are counted here and nowhere else: no worker leaves this module.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from anxin.features.known import KEYS, Known, age, counted, latest, ratio, summed

_PAID = 0.95
"""A month counts as paid from 95 % of what it earned: deductions and rounding are not arrears."""

_MONTHS = 250
"""Age in days of the oldest month worked that is looked at: sheets and payroll must span the same months."""

_READ = 300
"""Days of rows read for those months."""


def payroll(known: Known) -> list[ir.Table]:
    """Return the tables of the family, each keyed by subject and date."""
    # Three tables read it, and it is the largest feed by worker: computed once.
    paid = known.view.keep(_worker_months(known))
    tables = [_paid(paid), _sheets(known, paid), _attended(known, paid), _present(known)]
    if known.kind == "employer":
        tables += [_insurance(known), _tax(known)]
    return tables


def _worker_months(known: Known) -> ir.Table:
    """Per subject and month worked: workers, what they earned and what they got, how late."""
    rows = known.rows("payroll", _READ, own=False)
    rows = rows.filter(age(rows.as_of, rows.month) <= _MONTHS)
    workers = rows.group_by([*KEYS, "month", "project_id", "employer_id", "worker_id"]).aggregate(
        due=rows.due.max(), paid=rows.paid.sum(), last=rows.paid_on.max()
    )
    return workers.group_by([*KEYS, "month"]).aggregate(
        workers=workers.count().cast("float64"),
        paid_heads=counted(workers.paid > 0),
        short=counted(workers.paid.cast("float64") < workers.due.cast("float64") * _PAID),
        due=workers.due.sum(),
        paid=workers.paid.sum(),
        delay=age(workers.last, workers.month).sum(),
        last=workers.last.max(),
    )


def _paid(months: ir.Table) -> ir.Table:
    month_age = age(months.as_of, months.month)
    late, past = month_age <= 125, month_age > 125
    sums = months.group_by(KEYS).aggregate(
        late_delay=summed(months.delay, late),
        late_workers=summed(months.workers, late),
        past_delay=summed(months.delay, past),
        past_workers=summed(months.workers, past),
        short=summed(months.short, late),
        due=summed(months.due, late),
        paid=summed(months.paid, late),
        pay_last_days=age(months.as_of, months["last"]).min().cast("float64"),
    )
    return sums.select(
        *KEYS,
        "pay_last_days",
        pay_short_share=ratio(sums.short, sums.late_workers),
        pay_paid_share=ratio(sums.paid, sums.due),
        pay_delay_days=ratio(sums.late_delay, sums.late_workers),
        pay_delay_rise=ratio(sums.late_delay, sums.late_workers) - ratio(sums.past_delay, sums.past_workers),
    )


def _sheets(known: Known, months: ir.Table) -> ir.Table:
    """Wage sheets whose pay day has passed, against what payroll shows; only for who sends payroll at all."""
    rows = known.rows("wage_sheets", _READ, own=False)
    rows = rows.filter(age(rows.as_of, rows.month) <= _MONTHS)
    sheets = rows.group_by([*KEYS, "month"]).aggregate(
        due=rows.due.sum(), pay_due_on=rows.pay_due_on.max(), workers=rows.workers.sum(), sent=rows.age.min()
    )
    paid = months.select(*KEYS, "month", got=months.paid)
    sends = months.select(*KEYS).distinct().mutate(sends=True)
    sheets = sheets.left_join(paid, [*KEYS, "month"]).select(*sheets.columns, "got")
    sheets = sheets.left_join(sends, KEYS).select(*sheets.columns, "sends")
    passed = age(sheets.as_of, sheets.pay_due_on)
    got = sheets.got.fill_null(0)
    owed = (passed > 0) & sheets.sends & (got.cast("float64") < sheets.due.cast("float64") * _PAID)
    counts = sheets.group_by(KEYS).aggregate(
        sends=sheets.sends.max(),
        months=counted(owed),
        amount=summed(sheets.due - got, owed),
        oldest=owed.ifelse(passed, None).max().cast("float64").fill_null(0.0),
        wage_sheet_last_days=sheets.sent.min().cast("float64"),
        wages_due_month=ratio(summed(sheets.due, passed > -40), counted(passed > -40)),
    )
    known_to_pay = counts.sends.fill_null(False)
    return counts.select(
        *KEYS,
        "wage_sheet_last_days",
        "wages_due_month",
        wages_unpaid_months=known_to_pay.ifelse(counts.months, None),
        wages_unpaid_amount=known_to_pay.ifelse(counts.amount, None),
        wages_unpaid_days=known_to_pay.ifelse(counts.oldest, None),
    )


def _attended(known: Known, months: ir.Table) -> ir.Table:
    """Heads on the attendance sheet against heads paid, months that ended at least a month ago."""
    rows = known.rows("attendance", 250, own=False)
    rows = rows.filter(
        (age(rows.as_of, rows.month) > 61) & (age(rows.as_of, rows.month) <= 155), rows.days > 0
    )
    attended = rows.group_by([*KEYS, "month"]).aggregate(
        heads=rows.count().cast("float64"), newest=rows.age.min()
    )
    paid = months.select(*KEYS, "month", "paid_heads")
    both = attended.left_join(paid, [*KEYS, "month"]).select(*attended.columns, "paid_heads")
    sends = months.select(*KEYS).distinct()
    both = both.semi_join(sends, KEYS)
    missing = ibis.greatest(both.heads - both.paid_heads.fill_null(0.0), 0.0)
    sums = both.group_by(KEYS).aggregate(
        missing=missing.sum(), heads=both.heads.sum(), attended_last_days=both.newest.min().cast("float64")
    )
    return sums.select(*KEYS, "attended_last_days", attended_unpaid_share=ratio(sums.missing, sums.heads))


def _present(known: Known) -> ir.Table:
    rows = known.rows("attendance_daily", 120, own=False)
    late, past = rows.age <= 14, (rows.age > 28) & (rows.age <= 120)
    sums = rows.group_by(KEYS).aggregate(
        late=summed(rows.present, late),
        late_days=late.ifelse(rows.date, None).nunique().cast("float64"),
        past=summed(rows.present, past),
        past_days=past.ifelse(rows.date, None).nunique().cast("float64"),
        registered=summed(rows.registered, late),
        attendance_last_days=rows.age.min().cast("float64"),
    )
    return sums.select(
        *KEYS,
        "attendance_last_days",
        attendance_trend=ratio(ratio(sums.late, sums.late_days), ratio(sums.past, sums.past_days)),
        attendance_share=ratio(sums.late, sums.registered),
        attendance_heads=ratio(sums.late, sums.late_days),
    )


def _insurance(known: Known) -> ir.Table:
    rows = known.rows("social_insurance", 430)
    now = latest(rows, rows.month).select(
        *KEYS,
        insured_heads=lambda t: t.insured.cast("float64"),
        insurance_last_days=lambda t: t.age.cast("float64"),
    )
    short = ibis.greatest(rows.due - rows.paid, 0)
    late = age(rows.as_of, rows.month) <= 130
    year = ~late
    sums = rows.group_by(KEYS).aggregate(
        short=summed(short, late),
        due=summed(rows.due, late),
        insurance_short_months=counted((rows.paid < rows.due) & (rows.age <= 400)),
        insurance_short_amount=summed(short, rows.age <= 400),
        insured=summed(rows.insured, late),
        months=counted(late),
        insured_past=summed(rows.insured, year),
        months_past=counted(year),
    )
    trend = sums.select(
        *KEYS,
        "insurance_short_months",
        "insurance_short_amount",
        insurance_short_share=ratio(sums.short, sums.due),
        insured_trend=ratio(ratio(sums.insured, sums.months), ratio(sums.insured_past, sums.months_past)),
    )
    return trend.inner_join(now, KEYS)


def _tax(known: Known) -> ir.Table:
    rows = known.rows("tax", 560)
    month_age = age(rows.as_of, rows.month)
    both = rows.tax_due.notnull() & rows.tax_paid.notnull()
    short = ibis.greatest(rows.tax_due - rows.tax_paid, 0)
    late, then = month_age <= 130, (month_age > 365) & (month_age <= 495)
    sums = rows.group_by(KEYS).aggregate(
        now=summed(rows.revenue, late),
        months=counted(late & rows.revenue.notnull()),
        then=summed(rows.revenue, then),
        months_then=counted(then & rows.revenue.notnull()),
        short=summed(short, both & (month_age <= 220)),
        due=summed(rows.tax_due, both & (month_age <= 220)),
        tax_short_months=counted((rows.tax_paid < rows.tax_due) & (rows.age <= 400)),
        tax_last_days=rows.age.min().cast("float64"),
    )
    return sums.select(
        *KEYS,
        "tax_short_months",
        "tax_last_days",
        tax_short_share=ratio(sums.short, sums.due),
        revenue_year=ratio(ratio(sums.now, sums.months), ratio(sums.then, sums.months_then)),
    )
