"""The backtest: what the model would have said in the past, never on rows that taught it.

Each fold pretends T was earlier: labels as known then, dates mature then. From the margins it gives for later dates come
the number of rounds, the calibration, and every figure that is reported. A fold's own figures use the calibration of
the other folds, so that no probability was fitted to the rows it is judged on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from scipy.special import expit

from anxin.features.known import Kind
from anxin.feeds.asof import View
from anxin.judging.baselines import BASELINES
from anxin.judging.evaluator import Measures, judge
from anxin.models.probability import HORIZONS, IDENTITY, SCORE_HORIZON, Calibration, fit_calibration
from anxin.training.fitting import fit
from anxin.training.rows import Labelled, label, stack
from anxin.training.settings import Settings
from anxin.training.splits import Fold

Floats = npt.NDArray[np.float64]
Progress = Callable[[str, int, int], None]

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
    """One fold's rows (places in the snapshot) and margins per horizon."""

    fold: Fold
    places: npt.NDArray[np.int64]
    margins: Mapping[int, Margins]


@dataclass(frozen=True)
class Backtest:
    """What the folds decided and found."""

    rounds: int
    calibration: Calibration
    measures: Mapping[str, list[Measures]]
    """Per ranking (`model` and the baselines), per date, for all and for 新发现."""
    judged: pd.DataFrame
    """`as_of, y, p90, in_hand` of every judged row, for calibration plots."""


def backtest(
    view: View,
    snapshot: pa.Table,
    features: Floats,
    names: tuple[str, ...],
    labelled: Labelled,
    folds: Sequence[Fold],
    outages: Sequence[tuple[date, date]],
    kind: Kind,
    settings: Settings,
    on_progress: Progress | None = None,
) -> Backtest:
    """Run the folds over a snapshot of many dates (`features` are its columns `names`)."""
    grid = list(range(_GRID, settings.rounds[kind] + 1, _GRID))
    as_of = snapshot["as_of"].to_numpy(zero_copy_only=False).astype("datetime64[D]")
    results = []
    for step, fold in enumerate(folds):
        if on_progress is not None:
            on_progress(f"{kind} fold {fold.through}", step, len(folds))
        then = label(view, snapshot, fold.through, kind, outages)
        before = as_of < np.datetime64(fold.through)
        rows = stack(features, then, before, settings.rows, settings.seed)
        if not rows.y.sum():
            continue
        booster = fit(rows, names, settings.lightgbm[kind], settings.rounds[kind], settings.seed)
        places = np.flatnonzero(np.isin(as_of, np.array(fold.judged, dtype="datetime64[D]")))
        margins = {}
        for horizon in HORIZONS:
            x = np.column_stack([features[places], np.full(len(places), float(horizon))])
            columns = [booster.predict(x, raw_score=True, num_iteration=n) for n in grid]
            margins[horizon] = Margins(np.column_stack(columns), labelled.y[horizon][places])
        results.append(FoldResult(fold, places, margins))
    if not results:
        return Backtest(min(_WITHOUT_FOLDS, settings.rounds[kind]), IDENTITY, {}, pd.DataFrame())
    best = _best_column(results)
    calibration = _calibrate(results, best, settings.calibration_prior)
    judged = _judged(snapshot, results, best, settings.calibration_prior)
    rankings = {"model": judged["p90"].to_numpy(float)}
    places = judged.pop("place").to_numpy(int)
    rows_judged = snapshot.take(pa.array(places))
    rankings |= {name: ranking(rows_judged) for name, ranking in BASELINES.items()}
    measures = {
        name: judge(judged.assign(figure=figure) if name == "model" else judged.drop(columns="p90").assign(figure=figure))
        for name, figure in rankings.items()
    }
    return Backtest(grid[best], calibration, measures, judged)


def _best_column(results: Sequence[FoldResult]) -> int:
    """Return the place in the grid of the rounds with the least out-of-time log-loss for 90 days."""
    total: Floats = np.zeros(1)
    for result in results:
        found = result.margins[SCORE_HORIZON]
        known = np.isfinite(found.y)
        z, y = found.by_rounds[known], found.y[known][:, None]
        total = total + (np.logaddexp(0.0, z) - y * z).mean(axis=0)
    return int(np.argmin(total))


def _calibrate(results: Sequence[FoldResult], column: int, prior: float) -> Calibration:
    margins, ys, weights = [], [], []
    for horizon in HORIZONS:
        parts = [r.margins[horizon] for r in results]
        y = np.concatenate([part.y for part in parts]) if parts else np.empty(0)
        m = np.concatenate([part.by_rounds[:, column] for part in parts]) if parts else np.empty(0)
        known = np.isfinite(y)
        margins.append(m[known])
        ys.append(y[known])
        weights.append(np.ones(int(known.sum())))
    return fit_calibration(margins, ys, weights, prior)


def _judged(snapshot: pa.Table, results: Sequence[FoldResult], column: int, prior: float) -> pd.DataFrame:
    parts = []
    for i, result in enumerate(results):
        others = [r for j, r in enumerate(results) if j != i]
        calibration = _calibrate(others, column, prior) if others else IDENTITY
        found = result.margins[SCORE_HORIZON]
        margin = found.by_rounds[:, column]
        p90 = expit(calibration.slope * margin + calibration.intercepts[HORIZONS.index(SCORE_HORIZON)])
        rows = snapshot.select(["as_of", "in_hand"]).take(pa.array(result.places)).to_pandas()
        parts.append(rows.assign(place=result.places, y=found.y, p90=p90))
    return pd.concat(parts, ignore_index=True)
