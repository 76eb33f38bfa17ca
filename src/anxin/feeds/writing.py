"""Parquet files of the lake while they are written: invisible, then named by content, then committed."""

from __future__ import annotations

import hashlib
import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future, wait
from pathlib import Path
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from anxin.feeds.commits import StoredFile, sync_folder

Piece = TypeVar("Piece")

GROUP_ROWS = 1 << 17
"""Rows per row group: DuckDB reads groups in parallel and skips those whose dates are out of range."""


OWN_FILE_ROWS = 1 << 18
"""Drafts smaller than this are merged: a delivery of many small files should not make many small files."""

_WAITING = 2
"""Row groups handed to the writing thread and not yet written, at most: memory stays bounded."""


class Draft:
    """A Parquet file being written below `staging`; finished, it may be read, moved or dropped.

    Writing is done by the thread of `hand`, so that the next rows are read and checked meanwhile. What it
    could not write is told by a later `write` or by `finish`. A `passing` draft with few rows will be merged
    into another file: it is written plainly (`plain`), which is cheap.
    """

    def __init__(self, path: Path, schema: pa.Schema, hand: Executor, *, passing: bool = False) -> None:
        self.path = path
        self.rows = 0
        self.plain = passing
        self._hand = hand
        self._gathered: list[pa.Table] = []
        self._gathered_rows = 0
        self._pending: deque[Future[None]] = deque()
        self._schema = schema
        self._writer: pq.ParquetWriter | None = None

    def write(self, rows: pa.Table) -> None:
        """Add rows; small pieces are gathered into full row groups."""
        if not rows.num_rows:
            return
        self.rows += rows.num_rows
        self._gathered.append(rows)
        self._gathered_rows += rows.num_rows
        self.plain = self.plain and self.rows < OWN_FILE_ROWS
        if self._gathered_rows >= GROUP_ROWS and not self.plain:
            self._flush()

    def _flush(self) -> None:
        if self._gathered:
            while len(self._pending) >= _WAITING:
                self._pending.popleft().result()
            self._pending.append(self._hand.submit(self._put, self._gathered))
            self._gathered, self._gathered_rows = [], 0

    def _put(self, rows: list[pa.Table]) -> None:
        if self._writer is None:
            self._writer = _open(self.path, self._schema, plain=self.plain)
        self._writer.write_table(pa.concat_tables(rows), row_group_size=GROUP_ROWS)

    def close(self) -> None:
        """Hand over what was gathered and the footer; `finish` waits for them. Without rows there is no file."""
        self._flush()
        self._pending.append(self._hand.submit(self._end))

    def _end(self) -> None:
        if self._writer is not None:
            self._writer.close()

    def finish(self) -> None:
        """Wait until a closed file is whole."""
        while self._pending:
            self._pending.popleft().result()

    def drop(self) -> None:
        """Forget the file."""
        self._gathered, self._gathered_rows = [], 0
        wait(self._pending)
        self._end()
        self.path.unlink(missing_ok=True)


def _open(path: Path, schema: pa.Schema, *, plain: bool) -> pq.ParquetWriter:
    path.parent.mkdir(parents=True, exist_ok=True)
    if plain:
        return pq.ParquetWriter(path, schema, compression="none", use_dictionary=False)
    # Numbers that rise or hardly repeat: a dictionary of them only costs, the steps between them are short.
    packed = [field.name for field in schema if field.name == "_row" or pa.types.is_timestamp(field.type)]
    return pq.ParquetWriter(
        path,
        schema,
        compression="zstd",
        compression_level=1,
        store_decimal_as_integer=True,
        use_dictionary=[name for name in schema.names if name not in packed],
        column_encoding=dict.fromkeys(packed, "DELTA_BINARY_PACKED"),
    )


def ahead(hand: Executor, pieces: Iterator[Piece]) -> Iterator[Piece]:
    """Yield what an iterator yields, the next piece being made by the thread of `hand` meanwhile."""
    coming = hand.submit(next, pieces, None)
    try:
        while (piece := coming.result()) is not None:
            coming = hand.submit(next, pieces, None)
            yield piece
    finally:
        wait([coming])


def rows_of(paths: Sequence[Path], without: pa.Array | None = None) -> Iterator[pa.Table]:
    """Yield the rows of Parquet files in order, but those whose `_row` is in `without` (ascending)."""
    dropped = None if without is None else without.to_numpy()
    for path in paths:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(GROUP_ROWS):
                rows = pa.Table.from_batches([batch])
                if dropped is not None and len(dropped):
                    numbers = rows.column("_row").to_numpy()
                    nearest = np.minimum(np.searchsorted(dropped, numbers), len(dropped) - 1)
                    rows = rows.filter(pa.array(dropped[nearest] != numbers))
                yield rows


def keep(lake: Path, folder: str, stem: str, staged: Path, rows: int) -> StoredFile:
    """Move a finished file to its place in the lake, on disk for good, named `stem` and its digest."""
    with staged.open("rb+") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
        os.fsync(stream.fileno())
    name = f"{folder}/{stem}-{digest[:16]}{staged.suffix}"
    place = lake / name
    place.parent.mkdir(parents=True, exist_ok=True)
    staged.replace(place)
    for folder_path in (place.parent, place.parent.parent):
        sync_folder(folder_path)
    return StoredFile(name, rows, digest)
