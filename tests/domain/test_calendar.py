from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st
from lunardate import LunarDate

from anxin.domain.calendar import days_to_spring_festival, spring_festival, spring_festivals


def test_the_table_agrees_with_the_lunar_calendar():
    assert list(spring_festivals()) == list(range(1990, 2051))
    for year, day in spring_festivals().items():
        assert day == LunarDate(year, 1, 1).to_solar_date()


@given(st.dates(date(1990, 1, 1), date(2049, 12, 31)))
def test_counting_the_days_ahead_lands_on_a_festival_within_13_lunar_months(day):
    days = days_to_spring_festival(day)
    festival = day + timedelta(days=days)
    assert festival == spring_festival(festival.year)
    assert 0 <= days <= 385
