"""Who went quiet, and whether a complaint came before it."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from anxin.features.known import Known
from anxin.features.silence import silence

from . import streams

D = date(2025, 6, 1)
FIRM = streams.EMPLOYERS[0]
QUIET, OTHER = streams.PROJECTS[:2]


def sheet(project: str, ago: int) -> dict[str, Any]:
    on = D - timedelta(ago)
    return {
        **{"employer_id": FIRM, "project_id": project, "month": (on - timedelta(31)).replace(day=1)},
        **{"uploaded_on": on, "pay_due_on": on, "workers": 10, "due": Decimal(1)},
        "received_at": datetime.combine(on + timedelta(1), time()),
    }


def registered(project: str) -> dict[str, Any]:
    start = {"start_on": D - timedelta(500), "planned_end_on": D + timedelta(500)}
    return {
        **{"project_id": project, "name": "乙", "project_type": "building", "district": "500112"},
        **{"investment": "private", "real_estate": False, "owner_id": FIRM, "contractor_id": FIRM},
        **{"contract_amount": Decimal(1), "changed_on": D - timedelta(500), **start},
        "received_at": datetime.combine(D - timedelta(499), time()),
    }


def complaint(ago: int) -> dict[str, Any]:
    on = D - timedelta(ago)
    return {
        **{"complaint_id": f"c{ago}", "project_id": QUIET, "channel": "hotline", "occurred_on": on},
        "received_at": datetime.combine(on + timedelta(1), time()),
    }


@pytest.mark.parametrize(
    ("last", "complained", "stopped"),
    [
        pytest.param(60, [50], 1.0, id="it was sending and stopped"),
        pytest.param(95, [50], 1.0, id="the last row is as old as one may be"),
        pytest.param(96, [50], 0.0, id="it had stopped before"),
        pytest.param(300, [50], 0.0, id="it had stopped long before"),
        pytest.param(300, [50, 280], 1.0, id="it stopped at an earlier complaint"),
        pytest.param(40, [50], 0.0, id="it went on"),
        pytest.param(50, [50], 1.0, id="its last row came on the day of the complaint"),
    ],
)
def test_who_had_stopped_before_a_complaint_did_not_stop_because_of_it(
    tmp_path: Path, last: int, complained: list[int], stopped: float
) -> None:
    rows = {
        "wage_sheets": [sheet(QUIET, last), sheet(OTHER, 2)],
        "complaints": [complaint(ago) for ago in complained],
    }
    view = streams.view_of(tmp_path, rows)
    (table,) = (one for one in silence(Known(view, (D,), "project")) if "wage_sheets_stopped" in one.columns)
    found = view.backend.to_pyarrow(table).to_pylist()
    assert {row["subject_id"]: row["wage_sheets_stopped"] for row in found} == {QUIET: stopped, OTHER: 0.0}


@pytest.mark.parametrize(
    ("began", "never", "missed"),
    [
        pytest.param(20, 0.0, 1.0, id="the feed began lately"),
        pytest.param(50, 0.0, 2.0, id="the feed began less than two months ago"),
        pytest.param(70, 1.0, 3.0, id="the feed is older than that"),
        pytest.param(300, 1.0, 6.0, id="the feed is old"),
    ],
)
def test_nobody_missed_what_was_due_before_the_feed_began(
    tmp_path: Path, began: int, never: float, missed: float
) -> None:
    view = streams.view_of(
        tmp_path,
        {
            "projects": [registered(QUIET)],
            "wage_sheets": [sheet(OTHER, ago) for ago in {*range(2, began, 20), began}],
        },
    )
    (table,) = (one for one in silence(Known(view, (D,), "project")) if "wage_sheets_never" in one.columns)
    (row,) = view.backend.to_pyarrow(table).to_pylist()
    assert (row["wage_sheets_never"], row["wage_sheets_missed_months"]) == (never, missed)


def test_of_a_month_that_few_have_sent_so_far_nobody_missed_it(tmp_path: Path) -> None:
    sites = [f"2301-500112-04-01-9{i:04d}1" for i in range(12)]
    for came, missed in ((9, 1.0), (10, 2.0)):
        sheets = [sheet(site, ago) for site in sites[1:] for ago in (100, 130, 160)]
        sheets += [sheet(site, 70) for site in sites[1 : 1 + came]] + [
            sheet(sites[0], ago) for ago in (130, 160)
        ]
        view = streams.view_of(
            tmp_path / str(came), {"projects": [registered(site) for site in sites], "wage_sheets": sheets}
        )
        (table,) = (
            one for one in silence(Known(view, (D,), "project")) if "wage_sheets_never" in one.columns
        )
        found = {row["subject_id"]: row for row in view.backend.to_pyarrow(table).to_pylist()}
        assert (
            found[sites[0]]["wage_sheets_missed_months"] - found[sites[1]]["wage_sheets_missed_months"]
            == missed
        )


def test_a_post_that_no_roster_names_is_vacant_nowhere(tmp_path: Path) -> None:
    sites = [registered(project) for project in (QUIET, OTHER)]
    officer = {"project_id": OTHER, "role": "labour_officer", "person_no": "p1"}
    days = [D - timedelta(ago) for ago in (510, 5)]
    roster = [officer | {"from_on": day, "received_at": datetime(2025, 5, 31)} for day in days]
    view = streams.view_of(tmp_path, {"projects": sites, "rosters": roster})
    (table,) = (one for one in silence(Known(view, (D,), "project")) if "coordinator_vacant" in one.columns)
    rows = {row["subject_id"]: row for row in view.backend.to_pyarrow(table).to_pylist()}
    assert [rows[project]["labour_officer_vacant"] for project in (QUIET, OTHER)] == [1.0, 0.0]
    assert [rows[project]["coordinator_vacant"] for project in (QUIET, OTHER)] == [None, None]


def test_who_was_appointed_before_rosters_began_may_not_have_been_told_of(tmp_path: Path) -> None:
    officer = {"project_id": OTHER, "role": "labour_officer", "from_on": D - timedelta(90), "person_no": "p1"}
    rows = [officer | {"received_at": datetime(2025, 5, 1)}]
    view = streams.view_of(tmp_path, {"projects": [registered(QUIET)], "rosters": rows})
    (table,) = (one for one in silence(Known(view, (D,), "project")) if "coordinator_vacant" in one.columns)
    (row,) = view.backend.to_pyarrow(table).to_pylist()
    assert row["labour_officer_vacant"] is None
