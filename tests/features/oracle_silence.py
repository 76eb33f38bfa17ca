"""Who has gone quiet."""

from __future__ import annotations

from .oracle import Past, Values, newest

_SENT = {
    "employer": [
        "energy_usage",
        "social_insurance",
        "tax",
        "credit",
        "wage_sheets",
        "attendance_daily",
        "payroll",
    ],
    "project": [
        "energy_usage",
        "attendance_daily",
        "wage_sheets",
        "payroll",
        "wage_accounts",
        "progress_payments",
    ],
}


def silence(past: Past, subject: str) -> Values:
    """Days since the last row of a year, less those of whoever of the same kind sent last."""
    found: Values = {}
    for feed in _SENT[past.kind]:
        own = feed not in ("payroll", "attendance_daily", "wage_sheets")
        last = newest(past.rows(feed, subject, 365, own=own))
        senders = {row.get(f"{past.kind}_id") for row in past.all(feed, 365)} - {None}
        others = [newest(past.rows(feed, sender, 365, own=own)) for sender in senders]
        behind = min((age for age in others if age is not None), default=None)
        found[f"{feed}_seen_days"] = last
        found[f"{feed}_silent_days"] = None if last is None or behind is None else last - behind
    return found


FAMILIES = (silence,)
