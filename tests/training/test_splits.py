"""Temporal splits: the worked example of the module, and what no split may ever do."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anxin.judging.outages import outages
from anxin.models.probability import HORIZONS
from anxin.training.splits import folds, training_dates, usable

T = date(2026, 6, 30)
FIRST = date(2024, 1, 1)


def test_training_dates_go_back_from_the_newest_mature_30_day_label() -> None:
    dates = training_dates(FIRST, T, 30)
    assert dates[-3:] == (date(2026, 2, 3), date(2026, 3, 5), date(2026, 4, 4))
    assert dates[-1] <= T - timedelta(days=75) < dates[-1] + timedelta(days=30)
    assert dates[0] >= FIRST > dates[0] - timedelta(days=30)
    assert {b - a for a, b in pairwise(dates)} == {timedelta(days=30)}


def test_a_longer_horizon_starts_further_back() -> None:
    dates = training_dates(FIRST, T, 30)
    newest = {horizon: usable(dates, horizon, T, [])[-1] for horizon in HORIZONS}
    assert newest == {30: date(2026, 4, 4), 90: date(2026, 2, 3), 180: date(2025, 11, 5)}


def test_the_first_fold_is_that_of_the_example() -> None:
    dates = training_dates(FIRST, T, 30)
    found = folds(dates, T, 3, 90, [])
    assert [fold.through for fold in found] == [date(2025, 11, 17), date(2025, 8, 19), date(2025, 5, 21)]
    first = found[0]
    assert first.judged == (date(2025, 12, 5), date(2026, 1, 4), date(2026, 2, 3))
    taught = usable(dates, 90, first.through, [])
    assert taught[-1] <= date(2025, 7, 5) < taught[-1] + timedelta(days=30)


def test_a_history_too_short_to_teach_has_no_dates_or_no_folds() -> None:
    assert training_dates(T - timedelta(days=74), T, 30) == ()
    assert len(training_dates(date(2026, 4, 4), T, 30)) == 1
    assert folds(training_dates(T - timedelta(days=200), T, 30), T, 3, 90, []) == []


@given(st.integers(0, 400), st.sampled_from([7, 30, 45]))
def test_trainings_of_any_two_days_step_through_one_calendar(later: int, step: int) -> None:
    """What two backtests say can be compared on dates that both judged, and on no others."""
    first, second = training_dates(FIRST, T, step), training_dates(FIRST, T + timedelta(days=later), step)
    assert second[: len(first)] == first


SPLITS = st.tuples(
    st.integers(100, 1500),
    st.sampled_from([7, 28, 30, 31]),
    st.sampled_from([30, 60, 90]),
    st.lists(st.tuples(st.integers(0, 1400), st.integers(14, 60)), max_size=3),
)


@given(SPLITS)
def test_nothing_a_fold_learns_from_reaches_what_it_is_judged_on(
    split: tuple[int, int, int, list[tuple[int, int]]],
) -> None:
    history, step, length, silences = split
    dates = training_dates(T - timedelta(days=history), T, step)
    dead = [(T - timedelta(days=back), T - timedelta(days=back - long)) for back, long in silences]
    found = folds(dates, T, 3, length, dead)
    for fold in found:
        for horizon in HORIZONS:
            for day in usable(dates, horizon, fold.through, dead):
                # Features end at the day, its label's window and the wait for it at T₁, the judged dates come after.
                assert day + timedelta(days=horizon + 45) <= fold.through < min(fold.judged)
                assert set(fold.judged).isdisjoint({day})
        for day in fold.judged:
            assert day + timedelta(days=90 + 45) <= T
    judged = [day for fold in found for day in fold.judged]
    assert len(judged) == len(set(judged))
    assert [fold.through for fold in found] == sorted((fold.through for fold in found), reverse=True)


@pytest.mark.parametrize(
    ("day", "kept"), [(date(2025, 1, 1), True), (date(2025, 1, 2), False), (date(2025, 4, 20), False)]
)
def test_a_label_window_that_sees_a_silent_day_is_not_used(day: date, kept: bool) -> None:
    silent = (date(2025, 4, 1), date(2025, 4, 20))
    assert usable([day], 90, T, [silent]) == ([day] if kept else [])
    assert usable([date(2025, 4, 21)], 90, T, [silent]) == [date(2025, 4, 21)]


def _every(days: int, first: date = FIRST, last: date = T) -> list[date]:
    return [first + timedelta(days=i) for i in range(0, (last - first).days, days)]


def test_a_hole_in_a_daily_feed_is_an_outage() -> None:
    hole = (date(2025, 3, 1), date(2025, 3, 20))
    received = [day for day in _every(1) if not hole[0] <= day <= hole[1]]
    assert outages(received, T, 14) == [hole]
    assert outages([*received, *received], T, 14) == [hole]


def test_a_feed_that_stopped_is_silent_until_now() -> None:
    received = _every(1, last=date(2026, 5, 1))
    assert outages(received, T, 14) == [(date(2026, 5, 1), T - timedelta(days=1))]


def test_a_short_pause_is_none() -> None:
    received = [day for day in _every(1) if not date(2025, 3, 1) <= day <= date(2025, 3, 13)]
    assert outages(received, T, 14) == []


@pytest.mark.parametrize("pace", [15, 31])
def test_a_feed_slow_by_nature_has_no_outage_until_it_breaks_its_own_rhythm(pace: int) -> None:
    received = _every(pace)
    assert outages(received, T, 14) == []
    assert outages([day for day in received if not 10 < received.index(day) < 20], T, 14) != []


def test_a_feed_that_never_came_has_no_stretches() -> None:
    assert outages([], T, 14) == []
