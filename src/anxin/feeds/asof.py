"""The lake as it was known on a date, as Ibis expressions: one rule, any engine.

A row is known at D iff `received_at < D`, it was not yet superseded (`superseded_at` is null or `>= D`), and
its event is before D. Everything a feature reads comes through here, so this is the one place where looking
ahead could enter. Expressions use only what every engine of Ibis has.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from anxin.feeds.contract import RECEIVED_AT, Feed, contract
from anxin.feeds.engine import Engine, file_names
from anxin.feeds.lake import Lake
from anxin.feeds.versions import OVERLAY

_FEW_DATES = 1

_STATED_ON = "stated_on"
"""Credit and guarantees have an event column `as_of` of their own; beside the as-of date it is this."""


def event_of(feed: str) -> str:
    """Return the name of a feed's event column in `View.known` and `View.window`."""
    event = contract()[feed].event
    return _STATED_ON if event == "as_of" else event


def connect(engine: Engine | None = None) -> ibis.BaseBackend:
    """Return an in-process DuckDB for views, within the engine's limits."""
    return ibis.duckdb.connect(**(engine or Engine()).settings())


class View:
    """A lake, pinned to the commit it has now, read by an Ibis backend (DuckDB in process by default)."""

    def __init__(self, lake: Lake, backend: ibis.BaseBackend | None = None) -> None:
        self.lake = lake.at(lake.commit)
        self.backend = backend if backend is not None else connect()
        self._history: dict[str, ir.Table] = {}

    def history(self, feed: str) -> ir.Table:
        """Return all versions ever received: the contract's columns and `superseded_at` (null: current).

        A feed with no rows is an empty table of the same columns.
        """
        if feed not in self._history:
            self._history[feed] = self._build(contract()[feed])
        return self._history[feed]

    def known(self, feed: str, dates: Sequence[date]) -> ir.Table:
        """Return the rows known on each date: contract columns, `superseded_at` and `as_of` (a date)."""
        return self._known(contract()[feed], dates, None)

    def window(self, feed: str, dates: Sequence[date], days: int) -> ir.Table:
        """Return the rows of `known` whose event is in the `days` days before each date."""
        return self._known(contract()[feed], dates, days)

    def present(self, feed: str, dates: Sequence[date]) -> ir.Table:
        """Return (`as_of`, `present`): whether any row of the feed had been received before each date."""
        first = self.history(feed).aggregate(first=lambda rows: rows[RECEIVED_AT].min())
        return (
            _dates(dates)
            .cross_join(first)
            .select(
                "as_of",
                present=lambda row: (row["first"] < row["as_of"].cast("timestamp(6)")).fill_null(False),
            )
        )

    def keep(self, rows: ir.Table) -> ir.Table:
        """Compute a table that several expressions read, once, and return it as a table.

        Ibis 12 drops a cached table with a statement DuckDB 2 does not parse, so there it is held as Arrow.
        """
        if self.backend.name != "duckdb":
            return rows.cache()
        table = self.backend.to_pyarrow(rows)
        return ibis.memtable(table, schema=ibis.Schema.from_pyarrow(table.schema))

    def _known(self, feed: Feed, dates: Sequence[date], days: int | None) -> ir.Table:
        rows = self.history(feed.name)
        if "as_of" in rows.columns:
            rows = rows.rename({_STATED_ON: "as_of"})
        event = event_of(feed.name)
        if not dates:
            return rows.mutate(as_of=ibis.null("date")).limit(0)
        # What no date can use is cut before the join, where it reaches the Parquet scan.
        rows = rows.filter(rows[RECEIVED_AT] < _midnight(max(dates)), rows[event] < ibis.literal(max(dates)))
        rows = rows.filter(rows.superseded_at.isnull() | (rows.superseded_at >= _midnight(min(dates))))
        if days is not None:
            rows = rows.filter(rows[event] >= ibis.literal(min(dates) - timedelta(days)))
        if len(set(dates)) <= _FEW_DATES:
            return rows.mutate(as_of=ibis.literal(dates[0]))
        asked = _dates(dates, days)
        rule = [
            rows[RECEIVED_AT] < asked.as_of_at,
            rows.superseded_at.isnull() | (rows.superseded_at >= asked.as_of_at),
            rows[event] < asked.as_of,
        ]
        if days is not None:
            rule.append(rows[event] >= asked.since)
        return rows.join(asked, rule).select(*rows.columns, "as_of")

    def _build(self, feed: Feed) -> ir.Table:
        files = self.lake.files(feed.name)
        if not files:
            empty = feed.schema.append(OVERLAY.field("superseded_at")).empty_table()
            return ibis.memtable(empty, schema=ibis.Schema.from_pyarrow(empty.schema))
        rows = self._read(files)
        overlay = self.lake.overlay(feed.name)
        if not overlay:
            return rows.select(*feed.names, superseded_at=ibis.null("timestamp(6)"))
        ends = self._read(overlay)
        ends = ends.group_by("_row").aggregate(superseded_at=ends.superseded_at.min())
        joined = rows.left_join(ends, "_row")
        return joined.select(*feed.names, "superseded_at")

    def _read(self, paths: list[Path]) -> ir.Table:
        """Read by file list; folder names are never taken for columns."""
        if self.backend.name == "duckdb":
            return self.backend.read_parquet(file_names(paths), hive_partitioning=False)
        tables = [self.backend.read_parquet(str(path)) for path in paths]
        return tables[0] if len(tables) == 1 else ibis.union(*tables)


def _midnight(day: date) -> ir.TimestampScalar:
    return ibis.literal(day).cast("timestamp(6)")


def _dates(dates: Sequence[date], days: int | None = None) -> ir.Table:
    """Return each as-of date once: the date, its midnight, and the first day of its window."""
    each = sorted(set(dates))
    columns = {"as_of": pa.array(each, pa.date32()), "as_of_at": pa.array(each).cast(pa.timestamp("us"))}
    if days is not None:
        columns["since"] = pa.array([day - timedelta(days) for day in each], pa.date32())
    table = pa.table(columns)
    return ibis.memtable(table, schema=ibis.Schema.from_pyarrow(table.schema))
