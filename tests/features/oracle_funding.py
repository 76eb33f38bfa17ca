"""The money of projects."""

from __future__ import annotations

from typing import Any

from .oracle import Past, Row, Values, newest, number, ratio, total


def progress(past: Past, subject: str) -> Values:
    if past.kind == "employer":
        return {}
    rows = past.rows("progress_payments", subject, 400)
    owed = [
        row
        for row in rows
        if not past.before(row["settled_on"])
        or (row["payable"] is not None and row["payable"] > (row["paid"] or 0))
    ]
    funded = [row for row in rows if row["public_funds_in"] is not None and row["payable"] is not None]
    lags = [(row["settled_on"] - row["due_on"]).days for row in rows if past.before(row["settled_on"])]
    return {
        "progress_paid_share": _paid_share(rows),
        "progress_paid_share_120d": _paid_share([row for row in rows if row["age"] <= 120]),
        "progress_overdue_periods": len(owed) if rows else None,
        "progress_overdue_days": max((row["age"] for row in owed), default=0) if rows else None,
        "progress_lag_days": _mean(lags),
        "public_funds_share": ratio(
            total(r["public_funds_in"] for r in funded), total(r["payable"] for r in funded)
        ),
        "progress_last_days": newest(rows),
    }


def _paid_share(rows: list[Row]) -> float | None:
    """Paid of completed, over periods of known completed value; nothing if no payment is known at all."""
    valued = [row for row in rows if row["completed_value"] is not None]
    paid = [row["paid"] for row in valued if row["paid"] is not None]
    return ratio(total(paid), total(row["completed_value"] for row in valued)) if paid else None


def account(past: Past, subject: str) -> Values:
    if past.kind == "employer":
        return {}
    rows = past.rows("wage_accounts", subject, 400)
    credited = [row for row in rows if row["kind"] == "appropriation"]
    wages = [row for row in rows if row["kind"] == "wage"]
    other = [row["amount"] for row in rows if row["kind"] == "other_out" and row["age"] <= 180]
    credited_90 = total(row["amount"] for row in credited if row["age"] <= 90)
    credited_past = total(row["amount"] for row in credited if 90 < row["age"] <= 270)
    wages_90 = total(row["amount"] for row in wages if row["age"] <= 90)
    balance = min((row["balance"] for row in rows if row["age"] == newest(rows)), default=None)
    return {
        "appropriation_days": newest(credited),
        "appropriation_trend": ratio(2 * credited_90, credited_past),
        "appropriation_to_wages": ratio(credited_90, wages_90),
        "wage_out_days": newest(wages),
        "account_frozen": sum(row["kind"] == "frozen" for row in rows),
        "account_other_out_180d": float(total(other)) if rows else None,
        "account_balance": number(balance),
        "account_cover_months": None if balance is None else ratio(balance, wages_90 / 3),
        "account_last_days": newest(rows),
    }


def deposits(past: Past, subject: str) -> Values:
    if past.kind == "employer":
        return {}
    live = [row for row in past.rows("deposits", subject) if not past.before(row["expires_on"])]
    money = [row for row in live if row["form"] != "exempt"]
    return {
        "deposit_held": sum(row["stored"] > 0 for row in money),
        "deposit_exempt": len(live) - len(money),
        "deposit_share": ratio(
            total(row["stored"] for row in money), total(row["required"] for row in money)
        ),
        "deposit_used": float(total(row["used"] for row in live)) if live else None,
        "deposit_last_days": newest(live),
    }


def guarantees(past: Past, subject: str) -> Values:
    if past.kind == "employer":
        return {}
    rows = past.rows("guarantees", subject, 400)
    now = [
        row for row in rows if row["age"] == newest(other for other in rows if other["kind"] == row["kind"])
    ]
    stated = [row for row in now if row["balance"] is not None and row["required"] is not None]
    left = [-past.age(row["expires_on"]) for row in now if row["expires_on"] is not None]
    return {
        "guarantee_share": ratio(
            total(row["balance"] for row in stated), total(row["required"] for row in stated)
        ),
        "guarantee_left_days": min(left, default=None),
        "guarantee_last_days": newest(now),
    }


def _mean(values: list[Any]) -> float | None:
    return float(sum(values)) / len(values) if values else None


FAMILIES = (
    progress,
    account,
    deposits,
    guarantees,
)
