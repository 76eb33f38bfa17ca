"""Crews on site: who was there, what they earned, when they were paid.

A crew is one employer's workers on one project. It has places; each place is held by one worker after
another. Rows of workers exist where the project keeps the regime (real names, pay through an agent), and the
worse sites keep it less.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from anxin.simulation.affairs import Affairs
from anxin.simulation.arrays import (
    MISSING,
    Bools,
    Floats,
    Ints,
    Rows,
    Words,
    choose,
    sigmoid,
    stack,
    take,
    words,
)
from anxin.simulation.clock import STEPS, days_to_festival
from anxin.simulation.codes import keyed_names
from anxin.simulation.money import strain
from anxin.simulation.parameters import Parameters, parameters
from anxin.simulation.registry import covered
from anxin.simulation.world import World
from anxin.simulation.writing import Post

_CHANNELS = ("special_account", "social_security_card", "digital_rmb", "other")


@dataclass(frozen=True)
class Crews:
    """Crews by index, and their places; `pay_day` is the day of the next month on which wages fall due."""

    project: Ints
    employer: Ints
    start: Ints
    end: Ints
    size: Ints
    rate: Floats
    pay_day: Ints
    place_crew: Ints
    place_rank: Ints


def make_crews(world: World) -> Crews:
    """Return the crews of all projects; their sizes share out the project's workers."""
    rng, parts, q = world.shared("crews"), world.city.participations, world.city.projects
    index = parts.crews()
    project = parts.project[index]
    weight = np.where(parts.role[index] == 1, 0.6, 1.0) * rng.gamma(2.0, 1.0, len(index))
    share = weight / np.bincount(project, weight, minlength=q.size)[project]
    size = np.maximum(1, np.round(q.workers[project] * share)).astype(np.int64)
    crew = np.repeat(np.arange(len(index)), size)
    first = np.cumsum(size) - size
    return Crews(
        project=project,
        employer=parts.employer[index],
        start=parts.start[index],
        end=np.maximum(parts.end[index], parts.start[index] + 30),
        size=size,
        rate=np.round(
            np.exp(rng.normal(np.log(parameters().number("payroll.day_rate")), 0.15, len(index))), -1
        ),
        pay_day=rng.choice([10, 15, 15, 20, 25], q.size)[project],
        place_crew=crew,
        place_rank=np.arange(len(crew)) - first[crew],
    )


class Months:
    """Walks through the months with the workers then on site.

    Every feed that walks sees the same people and days.
    """

    def __init__(self, world: World, crews: Crews) -> None:
        self.world, self.crews = world, crews
        self.rng = world.shared("workers")
        self.worker = np.full(len(crews.place_crew), -1)
        self.hired = 0

    def __iter__(self) -> Iterator["SiteMonth"]:
        """Yield a `SiteMonth` for each month of the period."""
        clock, c, p = self.world.city.clock, self.crews, parameters().section("payroll")
        q = self.world.city.projects
        for month in range(clock.first_month, clock.grid_months):
            first, after = int(clock.month_starts[month]), int(clock.month_starts[month + 1])
            crew_here = (c.start < after) & (c.end > first)
            here = np.flatnonzero(crew_here[c.place_crew])
            crew = c.place_crew[here]
            # A site fills up over its first weeks and empties toward its end.
            project = c.project[crew]
            middle = np.maximum((first + after) // 2, c.start[crew])
            length = np.maximum(1, q.ended[project] - q.start[project])
            phase = (middle - q.start[project]) / length
            fill = (
                np.clip(phase / 0.08, 0.3, 1.0) * np.clip((1.02 - phase) / 0.1, 0.2, 1.0) * p.number("fill")
            )
            rank_share = (c.place_rank[here] + 0.5) / c.size[crew]
            here, crew, project = (a[rank_share <= fill] for a in (here, crew, project))
            leaves = self.rng.random(len(here)) < p.number("turnover")
            new = (self.worker[here] < 0) | leaves
            gone = self.worker[here]
            self.worker[here[new]] = self.hired + np.arange(int(new.sum()))
            self.hired += int(new.sum())
            level = self.world.project_level[project, month]
            shows = self._shows[project]
            share = (np.minimum(after, c.end[crew]) - np.maximum(first, c.start[crew])) / (after - first)
            usual = p.number("days") * float(_working_share(np.arange(first, after)).mean())
            fewer = 1 - np.minimum(0.5, p.number("days_loss") * shows * strain(level))
            days = usual * share.clip(0.05, 1.0) * fewer + p.number("days_sigma") * self.rng.standard_normal(
                len(here)
            )
            days = np.clip(np.round(days), 0, after - first).astype(np.int64)
            yield SiteMonth(
                month, first, after, here, crew, project, self.worker[here], gone, new, days, level, shows
            )

    @property
    def _shows(self) -> Floats:
        return self.world.response("attendance", self.world.city.projects.size)


@dataclass(frozen=True)
class SiteMonth:
    """Workers on site in one month.

    Place, crew, project, worker, who left the place (-1 nobody), days worked.
    """

    month: int
    first: int
    after: int
    place: Ints
    crew: Ints
    project: Ints
    worker: Ints
    before: Ints
    new: Bools
    days: Ints
    level: Floats
    shows: Floats


def _working_share(days: Ints) -> Floats:
    """Return the share of hands on site by day: nobody at Spring Festival, fewer before and after."""
    gap = days_to_festival(days)
    return np.where((gap <= 8) & (gap >= -10), 0.06, np.where((gap <= 20) & (gap >= -18), 0.6, 1.0))


def worker_names(world: World, crews: Crews) -> Any:
    """Return the keyed names of all workers of the period."""
    months = Months(world, crews)
    for _ in months:
        pass
    return keyed_names(world.shared("worker names"), months.hired)


def silent_projects(world: World, channel: str) -> Bools:
    """Tell in which months a project uploads nothing though it should, `[project, month]`.

    Trouble is quiet.
    """
    rng, p = world.shared(f"silence {channel}"), parameters().section("payroll")
    level = np.clip(world.project_level, -2, 3)
    return np.asarray(
        rng.random(level.shape)
        < np.minimum(0.6, p.number("silence") * np.exp(p.number("silence_tilt") * level))
    )


def send_attendance(world: World) -> int:
    """Send the monthly attendance sheet, one row for each worker."""
    post, crews = world.post("attendance"), make_crews(world)
    rng, clock = post.rng, world.city.clock
    names, keeps, quiet = (
        worker_names(world, crews),
        covered(world, "real_name"),
        silent_projects(world, "attendance"),
    )
    for m in Months(world, crews):
        kept = np.flatnonzero(keeps[m.project] & ~quiet[m.project, m.month] & (m.days > 0))
        crew = m.crew[kept]
        # A crew's sheet goes up and arrives as a whole.
        day = np.full(len(crews.project), m.after) + rng.integers(1, 9, len(crews.project))
        slow = rng.random(len(crews.project)) < 0.05
        day = day + slow * rng.integers(5, 40, len(crews.project))
        lag = post.lags(len(crews.project))
        post.send(
            {
                "employer_id": world.employer_ids(crews.employer[crew]),
                "project_id": world.project_ids(m.project[kept]),
                "worker_id": Words(m.worker[kept], names),
                "month": np.full(len(kept), clock.month_number(np.array(m.month))),
                "days": m.days[kept],
                "uploaded_on": day[crew],
            },
            lag=lag[crew],
            corrected=("days",),
        )
    return post.close()


class Arrears:
    """Which places are not paid for which months, and when that ends, from the defaults on projects."""

    def __init__(self, world: World, crews: Crews, affairs: Affairs) -> None:
        self.crews = crews
        on_site = np.flatnonzero((affairs.project >= 0) & ~affairs.silent)
        order = np.lexsort((crews.employer, crews.project))
        key = crews.project * world.city.employers.size + crews.employer
        wanted = affairs.project[on_site] * world.city.employers.size + affairs.employer[on_site]
        at = np.searchsorted(key[order], wanted).clip(0, len(order) - 1)
        found = key[order][at] == wanted
        self.crew, self.affair = order[at[found]], on_site[found]
        self.affairs = affairs

    def unpaid(self, m: SiteMonth) -> tuple[Floats, Ints]:
        """Return for each worker of a month how many places of the crew go unpaid.

        And the day that ends it.
        """
        places, until = np.zeros(len(self.crews.project)), np.full(len(self.crews.project), MISSING)
        a = self.affairs
        due = m.after + self.crews.pay_day[self.crew]
        over = a.over[self.affair]
        hit = (a.arrears_month[self.affair] <= m.month) & ((over == MISSING) | (over > due))
        places[self.crew[hit]] = a.workers[self.affair[hit]]
        until[self.crew[hit]] = over[hit]
        return places[m.crew], until[m.crew]


def send_payroll(world: World, affairs: Affairs) -> int:
    """Send each payment of each worker's month.

    On time, late, in parts, or only when the arrears are cleared.
    """
    post, crews, p = world.post("payroll"), make_crews(world), world.leak("payroll")
    rng, clock = post.rng, world.city.clock
    names, keeps, quiet = (
        worker_names(world, crews),
        covered(world, "agency_pay"),
        silent_projects(world, "payroll"),
    )
    arrears = Arrears(world, crews, affairs)
    shows = world.response("payroll", world.city.projects.size)
    number = len(crews.project)
    channel = choose(rng, [0.72, 0.15, 0.05, 0.08], number)
    for m in Months(world, crews):
        kept = np.flatnonzero(keeps[m.project] & ~quiet[m.project, m.month] & (m.days > 0))
        crew = m.crew[kept]
        level = world.project_level[crews.project, m.month] * 1.0
        tilt = shows[crews.project] * level
        late = rng.random(number) < sigmoid(p.number("late_base") + p.number("late_tilt") * tilt)
        partly = rng.random(number) < sigmoid(p.number("partly_base") + p.number("partly_tilt") * tilt)
        wait = np.where(late, rng.exponential(p.number("late_days"), number), rng.integers(-2, 3, number))
        pay = (m.after + crews.pay_day + wait).astype(np.int64)
        places, until = arrears.unpaid(m)
        owed = (crews.place_rank[m.place] < places)[kept]
        until = until[kept]
        skipped = rng.random(len(kept)) < p.number("skipped") * np.exp(
            p.number("skipped_tilt") * np.clip(m.level[kept], -2, 3)
        )
        settled = ~owed | ((until != MISSING) & (rng.random(len(kept)) < p.number("settled_through_account")))
        due = np.round(m.days[kept] * crews.rate[crew], 2)
        share = np.where(partly[crew] & ~owed, rng.uniform(0.3, 0.85, number)[crew], 1.0)
        rows: Rows = {
            "employer_id": world.employer_ids(crews.employer[crew]),
            "project_id": world.project_ids(m.project[kept]),
            "worker_id": Words(m.worker[kept], names),
            "month": np.full(len(kept), clock.month_number(np.array(m.month))),
            "payment_no": np.ones(len(kept), dtype=np.int64),
            "due": due,
            "paid": np.round(due * share, 2),
            "paid_on": np.where(owed, np.maximum(until, pay[crew]), pay[crew]),
            "channel": words(_CHANNELS, channel[crew]),
        }
        lag = post.lags(number)[crew]
        sent = settled & ~skipped
        rest = sent & (share < 1.0) & (rng.random(number) < p.number("rest_paid"))[crew]
        second = take(rows, rest)
        second["payment_no"] = np.full(int(rest.sum()), 2)
        second["paid"] = np.round(due[rest] - np.asarray(rows["paid"])[rest], 2)
        second["paid_on"] = pay[crew[rest]] + rng.integers(15, 60, number)[crew[rest]]
        post.send(
            stack([take(rows, sent), second]), lag=np.concatenate([lag[sent], lag[rest]]), corrected=("paid",)
        )
    return post.close()


def send_wage_sheets(world: World, affairs: Affairs) -> int:
    """Send the totals of each crew's wage sheet, and those of some employers outside construction."""
    post, crews, p = world.post("wage_sheets"), make_crews(world), world.leak("wage_sheets")
    rng, e = post.rng, world.city.employers
    keeps, quiet = covered(world, "agency_pay"), silent_projects(world, "wage_sheets")
    arrears = Arrears(world, crews, affairs)
    number = len(crews.project)
    plain = np.flatnonzero(
        (rng.random(e.size) < np.where(e.large, 0.2, 0.01)) & (e.section != e.sections.index("E"))
    )
    shows = world.response("wage_sheets", e.size)
    for m in Months(world, crews):
        heads = np.bincount(m.crew[m.days > 0], minlength=number)
        days = np.bincount(m.crew, weights=m.days, minlength=number)
        places = np.zeros(number)
        places[m.crew] = arrears.unpaid(m)[0]
        level = world.project_level[crews.project, m.month]
        withheld = (places > 0.5 * crews.size) & (rng.random(number) < 0.6)
        who = np.flatnonzero((heads > 0) & keeps[crews.project] & ~quiet[crews.project, m.month] & ~withheld)
        late = rng.random(len(who)) < sigmoid(p.number("late_base") + p.number("late_tilt") * level[who])
        pay_due = m.after + crews.pay_day[who]
        _send_sheets(
            post,
            world,
            m,
            p,
            crews.employer[who],
            crews.project[who],
            pay_due,
            late,
            heads[who],
            days[who] * crews.rate[who],
        )
        alive = plain[world.employer_course.alive[plain, m.month * STEPS + 2]]
        own = world.employer_level[alive, m.month]
        sent = rng.random(len(alive)) > np.minimum(
            0.7, 0.04 * np.exp(p.number("missing_tilt") * shows[alive] * own)
        )
        alive, own = alive[sent], own[sent]
        late = rng.random(len(alive)) < sigmoid(
            p.number("late_base") + p.number("late_tilt") * shows[alive] * own
        )
        staff = np.maximum(1, np.round(e.insured[alive] * (1 - 0.05 * strain(own)))).astype(np.int64)
        pay_due = np.full(len(alive), m.after + 14)
        _send_sheets(post, world, m, p, alive, np.full(len(alive), -1), pay_due, late, staff, staff * 4700.0)
    return post.close()


def _send_sheets(
    post: Post,
    world: World,
    m: SiteMonth,
    p: Parameters,
    employer: Ints,
    project: Ints,
    pay_due: Ints,
    late: Bools,
    workers: Ints,
    due: Floats,
) -> None:
    rng, n = post.rng, len(employer)
    uploaded = (
        pay_due
        - rng.integers(2, 7, n)
        + np.where(late, rng.exponential(p.number("late_days"), n), 0).astype(np.int64)
    )
    post.send(
        {
            "employer_id": world.employer_ids(employer),
            "project_id": world.project_ids(project),
            "month": np.full(n, world.city.clock.month_number(np.array(m.month))),
            "uploaded_on": uploaded,
            "pay_due_on": pay_due,
            "workers": workers.astype(np.int64),
            "due": np.round(due, 2),
        },
        corrected=("due",),
    )


def send_attendance_daily(world: World) -> int:
    """Send how many of each crew were on site each day."""
    post, crews, p = world.post("attendance_daily"), make_crews(world), parameters().section("payroll")
    rng, clock = post.rng, world.city.clock
    keeps, quiet = covered(world, "real_name"), silent_projects(world, "attendance")
    shows = world.response("attendance", world.city.projects.size)
    for m in Months(world, crews):
        registered = np.bincount(m.crew, minlength=len(crews.project))
        who = np.flatnonzero((registered > 0) & keeps[crews.project] & ~quiet[crews.project, m.month])
        days = np.arange(m.first, min(m.after, clock.cut))
        level = world.project_shown[crews.project[who]][:, clock.step_of(days)]
        share = (
            0.8
            * _working_share(days)[None, :]
            * (
                1
                - np.minimum(0.5, p.number("days_loss") * shows[crews.project[who]][:, None] * strain(level))
            )
        )
        weather = 1 - 0.5 * (rng.random(len(days)) < 0.08)[None, :]
        present = rng.binomial(
            registered[who][:, None], np.clip(share * weather * rng.normal(1.0, 0.08, level.shape), 0, 1)
        )
        here = (days >= crews.start[who][:, None]) & (days < crews.end[who][:, None])
        here &= rng.random(level.shape) > 0.015
        row, column = np.nonzero(here)
        post.send(
            {
                "employer_id": world.employer_ids(crews.employer[who[row]]),
                "project_id": world.project_ids(crews.project[who[row]]),
                "date": days[column],
                "registered": registered[who[row]],
                "present": present[row, column],
            },
            corrected=("present",),
        )
    return post.close()


def send_labour_contracts(world: World) -> int:
    """Send each worker's contract when signed, and again when the worker leaves, cleared or not."""
    post, crews, p = world.post("labour_contracts"), make_crews(world), parameters().section("payroll")
    rng = post.rng
    names, keeps = worker_names(world, crews), covered(world, "real_name")
    signed = np.full(len(crews.place_crew), MISSING)
    basis = choose(rng, [0.3, 0.6, 0.1], len(crews.project))
    clock = world.city.clock
    for m in Months(world, crews):
        left = m.new & (m.before >= 0) & (signed[m.place] != MISSING)
        _send_contracts(post, world, crews, m, names, basis, np.flatnonzero(left), signed, p)
        starts = np.maximum(m.first, crews.start[m.crew])
        files = keeps[m.project] & (rng.random(len(m.place)) < p.number("contract_filed"))
        day = np.minimum(starts + rng.integers(0, 25, len(m.place)), np.maximum(m.after - 1, starts))
        day = np.where(
            m.month == clock.first_month,
            np.maximum(starts - rng.integers(0, 200, len(m.place)), crews.start[m.crew]),
            day,
        )
        signed[m.place[m.new]] = np.where(files, day, MISSING)[m.new]
        _send_contracts(
            post, world, crews, m, names, basis, np.flatnonzero(m.new & files), signed, p, fresh=True
        )
    return post.close()


def _send_contracts(
    post: Post,
    world: World,
    crews: Crews,
    m: SiteMonth,
    names: Any,
    basis: Ints,
    index: Ints,
    signed: Ints,
    p: Parameters,
    fresh: bool = False,
) -> None:
    rng, n = post.rng, len(index)
    crew = m.crew[index]
    left = (
        np.full(n, MISSING)
        if fresh
        else np.maximum(signed[m.place[index]] + 1, m.first + rng.integers(0, 10, n))
    )
    clears = sigmoid(p.number("cleared_base") - p.number("cleared_tilt") * m.level[index])
    cleared = np.where(fresh | (rng.random(n) > clears), MISSING, left + rng.integers(0, 12, n))
    worker = m.worker[index] if fresh else m.before[index]
    rate = crews.rate[crew] * np.where(basis[crew] == 0, 26.0, 1.0)
    post.send(
        {
            "employer_id": world.employer_ids(crews.employer[crew]),
            "project_id": world.project_ids(m.project[index]),
            "worker_id": Words(worker, names),
            "signed_on": signed[m.place[index]],
            "wage_basis": words(("month", "day", "piece"), basis[crew]),
            "wage_rate": np.where(rng.random(n) < 0.9, rate, np.nan),
            "left_on": left,
            "cleared_on": cleared,
        },
        known_on=np.maximum(signed[m.place[index]], left),
        lag=np.minimum(post.lags(n), 20.0) if fresh else 21.0 + post.lags(n),
        version=0 if fresh else 1,
        floor=world.city.clock.first_day - 14,
    )
