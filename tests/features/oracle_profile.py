"""What a subject is."""

from __future__ import annotations

import math
from collections import defaultdict
from datetime import datetime, time
from typing import Any

from anxin.domain.calendar import days_to_spring_festival

from .oracle import Past, Row, Values, going_on, newest, number, ratio


def profile(past: Past, subject: str) -> Values:
    row = past.registered(subject)
    meant = _firm(past, row) if past.kind == "employer" else _project(past, row)
    return meant if row is not None else dict.fromkeys(meant)


def season(past: Past, _: str) -> Values:
    """Return what is the same for everyone, in the registry or not."""
    days = days_to_spring_festival(past.day)
    return {
        "spring_festival_days": days,
        "spring_festival_nearness": math.cos(2 * math.pi * days / 365.25),
    }


def _seen(past: Past, subject: Any) -> list[Row]:
    """Return every change of its registry row that had come in: of one day of change the version that came last."""
    id_, days = f"{past.kind}_id", defaultdict(list)
    for old in past.world[f"{past.kind}s"]:
        if old[id_] == subject and old["received_at"] < datetime.combine(past.day, time()):
            days[old["changed_on"]].append(old)
    return [
        {**old, "age": past.age(day)}
        for day, sent in days.items()
        if day < past.day
        for old in sent
        if old["received_at"] == max(one["received_at"] for one in sent)
    ]


def _firm(past: Past, found: Row | None) -> Values:
    row: Row = found or defaultdict(lambda: None)
    seen = _seen(past, row["employer_id"])
    insured = past.rows("social_insurance", row["employer_id"], 130)
    heads = max(insured, key=lambda one: one["month"])["insured"] if insured else None
    largest = max((old["registered_capital"] for old in seen), default=None)
    abnormal = any(old["status"] == "abnormal" for old in seen)
    industry = row["industry"] or ""
    return {
        "registry_last_days": row["age"],
        "firm_age_days": found and past.age(row["established_on"]),
        "firm_capital": number(row["registered_capital"]),
        "firm_capital_per_head": ratio(row["registered_capital"], heads),
        "firm_capital_left": ratio(row["registered_capital"], largest),
        "firm_private": row["ownership"] == "private",
        "firm_state": row["ownership"] == "state",
        "firm_foreign": row["ownership"] == "foreign",
        "firm_individual": row["ownership"] == "individual",
        "firm_abnormal": row["status"] == "abnormal",
        "firm_abnormal_before": abnormal and row["status"] != "abnormal",
        "firm_revoked": row["status"] == "revoked",
        "firm_industry": float(industry[1:3]) if len(industry) > 1 else None,
        "firm_in_park": row["park"] is not None,
        "firm_representatives": _different(seen, "legal_representative") or None,
        "firm_representative_days": _since(seen, "legal_representative", row),
        "firm_addresses": _different(seen, "address") or None,
        "firm_address_days": _since(seen, "address", row),
    }


def _different(seen: list[Row], name: str) -> int:
    return len({old[name] for old in seen} - {None})


def _since(seen: list[Row], name: str, now: Row) -> float | None:
    """Days since the present one was named, after the last time another was; nothing if there never was another."""
    others = [old["age"] for old in seen if old[name] is not None and old[name] != now[name]]
    if now[name] is None or not others:
        return None
    ages = [old["age"] for old in seen if old[name] == now[name] and old["age"] <= min(others)]
    return max(ages, default=None)


def _project(past: Past, found: Row | None) -> Values:
    row: Row = found or defaultdict(lambda: past.day)
    seen = _seen(past, row["project_id"])
    started = past.age(row["start_on"])
    joined = (row["onboarded_on"] - row["start_on"]).days if past.before(row["onboarded_on"]) else started
    first_end = min((old["planned_end_on"] for old in seen), default=past.day)
    return {
        "registry_last_days": found and row["age"],
        "project_amount": found and number(row["contract_amount"]),
        "project_government": row["investment"] == "government" or row["government_funded"] is True,
        "project_soe": row["investment"] == "soe" or row["soe_owner"] is True,
        "project_real_estate": found and row["real_estate"],
        "project_building": row["project_type"] == "building",
        "project_started_days": started,
        "project_elapsed_share": ratio(started, (row["planned_end_on"] - row["start_on"]).days),
        "project_overrun_days": past.age(row["planned_end_on"]),
        "project_end_moved_days": (row["planned_end_on"] - first_end).days,
        "project_contractors": _different(seen, "contractor_id"),
        "project_without_permit": row["permit_no"] is None,
        "project_joined_late_days": max(joined, 0),
        "project_labour_share": found and number(row["labour_cost_ratio"]),
    }


def listed(past: Past, subject: str) -> Values:
    rows = past.rows("credit_records", subject, own=False)
    ended = [row["list"] for row in rows if past.before(row["to_on"])]
    now = [(row["list"], row["value"]) for row in rows if not past.before(row["to_on"])]
    youngest = {
        name: min(row["age"] for row in rows if row["list"] == name) for name in {r["list"] for r in rows}
    }
    grades = [
        (row["list"], row["value"])
        for row in rows
        if not past.before(row["to_on"]) and row["age"] == youngest[row["list"]]
    ]
    return {
        "listed_punished": sum(name in ("joint_punishment", "key_watch") for name, _ in now),
        "listed_punished_before": sum(name in ("joint_punishment", "key_watch") for name in ended),
        "listed_safe": sum(name == "anxin_project" for name, _ in now),
        "listed_credit_low": sum(name == "wage_credit" and value in ("C", "D") for name, value in grades),
        "listed_credit_high": sum(name == "wage_credit" and value == "A" for name, value in grades),
        "listed_integrity_low": sum(
            name == "integrity_grade" and value in ("C", "D") for name, value in grades
        ),
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
    """Share of the others of its group going on with a case, as if 50 more like all others stood among them."""
    mine = past.registered(subject)
    if mine is None:
        return None
    id_ = f"{past.kind}_id"
    hit = {row[id_] for row in past.opened(days) if past.kind == "project" or row["project_id"] is None}
    others = [row for row in past.all(f"{past.kind}s") if row[id_] != subject and going_on(past, row)]
    alike = [row for row in others if row[group][:6] == mine[group][:6]]
    overall = ratio(sum(row[id_] in hit for row in others), len(others))
    if overall is None:
        return None
    return (sum(row[id_] in hit for row in alike) + 50 * overall) / (len(alike) + 50)


FAMILIES = (
    profile,
    season,
    listed,
    rates,
)
