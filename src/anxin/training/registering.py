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
from anxin.ledger.promotions import history, live, newest, promote, refuse, rollback, until
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
    if newest(ledger, model.kind):
        return False
    gates = alone(trained.folder.parent, model)
    why = "首个模型 (the first model)"
    try:
        promote(ledger, model.kind, model.model_id, model.through, actor, why, at, gates, seen=0)
    except AnxinError:
        if newest(ledger, model.kind):  # another training was first: this one waits as a challenger
            return False
        raise
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
    clock: Callable[[], datetime],
    *,
    despite: str | None = None,
    check: bool = False,
    on_progress: Progress | None = None,
) -> dict[str, Any]:
    """Make a saved model live from a day on (its `through` unless given), if the gates let it through.

    It is compared with the model live on that day, which it replaces until the next change: `until` and `then` say when
    another follows, `live_today` who is live as the clock stands. A refusal is an AnxinError that names the gates, and an
    entry in the ledger; `despite` gives the reason to promote all the same. With `check` the gates are run and nothing
    is done. What is recorded is dated when the gates are through: AnxinError if the kind's models changed meanwhile.
    """
    model = load(place.models, model_id)
    day = effective or model.through
    if day < model.through:
        raise AnxinError(
            f"{model_id} 训练至 {model.through}，不能从更早的 {day} 起生效",
            f"{model_id} was trained through {model.through} and cannot be live from {day}, before that",
        )
    seen = newest(ledger, model.kind)
    champion = live(ledger, model.kind, day)
    judged = judge_challenger(view, ledger, place.root, place.models, model, champion, on_progress)
    refused = refused_by(judged["gates"])
    told = {"kind": model.kind, "model_id": model_id, "refused_by": refused, **judged}
    at = clock()
    if check:
        told |= {"replaces": champion, "effective": day.isoformat(), "promoted": False}
        return told | _standing(ledger, model.kind, day, at)
    if refused and despite is None:
        refuse(ledger, model.kind, model_id, day, actor, why, at, judged)
        raise refusal(model_id, judged["gates"], refused)
    if despite is not None and refused:
        judged |= {"despite": despite}
    done = promote(ledger, model.kind, model_id, day, actor, why, at, judged, seen=seen)
    _point_champion(ledger, place.mlruns, model.kind)
    told |= {"replaces": done.replaces, "effective": day.isoformat(), "promoted": True}
    return told | _standing(ledger, model.kind, day, at)


def _standing(ledger: Ledger, kind: str, day: date, at: datetime) -> dict[str, Any]:
    """Return until when what is live from a day stays so, what follows, and who is live today."""
    following = until(ledger, kind, day)
    return {
        "until": None if following is None else following.effective.isoformat(),
        "then": None if following is None else following.model_id,
        "live_today": live(ledger, kind, at.date()),
    }


def standing(done: dict[str, Any]) -> str:
    """Say from when to when a model is live, and who is live today where it is another."""
    if not done["promoted"]:
        text = f"{done['kind']}: {done['model_id']} 未作改动 (nothing changed)"
        if done["until"] is not None:
            text += (
                f"；即使放行也只生效至 {done['until']} 前，其后为 {done['then']} "
                f"(would be live until {done['until']} only, when {done['then']} follows)"
            )
        return text
    text = f"{done['kind']}: {done['replaces']} → {done['model_id']}，自 {done['effective']} 起生效 (live)"
    if done["until"] is not None:
        text += f"，至 {done['until']} 前，其后为 {done['then']} (until then, when {done['then']} follows)"
    if done["live_today"] != done["model_id"]:
        text += f"；今日在用的是 {done['live_today'] or '无'} (live today: {done['live_today'] or 'none'})"
    return text


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
    ledger: Ledger,
    mlruns: Path,
    kind: str,
    day: date,
    actor: str,
    why: str,
    at: datetime,
    model_id: str | None = None,
) -> dict[str, Any]:
    """Take the promotion in force on a day back (only that of `model_id`, if given); its predecessor is live again."""
    done = rollback(ledger, kind, day, actor, why, at, model_id=model_id)
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
