"""`snapshots(lake, dates)`: every subject scored on each date with all its features."""

from __future__ import annotations

import gc
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, time

import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from anxin.features import catalogue
from anxin.features.complaints import complaints
from anxin.features.credit import credit
from anxin.features.energy import energy
from anxin.features.funding import funding
from anxin.features.known import KEYS, Kind, Known
from anxin.features.litigation import litigation
from anxin.features.payroll import payroll
from anxin.features.profile import profile
from anxin.features.relations import relations
from anxin.features.silence import silence
from anxin.features.subjects import in_hand, subjects
from anxin.feeds.asof import View

KINDS: tuple[Kind, ...] = ("employer", "project")

_FAMILIES: Mapping[str, Callable[[Known], list[ir.Table]]] = {
    "energy": energy,
    "credit": credit,
    "litigation": litigation,
    "payroll": payroll,
    "complaints": complaints,
    "funding": funding,
    "profile": profile,
    "relations": relations,
    "silence": silence,
}

_SIDE_BY_SIDE = 2
_OBJECTS = 200_000
"""New objects after which Python looks for cycles while expressions are made."""
_LONG = ("energy", "payroll")

Progress = Callable[[str, int, int], None]


def snapshots(view: View, dates: Sequence[date], kind: Kind, on_progress: Progress | None = None) -> pa.Table:
    """Return the snapshot of all subjects of a kind on each date.

    Columns: `kind, subject_id, as_of`, the facts of `subjects`, `in_hand`, then one float64 per feature and
    fact of the catalogue, sorted by `as_of`, `subject_id`. A feature whose feeds were not there on a date
    is missing on it.
    """
    with _rarely_collected():
        return _snapshots(view, dates, kind, on_progress)


@contextmanager
def _rarely_collected() -> Iterator[None]:
    """Let Python look for cycles rarely: an expression is many small objects that live, and looking costs a tenth."""
    usual = gc.get_threshold()
    gc.set_threshold(_OBJECTS, *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)


def _snapshots(view: View, dates: Sequence[date], kind: Kind, on_progress: Progress | None) -> pa.Table:
    asked = Known(view, tuple(sorted(set(dates))), kind)
    people = _collect(view, subjects(asked)).sort_by([("as_of", "ascending"), ("subject_id", "ascending")])
    places = _Places(people)
    held = places.put(_collect(view, in_hand(asked)))["in_hand"].fill_null(False)
    table = people.append_column("in_hand", held)
    table = table.add_column(0, "kind", pa.array([kind] * len(table), pa.string()))
    there = _present(asked)
    absent = {f.name for f in catalogue.of(kind) if f.sources and not _known_on(f, there)}
    found = _computed(view, asked, places, absent, on_progress)
    # One column of nothing for all of them: where feeds never came they are most.
    nothing = pa.chunked_array([pa.nulls(len(people), pa.float64())])
    for feature in catalogue.of(kind):
        if feature.name in absent:
            found.pop(feature.name, None)
            table = table.append_column(feature.name, nothing)
            continue
        if feature.of_day:
            table = table.append_column(feature.name, _less_median(table[feature.told], people["as_of"]))
            continue
        values = found.pop(feature.name, nothing)
        # Each column is one piece as soon as it is made: many dates of a city hardly fit in memory twice.
        filled = _filled(feature, values, people["as_of"], there)
        table = table.append_column(feature.name, pa.chunked_array(filled).combine_chunks())
    for name, fact in catalogue.facts().items():
        if kind in fact.kinds:
            values = found.pop(name, nothing)
            table = table.append_column(name, pa.chunked_array(values).combine_chunks())
    if found:
        raise KeyError(f"computed but not in the catalogue: {sorted(found)}")
    return table


def _computed(
    view: View, asked: Known, places: _Places, absent: AbstractSet[str], on_progress: Progress | None
) -> dict[str, pa.ChunkedArray]:
    """Compute the families side by side, so that one is read while another is put into words for the engine.

    A table of nothing but `absent` features is not computed.
    """
    done = itertools.count()
    empty = {f.name: f.empty for f in catalogue.of(asked.kind) if f.stated and f.empty is not None}

    def compute(family: str) -> dict[str, pa.ChunkedArray]:
        if on_progress is not None:
            on_progress(family, next(done), len(_FAMILIES))
        own = view.beside()
        found: dict[str, pa.ChunkedArray] = {}
        for part in _FAMILIES[family](replace(asked, view=own)):
            if set(part.columns) - set(KEYS) <= absent:
                continue
            found |= places.put(_collect(own, part), pa.float64(), empty)
        own.release()
        return found

    # The longest first, or the last one would run alone.
    with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
        each = pool.map(compute, sorted(_FAMILIES, key=lambda name: name not in _LONG))
        return {name: column for found in each for name, column in found.items()}


def _collect(view: View, rows: ir.Table) -> pa.Table:
    return view.backend.to_pyarrow(rows)


class _Places:
    """Puts the rows of a family in the order of the snapshot's subjects and dates; who has none is null."""

    def __init__(self, people: pa.Table) -> None:
        self._size = len(people)
        self._as_of = people["as_of"]
        self._subjects = pc.unique(people["subject_id"])
        self._dates = pc.unique(people["as_of"])
        self._place = np.full(max(1, len(self._subjects) * len(self._dates)), -1)
        subject, day = self._numbers(people)
        self._place[subject * len(self._dates) + day] = np.arange(self._size)

    def put(
        self, rows: pa.Table, kind: pa.DataType | None = None, empty: Mapping[str, float] | None = None
    ) -> dict[str, pa.ChunkedArray]:
        """Return the columns of `rows` (but the keys) in their places, cast to `kind`.

        Who has no row is null, or has the value `empty` gives the column. Rows without `subject_id` hold
        what is the same for everyone on a date.
        """
        own = "subject_id" in rows.column_names
        taken = self._taken(rows) if own else pc.index_in(self._as_of, rows["as_of"].combine_chunks())
        columns = {name: rows[name] for name in rows.column_names if name not in KEYS}
        placed = {name: (c if kind is None else c.cast(kind)).take(taken) for name, c in columns.items()}
        for name in placed.keys() & (empty or {}).keys():
            placed[name] = pc.if_else(pc.is_null(taken), (empty or {})[name], placed[name])
        return placed

    def _taken(self, rows: pa.Table) -> pa.Array:
        subject, day = self._numbers(rows)
        row = np.flatnonzero((subject >= 0) & (day >= 0))
        at = self._place[subject[row] * len(self._dates) + day[row]]
        row, at = row[at >= 0], at[at >= 0]
        order = np.full(self._size, -1)
        order[at] = row
        if np.count_nonzero(order >= 0) != len(row):
            raise ValueError("a family gave more than one row for a subject and a date")
        return pa.array(order, pa.int64(), mask=order < 0)

    def _numbers(self, rows: pa.Table) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Return which of the subjects and of the dates each row is of, -1 for none."""
        subject, day = (
            pc.index_in(rows[name], known).fill_null(-1).to_numpy().astype(np.int64)
            for name, known in (("subject_id", self._subjects), ("as_of", self._dates))
        )
        return subject, day


def _present(asked: Known) -> Mapping[str, set[date]]:
    """Return for each feed the dates before which any row of it had been received."""
    firsts = asked.view.first_received()
    return {
        feed: {day for day in asked.dates if first is not None and first < datetime.combine(day, time())}
        for feed, first in firsts.items()
    }


def _known_on(feature: catalogue.Feature, there: Mapping[str, set[date]]) -> set[date]:
    """Return the dates on which all feeds of a feature that has any were there."""
    return set.intersection(*(there.get(feed, set()) for feed in feature.sources))


def _filled(
    feature: catalogue.Feature,
    values: pa.ChunkedArray,
    as_of: pa.ChunkedArray,
    there: Mapping[str, set[date]],
) -> pa.ChunkedArray:
    """Put the value of «no rows» where all feeds of the feature were there, and nothing where one was not.

    Of what sums figures rows may leave out, missing may also mean that none was stated: that was put before.
    """
    if not feature.sources:
        return values
    known = pc.is_in(as_of, pa.array(sorted(_known_on(feature, there)), pa.date32()))
    if feature.empty is not None and not feature.stated:
        values = pc.fill_null(values, feature.empty)
    # NaN would be a number to some engines and missing to others: only null means missing.
    values = pc.if_else(pc.is_nan(values), None, values)
    return pc.if_else(known, values, None)


def _less_median(values: pa.ChunkedArray, as_of: pa.ChunkedArray) -> pa.Array:
    """Return a feature less its median of each date over who has it; missing stays missing."""
    figures = values.to_numpy(zero_copy_only=False).astype(np.float64)
    days = as_of.to_numpy(zero_copy_only=False)
    result = np.full(len(figures), np.nan)
    for day in np.unique(days):
        there = (days == day) & np.isfinite(figures)
        if there.any():
            result[there] = figures[there] - np.median(figures[there])
    return pa.array(result, mask=np.isnan(result))
