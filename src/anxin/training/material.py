"""What a kind is trained on: snapshots of the training dates, their labels, and the columns that say anything."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from anxin.domain.errors import AnxinError
from anxin.features import catalogue
from anxin.features.known import Kind
from anxin.features.snapshots import snapshots
from anxin.feeds.asof import View
from anxin.judging import baselines, folds
from anxin.judging.outages import OUTCOME, first_received, outages_of
from anxin.models import rules
from anxin.models.probability import HORIZONS
from anxin.models.scoring import matrix
from anxin.models.severity import SIZES
from anxin.training.fitting import learnable
from anxin.training.rows import Labelled, label
from anxin.training.settings import Settings
from anxin.training.splits import training_dates

Progress = Callable[[str, int, int], None]

_AT_ONCE = 13
"""Dates of one snapshot at most: more share more work, and hold more in memory (in a city of a tenth as much again)."""

_BETWEEN = 3
"""Days between the newest two training dates that drift is told of too: dates a month apart see one part of the month."""

_FEWEST = 10
"""Positive rows without which nothing is learned."""


@dataclass(frozen=True)
class Material:
    """Rows of every subject on every training date, oldest first, all from what was received before `through`.

    Of figures `snapshot` has those that training reads.
    """

    kind: Kind
    through: date
    dates: tuple[date, ...]
    outages: list[tuple[date, date]]
    snapshot: pa.Table
    labelled: Labelled
    names: tuple[str, ...]
    """The features that say anything, as columns of `features` (rows × names, missing as NaN)."""
    features: npt.NDArray[np.float32]
    """In single precision, for half the memory: trees split between values, not at their last digits."""
    between: pa.Table | None
    """`as_of` and what trees and sizes read, on a few days between the newest two training dates; they teach nothing.

    None where every day is a training date.
    """

    @property
    def as_of(self) -> npt.NDArray[np.datetime64]:
        """The date of each row."""
        days: npt.NDArray[np.datetime64] = self.snapshot["as_of"].to_numpy(zero_copy_only=False)
        return days.astype("datetime64[D]")

    def fingerprint(self) -> str:
        """Return a hash over all that taught: equal fingerprints and settings give equal models."""
        digest = hashlib.sha256()
        for name in self.snapshot.column_names:
            # Column by column, whatever pieces they are in: the table is too large to be laid out a second time.
            column = pa.table({name: self.snapshot[name].combine_chunks()})
            sink = pa.BufferOutputStream()
            with pa.ipc.new_stream(sink, column.schema) as writer:
                writer.write_table(column)
            digest.update(sink.getvalue())
        for horizon in HORIZONS:
            digest.update(self.labelled.y[horizon].tobytes())
        return digest.hexdigest()


def gather(
    view: View, through: date, kind: Kind, settings: Settings, on_progress: Progress | None = None
) -> Material:
    """Return what a kind can be trained on with only the rows received before `through`.

    Raises AnxinError where that is too little.
    """
    first = _first_received(view, through)
    dead = outages_of(view, through, since=first)
    dates = training_dates(first + timedelta(days=settings.history_days), through, settings.step_days)
    if not dates:
        raise _too_little(kind, through, "历史太短", "the history is too short")
    days = _between(dates, settings.step_days)
    learned = tuple(feature.name for feature in catalogue.learned(kind))
    # What drift is told of: what trees may read, and what sizes are said of.
    watched = ["as_of", *dict.fromkeys((*learned, *SIZES[kind]))]
    read = _read(kind)
    parts, others = [], []
    for some in _batches(sorted({*dates, *days})):
        part = narrowed(snapshots(view, some, kind, on_progress, only=read))
        if set(some) & set(days):
            aside = pc.is_in(part["as_of"], pa.array(days, pa.date32()))
            others.append(part.select(watched).filter(aside))
            part = part.filter(pc.invert(aside))
        parts.append(part)
        # Held by `parts` alone, which gives its tables up one by one.
        del part
    snapshot = joined(parts)
    between = joined(others) if others else None
    labelled = label(view, snapshot, through, kind, dead)
    positives = {horizon: int(np.nansum(y)) for horizon, y in labelled.y.items()}
    if sum(positives.values()) < _FEWEST:
        raise _too_little(
            kind, through, f"成熟的查实案件只有 {positives}", f"mature verified cases: {positives}"
        )
    names = tuple(name for name in learned if learnable(matrix(snapshot, (name,)), (name,)))
    columns = dict(zip(snapshot.column_names, snapshot.columns, strict=True))
    del snapshot
    features = laid_out(columns, names)
    return Material(kind, through, dates, dead, pa.table(columns), labelled, names, features, between)


def _batches(dates: list[date]) -> list[list[date]]:
    """Return dates in as few batches as may be, of about the same size."""
    batches = -(-len(dates) // _AT_ONCE)
    return [list(batch) for batch in np.array_split(np.array(dates, dtype=object), batches)]


def _read(kind: Kind) -> set[str]:
    """Return the figures of a snapshot that training reads: nearly half are told to people alone."""
    learned = (feature.name for feature in catalogue.learned(kind))
    return {*learned, *SIZES[kind], *rules.reads(), *baselines.READ, *folds.READ}


def _between(dates: tuple[date, ...], step_days: int) -> list[date]:
    """Return the days before the newest training date, evenly drawn, that are no training dates."""
    back = {round(step_days * place / (_BETWEEN + 1)) for place in range(1, _BETWEEN + 1)}
    return sorted({dates[-1] - timedelta(days=days) for days in back} - set(dates))


def narrowed(snapshot: pa.Table) -> pa.Table:
    """Return a snapshot with each column of numbers in single precision where that loses nothing.

    Most are counts, days and shares of few; a city's years are the largest thing in memory.
    """
    columns = {}
    for name in snapshot.column_names:
        column = snapshot[name]
        if pa.types.is_float64(column.type):
            single = column.cast(pa.float32(), safe=False)
            same = pc.equal(single.cast(pa.float64()), column)
            column = single if pc.all(same, min_count=0).as_py() else column
        columns[name] = column
    return pa.table(columns)


def joined(parts: list[pa.Table]) -> pa.Table:
    """Return narrowed snapshots of the same columns as one: a column wide in one is wide. `parts` is emptied."""
    names = parts[0].column_names
    left = [{name: part[name] for name in names} for part in parts]
    parts.clear()
    columns = {}
    for name in names:
        each = [part.pop(name) for part in left]
        if any(pa.types.is_float64(column.type) for column in each):
            each = [column.cast(pa.float64()) for column in each]
        columns[name] = pa.chunked_array([chunk for column in each for chunk in column.chunks], each[0].type)
    return pa.table(columns)


def laid_out(columns: dict[str, pa.ChunkedArray], names: tuple[str, ...]) -> npt.NDArray[np.float32]:
    """Return columns of numbers as float32 (rows × names), missing as NaN, each name's in one piece.

    A column that is in single precision already becomes that piece in `columns`: it is held once.
    """
    rows = len(next(iter(columns.values())))
    features = np.empty((rows, len(names)), dtype=np.float32, order="F")
    for place, name in enumerate(names):
        column = columns[name]
        features[:, place] = column.to_numpy(zero_copy_only=False)
        if pa.types.is_float32(column.type):
            there = pc.is_valid(column).combine_chunks().buffers()[1]
            piece = pa.py_buffer(features[:, place])
            columns[name] = pa.chunked_array([pa.Array.from_buffers(pa.float32(), rows, [there, piece])])
    return features


def _first_received(view: View, through: date) -> date:
    """Return the first day any event feed was received before `through`; AnxinError where no case was."""
    first, earliest = view.lake.first_received(OUTCOME), first_received(view, through)
    if first is None or first.date() >= through or earliest is None:
        raise AnxinError(
            f"{through} 之前没有收到欠薪案件（cases），无法训练；请先 anxin ingest 含案件的数据",
            f"no cases were received before {through}, nothing to learn from; ingest a delivery with cases first",
        )
    return earliest


def _too_little(kind: str, through: date, zh: str, en: str) -> AnxinError:
    return AnxinError(
        f"{kind} 训练至 {through}：{zh}，请补充更早的数据或改用更晚的日期",
        f"{kind} through {through}: {en}; ingest earlier data or train through a later day",
    )
