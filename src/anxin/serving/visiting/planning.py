"""The visits of a day over all districts, put into the rows of its list."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import pyarrow as pa

from anxin.domain import divisions
from anxin.domain.calendar import days_to_spring_festival
from anxin.serving.visiting.capacity import Capacities
from anxin.serving.visiting.randomly import Drawn, draw
from anxin.serving.visiting.visits import CHECK, Checks, Key, Visit, Warning, lately, over, visits

Row = dict[str, Any]


def drawn(
    snapshots: Mapping[str, pa.Table],
    listed: Collection[Key],
    capacities: Capacities,
    checks: Mapping[str, Checks],
    gone: Mapping[str, date],
    day: date,
) -> dict[str, list[Drawn]]:
    """Draw random checks by kind: in each district from the responsible units nobody warned of, one subject of a unit.

    Out are units with a warning (`listed`) anywhere, those checked as often as they may be, checked or gone to lately,
    and subjects in hand. A unit with subjects in several districts is drawn in one of them a day, each in its turn. The
    chance of a subject is that of its unit in its district, the same for every unit there, divided by how many subjects
    the unit has there: exactly what it is drawn with that day.
    """
    everyone = list(_subjects(snapshots, day))
    warned = {one.unit for one in everyone if one.key in listed}
    units: dict[str, dict[str, list[str]]] = {}
    for one in everyone:
        limit = capacities.on(one.place, day)
        known = checks.get(one.unit)
        if (
            limit.random_checks
            and not one.in_hand
            and one.unit not in warned
            and not over(known, limit)
            and lately(gone.get(one.unit), known, limit.again_days, day) is None
        ):
            units.setdefault(one.unit, {}).setdefault(one.place, []).append("/".join(one.key))
    pools: dict[str, dict[str, list[str]]] = {}
    for unit, places in units.items():
        place = sorted(places)[day.toordinal() % len(places)]
        pools.setdefault(place, {})[unit] = places[place]
    found: dict[str, list[Drawn]] = {}
    for place, pool in sorted(pools.items()):
        for chosen in draw(pool, capacities.on(place, day).random_checks, capacities.seed, day, place):
            kind, _, subject = chosen.subject_id.partition("/")
            found.setdefault(kind, []).append(Drawn(subject, chosen.propensity))
    return found


@dataclass(frozen=True)
class _Subject:
    key: Key
    place: str
    unit: str
    in_hand: bool


def _subjects(snapshots: Mapping[str, pa.Table], day: date) -> Iterator[_Subject]:
    for kind, table in snapshots.items():
        names = ["subject_id", "district", "in_hand", *(["contractor_id"] if kind == "project" else [])]
        for fact in table.select(names).to_pylist():
            unit = _unit(fact["subject_id"], fact)
            place = _district(fact["district"], day)
            yield _Subject((kind, fact["subject_id"]), place, unit, bool(fact["in_hand"]))


def planned(
    rows: Sequence[Row],
    facts: Mapping[Key, Mapping[str, Any]],
    before: Mapping[Key, Mapping[str, Any]],
    capacities: Capacities,
    checks: Mapping[str, Checks],
    gone: Mapping[str, date],
    day: date,
) -> list[Row]:
    """Return the rows of a day's list (all kinds) with their visits.

    `facts` holds the snapshot's row of each, `before` its row of the list before, `gone` the last day a list sent someone
    to a firm.
    """
    at_random: dict[str, list[Row]] = {}
    warnings: list[Warning] = []
    for row in rows:
        place = _district(row["district"], day)
        if row["put_by"] == "random":
            at_random.setdefault(place, []).append(row)
        else:
            chosen_on = before.get(_key(row), {}).get("visited_on")
            warnings.append(_warning(row, place, facts[_key(row)], gone, chosen_on))
    limits = {place: capacities.on(place, day) for place in (*at_random, *(one.district for one in warnings))}
    given = {place: len(own) for place, own in at_random.items()}
    found = visits(warnings, limits, checks, day, days_to_spring_festival(day), given)
    for place, own in at_random.items():
        found |= _random(own, limits[place].random_plan or "", place, day)
    return [row | _columns(found[_key(row)]) for row in rows]


def _random(rows: Iterable[Row], plan: str, place: str, day: date) -> dict[Key, Visit]:
    return {
        _key(row): Visit(
            f"R{day:%Y%m%d}-{place or '0'}-{turn}",
            CHECK,
            turn,
            f"随机抽查（{plan}）",
            f"random check ({plan})",
            day,
        )
        for turn, row in enumerate(rows, start=1)
    }


def _unit(subject: str, fact: Mapping[str, Any]) -> str:
    """Return who is responsible: the general contractor of a site, else the subject itself."""
    return str(fact.get("contractor_id") or subject)


def _warning(
    row: Row, place: str, fact: Mapping[str, Any], gone: Mapping[str, date], chosen_on: date | None
) -> Warning:
    months, wages = _known(fact.get("cover_months")), _known(fact.get("wages_due_month"))
    overdue, following = _known(fact.get("wages_unpaid_days")), _known(fact.get("pay_next_days"))
    unit = _unit(row["subject_id"], fact)
    days = [one for one in (chosen_on, gone.get(unit)) if one is not None]
    return Warning(
        row["kind"],
        row["subject_id"],
        place,
        unit,
        row["grade"],
        row["put_by"],
        row["p90"],
        row["workers"],
        row["amount"],
        0.0 if months is None or wages is None else max(0.0, months * wages),
        -1.0 if overdue else following,
        max(days, default=None),
    )


def _columns(visit: Visit) -> Row:
    return {
        "visit": visit.visit,
        "visit_by": visit.by,
        "visit_order": visit.order,
        "visit_why": visit.zh,
        "visit_why_en": visit.en,
        "visited_on": visit.chosen_on,
    }


def _key(row: Mapping[str, Any]) -> Key:
    return (row["kind"], row["subject_id"])


def _district(code: str | None, day: date) -> str:
    return divisions.district(code, day) if code else ""


def _known(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else float(value)
