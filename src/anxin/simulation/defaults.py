"""From the hidden state to wages not paid, and from there to a case, or to a quiet end.

Each step an employer or project that owes nothing may default with hazard exp(intercept + slope x level) x
season. A default waits to be reported: it opens a case with a hazard of its age x the report season, or ends
quietly (paid, averted, never told). Some cases come with no sign before: their hazard is the same for all of
a class, at all levels, and they open at once. After a case a subject is busy for a while: what follows joins
what is open.
"""

from dataclasses import dataclass
from math import erf, sqrt

import numpy as np

from anxin.simulation.arrays import Bools, Floats, Ints
from anxin.simulation.clock import STEPS, Clock, default_season, report_season
from anxin.simulation.parameters import Parameters, parameters
from anxin.simulation.population import City
from anxin.simulation.stress import Stress

OLDEST = 45
"""Steps after which nobody reports a default any more."""
AHEAD = 26
"""Steps that cover the longest horizon of 180 days."""
SMALL, LARGE, PROJECT = range(3)


@dataclass(frozen=True)
class Reporting:
    """How defaults come to light.

    Hazards per step by age in steps, and the season per step of the grid and beyond.
    """

    opening: Floats
    quiet: Floats
    season: Floats

    def ends(self, age: Ints, step: int) -> tuple[Floats, Floats]:
        """Return the probabilities that a default of that age opens a case, or ends quietly.

        Within the step.
        """
        opening = self.opening[age] * self.season[step]
        total = opening + self.quiet[age]
        ending = 1 - np.exp(-total)
        return ending * opening / total, ending * self.quiet[age] / total


@dataclass(frozen=True)
class Hazard:
    """The hazard of default.

    `log_base` per subject and `slope` on the level; `silent` per subject and step.
    """

    log_base: Floats
    slope: float
    season: Floats
    silent: Floats
    class_of: Ints


@dataclass(frozen=True)
class Episodes:
    """Defaults: who, when, and how each ended; `opened` and `quiet` are steps, -1 for neither."""

    subject: Ints
    step: Ints
    silent: Bools
    opened: Ints
    quiet: Ints


@dataclass(frozen=True)
class Course:
    """What happened.

    The episodes, and after each step the age of an open default (-1 none) and the busy time.
    """

    episodes: Episodes
    age: Ints
    busy_until: Ints
    hazard: Hazard
    alive: Bools


def reporting(clock: Clock) -> Reporting:
    """Return how defaults come to light in the simulated period."""
    p = parameters().section("reporting")
    edges = (np.arange(OLDEST + AHEAD + 2) * 7.6) / p.number("median_days")
    scores = np.log(np.maximum(edges, 1e-9)) / p.number("sigma")
    alive = np.array([0.5 - 0.5 * erf(float(score) / sqrt(2)) for score in scores])
    opening = -np.log(alive[1:] / alive[:-1])
    quiet = np.full(len(opening), p.number("quiet_per_step"))
    quiet[OLDEST:] = 50.0
    return Reporting(opening, quiet, report_season(clock, clock.steps + AHEAD + 1))


def unfold(
    rng: np.random.Generator, city: City, stress: Stress, classes: Ints, relative: Floats, alive: Bools
) -> Course:
    """Return what happens to all employers or all projects; their own defaults leave a scar in `stress`.

    `classes` says whose base rate holds, `relative` is a factor on it, `alive` covers the grid and `AHEAD`
    steps. The intercepts are set so that the expected number of verified cases meets the base rates of the
    parameters.
    """
    p = parameters().section("hazard")
    steps, ways = city.clock.steps, reporting(city.clock)
    season = default_season(city.clock, steps + AHEAD + 1)
    hazard = _hazard(p, stress, classes, relative, alive[:, :steps], season, ways)
    n = len(classes)
    age, busy, scar = np.full(n, -1), np.zeros(n, dtype=np.int64), np.zeros(n)
    current = np.full(n, -1)
    ages, busies = np.empty((n, steps), dtype=np.int16), np.empty((n, steps), dtype=np.int16)
    record: list[tuple[Ints, int, bool]] = []
    opened: list[Ints] = []
    quiet: list[Ints] = []
    made = 0
    fate_open = np.full(0, -1)
    decay, scar_size = parameters().number("stress.own.decay"), p.number("scar")
    own_weight = parameters().number("stress.project.own") if classes[0] == PROJECT else 1.0
    after_case, after_quiet = int(p.number("busy_after_case")), int(p.number("busy_after_quiet"))
    for step in range(steps):
        stress.own[:, step] += scar
        stress.level[:, step] += own_weight * scar
        free = (age < 0) & (busy <= step) & alive[:, step]
        rate = np.exp(hazard.log_base + hazard.slope * stress.level[:, step]) * season[step]
        fresh = free & (rng.random(n) < -np.expm1(-rate))
        silent = free & ~fresh & (rng.random(n) < hazard.silent * ways.season[step])
        age = np.where(age >= 0, age + 1, np.where(fresh, 0, -1))
        who = np.flatnonzero(fresh)
        current[who] = made + np.arange(len(who))
        record.append((who, step, False))
        made += len(who)
        waiting = np.flatnonzero(age >= 0)
        opens, ends = ways.ends(age[waiting], step)
        draw = rng.random(len(waiting))
        opened_now, quiet_now = waiting[draw < opens], waiting[(draw >= opens) & (draw < opens + ends)]
        opened.append(np.stack([current[opened_now], np.full(len(opened_now), step)]))
        quiet.append(np.stack([current[quiet_now], np.full(len(quiet_now), step)]))
        age[opened_now] = age[quiet_now] = -1
        busy[opened_now], busy[quiet_now] = step + after_case, step + after_quiet
        who = np.flatnonzero(silent)
        record.append((who, step, True))
        opened.append(np.stack([made + np.arange(len(who)), np.full(len(who), step)]))
        made += len(who)
        busy[who] = step + after_case
        ages[:, step], busies[:, step] = age, busy
        scar *= decay
        scar[fresh] += scar_size
    fate_open, fate_quiet = np.full(made, -1), np.full(made, -1)
    for fates, parts in ((fate_open, opened), (fate_quiet, quiet)):
        which, when = np.concatenate(parts, axis=1)
        fates[which] = when
    episodes = Episodes(
        subject=np.concatenate([who for who, _, _ in record]),
        step=np.concatenate([np.full(len(who), step) for who, step, _ in record]),
        silent=np.concatenate([np.full(len(who), silent) for who, _, silent in record]),
        opened=fate_open,
        quiet=fate_quiet,
    )
    return Course(episodes, ages, busies, hazard, alive)


def _hazard(
    p: Parameters,
    stress: Stress,
    classes: Ints,
    relative: Floats,
    alive: Bools,
    season: Floats,
    ways: Reporting,
) -> Hazard:
    """Return the hazard whose expected cases meet the base rates.

    The time a default keeps a subject busy included.
    """
    slope, verified = p.number("slope"), p.number("verified_share")
    share, steps = p.number("no_sign_share"), alive.shape[1]
    opening = _share_opened(ways)
    mean_season = float(ways.season[:steps].mean())
    targets = np.array([p.number(f"monthly_rate.{name}") for name in ("small", "large", "project")])
    log_base, silent = np.log(relative), np.zeros(len(classes))
    for kind in np.unique(classes):
        rows = np.flatnonzero(classes == kind)
        rate = np.exp(np.clip(slope * stress.level[rows] + log_base[rows][:, None], -30, 6)) * season[:steps]
        wanted = targets[kind] * (1 - share) * (1 - p.number("scar_share")) / STEPS / verified / opening
        intercept = np.log(wanted)
        for _ in range(30):
            busy = rate * np.exp(intercept)
            expected = float(
                (-np.expm1(-busy) / (1 + busy * p.number("mean_busy_steps")))[alive[rows]].mean()
            )
            intercept += np.log(wanted / expected)
        log_base[rows] += intercept
        silent[rows] = targets[kind] * share / STEPS / mean_season
    return Hazard(log_base, slope, season, silent, classes)


def _share_opened(ways: Reporting) -> float:
    """Return the share of defaults that ever open a case, in a season of one."""
    flat = Reporting(ways.opening, ways.quiet, np.ones(1))
    left, share = 1.0, 0.0
    for age in range(OLDEST + 1):
        opens, ends = flat.ends(np.array(age), 0)
        share += left * float(opens)
        left *= 1 - float(opens) - float(ends)
    return share
