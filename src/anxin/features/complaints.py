"""Complaints, cases, hazards, inspections and notices: what was already said, found and settled.

Complaints that were disproved (not about wages, or a duplicate) never count.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from anxin.features.known import KEYS, Known, age, counted, fading, ratio, summed, unfade

_NTH = (3, 5, 9)
_MONTH = 30
_YEAR = 365


def complaints(known: Known) -> list[ir.Table]:
    """Return the tables of the family, each keyed by subject and date."""
    rows = upheld(known.rows("complaints"))
    return [_volume(rows), _rhythm(rows), *_outcomes(known), _notices(known)]


def upheld(rows: ir.Table) -> ir.Table:
    """Return the complaints not disproved: neither about something else nor sent twice."""
    return rows.filter(rows.result.isnull() | ~rows.result.isin(["not_wage", "duplicate"]))


def _volume(rows: ir.Table) -> ir.Table:
    open_ = rows.closed_on.isnull() | (rows.closed_on >= rows.as_of)
    return rows.group_by(KEYS).aggregate(
        complaints_30d=counted(rows.age <= 30),
        complaints_90d=counted(rows.age <= 90),
        complaints_180d=counted(rows.age <= 180),
        complaints_365d=counted(rows.age <= 365),
        complaints_ever=rows.count().cast("float64"),
        complaints_rise_90d=counted(rows.age <= 90) - counted((rows.age > 90) & (rows.age <= 180)),
        complaints_fading_14d=unfade(fading(rows.age, 14).sum()),
        complaints_fading_45d=unfade(fading(rows.age, 45).sum()),
        complaints_fading_120d=unfade(fading(rows.age, 120).sum()),
        complaints_fading_365d=unfade(fading(rows.age, 365).sum()),
        complaint_workers_365d=summed(rows.workers, rows.age <= 365),
        complaint_amount_365d=summed(rows.amount, rows.age <= 365),
        complaints_mass_365d=counted(
            (rows.age <= 365) & ((rows.workers >= 5) | rows.extreme.fill_null(False))
        ),
        complaints_overdue=counted(open_ & (rows.due_on < rows.as_of)),
        complaint_first_days=rows.age.max().cast("float64"),
    )


def _rhythm(rows: ir.Table) -> ir.Table:
    """How regularly complaint days come: several complaints of one day are one day."""
    days = rows.group_by([*KEYS, "age"]).aggregate(of_day=rows.count())
    window = ibis.window(group_by=KEYS, order_by=days.age)
    days = days.mutate(
        gap=(days.age.lead().over(window) - days.age),
        nth=ibis.row_number().over(window),
        month=((days.age - 1) / _MONTH).floor().cast("int64"),
    )
    nth = {
        f"complaint_day_{n}_days": (days.nth == n - 1).ifelse(days.age, None).max().cast("float64")
        for n in _NTH
    }
    gaps = days.gap.sum().cast("float64")
    squares = (days.gap * days.gap).sum().cast("float64")
    number = days.gap.count().cast("float64")
    # Whole numbers until the one division: nothing is lost, and it can never fall below zero.
    variance = ratio(squares * number - gaps * gaps, number * (number - 1))
    rhythm = days.group_by(KEYS).aggregate(
        days_since_complaint=days.age.min().cast("float64"),
        complaint_days_365d=counted(days.age <= 365),
        complaint_days_fading_30d=unfade(fading(days.age, 30).sum()),
        complaint_days_fading_90d=unfade(fading(days.age, 90).sum()),
        complaint_days_fading_180d=unfade(fading(days.age, 180).sum()),
        complaint_days_fading_365d=unfade(fading(days.age, 365).sum()),
        complaints_largest_day=days.of_day.max().cast("float64"),
        complaint_gap_last=(days.nth == 0).ifelse(days.gap, None).max().cast("float64"),
        complaint_gap_shortest=days.gap.min().cast("float64"),
        complaint_gap_mean=ratio(gaps, number),
        complaint_gap_spread=variance.sqrt(),
        complaint_span_days=(days.age.max() - days.age.min()).cast("float64"),
        **nth,
    )
    rhythm = rhythm.mutate(
        complaint_silence_ratio=ratio(rhythm.days_since_complaint, rhythm.complaint_gap_mean),
    )
    months = days.select(*KEYS, "month").distinct()
    by_month = months.group_by(KEYS).aggregate(
        complaint_months_365d=counted(months.month < 12),
        complaint_months_fading_2=unfade(fading(months.month + 1, 2).sum()),
        complaint_months_fading_6=unfade(fading(months.month + 1, 6).sum()),
    )
    return rhythm.inner_join(by_month, KEYS)


def _outcomes(known: Known) -> list[ir.Table]:
    cases = known.rows("cases")
    verified = cases.outcome == "verified"
    settled = verified & (cases.closed_on < cases.as_of)
    hazards = known.rows("hazards")
    hazards = hazards.filter(hazards.resolution.isnull() | (hazards.resolution != "unfounded"))
    unresolved = hazards.resolved_on.isnull() | (hazards.resolved_on >= hazards.as_of)
    visits = known.rows("inspections", _YEAR)
    return [
        cases.group_by(KEYS).aggregate(
            cases_365d=counted((cases.age <= 365) & (cases.outcome != "unfounded")),
            cases_verified_730d=counted(verified & (cases.age <= 730)),
            case_workers_730d=summed(cases.workers, verified & (cases.age <= 730)),
            cases_settled_ever=counted(settled),
            days_since_case=(cases.outcome != "unfounded").ifelse(cases.age, None).min().cast("float64"),
            arrears_oldest_days=(verified & (cases.closed_on.isnull() | (cases.closed_on >= cases.as_of)))
            .ifelse(age(cases.as_of, cases.arrears_from), None)
            .max()
            .cast("float64"),
        ),
        hazards.group_by(KEYS).aggregate(
            hazards_open=counted(unresolved),
            hazards_365d=counted(hazards.age <= 365),
            hazards_averted_365d=counted((hazards.age <= 365) & (hazards.resolution == "averted")),
            hazards_overdue=counted(unresolved & (hazards.due_on < hazards.as_of)),
            hazard_last_days=hazards.age.min().cast("float64"),
        ),
        visits.group_by(KEYS).aggregate(
            inspections_clean_365d=counted(visits.finding == "none"),
            inspections_gap_365d=counted(visits.finding.isin(["system_gap", "hazard", "arrears"])),
            inspection_last_days=visits.age.min().cast("float64"),
        ),
    ]


def _notices(known: Known) -> ir.Table:
    """Count what other departments noticed: lay-offs, stoppages, notices of banks and supervisors."""
    rows = known.rows("notices", _YEAR)
    open_ = rows.resolved_on.isnull() | (rows.resolved_on >= rows.as_of)
    return rows.group_by(KEYS).aggregate(
        notices_90d=counted(rows.age <= 90),
        notices_365d=rows.count().cast("float64"),
        notices_open=counted(open_),
        notices_money_365d=counted(rows.kind.isin(["bank_notice", "debt_default", "upstream_arrears"])),
        notices_stop_365d=counted(rows.kind.isin(["stoppage", "layoff", "deregistration"])),
        notice_last_days=rows.age.min().cast("float64"),
    )
