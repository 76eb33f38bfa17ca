"""Wages owed: sheets past their pay day held against pay, crew by crew; and whose pay would be told if there was any."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from anxin.features.known import KEYS, Known, age, counted, ratio, summed
from anxin.features.worker_months import OWED_MONTHS, SITE, Wages, within

GRACE = 7
"""Days after the agreed pay day before a month counts as not paid: payroll rows are sent days after the payment,
and a row still on its way is no arrears."""

_NEWEST_PAY_DAY = 45
"""Days since the agreed pay day within which a month's wages are the newest that must be paid."""

_MANY_PAYERS = 10
"""Sites and firms of whose pay anything is known, from which on all of them silent at once are a feed that died."""


def beside_pay(known: Known, crews: ir.Table, made: Wages) -> ir.Table:
    """Return the sheets of crews whose pay would be told, with the days since their pay day and what they got.

    Crew by crew: one paid twice, or its arrears at last, does not pay another.
    """
    rows = within(known, made.payments, "month", OWED_MONTHS)
    paid = rows.group_by([*SITE, "month", "as_of"]).aggregate(got=rows.paid.sum())
    both = _told(known, crews, made).left_join(paid, [*SITE, "month", "as_of"])
    return both.select(
        *KEYS, "month", "due", passed=age(both.as_of, both.pay_due_on), got=both.got.fill_null(0)
    )


def owed(rows: ir.Table) -> ir.Table:
    """Say what is unpaid of sheets whose pay day is well past, month by month; no crew's surplus pays for another.

    Whether a month is unpaid is asked of all crews together: of a small crew one absent worker is more than the rest.
    """
    overdue = rows.filter(rows.passed > GRACE)
    gap = ibis.greatest(overdue.due - overdue.got, 0)
    months = overdue.group_by([*KEYS, "month"]).aggregate(
        due=overdue.due.sum(),
        gap=gap.sum(),
        # Dated by who is short by more than a rounding, where somebody is.
        passed=ibis.coalesce(
            (gap * 100 > overdue.due * 5).ifelse(overdue.passed, None).max(),
            (gap > 0).ifelse(overdue.passed, None).max(),
        ),
    )
    unpaid = months.gap * 100 > months.due * 5
    found = months.group_by(KEYS).aggregate(
        unpaid=counted(unpaid),
        amount=summed(months.gap, unpaid),
        due=months.due.sum().cast("float64"),
        days=unpaid.ifelse(months.passed, None).max().cast("float64"),
    )
    everyone = rows.select(*KEYS).distinct()
    found = everyone.left_join(found, KEYS).select(*everyone.columns, *found.columns[2:])
    return found.select(
        *KEYS,
        wages_unpaid_months=found.unpaid.fill_null(0.0),
        wages_unpaid_amount=found.amount.fill_null(0.0),
        wages_unpaid_share=ratio(found.amount, found.due),
        wages_unpaid_days=found.days.fill_null(0.0),
    )


def worst_crew(rows: ir.Table) -> ir.Table:
    """Find the worst of a project's crews at the pay days just past: arrears mostly begin with one crew."""
    rows = rows.filter(rows.passed > GRACE, rows.passed <= _NEWEST_PAY_DAY, rows.due > 0)
    unpaid = ratio(ibis.greatest(rows.due - rows.got, 0), rows.due)
    return rows.group_by(KEYS).aggregate(crew_unpaid_share=unpaid.max())


def _told(known: Known, crews: ir.Table, made: Wages) -> ir.Table:
    """Return the sheets of crews whose pay would be told if there was any.

    A site's sheets and pay come by one way, its wages being paid by a bank on its sheets (条例 31): where any pay of a
    site is told, or that of at least half of the sites with sheets past their pay day, of a crew with a sheet and no
    pay nobody was paid. Where fewer banks are connected, the silence of a site is that of its bank. Of its own staff
    a firm tells itself, or does not: who never did is silent, not unpaid. Of pay days since the feed died nothing is
    known of anyone.
    """
    until = heard_until(known, made)
    crews = crews.left_join(until, "as_of").select(*crews.columns, until.until)
    silent = (crews.pay_due_on > crews.until) & (age(crews.as_of, crews.pay_due_on) > GRACE)
    crews = crews.filter(~silent.fill_null(False)).drop("until")
    on_sites, site = crews.filter(crews.project_id != ""), ["as_of", "project_id"]
    paid = within(known, made.payments.filter(made.payments.project_id != ""), "month", OWED_MONTHS)
    paid = paid.select(*site).distinct().mutate(paid=ibis.literal(1, "int64"))
    due = on_sites.filter(age(on_sites.as_of, on_sites.pay_due_on) > GRACE).select(*site).distinct()
    due = due.left_join(paid, site).select(*due.columns, "paid")
    heard = due.group_by("as_of").aggregate(sites=due.count(), paid=due.paid.count())
    heard = heard.filter(heard.paid * 2 >= heard.sites)
    others = on_sites.anti_join(paid, site).semi_join(heard, "as_of")
    on_sites = on_sites.semi_join(paid, site).union(others)
    if known.kind == "project":
        return on_sites
    own = known.spans("payroll").select("subject_id", "since", "until").distinct()
    tells = known.on_dates(own).select(*KEYS).distinct()
    return on_sites.union(crews.filter(crews.project_id == "").semi_join(tells, KEYS))


def heard_until(known: Known, made: Wages) -> ir.Table:
    """Return for each date on which many pay the last day on which anyone did, as far as is known: `as_of`, `until`.

    When all of many fall silent at once, it is the feed that died; where few pay, their silence is their own.
    """
    pays = within(known, made.payments, "month", OWED_MONTHS)
    payers = pays.group_by("as_of", *SITE).aggregate(last=pays.paid_on.max())
    until = payers.group_by("as_of").aggregate(until=payers["last"].max(), payers=payers.count())
    return until.filter(until.payers >= _MANY_PAYERS).drop("payers")
