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
from datetime import date
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from anxin.domain.tables import read_yaml
from anxin.features.catalogue import catalogue
from anxin.models.probability import SCORE_HORIZON, Calibration, Ordered
from anxin.models.reasons import Part, stated_on
from anxin.models.rules import Limit
from anxin.models.saved import document
from anxin.models.scoring import Model, matrix

Floats = npt.NDArray[np.float64]

FILE = "ability.json"
KIND = "employer"
DIFFICULT = 2
UNKNOWN = -1
"""The level of an employer of whom neither a sign of money nor a hard fact is known."""


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

    def level(
        self, probability: Floats, values: Floats, hard: npt.NDArray[np.bool_]
    ) -> npt.NDArray[np.int64]:
        """Return the level of each row (n × features): by its probability where a sign of money is known.

        Elsewhere in difficulty where a hard fact holds (`hard`, n), else -1.
        """
        found = np.zeros(len(probability), dtype=np.int64)
        for level, least in zip(reversed(levels()[:-1]), reversed(self.thresholds), strict=True):
            found[probability >= least] = level.level
        return np.where(self._known(values), found, np.where(hard, DIFFICULT, UNKNOWN))

    def _known(self, values: Floats) -> npt.NDArray[np.bool_]:
        # That nobody owes it anything is 0 too for whom courts and notices never named: nothing is known by it.
        owed = np.isin(self.ordered.features, signs()["receipts"])
        with np.errstate(invalid="ignore"):
            known = np.where(owed, values > 0, np.isfinite(values))
        return np.asarray(known.any(axis=1), dtype=np.bool_)

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


def hard_facts(snapshot: pa.Table, day: date) -> list[tuple[Part, ...]]:
    """Return the hard facts that hold of each row of a snapshot of employers on a day, as parts that add nothing."""
    found: list[list[Part]] = [[] for _ in range(len(snapshot))]
    for limit in hard():
        feature = catalogue()[limit.feature]
        values, ages = matrix(snapshot, (feature.name, feature.dated or "")).T
        for row in np.flatnonzero(limit.holds({feature.name: values})).tolist():
            part = Part(feature, 0.0, float(values[row]), None, stated_on(day, float(ages[row])))
            found[row].append(part)
    return [tuple(parts) for parts in found]


@cache
def hard() -> tuple[Limit, ...]:
    """Return the hard facts: features within bounds."""
    return tuple(Limit(**entry) for entry in _read()["hard"])


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
