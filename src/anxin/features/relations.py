"""The neighbours: who owns, builds and supervises a project, an employer's sites and group, two steps far.

What happened to a neighbour is counted without the subject itself, and 0 only where the neighbour is known.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from anxin.features import neighbours
from anxin.features.known import KEYS, Known, ratio, whole
from anxin.features.meters import level_of, replaced, usual_day
from anxin.features.neighbours import Count, most, newest, pair, total
from anxin.features.weeks import MOST_KWH, watt_hours

_WEEKS = 28
"""Electricity of the last four weeks is held against the four before."""

_STATE, _OWN, _SITE = ("state",), ("own",), ("site",)


def relations(known: Known) -> list[ir.Table]:
    """Return the tables of the family, each keyed by subject and date."""
    return _of_employers(known) if known.kind == "employer" else _of_projects(known)


def _of_projects(known: Known) -> list[ir.Table]:
    parts = neighbours.parts(known)
    group = neighbours.group(known)
    owners = parts.filter(parts.part == "owner").select("as_of", "project_id", "firm")
    registered = known.all("employers").select("as_of", firm="employer_id")
    pairs = ibis.union(
        *(
            pair(parts.filter(parts.part == part), "project_id", "firm", part)
            for part in ("owner", "contractor", "subcontractor", "supervisor")
        ),
        pair(owners.inner_join(group, ["as_of", "firm"]), "project_id", "other_id", "group"),
        pair(owners.semi_join(registered, ["as_of", "firm"]), "project_id", None, "group"),
    )
    alone = parts.select("as_of", "project_id", other_id="firm", scope="part")
    # Where a group both owns and builds, the project counts once.
    held = parts.filter(parts.part.isin(["owner", "contractor"]))
    held = held.select("as_of", "project_id", other_id="firm", scope=ibis.literal("site")).distinct()
    sites = alone.union(held)
    found = _signs(known, pairs, sites, parts)
    itself = sites.select("as_of", subject_id="project_id", site="project_id")
    near = neighbours.beside(pairs, found, itself)
    columns: dict[str, Count] = {}
    for party in ("contractor", "owner"):
        for name in ("cases", "complaints"):
            columns |= _counted(f"{party}_other_{name}", party, (party,), name)
            columns |= _counted(f"{party}_own_{name}", party, _OWN, name)
        columns |= _counted(f"{party}_notices", party, _OWN, "notices")
        columns |= {
            f"{party}_other_troubled": total(party, (f"{party}_troubled",), "troubled"),
            f"{party}_credit_overdue_days": most(party, "overdue"),
            f"{party}_credit_class": most(party, "grade"),
            f"{party}_credit_last_days": newest(party, _STATE, "credit"),
            f"{party}_suits_365d": total(party, _STATE, "suits"),
            f"{party}_suit_last_days": newest(party, _STATE, "suit"),
            **_enforced(f"{party}_suits_enforced", party),
        }
    for name in ("cases", "complaints"):
        columns |= _counted(f"subcontractor_{name}", "subcontractor", ("own", "named"), name)
        columns |= _counted(f"supervisor_other_{name}", "supervisor", ("supervisor",), name)
        columns |= _counted(f"owner_group_{name}", "group", _OWN, name)
        columns |= _counted(f"owner_group_site_{name}", "group", _SITE, name)
    columns |= _overdue("subcontractor", "subcontractor")
    columns |= _enforced("subcontractor_suits_enforced", "subcontractor")
    columns |= _overdue("owner_group", "group")
    columns |= _enforced("owner_group_suits_enforced", "group")
    return [neighbours.counted(pairs, near, columns), _elsewhere(known, parts)]


def _of_employers(known: Known) -> list[ir.Table]:
    parts = neighbours.parts(known)
    parts = parts.filter(parts.part != "supervisor")
    registry = known.all("employers").select("as_of", "employer_id", "legal_representative")
    people = registry.filter(registry.legal_representative.notnull())
    shared = people.inner_join(people.rename(other_id="employer_id"), ["as_of", "legal_representative"])
    shared = shared.filter(shared.employer_id != shared.other_id)
    above = _above(parts)
    pairs = ibis.union(
        pair(people, "employer_id", None, "representative"),
        pair(shared, "employer_id", "other_id", "representative"),
        pair(registry, "employer_id", None, "group"),
        pair(neighbours.group(known), "firm", "other_id", "group"),
        pair(above, "subject_id", "other_id", "upstream"),
    )
    mine = parts.select("as_of", "project_id", other_id="firm", scope=_scope(parts)).distinct()
    found = known.view.keep(_signs(known, pairs, mine, parts))
    near = neighbours.beside(pairs, found, mine.select("as_of", subject_id="other_id", site="project_id"))
    columns: dict[str, Count] = {}
    for name in ("cases", "complaints"):
        columns |= _counted(f"representative_other_{name}", "representative", _OWN, name)
        for relation in ("group", "upstream"):
            columns |= _counted(f"{relation}_{name}", relation, _OWN, name)
            columns |= _counted(f"{relation}_site_{name}", relation, _SITE, name)
    columns |= _overdue("representative_other", "representative")
    columns |= _enforced("representative_other_enforced", "representative")
    for relation in ("group", "upstream"):
        columns |= _overdue(relation, relation)
        columns |= _enforced(f"{relation}_suits_enforced", relation)
    return [neighbours.counted(pairs, near, columns), _sites(found), _building(known, parts)]


def _signs(known: Known, pairs: ir.Table, sites: ir.Table, parts: ir.Table) -> ir.Table:
    """Return the signs of all firms, with the projects that are in trouble through another of their firms.

    A contractor's project is in trouble when its owner is in distress, an owner's when its contractor is.
    """
    owners = parts.filter(parts.part == "owner")
    builders = parts.filter(parts.part != "owner", parts.part != "supervisor")
    others = pairs.filter(pairs.other_id.notnull()).select("as_of", "other_id")
    firms = others.union(owners.select("as_of", other_id="firm"), distinct=True)
    state = neighbours.states(known, firms)
    bad = neighbours.troubled(state)
    whom = owners.filter(owners.live).select("as_of", "project_id", owner="firm")
    by = builders.select("as_of", "project_id", "part", builder="firm")
    both = whom.inner_join(by, ["as_of", "project_id"])
    both = both.filter(both.owner != both.builder)
    unpaid = both.semi_join(bad, [both.as_of == bad.as_of, both.owner == bad.other_id])
    stuck = both.filter(both.part == "contractor")
    stuck = stuck.semi_join(bad, [stuck.as_of == bad.as_of, stuck.builder == bad.other_id])
    trouble = ibis.union(
        unpaid.select("as_of", "project_id", other_id="builder", scope=unpaid.part + "_troubled"),
        stuck.select("as_of", "project_id", other_id="owner", scope=ibis.literal("owner_troubled")),
    )
    return neighbours.signs(neighbours.happened(known), sites, state, trouble)


def _scope(parts: ir.Table) -> ir.StringColumn:
    return (parts.part == "subcontractor").ifelse("subcontract", "site")


def _above(parts: ir.Table) -> ir.Table:
    """Return who pays whom at projects going on: the owner pays the contractor, and both stand above a subcontractor."""
    payer = parts.filter(parts.live, parts.part.isin(["owner", "contractor"]))
    payer = payer.select("as_of", "project_id", other_id="firm", payer="part")
    payee = parts.filter(parts.part.isin(["contractor", "subcontractor"]))
    payee = payee.select("as_of", "project_id", subject_id="firm", payee="part")
    both = payee.inner_join(payer, ["as_of", "project_id"])
    both = both.filter(both.other_id != both.subject_id, both.payer != both.payee)
    return both.select(*KEYS, "other_id").distinct()


def _sites(found: ir.Table) -> ir.Table:
    """Count what happened at an employer's own sites, as owner or contractor and as subcontractor."""
    rows = found.filter(
        found.scope.isin(["site", "subcontract", "named", "contractor_troubled", "subcontractor_troubled"])
    )
    names = ("scope", "site", "cases", "cases_last", "complaints", "complaints_last", "troubled")
    rows = rows.select("as_of", *names, subject_id="other_id")
    columns: dict[str, ir.Value] = {}
    for name, scope in (("site", "site"), ("site_named", "named"), ("subcontract", "subcontract")):
        of = rows.scope == scope
        for what in ("cases", "complaints"):
            columns[f"{name}_{what}_365d"] = of.ifelse(rows[what], None).sum().fill_null(0).cast("float64")
            newest = of.ifelse(rows[f"{what}_last"], None).min().cast("float64")
            columns[f"{name}_{what}_last_days"] = newest
    unpaid = (rows.troubled == 1).fill_null(False).ifelse(rows["site"], None).nunique()
    return rows.group_by(KEYS).aggregate(**columns, site_owners_troubled=unpaid.cast("float64"))


def _per_project(known: Known, parts: ir.Table) -> ir.Table:
    """Return the registered parts of projects going on, with whether a case was opened, and electricity."""
    cases = known.all("cases", 365)
    cases = cases.filter(cases.outcome != "unfounded", cases.project_id.notnull())
    hit = cases.select("as_of", "project_id").distinct().mutate(hit=ibis.literal(1, "int64"))
    metered = _metered(known)
    rows = parts.filter(parts.live, parts.part.isin(["owner", "contractor"]))
    rows = rows.left_join(hit, ["as_of", "project_id"]).select(*rows.columns, "hit")
    rows = rows.left_join(metered, ["as_of", "project_id"])
    return rows.select(
        "as_of",
        "project_id",
        "firm",
        "part",
        one=ibis.literal(1, "int64"),
        **{n: rows[n].fill_null(0) for n in _SUMS[1:]},
    )


def _metered(known: Known) -> ir.Table:
    """Return the Wh of each project's meters in the last four weeks, and the mWh that the four before let expect.

    Each meter is held against its own: one that was not read in both, or was replaced, says nothing.
    """
    usage = known.all("energy_usage", 2 * _WEEKS)
    usage = usage.filter(usage.project_id.notnull(), usage.kwh.abs() <= MOST_KWH)
    late, wh = usage.age <= _WEEKS, watt_hours(usage.kwh)
    used = wh > 0
    meters = usage.group_by("as_of", "project_id", meter_id=usage.meter_id.fill_null("")).aggregate(
        late=whole(late.ifelse(wh, None).sum()),
        late_days=whole(late.cast("int64").sum()),
        before=whole(late.ifelse(None, wh).sum()),
        before_days=whole((~late).cast("int64").sum()),
        began=used.ifelse(usage.age, None).max(),
        ended=used.ifelse(usage.age, None).min(),
        mean=usual_day(whole(used.ifelse(wh, None).sum()), whole(used.cast("int64").sum())),
    )
    of = ("as_of", "project_id")
    meters = meters.filter(meters.before_days > 0).anti_join(
        replaced(meters, of, 2 * _WEEKS), (*of, "meter_id")
    )
    usual = meters.late_days * usual_day(meters.before, meters.before_days)
    return meters.group_by(of).aggregate(used=meters.late.sum(), usual=usual.sum())


_SUMS = ("one", "hit", "used", "usual")


def _elsewhere(known: Known, parts: ir.Table) -> ir.Table:
    """Sum up the other projects of owner and contractor: all of the party's, less this one."""
    rows = _per_project(known, parts)
    totals = rows.group_by("as_of", "firm", "part").aggregate(**{f"all_{n}": rows[n].sum() for n in _SUMS})
    both = rows.inner_join(totals, ["as_of", "firm", "part"])
    left = {name: both[f"all_{name}"] - both[name] for name in _SUMS}
    other = both.select("as_of", "part", subject_id="project_id", **left)
    columns: dict[str, ir.Value] = {}
    for party in ("contractor", "owner"):
        its = {name: (other.part == party).ifelse(other[name], None).max() for name in _SUMS}
        columns |= {
            f"{party}_other_projects": its["one"].cast("float64"),
            f"{party}_other_case_share": ratio(its["hit"], its["one"]),
            f"{party}_other_energy_28d": level_of(its["used"], its["usual"]),
        }
    return other.group_by(KEYS).aggregate(**columns)


def _building(known: Known, parts: ir.Table) -> ir.Table:
    """Sum up the projects going on that an employer owns or builds, each once."""
    rows = _per_project(known, parts).drop("part").distinct()
    sums = {name: rows[name].sum() for name in _SUMS}
    return rows.group_by("as_of", subject_id=rows.firm).aggregate(
        sites_live=sums["one"].cast("float64"),
        site_case_share=ratio(sums["hit"], sums["one"]),
        site_energy_28d=level_of(sums["used"], sums["usual"]),
    )


def _counted(name: str, relation: str, scopes: tuple[str, ...], what: str) -> dict[str, Count]:
    return {
        f"{name}_365d": total(relation, scopes, what),
        f"{name}_last_days": newest(relation, scopes, what),
    }


def _enforced(name: str, relation: str) -> dict[str, Count]:
    return {
        name: total(relation, _STATE, "enforced"),
        f"{name}_days": newest(relation, _STATE, "enforced"),
    }


def _overdue(name: str, relation: str) -> dict[str, Count]:
    return {
        f"{name}_overdue_days": most(relation, "overdue"),
        f"{name}_credit_last_days": newest(relation, _STATE, "credit"),
    }
