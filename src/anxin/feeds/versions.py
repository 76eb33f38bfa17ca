"""Which version of a key holds until when, decided once, when rows are written.

The versions of a key stand in one order: by `received_at`, then (the same key received at the same moment) by
the later event, then by the canonical form of the row. Each version is superseded at the `received_at` of the
next one in that order. A row that loses a tie is therefore superseded at its own `received_at` and never
visible. The canonical form of a row is the tuple of its columns as text in contract order, an empty cell
before any text, texts by their code points. A row equal to another in every column is the same row and is
dropped.

Rows added later only ever make `superseded_at` smaller, whatever order they come in; so the overlay is
append-only and a reader takes the minimum per `_row`.

Fast path: only keys that come twice matter. Hashes of keys find them (a collision merely adds a candidate);
every decision after that compares the keys themselves. Old rows are read by key columns and `received_at`
alone, and only where the dates in their key lie in the range delivered.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from anxin.feeds.contract import RECEIVED_AT, Feed
from anxin.feeds.engine import file_names

OVERLAY = pa.schema([("_row", pa.int64()), ("superseded_at", pa.timestamp("us"))])


@dataclass(frozen=True)
class Decision:
    """What follows from new rows: duplicates among them, how many are corrections, and the overlay."""

    duplicates: pa.Array
    corrected: int
    overlay: pa.Table


def decide(
    connection: duckdb.DuckDBPyConnection, feed: Feed, fresh: Sequence[Path], stored: Sequence[Path]
) -> Decision:
    """Decide the versions of all keys in the `fresh` files against the `stored` files of a feed."""
    with connection.cursor() as cursor:
        return _Deciding(cursor, feed, fresh, stored).decision()


class _Deciding:
    """The steps, each a temporary table. Identifiers come from the contract, never from a delivery."""

    def __init__(
        self,
        cursor: duckdb.DuckDBPyConnection,
        feed: Feed,
        fresh: Sequence[Path],
        stored: Sequence[Path],
    ) -> None:
        self._cursor = cursor
        self._feed = feed
        self._key = ", ".join(f'"{name}"' for name in feed.key)
        self._columns = ", ".join(f'"{name}"' for name in feed.names)
        self._view("fresh", fresh)
        self._has_stored = bool(stored)
        if stored:
            self._view("stored", stored, self._range())

    def decision(self) -> Decision:
        self._touched()
        self._versions()
        self._equals()
        self._rivals()
        self._order()
        duplicates = self._cursor.sql("SELECT _row FROM duplicates ORDER BY _row").to_arrow_table()
        (corrected,) = self._one("SELECT count(*) FROM ordered WHERE fresh AND earlier IS NOT NULL")
        overlay = self._cursor.sql(
            "SELECT _row, next_at AS superseded_at FROM ordered"
            " WHERE next_at IS NOT NULL AND (fresh OR next_fresh) ORDER BY _row"
        ).to_arrow_table()
        for name in ("older", "touched", "versions", "tied", "duplicates", "rivals", "ordered"):
            self._cursor.execute(f"DROP TABLE IF EXISTS {name}")
        return Decision(duplicates["_row"].combine_chunks(), corrected, overlay.cast(OVERLAY))

    def _view(self, name: str, files: Sequence[Path], where: duckdb.Expression | None = None) -> None:
        relation = self._cursor.read_parquet(file_names(files), hive_partitioning=False)
        (relation if where is None else relation.filter(where)).create_view(name, replace=True)

    def _range(self) -> duckdb.Expression | None:
        """Bound the dates in the keys: old versions have the same, other row groups need not be read."""
        where = None
        for name in self._feed.key:
            column = self._feed.column(name)
            if column.optional or column.kind not in ("date", "month"):
                continue
            low, high = self._one(f'SELECT min("{name}"), max("{name}") FROM fresh')  # noqa: S608
            cell = duckdb.ColumnExpression(name)
            inside = (cell >= duckdb.ConstantExpression(low)) & (cell <= duckdb.ConstantExpression(high))
            where = inside if where is None else where & inside
        return where

    def _one(self, query: str) -> tuple[Any, ...]:
        return tuple(self._cursor.execute(query).fetchall()[0])

    def _create(self, name: str, query: str) -> None:
        self._cursor.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {query}")

    def _touched(self) -> None:
        """Find the old rows with a new key, in one scan, and hashes of the new keys with several versions."""
        query = f"SELECT hash({self._key}) AS h FROM fresh GROUP BY 1 HAVING count(*) > 1"  # noqa: S608
        if self._has_stored:
            self._create(
                "older",
                f"SELECT h, {self._key}, {RECEIVED_AT}, _row FROM"  # noqa: S608
                f" (SELECT hash({self._key}) AS h, {self._key}, {RECEIVED_AT}, _row FROM stored)"
                f" WHERE h IN (SELECT hash({self._key}) FROM fresh)",
            )
            query += " UNION SELECT h FROM older"
        self._create("touched", query)

    def _versions(self) -> None:
        """Collect every version, old and new, of these keys."""
        query = (
            f"SELECT hash({self._key}) AS h, {self._key}, {RECEIVED_AT}, _row, true AS fresh"  # noqa: S608
            f" FROM fresh WHERE hash({self._key}) IN (FROM touched)"
        )
        if self._has_stored:
            query += f" UNION ALL SELECT h, {self._key}, {RECEIVED_AT}, _row, false FROM older"  # noqa: S608
        self._create("versions", query)

    def _sources(self) -> list[str]:
        return ["fresh", "stored"] if self._has_stored else ["fresh"]

    def _whole(self, chosen: str) -> str:
        """Query whole rows by the `_row` of a temporary table."""
        return " UNION ALL ".join(
            f"SELECT {self._columns}, _row FROM {source} WHERE _row IN (SELECT _row FROM {chosen})"  # noqa: S608
            for source in self._sources()
        )

    def _equals(self) -> None:
        """Find rows equal to another in every column: only rows of one key and moment can be."""
        self._create(
            "tied",
            f"SELECT _row FROM versions SEMI JOIN (SELECT h, {RECEIVED_AT} FROM versions"  # noqa: S608
            f" GROUP BY ALL HAVING count(*) > 1) USING (h, {RECEIVED_AT})",
        )
        self._create(
            "duplicates",
            f"SELECT _row FROM ({self._whole('tied')})"  # noqa: S608
            f" QUALIFY _row <> min(_row) OVER (PARTITION BY {self._columns})",
        )
        self._cursor.execute("DELETE FROM versions WHERE _row IN (FROM duplicates)")
        self._cursor.execute(
            "DELETE FROM versions WHERE h NOT IN (SELECT h FROM versions GROUP BY h HAVING count(*) > 1)"
        )

    def _rivals(self) -> None:
        """Give rows of one key received at one moment their place among each other."""
        self._cursor.execute("DELETE FROM tied WHERE _row NOT IN (SELECT _row FROM versions)")
        texts = ", ".join(f'CAST("{name}" AS VARCHAR) NULLS FIRST' for name in self._feed.names)
        self._create(
            "rivals",
            f"SELECT _row, row_number() OVER (PARTITION BY {self._key}, {RECEIVED_AT}"  # noqa: S608
            f' ORDER BY "{self._feed.event}", {texts}) AS place FROM ({self._whole("tied")})',
        )

    def _order(self) -> None:
        """Put the versions of each key in order, each with what follows it."""
        window = f"(PARTITION BY {self._key} ORDER BY {RECEIVED_AT}, coalesce(place, 0))"
        self._create(
            "ordered",
            f"SELECT _row, fresh, lead({RECEIVED_AT}) OVER {window} AS next_at,"  # noqa: S608
            f" lead(fresh) OVER {window} AS next_fresh, lag(_row) OVER {window} AS earlier"
            " FROM versions LEFT JOIN rivals USING (_row)",
        )
