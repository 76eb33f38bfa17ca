"""Steps of electricity: a lower level counts while it lasts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from anxin.features.snapshots import snapshots

from . import streams

Row = dict[str, Any]
DAY, AFTER_FESTIVAL = date(2024, 9, 30), date(2024, 3, 4)
"""Mondays: with no Spring Festival in half a year, and with seven festive weeks just before (10 February 2024)."""


def steps(folder: Path, day: date, kwh: Callable[[int], float | None]) -> tuple[float | None, float | None]:
    """Return days and depth of the last step of a meter that used so much in the weeks before a Monday, 1 the newest."""
    rows: list[Row] = []
    for age in range(1, 26 * 7 + 1):
        used, on = kwh((age + 6) // 7), day - timedelta(age)
        if used is not None:
            rows.append(
                {
                    "meter_id": "m",
                    "date": on,
                    "employer_id": streams.EMPLOYERS[0],
                    "project_id": None,
                    "kwh": Decimal(f"{used:.3f}"),
                    "received_at": datetime.combine(on + timedelta(1), time(3)),
                }
            )
    last = snapshots(streams.view_of(folder, {"energy_usage": rows}), [day + timedelta(1)], "employer")
    (row,) = last.to_pylist()
    return row["energy_step_days"], row["energy_step_depth"]


def test_electricity_that_came_back_has_not_fallen_for_good(tmp_path: Path) -> None:
    assert steps(tmp_path, DAY, lambda week: 20.0 if 9 <= week <= 18 else 100.0) == (None, 0.0)


@pytest.mark.parametrize(("now", "lasts"), [(79.0, True), (81.0, False)])
def test_a_level_has_come_back_when_the_newest_three_weeks_are_less_than_a_fifth_below(
    tmp_path: Path, now: float, lasts: bool
) -> None:
    days, depth = steps(tmp_path, DAY, lambda week: now if week <= 3 else 20.0 if week <= 18 else 100.0)
    assert (days == 18 * 7 + 1) is lasts
    assert (depth is not None and depth > 0.2) is lasts


def test_festive_weeks_are_not_the_newest_weeks_that_say_whether_it_came_back(tmp_path: Path) -> None:
    days, _ = steps(tmp_path, AFTER_FESTIVAL, lambda week: 100.0 if week <= 3 or week > 14 else 20.0)
    assert days == 14 * 7 + 1


def test_a_meter_that_has_fallen_silent_does_not_say_that_its_level_came_back(tmp_path: Path) -> None:
    days, _ = steps(tmp_path, DAY, lambda week: None if week <= 3 else 20.0 if week <= 12 else 100.0)
    assert days == 12 * 7 + 1
