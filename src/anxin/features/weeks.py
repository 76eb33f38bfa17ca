"""Meter-days as calendar weeks: the one pass over the readings that every energy feature reads.

A row is a meter of a subject and a calendar week, Monday to Sunday, with the energy and the number of readings of
each weekday: days can still be told apart, yet there are seven times fewer rows than meter-days. Days and Mondays
are whole numbers, counted from a Monday, so that their differences are the same in every engine.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from functools import reduce
from operator import add

import ibis
import ibis.expr.types as ir

from anxin.domain.calendar import spring_festival
from anxin.features.known import Known, whole

WEEK = 7
WEEKEND = (5, 6)
_FIRST = date(1900, 1, 1)
"""A Monday before every reading, so that no remainder is negative: engines differ there."""

MOST_KWH = 1_000_000_000
"""No meter reads more in a day than a whole city uses: beyond it a reading is an error, and sums stay whole."""

_WEEK_OF = ("subject_id", "meter_id", "monday")

FESTIVE = 3
"""Weeks around the week of Spring Festival in which factories close and come back."""

_ALIGNED = 8
"""Weeks around Spring Festival in which last year is shifted to it."""

LITTLE_NEW_YEAR, LANTERNS = -8, 14
"""Days from Spring Festival to 小年 (the earlier of its two days) and to 元宵: who is closed between is on holiday."""


def daily(known: Known, back: int) -> ir.Table:
    """Return the readings of each subject's meters from `back` weeks before the first date's, weekday by weekday.

    The columns of `weekly`, and `wh_0` … `wh_6` and `n_0` … `n_6`, Monday first.
    """
    rows = _days(_readings(known, back, 0))
    sums = {f"wh_{of}": sum_of(rows.wh, rows.weekday == of) for of in range(WEEK)} | {
        f"n_{of}": _count(rows.weekday == of) for of in range(WEEK)
    }
    found = _by_week(known, rows, sums)
    totals = {
        name: reduce(add, [found[f"{of}_{day}"] for day in days]).cast(kind)
        for name, of, days, kind in (
            ("wh", "wh", range(WEEK), "int64"),
            ("n", "n", range(WEEK), "int32"),
            ("rest_wh", "wh", WEEKEND, "int64"),
            ("rest_n", "n", WEEKEND, "int32"),
        )
    }
    return found.mutate(**totals)


def weekly(known: Known, back: int, until: int) -> ir.Table:
    """Return the readings of each subject's meters by calendar week, once for all dates (`since`, `until`).

    Those from `back` weeks before the first date's to `until` weeks before it, which is not among them. Columns:
    `meter_id`, `monday`, `wh` and `n` (Wh and readings of the week), `rest_wh` and `rest_n` (of its weekend), `used`
    (readings above nothing), `last` (day of the newest reading).
    """
    rows = _days(_readings(known, back, until))
    rest = rows.weekday >= WEEKEND[0]
    sums = {
        "wh": whole(rows.wh.sum()),
        "n": rows.count().cast("int32"),
        "rest_wh": sum_of(rows.wh, rest),
        "rest_n": _count(rest),
    }
    return _by_week(known, rows, sums)


def _readings(known: Known, back: int, until: int) -> ir.Table:
    rows = known.spans("energy_usage", back * WEEK + WEEK - 1)
    here = monday(min(known.dates, default=_FIRST))
    rows = rows.filter(rows.kwh.abs() <= MOST_KWH, rows.date >= ibis.literal(here - timedelta(weeks=back)))
    return rows.filter(rows.date < ibis.literal(here - timedelta(weeks=until))) if until else rows


def watt_hours(kwh: ir.DecimalValue) -> ir.IntegerValue:
    """Return whole watt-hours: three decimals of a kWh are, and nothing is lost."""
    return (kwh * 1000).cast("int64")


def _days(rows: ir.Table) -> ir.Table:
    """Give days of readings their numbers."""
    day = rows.date.delta(ibis.literal(_FIRST), unit="day").cast("int32")
    weekday = (day % WEEK).cast("int32")
    return rows.select(
        "subject_id",
        "since",
        "until",
        # A meter without a name is one meter: nothing would find itself in a join.
        meter_id=rows.meter_id.fill_null(""),
        day=day,
        weekday=weekday,
        monday=(day - weekday).cast("int32"),
        wh=watt_hours(rows.kwh),
    )


def _by_week(known: Known, rows: ir.Table, sums: dict[str, ir.Value]) -> ir.Table:
    """Add days up; `n` and what else there is of a week of several spans comes in several rows."""
    sums = {**sums, "used": _count(rows.wh > 0), "last": rows.day.max()}
    if len(known.dates) > 1:
        found = rows.group_by(*_WEEK_OF, "since", "until").aggregate(**sums)
    else:
        found = rows.group_by(_WEEK_OF).aggregate(**sums)
        found = found.mutate(since=ibis.literal(0, "int32"), until=ibis.literal(1, "int32"))
    return found


def sum_of(value: ir.IntegerValue, rows: ir.BooleanValue | None) -> ir.IntegerValue:
    """Return the whole sum of a value over the rows meant, or all; 0 where there is none."""
    # Nothing instead of 0: what is not meant does not reach the sums at all.
    return whole((value if rows is None else rows.ifelse(value, None)).sum().fill_null(0))


def _count(rows: ir.BooleanValue) -> ir.IntegerValue:
    return rows.ifelse(1, None).count().cast("int32")


def by_day(as_of: ir.DateColumn, values: Mapping[date, int]) -> ir.IntegerValue:
    """Return the whole number of each date, one literal where all are the same."""
    days: dict[int, list[date]] = {}
    for day, value in values.items():
        days.setdefault(value, []).append(day)
    if len(days) == 1:
        return ibis.literal(days.popitem()[0], "int32")
    return ibis.cases(*((as_of.isin(each), value) for value, each in days.items())).cast("int32")


def number(day: date) -> int:
    """Return a day as `last` and `monday` count them."""
    return (day - _FIRST).days


def monday(day: date) -> date:
    """Return the Monday of a day's week."""
    return day - timedelta(day.weekday())


def festive_mondays(dates: tuple[date, ...]) -> list[int]:
    """Return the Mondays of the weeks around every Spring Festival that a feature of these dates can see."""
    years = range(min(dates).year - 2, max(dates).year + 2)
    return [
        number(monday(spring_festival(year))) + WEEK * week
        for year in years
        for week in range(-FESTIVE, FESTIVE + 1)
    ]


def aligned(day: date) -> date:
    """Return the Monday of last year's week that corresponds to the week of `day`.

    Within eight weeks of a Spring Festival the distance to its week is kept, or every factory would look dead
    each February; otherwise it is 52 weeks back.

    >>> aligned(date(2016, 2, 8)), aligned(date(2016, 7, 6))
    (datetime.date(2015, 2, 16), datetime.date(2015, 7, 6))
    """
    this = monday(day)
    feasts = {year: monday(spring_festival(year)) for year in range(day.year - 2, day.year + 2)}
    near = min(range(day.year - 1, day.year + 2), key=lambda year: abs((feasts[year] - this).days))
    if abs((feasts[near] - this).days) <= _ALIGNED * WEEK:
        return feasts[near - 1] + (this - feasts[near])
    return this - timedelta(weeks=52)


def on_holiday(day: date) -> bool:
    """Return whether a day lies between 小年 and 元宵."""
    return any(
        LITTLE_NEW_YEAR <= (day - spring_festival(year)).days <= LANTERNS for year in (day.year, day.year + 1)
    )
