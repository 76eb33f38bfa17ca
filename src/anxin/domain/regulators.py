"""Which line regulator (行业主管部门) a warning is handed to besides the place, and who is copied.

The table and its sources are in ``regulators.yaml``. An employer goes by industry, a project by class.
"""

from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

from anxin.domain.tables import in_force, read_document


@dataclass(frozen=True)
class Regulators:
    """The one regulator that answers (主办) and those that are copied (协办); Chinese short names."""

    primary: str
    also: tuple[str, ...]


@cache
def of_employer(industry: str, ownership: str, park: str | None, on: date) -> Regulators:
    """Return the regulators of an employer on a day.

    ``industry`` is GB/T 4754-2017 (``E47``), ``ownership`` a value of the contract, ``park`` the industrial
    park or nothing. An industry without an owner falls to the human-resources bureau.

    >>> of_employer("C33", "state", "工业园区", date(2025, 6, 1))
    Regulators(primary='经济信息委', also=('园区管委会', '国资委'))
    """
    matching = [
        (len(code), row["regulator"])
        for row in _rows("industries", on)
        for code in row["codes"]
        if industry.startswith(code)
    ]
    primary = max(matching)[1] if matching else _fallback()
    return _with_overlays(primary, {"park": bool(park), "state": ownership == "state"}, on)


@cache
def of_project(
    project_type: str, government_funded: bool | None, soe_owner: bool | None, on: date
) -> Regulators:
    """Return the regulators of a project on a day, by its class; an unknown flag adds nobody.

    >>> of_project("water", True, None, date(2025, 6, 1))
    Regulators(primary='水利局', also=('财政局',))
    """
    primary = next(
        (row["regulator"] for row in _rows("projects", on) if project_type in row["types"]), _fallback()
    )
    flags = {"government_funded": bool(government_funded), "state": bool(soe_owner)}
    return _with_overlays(primary, flags, on)


def english(zh: str) -> str:
    """Return the English name of a regulator, or the Chinese one if the table has none."""
    return str(_document()["english"].get(zh, zh))


def names() -> list[str]:
    """Return the Chinese name of every regulator of the table, for scopes and filters."""
    return list(_document()["english"])


def _with_overlays(primary: str, flags: dict[str, bool], on: date) -> Regulators:
    also = [row["regulator"] for row in _rows("overlays", on) if flags.get(row["when"], False)]
    return Regulators(primary, tuple(name for name in dict.fromkeys(also) if name != primary))


def _rows(table: str, on: date) -> list[dict[str, Any]]:
    return [row for row in _document()[table] if in_force(row.get("valid_from"), row.get("valid_to"), on)]


def _fallback() -> str:
    return str(_document()["fallback"])


@cache
def _document() -> dict[str, Any]:
    document: dict[str, Any] = read_document("regulators.yaml")
    return document
