"""Parquet files of the lake while they are written: invisible, then named by content, then committed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from anxin.feeds.commits import StoredFile, sync_folder

GROUP_ROWS = 1 << 17
"""Rows per row group: DuckDB reads groups in parallel and skips those whose dates are out of range."""


class Draft:
    """A Parquet file being written below `staging`; closed, it may be read, moved or dropped."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self.path = path
        self.rows = 0
        self._schema = schema
        self._waiting: list[pa.Table] = []
        self._waiting_rows = 0
        path.parent.mkdir(parents=True, exist_ok=True)
        self._writer = pq.ParquetWriter(path, schema, compression="zstd", compression_level=1)

    def write(self, rows: pa.Table) -> None:
        """Add rows; small pieces are gathered into full row groups."""
        if not rows.num_rows:
            return
        self.rows += rows.num_rows
        self._waiting.append(rows)
        self._waiting_rows += rows.num_rows
        if self._waiting_rows >= GROUP_ROWS:
            self._flush()

    def _flush(self) -> None:
        if self._waiting:
            self._writer.write_table(pa.concat_tables(self._waiting), row_group_size=GROUP_ROWS)
            self._waiting, self._waiting_rows = [], 0

    def close(self) -> None:
        """Write what waits and the footer."""
        self._flush()
        self._writer.close()

    def drop(self) -> None:
        """Forget the file."""
        self._waiting, self._waiting_rows = [], 0
        self._writer.close()
        self.path.unlink()


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
