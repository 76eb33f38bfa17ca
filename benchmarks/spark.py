"""One snapshot of both kinds on DuckDB and on Spark with one and two workers of one core each, in the same run.

python -m benchmarks spark --scale 0.05
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
import time
from datetime import date
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pyarrow as pa
import pyarrow.parquet as pq

from anxin.features.snapshots import KINDS, snapshots
from anxin.feeds.asof import View, backend_of, connect
from anxin.feeds.engine import SPARK, Engine
from anxin.feeds.lake import Lake
from benchmarks.recording import facts, run_child, run_step, table, write
from tests.cluster import cluster

_DAY = date(2026, 2, 1)
_WORKERS = (1, 2)
_SAME = 1e-9


def main(scale: float, months: int, seed: int, memory: str) -> None:
    """Simulate, ingest, compute the snapshot of one day on each engine, compare every cell; write `results/spark.*`."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        size = ("--scale", str(scale), "--months", str(months), "--seed", str(seed))
        run_step("simulate", home, "simulate", str(home / "city"), *size)
        run_step("ingest", home, "ingest", str(home / "city"))
        lake = Lake(home / "var" / "lake")
        steps = [_measured("duckdb-1-thread", home, "1"), _measured("duckdb-2-threads", home, "2")]
        for workers in _WORKERS:
            with cluster(home / f"cluster-{workers}", workers, memory) as address:
                asked = urlencode({"spark.executor.memory": memory})
                steps.append(_measured(f"spark-{workers}-workers", home, f"{address}?{asked}"))
        names = [step.name for step in steps]
        worst = {name: _worst(home / names[0], home / name) for name in names[1:]}
        rows = sum(lake.feed(feed).rows for feed in lake.feeds())
        files = sum(path.stat().st_size for feed in lake.feeds() for path in lake.files(feed))
    if max(worst.values()) > _SAME:
        raise SystemExit(f"the engines differ: {worst}")
    said = {step.name: json.loads(step.output) for step in steps}
    report = "\n".join(
        [
            f"Both kinds' snapshots of {_DAY} of a simulated city, scale {scale}, {months} months, seed {seed}: "
            f"{rows:,} rows of all feeds,",
            f"{files / 2**20:,.0f} MB of Parquet. pyspark {metadata.version('pyspark')}. Workers have one core and",
            f"{memory} each; master, workers, driver and whoever asks share this machine.",
            "Peak memory is that of the process that asks, without any JVM. The first kind waits for executors to start.",
            "",
            table(steps),
            "",
            "| engine | connect s | employers s | projects s | rows of the lake / s | largest relative difference |",
            "| --- | --- | --- | --- | --- | --- |",
            *(_line(name, said[name], rows, worst.get(name)) for name in names),
            "",
        ]
    )
    figures = {
        "pyspark": metadata.version("pyspark"),
        "scale": scale,
        "months": months,
        "day": _DAY,
        "rows": rows,
        "parquet_mb": round(files / 2**20, 1),
        "worker_memory": memory,
        "steps": [facts(step) for step in steps],
        "engines": said,
        "largest_relative_difference": worst,
    }
    command = f"python -m benchmarks spark --scale {scale} --months {months} --seed {seed} --memory {memory}"
    write("spark", command, figures, report)


def _measured(name: str, home: Path, engine: str) -> Any:
    command = f"both snapshots of {_DAY}"
    return run_child(name, command, home, "benchmarks.spark", str(home), str(home / name), engine)


def _line(name: str, said: dict[str, float], rows: int, worst: float | None) -> str:
    rate = rows / (said["employer"] + said["project"])
    same = "" if worst is None else f"{worst:.1e}"
    return f"| {name} | {said['connect']} | {said['employer']} | {said['project']} | {rate:,.0f} | {same} |"


def _worst(meant: Path, found: Path) -> float:
    """Return the largest relative difference of any cell; infinite where one is there and the other is not."""
    worst = 0.0
    for kind in KINDS:
        left, right = pq.read_table(meant / kind), pq.read_table(found / kind)
        for name in left.column_names:
            if not pa.types.is_floating(left.schema.field(name).type):
                worst = worst if left[name].equals(right[name]) else math.inf
                continue
            for a, b in zip(left[name].to_pylist(), right[name].to_pylist(), strict=True):
                if a is None or b is None:
                    worst = worst if a is b else math.inf
                elif a != b:
                    worst = max(worst, abs(a - b) / max(abs(a), abs(b)))
    return worst


def measure(home: Path, out: Path, engine: str) -> dict[str, float]:
    """Compute and keep both snapshots, and return the seconds of connecting and of each kind.

    `engine` is the address of a cluster, or the number of threads of DuckDB.
    """
    out.mkdir()
    started = time.perf_counter()
    backend = backend_of(engine) if engine.startswith(SPARK) else connect(Engine(threads=int(engine)))
    view = View(Lake(home / "var" / "lake"), backend)
    seconds = {"connect": round(time.perf_counter() - started, 2)}
    for kind in KINDS:
        started = time.perf_counter()
        made = snapshots(view, [_DAY], kind)
        seconds[kind] = round(time.perf_counter() - started, 2)
        pq.write_table(made, out / kind)
    return seconds


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("home", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("engine")
    given = parser.parse_args()
    sys.stdout.write(json.dumps(measure(given.home, given.out, given.engine)))
