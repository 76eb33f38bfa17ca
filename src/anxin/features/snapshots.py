"""`snapshots(lake, dates)`: every subject scored on each date with all its features."""

from __future__ import annotations

import gc
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, datetime, time
from threading import Lock

import ibis.expr.types as ir
import numpy as np
import pyarrow as pa

from anxin.features import catalogue
from anxin.features.bills import bills
from anxin.features.complaints import complaints
from anxin.features.credit import credit
from anxin.features.declarations import declarations
from anxin.features.energy import energy
from anxin.features.funding import funding
from anxin.features.known import KEYS, Kind, Known
from anxin.features.litigation import litigation
from anxin.features.payroll import payroll
from anxin.features.placing import Meaning, Places
from anxin.features.profile import profile
from anxin.features.relations import relations
from anxin.features.silence import silence
from anxin.features.subjects import in_hand, subjects
from anxin.feeds.asof import View

KINDS: tuple[Kind, ...] = ("employer", "project")

_PARTS: Sequence[Callable[[Known], Iterable[ir.Table]]] = (
    # The longest first, or the last one would run alone.
    energy,
    payroll,
    relations,
    declarations,
    bills,
    credit,
    silence,
    complaints,
    funding,
    litigation,
    profile,
)
"""What makes the features; `bills` belongs to energy and `declarations` to payroll."""

_SIDE_BY_SIDE = 2

Progress = Callable[[str, int, int], None]


def snapshots(
    view: View,
    dates: Sequence[date],
    kind: Kind,
    on_progress: Progress | None = None,
    *,
    only: AbstractSet[str] | None = None,
) -> pa.Table:
    """Return the snapshot of all subjects of a kind on each date.

    Columns: `kind, subject_id, as_of`, the facts of `subjects`, `in_hand`, then one float64 per feature and
    fact of the catalogue, sorted by `as_of`, `subject_id`. A feature whose feeds were not there on a date
    is missing on it. With `only`, features and facts of other names are not asked for and not there.
    """
    with _UNCOLLECTED:
        return _snapshots(view, dates, kind, on_progress, only)


class _Uncollected:
    """While anyone is within, Python looks for no cycles; whoever is last out puts back what was before.

    Expressions are many small objects that live, and looking through them costs a twentieth of a small snapshot.
    """

    def __init__(self) -> None:
        self._lock, self._within, self._usual = Lock(), 0, True

    def __enter__(self) -> None:
        with self._lock:
            if not self._within:
                self._usual = gc.isenabled()
                gc.disable()
            self._within += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._within -= 1
            if not self._within and self._usual:
                gc.enable()


_UNCOLLECTED = _Uncollected()


def _snapshots(
    view: View,
    dates: Sequence[date],
    kind: Kind,
    on_progress: Progress | None,
    only: AbstractSet[str] | None,
) -> pa.Table:
    asked = Known(view, tuple(sorted(set(dates))), kind)
    features = [f for f in catalogue.of(kind) if only is None or f.name in only]
    facts = [name for name, fact in catalogue.facts().items() if kind in fact.kinds]
    facts = [name for name in facts if only is None or name in only]
    people = _collect(view, subjects(asked)).sort_by([("as_of", "ascending"), ("subject_id", "ascending")])
    places = Places(people)
    table = people.append_column("in_hand", places.of(_collect(view, in_hand(asked))).found())
    table = table.add_column(0, "kind", pa.array([kind] * len(table), pa.string()))
    there = _present(asked, features)
    absent = {f.name for f in catalogue.of(kind) if f.sources and not _known_on(f, kind, there)}
    meanings = {f.name: _meaning(f, asked, there) for f in catalogue.of(kind) if f.name not in absent}
    needed = {*facts, *(f.name for f in features), *(f.told for f in features if f.of_day)}
    found = _computed(view, asked, places, meanings, needed - absent, on_progress)
    # One column of nothing for all of them: where feeds never came they are most.
    nothing = pa.nulls(len(people), pa.float64())

    def values(feature: catalogue.Feature) -> pa.Array:
        if feature.name in absent:
            return nothing
        return found[feature.name] if feature.name in found else places.nothing(meanings[feature.name])

    for feature in features:
        if feature.of_day and feature.name not in absent:
            told = values(catalogue.catalogue()[feature.told])
            table = table.append_column(feature.name, _less_median(told, people["as_of"]))
        else:
            table = table.append_column(feature.name, values(feature))
    for name in facts:
        table = table.append_column(name, found.get(name, nothing))
    return table


def _computed(
    view: View,
    asked: Known,
    places: Places,
    meanings: Mapping[str, Meaning],
    needed: AbstractSet[str],
    on_progress: Progress | None,
) -> dict[str, pa.DoubleArray]:
    """Compute the parts side by side, so that one is read while another is put into words for the engine.

    Only what is `needed` is asked of a table. KeyError if a table tells what is not in the catalogue.
    """
    done, shared = itertools.count(), view.within()
    known = {feature.name for feature in catalogue.of(asked.kind)}
    known |= {name for name, fact in catalogue.facts().items() if asked.kind in fact.kinds}

    def compute(make: Callable[[Known], Iterable[ir.Table]]) -> dict[str, pa.DoubleArray]:
        if on_progress is not None:
            on_progress(make.__name__, next(done), len(_PARTS))
        own = shared.beside()
        found: dict[str, pa.DoubleArray] = {}
        try:
            for part in make(replace(asked, view=own)):
                told = [name for name in part.columns if name not in KEYS]
                if set(told) - known:
                    raise KeyError(f"computed but not in the catalogue: {sorted(set(told) - known)}")
                wanted = [name for name in told if name in needed]
                if not wanted:
                    continue
                # Some tables are keyed by date alone.
                keys = [name for name in part.columns if name in KEYS]
                rows = _collect(own, part if wanted == told else part.select(*keys, *wanted))
                placed = places.of(rows)
                for name in wanted:
                    found[name] = placed.column(rows[name], meanings.get(name, Meaning()))
        finally:
            own.release()
        return found

    try:
        with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
            return {name: column for found in pool.map(compute, _PARTS) for name, column in found.items()}
    finally:
        shared.release()


def _collect(view: View, rows: ir.Table) -> pa.Table:
    return view.backend.to_pyarrow(rows)


def _present(asked: Known, features: Sequence[catalogue.Feature]) -> Mapping[str, set[date]]:
    """Return for each feed the dates before which any row of it had been received; so for columns that are needed."""
    view = asked.view
    firsts = dict(view.first_received())
    for need in sorted({need for feature in features for need in feature.needed(asked.kind)}):
        feed, column = need.split(".")
        firsts[need] = view.first_filled(feed, column) if firsts.get(feed) is not None else None
    return {
        feed: {day for day in asked.dates if first is not None and first < datetime.combine(day, time())}
        for feed, first in firsts.items()
    }


def _known_on(feature: catalogue.Feature, kind: Kind, there: Mapping[str, set[date]]) -> set[date]:
    """Return the dates on which all feeds of a feature that has any were there, and the columns it needs."""
    return set.intersection(*(there.get(name, set()) for name in (*feature.sources, *feature.needed(kind))))


def _meaning(feature: catalogue.Feature, asked: Known, there: Mapping[str, set[date]]) -> Meaning:
    """Return the value of «no rows» where all feeds of the feature were there, and nothing where one was not.

    Of what sums figures rows may leave out, missing may also mean that none was stated.
    """
    if not feature.sources:
        return Meaning()
    unknown = set(asked.dates) - _known_on(feature, asked.kind, there)
    empty = float("nan") if feature.empty is None else feature.empty
    return Meaning(no_value=float("nan") if feature.stated else empty, no_row=empty, unknown=unknown)


def _less_median(values: pa.Array, as_of: pa.ChunkedArray) -> pa.Array:
    """Return a feature less its median of each date over who has it; missing stays missing."""
    figures = values.to_numpy(zero_copy_only=False).astype(np.float64)
    days = as_of.to_numpy(zero_copy_only=False)
    result = np.full(len(figures), np.nan)
    for day in np.unique(days):
        there = (days == day) & np.isfinite(figures)
        if there.any():
            result[there] = figures[there] - np.median(figures[there])
    return pa.array(result, mask=np.isnan(result))
