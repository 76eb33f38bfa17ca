"""Which model is live on a day: dated promotions, and the way back.

``model_kind`` is what a model is for (``employer``, ``project``). A promotion holds from its effective
date, which may lie before the day it was made (a first model is live from the day it was trained through).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from anxin.domain.errors import AnxinError
from anxin.ledger.chain import Entry, Ledger

_PROMOTED = "model_promoted"
_ROLLED_BACK = "model_rolled_back"
_REFUSED = "promotion_refused"


@dataclass(frozen=True)
class Promotion:
    """One change of the live model: from which day, to what, from what, by whom and why."""

    seq: int
    at: datetime
    actor: str
    model_kind: str
    model_id: str
    replaces: str | None
    effective: date
    why: str
    gates: dict[str, Any]
    is_rollback: bool


def promote(
    ledger: Ledger,
    model_kind: str,
    model_id: str,
    effective: date,
    actor: str,
    why: str,
    at: datetime,
    gates: Mapping[str, Any],
    *,
    seen: int | None = None,
) -> Promotion:
    """Make a model live from a day on; ``gates`` are the results it was let through with (JSON).

    ``seen`` is what `newest` said before the gates ran: AnxinError if the kind was changed since, for the gates then
    answered a question nobody asks any more.
    """

    def payload() -> dict[str, Any]:
        if seen is not None:
            _unchanged(ledger, model_kind, model_id, seen)
        return {
            "model_id": model_id,
            "replaces": live(ledger, model_kind, effective),
            "effective": effective.isoformat(),
            "why": why,
            "gates": dict(gates),
        }

    return _promotion(ledger.append(_PROMOTED, actor, model_kind, payload, at))


def newest(ledger: Ledger, model_kind: str) -> int:
    """Return the number of the last change of a kind's live model, 0 where there was none."""
    return max((change.seq for change in history(ledger, model_kind)), default=0)


def _unchanged(ledger: Ledger, model_kind: str, model_id: str, seen: int) -> None:
    since = [change for change in history(ledger, model_kind) if change.seq > seen]
    if since:
        by, what, when = since[-1].actor, since[-1].model_id, since[-1].effective
        raise AnxinError(
            f"{model_id} 过关口期间，{by} 已使 {what} 自 {when} 起生效，比较的对象已变，未作改动；请重新 anxin promote",
            f"while {model_id} was judged, {by} made {what} live from {when}: it was compared with another champion; "
            "nothing changed, promote again",
        )


def refuse(
    ledger: Ledger,
    model_kind: str,
    model_id: str,
    effective: date,
    actor: str,
    why: str,
    at: datetime,
    gates: Mapping[str, Any],
) -> Entry:
    """Record that a promotion was asked for and refused by its gates; nothing else changes."""
    payload = {"model_id": model_id, "effective": effective.isoformat(), "why": why, "gates": dict(gates)}
    return ledger.append(_REFUSED, actor, model_kind, payload, at)


def refusals(ledger: Ledger, model_kind: str) -> list[Entry]:
    """Return the refused promotions of a kind of model, in the order they were asked for."""
    return list(ledger.entries(_REFUSED, model_kind))


def rollback(
    ledger: Ledger,
    model_kind: str,
    effective: date,
    actor: str,
    why: str,
    at: datetime,
    *,
    model_id: str | None = None,
) -> Promotion:
    """Take back the promotion in force on a day and make its predecessor live again from that day on.

    Rolling back twice goes two models back. ``model_id`` is the model that is to go: AnxinError if another is live by
    then, so that two people who want rid of the same one do not go two back. Raises AnxinError if there is no
    predecessor, or if a change with a later date is there already: what it went out from would no longer be so.
    """

    def payload() -> dict[str, Any]:
        gone, back = _way_back(ledger, model_kind, effective)
        if model_id not in (None, gone):
            raise AnxinError(
                f"{model_kind} 模型在 {effective} 在用的是 {gone}，不是 {model_id}，未退回；请先查看再决定",
                f"the {model_kind} model live on {effective} is {gone}, not {model_id}: nothing rolled back; look first",
            )
        return {
            "model_id": back,
            "replaces": gone,
            "effective": effective.isoformat(),
            "why": why,
            "gates": {},
        }

    return _promotion(ledger.append(_ROLLED_BACK, actor, model_kind, payload, at))


def _way_back(ledger: Ledger, model_kind: str, effective: date) -> tuple[str, str]:
    """Return the model in force on a day and its predecessor; AnxinError as `rollback` says."""
    later = [change.effective for change in history(ledger, model_kind) if change.effective > effective]
    if later:
        raise AnxinError(
            f"{model_kind} 模型自 {max(later)} 起另有变更，不能从更早的 {effective} 退回；请用 {max(later)} 或更晚的日期",
            f"the {model_kind} model changes again on {max(later)}, so it cannot be rolled back from {effective}; "
            f"give {max(later)} or a later day",
        )
    standing: list[str] = []
    for change in _in_force(ledger, model_kind, effective):
        # A promotion dated back may lie before a way back that was taken without it: what is live then stands on top.
        while change.is_rollback and standing and standing[-1] != change.model_id:
            standing.pop()
        # Promoted again while it is live, a model is still one step from the one before it.
        if not standing or standing[-1] != change.model_id:
            standing.append(change.model_id)
    if len(standing) < 2:
        raise AnxinError(
            f"{model_kind} 模型在 {effective} 没有可退回的前任，请先用 anxin promote 指定模型",
            f"no earlier {model_kind} model to go back to on {effective}, promote one instead",
        )
    return standing[-1], standing[-2]


def live(ledger: Ledger, model_kind: str, on: date, known_at: datetime | None = None) -> str | None:
    """Return the model live on a day: of the latest effective date not after it, the latest entry.

    A promotion may be dated back. ``known_at`` (aware) leaves out what was decided later: which model was live on the
    day as far as anybody could know at that time.
    """
    changes = _in_force(ledger, model_kind, on, known_at)
    return changes[-1].model_id if changes else None


def until(ledger: Ledger, model_kind: str, effective: date) -> Promotion | None:
    """Return the next change after an effective date, which ends what is live from that date; None if there is none."""
    later = [change for change in history(ledger, model_kind) if change.effective > effective]
    return min(later, key=lambda change: (change.effective, -change.seq), default=None)


def history(ledger: Ledger, model_kind: str) -> list[Promotion]:
    """Return every promotion and rollback of a kind of model, in the order they were made."""
    made = [*ledger.entries(_PROMOTED, model_kind), *ledger.entries(_ROLLED_BACK, model_kind)]
    return [_promotion(entry) for entry in sorted(made, key=lambda entry: entry.seq)]


def _in_force(ledger: Ledger, model_kind: str, on: date, known_at: datetime | None = None) -> list[Promotion]:
    changes = [
        change
        for change in history(ledger, model_kind)
        if change.effective <= on and (known_at is None or change.at <= known_at)
    ]
    return sorted(changes, key=lambda change: (change.effective, change.seq))


def _promotion(entry: Entry) -> Promotion:
    payload = entry.payload
    return Promotion(
        seq=entry.seq,
        at=entry.at,
        actor=entry.actor,
        model_kind=entry.subject,
        model_id=payload["model_id"],
        replaces=payload["replaces"],
        effective=date.fromisoformat(payload["effective"]),
        why=payload["why"],
        gates=payload["gates"],
        is_rollback=entry.kind == _ROLLED_BACK,
    )
