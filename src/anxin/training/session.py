"""One `anxin train`: each kind that has something to learn from, logged, registered, the first made champion."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from anxin.domain.errors import AnxinError
from anxin.features.known import Kind
from anxin.features.snapshots import KINDS
from anxin.feeds.asof import View
from anxin.judging.evaluator import GROUPS, mean_over_dates
from anxin.ledger.chain import Ledger
from anxin.models.grades import Promises
from anxin.training.ablation import Worth, ablation
from anxin.training.exams import exams
from anxin.training.material import gather
from anxin.training.registering import first_becomes_champion, is_champion
from anxin.training.settings import Settings, keep, of_home, stored
from anxin.training.splits import folds
from anxin.training.tracking import check_tracking, log_training
from anxin.training.train import Trained, train
from anxin.training.tuning import Budget, Tuned, tune

Progress = Callable[[str, int, int], None]
Say = Callable[[str], None]


@dataclass(frozen=True)
class Asked:
    """What one training does beyond fitting: where tuned settings are kept, how long to tune, whether to ablate."""

    settings: Path | None = None
    budget: Budget | None = None
    ablation: bool = False


@dataclass(frozen=True)
class Done:
    """What one kind's training made."""

    trained: Trained
    settings: Settings
    tuned: Tuned | None
    worth: Sequence[Worth]


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
    *,
    asked: Asked = Asked(),
    say: Say | None = None,
) -> dict[str, Any]:
    """Train the asked kinds (all that can be, if none is asked) and return what came of each.

    A kind that has too little to learn from is told and left; AnxinError only if no kind could be trained. `say` is
    told a line per fold and trial.
    """
    check_tracking(mlruns)
    found: dict[str, Any] = {"through": through.isoformat(), "kinds": {}}
    refused: list[AnxinError] = []
    for kind in KINDS:
        if kinds is not None and kind not in kinds:
            continue
        try:
            done = _train(view, models, through, kind, asked, on_progress, say)
        except AnxinError as error:
            refused.append(error)
            found["kinds"][kind] = {"skipped": str(error)}
            continue
        trained = done.trained
        if on_progress is not None:
            on_progress(f"{kind} MLflow", 1, 2)
        again = is_champion(ledger, trained.model)
        version = log_training(mlruns, trained, done.settings, done.tuned, done.worth, challenger=not again)
        champion = again or first_becomes_champion(ledger, mlruns, trained, actor, at)
        found["kinds"][kind] = {
            "model_id": trained.model.model_id,
            "mlflow_version": version,
            "role": "champion" if champion else "challenger",
            "settings": done.settings.name(kind),
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
        if done.tuned is not None:
            found["kinds"][kind]["tuning"] = {"won": done.tuned.won, **done.tuned.facts}
        if done.worth:
            found["kinds"][kind]["ablation"] = [asdict(worth) for worth in done.worth]
    if refused and len(refused) == len(found["kinds"]):
        raise refused[0]
    return found


def _train(
    view: View,
    models: Path,
    through: date,
    kind: Kind,
    asked: Asked,
    on_progress: Progress | None,
    say: Say | None,
) -> Done:
    """Gather once; tune, train and ablate on it as asked."""
    settings = stored() if asked.settings is None else of_home(asked.settings)
    material = gather(view, through, kind, settings, on_progress)
    tuned = None
    if asked.budget is not None and asked.settings is not None:
        tuned = tune(view, material, settings, asked.budget, on_progress, say)
        keep(asked.settings, kind, tuned.searched, tuned.facts)
        settings = of_home(asked.settings)
    trained = train(view, models, through, kind, settings, on_progress, material=material, say=say)
    worth: Sequence[Worth] = ()
    if asked.ablation:
        every = folds(material.dates, through, settings.folds, settings.fold_days, material.outages)
        ready = exams(view, material, every, settings)
        worth = ablation(ready, settings, trained.model.ordered.rounds, on_progress)
    return Done(trained, settings, tuned, worth)


def _tuning_line(kind: str, tuning: dict[str, Any]) -> str:
    mark = tuning["mark"]
    verdict = "胜出，已存 won, kept" if tuning["won"] else "沿用原设置 settings in use stay"
    return (
        f"  调参 tuning {kind}: {tuning['trials']} 次 trials, 剪枝 pruned {tuning['pruned']}, "
        f"得分 mark {mark['in_use']:.4f} → {mark['best']:.4f}, {verdict}"
    )


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
        if "tuning" in one:
            text.append(_tuning_line(kind, one["tuning"]))
        text += [
            f"  缺族 without {worth['family']:12} {worth['group']:4} AP {-worth['mean']:+.4f}"
            for worth in one.get("ablation", [])
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
