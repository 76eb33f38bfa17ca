"""What wages owed mean, in the most obvious way: sheets past their pay day, and what is known to be paid."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

from .oracle import Past, Row, Values, number, ratio, total

MANY = 10
"""Payers with pay days in one week from which on most of them unpaid at once is pay nobody told."""


@dataclass
class Crew:
    """The sheet of one firm's people on one site, or of its own staff, for a month, and what payroll says they got."""

    month: date
    passed: int
    due: Any
    got: Any
    age: int

    @property
    def lacks(self) -> Any:
        return max(self.due - self.got, 0)


def _recent(past: Past, feed: str) -> list[Row]:
    """Return the rows of months that began in the last 434 days."""
    return [row for row in past.all(feed) if 0 < past.age(row["month"]) <= 434]


def _got(past: Past, sheet: Row) -> Any:
    """Return what the people of a sheet got for its month."""
    who = [sheet[name] for name in ("employer_id", "project_id", "month")]
    rows = _recent(past, "payroll")
    return total(
        row["paid"] for row in rows if [row[n] for n in ("employer_id", "project_id", "month")] == who
    )


def _payer(row: Row) -> tuple[bool, str]:
    """Return who pays: a site (by its bank), or a firm its own staff."""
    return (row["project_id"] is not None, row["project_id"] or row["employer_id"])


Week = tuple[bool, date]


def _week(sheet: Row) -> Week:
    """Return the way of a sheet and the Monday of its pay day."""
    return _payer(sheet)[0], sheet["pay_due_on"] - timedelta(sheet["pay_due_on"].weekday())


def _weeks(past: Past) -> dict[Week, dict[Any, list[Row]]]:
    """The sheets of each way and week of pay days, by those who are known to have paid."""
    payers = {_payer(row) for row in _recent(past, "payroll")}
    weeks: dict[Week, dict[Any, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for sheet in _recent(past, "wage_sheets"):
        if past.age(sheet["pay_due_on"]) > 7 and _payer(sheet) in payers:
            weeks[_week(sheet)][_payer(sheet)].append(sheet)
    return weeks


def _waits(past: Past, sheets: list[Row]) -> bool:
    return bool(2 * total(_got(past, sheet) for sheet in sheets) < total(sheet["due"] for sheet in sheets))


@lru_cache(maxsize=32)
def dead(past: Past) -> dict[bool, date]:
    """Of each way that tells nothing more the day of its newest payment: many wait whose pay day came after it."""
    found = {}
    for site in (True, False):
        paid_on = [row["paid_on"] for row in _recent(past, "payroll") if _payer(row)[0] is site]
        newest = max(paid_on, default=date.max)
        waiting = {
            payer
            for week, due in _weeks(past).items()
            for payer, sheets in due.items()
            if week[0] is site
            and max(sheet["pay_due_on"] for sheet in sheets) > newest
            and _waits(past, sheets)
        }
        if len(waiting) >= MANY:
            found[site] = newest
    return found


def lag(past: Past) -> int:
    """The days since the newest payment where pay is told no longer: of an employer by either way."""
    ways = [day for site, day in dead(past).items() if site or past.kind == "employer"]
    return max((past.age(day) for day in ways), default=0)


@lru_cache(maxsize=32)
def untold(past: Past) -> set[Week]:
    """Return the weeks of which pay was not told: of many who paid before two thirds seem to have paid less than half.

    Of the last days before a way died a tenth is enough, however few they are.
    """
    found = set()
    for week, due in _weeks(past).items():
        waiting = sum(_waits(past, sheets) for sheets in due.values())
        pay_day = max(sheet["pay_due_on"] for sheets in due.values() for sheet in sheets)
        last_days = week[0] in dead(past) and pay_day + timedelta(7) > dead(past)[week[0]]
        if (len(due) >= MANY and 3 * waiting >= 2 * len(due)) or (last_days and 10 * waiting >= len(due)):
            found.add(week)
    return found


def unsilent(past: Past, subject: str) -> list[Crew]:
    """Return the crews on a sheet of the last 434 days from whom a lack of pay rows is a lack of pay.

    On a site: where pay of these days came of it, or of at least half of the sites with sheets past pay day. A firm's own
    staff: if any pay of them came. Not of weeks of which pay was not told.
    """
    pays = {_payer(row) for row in _recent(past, "payroll")}
    due = {
        _payer(sheet)
        for sheet in _recent(past, "wage_sheets")
        if sheet["project_id"] and past.age(sheet["pay_due_on"]) > 7 and _week(sheet) not in untold(past)
    }
    most = 2 * len(due & pays) >= len(due) > 0
    found = []
    for sheet in past.rows("wage_sheets", subject, own=False):
        age = past.age(sheet["month"])
        told = _payer(sheet) in pays or (sheet["project_id"] is not None and most)
        if 0 < age <= 434 and told and _week(sheet) not in untold(past):
            found.append(
                Crew(sheet["month"], past.age(sheet["pay_due_on"]), sheet["due"], _got(past, sheet), age)
            )
    return found


def owed(past: Past, subject: str) -> Values:
    """Of wages more than a week past their pay day, the months of which under 95 % was paid, no crew paying another's."""
    crews = unsilent(past, subject)
    newer, older = (
        _owed([crew for crew in crews if (crew.age <= 250) is recent]) for recent in (True, False)
    )
    names = ("months", "amount", "share", "days")
    sheets = [
        row["age"]
        for row in past.rows("wage_sheets", subject, own=False)
        if 0 < past.age(row["month"]) <= 434
    ]
    return {
        **{f"wages_unpaid_{name}": newer[name] for name in names},
        "wages_unpaid_older_amount": older["amount"],
        "wages_unpaid_older_days": older["days"],
        "wage_sheet_last_days": min(sheets, default=None),
    }


def _owed(told: list[Crew]) -> Values:
    overdue = defaultdict(list)
    for crew in told:
        if crew.passed > 7:
            overdue[crew.month].append(crew)
    late = {
        month: [crew for crew in crews if crew.lacks > 0]
        for month, crews in overdue.items()
        if total(crew.lacks for crew in crews) > Decimal("0.05") * total(crew.due for crew in crews)
    }
    amount = total(crew.lacks for crews in late.values() for crew in crews)
    return {
        "months": len(late) if told else None,
        "amount": number(amount) if told else None,
        "share": ratio(amount, total(crew.due for crews in overdue.values() for crew in crews)),
        "days": max(map(oldest, late.values()), default=0) if told else None,
    }


def oldest(crews: list[Crew]) -> int:
    """The longest wait of who lacks more than a twentieth, or else of who lacks anything."""
    much = [crew.passed for crew in crews if crew.lacks > crew.due * Decimal("0.05")]
    return max(much or [crew.passed for crew in crews])


def crews(past: Past, subject: str) -> Values:
    """Of each firm's people on the site: how much of a sheet past pay day for 8 to 45 days is not paid; the worst."""
    if past.kind == "employer":
        return {}
    newest_due = [
        crew for crew in unsilent(past, subject) if 7 < crew.passed <= 45 and crew.due > 0 and crew.age <= 250
    ]
    shares = [ratio(max(crew.due - crew.got, 0), crew.due) for crew in newest_due]
    return {"crew_unpaid_share": max(shares, default=None)}


FAMILIES = (owed, crews)
