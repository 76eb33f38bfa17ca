"""The grid of time: months, and four steps of seven or eight days in each.

Steps never straddle a month, so an as-of date on the first of a month is the edge of a step and what is
known of the hidden state at it is exact. The grid begins some months before the delivered period, so that
nothing starts from rest.
"""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from anxin.domain.calendar import spring_festival
from anxin.simulation.arrays import Bools, Floats, Ints, day_number
from anxin.simulation.parameters import parameters

STEPS = 4
_STEP_DAYS = (0, 7, 15, 22)


@dataclass(frozen=True)
class Clock:
    """The simulated period from `start` through `end`, both included, after `before` months of run-up."""

    start: date
    end: date
    months: int
    before: int
    month_starts: Ints
    step_starts: Ints

    @property
    def first_month(self) -> int:
        """Index of the first delivered month in the grid."""
        return self.before

    @property
    def grid_months(self) -> int:
        """Months in the grid, run-up included."""
        return self.before + self.months

    @property
    def steps(self) -> int:
        """Steps in the grid."""
        return self.grid_months * STEPS

    @property
    def first_day(self) -> int:
        """The first delivered day."""
        return day_number(self.start)

    @property
    def cut(self) -> int:
        """The day after the last; nothing is received from then on."""
        return day_number(self.end) + 1

    def month_number(self, month: Ints) -> Ints:
        """Return months since 1970-01 of indices into the grid; indices before and after it are allowed."""
        zero = self.start.year * 12 + self.start.month - 1 - 1970 * 12 - self.before
        return np.asarray(month) + zero

    def month_day(self, month: Ints) -> Ints:
        """Return the first day of months by index; indices before and after the grid are allowed."""
        return (
            np.asarray(self.month_number(month))
            .astype("datetime64[M]")
            .astype("datetime64[D]")
            .astype(np.int64)
        )

    def month_of(self, days: Ints) -> Ints:
        """Return the index of the month of days, also outside the grid."""
        months = np.asarray(days).astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
        return np.asarray(months - self.month_number(np.array(0)))

    def step_of(self, days: Ints) -> Ints:
        """Return the index of the step of days, held inside the grid."""
        return (np.searchsorted(self.step_starts, days, side="right") - 1).clip(0, self.steps - 1)

    def as_of_dates(self) -> Ints:
        """Return the days the truth is told for: the first of each delivered month."""
        return self.month_starts[self.first_month : self.first_month + self.months]


def make_clock(months: int, end: date) -> Clock:
    """Return the grid of the months that end with the month of `end`."""
    before = int(parameters().number("period.run_up_months"))
    last = np.datetime64(end, "M")
    edges = np.arange(last - (months + before - 1), last + 2).astype("datetime64[D]").astype(np.int64)
    steps = (edges[:-1, None] + np.array(_STEP_DAYS)[None, :]).ravel()
    start = date(1970, 1, 1) + timedelta(days=int(edges[before]))
    return Clock(start, end, months, before, edges, np.append(steps, edges[-1]))


def days_to_festival(days: Ints) -> Ints:
    """Return for each day the signed days to the nearest Spring Festival; negative after it."""
    years = np.asarray(days).astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970
    festivals = np.array(
        [day_number(spring_festival(y)) for y in range(int(years.min()) - 1, int(years.max()) + 2)]
    )
    gaps = festivals[None, :] - np.asarray(days)[:, None]
    return np.asarray(gaps[np.arange(len(gaps)), np.abs(gaps).argmin(axis=1)])


def report_season(clock: Clock, steps: int) -> Floats:
    """Return the factor on reports for `steps` steps from the start of the grid.

    The campaign winter included.
    """
    p = parameters().section("season")
    middles = step_middles(clock, steps)
    calendar = np.asarray(middles).astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) % 12
    gap = days_to_festival(middles)
    factor = np.array(p.numbers("reports_by_month"))[calendar]
    factor = np.where((gap >= 0) & (gap <= p.number("rush_days")), factor * p.number("rush_factor"), factor)
    return np.where(in_campaign(clock, middles), factor * p.number("campaign.detection_factor"), factor)


def default_season(clock: Clock, steps: int) -> Floats:
    """Return the factor on new defaults for `steps` steps.

    Year-end settlement days come before the festival.
    """
    p = parameters().section("season")
    gap = days_to_festival(step_middles(clock, steps))
    return np.where((gap >= 10) & (gap <= 90), p.number("default_before_festival"), 1.0)


def step_middles(clock: Clock, steps: int) -> Ints:
    """Return the middle day of steps, also beyond the grid."""
    index = np.arange(steps)
    return np.asarray(clock.month_day(index // STEPS) + np.array(_STEP_DAYS)[index % STEPS] + 3)


def step_edges(clock: Clock, steps: int) -> Ints:
    """Return the first day of `steps` steps and of the one after, also beyond the grid."""
    index = np.arange(steps + 1)
    return np.asarray(clock.month_day(index // STEPS) + np.array(_STEP_DAYS)[index % STEPS])


def in_campaign(clock: Clock, days: Ints) -> Bools:
    """Tell which days lie in the campaign winter: November through January of the second-to-last winter."""
    year = clock.end.year - (2 if clock.end.month < 11 else 1)
    first, last = day_number(date(year, 11, 1)), day_number(date(year + 1, 2, 1))
    return np.asarray((days >= first) & (days < last))
