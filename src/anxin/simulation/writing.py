"""From arrays to the Parquet files of a delivery: receipt, corrections, and the types of the contract.

A feed's rows are sent in chunks, mostly one a month, and each chunk becomes one file. What the platform
would not have by the end of the period is not written.
"""

from pathlib import Path
from zlib import crc32

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from anxin.feeds.contract import Column, contract
from anxin.simulation.arrays import (
    MISSING,
    Floats,
    Ints,
    Rows,
    Values,
    Words,
    choose,
    count,
    stack,
    take,
)
from anxin.simulation.clock import Clock
from anxin.simulation.parameters import Parameters, parameters

_SECOND = 1_000_000
_DAY = 86_400 * _SECOND
_ROWS_PER_FILE = 2_000_000
_STORED = {"date": np.int32, "timestamp": np.int64, "int": np.int64, "bool": np.bool_}


def stream(seed: int, name: str) -> np.random.Generator:
    """Return the generator of one feed or part, which no other part's draws can shift."""
    return np.random.default_rng([seed, crc32(name.encode())])


class Post:
    """Sends the rows of one feed to its folder."""

    def __init__(self, out: Path, feed: str, clock: Clock, rng: np.random.Generator) -> None:
        self.feed, self.clock, self.rng = contract()[feed], clock, rng
        self.folder = out / "feeds" / feed
        self.folder.mkdir(parents=True, exist_ok=True)
        self.rows = 0
        self._files = 0
        self._receipt: Parameters = parameters().section("receipt")

    def lags(self, size: int, median: float | None = None) -> Floats:
        """Return days from when a row could be told to its receipt: mostly soon, a few weeks late."""
        p = self._receipt
        if median is None:
            median = p.table("median_days").get(self.feed.name, p.number("usual_days"))
        lag = median * np.exp(p.number("sigma") * self.rng.standard_normal(size))
        late = self.rng.random(size) < p.number("late_share")
        return np.asarray(lag + late * self.rng.uniform(p.number("late_from"), p.number("late_to"), size))

    def send(
        self,
        rows: Rows,
        *,
        known_on: Ints | None = None,
        lag: Floats | None = None,
        version: int = 0,
        floor: int | None = None,
        corrected: tuple[str, ...] = (),
    ) -> None:
        """Write rows that could be told on `known_on` (the event unless given) and took `lag` days to arrive.

        Rows of one key sent as successive versions share the key's lag and count up `version`, so that the
        later one is received later. Nothing is received before the day `floor`. A share of the rows comes
        again, with the numbers in `corrected` changed.
        """
        number = count(rows)
        if number == 0:
            return
        event = np.asarray(rows[self.feed.event], dtype=np.int64)
        known = event if known_on is None else np.maximum(event, known_on)
        delay = self.lags(number) if lag is None else lag
        # Told at the earliest in the evening of the day: a row of today is not known this morning.
        seconds = (known * 86_400 + 64_800 + (delay * 86_400).astype(np.int64)) + version * 3_600
        if floor is not None:
            seconds = np.maximum(seconds, floor * 86_400 + version * 3_600)
        rows = dict(rows)
        rows["received_at"] = seconds * _SECOND
        if corrected:
            rows = stack([rows, self._corrections(rows, corrected)])
        event = np.asarray(rows[self.feed.event], dtype=np.int64)
        received = np.asarray(rows["received_at"])
        kept = (received < self.clock.cut * _DAY) & (event < self.clock.cut)
        self._write(take(rows, kept) if not kept.all() else rows)

    def _corrections(self, rows: Rows, columns: tuple[str, ...]) -> Rows:
        p = self._receipt
        again = np.flatnonzero(self.rng.random(count(rows)) < p.number("corrected_share"))
        fixed = take(rows, again)
        for name in columns:
            values = np.asarray(fixed[name])
            factor = 1 + p.number("correction_sigma") * self.rng.standard_normal(len(again))
            if values.dtype.kind == "f":
                fixed[name] = np.round(np.abs(values * factor), 2)
            else:
                changed = np.abs(np.round(values * factor)).astype(np.int64)
                fixed[name] = np.where(values == MISSING, MISSING, changed)
        wait = self.rng.integers(2 * 86_400, 45 * 86_400, len(again))
        fixed["received_at"] = np.asarray(fixed["received_at"]) + wait * _SECOND
        return fixed

    def _write(self, rows: Rows) -> None:
        number = count(rows)
        if number == 0:
            return
        for start in range(0, number, _ROWS_PER_FILE):
            chunk = take(rows, slice(start, start + _ROWS_PER_FILE)) if number > _ROWS_PER_FILE else rows
            self._file(
                pa.table({c.name: _column(c, chunk[c.name]) for c in self.feed.columns if c.name in chunk})
            )
        self.rows += number

    def _file(self, table: pa.Table) -> None:
        words = [field.name for field in table.schema if pa.types.is_dictionary(field.type)]
        # Arrow makes its own dictionaries: of one it is given it can write a page longer than that, with what was in
        # memory behind it, and the same city would not be the same bytes.
        plain = {
            name: table[name].cast(pa.string()) if name in words else table[name]
            for name in table.column_names
        }
        # The schema is not stored, or readers would see dictionaries where the contract says string.
        pq.write_table(
            pa.table(plain),
            self.folder / f"part-{self._files:04d}.parquet",
            compression="zstd",
            compression_level=1,
            use_dictionary=words,
            write_statistics=True,
            store_schema=False,
        )
        self._files += 1

    def close(self) -> int:
        """Return the rows written; a feed without any still has a file, with its columns."""
        if self._files == 0:
            self._file(pa.table(self.feed.schema.empty_table()))
        return self.rows


def _column(column: Column, values: Values) -> pa.Array:
    if isinstance(values, Words):
        return _words(values)
    if column.kind == "decimal":
        return _decimals(np.asarray(values, dtype=np.float64), column.scale)
    if column.kind == "month":
        low, high = int(values.min()), int(values.max())
        texts = [str(np.datetime64(month, "M")) for month in range(low, high + 1)]
        return pa.DictionaryArray.from_arrays(pa.array((values - low).astype(np.int32)), pa.array(texts))
    missing = np.zeros(len(values), dtype=np.bool_) if values.dtype == np.bool_ else values == MISSING
    return pa.array(values.astype(_STORED[column.kind]), mask=missing).view(column.type)


def _words(values: Words) -> pa.Array:
    codes = np.asarray(values.codes, dtype=np.int64)
    # Only the words that occur: a dictionary of every worker in every file would be larger than the file.
    size = len(values.values)
    used = np.zeros(size, dtype=np.bool_)
    used[codes[codes >= 0]] = True
    place = np.cumsum(used) - 1
    wanted = np.flatnonzero(used)
    texts = (
        values.values.take(pa.array(wanted))
        if isinstance(values.values, pa.Array)
        else pa.array(values.values[wanted])
    )
    if len(wanted) == 0:
        return pa.nulls(len(codes), pa.string())
    indices = pa.array(place[codes].astype(np.int32), mask=codes < 0)
    return pa.DictionaryArray.from_arrays(indices, texts.cast(pa.string()))


def _decimals(values: Floats, scale: int) -> pa.Array:
    missing = np.isnan(values)
    units = np.round(np.where(missing, 0.0, values) * 10**scale).astype(np.int64)
    pairs = np.empty((len(units), 2), dtype=np.int64)
    pairs[:, 0], pairs[:, 1] = units, units >> 63
    valid = pa.py_buffer(np.packbits(~missing, bitorder="little").tobytes()) if missing.any() else None
    buffers = [valid, pa.py_buffer(pairs)]
    return pa.Array.from_buffers(pa.decimal128(18, scale), len(units), buffers)


def pick(rng: np.random.Generator, options: dict[str, float], size: int) -> Words:
    """Return random words with their weights."""
    return Words(choose(rng, list(options.values()), size), np.array(list(options), dtype=object))
