"""What a subject is: age, size, ownership, registry changes, phase of a project, lists, case rates around it."""

from __future__ import annotations

import math

import ibis
import ibis.expr.types as ir

from anxin.domain.calendar import days_to_spring_festival
from anxin.features.known import KEYS, Known, age, counted, month, ratio
from anxin.features.levies import DECLARED
from anxin.features.subjects import going_on

_PRIOR = 50.0
"""Sector and district rates are drawn towards the rate of all by this many subjects: small groups say
little."""

_HEADS_DAYS = 130
"""Days in which the latest declaration of insured heads is looked for: four months, and a late one."""

_PACK = 1_000_000_000
"""Above any headcount: month and heads in one whole number, so that the greatest holds the latest month's."""


def profile(known: Known) -> list[ir.Table]:
    """Return the tables of the family, keyed by subject and date, the season by date alone."""
    own = _employer(known) if known.kind == "employer" else _project(known)
    return [own, _listed(known), _rates(known), _season(known)]


def _season(known: Known) -> ir.Table:
    """Distance to Spring Festival, in days and as a smooth season: 1 on the day, -1 half a year away."""
    days = [days_to_spring_festival(day) for day in known.dates]
    return known.calendar(
        spring_festival_days=[float(day) for day in days],
        spring_festival_nearness=[math.cos(2 * math.pi * day / 365.25) for day in days],
    )


def _versions(known: Known) -> ir.Table:
    """Return every change of the registry received before each date, also those since replaced.

    Of what was sent of one day of change the last version counts: a correction is no change.
    """
    rows = known.view.history(f"{known.kind}s").cross_join(known.calendar())
    rows = rows.filter(rows.received_at < rows.as_of.cast("timestamp(6)"), rows.changed_on < rows.as_of)
    rows = rows.mutate(subject_id=rows[f"{known.kind}_id"], age=age(rows.as_of, rows.changed_on))
    of_day = ibis.window(group_by=[*KEYS, "changed_on"])
    return rows.mutate(final=rows.received_at == rows.received_at.max().over(of_day)).filter(
        lambda t: t.final
    )


def _employer(known: Known) -> ir.Table:
    rows = _registered(known)
    heads = known.by_date("social_insurance", _HEADS_DAYS, DECLARED["social_insurance"], _heads)
    both = rows.left_join(heads, KEYS).select(*rows.columns, "heads")
    flags = {
        f"firm_{name}": (both.ownership == name).cast("float64")
        for name in ("private", "state", "foreign", "individual")
    }
    return both.select(
        *KEYS,
        firm_age_days=age(both.as_of, both.established_on).cast("float64"),
        firm_capital=both.registered_capital.cast("float64"),
        firm_capital_per_head=ratio(both.registered_capital, both.heads),
        firm_capital_left=ratio(both.registered_capital, both.largest),
        **flags,
        firm_abnormal=(both.status == "abnormal").cast("float64"),
        firm_abnormal_before=((both.status != "abnormal") & (both.abnormal == 1)).cast("float64"),
        firm_revoked=(both.status == "revoked").cast("float64"),
        firm_industry=both.industry.substr(1, 2).try_cast("int64").cast("float64"),
        firm_in_park=both.park.notnull().cast("float64"),
        firm_representatives=both.people.cast("float64").nullif(0.0),
        firm_representative_days=age(both.as_of, both.person_from).cast("float64"),
        firm_addresses=both.places.cast("float64").nullif(0.0),
        firm_address_days=age(both.as_of, both.place_from).cast("float64"),
        registry_last_days=age(both.as_of, both.changed_on).cast("float64"),
    )


def _heads(insured: ir.Table) -> ir.Table:
    """Return the heads of the latest month declared."""
    packed = month(insured.month) * _PACK
    heads = ibis.greatest(ibis.least(insured.insured.cast("int64"), _PACK - 1), 0)
    return insured.group_by("subject_id").aggregate(heads=(packed + heads).max() % _PACK)


def _registered(known: Known) -> ir.Table:
    """Return the registry's row of each employer and date, with what the versions received until then say of it.

    `people` and `places` named, `person_from` and `place_from` (when who is named was entered), `largest` capital,
    whether ever `abnormal`. It changes only when a version comes in: made once for all dates until the next one.
    """
    now = known.view.spans("employers", known.dates)
    now = now.mutate(subject_id=now.employer_id, person=now.legal_representative, place=now.address)
    versions = known.view.versions("employers", known.dates)
    versions = versions.mutate(subject_id=versions.employer_id)
    # A row sent again of the same day of change corrects it: from then on what it corrects was never so.
    again = ibis.window(group_by=["subject_id", "changed_on"], order_by=versions.received_at)
    versions = versions.mutate(corrected=versions.since.lead().over(again))
    moments = versions.select("subject_id", moment="since").distinct()
    after = moments.moment.lead().over(ibis.window(group_by="subject_id", order_by=moments.moment))
    moments = moments.mutate(after=after.fill_null(len(set(known.dates))))
    each = now.inner_join(moments, "subject_id")
    each = each.filter(each.moment < each.until, each.since < each.after)
    each = each.mutate(since=ibis.greatest(each.since, each.moment), until=ibis.least(each.until, each.after))
    each = known.view.keep(each.drop("after"))
    # The registry sends a change as a whole row: who is named since when is read off all versions.
    keys = ["subject_id", "moment"]
    seen = versions.inner_join(each.select(*keys, "person", "place"), "subject_id")
    seen = seen.filter(seen.since <= seen.moment, (seen.corrected > seen.moment).fill_null(True))
    another = seen.group_by(keys).aggregate(
        person_before=(seen.legal_representative != seen.person).ifelse(seen.changed_on, None).max(),
        place_before=(seen.address != seen.place).ifelse(seen.changed_on, None).max(),
    )
    seen = seen.inner_join(another, keys)
    # Who was named before, then another, then again, is there since the last return.
    again = (seen.legal_representative == seen.person) & (seen.changed_on >= seen.person_before)
    back = (seen.address == seen.place) & (seen.changed_on >= seen.place_before)
    past = seen.group_by(keys).aggregate(
        people=seen.legal_representative.nunique(),
        places=seen.address.nunique(),
        person_from=again.ifelse(seen.changed_on, None).min(),
        place_from=back.ifelse(seen.changed_on, None).min(),
        largest=seen.registered_capital.max(),
        abnormal=(seen.status == "abnormal").cast("int64").max(),
    )
    found = each.inner_join(past, keys).drop("moment", "person", "place")
    return known.on_dates(found)


def _project(known: Known) -> ir.Table:
    rows = known.all("projects")
    seen = _versions(known)
    past = seen.group_by(KEYS).aggregate(
        contractors=seen.contractor_id.nunique(), first_end=seen.planned_end_on.min()
    )
    rows = rows.mutate(subject_id=rows.project_id).inner_join(past, KEYS)
    length = age(rows.planned_end_on, rows.start_on)
    started = age(rows.as_of, rows.start_on)
    joined = (rows.onboarded_on < rows.as_of).fill_null(False)
    late = joined.ifelse(age(rows.onboarded_on, rows.start_on), started)
    government = (rows.investment == "government") | rows.government_funded.fill_null(False)
    state = (rows.investment == "soe") | rows.soe_owner.fill_null(False)
    return rows.select(
        *KEYS,
        project_amount=rows.contract_amount.cast("float64"),
        project_government=government.cast("float64"),
        project_soe=state.cast("float64"),
        project_real_estate=rows.real_estate.cast("float64"),
        project_building=(rows.project_type == "building").cast("float64"),
        project_started_days=started.cast("float64"),
        project_elapsed_share=ratio(started, length),
        project_overrun_days=age(rows.as_of, rows.planned_end_on).cast("float64"),
        project_end_moved_days=age(rows.planned_end_on, rows.first_end).cast("float64"),
        project_contractors=rows.contractors.cast("float64"),
        project_without_permit=rows.permit_no.isnull().cast("float64"),
        project_joined_late_days=(late > 0).ifelse(late, 0).cast("float64"),
        project_labour_share=rows.labour_cost_ratio.cast("float64"),
        registry_last_days=rows.age.cast("float64"),
    )


def _listed(known: Known) -> ir.Table:
    """Count the lists it stands on: established facts of wage credit."""
    rows = known.rows("credit_records", own=False)
    # A new grade replaces the one before, whether or not that was ended.
    newest = rows.group_by([*KEYS, "list"]).aggregate(newest=rows.age.min())
    rows = rows.inner_join(newest, [*KEYS, "list"])
    live = rows.to_on.isnull() | (rows.to_on >= rows.as_of)
    punished = rows.list.isin(["joint_punishment", "key_watch"])
    graded = live & (rows.age == rows.newest)
    return rows.group_by(KEYS).aggregate(
        listed_punished=counted(live & punished),
        listed_punished_before=counted(~live & punished),
        listed_safe=counted(live & (rows.list == "anxin_project")),
        listed_credit_low=counted(graded & (rows.list == "wage_credit") & rows.value.isin(["C", "D"])),
        listed_credit_high=counted(graded & (rows.list == "wage_credit") & (rows.value == "A")),
        listed_integrity_low=counted(graded & (rows.list == "integrity_grade") & rows.value.isin(["C", "D"])),
        listed_last_days=rows.age.min().cast("float64"),
    )


def _rates(known: Known) -> ir.Table:
    """Share of others of its sector or district with a case opened lately, of the cases known on D.

    Others are those going on: of who is gone no case can come, and they only grow more. The subject itself is taken
    out of both counts: its own case must not come back as a rate.
    """
    registry = going_on(known)
    group = registry.industry if known.kind == "employer" else registry.project_type
    people = registry.select(
        "as_of", subject_id=registry[f"{known.kind}_id"], sector=group, place=registry.district.substr(0, 6)
    )
    cases = known.rows("cases", 365)
    cases = cases.filter(cases.outcome != "unfounded")
    opened = cases.group_by(KEYS).aggregate(lately=cases.age.min())
    people = people.left_join(opened, KEYS).select(*people.columns, "lately")
    people = people.mutate(
        hit_90=(people.lately <= 90).fill_null(False).cast("int64"),
        hit_365=people.lately.notnull().cast("int64"),
    )
    rates = people
    for part, by in (("all", ()), ("sector", ("sector",)), ("place", ("place",))):
        counts = people.group_by("as_of", *by).aggregate(
            people.count().name(f"{part}_size"),
            people.hit_90.sum().name(f"{part}_90"),
            people.hit_365.sum().name(f"{part}_365"),
        )
        rates = rates.inner_join(counts, ["as_of", *by])
    return rates.select(
        *KEYS,
        sector_case_rate_90d=_drawn(rates, "sector", 90),
        sector_case_rate_365d=_drawn(rates, "sector", 365),
        district_case_rate_365d=_drawn(rates, "place", 365),
    )


def _drawn(rates: ir.Table, part: str, days: int) -> ir.FloatingValue:
    own = rates[f"hit_{days}"]
    overall = ratio(rates[f"all_{days}"] - own, rates.all_size - 1)
    hits = (rates[f"{part}_{days}"] - own).cast("float64")
    return (hits + overall * _PRIOR) / ((rates[f"{part}_size"] - 1).cast("float64") + _PRIOR)
