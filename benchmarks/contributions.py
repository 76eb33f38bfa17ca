"""Contributions in bulk beside LightGBM's own, shap and woodelf, on the same rows of a real model; and 2,000 reasons.

python -m benchmarks contributions --home HOME

The model is fitted on the lake of a home (only read; a city is simulated where none is named) with the stored settings
and the most rounds they allow. Differences are to LightGBM's `pred_contrib`, the definition of what is published.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import date
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from anxin.feeds.asof import View
from anxin.feeds.lake import Lake
from anxin.models.bulk import explain_all
from anxin.models.grades import Promises
from anxin.models.probability import IDENTITY, SCORE_HORIZON, Ordered
from anxin.models.reasons import TOLERANCE, explain, usual_values
from anxin.models.scoring import Model
from anxin.models.severity import Severity
from anxin.training.fitting import fit
from anxin.training.material import gather
from anxin.training.rows import stack
from anxin.training.settings import stored
from benchmarks.recording import run_step, write

KIND = "employer"
THROUGH = date(2026, 3, 1)
SOME, MANY = 2_000, 24_000
RUNS = 3
PROMISED_RATE, PROMISED_SECONDS, PROMISED_DIFFERENCE = 8_000, 5.0, 1e-5
Floats = np.ndarray


def main(home: Path | None) -> None:
    """Fit, compare, and write `results/contributions`."""
    if home is not None:
        _measure(home)
        return
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder)
        run_step(
            "simulate",
            made,
            "simulate",
            str(made / "city"),
            "--scale",
            "0.02",
            "--months",
            "24",
            "--seed",
            "2",
        )
        run_step("ingest", made, "ingest", str(made / "city"))
        _measure(made)


def _measure(home: Path) -> None:
    settings = stored()
    found = gather(View(Lake(home / "var" / "lake")), THROUGH, KIND, settings)
    every = np.ones(len(found.snapshot), dtype=bool)
    rows = stack(found.features, found.labelled, every, settings.rows, settings.seed)
    rounds = settings.rounds[KIND]
    booster = fit(rows, found.names, settings.lightgbm[KIND], rounds, settings.seed)
    ordered = Ordered(booster, found.names, IDENTITY, rounds)
    places = np.random.default_rng(0).permutation(len(found.snapshot))[:MANY]
    many = found.features[places]
    some = many[:SOME]
    exact, _ = ordered.contributions(some)
    # The first call reads the trees' text and starts threads: not what is measured.
    explain_all(ordered, some[:10])
    ways: dict[str, tuple[int, Callable[[], Floats]]] = {
        "anxin models/bulk": (MANY, lambda: explain_all(ordered, many)[0]),
        "LightGBM pred_contrib": (SOME, lambda: ordered.contributions(some)[0]),
        "shap TreeExplainer": (SOME, lambda: _shap(ordered, some)),
        "woodelf": (MANY, lambda: _woodelf(ordered, many)),
    }
    compared = []
    for name, (count, way) in ways.items():
        wall, cpu, values = _timed(way)
        off = np.abs(values[:SOME] - exact)
        compared.append(
            {
                "way": name,
                "rows": count,
                "wall_s": round(wall, 3),
                "cpu_s": round(cpu, 3),
                "rows_per_s": round(count / wall),
                "rows_per_cpu_s": round(count / cpu),
                "most_off": float(off.max()),
                "rows_off_1e-6": float((off.max(axis=1) > 1e-6).mean()),
            }
        )
    model = Model("made", KIND, THROUGH, ordered, Severity(None, None, (), ()), Promises.configured(), {})
    table = found.snapshot.take(pa.array(places[:SOME]))
    usual = usual_values(model, table)
    wall, cpu, explained = _timed(
        lambda: [(one, one.reasons(), one.lowering()) for one in explain(model, table, usual)]
    )
    off_sum = max(abs(one.base + float(one.contributions.sum()) - one.score) for one, _, _ in explained)
    published = {
        "rows": SOME,
        "wall_s": round(wall, 3),
        "cpu_s": round(cpu, 3),
        "adds_up_1e-6": sum(one.adds_up for one, _, _ in explained),
        "most_off_sum": float(off_sum),
    }
    shape = {
        "features": len(found.names),
        "rounds": rounds,
        "leaves": settings.lightgbm[KIND]["num_leaves"],
        "missing": float(np.isnan(many).mean()),
    }
    _write(home, shape, compared, published)


def _timed(way: Callable[[], Any]) -> tuple[float, float, Any]:
    """Return the medians of wall and processor seconds over some runs, and what came out."""
    walls, cpus = [], []
    for _ in range(RUNS):
        wall, cpu = time.perf_counter(), time.process_time()
        out = way()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    return statistics.median(walls), statistics.median(cpus), out


def _stacked(ordered: Ordered, rows: Floats) -> Floats:
    return np.column_stack([rows, np.full(len(rows), float(SCORE_HORIZON))])


def _shap(ordered: Ordered, rows: Floats) -> Floats:
    import shap

    explainer = shap.TreeExplainer(ordered.booster, feature_perturbation="tree_path_dependent")
    values = np.asarray(explainer.shap_values(_stacked(ordered, rows), check_additivity=False))
    return values[:, : len(ordered.features)]


def _woodelf(ordered: Ordered, rows: Floats) -> Floats:
    from woodelf.explainer import WoodelfExplainer

    table = pd.DataFrame(_stacked(ordered, rows), columns=ordered.booster.feature_name())
    values = WoodelfExplainer(ordered.booster).shap_values(table, verbose=False)
    return np.asarray(values, dtype=np.float64)[:, : len(ordered.features)]


def _write(
    home: Path, shape: dict[str, Any], compared: list[dict[str, Any]], published: dict[str, Any]
) -> None:
    ours = compared[0]
    kept = {
        f"{PROMISED_RATE} rows/s": ours["rows_per_s"] >= PROMISED_RATE,
        f"within {PROMISED_DIFFERENCE}": ours["most_off"] <= PROMISED_DIFFERENCE,
        f"{SOME} published rows within {PROMISED_SECONDS:.0f} s": published["wall_s"] <= PROMISED_SECONDS,
    }
    lines = [
        f"{shape['features']} features ({shape['missing']:.0%} missing), {shape['rounds']} rounds of",
        f"{shape['leaves']} leaves, fitted on the employers of a simulated city. Medians of {RUNS} runs.",
        "`most off` is the largest difference of one contribution to LightGBM's on the same rows.",
        "",
        "| way | rows | wall s | cpu s | rows/s | rows per cpu s | most off | rows off by 1e-6 |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
        *(
            f"| {one['way']} | {one['rows']} | {one['wall_s']} | {one['cpu_s']} | {one['rows_per_s']} |"
            f" {one['rows_per_cpu_s']} | {one['most_off']:.1e} | {one['rows_off_1e-6']:.1%} |"
            for one in compared
        ),
        "",
        f"{SOME} published rows, contributions and sentences: {published['wall_s']} s wall, {published['cpu_s']} s cpu;"
        f" {published['adds_up_1e-6']} add up within {TOLERANCE:.0e} (the worst is {published['most_off_sum']:.1e} off).",
        "",
        "; ".join(f"{name}: {'yes' if held else 'no'}" for name, held in kept.items()),
        "",
    ]
    versions = {name: metadata.version(name) for name in ("shap", "woodelf-explainer")}
    figures = {
        "model": shape,
        "versions": versions,
        "compared": compared,
        "published": published,
        "kept": kept,
    }
    write("contributions", "python -m benchmarks contributions", figures, "\n".join(lines))
