"""One delivered file into good rows, typed as in the lake, and refused rows with their reasons.

A file is read in batches, so that its size never decides how much memory is needed. What is wrong with a row
refuses that row; what is wrong with the file (unreadable, a required column missing) raises
`FileRefusedError`.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from anxin.domain.identifiers import uscc_ok_many
from anxin.feeds.casting import CHINA, Fault, cast
from anxin.feeds.contract import RECEIVED_AT, Column, Feed
from anxin.feeds.refusals import QUARANTINE, FileRefusedError, Place, refused_rows

BATCH_ROWS = 1 << 18
SUFFIXES = (".parquet", ".csv")
_CSV_BLOCK = 16 << 20
_CHUNK = 4 << 20
_BROKEN = (pa.ArrowException, OSError, UnicodeError, csv.Error)


@dataclass(frozen=True)
class Batch:
    """Part of a file: good rows, refused rows, count of flagged rows, and how much of the file is read."""

    rows: pa.Table
    refused: pa.Table
    flagged: int
    share: float


@dataclass(frozen=True)
class Delivered:
    """An opened file: which of its columns the contract does not know, and its batches."""

    ignored: tuple[str, ...]
    batches: Iterator[Batch]


@dataclass(frozen=True)
class Fingerprint:
    """The sha256 of a file, and whether its bytes are UTF-8 text."""

    sha256: str
    utf8: bool


@dataclass(frozen=True)
class _Raw:
    """Delivered columns as they came, and the 1-based data row of each."""

    columns: pa.Table
    numbers: npt.NDArray[np.int64]
    share: float


def fingerprint(path: Path) -> Fingerprint:
    """Read the file once for its sha256 and, for text, its encoding.

    A CSV that is UTF-8 is taken as UTF-8, anything else as GB18030. Raises FileRefusedError if it cannot be
    read.
    """
    try:
        return _fingerprint(path)
    except OSError as closed:
        raise _unreadable(f"{path.parent.name}/{path.name}", closed) from closed


def _fingerprint(path: Path) -> Fingerprint:
    digest, decoder, utf8 = hashlib.sha256(), codecs.getincrementaldecoder("utf-8")(), True
    text = path.suffix.lower() == ".csv"
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
            if text and utf8:
                utf8 = _decodes(decoder, chunk, final=False)
    if text and utf8:
        utf8 = _decodes(decoder, b"", final=True)
    return Fingerprint(digest.hexdigest(), utf8)


def _decodes(decoder: codecs.IncrementalDecoder, chunk: bytes, *, final: bool) -> bool:
    try:
        decoder.decode(chunk, final)
    except UnicodeDecodeError:
        return False
    return True


def open_file(
    path: Path,
    label: str,
    feed: Feed,
    delivered_at: datetime,
    *,
    flags: Flags | None = None,
    utf8: bool = True,
) -> Delivered:
    """Open a delivered file of a feed.

    `label` names the file in quarantine; `delivered_at` (+08:00) is what rows of a file without `received_at`
    take; `flags` remembers identifiers already checked in other files. Raises FileRefusedError here or, for a
    file that breaks further on, from the batches.
    """
    try:
        if path.suffix.lower() == ".parquet":
            names, raws, refused = *_open_parquet(path, feed), _nothing
        else:
            names, raws, refused = _open_csv(path, label, feed, "utf8" if utf8 else "gb18030")
    except _BROKEN as broken:
        raise _unreadable(label, broken) from broken
    _check_header(label, feed, names)
    ignored = tuple(name for name in names if name not in feed.names)
    batches = _batches(raws, refused, label, feed, delivered_at, flags or Flags())
    return Delivered(ignored, batches)


def _check_header(label: str, feed: Feed, names: Sequence[str]) -> None:
    twice = sorted({name for name in names if name in feed.names and names.count(name) > 1})
    if twice:
        raise FileRefusedError(
            f"文件 {label} 的列重复：{'、'.join(twice)}；请每列只保留一个",
            f"file {label} has columns twice: {', '.join(twice)}; keep one of each",
        )
    needed = [column.name for column in feed.columns if not column.optional and column.name != RECEIVED_AT]
    absent = [name for name in needed if name not in names]
    if absent:
        raise FileRefusedError(
            f"文件 {label} 缺少必填列：{'、'.join(absent)}；请按契约补齐列名",
            f"file {label} lacks required columns: {', '.join(absent)}; name them as the contract does",
        )


def _unreadable(label: str, broken: BaseException) -> FileRefusedError:
    detail = " ".join(str(broken).split())[:200]
    return FileRefusedError(
        f"文件 {label} 无法读取：{detail}；请重新导出后再送",
        f"file {label} cannot be read: {detail}; export it again",
    )


def _nothing() -> pa.Table:
    return QUARANTINE.empty_table()


def _open_parquet(path: Path, feed: Feed) -> tuple[list[str], Iterator[_Raw]]:
    file = pq.ParquetFile(path)
    names = list(file.schema_arrow.names)

    def raws() -> Iterator[_Raw]:
        start, total = 0, max(1, file.metadata.num_rows)
        wanted = [name for name in names if name in feed.names]
        with file:
            for batch in file.iter_batches(BATCH_ROWS, columns=wanted):
                numbers = np.arange(start + 1, start + batch.num_rows + 1)
                start += batch.num_rows
                yield _Raw(pa.Table.from_batches([batch]), numbers, start / total)

    return names, raws()


def _open_csv(
    path: Path, label: str, feed: Feed, encoding: str
) -> tuple[list[str], Iterator[_Raw], Callable[[], pa.Table]]:
    names = _csv_header(path, encoding)
    skipped: list[int] = []  # data rows with the wrong number of fields, in order
    texts: list[str] = []
    size = max(1, path.stat().st_size)

    def skip(row: pacsv.InvalidRow) -> str:
        skipped.append(row.number - 1)
        texts.append(row.text)
        return "skip"

    def refused() -> pa.Table:
        rows = refused_rows(
            Place(feed.name, label), skipped[len(skipped) - len(texts) :], None, texts, Fault.FIELDS
        )
        texts.clear()
        return rows

    def raws() -> Iterator[_Raw]:
        wanted = [name for name in names if name in feed.names]
        start = 0
        with path.open("rb") as stream:
            reader = pacsv.open_csv(
                stream,
                # Row numbers of broken rows are only told to a single reading thread.
                pacsv.ReadOptions(use_threads=False, block_size=_CSV_BLOCK, encoding=encoding),
                pacsv.ParseOptions(invalid_row_handler=skip, newlines_in_values=True),
                pacsv.ConvertOptions(
                    column_types={name: pa.string() for name in names},
                    strings_can_be_null=False,
                    include_columns=wanted,
                ),
            )
            for batch in reader:
                good = np.arange(start, start + batch.num_rows)
                start += batch.num_rows
                yield _Raw(
                    pa.Table.from_batches([batch]), _physical(good, skipped), min(1.0, stream.tell() / size)
                )

    return names, raws(), refused


def _csv_header(path: Path, encoding: str) -> list[str]:
    with path.open(encoding="utf-8-sig" if encoding == "utf8" else encoding, newline="") as stream:
        return next(csv.reader(stream), [])


def _physical(good: npt.NDArray[np.int64], skipped: Sequence[int]) -> npt.NDArray[np.int64]:
    """Return the 1-based data rows of the good rows with these 0-based ranks, given the skipped data rows.

    With data row 2 of four skipped, the good ranks 0, 1, 2 are the data rows 1, 3, 4.
    """
    before = np.asarray(skipped, dtype=np.int64) - np.arange(len(skipped))
    return good + 1 + np.searchsorted(before, good + 1, side="right")


def _batches(
    raws: Iterator[_Raw],
    refused: Callable[[], pa.Table],
    label: str,
    feed: Feed,
    delivered_at: datetime,
    flags: Flags,
) -> Iterator[Batch]:
    try:
        for raw in raws:
            rows, bad = _typed(raw, label, feed, delivered_at)
            flagged = flags.count(rows)
            yield Batch(rows, pa.concat_tables([refused(), *bad]), flagged, raw.share)
    except _BROKEN as broken:
        raise _unreadable(label, broken) from broken
    left = refused()
    if left.num_rows:
        yield Batch(feed.schema.empty_table(), left, 0, 1.0)


def _typed(raw: _Raw, label: str, feed: Feed, delivered_at: datetime) -> tuple[pa.Table, list[pa.Table]]:
    """Cast every column; a row goes to quarantine for its first faulty column in contract order."""
    count = raw.columns.num_rows
    good = np.ones(count, dtype=np.bool_)
    arrays: list[pa.Array] = []
    refused: list[pa.Table] = []
    for column in feed.columns:
        if column.name not in raw.columns.column_names:
            arrays.append(_absent(column, count, delivered_at))
            continue
        cells = raw.columns.column(column.name).combine_chunks()
        done = cast(column, cells)
        arrays.append(done.values)
        bad = (done.faults != 0) & good
        if bad.any():
            good &= ~bad
            refused += _refused(raw, Place(feed.name, label), column, cells, np.where(bad, done.faults, 0))
    rows = pa.Table.from_arrays(arrays, schema=feed.schema)
    return (rows if good.all() else rows.filter(pa.array(good))), refused


def _absent(column: Column, count: int, delivered_at: datetime) -> pa.Array:
    if column.name != RECEIVED_AT:
        return pa.nulls(count, column.type)
    naive = delivered_at.astimezone(CHINA).replace(tzinfo=None) if delivered_at.tzinfo else delivered_at
    return pa.repeat(pa.scalar(naive, column.type), count)


def _refused(
    raw: _Raw, place: Place, column: Column, cells: pa.Array, faults: npt.NDArray[np.int8]
) -> list[pa.Table]:
    tables = []
    for code in sorted(set(faults[faults != 0].tolist())):
        where = np.flatnonzero(faults == code)
        values = cells.take(pa.array(where)).to_pylist() if code != Fault.ENCODING else [None] * len(where)
        tables.append(refused_rows(place, raw.numbers[where].tolist(), column, values, Fault(int(code))))
    return tables


class Flags:
    """Counts rows whose employer_id has a wrong check character; each identifier is checked once."""

    def __init__(self) -> None:
        self._wrong: dict[str, bool] = {}

    def count(self, rows: pa.Table) -> int:
        """Return how many of the rows are flagged."""
        if "employer_id" not in rows.column_names or not rows.num_rows:
            return 0
        tally = pc.value_counts(rows.column("employer_id").combine_chunks().drop_null())
        codes = tally.field("values").to_pylist()
        fresh = [code for code in codes if code not in self._wrong]
        self._wrong.update(zip(fresh, (~uscc_ok_many(fresh)).tolist(), strict=True))
        wrong = np.fromiter(map(self._wrong.__getitem__, codes), np.bool_, len(codes))
        return int(tally.field("counts").to_numpy()[wrong].sum())
