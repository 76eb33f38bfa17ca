"""Running a command with its cost, and writing a result file that says where it came from."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"

_PACKAGES = ("anxin", "duckdb", "ibis-framework", "lightgbm", "mlflow", "numpy", "pandas", "pyarrow")


@dataclass(frozen=True)
class Step:
    """One command as a whole process: wall and processor seconds, peak memory in MB, and what it printed."""

    name: str
    command: str
    wall_s: float
    cpu_s: float
    peak_mb: float
    output: str


def run_step(name: str, home: Path, *arguments: str) -> Step:
    """Run one `anxin` verb on a home as a process of its own; a failing verb ends the benchmark."""
    command = "anxin " + " ".join(Path(a).name if a.startswith("/") else a for a in arguments)
    return run_child(name, command, home, "anxin.cli", *arguments)


def run_child(name: str, command: str, home: Path, module: str, *arguments: str) -> Step:
    """Run a module on a home as a process of its own, with its cost; `command` is how the result calls it."""
    started = time.perf_counter()
    with tempfile.TemporaryFile("w+", encoding="utf-8") as sink:
        child = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            stdout=sink,
            env={**os.environ, "ANXIN_HOME": str(home)},
        )
        _, status, usage = os.wait4(child.pid, 0)
        sink.seek(0)
        output = sink.read()
    wall = time.perf_counter() - started
    if status:
        raise SystemExit(f"{command} failed with status {status}")
    step = Step(
        name,
        command,
        round(wall, 2),
        round(usage.ru_utime + usage.ru_stime, 2),
        round(usage.ru_maxrss / 1024, 1),
        output,
    )
    sys.stderr.write(f"{name:24} {step.wall_s:8.1f} s wall {step.cpu_s:8.1f} s cpu {step.peak_mb:8.0f} MB\n")
    return step


def machine() -> dict[str, Any]:
    """Return what was measured on: processor count, memory, system, versions of what matters, load at the time."""
    return {
        "cpus": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": platform.system(),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "load_1min": round(os.getloadavg()[0], 2),
        "packages": {name: metadata.version(name) for name in _PACKAGES},
    }


def write(name: str, command: str, figures: dict[str, Any], report: str) -> None:
    """Write `results/<name>.json` and, for people, `results/<name>.md`."""
    RESULTS.mkdir(exist_ok=True)
    head = {"command": command, "machine": machine()}
    text = json.dumps({**head, **figures}, ensure_ascii=False, indent=1, default=str)
    (RESULTS / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    about = head["machine"]
    lines = [
        f"# {name}",
        "",
        f"Command: `{command}`",
        "",
        f"Machine: {about['cpus']} processors, {about['memory_gib']} GiB, Python {about['python']}, load when written "
        f"{about['load_1min']}; " + ", ".join(f"{k} {v}" for k, v in about["packages"].items()),
        "",
        report,
    ]
    (RESULTS / f"{name}.md").write_text("\n".join(lines), encoding="utf-8")


def table(steps: list[Step], floor: Step | None = None) -> str:
    """Return steps as a Markdown table, each beside the floor of the same run if there is one."""
    rows = [
        "| step | command | wall s | cpu s | peak MB | × floor |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for step in steps:
        ratio = f"{step.wall_s / floor.wall_s:.1f}" if floor is not None else ""
        rows.append(
            f"| {step.name} | `{step.command}` | {step.wall_s} | {step.cpu_s} | {step.peak_mb} | {ratio} |"
        )
    return "\n".join(rows)


def facts(step: Step) -> dict[str, Any]:
    """Return a step without what it printed."""
    return {key: value for key, value in asdict(step).items() if key != "output"}
