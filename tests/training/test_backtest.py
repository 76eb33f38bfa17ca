"""The backtest: how many rounds are compared."""

from __future__ import annotations

import pytest

from anxin.training.backtest import round_grid


@pytest.mark.parametrize("most", [50, 100, 430, 600, 650])
def test_no_fold_is_asked_about_fewer_than_about_half_of_the_most_rounds(most: int) -> None:
    grid = round_grid(most)
    assert grid == sorted(grid)
    assert most / 2 - 50 < grid[0] <= max(50, most / 2)
    assert most - 50 < grid[-1] <= most
