"""The probability of the label given the hidden state, which no model can beat.

On an as-of date D everything up to the last step before D is known, hidden or not: the levels, defaults
waiting to be reported, who is busy with an open case, the plans of projects and the policy of the season;
nothing of what chance does from D on. For a subject with a waiting default the probability that it opens
within the horizon follows from its age by recursion, exactly. For all others the expected number of cases is
a sum over the steps ahead

    m = sum_k E[hazard of step k | state] x P(the case opens within the horizon | default at step k)

in closed form, because the log hazard is linear in AR(1) parts with known moments. The hazard is itself
random given the state, so 1 - exp(-m) would be too high: p = E[1 - exp(-m Z)], where Z is the integrated
hazard over its mean. Since the hazard is exponential in the state, the law of Z does not depend on the
state; it is sampled once per kind and horizon, and p read from a table over m. Against forward simulation of
every subject this was chosen because it has no Monte Carlo noise in single rows, which would lower the
truth's own AUC. Left out: a second case after the next one within the same horizon, and the scars of
defaults still to come.
"""

import numpy as np

from anxin.simulation.arrays import Bools, Floats, Ints
from anxin.simulation.clock import STEPS, Clock, step_edges
from anxin.simulation.defaults import AHEAD, OLDEST, Course, Reporting, reporting
from anxin.simulation.parameters import parameters
from anxin.simulation.population import City
from anxin.simulation.stress import Shocks, Stress, own_law

HORIZONS = (30, 90, 180)
_AFTER_WAITING = 10
_PATHS = 20_000


class Outlook:
    """What is the same for all subjects of an as-of date.

    Weights of the steps ahead, and of waiting defaults.
    """

    def __init__(self, clock: Clock, ways: Reporting, edges: Ints, step: int) -> None:
        day, lengths = edges[step], np.diff(edges[step : step + AHEAD + 1])
        starts = edges[step : step + AHEAD]
        inside = np.array([(day + horizon - starts) / lengths for horizon in HORIZONS]).clip(0, 1)
        self.silent = inside * ways.season[step : step + AHEAD]
        self.fresh = np.zeros((len(HORIZONS), AHEAD))
        for ahead in range(AHEAD):
            left = 1.0
            for age in range(AHEAD - ahead):
                opens, ends = ways.ends(np.array(age), step + ahead + age)
                self.fresh[:, ahead] += left * float(opens) * inside[:, ahead + age]
                left *= 1 - float(opens) - float(ends)
        ages = np.arange(OLDEST + 1)
        self.waiting, survive = np.zeros((len(HORIZONS), OLDEST + 1)), np.ones(OLDEST + 1)
        for ahead in range(AHEAD):
            opens, ends = ways.ends(ages + 1 + ahead, step + ahead)
            self.waiting += survive * opens * inside[:, ahead][:, None]
            survive *= 1 - opens - ends


def employer_truth(rng: np.random.Generator, city: City, stress: Stress, course: Course) -> dict[int, Floats]:
    """Return for each as-of month index the probabilities `[horizon, employer]`."""
    p, slope = parameters().section("stress"), course.hazard.slope
    law = own_law(p)
    grouped = city.employers.group >= 0
    variance = p.number("common.sector_sigma") ** 2 + grouped * p.number("common.group_sigma") ** 2
    constant = course.hazard.log_base + slope * (city.employers.quality - law.mean)
    return _truth(rng, city, course, law, constant, [(slope, stress.own)], slope, stress.common, variance)


def project_truth(
    rng: np.random.Generator, city: City, stress: Stress, employers: Stress, course: Course
) -> dict[int, Floats]:
    """Return for each as-of month index the probabilities `[horizon, project]`."""
    p, projects, slope = parameters().section("stress"), city.projects, course.hazard.slope
    law, weights = own_law(p), p.section("project")
    own, owner, contractor = (weights.number(name) for name in ("own", "owner", "contractor"))
    payers = ((owner, projects.owner), (contractor, projects.contractor))
    constant = course.hazard.log_base + slope * (projects.quality - own * law.mean)
    variance = np.zeros(projects.size)
    common = np.zeros((projects.size, city.clock.steps), dtype=np.float32)
    for weight, index in payers:
        constant = constant + slope * weight * (city.employers.quality[index] - law.mean)
        common += weight * employers.common[index]
        grouped = city.employers.group[index] >= 0
        variance += weight**2 * (
            p.number("common.sector_sigma") ** 2 + grouped * p.number("common.group_sigma") ** 2
        )
    parts = [(slope * own, stress.own)]
    parts += [(slope * weight, employers.own[index]) for weight, index in payers]
    return _truth(rng, city, course, law, constant, parts, slope, common, variance)


def _truth(
    rng: np.random.Generator,
    city: City,
    course: Course,
    law: Shocks,
    constant: Floats,
    parts: list[tuple[float, Floats]],
    slope: float,
    common: Floats,
    variance: Floats,
) -> dict[int, Floats]:
    clock = city.clock
    ways, edges = reporting(clock), step_edges(clock, clock.steps + AHEAD + 1)
    decay = parameters().number("stress.common.decay")
    ahead = np.arange(1, AHEAD + 1)
    own_decay, common_decay = law.decay**ahead, decay**ahead
    drift = np.sum([law.log_moment(part_slope, AHEAD) for part_slope, _ in parts], axis=0)
    spread = slope**2 / 2 * variance[:, None] * (1 - common_decay**2)[None, :]
    middle = Outlook(clock, ways, edges, (clock.first_month + clock.months // 2) * STEPS)
    saturation = Saturation(
        rng, law, [s for s, _ in parts], slope, float(variance.mean()), decay, middle.fresh
    )
    verified = parameters().number("hazard.verified_share")
    told: dict[int, Floats] = {}
    for month in range(clock.first_month, clock.grid_months):
        step = month * STEPS
        outlook = Outlook(clock, ways, edges, step)
        log_rate = constant[:, None] + drift[None, :] + spread
        for part_slope, own in parts:
            log_rate += part_slope * own[:, step - 1].astype(np.float64)[:, None] * own_decay
        log_rate += slope * common[:, step - 1].astype(np.float64)[:, None] * common_decay
        busy = course.busy_until[:, step - 1].astype(np.int64)
        # A waiting default that ends without a case leaves room for another only some steps later.
        waiting = course.age[:, step - 1] >= 0
        room = np.where(waiting, step + _AFTER_WAITING, busy)
        free = course.alive[:, step : step + AHEAD] & (room[:, None] <= step + np.arange(AHEAD))
        rate = np.exp(np.minimum(log_rate, 3.0)) * course.hazard.season[step : step + AHEAD] * free
        told[month] = _probabilities(course, outlook, rate, free, saturation, verified, step)
    return told


def _probabilities(
    course: Course,
    outlook: Outlook,
    rate: Floats,
    free: Bools,
    saturation: "Saturation",
    verified: float,
    step: int,
) -> Floats:
    """Return `[horizon, subject]` on the date at the edge of a step."""
    fresh = saturation.probabilities(verified * (outlook.fresh @ rate.T))
    silent = (outlook.silent @ free.T) * course.hazard.silent
    age = course.age[:, step - 1].astype(np.int64)
    waiting = np.where(age >= 0, verified * outlook.waiting[:, np.clip(age, 0, OLDEST)], 0.0)
    told = 1 - (1 - waiting) * (1 - fresh) * np.exp(-silent)
    wrong = parameters().number("noise.wrong_link")
    return np.asarray((1 - wrong) * told + wrong * told.mean(axis=1, keepdims=True))


class Saturation:
    """The probability of a case as a function of the expected number of cases, for each horizon."""

    def __init__(
        self,
        rng: np.random.Generator,
        law: Shocks,
        slopes: list[float],
        slope: float,
        variance: float,
        decay: float,
        weights: Floats,
    ) -> None:
        log_rate = np.zeros((_PATHS, AHEAD))
        for part in slopes:
            log_rate += part * law.path(rng, np.zeros(_PATHS), AHEAD).astype(np.float64)
        noise = np.zeros(_PATHS)
        for step in range(AHEAD):
            noise = decay * noise + np.sqrt(variance * (1 - decay**2)) * rng.standard_normal(_PATHS)
            log_rate[:, step] += slope * noise
        sums = np.exp(log_rate) @ weights.T
        relative = sums / sums.mean(axis=0)
        self.log_means = np.linspace(np.log(1e-7), np.log(50.0), 120)
        self.tables = np.array(
            [
                [float(-np.expm1(-mean * relative[:, h]).mean()) for mean in np.exp(self.log_means)]
                for h in range(len(HORIZONS))
            ]
        )

    def probabilities(self, means: Floats) -> Floats:
        """Return the probabilities `[horizon, subject]` of expected numbers of the same shape."""
        logs = np.log(np.maximum(means, 1e-12))
        read = [np.interp(log, self.log_means, table) for log, table in zip(logs, self.tables, strict=True)]
        return np.where(means < 1e-7, means, np.array(read))
