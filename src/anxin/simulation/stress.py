"""The hidden state: how close each employer and project is to not paying.

    level(employer) = quality + own + common        own: AR(1) with Gaussian noise and rare upward shocks
    level(project)  = quality + w1 own + w2 level(owner) + w3 level(contractor)

`common` is what an employer shares: the cycle of its industry and the fortune of its group. All `own` parts
have one decay and all `common` parts another, so the expected hazard some steps ahead is known in closed
form; see `truth`.
"""

from dataclasses import dataclass

import numpy as np

from anxin.simulation.arrays import Floats
from anxin.simulation.clock import STEPS
from anxin.simulation.parameters import Parameters, parameters
from anxin.simulation.population import City, Employers


@dataclass(frozen=True)
class Shocks:
    """The law of `own`: x' = decay x + N(0, sigma) + jump; a jump comes with `jump_rate`, uniform in size."""

    decay: float
    sigma: float
    jump_rate: float
    jump_low: float
    jump_high: float

    @property
    def mean(self) -> float:
        """The stationary mean, which the jumps lift above zero."""
        return self.jump_rate * (self.jump_low + self.jump_high) / 2 / (1 - self.decay)

    def log_moment(self, slope: float, steps: int) -> Floats:
        """Return log E exp(slope (x_k - decay^k x_0)) for k = 1 … steps."""
        weights = slope * self.decay ** np.arange(steps)
        width = self.jump_high - self.jump_low
        jump = (np.exp(weights * self.jump_high) - np.exp(weights * self.jump_low)) / (weights * width)
        each = (weights * self.sigma) ** 2 / 2 + np.log1p(self.jump_rate * (jump - 1))
        return np.asarray(np.cumsum(each))

    def path(self, rng: np.random.Generator, start: Floats, steps: int) -> Floats:
        """Return paths (one row for each start) of `steps` steps after it."""
        state = start.astype(np.float64)
        path = np.empty((len(start), steps), dtype=np.float32)
        for step in range(steps):
            jump = rng.random(len(start)) < self.jump_rate
            size = self.jump_low + (self.jump_high - self.jump_low) * rng.random(len(start))
            state = self.decay * state + self.sigma * rng.standard_normal(len(start)) + jump * size
            path[:, step] = state
        return path


@dataclass(frozen=True)
class Shared:
    """The law of one shared part: a stationary Gaussian AR(1)."""

    decay: float
    sigma: float

    def path(self, rng: np.random.Generator, rows: int, steps: int) -> Floats:
        """Return stationary paths."""
        noise = rng.standard_normal((rows, steps)).astype(np.float32)
        noise[:, 0] *= self.sigma
        for step in range(1, steps):
            noise[:, step] *= self.sigma * np.sqrt(1 - self.decay**2)
            noise[:, step] += self.decay * noise[:, step - 1]
        return noise


@dataclass
class Stress:
    """The hidden state of all employers or all projects, `[subject, step]`.

    `own` is kept apart for the truth.
    """

    level: Floats
    own: Floats
    common: Floats


def own_law(p: Parameters) -> Shocks:
    """Return the law of the own part from the section ``stress``."""
    own = p.section("own")
    decay = own.number("decay")
    sigma = own.number("sigma") * np.sqrt(1 - decay**2)
    return Shocks(
        decay, float(sigma), own.number("jump_rate"), own.number("jump_low"), own.number("jump_high")
    )


def employer_stress(rng: np.random.Generator, city: City) -> Stress:
    """Return the hidden state of the employers, before what their own defaults add to it."""
    p = parameters().section("stress")
    law, employers, steps = own_law(p), city.employers, city.clock.steps
    run_in = law.path(rng, np.zeros(employers.size), 6 * STEPS)[:, -1]
    own = law.path(
        rng, run_in + law.sigma / np.sqrt(1 - law.decay**2) * rng.standard_normal(employers.size) * 0.3, steps
    )
    common = _common(rng, p, employers, steps)
    level = own + common
    level += (employers.quality - law.mean).astype(np.float32)[:, None]
    return Stress(level, own, common)


def _common(rng: np.random.Generator, p: Parameters, employers: Employers, steps: int) -> Floats:
    decay = p.number("common.decay")
    sectors = Shared(decay, p.number("common.sector_sigma")).path(rng, len(employers.sections), steps)
    groups = Shared(decay, p.number("common.group_sigma")).path(
        rng, int(employers.group.max(initial=0)) + 1, steps
    )
    common = sectors[employers.section]
    members = np.flatnonzero(employers.group >= 0)
    common[members] += groups[employers.group[members]]
    return common


def project_stress(rng: np.random.Generator, city: City, employers: Stress) -> Stress:
    """Return the hidden state of the projects.

    Given that of the employers who pay for them and build them.
    """
    p = parameters().section("stress")
    law, projects, steps = own_law(p), city.projects, city.clock.steps
    own = law.path(rng, law.path(rng, np.zeros(projects.size), 6 * STEPS)[:, -1], steps)
    weights = p.section("project")
    common = weights.number("owner") * employers.level[projects.owner]
    common += weights.number("contractor") * employers.level[projects.contractor]
    level = weights.number("own") * (own - law.mean) + common
    level += projects.quality[:, None]
    return Stress(level.astype(np.float32), own, common.astype(np.float32))


def monthly(level: Floats) -> Floats:
    """Return the mean of the steps of each month, `[subject, month]`."""
    return np.asarray(level.reshape(len(level), -1, STEPS).mean(axis=2))


def lagged(months: Floats, by: int) -> Floats:
    """Return the months before, the first one repeated."""
    return np.concatenate([np.repeat(months[:, :1], by, axis=1), months[:, : months.shape[1] - by]], axis=1)
