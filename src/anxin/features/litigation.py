"""Lawsuits: as defendant by cause and size, enforcement, and as plaintiff against those who owe it.

A case is in one state, the last one known: what was lifted before the date no longer counts.
"""

from __future__ import annotations

import ibis.expr.types as ir

from anxin.features.credit import with_capital
from anxin.features.known import KEYS, Known, age, counted, ratio, summed

_ENFORCED = ("enforcing", "dishonest", "restricted")
_CAUSES = {
    "construction": "construction_contract",
    "loan": "loan",
    "sale": "sale_contract",
    "lease": "lease",
}
_UPSTREAM = ("construction_contract", "sale_contract")
"""What one sues over who did the work or delivered the goods and was not paid."""


def litigation(known: Known) -> list[ir.Table]:
    """Return the tables of the family; courts know employers, a project's suits are those of its parties."""
    if known.kind != "employer":
        return []
    rows = known.rows("litigation")
    rows = rows.mutate(filed=age(rows.as_of, rows.filed_on))
    # A case may be dated as filed after its last state: only what was filed before the date was filed.
    filed, year = rows.filed > 0, (rows.filed > 0) & (rows.filed <= 365)
    sued, wages = rows.role == "defendant", rows.cause == "labour_remuneration"
    against, enforced = sued & filed, sued & rows.status.isin(_ENFORCED)
    open_, enforcing = against & (rows.status != "closed"), sued & (rows.status == "enforcing")
    dishonest, restricted = sued & (rows.status == "dishonest"), sued & (rows.status == "restricted")
    claimed = (rows.role == "plaintiff") & year
    owed = (rows.role == "plaintiff") & filed & rows.cause.isin(_UPSTREAM)
    owed_open = owed & (rows.status != "closed")
    by_cause = {}
    for name, cause in _CAUSES.items():
        by_cause[f"suits_{name}_365d"] = counted(sued & year & (rows.cause == cause))
        by_cause[f"suit_{name}_last_days"] = _newest(against & (rows.cause == cause), rows.filed)
    found = rows.group_by(KEYS).aggregate(
        suits_90d=counted(against & (rows.filed <= 90)),
        suits_365d=counted(sued & year),
        suits_rise_180d=counted(against & (rows.filed <= 180))
        - counted(against & (rows.filed > 180) & (rows.filed <= 360)),
        suits_amount_365d=summed(rows.amount, sued & year),
        suits_open=counted(open_),
        suits_open_amount=summed(rows.amount, open_),
        suits_wages_90d=counted(against & wages & (rows.filed <= 90)),
        suits_wages_365d=counted(sued & year & wages),
        suits_wages_amount_365d=summed(rows.amount, sued & year & wages),
        suits_wages_open=counted(open_ & wages),
        suits_wages_enforced=counted(enforced & wages),
        suit_wages_days=_newest(against & wages, rows.filed),
        suits_enforced=counted(enforced),
        suits_enforced_amount=summed(rows.amount, enforced),
        suits_enforced_days=_newest(enforced, rows.age),
        suits_enforcing=counted(enforcing),
        suits_enforcing_days=_newest(enforcing, rows.age),
        suits_dishonest=counted(dishonest),
        suits_dishonest_days=_newest(dishonest, rows.age),
        suits_restricted=counted(restricted),
        suits_restricted_days=_newest(restricted, rows.age),
        suits_claiming_365d=counted(claimed),
        suits_claiming_amount_365d=summed(rows.amount, claimed),
        suits_owed_365d=counted(owed & (rows.filed <= 365)),
        suits_owed_open=counted(owed_open),
        suits_owed_amount=summed(rows.amount, owed_open),
        suits_owed_enforced=counted(owed & rows.status.isin(_ENFORCED)),
        suit_owed_last_days=_newest(owed, rows.filed),
        suit_claiming_last_days=_newest(claimed, rows.filed),
        suit_open_last_days=_newest(open_, rows.filed),
        suit_wages_open_last_days=_newest(open_ & wages, rows.filed),
        suit_wages_enforced_last_days=_newest(enforced & wages, rows.age),
        suit_owed_open_last_days=_newest(owed_open, rows.filed),
        suit_owed_enforced_last_days=_newest(owed & rows.status.isin(_ENFORCED), rows.age),
        suit_last_days=_newest(against, rows.filed),
        **by_cause,
    )
    found = with_capital(known, found)
    return [
        found.mutate(
            suits_capital_365d=ratio(found.suits_amount_365d, found.capital),
            suits_open_capital=ratio(found.suits_open_amount, found.capital),
            suits_enforced_capital=ratio(found.suits_enforced_amount, found.capital),
            suits_owed_capital=ratio(found.suits_owed_amount, found.capital),
        ).drop("capital")
    ]


def _newest(rows: ir.BooleanValue, days: ir.IntegerValue) -> ir.FloatingScalar:
    """Return the fewest days since, of the rows meant."""
    return rows.ifelse(days, None).min().cast("float64")
