"""Trees keep to the directions of risk of the catalogue."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from anxin.features.catalogue import catalogue
from anxin.models.probability import HORIZONS
from anxin.training.fitting import directions, fit
from anxin.training.rows import Stacked

PARAMETERS = {"min_data_in_leaf": 5, "num_leaves": 15, "learning_rate": 0.1}


def _names() -> tuple[str, ...]:
    """Return one feature of each direction, and one the catalogue does not know."""
    by_direction = {feature.direction: name for name, feature in catalogue().items()}
    return (by_direction[1], by_direction[-1], by_direction[0], "not listed")


def test_a_direction_is_that_of_the_catalogue_and_what_is_not_listed_has_none() -> None:
    assert directions(_names()) == [1, -1, 0, 0]


@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 2**31))
def test_margins_never_fall_where_something_gets_worse_whatever_the_rows_say(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(900, 5))
    x[rng.random(x.shape) < 0.1] = np.nan
    x[:, -1] = rng.choice(HORIZONS, len(x))
    # The rows say the opposite of the catalogue.
    against = np.nan_to_num(x[:, 1]) - np.nan_to_num(x[:, 0]) + 2.0 * np.nan_to_num(x[:, 2])
    y = (rng.random(len(x)) < 1 / (1 + np.exp(1.0 - against))).astype(float)
    booster = fit(Stacked(x, y, np.ones(len(x)), np.arange(len(x))), _names(), PARAMETERS, 60, 1)

    there = np.where(np.isnan(x), 0.0, x)
    for place, direction in ((0, 1), (1, -1), (4, 1)):
        worse = there.copy()
        worse[:, place] += direction * rng.exponential(50.0 if place == 4 else 1.0, len(x))
        assert (
            booster.predict(worse, raw_score=True) >= booster.predict(there, raw_score=True) - 1e-12
        ).all()
    free = there.copy()
    free[:, 2] -= 1.0
    assert (booster.predict(free, raw_score=True) < booster.predict(there, raw_score=True)).any()
