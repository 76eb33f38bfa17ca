"""Probabilities that are what they say are found so, and others are not."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from anxin.judging.calibration import calibration, slope

DAYS = [date(2024, 1, 1) + timedelta(30 * i) for i in range(4)]


def _rows(stretch: float = 1.0, shift: float = 0.0, n: int = 3000, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    danger = rng.normal(-3.0, 1.2, n)
    parts = []
    for day in DAYS:
        logit = danger + rng.normal(0.0, 0.3, n)
        y = (rng.random(n) < 1 / (1 + np.exp(-logit))).astype(float)
        told = 1 / (1 + np.exp(-(logit * stretch + shift)))
        parts.append(
            pd.DataFrame({"subject_id": [f"S{i}" for i in range(n)], "as_of": day, "p90": told, "y": y})
        )
    rows = pd.concat(parts, ignore_index=True)
    return rows.assign(figure=rows["p90"], grade=np.digitize(rows["p90"], [0.1, 0.2, 0.3, 0.5]))


def test_honest_probabilities_have_slope_and_ratio_1_within_their_intervals() -> None:
    found = calibration(_rows(), (100,))
    assert found.slope.low < 1 < found.slope.high
    assert found.log_loss_skill.low > 0
    for part in ("everyone", "first_100", "grade_4", "grade_0"):
        each = found.observed_expected[part]
        assert each.low < 1.05 and each.high > 0.95, part
        assert each.low < each.mean < each.high


def test_intervals_hold_their_level() -> None:
    held = {"ratio": 0, "slope": 0}
    for seed in range(60):
        found = calibration(_rows(n=700, seed=seed), ())
        for name, each in (("ratio", found.observed_expected["everyone"]), ("slope", found.slope)):
            held[name] += each.low <= 1 <= each.high
    assert all(46 <= count <= 60 for count in held.values()), held


@pytest.mark.parametrize(("stretch", "expected"), [(2.0, 0.5), (0.5, 2.0)])
def test_the_slope_undoes_what_was_stretched(stretch: float, expected: float) -> None:
    rows = _rows(stretch)
    found = slope(rows["y"].to_numpy(), rows["p90"].to_numpy(), rows["subject_id"])
    assert found.mean == pytest.approx(expected, rel=0.08)


def test_too_high_probabilities_show_in_observed_over_expected_and_not_in_the_slope() -> None:
    found = calibration(_rows(shift=0.7), (100,))
    assert found.slope.mean == pytest.approx(1.0, abs=0.08)
    assert found.observed_expected["everyone"].high < 0.75
    assert found.log_loss_skill.mean < calibration(_rows(), (100,)).log_loss_skill.mean


def test_one_probability_for_all_has_no_slope_and_no_skill() -> None:
    rows = _rows()
    found = calibration(rows.assign(p90=rows["y"].mean(), figure=0.0).drop(columns="grade"))
    assert found.slope.mean is None
    assert found.log_loss_skill.mean == pytest.approx(0.0, abs=0.01)
    assert set(found.observed_expected) == {"everyone", "first_100", "first_500"}


def test_what_is_unknown_is_left_out_and_nothing_observed_is_bounded() -> None:
    rows = _rows().assign(y=0.0)
    rows.loc[::2, "y"] = np.nan
    found = calibration(rows)
    assert (found.rows, found.positives) == (len(rows) // 2, 0)
    each = found.observed_expected["everyone"]
    assert (each.mean, each.low) == (0.0, 0.0)
    assert each.high == pytest.approx(-np.log(0.05) / rows.loc[1::2, "p90"].sum())
