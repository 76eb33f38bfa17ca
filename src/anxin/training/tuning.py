"""`anxin train --trials N`: settings of LightGBM tried on temporal folds, and what won kept for the next training.

The newest fold is left out: on it the winner meets the settings in use, once, and is kept only if it is not worse there.
The other folds are sat newest first, two at a time, and a trial that does worse than half of those before it is given up
(median pruning). The first trial is the settings in use. A budget in trials repeats bit for bit, one in minutes ends
where the machine happened to be.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from anxin.domain.errors import AnxinError
from anxin.feeds.asof import View
from anxin.models.version import code_version
from anxin.training.backtest import round_grid
from anxin.training.exams import Exam, Marks, exams
from anxin.training.fitting import fit
from anxin.training.levels import by_rounds
from anxin.training.material import Material
from anxin.training.settings import Settings
from anxin.training.splits import folds

Progress = Callable[[str, int, int], None]
Say = Callable[[str], None]

_MORE_FOLDS = 2
"""Folds older than those of the backtest that are asked, too, where the history has them."""

_AT_ONCE = 2
_RANDOM_FIRST = 8
_NEVER_PRUNED = 4


@dataclass(frozen=True)
class Budget:
    """How long to try: so many trials, or minutes, or whichever ends first."""

    trials: int | None
    minutes: float | None


@dataclass(frozen=True)
class Tuned:
    """What tuning found: the settings that won, and how they and those in use did."""

    parameters: Mapping[str, Any]
    won: bool
    """Whether they are others than those in use."""
    facts: Mapping[str, Any]
    """Trials, folds and marks, as they are written beside the settings."""

    @property
    def searched(self) -> dict[str, Any]:
        """Those of the parameters that were searched: what a home keeps."""
        return {name: self.parameters[name] for name in _SPACE if name in self.parameters}


def tune(
    view: View,
    material: Material,
    settings: Settings,
    budget: Budget,
    on_progress: Progress | None = None,
    say: Say | None = None,
) -> Tuned:
    """Return the best settings of LightGBM found for a kind, never judged on rows or dates that taught them.

    Raises AnxinError where the history has no fold to try them on.
    """
    import optuna

    every = folds(
        material.dates, material.through, settings.folds + _MORE_FOLDS, settings.fold_days, material.outages
    )
    ready = exams(view, material, every, settings)
    if not ready:
        raise AnxinError(
            f"{material.kind} 训练至 {material.through}：历史太短，没有可供调参的时间折；请去掉 --trials",
            f"{material.kind} through {material.through}: no fold to tune on, the history is too short; "
            "train without --trials",
        )
    # With a single fold there is none to spare.
    check, asked = (ready[0], ready[1:]) if len(ready) > 1 else (None, ready)
    in_use = dict(settings.lightgbm[material.kind])
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(
        direction="maximize",
        sampler=optuna.samplers.TPESampler(seed=settings.seed, n_startup_trials=_RANDOM_FIRST),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=_NEVER_PRUNED, n_warmup_steps=0),
    )
    study.enqueue_trial(
        {name: in_use[name] for name in _SPACE if name in in_use}, user_attrs={"in_use": True}
    )

    def objective(trial: Any) -> float:
        if on_progress is not None:
            on_progress(f"{material.kind} trial {trial.number + 1}", trial.number, budget.trials or 0)
        suggested = {name: ask(trial, name) for name, ask in _SPACE.items()}
        # The settings in use may lie outside of what is searched, and are tried as they are.
        parameters = in_use if trial.number == 0 else {**in_use, **suggested}
        value, rounds = _sat(asked, settings, parameters, trial.report, trial.should_prune)
        if value is None:
            raise optuna.TrialPruned
        trial.set_user_attr("rounds", rounds)
        trial.set_user_attr("parameters", parameters)
        return value

    def told(study: Any, trial: Any) -> None:
        if say is not None:
            mark = f"{trial.value:.4f}" if trial.value is not None else "剪枝 pruned"
            say(f"{material.kind} 试验 trial {trial.number + 1}: {mark}  最佳 best {study.best_value:.4f}")

    seconds = None if budget.minutes is None else budget.minutes * 60
    study.optimize(objective, n_trials=budget.trials, timeout=seconds, callbacks=[told])
    best = study.best_trial
    facts: dict[str, Any] = {
        "through": material.through.isoformat(),
        "code_version": code_version(),
        "fingerprint": material.fingerprint(),
        "seed": settings.seed,
        "trials": len(study.trials),
        "pruned": sum(trial.state == optuna.trial.TrialState.PRUNED for trial in study.trials),
        "minutes": budget.minutes,
        "folds": [exam.fold.through.isoformat() for exam in asked],
        "mark": {"in_use": study.trials[0].value, "best": best.value},
        "rounds": best.user_attrs["rounds"],
    }
    parameters = best.user_attrs["parameters"]
    won = best.number > 0
    if won and check is not None:
        facts["checked"], won = _checked(check, settings, in_use, parameters)
    return Tuned(parameters if won else in_use, won, facts)


def _checked(
    exam: Exam, settings: Settings, in_use: Mapping[str, Any], best: Mapping[str, Any]
) -> tuple[dict[str, Any], bool]:
    """Return how the settings in use and the best did on the fold nobody had seen, and whether the best is not worse."""
    said: dict[str, Any] = {"fold": exam.fold.through.isoformat()}
    marks = {}
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        tried = {"in_use": in_use, "best": best}
        each = pool.map(lambda parameters: _marks(exam, settings, parameters), tried.values())
        for name, by_size in zip(tried, each, strict=True):
            found = max(by_size, key=lambda one: -np.inf if one.mark is None else one.mark)
            marks[name] = found.mark or 0.0
            said[name] = {**asdict(found), "mark": found.mark}
    return said, marks["best"] >= marks["in_use"]


def _sat(
    asked: Sequence[Exam],
    settings: Settings,
    parameters: Mapping[str, Any],
    report: Callable[[float, int], None],
    give_up: Callable[[], bool],
) -> tuple[float | None, int]:
    """Return the mean mark over the exams at the best number of rounds, and that number; None if given up."""
    grid = round_grid(settings.rounds[asked[0].material.kind])
    total, count = np.zeros(len(grid)), 0
    for step, start in enumerate(range(0, len(asked), _AT_ONCE)):
        with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
            each = pool.map(lambda exam: _marks(exam, settings, parameters), asked[start : start + _AT_ONCE])
            for by_size in each:
                total += np.array([one.mark or 0.0 for one in by_size])
                count += 1
        report(float(total.max() / count), step)
        if count < len(asked) and give_up():
            return None, 0
    return float(total.max() / count), grid[int(total.argmax())]


def _marks(exam: Exam, settings: Settings, parameters: Mapping[str, Any]) -> list[Marks]:
    """Fit on an exam's past and judge its questions at each number of rounds of the grid."""
    kind = exam.material.kind
    booster = fit(
        exam.taught(settings), exam.material.names, parameters, settings.rounds[kind], settings.seed
    )
    margins = by_rounds(booster, exam.asked, round_grid(settings.rounds[kind]))
    return [exam.marks(margin) for margin in margins.T]


def _short(value: float) -> float:
    """Return a number a person can read; trials use it as it is written."""
    return float(f"{value:.3g}")


_SPACE: Mapping[str, Callable[[Any, str], Any]] = {
    "learning_rate": lambda trial, name: _short(trial.suggest_float(name, 0.015, 0.08, log=True)),
    "num_leaves": lambda trial, name: trial.suggest_int(name, 4, 48, log=True),
    "min_data_in_leaf": lambda trial, name: trial.suggest_int(name, 20, 800, log=True),
    "feature_fraction": lambda trial, name: _short(trial.suggest_float(name, 0.15, 0.9)),
    "bagging_fraction": lambda trial, name: _short(trial.suggest_float(name, 0.5, 1.0)),
    "lambda_l2": lambda trial, name: _short(trial.suggest_float(name, 0.1, 50.0, log=True)),
    "extra_trees": lambda trial, name: trial.suggest_categorical(name, [False, True]),
}
"""What is tried; everything else stays as it is in use."""
