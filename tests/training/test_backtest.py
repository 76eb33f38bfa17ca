"""The backtest: how many rounds are compared, and how many are used where there is nothing to compare by."""

from __future__ import annotations

import pytest

from anxin.training.backtest import cautious, round_grid


@pytest.mark.parametrize("most", [50, 100, 430, 600, 650])
def test_with_the_stored_settings_no_fold_is_asked_about_fewer_than_about_half_of_the_most_rounds(
    most: int,
) -> None:
    grid = round_grid(most, most // 2)
    assert grid == sorted(grid)
    assert most / 2 - 50 < grid[0] <= max(50, most / 2)
    assert most - 50 < grid[-1] <= most


def test_settings_that_learn_faster_may_ask_for_few_rounds() -> None:
    assert round_grid(200) == [50, 100, 150, 200]


@pytest.mark.parametrize(("least", "expected"), [(0, 200), (325, 300)])
def test_where_folds_say_nothing_few_rounds_are_used(least: int, expected: int) -> None:
    grid = round_grid(650, least)
    assert grid[cautious(grid)] == expected
