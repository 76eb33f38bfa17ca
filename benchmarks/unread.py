"""Which columns earn nothing: the share of the trees' gain of every column that models could read, lake by lake.

python -m benchmarks unread HOME:THROUGH ...

A column with less than a thousandth on every lake is one that models may leave out (`unread` in the catalogue); what
leaving them out costs, on other cities, is said by `ablation`. Taught rows only: nothing here is judged.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

import numpy as np

from anxin.features import catalogue
from anxin.features.known import Kind
from anxin.features.snapshots import KINDS
from anxin.feeds.asof import View
from anxin.feeds.lake import Lake
from anxin.training.fitting import fit
from anxin.training.settings import stored
from benchmarks.ablation import taught
from benchmarks.recording import Step, facts, run_child, table, write

LEAST = 0.001
"""Of the gain of all columns; the horizon, which every model reads, is not one of them."""
_FEWEST = 10
"""Positive rows without which nothing is learned, as in `anxin train`."""

Shares = dict[str, float]


def main(lakes: Sequence[str]) -> None:
    """Ask every lake and write `results/unread.*`."""
    names = [Path(lake.rpartition(":")[0]).name for lake in lakes]
    if len(set(names)) < len(names):
        raise SystemExit(f"two lakes have one name: {', '.join(names)}")
    steps: list[Step] = []
    found: dict[str, dict[str, Shares]] = {kind: {} for kind in KINDS}
    for lake in lakes:
        home, _, through = lake.rpartition(":")
        for kind in KINDS:
            name = f"{Path(home).name} {kind}"
            step = run_child(name, "teach and add up", Path(home), "benchmarks.unread", kind, through)
            steps.append(step)
            shares = json.loads(step.output)
            if shares:
                found[kind][f"{Path(home).name} through {through}"] = shares
    # A kind of which no lake knows enough has nothing to say.
    compared = {kind: _compared(kind, found[kind]) for kind in KINDS if found[kind]}
    lines = [
        f"A column earns nothing on a lake if it has less than {LEAST} of the gain of all columns, or never says",
        "anything there. Found is what earns nothing on any of them; the catalogue is what models leave out today.",
        "",
        "| kind | lakes | columns | found | in the catalogue | both | gain of the catalogue's, most of any lake |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        *(
            f"| {kind} | {', '.join(found[kind])} | {one['columns']} | {len(one['found'])} | {len(one['catalogue'])} "
            f"| {len(set(one['found']) & set(one['catalogue']))} | {one['most']:.4f} |"
            for kind, one in compared.items()
        ),
        "",
    ]
    for kind, one in compared.items():
        for said, names in (
            ("earn nothing here but are read", set(one["found"]) - set(one["catalogue"])),
            ("are left out but earn something here", set(one["catalogue"]) - set(one["found"])),
        ):
            lines += [f"{kind}: {said}: {', '.join(sorted(names)) or 'none'}.", ""]
    figures = {"shares": found, "compared": compared, "steps": [facts(step) for step in steps]}
    command = "python -m benchmarks unread " + " ".join(
        f"{Path(home).name}:{through}" for home, _, through in (lake.rpartition(":") for lake in lakes)
    )
    write("unread", command, figures, "\n".join([*lines, table(steps), ""]))


def _compared(kind: str, lakes: Mapping[str, Shares]) -> dict[str, object]:
    """Return what earns nothing on any lake beside what the catalogue leaves out, and how much that earns at most."""
    readable = [feature.name for feature in catalogue.readable(kind)]
    found = [name for name in readable if all(shares.get(name, 0.0) < LEAST for shares in lakes.values())]
    out = sorted(set(readable) - {feature.name for feature in catalogue.learned(kind)})
    most = max(sum(shares.get(name, 0.0) for name in out) for shares in lakes.values())
    return {"columns": len(readable), "found": found, "catalogue": out, "most": most}


def shares(home: Path, kind: Kind, through: date) -> Shares:
    """Return the share of the gain of each column, with the stored settings; nothing where too little is known."""
    settings = stored()
    names = tuple(feature.name for feature in catalogue.readable(kind))
    kept, rows = taught(View(Lake(home / "var" / "lake")), kind, names, through)
    if np.count_nonzero(rows.y) < _FEWEST:
        return {}
    booster = fit(rows, kept, settings.lightgbm[kind], settings.rounds[kind], settings.seed)
    gains = np.asarray(booster.feature_importance("gain"))[: len(kept)]
    return dict(zip(kept, (gains / max(gains.sum(), 1e-300)).tolist(), strict=True))


if __name__ == "__main__":
    asked_kind, asked_through = sys.argv[1:3]
    sys.stdout.write(
        json.dumps(
            shares(Path(os.environ["ANXIN_HOME"]), asked_kind, date.fromisoformat(asked_through))  # type: ignore[arg-type]
        )
    )
