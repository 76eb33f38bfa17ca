"""How an employer declares and pays social insurance and tax, month by month: the newest first, and what was made good.

A month paid short and made good later is no debt any more, but it was a sign when it happened: what was first declared
short stays known, whatever the newest version says (`history` in semantics.md).
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from anxin.features.known import KEYS, Known, age, counted, fading, unfade
from anxin.features.levies import DECLARED, MONTHS, insurance, tax

_RECENT = 130
"""Age in days of the oldest of the last four months declared."""

_IN_TIME = 51
"""Days from a month's first in which it is declared in time: to the 21st to 24th of the next month, by its length. The
figure is ours, past the terms of both offices and what holidays move them."""


def declarations(known: Known) -> list[ir.Table]:
    """Return the tables of social insurance and tax, keyed by subject and date; only employers declare."""
    if known.kind != "employer":
        return []
    insured = known.view.keep(_declared(known, "social_insurance", "insurance", "due", "paid"))
    taxed = known.view.keep(_declared(known, "tax", "tax", "tax_due", "tax_paid"))
    return [insurance(known), tax(known), insured, taxed, _both(insured, taxed)]


def _both(insurance: ir.Table, tax: ir.Table) -> ir.Table:
    """Add up what both offices see: who owes one of them may be careless, who newly owes both has run out of money."""
    sides = [
        rows.select(
            *KEYS,
            levies_shorted=rows[f"{name}_shorted"],
            levies_shorted_fading_60d=rows[f"{name}_shorted_fading_60d"],
            levies_shorted_fading_120d=rows[f"{name}_shorted_fading_120d"],
            levies_late_fading_120d=rows[f"{name}_late_fading_120d"],
        )
        for rows, name in ((insurance, "insurance"), (tax, "tax"))
    ]
    rows = ibis.union(*sides)
    return rows.group_by(KEYS).aggregate(
        **{name: rows[name].sum() for name in rows.columns if name not in KEYS}
    )


def _declared(known: Known, feed: str, name: str, due: str, paid: str) -> ir.Table:
    sums = known.by_date(feed, MONTHS, DECLARED[feed], _waited)
    short = _shorted(known, feed, due, paid)
    both = sums.filter(sums.newest.notnull()).left_join(short, KEYS)
    return both.select(
        *KEYS,
        **{
            f"{name}_shorted": (both.shorted_newest == both.newest).fill_null(False).cast("float64"),
            f"{name}_shorted_months_130d": both.shorted_recent.fill_null(0.0),
            f"{name}_shorted_fading_60d": unfade(both.shorted_fading_60.fill_null(0)),
            f"{name}_shorted_fading_120d": unfade(both.shorted_fading_120.fill_null(0)),
            f"{name}_wait_days": both.waited,
            f"{name}_late_months": both.late_months,
            f"{name}_late_fading_120d": unfade(both.late_fading),
        },
    )


def _waited(rows: ir.Table) -> ir.Table:
    rows = rows.mutate(month_age=age(rows.as_of, rows.month), waited=age(rows.declared_on, rows.month))
    # Most months are declared in time and long ago: they say nothing here, and the feed is large.
    rows = rows.filter((rows.month_age <= _RECENT) | ((rows.waited > _IN_TIME) & (rows.month_age <= MONTHS)))
    recent, late = rows.month_age <= _RECENT, rows.waited > _IN_TIME
    return rows.group_by("subject_id").aggregate(
        newest=recent.ifelse(rows.month_age, None).min(),
        waited=rows.waited.argmax(rows.month, where=recent).cast("float64"),
        late_months=counted(late),
        late_fading=late.ifelse(fading(rows.month_age, 120), 0).sum(),
    )


def _shorted(known: Known, feed: str, due: str, paid: str) -> ir.Table:
    """Return the months of which any version received before the date said that less was paid than due."""
    versions = known.view.received(feed)
    versions = versions.filter(
        (versions[paid] < versions[due]).fill_null(False), versions.employer_id.notnull()
    )
    learned = ibis.greatest(versions.received_at.date(), versions.declared_on)
    months = versions.group_by("employer_id", "month").aggregate(learned=learned.min())
    rows = months.cross_join(known.calendar())
    rows = rows.filter(rows.learned < rows.as_of)
    rows = rows.mutate(subject_id=rows.employer_id, month_age=age(rows.as_of, rows.month))
    rows = rows.filter(rows.month_age <= MONTHS)
    return rows.group_by(KEYS).aggregate(
        shorted_newest=rows.month_age.min(),
        shorted_recent=counted(rows.month_age <= _RECENT),
        shorted_fading_60=fading(rows.month_age, 60).sum(),
        shorted_fading_120=fading(rows.month_age, 120).sum(),
    )
