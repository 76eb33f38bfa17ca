"""Sizes of a case: intervals hold the expectation, whole workers, nothing said where too little is known."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anxin.models.severity import Severity, fit_severity

from .made import Floats

SIZE = st.one_of(st.just(float("nan")), st.floats(0, 1e7))


def _city(cases: int, seed: int, informed: float = 1.0) -> tuple[dict[str, Floats], Floats, Floats]:
    """Return sizes, workers and yuan of cases: workers follow the heads as far as `informed` says."""
    rng = np.random.default_rng(seed)
    heads = np.exp(rng.normal(3, 1.2, cases))
    workers = np.maximum(1, np.round(np.exp(informed * (np.log(heads) - 3) + 2 + rng.normal(0, 0.5, cases))))
    amount = workers * np.exp(9 + rng.normal(0, 0.4, cases))
    sizes = {
        "insured_heads": np.where(rng.random(cases) < 0.1, np.nan, np.round(heads)),
        "firm_capital": heads * 0,
    }
    return sizes, workers, amount


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.tuples(SIZE, SIZE, st.floats(1, 1e9)), min_size=20, max_size=60),
    st.lists(st.tuples(SIZE, SIZE), min_size=1, max_size=10),
)
def test_an_expected_size_lies_within_its_interval(
    cases: list[tuple[float, float, float]], asked: list[tuple[float, float]]
) -> None:
    one, other, observed = np.array(cases, dtype=float).T
    fitted = fit_severity(
        {"insured_heads": one, "sites_live": other}, np.ceil(observed), observed, np.arange(len(one))
    )
    a, b = np.array(asked, dtype=float).T
    found = fitted.predict({"insured_heads": a, "sites_live": b}, len(asked))
    for value, low, high in (
        (found.workers, found.workers_lo, found.workers_hi),
        (found.amount, found.amount_lo, found.amount_hi),
    ):
        assert (low <= value).all()
        assert (value <= high).all()
        assert ((low > 0) & np.isfinite(high)).all()
    assert ((found.p_major >= 0) & (found.p_major <= 1)).all()
    assert np.array_equal(found.workers_lo, np.rint(found.workers_lo))


def test_below_twenty_cases_nothing_is_said_of_sizes() -> None:
    heads = {"insured_heads": np.arange(1.0, 26.0)}
    observed = np.arange(1.0, 26.0)
    observed[:5] = [0.0, np.nan, -3.0, np.inf, np.nan]
    unsaid = np.full(25, np.nan)
    assert fit_severity(heads, observed, unsaid, np.arange(25)).workers is not None
    observed[5] = np.nan
    fitted = fit_severity(heads, observed, unsaid, np.arange(25))
    assert (fitted.workers, fitted.amount) == (None, None)
    found = fitted.predict(heads, 25)
    assert np.isnan(found.workers).all()
    assert np.isnan(found.p_major).all()


def test_twenty_rows_of_one_case_are_one_case() -> None:
    fitted = fit_severity(
        {"insured_heads": np.arange(1.0, 61.0)}, np.full(60, 5.0), np.full(60, 1e4), np.arange(60) // 30
    )
    assert fitted.workers is None


def test_where_sizes_tell_cases_apart_the_large_are_expected_to_be_large() -> None:
    sizes, workers, amount = _city(300, 1)
    found = fit_severity(sizes, workers, amount, np.arange(300)).predict(
        {"insured_heads": np.array([3.0, 20.0, 300.0]), "firm_capital": np.zeros(3)}, 3
    )
    assert found.workers[0] < 4 < found.workers[1] < 15 < found.workers[2]
    assert found.amount[0] * 10 < found.amount[2]
    assert found.p_major[0] == 0.0
    assert found.p_major[2] > 0.8


def test_where_sizes_tell_nothing_everyone_is_expected_alike() -> None:
    rng = np.random.default_rng(3)
    sizes = {
        name: np.exp(rng.normal(3, 1, 150))
        for name in ("project_amount", "attendance_heads", "wages_due_month")
    }
    workers = np.ceil(np.exp(rng.normal(2, 1.2, 150)))
    fitted = fit_severity(sizes, workers, workers * 8000, np.arange(150))
    found = fitted.predict(sizes, 150)
    assert found.workers.max() / found.workers.min() < 1.05
    assert fitted.edges == ()


def test_no_more_workers_than_a_few_times_those_insured() -> None:
    rng = np.random.default_rng(4)
    heads = np.repeat([2.0, 40.0, 400.0], 60)
    workers = np.minimum(np.ceil(np.exp(rng.normal(2.5, 1.5, 180))), heads)
    mixed = rng.permutation(180)
    fitted = fit_severity(
        {"insured_heads": heads[mixed]}, workers[mixed], np.full(180, np.nan), np.arange(180)
    )
    found = fitted.predict({"insured_heads": np.array([2.0, 400.0])}, 2)
    assert found.workers_hi[0] <= 5
    assert found.workers_hi[1] > 20


def test_workers_and_yuan_of_one_case_belong_together() -> None:
    rng = np.random.default_rng(5)
    workers = np.ceil(np.exp(rng.normal(2.5, 1.2, 400)))
    sizes = {"insured_heads": np.full(400, np.nan)}
    together = fit_severity(sizes, workers, workers * 33_000.0, np.arange(400)).predict(sizes, 1)
    apart = fit_severity(sizes, workers, rng.permutation(workers) * 33_000.0, np.arange(400)).predict(
        sizes, 1
    )
    assert together.p_major[0] == pytest.approx(float((workers >= 30).mean()), abs=0.02)
    assert apart.p_major[0] > together.p_major[0] + 0.1


def test_what_only_some_cases_say_is_drawn_for_itself() -> None:
    sizes, workers, amount = _city(100, 6)
    workers[:50], amount[50:] = np.nan, np.nan
    found = fit_severity(sizes, workers, amount, np.arange(100)).predict(sizes, 100)
    assert np.isfinite(found.workers).all()
    assert np.isfinite(found.amount).all()
    assert found.p_major.max() > found.p_major.min()


def test_the_company_of_others_changes_nothing() -> None:
    sizes, workers, amount = _city(200, 7)
    fitted = fit_severity(sizes, workers, amount, np.arange(200))
    many = {name: np.tile(values, 150) for name, values in sizes.items()}  # more than are predicted at once
    together, alone = fitted.predict(many, 30_000), fitted.predict(sizes, 200)
    assert np.allclose(together.amount, np.tile(alone.amount, 150), rtol=1e-12)
    assert np.array_equal(together.p_major, np.tile(alone.p_major, 150))


def test_sizes_survive_being_written() -> None:
    sizes, workers, amount = _city(200, 8)
    fitted = fit_severity(sizes, workers, amount, np.arange(200))
    assert len(fitted.pairs) > 1
    assert Severity.from_json(json.loads(json.dumps(fitted.to_json()))) == fitted


def test_four_of_five_new_cases_of_any_size_lie_in_their_interval() -> None:
    sizes, workers, amount = _city(1200, 9, informed=0.5)
    fitted = fit_severity({n: v[:600] for n, v in sizes.items()}, workers[:600], amount[:600], np.arange(600))
    found = fitted.predict({n: v[600:] for n, v in sizes.items()}, 600)
    inside = (amount[600:] >= found.amount_lo) & (amount[600:] <= found.amount_hi)
    counted = (workers[600:] >= found.workers_lo) & (workers[600:] <= found.workers_hi)
    large = np.nan_to_num(sizes["insured_heads"][600:], nan=20) > 20
    for part in (large, ~large):
        assert 0.74 < inside[part].mean() < 0.87
        assert 0.74 < counted[part].mean() < 0.90
