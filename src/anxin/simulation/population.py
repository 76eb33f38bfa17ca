"""Who is there: employers, projects, and how they hang together."""

from dataclasses import dataclass

import numpy as np

from anxin.domain.divisions import name as division_name
from anxin.simulation.arrays import MISSING, Bools, Floats, Ints, choose, spread
from anxin.simulation.clock import Clock
from anxin.simulation.codes import credit_codes, project_codes
from anxin.simulation.names import employer_names, project_names
from anxin.simulation.parameters import Parameters, parameters

OWNERSHIP = ("state", "private", "foreign", "collective", "individual")
INVESTMENT = ("government", "soe", "private")
OWNER, CONTRACTOR, SUBCONTRACTOR, SUPERVISOR = range(4)
ROLES = ("owner", "general_contractor", "subcontractor", "supervisor")


@dataclass(frozen=True)
class Employers:
    """Employers by index. `quality` is how badly each is run for good; `group` is -1 outside any group."""

    ids: list[str]
    names: list[str]
    districts: list[str]
    district: Ints
    sections: list[str]
    section: Ints
    industry: list[str]
    ownership: Ints
    insured: Floats
    established: Ints
    deregistered: Ints
    group: Ints
    controller: Ints
    park: Ints
    legal_person: Ints
    quality: Floats

    @property
    def size(self) -> int:
        """How many employers."""
        return len(self.ids)

    @property
    def large(self) -> Bools:
        """Those with 20 insured or more."""
        return np.asarray(self.insured >= 20)

    def of_section(self, letters: str) -> Ints:
        """Return the indices of employers in any of the industry sections."""
        wanted = [i for i, letter in enumerate(self.sections) if letter in letters]
        return np.flatnonzero(np.isin(self.section, wanted))

    def alive(self, days: Ints) -> Bools:
        """Tell for each employer (row) and day (column) whether it is registered."""
        return np.asarray((self.established[:, None] <= days) & (self.deregistered[:, None] > days))


@dataclass(frozen=True)
class Projects:
    """Projects by index.

    `owner` and `contractor` are indices of employers; `ended` may lie beyond the period.
    """

    ids: list[str]
    names: list[str]
    types: list[str]
    type: Ints
    district: Ints
    investment: Ints
    real_estate: Bools
    owner: Ints
    contractor: Ints
    amount: Floats
    labour_share: Floats
    workers: Floats
    approved: Ints
    start: Ints
    planned_end: Ints
    ended: Ints
    quality: Floats

    @property
    def size(self) -> int:
        """How many projects."""
        return len(self.ids)

    def live(self, days: Ints) -> Bools:
        """Tell for each project (row) and day (column) whether it is being built."""
        return np.asarray((self.start[:, None] <= days) & (self.ended[:, None] > days))


@dataclass(frozen=True)
class Participations:
    """Who builds what: one row per project, employer and role."""

    project: Ints
    employer: Ints
    role: Ints
    above: Ints
    amount: Floats
    start: Ints
    end: Ints

    def crews(self) -> Ints:
        """Return the rows that have workers on site."""
        return np.flatnonzero((self.role == CONTRACTOR) | (self.role == SUBCONTRACTOR))


@dataclass(frozen=True)
class City:
    """All that is fixed before the first day."""

    scale: float
    clock: Clock
    employers: Employers
    projects: Projects
    participations: Participations


def make_city(rng: np.random.Generator, scale: float, clock: Clock) -> City:
    """Return the city at a scale (1.0 is Chongqing)."""
    p = parameters()
    employers = _employers(rng, p, scale, clock)
    projects = _projects(rng, p, scale, clock, employers)
    return City(scale, clock, employers, projects, _participations(rng, p, employers, projects))


def _employers(rng: np.random.Generator, parameter: Parameters, scale: float, clock: Clock) -> Employers:
    p = parameter.section("employers")
    years = clock.months / 12
    n = round(p.number("count") * scale * (1 + p.number("births_per_year") * years))
    district_weights, sections = p.table("districts"), p.table("sections")
    district = choose(rng, list(district_weights.values()), n)
    section = choose(rng, list(sections.values()), n)
    letters = list(sections)
    divisions = [p.words(f"divisions.{letter}") for letter in letters]
    pick = rng.integers(0, 60, n)
    industry = [letters[s] + divisions[s][k % len(divisions[s])] for s, k in zip(section, pick, strict=True)]
    ownership = choose(rng, list(p.table("ownership").values()), n)
    ownership = np.where(section == letters.index("S"), 0, ownership)
    odds = np.array([p.table("large_odds").get(letter, 1.0) for letter in letters])[section]
    large = rng.random(n) < p.number("large_share") * odds
    insured = np.where(
        large,
        20 * np.exp(np.abs(rng.standard_normal(n)) * p.number("large_sigma")),
        1 + np.floor(19 * rng.random(n) ** p.number("small_power")),
    ).clip(1, 3000)
    age = rng.exponential(p.number("mean_age_days"), n).astype(np.int64) + 200
    born = rng.random(n) < years * p.number("births_per_year") / (1 + years * p.number("births_per_year"))
    established = np.where(
        born, clock.first_day + rng.integers(0, max(1, clock.cut - clock.first_day), n), clock.first_day - age
    )
    lifetime = rng.exponential(365 / p.number("deaths_per_year"), n).astype(np.int64)
    quality = parameter.number("stress.quality_sigma") * rng.standard_normal(n)
    group, controller = _groups(rng, p, n, insured)
    codes = [int(code) for code in district_weights]
    regions = np.array(codes)[np.where(rng.random(n) < 0.9, district, rng.integers(0, len(codes), n))]
    prefix = np.where(ownership == 4, 92, np.where(section == letters.index("S"), 11, 91))
    parks = rng.integers(0, 3, n) * len(codes) + district
    in_park = rng.random(n) < np.where(section == letters.index("C"), 0.45, 0.06)
    places = [division_name(str(code), clock.start) for code in codes]
    return Employers(
        ids=credit_codes(rng, regions, prefix, p.number("invalid_code_share")),
        names=employer_names(
            rng,
            [letters[s] for s in section],
            [OWNERSHIP[o] for o in ownership],
            [places[d] for d in district],
        ),
        districts=[str(code) for code in codes],
        district=district,
        sections=letters,
        section=section,
        industry=industry,
        ownership=ownership,
        insured=insured,
        established=established,
        deregistered=np.maximum(established, clock.first_day) + lifetime + 60,
        group=group,
        controller=controller,
        park=np.where(in_park, parks, MISSING),
        legal_person=_legal_persons(rng, p, n, group),
        quality=quality,
    )


def _groups(rng: np.random.Generator, p: Parameters, n: int, insured: Floats) -> tuple[Ints, Ints]:
    """Return the group of each employer and who controls it; the largest member controls the others."""
    in_group = rng.random(n) < np.where(insured >= 20, 2.0, 0.8) * p.number("group_share")
    members = rng.permutation(np.flatnonzero(in_group))
    group = np.full(n, -1)
    sizes = 2 + rng.poisson(p.number("group_size") - 2, len(members))
    bounds = np.cumsum(sizes)
    group[members] = np.searchsorted(bounds, np.arange(len(members)), side="right")
    order = np.lexsort((-insured, group))
    order = order[group[order] >= 0]
    heads = np.full(int(group.max(initial=-1)) + 1, -1)
    first = np.flatnonzero(np.diff(group[order], prepend=-1))
    heads[group[order][first]] = order[first]
    controller = np.where(group >= 0, heads[group] if len(heads) else -1, -1)
    return group, np.where(controller == np.arange(n), -1, controller)


def _legal_persons(rng: np.random.Generator, p: Parameters, n: int, group: Ints) -> Ints:
    """Return whose name stands for each firm; some stand for several, more often within a group."""
    person = np.arange(n)
    shared = rng.random(n) < p.number("shared_legal_person")
    person = np.where(shared, rng.integers(0, n, n), person)
    return np.where((group >= 0) & (rng.random(n) < 0.35), n + group, person)


def _projects(
    rng: np.random.Generator, parameter: Parameters, scale: float, clock: Clock, employers: Employers
) -> Projects:
    p = parameter.section("projects")
    median, sigma = p.number("duration_days"), p.number("duration_sigma")
    longest = int(p.number("longest_days"))
    mean = median * np.exp(sigma**2 / 2)
    window = clock.cut - clock.month_starts[0] + longest
    n = round(p.number("live") * scale / mean * window)
    start = rng.integers(clock.cut - window, clock.cut, n)
    duration = spread(rng, median, sigma, n).clip(120, longest).astype(np.int64)
    overrun = 1 + 0.12 * np.abs(rng.standard_normal(n)) - 0.03
    ended = start + (duration * overrun).astype(np.int64)
    keep = ended > clock.month_starts[0]
    start, duration, ended, n = start[keep], duration[keep], ended[keep], int(keep.sum())
    kinds = p.table("types")
    kind = choose(rng, list(kinds.values()), n)
    building = kind == list(kinds).index("building")
    investment = np.where(
        building,
        choose(rng, p.numbers("investment.building"), n),
        choose(rng, p.numbers("investment.works"), n),
    )
    public = np.flatnonzero((employers.section == employers.sections.index("S")) | (employers.ownership == 0))
    developers = employers.of_section("K")
    builders = employers.of_section("E")
    owner = np.where(
        investment == 2, _by_size(rng, developers, employers, n), _by_size(rng, public, employers, n)
    )
    workers = spread(rng, p.number("workers_median"), p.number("workers_sigma"), n).clip(6, 1500)
    months = duration / 30.4
    share = rng.normal(p.number("labour_share_mean"), 0.04, n).clip(0.08, 0.4)
    wages = workers * months * p.number("wage_per_month")
    approved = start - rng.integers(30, 300, n)
    places = [division_name(code, clock.start) for code in employers.districts]
    district = choose(rng, list(parameter.table("employers.districts").values()), n)
    kind_words = [list(kinds)[k] for k in kind]
    return Projects(
        ids=project_codes(rng, approved, np.array([int(employers.districts[d]) for d in district])),
        names=project_names(
            rng, kind_words, [places[d] for d in district], np.where(building, rng.integers(0, 5, n), 0)
        ),
        types=list(kinds),
        type=kind,
        district=district,
        investment=investment,
        real_estate=building & (investment > 0) & (rng.random(n) < 0.75),
        owner=owner,
        contractor=_by_size(rng, builders, employers, n),
        amount=np.round(wages / share, -4),
        labour_share=share,
        workers=workers,
        approved=approved,
        start=start,
        planned_end=start + duration,
        ended=ended,
        quality=parameter.number("stress.project.quality_sigma") * rng.standard_normal(n),
    )


def _by_size(rng: np.random.Generator, among: Ints, employers: Employers, n: int) -> Ints:
    """Return employers drawn with weight by headcount: the large take most of the work."""
    if len(among) == 0:
        return rng.integers(0, employers.size, n)
    return among[choose(rng, employers.insured[among] ** 0.8, n)]


def _participations(
    rng: np.random.Generator, parameter: Parameters, employers: Employers, projects: Projects
) -> Participations:
    n = projects.size
    every = np.arange(n)
    number = 1 + choose(rng, parameter.numbers("projects.subcontractors"), n)
    project = np.repeat(every, number)
    subs = _by_size(rng, employers.of_section("E"), employers, len(project))
    # The same key cannot occur twice; a firm that already builds here is not its own subcontractor.
    _, first = np.unique(project * employers.size + subs, return_index=True)
    first = first[subs[first] != projects.contractor[project[first]]]
    project, subs = project[first], subs[first]
    supervisors = employers.of_section("M")
    supervisor = _by_size(rng, supervisors, employers, n)
    length = projects.ended[project] - projects.start[project]
    late, early = rng.random(len(project)) * 0.4, 0.6 + 0.4 * rng.random(len(project))
    late[np.append(True, project[1:] != project[:-1])] = 0.0
    none = np.full(n, -1)
    sub_share = rng.dirichlet([2.0, 3.0], len(project))[:, 0] * 0.5
    return Participations(
        project=np.concatenate([every, every, project, every]),
        employer=np.concatenate([projects.owner, projects.contractor, subs, supervisor]),
        role=np.repeat([OWNER, CONTRACTOR, SUBCONTRACTOR, SUPERVISOR], [n, n, len(project), n]),
        above=np.concatenate([none, projects.owner, projects.contractor[project], projects.owner]),
        amount=np.concatenate(
            [
                np.full(n, np.nan),
                projects.amount,
                projects.amount[project] * sub_share,
                projects.amount * 0.015,
            ]
        ),
        start=np.concatenate(
            [
                projects.start,
                projects.start,
                projects.start[project] + (length * late).astype(np.int64),
                projects.start,
            ]
        ),
        end=np.concatenate(
            [
                projects.ended,
                projects.ended,
                projects.start[project] + (length * early).astype(np.int64),
                projects.ended,
            ]
        ),
    )
