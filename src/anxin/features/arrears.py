"""Wages owed: sheets past their pay day held against pay, crew by crew; and whose pay would be told if there was any."""

from __future__ import annotations

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
"""Payers who all wait at once for a pay day that nobody has kept since: that is a feed that died."""


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
    rows = rows.filter(rows.passed > GRACE, rows.passed <= _NEWEST_PAY_DAY, rows.due > 0)
    rows = rows.filter(rows.month_age <= PAID_MONTHS)
    unpaid = ratio(ibis.greatest(rows.due - rows.got, 0), rows.due)
    return rows.group_by(KEYS).aggregate(crew_unpaid_share=unpaid.max())


def heard_until(known: Known) -> ir.Table:
    """Return for each date the day until which pay of the kind's subjects is told: `as_of`, `until`.

    That is the date itself, unless the feed died. Banks tell of sites and firms of their own staff, and each way dies
    alone; an employer has both. A single bank that died is not seen: its sites look like sites that stopped.
    """
    dead = _dead(known)
    if known.kind == "project":
        dead = dead.filter(dead.on_site)
    dead = dead.group_by("as_of").aggregate(until=dead.until.min())
    dates = known.calendar()
    return dates.left_join(dead, "as_of").select(
        dates.as_of, until=ibis.coalesce(dead.until, dates.as_of.cast("date"))
    )


def _with_got(known: Known, sheets: ir.Table, made: Wages) -> ir.Table:
    """Return sheets with what their crew got for the month."""
    rows = within(known, made.payments, "month", OWED_MONTHS)
    paid = rows.group_by([*SITE, "month", "as_of"]).aggregate(got=rows.paid.sum())
    both = sheets.left_join(paid, [*SITE, "month", "as_of"]).select(*sheets.columns, "got")
    return both.mutate(got=both.got.fill_null(0))


def _told(known: Known, sheets: ir.Table, made: Wages) -> ir.Table:
    """Return the sheets of crews whose pay would be told if there was any.

    A site's sheets and pay come by one way, its wages being paid by a bank on its sheets (条例 31): where any pay of a
    site is told, or that of at least half of the sites with sheets past their pay day, of a crew with a sheet and no
    pay nobody was paid. Where fewer banks are connected, the silence of a site is that of its bank. Of its own staff
    a firm tells itself, or does not: who never did is silent, not unpaid. And what was to be paid since the feed died is
    nobody's arrears.
    """
    dead = _dead(known)
    sheets = sheets.mutate(on_site=sheets.project_id != "")
    sheets = sheets.left_join(dead, ["as_of", "on_site"]).select(*sheets.columns, dead.until)
    unheard = (age(sheets.until, sheets.pay_due_on) <= GRACE).fill_null(False) & _waits(sheets)
    sheets = sheets.filter(~unheard)
    on_sites, site = sheets.filter(sheets.on_site), ["as_of", "project_id"]
    payers = _payers(known, made)
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
    """Return who is known to have paid: sites, and firms their own staff, with the `last` day."""
    rows = within(known, made.payments, "month", OWED_MONTHS)
    on_site = rows.project_id != ""
    return rows.group_by(
        "as_of", on_site=on_site, payer=on_site.ifelse(rows.project_id, rows.employer_id)
    ).aggregate(last=rows.paid_on.max())


def _dead(known: Known) -> ir.Table:
    """Return `as_of`, `on_site` and `until`, the first day of which no pay is known, of feeds that died.

    Dead is a feed when many who paid before wait for a pay day well past and nobody's pay of these days is known. Who
    was paid ahead does not wait. Found once for both kinds.
    """
    asked = tuple(sorted(set(known.dates)))
    return known.view.once(
        ("dead", asked), lambda view: view.keep(_died(Known(view, asked, "employer"))), outside=True
    )


def _died(everyone: Known) -> ir.Table:
    made = wages(everyone)
    payers = _payers(everyone, made)
    until = payers.group_by("as_of", "on_site").aggregate(until=payers["last"].max() + ibis.interval(days=1))
    sheets = _with_got(everyone, crews(everyone), made)
    on_site = sheets.project_id != ""
    sheets = sheets.mutate(on_site=on_site, payer=on_site.ifelse(sheets.project_id, sheets.employer_id))
    sheets = sheets.semi_join(payers, ["as_of", "on_site", "payer"])
    sheets = sheets.inner_join(until, ["as_of", "on_site"]).select(*sheets.columns, "until")
    waiting = sheets.filter(sheets.pay_due_on >= sheets.until, _waits(sheets))
    found = waiting.group_by("as_of", "on_site").aggregate(
        until=waiting.until.max(), payers=waiting.payer.nunique()
    )
    found = found.filter(found.payers >= _MANY)
    return found.drop("payers")


def _waits(sheets: ir.Table) -> ir.BooleanValue:
    """Tell whose pay day is well past and whose pay is not known."""
    return (age(sheets.as_of, sheets.pay_due_on) > GRACE) & (sheets.got * 100 < sheets.due * 95)
