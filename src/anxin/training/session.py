"""One `anxin train`: each kind that has something to learn from, logged, registered, the first made champion."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

from anxin.domain.errors import AnxinError
from anxin.features.snapshots import KINDS
from anxin.feeds.asof import View
from anxin.judging.evaluator import GROUPS, mean_over_dates
from anxin.ledger.chain import Ledger
from anxin.models.grades import Promises
from anxin.training.registering import first_becomes_champion, is_champion
from anxin.training.settings import stored
from anxin.training.tracking import check_tracking, log_training
from anxin.training.train import train

Progress = Callable[[str, int, int], None]


def train_kinds(
    view: View,
    models: Path,
    mlruns: Path,
    ledger: Ledger,
    through: date,
    kinds: Sequence[str] | None,
    actor: str,
    at: datetime,
    on_progress: Progress | None = None,
) -> dict[str, Any]:
    """Train the asked kinds (all that can be, if none is asked) and return what came of each.

    A kind that has too little to learn from is told and left; AnxinError only if no kind could be trained.
    """
    check_tracking(mlruns)
    found: dict[str, Any] = {"through": through.isoformat(), "kinds": {}}
    refused: list[AnxinError] = []
    for kind in KINDS:
        if kinds is not None and kind not in kinds:
            continue
        try:
            trained = train(view, models, through, kind, stored(), on_progress)
        except AnxinError as error:
            refused.append(error)
            found["kinds"][kind] = {"skipped": str(error)}
            continue
        if on_progress is not None:
            on_progress(f"{kind} MLflow", 1, 2)
        again = is_champion(ledger, trained.model)
        version = log_training(mlruns, trained, stored(), challenger=not again)
        champion = again or first_becomes_champion(ledger, mlruns, trained, actor, at)
        found["kinds"][kind] = {
            "model_id": trained.model.model_id,
            "mlflow_version": version,
            "role": "champion" if champion else "challenger",
            "rounds": trained.model.ordered.rounds,
            "features": len(trained.model.ordered.features),
            "base_rate": trained.model.facts["base_rate"],
            "positives": trained.model.facts["positives"],
            "outages": trained.model.facts["outages"],
            "promises": trained.model.promises.to_json(),
            "backtest": {
                name: {group: mean_over_dates(measures, group) for group in GROUPS}
                for name, measures in trained.backtest.measures.items()
            },
        }
    if refused and len(refused) == len(found["kinds"]):
        raise refused[0]
    return found


def lines(found: dict[str, Any]) -> list[str]:
    """Return what came of a training as lines for a person."""
    text = []
    for kind, one in found["kinds"].items():
        if "skipped" in one:
            text.append(f"{kind}: 未训练 not trained: {one['skipped']}")
            continue
        role = "在用 champion" if one["role"] == "champion" else "备选 challenger (anxin promote)"
        text.append(f"{kind}: {one['model_id']}  {role}  MLflow v{one['mlflow_version']}")
        text.append(
            f"  特征 features {one['features']}, 轮数 rounds {one['rounds']}, 正例 positives {one['positives']}"
        )
        for first, last in one["outages"]:
            text.append(
                f"  案件数据中断，其间标签不用 outcome feed silent, labels over it unused: {first} … {last}"
            )
        promises = Promises.from_json(one["promises"])
        text += [
            f"  承诺 promise {'；'.join(promise.said(promises.confidence))}" for promise in promises.each
        ]
        for name, groups in one["backtest"].items():
            for group, means in groups.items():
                if means:
                    figures = [("AP", "average_precision"), ("AUC", "auc"), ("P@100", "precision_100")]
                    text.append(
                        f"  回测 backtest {name:15} {group:4} "
                        + "  ".join(f"{short} {means[key]:.3f}" for short, key in figures if key in means)
                    )
    return text
