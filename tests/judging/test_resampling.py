"""Figures drawn anew are the figures themselves when nothing is drawn, and their spread is that of subjects."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anxin.judging.evaluator import judge, mean_over_dates
from anxin.judging.resampling import Subjects, drawn, ratio, share, within, within_each

DAYS = [date(2024, 1, 1) + timedelta(30 * i) for i in range(3)]


def _rows(n: int = 400, seed: int = 0, tied: bool = True) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    parts = []
    for day in DAYS:
        danger = rng.random(n)
        y = (rng.random(n) < danger / 4).astype(float)
        parts.append(
            pd.DataFrame(
                {
                    "subject_id": [f"S{i:04d}" for i in range(n)],
                    "as_of": day,
                    "figure": np.floor(danger * 8) if tied else danger,
                    "y": y,
                    "in_hand": rng.random(n) < 0.2,
                    "workers": np.where(y > 0, rng.integers(1, 40, n), np.nan),
                    "yuan": np.where(y > 0, rng.integers(1, 40, n) * 1e3, np.nan),
                }
            )
        )
    rows = pd.concat(parts, ignore_index=True)
    rows.loc[::17, "y"] = np.nan
    return rows


@pytest.mark.parametrize("tied", [True, False])
def test_undrawn_figures_are_those_of_the_evaluator(tied: bool) -> None:
    rows = _rows(tied=tied)
    found = drawn(rows, Subjects(rows["subject_id"]), (100, 500))
    for group in ("all", "new"):
        means = mean_over_dates(judge(rows), group)
        for name in ("average_precision", "precision_100", "precision_500", "recall_500"):
            assert found[group].interval(name).mean == pytest.approx(means[name]), (group, name)


def test_workers_reached_are_the_share_of_all_that_came_true() -> None:
    rows = _rows(tied=False)
    found = drawn(rows, Subjects(rows["subject_id"]), (50,))["all"]
    shares = []
    for _, day in rows.loc[rows["y"].notna()].groupby("as_of"):
        first = day.sort_values("figure", ascending=False).head(50)
        shares.append(first["workers"].sum() / day["workers"].sum())
    assert found.interval("workers_50").mean == pytest.approx(np.mean(shares))


def test_subjects_beyond_the_head_count_as_they_are() -> None:
    rng = np.random.default_rng(1)
    n = 9000
    rows = pd.DataFrame(
        {
            "subject_id": [f"S{i}" for i in range(n)],
            "as_of": DAYS[0],
            "figure": np.where(np.arange(n) < 300, -np.arange(n), -1e9),
            "y": (rng.random(n) < 0.05).astype(float),
            "in_hand": False,
        }
    )
    found = drawn(rows, Subjects(rows["subject_id"]), (100, 500))["all"]
    means = mean_over_dates(judge(rows), "all")
    for name in ("average_precision", "precision_100", "precision_500", "recall_500"):
        mean = found.interval(name)
        assert mean.mean == pytest.approx(means[name])
        assert mean.low <= mean.mean <= mean.high


def test_the_same_subjects_on_every_date_are_no_more_evidence_than_once() -> None:
    once = _rows(seed=3, tied=False)
    once = once.loc[once["as_of"] == DAYS[0]]
    thrice = pd.concat([once.assign(as_of=day) for day in DAYS], ignore_index=True)
    one = drawn(once, Subjects(once["subject_id"]), (100,))["all"].interval("precision_100")
    three = drawn(thrice, Subjects(thrice["subject_id"]), (100,))["all"].interval("precision_100")
    assert three == one


def test_an_interval_covers_what_cities_of_its_size_show_on_average() -> None:
    subjects = Subjects(_rows()["subject_id"])
    found = [drawn(_rows(seed=100 + i, tied=False), subjects, (100,))["all"] for i in range(60)]
    for name in ("average_precision", "precision_100"):
        intervals = [each.interval(name) for each in found]
        usual = np.mean([each.mean for each in intervals])
        covered = np.mean([each.low <= usual <= each.high for each in intervals])
        assert 0.8 <= covered <= 0.98, name


def test_a_gain_is_paired_and_nothing_against_itself() -> None:
    rows = _rows(tied=False)
    subjects = Subjects(rows["subject_id"])
    ours = drawn(rows, subjects, (100,))["all"]
    worse = drawn(rows.assign(figure=np.arange(len(rows)) % 7), subjects, (100,))["all"]
    assert ours.gain(ours, "average_precision") == {
        "dates": 3,
        "won": 0,
        "mean": 0.0,
        "low": 0.0,
        "high": 0.0,
    }
    found = ours.gain(worse, "average_precision")
    assert (found["dates"], found["won"]) == (3, 3)
    assert 0 < found["low"] < found["mean"] < found["high"]
    later = drawn(rows.loc[rows["as_of"] > DAYS[1]], subjects, (100,))["all"]
    assert ours.gain(later, "average_precision")["dates"] == 1


@given(st.lists(st.integers(0, 4), min_size=1, max_size=30), st.integers(0, 40))
def test_within_is_the_chance_of_a_random_order(figures: list[int], k: int) -> None:
    chance = within(np.array(figures, dtype=float), k)
    assert chance.sum() == pytest.approx(min(k, len(figures)))
    for i, mine in enumerate(figures):
        above, equal = sum(f > mine for f in figures), sum(f == mine for f in figures)
        assert chance[i] == pytest.approx(min(max((k - above) / equal, 0.0), 1.0))


def test_within_each_is_by_date_whatever_the_order_of_rows() -> None:
    rows = _rows().sample(frac=1.0, random_state=1)
    chance = within_each(rows, 100)
    for day, part in rows.assign(chance=chance).groupby("as_of"):
        assert part["chance"].sum() == pytest.approx(100), day
        assert part["chance"].to_numpy() == pytest.approx(within(part["figure"].to_numpy(float), 100))


def test_a_ratio_has_the_spread_of_drawing_subjects() -> None:
    rng = np.random.default_rng(5)
    subject = np.repeat(np.arange(300), 4)
    under = rng.random(1200) + 0.5
    over = under * np.repeat(rng.random(300), 4)
    found = ratio(over, under, subject)
    sums = pd.DataFrame({"s": subject, "o": over, "u": under}).groupby("s").sum()
    taken = rng.integers(0, 300, (4000, 300))
    means = sums["o"].to_numpy()[taken].sum(axis=1) / sums["u"].to_numpy()[taken].sum(axis=1)
    low, high = np.quantile(means, [0.05, 0.95])
    assert found.mean == pytest.approx(over.sum() / under.sum())
    assert found.high - found.low == pytest.approx(high - low, rel=0.08)
    # Four rows of a subject are one voice: as if independent, the interval would be half as wide.
    alone = ratio(over, under, np.arange(1200))
    assert alone.high - alone.low < 0.7 * (found.high - found.low)
    assert ratio(np.zeros(0), np.zeros(0), []).mean is None


def test_a_share_of_nothing_is_bounded_by_how_many_subjects_there_are() -> None:
    none, some = np.zeros(40), np.ones(40)
    four = share(none, some, np.repeat(np.arange(10), 4))
    assert (four.mean, four.low) == (0.0, 0.0)
    assert four.high == pytest.approx(1 - 0.05 ** (1 / 10))
    everything = share(some, some, np.arange(40))
    assert (everything.mean, everything.high) == (1.0, 1.0)
    assert everything.low == pytest.approx(0.05 ** (1 / 40))
    half = share(np.arange(40) % 2.0, some, np.arange(40))
    assert 0 < half.low < 0.5 < half.high < 1
