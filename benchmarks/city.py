"""The whole way on a simulated city, with the cost of each step, held against the truth and the baselines.

python -m benchmarks city --scale 0.1 --months 36 --seed 1
"""

from __future__ import annotations

import json
import tempfile
from datetime import date
from pathlib import Path

from benchmarks.floor import floor
from benchmarks.recording import facts, run_step, table, write

_THROUGH = date(2025, 9, 1)
_DAYS = tuple(date(2025 + (8 + i) // 12, (8 + i) % 12 + 1, 1) for i in range(6))


def main(scale: float, months: int, seed: int) -> None:
    """Simulate, ingest, train, publish six dates, judge; write `results/city-*`."""
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
        steps.append(run_step("train", home, "train", "--through", _THROUGH.isoformat()))
        steps += [run_step(f"run-{day}", home, "run", day.isoformat()) for day in _DAYS]
        truth = ("--truth", str(city / "truth.parquet"), "--mature-only")
        judged = run_step("evaluate", home, "evaluate", *truth, "--json")
        said = run_step("evaluate-text", home, "evaluate", *truth)
        steps.append(judged)
        trained = next(step for step in steps if step.name == "train").output
    found = json.loads(judged.output)["kinds"]
    report = "\n".join(
        [
            f"Simulated city, scale {scale}, {months} months, seed {seed}; trained once through {_THROUGH}. The floor is",
            "reading every Parquet file of the lake once with DuckDB in the same run. `truth` ranks by the probability",
            "given the hidden state: the best any model could do.",
            "",
            table([read, *steps], read),
            "",
            "```",
            trained.rstrip(),
            "",
            said.output.rstrip(),
            "```",
            "",
        ]
    )
    figures = {"judged": found, "steps": [facts(step) for step in [read, *steps]]}
    name = f"city-{scale}-{months}-{seed}"
    command = f"python -m benchmarks city --scale {scale} --months {months} --seed {seed}"
    write(name, command, figures, report)
