"""Labels that changed, and the row that changed each: found again by comparing states by hand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import Any

import pandas as pd

from anxin.domain.identifiers import warning_id
from anxin.feeds.asof import View
from anxin.judging.revisions import Change, revisions
from anxin.judging.states import states

Row = dict[str, Any]
SINCE, UNTIL = date(2025, 5, 1), date(2025, 6, 1)


def _at(day: date) -> datetime:
    return datetime.combine(day, time(3))


def _case(number: str, who: str, opened: date, outcome: str, received: date) -> Row:
    row = {
        "case_id": number,
        "employer_id": who,
        "source": "complaint",
        "arrears_from": opened.replace(day=1),
    }
    return row | {"opened_on": opened, "outcome": outcome, "received_at": _at(received)}


def _visit(number: str, who: str, day: date, received: date, **more: Any) -> Row:
    row = {
        "inspection_id": number,
        "employer_id": who,
        "inspected_on": day,
        "reason": "routine",
        "finding": "none",
    }
    return row | {"received_at": _at(received)} | more


def _world() -> dict[str, list[Row]]:
    opened, before, between = date(2025, 3, 10), date(2025, 4, 20), date(2025, 5, 10)
    receipt = {"leg": "place", "status": "closed", "status_on": between, "outcome": "averted"}
    firm = {
        "name": "某公司",
        "district": "500103",
        "industry": "C33",
        "ownership": "private",
        "status": "active",
    }
    firm |= {"registered_capital": 1, "established_on": date(2020, 1, 1), "changed_on": date(2020, 1, 1)}
    return {
        "employers": [{**firm, "employer_id": "OWN", "received_at": _at(date(2020, 1, 2))}],
        "cases": [
            _case("C1", "A", opened, "pending", before),
            _case("C1", "A", opened, "verified", between),
            _case("C2", "B", opened, "pending", before),
            _case("C2", "B", opened, "unfounded", between),
            _case("C3", "C", opened, "verified", between),  # late
            _case("C4", "D", opened, "verified", before),
            _case("C4", "D", opened + timedelta(50), "verified", between),  # moved
            _case("C5", "E", opened, "verified", before),
        ],
        "inspections": [
            _visit("I1", "F", opened, between),
            _visit("I2", "G", opened, before, warning_id="W1"),
        ],
        "dispositions": [
            {**receipt, "warning_id": "W1", "received_at": _at(between + timedelta(1))},
            {
                **receipt,
                "warning_id": warning_id("employer", "OWN", opened),
                "received_at": _at(between + timedelta(1)),
            },
        ],
    }


def _of(changes: tuple[Change, ...], who: str) -> list[Change]:
    return [change for change in changes if change.subject_id == who]


def test_each_change_names_the_row_that_was_received_in_between(view_of: Callable[..., View]) -> None:
    view = view_of(_world())
    found = revisions(view, SINCE, UNTIL)
    assert {change.subject_id for change in found.changes} == {"A", "B", "C", "D", "G", "OWN"}
    (first, *rest) = _of(found.changes, "A")
    assert (first.before, first.after, first.as_of) == ("pending", "verified", date(2025, 3, 1))
    assert {change.as_of for change in rest} == {date(2025, 1, 1), date(2025, 2, 1)}
    (row,) = first.because
    assert (row.feed, row.key, row.before, row.after) == ("cases", "C1", "pending", "verified")
    assert row.received_at == "2025-05-10 03:00"
    assert {(c.before, c.after) for c in _of(found.changes, "B")} == {("pending", "unfounded")}
    late = _of(found.changes, "C")[0]
    assert (late.before, late.after, late.because[0].before) == ("unseen", "verified", None)
    moved = {(c.as_of, c.before, c.after) for c in _of(found.changes, "D")}
    assert (date(2025, 1, 1), "verified", "unseen") in moved
    assert all("2025-03-10 → 2025-04-29" in change.because[0].after for change in _of(found.changes, "D"))
    averted = _of(found.changes, "G")[0]
    assert (averted.before, averted.after) == ("unfounded", "averted")
    assert [(row.feed, row.key) for row in averted.because] == [("dispositions", "W1")]
    assert {row.feed for change in _of(found.changes, "OWN") for row in change.because} == {"dispositions"}


def test_changes_are_all_there_are_and_looks_alone_are_counted(view_of: Callable[..., View]) -> None:
    view = view_of(_world())
    found = revisions(view, SINCE, UNTIL)
    expected = {}
    dates = [date(2024 + m // 12, m % 12 + 1, 1) for m in range(10, 22)]
    parts = [
        states(view, dates, 90, at, "employer").set_index(["subject_id", "as_of"])["state"]
        for at in (SINCE, UNTIL)
    ]
    for key in parts[0].index.union(parts[1].index):
        before, after = (part.get(key, "unseen") for part in parts)
        if before != after:
            expected[key[0], pd.Timestamp(key[1]).date()] = (before, after)
    quiet = {key: pair for key, pair in expected.items() if set(pair) <= {"unseen", "unfounded"}}
    told = {(c.subject_id, c.as_of): (c.before, c.after) for c in found.changes}
    assert told == {key: pair for key, pair in expected.items() if key not in quiet}
    assert quiet
    assert sum(found.transitions["employer"].values()) == len(expected)
    assert all(change.because for change in found.changes)


def test_dates_become_mature_once(view_of: Callable[..., View]) -> None:
    view = view_of(_world())
    months = [revisions(view, date(2025, m, 1), date(2025, m + 1, 1)).matured for m in range(3, 8)]
    # 90 days and 45 more after the first of a month: 2025-01-01 is mature on 2025-05-16.
    told = [day for month in months for day in month]
    assert told == [date(2024, m, 1) for m in (11, 12)] + [date(2025, m, 1) for m in (1, 2, 3)]
    assert date(2025, 1, 1) in months[2]


def test_nothing_received_changes_nothing(view_of: Callable[..., View]) -> None:
    found = revisions(view_of(_world()), date(2025, 7, 1), date(2025, 8, 1))
    assert found.changes == ()
    assert found.transitions == {}


def test_a_case_given_to_another_is_the_reason_for_both_whose_labels_change(
    view_of: Callable[..., View],
) -> None:
    opened, before, between = date(2025, 3, 10), date(2025, 4, 20), date(2025, 5, 10)
    view = view_of(
        {
            "cases": [
                _case("C1", "A", opened, "verified", before),
                _case("C1", "B", opened, "verified", between),  # another employer
                _case("C2", "D", opened, "verified", before),
                _case("C2", "D", opened + timedelta(2), "verified", between)
                | {"project_id": "P1"},  # its site
            ]
        }
    )
    found = revisions(view, SINCE, UNTIL)
    march = {(c.kind, c.subject_id): c for c in found.changes if c.as_of == date(2025, 3, 1)}
    assert {key: (c.before, c.after) for key, c in march.items()} == {
        ("employer", "A"): ("verified", "unseen"),
        ("employer", "B"): ("unseen", "verified"),
        ("employer", "D"): ("verified", "unseen"),
        ("project", "P1"): ("unseen", "verified"),
    }
    reasons = {key: [(row.key, row.before, row.after) for row in c.because] for key, c in march.items()}
    given = [("C1", "verified", "verified (A → B)")]
    assert reasons["employer", "A"] == reasons["employer", "B"] == given
    sited = [("C2", "verified", "verified (2025-03-10 → 2025-03-12, D → P1)")]
    assert reasons["employer", "D"] == reasons["project", "P1"] == sited
    assert all(change.because for change in found.changes)
