"""Five states of a label kept apart, and averted warnings recognised in each of their ways."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest

from anxin.domain.identifiers import warning_id
from anxin.feeds.asof import View
from anxin.judging.any_list import with_labels
from anxin.judging.labels import labels
from anxin.judging.states import states

Row = dict[str, Any]
DAY, T = date(2024, 3, 1), date(2025, 1, 1)
MakeView = Callable[..., View]


def _at(day: date) -> datetime:
    return datetime.combine(day + timedelta(1), time(3))


def _case(who: str, day: date, outcome: str, number: int = 1, **more: Any) -> Row:
    row = {"case_id": f"C{who}{number}", "employer_id": who, "source": "complaint", "opened_on": day}
    return row | {"arrears_from": day.replace(day=1), "outcome": outcome, "received_at": _at(day), **more}


def _visit(who: str | None, day: date, **more: Any) -> Row:
    row = {"inspection_id": f"I{who}{day}", "employer_id": who, "inspected_on": day, "reason": "routine"}
    return row | {"finding": "none", "received_at": _at(day), **more}


def _receipt(number: str, status: str, day: date, outcome: str | None = None) -> Row:
    row = {"warning_id": number, "leg": "place", "status": status, "status_on": day, "outcome": outcome}
    return row | {"received_at": _at(day)}


def _hazard(who: str, day: date, resolution: str | None) -> Row:
    row = {"hazard_id": f"H{who}", "employer_id": who, "found_on": day, "kind": "unpaid"}
    return row | {
        "resolution": resolution,
        "resolved_on": day + timedelta(9),
        "received_at": _at(day + timedelta(9)),
    }


def _registered(*who: str) -> list[Row]:
    row = {
        "name": "某公司",
        "district": "500103",
        "industry": "C33",
        "ownership": "private",
        "status": "active",
    }
    row |= {
        "registered_capital": Decimal(1),
        "established_on": date(2020, 1, 1),
        "changed_on": date(2020, 1, 1),
    }
    return [{**row, "employer_id": one, "received_at": _at(date(2020, 1, 1))} for one in who]


def _found(view: View, kind: Any = "employer") -> dict[str, str]:
    table = states(view, [DAY], 90, T, kind)
    return dict(zip(table["subject_id"], table["state"], strict=True))


def test_five_states_are_five(view_of: MakeView) -> None:
    day = DAY + timedelta(20)
    view = view_of(
        {
            "cases": [
                _case("V", day, "verified", workers=3, amount=Decimal("10.50")),
                _case("V", day + timedelta(5), "verified", 2, workers=4, amount=Decimal("0.50")),
                _case("V", day - timedelta(5), "pending", 3),
                _case("P", day, "pending"),
                _case("U", day, "unfounded"),
                _case("LATE", DAY + timedelta(90), "verified"),
                # The feed of cases is as old as the others.
                _case("EARLY", DAY - timedelta(3), "verified"),
            ],
            "inspections": [
                _visit("L", day),
                _visit("A", day, warning_id="W1"),
                _visit("OLD", DAY - timedelta(1)),
            ],
            "dispositions": [_receipt("W1", "closed", day, "averted")],
            "complaints": [
                {"complaint_id": "X", "employer_id": "C", "channel": "petition", "occurred_on": day}
                | {"received_at": _at(day)}
            ],
        }
    )
    expected = {
        "V": "verified",
        "P": "pending",
        "U": "unfounded",
        "L": "unfounded",
        "A": "averted",
        "C": "unfounded",
    }
    assert _found(view) == expected
    row = states(view, [DAY], 90, T, "employer").set_index("subject_id").loc["V"]
    assert (row["case"], row["workers"], row["amount"]) == ("verified", 7.0, 11.0)
    assert (row["opened_on"], row["looked_on"].date()) == (day, day - timedelta(5))
    asked = pd.DataFrame({"subject_id": [*expected, "NOBODY"], "as_of": [DAY] * 7})
    judged = with_labels(view, asked, "employer", T).set_index("subject_id")
    assert judged.loc["NOBODY", "state"] == "unseen"
    assert judged["y"].dropna().to_dict() == {"V": 1.0, "A": 1.0, "U": 0.0, "L": 0.0, "C": 0.0, "NOBODY": 0.0}
    assert judged["y_plain"].dropna().to_dict() == {
        "V": 1.0,
        "A": 0.0,
        "U": 0.0,
        "L": 0.0,
        "C": 0.0,
        "NOBODY": 0.0,
    }


def test_a_verified_case_is_verified_whatever_became_of_a_warning(view_of: MakeView) -> None:
    day = DAY + timedelta(3)
    view = view_of(
        {
            "cases": [_case("A", day, "verified"), _case("B", day, "pending")],
            "inspections": [_visit("A", day, warning_id="W1"), _visit("B", day, warning_id="W2")],
            "dispositions": [
                _receipt("W1", "closed", day, "averted"),
                _receipt("W2", "closed", day, "averted"),
            ],
        }
    )
    assert _found(view) == {"A": "verified", "B": "averted"}
    judged = with_labels(view, pd.DataFrame({"subject_id": ["B"], "as_of": [DAY]}), "employer", T)
    assert pd.isna(judged["y_plain"][0])


@pytest.mark.parametrize(("shift", "state"), [(-1, None), (0, "averted"), (89, "averted"), (90, None)])
def test_a_receipt_for_a_warning_of_our_own_list_needs_no_visit_in_the_inspections(
    view_of: MakeView, shift: int, state: str | None
) -> None:
    number = warning_id("employer", "E1", DAY - timedelta(40))
    visited = DAY + timedelta(shift)
    receipts = [
        _receipt(number, "visited", visited),
        _receipt(number, "closed", visited + timedelta(30), "averted"),
    ]
    view = view_of({"employers": _registered("E1", "E2"), "dispositions": receipts})
    assert _found(view).get("E1") == state
    assert "E2" not in _found(view)
    assert _found(view, "project") == {}


def test_an_own_warning_that_ended_otherwise_is_not_averted(view_of: MakeView) -> None:
    number, day = warning_id("employer", "E1", DAY), DAY + timedelta(5)
    ends = [
        _receipt(number, "fed_back", day, "averted"),
        _receipt(number, "closed", day + timedelta(4), "unfounded"),
    ]
    assert _found(view_of({"employers": _registered("E1"), "dispositions": ends})) == {}
    only = view_of({"employers": _registered("E1"), "dispositions": ends[:1]})
    # Nobody says when it was visited: the day of the answer counts.
    assert _found(only) == {"E1": "averted"}


def test_a_hazard_that_ended_averted_counts_only_if_a_warning_led_to_it(view_of: MakeView) -> None:
    day = DAY + timedelta(5)
    warned = {"reason": "warning", "finding": "hazard"}
    view = view_of(
        {
            "inspections": [
                _visit("A", day, **warned),
                _visit("B", day, **{**warned, "reason": "routine"}),
                _visit("C", day, **warned, warning_id="W1"),
                _visit("D", day - timedelta(20), **warned),
                _visit("E", day, **warned),
            ],
            "hazards": [
                _hazard(who, day + timedelta(2), "averted" if who != "E" else "paid") for who in "ABCDE"
            ],
            "dispositions": [_receipt("W1", "closed", day, "unfounded")],
        }
    )
    states_found = _found(view)
    assert {who for who, state in states_found.items() if state == "averted"} == {"A"}
    taught = labels(view, [DAY], 90, T, "employer")
    assert list(taught["subject_id"]) == ["A"]
    assert list(taught["outcome"]) == ["averted"]
