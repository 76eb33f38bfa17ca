"""What the inspections feed says of checks of each firm, as known on a day."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

import pyarrow as pa

from anxin.feeds.asof import View
from anxin.serving.visiting.visits import Checks

_YEAR = 365


def known_checks(view: View, day: date, contractors: Mapping[str, str]) -> dict[str, Checks]:
    """Return the checks of the 365 days before `day`, by firm; `contractors` maps a project to its general contractor.

    A check of a project is a check of its contractor. 走访 and written reviews are no checks; a check on a complaint is
    one, but does not count towards a cap (国办发〔2024〕54号).
    """
    rows = view.window("inspections", [day], _YEAR)
    table = view.backend.to_pyarrow(
        rows.select("employer_id", "project_id", "inspected_on", "manner", "reason")
    )
    counted: dict[str, int] = {}
    last: dict[str, date] = {}
    for row in table.to_pylist():
        if row["manner"] not in (None, "check") or row["inspected_on"] < day - timedelta(days=_YEAR):
            continue
        firm = contractors.get(row["project_id"] or "") or row["employer_id"] or row["project_id"]
        if firm is None:
            continue
        counted[firm] = counted.get(firm, 0) + (row["reason"] != "complaint")
        last[firm] = max(last.get(firm, date.min), row["inspected_on"])
    return {firm: Checks(counted[firm], on) for firm, on in last.items()}


def contractors(snapshots: Mapping[str, pa.Table]) -> dict[str, str]:
    """Return the general contractor of each project of a day, where one is known."""
    table = snapshots.get("project")
    if table is None:
        return {}
    each = zip(table["subject_id"].to_pylist(), table["contractor_id"].to_pylist(), strict=True)
    return {project: firm for project, firm in each if firm}
