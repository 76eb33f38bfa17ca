"""Which list was published for a day. A list folder is nobody's until it is named here.

Lists made in hindsight (``run --retrospective``) are entries of their own kind, so that no question about
what people were told can meet one by accident.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import PurePath
from typing import Any

from anxin.domain.errors import AnxinError
from anxin.ledger.chain import Entry, Ledger

LIST_PUBLISHED = "list_published"
LIST_RETROSPECTIVE = "list_retrospective"


@dataclass(frozen=True)
class Published:
    """One list: its day, its folder under the home, the sha256 of its manifest, and what it was made from."""

    seq: int
    at: datetime
    actor: str
    day: date
    list_id: str
    folder: str
    manifest_sha256: str
    previous_list_id: str | None
    facts: dict[str, Any]
    retrospective: bool

    def model(self, kind: str) -> str | None:
        """Return the id of the model the list was made with; None for a kind it does not have."""
        made_with = self.facts.get("inputs", {}).get("models", {}).get(kind)
        return None if made_with is None else str(made_with["model_id"])


def record(
    ledger: Ledger,
    day: date,
    list_id: str,
    *,
    folder: str,
    manifest_sha256: str,
    previous_list_id: str | None,
    facts: Mapping[str, Any],
    actor: str,
    at: datetime,
    retrospective: bool = False,
) -> Published:
    """Publish a list whose folder is complete on disk; call it last.

    ``folder`` is relative to the home, so that a home can be moved: an absolute one raises AnxinError.
    ``facts`` is JSON: what the list depends on and how many rows it has.
    """
    if PurePath(folder).is_absolute():
        raise AnxinError(
            f"清单目录应相对于主目录，不能是绝对路径：{folder}",
            f"the folder of a list is relative to the home, not absolute: {folder}",
        )
    payload = {
        "list_id": list_id,
        "folder": folder,
        "manifest_sha256": manifest_sha256,
        "previous_list_id": previous_list_id,
        "facts": dict(facts),
    }
    kind = LIST_RETROSPECTIVE if retrospective else LIST_PUBLISHED
    return _published(ledger.append(kind, actor, day.isoformat(), payload, at))


def of(ledger: Ledger, day: date, retrospective: bool = False) -> Published | None:
    """Return the newest list of a day, or None; those made in hindsight count only if asked for."""
    return _first(ledger.newest(_kinds(retrospective), subject=day.isoformat()))


def every(ledger: Ledger, day: date) -> list[Published]:
    """Return every list of a day, those made in hindsight too, in the order they were published."""
    found = [
        entry
        for kind in (LIST_PUBLISHED, LIST_RETROSPECTIVE)
        for entry in ledger.entries(kind, day.isoformat())
    ]
    return [_published(entry) for entry in sorted(found, key=lambda entry: entry.seq)]


def hindsight(ledger: Ledger, day: date) -> Published | None:
    """Return the newest list made in hindsight for a day, or None; never one that people were told."""
    return _first(ledger.newest([LIST_RETROSPECTIVE], subject=day.isoformat()))


def before(ledger: Ledger, day: date, retrospective: bool = False) -> Published | None:
    """Return the newest list of the last earlier day that has one, or None."""
    return _first(ledger.newest(_kinds(retrospective), below=day.isoformat()))


def versions(ledger: Ledger, first: date, day: date, retrospective: bool = False) -> list[Published]:
    """Return every list of the days from ``first`` to before ``day``, also those published again, latest day first.

    Whoever a version sent was sent, whatever a later one says.
    """
    found = [
        one
        for kind in _kinds(retrospective)
        for one in map(_published, ledger.entries(kind))
        if first <= one.day < day
    ]
    return sorted(found, key=lambda one: (one.day, one.seq), reverse=True)


def recent(ledger: Ledger, n: int, retrospective: bool = False) -> list[Published]:
    """Return the newest list of each of the last ``n`` days that have one, latest day first."""
    return [_published(entry) for entry in ledger.newest(_kinds(retrospective), limit=n)]


def as_told(ledger: Ledger) -> list[Published]:
    """Return the list of each day as people first had it, latest day first; those made in hindsight never count.

    That is the last version published by the end of its own day, or where there was none, the first published after.
    """
    found: dict[date, Published] = {}
    for entry in ledger.entries(LIST_PUBLISHED):
        one = _published(entry)
        if one.day not in found or one.at.date() <= one.day:
            found[one.day] = one
    return [found[day] for day in sorted(found, reverse=True)]


def _kinds(retrospective: bool) -> list[str]:
    return [LIST_PUBLISHED, LIST_RETROSPECTIVE] if retrospective else [LIST_PUBLISHED]


def _first(entries: list[Entry]) -> Published | None:
    return _published(entries[0]) if entries else None


def _published(entry: Entry) -> Published:
    payload = entry.payload
    return Published(
        seq=entry.seq,
        at=entry.at,
        actor=entry.actor,
        day=date.fromisoformat(entry.subject),
        list_id=payload["list_id"],
        folder=payload["folder"],
        manifest_sha256=payload["manifest_sha256"],
        previous_list_id=payload["previous_list_id"],
        facts=payload["facts"],
        retrospective=entry.kind == LIST_RETROSPECTIVE,
    )
