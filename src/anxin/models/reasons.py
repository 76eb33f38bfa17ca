"""Reasons: what each feature adds to a score, and the sentence that says it, with value, usual value and date."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from anxin.features.catalogue import Feature, catalogue
from anxin.models.scoring import Model, matrix

Floats = npt.NDArray[np.float64]

TOLERANCE = 1e-6
"""A row whose reasons miss its score by more is not published."""

FELT = 0.005
"""A contribution below this moves no probability a reader could see: it counts in the sum and is not said."""

_MOST = 5
_MOST_LOWERING = 4
_PER_FAMILY = 2
"""Counts of the same complaints over several windows are one finding, not five."""

_PEERS = 30
"""Subjects of a sector needed to call their median usual; below, everyone's is used."""

_OF_ALL = (
    ("同类对象通常", "全部对象通常"),
    ("同类项目通常", "全部项目通常"),
    ("comparable subjects usually", "all subjects usually"),
)
"""What a sentence of the catalogue says of comparable subjects, and what it says where they are too few."""


@dataclass(frozen=True)
class Part:
    """One feature's part in one score."""

    feature: Feature
    contribution: float
    value: float | None
    usual: float | None
    date: date | None
    everyones: bool = False
    """Whether `usual` is everyone's, for want of comparable subjects."""

    @cached_property
    def said(self) -> tuple[str, str]:
        """Its sentence in Chinese and English."""
        return sentence(self.feature, self.value, self.usual, self.everyones)

    @property
    def zh(self) -> str:
        """Its sentence in Chinese."""
        return self.said[0]

    @property
    def en(self) -> str:
        """Its sentence in English."""
        return self.said[1]

    @property
    def finding(self) -> bool:
        """Whether a person can be told it: known, can be checked, no «not so», and it tells what it is counted for."""
        if self.value is None or not self.feature.reason or (self.feature.form == "flag" and not self.value):
            return False
        return tells(self.feature, self.contribution, self.value, self.usual)


@dataclass(frozen=True, eq=False)
class Explained:
    """A score taken apart: `base + Σ contribution = score`.

    `features` are those a person is told: where the model reads a figure less the median of the day, the figure itself.
    The arrays hold one figure per feature, NaN where there is none; `ages` are days from the newest row behind a value,
    `everyones` where `usual` is that of everyone, for want of comparable subjects (None: nowhere).
    """

    base: float
    score: float
    features: tuple[Feature, ...]
    contributions: Floats
    values: Floats
    usual: Floats
    ages: Floats
    day: date | None
    everyones: npt.NDArray[np.bool_] | None = None

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """All parts, strongest first, whichever way they go."""
        return tuple(self.part(j) for j in np.argsort(-np.abs(self.contributions), kind="stable").tolist())

    def part(self, j: int) -> Part:
        """Return the part of one feature, by its place."""
        return Part(
            self.features[j],
            float(self.contributions[j]),
            _known(self.values[j]),
            _known(self.usual[j]),
            stated_on(self.day, float(self.ages[j])),
            self.everyones is not None and bool(self.everyones[j]),
        )

    @property
    def adds_up(self) -> bool:
        """Whether the parts and the base give the score within 1e-6."""
        return abs(self.base + float(self.contributions.sum()) - self.score) <= TOLERANCE

    def reasons(self) -> tuple[Part, ...]:
        """Return what a person is told first: what raises the score most, is known, and can be checked."""
        return self._strongest(self.contributions, 0.0, _MOST)

    def lowering(self) -> tuple[Part, ...]:
        """Return what lowers the score most, is known, can be checked, and is not simply as usual."""
        unusual = np.where(self.values == self.usual, 0.0, -self.contributions)
        return self._strongest(unusual, FELT, _MOST_LOWERING)

    def families(self) -> tuple[tuple[str, float], ...]:
        """Return the sum of the contributions of each family, the one that raises most first; all add up."""
        sums: dict[str, float] = {}
        for feature, contribution in zip(self.features, self.contributions.tolist(), strict=True):
            sums[feature.family] = sums.get(feature.family, 0.0) + contribution
        return tuple(sorted(sums.items(), key=lambda item: -item[1]))

    def _strongest(self, strength: Floats, least: float, most: int) -> tuple[Part, ...]:
        chosen: list[Part] = []
        for j in np.argsort(-strength, kind="stable").tolist():
            if strength[j] <= least or len(chosen) == most:
                break
            part = self.part(j)
            family = part.feature.family
            if part.finding and sum(other.feature.family == family for other in chosen) < _PER_FAMILY:
                chosen.append(part)
        return tuple(chosen)


@dataclass(frozen=True)
class Usual:
    """What is usual on a day: the median of a feature over subjects of the same sector, or over everyone.

    What is one figure for a whole sector (`usual_of_all`) is held against everyone's: its own median is that figure.
    """

    by_sector: Mapping[str, Mapping[str, float]]
    of_all: Mapping[str, float]

    def of(self, feature: str, sector: str | None) -> float | None:
        """Return the usual value of a feature for a sector, None where nobody has the feature."""
        return self.by_sector.get(sector or "", self.of_all).get(feature, self.of_all.get(feature))

    def everyones(self, feature: str, sector: str | None) -> bool:
        """Say whether the usual value for a sector is that of everyone."""
        return feature not in self.by_sector.get(sector or "", {})

    def rows(
        self, features: Sequence[str], sectors: Sequence[str | None]
    ) -> tuple[Floats, npt.NDArray[np.bool_]]:
        """Return the usual values of subjects by their sectors (n × features), and where they are everyone's.

        NaN where nobody has the feature.
        """
        known = {
            sector: [(self.of(feature, sector), self.everyones(feature, sector)) for feature in features]
            for sector in set(sectors)
        }
        found = np.array([known[sector] for sector in sectors], dtype=np.float64)
        found = found.reshape(len(sectors), len(features), 2)
        return found[:, :, 0], found[:, :, 1] > 0


def usual_values(model: Model, snapshot: pa.Table) -> Usual:
    """Return the usual values of a day from the snapshot of all subjects of a kind."""
    names = model.ordered.features
    values = matrix(snapshot, tuple(feature.name for feature in _told(names)))
    sectors = np.array(_sectors(model.kind, snapshot), dtype=object)
    groups = {
        sector: _medians(names, values[sectors == sector], everyones=False)
        for sector in set(sectors) - {None}
        if (sectors == sector).sum() >= _PEERS
    }
    return Usual(groups, _medians(names, values))


def explain(model: Model, rows: pa.Table, usual: Usual | None) -> list[Explained]:
    """Take the scores of some rows of a snapshot apart, exactly (LightGBM's own contributions).

    Without `usual` (rows of unknown company) the sentences leave the comparison out.
    """
    read = model.matrix(rows)
    contributions, base = model.ordered.contributions(read)
    scores = model.ordered.margin(read)
    # Rows of unknown company hold what the model reads, not the figures of a day behind it.
    features = (
        _told(model.ordered.features)
        if usual is not None
        else tuple(catalogue()[name] for name in model.ordered.features)
    )
    values = matrix(rows, tuple(feature.name for feature in features))
    ages = matrix(rows, tuple(feature.dated or "" for feature in features))
    days: Sequence[date | None] = (
        rows["as_of"].to_pylist() if "as_of" in rows.column_names else [None] * len(rows)
    )
    compared = usual.rows(model.ordered.features, _sectors(model.kind, rows)) if usual is not None else None
    nothing = np.full(len(features), np.nan)
    return [
        Explained(
            float(base[i]),
            float(scores[i]),
            features,
            contributions[i],
            values[i],
            nothing if compared is None else compared[0][i],
            ages[i],
            days[i],
            None if compared is None else compared[1][i],
        )
        for i in range(len(rows))
    ]


def _told(names: Sequence[str]) -> tuple[Feature, ...]:
    """Return what people are told of the features models read: the figure itself where that is less the day's median."""
    return tuple(catalogue()[catalogue()[name].told] for name in names)


def sentence(
    feature: Feature, value: float | None, usual: float | None, everyones: bool = False
) -> tuple[str, str]:
    """Return the reason's sentence in Chinese and English; without a usual value the comparison is left out.

    `everyones`: the usual value is not that of comparable subjects but of all.
    """
    if value is None:
        return f"{feature.zh}：没有数据", f"{feature.en}: no data"
    if feature.form == "flag" and not value:  # the sentence of a flag says that it is so
        return f"{feature.zh}：否", f"{feature.en}: no"
    zh, en = feature.zh_text, feature.en_text
    if feature.below is not None:
        # Values of one sentence are compared, of two that lie on either side of zero are not.
        usual = None if usual is None or usual * value < 0 else usual
        if value < 0:
            (zh, en), value, usual = feature.below, -value, None if usual is None else abs(usual)
    if usual is None and "{usual}" in zh:
        zh, en = zh[: zh.index("{usual}")], en[: en.index("{usual}")]
        # The comparison is the last clause of every sentence of the catalogue.
        zh, en = zh[: zh.rfind("，")], en[: en.rfind(";")]
    if everyones:
        for of_kind, of_all in _OF_ALL:
            zh, en = zh.replace(of_kind, of_all), en.replace(of_kind, of_all)
    words = {"zh": feature.zh, "en": feature.en}
    return (
        zh.format(**words, value=_zh(feature.form, value), usual=_zh(feature.form, usual)),
        en.format(**words, value=_en(feature.form, value), usual=_en(feature.form, usual)),
    )


def tells(feature: Feature, contribution: float, value: float, usual: float | None) -> bool:
    """Say whether a value beside the usual one can stand for what it contributes.

    What reads just as usual says nothing, and no reader takes fewer cases than usual for a danger: trees compare with
    every subject, a sentence with those of its sector.
    """
    if usual is None or "{usual}" not in feature.zh_text:
        return True
    as_usual = _zh(feature.form, value) == _zh(feature.form, usual)
    return not as_usual and feature.direction * (value - usual) * contribution >= 0


def amount(feature: Feature, value: float) -> tuple[str, str]:
    """Return a value as a reason says it, in Chinese and English."""
    return _zh(feature.form, value), _en(feature.form, value)


def _zh(form: str, value: float | None) -> str:
    if value is None:
        return "未知"
    if form == "points":
        return f"{_points(value)}个百分点"
    if form == "yuan":
        return f"{_figure(value / 1e4, 1)}万元" if abs(value) >= 1e4 else f"{_figure(value, 0)}元"
    if form == "flag":
        return "是" if value else "否"
    return _number(form, value)


def _en(form: str, value: float | None) -> str:
    if value is None:
        return "unknown"
    if form == "points":
        return f"{_points(value)} percentage points"
    if form == "yuan":
        return f"{_figure(value, 0)} yuan"
    if form == "flag":
        return "yes" if value else "no"
    return _number(form, value)


def _points(share: float) -> str:
    return _figure(share * 100, 1 if abs(share) < 0.1 else 0)


def _number(form: str, value: float) -> str:
    if form == "share":
        return f"{_points(value)}%"
    return _figure(value, 0 if form == "whole" or abs(value) >= 100 else 1)


def _figure(value: float, places: int) -> str:
    """Return a number with thousands apart; what rounds to nothing is a plain 0."""
    text = f"{value:z,.{places}f}"
    return "0" if text == "0.0" else text


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def stated_on(day: date | None, age: float) -> date | None:
    """Return the day that lies `age` days before another; None where either is unknown (NaN)."""
    return None if day is None or np.isnan(age) else day - timedelta(days=int(age))


def _sectors(kind: str, rows: pa.Table) -> list[str | None]:
    column = "industry" if kind == "employer" else "project_type"
    if column not in rows.column_names:
        return [None] * len(rows)
    return [
        None if value is None else str(value)[:1] if kind == "employer" else value
        for value in rows[column].to_pylist()
    ]


def _medians(names: Sequence[str], values: Floats, everyones: bool = True) -> dict[str, float]:
    medians = {}
    for name, column in zip(names, values.T, strict=True):
        if not everyones and catalogue()[name].usual_of_all:
            continue
        known = column[~np.isnan(column)]
        if len(known):
            medians[name] = float(np.median(known))
    return medians
