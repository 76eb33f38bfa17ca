"""By simulation: four new cases of five lie in their 80 % interval, small and large ones; p_major comes true as often.

Many cities, each fitted anew and asked about cases that come later. Workers are whole numbers, no more than an employer
has; sizes matter much, a little or not at all; some are not known, some cases say only one of the two quantities.
"""

from __future__ import annotations

import numpy as np
import pytest

from anxin.models.severity import MAJOR_WORKERS, MAJOR_YUAN, fit_severity

pytestmark = pytest.mark.long

CITIES, TAUGHT, ASKED = 24, 400, 600


def city(
    rng: np.random.Generator, matters: float, n: int
) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """Return sizes, workers and yuan; `matters` is the power of heads that workers go with."""
    heads = np.ceil(np.exp(rng.normal(2.5, 1.3, n)))
    drawn = np.exp(1.6 + matters * (np.log(heads) - 2.5) + rng.normal(0, 1.0, n))
    workers = np.clip(np.ceil(drawn), 1, 2 * heads + 3)
    amount = workers * np.exp(rng.normal(9.3, 0.8, n))
    sizes = {
        "insured_heads": np.where(rng.random(n) < 0.1, np.nan, heads),
        "firm_capital": np.where(rng.random(n) < 0.4, np.nan, heads * np.exp(rng.normal(11, 1, n))),
        "complaint_open_workers": np.where(rng.random(n) < 0.1, np.ceil(workers * rng.random(n)), 0.0),
        "pay_short_amount": np.exp(rng.normal(9, 2, n)),
    }
    return sizes, workers, amount


@pytest.mark.parametrize("matters", [0.0, 0.3, 0.8])
@pytest.mark.parametrize("cases_of", [1, 4])
def test_intervals_hold_for_small_and_large_and_major_comes_true(matters: float, cases_of: int) -> None:
    rng = np.random.default_rng(int(matters * 10) + 100 * cases_of)
    inside: dict[str, list[np.ndarray]] = {"workers": [], "amount": []}
    groups, majors, told = [], [], []
    for _ in range(CITIES):
        sizes, workers, amount = city(rng, matters, TAUGHT)
        # Several dates before one case: the same sizes but for what is known of them.
        repeated = {name: np.repeat(values, cases_of) for name, values in sizes.items()}
        heads = repeated["insured_heads"]
        repeated["insured_heads"] = np.where(rng.random(len(heads)) < 0.05, np.nan, heads)
        said_workers = np.where(rng.random(TAUGHT) < 0.1, np.nan, workers)
        said_amount = np.where(rng.random(TAUGHT) < 0.2, np.nan, amount)
        fitted = fit_severity(
            repeated,
            np.repeat(said_workers, cases_of),
            np.repeat(said_amount, cases_of),
            np.repeat(np.arange(TAUGHT), cases_of),
        )
        sizes, workers, amount = city(rng, matters, ASKED)
        found = fitted.predict(sizes, ASKED)
        inside["workers"].append((workers >= found.workers_lo) & (workers <= found.workers_hi))
        inside["amount"].append((amount >= found.amount_lo) & (amount <= found.amount_hi))
        heads = np.nan_to_num(sizes["insured_heads"], nan=0.0)
        groups.append(np.digitize(heads, [1, 8, 25]))
        majors.append((workers >= MAJOR_WORKERS) | (amount >= MAJOR_YUAN))
        told.append(found.p_major)
    group = np.concatenate(groups)
    for quantity, parts in inside.items():
        held = np.concatenate(parts)
        assert 0.785 < held.mean() < (0.86 if quantity == "workers" else 0.83), quantity
        for one in range(4):
            # Groups are of expected size, not of heads: within them those of unknown heads differ most.
            assert held[group == one].mean() > (0.67 if one == 0 else 0.75), (quantity, one)
    major, expected = np.concatenate(majors), np.concatenate(told)
    assert 0.85 < major.mean() / expected.mean() < 1.15
    if matters > 0.5:  # where sizes tell much, it also tells who is likely major
        high = expected >= np.quantile(expected, 0.9)
        assert 0.9 < major[high].mean() / expected[high].mean() < 1.1
