"""From a training to a live model: the first becomes champion, later ones wait as challengers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from anxin.domain.errors import AnxinError
from anxin.feeds.asof import View
from anxin.ledger import shadows
from anxin.ledger.chain import Ledger
from anxin.ledger.promotions import history, live, promote, refuse, rollback
from anxin.models.saved import load
from anxin.models.scoring import Model
from anxin.training.promoting import alone, judge_challenger, refusal, refused_by
from anxin.training.tracking import CHAMPION, set_alias
from anxin.training.train import Trained

Progress = Callable[[str, int, int], None]

SHADOW = "shadow"
"""MLflow's alias of the model last put into the shadow."""


@dataclass(frozen=True)
class Place:
    """Where a home keeps what promotions touch: itself, its models, and MLflow."""

    root: Path
    models: Path
    mlruns: Path


def first_becomes_champion(ledger: Ledger, mlruns: Path, trained: Trained, actor: str, at: datetime) -> bool:
    """Make a model live from its `through` on if no model of its kind ever was; returns whether it was."""
    model = trained.model
    if history(ledger, model.kind):
        return False
    gates = alone(trained.folder.parent, model)
    why = "首个模型 (the first model)"
    promote(ledger, model.kind, model.model_id, model.through, actor, why, at, gates)
    _point_champion(ledger, mlruns, model.kind)
    return True


def is_champion(ledger: Ledger, model: Model) -> bool:
    """Say whether a model is the one live after every promotion there is: trained again, it is no challenger."""
    return _champion(ledger, model.kind) == model.model_id


def promote_model(
    view: View,
    ledger: Ledger,
    place: Place,
    model_id: str,
    effective: date | None,
    actor: str,
    why: str,
    at: datetime,
    *,
    despite: str | None = None,
    check: bool = False,
    on_progress: Progress | None = None,
) -> dict[str, Any]:
    """Make a saved model live from a day on (its `through` unless given), if the gates let it through.

    A refusal is an AnxinError that names the gates, and an entry in the ledger; `despite` gives the reason to promote all
    the same. With `check` the gates are run and nothing is done.
    """
    model = load(place.models, model_id)
    day = effective or model.through
    if day < model.through:
        raise AnxinError(
            f"{model_id} 训练至 {model.through}，不能从更早的 {day} 起生效",
            f"{model_id} was trained through {model.through} and cannot be live from {day}, before that",
        )
    judged = judge_challenger(
        view, ledger, place.root, place.models, model, live(ledger, model.kind, day), on_progress
    )
    refused = refused_by(judged["gates"])
    told = {"kind": model.kind, "model_id": model_id, "refused_by": refused, **judged}
    if check:
        return told | {"replaces": judged["champion"], "effective": day.isoformat(), "promoted": False}
    if refused and despite is None:
        refuse(ledger, model.kind, model_id, day, actor, why, at, judged)
        raise refusal(model_id, judged["gates"], refused)
    if despite is not None and refused:
        judged |= {"despite": despite}
    done = promote(ledger, model.kind, model_id, day, actor, why, at, judged)
    _point_champion(ledger, place.mlruns, model.kind)
    return told | {"replaces": done.replaces, "effective": day.isoformat(), "promoted": True}


def put_in_shadow(
    ledger: Ledger,
    place: Place,
    model_id: str,
    since: date | None,
    until: date | None,
    actor: str,
    why: str,
    at: datetime,
) -> dict[str, Any]:
    """Let a saved model be scored beside the live one from a day on (its `through` unless given)."""
    model = load(place.models, model_id)
    day = since or model.through
    if day < model.through:
        raise AnxinError(
            f"{model_id} 训练至 {model.through}，不能从更早的 {day} 起影子运行",
            f"{model_id} was trained through {model.through} and cannot run in the shadow from {day}, before that",
        )
    put = shadows.put(ledger, model.kind, model_id, day, until, actor, why, at)
    set_alias(place.mlruns, model.kind, SHADOW, model_id)
    return {
        "kind": model.kind,
        "model_id": model_id,
        "since": put.since.isoformat(),
        "until": None if put.until is None else put.until.isoformat(),
    }


def roll_back(
    ledger: Ledger, mlruns: Path, kind: str, day: date, actor: str, why: str, at: datetime
) -> dict[str, Any]:
    """Take the promotion in force on a day back; its predecessor is live again from that day on."""
    done = rollback(ledger, kind, day, actor, why, at)
    _point_champion(ledger, mlruns, kind)
    return {"kind": kind, "model_id": done.model_id, "replaces": done.replaces, "effective": day.isoformat()}


def _point_champion(ledger: Ledger, mlruns: Path, kind: str) -> None:
    """MLflow's alias follows the ledger, never the other way round."""
    model_id = _champion(ledger, kind)
    if model_id is not None:
        set_alias(mlruns, kind, CHAMPION, model_id)


def _champion(ledger: Ledger, kind: str) -> str | None:
    newest = max((promotion.effective for promotion in history(ledger, kind)), default=None)
    return live(ledger, kind, newest) if newest is not None else None
