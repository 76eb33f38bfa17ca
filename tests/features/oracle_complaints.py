"""What was said and found: complaints, cases, hazards, inspections, notices."""

from __future__ import annotations

import itertools
import math
import statistics

from .oracle import Past, Values, newest, ratio, total


def complaints(past: Past, subject: str) -> Values:
    rows = [row for row in past.complained() if row in past.rows("complaints", subject)]
    found: Values = dict.fromkeys(_NAMES)
    if not rows:
        return found
    year = [row for row in rows if row["age"] <= 365]
    found |= {f"complaints_{n}d": sum(row["age"] <= n for row in rows) for n in (30, 90, 180, 365)}
    found |= {f"complaints_fading_{n}d": _fading([row["age"] for row in rows], n) for n in (14, 45, 120, 365)}
    found |= {
        "complaints_ever": len(rows),
        "complaints_rise_90d": sum(1 if row["age"] <= 90 else -1 for row in rows if row["age"] <= 180),
        "complaint_workers_365d": total(row["workers"] for row in year),
        "complaint_amount_365d": float(total(row["amount"] for row in year)),
        "complaints_mass_365d": sum((row["workers"] or 0) >= 5 or row["extreme"] is True for row in year),
        "complaints_overdue": sum(
            past.before(row["due_on"]) and not past.before(row["closed_on"]) for row in rows
        ),
        "complaint_first_days": max(row["age"] for row in rows),
    }
    return found | _rhythm([row["age"] for row in rows])


def _rhythm(ages: list[int]) -> Values:
    """The days with complaints, latest first, and the gaps between them."""
    days = sorted(set(ages))
    gaps = [later - earlier for earlier, later in itertools.pairwise(days)]
    months = sorted({(day - 1) // 30 for day in days})
    mean = statistics.mean(gaps) if gaps else None
    found: Values = {f"complaint_day_{n}_days": days[n - 1] if len(days) >= n else None for n in (3, 5, 9)}
    found |= {f"complaint_days_fading_{n}d": _fading(days, n) for n in (30, 90, 180, 365)}
    found |= {f"complaint_months_fading_{n}": _fading([month + 1 for month in months], n) for n in (2, 6)}
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


def _fading(ages: list[int], half_life: int) -> float:
    """Each counts 1 on its first day and half every `half_life` days, in billionths cut at .55."""
    return sum(math.floor(1e9 * 0.5 ** ((age - 1) / half_life) + 0.45) for age in ages) / 1e9


_NAMES = [
    *(f"complaints_{n}d" for n in (30, 90, 180, 365)),
    *(f"complaints_fading_{n}d" for n in (14, 45, 120, 365)),
    *(f"complaint_days_fading_{n}d" for n in (30, 90, 180, 365)),
    *("complaints_ever", "complaints_rise_90d", "complaint_workers_365d", "complaint_amount_365d"),
    *("complaints_mass_365d", "complaints_overdue", "complaint_first_days"),
    *_rhythm([1]),
]


def cases(past: Past, subject: str) -> Values:
    rows = past.rows("cases", subject)
    founded = [row for row in rows if row["outcome"] != "unfounded"]
    verified = [row for row in rows if row["outcome"] == "verified"]
    recent = [row for row in verified if row["age"] <= 730]
    unsettled = [past.age(row["arrears_from"]) for row in verified if not past.before(row["closed_on"])]
    return {
        "cases_365d": sum(row["age"] <= 365 for row in founded),
        "cases_verified_730d": len(recent),
        "case_workers_730d": total(row["workers"] for row in recent),
        "cases_settled_ever": sum(past.before(row["closed_on"]) for row in verified),
        "days_since_case": newest(founded),
        "arrears_oldest_days": max(unsettled, default=None),
    }


def hazards(past: Past, subject: str) -> Values:
    rows = [row for row in past.rows("hazards", subject) if row["resolution"] != "unfounded"]
    year = [row for row in rows if row["age"] <= 365]
    standing = [row for row in rows if not past.before(row["resolved_on"])]
    return {
        "hazards_open": len(standing),
        "hazards_365d": len(year),
        "hazards_averted_365d": sum(row["resolution"] == "averted" for row in year),
        "hazards_overdue": sum(past.before(row["due_on"]) for row in standing),
        "hazard_last_days": newest(rows),
    }


def inspections(past: Past, subject: str) -> Values:
    rows = past.rows("inspections", subject, 365)
    return {
        "inspections_clean_365d": sum(row["finding"] == "none" for row in rows),
        "inspections_gap_365d": sum(row["finding"] != "none" for row in rows),
        "inspection_last_days": newest(rows),
    }


def notices(past: Past, subject: str) -> Values:
    rows = past.rows("notices", subject, 365)
    return {
        "notices_90d": sum(row["age"] <= 90 for row in rows),
        "notices_365d": len(rows),
        "notices_open": sum(not past.before(row["resolved_on"]) for row in rows),
        "notices_money_365d": sum(
            row["kind"] in ("bank_notice", "debt_default", "upstream_arrears") for row in rows
        ),
        "notices_stop_365d": sum(row["kind"] in ("stoppage", "layoff", "deregistration") for row in rows),
        "notice_last_days": newest(rows),
    }


FAMILIES = (
    complaints,
    cases,
    hazards,
    inspections,
    notices,
)
