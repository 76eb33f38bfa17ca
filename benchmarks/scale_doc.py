"""`docs/scale.md` from the results: when to move to Spark, and what a province and the country would need.

python -m benchmarks scale-doc
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from anxin.features.catalogue import of
from anxin.features.snapshots import KINDS
from benchmarks.recording import RESULTS

_DOC = Path(__file__).parent.parent / "docs" / "scale.md"
_NIGHT_S = 3600
"""A list is asked for in the morning, and rows come in during the night: an hour for the snapshots of a day."""

_PLACES = (("a city 城市", 1, 250_000, 7_000), ("a province 省", 10, 2_500_000, 70_000))
_PLACES += (("the country 全国", 100, 25_000_000, 700_000),)

_HEAD = """# 规模 · Where a city outgrows one machine

Written by `python -m benchmarks scale-doc` from the files of `benchmarks/results`; do not edit. Figures marked *measured*
are in the file named beside them, with machine, versions and command; all others are computed from those as said.
"""

_HOW = """
## 怎么换 · How to move

    pip install 'anxin[spark]'                              # and Java 17 or later, on every machine of the cluster
    anxin --engine spark://10.0.0.5:7077 run 2026-04-01     # or ANXIN_ENGINE=spark://…, also for train, scores, serve
    anxin --engine 'spark://10.0.0.5:7077?spark.executor.memory=8g&spark.sql.shuffle.partitions=400' run 2026-04-01

The expressions are the same, and so is the list: `tests/features/test_spark.py` starts a cluster and holds every cell of
both snapshots against DuckDB's (1e-9; engines may round a last bit differently, so a list is replayed on the engine that
made it). Settings after `?` are Spark's own, `+` written `%2B`; those that decide what a feature means (time zone, ANSI,
decimals) cannot be set there. Spark's own files (`$SPARK_CONF_DIR`) hold what is secret, such as
`spark.authenticate.secret`.

- The lake must lie under the same path on every machine: a shared file system. Ingest stays on one machine, with DuckDB.
- Workers need Java, no Python. Nothing is downloaded, Spark's pages are off, and a cluster on loopback stays there.
- The master, the workers and the machine that asks talk to each other without encryption unless Spark is told otherwise.
- Scoring, explaining and publishing stay on the machine that asks: they need the snapshot in memory, no more.
"""


@dataclass(frozen=True)
class _Result:
    """One file of results."""

    name: str
    facts: dict[str, Any]

    def step(self, name: str) -> dict[str, Any]:
        """Return a step of it by name."""
        return next(step for step in self.facts["steps"] if step["name"] == name)


def main() -> None:
    """Write `docs/scale.md`."""
    spark = _Result("spark.json", json.loads((RESULTS / "spark.json").read_text(encoding="utf-8")))
    parts = [_HEAD, *_measured(spark), *_needed(spark), _HOW]
    _DOC.write_text("\n".join(parts).rstrip("\n") + "\n", encoding="utf-8")


def _seconds(spark: _Result) -> dict[str, float]:
    return {name: said["employer"] + said["project"] for name, said in spark.facts["engines"].items()}


def _measured(spark: _Result) -> list[str]:
    facts, seconds = spark.facts, _seconds(spark)
    rows = facts["rows"]
    lines = [
        "## 测得 · Measured",
        "",
        f"Snapshots of both kinds for one day, {rows:,} rows ({facts['parquet_mb']:,.0f} MB of Parquet), a simulated "
        f"city at scale {facts['scale']} (`results/{spark.name}`):",
        "",
        "| engine | seconds | rows / s |",
        "| --- | --- | --- |",
        *(f"| {name} | {wall:.1f} | {rows / wall:,.0f} |" for name, wall in seconds.items()),
        "",
    ]
    city = _city()
    if city is not None:
        lines += [
            f"A whole city on DuckDB (`results/{city.name}`):",
            "",
            "| step | seconds | peak MB |",
            "| --- | --- | --- |",
            *(f"| {step['name']} | {step['wall_s']} | {step['peak_mb']} |" for step in city.facts["steps"]),
            "",
        ]
    return lines


def _city() -> _Result | None:
    """Return the results of the largest city measured whole, if there are any."""
    found = sorted(RESULTS.glob("scale-*.json"), key=lambda path: float(path.stem.split("-")[1]))
    return _Result(found[-1].name, json.loads(found[-1].read_text(encoding="utf-8"))) if found else None


def _needed(spark: _Result) -> list[str]:
    """Time on w cores is a + b / w: a is planning and starting, b is work that divides; two measurements give both."""
    facts, seconds = spark.facts, _seconds(spark)
    one, two = seconds["spark-1-workers"], seconds["spark-2-workers"]
    divides = max(2 * (one - two), 0.0)
    fixed = one - divides
    single, double = seconds["duckdb-1-thread"], seconds["duckdb-2-threads"]
    scale = facts["scale"]
    duck = single / scale
    lines = [
        "## 需要 · Needed",
        "",
        f"*Spark*: {one:.1f} s on one core and {two:.1f} s on two are {fixed:.1f} s that do not divide (starting, "
        f"planning, small tables) and {divides:.1f} core-seconds that do; the second grow with the rows, "
        f"{divides / scale:,.0f} core-seconds for a whole city.",
        f"*DuckDB*: {single:.1f} s on one thread, {double:.1f} s on two ({single / double:.2f} × as fast): "
        f"{duck:,.0f} core-seconds for a whole city. Rows, bytes and snapshots grow with the place.",
        "",
        "| | employers | projects | rows | Parquet | snapshot in memory | cores for an hour, DuckDB on one machine | "
        "cores for an hour, Spark |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, times, employers, projects in _PLACES:
        size = sum(n * len(of(kind)) for kind, n in zip(KINDS, (employers, projects), strict=True)) * 8
        share = times / scale
        lines.append(
            f"| {name}, {times} × | {employers:,} | {projects:,} | {facts['rows'] * share:,.0f} | "
            f"{facts['parquet_mb'] * share / 1024:,.1f} GB | {size / 2**30:,.1f} GB | "
            f"{_cores(0.0, duck * times)} | {_cores(fixed, divides * share)} |"
        )
    return [*lines, "", *_when(duck, fixed, divides / scale)]


def _cores(fixed: float, divides: float) -> str:
    """Return how many cores finish within the hour."""
    return f"{max(1, math.ceil(divides / (_NIGHT_S - fixed))):,}" if fixed < _NIGHT_S else "none suffices"


def _when(duck: float, fixed: float, divides: float) -> list[str]:
    cores = 32
    fits = _NIGHT_S * cores / duck
    city = _city()
    peak = (
        max((step["peak_mb"] for step in city.facts["steps"]), default=0.0) / 1024
        if city is not None
        else 0.0
    )
    lines = [
        "**When to move.** Move when the night is too short or the memory too small, not before: a small cluster is "
        f"slower than DuckDB on one of its machines ({divides:,.0f} core-seconds a city against {duck:,.0f}, and "
        f"{fixed:.0f} s before anything).",
        f"A machine of {cores} cores finishes the snapshots of about {fits:,.0f} cities in an hour, if its threads scale "
        "as two do and its disk keeps up.",
    ]
    if peak:
        lines.append(
            f"The step of a whole city that takes most takes {peak:,.1f} GB at its peak; DuckDB spills to disk beyond "
            "its limit, which is slower and still right."
        )
    return [
        *lines,
        "A training asks for many dates at once: count it as that many days, at night or at the weekend.",
    ]
