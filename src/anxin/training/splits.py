"""Which dates teach, which dates judge: temporal splits with the label gap and maturity.

One example runs through this file: `--through 2026-06-30` (T), horizon 90, folds of 90 days.

The label of D for 90 days is known at T if T ≥ D + 90 + 45 (2026-06-30 knows D up to 2026-02-15). Training dates are
days of one calendar for all trainings, 30 days apart, so that two of them can be compared on dates that both judged: the
newest whose 30-day label is mature (T − 75), here 2026-04-04, and back from it: 2026-03-05, … The 90-day rows start at
2026-02-03, the 180-day rows at 2025-11-05.

A fold pretends that T was earlier. The first fold's T₁ is 2025-11-17: it trains on what T₁ knew (D ≤ 2025-07-05 for 90
days) and judges the dates from 2025-11-17 to 2026-02-15, whose labels T knows. T₂ is 90 days before, T₃ 180 days.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from anxin.judging.labels import GAP_DAYS, is_mature
from anxin.judging.outages import overlaps
from anxin.models.probability import HORIZONS, SCORE_HORIZON


@dataclass(frozen=True)
class Fold:
    """Train on what was known at `through`, judge the dates of `judged`."""

    through: date
    judged: tuple[date, ...]


def training_dates(first: date, through: date, step_days: int) -> tuple[date, ...]:
    """Return as-of dates for training, oldest first: from `first` to the newest mature 30-day label.

    They are every `step_days`-th day of the calendar, whatever `through` is.
    """
    newest = through - timedelta(days=min(HORIZONS) + GAP_DAYS)
    newest -= timedelta(days=newest.toordinal() % step_days)
    count = (newest - first).days // step_days + 1
    return tuple(newest - timedelta(days=step_days * i) for i in reversed(range(max(count, 0))))


def usable(
    dates: Sequence[date], horizon: int, through: date, outages: Sequence[tuple[date, date]]
) -> list[date]:
    """Return the dates whose labels for a horizon are mature at `through` and see no outage of the outcome feed."""
    return [day for day in dates if is_mature(day, horizon, through) and not overlaps(day, horizon, outages)]


def folds(
    dates: Sequence[date], through: date, count: int, fold_days: int, outages: Sequence[tuple[date, date]]
) -> list[Fold]:
    """Return up to `count` folds, newest first; a fold that could teach or judge nothing is left out."""
    found = []
    newest = through - timedelta(days=SCORE_HORIZON + GAP_DAYS)
    for i in range(count):
        until = newest - timedelta(days=fold_days * i)
        start = until - timedelta(days=fold_days)
        judged = usable([day for day in dates if start < day <= until], SCORE_HORIZON, through, outages)
        if judged and usable(dates, SCORE_HORIZON, start, outages):
            found.append(Fold(start, tuple(judged)))
    return found
