"""The neighbours: owner and contractor of a project, an employer's projects, shared people, the group.

A neighbour's arrears are counted without the subject's own.
"""

from __future__ import annotations

import ibis.expr.types as ir

from anxin.features.complaints import upheld
from anxin.features.credit import credit
from anxin.features.known import KEYS, Known
from anxin.features.litigation import litigation

_YEAR = 365


def relations(known: Known) -> list[ir.Table]:
    """Return the tables of the family, each keyed by subject and date."""
    return _of_employers(known) if known.kind == "employer" else _of_projects(known)


def _cases(known: Known) -> ir.Table:
    rows = known.all("cases", _YEAR)
    return rows.filter(rows.outcome != "unfounded").select(
        "as_of", "case_id", "employer_id", "project_id", "age"
    )


def _of_projects(known: Known) -> list[ir.Table]:
    projects = known.all("projects").select("as_of", "project_id", "owner_id", "contractor_id")
    cases, complaints = _cases(known), upheld(known.all("complaints", _YEAR))
    employers = Known(known.view, known.dates, "employer")
    (borrowing,), (suits,) = credit(employers), litigation(employers)
    notices = known.all("notices", _YEAR)
    tables = []
    for party in ("contractor", "owner"):
        other = projects.select("as_of", other_id=projects.project_id, party=projects[f"{party}_id"])
        mine = projects.select("as_of", subject_id=projects.project_id, party=projects[f"{party}_id"])
        elsewhere = mine.inner_join(other, ["as_of", "party"]).select(*KEYS, "other_id")
        elsewhere = elsewhere.filter(elsewhere.other_id != elsewhere.subject_id)
        for name, rows in (("cases", cases), ("complaints", complaints)):
            its = rows.filter(rows.project_id.notnull()).select("as_of", "age", other_id="project_id")
            near = elsewhere.inner_join(its, ["as_of", "other_id"])
            tables.append(_count(near, f"{party}_other_{name}_365d"))
            direct = rows.filter(rows.project_id.isnull()).select("as_of", "age", party="employer_id")
            near = mine.inner_join(direct, ["as_of", "party"])
            tables.append(_count(near, f"{party}_own_{name}_365d"))
        of_party = borrowing.select(
            "as_of", "credit_overdue_days", "credit_class", "credit_last_days", party="subject_id"
        )
        joined = mine.inner_join(of_party, ["as_of", "party"])
        tables.append(
            joined.select(
                *KEYS,
                joined.credit_overdue_days.name(f"{party}_credit_overdue_days"),
                joined.credit_class.name(f"{party}_credit_class"),
                joined.credit_last_days.name(f"{party}_credit_last_days"),
            )
        )
        of_party = suits.select(
            "as_of",
            "suits_365d",
            "suits_enforced",
            "suit_last_days",
            "suits_enforced_days",
            party="subject_id",
        )
        joined = mine.inner_join(of_party, ["as_of", "party"])
        tables.append(
            joined.select(
                *KEYS,
                joined.suits_365d.name(f"{party}_suits_365d"),
                joined.suits_enforced.name(f"{party}_suits_enforced"),
                joined.suit_last_days.name(f"{party}_suit_last_days"),
                joined.suits_enforced_days.name(f"{party}_suits_enforced_days"),
            )
        )
        noticed = notices.filter(notices.project_id.isnull()).select("as_of", "age", party="employer_id")
        tables.append(_count(mine.inner_join(noticed, ["as_of", "party"]), f"{party}_notices_365d"))
    return tables


def _of_employers(known: Known) -> list[ir.Table]:
    registry = known.all("employers").select("as_of", "employer_id", "legal_representative", "controller_id")
    cases = _cases(known)
    complaints = upheld(known.all("complaints", _YEAR))
    sites = known.all("projects")
    parties = sites.select("as_of", "project_id", subject_id="contractor_id").union(
        sites.select("as_of", "project_id", subject_id="owner_id")
    )
    tables = []
    for name, rows in (("cases", cases), ("complaints", complaints)):
        at_sites = rows.filter(rows.project_id.notnull()).select("as_of", "age", "project_id")
        near = parties.distinct().inner_join(at_sites, ["as_of", "project_id"])
        tables.append(_count(near, f"site_{name}_365d"))
        named = rows.filter(rows.project_id.notnull() & rows.employer_id.notnull())
        tables.append(_count(named.mutate(subject_id=named.employer_id), f"site_named_{name}_365d"))
    own = cases.filter(cases.project_id.isnull()).select("as_of", "age", other_id="employer_id")
    people = registry.filter(registry.legal_representative.notnull())
    mine = people.select("as_of", "legal_representative", subject_id="employer_id")
    theirs = people.select("as_of", "legal_representative", other_id="employer_id")
    pairs = mine.inner_join(theirs, ["as_of", "legal_representative"]).select(*KEYS, "other_id")
    pairs = pairs.filter(pairs.other_id != pairs.subject_id)
    tables.append(_count(pairs.inner_join(own, ["as_of", "other_id"]), "representative_other_cases_365d"))
    group = registry.filter(registry.controller_id.notnull())
    up = group.select("as_of", subject_id="employer_id", other_id="controller_id")
    siblings = (
        group.select("as_of", "controller_id", subject_id="employer_id")
        .inner_join(
            group.select("as_of", "controller_id", other_id="employer_id"), ["as_of", "controller_id"]
        )
        .select(*KEYS, "other_id")
    )
    # A controller may name itself and be a sibling too: nobody is his own neighbour, and each counts once.
    family = up.select(*KEYS, "other_id").union(siblings, distinct=True)
    family = family.filter(family.other_id != family.subject_id)
    tables.append(_count(family.inner_join(own, ["as_of", "other_id"]), "group_cases_365d"))
    return tables


def _count(rows: ir.Table, name: str) -> ir.Table:
    """Return how many rows each subject has, and the age of the newest."""
    return rows.group_by(KEYS).aggregate(
        rows.count().cast("float64").name(name),
        rows.age.min().cast("float64").name(f"{name.removesuffix('_365d')}_last_days"),
    )
