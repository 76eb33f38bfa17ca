"""Who stands beside a subject."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from typing import Any

from .oracle import Past, Row, Values, newest, ratio, total
from .oracle_energy import taken_over

_CLASSES = ("normal", "special_mention", "substandard", "doubtful", "loss")

Firms = set[str] | None
"""Nothing where it is not known who they are."""


def neighbours_of_project(past: Past, subject: str) -> Values:
    if past.kind == "employer":
        return {}
    mine = past.registered(subject)
    found: Values = {}
    for party, payer in (("contractor", "owner"), ("owner", "contractor")):
        who = None if mine is None else {mine[f"{party}_id"]}
        rows = [row for row in past.all("projects") if who and row[f"{party}_id"] in who]
        others = {row["project_id"] for row in rows} - {subject}
        for name, happened in _happened(past).items():
            found |= _counted(f"{party}_other_{name}", who, _at(happened, others))
            found |= _counted(f"{party}_own_{name}", who, _direct(happened, who))
        found |= _counted(f"{party}_notices", who, _direct(past.all("notices", 365), who))
        found |= _borrowing(past, who, f"{party}_credit_overdue_days", f"{party}_credit_last_days")
        found[f"{party}_credit_class"] = _most(past, who, "credit_class")
        found |= _enforced(past, who, f"{party}_suits_enforced")
        found[f"{party}_suits_365d"] = None if who is None else total(_state(past, who, "suits_365d"))
        found[f"{party}_suit_last_days"] = min(_state(past, who, "suit_last_days"), default=None)
        live = [row for row in rows if row["project_id"] in others and _going_on(past, row)]
        bad = [
            row
            for row in live
            if row[f"{payer}_id"] not in (who or ()) and _troubled(past, row[f"{payer}_id"])
        ]
        found[f"{party}_other_troubled"] = None if who is None else len(bad)
        found |= _elsewhere(past, party, mine, {row["project_id"] for row in live})
    below = _taking_part(past, "subcontractor", subject)
    for name, happened in _happened(past).items():
        rows = [
            row for row in happened if row["employer_id"] in (below or ()) and row["project_id"] != subject
        ]
        found |= _counted(f"subcontractor_{name}", below, rows)
    found |= _borrowing(past, below, "subcontractor_overdue_days", "subcontractor_credit_last_days")
    found |= _enforced(past, below, "subcontractor_suits_enforced")
    watching = _taking_part(past, "supervisor", subject)
    watched = {
        row["project_id"]
        for row in _participations(past, "supervisor")
        if row["employer_id"] in (watching or ()) and row["project_id"] != subject
    }
    owner = None if mine is None else mine["owner_id"]
    registered = owner in {row["employer_id"] for row in past.all("employers")}
    group = _group(past, owner) if owner and (registered or _group(past, owner)) else None
    near = _of(past, "contractor_id", group) | _of(past, "owner_id", group)
    for name, happened in _happened(past).items():
        found |= _counted(f"supervisor_other_{name}", watching, _at(happened, watched))
        found |= _counted(f"owner_group_{name}", group, _direct(happened, group))
        found |= _counted(f"owner_group_site_{name}", group, _at(happened, near - {subject}))
    found |= _borrowing(past, group, "owner_group_overdue_days", "owner_group_credit_last_days")
    found |= _enforced(past, group, "owner_group_suits_enforced")
    return found


def neighbours_of_employer(past: Past, subject: str) -> Values:
    if past.kind == "project":
        return {}
    found: Values = {}
    sites = _of(past, "contractor_id", {subject}) | _of(past, "owner_id", {subject})
    taken = {
        row["project_id"] for row in _participations(past, "subcontractor") if row["employer_id"] == subject
    }
    for name, rows in _happened(past).items():
        named = [row for row in rows if row["project_id"] is not None and row["employer_id"] == subject]
        found |= _counted(f"site_{name}", set(), _at(rows, sites))
        found |= _counted(f"site_named_{name}", set(), named)
        found |= _counted(f"subcontract_{name}", set(), _at(rows, taken))
    mine = past.registered(subject)
    person = None if mine is None else mine["legal_representative"]
    same = {
        row["employer_id"]
        for row in past.all("employers")
        if person and row["legal_representative"] == person and row["employer_id"] != subject
    }
    same_person = same if person else None
    for name, rows in _happened(past).items():
        found |= _counted(f"representative_other_{name}", same_person, _direct(rows, same_person))
    of_person = "representative_other_overdue_days", "representative_other_credit_last_days"
    found |= _borrowing(past, same_person, *of_person)
    found |= _enforced(past, same_person, "representative_other_enforced")
    group = _group(past, subject)
    above = _above(past, subject)
    for name, firms in (("group", group if mine or group else None), ("upstream", above or None)):
        near = _of(past, "contractor_id", firms) | _of(past, "owner_id", firms)
        for what, rows in _happened(past).items():
            found |= _counted(f"{name}_{what}", firms, _direct(rows, firms))
            found |= _counted(f"{name}_site_{what}", firms, _at(rows, near - sites - taken))
        found |= _borrowing(past, firms, f"{name}_overdue_days", f"{name}_credit_last_days")
        found |= _enforced(past, firms, f"{name}_suits_enforced")
    live = {row["project_id"]: row for row in past.all("projects") if _going_on(past, row)}
    building = {
        project for project, row in live.items() if row["contractor_id"] == subject or project in taken
    }
    owners = {project: live[project]["owner_id"] for project in building}
    unpaid = [owner for owner in owners.values() if owner != subject and _troubled(past, owner)]
    found["site_owners_troubled"] = len(unpaid)
    own = sites & set(live)
    found["sites_live"] = len(own)
    found["site_case_share"] = ratio(len({row["project_id"] for row in _at(past.opened(365), own)}), len(own))
    found["site_energy_28d"] = _energy(past, own)
    return found


def _happened(past: Past) -> dict[str, list[Row]]:
    return {"cases": past.opened(365), "complaints": past.complained(365)}


def _at(rows: Iterable[Row], projects: set[str]) -> list[Row]:
    return [row for row in rows if row["project_id"] in projects]


def _direct(rows: Iterable[Row], firms: Firms) -> list[Row]:
    return [row for row in rows if row["employer_id"] in (firms or ()) and row["project_id"] is None]


def _of(past: Past, part: str, firms: Firms) -> set[str]:
    return {row["project_id"] for row in past.all("projects") if row[part] in (firms or ())}


def _participations(past: Past, role: str) -> list[Row]:
    """Return those who have not gone."""
    rows = [row for row in past.all("participations") if row["role"] == role]
    return [row for row in rows if not past.before(row["to_on"])]


def _taking_part(past: Past, role: str, project: str) -> Firms:
    rows = _participations(past, role)
    return {row["employer_id"] for row in rows if row["project_id"] == project} or None


def _group(past: Past, firm: str) -> set[str]:
    """Return everyone under a head it is under itself or is, with the heads and whoever stands between."""
    controllers = {row["employer_id"]: row["controller_id"] for row in past.all("employers")}
    groups: dict[str, set[str]] = {}
    for one in controllers:
        line = _line(controllers, one)
        groups.setdefault(line[-1], set()).update(line)
    near = {other for group in groups.values() if firm in group for other in group}
    return near - {firm}


def _line(controllers: dict[str, str | None], firm: str) -> list[str]:
    """Return the firm and those above it, three at most, up to one nobody controls or the first of a circle."""
    line = [firm]
    while len(line) <= 3:
        above = controllers.get(line[-1])
        if above is None or line[-1] == min(_circle(controllers, line[-1]), default=None):
            break
        line.append(above)
    return line


def _circle(controllers: dict[str, str | None], firm: str) -> set[str]:
    """Return those who control each other, three at most, if the firm is one of them."""
    met, at = {firm}, controllers.get(firm)
    while at is not None and at not in met and len(met) < 3:
        met.add(at)
        at = controllers.get(at)
    return met if at == firm else set()


def _above(past: Past, firm: str) -> set[str]:
    """Return who pays it at projects going on: the owner a contractor, both of them a subcontractor."""
    found = set()
    for row in past.all("projects"):
        if _going_on(past, row):
            if row["contractor_id"] == firm:
                found.add(row["owner_id"])
            if firm in (_taking_part(past, "subcontractor", row["project_id"]) or ()):
                found |= {row["owner_id"], row["contractor_id"]}
    return found - {firm}


def _going_on(past: Past, row: Row) -> bool:
    return bool(row["start_on"] <= past.day) and not past.before(row["ended_on"])


def _state(past: Past, firms: Firms, name: str) -> list[float]:
    """Return one value of each firm that has it: borrowing at the latest month, suits as the defendant."""
    found: list[float | None] = []
    for firm in firms or ():
        rows = [row for row in past.all("credit", 400) if row["employer_id"] == firm]
        last = max(rows, key=lambda row: row["month"], default=None)
        suits = [
            row for row in past.all("litigation") if row["employer_id"] == firm and row["role"] == "defendant"
        ]
        filed = [past.age(row["filed_on"]) for row in suits if past.before(row["filed_on"])]
        enforced = [row for row in suits if row["status"] in ("enforcing", "dishonest", "restricted")]
        grade = None if last is None else last["classification"]
        states: Values = {
            "credit_overdue_days": None if last is None else last["overdue_days"],
            "credit_class": None if grade is None else _CLASSES.index(grade),
            "credit_last_days": None if last is None else last["age"],
            "suits_365d": sum(age <= 365 for age in filed),
            "suit_last_days": min(filed, default=None),
            "suits_enforced": len(enforced),
            "suits_enforced_days": newest(enforced),
        }
        found.append(states[name])
    return [value for value in found if value is not None]


def _most(past: Past, firms: Firms, name: str) -> float | None:
    return max(_state(past, firms, name), default=None)


def _troubled(past: Past, firm: str) -> bool:
    """Whether a loan is overdue or substandard, or a judgment is being enforced."""
    return (
        (_most(past, {firm}, "credit_overdue_days") or 0) > 0
        or (_most(past, {firm}, "credit_class") or 0) >= 2
        or (_most(past, {firm}, "suits_enforced") or 0) > 0
    )


def _borrowing(past: Past, firms: Firms, overdue: str, last: str) -> Values:
    return {
        overdue: _most(past, firms, "credit_overdue_days"),
        last: min(_state(past, firms, "credit_last_days"), default=None),
    }


def _enforced(past: Past, firms: Firms, name: str) -> Values:
    return {
        name: None if firms is None else total(_state(past, firms, "suits_enforced")),
        f"{name}_days": min(_state(past, firms, "suits_enforced_days"), default=None),
    }


def _elsewhere(past: Past, party: str, mine: Row | None, others: set[str]) -> Values:
    there = mine is not None
    hit = {row["project_id"] for row in _at(past.opened(365), others)}
    return {
        f"{party}_other_projects": len(others) if there else None,
        f"{party}_other_case_share": ratio(len(hit), len(others)) if there else None,
        f"{party}_other_energy_28d": _energy(past, others) if there else None,
    }


def _energy(past: Past, projects: set[str]) -> float | None:
    """Electricity of the last four weeks, of each meter as if its mean day of the four before were usual."""
    rows = [row for row in _at(past.all("energy_usage", 56), projects) if abs(row["kwh"]) <= 10**9]
    used, expected = Decimal(0), Decimal(0)
    gone = set()
    for project in {row["project_id"] for row in rows}:
        of_site: dict[str, list[Any]] = defaultdict(list)
        for row in rows:
            if row["project_id"] == project:
                of_site[row["meter_id"]].append((row["age"], row["kwh"]))
        gone |= {(project, meter) for meter in taken_over(of_site, 56)}
    for meter in {(row["project_id"], row["meter_id"]) for row in rows} - gone:
        mine = [row for row in rows if (row["project_id"], row["meter_id"]) == meter]
        late = [row["kwh"] for row in mine if row["age"] <= 28]
        before = [row["kwh"] for row in mine if row["age"] > 28]
        if late and before:
            usual = Fraction(total(before)) / len(before) * 10**6 + Fraction(1, 2)
            used += total(late)
            expected += len(late) * Decimal(math.floor(usual)).scaleb(-6)
    return ratio(used, expected)


def _counted(name: str, firms: Firms, rows: list[Row]) -> Values:
    return {
        f"{name}_365d": None if firms is None else len(rows),
        f"{name}_last_days": newest(rows),
    }


FAMILIES = (
    neighbours_of_project,
    neighbours_of_employer,
)
