"""Ability to pay 工资支付能力: what money alone says of an employer, apart from who has complained.

The same kind of model as the main one, over signs of money only and monotone where the catalogue says so. What it
predicts is the probability of a verified case within 90 days; its levels are shares of all employers on the newest
training dates, kept as probabilities, so that one level means the same on every day. It has a say of its own (the
watch-list 重点监控) and none in the score.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import numpy.typing as npt

from anxin.domain.tables import read_yaml
from anxin.models.probability import SCORE_HORIZON, Calibration, Ordered
from anxin.models.saved import document
from anxin.models.scoring import Model

Floats = npt.NDArray[np.float64]

FILE = "ability.json"
KIND = "employer"
DIFFICULT = 2
UNKNOWN = -1
"""The level of an employer of whom no feed of money says anything."""

_COUNTED = {"credit": "credit_utilisation", "tax": "tax_short_share", "insurance": "insurance_short_share"}
"""A feature per feed that is missing where the feed says nothing of an employer (counts are 0 there)."""


@dataclass(frozen=True)
class Level:
    """A level: 2 in difficulty, 1 fair, 0 good; `share` of employers it reaches down to."""

    level: int
    zh: str
    en: str
    share: float


@dataclass(frozen=True)
class Ability:
    """The fitted model over signs of money, and the least probability of each level but the last, worst first."""

    ordered: Ordered
    thresholds: tuple[float, ...]

    def model(self, main: Model) -> Model:
        """Return it in the place of the main model: scored, compared with the usual and explained the same way."""
        return replace(main, ordered=self.ordered)

    def probability(self, values: Floats) -> Floats:
        """Return the probability from money signs alone of rows (n × features)."""
        return self.ordered.calibration.probability(self.ordered.margin(values), SCORE_HORIZON)

    def level(self, probability: Floats, values: Floats) -> npt.NDArray[np.int64]:
        """Return the level of each row; -1 where no feed of money says anything."""
        places = [self.ordered.features.index(n) for n in _COUNTED.values() if n in self.ordered.features]
        said = np.isfinite(values[:, places]).any(axis=1)
        found = np.zeros(len(probability), dtype=np.int64)
        for level, least in zip(reversed(levels()[:-1]), reversed(self.thresholds), strict=True):
            found[probability >= least] = level.level
        return np.where(said, found, UNKNOWN)

    def to_bytes(self) -> bytes:
        """Return the fitted state as JSON, the trees as LightGBM's text in it."""
        state = {
            "features": list(self.ordered.features),
            "rounds": self.ordered.rounds,
            "calibration": asdict(self.ordered.calibration),
            "thresholds": list(self.thresholds),
            "booster": self.ordered.booster.model_to_string(num_iteration=self.ordered.rounds).splitlines(),
        }
        return (json.dumps(state, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()

    @classmethod
    def from_bytes(cls, content: bytes) -> Ability:
        """Read what `to_bytes` wrote."""
        state: Mapping[str, Any] = json.loads(content)
        calibration = state["calibration"]
        return cls(
            Ordered(
                lgb.Booster(model_str="\n".join(state["booster"]) + "\n"),
                tuple(state["features"]),
                Calibration(calibration["slope"], tuple(calibration["intercepts"])),
                state["rounds"],
            ),
            tuple(state["thresholds"]),
        )


def thresholds(probability: Floats) -> tuple[float, ...]:
    """Return the least probability of each level but the last among those of many employers.

    Never more than the level's share: equals are all in it, or none.
    """
    values, counts = np.unique(probability, return_counts=True)
    at_least = counts[::-1].cumsum()[::-1] / max(len(probability), 1)
    found = []
    for level in levels()[:-1]:
        few = values[at_least <= level.share]
        found.append(float(few[0]) if len(few) else 1.0)
    return tuple(found)


def ability_of(models: Path, model: Model) -> Ability | None:
    """Return the ability that was trained beside a model, None where there was no feed of money to learn from."""
    content = document(models, model.model_id, FILE)
    return None if content is None else Ability.from_bytes(content)


def money_signs(names: Sequence[str]) -> list[int]:
    """Return the places of the signs of money among the names of features."""
    wanted = {name for group in signs().values() for name in group}
    return [place for place, name in enumerate(names) if name in wanted]


@cache
def signs() -> Mapping[str, tuple[str, ...]]:
    """Return the features that are signs of money, by what they are about."""
    return {group: tuple(names) for group, names in _read()["signs"].items()}


@cache
def levels() -> tuple[Level, ...]:
    """Return the levels, the worst first."""
    return tuple(Level(**entry) for entry in _read()["levels"])


@cache
def _read() -> Mapping[str, Any]:
    text = resources.files(__package__).joinpath("ability.yaml").read_text(encoding="utf-8")
    content: Mapping[str, Any] = read_yaml(text)
    return content
