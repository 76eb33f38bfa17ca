"""Training the ability to pay: columns of money alone, never the better for less money owed, judged out of time."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd

from anxin.judging.evaluator import mean_over_dates
from anxin.models.probability import HORIZONS
from anxin.training.ability import TrainedAbility, train_ability
from anxin.training.rows import Stacked

NAMES = ("complaints_90d", "credit_overdue_days", "tax_short_share", "credit_utilisation")
EMPLOYERS, FIRST = 400, date(2024, 1, 1)


def _city(names: tuple[str, ...] = NAMES) -> TrainedAbility | None:
    rng = np.random.default_rng(1)
    days = [FIRST + timedelta(days=30 * i) for i in range(20)]
    as_of = np.repeat(np.array(days, dtype="datetime64[D]"), EMPLOYERS)
    n = len(as_of)
    x = np.column_stack([rng.poisson(1, n), rng.integers(0, 90, n), rng.random(n), rng.random(n)]).astype(
        float
    )
    y = (x[:, 1] / 90 + x[:, 2] + rng.normal(0, 0.4, n) > 1.7).astype(float)
    rows = Stacked(
        np.vstack([np.column_stack([x, np.full(n, float(h))]) for h in HORIZONS]),
        np.tile(y, 3),
        np.ones(3 * n),
        np.tile(np.arange(n), 3),
    )
    late = np.flatnonzero(as_of >= np.datetime64(days[-4]))
    judged = pd.DataFrame(
        {
            "as_of": as_of[late].astype(object),
            "y": y[late],
            "p90": 0.1,
            "in_hand": x[late, 0] > 0,
            "place": late,
        }
    )
    return train_ability(rows, names, x, as_of, judged, 20.0, 1)


def test_it_reads_money_alone_and_is_judged_on_the_dates_of_the_backtest() -> None:
    found = _city()
    assert found is not None
    assert found.ability.ordered.features == NAMES[1:]
    means = mean_over_dates(found.measures, "all")
    assert means["auc"] > 0.8
    assert means["subjects"] == EMPLOYERS
    assert len(found.measures) == 8  # four dates, all and new
    rows = np.array([[0.0, 0.1, 0.5], [40.0, 0.5, 0.5], [89.0, 0.99, 0.5]])
    assert (np.diff(found.ability.probability(rows)) > 0).all()


def test_more_owed_is_never_better() -> None:
    found = _city()
    assert found is not None
    overdue = np.linspace(0, 90, 60)
    rows = np.column_stack([overdue, np.full(60, 0.4), np.full(60, 0.5)])
    assert (np.diff(found.ability.probability(rows)) >= 0).all()


def test_without_columns_of_money_there_is_none() -> None:
    assert _city(("complaints_90d", "firm_capital", "suits_365d", "insured_heads")) is None


def test_the_same_rows_give_the_same_bytes() -> None:
    one, other = _city(), _city()
    assert one is not None
    assert other is not None
    assert one.ability.to_bytes() == other.ability.to_bytes()
