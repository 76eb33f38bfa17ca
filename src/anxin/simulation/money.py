"""What employers owe banks, funds and the tax office, month by month."""

from collections.abc import Iterator

import numpy as np

from anxin.simulation.arrays import MISSING, Bools, Floats, Ints, Rows, sigmoid, take, words
from anxin.simulation.clock import STEPS
from anxin.simulation.parameters import Parameters, parameters
from anxin.simulation.stress import lagged
from anxin.simulation.world import World

CLASSES = ("normal", "special_mention", "substandard", "doubtful", "loss")


def strain(level: Floats) -> Floats:
    """Return how far a level is into the region where it shows.

    Near zero for the healthy, linear for the bad.
    """
    return np.logaddexp(0.0, 1.6 * (np.asarray(level, dtype=np.float64) - 0.6)) / 1.6


def silent(rng: np.random.Generator, p: Parameters, level: Floats) -> Bools:
    """Tell which rows are never sent: the worse an employer is, the less it sends."""
    chance = p.number("missing") * np.exp(p.number("missing_tilt") * np.clip(level, -2, 3))
    return np.asarray(rng.random(len(level)) < np.minimum(chance, 0.6))


class Months:
    """The months of the period with the employers alive in each."""

    def __init__(self, world: World, subset: Ints) -> None:
        self.world, self.subset = world, subset
        self.clock = world.city.clock

    def __iter__(self) -> Iterator[tuple[int, Ints]]:
        """Yield month index and the employers of the subset alive in the middle of it."""
        for month in range(self.clock.first_month, self.clock.grid_months):
            alive = self.world.employer_course.alive[self.subset, month * STEPS + 2]
            yield month, self.subset[alive]


def send_social_insurance(world: World) -> int:
    """Send what each employer declared and paid for its insured staff."""
    post, p = world.post("social_insurance"), world.leak("social_insurance")
    rng, clock, e = post.rng, world.city.clock, world.city.employers
    level, shows = world.employer_level, world.response("social_insurance", e.size)
    before = lagged(level, 1)
    habit = p.number("habit_sigma") * rng.standard_normal(e.size)
    drift = np.zeros(e.size)
    each = np.exp(rng.normal(np.log(1150), 0.15, e.size))
    subset = np.flatnonzero(rng.random(e.size) < p.number("coverage"))
    for month, who in Months(world, subset):
        drift += p.number("drift_sigma") * rng.standard_normal(e.size)
        loss = p.number("headcount_loss") * shows[who] * strain(before[who, month])
        insured = np.maximum(
            1, rng.poisson(0.02, len(who)) + np.round(e.insured[who] * np.exp(drift[who] - loss))
        )
        due = np.round(insured * each[who], 2)
        odds = p.number("short_base") + p.number("short_tilt") * shows[who] * level[who, month] + habit[who]
        short = rng.random(len(who)) < sigmoid(odds)
        paid = np.where(short, np.round(due * rng.choice([0.0, 0.3, 0.6, 0.8], len(who)), 2), due)
        late = rng.random(len(who)) < sigmoid(
            p.number("late_base") + p.number("late_tilt") * shows[who] * level[who, month]
        )
        declared = (
            clock.month_day(np.array(month + 1))
            + rng.integers(2, 15, len(who))
            + late * rng.integers(5, 45, len(who))
        )
        rows: Rows = {
            "employer_id": world.employer_ids(who),
            "month": np.full(len(who), clock.month_number(np.array(month))),
            "declared_on": declared,
            "insured": insured.astype(np.int64),
            "due": due,
            "paid": paid,
        }
        sent = ~silent(rng, p, level[who, month])
        lag = post.lags(len(who))
        post.send(take(rows, sent), lag=lag[sent], corrected=("insured",))
        made_good = np.flatnonzero(sent & short & (rng.random(len(who)) < p.number("made_good")))
        rows["paid"] = due
        known = declared[made_good] + rng.integers(20, 100, len(made_good))
        post.send(take(rows, made_good), known_on=known, lag=lag[made_good] + 50, version=1)
    return post.close()


def send_tax(world: World) -> int:
    """Send what each employer declared as revenue, and what it paid of the tax on it."""
    post, p = world.post("tax"), world.leak("tax")
    rng, clock, e = post.rng, world.city.clock, world.city.employers
    level, shows = world.employer_level, world.response("tax", e.size)
    before = lagged(level, 2)
    base = e.insured * np.exp(rng.normal(np.log(38_000), 0.7, e.size))
    drift = np.zeros(e.size)
    habit = p.number("habit_sigma") * rng.standard_normal(e.size)
    subset = np.flatnonzero(rng.random(e.size) < p.number("coverage"))
    seasonal = np.array([1.0, 0.8, 1.0, 1.0, 1.0, 1.05, 0.97, 0.97, 1.05, 1.0, 1.05, 1.2])
    for month, who in Months(world, subset):
        drift = 0.9 * drift + p.number("drift_sigma") * rng.standard_normal(e.size)
        number = int(clock.month_number(np.array(month)))
        fall = p.number("revenue_loss") * shows[who] * strain(before[who, month])
        noise = p.number("revenue_sigma") * rng.standard_normal(len(who))
        revenue = np.round(base[who] * seasonal[number % 12] * np.exp(drift[who] - fall + noise), 2)
        due = np.round(revenue * 0.024, 2)
        odds = p.number("short_base") + p.number("short_tilt") * shows[who] * level[who, month] + habit[who]
        short = rng.random(len(who)) < sigmoid(odds)
        paid = np.where(short, np.round(due * rng.choice([0.0, 0.4, 0.7], len(who)), 2), due)
        late = rng.random(len(who)) < sigmoid(
            p.number("late_base") + p.number("late_tilt") * shows[who] * level[who, month]
        )
        declared = (
            clock.month_day(np.array(month + 1))
            + rng.integers(3, 18, len(who))
            + late * rng.integers(5, 50, len(who))
        )
        sent = ~silent(rng, p, level[who, month])
        rows: Rows = {
            "employer_id": world.employer_ids(who),
            "month": np.full(len(who), number),
            "declared_on": declared,
            "revenue": np.where(rng.random(len(who)) < 0.93, revenue, np.nan),
            "tax_due": due,
            "tax_paid": paid,
        }
        post.send(take(rows, sent), corrected=("revenue",))
    return post.close()


def send_credit(world: World) -> int:
    """Send the month-end state of those who borrow.

    An overdue loan stays overdue for a while and moves down the classes.
    """
    post, p = world.post("credit"), world.leak("credit")
    rng, clock, e = post.rng, world.city.clock, world.city.employers
    level, shows = world.employer_level, world.response("credit", e.size)
    before = lagged(level, 1)
    borrows = rng.random(e.size) < np.where(e.large, p.number("large_borrow"), p.number("small_borrow"))
    line = np.round(e.insured * np.exp(rng.normal(np.log(60_000), 0.9, e.size)), -3)
    use = np.clip(rng.normal(0.6, 0.2, e.size), 0.05, 1.0)
    overdue_days = np.zeros(e.size, dtype=np.int64)
    watched = np.zeros(e.size, dtype=np.bool_)
    guarantees = np.where(rng.random(e.size) < 0.12, line * rng.random(e.size) * 2, 0.0)
    for month in range(clock.grid_months):
        odds = p.number("overdue_base") + p.number("overdue_tilt") * shows * before[:, month]
        fresh = (overdue_days == 0) & (rng.random(e.size) < sigmoid(odds))
        cured = (overdue_days > 0) & (rng.random(e.size) < 0.30 / (1 + strain(level[:, month])))
        overdue_days = np.where(
            cured,
            0,
            np.where(overdue_days > 0, overdue_days + 30, np.where(fresh, rng.integers(1, 30, e.size), 0)),
        )
        watched = (watched & (rng.random(e.size) < 0.85)) | (rng.random(e.size) < 0.25 * sigmoid(odds))
        if month < clock.first_month:
            continue
        who = np.flatnonzero(borrows & world.employer_course.alive[:, month * STEPS + 2])
        days = overdue_days[who]
        balance = np.round(
            line[who]
            * np.clip(
                use[who] + 0.06 * shows[who] * level[who, month] + 0.04 * rng.standard_normal(len(who)),
                0,
                1.1,
            ),
            2,
        )
        grade = np.digitize(days, [30, 90, 180, 400])
        grade = np.maximum(grade, np.where(watched[who], 1, 0))
        as_of = clock.month_day(np.array(month + 1)) - 1
        partly = rng.random((3, len(who))) < 0.96
        post.send(
            {
                "employer_id": world.employer_ids(who),
                "month": np.full(len(who), clock.month_number(np.array(month))),
                "as_of": np.full(len(who), as_of),
                "credit_line": np.where(partly[0], line[who], np.nan),
                "loan_balance": balance,
                "overdue_amount": np.round(
                    np.where(days > 0, balance * np.minimum(0.04 + days / 600, 1.0), 0.0), 2
                ),
                "overdue_days": np.where(partly[1], days, MISSING),
                "classification": words(CLASSES, np.where(partly[2], grade, -1)),
                "guarantees_given": np.round(guarantees[who], 2),
            },
            corrected=("loan_balance",),
        )
    return post.close()


def look_alikes() -> Parameters:
    """Return the shares of harmless things that look like trouble."""
    return parameters().section("look_alikes")
