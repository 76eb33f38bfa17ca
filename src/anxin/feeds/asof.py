"""The lake as it was known on a date, as Ibis expressions: one rule, any engine.

A row is known at D iff `received_at < D`, it was not yet superseded (`superseded_at` is null or `>= D`), and
its event is before D. Everything a feature reads comes through here, so this is the one place where looking
ahead could enter. Expressions use only what every engine of Ibis has.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from threading import RLock
from typing import TypeVar, cast

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from anxin.feeds.contract import RECEIVED_AT, Feed, contract
from anxin.feeds.engine import DUCKDB, SPARK, Engine, file_names, no_engine
from anxin.feeds.lake import Lake
from anxin.feeds.versions import OVERLAY

_Made = TypeVar("_Made")

_NUMBERS = itertools.count()
"""Views of one backend are named apart."""

_STATED_ON = "stated_on"
"""Credit and guarantees have an event column `as_of` of their own; beside the as-of date it is this."""


def event_of(feed: str) -> str:
    """Return the name of a feed's event column in `View.known` and `View.window`."""
    event = contract()[feed].event
    return _STATED_ON if event == "as_of" else event


def connect(engine: Engine | None = None) -> ibis.BaseBackend:
    """Return an in-process DuckDB for views, within the engine's limits."""
    # Ibis would fold every select into the one before it, a fifth of the time it takes to put an expression into words;
    # DuckDB does that itself. Spark, asked in a process of its own, was slower without.
    ibis.options.sql.fuse_selects = False
    return ibis.duckdb.connect(**(engine or Engine()).settings())


def backend_of(engine: str, limits: Engine | None = None) -> ibis.BaseBackend:
    """Return the engine of that name, `duckdb` (within `limits`) or `spark://host:port`.

    AnxinError if it is none or does not answer.
    """
    if engine == DUCKDB:
        return connect(limits)
    if not engine.startswith(SPARK):
        raise no_engine(engine)
    # Only who names it needs it installed.
    from anxin.feeds import spark

    return spark.connect(engine)


@dataclass(frozen=True)
class Numbered:
    """Rows with whole numbers for the texts of a column, and the `texts` with their `number`; none if texts were kept."""

    rows: ir.Table
    texts: ir.Table | None


class View:
    """A lake, pinned to the commit it has now, read by an Ibis backend (DuckDB in process by default)."""

    def __init__(self, lake: Lake, backend: ibis.BaseBackend | None = None) -> None:
        self.lake = lake.at(lake.commit)
        self.backend = backend if backend is not None else connect()
        self._tables: list[str] = []
        self._shared: View | None = None
        self._outer: View | None = None
        self._once: dict[Hashable, object] = {}
        self._lock = RLock()
        self._named: dict[Hashable, ir.Table] = {}
        self._naming = RLock()

    @property
    def _root(self) -> View:
        return self._shared or self

    def beside(self) -> View:
        """Return a view of the same commit for another thread: its own connection, the same engine and limits."""
        own = ibis.duckdb.from_connection(self.backend.con.cursor()) if self._duckdb else self.backend
        beside = View(self.lake, own)
        beside._shared = self._root
        beside._named, beside._naming = self._named, self._naming
        return beside

    def within(self) -> View:
        """Return a view beside this one with a `once` of its own, to be given back by its `release`."""
        within = self.beside()
        within._shared, within._outer = None, self._root
        return within

    def once(self, asked: Hashable, make: Callable[[View], _Made], *, outside: bool = False) -> _Made:
        """Return what `make` makes of the view all its views beside it came from, made once for all of them.

        With `outside` also for those that view is `within`.
        """
        root = self._root
        while outside and root._outer is not None:
            root = root._outer
        with root._lock:
            if asked not in root._once:
                root._once[asked] = make(root)
            return cast(_Made, root._once[asked])

    def history(self, feed: str) -> ir.Table:
        """Return all versions ever received: the contract's columns and `superseded_at` (null: current).

        A feed with no rows is an empty table of the same columns.
        """
        return self._name(("history", feed), lambda: self._build(contract()[feed]))

    def received(self, feed: str, since: datetime | None = None) -> ir.Table:
        """Return all versions as `history` does, without `superseded_at`: cheaper where only arrival matters.

        With `since` files that hold nothing received from then on are not read; rows received before it may stay.
        """
        rows = self._stored(contract()[feed], since)
        return self.history(feed).drop("superseded_at") if rows is None else rows.drop("_row")

    def known(self, feed: str, dates: Sequence[date]) -> ir.Table:
        """Return the rows known on each date: contract columns and `as_of` (a date)."""
        return self._view(feed, dates, None)

    def window(self, feed: str, dates: Sequence[date], days: int) -> ir.Table:
        """Return the rows of `known` whose event is in the `days` days before each date."""
        return self._view(feed, dates, days)

    def spans(self, feed: str, dates: Sequence[date], days: int | None = None) -> ir.Table:
        """Return each version known on any of the dates once, with `since` and `until`.

        In the sorted dates the row is known on those at places `since` <= place < `until` (`on_dates`). What
        is summed per span first is summed once for many dates. With `days`, rows whose event lies more than
        that before the first date are left out.
        """
        rows, each = self._usable(contract()[feed], dates, days), sorted(set(dates))
        if len(each) < 2:
            return rows.mutate(since=ibis.literal(0, "int32"), until=ibis.literal(len(each), "int32"))
        until = ibis.cases(
            (rows.superseded_at.isnull(), len(each)),
            *((rows.superseded_at < _midnight(day), i) for i, day in enumerate(each)),
            else_=len(each),
        ).cast("int32")
        rows = rows.mutate(since=_since(rows, event_of(feed), each), until=until)
        return rows.filter(rows.since < rows.until).drop("superseded_at")

    def versions(self, feed: str, dates: Sequence[date]) -> ir.Table:
        """Return each version received, and dated, before any of the dates, also those since replaced.

        `since` is the place of the first of the sorted dates it was there on: on that and all later ones.
        """
        rows, each, event = self.received(feed), sorted(set(dates)), event_of(feed)
        if "as_of" in rows.columns:
            rows = rows.rename({_STATED_ON: "as_of"})
        if not each:
            return rows.mutate(since=ibis.literal(0, "int32")).limit(0)
        rows = rows.filter(rows[RECEIVED_AT] < _midnight(each[-1]), rows[event] < ibis.literal(each[-1]))
        return rows.mutate(since=_since(rows, event, each))

    def on_dates(self, rows: ir.Table, dates: Sequence[date]) -> ir.Table:
        """Return rows with `since` and `until` once for each date they are known on, with `as_of` instead."""
        each = sorted(set(dates))
        if len(each) == 1:
            return rows.mutate(as_of=ibis.literal(each[0])).drop("since", "until")
        table = pa.table(
            {"as_of": pa.array(each, pa.date32()), "place": pa.array(range(len(each)), pa.int64())}
        )
        asked = ibis.memtable(table, schema=ibis.Schema.from_pyarrow(table.schema))
        joined = rows.join(asked, [rows.since <= asked.place, asked.place < rows.until])
        return joined.drop("since", "until", "place")

    def first_received(self) -> Mapping[str, datetime | None]:
        """Return for each feed of the lake when its first row was received."""
        return {feed: self.lake.first_received(feed) for feed in self.lake.feeds()}

    def first_filled(self, feed: str, column: str) -> datetime | None:
        """Return when the first row that states an optional column was received, None where none does."""

        def find(view: View) -> datetime | None:
            rows = view.received(feed)
            first = rows.filter(rows[column].notnull()).aggregate(first=rows[RECEIVED_AT].min())
            found: datetime | None = view.backend.to_pyarrow(first)["first"][0].as_py()
            return None if found is None else found.replace(tzinfo=None)

        return self.once(("filled", feed, column), find, outside=True)

    def keep(self, rows: ir.Table) -> ir.Table:
        """Compute a table that several expressions read, once, and return it as a table, until `release`.

        Ibis 12 drops a cached table with a statement DuckDB 2 does not parse, so there it is a table of the
        in-process database, which DuckDB may spill to disk and every view beside this one can read.
        """
        if not self._duckdb:
            backends, _ = rows._find_backends()
            # Only tables in memory: they are held already, and Ibis would take them to its default engine.
            return rows.cache() if backends else rows
        self._tables.append(f"kept_{next(_NUMBERS)}")
        return self.backend.create_table(self._tables[-1], rows)

    def at_once(self, rows: ir.Table, most: int) -> int | None:
        """Return how many times, at least once, rows of kept tables fit into `most`.

        None where the engine would have to compute it first: such an engine plans for itself what fits.
        """
        if not self._duckdb:
            return None
        count: int = self.backend.to_pyarrow(rows.count()).as_py()
        return max(1, most // max(count, 1))

    def numbered(self, rows: ir.Table, name: str) -> Numbered:
        """Compute a table once as `keep` does, with whole numbers for the texts of a column.

        DuckDB finds the group of a small whole number without looking for it. Other engines keep the texts.
        """
        if not self._duckdb:
            return Numbered(self.keep(rows), None)
        found = self.keep(rows)
        plain = self._tables[-1]
        texts = found.select(name).distinct()
        texts = self.keep(texts.mutate(number=ibis.row_number().cast("int32")))
        others = [column for column in rows.columns if column != name]
        numbered = self.keep(found.join(texts, name).select(*others, **{name: texts.number}))
        self._drop(plain)
        return Numbered(numbered, texts)

    def release(self) -> None:
        """Give back the memory of all that was kept; expressions made of it are of no use any more."""
        self._once.clear()
        while self._tables:
            self._drop(self._tables[-1])

    @property
    def _duckdb(self) -> bool:
        return bool(self.backend.name == "duckdb")

    def _drop(self, table: str) -> None:
        self._tables.remove(table)
        self.backend.con.execute(f"DROP TABLE {table}")

    def _name(self, asked: Hashable, make: Callable[[], ir.Table]) -> ir.Table:
        """Return what `make` makes, made once for all views of the engine: names belong to no connection."""
        with self._naming:
            if asked not in self._named:
                self._named[asked] = make()
            return self._named[asked]

    def _view(self, feed: str, dates: Sequence[date], days: int | None) -> ir.Table:
        """Name what is known once, so that expressions over it are short: compiling costs more than reading."""

        def make() -> ir.Table:
            rows = self._known(contract()[feed], dates, days)
            return self.backend.create_view(f"known_{feed}_{next(_NUMBERS)}", rows)

        return self._name(("known", feed, tuple(sorted(set(dates))), days), make)

    def _in_memory(self, rows: pa.Table) -> ir.Table:
        """Return a small table that named expressions may refer to; on DuckDB a memtable is one connection's."""
        table = ibis.memtable(rows, schema=ibis.Schema.from_pyarrow(rows.schema))
        return self.backend.create_table(f"small_{next(_NUMBERS)}", table) if self._duckdb else table

    def _usable(self, feed: Feed, dates: Sequence[date], days: int | None) -> ir.Table:
        """Cut what no date can use before any join, where it reaches the Parquet scan.

        Of several dates each row still has `superseded_at`; of one, only what is not superseded is left: to look
        for the few rows that are is far cheaper than to put the day beside every row.
        """
        several = len(set(dates)) > 1
        stored = None if several else self._stored(feed)
        rows = self.history(feed.name) if stored is None else stored
        if "as_of" in rows.columns:
            rows = rows.rename({_STATED_ON: "as_of"})
        event = event_of(feed.name)
        if not dates:
            return rows.select(*_columns(feed)).limit(0)
        rows = rows.filter(rows[RECEIVED_AT] < _midnight(max(dates)), rows[event] < ibis.literal(max(dates)))
        if days is not None:
            rows = rows.filter(rows[event] >= ibis.literal(min(dates) - timedelta(days)))
        if several:
            return rows.filter(rows.superseded_at.isnull() | (rows.superseded_at >= _midnight(min(dates))))
        ends = None if stored is None else self._ends(feed.name)
        if ends is not None:
            rows = rows.anti_join(ends.filter(ends.superseded_at < _midnight(dates[0])), "_row")
        return rows.select(*_columns(feed))

    def _known(self, feed: Feed, dates: Sequence[date], days: int | None) -> ir.Table:
        rows, event = self._usable(feed, dates, days), event_of(feed.name)
        if not dates:
            return rows.mutate(as_of=ibis.null("date"))
        if len(set(dates)) == 1:
            return rows.mutate(as_of=ibis.literal(dates[0]))
        asked = self._name(
            ("dates", tuple(sorted(set(dates))), days), lambda: self._in_memory(_dates(dates, days))
        )
        rule = [
            rows[RECEIVED_AT] < asked.as_of_at,
            rows.superseded_at.isnull() | (rows.superseded_at >= asked.as_of_at),
            rows[event] < asked.as_of,
        ]
        if days is not None:
            rule.append(rows[event] >= asked.since)
        return rows.join(asked, rule).select(*_columns(feed), "as_of")

    def _build(self, feed: Feed) -> ir.Table:
        rows = self._stored(feed)
        if rows is None:
            return self._in_memory(feed.schema.append(OVERLAY.field("superseded_at")).empty_table())
        ends = self._ends(feed.name)
        if ends is None:
            return rows.select(*feed.names, superseded_at=ibis.null("timestamp(6)"))
        ends = ends.group_by("_row").aggregate(superseded_at=ends.superseded_at.min())
        joined = rows.left_join(ends, "_row")
        return joined.select(*feed.names, "superseded_at")

    def _stored(self, feed: Feed, since: datetime | None = None) -> ir.Table | None:
        return self._read(self.lake.files(feed.name, since), feed.schema.append(OVERLAY.field("_row")))

    def _ends(self, feed: str) -> ir.Table | None:
        return self._read(self.lake.overlay(feed), OVERLAY)

    def _read(self, paths: list[Path], schema: pa.Schema) -> ir.Table | None:
        """Read by file list, each list named once; folder names are never taken for columns."""
        if not paths:
            return None

        def make() -> ir.Table:
            if not self._duckdb:
                return self.backend.read_files(paths, schema)
            # Ibis would name it for one connection only.
            name = f"files_{next(_NUMBERS)}"
            self.backend.con.cursor().read_parquet(file_names(paths), hive_partitioning=False).create_view(
                name
            )
            return self.backend.table(name)

        return self._name(("files", tuple(paths)), make)


def _columns(feed: Feed) -> list[str]:
    return [_STATED_ON if name == "as_of" else name for name in feed.names]


def _since(rows: ir.Table, event: str, dates: Sequence[date]) -> ir.IntegerValue:
    """Return the place of the first of the sorted dates on which a row had come and its event had happened."""
    learned = ibis.greatest(rows[RECEIVED_AT].date(), rows[event])
    cases = ((learned < ibis.literal(day), place) for place, day in enumerate(dates))
    return ibis.cases(*cases, else_=len(dates)).cast("int32")


def _midnight(day: date) -> ir.TimestampScalar:
    return ibis.literal(day).cast("timestamp(6)")


def _dates(dates: Sequence[date], days: int | None = None) -> pa.Table:
    """Return each as-of date once: the date, its midnight, and the first day of its window."""
    each = sorted(set(dates))
    columns = {"as_of": pa.array(each, pa.date32()), "as_of_at": pa.array(each).cast(pa.timestamp("us"))}
    if days is not None:
        columns["since"] = pa.array([day - timedelta(days) for day in each], pa.date32())
    return pa.table(columns)
