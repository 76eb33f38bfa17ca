"""Writes a delivery of a simulated city, and the truth beside it."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from anxin.domain.errors import AnxinError
from anxin.simulation import court, energy, funding, money, outcomes, patrols, payroll, registry
from anxin.simulation.affairs import Affairs, make_affairs
from anxin.simulation.arrays import Floats, Ints
from anxin.simulation.clock import make_clock, step_middles
from anxin.simulation.defaults import AHEAD, LARGE, PROJECT, SMALL, unfold
from anxin.simulation.parameters import parameters
from anxin.simulation.population import INVESTMENT, OWNERSHIP, City, make_city
from anxin.simulation.stress import employer_stress, project_stress
from anxin.simulation.truth import HORIZONS, employer_truth, project_truth
from anxin.simulation.world import World
from anxin.simulation.writing import stream

LAST_DAY = date(2026, 6, 30)
"""End of the simulated period unless another is asked for."""

Progress = Callable[[str, float], None]
"""Told the part just finished and the share of all work done."""

_SENDERS: dict[str, Callable[[World, Affairs], int]] = {
    "employers": lambda w, a: registry.send_employers(w),
    "projects": lambda w, a: registry.send_projects(w),
    "participations": lambda w, a: registry.send_participations(w),
    "rosters": lambda w, a: registry.send_rosters(w),
    "energy_usage": lambda w, a: energy.send_energy_usage(w),
    "energy_bills": lambda w, a: energy.send_energy_bills(w),
    "credit": lambda w, a: money.send_credit(w),
    "social_insurance": lambda w, a: money.send_social_insurance(w),
    "tax": lambda w, a: money.send_tax(w),
    "litigation": court.send_litigation,
    "notices": lambda w, a: court.send_notices(w),
    "credit_records": court.send_credit_records,
    "attendance_daily": lambda w, a: payroll.send_attendance_daily(w),
    "attendance": lambda w, a: payroll.send_attendance(w),
    "payroll": payroll.send_payroll,
    "wage_sheets": payroll.send_wage_sheets,
    "labour_contracts": lambda w, a: payroll.send_labour_contracts(w),
    "wage_accounts": lambda w, a: funding.send_wage_accounts(w),
    "progress_payments": lambda w, a: funding.send_progress_payments(w),
    "deposits": funding.send_deposits,
    "guarantees": lambda w, a: funding.send_guarantees(w),
    "complaints": outcomes.send_complaints,
    "inspections": patrols.send_inspections,
    "cases": outcomes.send_cases,
    "hazards": patrols.send_hazards,
    "dispositions": patrols.send_dispositions,
}


@dataclass(frozen=True)
class SimulationSummary:
    """What was written: rows by feed, rows of the truth, and what the city came to."""

    scale: float
    months: int
    seed: int
    start: date
    end: date
    employers: int
    projects: int
    defaults: int
    cases: int
    verified: int
    monthly_rates: dict[str, float]
    rows: dict[str, int]
    truth_rows: int


def simulate(
    out: Path,
    scale: float,
    months: int,
    seed: int,
    end: date | None = None,
    on_progress: Progress | None = None,
) -> SimulationSummary:
    """Write ``out/feeds/<feed>/*.parquet`` for every feed, ``out/truth.parquet`` and ``out/simulation.json``.

    `scale` 1.0 is Chongqing (250,000 employers, 7,000 projects under way); `months` end with the month of
    `end`. The same arguments give the same rows. Raises AnxinError if `out` already holds feeds or a number
    makes no sense.
    """
    if not 0.0005 <= scale <= 2 or not 2 <= months <= 240:
        raise AnxinError(
            f"规模应为 0.0005–2,月数应为 2–240,收到 {scale} 和 {months}",
            f"scale must be 0.0005 to 2 and months 2 to 240, got {scale} and {months}",
        )
    if (out / "feeds").exists():
        raise AnxinError(
            f"{out / 'feeds'} 已存在,请换一个目录", f"{out / 'feeds'} exists, choose another folder"
        )
    tell = on_progress or (lambda part, share: None)
    world = make_world(out, scale, months, seed, end or LAST_DAY)
    affairs = make_affairs(world)
    tell("city", 0.05)
    truth_rows = _write_truth(world)
    tell("truth", 0.1)
    rows: dict[str, int] = {}
    for place, (feed, send) in enumerate(_SENDERS.items()):
        rows[feed] = send(world, affairs)
        tell(feed, 0.1 + 0.9 * (place + 1) / len(_SENDERS))
    summary = _summary(world, affairs, rows, truth_rows)
    text = json.dumps(
        {**asdict(summary), "parameters": parameters().values}, ensure_ascii=False, indent=1, default=str
    )
    (out / "simulation.json").write_text(text + "\n", encoding="utf-8")
    return summary


def make_world(out: Path, scale: float, months: int, seed: int, end: date) -> World:
    """Return the city with its hidden course, before anything is written."""
    clock = make_clock(months, end)
    city = make_city(stream(seed, "city"), scale, clock)
    middles = step_middles(clock, clock.steps + AHEAD + 1)
    relative = parameters().section("hazard.relative")
    e, q = city.employers, city.projects
    by_section = relative.table("section")
    section = np.array([by_section.get(letter, 0.8) for letter in e.sections])[e.section]
    ownership = np.array([relative.number(f"ownership.{name}") for name in OWNERSHIP])[e.ownership]
    investment = np.array([relative.number(f"investment.{name}") for name in INVESTMENT])[q.investment]
    stress = employer_stress(stream(seed, "employer stress"), city)
    classes = np.where(e.large, LARGE, SMALL)
    course = unfold(
        stream(seed, "employer course"), city, stress, classes, section * ownership, e.alive(middles)
    )
    of_projects = project_stress(stream(seed, "project stress"), city, stress)
    project_course = unfold(
        stream(seed, "project course"),
        city,
        of_projects,
        np.full(q.size, PROJECT),
        investment,
        q.live(middles),
    )
    return World(city, stress, of_projects, course, project_course, out, seed)


def _write_truth(world: World) -> int:
    clock, city = world.city.clock, world.city
    rng = stream(world.seed, "truth")
    told = {
        "employer": employer_truth(rng, city, world.employer_stress, world.employer_course),
        "project": project_truth(
            rng, city, world.project_stress, world.employer_stress, world.project_course
        ),
    }
    tables = []
    for kind, by_month in told.items():
        ids = city.employers.ids if kind == "employer" else city.projects.ids
        for month, probabilities in by_month.items():
            day = int(clock.month_starts[month])
            here = _subjects(city, kind, day)
            tables.append(_truth_table(kind, [ids[i] for i in here], day, probabilities[:, here]))
    table = pa.concat_tables(tables)
    world.out.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, world.out / "truth.parquet", compression="zstd")
    return int(table.num_rows)


def _subjects(city: City, kind: str, day: int) -> Ints:
    """Return who can be scored on a day: registered employers, projects begun and not ended."""
    days = np.array([day])
    here = (
        city.employers.alive(days - 1) & (city.employers.deregistered > day)[:, None]
        if kind == "employer"
        else city.projects.live(days)
    )
    return np.flatnonzero(here[:, 0])


def _truth_table(kind: str, ids: list[str], day: int, probabilities: Floats) -> pa.Table:
    n = len(ids)
    columns = {
        "kind": pa.array([kind] * n, pa.string()),
        "subject_id": pa.array(ids, pa.string()),
        "as_of": pa.array(np.full(n, day, dtype=np.int32)).view(pa.date32()),
    }
    for row, horizon in enumerate(HORIZONS):
        columns[f"p{horizon}"] = pa.array(probabilities[row], pa.float64())
    return pa.table(columns)


def _summary(world: World, affairs: Affairs, rows: dict[str, int], truth_rows: int) -> SimulationSummary:
    clock, city = world.city.clock, world.city
    cases = affairs.is_case & (affairs.opened >= clock.first_day) & (affairs.opened < clock.cut)
    verified = cases & affairs.verified
    days = clock.as_of_dates()
    alive, live = city.employers.alive(days), city.projects.live(days)
    large = city.employers.large
    own = verified & (affairs.project < 0)
    exposure = {"small": alive[~large].sum(), "large": alive[large].sum(), "project": live.sum()}
    counts = {
        "small": (own & ~large[affairs.employer]).sum(),
        "large": (own & large[affairs.employer]).sum(),
        "project": (verified & (affairs.project >= 0)).sum(),
    }
    return SimulationSummary(
        scale=world.city.scale,
        months=clock.months,
        seed=world.seed,
        start=clock.start,
        end=clock.end,
        employers=city.employers.size,
        projects=city.projects.size,
        defaults=int((~(affairs.silent & ~affairs.verified)).sum()),
        cases=int(cases.sum()),
        verified=int(verified.sum()),
        monthly_rates={name: round(float(counts[name] / max(1, exposure[name])), 6) for name in counts},
        rows=dict(sorted(rows.items())),
        truth_rows=truth_rows,
    )
