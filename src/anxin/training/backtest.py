"""The backtest: what the model would have said in the past, never on rows that taught it.

Each fold pretends T was earlier: labels as known then, dates mature then. From the margins it gives for later dates come
the number of rounds, the slope of the calibration, and every figure that is reported. A fold's own figures use the
rounds and slope that the other folds chose and the level of the rows that taught it, so that nothing was fitted to the
rows it is judged on.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from typing import Any

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from anxin.features.known import Kind
from anxin.feeds.asof import View
from anxin.judging.baselines import BASELINES
from anxin.judging.evaluator import GROUPS, Measures, judge, mean_over_dates
from anxin.models.probability import HORIZONS, SCORE_HORIZON, Observed, fit_calibration, fit_slope, level
from anxin.training.fitting import fit
from anxin.training.rows import Labelled, Matrix, Stacked, label, stack
from anxin.training.settings import Settings
from anxin.training.splits import Fold

Floats = npt.NDArray[np.float64]
Progress = Callable[[str, int, int], None]
Say = Callable[[str], None]

_GRID = 50
"""Rounds between the sizes compared."""

_WITHOUT_FOLDS = 200
"""Rounds where the history is too short to compare any: cautious."""


@dataclass(frozen=True)
class Margins:
    """Out-of-time margins of one fold for one horizon: one column per number of rounds compared."""

    by_rounds: Floats
    y: Floats


@dataclass(frozen=True)
class FoldResult:
    """One fold's judged rows (places in the snapshot), margins per horizon, and what is needed for its level."""

    fold: Fold
    places: npt.NDArray[np.int64]
    margins: Mapping[int, Margins]
    booster: lgb.Booster
    taught: Stacked


@dataclass(frozen=True)
class Backtest:
    """What the folds decided and found."""

    rounds: int
    slope: float
    measures: Mapping[str, list[Measures]]
    """Per ranking (`model` and the baselines), per date, for all and for 新发现."""
    judged: pd.DataFrame
    """`as_of, y, p90, in_hand` and `place` in the snapshot of every judged row."""


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
    grid = round_grid(settings.rounds[kind])
    as_of = snapshot["as_of"].to_numpy(zero_copy_only=False).astype("datetime64[D]")
    taught = []
    for step, fold in enumerate(folds):
        if on_progress is not None:
            on_progress(f"{kind} fold {fold.through}", step, len(folds))
        then = label(view, snapshot, fold.through, kind, outages)
        rows = stack(features, then, as_of < np.datetime64(fold.through), settings.rows, settings.seed)
        if rows.y.sum():
            taught.append((fold, rows))

    def result(fold: Fold, rows: Stacked) -> FoldResult:
        booster = fit(rows, names, settings.lightgbm[kind], settings.rounds[kind], settings.seed)
        places = np.flatnonzero(np.isin(as_of, np.array(fold.judged, dtype="datetime64[D]")))
        margins = {}
        for horizon in HORIZONS:
            x = np.column_stack([features[places], np.full(len(places), horizon, features.dtype)])
            margins[horizon] = Margins(by_rounds(booster, x, grid), labelled.y[horizon][places])
        if say is not None:
            judged = snapshot.select(["as_of", "in_hand"]).take(pa.array(places)).to_pandas()
            found = margins[SCORE_HORIZON]
            judged = judged.assign(y=found.y, figure=found.by_rounds[:, -1])
            say(_line(kind, fold, {group: mean_over_dates(judge(judged), group) for group in GROUPS}))
        return FoldResult(fold, places, margins, booster, rows)

    if on_progress is not None:
        on_progress(f"{kind} folds", len(folds), len(folds) + 1)
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        results = list(pool.map(lambda pair: result(*pair), taught))
    if not results:
        return Backtest(min(_WITHOUT_FOLDS, settings.rounds[kind]), 1.0, {}, pd.DataFrame())
    cautious = max(0, min(_WITHOUT_FOLDS // _GRID, len(grid)) - 1)
    best = _best_column(results, cautious)
    slope = fit_slope(_observed(results, best), settings.calibration_prior)
    judged = _judged(snapshot, as_of, labelled, results, grid, settings.calibration_prior)
    rankings = {"model": judged["p90"].to_numpy(float)}
    places = judged["place"].to_numpy(int)
    rows_judged = snapshot.take(pa.array(places))
    rankings |= {name: ranking(rows_judged) for name, ranking in BASELINES.items()}
    measures = {
        name: judge(
            judged.assign(figure=figure)
            if name == "model"
            else judged.drop(columns="p90").assign(figure=figure)
        )
        for name, figure in rankings.items()
    }
    return Backtest(grid[best], slope, measures, judged)


def _line(kind: Kind, fold: Fold, means: Mapping[str, Mapping[str, float]]) -> str:
    """Return what a fold found, for all and for 新发现, at the most rounds: the backtest chooses how many only later."""
    said = [
        f"{zh} {group} AP {means[group]['average_precision']:.3f}"
        for group, zh in zip(GROUPS, ("全部", "新发现"), strict=True)
        if "average_precision" in means[group]
    ]
    return f"{kind} 折 fold: 训练至 through {fold.through}, 评 judged {len(fold.judged)} 日 dates  {'  '.join(said)}"


def round_grid(most: int) -> list[int]:
    """Return the numbers of rounds that are compared."""
    return list(range(_GRID, most + 1, _GRID))


def by_rounds(booster: lgb.Booster, x: Matrix, grid: Sequence[int]) -> Floats:
    """Return the margins after each number of rounds; every tree is walked once."""
    steps = [
        booster.predict(
            x, raw_score=True, start_iteration=before, num_iteration=rounds - before, num_threads=1
        )
        for before, rounds in zip([0, *grid], grid, strict=False)
    ]
    return np.cumsum(np.column_stack(steps), axis=1)


def _best_column(results: Sequence[FoldResult], otherwise: int) -> int:
    """Return the place in the grid of the rounds with the least out-of-time log-loss for 90 days.

    Each fold is compared at its own level: rounds are chosen for what they separate, not for how cases moved later.
    A fold in which nothing or everything came true says nothing; where all are such, `otherwise`.
    """
    total: Floats | None = None
    for result in results:
        found = result.margins[SCORE_HORIZON]
        known = np.isfinite(found.y)
        y = found.y[known]
        if not 0 < y.sum() < len(y):
            continue
        losses = []
        for margin in found.by_rounds[known].T:
            group = Observed(margin, y, np.ones(len(y)))
            slope = fit_slope([group], 0.0)
            z = slope * margin + level(group, slope)
            losses.append(float((np.logaddexp(0.0, z) - y * z).mean()))
        total = np.array(losses) if total is None else total + np.array(losses)
    return otherwise if total is None else int(np.argmin(total))


def _observed(results: Sequence[FoldResult], column: int) -> list[Observed]:
    """Return the judged margins of each fold and horizon that met a known outcome."""
    groups = []
    for result in results:
        for found in result.margins.values():
            known = np.isfinite(found.y)
            groups.append(Observed(found.by_rounds[known, column], found.y[known], np.ones(int(known.sum()))))
    return groups


def recent_level(
    booster: lgb.Booster, rounds: int, rows: Stacked, as_of: npt.NDArray[Any]
) -> dict[int, Observed]:
    """Return the margins of the last year of taught rows per horizon: a level needs a whole year, for the season.

    One number per horizon cannot be overfitted by the rows that taught the trees; their spread could, and is not taken.
    """
    days = as_of[rows.places]
    found = {}
    for horizon in HORIZONS:
        of_horizon = rows.x[:, -1] == horizon
        if not of_horizon.any():
            continue
        late = of_horizon & (days > days[of_horizon].max() - np.timedelta64(365, "D"))
        margin = np.asarray(
            booster.predict(rows.x[late], raw_score=True, num_iteration=rounds, num_threads=1)
        )
        found[horizon] = Observed(margin, rows.y[late], rows.weight[late])
    return found


def _judged(
    snapshot: pa.Table,
    as_of: npt.NDArray[Any],
    labelled: Labelled,
    results: Sequence[FoldResult],
    grid: Sequence[int],
    prior: float,
) -> pd.DataFrame:
    parts = []
    cautious = max(0, min(_WITHOUT_FOLDS // _GRID, len(grid)) - 1)
    for i, result in enumerate(results):
        others = [r for j, r in enumerate(results) if j != i]
        column = _best_column(others, cautious)
        slope = fit_slope(_observed(others, column), prior)
        recent = recent_level(result.booster, grid[column], result.taught, as_of)
        calibration = fit_calibration(slope, recent, prior)
        found = result.margins[SCORE_HORIZON]
        p90 = calibration.probability(found.by_rounds[:, column], SCORE_HORIZON)
        rows: pd.DataFrame = snapshot.select(["as_of", "in_hand"]).take(pa.array(result.places)).to_pandas()
        parts.append(rows.assign(place=result.places, y=labelled.hits[result.places], p90=p90))
    return pd.concat(parts, ignore_index=True)
