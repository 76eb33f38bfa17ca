"""What a subject is: age, size, ownership, phase of a project, lists, and case rates around it."""

from __future__ import annotations

import math

import ibis
import ibis.expr.types as ir

from anxin.domain.calendar import days_to_spring_festival
from anxin.features.known import KEYS, Known, age, counted, ratio

_PRIOR = 50.0
"""Sector and district rates are drawn towards the rate of all by this many subjects: small groups say
little."""


def profile(known: Known) -> list[ir.Table]:
    """Return the tables of the family, each keyed by subject and date."""
    own = _employer(known) if known.kind == "employer" else _project(known)
    return [own, _listed(known), *_rates(known)]


def _season(known: Known) -> ir.Table:
    """Distance to Spring Festival as a smooth season: the festival itself is 1, half a year away is -1."""
    days = [days_to_spring_festival(day) for day in known.dates]
    return known.calendar(spring_festival_nearness=[math.cos(2 * math.pi * day / 365.25) for day in days])


def _employer(known: Known) -> ir.Table:
    rows = known.all("employers")
    changes = known.view.history("employers")
    dates = known.calendar()
    seen = changes.cross_join(dates)
    seen = seen.filter(seen.received_at < seen.as_of.cast("timestamp(6)"), seen.changed_on < seen.as_of)
    moved = seen.group_by("as_of", subject_id=seen.employer_id).aggregate(
        representatives=seen.legal_representative.nunique(), addresses=seen.address.nunique()
    )
    rows = rows.mutate(subject_id=rows.employer_id).left_join(moved, KEYS)
    table = rows.select(
        *KEYS,
        firm_age_days=age(rows.as_of, rows.established_on).cast("float64"),
        firm_capital=rows.registered_capital.cast("float64"),
        firm_private=(rows.ownership == "private").cast("float64"),
        firm_state=(rows.ownership == "state").cast("float64"),
        firm_abnormal=(rows.status == "abnormal").cast("float64"),
        firm_revoked=(rows.status == "revoked").cast("float64"),
        firm_industry=rows.industry.substr(1, 2).try_cast("int64").cast("float64"),
        firm_representatives=rows.representatives.cast("float64").nullif(0.0),
        firm_addresses=rows.addresses.cast("float64").nullif(0.0),
        registry_last_days=rows.age.cast("float64"),
    )
    return table.inner_join(_season(known), "as_of")


def _project(known: Known) -> ir.Table:
    rows = known.all("projects")
    rows = rows.mutate(subject_id=rows.project_id)
    length = age(rows.planned_end_on, rows.start_on)
    started = age(rows.as_of, rows.start_on)
    table = rows.select(
        *KEYS,
        project_amount=rows.contract_amount.cast("float64"),
        project_government=((rows.investment == "government") | rows.government_funded.fill_null(False)).cast(
            "float64"
        ),
        project_soe=((rows.investment == "soe") | rows.soe_owner.fill_null(False)).cast("float64"),
        project_real_estate=rows.real_estate.cast("float64"),
        project_started_days=started.cast("float64"),
        project_elapsed_share=ratio(started, length),
        project_overrun_days=age(rows.as_of, rows.planned_end_on).cast("float64"),
        project_joined_late_days=ibis.greatest(
            (rows.onboarded_on < rows.as_of)
            .fill_null(False)
            .ifelse(age(rows.onboarded_on, rows.start_on), started),
            0,
        ).cast("float64"),
        project_labour_share=rows.labour_cost_ratio.cast("float64"),
        registry_last_days=rows.age.cast("float64"),
    )
    return table.inner_join(_season(known), "as_of")


def _listed(known: Known) -> ir.Table:
    """Count the lists it stands on: established facts of wage credit."""
    rows = known.rows("credit_records", own=False)
    live = rows.to_on.isnull() | (rows.to_on >= rows.as_of)
    return rows.group_by(KEYS).aggregate(
        listed_punished=counted(live & rows.list.isin(["joint_punishment", "key_watch"])),
        listed_safe=counted(live & (rows.list == "anxin_project")),
        listed_credit_low=counted(live & (rows.list == "wage_credit") & rows.value.isin(["C", "D"])),
        listed_credit_high=counted(live & (rows.list == "wage_credit") & (rows.value == "A")),
        listed_last_days=rows.age.min().cast("float64"),
    )


def _rates(known: Known) -> list[ir.Table]:
    """Share out the cases known on D: subjects of the same sector or district with one opened lately."""
    registry = known.all(f"{known.kind}s")
    group = registry.industry if known.kind == "employer" else registry.project_type
    people = registry.select(
        "as_of", subject_id=registry[f"{known.kind}_id"], sector=group, place=registry.district.substr(0, 6)
    )
    cases = known.rows("cases", 365)
    cases = cases.filter(cases.outcome != "unfounded")
    opened = cases.group_by(KEYS).aggregate(opened_90=counted(cases.age <= 90), opened_365=cases.count())
    with_cases = people.left_join(opened, KEYS).select(*people.columns, "opened_90", "opened_365")
    with_cases = with_cases.mutate(
        hit_90=(with_cases.opened_90.fill_null(0) > 0).cast("int64"),
        hit_365=(with_cases.opened_365.fill_null(0) > 0).cast("int64"),
    )
    everyone = with_cases.group_by("as_of").aggregate(
        all_90=with_cases.hit_90.mean(), all_365=with_cases.hit_365.mean()
    )
    tables = []
    for group_name, window in (("sector", 90), ("sector", 365), ("place", 365)):
        grouped = with_cases.group_by("as_of", group_name).aggregate(
            hits=with_cases[f"hit_{window}"].sum().cast("float64"), size=with_cases.count().cast("float64")
        )
        grouped = grouped.inner_join(everyone, "as_of").select(
            "as_of",
            group_name,
            rate=lambda t, w=window: (t.hits + t[f"all_{w}"] * _PRIOR) / (t["size"] + _PRIOR),
        )
        name = f"{'sector' if group_name == 'sector' else 'district'}_case_rate_{window}d"
        joined = people.inner_join(grouped, ["as_of", group_name])
        tables.append(joined.select(*KEYS, joined.rate.name(name)))
    return tables
