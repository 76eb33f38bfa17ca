"""Who has gone quiet."""

from __future__ import annotations

from datetime import date

from .oracle import Past, Row, Values, difference, newest, ratio

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
MANY = 10
_PEOPLE = ["payroll", "attendance_daily", "wage_sheets"]


def silence(past: Past, subject: str) -> Values:
    """Days since the last row of a year, less those of whoever of the same kind sent last."""
    found: Values = {}
    for feed in _SENT[past.kind]:
        rows = _rows(past, feed, subject)
        last, behind = newest(rows), _behind(past, feed)
        found[f"{feed}_seen_days"] = last
        found[f"{feed}_silent_days"] = difference(last, behind)
        if feed not in ("energy_usage", "credit", "attendance_daily"):
            periods = len({_period(feed, row) for row in rows})
            first = max((row["age"] for row in rows), default=None)
            gap = ratio(difference(first, last), periods - 1) if periods > 2 else None
            found[f"{feed}_silence_ratio"] = ratio(difference(last, behind), gap)
        if feed in ("social_insurance", "tax"):
            found[f"{feed}_declared_months"] = len({row["month"] for row in rows})
    return found


def _rows(past: Past, feed: str, subject: str) -> list[Row]:
    return past.rows(feed, subject, 120 if feed == "energy_usage" else 365, own=feed not in _PEOPLE)


def _behind(past: Past, feed: str) -> float | None:
    named = (row.get(f"{past.kind}_id") for row in past.all(feed, 365))
    senders = {sender for sender in named if sender is not None}
    ages = [newest(_rows(past, feed, sender)) for sender in senders]
    return min((age for age in ages if age is not None), default=None)


def _period(feed: str, row: Row) -> object:
    if feed == "wage_accounts":
        return row["transacted_on"]
    return row["period_no"] if feed == "progress_payments" else row["month"]


def missed(past: Past, subject: str) -> Values:
    """Of the six months that end two months back: those not sent, since the first sent or the start."""
    if past.kind == "employer":
        return {f"{feed}_missed_months": _of_employer(past, feed, subject) for feed in _EMPLOYER}
    row = past.registered(subject)
    found: Values = {}
    for feed in ("wage_sheets", "attendance_daily"):
        sent = {_month(row.get("month") or row["date"]) for row in _rows(past, feed, subject)}
        expected = [] if row is None else [m for m in _six(past) if m > _month(row["start_on"])]
        untold = _untold(past, feed)
        expected = [m for m in expected if m >= _began(past, feed) and _back(past, m) >= untold]
        found[f"{feed}_missed_months"] = None if row is None else len(set(expected) - sent)
    for feed, days in (("attendance_daily", 30), ("wage_sheets", 62), ("payroll", 62)):
        sent_on = [row["age"] for row in past.all(feed, 365) if row["project_id"] is not None]
        must = row is not None and past.age(row["start_on"]) - min(sent_on, default=1) + 1 >= days
        must = must and _month(past.day) - _began(past, feed) > days // 31 + 1
        found[f"{feed}_never"] = None if row is None else must and not _rows(past, feed, subject)
    return found


_EMPLOYER = ("social_insurance", "wage_sheets")


def _of_employer(past: Past, feed: str, subject: str) -> float | None:
    sent = _sent_months(past, feed, subject)
    untold = _untold(past, feed)
    due = {month for month in _six(past) if sent and month >= min(sent) and _back(past, month) >= untold}
    return len(due - sent) if sent else None


def _sent_months(past: Past, feed: str, subject: str) -> set[int]:
    return {_month(row.get("month") or row["date"]) for row in _rows(past, feed, subject)}


def _back(past: Past, month: int) -> int:
    """The place of a month among the six, the newest first."""
    return _month(past.day) - 2 - month


def _untold(past: Past, feed: str) -> int:
    """How many of the six newest months too few have sent, of those who sent the month before: nobody missed them."""
    key = f"untold months of {feed}"
    if key not in past.memo:
        past.memo[key] = _untold_now(past, feed)
    untold: int = past.memo[key]
    return untold


def _untold_now(past: Past, feed: str) -> int:
    id_ = f"{past.kind}_id"
    senders = {row[id_] for row in past.all(feed, 365) if row.get(id_) is not None}
    sent = {one: _sent_months(past, feed, one) for one in senders}
    if past.kind == "project":
        started = {one: row and _month(row["start_on"]) for one in senders for row in [past.registered(one)]}
        sent = {
            one: {month for month in months if started[one] is None or month > started[one]}
            for one, months in sent.items()
        }
    many = [sum(month in months for months in sent.values()) for month in _six(past)]
    for place, (mine, before) in enumerate(zip(many, [*many[1:], 0], strict=True)):
        if mine and not (before >= MANY and mine * 10 < before * 9):
            return place
    return len(many)


def _began(past: Past, feed: str) -> int:
    """Return the first month of a year that anyone's project sent a feed for: earlier ones are nobody's to miss."""
    rows = [row for row in past.all(feed, 365) if row["project_id"] is not None]
    return min((_month(row.get("month") or row["date"]) for row in rows), default=10**6)


def _month(day: date) -> int:
    return day.year * 12 + day.month


def _six(past: Past) -> list[int]:
    return [_month(past.day) - back for back in range(2, 8)]


def stopped(past: Past, subject: str) -> Values:
    """Whether nothing came since a complaint, in more days than the next row needs, while others sent.

    It has to be the complaint after which it stopped: a row came not long before it.
    """
    complaints = [
        row for row in past.rows("complaints", subject, 365) if row["result"] not in ("not_wage", "duplicate")
    ]
    found: Values = {}
    for feed, days in (("attendance_daily", 10), ("wage_sheets", 45), ("payroll", 45)):
        last, behind = newest(_rows(past, feed, subject)), _behind(past, feed)
        found[f"{feed}_stopped"] = (
            None
            if last is None or behind is None
            else any(behind + days <= row["age"] <= last <= row["age"] + days for row in complaints)
        )
    return found


def vacant(past: Past, subject: str) -> Values:
    if past.kind == "employer":
        return {}
    rows = [row for row in past.rows("rosters", subject) if not past.before(row["to_on"])]
    held = {row["role"] for row in rows}
    project = past.registered(subject)
    every = [row for row in past.all("rosters") if row["project_id"] is not None]
    flags: Values = {}
    for post in ("labour_officer", "coordinator"):
        told = project is not None and past.would_have_told(
            (row for row in every if row["role"] == post), project["start_on"]
        )
        flags[f"{post}_vacant"] = post not in held if told else None
    return flags


FAMILIES = (
    silence,
    missed,
    stopped,
    vacant,
)
