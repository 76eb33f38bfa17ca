"""Lawsuits: as defendant by cause and size, enforcement, and as plaintiff against those who owe it."""

from __future__ import annotations

import ibis.expr.types as ir

from anxin.features.known import KEYS, Known, age, counted, summed


def litigation(known: Known) -> list[ir.Table]:
    """Return the tables of the family; courts know employers, a project's suits are those of its parties."""
    if known.kind != "employer":
        return []
    rows = known.rows("litigation")
    rows = rows.mutate(filed=age(rows.as_of, rows.filed_on))
    filed = rows.filed > 0
    claimed = (rows.role == "plaintiff") & filed & (rows.filed <= 365)
    sued = rows.role == "defendant"
    against = sued & filed
    enforced = sued & rows.status.isin(["enforcing", "dishonest", "restricted"])
    return [
        rows.group_by(KEYS).aggregate(
            suits_90d=counted(against & (rows.filed <= 90)),
            suits_365d=counted(against & (rows.filed <= 365)),
            suits_amount_365d=summed(rows.amount, against & (rows.filed <= 365)),
            suits_wages_365d=counted(against & (rows.filed <= 365) & (rows.cause == "labour_remuneration")),
            suits_loan_365d=counted(against & (rows.filed <= 365) & (rows.cause == "loan")),
            suits_enforced=counted(enforced),
            suits_enforced_days=enforced.ifelse(rows.age, None).min().cast("float64"),
            suits_dishonest=counted(sued & (rows.status == "dishonest")),
            suits_claiming_365d=counted(claimed),
            suits_claiming_amount_365d=summed(rows.amount, claimed),
            suit_claiming_last_days=claimed.ifelse(rows.filed, None).min().cast("float64"),
            suit_last_days=against.ifelse(rows.filed, None).min().cast("float64"),
        )
    ]
