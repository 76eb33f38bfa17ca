"""The case rates around a subject."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from anxin.features.known import Kind, Known
from anxin.features.profile import profile
from anxin.feeds.asof import View

from . import streams

D = date(2025, 6, 10)
RECEIVED = datetime(2024, 1, 2)


def firm(number: int, status: str = "active") -> dict[str, Any]:
    return {
        **{"employer_id": streams.EMPLOYERS[number], "name": "甲", "district": "500112", "industry": "E47"},
        **{"ownership": "private", "registered_capital": Decimal(1), "established_on": date(2020, 1, 1)},
        **{"status": status, "changed_on": date(2024, 1, 1), "received_at": RECEIVED},
    }


def site(number: int, start_on: date = date(2024, 1, 1), ended_on: date | None = None) -> dict[str, Any]:
    return {
        **{"project_id": streams.PROJECTS[number], "name": "乙", "project_type": "building"},
        **{"district": "500112", "investment": "private", "real_estate": False},
        **{"owner_id": streams.EMPLOYERS[0], "contractor_id": streams.EMPLOYERS[1]},
        **{"contract_amount": Decimal(1), "start_on": start_on, "planned_end_on": date(2026, 1, 1)},
        **{"ended_on": ended_on, "changed_on": date(2024, 1, 1), "received_at": RECEIVED},
    }


def case(employer: str, project: str | None) -> dict[str, Any]:
    return {
        **{"case_id": f"{employer} {project}", "employer_id": employer, "project_id": project},
        **{"opened_on": date(2025, 5, 1), "workers": 1, "amount": Decimal(1), "outcome": "verified"},
        **{"source": "complaint", "arrears_from": date(2025, 3, 1), "received_at": datetime(2025, 5, 2)},
    }


def rates(view: View, kind: Kind, subject: str) -> list[float]:
    names = ["sector_case_rate_90d", "sector_case_rate_365d", "district_case_rate_365d"]
    (table,) = (one for one in profile(Known(view, (D,), kind)) if names[0] in one.columns)
    found = {row.pop("subject_id"): row for row in view.backend.to_pyarrow(table).to_pylist()}
    return [found[subject][name] for name in names]


def test_who_is_deregistered_is_no_longer_one_of_the_others(tmp_path: Path) -> None:
    firms = [firm(0), firm(1), firm(2), firm(3), firm(4, "deregistered"), firm(5, "deregistered")]
    cases = [case(streams.EMPLOYERS[number], None) for number in (1, 4)]
    view = streams.view_of(tmp_path, {"employers": firms, "cases": cases})
    assert rates(view, "employer", streams.EMPLOYERS[0]) == pytest.approx([1 / 3] * 3)
    assert rates(view, "employer", streams.EMPLOYERS[1]) == [0.0] * 3


def test_a_project_that_has_ended_or_not_begun_is_none_of_the_others(tmp_path: Path) -> None:
    ended, begins = date(2025, 6, 9), date(2025, 6, 11)
    sites = [site(0), site(1), site(2), site(3), site(4, ended_on=ended), site(5, start_on=begins)]
    cases = [case(streams.EMPLOYERS[1], streams.PROJECTS[number]) for number in (1, 4)]
    view = streams.view_of(tmp_path, {"projects": sites, "cases": cases})
    assert rates(view, "project", streams.PROJECTS[0]) == pytest.approx([1 / 3] * 3)
    assert rates(view, "project", streams.PROJECTS[1]) == [0.0] * 3


def test_a_corrected_row_of_the_registry_is_no_change(tmp_path: Path) -> None:
    typo = firm(0) | {"registered_capital": Decimal(100), "legal_representative": "a" * 64, "address": "A"}
    right = firm(0) | {"legal_representative": "b" * 64, "address": "B", "received_at": datetime(2024, 1, 9)}
    later = right | {"changed_on": date(2025, 1, 1), "received_at": datetime(2025, 1, 2), "address": "C"}
    view = streams.view_of(tmp_path, {"employers": [typo, right, later]})
    table = next(iter(profile(Known(view, (date(2024, 1, 5), D), "employer"))))
    rows = {row["as_of"]: row for row in view.backend.to_pyarrow(table).to_pylist()}
    names = ("firm_capital_left", "firm_representatives", "firm_addresses", "firm_representative_days")
    assert [rows[D][name] for name in names] == [1.0, 1.0, 2.0, None]
    # Until it was corrected it was what was known.
    assert rows[date(2024, 1, 5)]["firm_capital_left"] == 1.0


def test_a_corrected_row_of_a_project_is_no_change(tmp_path: Path) -> None:
    typo = site(0) | {"planned_end_on": date(2025, 1, 1), "contractor_id": streams.EMPLOYERS[5]}
    view = streams.view_of(tmp_path, {"projects": [typo, site(0) | {"received_at": datetime(2024, 1, 9)}]})
    table = next(iter(profile(Known(view, (D,), "project"))))
    (row,) = view.backend.to_pyarrow(table).to_pylist()
    assert (row["project_contractors"], row["project_end_moved_days"]) == (1.0, 0.0)
