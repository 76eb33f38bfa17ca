"""The life of a home in a simulated city: what each step costs, how calm the lists are, what gates and monitor say.

python -m benchmarks city --scale 0.1 --months 36 --seed 1

Trained through 2025-09-01, six monthly lists, then ten days in a row; a challenger trained later goes through the gates
and runs in the shadow; the monitor looks back from half a year on. What lists are worth is in `models-*`, over more
cities and dates; here `evaluate` judges the published ones as a user would.
"""

from __future__ import annotations

import json
import tempfile
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from benchmarks.calm import calm, calm_lines
from benchmarks.floor import floor
from benchmarks.published import published, published_lines
from benchmarks.recording import Step, facts, run_step, table, write

_THROUGH = date(2025, 9, 1)
_MONTHLY = tuple(date(2025 + (8 + i) // 12, (8 + i) % 12 + 1, 1) for i in range(6))
_ROW = tuple(date(2026, 2, 2) + timedelta(days=i) for i in range(10))
_LATER = date(2026, 2, 12)
_SHADOWED = (date(2026, 2, 13), date(2026, 2, 14))
_LOOKS = date(2026, 6, 15)
_TRAIN_S, _TRAIN_MB = 180.0, 4096.0


def main(scale: float, months: int, seed: int) -> None:
    """Live the life of a home; write `results/city-*`."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        city = home / "city"
        size = ("--scale", str(scale), "--months", str(months), "--seed", str(seed))
        steps = [
            run_step("simulate", home, "simulate", str(city), *size),
            run_step("ingest", home, "ingest", str(city)),
            run_step("ingest-again", home, "ingest", str(city)),
        ]
        read = floor(home)
        trained = run_step("train", home, "train", "--through", _THROUGH.isoformat())
        steps.append(trained)
        steps += [run_step(f"run-{day}", home, "run", day.isoformat()) for day in (*_MONTHLY, *_ROW)]
        for day in (*_MONTHLY, *_ROW):
            for verb in ("list", "scores"):
                run_step("handed-out", home, verb, str(day), "--out", str(home / f"{verb}-{day}.parquet"))
        calmness = calm(home, _ROW)
        came_true = published(home, _MONTHLY)
        steps.append(run_step("train-later", home, "train", "--through", _LATER.isoformat(), "--json"))
        gates = [_challenged(home, model_id, steps) for model_id in _trained(steps[-1])]
        steps += [run_step(f"run-shadowed-{day}", home, "run", day.isoformat()) for day in _SHADOWED]
        page = home / "monitor.html"
        steps.append(run_step("monitor", home, "monitor", _LOOKS.isoformat(), "--out", str(page), "--json"))
        watched = json.loads(steps[-1].output)
        kilobytes = page.stat().st_size / 1024
        truth = ("--truth", str(city / "truth.parquet"), "--mature-only")
        judged = run_step("evaluate", home, "evaluate", *truth, "--json")
        said = run_step("evaluate-text", home, "evaluate", *truth)
        steps.append(judged)
    report = "\n".join(
        [
            f"Simulated city, scale {scale}, {months} months, seed {seed}; trained once through {_THROUGH}. The floor is",
            "reading every Parquet file of the lake once with DuckDB in the same run. `truth` ranks by the probability",
            "given the hidden state: the best any model could do.",
            "",
            *_cost(trained),
            "",
            f"## Ten days in a row, {_ROW[0]} … {_ROW[-1]}",
            "",
            *calm_lines(calmness),
            "",
            f"## What was published on {len(_MONTHLY)} firsts of a month, and came true",
            "",
            *published_lines(came_true),
            "",
            f"## A challenger, trained through {_LATER}",
            "",
            *(line for one in gates for line in _gate_lines(one)),
            "",
            f"## The monitor on {_LOOKS}, {kilobytes:.0f} KB of HTML",
            "",
            *_watched(watched),
            "",
            table([read, *steps], read),
            "",
            "```",
            trained.output.rstrip(),
            "",
            said.output.rstrip(),
            "```",
            "",
        ]
    )
    figures = {
        "judged": json.loads(judged.output)["kinds"],
        "calm": calmness,
        "published": came_true,
        "gates": gates,
        "monitor_kb": round(kilobytes, 1),
        "steps": [facts(step) for step in [read, *steps]],
    }
    name = f"city-{scale}-{months}-{seed}"
    command = f"python -m benchmarks city --scale {scale} --months {months} --seed {seed}"
    write(name, command, figures, report)


def _trained(step: Step) -> list[str]:
    kinds = json.loads(step.output)["kinds"].values()
    return [one["model_id"] for one in kinds if one.get("role") == "challenger"]


def _challenged(home: Path, model_id: str, steps: list[Step]) -> dict[str, Any]:
    """Take a challenger to the gates and put it in the shadow."""
    steps.append(run_step(f"gates-{model_id}", home, "promote", model_id, "--check", "--json"))
    until = ("--from", str(_SHADOWED[0]), "--until", str(_SHADOWED[-1]))
    run_step("shadow", home, "shadow", model_id, *until)
    found: dict[str, Any] = json.loads(steps[-1].output)
    return found


def _cost(trained: Step) -> list[str]:
    rows = (
        ("`anxin train`, both kinds, wall seconds", trained.wall_s, _TRAIN_S),
        ("`anxin train`, peak memory, MB", trained.peak_mb, _TRAIN_MB),
    )
    lines = ["| what | measured | asked | |", "| --- | --- | --- | --- |"]
    for what, found, most in rows:
        verdict = "held" if found <= most else "**MISSED**"
        lines.append(f"| {what} | {found:,.0f} | ≤ {most:,.0f} | {verdict} |")
    return lines


def _gate_lines(found: dict[str, Any]) -> list[str]:
    lines = [f"`{found['model_id']}` on {found['basis']}:", ""]
    lines += [f"- {name}: {gate['state']}; {gate['en']}" for name, gate in found["gates"].items()]
    return [*lines, ""]


def _watched(found: dict[str, Any]) -> list[str]:
    lines = [
        "| kind | state | features that moved | alarm all | alarm new |",
        "| --- | --- | --- | --- | --- |",
    ]
    for kind, one in found["kinds"].items():
        moved = [shift["name"] for shift in one["features"] if shift["state"] != "steady"]
        alarms = (one["alarm"][group]["alarmed"] or "none" for group in ("all", "new"))
        cells = (kind, one["state"], f"{len(moved)} of {len(one['features'])}", *alarms)
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return lines
