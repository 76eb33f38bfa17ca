"""Who stands beside a subject."""

from __future__ import annotations

from collections.abc import Iterable

from .oracle import Past, Row, Values, newest
from .oracle_credit import credit
from .oracle_litigation import litigation


def neighbours_of_project(past: Past, subject: str) -> Values:
    if past.kind == "employer":
        return {}
    found: Values = {}
    mine = past.registered(subject)
    happened = {"cases": past.opened(365), "complaints": past.complained(365)}
    for party in ("contractor", "owner"):
        who = None if mine is None else mine[f"{party}_id"]
        others = {
            row["project_id"]
            for row in past.all("projects")
            if row[f"{party}_id"] == who and row["project_id"] != subject
        }
        for name, rows in happened.items():
            found |= _counted(f"{party}_other_{name}", [row for row in rows if row["project_id"] in others])
            found |= _counted(f"{party}_own_{name}", _direct(rows, who))
        found |= _counted(f"{party}_notices", _direct(past.all("notices", 365), who))
        employers = past.as_of("employer")
        its = {**credit(employers, who or ""), **litigation(employers, who or "")}
        for name in (
            "credit_overdue_days",
            "credit_class",
            "credit_last_days",
            "suits_365d",
            "suits_enforced",
        ):
            found[f"{party}_{name}"] = its[name]
        for name in ("suit_last_days", "suits_enforced_days"):
            found[f"{party}_{name}"] = its[name]
    return found


def _direct(rows: Iterable[Row], who: str | None) -> list[Row]:
    return [
        row for row in rows if who is not None and row["employer_id"] == who and row["project_id"] is None
    ]


def neighbours_of_employer(past: Past, subject: str) -> Values:
    if past.kind == "project":
        return {}
    found: Values = {}
    happened = {"cases": past.opened(365), "complaints": past.complained(365)}
    sites = {
        row["project_id"]
        for row in past.all("projects")
        if subject in (row["contractor_id"], row["owner_id"])
    }
    for name, rows in happened.items():
        found |= _counted(f"site_{name}", [row for row in rows if row["project_id"] in sites])
        named = [row for row in rows if row["project_id"] is not None and row["employer_id"] == subject]
        found |= _counted(f"site_named_{name}", named)
    mine = past.registered(subject) or {"legal_representative": None, "controller_id": None}
    others = [row for row in past.all("employers") if row["employer_id"] != subject]
    person, controller = mine["legal_representative"], mine["controller_id"]
    same_person = {row["employer_id"] for row in others if person and row["legal_representative"] == person}
    group = {row["employer_id"] for row in others if controller and row["controller_id"] == controller}
    group = (group | ({controller} if controller else set())) - {subject}
    for name, near in (("representative_other_cases", same_person), ("group_cases", group)):
        cases = [row for row in happened["cases"] if row["project_id"] is None and row["employer_id"] in near]
        found |= _counted(name, cases)
    return found


def _counted(name: str, rows: list[Row]) -> Values:
    return {f"{name}_365d": len(rows), f"{name}_last_days": newest(rows)}


FAMILIES = (
    neighbours_of_project,
    neighbours_of_employer,
)
