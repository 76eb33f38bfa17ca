"""`snapshots(lake, dates)`: every subject scored on each date with all its features."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date

import ibis.expr.types as ir
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

Progress = Callable[[str, int, int], None]


def snapshots(view: View, dates: Sequence[date], kind: Kind, on_progress: Progress | None = None) -> pa.Table:
    """Return the snapshot of all subjects of a kind on each date.

    Columns: `kind, subject_id, as_of`, the facts of `subjects`, `in_hand`, then one float64 per feature and
    fact of the catalogue, sorted by `as_of`, `subject_id`. A feature whose feeds were not there on a date
    is missing on it.
    """
    asked = Known(view, tuple(sorted(set(dates))), kind)
    people = _collect(view, subjects(asked)).sort_by([("as_of", "ascending"), ("subject_id", "ascending")])
    table = people.append_column("in_hand", _column(people, _collect(view, in_hand(asked)), "in_hand", False))
    table = table.add_column(0, "kind", pa.array([kind] * len(table), pa.string()))
    found: dict[str, pa.ChunkedArray] = {}
    for step, (family, compute) in enumerate(_FAMILIES.items()):
        if on_progress is not None:
            on_progress(family, step, len(_FAMILIES))
        for part in compute(asked):
            rows = _collect(view, part)
            order = _places(people, rows)
            for name in rows.column_names:
                if name not in KEYS:
                    found[name] = rows[name].cast(pa.float64()).take(order)
    there = _present(asked)
    for feature in catalogue.of(kind):
        values = found.pop(feature.name, pa.nulls(len(people), pa.float64()))
        table = table.append_column(feature.name, _filled(feature, values, people["as_of"], there))
    for name, fact in catalogue.facts().items():
        if kind in fact.kinds:
            values = found.pop(name, pa.nulls(len(people), pa.float64()))
            table = table.append_column(name, values)
    if found:
        raise KeyError(f"computed but not in the catalogue: {sorted(found)}")
    return table.combine_chunks()


def _collect(view: View, rows: ir.Table) -> pa.Table:
    return view.backend.to_pyarrow(rows)


def _places(people: pa.Table, rows: pa.Table) -> pa.Array:
    """Return for each subject and date the place of its row in `rows`, null where it has none."""
    left = people.select(list(KEYS)).append_column("_left", pa.array(range(len(people)), pa.int64()))
    right = rows.select(list(KEYS)).append_column("_right", pa.array(range(len(rows)), pa.int64()))
    joined = left.join(right, list(KEYS), join_type="left outer")
    if len(joined) != len(people):
        raise ValueError("a family gave more than one row for a subject and a date")
    return joined.sort_by("_left")["_right"].combine_chunks()


def _column(people: pa.Table, rows: pa.Table, name: str, empty: object) -> pa.ChunkedArray:
    return rows[name].take(_places(people, rows)).fill_null(empty)


def _present(asked: Known) -> Mapping[str, set[date]]:
    """Return for each feed the dates before which any row of it had been received."""
    there = {}
    for feed in asked.view.lake.feeds():
        rows = _collect(asked.view, asked.view.present(feed, asked.dates)).to_pylist()
        there[feed] = {row["as_of"] for row in rows if row["present"]}
    return there


def _filled(
    feature: catalogue.Feature,
    values: pa.ChunkedArray,
    as_of: pa.ChunkedArray,
    there: Mapping[str, set[date]],
) -> pa.ChunkedArray:
    """Put the value of «no rows» where all feeds of the feature were there, and nothing where one was not."""
    if not feature.sources:
        return values
    dates = set.intersection(*(there.get(feed, set()) for feed in feature.sources))
    if not dates:
        return pa.nulls(len(values), pa.float64())
    known = pc.is_in(as_of, pa.array(sorted(dates), pa.date32()))
    if feature.empty is not None:
        values = pc.fill_null(values, feature.empty)
    # NaN would be a number to some engines and missing to others: only null means missing.
    values = pc.if_else(pc.is_nan(values), None, values)
    return pc.if_else(known, values, None)
