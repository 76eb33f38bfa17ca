"""What is known on a date, straight from `semantics.md`, in the most obvious way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, time
from typing import Any

from anxin.feeds.contract import Feed

Row = Mapping[str, Any]


def canonical(feed: Feed, row: Row) -> tuple[tuple[bool, str], ...]:
    cells = (row[name] for name in feed.names)
    return tuple((cell is not None, "" if cell is None else str(cell)) for cell in cells)


def known(feed: Feed, rows: Iterable[Row], day: date) -> list[tuple[Any, ...]]:
    """For each key the row with the latest `received_at` before D, if its event is before D."""
    best: dict[tuple[Any, ...], Row] = {}

    def strength(row: Row) -> tuple[Any, ...]:
        return row["received_at"], row[feed.event], canonical(feed, row)

    for row in rows:
        if row["received_at"] >= datetime.combine(day, time()):
            continue
        key = tuple(row[name] for name in feed.key)
        if key not in best or strength(row) > strength(best[key]):
            best[key] = row
    return sorted(
        (tuple(row[name] for name in feed.names) for row in best.values() if row[feed.event] < day), key=repr
    )


def history(feed: Feed, rows: Iterable[Row]) -> list[tuple[Any, ...]]:
    """Every row once."""
    return sorted({tuple(row[name] for name in feed.names) for row in rows}, key=repr)
