"""Borrowing of an employer at month ends: overdue, class and its migration, use of the line, guarantees.

Three silences are kept apart: no feed (all is missing), no report of this employer (no report in a year), and
a report that says there is no loan (`credit_no_loan`).
"""

from __future__ import annotations

from collections.abc import Callable

import ibis
import ibis.expr.types as ir

from anxin.features.known import KEYS, Known, age, counted, ratio
from anxin.feeds.asof import Numbered

_CLASSES = ("normal", "special_mention", "substandard", "doubtful", "loss")
_YEAR = 400
"""Days of history a state is read from: thirteen month-ends."""
_REPORTED = 800
"""Days after which an employer counts as never reported."""
_QUARTER = 3
"""A change over a quarter is against the report so many reports before."""

_STATED = ("credit_line", "loan_balance", "overdue_amount", "overdue_days", "guarantees_given")
_READ = ("subject_id", "stated_on", "month", "grade", *_STATED)
_ORDERED = ("subject_id", "age", "now", "then", "grade", "grade_before", "line_before", *_STATED)


def credit(known: Known) -> list[ir.Table]:
    """Return the tables of the family; only employers have these (see relations for a project's parties)."""
    if known.kind != "employer":
        return []
    reported = known.by_date("credit", _REPORTED, (), _reported)
    found = _in_order(known, _states)
    names = [name for name in found.columns if name not in KEYS]
    found = with_capital(known, reported.left_join(found, KEYS).select(*reported.columns, *names))
    use, use_then = ratio(found.credit_balance, found.line), ratio(found.balance_then, found.line_then)
    return [
        found.mutate(
            credit_overdue_share=ratio(found.credit_overdue_amount, found.credit_balance),
            credit_overdue_capital=ratio(found.credit_overdue_amount, found.capital),
            credit_overdue_rise=found.credit_overdue_amount - found.overdue_then,
            credit_class_fall=found.credit_class - found.class_best,
            credit_utilisation=use,
            credit_utilisation_rise=use - use_then,
            credit_line_left=ratio(found.line, found.line_largest),
            credit_balance_left=ratio(found.credit_balance, found.balance_largest),
            credit_balance_change=ratio(found.credit_balance - found.balance_then, found.balance_then),
            credit_balance_capital=ratio(found.credit_balance, found.capital),
            credit_guarantees=ratio(found.guarantees, found.line),
            credit_guarantees_capital=ratio(found.guarantees, found.capital),
        ).drop(
            *("line", "line_then", "line_largest", "overdue_then", "balance_then"),
            *("balance_largest", "guarantees", "class_best", "capital"),
        )
    ]


def _reported(reports: ir.Table) -> ir.Table:
    return reports.group_by("subject_id").aggregate(
        credit_reports_365d=counted(reports.age <= 365),
        credit_report_days=reports.age.min().cast("float64"),
    )


def _states(rows: ir.Table) -> ir.Table:
    """Add up the reports of a date in their order."""
    now, then = rows.now, rows.then
    year = rows.age <= 365
    lowered, cut = rows.grade > rows.grade_before, rows.credit_line < rows.line_before
    return rows.group_by("subject_id").aggregate(
        credit_overdue_amount=_at(now, rows.overdue_amount),
        credit_overdue_days=_at(now, rows.overdue_days),
        credit_overdue_months_365d=_stated(year, rows.overdue_amount, rows.overdue_amount > 0),
        credit_class=_at(now, rows.grade),
        credit_class_drops_365d=_stated(year, rows.grade, lowered),
        credit_class_drop_days=lowered.ifelse(rows.age, None).min().cast("float64"),
        credit_line_cut_days=cut.ifelse(rows.age, None).min().cast("float64"),
        credit_balance=_at(now, rows.loan_balance),
        credit_no_loan=_at(now, (rows.loan_balance == 0).cast("int64")),
        credit_last_days=_at(now, rows.age),
        line=_at(now, rows.credit_line),
        line_then=_at(then, rows.credit_line),
        line_largest=rows.credit_line.max().cast("float64"),
        overdue_then=_at(then, rows.overdue_amount),
        balance_then=_at(then, rows.loan_balance),
        balance_largest=rows.loan_balance.max().cast("float64"),
        guarantees=_at(now, rows.guarantees_given),
        class_best=rows.grade.min(),
    )


def _in_order(known: Known, make: Callable[[ir.Table], ir.Table]) -> ir.Table:
    """Return what `make` makes of the reports known on each date with `grade`, and what their order says of each.

    `now`: the newest on the date, `then`: the one a quarter before; `grade_before`, `line_before`: of the report
    before it. Nearly every employer's reports come one after the other and are never corrected: then the order is
    the same on every date, and is looked for once. Only the others are put in order date by date.
    """
    dates = sorted(set(known.dates))
    if len(dates) == 1:
        found = make(_by_date(_graded(known.rows("credit", _YEAR))))
        return found.mutate(as_of=ibis.literal(dates[0]))
    laid = known.view.numbered(
        _graded(known.spans("credit", _YEAR)).select(*_READ, "since", "until"), "subject_id"
    )
    rows = laid.rows
    one_by_one = ibis.window(group_by="subject_id", order_by=[rows.month, rows.since])

    def before(column: ir.Column) -> ir.Column:
        return column.lag().over(one_by_one)

    corrected = rows.until < len(dates)
    out_of_order = (before(rows.since) > rows.since) | (before(rows.stated_on) > rows.stated_on)
    odd = corrected | (out_of_order | (before(rows.month) == rows.month)).fill_null(False)
    rows = rows.mutate(
        odd=odd.cast("int64"),
        grade_before=before(rows.grade),
        line_before=before(rows.credit_line),
        before_on=before(rows.stated_on),
        next_since=rows.since.lead().over(one_by_one),
        **{f"since_{n}": rows.since.lead(n).over(one_by_one) for n in (_QUARTER, _QUARTER + 1)},
    )
    rows = rows.mutate(odd=rows.odd.max().over(ibis.window(group_by="subject_id")) == 1)

    def on_date(each: ir.Table) -> ir.Table:
        each = each.filter(each.age <= _YEAR)
        plain = each.filter(~each.odd)
        there = age(plain.as_of, plain.before_on) <= _YEAR
        come = (plain[f"since_{_QUARTER}"] <= plain.place).fill_null(False)
        plain = plain.mutate(
            now=(plain.next_since > plain.place).fill_null(True),
            then=come & (plain[f"since_{_QUARTER + 1}"] > plain.place).fill_null(True),
            grade_before=there.ifelse(plain.grade_before, None),
            line_before=there.ifelse(plain.line_before, None),
        )
        others = _by_date(each.filter(each.odd))
        return make(plain.select(*_ORDERED).union(others.select(*_ORDERED)))

    return known.each_date(Numbered(known.view.keep(rows), laid.texts), "stated_on", on_date)


def _graded(rows: ir.Table) -> ir.Table:
    grades = ((name, float(place)) for place, name in enumerate(_CLASSES))
    return rows.mutate(grade=rows.classification.cases(*grades, else_=None))


def _by_date(rows: ir.Table) -> ir.Table:
    """Put the reports of each date in order, the newest first."""
    window = ibis.window(group_by="subject_id", order_by=ibis.desc(rows.month))
    rows = rows.mutate(
        nth=ibis.row_number().over(window),
        grade_before=rows.grade.lead().over(window),
        line_before=rows.credit_line.lead().over(window),
    )
    return rows.mutate(now=rows.nth == 0, then=rows.nth == _QUARTER)


def with_capital(known: Known, found: ir.Table) -> ir.Table:
    """Return employers' rows with `capital`, what is registered of them on the date (yuan)."""
    registry = known.all("employers")
    capital = registry.select(
        "as_of", subject_id=registry.employer_id, capital=registry.registered_capital.cast("float64")
    )
    return found.left_join(capital, KEYS).select(*found.columns, "capital")


def _stated(rows: ir.BooleanValue, value: ir.Value, condition: ir.BooleanValue) -> ir.FloatingValue:
    """Return how many of the rows satisfy a condition, missing where none of them states the value it needs."""
    return (counted(rows & value.notnull()) > 0).ifelse(counted(rows & condition), None)


def _at(rows: ir.BooleanValue, value: ir.Value) -> ir.FloatingScalar:
    """Return the value of the one row meant, as float64."""
    return rows.ifelse(value, None).max().cast("float64")
