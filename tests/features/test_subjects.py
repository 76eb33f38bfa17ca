"""Who is scored on a date, who is in hand, and what of people never shows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from anxin.features.catalogue import Kind, facts, of
from anxin.features.known import Known
from anxin.features.snapshots import KINDS
from anxin.features.subjects import in_hand, subjects
from anxin.feeds.asof import View

from . import oracle, streams
from .conftest import Made

D = date(2024, 6, 1)
FIRM, SITE = streams.EMPLOYERS[0], streams.PROJECTS[0]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", streams.SEEDS)
def test_those_scored_are_the_registry_and_who_was_heard_of(
    seed: int, kind: Kind, made: Callable[[int], Made]
) -> None:
    rows = made(seed).rows(kind)
    for day in streams.DATES:
        found = [row["subject_id"] for row in rows if row["as_of"] == day]
        assert found == sorted(oracle.scored(oracle.Past(streams.world(seed), day, kind)))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", streams.SEEDS)
def test_in_hand_is_what_someone_already_works_on(seed: int, kind: Kind, made: Callable[[int], Made]) -> None:
    past = {day: oracle.Past(streams.world(seed), day, kind) for day in streams.DATES}
    for row in made(seed).rows(kind):
        assert row["in_hand"] == oracle.in_hand(past[row["as_of"]], row["subject_id"])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", streams.SEEDS)
def test_facts_of_a_subject_are_those_of_its_registry_row(
    seed: int, kind: Kind, made: Callable[[int], Made]
) -> None:
    past = {day: oracle.Past(streams.world(seed), day, kind) for day in streams.DATES}
    for row in made(seed).rows(kind):
        known = past[row["as_of"]].registered(row["subject_id"])
        assert row["registered"] == (known is not None)
        for name in ("name", "district", "ownership", "owner_id", "controller_id"):
            if name in row:
                assert row[name] == (None if known is None else known[name])


@pytest.mark.parametrize("kind", KINDS)
def test_no_worker_and_no_outcome_is_a_column(kind: Kind, made: Callable[[int], Made]) -> None:
    for seed in streams.SEEDS:
        for row in made(seed).rows(kind):
            assert not streams.BARRED & {value for value in row.values() if isinstance(value, str)}
    numbers = {f.name for f in of(kind)} | {f.name for f in facts().values() if kind in f.kinds}
    described = {name for name, value in row.items() if name not in numbers}
    assert not described & {
        *("worker_id", "person_no", "case_id", "warning_id", "outcome", "result", "resolution", "finding"),
        *(
            "verified_on",
            "closed_on",
            "resolved_on",
            "settled_by",
            "settled_on",
            "superseded_at",
            "received_at",
        ),
    }


def firm(received: datetime, status: str = "active", changed: date = date(2024, 1, 1)) -> dict[str, Any]:
    return {
        **{
            "employer_id": FIRM,
            "name": "甲",
            "district": "500112",
            "industry": "E47",
            "ownership": "private",
        },
        **{"registered_capital": None, "established_on": date(2020, 1, 1), "status": status},
        **{"changed_on": changed, "received_at": received, "registered_capital": 1},
    }


def site(**changed: Any) -> dict[str, Any]:
    return {
        **{"project_id": SITE, "name": "乙", "project_type": "building", "district": "500112"},
        **{"investment": "private", "real_estate": False, "owner_id": FIRM, "contractor_id": FIRM},
        **{"contract_amount": 1, "start_on": date(2024, 1, 1), "planned_end_on": date(2025, 1, 1)},
        **{"changed_on": date(2024, 1, 1), "received_at": datetime(2024, 1, 2), **changed},
    }


def complaint(received: datetime, **changed: Any) -> dict[str, Any]:
    return {
        **{"complaint_id": "c", "employer_id": FIRM, "channel": "hotline", "occurred_on": date(2024, 5, 1)},
        **{"received_at": received, **changed},
    }


def who(view: View, kind: Kind, day: date = D) -> list[str]:
    return sorted(view.backend.to_pyarrow(subjects(Known(view, (day,), kind)))["subject_id"].to_pylist())


def hand(view: View, kind: Kind, day: date = D) -> list[str]:
    return sorted(view.backend.to_pyarrow(in_hand(Known(view, (day,), kind)))["subject_id"].to_pylist())


def test_a_deregistered_employer_is_no_longer_scored(tmp_path: Path) -> None:
    rows = [firm(datetime(2024, 1, 2)), firm(datetime(2024, 3, 2), "deregistered", date(2024, 3, 1))]
    view = streams.view_of(tmp_path, {"employers": rows, "complaints": [complaint(datetime(2024, 5, 2))]})
    assert who(view, "employer", date(2024, 3, 2)) == [FIRM]
    assert who(view, "employer", date(2024, 3, 3)) == []


@pytest.mark.parametrize(
    ("changed", "scored"),
    [
        ({}, True),
        ({"start_on": D}, True),
        ({"start_on": D + timedelta(1)}, False),
        ({"ended_on": D - timedelta(1)}, False),
        ({"ended_on": D}, True),
        ({"changed_on": D}, False),
    ],
)
def test_a_project_is_scored_from_its_start_to_its_end(tmp_path: Path, changed: Any, scored: bool) -> None:
    view = streams.view_of(tmp_path, {"projects": [site(**changed)]})
    assert who(view, "project") == ([SITE] if scored else [])


@pytest.mark.parametrize(
    ("received", "scored"),
    [
        (datetime(2024, 6, 1), False),
        (datetime(2024, 5, 31, 23, 59), True),
        (datetime(2023, 6, 2), True),
        (datetime(2023, 6, 1, 23, 59), False),
    ],
)
def test_outside_the_registry_a_row_of_the_last_year_is_enough(
    tmp_path: Path, received: datetime, scored: bool
) -> None:
    rows = [complaint(received, occurred_on=date(2023, 1, 1))]
    assert who(streams.view_of(tmp_path, {"complaints": rows}), "employer") == ([FIRM] if scored else [])


def test_who_enters_the_registry_later_is_scored_once(tmp_path: Path) -> None:
    rows = {"complaints": [complaint(datetime(2024, 5, 2))], "employers": [firm(datetime(2024, 5, 20))]}
    view = streams.view_of(tmp_path, rows)
    assert who(view, "employer", date(2024, 5, 10)) == [FIRM]
    assert who(view, "employer") == [FIRM]


def test_a_registry_row_of_a_day_to_come_leaves_the_subject_outside(tmp_path: Path) -> None:
    rows = {
        "complaints": [complaint(datetime(2024, 5, 2))],
        "employers": [firm(datetime(2024, 5, 20), changed=date(2024, 7, 1))],
    }
    assert who(streams.view_of(tmp_path, rows), "employer") == [FIRM]


def test_a_complaint_of_ninety_days_is_in_hand_and_an_older_one_is_not(tmp_path: Path) -> None:
    rows = [complaint(datetime(2024, 5, 2), occurred_on=D - timedelta(90))]
    view = streams.view_of(tmp_path, {"complaints": rows})
    assert hand(view, "employer") == [FIRM]
    assert hand(view, "employer", D + timedelta(1)) == []


def test_a_complaint_about_a_project_leaves_the_employer_new(tmp_path: Path) -> None:
    view = streams.view_of(tmp_path, {"complaints": [complaint(datetime(2024, 5, 2), project_id=SITE)]})
    assert hand(view, "employer") == []
    assert hand(view, "project") == [SITE]
