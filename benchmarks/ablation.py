"""What the features are worth: average precision with all that models read, with other sets of columns beside.

The others are the first snapshot's, all without one family, and with the columns that models leave out.

python -m benchmarks ablation --seeds 4 5 6 --fits 2

Everything but the columns is the same for all: rows, labels, settings of training, a stored number of rounds (what the
folds chose on such cities). Trained once through 2025-09-01, judged on six dates whose labels are mature.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from anxin.features import catalogue
from anxin.features.known import Kind
from anxin.features.snapshots import KINDS, snapshots
from anxin.feeds.asof import View
from anxin.feeds.lake import Lake
from anxin.judging.any_list import known_on, with_labels
from anxin.judging.evaluator import GROUPS, Measures, judge, mean_over_dates
from anxin.judging.outages import outages_of
from anxin.judging.resampling import Drawn, Subjects, drawn
from anxin.models.probability import SCORE_HORIZON
from anxin.models.scoring import matrix
from anxin.training.fitting import fit, learnable
from anxin.training.rows import Stacked, label, stack
from anxin.training.settings import stored
from anxin.training.splits import training_dates
from benchmarks.pooled import interval
from benchmarks.recording import Step, facts, run_child, run_step, table, write

THROUGH = date(2025, 9, 1)
DAYS = tuple(date(2025 + (8 + i) // 12, (8 + i) % 12 + 1, 1) for i in range(6))
ROUNDS = 250
FIRST = Path(__file__).parent / "first_snapshot.txt"
_AP = "average_precision"

Floats = npt.NDArray[np.float64]
Gains = dict[str, Any]
"""The mean gain over the dates of a city, `dates`, how many were `won`, and the mean of each draw of subjects."""


def main(seeds: Sequence[int], scale: float, months: int, fits: int) -> None:
    """Simulate, ingest, and judge every set of features per seed; write `results/ablation-*`."""
    steps: list[Step] = []
    found: dict[str, dict[str, list[Measures]]] = {kind: {} for kind in KINDS}
    gains: dict[str, dict[str, list[Gains]]] = {kind: {} for kind in KINDS}
    counts: dict[str, dict[str, int]] = {kind: {} for kind in KINDS}
    with tempfile.TemporaryDirectory() as folder:
        for seed in seeds:
            home = Path(folder) / str(seed)
            home.mkdir()
            size = ("--scale", str(scale), "--months", str(months), "--seed", str(seed))
            steps.append(run_step(f"simulate-{seed}", home, "simulate", str(home / "city"), *size))
            steps.append(run_step(f"ingest-{seed}", home, "ingest", str(home / "city")))
            for kind in KINDS:
                name = f"{kind}-{seed}"
                step = run_child(
                    name, "fit and judge every set", home, "benchmarks.ablation", kind, str(fits)
                )
                steps.append(step)
                for variant, said in json.loads(step.output).items():
                    counts[kind][variant] = said["features"]
                    measures = [Measures(**one) for one in said["measures"]]
                    dated = [replace(one, as_of=f"{seed}/{one.as_of}") for one in measures]
                    found[kind].setdefault(variant, []).extend(dated)
                    gains[kind].setdefault(variant, []).append(said["gains"])
            shutil.rmtree(home)
            # After each city: a run that is cut short has told what it found.
            _report(seeds[: seeds.index(seed) + 1], scale, months, fits, found, gains, counts, steps)


def _report(
    seeds: Sequence[int],
    scale: float,
    months: int,
    fits: int,
    found: Mapping[str, Mapping[str, list[Measures]]],
    gains: Mapping[str, Mapping[str, list[Gains]]],
    counts: Mapping[str, Mapping[str, int]],
    steps: Sequence[Step],
) -> None:
    compared = {kind: _compared(found[kind], gains[kind], counts[kind]) for kind in KINDS}
    gone = sorted({name for _, name in _first()} - set(catalogue.catalogue()))
    seeds_said = " ".join(map(str, seeds))
    report = "\n".join(
        [
            f"Simulated cities, scale {scale}, {months} months, seeds {seeds_said}; trained through {THROUGH} with",
            f"{ROUNDS} rounds, judged on {len(DAYS)} mature dates each. `gain` is how much higher average precision with",
            "all that models read is, date by date, with the middle 90 % of bootstrap draws of cities and, within them,",
            "of subjects with all their dates; and the gain in each city",
            f"(fits per city and set: {fits}; the seed of a fit is chance too, which more `--fits` even out).",
            "`all` are the columns that models read, `with the unread` also those they leave out (chosen by what trees",
            "taught on seeds 1 to 3 and California gain by them; other seeds know nothing of that choice).",
            "`first` are the features named in the first snapshot, as they are computed now"
            + (f"; since gone: {', '.join(gone)}." if gone else "."),
            "",
            *(line for kind in KINDS for line in _lines(kind, compared[kind])),
            table(steps),
            "",
        ]
    )
    figures = {
        "compared": compared,
        "measures": {
            kind: {name: [asdict(one) for one in measures] for name, measures in found[kind].items()}
            for kind in KINDS
        },
        "steps": [facts(step) for step in steps],
    }
    command = (
        f"python -m benchmarks ablation --seeds {seeds_said} --scale {scale} --months {months} --fits {fits}"
    )
    # Fewer cities than the three of the result stand beside it, and never in its place.
    beside = "" if len(seeds) >= 3 else "-seeds-" + "-".join(map(str, seeds))
    write(f"ablation-{scale}-{months}{beside}", command, figures, report)


def _compared(
    found: Mapping[str, list[Measures]], gains: Mapping[str, list[Gains]], counts: Mapping[str, int]
) -> list[dict[str, Any]]:
    """Return per set of features and group its mean average precision and how much higher that of all is."""
    return [
        {
            "features": variant,
            "columns": counts[variant],
            "group": group,
            _AP: mean_over_dates(measures, group).get(_AP),
            "auc": mean_over_dates(measures, group).get("auc"),
            "gain": _pooled([city[group] for city in gains[variant]]),
            "gain_by_city": [city[group]["mean"] for city in gains[variant]],
        }
        for variant, measures in found.items()
        for group in GROUPS
    ]


def _pooled(cities: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the mean gain over cities, drawn anew, each in a draw with subjects of its own drawn."""
    rng = np.random.default_rng(0)
    draws = np.array([city["draws"] for city in cities])
    mean = float(np.mean([city["mean"] for city in cities]))
    picked = rng.integers(len(cities), size=(draws.shape[1], len(cities)))
    drawn = draws[picked, np.arange(draws.shape[1])[:, None]].mean(axis=1)
    around = interval([mean, *drawn])
    return {
        "dates": sum(city["dates"] for city in cities),
        "won": sum(city["won"] for city in cities),
        "mean": mean,
        "low": around.low,
        "high": around.high,
    }


def _lines(kind: str, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    lines = []
    for group, said in zip(GROUPS, ("all", "新发现 new"), strict=True):
        lines += [
            f"## {kind}, {said}",
            "",
            "| features | columns | AP | AUC | gain of all | 90 % | dates won | by city |",
            "| --- | --- | --- | --- | --- | --- | --- | --- |",
        ]
        for row in rows:
            if row["group"] != group:
                continue
            gain = row["gain"]
            cells = [row["features"], str(row["columns"]), _number(row[_AP]), _number(row["auc"])]
            if row["features"] == "all":
                cells += [""] * 4
            else:
                cells += [
                    f"{gain['mean']:+.4f}",
                    f"{gain['low']:+.4f} … {gain['high']:+.4f}",
                    f"{gain['won']}/{gain['dates']}",
                    " ".join(f"{one:+.4f}" for one in row["gain_by_city"]),
                ]
            lines.append("| " + " | ".join(cells) + " |")
        lines.append("")
    return lines


def _number(value: float | None) -> str:
    return "—" if value is None else f"{value:.4f}"


def variants(kind: Kind) -> dict[str, tuple[str, ...]]:
    """Return the sets of features compared: all, those models leave out too, the first snapshot's, all but one family."""
    every = catalogue.learned(kind)
    first = {name for of, name in _first() if of == kind}
    sets = {
        "all": tuple(feature.name for feature in every),
        "with the unread": tuple(feature.name for feature in catalogue.readable(kind)),
        "first": tuple(feature.name for feature in catalogue.of(kind) if feature.name in first),
    }
    for family in catalogue.FAMILIES:
        left = tuple(feature.name for feature in every if feature.family != family)
        if len(left) < len(every):
            sets[f"without {family}"] = left
    return sets


def _first() -> list[tuple[str, str]]:
    lines = FIRST.read_text(encoding="utf-8").splitlines()
    return [(line.split()[0], line.split()[1]) for line in lines if not line.startswith("#")]


def taught(view: View, kind: Kind, names: tuple[str, ...], through: date) -> tuple[tuple[str, ...], Stacked]:
    """Return the columns of `names` that say anything, and the rows that trees are taught on with them."""
    settings = stored()
    firsts = [at for feed, at in view.first_received().items() if feed not in ("employers", "projects")]
    first = min(at.date() for at in firsts if at is not None)
    dead = outages_of(view, through, since=first)
    dates = training_dates(first + timedelta(days=settings.history_days), through, settings.step_days)
    snapshot = snapshots(view, dates, kind)
    kept = tuple(names[place] for place in learnable(matrix(snapshot, names), names))
    labelled = label(view, snapshot, through, kind, dead)
    everyone = np.ones(len(snapshot), dtype=bool)
    return kept, stack(matrix(snapshot, kept), labelled, everyone, settings.rows, settings.seed)


def judged(home: Path, kind: Kind, fits: int) -> dict[str, Any]:
    """Fit and judge every set of features of a kind on the lake of a home, with the mean margin of `fits` fits."""
    settings, view, sets = stored(), View(Lake(home / "var" / "lake")), variants(kind)
    every_set = tuple(dict.fromkeys(name for names in sets.values() for name in names))
    kept, rows = taught(view, kind, every_set, THROUGH)
    asked = snapshots(view, DAYS, kind)
    people = asked.select(["subject_id", "as_of", "in_hand"]).to_pandas()
    people["place"] = np.arange(len(people))
    people = with_labels(view, people, kind, known_on(view))
    x = matrix(asked, kept)[people.pop("place").to_numpy(int)]

    def one(names: tuple[str, ...]) -> tuple[int, Floats]:
        places = [place for place, name in enumerate(kept) if name in set(names)]
        columns = replace(rows, x=rows.x[:, [*places, len(kept)]])
        own = tuple(kept[place] for place in places)
        now = np.column_stack([x[:, places], np.full(len(x), float(SCORE_HORIZON))])
        margin = np.zeros(len(x))
        for seed in range(settings.seed, settings.seed + fits):
            booster = fit(columns, own, settings.lightgbm[kind], ROUNDS, seed)
            margin += np.asarray(booster.predict(now, raw_score=True, num_threads=1)) / fits
        return len(own), margin

    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        margins = dict(zip(sets, pool.map(one, sets.values()), strict=True))
    subjects = Subjects(people["subject_id"])
    ranked = {
        name: drawn(people.assign(figure=figure), subjects, ()) for name, (_, figure) in margins.items()
    }
    return {
        name: {
            "features": count,
            "measures": [asdict(found) for found in judge(people.assign(figure=figure))],
            "gains": {group: _gain(ranked["all"][group], ranked[name][group]) for group in GROUPS},
        }
        for name, (count, figure) in margins.items()
    }


def _gain(ours: Drawn, theirs: Drawn) -> Gains:
    """Return how much higher average precision is over the dates, as it is and per draw of subjects."""
    gains = ours.figures[_AP] - theirs.figures[_AP]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a draw without a hit on any date
        draws = np.nanmean(ours.draws[_AP] - theirs.draws[_AP], axis=0)
    known = np.isfinite(gains)
    return {
        "mean": float(gains[known].mean()),
        "dates": int(known.sum()),
        "won": int((gains > 0).sum()),
        "draws": np.nan_to_num(draws).tolist(),
    }


if __name__ == "__main__":
    found = judged(Path(os.environ["ANXIN_HOME"]), sys.argv[1], int(sys.argv[2]))  # type: ignore[arg-type]
    sys.stdout.write(json.dumps(found))
