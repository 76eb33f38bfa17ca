"""What a backtest said, row by row: `folds.parquet` beside a model, so that two trainings can be compared later."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from anxin.models.scoring import matrix

FILE = "folds.parquet"

CELLS = ("district", "ownership", "size")
"""What lists are looked at by for fairness."""

_HEADS = ((10, "<10人"), (50, "10–49人"), (300, "50–299人"), (np.inf, "≥300人"))
_YUAN = ((1e7, "<1000万元"), (5e7, "1000–5000万元"), (2e8, "0.5–2亿元"), (np.inf, "≥2亿元"))
UNKNOWN = "不详"

_HEADCOUNTS = ("insured_heads", "attendance_heads")
READ = (
    "subject_id",
    "as_of",
    "in_hand",
    "district",
    "ownership",
    "investment",
    *_HEADCOUNTS,
    "project_amount",
)
"""Columns of a snapshot that are read here."""

SCHEMA = pa.schema(
    [
        ("subject_id", pa.string()),
        ("as_of", pa.date32()),
        ("y", pa.float32()),
        ("y_plain", pa.float32()),
        ("p90", pa.float64()),
        ("p90_now", pa.float64()),
        ("in_hand", pa.bool_()),
        *((name, pa.string()) for name in CELLS),
    ]
)


def cells(snapshot: pa.Table, kind: str) -> dict[str, pa.Array]:
    """Return what each row of a snapshot is grouped by: district, ownership, and size in a few bands."""
    there = set(snapshot.column_names)

    def words(name: str) -> pa.Array:
        if name not in there:
            return pa.array([UNKNOWN] * len(snapshot), pa.string())
        return pc.fill_null(pc.cast(snapshot[name].combine_chunks(), pa.string()), UNKNOWN)

    district = pc.utf8_slice_codeunits(words("district"), 0, 6)
    if kind == "employer":
        heads = matrix(snapshot, _HEADCOUNTS)
        size = np.where(np.isfinite(heads[:, 0]) & (heads[:, 0] > 0), heads[:, 0], heads[:, 1])
        return {"district": district, "ownership": words("ownership"), "size": _bands(size, _HEADS)}
    size = matrix(snapshot, ("project_amount",))[:, 0]
    return {"district": district, "ownership": words("investment"), "size": _bands(size, _YUAN)}


def to_bytes(judged: pd.DataFrame, snapshot: pa.Table, kind: str) -> bytes:
    """Return judged rows (`place` in the snapshot, `y`, `y_plain`, `p90`, `p90_now`) as a file, the same as the same.

    A warning that was averted is a hit in `y` and none in `y_plain`.
    """
    if not len(judged):
        return _written(SCHEMA.empty_table())
    # Of all columns a year of rows would fill a gigabyte.
    few = [name for name in READ if name in snapshot.column_names]
    rows = snapshot.select(few).take(pa.array(judged["place"].to_numpy(np.int64)))
    table = pa.table(
        {
            "subject_id": rows["subject_id"],
            "as_of": rows["as_of"],
            "y": pa.array(judged["y"].to_numpy(float), pa.float64(), from_pandas=True),
            "y_plain": pa.array(judged["y_plain"].to_numpy(float), pa.float64(), from_pandas=True),
            "p90": pa.array(judged["p90"].to_numpy(float)),
            "p90_now": pa.array(judged["p90_now"].to_numpy(float)),
            "in_hand": rows["in_hand"],
            **cells(rows, kind),
        }
    )
    return _written(table.cast(SCHEMA).sort_by([("as_of", "ascending"), ("subject_id", "ascending")]))


def from_bytes(content: bytes) -> pd.DataFrame:
    """Read what `to_bytes` wrote: the columns of `SCHEMA`, `y` NaN where unknown, `as_of` as dates."""
    rows: pd.DataFrame = pq.read_table(io.BytesIO(content)).to_pandas()
    return rows


def _written(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd")
    return sink.getvalue()


def _bands(
    values: np.ndarray[tuple[int, ...], np.dtype[np.float64]], bands: tuple[tuple[float, str], ...]
) -> pa.Array:
    edges = np.array([edge for edge, _ in bands[:-1]])
    names = np.array([name for _, name in bands], dtype=object)
    found = names[np.searchsorted(edges, np.nan_to_num(values, nan=0.0), side="right")]
    found[~np.isfinite(values)] = UNKNOWN
    return pa.array(found, pa.string())
