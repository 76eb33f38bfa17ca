"""What those who go there find.

Inspections, hazards of arrears, and the small legacy flow of dispatched warnings.
"""

import numpy as np

from anxin.simulation.affairs import SOURCES, Affairs
from anxin.simulation.arrays import MISSING, Ints, Rows, choose, later, or_missing, stack, take, words
from anxin.simulation.clock import in_campaign
from anxin.simulation.codes import serials
from anxin.simulation.parameters import parameters
from anxin.simulation.world import World

_REASONS = ("routine", "complaint", "warning", "random", "campaign")
_FINDINGS = ("none", "system_gap", "hazard", "arrears")
_MANNERS = ("check", "visit", "written")
_HAZARDS = ("unpaid", "funding", "regime", "contracting", "upload", "other")
_RESOLUTIONS = ("averted", "paid", "became_case", "unfounded")
_OUTCOMES = (
    "arrears_settled", "arrears_settling", "averted", "regime_fixed", "unfounded", "unreachable",
    "contract_dispute", "referred", "duplicate", "stopped",
)  # fmt: skip


class Warnings:
    """The warnings of the legacy flow, drawn once for the feeds that speak of them."""

    def __init__(self, world: World, affairs: Affairs) -> None:
        rng, p, clock = world.shared("warnings"), parameters().section("warnings"), world.city.clock
        n = world.scaled(p.number("per_month") / 2)
        employer, first = world.draw_subjects(rng, "employer", n, p.number("tilt"), 0.2)
        project, second = world.draw_subjects(rng, "project", n, p.number("tilt"), 0.2)
        warned = affairs.averted & (rng.random(affairs.size) < p.number("averted_share"))
        warned |= (affairs.source == SOURCES.index("warning")) & ~affairs.silent & (affairs.opened != MISSING)
        index = np.flatnonzero(warned)
        limit = np.where(affairs.is_case, affairs.opened, affairs.hazard)[index]
        none = np.full(n, -1)
        self.employer = np.concatenate([employer, none, affairs.employer[index]])
        self.project = np.concatenate([none, project, affairs.project[index]])
        self.affair = np.concatenate([none, none, index])
        self.sent = np.concatenate(
            [first, second, np.maximum(limit - rng.integers(2, 20, len(index)), affairs.default[index])]
        )
        self.visited = self.sent + 2 + later(rng, 3.0, 0.7, len(self.sent))
        # The flow began a year into the period, and does not speak of what came before.
        kept = (
            self.sent >= clock.month_starts[min(clock.first_month + clock.months // 3, clock.grid_months - 1)]
        )
        for name in ("employer", "project", "affair", "sent", "visited"):
            setattr(self, name, getattr(self, name)[kept])
        self.ids = serials("YJ", len(self.sent))
        self.averted = (self.affair >= 0) & affairs.averted[self.affair]
        self.arrears = (self.affair >= 0) & affairs.verified[self.affair]


def send_inspections(world: World, affairs: Affairs) -> int:
    """Send inspections: most find nothing, some find what a default left, more in the campaign winter."""
    post = world.post("inspections")
    rng, p, clock = post.rng, parameters().section("inspections"), world.city.clock
    parts = []
    for kind in ("employer", "project"):
        n = world.scaled(p.number(f"per_month.{kind}") * 2.5)
        subject, days = world.draw_subjects(rng, kind, n, p.number("tilt"), 0.4)
        campaign = in_campaign(clock, days)
        factor = np.where(campaign, parameters().number("season.campaign.inspection_factor"), 1.0)
        kept = rng.random(n) < factor / 2.5
        subject, days, campaign = subject[kept], days[kept], campaign[kept]
        n = len(subject)
        level = world.level_on(kind, subject, days)
        odds = np.exp(p.number("finding_tilt") * level) * np.where(campaign, 1.6, 1.0)
        draw = rng.random(n) / np.minimum(odds, 6.0)
        finding = np.where(draw < p.number("hazard_share"), 2, np.where(draw < p.number("gap_share"), 1, 0))
        reason = np.where(campaign & (rng.random(n) < 0.7), 4, np.where(rng.random(n) < 0.35, 3, 0))
        employer = subject if kind == "employer" else world.city.projects.contractor[subject]
        project = np.full(n, -1) if kind == "employer" else subject
        parts.append(_inspections(world, employer, project, days, reason, finding, np.full(n, -1)))
    found = affairs.take(
        (affairs.source == SOURCES.index("inspection")) & (affairs.opened >= clock.first_day)
    )
    day = found.opened - np.where(found.silent, 0, rng.integers(0, 6, found.size))
    reason = choose(rng, [0.5, 0.0, 0.0, 0.3, 0.2], found.size)
    parts.append(
        _inspections(
            world,
            found.employer,
            found.project,
            day,
            reason,
            np.where(found.verified, 3, 1),
            np.full(found.size, -1),
        )
    )
    told = affairs.take(affairs.complaint != MISSING)
    told = told.take(rng.random(told.size) < p.number("after_complaint"))
    day = told.complaint + 1 + later(rng, 4.0, 0.6, told.size)
    finding = np.where(
        told.verified, choose(rng, [0.1, 0.1, 0.2, 0.6], told.size), choose(rng, [0.5, 0.2, 0.3], told.size)
    )
    parts.append(
        _inspections(
            world, told.employer, told.project, day, np.full(told.size, 1), finding, np.full(told.size, -1)
        )
    )
    warned = Warnings(world, affairs)
    n = len(warned.sent)
    finding = np.where(warned.arrears, 3, np.where(warned.averted, 2, choose(rng, [0.62, 0.22, 0.16], n)))
    parts.append(
        _inspections(
            world,
            warned.employer,
            warned.project,
            warned.visited,
            np.full(n, 2),
            finding,
            np.arange(n),
            warned.ids,
        )
    )
    rows = stack(parts)
    days = np.asarray(rows["inspected_on"], dtype=np.int64)
    rows["inspection_id"] = words(serials("JC", len(days)), np.argsort(np.argsort(days, kind="stable")))
    rows["manner"] = words(
        _MANNERS, np.where(rng.random(len(days)) < 0.8, choose(rng, [0.4, 0.45, 0.15], len(days)), -1)
    )
    post.send(take(rows, days >= clock.first_day))
    return post.close()


def _inspections(
    world: World,
    employer: Ints,
    project: Ints,
    days: Ints,
    reason: Ints,
    finding: Ints,
    warning: Ints,
    warnings: list[str] | None = None,
) -> Rows:
    return {
        "inspection_id": words([], np.full(len(days), -1)),
        "employer_id": world.employer_ids(employer),
        "project_id": world.project_ids(project),
        "inspected_on": days,
        "reason": words(_REASONS, reason),
        "finding": words(_FINDINGS, finding),
        "warning_id": words(warnings or [""], warning),
    }


def send_hazards(world: World, affairs: Affairs) -> int:
    """Send hazards when found and again when resolved."""
    post = world.post("hazards")
    rng, p, clock = post.rng, parameters().section("hazards"), world.city.clock
    known = affairs.take(affairs.hazard != MISSING)
    parts: list[Rows] = []
    resolution = np.where(known.is_case, np.where(known.verified, 2, 3), np.where(known.averted, 0, 1))
    resolved = np.where(known.is_case, known.opened, known.ended)
    kinds = choose(rng, [0.6, 0.25, 0.05, 0.05, 0.05], known.size)
    parts.append(
        _hazards(
            rng,
            world,
            known.employer,
            known.project,
            known.hazard,
            kinds,
            known.workers,
            resolution,
            resolved,
        )
    )
    for kind in ("employer", "project"):
        n = world.scaled(p.number(f"other_per_month.{kind}"))
        subject, days = world.draw_subjects(rng, kind, n, p.number("other_tilt"), 0.3)
        employer = subject if kind == "employer" else world.city.projects.contractor[subject]
        project = np.full(n, -1) if kind == "employer" else subject
        kinds = choose(rng, [0.12, 0.13, 0.35, 0.15, 0.2, 0.05], n)
        workers = 1 + rng.poisson(3.0, n)
        outcome = choose(rng, [0.35, 0.25, 0.0, 0.4], n)
        parts.append(
            _hazards(
                rng,
                world,
                employer,
                project,
                days,
                kinds,
                workers,
                outcome,
                days + 1 + later(rng, 10.0, 0.9, n),
            )
        )
    rows = stack(parts)
    found = np.asarray(rows["found_on"], dtype=np.int64)
    rows["hazard_id"] = words(serials("YH", len(found)), np.argsort(np.argsort(found, kind="stable")))
    rows = take(rows, found >= clock.first_day)
    found, resolved = found[found >= clock.first_day], np.asarray(rows.pop("resolved"), dtype=np.int64)
    n, outcome = len(found), np.asarray(rows.pop("outcome"), dtype=np.int64)
    wrong = rng.random(n) < parameters().number("noise.mislabelled")
    outcome = np.where(wrong, rng.integers(0, 4, n), outcome)
    lag = post.lags(n)
    rows["resolved_on"], rows["resolution"] = np.full(n, MISSING), words(_RESOLUTIONS, np.full(n, -1))
    post.send(rows, lag=lag)
    rows["resolved_on"], rows["resolution"] = resolved, words(_RESOLUTIONS, outcome)
    done = np.flatnonzero((resolved != MISSING) & (rng.random(n) < p.number("resolved_share")))
    post.send(take(rows, done), known_on=resolved[done], lag=lag[done], version=1)
    return post.close()


def _hazards(
    rng: np.random.Generator,
    world: World,
    employer: Ints,
    project: Ints,
    found: Ints,
    kinds: Ints,
    workers: Ints,
    outcome: Ints,
    resolved: Ints,
) -> Rows:
    n = len(found)
    unpaid = kinds == _HAZARDS.index("unpaid")
    amount = np.where(unpaid, np.round(workers * np.exp(rng.normal(8.8, 0.9, n)), 2), np.nan)
    return {
        "hazard_id": words([], np.full(n, -1)),
        "employer_id": world.employer_ids(np.where((project >= 0) & (rng.random(n) < 0.2), -1, employer)),
        "project_id": world.project_ids(project),
        "found_on": found,
        "kind": words(_HAZARDS, kinds),
        "workers": or_missing(workers, unpaid | (rng.random(n) < 0.3)),
        "amount": amount,
        "due_on": found + 15,
        "outcome": outcome,
        "resolved": resolved,
    }


def send_dispositions(world: World, affairs: Affairs) -> int:
    """Send what became of each dispatched warning, leg by leg and status by status."""
    post = world.post("dispositions")
    rng, warned = post.rng, Warnings(world, affairs)
    n = len(warned.sent)
    outcome = np.where(
        warned.arrears,
        choose(rng, [0.7, 0.3], n),
        choose(rng, [0.0, 0.0, 0.1, 0.2, 0.5, 0.05, 0.08, 0.04, 0.03], n),
    )
    outcome = np.where(warned.averted, _OUTCOMES.index("averted"), outcome)
    workers = np.where(warned.affair >= 0, affairs.workers[warned.affair], MISSING)
    events = serials("SJ", n)
    for leg in (0, 1):
        has_leg = np.flatnonzero((leg == 0) | (rng.random(n) < 0.8))
        day, lag = warned.sent[has_leg], post.lags(len(has_leg))
        for version, status in enumerate(("sent", "received", "visited", "fed_back", "closed")):
            if status == "visited":
                day = np.maximum(day, warned.visited[has_leg])
            elif version > 0:
                day = day + later(rng, 1.5 if version < 3 else 5.0, 0.7, len(day))
            answered = version >= 3
            m = len(has_leg)
            post.send(
                {
                    "warning_id": words(warned.ids, has_leg),
                    "event_no": words(events, has_leg),
                    "leg": words(("place", "regulator"), np.full(m, leg)),
                    "status": words((status,), np.zeros(m)),
                    "status_on": day,
                    "outcome": words(_OUTCOMES, outcome[has_leg] if answered else np.full(m, -1)),
                    "workers": workers[has_leg] if answered else np.full(m, MISSING),
                    "amount": np.full(m, np.nan),
                },
                lag=lag,
                version=version,
            )
            stays = rng.random(m) < 0.97
            has_leg, day, lag = has_leg[stays], day[stays], lag[stays]
    return post.close()
