"""Each default in days and people: what the feeds about cases, complaints, hazards and pay must agree on."""

from dataclasses import dataclass, fields
from typing import Self

import numpy as np

from anxin.simulation.arrays import MISSING, Bools, Floats, Ints, choose, later, or_missing, spread
from anxin.simulation.defaults import LARGE, PROJECT, SMALL, Course
from anxin.simulation.parameters import parameters
from anxin.simulation.world import World

SOURCES = ("complaint", "inspection", "warning", "transfer")
NO_SOURCE = -1


@dataclass(frozen=True)
class Affairs:
    """Defaults by index; `project` is -1 for an employer's own, `employer` is who owes the wages.

    `ended` is the day a default that no case follows is over; `hazard` and `complaint` are the first of
    each, if any.
    """

    project: Ints
    employer: Ints
    silent: Bools
    default: Ints
    arrears_month: Ints
    opened: Ints
    ended: Ints
    verified: Bools
    verified_on: Ints
    closed: Ints
    source: Ints
    workers: Ints
    amount: Floats
    complaint: Ints
    hazard: Ints
    averted: Bools

    def take(self, index: Ints | Bools) -> Self:
        """Return the affairs of an index or mask."""
        return type(self)(**{f.name: getattr(self, f.name)[index] for f in fields(self)})

    @property
    def size(self) -> int:
        """How many."""
        return len(self.project)

    @property
    def is_case(self) -> Bools:
        """Those that opened a case."""
        return np.asarray(self.opened != MISSING)

    @property
    def over(self) -> Ints:
        """The day from which wages are paid again, or MISSING if not within the period."""
        return np.where(self.is_case, self.closed, self.ended)


def make_affairs(world: World) -> Affairs:
    """Return all defaults of the period, employers' first.

    With the cases that turn out unfounded without one.
    """
    rng = world.shared("affairs")
    parts = [
        _of_course(rng, world, world.employer_course, is_project=False),
        _of_course(rng, world, world.project_course, is_project=True),
        _unfounded(rng, world, is_project=False),
        _unfounded(rng, world, is_project=True),
    ]
    return Affairs(
        **{f.name: np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Affairs)}
    )


def _of_course(rng: np.random.Generator, world: World, course: Course, is_project: bool) -> Affairs:
    p, episodes, clock = parameters().section("affairs"), course.episodes, world.city.clock
    n = len(episodes.subject)
    default = _day_in_step(rng, world, episodes.step)
    opened = _day_in_step(rng, world, episodes.opened)
    ended = _day_in_step(rng, world, episodes.quiet)
    is_case = episodes.opened >= 0
    verified = is_case & (episodes.silent | (rng.random(n) < parameters().number("hazard.verified_share")))
    source = np.where(is_case, choose(rng, list(p.table("source").values()), n), NO_SOURCE)
    source = np.where(episodes.silent, SOURCES.index("inspection"), source)
    told = np.where(
        source == 0, 1.0, np.where(is_case, p.number("complaint_before_other"), p.number("complaint_quiet"))
    )
    limit = np.where(is_case, opened, np.where(episodes.quiet >= 0, ended, clock.cut))
    complaint = np.maximum(limit - later(rng, p.number("complaint_before_case_days"), 0.8, n), default + 3)
    complaint = or_missing(
        np.minimum(complaint, limit), (rng.random(n) < told) & ~episodes.silent & (limit < clock.cut)
    )
    known = np.where(is_case, p.number("hazard_before_case"), p.number("hazard_quiet"))
    hazard = np.maximum(limit - later(rng, 9.0, 0.7, n), default + 2)
    has_hazard = (rng.random(n) < known) & ~episodes.silent & (hazard < limit) & (limit < clock.cut)
    workers, amount = _severity(rng, course.hazard.class_of[episodes.subject], world, episodes.subject)
    employer, project = _whose(rng, world, episodes.subject, default, is_project)
    back = choose(rng, p.numbers("months_unpaid"), n)
    verified_on = or_missing(opened + 1 + later(rng, p.number("verify_days"), 0.6, n), is_case)
    return Affairs(
        project=project,
        employer=employer,
        silent=episodes.silent,
        default=default,
        arrears_month=clock.month_of(default) - 1 - back,
        opened=opened,
        ended=ended,
        verified=verified,
        verified_on=verified_on,
        closed=or_missing(verified_on + 1 + later(rng, p.number("settle_days"), 0.8, n), is_case),
        source=source,
        workers=workers,
        amount=amount,
        complaint=complaint,
        hazard=or_missing(hazard, has_hazard),
        averted=~is_case & has_hazard & (rng.random(n) < p.number("averted_share")),
    )


def _unfounded(rng: np.random.Generator, world: World, is_project: bool) -> Affairs:
    """Return cases that were opened though nothing was owed."""
    p, clock = parameters().section("affairs"), world.city.clock
    n = world.scaled(p.number("unfounded_per_month") * (0.25 if is_project else 0.75))
    subject, opened = world.draw_subjects(rng, "project" if is_project else "employer", n, 0.4, 0.3)
    employer, project = _whose(rng, world, subject, opened, is_project)
    classes = (
        np.full(n, PROJECT) if is_project else np.where(world.city.employers.large[subject], LARGE, SMALL)
    )
    workers, amount = _severity(rng, classes, world, subject)
    verified_on = opened + 1 + later(rng, p.number("verify_days"), 0.6, n)
    none, no = np.full(n, MISSING), np.zeros(n, dtype=np.bool_)
    return Affairs(
        project=project,
        employer=employer,
        silent=~no,
        default=opened,
        arrears_month=clock.month_of(opened) - 1,
        opened=opened,
        ended=none,
        verified=no,
        verified_on=verified_on,
        closed=verified_on + 1,
        source=choose(rng, list(p.table("source").values()), n),
        workers=workers,
        amount=amount,
        complaint=np.where(rng.random(n) < 0.6, opened - later(rng, 6.0, 0.7, n), MISSING),
        hazard=none,
        averted=no,
    )


def _day_in_step(rng: np.random.Generator, world: World, step: Ints) -> Ints:
    edges = world.city.clock.step_starts
    start, end = edges[np.maximum(step, 0)], edges[np.maximum(step, 0) + 1]
    return or_missing(start + (rng.random(len(step)) * (end - start)).astype(np.int64), step >= 0)


def _severity(rng: np.random.Generator, classes: Ints, world: World, subject: Ints) -> tuple[Ints, Floats]:
    p = parameters().section("affairs")
    n = len(classes)
    median = np.array([p.number(f"workers_median.{name}") for name in ("small", "large", "project")])[classes]
    is_project = classes == PROJECT
    crew = world.city.projects.workers[np.where(is_project, subject, 0)]
    staff = 2 + 1.5 * world.city.employers.insured[np.where(is_project, 0, subject)]
    workers = np.minimum(
        np.ceil(spread(rng, median, p.number("workers_sigma"), n)), np.where(is_project, crew, staff)
    )
    each = spread(rng, p.number("yuan_per_worker_median"), p.number("yuan_per_worker_sigma"), n)
    workers = np.maximum(workers, 1)
    return workers.astype(np.int64), np.round(workers * each, 2)


def _whose(
    rng: np.random.Generator, world: World, subject: Ints, days: Ints, is_project: bool
) -> tuple[Ints, Ints]:
    """Return the employer who owes and the project.

    On a site mostly a subcontractor, for whom the contractor answers.
    """
    if not is_project:
        return subject, np.full(len(subject), -1)
    parts = world.city.participations
    crews = parts.crews()
    order = crews[np.argsort(parts.project[crews], kind="stable")]
    first = np.searchsorted(parts.project[order], np.arange(world.city.projects.size))
    number = np.append(first[1:], len(order)) - first
    chosen = order[
        (first[subject] + (rng.random(len(subject)) * number[subject]).astype(np.int64)).clip(
            0, len(order) - 1
        )
    ]
    on_site = (parts.start[chosen] <= days) & (parts.end[chosen] > days - 60)
    return np.where(on_site, parts.employer[chosen], world.city.projects.contractor[subject]), subject
