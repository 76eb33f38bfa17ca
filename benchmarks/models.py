"""Our model beside others and the truth, on the same rows of simulated cities, with intervals.

python -m benchmarks models --seeds 1 2 3 --scale 0.1 --months 36 --homes FOLDER

Twelve monthly dates per city, all for everyone and for 新发现 alone. Models are trained through the first of them (which
judges six) and through the seventh (which judges the other six); whatever learns knows what was received by then.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from anxin.features.snapshots import KINDS
from anxin.judging.evaluator import GROUPS
from benchmarks.models_city import DAYS, JUDGED_BY
from benchmarks.pooled import DRAWS, Figure, Floats, Ints, Panel, calibration, lead, pooled
from benchmarks.recording import Step, facts, run_child, run_step, table, write
from benchmarks.sizes import size_lines, sizes

K = {"employer": 100, "project": 25}
RANKINGS = {
    "model": "LightGBM as used (`anxin train`)",
    "logistic": "logistic regression on quantile bins of our features",
    "forest": "random forest on our features",
    "plain": "plain LightGBM on two dozen hand-made counts",
    "rules": "red flags counted",
    "persistence": "complaints and cases of the last year",
    "told": "LightGBM on our features, taught the hidden probability instead of cases: what the features hold",
    "truth": "probability given the hidden state",
}
_SAYS_P = ("model", "logistic", "forest", "plain", "told", "truth")
_RATIOS = [("model", other) for other in RANKINGS if other != "model"]


_ABOUT = """
Each training judges the dates from then on. Every figure is the mean over cities and dates (calibration: pooled), with
the middle 90 % of bootstrap draws of cities and, within them, of subjects with all their dates. `× ours` is how many
times its average precision ours is. `lead` is the share of verified cases that were among the first of the list before
the first complaint (before the case where nobody complained), and the median days ahead of it; dates are a month apart.
The rivals learn the label of 90 days on dates a few days from ours; those on our features from thinned negatives,
weighted up again. `told` is no rival: no label of its rows has chance in it or has to mature. Between it and `truth` lies
what the features do not say; between `model` and it what the cases of one city do not teach. Of calibration the row
`model against the truth` has what was to be expected given the hidden state in place of what came: marks are held to what
came, this says how much of a miss is the model's and how much the luck of few cases."""


@dataclass(frozen=True)
class Mark:
    """What the model is asked to reach, what it reached with its interval, and whether the value is within."""

    kind: str
    group: str
    asked: str
    found: Figure
    held: bool


@dataclass(frozen=True)
class Judged:
    """All figures of one kind and group."""

    subjects: int
    positives: int
    figures: Mapping[str, Mapping[str, Figure]]
    ratios: Mapping[str, Figure]
    calibration: Mapping[str, Mapping[str, Figure]]
    lead: Mapping[str, Mapping[str, Any]]


def main(seeds: Sequence[int], scale: float, months: int, homes: Path | None) -> None:
    """Simulate and ingest what `homes` does not hold, train and rank per city, judge pooled; write `results/models-*`."""
    steps: list[Step] = []
    rows: dict[str, list[pd.DataFrame]] = {kind: [] for kind in KINDS}
    cases: dict[str, list[pd.DataFrame]] = {kind: [] for kind in KINDS}
    with tempfile.TemporaryDirectory() as folder:
        for seed in seeds:
            work = Path(folder) / str(seed)
            work.mkdir()
            home = homes / f"s{seed}" if homes is not None else work
            if not (home / "var" / "lake").is_dir():
                size = ("--scale", str(scale), "--months", str(months), "--seed", str(seed))
                home = work
                steps.append(run_step(f"simulate-{seed}", home, "simulate", str(home / "city"), *size))
                steps.append(run_step(f"ingest-{seed}", home, "ingest", str(home / "city")))
            for through in sorted(set(JUDGED_BY.values())):
                command = f"train both kinds through {through}"
                steps.append(_child(f"train-{seed}-{through}", command, work, "train", home, str(through)))
            for kind in KINDS:
                steps.append(_child(f"rank-{seed}-{kind}", "fit the others, rank", work, "rank", home, kind))
                rows[kind].append(pd.read_parquet(work / f"rows-{kind}.parquet").assign(city=seed))
                cases[kind].append(pd.read_parquet(work / f"cases-{kind}.parquet").assign(city=seed))
            shutil.rmtree(work)
            # After each city, with few draws: a run that is cut short has told what it found.
            draws = DRAWS if seed == seeds[-1] else DRAWS // 10
            judged = {kind: (pd.concat(rows[kind]), pd.concat(cases[kind])) for kind in KINDS}
            _report(seeds[: seeds.index(seed) + 1], scale, months, judged, steps, draws)


def _child(name: str, command: str, work: Path, verb: str, home: Path, what: str) -> Step:
    return run_child(name, command, work, "benchmarks.models_city", verb, str(home.resolve()), what)


def judge(rows: pd.DataFrame, cases: pd.DataFrame, kind: str, group: str, draws: int = DRAWS) -> Judged:
    """Judge every ranking of a kind on the rows of a group: those with a label, in the order of city and date."""
    of_group = rows if group == "all" else rows.loc[~rows["in_hand"]]
    of_group = of_group.loc[of_group["y"].notna()].sort_values(
        ["city", "as_of", "subject_id"], ignore_index=True
    )
    panel = Panel.of(of_group)
    rankings = {name: of_group[name].to_numpy(float) for name in RANKINGS}
    figures, ratios = pooled(panel, rankings, K[kind], _RATIOS, draws)
    grade = of_group["grade"].to_numpy(int)
    expected = replace(panel, y=rankings["truth"])
    return Judged(
        len(of_group),
        int(of_group["y"].sum()),
        figures,
        {other: ratios["model", other] for _, other in _RATIOS},
        {
            name: _calibrated(panel, rankings[name], grade if name == "model" else 0 * grade, draws)
            for name in _SAYS_P
        }
        | {"model against the truth": calibration(expected, rankings["model"], grade, draws // 5)},
        {name: lead(of_group, rankings[name], cases, K[kind]) for name in RANKINGS},
    )


def _calibrated(panel: Panel, p: Floats, grade: Ints, draws: int) -> dict[str, Figure]:
    """Ours with narrow draws, the others with few: nothing is decided by theirs."""
    return calibration(panel, p, grade, draws if grade.any() else draws // 5)


def marks(kind: str, group: str, found: Judged) -> list[Mark]:
    """Hold the figures of a group against what the issue asks, calibration for 新发现 alone as for everyone."""
    plain_at_least = 1.5 if group == "all" else 1.4
    asked = [(f"AP at least {plain_at_least} × plain", found.ratios["plain"], plain_at_least, None)]
    if group == "all":
        asked.append(("AP at least 30 % of the truth's", found.ratios["truth"], 0.3, None))
    said = found.calibration["model"]
    asked.append(("log-loss skill above 0", said["skill"], 0.0, None))
    asked.append(("slope within 0.8 … 1.2", said["slope"], 0.8, 1.2))
    for name, figure in said.items():
        if name.startswith("oe_"):
            where = name.removeprefix("oe_").replace("grade_", "grade ")
            asked.append((f"observed/expected of {where} within 0.8 … 1.25", figure, 0.8, 1.25))
    return [
        Mark(kind, group, what, figure, figure.value >= low and (high is None or figure.value <= high))
        for what, figure, low, high in asked
    ]


def _report(
    seeds: Sequence[int],
    scale: float,
    months: int,
    judged: Mapping[str, tuple[pd.DataFrame, pd.DataFrame]],
    steps: Sequence[Step],
    draws: int,
) -> None:
    found = {(kind, group): judge(*judged[kind], kind, group, draws) for kind in KINDS for group in GROUPS}
    large = {kind: sizes(judged[kind][0]) for kind in KINDS}
    throughs = " and ".join(map(str, sorted(set(JUDGED_BY.values()))))
    held = [mark for (kind, group), one in found.items() for mark in marks(kind, group, one)]
    said = " ".join(map(str, seeds))
    report = "\n".join(
        [
            f"Simulated cities, scale {scale}, {months} months, seeds {said};",
            f"{len(DAYS)} dates each, {DAYS[0]} … {DAYS[-1]}; trained through {throughs}.",
            _ABOUT,
            "",
            *(f"- `{name}`: {what}" for name, what in RANKINGS.items()),
            "",
            "## Marks",
            "",
            *_marks(held),
            *(line for (kind, group), one in found.items() for line in _lines(kind, group, one)),
            *size_lines(large),
            table(list(steps)),
            "",
        ]
    )
    figures = {
        "marks": [asdict(mark) for mark in held],
        "sizes": {
            kind: {name: one if isinstance(one, float) else one.as_dict() for name, one in of.items()}
            for kind, of in large.items()
        },
        "judged": {f"{kind} {group}": asdict(one) for (kind, group), one in found.items()},
        "steps": [facts(step) for step in steps],
    }
    command = f"python -m benchmarks models --seeds {said} --scale {scale} --months {months}"
    # Cities of the other seeds taught some of the choices; what others say stands beside it.
    beside = "" if list(seeds) == [1, 2, 3] else "-seeds-" + "-".join(map(str, seeds))
    write(f"models-{scale}-{months}{beside}", command, figures, report)
    print("\n".join(_marks(held)))


def _marks(held: Sequence[Mark]) -> list[str]:
    lines = ["| kind | group | asked | found | |", "| --- | --- | --- | --- | --- |"]
    for mark in held:
        verdict = "held" if mark.held else "**MISSED**"
        lines.append(f"| {mark.kind} | {mark.group} | {mark.asked} | {_text(mark.found)} | {verdict} |")
    return [*lines, ""]


def _lines(kind: str, group: str, found: Judged) -> list[str]:
    k = K[kind]
    name = "all" if group == "all" else "新发现 new"
    lines = [
        f"## {kind}, {name}",
        "",
        f"{found.subjects} rows, {found.positives} positive.",
        "",
        f"| ranking | AP | × ours | AUC | P@{k} | R@{k} | lead: share | days |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for ranking in RANKINGS:
        said, ahead = found.figures[ranking], found.lead[ranking]
        cells = [
            _text(said["ap"], 4),
            _text(found.ratios[ranking]) if ranking in found.ratios else "",
            _text(said["auc"]),
            _text(said["precision"]),
            _text(said["recall"]),
            _text(ahead["share"]),
            _text(ahead["days"], 0),
        ]
        lines.append(f"| {ranking} | " + " | ".join(cells) + " |")
    grades = [key for key in found.calibration["model"] if key.startswith("oe_grade")]
    heads = [key.replace("oe_grade_", "O/E grade ") for key in grades]
    lines += [
        "",
        "| ranking | log-loss skill | slope | O/E first 100 | O/E first 500 | " + " | ".join(heads) + " |",
        "| --- | --- | --- | --- | --- |" + " --- |" * len(heads),
    ]
    for ranking, one in found.calibration.items():
        keys = ["skill", "slope", "oe_100", "oe_500", *grades]
        lines.append(f"| {ranking} | " + " | ".join(_text(one.get(key)) for key in keys) + " |")
    return [*lines, ""]


def _text(figure: Figure | None, places: int = 3) -> str:
    """Return a value with its interval."""
    if figure is None or figure.value != figure.value:
        return "—"
    return f"{figure.value:.{places}f} [{figure.low:.{places}f}, {figure.high:.{places}f}]"
