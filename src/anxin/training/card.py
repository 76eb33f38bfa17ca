"""The model card: facts of one training, then the template `model_card.txt` (docs/model-card.md) filled with them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any

import jinja2

from anxin.features import catalogue
from anxin.judging.evaluator import GROUPS, mean_over_dates
from anxin.judging.resampling import Interval
from anxin.models.probability import HORIZONS, SCORE_HORIZON
from anxin.training.ablation import Worth
from anxin.training.pictures import influences
from anxin.training.settings import Settings
from anxin.training.train import Trained
from anxin.training.tuning import Tuned

_ZH = {"employer": "用人单位", "project": "工程项目"}
_FIGURES = {"average_precision": "AP", "auc": "AUC", "precision_100": "P@100", "recall_500": "R@500"}
_STRONGEST = 15

Intervals = Mapping[str, Mapping[str, Interval]]
"""Of the model out of time, by group and figure."""

_CALIBRATED = {
    "log_loss_skill": "对数损失技巧 log-loss skill",
    "slope": "斜率 slope",
    "observed_expected_first_100": "前 100 名实现/预期 O/E of the first 100",
    "observed_expected_everyone": "全体实现/预期 O/E of everyone",
}


def card(
    trained: Trained, settings: Settings, intervals: Intervals, tuned: Tuned | None, worth: Sequence[Worth]
) -> str:
    """Return the model card of a training as Markdown."""
    text = resources.files(__package__).joinpath("model_card.txt").read_text(encoding="utf-8")
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, keep_trailing_newline=True)
    return environment.from_string(text).render(facts(trained, settings, intervals, tuned, worth))


def facts(
    trained: Trained, settings: Settings, intervals: Intervals, tuned: Tuned | None, worth: Sequence[Worth]
) -> dict[str, Any]:
    """Return what the card says, as plain data."""
    model = trained.model
    entries = catalogue.catalogue()
    strongest = influences(trained).head(_STRONGEST).set_index("feature")["contribution"]
    families = Counter(entries[name].family for name in model.ordered.features)
    return {
        "model_id": model.model_id,
        "kind": model.kind,
        "kind_zh": _ZH[model.kind],
        "through": model.through.isoformat(),
        "code_version": model.facts["code_version"],
        "fingerprint": model.facts["fingerprint"],
        "settings": model.facts["settings"],
        "rounds": model.ordered.rounds,
        "seed": settings.seed,
        "dates": model.facts["dates"],
        "horizons": [
            {
                "days": horizon,
                "rows": model.facts["rows"][str(horizon)],
                "positives": model.facts["positives"][str(horizon)],
                "rate": _number(model.facts["base_rate"][str(horizon)], 5),
            }
            for horizon in HORIZONS
        ],
        "outages": model.facts["outages"],
        "features": len(model.ordered.features),
        "families": sorted(families.items(), key=lambda one: (-one[1], one[0])),
        "folds": model.facts["folds"],
        "figures": list(_FIGURES.values()),
        "backtest": _backtest(trained, intervals),
        "slope": _number(model.ordered.calibration.slope, 3),
        "top": _number(model.ordered.calibration.top, 3),
        "intercept": _number(model.ordered.calibration.intercepts[HORIZONS.index(SCORE_HORIZON)], 3),
        "calibrated": [
            f"{group}: "
            + "，".join(f"{said} {_around(of[name])}" for name, said in _CALIBRATED.items() if name in of)
            for group, of in intervals.items()
        ],
        "promises": ["；".join(one.said(model.promises.confidence)) for one in model.promises.each],
        "strongest": [
            {
                "name": name,
                "zh": entries[name].zh,
                "en": entries[name].en,
                "contribution": _number(contribution, 4),
            }
            for name, contribution in zip(map(str, strongest.index), strongest.to_numpy(float), strict=True)
        ],
        "ablation": [
            {
                "family": one.family,
                "group": one.group,
                "features": one.features,
                "fall": f"{one.mean:+.4f} [{one.low:+.4f}, {one.high:+.4f}]",
            }
            for one in worth
        ],
        "tuning": None if tuned is None else _tuning(tuned),
    }


def _backtest(trained: Trained, intervals: Intervals) -> list[dict[str, Any]]:
    rows = []
    for ranking, measures in trained.backtest.measures.items():
        for group in GROUPS:
            means = mean_over_dates(measures, group)
            around = intervals.get(group, {}) if ranking == "model" else {}
            values = []
            for figure in _FIGURES:
                said = _number(means.get(figure), 3)
                if figure in around and figure in means:
                    said = _around(around[figure])
                values.append(said)
            rows.append({"ranking": ranking, "group": group, "values": values})
    return rows


def _tuning(tuned: Tuned) -> dict[str, Any]:
    mark = tuned.facts["mark"]
    return {
        "trials": tuned.facts["trials"],
        "pruned": tuned.facts["pruned"],
        "folds": tuned.facts["folds"],
        "in_use": _number(mark["in_use"], 4),
        "best": _number(mark["best"], 4),
        "won": tuned.won,
    }


def _around(interval: Interval) -> str:
    said = _number(interval.mean, 3)
    if interval.low is None or interval.high is None:
        return said
    return f"{said} [{interval.low:.3f}, {interval.high:.3f}]"


def _number(value: float | None, places: int) -> str:
    return "—" if value is None else f"{value:.{places}f}"
