"""From a training to a live model: the first becomes champion, later ones wait as challengers."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

from anxin.domain.errors import AnxinError
from anxin.judging.evaluator import GROUPS, mean_over_dates
from anxin.ledger.chain import Ledger
from anxin.ledger.promotions import history, live, promote, rollback
from anxin.models.saved import load
from anxin.models.scoring import Model
from anxin.training.tracking import CHAMPION, set_alias
from anxin.training.train import Trained


def first_becomes_champion(ledger: Ledger, mlruns: Path, trained: Trained, actor: str, at: datetime) -> bool:
    """Make a model live from its `through` on if no model of its kind ever was; returns whether it was."""
    model = trained.model
    if history(ledger, model.kind):
        return False
    gates = {group: mean_over_dates(trained.backtest.measures.get("model", []), group) for group in GROUPS}
    why = "首个模型 (the first model)"
    promote(ledger, model.kind, model.model_id, model.through, actor, why, at, gates)
    _point_champion(ledger, mlruns, model.kind)
    return True


def is_champion(ledger: Ledger, model: Model) -> bool:
    """Say whether a model is the one live after every promotion there is: trained again, it is no challenger."""
    return _champion(ledger, model.kind) == model.model_id


def promote_model(
    ledger: Ledger,
    mlruns: Path,
    models: Path,
    model_id: str,
    effective: date | None,
    actor: str,
    why: str,
    at: datetime,
) -> dict[str, Any]:
    """Make a saved model live from a day on (its `through` unless given)."""
    model = load(models, model_id)
    day = effective or model.through
    if day < model.through:
        raise AnxinError(
            f"{model_id} 训练至 {model.through}，不能从更早的 {day} 起生效",
            f"{model_id} was trained through {model.through} and cannot be live from {day}, before that",
        )
    done = promote(ledger, model.kind, model_id, day, actor, why, at, {})
    _point_champion(ledger, mlruns, model.kind)
    return {"kind": model.kind, "model_id": model_id, "replaces": done.replaces, "effective": day.isoformat()}


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
