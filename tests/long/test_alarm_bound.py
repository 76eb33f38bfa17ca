"""By simulation: over five years of monthly lists the alarm goes off in at most one service of twenty without cause.

Odds stay within the band in three ways: as said, at its edge, and moving about in it from month to month. What is found
beside the bound is how soon a real change is seen.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from scipy.stats import binom

from anxin.judging.alarm import Batch, watch
from anxin.judging.drift import settings

pytestmark = pytest.mark.long

SERVICES = 400
MONTHS = 60


def service(rng: np.random.Generator, odds: np.ndarray) -> list[Batch]:
    """Return monthly lists of 150 subjects, about ten cases each, whose odds are those said times `odds`."""
    found = []
    for month, times in enumerate(odds):
        p = rng.beta(0.4, 5.6, 150)
        true = times * p / (1 - p + times * p)
        day = date(2024 + month // 12, month % 12 + 1, 1)
        found.append(Batch(day, p, (rng.random(150) < true).astype(float)))
    return found


def alarms(odds_of: object, seed: int) -> list[date | None]:
    asked = settings()["alarm"]
    rng = np.random.default_rng(seed)
    return [
        watch(service(rng, odds_of(rng)), asked["alpha"], tuple(asked["band"]), asked["odds"]).alarmed  # type: ignore[operator]
        for _ in range(SERVICES)
    ]


@pytest.mark.parametrize("way", ["as said", "upper edge", "lower edge", "moving"])
def test_without_cause_the_alarm_is_as_rare_as_it_says(way: str) -> None:
    asked = settings()["alarm"]
    low, high = asked["band"]
    odds = {
        "as said": lambda _: np.ones(MONTHS),
        "upper edge": lambda _: np.full(MONTHS, high),
        "lower edge": lambda _: np.full(MONTHS, low),
        "moving": lambda rng: rng.choice([low, high], MONTHS),
    }[way]
    false = sum(day is not None for day in alarms(odds, 7))
    # Were the bound broken, more than this would be seen in nineteen of twenty runs of this test.
    assert false <= binom.ppf(0.95, SERVICES, asked["alpha"])


def test_doubled_odds_after_two_good_years_are_seen_within_months() -> None:
    def turned(_: object) -> np.ndarray:
        return np.r_[np.ones(24), np.full(MONTHS - 24, 2.2)]

    found = alarms(turned, 8)
    seen = [(day.year - 2024) * 12 + day.month - 24 for day in found if day is not None]
    assert len(seen) > 0.95 * SERVICES
    assert np.median(seen) <= 12
