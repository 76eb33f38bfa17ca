"""The contract of the raw feeds, read once from `contract.yaml`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import resources
from types import MappingProxyType
from typing import Literal, get_args

import pyarrow as pa

from anxin.domain.tables import read_yaml

Kind = Literal["string", "bool", "int", "decimal", "date", "month", "timestamp", "enum"]

MONEY_DIGITS = 18
"""Digits of every decimal in the lake, before and after the point together."""

MOST_COUNTED = 10**15
"""No whole number of the contract (heads, days, serials) is as large: it is a mistake, and sums must not overflow."""

RECEIVED_AT = "received_at"

_TYPE = re.compile(r"(?P<kind>[a-z]+)(?:\((?P<inside>[^)]*)\))?(?P<optional>\?)?")


@dataclass(frozen=True)
class Column:
    """One column of a feed: its name, what it holds, and whether it may be empty."""

    name: str
    kind: Kind
    optional: bool
    choices: tuple[str, ...] = ()
    scale: int = 2
    zh: str = ""
    note: str = ""

    @property
    def type(self) -> pa.DataType:
        """The Arrow type of the column in the lake."""
        match self.kind:
            case "string" | "enum":
                return pa.string()
            case "bool":
                return pa.bool_()
            case "int":
                return pa.int64()
            case "decimal":
                return pa.decimal128(MONEY_DIGITS, self.scale)
            case "date" | "month":
                return pa.date32()
            case "timestamp":
                return pa.timestamp("us")


@dataclass(frozen=True)
class Feed:
    """One feed: who sends it, what allows its use, what identifies a row, and its columns in order."""

    name: str
    zh: str
    source: str
    basis: str
    key: tuple[str, ...]
    event: str
    columns: tuple[Column, ...]

    @cached_property
    def schema(self) -> pa.Schema:
        """The contract columns as stored in the lake (without `_row`)."""
        return pa.schema([(column.name, column.type) for column in self.columns])

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Column names in contract order."""
        return tuple(column.name for column in self.columns)

    def column(self, name: str) -> Column:
        """Return the column of that name; KeyError if the feed has none."""
        return self._by_name[name]

    @cached_property
    def _by_name(self) -> Mapping[str, Column]:
        return {column.name: column for column in self.columns}


@cache
def contract() -> Mapping[str, Feed]:
    """Return every feed of the contract by name, in the order of `contract.yaml`."""
    text = resources.files(__package__).joinpath("contract.yaml").read_text(encoding="utf-8")
    return MappingProxyType({name: _feed(name, entry) for name, entry in read_yaml(text).items()})


def _feed(name: str, entry: Mapping[str, object]) -> Feed:
    columns, key = entry["columns"], entry["key"]
    assert isinstance(columns, dict) and isinstance(key, list)
    feed = Feed(
        name=name,
        zh=str(entry["zh"]),
        source=str(entry["from"]),
        basis=str(entry["basis"]),
        key=tuple(str(part) for part in key),
        event=str(entry["event"]),
        columns=tuple(_column(name, column, facts) for column, facts in columns.items()),
    )
    event = feed.column(feed.event)
    if event.kind != "date" or event.optional or feed.columns[-1].name != RECEIVED_AT:
        raise ValueError(f"contract.yaml: {name} needs a required date as event, and received_at last")
    if not set(feed.key) <= set(feed.names):
        raise ValueError(f"contract.yaml: {name} has a key that is no column: {feed.key}")
    return feed


def _column(feed: str, name: str, facts: Mapping[str, str]) -> Column:
    found = _TYPE.fullmatch(facts["type"])
    if found is None or found["kind"] not in get_args(Kind):
        raise ValueError(f"contract.yaml: {feed}.{name} has an unknown type {facts['type']!r}")
    inside, kind = found["inside"], found["kind"]
    return Column(
        name=name,
        kind=kind,  # type: ignore[arg-type]  # checked against the literal above
        optional=found["optional"] is not None,
        choices=tuple(part.strip() for part in inside.split(",")) if kind == "enum" else (),
        scale=int(inside) if kind == "decimal" and inside else 2,
        zh=facts["zh"],
        note=facts.get("note", ""),
    )
