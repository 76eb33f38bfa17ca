"""Deliveries written for tests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from anxin.feeds.asof import View
from anxin.feeds.contract import Feed, contract


def write(folder: Path, feed: str, rows: Iterable[Mapping[str, Any]], name: str = "part.parquet") -> Path:
    """Write rows (contract types) as one Parquet file of a delivery, and return the delivery."""
    target = folder / feed / name
    target.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(list(rows), schema=contract()[feed].schema), target)
    return folder


def text(folder: Path, feed: str, content: str, name: str = "part.csv", encoding: str = "utf-8") -> Path:
    """Write a CSV file of a delivery, and return the delivery."""
    target = folder / feed / name
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content.encode(encoding))
    return folder


def tuples(feed: Feed, table: pa.Table) -> list[tuple[Any, ...]]:
    """The contract columns of a table as sorted tuples."""
    rows = table.select(list(feed.names)).to_pylist()
    return sorted((tuple(row[name] for name in feed.names) for row in rows), key=repr)


def known(view: View, feed: str, *days: Any) -> list[tuple[Any, ...]]:
    return tuples(contract()[feed], view.known(feed, days).to_pyarrow())
