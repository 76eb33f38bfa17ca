"""Electricity by meter and day, and the bills for electricity, water, gas and premises."""

from dataclasses import dataclass

import numpy as np

from anxin.simulation.arrays import (
    MISSING,
    Bools,
    Floats,
    Ints,
    Words,
    or_missing,
    sigmoid,
    spread,
    take,
    words,
)
from anxin.simulation.clock import Clock, days_to_festival
from anxin.simulation.codes import serials
from anxin.simulation.money import look_alikes, strain
from anxin.simulation.parameters import parameters
from anxin.simulation.registry import moves
from anxin.simulation.world import World

_UTILITIES = ("electricity", "water", "gas", "property")
_FACTORY, _SERVICE, _SITE = range(3)


@dataclass(frozen=True)
class Meters:
    """Meters by index.

    `linked` is the employer a meter is matched to, right or wrong. Dark from `dark` on.
    """

    employer: Ints
    linked: Ints
    project: Ints
    kind: Ints
    base: Floats
    start: Ints
    dark: Ints
    end: Ints
    weekend: Floats
    summer: Floats
    winter: Floats
    closed_season: Ints
    upgrade_on: Ints
    upgrade: Floats
    shows: Floats

    @property
    def size(self) -> int:
        """How many."""
        return len(self.employer)


def make_meters(world: World) -> Meters:
    """Return the meters.

    One for each linked employer, a second where a workshop moved, one for each linked site.
    """
    rng, clock = world.shared("meters"), world.city.clock
    e, q, p = world.city.employers, world.city.projects, parameters().section("energy")
    factory = np.isin(e.section, [e.sections.index(s) for s in "BCD"])
    share = np.where(
        factory, p.number("link.factory"), np.where(e.insured >= 3, p.number("link.service"), 0.0)
    )
    share = np.where(np.isin(e.section, [e.sections.index(s) for s in "AES"]), 0.1, share)
    firms = np.flatnonzero(rng.random(e.size) < share)
    moved = moves(world)[firms]
    again = np.flatnonzero(
        (moved != MISSING) & (rng.random(len(firms)) < look_alikes().number("new_meter_known"))
    )
    sites = np.flatnonzero(rng.random(q.size) < p.number("link.site"))
    far = clock.cut + 400
    employer = np.concatenate(
        [firms, firms[again], np.where(rng.random(len(sites)) < 0.5, q.owner[sites], q.contractor[sites])]
    )
    kind = np.concatenate(
        [
            np.where(factory[firms], _FACTORY, _SERVICE),
            np.where(factory[firms[again]], _FACTORY, _SERVICE),
            np.full(len(sites), _SITE),
        ]
    )
    size = np.where(kind == _SITE, 0.0, e.insured[employer])
    size[kind == _SITE] = q.workers[sites]
    base = spread(rng, np.array(p.numbers("kwh_per_head"))[kind] * size**0.9, 0.6, len(employer))
    dark = np.concatenate([np.where(moved == MISSING, far, moved), np.full(len(again) + len(sites), far)])
    n = len(employer)
    seasonal = (kind == _SERVICE) & (rng.random(n) < look_alikes().number("seasonal_shop"))
    upgraded = rng.random(n) < look_alikes().number("upgrade_per_year") * clock.months / 12
    response = world.response("energy", e.size)[employer]
    # Some sites in trouble rush instead of slowing down: the signal has two sides.
    rushes = (kind == _SITE) & (rng.random(n) < p.number("rush_share"))
    return Meters(
        employer=employer,
        linked=world.mislink(rng, employer, e.size),
        project=np.concatenate([np.full(len(firms) + len(again), -1), sites]),
        kind=kind,
        base=base,
        start=np.concatenate([e.established[firms], moved[again], q.start[sites] - 10]),
        dark=dark,
        end=np.concatenate(
            [
                np.minimum(e.deregistered[firms] + 30, dark[: len(firms)] + 90),
                e.deregistered[firms[again]] + 30,
                q.ended[sites] + 40,
            ]
        ),
        weekend=np.where(kind == _SERVICE, rng.normal(1.0, 0.12, n), rng.normal(0.6, 0.2, n)).clip(0.1, 1.4),
        summer=np.where(kind == _SERVICE, 0.35, 0.12) * rng.random(n) * 2,
        winter=np.where(kind == _SERVICE, 0.15, 0.03) * rng.random(n) * 2,
        closed_season=np.where(seasonal, rng.integers(0, 12, n), -1),
        upgrade_on=or_missing(rng.integers(clock.first_day, clock.cut, n), upgraded),
        upgrade=np.where(rng.random(n) < 0.5, rng.uniform(0.6, 0.8, n), rng.uniform(1.25, 1.7, n)),
        shows=np.where(kind == _SITE, np.where(rushes, -0.8, 1.0), response),
    )


def _festival(days: Ints, kind: Ints) -> Floats:
    """Return the share of load left on days around Spring Festival and other holidays, `[meter, day]`."""
    gap = days_to_festival(days)
    left = np.array([[0.22, 0.65], [0.55, 0.85], [0.07, 0.35]])
    near, around = (gap <= 6) & (gap >= -8), (gap <= 14) & (gap >= -15)
    month = days.astype("datetime64[D]").astype("datetime64[M]")
    day = days - month.astype("datetime64[D]").astype(np.int64) + 1
    calendar = month.astype(np.int64) % 12 + 1
    holiday = (
        ((calendar == 10) & (day <= 6)) | ((calendar == 5) & (day <= 4)) | ((calendar == 1) & (day <= 2))
    )
    other = np.where(holiday, 1, 0)
    factor = np.where(near[None, :], left[kind][:, :1], np.where(around[None, :], left[kind][:, 1:], 1.0))
    return np.asarray(factor * np.where(other[None, :], np.array([0.7, 0.95, 0.6])[kind][:, None], 1.0))


def _load(world: World, m: Meters, who: Ints, days: Ints, own: Floats, level: Floats) -> Floats:
    """Return kWh of meters on the days of one month, before the noise of single days."""
    p = parameters().section("energy")
    kind = m.kind[who]
    calendar = int(days[0].astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) % 12)
    weekend = ((days + 3) % 7 >= 5)[None, :]
    trouble = strain(level) * m.shows[who][:, None]
    loss = np.array(p.numbers("level_loss"))[kind][:, None] * trouble
    quiet_weekend = np.where(kind == _SERVICE, 0.0, p.number("weekend_loss"))[:, None] * np.maximum(
        trouble, 0
    )
    load = (m.base[who] * own)[:, None] * np.exp(-loss)
    load = np.where(weekend, load * m.weekend[who][:, None] * np.exp(-quiet_weekend), load)
    load *= (1 + m.summer[who] * (calendar in (5, 6, 7, 8)) + m.winter[who] * (calendar in (11, 0, 1)))[
        :, None
    ]
    away = (calendar - m.closed_season[who]) % 12 < 3
    load *= np.where((m.closed_season[who] >= 0) & away, 0.12, 1.0)[:, None]
    load *= np.where(
        (m.upgrade_on[who] != MISSING)[:, None] & (days >= m.upgrade_on[who][:, None]),
        m.upgrade[who][:, None],
        1.0,
    )
    load *= _festival(days, kind)
    site = np.flatnonzero(kind == _SITE)
    if len(site):
        q, project = world.city.projects, m.project[who[site]]
        phase = (days - q.start[project][:, None]) / np.maximum(1, q.ended[project] - q.start[project])[
            :, None
        ]
        load[site] *= np.clip(phase / 0.15, 0.15, 1.0) * np.clip((1.0 - phase) / 0.2, 0.06, 1.0)
    return load


def _month_level(world: World, m: Meters, who: Ints, days: Ints, clock: Clock) -> Floats:
    """Return the hidden level behind each meter and day; a site's meter shows the site's."""
    step = clock.step_of(days)
    level = world.employer_shown[m.employer[who]][:, step]
    site = m.project[who] >= 0
    level[site] = world.project_shown[m.project[who][site]][:, step]
    return np.asarray(level)


def send_energy_usage(world: World) -> int:
    """Send a reading for each meter and day, month by month."""
    post, p = world.post("energy_usage"), parameters().section("energy")
    rng, clock, m = post.rng, world.city.clock, make_meters(world)
    ids = np.array(serials("50", m.size), dtype=object)
    wander = np.zeros(m.size)
    gone_dark = p.number("dark_tilt")
    for month in range(clock.first_month, clock.grid_months):
        days = np.arange(clock.month_starts[month], min(clock.month_starts[month + 1], clock.cut))
        who = np.flatnonzero((m.start <= days[-1]) & (m.end > days[0]))
        wander = 0.9 * wander + p.number("wander_sigma") * rng.standard_normal(m.size)
        level = _month_level(world, m, who, days, clock)
        load = _load(world, m, who, days, np.exp(wander[who]), level)
        load *= np.exp(p.number("day_sigma") * rng.standard_normal(load.shape, dtype=np.float32))
        idle = rng.random(load.shape, dtype=np.float32) < 0.004 * np.exp(
            gone_dark * np.minimum(np.maximum(level, 0), 3)
        )
        zero: Bools = idle | (days >= m.dark[who][:, None])
        present = (days >= m.start[who][:, None]) & (days < m.end[who][:, None])
        silent = rng.random(load.shape, dtype=np.float32) < p.number("missing") * np.exp(
            0.4 * np.clip(level, -2, 3)
        )
        row, column = np.nonzero(present & ~silent)
        meter = who[row]
        post.send(
            {
                "meter_id": Words(meter, ids),
                "employer_id": world.employer_ids(m.linked[meter]),
                "project_id": world.project_ids(m.project[meter]),
                "date": days[column],
                "kwh": np.round(np.where(zero, 0.0, load)[row, column], 3),
            },
            corrected=("kwh",),
        )
    return post.close()


def send_energy_bills(world: World) -> int:
    """Send each bill when issued and again when paid."""
    post, p = world.post("energy_bills"), world.leak("bills")
    rng, clock, m = post.rng, world.city.clock, make_meters(world)
    has = rng.random((4, m.size)) < np.array([0.96, 0.35, 0.1, 0.3])[:, None]
    response = world.response("bills", world.city.employers.size)[m.employer]
    habit = p.number("habit_sigma") * rng.standard_normal(m.size)
    number = 0
    for month in range(clock.first_month, clock.grid_months):
        first, after = int(clock.month_starts[month]), int(clock.month_starts[month + 1])
        who = np.flatnonzero((m.start <= first) & (np.minimum(m.end, m.dark + 15) > after))
        level = np.where(
            m.project[who] >= 0,
            world.project_level[m.project[who], month],
            world.employer_level[m.employer[who], month],
        )
        month_kwh = _load(
            world,
            m,
            who,
            np.arange(first, after),
            np.ones(len(who)),
            np.repeat(level[:, None], after - first, axis=1),
        ).sum(axis=1)
        for utility in range(4):
            ours = np.flatnonzero(has[utility][who])
            meter, strained = who[ours], level[ours]
            n = len(ours)
            quantity = (
                month_kwh[ours]
                * np.array([1.0, 0.05, 0.03, np.nan])[utility]
                * np.exp(0.1 * rng.standard_normal(n))
            )
            amount = np.where(
                np.isnan(quantity),
                400 + 3 * m.base[meter],
                quantity * np.array([0.68, 4.2, 2.9, 1.0])[utility],
            )
            issued = after + rng.integers(2, 9, n)
            odds = p.number("late_base") + p.number("late_tilt") * response[meter] * strained + habit[meter]
            late = rng.random(n) < sigmoid(odds)
            paid = np.where(
                late,
                issued + 20 + 1 + rng.exponential(p.number("late_days"), n),
                issued + rng.integers(1, 19, n),
            ).astype(np.int64)
            never = late & (rng.random(n) < p.number("never"))
            rows = {
                "bill_id": words(serials(f"ZD{number:07d}-", n), np.arange(n)),
                "employer_id": world.employer_ids(m.linked[meter]),
                "project_id": world.project_ids(m.project[meter]),
                "utility": words((_UTILITIES[utility],), np.zeros(n)),
                "quantity": np.round(quantity, 2),
                "month": np.full(n, clock.month_number(np.array(month))),
                "amount": np.round(amount, 2),
                "issued_on": issued,
                "due_on": issued + 20,
                "paid_on": np.full(n, MISSING),
            }
            number += 1
            lag = post.lags(n)
            issued_rows = dict(rows)
            rows["paid_on"] = paid
            settled = np.flatnonzero(~never)
            post.send(issued_rows, lag=lag)
            post.send(take(rows, settled), known_on=paid[settled], lag=lag[settled], version=1)
    return post.close()
