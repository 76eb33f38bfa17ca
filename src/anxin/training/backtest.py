"""The backtest: what the model would have said in the past, never on rows that taught it.

Each fold pretends T was earlier: labels as known then, dates mature then. From the margins it gives for later dates come
the number of rounds, the slope of the calibration, and every figure that is reported. A fold's own figures use the
rounds and slope that the other folds chose and the level of the rows that taught it. The other folds share cases with
its rows where they are next to it, newer ones look back on them: of two numbers that is little, of a level too much.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from anxin.features.known import Kind
from anxin.feeds.asof import View
from anxin.judging.baselines import BASELINES
from anxin.judging.evaluator import GROUPS, Measures, judge, mean_over_dates
from anxin.judging.resampling import Subjects, drawn
from anxin.models.probability import HORIZONS, SCORE_HORIZON, fit_slope, level
from anxin.training.fitting import fit
from anxin.training.levels import Margins, Passed, by_rounds, calibrated, last_year, spread
from anxin.training.rows import Labelled, Matrix, label, stack
from anxin.training.settings import STORED, Settings
from anxin.training.splits import Fold

Floats = npt.NDArray[np.float64]
Progress = Callable[[str, int, int], None]
Say = Callable[[str], None]

_GRID = 50
"""Rounds between the sizes compared."""

_WITHOUT_FOLDS = 200
"""Rounds where the history is too short to compare any: cautious."""


@dataclass(frozen=True)
class FoldResult:
    """One fold's judged rows (places in the snapshot), and what its trees said of them and of their own last year."""

    fold: Fold
    places: npt.NDArray[np.int64]
    passed: Passed
    baselines: Mapping[str, Floats]
    """What each baseline says of the judged rows."""


@dataclass(frozen=True)
class Backtest:
    """What the folds decided and found."""

    rounds: int
    passed: Sequence[Passed]
    """What the trees of each fold said, at each number of rounds; `place` is that of the rounds chosen."""
    place: int
    columns: Sequence[int]
    """Per fold of `passed` the place of the rounds that the other folds chose: those its rows are judged at."""
    measures: Mapping[str, list[Measures]]
    """Per ranking (`model` and the baselines), per date, for all and for 新发现."""
    gains: Mapping[str, Mapping[str, Mapping[str, float | int | None]]]
    """Per baseline and group how much higher the model's average precision is, with an interval over subjects."""
    judged: pd.DataFrame
    """`as_of, y, y_plain, in_hand` and `place` in the snapshot of every judged row, with `p90` as it would have been said
    then; training adds `p90_now`, that of `said_now`."""


def backtest(
    view: View,
    snapshot: pa.Table,
    features: Matrix,
    names: tuple[str, ...],
    labelled: Labelled,
    folds: Sequence[Fold],
    outages: Sequence[tuple[date, date]],
    kind: Kind,
    settings: Settings,
    on_progress: Progress | None = None,
    say: Say | None = None,
) -> Backtest:
    """Run the folds over a snapshot of many dates (`features` are its columns `names`); `say` is told a line for each."""
    least = settings.rounds[kind] // 2 if settings.name(kind) == STORED else 0
    grid = round_grid(settings.rounds[kind], least)
    as_of = snapshot["as_of"].to_numpy(zero_copy_only=False).astype("datetime64[D]")
    positives = sum(float(np.nansum(y)) for y in labelled.y.values())

    def result(step: int, fold: Fold) -> FoldResult | None:
        if on_progress is not None:
            on_progress(f"{kind} fold {fold.through}", step, len(folds))
        then = label(view.beside(), snapshot, fold.through, kind, outages)
        before = as_of < np.datetime64(fold.through)
        if not sum(float(np.nansum(y[before])) for y in then.y.values()):
            return None
        # Stacked here, so that only as many folds are held as are fitted at once.
        rows = stack(features, then, before, settings.rows, settings.seed)
        booster = fit(rows, names, settings.lightgbm[kind], settings.rounds[kind], settings.seed)
        cases = float(rows.y.sum()) / positives
        recent = last_year(booster, grid, rows, as_of)
        # What taught the trees goes before what they are judged on comes.
        del rows
        places = np.flatnonzero(np.isin(as_of, np.array(fold.judged, dtype="datetime64[D]")))
        x = np.empty((len(places), features.shape[1] + 1), features.dtype)
        for column in range(features.shape[1]):
            x[:, column] = features[places, column]
        margins = {}
        for horizon in HORIZONS:
            x[:, -1] = horizon
            margins[horizon] = Margins(
                by_rounds(booster, x, grid), labelled.y[horizon][places], np.ones(len(places))
            )
        if say is not None:
            judged = snapshot.select(["as_of", "in_hand"]).take(pa.array(places)).to_pandas()
            found = margins[SCORE_HORIZON]
            judged = judged.assign(y=found.y, figure=found.by_rounds[:, -1])
            say(_line(kind, fold, {group: mean_over_dates(judge(judged), group) for group in GROUPS}))
        beside = _baselines(snapshot, places, as_of[places])
        return FoldResult(fold, places, Passed(recent, margins, cases), beside)

    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        each = pool.map(result, range(len(folds)), folds)
        results = [one for one in each if one is not None]
    if not results:
        return Backtest(min(_WITHOUT_FOLDS, settings.rounds[kind]), (), 0, (), {}, {}, pd.DataFrame())
    best = _best_column(results, cautious(grid))
    passed = [result.passed for result in results]
    columns = [_best_column([r for r in results if r is not one], cautious(grid)) for one in results]
    judged = _judged(snapshot, labelled, results, columns, settings)
    rankings = {"model": judged["p90"].to_numpy(float)}
    places = judged["place"].to_numpy(int)
    rankings |= {name: np.concatenate([one.baselines[name] for one in results]) for name in BASELINES}
    measures = {
        name: judge(
            judged.assign(figure=figure)
            if name == "model"
            else judged.drop(columns="p90").assign(figure=figure)
        )
        for name, figure in rankings.items()
    }
    gains = _gains(judged.assign(subject_id=snapshot["subject_id"].take(pa.array(places))), rankings)
    return Backtest(grid[best], passed, best, columns, measures, gains, judged)


def _gains(
    rows: pd.DataFrame, rankings: Mapping[str, Floats]
) -> dict[str, dict[str, Mapping[str, float | int | None]]]:
    """Compare the model with each baseline by average precision, on the same draws of subjects."""
    if not rows["y"].notna().any():
        return {}
    subjects = Subjects(rows["subject_id"])
    found = {name: drawn(rows.assign(figure=figure), subjects, ()) for name, figure in rankings.items()}
    ours = found.pop("model")
    return {
        name: {group: ours[group].gain(theirs[group], "average_precision") for group in GROUPS}
        for name, theirs in found.items()
    }


def _baselines(
    snapshot: pa.Table, places: npt.NDArray[np.int64], days: npt.NDArray[np.datetime64]
) -> dict[str, npt.NDArray[np.float64]]:
    """Return what each baseline says of rows of a snapshot, a date at a time: a year of them would fill a gigabyte."""
    found = {name: np.empty(len(places)) for name in BASELINES}
    for day in np.unique(days):
        there = np.flatnonzero(days == day)
        rows = snapshot.take(pa.array(places[there]))
        for name, ranking in BASELINES.items():
            found[name][there] = ranking(rows)
    return found


def _line(kind: Kind, fold: Fold, means: Mapping[str, Mapping[str, float]]) -> str:
    """Return what a fold found, for all and for 新发现, at the most rounds: the backtest chooses how many only later."""
    said = [
        f"{zh} {group} AP {means[group]['average_precision']:.3f}"
        for group, zh in zip(GROUPS, ("全部", "新发现"), strict=True)
        if "average_precision" in means[group]
    ]
    return f"{kind} 折 fold: 训练至 through {fold.through}, 评 judged {len(fold.judged)} 日 dates  {'  '.join(said)}"


def round_grid(most: int, least: int = 0) -> list[int]:
    """Return the numbers of rounds that are compared.

    With the stored settings from half of the most: folds were taught less than the model will be and judge few cases, and
    the fewest rounds some of them ask for are chance. Settings that learn faster may need as few.
    """
    return list(range(max(1, least // _GRID) * _GRID, most + 1, _GRID))


def cautious(grid: Sequence[int]) -> int:
    """Return the place in a grid of what is nearest to the rounds used where there is nothing to compare by."""
    return int(np.argmin(np.abs(np.array(grid) - _WITHOUT_FOLDS)))


def _best_column(results: Sequence[FoldResult], otherwise: int) -> int:
    """Return the place in the grid of the rounds with the least out-of-time log-loss for 90 days.

    Each fold is compared at its own level: rounds are chosen for what they separate, not for how cases moved later.
    A fold in which nothing or everything came true says nothing; where all are such, `otherwise`.
    """
    total: Floats | None = None
    for result in results:
        found = result.passed.judged[SCORE_HORIZON]
        losses = []
        for place in range(found.by_rounds.shape[1]):
            group = found.at(place)
            margin, y = group.margin, group.y
            if not 0 < y.sum() < len(y):
                break
            slope = fit_slope([group], 0.0)
            z = slope * margin + level(group, slope)
            losses.append(float((np.logaddexp(0.0, z) - y * z).mean()))
        if not losses:
            continue
        total = np.array(losses) if total is None else total + np.array(losses)
    return otherwise if total is None else int(np.argmin(total))


def _judged(
    snapshot: pa.Table,
    labelled: Labelled,
    results: Sequence[FoldResult],
    columns: Sequence[int],
    settings: Settings,
) -> pd.DataFrame:
    """Return the judged rows of every fold, with rounds and slope chosen by the others.

    `p90` keeps to the level of the rows that taught the fold: what another fold missed was not known when it began, and
    newer ones share cases with it.
    """
    parts = []
    passed = [result.passed for result in results]
    for i, (result, column) in enumerate(zip(results, columns, strict=True)):
        p90 = _said(passed, i, column, settings, known=[])
        rows: pd.DataFrame = snapshot.select(["as_of", "in_hand"]).take(pa.array(result.places)).to_pandas()
        y, taught = labelled.hits[result.places], labelled.y[SCORE_HORIZON][result.places]
        # What was averted teaches nothing, and is judged as a hit and as none.
        plain = np.where(np.isfinite(y) & ~np.isfinite(taught), 0.0, y)
        parts.append(rows.assign(place=result.places, y=y, y_plain=plain, p90=p90))
    return pd.concat(parts, ignore_index=True)


def said_now(tested: Backtest, settings: Settings, top: float) -> Floats:
    """Return for every judged row what the model would say of its margin, with its bend and the slope beside it.

    Moved by what the other folds missed, newer ones too: for thresholds and drift, not for judging.
    """
    each = [
        _said(tested.passed, i, column, settings, [*tested.passed[:i], *tested.passed[i + 1 :]], top)
        for i, column in enumerate(tested.columns)
    ]
    return np.concatenate(each) if each else np.empty(0)


def _said(
    passed: Sequence[Passed],
    place: int,
    column: int,
    settings: Settings,
    known: Sequence[Passed],
    top: float = 1.0,
) -> Floats:
    """Return p90 of the rows a fold judged: the slope is that of the others, the level moved by what `known` missed."""
    prior, own = settings.calibration_prior, passed[place]
    slope = spread([*passed[:place], *passed[place + 1 :]], column, prior, top)
    said = calibrated(slope, own.taught, column, known, column, settings.fold_days, prior, top)
    return said.probability(own.judged[SCORE_HORIZON].by_rounds[:, column], SCORE_HORIZON)
