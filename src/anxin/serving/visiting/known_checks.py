"""When each firm was gone to: checks by the inspections feed as known on a day, visits by the lists handed out before."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa

from anxin.domain.errors import AnxinError
from anxin.feeds.asof import View
from anxin.ledger.published import Published as Record
from anxin.serving.published import Published
from anxin.serving.visiting.visits import Checks

_log = logging.getLogger("anxin.serving")

_YEAR = 365


def known_checks(view: View, day: date) -> dict[str, Checks]:
    """Return the checks of the 365 days before `day`, by firm.

    A check of a project, one that is finished since too, is a check of its general contractor as it is known. 走访 and
    written reviews are no checks; a check on a complaint is one, but does not count towards a cap (国办发〔2024〕54号).
    """
    rows = view.window("inspections", [day], _YEAR)
    table = view.backend.to_pyarrow(
        rows.select("employer_id", "project_id", "inspected_on", "manner", "reason")
    )
    projects = view.known("projects", [day]).select(subject_id="project_id", contractor_id="contractor_id")
    builds = contractors({"project": view.backend.to_pyarrow(projects)})
    counted: dict[str, int] = {}
    last: dict[str, date] = {}
    for row in table.to_pylist():
        if row["manner"] not in (None, "check") or row["inspected_on"] < day - timedelta(days=_YEAR):
            continue
        firm = builds.get(row["project_id"] or "") or row["employer_id"] or row["project_id"]
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


def handed_out(root: Path, lists: Iterable[Record]) -> tuple[dict[str, date], list[str]]:
    """Return the last day a visit to each firm was on a list, random checks too, and the lists that could be read.

    Whose site it was is what the list itself knew: a site that is finished since still has its contractor. `root` is the
    home's folder.
    """
    found: dict[str, date] = {}
    read: list[str] = []
    for entry in lists:
        try:
            firms = _gone_to(Published.of_entry(root, entry))
        except AnxinError as error:
            _log.error("the list of %s cannot be read, its visits are forgotten: %s", entry.day, error)
            continue
        read.append(entry.list_id)
        for firm in firms:
            found[firm] = max(found.get(firm, date.min), entry.day)
    return found, read


def _gone_to(opened: Published) -> set[str]:
    """Return the firms a list sends someone to."""
    rows = opened.table("list.parquet", ["kind", "subject_id", "visit"])
    if "visit" not in rows.column_names:
        return set()
    gone = {(row["kind"], row["subject_id"]) for row in rows.to_pylist() if row["visit"] is not None}
    snapshot, known = "snapshot-project.parquet", {}
    if any(kind == "project" for kind, _ in gone) and opened.has(snapshot):
        known = contractors({"project": opened.table(snapshot, ["subject_id", "contractor_id"])})
    return {known.get(subject, subject) if kind == "project" else subject for kind, subject in gone}
