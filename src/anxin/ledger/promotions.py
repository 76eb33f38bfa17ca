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
) -> Promotion:
    """Make a model live from a day on; ``gates`` are the results it was let through with (JSON)."""
    payload = {
        "model_id": model_id,
        "replaces": live(ledger, model_kind, effective),
        "effective": effective.isoformat(),
        "why": why,
        "gates": dict(gates),
    }
    return _promotion(ledger.append(_PROMOTED, actor, model_kind, payload, at))


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
    ledger: Ledger, model_kind: str, effective: date, actor: str, why: str, at: datetime
) -> Promotion:
    """Take back the promotion in force on a day and make its predecessor live again from that day on.

    Rolling back twice goes two models back. Raises AnxinError if there is no predecessor, or if a change with a later
    date is there already: what it went out from would no longer be so.
    """
    later = [change.effective for change in history(ledger, model_kind) if change.effective > effective]
    if later:
        raise AnxinError(
            f"{model_kind} 模型自 {max(later)} 起另有变更，不能从更早的 {effective} 退回；请用 {max(later)} 或更晚的日期",
            f"the {model_kind} model changes again on {max(later)}, so it cannot be rolled back from {effective}; "
            f"give {max(later)} or a later day",
        )
    standing: list[str] = []
    for change in _in_force(ledger, model_kind, effective):
        if change.is_rollback:
            if standing:  # a ledger of before may hold more ways back than ways forth
                standing.pop()
        else:
            standing.append(change.model_id)
    if len(standing) < 2:
        raise AnxinError(
            f"{model_kind} 模型在 {effective} 没有可退回的前任，请先用 anxin promote 指定模型",
            f"no earlier {model_kind} model to go back to on {effective}, promote one instead",
        )
    payload = {
        "model_id": standing[-2],
        "replaces": standing[-1],
        "effective": effective.isoformat(),
        "why": why,
        "gates": {},
    }
    return _promotion(ledger.append(_ROLLED_BACK, actor, model_kind, payload, at))


def live(ledger: Ledger, model_kind: str, on: date) -> str | None:
    """Return the model live on a day: of the latest effective date not after it, the latest entry."""
    changes = _in_force(ledger, model_kind, on)
    return changes[-1].model_id if changes else None


def history(ledger: Ledger, model_kind: str) -> list[Promotion]:
    """Return every promotion and rollback of a kind of model, in the order they were made."""
    made = [*ledger.entries(_PROMOTED, model_kind), *ledger.entries(_ROLLED_BACK, model_kind)]
    return [_promotion(entry) for entry in sorted(made, key=lambda entry: entry.seq)]


def _in_force(ledger: Ledger, model_kind: str, on: date) -> list[Promotion]:
    changes = [change for change in history(ledger, model_kind) if change.effective <= on]
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
