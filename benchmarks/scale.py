"""What a full city costs on two cores, each figure beside a floor or a peer of the same run.

python -m benchmarks scale --scale 1.0 [--cities FOLDER]

The city is simulated once (kept below FOLDER if one is given) and parted in two deliveries: all but the rows received on
the last day, and that day. A city of a tenth shows how the cost grows.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from anxin.feeds.lake import Lake
from benchmarks.floor import floor
from benchmarks.peers import NAMES, check
from benchmarks.recording import Step, facts, run_child, run_step, table, write

_MONTHS = 24
_CORES = 2
_TRAINING_DATES = 12
_SMALL_MEMORY = 2.0
"""GiB DuckDB is held to where it is to show that it spills to disk."""
_PANDAS_SCALE = 0.02
_TURNS = 5
"""Runs of each peer."""


def main(scale: float, cities: Path | None) -> None:
    """Measure a city, a tenth of it, and the peers; write `results/scale-*`."""
    _two_cores()
    with tempfile.TemporaryDirectory() as folder:
        kept = cities or Path(folder) / "cities"
        kept.mkdir(parents=True, exist_ok=True)
        pandas = min(_PANDAS_SCALE, scale)
        runs = {size: _run(kept, Path(folder), size) for size in (scale / 10, scale)}
        peers = {size: _peers(kept, Path(folder), size) for size in sorted({pandas, scale})}
    found = _figures(runs[scale], runs[scale / 10], peers[scale])
    rows = peers[scale].agree
    said = ", ".join(f"{feed} {count:,}" for feed, count in runs[scale].rows.items() if count > 1_000_000)
    lines = [
        f"Simulated city, scale {scale}, {_MONTHS} months, seed 1, held to {_CORES} processors. Rows: {said}.",
        "The floor is reading every column of every Parquet file of the lake once with DuckDB, in the same run.",
        "Every line is a process of its own, start and imports included.",
        "",
        "| what | measured | asked | |",
        "| --- | --- | --- | --- |",
        *(
            f"| {one['what']} | {one['measured']} {one['unit']} | ≤ {one['asked']} {one['unit']} "
            f"| {'held' if one['held'] else 'MISSED'} |"
            for one in found
        ),
        "",
        f"The peers compute {', '.join(NAMES)} for both kinds, {_TURNS} times each in turn; the middle run of each is",
        f"shown. Ours took {', '.join(f'{ratio:.2f}' for ratio in peers[scale].ratios)} times as long as the SQL; the",
        "middle one is judged. In every turn all ways say the same to 1e-9, for",
        " and ".join(f"{count:,} {kind}s" for kind, count in rows.items()) + ".",
        "",
        f"## Scale {scale}",
        "",
        table([runs[scale].floor, *runs[scale].steps, *peers[scale].steps], runs[scale].floor),
        "",
        f"## Scale {scale / 10}",
        "",
        table([runs[scale / 10].floor, *runs[scale / 10].steps], runs[scale / 10].floor),
        "",
        f"## Pandas beside, scale {pandas}",
        "",
        table(peers[pandas].steps),
        "",
    ]
    figures = {
        "found": found,
        "rows": runs[scale].rows,
        "ratios": {str(size): one.ratios for size, one in peers.items()},
        "agree": {str(size): one.agree for size, one in peers.items()},
        "steps": {str(size): [facts(step) for step in (one.floor, *one.steps)] for size, one in runs.items()},
        "peers": {str(size): [facts(step) for step in one.steps] for size, one in peers.items()},
    }
    write(f"scale-{scale}", f"python -m benchmarks scale --scale {scale}", figures, "\n".join(lines))


def _two_cores() -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:_CORES])


class _Run:
    """What was measured of one city."""

    def __init__(self, read: Step, steps: Sequence[Step], rows: dict[str, int]) -> None:
        self.floor = read
        self.steps = list(steps)
        self.rows = rows

    def of(self, name: str) -> Step:
        return next(step for step in self.steps if step.name == name)


class _Peers:
    """The ways to compute the twelve features, and for how many subjects they agree."""

    def __init__(self, steps: Sequence[Step], agree: dict[str, int], ratios: Sequence[float]) -> None:
        self.steps = list(steps)
        self.agree = agree
        self.ratios = list(ratios)
        """How many times as long as the SQL ours took, turn by turn."""

    def of(self, name: str) -> Step:
        return next(step for step in self.steps if step.name == name)


def _run(cities: Path, folder: Path, size: float) -> _Run:
    home = folder / f"home-{size}"
    first, last, steps = _deliveries(cities, folder, size)
    home.mkdir()
    steps.append(run_step("ingest", home, "ingest", str(first)))
    steps.append(run_step("ingest-day", home, "ingest", str(last)))
    day = _day(home)
    read = floor(home)
    steps.append(_snapshot("snapshot", home, [day]))
    months = [day - timedelta(days=30 * back) for back in reversed(range(_TRAINING_DATES))]
    steps.append(_snapshot("snapshots", home, months))
    steps.append(_snapshot("snapshot-spill", home, [day], "--memory", str(_SMALL_MEMORY)))
    lake = Lake(home / "var" / "lake")
    return _Run(read, steps, {feed: lake.feed(feed).rows for feed in lake.feeds()})


def _snapshot(name: str, home: Path, days: Sequence[date], *more: str) -> Step:
    what = f"both kinds, {len(days)} date" + ("s" if len(days) > 1 else "")
    if more:
        what += f", DuckDB held to {_SMALL_MEMORY} GiB"
    return run_child(name, what, home, "benchmarks.snapshot", *more, *(day.isoformat() for day in days))


def _day(home: Path) -> date:
    """Return the day after the last row the lake received."""
    marks = [state.last_received for state in Lake(home / "var" / "lake").watermarks().values()]
    return max(mark for mark in marks if mark is not None).date() + timedelta(days=1)


def _peers(cities: Path, folder: Path, size: float) -> _Peers:
    home = folder / f"home-{size}"
    if not home.exists():
        first, last, _ = _deliveries(cities, folder, size)
        home.mkdir()
        run_step("ingest", home, "ingest", str(first))
        run_step("ingest-day", home, "ingest", str(last))
    day = _day(home).isoformat()
    ways = {"sql": "twelve features, SQL by hand", "ours": "twelve features, our path"}
    if size <= _PANDAS_SCALE:
        ways["pandas"] = "twelve features, pandas"
    # In turn, several times: machines are noisy, and a ratio of two single runs more so.
    turns: list[dict[str, Step]] = []
    for turn in range(_TURNS):
        order = list(ways) if turn % 2 else list(reversed(ways))
        turns.append(
            {
                way: run_child(way, ways[way], home, "benchmarks.peers", way, day, str(home / way))
                for way in order
            }
        )
        agree = [check(home / "sql", home / way) for way in ways if way != "sql"]
    steps = [sorted((turn[way] for turn in turns), key=lambda step: step.wall_s)[_TURNS // 2] for way in ways]
    ratios = [round(turn["ours"].wall_s / turn["sql"].wall_s, 3) for turn in turns]
    return _Peers(steps, agree[0], ratios)


def _deliveries(cities: Path, folder: Path, size: float) -> tuple[Path, Path, list[Step]]:
    """Return a city's deliveries, all but the last day and that day, made now if they are not kept."""
    city, first, last = (cities / f"{size}-{part}" for part in ("city", "first", "day"))
    steps: list[Step] = []
    if not (city / "simulation.json").exists():
        asked = ("--scale", str(size), "--months", str(_MONTHS), "--seed", "1")
        steps.append(run_step(f"simulate-{size}", folder, "simulate", str(city), *asked))
    if not (last / "done").exists():
        feeds = (str(path) for path in (city / "feeds", first, last))
        run_child(f"part-{size}", "part the last day", folder, "benchmarks.parting", *feeds)
        (last / "done").touch()
    return first, last, steps


def _figures(run: _Run, small: _Run, peers: _Peers) -> list[dict[str, Any]]:
    """Return every figure that is asked for, beside what is asked."""
    one, twelve, read = run.of("snapshot"), run.of("snapshots"), run.floor
    growth = one.wall_s / small.of("snapshot").wall_s
    read_growth = read.wall_s / small.floor.wall_s
    figures = [
        ("one snapshot, both kinds", one.wall_s, 60.0, "s"),
        ("one snapshot, peak memory", round(one.peak_mb / 1024, 2), 8.0, "GiB"),
        (
            "the twelve features against SQL by hand",
            statistics.median(peers.ratios),
            1.5,
            "×",
        ),
        ("first ingest of the city", run.of("ingest").wall_s, 300.0, "s"),
        ("ingest of one more day", run.of("ingest-day").wall_s, 8.0, "s"),
        ("twelve monthly snapshots against one", twelve.wall_s / one.wall_s, 4.0, "×"),
        (
            f"growth of a snapshot (×{growth:.1f}) against the floor's (×{read_growth:.1f})",
            growth / read_growth,
            1.3,
            "×",
        ),
    ]
    found = [
        {
            "what": what,
            "measured": round(measured, 2),
            "asked": asked,
            "unit": unit,
            "held": measured <= asked,
        }
        for what, measured, asked, unit in figures
    ]
    sys.stderr.write(json.dumps(found, ensure_ascii=False, indent=1) + "\n")
    return found
