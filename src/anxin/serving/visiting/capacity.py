"""What a district can do in a day: `visits.yaml`, or the home's own table of that name."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from anxin.domain.errors import AnxinError
from anxin.domain.tables import latest_in_force

OWN = "visits.yaml"
"""The home's own table, in the home's folder."""


@dataclass(frozen=True)
class Capacity:
    """What one district can do a day; `visits.yaml` says what each figure means."""

    checks: int
    calls: int
    checks_a_year: int
    again_days: int
    rule_share: float
    random_share: float
    random_plan: str | None

    @property
    def random_checks(self) -> float:
        """How many random checks a day, on average."""
        return self.random_share * self.checks


@dataclass(frozen=True)
class Capacities:
    """The table of a home. `text` is what was read, `where` its name in what people are told."""

    text: str
    where: str

    @classmethod
    def of(cls, root: Path) -> Capacities:
        """Read the home's own table, or the one that comes with Anxin; AnxinError where it is not a table."""
        own = root / OWN
        if own.is_file():
            try:
                found = cls(own.read_text(encoding="utf-8"), str(own))
            except (OSError, UnicodeDecodeError) as error:
                raise _wrong(str(own), "无法读取", "cannot be read") from error
        else:
            found = cls(resources.files(__package__).joinpath(OWN).read_text(encoding="utf-8"), OWN)
        found.check()
        return found

    @property
    def hash(self) -> str:
        """A hash over the table: a list depends on it."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def check(self) -> None:
        """Raise AnxinError where anything of the table is not what it must be."""
        _ = self.seed
        for row in self._rows:
            _capacity(row, self.where)

    def on(self, district: str, day: date) -> Capacity:
        """Return what a district can do on a day; nothing where no row governs it."""
        row = latest_in_force(self._rows, district, day)
        return NOTHING if row is None else _capacity(row, self.where)

    @property
    def longest_rest(self) -> int:
        """The most days in which any district does not go to a firm again, on any day."""
        return max((_capacity(row, self.where).again_days for row in self._rows), default=0)

    @property
    def seed(self) -> int:
        """The seed of the draw of random checks, 0 if the table names none."""
        seed = self._document.get("seed", 0)
        if type(seed) is not int or seed < 0:
            raise _wrong(
                self.where, f"seed 须为不小于0的整数：{seed}", f"seed must be a whole number from 0: {seed}"
            )
        return seed

    @cached_property
    def _rows(self) -> list[dict[str, Any]]:
        rows = self._document.get("capacity")
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise _wrong(self.where, "须有 capacity 表，每行一条", "needs a table «capacity», a list of rows")
        return rows

    @cached_property
    def _document(self) -> dict[str, Any]:
        try:
            document = yaml.safe_load(self.text)
        except yaml.YAMLError as error:
            raise _wrong(self.where, "不是 YAML", "is no YAML") from error
        if not isinstance(document, dict):
            raise _wrong(self.where, "须有 capacity 表", "needs a table «capacity»")
        return document


NOTHING = Capacity(0, 0, 0, 0, 0.0, 0.0, None)

_WHERE = frozenset({"districts", "valid_from", "valid_to"})
_DEFAULTS: Mapping[str, Any] = {
    "again_days": 14,
    "rule_share": 0.0,
    "random_share": 0.0,
    "random_plan": None,
}


def _capacity(row: Mapping[str, Any], where: str) -> Capacity:
    names = {field.name for field in fields(Capacity)}
    unknown = sorted(set(row) - names - _WHERE)
    if unknown:
        raise _wrong(where, f"没有 {unknown} 这样的列", f"there is no column {unknown}")
    districts = row.get("districts")
    if not isinstance(districts, list) or not all(isinstance(code, str) for code in districts):
        raise _wrong(
            where, f"districts 须为代码列表：{districts}", f"districts must be a list of codes: {districts}"
        )
    for name in ("valid_from", "valid_to"):
        if row.get(name) is not None and type(row[name]) is not date:
            raise _wrong(where, f"{name} 须为日期：{row[name]}", f"{name} must be a date: {row[name]}")
    values = {**_DEFAULTS, **{name: value for name, value in row.items() if name in names}}
    for name in ("checks", "calls", "checks_a_year", "again_days"):
        if type(values.get(name)) is not int or values[name] < 0:
            raise _wrong(
                where,
                f"{name} 须为不小于0的整数：{values.get(name)}",
                f"{name} must be a whole number from 0: {values.get(name)}",
            )
    for name in ("rule_share", "random_share"):
        if (
            isinstance(values[name], bool)
            or not isinstance(values[name], int | float)
            or not 0 <= values[name] <= 1
        ):
            raise _wrong(
                where, f"{name} 须在0与1之间：{values[name]}", f"{name} must lie in 0 to 1: {values[name]}"
            )
    plan = values["random_plan"]
    if plan is not None and not isinstance(plan, str):
        raise _wrong(where, f"random_plan 须为文字：{plan}", f"random_plan must be a text: {plan}")
    if values["random_share"] > 0 and not (plan or "").strip():
        raise _wrong(
            where,
            "设有随机抽查（random_share），但没有写明批准的双随机计划（random_plan）；国办发〔2024〕54号要求随机抽查依计划进行",
            "random checks are configured (random_share) without the approved 双随机 plan (random_plan) that they need",
        )
    return Capacity(**values)


def _wrong(where: str, zh: str, en: str) -> AnxinError:
    return AnxinError(f"{where}：{zh}，请改正", f"{where}: {en}; correct it")
