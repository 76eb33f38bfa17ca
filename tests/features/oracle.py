"""What every feature means, in the most obvious way: loops over rows, one subject and one date at a time.

Written from the catalogue and `semantics.md`, not from the expressions. Slow on purpose; nothing is shared
between dates. Each family is in its `oracle_<family>`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time
from importlib import import_module
from typing import Any

from anxin.features.catalogue import FAMILIES, catalogue, facts
from anxin.feeds.contract import Feed, contract

Row = Mapping[str, Any]
Values = dict[str, float | None]


def known(feed: Feed, rows: Iterable[Row], day: date) -> list[Row]:
    """Of each key the row received last before the day; then only those that happened before it."""
    best: dict[tuple[Any, ...], Row] = {}
    for row in rows:
        if row["received_at"] < datetime.combine(day, time()):
            key = tuple(row[name] for name in feed.key)
            if key not in best or _strength(feed, row) > _strength(feed, best[key]):
                best[key] = row
    return [row for row in best.values() if row[feed.event] < day]


def _strength(feed: Feed, row: Row) -> tuple[Any, ...]:
    cells = tuple((row[name] is not None, "" if row[name] is None else str(row[name])) for name in feed.names)
    return row["received_at"], row[feed.event], cells


class Past:
    """All that was known before a day, and whose it is for one kind of subject."""

    def __init__(self, world: Mapping[str, list[Row]], day: date, kind: str) -> None:
        self.world, self.day, self.kind = world, day, kind
        self._known: dict[str, list[Row]] = {}
        self.memo: dict[str, Any] = {}
        """What a family works out once for all subjects."""

    def as_of(self, kind: str) -> Past:
        """Return the same day for the other kind of subject."""
        return self if kind == self.kind else Past(self.world, self.day, kind)

    def all(self, feed: str, days: int | None = None) -> list[Row]:
        """Return the known rows with their `age`, of the last `days` days if given."""
        if feed not in self._known:
            event = contract()[feed].event
            rows = known(contract()[feed], self.world[feed], self.day)
            self._known[feed] = [{**row, "age": self.age(row[event])} for row in rows]
        return [row for row in self._known[feed] if days is None or row["age"] <= days]

    def rows(self, feed: str, subject: str, days: int | None = None, own: bool = True) -> list[Row]:
        """Return a subject's rows: a project's name it, an employer's name no project.

        With `own=False` an employer also has the rows of its people on projects.
        """
        rows = self.all(feed, days)
        if self.kind == "project":
            return [row for row in rows if row["project_id"] == subject]
        return [
            row
            for row in rows
            if row["employer_id"] == subject and not (own and row.get("project_id") is not None)
        ]

    def there(self, feed: str, column: str | None = None) -> bool:
        """Return whether anything of the feed had been received, or anything that states a column."""
        return any(
            row["received_at"] < datetime.combine(self.day, time())
            for row in self.world[feed]
            if column is None or row[column] is not None
        )

    def age(self, day: date) -> int:
        """Return the days from a day to the date."""
        return (self.day - day).days

    def before(self, day: date | None) -> bool:
        """Return whether something has happened: it has a day, and that was before the date."""
        return day is not None and day < self.day

    def would_have_told(self, rows: Iterable[Row], started: date) -> bool:
        """Whether one of these rows is of after what is due began, one of before it, or of thirteen months ago."""
        ages = sorted((int(row["age"]) for row in rows), reverse=True)
        if not ages:
            return False
        # Single rows of long ago also come late to a register that has just begun.
        oldest = ages[len(ages) // 20]
        return oldest >= min(self.age(started), 400) and ages[-1] < self.age(started)

    def registered(self, subject: str) -> Row | None:
        """Return the subject's row of the registry, if it has one."""
        found = [row for row in self.all(f"{self.kind}s") if row[f"{self.kind}_id"] == subject]
        return found[0] if found else None

    def opened(self, days: int) -> list[Row]:
        """Return the cases of the last days that were not found to be unfounded."""
        return [row for row in self.all("cases", days) if row["outcome"] != "unfounded"]

    def complained(self, days: int | None = None) -> list[Row]:
        """Return the complaints that were not disproved."""
        return [row for row in self.all("complaints", days) if row["result"] not in ("not_wage", "duplicate")]


def scored(past: Past) -> set[str]:
    """Return who is scored: registered and going on, or outside with a row received in the last 365 days."""
    id_ = f"{past.kind}_id"
    registry = {row[id_]: row for row in past.all(f"{past.kind}s")}
    heard = {
        row[id_]
        for feed, rows in past.world.items()
        if id_ in contract()[feed].names and feed != f"{past.kind}s"
        for row in rows
        if row[id_] is not None and 0 < past.age(row["received_at"].date()) <= 365
    }
    return {subject for subject, row in registry.items() if going_on(past, row)} | (heard - set(registry))


def going_on(past: Past, row: Row) -> bool:
    """Return whether a registered subject is one still: not deregistered, or started and not ended."""
    if past.kind == "employer":
        return bool(row["status"] != "deregistered")
    return bool(row["start_on"] <= past.day) and not past.before(row["ended_on"])


def in_hand(past: Past, subject: str) -> bool:
    """Return whether someone is already on it: a complaint in 90 days, or a case or hazard still open."""
    cases = [row for row in past.rows("cases", subject) if row["outcome"] != "unfounded"]
    hazards = [row for row in past.rows("hazards", subject) if row["resolution"] != "unfounded"]
    return (
        bool(past.rows("complaints", subject, 90))
        or any(not past.before(row["closed_on"]) for row in cases)
        or any(not past.before(row["resolved_on"]) for row in hazards)
    )


def ratio(part: Any, whole: Any) -> float | None:
    """Return part / whole, nothing where either is missing or the whole is zero."""
    if part is None or whole is None or whole == 0:
        return None
    return float(part) / float(whole)


def total(values: Iterable[Any]) -> Any:
    """Return the sum of what is there."""
    return sum(value for value in values if value is not None)


def stated(rows: Iterable[Row], name: str) -> float | None:
    """Return the sum of a figure that rows may leave out: 0 of no rows, nothing where none of them states it."""
    every = [row[name] for row in rows]
    told = [value for value in every if value is not None]
    return None if every and not told else float(sum(told))


def mean(values: list[Any]) -> float | None:
    return float(sum(values)) / len(values) if values else None


def newest(rows: Iterable[Row]) -> float | None:
    """Return the age of the youngest row."""
    return min((row["age"] for row in rows), default=None)


def difference(left: float | None, right: float | None) -> float | None:
    """Return left - right where both are there."""
    return None if left is None or right is None else left - right


def fading(ages: list[int], half_life: int) -> float:
    """Each counts 1 on its first day and half every `half_life` days, in billionths cut at .55."""
    return sum(math.floor(1e9 * 0.5 ** ((age - 1) / half_life) + 0.45) for age in ages) / 1e9


def number(value: Any) -> float | None:
    """Return a number, or nothing."""
    return None if value is None else float(value)


def values(past: Past, subject: str) -> Values:
    """Return every feature and fact of a subject by name."""
    found: Values = {}
    for name in FAMILIES:
        for family in import_module(f".oracle_{name}", __package__).FAMILIES:
            found |= family(past, subject)
    for name, feature in catalogue().items():
        if name not in found:
            continue
        if not all(
            past.there(*source.split(".")) for source in (*feature.sources, *feature.needed(past.kind))
        ):
            found[name] = None
        elif found[name] is None and not feature.stated:
            found[name] = feature.empty
    assert set(found) <= set(catalogue()) | set(facts())
    return found
