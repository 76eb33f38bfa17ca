"""Drift: nothing moved is no drift, what moved is named first, a season is none, and merged districts are none."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anxin.judging.alarm import Batch, apart, log_ratios, watch
from anxin.judging.drift import features_shift, population_shift, score_shift, worst
from anxin.judging.matured import by_month, observed_expected, one_a_month
from anxin.judging.reference import Reference, reference_of

NAMES = ("insured_heads", "complaints_90d")
DAY = date(2026, 3, 1)
ODDS = (1.2, 1.6, 2.2, 3.5)
BAND = (0.8, 1.25)


def snapshot(heads: np.ndarray, district: str = "500103") -> pa.Table:
    n = len(heads)
    return pa.table(
        {
            "subject_id": [f"S{i:04d}" for i in range(n)],
            "as_of": pa.array([DAY] * n, pa.date32()),
            "in_hand": [False] * n,
            "district": [district] * n,
            "insured_heads": pa.array(heads, from_pandas=True),
            "complaints_90d": pa.array(np.zeros(n)),
        }
    )


def heads(n: int = 2000, seed: int = 0, shift: float = 0.0) -> np.ndarray:
    return np.floor(np.exp(np.random.default_rng(seed).normal(3 + shift, 1, n)))


@pytest.fixture(scope="module")
def reference() -> Reference:
    return reference_of(snapshot(heads()), "employer", NAMES, np.linspace(0.001, 0.4, 500))


def test_the_same_people_are_no_drift(reference: Reference) -> None:
    found = features_shift(reference, snapshot(heads()))
    assert [one.psi for one in found] == [0.0, 0.0]
    assert {one.state for one in found} == {"steady"}
    assert worst([one.state for one in found]) == "steady"
    assert {one.state for one in features_shift(reference, snapshot(heads(seed=1)))} == {"steady"}
    assert score_shift(reference, np.linspace(0.001, 0.4, 500)).state == "steady"  # type: ignore[union-attr]


def test_what_moved_is_named_first_and_what_went_missing_too(reference: Reference) -> None:
    found = features_shift(reference, snapshot(heads(shift=1.0)))
    assert (found[0].name, found[0].state) == ("insured_heads", "alarm")
    assert found[0].ks > 0.3
    gone = heads()
    gone[::3] = np.nan
    lost = features_shift(reference, snapshot(gone))[0]
    assert (lost.state, lost.missing_before) == ("alarm", 0.0)
    assert lost.missing_now == pytest.approx(1 / 3, abs=1e-3)
    assert features_shift(reference, snapshot(gone).drop_columns("insured_heads"))[0].missing_now == 1.0


def test_a_handful_of_subjects_is_no_alarm_of_chance(reference: Reference) -> None:
    for seed in range(40):
        assert {one.state for one in features_shift(reference, snapshot(heads(40, seed=seed)))} == {"steady"}


def test_nobody_at_all_is_no_alarm_of_every_feature(reference: Reference) -> None:
    assert "alarm" not in {one.state for one in features_shift(reference, snapshot(np.empty(0)))}


def test_a_district_under_its_old_code_is_no_shift_and_another_one_is() -> None:
    # The city of Nanchuan, 500384, has been the district 500119 since 2006.
    before = reference_of(snapshot(heads(), "500384"), "employer", NAMES, np.empty(0))
    assert population_shift(before, snapshot(heads(), "500119"), DAY)[0]["psi"] == 0
    moved = population_shift(before, snapshot(heads(), "500103"), DAY)[0]
    assert moved["state"] == "alarm"
    assert {one["value"] for one in moved["moved"]} == {"500103", "500119"}


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=50), st.floats(0.81, 1.24), st.sampled_from(ODDS))
def test_no_bet_gains_on_average_while_odds_stay_in_the_band(
    said: list[float], odds: float, beyond: float
) -> None:
    p = np.array(said)
    bounds, thetas = np.array([BAND[1], BAND[0]]), np.array([BAND[1] * beyond, BAND[0] / beyond])
    # Independent outcomes: the expectation of the product is the product of expectations.
    true = odds * p / (1 - p + odds * p)
    one, none = (
        np.exp([log_ratios(Batch(DAY, p[[i]], np.array([y])), thetas, bounds) for i in range(len(p))])
        for y in (1.0, 0.0)
    )
    assert (true[:, None] * one + (1 - true)[:, None] * none <= 1 + 1e-6).all()


@given(st.lists(st.floats(0.01, 0.99), min_size=3, max_size=30), st.integers(0, 3))
def test_a_bet_never_gains_by_a_warning_averted_whatever_it_would_have_been(
    said: list[float], would: int
) -> None:
    p = np.array(said)
    bounds, thetas = np.array([BAND[1], BAND[0]]), np.array([BAND[1] * 2.2, BAND[0] / 2.2])
    unknown = log_ratios(Batch(DAY, p, np.zeros(len(p)), averted=3), thetas, bounds)
    known = log_ratios(Batch(DAY, p, np.r_[np.ones(would), np.zeros(len(p) - would)]), thetas, bounds)
    assert (unknown <= known + 1e-9).all()
    assert watch([Batch(DAY, p, np.zeros(len(p)), averted=3)], 0.05, BAND, ODDS).steps[0].averted == 3


def batches(months: int, odds: float, seed: int, n: int = 400) -> list[Batch]:
    rng = np.random.default_rng(seed)
    found = []
    for month in range(months):
        p = rng.beta(0.5, 12, n)
        true = odds * p / (1 - p + odds * p)
        found.append(
            Batch(date(2024 + month // 12, month % 12 + 1, 1), p, (rng.random(n) < true).astype(float))
        )
    return found


def test_honest_odds_raise_no_alarm_and_doubled_or_halved_ones_do_soon() -> None:
    quiet = [watch(batches(24, 1.0, seed), 0.05, BAND, ODDS) for seed in range(30)]
    assert sum(one.alarmed is not None for one in quiet) <= 1
    for odds, months in ((2.5, 6), (0.3, 8)):
        delays = [watch(batches(24, odds, seed), 0.05, BAND, ODDS).alarmed for seed in range(10)]
        assert all(day is not None for day in delays)
        assert np.median([(day.year - 2024) * 12 + day.month for day in delays if day]) <= months


def test_years_of_good_months_do_not_hide_a_bad_one() -> None:
    good, bad = batches(36, 1.0, 1), batches(36, 3.0, 2)
    turned = [*good, *(Batch(date(one.as_of.year + 3, one.as_of.month, 1), one.p, one.y) for one in bad[:8])]
    found = watch(turned, 0.05, BAND, ODDS)
    assert found.alarmed is not None
    assert found.alarmed >= date(2027, 1, 1)
    assert found.wealth >= found.threshold


def test_nothing_seen_is_no_wealth_and_batches_come_in_order() -> None:
    assert watch([], 0.05, BAND, ODDS).wealth == 1.0
    first, second = batches(2, 1.0, 0)
    with pytest.raises(ValueError, match="order"):
        watch([second, first], 0.05, BAND, ODDS)
    assert watch([first], 0.05, BAND, ODDS).steps[0].observed == int(first.y.sum())


def test_lists_taken_share_no_outcome() -> None:
    days = [date(2026, 1, 1), date(2026, 1, 2), date(2026, 1, 31), date(2026, 2, 1), date(2026, 3, 5)]
    assert apart(days, 30) == [days[0], days[2], days[4]]
    assert one_a_month(days) == [days[0], days[3], days[4]]


@given(st.integers(0, 300), st.floats(0.1, 300))
def test_the_interval_of_a_ratio_holds_it(observed: int, expected: float) -> None:
    found = observed_expected(observed, expected)
    assert found["low"] <= found["ratio"] <= found["high"]
    assert (found["low"] == 0) == (observed == 0)


def test_months_are_judged_for_all_for_new_and_in_the_first() -> None:
    rows = pd.DataFrame(
        {
            "as_of": [DAY] * 4,
            "p90": [0.4, 0.3, 0.2, 0.1],
            "y": [1.0, 0.0, 1.0, 0.0],
            "y_plain": [np.nan, 0.0, 0.0, 0.0],
            "in_hand": [True, False, False, False],
        }
    )
    found = {(one["group"], one["first"]): one for one in by_month(rows, (1,))}
    assert found["all", None]["observed"] == 2
    assert found["all", None]["expected"] == 1.0
    assert found["all", 1]["expected"] == 0.4
    assert found["new", None]["observed"] == 1
    assert found["new", 1]["expected"] == 0.3
    plain = found["all", None]["without_averted"]
    assert (plain["observed"], plain["expected"]) == (0, 0.6)
    assert found["all", 1]["without_averted"]["ratio"] is None
