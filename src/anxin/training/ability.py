"""Training the ability to pay beside the main model, on the same rows, with the columns of money alone."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from anxin.judging.evaluator import Measures, judge
from anxin.judging.labels import GAP_DAYS
from anxin.models.ability import Ability, money_signs, thresholds
from anxin.models.probability import Observed, Ordered, fit_slope
from anxin.training.fitting import fit
from anxin.training.levels import calibrated, last_year
from anxin.training.rows import Matrix, Stacked

Floats = npt.NDArray[np.float64]

RANKING = "ability"
"""Its name among the rankings of the backtest."""

_PARAMETERS = {
    "learning_rate": 0.04,
    "num_leaves": 7,
    "min_data_in_leaf": 300,
    "lambda_l2": 20.0,
    "max_bin": 63,
}
_ROUNDS = 120
_FEWEST = 10
"""Positive rows without which nothing is learned."""
_NEWEST_DAYS = 365


@dataclass(frozen=True)
class TrainedAbility:
    """The ability, and what it would have said on the backtest's dates, judged as the main model is."""

    ability: Ability
    measures: list[Measures]


def train_ability(
    rows: Stacked,
    names: tuple[str, ...],
    features: Matrix,
    as_of: npt.NDArray[np.datetime64],
    judged: pd.DataFrame,
    prior: float,
    seed: int,
) -> TrainedAbility | None:
    """Fit to the columns of money among the stacked rows (features × horizon); None where there are none to learn from.

    `judged` are the backtest's rows (`as_of, y, in_hand, place`). They are ranked by a second fit that saw only dates
    whose horizon and 45 days more were over before the first of them, with labels as known today. What of its spread held
    on them is the slope of the calibration.
    """
    places = money_signs(names)
    own = tuple(names[place] for place in places)
    of_money = replace(rows, x=rows.x[:, [*places, len(names)]])
    if not own or of_money.y.sum() < _FEWEST:
        return None
    measures, slope = _judged(of_money, own, places, features, as_of, judged, prior, seed)
    ordered = _ordered(of_money, own, as_of, slope, prior, seed)
    newest = np.flatnonzero(as_of > as_of.max() - np.timedelta64(_NEWEST_DAYS, "D"))
    ability = Ability(ordered, ())
    ability = replace(ability, thresholds=thresholds(ability.probability(_taken(features, newest, places))))
    return TrainedAbility(ability, measures)


def _ordered(
    rows: Stacked,
    own: tuple[str, ...],
    as_of: npt.NDArray[np.datetime64],
    slope: float,
    prior: float,
    seed: int,
) -> Ordered:
    booster = fit(rows, own, _PARAMETERS, _ROUNDS, seed)
    calibration = calibrated(slope, last_year(booster, [_ROUNDS], rows, as_of), 0, (), 0, 0, prior)
    return Ordered(booster, own, calibration, _ROUNDS)


def _judged(
    rows: Stacked,
    own: tuple[str, ...],
    places: list[int],
    features: Matrix,
    as_of: npt.NDArray[np.datetime64],
    judged: pd.DataFrame,
    prior: float,
    seed: int,
) -> tuple[list[Measures], float]:
    """Return the measures on the backtest's rows, and the slope they call for (1 where there are none)."""
    if not len(judged):
        return [], 1.0
    asked = judged["place"].to_numpy(int)
    over = as_of[rows.places] + (rows.x[:, -1].astype(np.int64) + GAP_DAYS).astype("timedelta64[D]")
    before = over <= as_of[asked].min()
    taught = Stacked(rows.x[before], rows.y[before], rows.weight[before], rows.places[before])
    if taught.y.sum() < _FEWEST:
        return [], 1.0
    margin = _ordered(taught, own, as_of, 1.0, prior, seed).margin(_taken(features, asked, places))
    y = judged["y"].to_numpy(float)
    known = np.isfinite(y)
    slope = fit_slope([Observed(margin[known], y[known], np.ones(int(known.sum())))], prior)
    # No probabilities: the level and the slope of the fit that is kept are not those of this one.
    return judge(judged.drop(columns="p90").assign(figure=margin)), slope


def _taken(features: Matrix, rows: npt.NDArray[np.int64], places: list[int]) -> Floats:
    """Return some columns of some rows; column by column, since a copy of all columns of a year may be a gigabyte."""
    return np.column_stack([features[rows, place] for place in places]).astype(np.float64)
