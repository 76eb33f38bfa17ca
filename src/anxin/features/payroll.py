"""Wages: attended, agreed, on the sheet, paid and through the account, month by month (方案 2); pay day; leavers.

What is matched by worker comes added up from `worker_months`; social insurance and tax are in `declarations`.
"""

from __future__ import annotations

import calendar
from datetime import date, timedelta

import ibis
import ibis.expr.types as ir

from anxin.domain.calendar import spring_festival
from anxin.features.arrears import GRACE, beside_pay, crews, owed, pay_lag, worst_crew
from anxin.features.known import KEYS, Known, age, counted, has_come, latest, ratio, summed
from anxin.features.worker_months import MONTHS, PAID_MONTHS, SITE, Wages, of_subjects, wages, within

_LATE = 125
"""Age in days of the oldest month of «the last four months»."""

_DUE = 61
"""A month that began longer ago than this ended a month ago: by then its wages must be paid (条例 12, 13)."""

_ACCOUNT_DAYS = 180
"""Days of payments that are compared with the wage account."""

_BOOKED = 10
"""Days of the newest payments and bookings that are not compared yet: two feeds, each with its own delay."""

_FESTIVAL = 21
"""Days around Spring Festival in which few are on site anywhere."""

_OF_PAYING = ("attended", "matched", "expected", "expected_got", "rated", "rated_paid")
"""What is held against pay, and only of sites whose pay is told."""

_FILED = 180
"""Days after which a register of contracts knows who works: of those who were there before it, it may not have told."""

_OF_OLD = 0.05
"""Share of contracts that must be so old: in a register of people at work most are."""

_LEAVERS = 365
"""Days for which who left is looked at."""

_CLEARING = 7
"""Days after leaving in which a missing settlement is not yet counted: it is signed in the days that follow."""


def payroll(known: Known) -> list[ir.Table]:
    """Return the tables of wages, each keyed by subject and date."""
    made = wages(known)
    by_site = known.view.keep(_paid_at_sites(known, made))
    months = _months(known, made, by_site)
    payments = known.view.keep(_payments(by_site))
    by_crew = known.view.keep(crews(known))
    sheets = known.view.keep(_sheets(by_crew))
    past = known.view.keep(beside_pay(known, by_crew, made))
    lag = pay_lag(known)
    tables = [
        _paid(months, payments, sheets, lag),
        _matched(known, months, sheets, made, lag),
        owed(past),
        by_crew.group_by(KEYS).aggregate(wage_sheet_last_days=by_crew.age.min().cast("float64")),
        _due(known, sheets, made),
        _pay_day(known, payments, sheets),
        _present(known),
        _leavers(known),
    ]
    return tables if known.kind == "employer" else [*tables, _account(known, made), worst_crew(past)]


def _months(known: Known, made: Wages, paid: ir.Table) -> ir.Table:
    """Add what was matched by worker up per subject and month; `paying_` is of sites whose pay is told, of any month.

    A firm that tells the pay of a site, but not that of its own staff, is silent of them and owes them nothing.
    """
    sites = of_subjects(known, made.months)
    told = paid.select("as_of", *SITE).distinct().mutate(told=ibis.literal(1, "int64"))
    sites = sites.left_join(told, ["as_of", *SITE]).select(*sites.columns, "told")
    # Pay without attendance says something only where the site sends the attendance of that month.
    sent, pays = sites.attended > 0, sites.told.notnull()
    return sites.group_by([*KEYS, "month"]).aggregate(
        uploaded_on=sites.uploaded_on.max(),
        **{
            name: sites[name].sum()
            for name in sites.columns
            if name not in (*KEYS, *SITE, "month", "uploaded_on", "told")
        },
        **{f"paying_{name}": pays.ifelse(sites[name], 0).sum() for name in _OF_PAYING},
        sent_paid_heads=sent.ifelse(sites.paid_heads, 0).sum(),
        unattended=sent.ifelse(sites.paid_heads - sites.matched, 0).sum(),
        unattended_paid=sent.ifelse(sites.paid - sites.matched_paid, 0).sum(),
    )


def _paid_at_sites(known: Known, made: Wages) -> ir.Table:
    """Return per subject, date, site and month worked what was paid, when, and how."""
    rows = within(known, of_subjects(known, made.payments), "month", PAID_MONTHS)
    day = (rows.paid > 0).ifelse(rows.paid_on, None)
    return rows.group_by([*KEYS, *SITE, "month"]).aggregate(
        paid=rows.paid.sum(),
        waited=(rows.paid * age(rows.paid_on, rows.month)).sum(),
        first=day.min(),
        last=rows.paid_on.max(),
        # A batch of nothing dates what is known, but is no pay.
        last_paid=day.max(),
        special=(rows.channel == "special_account").ifelse(rows.paid, None).sum(),
        other=(rows.channel == "other").ifelse(rows.paid, None).sum(),
    )


def _payments(sites: ir.Table) -> ir.Table:
    """Return what was paid at all sites of a subject together, per date and month worked."""
    return sites.group_by([*KEYS, "month"]).aggregate(
        first=sites["first"].min(),
        last=sites["last"].max(),
        last_paid=sites.last_paid.max(),
        **{name: sites[name].sum() for name in ("paid", "waited", "special", "other")},
    )


def _sheets(by_crew: ir.Table) -> ir.Table:
    """Return what the sheets of the months of `_payments` say together, per subject and month."""
    rows = by_crew.filter(age(by_crew.as_of, by_crew.month) <= PAID_MONTHS)
    return rows.group_by([*KEYS, "month"]).aggregate(
        due=rows.due.sum(), pay_due_on=rows.pay_due_on.max(), heads=rows.heads.sum()
    )


def _lagging(rows: ir.Table, lag: ir.Table) -> ir.Table:
    """Add the days by which the feed of pay is behind, 0 where it is not: of what fell due since nobody was told."""
    rows = rows.left_join(lag, "as_of").select(*rows.columns, "lag")
    return rows.mutate(lag=rows.lag.fill_null(0))


def _paid(months: ir.Table, payments: ir.Table, sheets: ir.Table, lag: ir.Table) -> ir.Table:
    """Say what payroll says: short once it is due, in parts, too much; when and through which channel."""
    months = _lagging(months, lag)
    agreed = sheets.select(*KEYS, "month", "pay_due_on")
    months = months.left_join(agreed, [*KEYS, "month"]).select(*months.columns, "pay_due_on")
    month_age = age(months.as_of, months.month)
    late = month_age <= _LATE
    # An advance is not short pay: the rest comes on the pay day, by the sheet or else when it must.
    overdue = months.pay_due_on.isnull().ifelse(
        month_age > _DUE + months.lag, age(months.as_of, months.pay_due_on) > GRACE + months.lag
    )
    payable = late & overdue
    heads = months.group_by(KEYS).aggregate(
        workers=summed(months.workers, late),
        payable=summed(months.workers, payable),
        short=summed(months.short, payable),
        parts=summed(months.parts, late),
        due=summed(months.due, payable),
        paid=summed(months.paid, payable),
        pay_short_amount=summed(months.gap, payable),
        pay_too_much_heads=summed(months.too_much, late),
    )
    late = age(payments.as_of, payments.month) <= _LATE
    sums = payments.group_by(KEYS).aggregate(
        got=summed(payments.paid, late),
        got_before=summed(payments.paid, ~late),
        waited=summed(payments.waited, late),
        waited_before=summed(payments.waited, ~late),
        special=summed(payments.special, late),
        special_before=summed(payments.special, ~late),
        other=summed(payments.other, late),
        pay_last_days=age(payments.as_of, payments["last"]).min().cast("float64"),
        last_paid=age(payments.as_of, payments.last_paid).min(),
        newest=age(payments.as_of, payments["first"]).min(),
        oldest=age(payments.as_of, payments["first"]).max(),
        pay_days=payments["first"].nunique(),
    )
    both = sums.left_join(heads, KEYS).select(*sums.columns, *(set(heads.columns) - set(KEYS)))
    both = _lagging(both, lag)
    delay = ratio(both.waited, both.got)
    seen = both.workers > 0
    return both.select(
        *KEYS,
        "pay_last_days",
        pay_short_share=ratio(both.short, both.payable),
        pay_parts_share=ratio(both.parts, both.workers),
        pay_short_amount=(both.payable > 0).ifelse(both.pay_short_amount, None),
        pay_too_much_heads=seen.ifelse(both.pay_too_much_heads, None),
        pay_paid_share=ratio(both.paid, both.due),
        pay_delay_days=delay,
        pay_delay_rise=delay - ratio(both.waited_before, both.got_before),
        pay_other_share=ratio(both.other, both.got),
        pay_account_fall=ratio(both.special_before, both.got_before) - ratio(both.special, both.got),
        # Days since the last pay, in intervals between the months' first pay days; months paid on one day share it.
        pay_gap_ratio=ratio(
            ibis.greatest(both.last_paid - both.lag, 0) * (both.pay_days - 1), both.oldest - both.newest
        ),
    )


def _matched(known: Known, months: ir.Table, sheets: ir.Table, made: Wages, lag: ir.Table) -> ir.Table:
    """Attendance against contracts, the sheet and pay, for months whose wages must be paid by now.

    No sheet is missing of months whose sheets have not come yet from anyone.
    """
    least = _minimum(known, months.select(*KEYS, "month"), made)
    sheet = sheets.select(*KEYS, "month", sheet_due="due", sheet_heads="heads")
    rows = months.left_join(sheet, [*KEYS, "month"]).select(*months.columns, "sheet_due", "sheet_heads")
    rows = rows.left_join(least, [*KEYS, "month"]).select(*rows.columns, "fen")
    rows = rows.left_join(_sheets_until(sheets), "as_of").select(*rows.columns, "sheets_until")
    rows = _lagging(rows, lag)
    attended = rows.attended > 0
    on_sheet = (rows.month <= rows.sheets_until).fill_null(False)
    must = age(rows.as_of, rows.month) > _DUE
    paid_by_now = age(rows.as_of, rows.month) > _DUE + rows.lag
    both = must & rows.sheet_heads.notnull() & attended
    agreed = both & (rows.rated > 0) & (rows.sheet_heads > 0)
    below = (
        ibis.cases(*((rows.fen == fen, rows[f"below_{fen}"]) for fen in made.levels), else_=0)
        if made.levels
        else ibis.literal(0)
    )
    judged = paid_by_now & rows.fen.notnull()
    newest = attended.ifelse(rows.month, None).max()
    last = rows.group_by(KEYS).aggregate(newest=newest)
    sums = rows.group_by(KEYS).aggregate(
        attended=summed(rows.paying_attended, paid_by_now),
        unpaid=summed(rows.paying_attended - rows.paying_matched, paid_by_now),
        unpaid_month=paid_by_now.ifelse(rows.paying_attended - rows.paying_matched, None)
        .max()
        .cast("float64"),
        unpaid_yuan=summed(rows.paying_expected - rows.paying_expected_got, paid_by_now),
        rated=summed(rows.paying_rated, paid_by_now),
        expected=summed(rows.paying_expected, paid_by_now),
        rated_paid=summed(rows.paying_rated_paid, paid_by_now),
        paid_heads=summed(rows.sent_paid_heads, must),
        unattended=summed(rows.unattended, must),
        unattended_paid=summed(rows.unattended_paid, must),
        every=rows.attended.sum(),
        contracted=rows.contracted.sum(),
        full=summed(rows.full, judged),
        below=summed(below, judged),
        both_attended=summed(rows.attended, both),
        both_heads=summed(rows.sheet_heads, both),
        agreed_due=summed(rows.sheet_due, agreed),
        agreed_heads=summed(rows.sheet_heads, agreed),
        agreed_expected=summed(rows.expected, agreed),
        agreed_rated=summed(rows.rated, agreed),
        months=counted(must & attended & on_sheet),
        no_sheet=counted(must & attended & on_sheet & rows.sheet_heads.isnull()),
        attended_last_days=age(rows.as_of, rows.uploaded_on).min().cast("float64"),
        newest=newest,
    )
    now = rows.inner_join(last, KEYS).filter(lambda t: t.month == t.newest)
    now = now.select(*KEYS, uncontracted=now.attended - now.contracted)
    sums = sums.left_join(now, KEYS).select(*sums.columns, "uncontracted")
    sums = sums.left_join(_signed(known), "as_of").select(*sums.columns, "signed")
    filed = (sums.signed >= _OF_OLD).fill_null(False)
    known_unpaid = sums.attended > 0
    sheet_days = sums.attended_last_days
    return sums.select(
        *KEYS,
        "attended_last_days",
        # Less what the whole feed is behind.
        attendance_silent_days=sheet_days - sheet_days.min().over(ibis.window(group_by="as_of")),
        attended_unpaid_share=ratio(sums.unpaid, sums.attended),
        attended_unpaid_heads=known_unpaid.ifelse(sums.unpaid, None),
        attended_unpaid_heads_month=known_unpaid.ifelse(sums.unpaid_month, None),
        attended_unpaid_amount=(sums.rated > 0).ifelse(sums.unpaid_yuan, None),
        paid_unattended_share=ratio(sums.unattended, sums.paid_heads),
        paid_unattended_amount=(sums.paid_heads > 0).ifelse(sums.unattended_paid, None),
        pay_below_minimum_share=ratio(sums.below, sums.full),
        contract_missing_share=filed.ifelse(ratio(sums.every - sums.contracted, sums.every), None),
        contract_missing_heads=filed.ifelse(sums.uncontracted.cast("float64"), None),
        contract_paid_share=ratio(sums.rated_paid, sums.expected),
        contract_sheet_ratio=ratio(
            ratio(sums.agreed_due, sums.agreed_heads), ratio(sums.agreed_expected, sums.agreed_rated)
        ),
        sheet_heads_ratio=ratio(sums.both_heads, sums.both_attended),
        sheet_missing_months=(sums["months"] > 0).ifelse(sums.no_sheet, None),
    )


def _sheets_until(sheets: ir.Table) -> ir.Table:
    """Return per date the newest month whose sheets have come."""
    each = sheets.group_by("as_of", "month").aggregate(senders=sheets.count())
    before = each.senders.lag().over(ibis.window(group_by="as_of", order_by="month"))
    each = each.mutate(before=before.fill_null(0))
    told = each.filter(has_come(each.senders, each.before))
    return told.group_by("as_of").aggregate(sheets_until=told.month.max())


def _signed(known: Known) -> ir.Table:
    """Return per date which share of the contracts known was signed `_FILED` days ago or more (`signed`).

    Single ones of long ago also come late to a register that has just begun.
    """
    rows = known.rows("labour_contracts", own=False)
    return rows.group_by("as_of").aggregate(signed=ratio(counted(rows.age >= _FILED), rows.count()))


def _minimum(known: Known, months: ir.Table, made: Wages) -> ir.Table:
    """Return the local minimum wage of subjects' months, in fen."""
    registry = known.all(f"{known.kind}s")
    where = registry.select("as_of", "district", subject_id=registry[f"{known.kind}_id"])
    placed = months.inner_join(where, KEYS).select(*months.columns, "district")
    return placed.inner_join(made.minimum, ["district", "month"]).select(*months.columns, "fen")


def _due(known: Known, sheets: ir.Table, made: Wages) -> ir.Table:
    """Say what the sheets alone say: a month's wages, held against the minimum wage, and the newest sheet."""
    late = sheets.filter(age(sheets.as_of, sheets.month) <= _LATE).select(*KEYS, "month")
    rows = sheets.left_join(_minimum(known, late, made), [*KEYS, "month"]).select(*sheets.columns, "fen")
    soon = age(rows.as_of, rows.pay_due_on) > -40
    judged = rows.fen.notnull() & (rows.heads > 0)
    least = rows.heads.cast("decimal(38,0)") * rows.fen
    return rows.group_by(KEYS).aggregate(
        wages_due_month=ratio(summed(rows.due, soon), counted(soon)),
        sheet_minimum_ratio=ratio(summed(rows.due, judged) * 100, summed(least, judged)),
    )


def _pay_day(known: Known, payments: ir.Table, sheets: ir.Table) -> ir.Table:
    """How late pay came after the subject's own pay day, and how far the next one is."""
    rows = sheets.left_join(payments.select(*KEYS, "month", "paid", "waited"), [*KEYS, "month"])
    rows = rows.select(*sheets.columns, "paid", "waited")
    recent = age(rows.as_of, rows.month) <= MONTHS
    after = rows.waited - rows.paid * age(rows.pay_due_on, rows.month)
    sums = rows.group_by(KEYS).aggregate(after=summed(after, recent), paid=summed(rows.paid, recent))
    last = latest(sheets, sheets.month).select(*KEYS, "pay_due_on")
    lengths = [_length(day) for day in known.dates]
    following = [
        _length(day.replace(day=1) + timedelta(length))
        for day, length in zip(known.dates, lengths, strict=True)
    ]
    here = known.calendar(length=lengths, following=following)
    both = sums.inner_join(last, KEYS).inner_join(here, "as_of")
    day, today = both.pay_due_on.day(), both.as_of.day()
    ahead = ibis.least(day, both.length) - today
    next_month = both.length - today + ibis.least(day, both.following)
    return both.select(
        *KEYS,
        pay_late_days=ratio(both.after, both.paid),
        pay_next_days=(ahead >= 0).ifelse(ahead, next_month).cast("float64"),
    )


def _length(day: date) -> int:
    return calendar.monthrange(day.year, day.month)[1]


def _account(known: Known, made: Wages) -> ir.Table:
    """Hold what payroll says went through the special account against the wages the account paid out.

    Only where the bank sends the flow of the account at all: else nothing is known of what it paid.
    """
    through = of_subjects(known, made.payments).filter(lambda t: t.channel == "special_account")
    booked = known.rows("wage_accounts", _ACCOUNT_DAYS)
    # What was paid after the newest booking of any account cannot be booked yet.
    behind = known.reach("wage_accounts", _ACCOUNT_DAYS)
    rows = within(known, through, "month", PAID_MONTHS)
    rows = rows.inner_join(behind, "as_of").select(*rows.columns, "newest")
    paid_age = age(rows.as_of, rows.paid_on)
    rows = rows.filter(paid_age >= rows.newest + _BOOKED, paid_age <= _ACCOUNT_DAYS)
    said = rows.group_by(*KEYS, paid_in=rows.paid_on.truncate("M")).aggregate(said=rows.paid.sum())
    booked = booked.inner_join(behind, "as_of").select(*booked.columns, "newest")
    booked = booked.filter(booked.age >= booked.newest + _BOOKED)
    out = booked.group_by(*KEYS, paid_in=booked.transacted_on.truncate("M")).aggregate(
        out=(booked.kind == "wage").ifelse(booked.amount, None).sum()
    )
    both = said.left_join(out, [*KEYS, "paid_in"]).select(*said.columns, "out")
    both = both.semi_join(out, KEYS)
    out = both.out.fill_null(0)
    sums = both.group_by(KEYS).aggregate(
        said=both.said.sum(), out=out.sum(), account_gap_months=counted(out * 100 < both.said * 95)
    )
    return sums.select(*KEYS, "account_gap_months", account_paid_share=ratio(sums.out, sums.said))


def _present(known: Known) -> ir.Table:
    rows = known.spans("attendance_daily", 120, own=False)
    daily = rows.group_by(["subject_id", "date", "since", "until"]).aggregate(
        present=rows.present.sum(), registered=rows.registered.sum()
    )
    each = within(known, daily, "date", 120)
    each = each.group_by([*KEYS, "date"]).aggregate(
        present=each.present.sum(), registered=each.registered.sum()
    )
    passed = age(each.as_of, each.date)
    late, past = passed <= 14, passed > 28
    month = (passed <= 28) & ~_festive(known, each.date)
    sums = each.group_by(KEYS).aggregate(
        late=summed(each.present, late),
        late_days=counted(late),
        past=summed(each.present, past),
        past_days=counted(past),
        registered=summed(each.registered, late),
        registered_past=summed(each.registered, past),
        month=summed(each.present, month),
        registered_month=summed(each.registered, month),
        attendance_last_days=passed.min().cast("float64"),
    )
    share = ratio(sums.late, sums.registered)
    of_site = {"attendance_share_28d": ratio(sums["month"], sums.registered_month)}
    return sums.select(
        *KEYS,
        "attendance_last_days",
        attendance_trend=ratio(ratio(sums.late, sums.late_days), ratio(sums.past, sums.past_days)),
        attendance_share=share,
        **(of_site if known.kind == "project" else {}),
        attendance_share_change=share - ratio(sums.past, sums.registered_past),
        attendance_heads=ratio(sums.late, sums.late_days),
    )


def _festive(known: Known, day: ir.DateColumn) -> ir.BooleanValue:
    """Tell whether a day is within three weeks of a Spring Festival."""
    years = sorted({year for at in known.dates for year in (at.year - 1, at.year, at.year + 1)})
    near = ibis.literal(False)
    for year in years:
        feast = spring_festival(year)
        first, last = feast - timedelta(_FESTIVAL), feast + timedelta(_FESTIVAL)
        near = near | ((day >= ibis.literal(first)) & (day <= ibis.literal(last)))
    return near


def _leavers(known: Known) -> ir.Table:
    """Workers who left in the last year, and whether what they are owed was settled (方案 8)."""
    rows = known.spans("labour_contracts", own=False)
    # A day written down in advance is not yet a day of leaving.
    rows = rows.filter(rows.left_on.notnull())
    groups = rows.group_by(["subject_id", "left_on", "cleared_on", "since", "until"]).aggregate(
        heads=rows.count()
    )
    each = within(known, groups, "left_on", _LEAVERS)
    each = each.mutate(gone=age(each.as_of, each.left_on))
    counts = each.gone > _CLEARING
    unsettled = counts & (each.cleared_on.isnull() | (each.cleared_on >= each.as_of))
    sums = each.group_by(KEYS).aggregate(
        left=summed(each.heads, counts),
        unsettled=summed(each.heads, unsettled),
        oldest=unsettled.ifelse(each.gone, None).max().cast("float64"),
        leaver_last_days=each.gone.min().cast("float64"),
    )
    return sums.select(
        *KEYS,
        "leaver_last_days",
        leavers_unsettled_heads=sums.unsettled,
        leavers_unsettled_share=ratio(sums.unsettled, sums.left),
        leavers_unsettled_days=sums.oldest.fill_null(0.0),
    )
