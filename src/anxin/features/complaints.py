"""Complaints, cases, hazards, inspections and notices: what was already said, found and settled.

Complaints that were disproved (not about wages, or a duplicate) never count. What a row says of a later day
(closed, settled, resolved) has happened only if that day is before the date.
"""

from __future__ import annotations

from collections.abc import Mapping

import ibis
import ibis.expr.types as ir

from anxin.features.known import KEYS, Kind, Known, age, counted, fading, ratio, stated, summed, unfade

_NTH = (3, 5, 9)
_MONTH = 30
_YEAR = 365
_AGAIN = 180
"""Days after a settlement in which a new complaint or case means that it did not last."""
_PLATFORM = ("national_platform", "wage_code", "hotline")
_ESCALATED = ("petition", "police", "public_opinion")
"""Whoever goes there was not helped by the labour authority, or did not wait for it."""
_CHANNELS = {
    "platform": _PLATFORM,
    "visit": ("visit",),
    "petition": ("petition",),
    "police": ("police",),
    "opinion": ("public_opinion",),
    "arbitration": ("arbitration",),
}
_FUND = ("deposit", "emergency_fund")
_CHAIN = ("contractor", "owner")
_NOTICES: Mapping[Kind, tuple[str, ...]] = {
    "employer": (
        *("layoff", "deregistration", "contracting_violation", "upstream_arrears", "debt_default"),
        *("bank_notice", "stoppage", "peer_warning"),
    ),
    "project": (
        *("supervisor_finding", "contracting_violation", "upstream_arrears", "debt_default"),
        *("bank_notice", "stoppage", "peer_warning"),
    ),
}
"""Only an employer lays off or deregisters, and a supervisor watches a site."""


def complaints(known: Known) -> list[ir.Table]:
    """Return the tables of the family, each keyed by subject and date."""
    rows = upheld(known.rows("complaints"))
    cases, visits = known.rows("cases"), known.rows("inspections")
    return [
        _volume(rows),
        _rhythm(rows),
        _cases(cases),
        _afterwards(rows, cases, visits),
        _hazards(known.rows("hazards")),
        _inspections(visits),
        _notices(known),
    ]


def upheld(rows: ir.Table) -> ir.Table:
    """Return the complaints not disproved: neither about something else nor sent twice."""
    return rows.filter(rows.result.isnull() | ~rows.result.isin(["not_wage", "duplicate"]))


def _volume(rows: ir.Table) -> ir.Table:
    rows = _heard(rows)
    open_ = ~_past(rows.as_of, rows.closed_on)
    late = open_ & (age(rows.as_of, rows.due_on) > rows.heard)
    year, before = rows.age <= 365, (rows.age > 90) & (rows.age <= 180)
    escalated = rows.channel.isin(_ESCALATED)
    heads, told = rows.workers > 0, rows.amount.notnull()
    extreme = rows.extreme.fill_null(False)
    mass = year & ((rows.workers >= 5) | extreme)
    confirmed = year & ~open_ & (rows.result == "wage")
    by_channel = {}
    for name, channels in _CHANNELS.items():
        through = year & rows.channel.isin(channels)
        by_channel[f"complaints_{name}_365d"] = counted(through)
        by_channel[f"complaint_{name}_last_days"] = _least(through, rows.age)
    return rows.group_by(KEYS).aggregate(
        complaints_30d=counted(rows.age <= 30),
        complaints_90d=counted(rows.age <= 90),
        complaints_180d=counted(rows.age <= 180),
        complaints_365d=counted(year),
        complaints_ever=rows.count().cast("float64"),
        complaints_rise_30d=counted(rows.age <= 30) - counted((rows.age > 30) & (rows.age <= 60)),
        complaints_rise_90d=counted(rows.age <= 90) - counted(before),
        complaints_fading_14d=unfade(fading(rows.age, 14).sum()),
        complaints_fading_45d=unfade(fading(rows.age, 45).sum()),
        complaints_fading_120d=unfade(fading(rows.age, 120).sum()),
        complaints_fading_365d=unfade(fading(rows.age, 365).sum()),
        **by_channel,
        complaints_platform_90d=counted((rows.age <= 90) & rows.channel.isin(_PLATFORM)),
        complaints_escalated_90d=counted((rows.age <= 90) & escalated),
        complaint_escalated_days=_least(escalated, rows.age),
        complaint_channels_365d=rows.channel.nunique(where=year).cast("float64"),
        complaint_workers_90d=stated(rows.workers, rows.age <= 90),
        complaint_workers_365d=stated(rows.workers, year),
        complaint_workers_largest_365d=_most(year, rows.workers),
        complaint_workers_rise_90d=stated(rows.workers, rows.age <= 90) - stated(rows.workers, before),
        complaint_amount_90d=stated(rows.amount, rows.age <= 90),
        complaint_amount_365d=stated(rows.amount, year),
        complaint_amount_each_365d=ratio(
            summed(rows.amount, year & heads & told), summed(rows.workers, year & heads & told)
        ),
        complaints_mass_365d=counted(mass),
        complaint_mass_last_days=_least(mass, rows.age),
        complaints_extreme_365d=counted(year & extreme),
        complaint_extreme_days=_least(extreme, rows.age),
        complaints_confirmed_365d=counted(confirmed),
        complaint_confirmed_last_days=_least(confirmed, rows.age),
        complaints_open=counted(open_),
        complaint_open_last_days=_least(open_, rows.age),
        complaint_open_workers=stated(rows.workers, open_),
        complaints_overdue=counted(late),
        complaint_overdue_days=_most(late, age(rows.as_of, rows.due_on)),
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


def _cases(rows: ir.Table) -> ir.Table:
    verified, founded = rows.outcome == "verified", rows.outcome != "unfounded"
    closed = _past(rows.as_of, rows.closed_on)
    recent, settled = verified & (rows.age <= 730), verified & closed
    open_ = founded & ~closed
    days_open = rows.age - age(rows.as_of, rows.closed_on)
    told = settled & rows.settled_by.notnull()
    return rows.group_by(KEYS).aggregate(
        cases_365d=counted((rows.age <= 365) & founded),
        cases_verified_730d=counted(recent),
        cases_verified_ever=counted(verified),
        case_verified_last_days=_least(verified, rows.age),
        case_workers_730d=stated(rows.workers, recent),
        case_amount_730d=stated(rows.amount, recent),
        case_workers_largest=_most(verified, rows.workers),
        cases_open=counted(open_),
        case_open_workers=stated(rows.workers, open_),
        case_open_amount=stated(rows.amount, open_),
        cases_settled_ever=counted(settled),
        case_settled_last_days=_least(settled, age(rows.as_of, rows.closed_on)),
        case_settling_days=ratio(summed(days_open, settled), counted(settled)),
        case_settled_self_share=ratio(counted(told & (rows.settled_by == "employer")), counted(told)),
        cases_settled_chain_ever=counted(settled & rows.settled_by.isin(_CHAIN)),
        cases_settled_fund_ever=counted(settled & rows.settled_by.isin(_FUND)),
        cases_settled_court_ever=counted(settled & (rows.settled_by == "court")),
        days_since_case=_least(founded, rows.age),
        case_open_last_days=_least(open_, rows.age),
        arrears_oldest_days=_most(verified & ~closed, age(rows.as_of, rows.arrears_from)),
        case_verified_open_days=_most(
            verified & ~closed, age(rows.as_of, rows.verified_on.coalesce(rows.opened_on))
        ),
    )


def _afterwards(complaints: ir.Table, cases: ir.Table, visits: ir.Table) -> ir.Table:
    """See what came after a settlement, and whether anyone came after the latest complaint.

    Settled is a verified case that was closed. A complaint closed as about wages settles nothing: the case that
    comes of it follows. One line of time per subject, latest event first, gives each settlement the next
    complaint or case after it without joining the feeds.
    """
    paid = cases.filter(cases.outcome == "verified", _past(cases.as_of, cases.closed_on))
    opened = cases.filter(cases.outcome != "unfounded")
    line = ibis.union(
        complaints.select(*KEYS, "age", event=ibis.literal("complaint")),
        opened.select(*KEYS, "age", event=ibis.literal("case")),
        visits.group_by(KEYS).aggregate(age=visits.age.min()).mutate(event=ibis.literal("visit")),
        paid.select(*KEYS, age=age(paid.as_of, paid.closed_on), event=ibis.literal("settled")),
    )
    starts, settled = line.event.isin(["complaint", "case"]), line.event == "settled"
    # What starts on the day of a settlement did not come after it: there the settlement goes first.
    order = [line.age, settled.ifelse(0, 1)]
    line = line.mutate(
        next=starts.ifelse(line.age, None).max().over(ibis.cumulative_window(group_by=KEYS, order_by=order)),
        last=settled.ifelse(line.age, None).min().over(ibis.window(group_by=KEYS)),
    )
    starts, settled = line.event.isin(["complaint", "case"]), line.event == "settled"
    again = settled & (line.age - line.next <= _AGAIN)
    found = line.group_by(KEYS).aggregate(
        settled_again_180d=counted(again),
        settled_again_share=ratio(counted(again), counted(settled)),
        again_since_settled=counted(starts & (line.age < line["last"])),
        again_last_days=_least(starts & (line.age < line["last"]), line.age),
        settled=counted(settled),
        complained=_least(line.event == "complaint", line.age),
        visited=_least(line.event == "visit", line.age),
    )
    unseen = found.visited.isnull() | (found.visited > found.complained)
    return found.mutate(
        again_since_settled=(found.settled > 0).ifelse(found.again_since_settled, None),
        complaint_uninspected=found.complained.notnull().ifelse(unseen.cast("float64"), None),
    ).drop("settled", "complained", "visited")


def _hazards(rows: ir.Table) -> ir.Table:
    rows = _heard(rows)
    rows = rows.filter(rows.resolution.isnull() | (rows.resolution != "unfounded"))
    resolved = _past(rows.as_of, rows.resolved_on)
    late = ~resolved & (age(rows.as_of, rows.due_on) > rows.heard)
    ended = resolved & rows.resolution.notnull()
    became = ended & (rows.resolution == "became_case")
    by_kind = {}
    for kind in ("unpaid", "funding", "upload"):
        by_kind[f"hazards_open_{kind}"] = counted(~resolved & (rows.kind == kind))
        by_kind[f"hazard_open_{kind}_last_days"] = _least(~resolved & (rows.kind == kind), rows.age)
    return rows.group_by(KEYS).aggregate(
        hazards_open=counted(~resolved),
        **by_kind,
        hazard_open_workers=stated(rows.workers, ~resolved),
        hazard_open_amount=stated(rows.amount, ~resolved),
        hazard_open_days=_most(~resolved, rows.age),
        hazard_open_last_days=_least(~resolved, rows.age),
        hazards_365d=counted(rows.age <= 365),
        hazards_averted_365d=counted((rows.age <= 365) & ended & (rows.resolution == "averted")),
        hazards_paid_730d=counted((rows.age <= 730) & ended & (rows.resolution == "paid")),
        hazards_became_case_730d=counted((rows.age <= 730) & became),
        hazard_became_case_share=ratio(counted(became), counted(ended)),
        hazards_overdue=counted(late),
        hazard_overdue_days=_most(late, age(rows.as_of, rows.due_on)),
        hazard_last_days=rows.age.min().cast("float64"),
    )


def _inspections(rows: ir.Table) -> ir.Table:
    year, clean = rows.age <= 365, rows.finding == "none"
    found = rows.group_by(KEYS).aggregate(
        inspections_clean_365d=counted(year & clean),
        inspections_onsite_clean_365d=counted(year & clean & rows.manner.isin(["check", "visit"])),
        inspections_gap_365d=counted(year & ~clean),
        inspections_arrears_365d=counted(year & (rows.finding == "arrears")),
        inspection_finding_days=_least(~clean, rows.age),
        inspection_last_days=_least(year, rows.age),
        latest=rows.age.min().cast("float64"),
    )
    unclean = (found.inspection_finding_days == found.latest).fill_null(False)
    return found.mutate(inspection_last_found=unclean.cast("float64")).drop("latest")


def _notices(known: Known) -> ir.Table:
    """Count what other departments noticed: lay-offs, stoppages, notices of banks and supervisors."""
    rows = known.rows("notices", _YEAR)
    kinds = _NOTICES[known.kind]
    open_ = ~_past(rows.as_of, rows.resolved_on)
    money = rows.kind.isin(["bank_notice", "debt_default", "upstream_arrears"])
    stop = rows.kind.isin(["stoppage", "layoff", "deregistration"])
    latest = {f"notice_{kind}_days": _least(rows.kind == kind, rows.age) for kind in kinds}
    if "layoff" in kinds:
        latest["notice_layoff_workers_365d"] = stated(rows.workers, rows.kind == "layoff")
    return rows.group_by(KEYS).aggregate(
        notices_90d=counted(rows.age <= 90),
        notices_365d=rows.count().cast("float64"),
        notices_open=counted(open_),
        notice_open_last_days=_least(open_, rows.age),
        notices_money_365d=counted(money),
        notice_money_last_days=_least(money, rows.age),
        notices_stop_365d=counted(stop),
        notice_stop_last_days=_least(stop, rows.age),
        notice_upstream_open_days=_least(open_ & (rows.kind == "upstream_arrears"), rows.age),
        notice_upstream_amount_365d=stated(rows.amount, rows.kind == "upstream_arrears"),
        notice_default_amount_365d=stated(rows.amount, rows.kind == "debt_default"),
        notice_last_days=rows.age.min().cast("float64"),
        **latest,
    )


def _heard(rows: ir.Table) -> ir.Table:
    """Add how old the newest row of the feed is: whether what fell due since was done in time nobody was told."""
    newest = rows.group_by("as_of").aggregate(heard=rows.age.min())
    return rows.inner_join(newest, "as_of").select(*rows.columns, "heard")


def _past(as_of: ir.DateColumn, day: ir.DateColumn) -> ir.BooleanColumn:
    """Return whether a later day of a row has come: it has one, and that is before the date."""
    return (day < as_of).fill_null(False)


def _least(rows: ir.BooleanValue, days: ir.NumericValue) -> ir.FloatingScalar:
    return rows.ifelse(days, None).min().cast("float64")


def _most(rows: ir.BooleanValue, value: ir.NumericValue) -> ir.FloatingScalar:
    return rows.ifelse(value, None).max().cast("float64")
