"""Lead, the queue of complaints, and turnover, on cases one can count by hand."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from anxin.judging.lead import first_complaints, lead, queue, turnover

DAYS = [date(2024, 1, 1), date(2024, 1, 31), date(2024, 3, 1)]


def _cases(*rows: tuple[str, str, str | None]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["subject_id", "opened_on", "complained_on"])
    for name in ("opened_on", "complained_on"):
        table[name] = pd.to_datetime(table[name]).astype("datetime64[s]")
    return table


def _complaints(*rows: tuple[str, str]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["subject_id", "received_on"])
    table["received_on"] = pd.to_datetime(table["received_on"]).astype("datetime64[s]")
    return table


def _ranked(*orders: str) -> pd.DataFrame:
    """One string per date: subjects in order; those in the last place of all are tied with none."""
    rows = [
        (subject, day, -float(place))
        for day, order in zip(DAYS, orders, strict=False)
        for place, subject in enumerate(order)
    ]
    return pd.DataFrame(rows, columns=["subject_id", "as_of", "figure"])


def test_a_case_is_reached_at_the_first_date_its_subject_was_among_the_first() -> None:
    cases = _cases(("A", "2024-03-11", "2024-02-20"), ("B", "2024-03-05", None), ("C", "2024-02-01", None))
    # A is first on the second and third date; B only on the third; C never.
    rows = _ranked("XABC", "ABXC", "ABXC")
    found = lead(rows, cases, {}, 2)
    assert (found.cases, found.reached) == (3, pytest.approx(2.0))
    # A within two on the first date already: 70 days before the case, 50 before the complaint; B from the second: 34.
    assert found.days_before_case.mean == pytest.approx((70 + 34) / 2)
    assert found.days_before_complaint.mean == pytest.approx(50)
    assert found.before_complaint == pytest.approx(1.0)
    assert found.days_before_queue.mean == pytest.approx((70 + 34) / 2)  # no turn came: the case itself


def test_a_list_that_only_follows_the_complaint_has_no_lead_on_it() -> None:
    cases = _cases(("A", "2024-03-11", "2024-01-10"))
    found = lead(_ranked("XYA", "AXY", "XYA"), cases, {}, 1)
    assert found.days_before_complaint.mean == pytest.approx(-21)
    assert found.before_complaint == pytest.approx(0.0)


def test_equals_reach_a_case_by_chance() -> None:
    cases = _cases(("A", "2024-03-20", None))
    rows = _ranked("ABCD", "ABCD", "ABCD").assign(figure=1.0)
    found = lead(rows, cases, {}, 1)
    # A quarter on each date, the first of them that hits.
    chances = [0.25, 0.25 * 0.75, 0.25 * 0.75**2]
    days = [79, 49, 19]
    assert found.reached == pytest.approx(sum(chances))
    assert found.days_before_case.mean == pytest.approx(np.dot(chances, days) / sum(chances))


def test_cases_that_opened_later_than_90_days_are_not_its_business() -> None:
    assert lead(_ranked("AB"), _cases(("A", "2024-03-31", None)), {}, 1).cases == 0
    assert lead(_ranked("AB"), _cases(("A", "2024-03-30", None)), {}, 1).cases == 1
    assert lead(_ranked("AB"), _cases(("A", "2023-12-31", None)), {}, 1).cases == 0


def test_the_queue_serves_who_waited_longest_and_takes_them_back_when_they_complain_again() -> None:
    told = _complaints(
        ("B", "2023-12-20"),
        ("A", "2023-12-10"),
        ("C", "2023-12-30"),
        ("A", "2024-02-10"),
        ("Z", "2024-03-01"),
    )
    turns = queue(told, DAYS, 1)
    stamps = [pd.Timestamp(day) for day in DAYS]
    # A complained again while C was waiting; what is received on a date is not there that morning.
    assert turns == {"A": [stamps[0]], "B": [stamps[1]], "C": [stamps[2]]}
    assert queue(told, DAYS, 9)["A"] == [stamps[0], stamps[2]]
    assert queue(told, [], 3) == {}


def test_days_before_the_queue_are_counted_to_the_turn() -> None:
    cases = _cases(("A", "2024-03-11", "2023-12-20"))
    turns = {"A": [pd.Timestamp(DAYS[2])]}
    found = lead(_ranked("AX", "AX", "AX"), cases, turns, 1)
    assert found.days_before_queue.mean == pytest.approx(60)
    assert found.queue_reached == 1


def test_the_first_complaint_of_an_episode_comes_before_the_case_and_not_years_before() -> None:
    cases = _cases(("A", "2024-03-11", None), ("B", "2024-03-11", None)).drop(columns="complained_on")
    told = _complaints(("A", "2022-01-01"), ("A", "2024-02-01"), ("A", "2024-01-15"), ("B", "2024-03-12"))
    found = first_complaints(cases, told)
    assert found[0] == pd.Timestamp("2024-01-15")
    assert pd.isna(found[1])


def test_turnover_is_what_is_new_among_the_first() -> None:
    assert turnover(_ranked("ABCD", "ABDC", "CDAB"), 2) == pytest.approx((0 + 1) / 2)
    assert turnover(_ranked("ABCD"), 2) is None
    equals = _ranked("ABCD", "ABCD").assign(figure=0.0)
    assert turnover(equals, 2) == pytest.approx(0.0)
