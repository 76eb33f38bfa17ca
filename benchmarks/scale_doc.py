"""`docs/scale.md` from the results: when to move to Spark, and what a province and the country would need.

python -m benchmarks scale-doc
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
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

Written by `python -m benchmarks scale-doc` from the files of `benchmarks/results`; do not edit. Figures under *Measured*
are in the file named beside them, with machine, versions and command; all others are computed from those as said.
"""

_HOW = """
## 怎么换 · How to move

    .venv/bin/python -m pip install '.[spark]'              # and Java 17 or later, on every machine of the cluster
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

    @property
    def scale(self) -> str:
        """The scale of a city measured whole, as its file is named."""
        return self.name.removesuffix(".json").split("-")[1]

    @property
    def steps(self) -> list[dict[str, Any]]:
        """What such a city was measured for, without making it up."""
        return [step for step in self.facts["steps"][self.scale] if not step["name"].startswith("simulate")]


def main() -> None:
    """Write `docs/scale.md`."""
    spark = _Result("spark.json", json.loads((RESULTS / "spark.json").read_text(encoding="utf-8")))
    parts = [_HEAD, *_measured(spark), *_needed(spark), _HOW]
    _DOC.write_text("\n".join(parts).rstrip("\n") + "\n", encoding="utf-8")


def _seconds(city: Mapping[str, Any]) -> dict[str, float]:
    return {name: said["employer"] + said["project"] for name, said in city["engines"].items()}


def _measured(spark: _Result) -> list[str]:
    lines = [
        "## 测得 · Measured",
        "",
        f"Snapshots of both kinds for one day of simulated cities (`results/{spark.name}`); Spark's master, workers",
        "and driver shared one machine of two cores there:",
        "",
        "| scale | rows | Parquet | engine | seconds | rows / s |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for city in spark.facts["cities"]:
        lines += [
            f"| {city['scale']} | {city['rows']:,} | {city['parquet_mb']:,.0f} MB | {name} | {wall:.1f} | "
            f"{city['rows'] / wall:,.0f} |"
            for name, wall in _seconds(city).items()
        ]
    lines.append("")
    full = _city()
    if full is not None:
        lines += [
            f"A city at scale {full.scale} on DuckDB, {sum(full.facts['rows'].values()):,} rows (`results/{full.name}`):",
            "",
            "| step | seconds | peak MB |",
            "| --- | --- | --- |",
            *(f"| {step['name']} | {step['wall_s']} | {step['peak_mb']} |" for step in full.steps),
            "",
        ]
    return lines


def _city() -> _Result | None:
    """Return the results of the largest city measured whole, if there are any."""
    found = [
        _Result(path.name, json.loads(path.read_text(encoding="utf-8")))
        for path in RESULTS.glob("scale-*.json")
    ]
    return max(found, key=lambda city: float(city.scale), default=None)


@dataclass(frozen=True)
class _Rate:
    """Seconds for so many cities on w cores, taken as `fixed + divides × cities / w`; two measurements give both.

    They are of places of different size on as many cores: that the work divides by w is assumed (`_undivided` says so).
    """

    fixed: float
    divides: float
    source: str

    @classmethod
    def of_sizes(cls, sizes: Mapping[float, float], cores: int, source: str) -> _Rate:
        """Return the rate from the seconds of two places of different size on so many cores."""
        (small, less), (large, more) = sorted(sizes.items())
        slope = max(more - less, 0.0) / (large - small)
        return cls(max(more - slope * large, 0.0), cores * slope, source)

    @classmethod
    def of_spark(cls, spark: _Result) -> _Rate:
        """Return that of one worker of one core."""
        seconds = {city["scale"]: _seconds(city)["spark-1-workers"] for city in spark.facts["cities"]}
        return cls.of_sizes(seconds, 1, spark.name)

    @classmethod
    def of_duckdb(cls, spark: _Result) -> _Rate:
        """Return that of two threads: of a city measured whole and its tenth, or else of those beside Spark."""
        city = _city()
        if city is None:
            seconds = {place["scale"]: _seconds(place)["duckdb-2-threads"] for place in spark.facts["cities"]}
            return cls.of_sizes(seconds, 2, spark.name)
        seconds = {
            float(scale): step["wall_s"]
            for scale, steps in city.facts["steps"].items()
            for step in steps
            if step["name"] == "snapshot"
        }
        return cls.of_sizes(seconds, 2, city.name)

    def cores(self, cities: float) -> int:
        """Return how many cores finish within the night; 0 if none."""
        left = _NIGHT_S - self.fixed
        return max(1, math.ceil(self.divides * cities / left)) if left > 0 else 0


def _needed(spark: _Result) -> list[str]:
    facts, cluster, duck = spark.facts, _Rate.of_spark(spark), _Rate.of_duckdb(spark)
    large = max(facts["cities"], key=lambda city: city["scale"])
    rows, parquet = large["rows"] / large["scale"], large["parquet_mb"] / large["scale"]
    peak = _peak_gb("snapshot")
    lines = [
        "## 需要 · Needed",
        "",
        "Seconds for *n* cities on *w* cores are taken as *a + b n / w*: *a* is starting, planning and small tables,",
        "*b* is work that grows with the rows and is taken to divide. Two measurements, of places of different size on",
        "as many cores, give both.",
        "",
        *_undivided(facts["cities"]),
        "",
        "| engine | a, seconds | b, core-seconds of a city | from |",
        "| --- | --- | --- | --- |",
        f"| DuckDB | {duck.fixed:.1f} | {duck.divides:,.0f} | {duck.source} |",
        f"| Spark | {cluster.fixed:.1f} | {cluster.divides:,.0f} | {cluster.source} |",
        "",
        f"Rows, bytes, memory and snapshots are taken to grow with the place; cores are those that would finish in "
        f"{_NIGHT_S:,} s.",
        "A province and the country lie far beyond what was measured (the largest: "
        f"{_largest(spark):g} × a city with DuckDB,",
        f"{large['scale']:g} × with Spark): their figures are extrapolated, cores on the assumption that work divides.",
        "",
        "| | employers | projects | rows | Parquet | snapshot | DuckDB: cores | its memory, unspilt | Spark: cores | "
        "its workers' memory |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    each = float(facts["worker_memory"].rstrip("gG"))
    for name, times, employers, projects in _PLACES:
        size = sum(n * len(of(kind)) for kind, n in zip(KINDS, (employers, projects), strict=True)) * 8
        workers = cluster.cores(times)
        lines.append(
            f"| {name}, {times} × | {employers:,} | {projects:,} | {rows * times:,.0f} | "
            f"{parquet * times / 1024:,.1f} GB | {size / 2**30:,.1f} GB | {duck.cores(times)} | "
            f"{f'{peak * times:,.0f} GB' if peak else 'not measured'} | {workers} | {workers * each:,.0f} GB |"
        )
    return [*lines, "", *_when(duck, cluster, peak)]


def _largest(spark: _Result) -> float:
    """Return the scale of the largest place DuckDB was measured with."""
    city = _city()
    return float(city.scale) if city else max(float(place["scale"]) for place in spark.facts["cities"])


def _undivided(cities: Sequence[Mapping[str, Any]]) -> list[str]:
    """Say what was measured of dividing work by workers and threads, and that it shows no division."""
    lines = ["**That the work divides by *w* is assumed, not measured.**"]
    for city in cities:
        seconds = _seconds(city)
        for one, two, who in (
            ("spark-1-workers", "spark-2-workers", "two Spark workers"),
            ("duckdb-1-threads", "duckdb-2-threads", "two threads of DuckDB"),
        ):
            if one in seconds and two in seconds:
                lines.append(
                    f"At scale {city['scale']} {who} took {seconds[two]:.1f} s, one {seconds[one]:.1f} s."
                )
    return [
        *lines,
        "All of them shared the two cores of one machine, Spark's with master and driver, so that the second had little",
        "of its own: that says neither how far work divides over machines nor that it does.",
    ]


def _peak_gb(name: str) -> float | None:
    """Return the memory a step of a whole city took, in GB per city, if one was measured."""
    city = _city()
    if city is None:
        return None
    (peak,) = (step["peak_mb"] for step in city.steps if step["name"] == name)
    return float(peak) / 1024 / float(city.scale)


def _when(duck: _Rate, cluster: _Rate, peak: float | None) -> list[str]:
    lines = [
        "**When to move.** When the night is too short for one machine or its memory and disk too small; not before. "
        f"Spark takes {cluster.fixed:.0f} s before any work that could divide (DuckDB {duck.fixed:.0f} s) and "
        f"{cluster.divides / duck.divides:.1f} × the core-seconds of DuckDB for the same rows."
        if duck.divides
        else "**When to move.** When the night is too short for one machine or its memory and disk too small.",
    ]
    if peak:
        lines.append(
            f"The snapshot of a city takes {peak:,.1f} GB here, twelve dates at once {_peak_gb('snapshots'):,.1f} GB; "
            "beyond its limit DuckDB spills to disk, slower and still right. A machine with a province's memory in the "
            "table above needs no cluster."
        )
    return [
        *lines,
        "A training asks for many dates at once: count it as that many days, at night or at the weekend. The machine",
        "that asks holds the snapshot: `spark.driver.memory` and its own memory must be some times its size.",
    ]
