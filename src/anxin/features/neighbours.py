"""Who stands with whom, and what is known of each: pairs and signs, from which `relations` only has to count.

A *pair* is (subject, date, other firm, relation). A *sign* is what is known of a firm on a date: its own cases
(`own`), those at a project that name it (`named`), those at a project where it has a part (the part is the
scope), or its borrowing and lawsuits (`state`). Everything is first summed up per firm and project, so that a
firm with hundreds of projects meets only those where something happened.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import ibis
import ibis.expr.types as ir

from anxin.features.complaints import upheld
from anxin.features.known import KEYS, Known, age, latest

_YEAR = 365
_CREDIT_DAYS = 400
_CLASSES = ("normal", "special_mention", "substandard", "doubtful", "loss")
_SUBSTANDARD = 2
_PAIR = (*KEYS, "other_id", "relation")

_EVENTS = ("cases", "complaints", "notices")
_STATES = ("overdue", "grade", "credit_last", "suits", "suit_last", "enforced", "enforced_last")
MEASURES = (*(f"{name}{end}" for name in _EVENTS for end in ("", "_last")), "troubled", *_STATES)


def parts(known: Known) -> ir.Table:
    """Return (`as_of`, `project_id`, `firm`, `part`, `live`): who has which part in a project.

    Owner and contractor are those of the registry; subcontractors and supervisors those not yet gone.
    `live` is whether the project is going on.
    """
    rows = known.all("projects")
    going = (rows.start_on <= rows.as_of) & (rows.ended_on.isnull() | (rows.ended_on >= rows.as_of))
    own = [
        rows.select("as_of", "project_id", firm=rows[f"{part}_id"], part=ibis.literal(part), live=going)
        for part in ("owner", "contractor")
    ]
    named = known.all("participations")
    named = named.filter(
        named.role.isin(["subcontractor", "supervisor"]),
        named.to_on.isnull() | (named.to_on >= named.as_of),
    )
    return ibis.union(
        *own,
        named.select("as_of", "project_id", firm="employer_id", part="role", live=ibis.literal(True)),
    )


def group(known: Known) -> ir.Table:
    """Return (`as_of`, `firm`, `other_id`): firms under one head, the head itself, and whoever stands between.

    The head is the controller, or its controller, or the one above that, as far as the registry knows them: a project
    company is often held by a regional firm. A controller belongs to the group whether or not it is registered here.
    """
    lines = _lines(known)
    head = ibis.coalesce(lines["third"], lines["second"], lines["first"])
    members = ibis.union(
        *(
            lines.filter(lines[place].notnull()).select("as_of", head=head, employer_id=lines[place])
            for place in ("firm", "first", "second", "third")
        ),
        distinct=True,
    )
    one = members.select("as_of", "head", firm="employer_id")
    other = members.select("as_of", "head", other_id="employer_id")
    both = one.inner_join(other, ["as_of", "head"])
    return both.filter(both.firm != both.other_id).select("as_of", "firm", "other_id").distinct()


def _lines(known: Known) -> ir.Table:
    """Return (`as_of`, `firm`, `first`, `second`, `third`): the controllers above each firm that has one.

    Firms that control each other in a circle have no head: the first of them by its code is taken for it.
    """
    rows = known.all("employers").filter(lambda t: t.controller_id != t.employer_id)
    lines = _climbed(rows.select("as_of", firm="employer_id", first="controller_id"))
    firm, first, second, third = (lines[name] for name in ("firm", "first", "second", "third"))
    two = (second == firm) & (firm < first)
    three = (third == firm) & (firm < ibis.least(first, second))
    headless = (two | three).fill_null(False)
    # Only controllers are few enough to be asked twice.
    return _climbed(known.view.keep(lines.filter(~headless).select("as_of", "firm", "first")))


def _climbed(rows: ir.Table) -> ir.Table:
    """Add the `second` and `third` controllers above each firm."""
    found = rows
    for below, place in (("first", "second"), ("second", "third")):
        above = rows.select("as_of", **{below: rows["firm"], place: rows["first"]})
        found = found.left_join(above, ["as_of", below]).select(*found.columns, place)
    return found


def happened(known: Known) -> ir.Table:
    """Return what happened in a year to a firm, on a project or on none: sums and the newest age."""
    cases = known.all("cases", _YEAR)
    every = {
        "cases": cases.filter(cases.outcome != "unfounded"),
        "complaints": upheld(known.all("complaints", _YEAR)),
        "notices": known.all("notices", _YEAR),
    }
    rows = ibis.union(
        *(
            rows.select("as_of", "employer_id", "project_id", "age", what=ibis.literal(what))
            for what, rows in every.items()
        )
    )
    counts = {what: (rows.what == what).cast("int64").sum() for what in _EVENTS}
    newest = {f"{what}_last": (rows.what == what).ifelse(rows.age, None).min() for what in _EVENTS}
    return rows.group_by("as_of", "employer_id", "project_id").aggregate(**counts, **newest)


def at_projects(events: ir.Table) -> ir.Table:
    """Return what happened at each project, whoever was named."""
    rows = events.filter(events.project_id.notnull())
    counts = {what: rows[what].sum() for what in _EVENTS}
    newest = {f"{what}_last": rows[f"{what}_last"].min() for what in _EVENTS}
    return rows.group_by("as_of", "project_id").aggregate(**counts, **newest)


def states(known: Known, firms: ir.Table) -> ir.Table:
    """Return borrowing and lawsuits of these firms (`as_of`, `other_id`), one row each that has any."""
    rows = known.all("credit", _CREDIT_DAYS)
    rows = rows.mutate(subject_id=rows.employer_id)
    rows = rows.semi_join(firms, [rows.as_of == firms.as_of, rows.employer_id == firms.other_id])
    grades = {name: place for place, name in enumerate(_CLASSES)}
    now = latest(rows, rows.month)
    now = now.mutate(grade=now.classification.cases(*grades.items(), else_=None).cast("int64"))
    suits = known.all("litigation")
    suits = suits.semi_join(firms, [suits.as_of == firms.as_of, suits.employer_id == firms.other_id])
    suits = suits.filter(suits.role == "defendant")
    filed = age(suits.as_of, suits.filed_on)
    lately = (filed > 0) & (filed <= _YEAR)
    enforced = suits.status.isin(["enforcing", "dishonest", "restricted"])
    sued = suits.group_by("as_of", "employer_id").aggregate(
        suits=lately.cast("int64").sum(),
        suit_last=(filed > 0).ifelse(filed, None).min(),
        enforced=enforced.cast("int64").sum(),
        enforced_last=enforced.ifelse(suits.age, None).min(),
    )
    both = ibis.union(
        _complete(
            now,
            _STATES,
            as_of=now.as_of,
            other_id=now.employer_id,
            overdue=now.overdue_days.cast("int64"),
            grade=now.grade,
            credit_last=now.age,
        ),
        _complete(sued, _STATES, as_of=sued.as_of, other_id=sued.employer_id, **_own(sued, _STATES)),
    )
    return both.group_by("as_of", "other_id").aggregate(**{name: both[name].max() for name in _STATES})


def troubled(state: ir.Table) -> ir.Table:
    """Return the firms in distress: a loan overdue or substandard, or a judgment being enforced."""
    distress = (state.overdue > 0) | (state.grade >= _SUBSTANDARD) | (state.enforced > 0)
    return state.filter(distress.fill_null(False)).select("as_of", "other_id")


def signs(events: ir.Table, sites: ir.Table, state: ir.Table, bad: ir.Table) -> ir.Table:
    """Return all signs: `as_of`, `other_id` (a firm), `scope`, `whose`, `site` and the measures.

    `sites` is (`as_of`, `other_id`, `project_id`, `scope`); `bad` (`as_of`, `other_id`, `project_id`, `scope`)
    are projects in trouble through another firm. `whose` is empty where the project alone is counted, so that
    one reached through two firms counts once.
    """
    direct = events.filter(events.employer_id.notnull())
    near = sites.inner_join(at_projects(events), ["as_of", "project_id"])
    return ibis.union(
        _complete(
            direct,
            MEASURES,
            as_of=direct.as_of,
            other_id=direct.employer_id,
            scope=direct.project_id.isnull().ifelse("own", "named"),
            whose=direct.employer_id,
            site=direct.project_id,
            **_own(direct, MEASURES),
        ),
        _complete(near, MEASURES, **_at(near), **_own(near, MEASURES)),
        _complete(bad, MEASURES, **_at(bad), troubled=ibis.literal(1, "int64")),
        _complete(
            state,
            MEASURES,
            as_of=state.as_of,
            other_id=state.other_id,
            scope=ibis.literal("state"),
            whose=state.other_id,
            site=ibis.null("string"),
            **_own(state, MEASURES),
        ),
    )


def beside(pairs: ir.Table, found: ir.Table, own: ir.Table) -> ir.Table:
    """Return the signs of each subject's pairs, each once.

    `own` (`subject_id`, `as_of`, `site`) are the projects that are the subject, or where it has a part itself.
    """
    names = ("scope", "whose", "site", *MEASURES)
    others = pairs.filter(pairs.other_id.notnull())
    near = others.inner_join(found, ["as_of", "other_id"]).select(*KEYS, "relation", *names).distinct()
    return near.anti_join(own, [*KEYS, "site"])


def pair(rows: ir.Table, subject: str, other: str | None, relation: str) -> ir.Table:
    """Return pairs of two columns; without `other` only that the relation is known of the subject."""
    return rows.select(
        "as_of",
        subject_id=rows[subject],
        other_id=ibis.null("string") if other is None else rows[other],
        relation=ibis.literal(relation),
    ).select(*_PAIR)


@dataclass(frozen=True)
class Count:
    """What is made of one measure over the signs of a relation within some scopes."""

    how: Literal["total", "most", "newest"]
    relation: str
    scopes: tuple[str, ...]
    measure: str


def total(relation: str, scopes: tuple[str, ...], measure: str) -> Count:
    """Ask for the sum of a measure, 0 where the relation is known and nothing happened."""
    return Count("total", relation, scopes, measure)


def most(relation: str, measure: str) -> Count:
    """Ask for the greatest of a state among the firms of a relation."""
    return Count("most", relation, ("state",), measure)


def newest(relation: str, scopes: tuple[str, ...], measure: str) -> Count:
    """Ask for the least age."""
    return Count("newest", relation, scopes, f"{measure}_last")


def counted(pairs: ir.Table, near: ir.Table, columns: Mapping[str, Count]) -> ir.Table:
    """Return what is asked of the signs `near` each subject, missing where a relation is not known of it.

    Nearly everyone has neighbours, and something happened to few of them: only those are added up.
    """
    relations = sorted({count.relation for count in columns.values()})
    there = pairs.group_by(KEYS).aggregate(
        **{f"has_{relation}": (pairs.relation == relation).any() for relation in relations}
    )
    sums = near.group_by(KEYS).aggregate(**{name: _sum(near, count) for name, count in columns.items()})
    both = there.left_join(sums, KEYS)
    return both.select(
        *KEYS,
        **{
            name: both[f"has_{count.relation}"].ifelse(both[name].fill_null(0.0), None)
            if count.how == "total"
            else both[name]
            for name, count in columns.items()
        },
    )


def _sum(near: ir.Table, count: Count) -> ir.FloatingValue:
    meant = (near.relation == count.relation) & near.scope.isin(count.scopes)
    values = meant.fill_null(False).ifelse(near[count.measure], None)
    made = {"total": values.sum, "most": values.max, "newest": values.min}[count.how]()
    return made.cast("float64")


def _at(rows: ir.Table) -> dict[str, ir.Value]:
    return {
        **{"as_of": rows.as_of, "other_id": rows.other_id, "scope": rows.scope},
        **{"whose": ibis.null("string"), "site": rows.project_id},
    }


def _own(rows: ir.Table, names: tuple[str, ...]) -> dict[str, ir.Value]:
    return {name: rows[name] for name in names if name in rows.columns}


def _complete(rows: ir.Table, names: tuple[str, ...], **given: ir.Value) -> ir.Table:
    """Return the given columns, then every measure in order, empty where it is not given."""
    keys = {name: value for name, value in given.items() if name not in names}
    empty = ibis.null("int64")
    return rows.select(**keys, **{name: given.get(name, empty) for name in names})
