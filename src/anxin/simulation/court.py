"""Lawsuits, what other departments noticed, and standing records of wage payment."""

import numpy as np

from anxin.simulation.affairs import Affairs
from anxin.simulation.arrays import MISSING, Ints, Rows, choose, later, or_missing, spread, take, words
from anxin.simulation.codes import serials
from anxin.simulation.parameters import parameters
from anxin.simulation.world import World

_CAUSES = ("labour_remuneration", "construction_contract", "loan", "sale_contract", "lease", "other")
_STATUSES = ("filed", "judged", "enforcing", "dishonest", "restricted", "closed")
_CLOSED = 5
_LISTS = ("wage_credit", "integrity_grade", "joint_punishment", "anxin_project", "key_watch")
_NOTICES = (
    "layoff", "deregistration", "bank_notice", "supervisor_finding", "contracting_violation",
    "upstream_arrears", "stoppage", "debt_default", "peer_warning",
)  # fmt: skip


def send_litigation(world: World, affairs: Affairs) -> int:
    """Send each lawsuit when filed, judged, and as enforcement goes on; many defendants win or pay."""
    post, p = world.post("litigation"), world.leak("litigation")
    rng, clock, e = post.rng, world.city.clock, world.city.employers
    n = world.scaled(p.number("defendants_per_month"))
    defendant, filed = world.draw_subjects(rng, "employer", n, p.number("tilt"), 0.3)
    plaintiff, second = world.draw_subjects(rng, "employer", round(n * 0.45), 0.1, 0.4)
    sued = np.flatnonzero((rng.random(affairs.size) < p.number("after_default")) & ~affairs.silent)
    who = np.concatenate([defendant, plaintiff, affairs.employer[sued]])
    day = np.concatenate([filed, second, affairs.default[sued] + rng.integers(15, 120, len(sued))])
    role = np.repeat([1, 0, 1], [n, len(plaintiff), len(sued)])
    builder = e.section[who] == e.sections.index("E")
    cause = np.where(
        builder,
        choose(rng, [0.08, 0.4, 0.1, 0.25, 0.07, 0.1], len(who)),
        choose(rng, [0.1, 0.04, 0.2, 0.36, 0.12, 0.18], len(who)),
    )
    cause[n + len(plaintiff) :] = 0
    kept = (day >= clock.first_day) & (day < clock.cut)
    who, day, role, cause = who[kept], day[kept], role[kept], cause[kept]
    n = len(who)
    years = 1970 + day.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64)
    numbers = [
        f"({y})渝{100 + d % 38:04d}民初{i:06d}号"
        for i, (y, d) in enumerate(zip(years, e.district[who], strict=True))
    ]
    rows: Rows = {
        "case_no": words(numbers, np.arange(n)),
        "employer_id": world.employer_ids(world.mislink(rng, who, e.size)),
        "role": words(("plaintiff", "defendant", "third_party"), np.where(rng.random(n) < 0.04, 2, role)),
        "cause": words(_CAUSES, cause),
        "filed_on": day,
        "amount": np.round(spread(rng, np.where(cause == 0, 22_000, 160_000), 1.2, n), 2),
    }
    lag = post.lags(n)
    level = world.level_on("employer", who, day)
    # The worse the defendant, the further it goes: most cases end with the judgment or a settlement.
    enforced = (role == 1) & (
        rng.random(n) < np.clip(0.18 * np.exp(p.number("enforced_tilt") * level), 0, 0.85)
    )
    listed = enforced & (rng.random(n) < 0.35)
    state, at, running = np.zeros(n, dtype=np.int64), day, np.arange(n)
    for version, wait in enumerate((70.0, 50.0, 80.0, 200.0, 0.0)):
        rows["status"], rows["status_on"] = words(_STATUSES, state), at
        post.send(take(rows, running), lag=lag[running], version=version)
        running = running[(state[running] != _CLOSED) & (at[running] < clock.cut)]
        follows = (
            np.where(rng.random(n) < 0.25, _CLOSED, 1),
            np.where(enforced, 2, _CLOSED),
            np.where(listed, np.where(rng.random(n) < 0.5, 3, 4), _CLOSED),
        )
        state = follows[version] if version < len(follows) else np.full(n, _CLOSED)
        at = at + later(rng, wait + 1, 0.6, n) + 3
    return post.close()


def send_notices(world: World) -> int:
    """Send what banks, supervisors and other departments noticed."""
    post, p = world.post("notices"), world.leak("notices")
    rng, clock = post.rng, world.city.clock
    parts: list[tuple[Ints, Ints, Ints, Ints]] = []
    for kind, per_month in p.table("employer_per_month").items():
        who, day = world.draw_subjects(rng, "employer", world.scaled(per_month), p.number("tilt"), 0.3)
        parts.append((who, np.full(len(who), -1), day, np.full(len(who), _NOTICES.index(kind))))
    for kind, per_month in p.table("project_per_month").items():
        who, day = world.draw_subjects(rng, "project", world.scaled(per_month), p.number("tilt"), 0.3)
        parts.append((world.city.projects.contractor[who], who, day, np.full(len(who), _NOTICES.index(kind))))
    employer, project, day, kinds = (np.concatenate([part[i] for part in parts]) for i in range(4))
    n = len(day)
    employer = np.where(
        (project >= 0) & (rng.random(n) < 0.3), -1, world.mislink(rng, employer, world.city.employers.size)
    )
    rows: Rows = {
        "notice_id": words(serials("TB", n), np.argsort(np.argsort(day, kind="stable"))),
        "employer_id": world.employer_ids(employer),
        "project_id": world.project_ids(project),
        "kind": words(_NOTICES, kinds),
        "occurred_on": day,
        "resolved_on": np.full(n, MISSING),
        "workers": or_missing(3 + rng.poisson(12, n), np.isin(kinds, [0, 6])),
        "amount": np.where(np.isin(kinds, [2, 5, 7]), np.round(spread(rng, 300_000.0, 1.2, n), 2), np.nan),
    }
    lag = post.lags(n)
    post.send(rows, lag=lag)
    resolved = day + 5 + later(rng, 45.0, 0.9, n)
    rows["resolved_on"] = resolved
    done = np.flatnonzero((rng.random(n) < 0.6) & (resolved < clock.cut))
    post.send(take(rows, done), known_on=resolved[done], lag=lag[done], version=1)
    return post.close()


def send_credit_records(world: World, affairs: Affairs) -> int:
    """Send yearly wage-credit grades, site honours, and what follows from verified cases."""
    post, p = world.post("credit_records"), parameters().section("credit_records")
    rng, clock, e, q = post.rng, world.city.clock, world.city.employers, world.city.projects
    verified = affairs.take(affairs.verified & (affairs.verified_on != MISSING))
    graded = np.flatnonzero(
        rng.random(e.size) < np.where(e.large, p.number("graded_large"), p.number("graded_small"))
    )
    parts: list[Rows] = []
    for year in range(clock.start.year, clock.end.year + 1):
        day = int(np.datetime64(f"{year}-04-01").astype(np.int64)) + rng.integers(0, 60, len(graded))
        failed = np.isin(
            graded,
            verified.employer[(verified.verified_on < day.min()) & (verified.verified_on > day.min() - 365)],
        )
        score = 0.6 * e.quality[graded] + 0.6 * rng.standard_normal(len(graded)) + 1.6 * failed
        grade = np.digitize(score, [-0.5, 0.9, 1.6])
        alive = (e.established[graded] < day) & (e.deregistered[graded] > day) & (day >= clock.first_day)
        who = graded[alive]
        parts.append(
            _records(world, who, np.full(len(who), -1), 0, grade[alive], day[alive], day[alive] + 365)
        )
    good = np.flatnonzero(
        q.quality + 0.5 * rng.standard_normal(q.size) < np.quantile(q.quality, p.number("honoured"))
    )
    day = q.start[good] + rng.integers(60, 300, len(good))
    kept = (day >= clock.first_day) & (day < q.ended[good])
    parts.append(
        _records(
            world,
            q.contractor[good][kept],
            good[kept],
            3,
            np.full(int(kept.sum()), -1),
            day[kept],
            np.full(int(kept.sum()), MISSING),
        )
    )
    for place, share, length in ((4, p.number("watched"), 180), (2, p.number("punished"), 365)):
        index = np.flatnonzero(
            (rng.random(verified.size) < share)
            & (verified.closed < clock.cut)
            & (verified.closed >= clock.first_day)
        )
        day = verified.closed[index] + rng.integers(1, 30, len(index))
        project = np.where(rng.random(len(index)) < 0.5, verified.project[index], -1)
        parts.append(
            _records(
                world, verified.employer[index], project, place, np.full(len(index), -1), day, day + length
            )
        )
    for rows in parts:
        post.send(rows)
    return post.close()


def _records(
    world: World, employer: Ints, project: Ints, place: int, value: Ints, day: Ints, until: Ints
) -> Rows:
    key = np.stack([employer, project, day])
    _, first = np.unique(key, axis=1, return_index=True)
    return take(
        {
            "employer_id": world.employer_ids(employer),
            "project_id": world.project_ids(project),
            "list": words((_LISTS[place],), np.zeros(len(day))),
            "value": words(("A", "B", "C", "D"), value),
            "from_on": day,
            "to_on": until,
        },
        first,
    )
