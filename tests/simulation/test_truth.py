"""The truth is a probability: what it says comes out as often as it says, and no seed knows more."""

import numpy as np
import pytest

from anxin.simulation.truth import HORIZONS, employer_truth, project_truth
from anxin.simulation.writing import stream


@pytest.fixture(scope="module")
def told(larger):
    """Return for each kind the probabilities and outcomes of all as-of dates with a whole horizon ahead."""
    world, affairs = larger
    rng = stream(5, "truth")
    city, clock = world.city, world.city.clock
    truths = {
        "employer": employer_truth(rng, city, world.employer_stress, world.employer_course),
        "project": project_truth(
            rng, city, world.project_stress, world.employer_stress, world.project_course
        ),
    }
    found = {}
    for kind, truth in truths.items():
        cases = affairs.take(affairs.verified & ((affairs.project >= 0) == (kind == "project")))
        subject = cases.project if kind == "project" else cases.employer
        course = world.project_course if kind == "project" else world.employer_course
        for place, horizon in enumerate(HORIZONS):
            p, y = [], []
            for month in range(clock.first_month, clock.grid_months - (horizon // 30 + 1)):
                day, alive = clock.month_starts[month], course.alive[:, month * 4]
                happened = np.zeros(len(alive))
                happened[subject[(cases.opened >= day) & (cases.opened < day + horizon)]] = 1
                p.append(truth[month][place][alive])
                y.append(happened[alive])
            found[kind, horizon] = np.concatenate(p), np.concatenate(y)
    return found


@pytest.mark.parametrize("kind", ["employer", "project"])
@pytest.mark.parametrize("horizon", HORIZONS)
def test_the_truth_is_calibrated(told, kind: str, horizon: int) -> None:
    p, y = told[kind, horizon]
    assert y.mean() / p.mean() == pytest.approx(1, abs=0.12 if kind == "employer" else 0.2)
    # By fifths of the expected cases, so that each has as many of them.
    order = np.argsort(p)
    fifths = np.minimum((np.cumsum(p[order]) / p.sum() * 5).astype(int), 4)
    ratios = np.bincount(fifths, y[order]) / np.bincount(fifths, p[order])
    assert ratios == pytest.approx(np.ones(5), abs=0.35 if kind == "employer" else 0.5)


@pytest.mark.parametrize("kind", ["employer", "project"])
def test_the_truth_ranks_well_and_is_not_certain(told, kind: str) -> None:
    p, y = told[kind, 90]
    ranks = np.argsort(np.argsort(p))
    positives = int(y.sum())
    area = (ranks[y == 1].mean() - (positives - 1) / 2) / (len(p) - positives)
    assert 0.82 < area < 0.95
    assert p.max() < 0.99


def test_longer_horizons_are_at_least_as_likely(delivery) -> None:
    assert delivery.one("select count(*) from truth where p30 > p90 + 1e-12 or p90 > p180 + 1e-12") == 0
    assert delivery.one("select count(*) from truth where not (p30 > 0 and p180 < 1)") == 0


def test_truth_is_told_on_the_first_of_each_month_for_known_subjects(delivery) -> None:
    assert delivery.one("select count(distinct as_of) from truth where day(as_of) = 1") == 24
    assert delivery.one("select count(distinct as_of) from truth") == 24
    of_employers = "select count(*) from truth where kind = 'employer'"
    unknown = delivery.one(of_employers + " and subject_id not in (select employer_id from employers)")
    assert unknown <= 0.02 * delivery.one(of_employers)
    ended = """select count(*) from truth
        join (select project_id, max(ended_on) e from projects group by 1) on
        subject_id = project_id where as_of > e"""
    assert delivery.one(ended) == 0
