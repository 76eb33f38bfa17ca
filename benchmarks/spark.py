"""One snapshot of both kinds on DuckDB and on Spark, in the same run, of two cities: what is fixed, and what grows.

python -m benchmarks spark --scale 0.05 --larger 0.2

The smaller city is computed with one worker of one core, the larger one with one and with two.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
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
from benchmarks.recording import Step, facts, run_child, run_step, table, write
from tests.cluster import cluster

_DAY = date(2026, 2, 1)
_WORKERS = (1, 2)
_SAME = 1e-9


def main(scale: float, larger: float, months: int, seed: int, memory: str) -> None:
    """Compute the snapshots of one day of two cities on each engine, compare every cell; write `results/spark.*`."""
    places = [
        _Place.measured(size, months, seed, memory, workers)
        for size, workers in ((scale, (1,)), (larger, _WORKERS))
    ]
    report = "\n".join(
        [
            f"Both kinds' snapshots of {_DAY} of two simulated cities, {months} months, seed {seed}, on DuckDB and on",
            f"a real standalone Spark {metadata.version('pyspark')} on loopback. Workers have one core and {memory}",
            "each; master, workers, driver and whoever asks share this machine, so a second worker only has what the",
            "driver leaves it.",
            "Peak memory is that of the process that asks, without any JVM. The first kind waits for executors to start.",
            "",
            *(line for place in places for line in place.lines()),
        ]
    )
    figures = {
        "pyspark": metadata.version("pyspark"),
        "months": months,
        "day": _DAY,
        "worker_memory": memory,
        "cities": [place.figures() for place in places],
    }
    size = f"--scale {scale} --larger {larger} --months {months} --seed {seed} --memory {memory}"
    command = f"python -m benchmarks spark {size}"
    write("spark", command, figures, report)


@dataclass(frozen=True)
class _Place:
    """What was measured of one city: each engine's step, what it said of its parts, and how far it is from DuckDB's."""

    scale: float
    rows: int
    parquet_mb: float
    steps: list[Step]
    worst: dict[str, float]

    @classmethod
    def measured(cls, scale: float, months: int, seed: int, memory: str, workers: Sequence[int]) -> _Place:
        """Simulate, ingest and compute; end the benchmark if the engines differ."""
        with tempfile.TemporaryDirectory() as folder:
            home = Path(folder)
            size = ("--scale", str(scale), "--months", str(months), "--seed", str(seed))
            run_step("simulate", home, "simulate", str(home / "city"), *size)
            run_step("ingest", home, "ingest", str(home / "city"))
            lake = Lake(home / "var" / "lake")
            steps = [_measured(f"duckdb-{threads}-threads", home, str(threads)) for threads in _WORKERS]
            for count in workers:
                with cluster(home / f"cluster-{count}", count, memory) as address:
                    asked = urlencode({"spark.executor.memory": memory})
                    steps.append(_measured(f"spark-{count}-workers", home, f"{address}?{asked}"))
            first = home / steps[0].name
            worst = {step.name: _worst(first, home / step.name) for step in steps[1:]}
            rows = sum(lake.feed(feed).rows for feed in lake.feeds())
            files = sum(path.stat().st_size for feed in lake.feeds() for path in lake.files(feed))
        if max(worst.values()) > _SAME:
            raise SystemExit(f"the engines differ: {worst}")
        return cls(scale, rows, round(files / 2**20, 1), steps, worst)

    def engines(self) -> dict[str, dict[str, float]]:
        """Return the seconds each engine said it took, to connect and per kind."""
        return {step.name: json.loads(step.output) for step in self.steps}

    def lines(self) -> list[str]:
        return [
            f"## Scale {self.scale}: {self.rows:,} rows of all feeds, {self.parquet_mb:,.0f} MB of Parquet",
            "",
            table(self.steps),
            "",
            "| engine | connect s | employers s | projects s | rows of the lake / s | largest relative difference |",
            "| --- | --- | --- | --- | --- | --- |",
            *(_line(name, said, self.rows, self.worst.get(name)) for name, said in self.engines().items()),
            "",
        ]

    def figures(self) -> dict[str, Any]:
        return {
            "scale": self.scale,
            "rows": self.rows,
            "parquet_mb": self.parquet_mb,
            "steps": [facts(step) for step in self.steps],
            "engines": self.engines(),
            "largest_relative_difference": self.worst,
        }


def _measured(name: str, home: Path, engine: str) -> Step:
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
