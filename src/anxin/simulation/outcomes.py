"""Cases and complaints."""

import numpy as np

from anxin.simulation.affairs import SOURCES, Affairs
from anxin.simulation.arrays import (
    MISSING,
    Bools,
    Floats,
    Ints,
    Rows,
    choose,
    later,
    or_missing,
    stack,
    take,
    words,
)
from anxin.simulation.codes import serials
from anxin.simulation.parameters import parameters
from anxin.simulation.world import World

_CHANNELS = (
    "national_platform",
    "wage_code",
    "hotline",
    "visit",
    "petition",
    "police",
    "public_opinion",
    "arbitration",
)
_RESULTS = ("wage", "not_wage", "duplicate", "transferred")
_OUTCOMES = ("pending", "verified", "unfounded")


def send_cases(world: World, affairs: Affairs) -> int:
    """Send every case when it opens, when it is verified or not, and when it is closed."""
    post = world.post("cases")
    rng, p, clock = post.rng, parameters().section("affairs"), world.city.clock
    cases = affairs.take(affairs.is_case & (affairs.opened >= clock.first_day))
    n = cases.size
    project = np.where(cases.project >= 0, world.mislink(rng, cases.project, world.city.projects.size), -1)
    moved = (project != cases.project) & (project >= 0)
    own = world.mislink(rng, np.where(project >= 0, -1, cases.employer), world.city.employers.size)
    employer = np.where(
        moved, world.city.projects.contractor[project], np.where(project >= 0, cases.employer, own)
    )
    settlers = p.table("settled_by")
    settled = np.where(cases.verified, choose(rng, list(settlers.values()), n), -1)
    estimate = np.maximum(1, np.round(cases.workers * np.exp(0.3 * rng.standard_normal(n)))).astype(np.int64)
    rows: Rows = {
        "case_id": words(serials("AJ", n), np.argsort(np.argsort(cases.opened, kind="stable"))),
        "employer_id": world.employer_ids(employer),
        "project_id": world.project_ids(project),
        "source": words(SOURCES, cases.source),
        "arrears_from": clock.month_number(cases.arrears_month),
        "opened_on": cases.opened,
        "verified_on": np.full(n, MISSING),
        "outcome": words(_OUTCOMES, np.zeros(n)),
        "workers": or_missing(estimate, rng.random(n) < 0.8),
        "amount": np.where(rng.random(n) < 0.5, np.round(cases.amount * estimate / cases.workers, 2), np.nan),
        "closed_on": np.full(n, MISSING),
        "settled_by": words(list(settlers), np.full(n, -1)),
    }
    lag = post.lags(n)
    post.send(rows, lag=lag)
    decided = dict(rows)
    decided["verified_on"] = or_missing(cases.verified_on, cases.verified)
    decided["outcome"] = words(_OUTCOMES, np.where(cases.verified, 1, 2))
    decided["workers"], decided["amount"] = cases.workers, cases.amount
    post.send(decided, known_on=cases.verified_on, lag=lag, version=1)
    closed = dict(decided)
    closed["closed_on"] = cases.closed
    closed["settled_by"] = words(list(settlers), settled)
    post.send(closed, known_on=cases.closed, lag=lag, version=2)
    return post.close()


def send_complaints(world: World, affairs: Affairs) -> int:
    """Send complaints: those of defaults, those about something else, and what became of each."""
    post = world.post("complaints")
    rng, clock = post.rng, world.city.clock
    parts = [_of_affairs(rng, world, affairs), _noise(rng, world, "employer"), _noise(rng, world, "project")]
    rows = stack(parts)
    kept = np.asarray(rows["occurred_on"])
    rows = take(rows, (kept >= clock.first_day) & (kept < clock.cut))
    occurred = np.asarray(rows["occurred_on"], dtype=np.int64)
    n = len(occurred)
    rows["complaint_id"] = words(serials("TS", n), np.argsort(np.argsort(occurred, kind="stable")))
    rows["due_on"] = or_missing(occurred + 15, rng.random(n) < 0.9)
    lag = post.lags(n)
    result, closed = rows.pop("result_known"), occurred + 1 + later(rng, 10.0, 0.8, n)
    rows["closed_on"], rows["result"] = np.full(n, MISSING), words(_RESULTS, np.full(n, -1))
    post.send(rows, lag=lag)
    mislabelled = rng.random(n) < parameters().number("noise.mislabelled")
    final = np.where(mislabelled, rng.integers(0, len(_RESULTS), n), np.asarray(result))
    rows["closed_on"], rows["result"] = closed, words(_RESULTS, final)
    answered = np.flatnonzero(rng.random(n) < 0.96)
    post.send(take(rows, answered), known_on=closed[answered], lag=lag[answered], version=1)
    return post.close()


def _of_affairs(rng: np.random.Generator, world: World, affairs: Affairs) -> Rows:
    """Return the complaints that defaults bring.

    A first one, some that join it, and the noise on the day of a shock.
    """
    p = parameters().section("complaints")
    first = np.flatnonzero(affairs.complaint != MISSING)
    joins = np.repeat(first, rng.poisson(p.number("joining"), len(first)))
    shocks = np.flatnonzero(
        affairs.silent & affairs.verified & (rng.random(affairs.size) < p.number("after_no_sign"))
    )
    index = np.concatenate([first, joins, shocks])
    occurred = np.concatenate(
        [
            affairs.complaint[first],
            affairs.complaint[joins] + rng.integers(0, 25, len(joins)),
            affairs.opened[shocks] + rng.integers(0, 4, len(shocks)),
        ]
    )
    owed = affairs.verified | ~affairs.is_case
    result = np.where(owed[index], choose(rng, [0.75, 0.08, 0.05, 0.12], len(index)), 1)
    result[len(first) : len(first) + len(joins)] = 2
    whole = rng.random(len(index)) < 0.5
    workers = np.where(whole, affairs.workers[index], 1)
    amount = affairs.amount[index] / affairs.workers[index] * workers
    return _rows(
        rng, world, affairs.employer[index], affairs.project[index], occurred, workers, amount, result
    )


def _noise(rng: np.random.Generator, world: World, kind: str) -> Rows:
    """Return complaints no default stands behind.

    Disputes about other things, small and mostly not verified.
    """
    p = parameters().section("complaints")
    n = world.scaled(p.number(f"other_per_month.{kind}"))
    subject, days = world.draw_subjects(rng, kind, n, p.number("other_tilt"), 0.45)
    workers = 1 + (rng.random(n) < 0.15) * rng.integers(1, 5, n)
    amount = workers.astype(np.float64) * np.exp(rng.normal(np.log(5000), 1.0, n))
    result = choose(rng, [0.15, 0.5, 0.1, 0.25], n)
    if kind == "employer":
        return _rows(rng, world, subject, np.full(n, -1), days, workers, amount, result)
    return _rows(rng, world, world.city.projects.contractor[subject], subject, days, workers, amount, result)


def _rows(
    rng: np.random.Generator,
    world: World,
    employer: Ints,
    project: Ints,
    occurred: Ints,
    workers: Ints,
    amount: Floats,
    result: Ints,
) -> Rows:
    p = parameters().section("complaints")
    n = len(employer)
    on_site: Bools = project >= 0
    unnamed = on_site & (rng.random(n) < p.number("employer_unnamed"))
    employer = np.where(unnamed, -1, world.mislink(rng, employer, world.city.employers.size))
    project = world.mislink(rng, project, world.city.projects.size)
    channel = choose(rng, list(p.table("channels").values()), n)
    return {
        "complaint_id": words([], np.full(n, -1)),
        "employer_id": world.employer_ids(employer),
        "project_id": world.project_ids(project),
        "channel": words(_CHANNELS, channel),
        "occurred_on": occurred,
        "workers": or_missing(workers, rng.random(n) < 0.75),
        "amount": np.where(rng.random(n) < 0.6, np.round(amount, 2), np.nan),
        "due_on": np.full(n, MISSING),
        "closed_on": np.full(n, MISSING),
        "result_known": result,
        "extreme": rng.random(n) < np.where(channel >= 5, 0.12, 0.004),
    }
