"""What a subject is."""

from __future__ import annotations

import math
from datetime import datetime, time

from anxin.domain.calendar import days_to_spring_festival

from .oracle import Past, Row, Values, newest, number, ratio


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


FAMILIES = (
    profile,
    listed,
    rates,
)
