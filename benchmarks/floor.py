"""The floor: read every column of every Parquet file below a folder once, with DuckDB.

The filter is one no statistics of a file can answer, or the greatest values would be had without reading.
"""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb

from benchmarks.recording import Step, run_child

_READ = "read all Parquet once"


def floor(home: Path) -> Step:
    """Read the data files of a home's lake once, in a process of its own."""
    return run_child("floor", _READ, home, "benchmarks.floor", str(home / "var" / "lake" / "data"))


if __name__ == "__main__":
    duckdb.execute("SET enable_progress_bar = false")
    for feed in sorted(Path(sys.argv[1]).iterdir()):
        files = [str(file) for file in sorted(feed.glob("*.parquet"))]
        duckdb.read_parquet(files).filter("hash(_row) <> 0").aggregate("max(columns(*))").fetchall()
