"""The city is of the size, and has the rates, signs and noise, that the magnitudes say."""

import numpy as np
import pytest

from anxin.simulation.arrays import MISSING
from anxin.simulation.clock import STEPS
from anxin.simulation.defaults import LARGE, SMALL


def test_the_city_has_the_size_its_scale_says(larger) -> None:
    world, _ = larger
    dates = world.city.clock.as_of_dates()
    assert world.city.employers.alive(dates).sum(axis=0) == pytest.approx(25_000, rel=0.08)
    assert world.city.projects.live(dates).sum(axis=0).mean() == pytest.approx(700, rel=0.1)
    assert world.city.employers.large.mean() == pytest.approx(0.10, abs=0.02)


def test_base_rates_are_those_of_the_parameters(larger) -> None:
    world, affairs = larger
    clock, city = world.city.clock, world.city
    dates = clock.as_of_dates()
    cases = affairs.take(
        affairs.verified & (affairs.opened >= clock.first_day) & (affairs.opened < clock.cut)
    )
    own, large = cases.project < 0, city.employers.large
    alive = city.employers.alive(dates)
    small_rate = (own & ~large[cases.employer]).sum() / alive[~large].sum()
    large_rate = (own & large[cases.employer]).sum() / alive[large].sum()
    project_rate = (~own).sum() / city.projects.live(dates).sum()
    assert small_rate == pytest.approx(0.001, rel=0.2)
    assert large_rate == pytest.approx(0.004, rel=0.2)
    assert project_rate == pytest.approx(0.0135, rel=0.2)
    assert 5 < cases.workers.mean() < 12
    assert cases.amount.sum() / cases.workers.sum() == pytest.approx(13_350, rel=0.25)


def test_some_cases_come_with_no_sign_before(larger) -> None:
    world, affairs = larger
    verified = affairs.take(affairs.verified)
    assert 0.05 < verified.silent.mean() < 0.15
    assert (verified.complaint[verified.silent] == MISSING).all()
    course = world.employer_course
    silent = course.episodes.subject[course.episodes.silent]
    # Their hazard is the same at all levels: those it hits are no worse than others.
    assert abs(world.employer_stress.level[silent].mean() - world.employer_stress.level.mean()) < 0.25


def test_other_defaults_come_from_stress_and_most_are_reported_within_months(larger) -> None:
    world, _ = larger
    episodes = world.employer_course.episodes
    felt = ~episodes.silent
    levels = world.employer_stress.level[episodes.subject[felt], np.maximum(episodes.step[felt] - 1, 0)]
    assert levels.mean() > world.employer_stress.level.mean() + 0.8
    opened = felt & (episodes.opened >= 0)
    wait = (episodes.opened - episodes.step)[opened] * 7.6
    assert 25 < np.median(wait) < 55
    assert 0.55 < (episodes.opened >= 0)[felt & (episodes.step < world.city.clock.steps - 30)].mean() < 0.85


def test_more_is_reported_before_spring_festival(larger) -> None:
    _, affairs = larger
    cases = affairs.opened[affairs.verified & (affairs.opened != MISSING)]
    month = cases.astype("datetime64[D]").astype("datetime64[M]").astype(int) % 12 + 1
    per_month = np.bincount(month, minlength=13)[1:]
    assert per_month[[11, 0]].mean() > 1.3 * per_month[3:9].mean()


def test_cases_of_the_two_classes_of_employers_are_kept_apart(larger) -> None:
    world, _ = larger
    assert set(np.unique(world.employer_course.hazard.class_of)) == {SMALL, LARGE}


def test_a_default_is_over_before_the_next_begins(larger) -> None:
    world, _ = larger
    for course in (world.employer_course, world.project_course):
        e = course.episodes
        end = np.where(e.opened >= 0, e.opened, np.where(e.quiet >= 0, e.quiet, world.city.clock.steps))
        order = np.lexsort((e.step, e.subject))
        same = e.subject[order][1:] == e.subject[order][:-1]
        assert (e.step[order][1:][same] > end[order][:-1][same]).all()


def test_load_falls_for_all_at_spring_festival(delivery) -> None:
    query = """select sum(kwh) filter (date between '2026-02-14' and '2026-02-20') /
        sum(kwh) filter (date between '2026-03-14' and '2026-03-20') from energy_usage where meter_id in
        (select meter_id from energy_usage group by 1
            having min(date) < '2026-02-01' and max(date) > '2026-04-01')"""
    assert delivery.one(query) < 0.65


def test_workshops_that_moved_go_dark_without_any_case(delivery) -> None:
    query = """select count(*) from (
        select meter_id, sum(kwh) filter (date > last - 20) tail, sum(kwh) whole from
        (select *, max(date) over (partition by meter_id) last from energy_usage where project_id is null)
        group by 1) where tail = 0 and whole > 0"""
    assert delivery.one(query) > 3


@pytest.mark.parametrize("feed", ["energy_usage", "social_insurance", "tax", "payroll", "attendance"])
def test_some_rows_come_weeks_late_and_some_are_corrected(delivery, feed: str) -> None:
    from anxin.feeds.contract import contract

    event, key = contract()[feed].event, ", ".join(contract()[feed].key)
    late = f"select avg((received_at::date - {event} > 14)::int) from {feed}"
    assert 0.005 < delivery.one(late) < 0.35
    corrected = (
        f"select count(*) filter (n > 1) / count(*) from (select count(*) n from {feed} group by {key})"
    )
    assert 0.005 < delivery.one(corrected) < 0.1


def test_the_worse_send_less(delivery) -> None:
    query = """with risk as (select subject_id, avg(p90) p from truth where kind = 'employer' group by 1
        having count(*) = 24),
        sent as (select employer_id, count(distinct month) n from social_insurance group by 1)
        select corr(ln(p), n) from risk join sent on subject_id = employer_id"""
    assert delivery.one(query) < -0.05


def test_stress_leaks_into_money_before_the_case(delivery) -> None:
    query = """with risk as (select subject_id, avg(p90) p from truth where kind = 'employer' group by 1),
        paid as (select employer_id, avg((paid < due)::int) short from social_insurance group by 1),
        ranked as (select short, ntile(5) over (order by p) fifth
            from risk join paid on subject_id = employer_id)
        select avg(short) filter (fifth = 5) / avg(short) filter (fifth = 1) from ranked"""
    assert delivery.one(query) > 2


def test_most_who_are_sued_have_no_case_of_their_own(delivery) -> None:
    sued = "select distinct employer_id from litigation where role = 'defendant'"
    query = "select avg((employer_id in (select employer_id from cases where project_id is null))::int)"
    query += f" from ({sued})"
    assert delivery.one(query) < 0.2


def test_live_site_coverage_follows_the_regimes(delivery) -> None:
    live = "select distinct project_id from projects"
    for feed, low, high in (("payroll", 0.6, 0.9), ("attendance", 0.45, 0.8), ("wage_accounts", 0.6, 0.9)):
        query = f"select avg((project_id in (select project_id from {feed}))::int) from ({live})"
        assert low < delivery.one(query) < high


def test_steps_divide_months(larger) -> None:
    clock = larger[0].city.clock
    assert (clock.step_starts[::STEPS] == clock.month_starts).all()
