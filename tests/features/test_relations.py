"""Who stands in one group with whom."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from anxin.features.known import Known
from anxin.features.neighbours import group
from anxin.features.relations import relations

from . import streams

D = date(2025, 6, 10)
FIRMS = dict(zip("ABCDEFGH", streams.EMPLOYERS, strict=True))


def firm(name: str, controller: str | None) -> dict[str, Any]:
    return {
        **{"employer_id": FIRMS[name], "name": name, "district": "500112", "industry": "E47"},
        **{"ownership": "private", "registered_capital": Decimal(1), "established_on": date(2020, 1, 1)},
        **{"controller_id": None if controller is None else FIRMS[controller], "status": "active"},
        **{"changed_on": date(2024, 1, 1), "received_at": datetime(2024, 1, 2)},
    }


def groups(folder: Path, controllers: dict[str, str | None]) -> dict[str, str]:
    """Return by each firm with others the letters of those others."""
    view = streams.view_of(folder, {"employers": [firm(*one) for one in controllers.items()]})
    names = {code: name for name, code in FIRMS.items()}
    found: dict[str, list[str]] = {}
    for row in view.backend.to_pyarrow(group(Known(view, (D,), "employer"))).to_pylist():
        found.setdefault(names[row["firm"]], []).append(names[row["other_id"]])
    return {name: "".join(sorted(others)) for name, others in found.items()}


@pytest.mark.parametrize(
    ("controllers", "meant"),
    [
        pytest.param({"B": "A", "C": "A"}, {"A": "BC", "B": "AC", "C": "AB"}, id="one level"),
        pytest.param(
            {"D": "C", "C": "B", "B": "A", "E": "A"},
            {"A": "BCDE", "B": "ACDE", "C": "ABDE", "D": "ABCE", "E": "ABCD"},
            id="three levels and another branch",
        ),
        pytest.param(
            {"E": "D", "D": "C", "C": "B", "B": "A"},
            {"A": "BCD", "B": "ACDE", "C": "ABDE", "D": "ABCE", "E": "BCD"},
            id="four levels are one too many",
        ),
        pytest.param({"A": "A", "B": "A"}, {"A": "B", "B": "A"}, id="a head that names itself"),
        pytest.param(
            {"A": "B", "B": "A", "C": "A", "D": "B"},
            {"A": "BCD", "B": "ACD", "C": "ABD", "D": "ABC"},
            id="two that control each other",
        ),
        pytest.param(
            {"B": "C", "C": "D", "D": "B", "E": "B", "F": "C", "G": "D"},
            {"B": "CDEFG", "C": "BDEFG", "D": "BCEFG", "E": "BCDFG", "F": "BCDEG", "G": "BCDEF"},
            id="three in a circle",
        ),
        pytest.param(
            {"A": "B", "B": "C", "C": "D", "D": "A"},
            {"A": "BCD", "B": "ACD", "C": "ABD", "D": "ABC"},
            id="a circle longer than anyone looks",
        ),
    ],
)
def test_a_group_is_everyone_under_the_head_of_the_controllers(
    tmp_path: Path, controllers: dict[str, str | None], meant: dict[str, str]
) -> None:
    assert groups(tmp_path, controllers) == meant


def test_trouble_of_a_developer_reaches_the_project_company_two_levels_below(tmp_path: Path) -> None:
    case = {
        **{"case_id": "c", "employer_id": FIRMS["A"], "opened_on": date(2025, 5, 1), "outcome": "verified"},
        **{"source": "complaint", "arrears_from": date(2025, 3, 1), "received_at": datetime(2025, 5, 2)},
    }
    site = {
        **{"project_id": streams.PROJECTS[0], "name": "乙", "project_type": "building"},
        **{"district": "500112", "investment": "private", "real_estate": True},
        **{"owner_id": FIRMS["C"], "contractor_id": FIRMS["H"], "contract_amount": Decimal(1)},
        **{"start_on": date(2024, 1, 1), "planned_end_on": date(2026, 1, 1)},
        **{"changed_on": date(2024, 1, 1), "received_at": datetime(2024, 1, 2)},
    }
    firms = [firm("A", None), firm("B", "A"), firm("C", "B")]
    view = streams.view_of(tmp_path, {"employers": firms, "projects": [site], "cases": [case]})
    (table,) = (
        one for one in relations(Known(view, (D,), "project")) if "owner_group_cases_365d" in one.columns
    )
    (row,) = view.backend.to_pyarrow(table).to_pylist()
    assert row["owner_group_cases_365d"] == 1.0
