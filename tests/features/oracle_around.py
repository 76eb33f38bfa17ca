"""What a subject is, who stands beside it, and who has gone quiet."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime, time

from anxin.domain.calendar import days_to_spring_festival

from .oracle import Past, Row, Values, newest, number, ratio
from .oracle_events import credit, litigation


def profile(past: Past, subject: str) -> Values:
    row = past.registered(subject)
    names = _firm(past, subject, None) if past.kind == "employer" else _project(past, None)
    if row is None:
        return {**dict.fromkeys(names), "registry_last_days": None, "spring_festival_nearness": None}
    facts = _firm(past, subject, row) if past.kind == "employer" else _project(past, row)
    season = math.cos(2 * math.pi * days_to_spring_festival(past.day) / 365.25)
    return {**facts, "registry_last_days": row["age"], "spring_festival_nearness": season}


def _firm(past: Past, subject: str, row: Row | None) -> Values:
    if row is None:
        names = [
            "age_days",
            "capital",
            "private",
            "state",
            "abnormal",
            "revoked",
            "industry",
            "representatives",
            "addresses",
        ]
        return {f"firm_{name}": None for name in names}
    seen = [
        old
        for old in past.world["employers"]
        if old["employer_id"] == subject
        and old["received_at"] < datetime.combine(past.day, time())
        and old["changed_on"] < past.day
    ]
    people = {old["legal_representative"] for old in seen} - {None}
    places = {old["address"] for old in seen} - {None}
    return {
        "firm_age_days": past.age(row["established_on"]),
        "firm_capital": number(row["registered_capital"]),
        "firm_private": row["ownership"] == "private",
        "firm_state": row["ownership"] == "state",
        "firm_abnormal": row["status"] == "abnormal",
        "firm_revoked": row["status"] == "revoked",
        "firm_industry": float(row["industry"][1:3]) if len(row["industry"]) > 1 else None,
        "firm_representatives": len(people) or None,
        "firm_addresses": len(places) or None,
    }


def _project(past: Past, row: Row | None) -> Values:
    if row is None:
        names = [
            "amount",
            "government",
            "soe",
            "real_estate",
            "started_days",
            "elapsed_share",
            "overrun_days",
        ]
        return {f"project_{name}": None for name in [*names, "joined_late_days", "labour_share"]}
    started = past.age(row["start_on"])
    joined = (row["onboarded_on"] - row["start_on"]).days if past.before(row["onboarded_on"]) else started
    return {
        "project_amount": number(row["contract_amount"]),
        "project_government": row["investment"] == "government" or row["government_funded"] is True,
        "project_soe": row["investment"] == "soe" or row["soe_owner"] is True,
        "project_real_estate": row["real_estate"],
        "project_started_days": started,
        "project_elapsed_share": ratio(started, (row["planned_end_on"] - row["start_on"]).days),
        "project_overrun_days": past.age(row["planned_end_on"]),
        "project_joined_late_days": max(joined, 0),
        "project_labour_share": number(row["labour_cost_ratio"]),
    }


def listed(past: Past, subject: str) -> Values:
    rows = past.rows("credit_records", subject, own=False)
    now = [(row["list"], row["value"]) for row in rows if not past.before(row["to_on"])]
    return {
        "listed_punished": sum(name in ("joint_punishment", "key_watch") for name, _ in now),
        "listed_safe": sum(name == "anxin_project" for name, _ in now),
        "listed_credit_low": sum(name == "wage_credit" and value in ("C", "D") for name, value in now),
        "listed_credit_high": sum(name == "wage_credit" and value == "A" for name, value in now),
        "listed_last_days": newest(rows),
    }


def rates(past: Past, subject: str) -> Values:
    return {
        "sector_case_rate_90d": _rate(
            past, subject, "industry" if past.kind == "employer" else "project_type", 90
        ),
        "sector_case_rate_365d": _rate(
            past, subject, "industry" if past.kind == "employer" else "project_type", 365
        ),
        "district_case_rate_365d": _rate(past, subject, "district", 365),
    }


def _rate(past: Past, subject: str, group: str, days: int) -> float | None:
    """Share of its group with a case, drawn to the share of all as if 50 more of those stood in the group."""
    everyone = past.all(f"{past.kind}s")
    mine = past.registered(subject)
    if mine is None:
        return None
    hit = {
        row[f"{past.kind}_id"]
        for row in past.opened(days)
        if past.kind == "project" or row["project_id"] is None
    }
    alike = [row for row in everyone if row[group][:6] == mine[group][:6]]
    overall = sum(row[f"{past.kind}_id"] in hit for row in everyone) / len(everyone)
    return (sum(row[f"{past.kind}_id"] in hit for row in alike) + 50 * overall) / (len(alike) + 50)


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


_SENT = {
    "employer": [
        "energy_usage",
        "social_insurance",
        "tax",
        "credit",
        "wage_sheets",
        "attendance_daily",
        "payroll",
    ],
    "project": [
        "energy_usage",
        "attendance_daily",
        "wage_sheets",
        "payroll",
        "wage_accounts",
        "progress_payments",
    ],
}


def silence(past: Past, subject: str) -> Values:
    """Days since the last row of a year, less those of whoever of the same kind sent last."""
    found: Values = {}
    for feed in _SENT[past.kind]:
        own = feed not in ("payroll", "attendance_daily", "wage_sheets")
        last = newest(past.rows(feed, subject, 365, own=own))
        senders = {row.get(f"{past.kind}_id") for row in past.all(feed, 365)} - {None}
        others = [newest(past.rows(feed, sender, 365, own=own)) for sender in senders]
        behind = min((age for age in others if age is not None), default=None)
        found[f"{feed}_seen_days"] = last
        found[f"{feed}_silent_days"] = None if last is None or behind is None else last - behind
    return found


FAMILIES = (profile, listed, rates, neighbours_of_project, neighbours_of_employer, silence)
