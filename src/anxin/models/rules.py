"""The rule table: named red flags of law and practice, each in force at a place from a day to a day.

`rules.yaml` holds them and says where each figure stands. A rule hits where its condition holds; a missing value never
does. Hits stand beside a model's reasons and may raise a grade, never lower it. A hit cites those of the rule's articles
that are in force in the subject's district on the day; where none is, it says what it saw and raises nothing.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cache, cached_property
from importlib import resources
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from anxin.domain import divisions, law
from anxin.domain.law import article
from anxin.domain.tables import in_force, read_yaml
from anxin.features.catalogue import catalogue
from anxin.models.scoring import matrix

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Limit:
    """A feature within bounds. Without bounds: that it is known."""

    feature: str
    at_least: float | None = None
    at_most: float | None = None
    above: float | None = None
    below: float | None = None

    def limits(self) -> tuple[Limit, ...]:
        """Return itself."""
        return (self,)

    def holds(self, values: Mapping[str, Floats]) -> Mask:
        """Return where the limit holds; a missing value (NaN) is within no bounds."""
        value = values[self.feature]
        found: Mask = ~np.isnan(value)
        if self.at_least is not None:
            found &= value >= self.at_least
        if self.at_most is not None:
            found &= value <= self.at_most
        if self.above is not None:
            found &= value > self.above
        if self.below is not None:
            found &= value < self.below
        return found


@dataclass(frozen=True)
class Joined:
    """Several conditions, of which all or any must hold."""

    parts: tuple[Condition, ...]
    every: bool

    def limits(self) -> tuple[Limit, ...]:
        """Return the limits within, in the order written."""
        return tuple(limit for part in self.parts for limit in part.limits())

    def holds(self, values: Mapping[str, Floats]) -> Mask:
        """Return where all, or any, of the parts hold."""
        each = [part.holds(values) for part in self.parts]
        return np.asarray(np.all(each, axis=0) if self.every else np.any(each, axis=0), dtype=np.bool_)


Condition = Limit | Joined


@dataclass(frozen=True)
class Paper:
    """A paper to ask for, and the article (id) that lets one ask."""

    zh: str
    en: str
    law: str


@dataclass(frozen=True)
class Rule:
    """One version of a red flag: what it says, on what law, where and from when to when it holds."""

    name: str
    zh: str
    en: str
    when: Condition
    law: tuple[str, ...]
    """Ids of articles."""
    ask: tuple[Paper, ...]
    raises_to: int
    """The least grade of a subject it hits (1 blue … 4 red); 0 raises nothing."""
    source: str
    verified: bool
    """Whether its source states the figure; otherwise it is borrowed or assumed."""
    only: tuple[str, ...]
    """The kinds of subject it is written for."""
    districts: tuple[str, ...]
    valid_from: date | None
    valid_to: date | None

    @cached_property
    def kinds(self) -> tuple[str, ...]:
        """The kinds it is written for that can have every feature it needs (any one of alternatives)."""
        return tuple(kind for kind in self.only if _possible(self.when, kind))

    @property
    def ask_zh(self) -> str:
        """What to ask for, in Chinese."""
        return "；".join(paper.zh for paper in self.ask)

    @property
    def ask_en(self) -> str:
        """What to ask for, in English."""
        return "; ".join(paper.en for paper in self.ask)

    @property
    def law_zh(self) -> str:
        """Its articles as a report cites them, in Chinese."""
        return "、".join(article(id).cite_zh for id in self.law)

    @property
    def law_en(self) -> str:
        """Its articles as a report cites them, in English."""
        return "; ".join(article(id).cite_en for id in self.law)

    def reach(self, district: str, on: date) -> int:
        """Return how closely the rule is written for a district on a day: length of the prefix, -1 not at all."""
        if not in_force(self.valid_from, self.valid_to, on):
            return -1
        return max((divisions.closeness(prefix, district) for prefix in self.districts), default=-1)

    def standing(self, district: str, on: date) -> Rule:
        """Return the rule with those of its articles in force in a district on a day; without any it raises nothing."""
        held = law.holding(self.law, district, on)
        return self if held == self.law else replace(self, law=held, raises_to=self.raises_to if held else 0)


class Hit(NamedTuple):
    """A rule that holds for a subject, as it stands there and then, with value and day of the first limit that holds."""

    rule: Rule
    feature: str
    value: float
    date: date | None


def hits(snapshot: pa.Table, kind: str, on: date) -> list[tuple[Hit, ...]]:
    """Return what hits each row of a snapshot of a kind, those that raise highest first.

    One tuple per row. The rules are those in force on `on` in the row's district; a row without a district sees
    those that hold everywhere.
    """
    found: list[list[Hit]] = [[] for _ in range(len(snapshot))]
    values = _values(snapshot)
    governing = _Governing(snapshot, on)
    ages: dict[str, Floats] = {}
    days: dict[float, date] = {}
    ordered = sorted((rule for rule in rules() if kind in rule.kinds), key=lambda rule: -rule.raises_to)
    for rule in ordered:
        open_rows = governing.mask(rule) & rule.when.holds(values)
        for limit in rule.when.limits():
            shown = np.flatnonzero(open_rows & limit.holds(values))
            if not len(shown):
                continue
            open_rows[shown] = False
            known = values[limit.feature][shown].tolist()
            age = _ages(snapshot, limit.feature, ages)[shown].tolist()
            stands = governing.standing(rule, shown)
            for row, told, value, old in zip(shown.tolist(), stands, known, age, strict=True):
                if not math.isnan(old) and old not in days:
                    days[old] = on - timedelta(days=int(old))
                found[row].append(Hit(told, limit.feature, value, days.get(old)))
    # What raises nothing there and then goes behind what does.
    return [tuple(sorted(each, key=lambda hit: -hit.rule.raises_to)) for each in found]


def flags(snapshot: pa.Table) -> Floats:
    """Return how many rules hit each row of a snapshot of one kind, each on its own date (`as_of`)."""
    values = _values(snapshot)
    kind = snapshot["kind"][0].as_py() if len(snapshot) and "kind" in snapshot.column_names else None
    count = np.zeros(len(snapshot))
    for on, rows in _dates(snapshot):
        governing = _Governing(snapshot, on)
        for rule in rules():
            mask = governing.mask(rule)
            if mask.any() and (kind is None or kind in rule.kinds):
                count += rows & mask & rule.when.holds(values)
    return count


def fingerprint() -> str:
    """Return a hash of the table and of the law it cites: what a list made with them depends on."""
    return hashlib.sha256(f"{_text()}{law.fingerprint()}".encode()).hexdigest()


def reads() -> tuple[str, ...]:
    """Return the columns of a snapshot that any version of any rule looks at: features, and what dates their facts."""
    dates = (catalogue()[name].dated for name in _features())
    return (*_features(), *dict.fromkeys(name for name in dates if name))


@cache
def _features() -> tuple[str, ...]:
    return tuple(dict.fromkeys(limit.feature for rule in rules() for limit in rule.when.limits()))


@cache
def rules() -> tuple[Rule, ...]:
    """Return every version of every rule, in the order of the table."""
    document = read_yaml(_text())
    papers = {name: Paper(**entry) for name, entry in document["papers"].items()}
    return tuple(_rule(entry, papers) for entry in document["rules"])


class _Governing:
    """Which version of each rule governs each row, decided once per district."""

    def __init__(self, snapshot: pa.Table, on: date) -> None:
        codes = (
            snapshot["district"].to_pylist() if "district" in snapshot.column_names else [""] * len(snapshot)
        )
        place = {code: i for i, code in enumerate(dict.fromkeys(codes))}
        self._row = np.array([place[code] for code in codes], dtype=np.int64)
        self._districts = [divisions.district(code, on) if code else "" for code in place]
        self._on = on
        self._versions: dict[str, list[Rule | None]] = {}

    def mask(self, rule: Rule) -> Mask:
        """Return the rows that this version of the rule governs."""
        if rule.name not in self._versions:
            self._versions[rule.name] = [_version(rule.name, code, self._on) for code in self._districts]
        governs = np.array([found == rule for found in self._versions[rule.name]], dtype=bool)
        return governs[self._row] if len(governs) else np.zeros(0, dtype=bool)

    def standing(self, rule: Rule, rows: npt.NDArray[np.int64]) -> list[Rule]:
        """Return a version of a rule as it stands at the place of each of some rows."""
        places = self._row[rows]
        there = {
            place: rule.standing(self._districts[place], self._on) for place in np.unique(places).tolist()
        }
        return [there[place] for place in places.tolist()]


def _version(name: str, district: str, on: date) -> Rule | None:
    reached = [(rule.reach(district, on), rule.valid_from or date.min, rule) for rule in _named()[name]]
    best = max(reached, key=lambda found: found[:2])
    return best[2] if best[0] >= 0 else None


def _possible(condition: Condition, kind: str) -> bool:
    if isinstance(condition, Limit):
        return kind in catalogue()[condition.feature].kinds
    possible = (_possible(part, kind) for part in condition.parts)
    return all(possible) if condition.every else any(possible)


def _values(snapshot: pa.Table) -> dict[str, Floats]:
    return dict(zip(_features(), matrix(snapshot, _features()).T, strict=True))


def _ages(snapshot: pa.Table, feature: str, found: dict[str, Floats]) -> Floats:
    column = catalogue()[feature].dated or ""
    if column not in found:
        found[column] = matrix(snapshot, (column,))[:, 0]
    return found[column]


def _dates(snapshot: pa.Table) -> list[tuple[date, Mask]]:
    days = snapshot["as_of"].to_pylist() if "as_of" in snapshot.column_names else [date.max] * len(snapshot)
    codes = np.array([day.toordinal() for day in days], dtype=np.int64)
    return [(date.fromordinal(code), codes == code) for code in np.unique(codes).tolist()]


@cache
def _named() -> Mapping[str, list[Rule]]:
    named: dict[str, list[Rule]] = {}
    for rule in rules():
        named.setdefault(rule.name, []).append(rule)
    return named


@cache
def _text() -> str:
    return resources.files(__package__).joinpath("rules.yaml").read_text(encoding="utf-8")


def _rule(entry: Mapping[str, Any], papers: Mapping[str, Paper]) -> Rule:
    return Rule(
        name=entry["name"],
        zh=entry["zh"],
        en=entry["en"],
        when=_condition(entry["when"]),
        law=tuple(entry["law"]),
        ask=tuple(papers[name] for name in entry["ask"]),
        raises_to=entry.get("raises_to", 0),
        source=entry["source"],
        verified={"verified": True, "assumed": False}[entry["status"]],
        only=tuple(entry.get("kinds", ("employer", "project"))),
        districts=tuple(entry["districts"]),
        valid_from=entry.get("valid_from"),
        valid_to=entry.get("valid_to"),
    )


def _condition(entry: Mapping[str, Any]) -> Condition:
    for word, every in (("all", True), ("any", False)):
        if word in entry:
            return Joined(tuple(_condition(part) for part in entry[word]), every)
    bounds = {name: float(value) for name, value in entry.items() if name not in ("feature", "known")}
    return Limit(entry["feature"], **bounds)
