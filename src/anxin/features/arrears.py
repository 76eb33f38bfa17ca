"""Wages owed: sheets past their pay day held against pay, crew by crew; and whose pay would be told if there was any."""

from __future__ import annotations

from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from anxin.features.known import KEYS, Known, age, counted, ratio, summed
from anxin.features.worker_months import OWED_MONTHS, PAID_MONTHS, SITE, Wages, wages, within

GRACE = 7
"""Days after the agreed pay day before a month counts as not paid: payroll rows are sent days after the payment,
and a row still on its way is no arrears."""

_NEWEST_PAY_DAY = 45
"""Days since the agreed pay day within which a month's wages are the newest that must be paid."""

_MANY = 10
"""Payers with a pay day in one week, at least, to tell a feed that died from payers who did not pay."""


def crews(known: Known) -> ir.Table:
    """Return the wage sheets of each crew: one firm's people on a site, or its own staff (an empty `project_id`)."""
    rows = known.rows("wage_sheets", own=False)
    month_age = age(rows.as_of, rows.month)
    rows = rows.filter(month_age > 0, month_age <= OWED_MONTHS)
    return rows.select(
        *KEYS,
        "employer_id",
        "month",
        "pay_due_on",
        "age",
        project_id=rows.project_id.fill_null(""),
        due=rows.due.cast("decimal(38,2)"),
        heads="workers",
    )


def beside_pay(known: Known, sheets: ir.Table, made: Wages) -> ir.Table:
    """Return the sheets of crews whose pay would be told, with the days since their pay day and what they got.

    Crew by crew: one paid twice, or its arrears at last, does not pay another.
    """
    both = _told(known, _with_got(known, sheets, made), made)
    return both.select(
        *KEYS,
        "month",
        "due",
        "got",
        passed=age(both.as_of, both.pay_due_on),
        month_age=age(both.as_of, both.month),
    )


def owed(rows: ir.Table) -> ir.Table:
    """Say what is unpaid of sheets whose pay day is well past, month by month; no crew's surplus pays for another.

    Whether a month is unpaid is asked of all crews together: of a small crew one absent worker is more than the rest.
    """
    overdue = rows.filter(rows.passed > GRACE)
    gap = ibis.greatest(overdue.due - overdue.got, 0)
    months = overdue.group_by([*KEYS, "month", "month_age"]).aggregate(
        due=overdue.due.sum(),
        gap=gap.sum(),
        # Dated by who is short by more than a rounding, where somebody is.
        passed=ibis.coalesce(
            (gap * 100 > overdue.due * 5).ifelse(overdue.passed, None).max(),
            (gap > 0).ifelse(overdue.passed, None).max(),
        ),
    )
    newer = months.month_age <= PAID_MONTHS
    unpaid = months.gap * 100 > months.due * 5
    found = months.group_by(KEYS).aggregate(
        unpaid=counted(unpaid & newer),
        amount=summed(months.gap, unpaid & newer),
        due=summed(months.due, newer),
        days=(unpaid & newer).ifelse(months.passed, None).max().cast("float64"),
        older_amount=summed(months.gap, unpaid & ~newer),
        older_days=(unpaid & ~newer).ifelse(months.passed, None).max().cast("float64"),
    )
    told = rows.group_by(KEYS).aggregate(
        newer=counted(rows.month_age <= PAID_MONTHS), older=counted(rows.month_age > PAID_MONTHS)
    )
    found = told.left_join(found, KEYS).select(*told.columns, *found.columns[2:])
    newer, older = found.newer > 0, found.older > 0
    return found.select(
        *KEYS,
        wages_unpaid_months=newer.ifelse(found.unpaid.fill_null(0.0), None),
        wages_unpaid_amount=newer.ifelse(found.amount.fill_null(0.0), None),
        wages_unpaid_share=ratio(found.amount, found.due),
        wages_unpaid_days=newer.ifelse(found.days.fill_null(0.0), None),
        wages_unpaid_older_amount=older.ifelse(found.older_amount.fill_null(0.0), None),
        wages_unpaid_older_days=older.ifelse(found.older_days.fill_null(0.0), None),
    )


def worst_crew(rows: ir.Table) -> ir.Table:
    """Find the worst of a project's crews at the pay days just past: arrears mostly begin with one crew."""
    recent = (rows.month_age <= PAID_MONTHS) & (rows.passed <= _NEWEST_PAY_DAY)
    rows = rows.filter(recent, rows.passed > GRACE, rows.due > 0)
    unpaid = ratio(ibis.greatest(rows.due - rows.got, 0), rows.due)
    return rows.group_by(KEYS).aggregate(crew_unpaid_share=unpaid.max())


def _with_got(known: Known, sheets: ir.Table, made: Wages) -> ir.Table:
    """Return sheets with what their crew got for the month, whether they are `on_site`, and the `week` of pay day."""
    rows = within(known, made.payments, "month", OWED_MONTHS)
    paid = rows.group_by([*SITE, "month", "as_of"]).aggregate(got=rows.paid.sum())
    both = sheets.left_join(paid, [*SITE, "month", "as_of"]).select(*sheets.columns, "got")
    return both.mutate(
        got=both.got.fill_null(0), on_site=both.project_id != "", week=both.pay_due_on.truncate("W")
    )


def _told(known: Known, sheets: ir.Table, made: Wages) -> ir.Table:
    """Return the sheets of crews whose pay would be told if there was any.

    A site's sheets and pay come by one way, its wages being paid by a bank on its sheets (条例 31): where any pay of a
    site is told, or that of at least half of the sites with sheets past their pay day, of a crew with a sheet and no
    pay nobody was paid. Where fewer banks are connected, the silence of a site is that of its bank. Of its own staff
    a firm tells itself, or does not: who never did is silent, not unpaid. Of weeks of which no pay was told nothing is
    said.
    """
    payers = _payers(known, made)
    sheets = sheets.anti_join(_silences(known).weeks, ["as_of", "on_site", "week"])
    on_sites, site = sheets.filter(sheets.on_site), ["as_of", "project_id"]
    paid = payers.filter(payers.on_site).select("as_of", project_id="payer")
    paid = paid.mutate(paid=ibis.literal(1, "int64"))
    due = on_sites.filter(age(on_sites.as_of, on_sites.pay_due_on) > GRACE).select(*site).distinct()
    due = due.left_join(paid, site).select(*due.columns, "paid")
    heard = due.group_by("as_of").aggregate(sites=due.count(), paid=due.paid.count())
    heard = heard.filter(heard.paid * 2 >= heard.sites)
    others = on_sites.anti_join(paid, site).semi_join(heard, "as_of")
    on_sites = on_sites.semi_join(paid, site).union(others)
    if known.kind == "project":
        return on_sites
    tells = payers.filter(~payers.on_site).select("as_of", employer_id="payer")
    return on_sites.union(sheets.filter(~sheets.on_site).semi_join(tells, ["as_of", "employer_id"]))


def _payers(known: Known, made: Wages) -> ir.Table:
    """Return who is known to have paid: sites, and firms their own staff."""
    rows = within(known, made.payments, "month", OWED_MONTHS)
    on_site = rows.project_id != ""
    payer = on_site.ifelse(rows.project_id, rows.employer_id)
    return rows.select("as_of", on_site=on_site, payer=payer).distinct()


def pay_lag(known: Known) -> ir.Table:
    """Return the dates on which pay is told no longer, with the days since the newest payment: `as_of`, `lag`.

    Of an employer the longer of both ways, for its people may be paid by either.
    """
    dead = _silences(known).dead
    dead = dead.filter(dead.on_site) if known.kind == "project" else dead
    return dead.group_by("as_of").aggregate(lag=age(dead.as_of, dead.newest).max())


@dataclass(frozen=True)
class _Silences:
    """What the feed of pay did not tell, by the way it comes (`on_site`: by banks; or by firms of their own staff)."""

    weeks: ir.Table
    """Weeks of pay days whose pay was not told: `as_of`, `on_site`, `week`."""
    dead: ir.Table
    """Dates on which a way tells nothing more: `as_of`, `on_site`, `newest`, the day of its newest payment."""


def _silences(known: Known) -> _Silences:
    """Find where pay was not told; once for both kinds.

    Each way may die alone. Nowhere do most of those who paid before keep back most of a week's wages at once: the feed
    died then, or has a hole. A single bank that died is not seen.
    """
    asked = tuple(sorted(set(known.dates)))
    return known.view.once(
        ("untold", asked), lambda view: _found_silent(Known(view, asked, "employer")), outside=True
    )


def _found_silent(everyone: Known) -> _Silences:
    """Hold the payers of each week of pay days against what they are known to have paid."""
    made = wages(everyone)
    sheets = _with_got(everyone, crews(everyone), made)
    sheets = sheets.filter(age(sheets.as_of, sheets.pay_due_on) > GRACE)
    payer = sheets.on_site.ifelse(sheets.project_id, sheets.employer_id)
    sheets = sheets.mutate(payer=payer).semi_join(_payers(everyone, made), ["as_of", "on_site", "payer"])
    each = sheets.group_by("as_of", "on_site", "week", "payer").aggregate(
        due=sheets.due.sum(), got=sheets.got.sum(), last_due_on=sheets.pay_due_on.max()
    )
    each = everyone.view.keep(each.mutate(waiting=each.got * 2 < each.due))
    pays = within(everyone, made.payments, "month", OWED_MONTHS)
    pays = pays.group_by("as_of", on_site=pays.project_id != "").aggregate(newest=pays.paid_on.max())
    since = each.inner_join(pays, ["as_of", "on_site"]).select(*each.columns, "newest")
    since = since.filter(since.waiting, since.last_due_on > since.newest)
    since = since.group_by("as_of", "on_site", "newest").aggregate(payers=since.payer.nunique())
    dead = everyone.view.keep(since.filter(since.payers >= _MANY).drop("payers"))
    weeks = each.group_by("as_of", "on_site", "week").aggregate(
        payers=each.count(), waiting=counted(each.waiting), last_due_on=each.last_due_on.max()
    )
    weeks = weeks.left_join(dead, ["as_of", "on_site"]).select(*weeks.columns, "newest")
    # Of the last days before a way died some payments had not come.
    last_days = (age(weeks.newest, weeks.last_due_on) < GRACE).fill_null(False)
    untold = (weeks.payers >= _MANY) & (weeks.waiting * 3 >= weeks.payers * 2)
    untold |= last_days & (weeks.waiting * 10 >= weeks.payers)
    return _Silences(everyone.view.keep(weeks.filter(untold).select("as_of", "on_site", "week")), dead)
