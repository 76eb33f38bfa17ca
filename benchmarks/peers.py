"""Twelve features of energy and pay, computed by our path, by hand in SQL, and in pandas: as processes to be measured.

ANXIN_HOME=home python -m benchmarks.peers ours|sql|pandas DAY OUT
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from functools import reduce
from pathlib import Path

import ibis.expr.types as ir
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from anxin.features import catalogue
from anxin.features.bills import bills
from anxin.features.energy import energy
from anxin.features.known import KEYS, Kind, Known
from anxin.features.payroll import payroll
from anxin.feeds.asof import View
from anxin.feeds.lake import Lake
from benchmarks import peer_pandas, peer_sql

KINDS: tuple[Kind, ...] = ("employer", "project")
NAMES = (
    "energy_level_28d",
    "energy_level_7d",
    "energy_weekend_ratio",
    "energy_idle_days_28d",
    "bills_unpaid_amount",
    "bills_late_days_180d",
    "pay_short_share",
    "pay_paid_share",
    "pay_delay_rise",
    "wages_unpaid_months",
    "wages_unpaid_amount",
    "attended_unpaid_heads",
)
_FAMILIES = {energy: "energy", bills: "bills", payroll: ("pay", "wages", "attended")}
"""Where the twelve are made, and how the names of theirs begin."""
_NEAR = 1e-9


def _ours(home: Path, day: date) -> dict[str, pa.Table]:
    """Compute the parts these features are made in side by side, as `snapshots` does, and no further ones."""
    view = View(Lake(home / "var" / "lake"))

    def compute(kind: Kind, family: Callable[[Known], Iterable[ir.Table]], wanted: int) -> list[pd.DataFrame]:
        beside = view.beside()
        found: list[pd.DataFrame] = []
        for part in family(Known(beside, (day,), kind)):
            names = [name for name in part.columns if name in NAMES]
            if names:
                found.append(beside.backend.to_pyarrow(part.select(*KEYS[:1], *names)).to_pandas())
                wanted -= len(names)
            if not wanted:
                # What comes after is made for features nobody asked for here.
                break
        return found

    families = {family: sum(name.startswith(of) for name in NAMES) for family, of in _FAMILIES.items()}
    with ThreadPoolExecutor(2) as pool:
        asked = {
            kind: [pool.submit(compute, kind, family, wanted) for family, wanted in families.items()]
            for kind in KINDS
        }
        return {
            kind: pa.Table.from_pandas(
                reduce(_joined, (table for family in families for table in family.result())),
                preserve_index=False,
            )
            for kind, families in asked.items()
        }


def _joined(one: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    return one.merge(other, on=KEYS[0], how="outer")


def _sql(home: Path, day: date) -> dict[str, pa.Table]:
    return {kind: peer_sql.features(Lake(home / "var" / "lake"), day, kind) for kind in KINDS}


def _pandas(home: Path, day: date) -> dict[str, pa.Table]:
    return {kind: peer_pandas.features(Lake(home / "var" / "lake"), day, kind) for kind in KINDS}


WAYS: Mapping[str, Callable[[Path, date], dict[str, pa.Table]]] = {
    "ours": _ours,
    "sql": _sql,
    "pandas": _pandas,
}


def differences(one: Path, other: Path) -> dict[str, float]:
    """Return per feature (and kind) the greatest difference between two ways, in the larger of 1 and the value.

    What is missing on one side only counts as infinite; where no rows mean a value (`empty`), that value is put in.
    """
    found = {}
    for kind in KINDS:
        a, b = (
            pq.read_table(out / f"{kind}.parquet").to_pandas().set_index("subject_id") for out in (one, other)
        )
        everyone = a.index.union(b.index)
        for name in NAMES:
            empty = catalogue.catalogue()[name].empty
            x, y = (side[name].reindex(everyone).astype(float) for side in (a, b))
            if empty is not None:
                x, y = x.fillna(empty), y.fillna(empty)
            gap = (x - y).abs() / np.maximum(1.0, x.abs())
            gap = gap.where(x.notna() | y.notna(), 0.0).fillna(np.inf)
            found[f"{kind} {name}"] = float(gap.max()) if len(gap) else 0.0
    return found


def check(one: Path, other: Path) -> dict[str, int]:
    """Return how many subjects of each kind agree; end the benchmark if two ways say different things."""
    wrong = {name: gap for name, gap in differences(one, other).items() if not gap <= _NEAR}
    if wrong:
        raise SystemExit(f"{one.name} and {other.name} differ: {wrong}")
    return {kind: pq.read_metadata(one / f"{kind}.parquet").num_rows for kind in KINDS}


def main() -> None:
    """Compute the twelve features of both kinds one way and write them below OUT."""
    way, day, out = sys.argv[1], date.fromisoformat(sys.argv[2]), Path(sys.argv[3])
    out.mkdir(parents=True, exist_ok=True)
    for kind, table in WAYS[way](Path(os.environ["ANXIN_HOME"]), day).items():
        pq.write_table(table.select(["subject_id", *NAMES]), out / f"{kind}.parquet")


if __name__ == "__main__":
    main()
