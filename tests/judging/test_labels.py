"""Labels against their plain meaning in semantics.md, on random small lakes."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest

from anxin.feeds.asof import View
from anxin.judging.any_list import with_labels
from anxin.judging.labels import is_mature, labels

Row = dict[str, Any]
EMPLOYERS, PROJECTS = ["E1", "E2", "E3"], ["P1", "P2"]
DATES = [date(2024, 1, 1), date(2024, 2, 10), date(2024, 4, 1)]
KNOWN = (date(2024, 5, 1), date(2024, 8, 15), date(2025, 1, 1))


def _case(number: int, opened: date, received: date, outcome: str, **more: Any) -> Row:
    row = {"case_id": f"C{number}", "employer_id": "E1", "project_id": None, "source": "complaint"}
    row |= {"arrears_from": opened.replace(day=1), "opened_on": opened, "outcome": outcome, **more}
    return row | {"received_at": datetime.combine(received, time(3))}


def _visit(number: int, warning: str | None, day: date, **more: Any) -> Row:
    row = {"inspection_id": f"I{number}", "employer_id": "E1", "project_id": None, "inspected_on": day}
    row |= {"reason": "warning", "finding": "none", "warning_id": warning, **more}
    return row | {"received_at": datetime.combine(day + timedelta(1), time(3))}


def _ended(warning: str, day: date, outcome: str | None, received: date | None = None) -> Row:
    row = {"warning_id": warning, "leg": "place", "status": "closed", "status_on": day, "outcome": outcome}
    return row | {"received_at": datetime.combine(received or day + timedelta(1), time(3))}


def _world(seed: int) -> dict[str, list[Row]]:
    """Return cases sent again as they go on, visits after warnings, and how the warnings ended."""
    rng = random.Random(seed)
    cases, visits, ends = [], [], []
    for number in range(12):
        opened = rng.choice(DATES) + timedelta(rng.choice([-30, -1, 0, 1, 29, 30, 50, 89, 90, 179, 180]))
        whose = {"employer_id": rng.choice(EMPLOYERS), "project_id": rng.choice([None, None, *PROJECTS])}
        received = opened + timedelta(rng.choice([-2, 1, 1, 40]))
        cases.append(_case(number, opened, received, "pending", **whose))
        if rng.random() < 0.8:
            outcome = rng.choice(["verified", "verified", "unfounded"])
            later = received + timedelta(rng.choice([5, 30, 60, 200]))
            moved = opened + timedelta(rng.choice([0, 0, 0, 20]))
            size = {"workers": rng.randint(1, 50), "amount": Decimal("1000.50") * rng.randint(1, 9)}
            cases.append(_case(number, moved, later, outcome, **whose, **size))
    for number in range(28):
        acted = rng.choice(DATES) + timedelta(rng.choice([-1, 0, 5, 29, 30, 89, 90, 170]))
        whose = {"employer_id": rng.choice(EMPLOYERS), "project_id": rng.choice([None, *PROJECTS])}
        visits.append(_visit(number, rng.choice([f"W{number}", f"W{number}", None]), acted, **whose))
        outcome = rng.choice(["averted", "averted", "unfounded", None])
        told = acted + timedelta(rng.choice([0, 9, 40]))
        ends.append(_ended(f"W{number}", told, outcome, told + timedelta(rng.choice([1, 100]))))
        if rng.random() < 0.4:  # reviewed: the last word counts
            ends.append(_ended(f"W{number}", told + timedelta(7), rng.choice(["averted", "unfounded", None])))
    return {"cases": cases, "inspections": visits, "dispositions": ends}


def _known(rows: list[Row], key: tuple[str, ...], event: str, day: date) -> list[Row]:
    newest: dict[tuple[Any, ...], Row] = {}
    for row in sorted(rows, key=lambda row: row["received_at"]):
        if row["received_at"] < datetime.combine(day, time()):
            newest[tuple(row[name] for name in key)] = row
    return [row for row in newest.values() if row[event] < day]


def _whose(row: Row, kind: str) -> str | None:
    return row["project_id"] if kind == "project" else None if row["project_id"] else row["employer_id"]


def _oracle(world: dict[str, list[Row]], subject: str, day: date, horizon: int, at: date, kind: str) -> str:
    def inside(event: date) -> bool:
        return day <= event < day + timedelta(horizon)

    cases = _known(world["cases"], ("case_id",), "opened_on", at)
    outcomes = {c["outcome"] for c in cases if _whose(c, kind) == subject and inside(c["opened_on"])}
    visits = _known(world["inspections"], ("inspection_id",), "inspected_on", at)
    acted = {v["warning_id"] for v in visits if _whose(v, kind) == subject and inside(v["inspected_on"])}
    told = _known(world["dispositions"], ("warning_id", "leg", "status", "status_on"), "status_on", at)
    last = {}
    for end in sorted((end for end in told if end["outcome"]), key=lambda end: end["status_on"]):
        last[end["warning_id"]] = end["outcome"]
    if "verified" in outcomes:
        return "positive"
    if any(last.get(warning) == "averted" for warning in acted):
        return "averted"
    return "pending" if "pending" in outcomes else "nothing"


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("kind", ["employer", "project"])
def test_labels_are_what_semantics_says(seed: int, kind: Any, view_of: Callable[..., View]) -> None:
    world = _world(seed)
    view = view_of(world)
    met = set()
    for at in KNOWN:
        for horizon in (30, 90, 180):
            found = labels(view, DATES, horizon, at, kind)
            keys = list(zip(found["subject_id"], pd.to_datetime(found["as_of"]).dt.date, strict=True))
            assert len(keys) == len(set(keys))
            got = dict(zip(keys, found["outcome"], strict=True))
            for subject in EMPLOYERS if kind == "employer" else PROJECTS:
                for day in DATES:
                    expected = _oracle(world, subject, day, horizon, at, kind)
                    assert got.pop((subject, day), "nothing") == expected, (subject, day, horizon, at)
                    met.add(expected)
            assert not got
    assert {"positive", "averted", "nothing"} <= met


def _only(found: pd.DataFrame) -> dict[str, Any]:
    (row,) = found.to_dict("records")
    return row


DAY = date(2024, 3, 1)


def test_a_case_verified_only_after_t_is_pending_at_t_and_positive_later(
    view_of: Callable[..., View],
) -> None:
    opened = DAY + timedelta(10)
    view = view_of(
        {
            "cases": [
                _case(1, opened, opened, "pending"),
                _case(1, opened, date(2024, 9, 1), "verified", workers=7, amount=Decimal("10.00")),
            ]
        }
    )
    before = _only(labels(view, [DAY], 90, date(2024, 9, 1), "employer"))
    assert before["outcome"] == "pending"
    assert pd.isna(before["workers"])
    after = _only(labels(view, [DAY], 90, date(2024, 9, 2), "employer"))
    assert (after["outcome"], after["workers"], after["amount"]) == ("positive", 7.0, 10.0)


def test_sizes_are_those_of_the_first_verified_case(view_of: Callable[..., View]) -> None:
    days = [DAY + timedelta(n) for n in (1, 5, 9)]
    cases = [
        _case(1, days[0], days[0], "pending"),
        _case(2, days[1], days[1], "verified", workers=5),
        _case(3, days[2], days[2], "verified", workers=9),
    ]
    found = _only(labels(view_of({"cases": cases}), [DAY], 90, date(2025, 1, 1), "employer"))
    assert found["workers"] == 5.0
    assert pd.Timestamp(found["opened_on"]).date() == days[1]


def test_an_unfounded_case_is_nothing(view_of: Callable[..., View]) -> None:
    view = view_of({"cases": [_case(1, DAY, DAY, "pending"), _case(1, DAY, DAY + timedelta(9), "unfounded")]})
    assert len(labels(view, [DAY], 90, date(2025, 1, 1), "employer")) == 0


def test_a_case_on_a_site_is_the_sites_and_not_the_employers(view_of: Callable[..., View]) -> None:
    view = view_of({"cases": [_case(1, DAY, DAY, "verified", project_id="P1")]})
    assert len(labels(view, [DAY], 90, date(2025, 1, 1), "employer")) == 0
    assert _only(labels(view, [DAY], 90, date(2025, 1, 1), "project"))["subject_id"] == "P1"


def test_without_any_cases_nothing_came_true(view_of: Callable[..., View]) -> None:
    view = view_of({"inspections": [_visit(1, None, DAY)]})
    assert list(labels(view, [DAY], 90, date(2025, 1, 1), "employer")["outcome"]) == []


def test_a_label_is_mature_45_days_after_its_horizon() -> None:
    assert is_mature(date(2024, 1, 1), 90, date(2024, 1, 1) + timedelta(135))
    assert not is_mature(date(2024, 1, 1), 90, date(2024, 1, 1) + timedelta(134))


def test_in_judging_the_averted_are_hits_and_the_pending_unknown(view_of: Callable[..., View]) -> None:
    acted = DAY + timedelta(20)
    view = view_of(
        {
            "cases": [
                _case(1, acted, acted, "verified", employer_id="E1"),
                _case(2, acted, acted, "pending", employer_id="E2"),
            ],
            "inspections": [_visit(1, "W1", acted, employer_id="E3")],
            "dispositions": [_ended("W1", acted, "averted")],
        }
    )
    asked = pd.DataFrame({"subject_id": ["E1", "E2", "E3", "E4"], "as_of": [DAY] * 4})
    found = with_labels(view, asked, "employer", date(2025, 1, 1)).set_index("subject_id")["y"]
    assert found.drop("E2").to_dict() == {"E1": 1.0, "E3": 1.0, "E4": 0.0}
    assert pd.isna(found["E2"])
    too_early = with_labels(view, asked, "employer", DAY + timedelta(89))
    assert len(too_early) == 0


def test_before_the_outcome_feed_began_nobody_is_known_to_be_clean(view_of: Callable[..., View]) -> None:
    """Other feeds came a year before the first case: a window of that time is unknown in judging as in training."""
    said = {
        **{"complaint_id": "K1", "employer_id": "E2", "project_id": None, "channel": "visit", "workers": 1},
        **{"occurred_on": date(2023, 1, 5), "received_at": datetime(2023, 1, 6)},
    }
    cases = [_case(i, DAY + timedelta(i), DAY + timedelta(i + 1), "verified") for i in range(0, 200, 5)]
    asked = pd.DataFrame({"subject_id": ["E1", "E1"], "as_of": [date(2023, 6, 1), DAY]})
    at = DAY + timedelta(200)
    found = with_labels(view_of({"cases": cases, "complaints": [said]}), asked, "employer", at)
    assert found["y"].isna().tolist() == [True, False]
