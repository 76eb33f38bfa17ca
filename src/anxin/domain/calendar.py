"""The calendar wages follow: Spring Festival (春节), before which arrears must be cleared.

Source: GB/T 33661-2017; ``spring_festival.csv`` is checked against the ``lunardate`` package by a test.
"""

from collections.abc import Mapping
from datetime import date
from functools import cache
from types import MappingProxyType

from anxin.domain.errors import AnxinError
from anxin.domain.tables import read_rows, read_text


@cache
def spring_festivals() -> Mapping[int, date]:
    """Return the first day of the lunar year for each Gregorian year of the table, 1990 to 2050."""
    return MappingProxyType(
        {
            int(row["year"]): date.fromisoformat(row["day"])
            for row in read_rows(read_text("spring_festival.csv"))
        }
    )


def spring_festival(year: int) -> date:
    """Return the day of Spring Festival in a Gregorian year; raises AnxinError outside 1990 to 2050."""
    festivals = spring_festivals()
    if year not in festivals:
        raise AnxinError(
            f"春节表没有 {year} 年（现有 {min(festivals)}–{max(festivals)}），请补充 spring_festival.csv",
            f"no Spring Festival of {year} (the table has {min(festivals)} to {max(festivals)}), "
            "extend spring_festival.csv",
        )
    return festivals[year]


def days_to_spring_festival(day: date) -> int:
    """Return the days from a day to the next Spring Festival; 0 on the day itself.

    >>> days_to_spring_festival(date(2025, 1, 29)), days_to_spring_festival(date(2025, 1, 30))
    (0, 383)
    """
    festival = spring_festival(day.year)
    if festival < day:
        festival = spring_festival(day.year + 1)
    return (festival - day).days
