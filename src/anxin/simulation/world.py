"""The city and all that is hidden in it, as the feeds' modules read it."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from anxin.simulation.arrays import Floats, Ints, Words, choose, words
from anxin.simulation.clock import STEPS
from anxin.simulation.defaults import Course
from anxin.simulation.parameters import Parameters, parameters
from anxin.simulation.population import City
from anxin.simulation.stress import Stress, monthly
from anxin.simulation.writing import Post, stream


@dataclass
class World:
    """The city, its hidden state, what happened, and where it is written."""

    city: City
    employer_stress: Stress
    project_stress: Stress
    employer_course: Course
    project_course: Course
    out: Path
    seed: int
    employer_shown: Floats = field(init=False)
    project_shown: Floats = field(init=False)
    employer_level: Floats = field(init=False)
    project_level: Floats = field(init=False)

    def __post_init__(self) -> None:
        # Who owes wages owes others too: what the feeds show is the level and, while a default waits, some
        # more.
        more = parameters().number("leaks.default_shows")
        self.employer_shown = self.employer_stress.level + np.float32(more) * (self.employer_course.age >= 0)
        self.project_shown = self.project_stress.level + np.float32(more) * (self.project_course.age >= 0)
        self.employer_level = monthly(self.employer_shown)
        self.project_level = monthly(self.project_shown)

    def post(self, feed: str) -> Post:
        """Return the way to send rows of a feed, with that feed's own generator."""
        return Post(self.out, feed, self.city.clock, stream(self.seed, feed))

    def shared(self, name: str) -> np.random.Generator:
        """Return a generator for facts that several feeds must agree on; the same draws at every call."""
        return stream(self.seed, f"shared {name}")

    def response(self, channel: str, size: int) -> Floats:
        """Return how strongly each subject shows its stress in a channel; some do not show it at all."""
        rng = self.shared(f"response {channel}")
        p = self.leak(channel)
        shows = rng.random(size) < p.number("shows")
        return np.asarray(np.where(shows, np.exp(0.35 * rng.standard_normal(size)), 0.1))

    def leak(self, channel: str) -> Parameters:
        """Return the strengths of a channel."""
        return parameters().section("leaks").section(channel)

    def employer_ids(self, index: Ints) -> Words:
        """Return the ids of employers, none for -1."""
        return Words(np.asarray(index), self._employer_ids)

    def project_ids(self, index: Ints) -> Words:
        """Return the ids of projects, none for -1."""
        return Words(np.asarray(index), self._project_ids)

    @property
    def _employer_ids(self) -> Ints:
        return self._cached("_e", self.city.employers.ids)

    @property
    def _project_ids(self) -> Ints:
        return self._cached("_p", self.city.projects.ids)

    def _cached(self, name: str, ids: list[str]) -> Ints:
        # One array object for all calls: stacking words recognises it.
        if name not in self.__dict__:
            self.__dict__[name] = np.array(ids, dtype=object)
        found: Ints = self.__dict__[name]
        return found

    def level_on(self, kind: str, subject: Ints, days: Ints) -> Floats:
        """Return the level that subjects show on days."""
        shown = self.employer_shown if kind == "employer" else self.project_shown
        return np.asarray(shown[subject, self.city.clock.step_of(days)])

    def random_days(self, rng: np.random.Generator, size: int) -> Ints:
        """Return days of the delivered period, all equally likely."""
        return rng.integers(self.city.clock.first_day, self.city.clock.cut, size)

    def draw_subjects(
        self, rng: np.random.Generator, kind: str, size: int, tilt: float, by_size: float = 0.0
    ) -> tuple[Ints, Ints]:
        """Return subjects and days at which something happens to them, `exp(tilt x level)` times as often.

        Months are drawn first, then subjects alive in the month, by size to a power and by level.
        """
        clock = self.city.clock
        if kind == "employer":
            level, alive, weight = (
                self.employer_level,
                self.employer_course.alive,
                self.city.employers.insured,
            )
        else:
            level, alive, weight = self.project_level, self.project_course.alive, self.city.projects.workers
        months = rng.integers(clock.first_month, clock.grid_months, size)
        subject = np.empty(size, dtype=np.int64)
        for month in np.unique(months):
            rows = np.flatnonzero(months == month)
            weights = np.exp(np.minimum(tilt * level[:, month], 6.0)) * weight**by_size
            weights = weights * alive[:, month * STEPS + 2]
            if weights.sum() > 0:
                subject[rows] = choose(rng, weights, len(rows))
            else:
                subject[rows] = rng.integers(0, len(weights), len(rows))
        start = clock.month_starts[months]
        days = start + (rng.random(size) * (clock.month_starts[months + 1] - start)).astype(np.int64)
        return subject, days

    def mislink(self, rng: np.random.Generator, subject: Ints, number: int) -> Ints:
        """Return the subjects with a few replaced by others.

        What is matched by name is sometimes matched wrong.
        """
        wrong = rng.random(len(subject)) < parameters().number("noise.wrong_link")
        return np.where(wrong & (subject >= 0), rng.integers(0, number, len(subject)), subject)

    def scaled(self, per_month: float) -> int:
        """Return how many of something happen in the period.

        From its monthly number in a city of scale 0.1.
        """
        return round(per_month * self.city.scale * 10 * self.city.clock.months)


def constant(word: str, size: int) -> Words:
    """Return the same word for all rows."""
    return words([word], np.zeros(size, dtype=np.int64))
