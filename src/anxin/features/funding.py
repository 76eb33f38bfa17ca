"""Money for wages on a project: settlements, labour cost, the account, deposits and guarantees."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from anxin.features.known import KEYS, Known, age, counted, latest, ratio, summed


def funding(known: Known) -> list[ir.Table]:
    """Return the tables of the family; only projects have these."""
    if known.kind != "project":
        return []
    return [_settlements(known), _account(known), _deposits(known), _guarantees(known)]


def _settlements(known: Known) -> ir.Table:
    rows = known.rows("progress_payments", 400)
    settled = (rows.settled_on < rows.as_of).fill_null(False)
    owed = (rows.payable > rows.paid.fill_null(0)) | ~settled
    lag = age(rows.settled_on, rows.due_on)
    # A share divides sums over the same rows: those where both are known. Nothing known is missing, not zero.
    paid = rows.completed_value.notnull().ifelse(rows.paid, None)
    late = rows.age <= 120
    funded = rows.public_funds_in.notnull() & rows.payable.notnull()
    return rows.group_by(KEYS).aggregate(
        progress_paid_share=ratio(paid.sum(), rows.completed_value.sum()),
        progress_paid_share_120d=ratio(
            late.ifelse(paid, None).sum(), late.ifelse(rows.completed_value, None).sum()
        ),
        progress_overdue_periods=counted(owed),
        progress_overdue_days=owed.ifelse(rows.age, None).max().cast("float64").fill_null(0.0),
        progress_lag_days=ratio(summed(lag, settled), counted(settled)),
        public_funds_share=ratio(summed(rows.public_funds_in, funded), summed(rows.payable, funded)),
        progress_last_days=rows.age.min().cast("float64"),
    )


def _account(known: Known) -> ir.Table:
    rows = known.rows("wage_accounts", 400)
    # Bookings of one day have no order among themselves: the smallest balance of the last day is cautious.
    last_day = latest(
        rows.group_by([*KEYS, "transacted_on"]).aggregate(balance=rows.balance.min()), ibis._.transacted_on
    ).select(*KEYS, "balance")
    credited = rows.kind == "appropriation"
    wage = rows.kind == "wage"
    sums = rows.group_by(KEYS).aggregate(
        appropriation_days=credited.ifelse(rows.age, None).min().cast("float64"),
        appropriation_amount_90d=summed(rows.amount, credited & (rows.age <= 90)),
        appropriation_amount_past=summed(rows.amount, credited & (rows.age > 90) & (rows.age <= 270)),
        wage_amount_90d=summed(rows.amount, wage & (rows.age <= 90)),
        wage_out_days=wage.ifelse(rows.age, None).min().cast("float64"),
        account_frozen=counted(rows.kind == "frozen"),
        account_other_out_180d=summed(rows.amount, (rows.kind == "other_out") & (rows.age <= 180)),
        account_last_days=rows.age.min().cast("float64"),
    )
    both = sums.inner_join(last_day, KEYS)
    return both.select(
        *KEYS,
        "appropriation_days",
        "wage_out_days",
        "account_frozen",
        "account_other_out_180d",
        "account_last_days",
        account_balance=both.balance.cast("float64"),
        account_cover_months=ratio(both.balance * 3, both.wage_amount_90d),
        appropriation_trend=ratio(both.appropriation_amount_90d * 2, both.appropriation_amount_past),
        appropriation_to_wages=ratio(both.appropriation_amount_90d, both.wage_amount_90d),
    )


def _deposits(known: Known) -> ir.Table:
    rows = known.rows("deposits")
    live = rows.filter(rows.expires_on.isnull() | (rows.expires_on >= rows.as_of))
    merit = live.form == "exempt"
    return live.group_by(KEYS).aggregate(
        deposit_held=counted(~merit & (live.stored > 0)),
        deposit_exempt=counted(merit),
        deposit_share=ratio(summed(live.stored, ~merit), summed(live.required, ~merit)),
        deposit_used=summed(live.used, live.used.notnull()),
        deposit_last_days=live.age.min().cast("float64"),
    )


def _guarantees(known: Known) -> ir.Table:
    rows = known.rows("guarantees", 400)
    last = rows.group_by([*KEYS, "kind"]).aggregate(stated_on=rows.stated_on.max())
    now = rows.semi_join(last, [*KEYS, "kind", "stated_on"])
    stated = now.balance.notnull() & now.required.notnull()
    return now.group_by(KEYS).aggregate(
        guarantee_share=ratio(summed(now.balance, stated), summed(now.required, stated)),
        guarantee_left_days=age(now.expires_on, now.as_of).min().cast("float64"),
        guarantee_last_days=now.age.min().cast("float64"),
    )
