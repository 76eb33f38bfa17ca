"""Which models run in the shadow of the live one on a day: scored beside it, never published, never served.

The newest entry about a model says from when and, where stated, until when; a model that is live is in nobody's shadow.
"""

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import PurePath
from typing import Any

from anxin.domain.errors import AnxinError
from anxin.ledger.chain import Entry, Ledger
from anxin.ledger.promotions import live

_SHADOWED = "model_shadowed"
_SCORED = "shadow_scored"


@dataclass(frozen=True)
class Shadow:
    """One model put into the shadow: from which day, until which (included; None is without end), by whom and why."""

    seq: int
    at: datetime
    actor: str
    model_kind: str
    model_id: str
    since: date
    until: date | None
    why: str

    def decides(self, day: date) -> bool:
        """Say whether it says anything of a day."""
        return min(self.since, self.at.date()) <= day

    def covers(self, day: date) -> bool:
        """Say whether the model runs in the shadow on a day."""
        return self.since <= day and (self.until is None or day <= self.until)


@dataclass(frozen=True)
class Beside:
    """What a shadow said on a day, beside the list of that day: its folder under the home, and how far they agree."""

    seq: int
    day: date
    model_id: str
    list_id: str
    folder: str
    manifest_sha256: str
    facts: dict[str, Any]


def put(
    ledger: Ledger,
    model_kind: str,
    model_id: str,
    since: date,
    until: date | None,
    actor: str,
    why: str,
    at: datetime,
) -> Shadow:
    """Put a model into the shadow from a day on; an `until` before `since` takes it out again."""
    payload = {
        "model_id": model_id,
        "since": since.isoformat(),
        "until": None if until is None else until.isoformat(),
        "why": why,
    }
    return _shadow(ledger.append(_SHADOWED, actor, model_kind, payload, at))


def on(ledger: Ledger, model_kind: str, day: date, known_at: datetime | None = None) -> list[Shadow]:
    """Return the shadows of a kind on a day, in the order they were put there.

    What was said of a model last decides, from the day it was said or speaks of: days before it stay as they were. Who
    was live is taken as known at a time, where one is given (`promotions.live`).
    """
    said = [shadow for shadow in map(_shadow, ledger.entries(_SHADOWED, model_kind)) if shadow.decides(day)]
    newest = {shadow.model_id: shadow for shadow in said}
    champion = live(ledger, model_kind, day, known_at)
    return [one for one in newest.values() if one.covers(day) and one.model_id != champion]


def record(
    ledger: Ledger,
    day: date,
    model_id: str,
    *,
    list_id: str,
    folder: str,
    manifest_sha256: str,
    facts: dict[str, Any],
    actor: str,
    at: datetime,
) -> Beside:
    """Name a complete folder of a shadow's scores; ``folder`` is relative to the home, else AnxinError."""
    if PurePath(folder).is_absolute():
        raise AnxinError(
            f"影子评分目录应相对于主目录：{folder}",
            f"the folder of a shadow is relative to the home: {folder}",
        )
    payload = {
        "day": day.isoformat(),
        "list_id": list_id,
        "folder": folder,
        "manifest_sha256": manifest_sha256,
        "facts": facts,
    }
    return _beside(ledger.append(_SCORED, actor, model_id, payload, at))


def scored(ledger: Ledger, model_id: str) -> list[Beside]:
    """Return what a model said in the shadow, in the order it was said."""
    return [_beside(entry) for entry in ledger.entries(_SCORED, model_id)]


def _shadow(entry: Entry) -> Shadow:
    until = entry.payload["until"]
    return Shadow(
        seq=entry.seq,
        at=entry.at,
        actor=entry.actor,
        model_kind=entry.subject,
        model_id=entry.payload["model_id"],
        since=date.fromisoformat(entry.payload["since"]),
        until=None if until is None else date.fromisoformat(until),
        why=entry.payload["why"],
    )


def _beside(entry: Entry) -> Beside:
    payload = entry.payload
    return Beside(
        seq=entry.seq,
        day=date.fromisoformat(payload["day"]),
        model_id=entry.subject,
        list_id=payload["list_id"],
        folder=payload["folder"],
        manifest_sha256=payload["manifest_sha256"],
        facts=payload["facts"],
    )
