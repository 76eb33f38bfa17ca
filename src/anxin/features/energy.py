"""Electricity and bills: level against own past and last year, near-zero days, rhythm, unpaid bills.

Levels are mean kWh per meter-day with a reading: a missing day is a missing row, a real zero counts. Last
year is shifted so that Spring Festival falls on Spring Festival (`aligned`), or every factory would look
dead each February.
"""

from __future__ import annotations

from datetime import date, timedelta

import ibis
import ibis.expr.types as ir

from anxin.domain.calendar import spring_festival
from anxin.features.known import KEYS, Known, age, counted, ratio, summed

_LATE, _PAST = 28, 208
_SEASON = 365 + 31 + _LATE
"""Days read: a year, the most Spring Festival moves, and the window."""
_NEAR_ZERO = 0.1
"""A day below a tenth of the subject's own largest day is near zero."""


def energy(known: Known) -> list[ir.Table]:
    """Return the tables of the family, each keyed by subject and date."""
    return [_level(known), _idle(known), _last_year(known), _bills(known)]


def _level(known: Known) -> ir.Table:
    """Plain sums over meter-days in one pass: no day is put together, so nothing is grouped twice."""
    days = known.rows("energy_usage", _PAST)
    late, past = days.age <= _LATE, days.age > _LATE
    weekend = days.date.day_of_week.index() >= 5
    sums = days.group_by(KEYS).aggregate(
        late=summed(days.kwh, late),
        late_days=counted(late),
        week=summed(days.kwh, days.age <= 7),
        week_days=counted(days.age <= 7),
        past=summed(days.kwh, past),
        past_days=counted(past),
        weekend=summed(days.kwh, late & weekend),
        weekend_days=counted(late & weekend),
        workday=summed(days.kwh, late & ~weekend),
        workday_days=counted(late & ~weekend),
        energy_last_days=days.age.min().cast("float64"),
    )
    usual = ratio(sums.past, sums.past_days)
    return sums.select(
        *KEYS,
        "energy_last_days",
        energy_level_28d=ratio(ratio(sums.late, sums.late_days), usual),
        energy_level_7d=ratio(ratio(sums.week, sums.week_days), usual),
        energy_weekend_ratio=ratio(
            ratio(sums.weekend, sums.weekend_days), ratio(sums.workday, sums.workday_days)
        ),
        energy_readings_28d=sums.late_days,
    )


def _idle(known: Known) -> ir.Table:
    """Days of the last four weeks on which all meters of the subject together were near zero.

    Near zero is measured against the largest of these days and the month before: a long stop must not
    become usual.
    """
    days = known.rows("energy_usage", 2 * _LATE)
    daily = days.group_by([*KEYS, "age"]).aggregate(kwh=days.kwh.sum())
    top = daily.group_by(KEYS).aggregate(top=daily.kwh.max())
    beside = daily.inner_join(top, KEYS)
    recent = beside.filter(beside.age <= _LATE)
    # At or below, so that a subject dead for two months is idle every day, not never.
    near_zero = recent.kwh.cast("float64") <= recent.top.cast("float64") * _NEAR_ZERO
    return recent.group_by(KEYS).aggregate(energy_idle_days_28d=counted(near_zero))


def _last_year(known: Known) -> ir.Table:
    """Compare the last four weeks with the same weeks of last year, Spring Festival on Spring Festival."""
    shift = known.calendar(shift=[(day - aligned(day)).days for day in known.dates])
    days = known.rows("energy_usage", _SEASON).inner_join(shift, "as_of")
    then = (days.age > days.shift) & (days.age <= days.shift + _LATE)
    sums = days.group_by(KEYS).aggregate(
        now=summed(days.kwh, days.age <= _LATE),
        now_days=counted(days.age <= _LATE),
        then=summed(days.kwh, then),
        then_days=counted(then),
    )
    # Half the days at least on both sides, or the comparison is between different weeks.
    enough = (sums.now_days >= _LATE / 2) & (sums.then_days >= _LATE / 2)
    level = ratio(ratio(sums.now, sums.now_days), ratio(sums.then, sums.then_days))
    return sums.select(*KEYS, energy_level_year=enough.ifelse(level, None))


def aligned(day: date) -> date:
    """Return the day of last year's season that corresponds to `day`.

    Within 60 days of a Spring Festival the distance to the festival is kept; otherwise 52 weeks back keep
    the weekday.
    """
    festival = min(
        (spring_festival(year) for year in (day.year - 1, day.year, day.year + 1)),
        key=lambda feast: abs((feast - day).days),
    )
    if abs((festival - day).days) <= 60:
        return spring_festival(festival.year - 1) + (day - festival)
    return day - timedelta(weeks=52)


def _bills(known: Known) -> ir.Table:
    rows = known.rows("energy_bills", 365)
    due = age(rows.as_of, rows.due_on)
    paid = (rows.paid_on < rows.as_of).fill_null(False)
    unpaid = ~paid & (due > 0)
    paid_late = ibis.greatest(age(rows.paid_on, rows.due_on), 0)
    return rows.group_by(KEYS).aggregate(
        bills_unpaid=counted(unpaid),
        bills_unpaid_amount=summed(rows.amount, unpaid),
        bills_unpaid_days=unpaid.ifelse(due, None).max().cast("float64").fill_null(0.0),
        bills_late_days_180d=ratio(
            summed(paid_late, (rows.age <= 180) & paid),
            counted((rows.age <= 180) & paid),
        ),
        bill_last_days=rows.age.min().cast("float64"),
    )
