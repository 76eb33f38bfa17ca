"""The registries: employers, projects, who takes part, and who is responsible."""

import numpy as np

from anxin.simulation.arrays import (
    MISSING,
    Bools,
    Ints,
    Rows,
    Words,
    choose,
    later,
    or_missing,
    stack,
    take,
    words,
)
from anxin.simulation.codes import keyed_names, serials
from anxin.simulation.parameters import parameters
from anxin.simulation.population import INVESTMENT, OWNERSHIP, ROLES
from anxin.simulation.world import World

_STATUSES = ("active", "abnormal", "revoked", "deregistered")
_ROSTER_ROLES = ("coordinator", "grid", "labour_officer", "owner", "project_authority", "regulator", "hr")


def moves(world: World) -> Ints:
    """Return the day each employer moves its workshop, or MISSING: harmless, but its old meter goes dark."""
    rng = world.shared("moves")
    n, clock = world.city.employers.size, world.city.clock
    share = parameters().number("look_alikes.moves_per_year") * clock.months / 12
    return or_missing(rng.integers(clock.first_day, clock.cut, n), rng.random(n) < share)


def send_employers(world: World) -> int:
    """Send each employer as registered, and the whole row again at each change."""
    post = world.post("employers")
    rng, clock, e = post.rng, world.city.clock, world.city.employers
    p = parameters().section("registry")
    n = e.size
    people = keyed_names(world.shared("legal persons"), 2 * n + 1)
    begun = e.established < clock.first_day
    since = np.where(
        begun & (rng.random(n) < 0.4), clock.first_day - 1 - rng.integers(0, 1500, n), e.established
    )
    base: Rows = {
        "employer_id": world.employer_ids(np.arange(n)),
        "name": words(e.names, np.arange(n)),
        "district": words(e.districts, e.district),
        "industry": words(e.industry, np.arange(n)),
        "ownership": words(OWNERSHIP, e.ownership),
        "registered_capital": np.round(e.insured * np.exp(rng.normal(10.8, 0.9, n)), -4) + 10_000,
        "established_on": e.established,
        "status": words(_STATUSES, np.zeros(n)),
        "address": _addresses(rng, n),
        "controller_id": world.employer_ids(e.controller),
        "park": words(
            [f"园区{i:03d}" for i in range(3 * len(e.districts))], np.where(e.park == MISSING, -1, e.park)
        ),
        "legal_representative": Words(e.legal_person, people),
        "changed_on": np.maximum(since, e.established),
    }
    changes = [_changed(base, np.arange(n), np.asarray(base["changed_on"]))]
    moved = moves(world)
    who = np.flatnonzero((moved != MISSING) & (rng.random(n) < 0.8))
    changes.append(
        _changed(base, who, moved[who] + rng.integers(-20, 40, len(who)), address=_addresses(rng, len(who)))
    )
    number = world.scaled(p.number("new_representative_per_month"))
    heir, day = world.draw_subjects(rng, "employer", number, p.number("new_representative_tilt"))
    person = Words(
        np.where(
            rng.random(number) < 0.8,
            n + rng.integers(0, n, number),
            e.legal_person[rng.integers(0, n, number)],
        ),
        people,
    )
    changes.append(_changed(base, heir, day, legal_representative=person))
    number = world.scaled(p.number("abnormal_per_month"))
    drawn, day = world.draw_subjects(rng, "employer", number, p.number("abnormal_tilt"))
    odd, first = np.unique(drawn, return_index=True)
    day = day[first]
    changes.append(_changed(base, odd, day, status=words(_STATUSES, np.ones(len(odd)))))
    mended = rng.random(len(odd)) < 0.6
    changes.append(_changed(base, odd[mended], day[mended] + 30 + later(rng, 90, 0.7, int(mended.sum()))))
    gone = np.flatnonzero(e.deregistered < clock.cut)
    how = np.where(rng.random(len(gone)) < 0.9, 3, 2)
    changes.append(_changed(base, gone, e.deregistered[gone], status=words(_STATUSES, how)))
    rows = stack(changes)
    changed = np.concatenate([np.asarray(c["_who"]) for c in changes])
    day = np.asarray(rows["changed_on"], dtype=np.int64)
    final = np.where(e.deregistered[changed] < clock.cut, e.deregistered[changed], clock.cut + 1)
    statuses = rows["status"]
    assert isinstance(statuses, Words)
    # Nothing of a firm is registered before it exists or after it is gone.
    kept = (day < final) | (statuses.codes >= 2)
    rows = take(rows, kept & (day >= e.established[changed]))
    lag = np.minimum(post.lags(int(np.asarray(rows["changed_on"]).size)), 40.0)
    post.send({k: v for k, v in rows.items() if k != "_who"}, lag=lag, floor=clock.first_day - 14)
    return post.close()


def _changed(base: Rows, who: Ints, day: Ints, **columns: Ints | Words) -> Rows:
    return {**take(base, who), **columns, "changed_on": day, "_who": who}


def _addresses(rng: np.random.Generator, n: int) -> Words:
    streets = [
        f"{a}{b}路{number}号"
        for a in "建设人民新华中山解放和平"
        for b in "东西南北中"
        for number in range(1, 200, 3)
    ]
    return words(streets, np.where(rng.random(n) < 0.97, rng.integers(0, len(streets), n), -1))


def onboarding(world: World) -> Ints:
    """Return the day each project joins the monitoring platform, MISSING if it never does.

    The worse join less.
    """
    rng, projects = world.shared("onboarding"), world.city.projects
    share = parameters().number("coverage.onboarded")
    rank = projects.quality + 0.6 * rng.standard_normal(projects.size)
    joins = rank <= np.quantile(rank, share)
    return or_missing(projects.start + rng.integers(0, 75, projects.size), joins)


def covered(world: World, regime: str) -> Bools:
    """Tell which projects keep a regime (account, real_name, agency_pay, deposit).

    The worse keep it less often.
    """
    rng, projects = world.shared(f"coverage {regime}"), world.city.projects
    p = parameters().section("coverage")
    rank = projects.quality + p.number("noise") * rng.standard_normal(projects.size)
    # Coverage rises over the years: a project that starts later is held to more.
    years = (projects.start - world.city.clock.first_day) / 365
    rank = rank - p.number("rise_per_year") * years
    return np.asarray(rank <= np.quantile(rank, p.number(regime)))


def _permits(world: World) -> list[str]:
    """Return a construction permit number for each project: region, date, serial, class."""
    q, districts = world.city.projects, world.city.employers.districts
    days = np.datetime_as_string(q.start.astype("datetime64[D]"))
    return [
        f"{districts[d]}{day.replace('-', '')}{i % 100:02d}01"
        for i, (d, day) in enumerate(zip(q.district, days, strict=True))
    ]


def send_projects(world: World) -> int:
    """Send each project when approved, when it joins the platform, when its plan moves and when it ends."""
    post = world.post("projects")
    rng, clock, q = post.rng, world.city.clock, world.city.projects
    n = q.size
    joined = onboarding(world)
    budget = np.round(q.amount * q.labour_share, 2)
    soe = (q.investment == 1) | ((q.investment == 0) & (rng.random(n) < 0.4))
    announced = np.minimum(q.start - rng.integers(3, 40, n), q.start)
    flags = rng.random(n) < 0.95
    base: Rows = {
        "project_id": world.project_ids(np.arange(n)),
        "name": words(q.names, np.arange(n)),
        "project_type": words(q.types, q.type),
        "district": words(world.city.employers.districts, q.district),
        "investment": words(INVESTMENT, q.investment),
        "government_funded": np.where(flags, (q.investment == 0).astype(np.int64), MISSING),
        "soe_owner": np.where(flags, soe.astype(np.int64), MISSING),
        "real_estate": q.real_estate,
        "owner_id": world.employer_ids(q.owner),
        "contractor_id": world.employer_ids(q.contractor),
        "contract_amount": q.amount,
        "labour_cost_ratio": np.where(rng.random(n) < 0.85, np.round(q.labour_share, 4), np.nan),
        "labour_budget": np.where(rng.random(n) < 0.7, budget, np.nan),
        "address": _addresses(rng, n),
        "permit_no": words(_permits(world), np.where(rng.random(n) < 0.85, np.arange(n), -1)),
        "approved_on": or_missing(q.approved, rng.random(n) < 0.95),
        "start_on": q.start,
        "planned_end_on": q.planned_end,
        "ended_on": np.full(n, MISSING),
        "onboarded_on": np.full(n, MISSING),
        "changed_on": announced,
    }  # fmt: skip
    lag, floor = np.minimum(post.lags(n), 60.0), clock.first_day - 14
    post.send(base, lag=lag, floor=floor)
    told = dict(base)
    told["onboarded_on"], told["changed_on"] = joined, np.where(joined == MISSING, announced, joined)
    who = np.flatnonzero((joined != MISSING) & (joined < q.ended))
    post.send(take(told, who), lag=lag[who], version=1, floor=floor)
    delayed = dict(told)
    delayed["planned_end_on"] = np.maximum(q.planned_end, q.ended)
    delayed["changed_on"] = np.maximum(
        np.asarray(told["changed_on"]), q.planned_end - rng.integers(10, 60, n)
    )
    who = np.flatnonzero((q.ended > q.planned_end + 30) & (rng.random(n) < 0.6))
    post.send(take(delayed, who), lag=lag[who], version=2, floor=floor)
    ended = dict(told)
    ended["ended_on"], ended["changed_on"] = q.ended, q.ended
    # Some sites are never reported as finished until long after.
    slow = np.where(rng.random(n) < 0.1, rng.integers(30, 150, n), 0)
    who = np.flatnonzero(q.ended < clock.cut)
    post.send(take(ended, who), lag=(lag + slow)[who], version=3, floor=floor)
    return post.close()


def send_participations(world: World) -> int:
    """Send who builds what; a firm that leaves early is told again with the day it left."""
    post = world.post("participations")
    rng, clock, parts = post.rng, world.city.clock, world.city.participations
    n = len(parts.project)
    rows: Rows = {
        "project_id": world.project_ids(parts.project),
        "employer_id": world.employer_ids(parts.employer),
        "role": words(ROLES, parts.role),
        "contracted_by": world.employer_ids(parts.above),
        "contract_amount": np.where(rng.random(n) < 0.9, np.round(parts.amount, 2), np.nan),
        "from_on": parts.start,
        "to_on": np.full(n, MISSING),
    }
    lag, floor = np.minimum(post.lags(n), 60.0), clock.first_day - 14
    post.send(rows, lag=lag, floor=floor)
    rows["to_on"] = parts.end
    left = np.flatnonzero(parts.end < clock.cut)
    post.send(take(rows, left), known_on=parts.end[left], lag=lag[left], version=1, floor=floor)
    return post.close()


def send_rosters(world: World) -> int:
    """Send who is responsible for each site and for the larger employers.

    A bad site leaves a post vacant more often.
    """
    post = world.post("rosters")
    rng, clock, q = post.rng, world.city.clock, world.city.projects
    persons = serials("P", 4000)
    keyed = keyed_names(world.shared("persons"), len(persons))
    for place, role in enumerate(_ROSTER_ROLES[:-1]):
        filled = rng.random(q.size) < 0.93 - 0.06 * np.clip(q.quality, -1, 2)
        who = np.flatnonzero(filled & (q.start < clock.cut))
        rows: Rows = {
            "project_id": world.project_ids(who),
            "employer_id": world.employer_ids(
                q.contractor[who] if role == "labour_officer" else np.full(len(who), -1)
            ),
            "role": words(_ROSTER_ROLES, np.full(len(who), place)),
            "person_no": Words(rng.integers(0, len(persons), len(who)), keyed),
            "from_on": q.start[who],
            "to_on": np.full(len(who), MISSING),
        }
        lag = post.lags(len(who))
        post.send(rows, lag=lag, floor=clock.first_day - 14)
        left = np.flatnonzero(rng.random(len(who)) < 0.08)
        rows["to_on"] = q.start[who] + rng.integers(60, 300, len(who))
        days = np.asarray(rows["to_on"], dtype=np.int64)[left]
        post.send(take(rows, left), known_on=days, lag=lag[left], version=1, floor=clock.first_day - 14)
    large = np.flatnonzero(world.city.employers.large & (world.city.employers.established < clock.cut))
    large = large[rng.random(len(large)) < 0.6]
    post.send(
        {
            "project_id": world.project_ids(np.full(len(large), -1)),
            "employer_id": world.employer_ids(large),
            "role": words(_ROSTER_ROLES, np.full(len(large), 6)),
            "person_no": Words(choose(rng, [1.0] * len(persons), len(large)), keyed),
            "from_on": np.maximum(world.city.employers.established[large], clock.first_day),
            "to_on": np.full(len(large), MISSING),
        },
        floor=clock.first_day - 14,
    )
    return post.close()
