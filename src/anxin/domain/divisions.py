"""Where a place is on a day: GB/T 2260 codes with the dates they held and what came after them.

A code is opaque unless this table or its province is known: anything else, from outside China for example, is
its own name and its own district.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import cache

from anxin.domain.errors import AnxinError
from anxin.domain.tables import in_force, read_rows, read_text

CHINA = "CN"
"""Stands for every division of China where prefixes of codes are listed."""

_LENGTHS = (2, 6, 9, 12)  # province, district, town, village


@dataclass(frozen=True)
class Division:
    """One name a code held in ``[valid_from, valid_to)``, and the code it is read as afterwards."""

    code: str
    name: str
    valid_from: date | None
    valid_to: date | None
    successor: str | None


class Divisions:
    """A table of divisions. The module's functions ask the one in ``divisions.csv``."""

    def __init__(self, divisions: Iterable[Division]) -> None:
        self._eras: dict[str, list[Division]] = {}
        for division in divisions:
            self._eras.setdefault(division.code, []).append(division)

    @classmethod
    def parse(cls, text: str) -> "Divisions":
        """Read the CSV form: ``code,name,valid_from,valid_to,successor``, ``#`` for comments."""
        return cls(
            Division(
                row["code"],
                row["name"],
                date.fromisoformat(row["valid_from"]) if row["valid_from"] else None,
                date.fromisoformat(row["valid_to"]) if row["valid_to"] else None,
                row["successor"] or None,
            )
            for row in read_rows(text)
        )

    def district(self, code: str, on: date) -> str:
        """Return the six-digit district a code lies in on a day, through successors."""
        seen: set[tuple[str, date | None]] = set()
        while (ended := self._ended(code, on)) is not None and ended.successor is not None:
            if (ended.code, ended.valid_to) in seen:
                raise AnxinError(
                    f"行政区划表中 {ended.code} 的继任代码成环，请改正 divisions.csv",
                    f"the successors of {ended.code} run in a circle, correct divisions.csv",
                )
            seen.add((ended.code, ended.valid_to))
            code = ended.successor
        return code[:6] if len(code) in (9, 12) and self.province(code) else code

    def name(self, code: str, on: date) -> str:
        """Return the name a code has on a day: its own, its district's, its province's, or the code."""
        own = self._at(code, on)
        if own is not None:
            return own.name
        district = self.district(code, on)
        known = self._at(district, on) or self._first(district)
        if known is not None:
            return known.name
        province = self.province(district)
        return f"{province}{district}" if province else code

    def province(self, code: str) -> str | None:
        """Return the name of the Chinese province a code begins with, or None if it is not a Chinese code."""
        if len(code) not in _LENGTHS or not (code.isascii() and code.isdigit()):
            return None
        eras = self._eras.get(code[:2])
        return eras[0].name if eras else None

    def districts(self, on: date, within: str) -> list[str]:
        """Return the six-digit codes of a province (or other prefix) that hold on a day, sorted."""
        return sorted(
            code
            for code in self._eras
            if len(code) == 6 and code.startswith(within) and self._at(code, on) is not None
        )

    def _at(self, code: str, on: date) -> Division | None:
        eras = self._eras.get(code, ())
        return next((era for era in eras if in_force(era.valid_from, era.valid_to, on)), None)

    def _first(self, code: str) -> Division | None:
        # A code used before the day it came into force is still best called by the name it was about to get.
        return min(self._eras.get(code, ()), key=lambda era: era.valid_from or date.min, default=None)

    def _ended(self, code: str, on: date) -> Division | None:
        """Return the row of the longest prefix the table has, if nothing of that prefix holds any longer."""
        lengths = [length for length in (12, 9, 6) if length <= len(code)]
        if len(code) not in _LENGTHS:
            lengths = [len(code)]
        for length in lengths:
            eras = self._eras.get(code[:length])
            if not eras:
                continue
            if self._at(code[:length], on) is not None:
                return None
            past = [era for era in eras if era.valid_to is not None and era.valid_to <= on]
            return max(past, key=lambda era: era.valid_to or date.min, default=None)
        return None


@cache
def table() -> Divisions:
    """Return the table of ``divisions.csv``."""
    return Divisions.parse(read_text("divisions.csv"))


@cache
def name(code: str, on: date) -> str:
    """Return the Chinese name of a division on a day.

    A town falls back to its district, a district the table does not have to its province and code; a
    code that is not Chinese is its own name.

    >>> name("500381", date(2025, 1, 1)), name("500106106", date(2025, 1, 1))
    ('江津区', '沙坪坝区')
    """
    return table().name(code, on)


@cache
def district(code: str, on: date) -> str:
    """Return the six-digit district of a code of any length on a day, resolved through successors.

    >>> district("500381", date(2005, 1, 1)), district("500381", date(2025, 1, 1))
    ('500381', '500116')
    """
    return table().district(code, on)


def districts(on: date, within: str = "50") -> list[str]:
    """Return the district codes in force on a day, sorted; Chongqing's unless another prefix is given."""
    return table().districts(on, within)


def province(code: str) -> str | None:
    """Return the name of the Chinese province a code of 2, 6, 9 or 12 digits begins with, else None."""
    return table().province(code)


def closeness(prefix: str, code: str) -> int:
    """Return how closely a prefix names the place of a code: its length, 1 for all of China, -1 not at all.

    >>> closeness("50", "500103"), closeness("CN", "500103"), closeness("CN", "060000"), closeness("", "060000")
    (2, 1, -1, 0)
    """
    if prefix == CHINA:
        return 1 if province(code) is not None else -1
    return len(prefix) if code.startswith(prefix) else -1
