"""The catalogue: every feature by name, with all a person or a model needs to know of it.

One YAML file per family stands beside the module that computes it. `direction` is the direction of risk
used as a monotone constraint (1: more is worse, -1: more is better, 0: none; also none where more may mean that it is
in hand already: own complaints and cases that are new or open). `empty` is the value of a subject without rows while
the feed is there: a count is 0, anything else is missing. A sum of figures that rows need not state (`stated`) is
missing where rows are there and none states one. A feed that is not there at all gives missing values, and so does a
column that is needed (`needs`) and was never filled.

A season moves some figures for everyone: at Spring Festival all sites stand still. For the kinds an entry names under
`of_day` a second feature, `<name>_of_day`, is the figure less the median of the kind on the day, and models read that
one alone; people, rules and reasons keep to the figure itself (`told`).

`unread` are the kinds whose models do not read it. Chosen were columns to which trees of three simulated cities and of a
real docket, as far as each knows them, owed less than a thousandth of what they gain in telling rows apart, and a column
that came later may be unread until it is asked for. Near a thousandth chance decides: asked again, some of them earn a
little more and some that are read earn less (`python -m benchmarks unread`, benchmarks/results/unread.md). What leaving
all of them out costs is measured on other cities (`python -m benchmarks ablation`). People, rules and what is said of
sizes still read them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any, Literal

from anxin.domain.tables import read_yaml

Kind = Literal["employer", "project"]
About = Literal["own", "payer", "around"]

FAMILIES = (
    "energy",
    "credit",
    "litigation",
    "payroll",
    "complaints",
    "funding",
    "profile",
    "relations",
    "silence",
)


@dataclass(frozen=True)
class Feature:
    """One feature: its names, where it comes from, which way risk goes, and the sentence of its reason.

    `zh_text` and `en_text` are templates over `value` and `usual`, formatted by `form`.
    """

    name: str
    family: str
    kinds: tuple[str, ...]
    zh: str
    en: str
    unit: str
    sources: tuple[str, ...]
    needs: tuple[str, ...]
    """Columns (`feed.column`) a source may leave out, without which nothing is known: who sends no day of payment has not
    thereby told that nobody paid."""
    direction: int
    empty: float | None
    stated: bool
    """Whether it sums figures rows may leave out: `empty` is then only for who has no row in the table at all."""
    form: str
    zh_text: str
    en_text: str
    below: tuple[str, str] | None
    """The two sentences of a value below zero, said by its size («fewer by 2»); without them the sign is shown."""
    dated: str | None
    """The column with the age in days of the newest row behind the value; None where nothing is dated."""
    peers: bool
    """Whether other subjects enter the value by definition (rates, neighbours)."""
    unread: tuple[str, ...]
    """The kinds whose models do not read it."""
    reason: bool
    """Whether the feature may stand as a reason: what a person can check, not a season."""
    law: str | None
    about: About
    """Whose fact it is; red and orange need one of `own` or `payer` (architecture, 7)."""
    actionable: bool
    """Whether someone can change it from now on."""
    worse: int
    """Which side is worse for whoever acts on it: the direction of risk, or what the entry says under `worse`.

    Of what is open in any case more: a model may find that who is in hand, or sends nothing any longer, is safer;
    nobody is told to leave a complaint open for longer or to stop sending.
    """
    usual_of_all: bool
    """Whether the usual value beside it is that of all subjects, not of the same sector (a sector's own rate)."""
    edition: int
    """Raised when the values under this name are computed to mean something else: models of an older one are refused."""
    told: str
    """The feature whose figure and sentence a person is told: itself, unless it is the other's less the day's median."""

    def needed(self, kind: Kind) -> tuple[str, ...]:
        """Return the columns needed of a kind: that a feed names projects at all is asked of projects alone."""
        return tuple(need for need in self.needs if kind == "project" or not need.endswith(".project_id"))

    @property
    def of_day(self) -> bool:
        """Whether it is another feature's figure less the median of the day."""
        return self.told != self.name


@dataclass(frozen=True)
class Fact:
    """A column of the snapshot that dates or sizes something and is no feature."""

    name: str
    family: str
    kinds: tuple[str, ...]


@cache
def catalogue() -> Mapping[str, Feature]:
    """Return all features by name, in order of families and files."""
    return MappingProxyType({f.name: f for family in FAMILIES for f in _read(family)[0]})


@cache
def facts() -> Mapping[str, Fact]:
    """Return the snapshot columns that are no features."""
    return MappingProxyType({f.name: f for family in FAMILIES for f in _read(family)[1]})


@cache
def of(kind: str) -> tuple[Feature, ...]:
    """Return the features of a kind, in catalogue order."""
    return tuple(feature for feature in catalogue().values() if kind in feature.kinds)


@cache
def learned(kind: str) -> tuple[Feature, ...]:
    """Return the features of a kind that models read: those that earn their place, seasons left out (`of_day`)."""
    return tuple(feature for feature in readable(kind) if kind not in feature.unread)


@cache
def readable(kind: str) -> tuple[Feature, ...]:
    """Return the features of a kind that models could read: not those whose figure is there less the day's median."""
    relative = {feature.told for feature in of(kind) if feature.of_day}
    return tuple(feature for feature in of(kind) if feature.name not in relative)


@cache
def _read(family: str) -> tuple[tuple[Feature, ...], tuple[Fact, ...]]:
    text = resources.files(__package__).joinpath(f"{family}.yaml").read_text(encoding="utf-8")
    raw = read_yaml(text)
    kinds_of_family = tuple(raw["kinds"])
    features = tuple(
        Feature(
            name=name,
            family=family,
            kinds=tuple(entry.get("kinds", kinds_of_family)),
            zh=_chinese(entry["zh"]),
            en=entry["en"],
            unit=entry["unit"],
            sources=tuple(entry["sources"]),
            needs=tuple(entry.get("needs", ())),
            direction=entry.get("direction", 0),
            empty=entry.get("empty"),
            stated=entry.get("stated", False),
            form=entry.get("form", _FORMS.get(entry["unit"], "number")),
            zh_text=_chinese(entry.get("zh_text", "{zh}为{value}")),
            en_text=entry.get("en_text", "{en}: {value}"),
            below=(_chinese(entry["below"]["zh"]), entry["below"]["en"]) if "below" in entry else None,
            dated=entry.get("dated"),
            peers=entry.get("peers", False),
            unread=tuple(entry.get("unread", ())),
            reason=entry.get("reason", True),
            law=entry.get("law"),
            about=entry.get("about", raw.get("about", "own")),
            actionable=entry.get("actionable", False),
            worse=entry.get("worse", _worse(family, entry)),
            usual_of_all=entry.get("usual_of_all", False),
            edition=entry.get("edition", 1),
            told=name,
        )
        for name, entry in raw["features"].items()
    )
    features += tuple(
        _of_day(feature, tuple(kinds))
        for feature in features
        if (kinds := raw["features"][feature.name].get("of_day"))
    )
    listed = tuple(
        Fact(name, family, tuple(entry.get("kinds", kinds_of_family)))
        for name, entry in (raw.get("facts") or {}).items()
    )
    return features, listed


def _chinese(text: str) -> str:
    """Return a Chinese text with the marks of Chinese: the files are written with those of every keyboard."""
    return text.translate(_MARKS)


def _worse(family: str, entry: Mapping[str, Any]) -> int:
    in_hand = family == "complaints" and entry.get("actionable", False)
    return 1 if in_hand else int(entry.get("direction", 0))


def _of_day(feature: Feature, kinds: tuple[str, ...]) -> Feature:
    return replace(
        feature,
        name=f"{feature.name}_of_day",
        kinds=kinds,
        unread=tuple(kind for kind in feature.unread if kind in kinds),
        zh=f"{feature.zh}（减当日中位数）",
        en=f"{feature.en}, less the median of the day",
        zh_text="{zh}为{value}",
        en_text="{en}: {value}",
        below=None,
        empty=None,
        stated=False,
        peers=True,
        actionable=False,
    )


_MARKS = str.maketrans(",;:()", "，；：（）")

_FORMS = {
    "share": "share",
    "yuan": "yuan",
    "days": "whole",
    "count": "whole",
    "heads": "whole",
    "flag": "flag",
}
