"""A fold as an exam: what it may learn from, and the later rows of 90 days it is asked about.

Tuning and ablation sit the same exams as the backtest, many times; rows are stacked anew for each fit, which costs less
than keeping them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from anxin.feeds.asof import View
from anxin.judging.evaluator import GROUPS, measure
from anxin.models.probability import SCORE_HORIZON, Observed, level
from anxin.training.material import Material
from anxin.training.rows import Labelled, Stacked, label, stack
from anxin.training.settings import Settings
from anxin.training.splits import Fold

Floats = npt.NDArray[np.float64]

NEW_WEIGHS = 2 / 3
"""How much 新发现 weighs in a mark against everyone: it decides, and everyone steadies it."""


@dataclass(frozen=True)
class Marks:
    """How margins did on an exam, per group (all, new): mean average precision over its dates, and log-loss skill.

    The skill is that over the base rate, at the margins' own level: how much they separate, not how cases moved later.
    A group in which nothing came true is not there.
    """

    average_precision: dict[str, float]
    skill: dict[str, float]

    @property
    def mark(self) -> float | None:
        """One figure to compare by: half average precision, half skill, 新发现 weighing twice as much as all."""
        weights = {"all": 1 - NEW_WEIGHS, "new": NEW_WEIGHS}
        there = [group for group in GROUPS if group in self.skill and group in self.average_precision]
        if not there:
            return None
        total = sum(weights[group] for group in there)
        each = (weights[group] * (self.average_precision[group] + self.skill[group]) / 2 for group in there)
        return sum(each) / total


@dataclass(frozen=True)
class Exam:
    """A fold made ready: labels as known when it pretends to be, and places, labels and dates of the rows it is asked."""

    fold: Fold
    then: Labelled
    material: Material
    places: npt.NDArray[np.int64]

    def taught(self, settings: Settings) -> Stacked:
        """Return the rows it may learn from, none of a date it is asked about."""
        before = self.material.as_of < np.datetime64(self.fold.through)
        return stack(self.material.features, self.then, before, settings.rows, settings.seed)

    @cached_property
    def asked(self) -> Floats:
        """The rows asked about, with the horizon as last column."""
        rows = self.material.features[self.places]
        return np.column_stack([rows, np.full(len(rows), float(SCORE_HORIZON))])

    def marks(self, margin: Floats) -> Marks:
        """Judge margins (one per row asked) against what came true within 90 days."""
        y = self.material.labelled.y[SCORE_HORIZON][self.places]
        day = self.material.as_of[self.places]
        held = self.material.snapshot["in_hand"].to_numpy(zero_copy_only=False).astype(bool)[self.places]
        precision: dict[str, float] = {}
        skill: dict[str, float] = {}
        for group in GROUPS:
            rows = np.isfinite(y) & (~held if group == "new" else True)
            found = [
                _average_precision(margin[one], y[one]) for one in (rows & (day == d) for d in np.unique(day))
            ]
            told = [value for value in found if value is not None]
            if told:
                precision[group] = float(np.mean(told))
                skill[group] = _skill(margin[rows], y[rows])
        return Marks(precision, skill)


def exams(view: View, material: Material, folds: Sequence[Fold], settings: Settings) -> list[Exam]:
    """Return the folds that could teach something and ask about something that came true, made ready."""
    found = []
    for fold in folds:
        then = label(view, material.snapshot, fold.through, material.kind, material.outages)
        places = np.flatnonzero(np.isin(material.as_of, np.array(fold.judged, dtype="datetime64[D]")))
        before = material.as_of < np.datetime64(fold.through)
        learned = sum(float(np.nansum(y[before])) for y in then.y.values())
        if learned and np.nansum(material.labelled.y[SCORE_HORIZON][places]):
            found.append(Exam(fold, then, material, places))
    return found


def _average_precision(margin: Floats, y: Floats) -> float | None:
    return measure("", "", margin, y, None).average_precision if len(y) else None


def _skill(margin: Floats, y: Floats) -> float:
    rate = y.mean()
    if not 0 < rate < 1:
        return 0.0
    z = margin + level(Observed(margin, y, np.ones(len(y))), 1.0)
    loss = float((np.logaddexp(0.0, z) - y * z).mean())
    base = float(-(rate * np.log(rate) + (1 - rate) * np.log(1 - rate)))
    return 1 - loss / base
