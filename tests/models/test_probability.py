"""Ordered, calibrated probabilities and contributions that add up, on whatever rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from anxin.models.probability import (
    HORIZONS,
    IDENTITY,
    KNOT,
    Calibration,
    Floats,
    Observed,
    bent,
    fit_calibration,
    fit_slope,
    fit_top,
    level,
)

from . import made

VALUES = st.one_of(st.just(np.nan), st.floats(-1e12, 1e12))
ROWS = st.integers(1, 12).flatmap(lambda n: arrays(np.float64, (n, len(made.FEATURES)), elements=VALUES))
CALIBRATIONS = st.builds(
    lambda slope, levels, top: Calibration(slope, tuple(sorted(levels)), top),  # type: ignore[arg-type]
    st.floats(0.05, 5.0),
    st.tuples(*[st.floats(-6.0, 6.0)] * 3),
    st.floats(0.05, 1.0),
)


@given(ROWS, CALIBRATIONS)
def test_probabilities_are_ordered_on_any_row_under_any_calibration(
    rows: Floats, calibration: Calibration
) -> None:
    p30, p90, p180 = made.ordered(calibration).probabilities(rows)
    assert (p30 <= p90).all()
    assert (p90 <= p180).all()
    assert ((p30 >= 0) & (p180 <= 1)).all()


def test_a_subject_of_whom_nothing_is_known_is_scored_like_any_other() -> None:
    nothing = np.full((3, len(made.FEATURES)), np.nan)
    p30, p90, p180 = made.ordered().probabilities(nothing)
    assert len(set(p90)) == 1
    assert 0 < p30[0] <= p90[0] <= p180[0] < 1


@given(CALIBRATIONS)
def test_p90_rises_strictly_with_the_score(calibration: Calibration) -> None:
    score = np.linspace(-2.5, 2.5, 500)
    assert (np.diff(calibration.probability(score, 90)) > 0).all()


@given(ROWS)
def test_contributions_and_base_add_up_to_the_score_on_every_row(rows: Floats) -> None:
    ordered = made.ordered()
    parts, base = ordered.contributions(rows)
    assert parts.shape == rows.shape
    assert np.abs(parts.sum(axis=1) + base - ordered.margin(rows)).max() < 1e-6


def test_nobody_to_score_is_no_fault() -> None:
    ordered = made.ordered()
    nobody = np.empty((0, len(made.FEATURES)))
    assert [len(p) for p in ordered.probabilities(nobody)] == [0, 0, 0]
    parts, base = ordered.contributions(nobody)
    assert parts.shape == (0, len(made.FEATURES))
    assert base.shape == (0,)


@pytest.mark.parametrize(
    ("slope", "levels", "top"),
    [
        (0.0, (0.0, 0.0, 0.0), 1.0),
        (-1.0, (0.0, 0.0, 0.0), 1.0),
        (1.0, (0.1, 0.0, 0.2), 1.0),
        (float("nan"), (0.0, 0.0, 0.0), 1.0),
        (1.0, (0.0, 0.0, 0.0), 0.0),
        (1.0, (0.0, 0.0, 0.0), 1.1),
        (1.0, (0.0, 0.0, 0.0), float("nan")),
    ],
)
def test_a_calibration_that_would_break_the_order_cannot_be_made(
    slope: float, levels: tuple[float, float, float], top: float
) -> None:
    with pytest.raises(ValueError, match="order of probabilities"):
        Calibration(slope, levels, top)


def test_a_bend_leaves_what_is_below_the_knot_and_never_raises_what_is_above() -> None:
    log_odds = np.linspace(-9.0, 6.0, 4001)
    below = log_odds <= KNOT
    for top in (0.3, 0.8, 1.0):
        found = bent(log_odds, top)
        assert (found[below] == log_odds[below]).all()
        assert (found <= log_odds).all()
        assert found[-1] == pytest.approx(KNOT + top * (6.0 - KNOT))
    assert bent(log_odds, 1.0) is log_odds


GROUPS = st.builds(
    lambda margins, seed, rate: _observed(np.array(margins), seed, rate),
    st.lists(st.floats(-8, 4), min_size=5, max_size=40),
    st.integers(0, 1000),
    st.floats(0.0, 1.0),
)


def _observed(margin: Floats, seed: int, rate: float) -> Observed:
    rng = np.random.default_rng(seed)
    y = (rng.random(len(margin)) < rate).astype(float)
    return Observed(margin, y, rng.uniform(0.5, 20.0, len(margin)))


@given(GROUPS, st.floats(0.2, 2.0), st.floats(0.25, 1.0))
def test_at_its_level_as_many_are_expected_as_were_observed(
    group: Observed, slope: float, top: float
) -> None:
    observed = float((group.weight * group.y).sum())
    if 0 < observed < group.weight.sum():
        observed = float((group.weight * group.y).sum())
    assume(0 < group.y.sum() < len(group.y))
    expected = 1 / (1 + np.exp(-bent(slope * group.margin + level(group, slope, top=top), top)))
    assert float((group.weight * expected).sum()) == pytest.approx(observed, rel=1e-5)


@given(st.lists(GROUPS, max_size=3), st.dictionaries(st.sampled_from(HORIZONS), GROUPS))
def test_whatever_was_observed_the_fitted_calibration_keeps_the_order(
    groups: list[Observed], recent: dict[int, Observed]
) -> None:
    calibration = fit_calibration(fit_slope(groups, 20.0), recent, 20.0, top=fit_top(groups, 20.0))
    margin = np.linspace(-5, 5, 30)
    p30, p90, p180 = (calibration.probability(margin, h) for h in HORIZONS)
    assert (p30 <= p90).all()
    assert (p90 <= p180).all()


def test_margins_that_are_too_sure_are_flattened_and_nothing_learned_changes_nothing() -> None:
    rng = np.random.default_rng(3)
    truth = rng.normal(-2, 1, 20_000)
    y = (rng.random(len(truth)) < 1 / (1 + np.exp(-truth))).astype(float)
    # Levels of its own per fold: only the spread is learned.
    sure = [Observed(2 * truth + shift, y, np.ones(len(y))) for shift in (0.0, 3.0)]
    assert fit_slope(sure, 0.0) == pytest.approx(0.5, abs=0.03)
    assert fit_slope([], 20.0) == IDENTITY.slope
    assert fit_slope([Observed(truth, np.zeros(len(y)), np.ones(len(y)))], 20.0) == IDENTITY.slope


def _topped(top: float, rows: int = 40_000) -> list[Observed]:
    """Return groups of rows whose log-odds rise above the knot by `top` of what the trees say."""
    rng = np.random.default_rng(4)
    groups = []
    for _ in range(3):
        margin = rng.normal(-3, 1.5, rows)
        above = np.maximum(margin - KNOT, 0.0)
        y = (rng.random(rows) < 1 / (1 + np.exp(-(margin - (1 - top) * above)))).astype(float)
        groups.append(Observed(margin, y, np.ones(rows)))
    return groups


def test_a_top_that_is_too_sure_is_bent_as_far_as_it_is_and_one_that_is_not_stays() -> None:
    assert fit_top(_topped(0.5), 0.0) == pytest.approx(0.5, abs=0.05)
    assert fit_top(_topped(1.0), 20.0) == pytest.approx(1.0, abs=0.05)
    assert fit_top(_topped(1.6), 20.0) == 1.0


def test_what_the_bend_takes_from_the_top_the_slope_does_not_take_again() -> None:
    groups = _topped(0.5)
    assert fit_slope(groups, 0.0) < 0.95
    assert fit_slope(groups, 0.0, top=0.5) == pytest.approx(1.0, abs=0.03)


def test_few_cases_bend_the_top_little_and_none_not_at_all() -> None:
    few = [Observed(group.margin, group.y, group.weight / 500) for group in _topped(0.5)]
    assert fit_top(few, 20.0) > 0.9
    nothing = Observed(np.zeros(50), np.zeros(50), np.ones(50))
    assert fit_top([], 20.0) == fit_top([nothing], 20.0) == IDENTITY.top


def test_a_bend_moves_the_level_so_that_as_many_are_expected_as_before() -> None:
    seen = _topped(0.5)[0]
    recent = dict.fromkeys(HORIZONS, seen)
    for top in (0.4, 1.0):
        calibration = fit_calibration(1.0, recent, 0.0, top=top)
        assert calibration.probability(seen.margin, 90).sum() == pytest.approx(seen.y.sum(), rel=1e-4)


def test_a_year_in_which_nothing_happened_lowers_the_probabilities_and_never_raises_them() -> None:
    margin = np.random.default_rng(5).normal(-5, 1.5, 4000)
    quiet = Observed(margin, np.zeros(len(margin)), np.ones(len(margin)))
    trees = float((1 / (1 + np.exp(-margin))).sum())
    for slope in (0.5, 1.0, 1.5):
        calibration = fit_calibration(slope, dict.fromkeys(HORIZONS, quiet), 20.0)
        expected = float(calibration.probability(margin, 90).sum())
        assert expected == pytest.approx(trees * 20 / (trees + 20), rel=1e-3)


def test_a_horizon_without_rows_takes_the_level_of_its_neighbour() -> None:
    rng = np.random.default_rng(6)
    margin = rng.normal(-3, 1, 3000)
    seen = Observed(margin, (rng.random(3000) < 0.1).astype(float), np.ones(3000))
    only_90 = fit_calibration(1.0, {90: seen}, 20.0)
    assert only_90.intercepts[0] == only_90.intercepts[1] == only_90.intercepts[2]


def test_a_slope_fitted_on_bins_is_that_of_the_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(5)
    groups = []
    for base in (-1.0, 0.5):
        margin = rng.normal(-3, 1.5, 4000)
        y = (rng.random(4000) < 1 / (1 + np.exp(-0.8 * margin - base))).astype(float)
        groups.append(Observed(margin, y, rng.choice([1.0, 7.0], 4000)))
    quick = fit_slope(groups, 20.0)
    monkeypatch.setattr("anxin.models.probability._binned", lambda group: group)
    assert quick == pytest.approx(fit_slope(groups, 20.0), rel=1e-3)
