"""Meter-days as calendar weeks: the one pass over the readings that every energy feature reads.

A row is a subject and a calendar week, Monday to Sunday, with the energy and the number of readings of each
weekday: days can still be told apart, yet there are seven times fewer rows than meter-days. Days and Mondays
are whole numbers, counted from a Monday, so that their differences are the same in every engine.
"""

from __future__ import annotations

from datetime import date, timedelta

import ibis
import ibis.expr.types as ir

from anxin.domain.calendar import spring_festival
from anxin.features.known import Known

WEEK = 7
_FIRST = date(1900, 1, 1)
"""A Monday before every reading, so that no remainder is negative: engines differ there."""

_MOST_KWH = 1_000_000_000
"""No meter reads more in a day than a whole city uses: beyond it a reading is an error, and sums stay whole."""

FESTIVE = 3
"""Weeks around the week of Spring Festival in which factories close and come back."""

_ALIGNED = 8
"""Weeks around Spring Festival in which last year is shifted to it."""

LITTLE_NEW_YEAR, LANTERNS = -8, 14
"""Days from Spring Festival to 小年 (the earlier of its two days) and to 元宵: who is closed between is on holiday."""


def weekly(known: Known, weeks: int) -> ir.Table:
    """Return the readings of each subject by calendar week, once for all dates (`since`, `until`).

    Columns: `monday`, `wh_0` … `wh_6` (Wh of all meters, Monday first), `n_0` … `n_6` (readings), `wh` and `n` (of
    the week), `festive` (within three weeks of Spring Festival), `last` (day of the newest reading). `weeks` is
    how many before the week of the first date are read.
    """
    rows = known.spans("energy_usage", weeks * WEEK + WEEK - 1)
    rows = rows.filter(rows.kwh.abs() <= _MOST_KWH)
    day = rows.date.delta(ibis.literal(_FIRST), unit="day").cast("int32")
    weekday = (day % WEEK).cast("int32")
    rows = rows.select(
        "subject_id",
        "since",
        "until",
        day=day,
        weekday=weekday,
        monday=(day - weekday).cast("int32"),
        # Three decimals: whole watt-hours, and nothing is lost.
        wh=(rows.kwh * 1000).cast("int64"),
    )
    sums = {f"wh_{of}": (rows.weekday == of).ifelse(rows.wh, 0).sum().cast("int64") for of in range(WEEK)} | {
        f"n_{of}": (rows.weekday == of).cast("int32").sum().cast("int32") for of in range(WEEK)
    }
    if len(known.dates) > 1:
        by_week = rows.group_by("subject_id", "monday", "since", "until").aggregate(
            **sums, last=rows.day.max()
        )
    else:
        by_week = rows.group_by("subject_id", "monday").aggregate(**sums, last=rows.day.max())
        by_week = by_week.mutate(since=ibis.literal(0), until=ibis.literal(1))
    wh, n = by_week.wh_0, by_week.n_0
    for of in range(1, WEEK):
        wh, n = wh + by_week[f"wh_{of}"], n + by_week[f"n_{of}"]
    festive = by_week.monday.isin(festive_mondays(known.dates))
    return by_week.mutate(wh=wh, n=n, festive=festive)


def together(rows: ir.Table) -> ir.Table:
    """Return one row per subject, date and week of what `on_dates` made of `weekly`."""
    sums = {name: rows[name].sum().cast("int64") for name in rows.columns if name.startswith(("wh_", "n_"))}
    return rows.group_by("subject_id", "as_of", "monday", "today", "here").aggregate(**sums)


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
