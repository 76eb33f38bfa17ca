"""What was said and found: complaints, cases, hazards, inspections, notices."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Iterable

from .oracle import Past, Row, Values, difference, fading, newest, ratio, stated, total


def complaints(past: Past, subject: str) -> Values:
    rows = [row for row in past.complained() if row in past.rows("complaints", subject)]
    found: Values = dict.fromkeys(_NAMES) | dict.fromkeys(_SUMS, 0.0)
    if not rows:
        return found
    year, heard = [row for row in rows if row["age"] <= 365], _heard(past, past.complained())
    found |= {f"complaints_{n}d": sum(row["age"] <= n for row in rows) for n in (30, 90, 180, 365)}
    found |= {f"complaints_fading_{n}d": fading([row["age"] for row in rows], n) for n in (14, 45, 120, 365)}
    found |= {
        "complaints_ever": len(rows),
        "complaints_rise_90d": sum(1 if row["age"] <= 90 else -1 for row in rows if row["age"] <= 180),
        "complaint_workers_365d": stated(year, "workers"),
        "complaint_amount_365d": stated(year, "amount"),
        "complaints_mass_365d": sum((row["workers"] or 0) >= 5 or row["extreme"] is True for row in year),
        "complaints_overdue": sum(
            _was_due(past, row, heard) and not past.before(row["closed_on"]) for row in rows
        ),
        "complaint_first_days": max(row["age"] for row in rows),
    }
    return found | _rhythm([row["age"] for row in rows]) | _channels(rows) | _weight(past, rows)


def _channels(rows: list[Row]) -> Values:
    """The ways by which complaints come: to whom people turn, from the hotline to the police."""
    ways = {
        "platform": ("national_platform", "wage_code", "hotline"),
        "visit": ("visit",),
        "petition": ("petition",),
        "police": ("police",),
        "opinion": ("public_opinion",),
        "arbitration": ("arbitration",),
    }
    year = [row for row in rows if row["age"] <= 365]
    escalated = [row for row in rows if row["channel"] in ("petition", "police", "public_opinion")]
    found: Values = {}
    for way, channels in ways.items():
        through = [row for row in year if row["channel"] in channels]
        found[f"complaints_{way}_365d"] = len(through)
        found[f"complaint_{way}_last_days"] = newest(through)
    return found | {
        "complaints_platform_90d": sum(
            row["age"] <= 90 and row["channel"] in ways["platform"] for row in rows
        ),
        "complaints_escalated_90d": sum(row["age"] <= 90 for row in escalated),
        "complaint_escalated_days": newest(escalated),
        "complaint_channels_365d": len({row["channel"] for row in year}),
    }


def _weight(past: Past, rows: list[Row]) -> Values:
    """How many people and how much money, how grave, and what is left undone."""
    ages = [row["age"] for row in rows]
    year = [row for row in rows if row["age"] <= 365]
    quarter, heard = [row for row in rows if row["age"] <= 90], _heard(past, past.complained())
    before = [row for row in rows if 90 < row["age"] <= 180]
    both = [row for row in year if row["workers"] and row["amount"] is not None]
    extreme = [row for row in rows if row["extreme"]]
    standing = [row for row in rows if not past.before(row["closed_on"])]
    mass = [row for row in year if (row["workers"] or 0) >= 5 or row["extreme"]]
    confirmed = [row for row in year if row["result"] == "wage" and past.before(row["closed_on"])]
    return {
        "complaint_mass_last_days": newest(mass),
        "complaint_confirmed_last_days": newest(confirmed),
        "complaints_rise_30d": sum(1 if age <= 30 else -1 for age in ages if age <= 60),
        "complaint_workers_90d": stated(quarter, "workers"),
        "complaint_workers_largest_365d": _largest(year),
        "complaint_workers_rise_90d": difference(stated(quarter, "workers"), stated(before, "workers")),
        "complaint_amount_90d": stated(quarter, "amount"),
        "complaint_amount_each_365d": ratio(_money(both), _heads(both)),
        "complaints_extreme_365d": sum(row["age"] <= 365 for row in extreme),
        "complaint_extreme_days": newest(extreme),
        "complaints_confirmed_365d": len(confirmed),
        "complaints_open": len(standing),
        "complaint_open_last_days": newest(standing),
        "complaint_open_workers": stated(standing, "workers"),
        "complaint_overdue_days": max(
            (past.age(row["due_on"]) for row in standing if _was_due(past, row, heard)), default=None
        ),
    }


def _heard(past: Past, rows: Iterable[Row]) -> int:
    """The age of the newest row about any subject of the kind: of what fell due since nobody has been told."""
    site = past.kind == "project"
    named = (row for row in rows if row[f"{past.kind}_id"] is not None)
    return min((row["age"] for row in named if (row["project_id"] is not None) == site), default=0)


def _was_due(past: Past, row: Row, heard: int) -> bool:
    """Whether it fell due before the newest row of the feed."""
    return row["due_on"] is not None and past.age(row["due_on"]) > heard


def _heads(rows: Iterable[Row]) -> int:
    return int(total(row["workers"] for row in rows))


def _money(rows: Iterable[Row]) -> float:
    return float(total(row["amount"] for row in rows))


def _largest(rows: Iterable[Row]) -> int | None:
    return max((row["workers"] for row in rows if row["workers"] is not None), default=None)


def _rhythm(ages: list[int]) -> Values:
    """The days with complaints, latest first, and the gaps between them."""
    days = sorted(set(ages))
    gaps = [later - earlier for earlier, later in itertools.pairwise(days)]
    months = sorted({(day - 1) // 30 for day in days})
    mean = statistics.mean(gaps) if gaps else None
    found: Values = {f"complaint_day_{n}_days": days[n - 1] if len(days) >= n else None for n in (3, 5, 9)}
    found |= {f"complaint_days_fading_{n}d": fading(days, n) for n in (30, 90, 180, 365)}
    found |= {f"complaint_months_fading_{n}": fading([month + 1 for month in months], n) for n in (2, 6)}
    return found | {
        "days_since_complaint": days[0],
        "complaint_days_365d": sum(day <= 365 for day in days),
        "complaints_largest_day": max(ages.count(day) for day in days),
        "complaint_gap_last": gaps[0] if gaps else None,
        "complaint_gap_shortest": min(gaps) if gaps else None,
        "complaint_gap_mean": mean,
        "complaint_gap_spread": statistics.stdev(gaps) if len(gaps) > 1 else None,
        "complaint_span_days": days[-1] - days[0],
        "complaint_silence_ratio": ratio(days[0], mean),
        "complaint_months_365d": sum(month < 12 for month in months),
    }


_SUMS = (
    "complaint_workers_90d",
    "complaint_workers_365d",
    "complaint_workers_rise_90d",
    "complaint_open_workers",
)
_SUMS += ("complaint_amount_90d", "complaint_amount_365d")
"""What is 0 where nobody complained, and unknown where no complaint states it."""

_NAMES = [
    *(f"complaints_{n}d" for n in (30, 90, 180, 365)),
    *(f"complaints_fading_{n}d" for n in (14, 45, 120, 365)),
    *(f"complaint_days_fading_{n}d" for n in (30, 90, 180, 365)),
    *("complaints_ever", "complaints_rise_90d", "complaint_workers_365d", "complaint_amount_365d"),
    *("complaints_mass_365d", "complaints_overdue", "complaint_first_days"),
    *_rhythm([1]),
    *_channels([]),
    *("complaints_rise_30d", "complaint_workers_90d", "complaint_workers_largest_365d"),
    *("complaint_workers_rise_90d", "complaint_amount_90d", "complaint_amount_each_365d"),
    *("complaints_extreme_365d", "complaint_extreme_days", "complaints_confirmed_365d", "complaints_open"),
    *(
        "complaint_open_last_days",
        "complaint_open_workers",
        "complaint_overdue_days",
        "complaint_mass_last_days",
    ),
    "complaint_confirmed_last_days",
]


def cases(past: Past, subject: str) -> Values:
    rows = past.rows("cases", subject)
    founded = [row for row in rows if row["outcome"] != "unfounded"]
    verified = [row for row in rows if row["outcome"] == "verified"]
    recent = [row for row in verified if row["age"] <= 730]
    standing = [row for row in founded if not past.before(row["closed_on"])]
    settled = [row for row in verified if past.before(row["closed_on"])]
    unsettled = [past.age(row["arrears_from"]) for row in verified if not past.before(row["closed_on"])]
    payers = [row["settled_by"] for row in settled if row["settled_by"] is not None]
    taken = [(row["closed_on"] - row["opened_on"]).days for row in settled]
    return {
        "cases_365d": sum(row["age"] <= 365 for row in founded),
        "cases_verified_730d": len(recent),
        "cases_verified_ever": len(verified),
        "case_verified_last_days": newest(verified),
        "case_workers_730d": stated(recent, "workers"),
        "case_amount_730d": stated(recent, "amount"),
        "case_workers_largest": _largest(verified),
        "cases_open": len(standing),
        "case_open_workers": stated(standing, "workers"),
        "case_open_amount": stated(standing, "amount"),
        "case_open_last_days": newest(standing),
        "cases_settled_ever": len(settled),
        "case_settled_last_days": min((past.age(row["closed_on"]) for row in settled), default=None),
        "case_settling_days": statistics.mean(taken) if taken else None,
        "case_settled_self_share": ratio(payers.count("employer"), len(payers)),
        "cases_settled_chain_ever": payers.count("contractor") + payers.count("owner"),
        "cases_settled_fund_ever": payers.count("deposit") + payers.count("emergency_fund"),
        "cases_settled_court_ever": payers.count("court"),
        "days_since_case": newest(founded),
        "arrears_oldest_days": max(unsettled, default=None),
        "case_verified_open_days": max(
            (
                past.age(row["verified_on"] or row["opened_on"])
                for row in verified
                if not past.before(row["closed_on"])
            ),
            default=None,
        ),
    }


def afterwards(past: Past, subject: str) -> Values:
    """What came after a verified case was settled; and whether anyone came after the latest complaint."""
    complained = [row for row in past.complained() if row in past.rows("complaints", subject)]
    opened = past.rows("cases", subject)
    new = [row["occurred_on"] for row in complained]
    new += [row["opened_on"] for row in opened if row["outcome"] != "unfounded"]
    settled = [row["closed_on"] for row in opened if row["outcome"] == "verified"]
    settled = [day for day in settled if past.before(day)]
    again = sum(any(0 < (day - end).days <= 180 for day in new) for end in settled)
    since = [day for day in new if settled and day > max(settled)]
    visited = [row["inspected_on"] for row in past.rows("inspections", subject)]
    latest = max((row["occurred_on"] for row in complained), default=None)
    return {
        "settled_again_180d": again,
        "settled_again_share": ratio(again, len(settled)),
        "again_since_settled": len(since) if settled else None,
        "again_last_days": past.age(max(since)) if since else None,
        "complaint_uninspected": None if latest is None else not any(day >= latest for day in visited),
    }


def hazards(past: Past, subject: str) -> Values:
    rows = [row for row in past.rows("hazards", subject) if row["resolution"] != "unfounded"]
    year = [row for row in rows if row["age"] <= 365]
    standing = [row for row in rows if not past.before(row["resolved_on"])]
    heard = _heard(past, past.all("hazards"))
    overdue = [past.age(row["due_on"]) for row in standing if _was_due(past, row, heard)]
    ended = [row for row in rows if past.before(row["resolved_on"]) and row["resolution"] is not None]
    found: Values = {}
    for kind in ("unpaid", "funding", "upload"):
        of_kind = [row for row in standing if row["kind"] == kind]
        found |= {f"hazards_open_{kind}": len(of_kind), f"hazard_open_{kind}_last_days": newest(of_kind)}
    for end in ("paid", "became_case"):
        found[f"hazards_{end}_730d"] = sum(row["resolution"] == end and row["age"] <= 730 for row in ended)
    return found | {
        "hazards_open": len(standing),
        "hazard_open_workers": stated(standing, "workers"),
        "hazard_open_amount": stated(standing, "amount"),
        "hazard_open_days": max((row["age"] for row in standing), default=None),
        "hazard_open_last_days": newest(standing),
        "hazards_365d": len(year),
        "hazards_averted_365d": sum(row["resolution"] == "averted" for row in ended if row["age"] <= 365),
        "hazard_became_case_share": ratio(
            sum(row["resolution"] == "became_case" for row in ended), len(ended)
        ),
        "hazards_overdue": len(overdue),
        "hazard_overdue_days": max(overdue, default=None),
        "hazard_last_days": newest(rows),
    }


def inspections(past: Past, subject: str) -> Values:
    rows = past.rows("inspections", subject)
    year = [row for row in rows if row["age"] <= 365]
    clean = [row for row in year if row["finding"] == "none"]
    last = [row for row in rows if row["age"] == newest(rows)]
    return {
        "inspections_clean_365d": len(clean),
        "inspections_onsite_clean_365d": sum(row["manner"] in ("check", "visit") for row in clean),
        "inspections_gap_365d": len(year) - len(clean),
        "inspections_arrears_365d": sum(row["finding"] == "arrears" for row in year),
        "inspection_finding_days": newest(row for row in rows if row["finding"] != "none"),
        "inspection_last_found": any(row["finding"] != "none" for row in last) if rows else None,
        "inspection_last_days": newest(year),
    }


def notices(past: Past, subject: str) -> Values:
    rows = past.rows("notices", subject, 365)
    kinds = ["contracting_violation", "upstream_arrears", "debt_default", "bank_notice", "stoppage"]
    kinds += ["peer_warning"]
    kinds += ["layoff", "deregistration"] if past.kind == "employer" else ["supervisor_finding"]
    found: Values = {
        f"notice_{kind}_days": newest(row for row in rows if row["kind"] == kind) for kind in kinds
    }
    money = [row for row in rows if row["kind"] in ("bank_notice", "debt_default", "upstream_arrears")]
    stop = [row for row in rows if row["kind"] in ("stoppage", "layoff", "deregistration")]
    if past.kind == "employer":
        found["notice_layoff_workers_365d"] = stated(
            (row for row in rows if row["kind"] == "layoff"), "workers"
        )
    return found | {
        "notices_90d": sum(row["age"] <= 90 for row in rows),
        "notices_365d": len(rows),
        "notices_open": sum(not past.before(row["resolved_on"]) for row in rows),
        "notices_money_365d": len(money),
        "notices_stop_365d": len(stop),
        "notice_open_last_days": newest(row for row in rows if not past.before(row["resolved_on"])),
        "notice_money_last_days": newest(money),
        "notice_stop_last_days": newest(stop),
        "notice_upstream_open_days": newest(
            row for row in rows if row["kind"] == "upstream_arrears" and not past.before(row["resolved_on"])
        ),
        "notice_upstream_amount_365d": stated(
            (row for row in rows if row["kind"] == "upstream_arrears"), "amount"
        ),
        "notice_default_amount_365d": stated(
            (row for row in rows if row["kind"] == "debt_default"), "amount"
        ),
        "notice_last_days": newest(rows),
    }


FAMILIES = (complaints, cases, afterwards, hazards, inspections, notices)
