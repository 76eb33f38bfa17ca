"""Reading the tables that lie beside the code, and asking which of their rows is in force on a day."""

import csv
from collections.abc import Sequence
from datetime import date
from importlib.resources import files
from typing import Any

import yaml

# libyaml, where PyYAML was built with it, reads the same ten times as fast.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_rows(text: str) -> list[dict[str, str]]:
    """Return the rows of a CSV text with a header; lines that begin with ``#`` are comments."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return list(csv.DictReader(lines))


def read_text(name: str) -> str:
    """Return the text of a table of this room, from wherever the package is installed."""
    return (files("anxin.domain") / name).read_text(encoding="utf-8")


def read_yaml(text: str) -> Any:
    """Return a YAML text that lies beside the code; ISO dates arrive as ``datetime.date``."""
    return yaml.load(text, Loader=_LOADER)


def read_document(name: str) -> Any:
    """Return a YAML table of this room."""
    return read_yaml(read_text(name))


def in_force(valid_from: date | None, valid_to: date | None, on: date) -> bool:
    """Tell whether ``on`` lies in ``[valid_from, valid_to)``; an absent end is open."""
    return (valid_from is None or valid_from <= on) and (valid_to is None or on < valid_to)


def latest_in_force(rows: Sequence[dict[str, Any]], district: str, on: date) -> dict[str, Any] | None:
    """Return the row that governs a place on a day, or None.

    Rows carry ``districts`` (code prefixes, ``""`` is everywhere), ``valid_from`` and perhaps ``valid_to``.
    The longest matching prefix governs; among equals the row that came into force last.
    """
    best: tuple[int, date] | None = None
    found: dict[str, Any] | None = None
    for row in rows:
        if not in_force(row.get("valid_from"), row.get("valid_to"), on):
            continue
        lengths = [len(prefix) for prefix in row["districts"] if district.startswith(prefix)]
        if not lengths:
            continue
        strength = (max(lengths), row.get("valid_from") or date.min)
        if best is None or strength > best:
            best, found = strength, row
    return found
