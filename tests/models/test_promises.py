"""Thresholds that keep a promise: the sequence of tests, the ageing margin, and «cannot be kept»."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anxin.models.grades import Promises, bands, grades
from anxin.models.promises import FixedSequence, Period, ageing, apart, left, promised, with_rules
from anxin.models.rules import rules

from . import made

LEAST = min(grade.least for grade in grades())


def period(day: str, p90: np.ndarray, y: np.ndarray, new: bool = True) -> Period:
    return Period(day, p90, y, np.full(len(p90), new))


def dates(count: int, rows: int = 3000, seed: int = 0, fall: float = 1.0) -> list[Period]:
    """Return dates of calibrated probabilities; each later one comes true `fall` times as often as the one before."""
    rng = np.random.default_rng(seed)
    found = []
    for place in range(count):
        p90 = 1 / (1 + np.exp(-rng.normal(-4.2, 1.5, rows)))
        found.append(
            period(f"2025-0{place + 1}-01", p90, (rng.random(rows) < p90 * fall**place).astype(float))
        )
    return found


def test_the_lists_tested_begin_where_the_probabilities_expect_most_and_only_grow() -> None:
    p90 = np.sort(np.random.default_rng(1).beta(1, 6, 500))[::-1]
    order = FixedSequence(0.3, 0.9).order(p90)
    assert (np.diff(order) > 0).all()
    surplus = [(p90[:n].sum() - 0.3 * n) / np.sqrt(n) for n in (5, 20, 50, 100, 200, 400)]
    assert min(surplus) < (p90[: order[0]].sum() - 0.3 * order[0]) / np.sqrt(order[0]) >= max(surplus) - 0.05
    assert order[-1] == 500


def test_a_list_never_ends_between_equals() -> None:
    p90 = np.repeat([0.6, 0.4, 0.2], [7, 9, 30])
    assert set(FixedSequence(0.3, 0.9).order(p90)) <= {7, 16, 46}


@given(st.integers(1, 400), st.floats(0.05, 0.9))
def test_a_p_value_is_the_chance_of_so_many_hits(rows: int, precision: float) -> None:
    test = FixedSequence(precision, 0.9)
    chances = [test.p_value(rows, hits) for hits in range(rows + 1)]
    assert chances[0] == pytest.approx(1.0)
    assert (np.diff(chances) <= 1e-12).all()
    assert chances[-1] == pytest.approx(precision**rows)


def test_the_last_list_that_passes_gives_the_threshold() -> None:
    p90 = np.linspace(0.9, 0.01, 300)
    y = (np.arange(300) < 100).astype(float)
    threshold = FixedSequence(0.5, 0.9).threshold(p90, y)
    assert threshold is not None
    length = int((p90 >= threshold).sum())
    assert 100 < length < 200
    assert FixedSequence(0.5, 0.9).threshold(p90, np.zeros(300)) is None


def test_order_of_rows_changes_nothing() -> None:
    one = dates(3)
    mixed = []
    for each in one:
        place = np.random.default_rng(2).permutation(len(each.y))
        mixed.append(Period(each.as_of, each.p90[place], each.y[place], each.new[place]))
    assert promised(one) == promised(mixed)


def test_many_rows_of_good_probabilities_keep_every_promise() -> None:
    found = promised(dates(4, rows=20000))
    assert [one.kept for one in found.each] == [True] * 4
    for one in found.each:
        assert one.hits / one.rows >= one.precision


def test_what_is_shown_to_keep_a_promise_holds_whoever_the_band_may_keep() -> None:
    periods = dates(4, rows=20000)
    found = promised(periods)
    lowest = np.sort(np.concatenate([one.p90 for one in periods]))
    asked = grades()[0].promise / (1 - found.ageing)
    tested = FixedSequence(asked, found.confidence)
    p90 = np.concatenate([one.within(grades()[0].least).p90 for one in periods])
    shown = tested.threshold(p90, np.concatenate([one.within(grades()[0].least).y for one in periods]))
    red = found.each[0]
    assert shown is not None and red.threshold == pytest.approx(shown / bands().leave)
    held = found.held(lowest, np.full(len(lowest), red.grade), bands().leave) == red.grade
    assert lowest[held].min() >= shown * (1 - 1e-12)


def test_a_promise_that_no_probability_could_earn_is_not_made_and_the_rows_keep_a_grade() -> None:
    """Red begins at 0.30 for want of proof; orange is shown down to 0.285, which the band would lift above that."""
    rng = np.random.default_rng(8)
    periods = [
        period(f"2025-0{i}-01", np.full(800, 0.285), (rng.random(800) < 0.3).astype(float)) for i in (1, 4, 7)
    ]
    orange = promised(periods).each[1]
    assert (orange.kept, orange.why, orange.threshold) == (False, "no_room", grades()[1].p90)
    assert promised(periods).grade_of(np.array([0.285]))[0] == orange.grade


def test_of_rows_too_few_to_promise_it_of_a_grade_alone_it_is_promised_of_it_and_worse_ones_together() -> (
    None
):
    periods = dates(4, rows=1200, seed=3)
    yellow = promised(periods).each[2]
    assert (yellow.kept, yellow.together) == (True, True)
    assert yellow.threshold >= grades()[2].p90
    at_least = [one.within(left(yellow.threshold)) for one in periods]
    assert yellow.all_rows == sum(len(one.y) for one in at_least) > yellow.rows
    assert yellow.all_hits == sum(one.y.sum() for one in at_least) >= yellow.precision * yellow.all_rows
    zh, en = yellow.said(0.9)
    assert (
        f"模型列入的黄及以上合计：90天内查实不少于 10%（置信度 90%，回测可列入的 {yellow.all_rows} 条" in zh
    )
    assert f"黄单独不作承诺，回测可列入的 {yellow.rows} 条中查实 {yellow.hits} 条" in zh
    assert "yellow and worse by the model, together: at least 10%" in en


def test_of_a_grade_alone_nothing_is_promised_unless_it_is_of_it_and_worse_ones_together() -> None:
    """The worst never come true: however good the yellow rows are, the list down to them does not show 10 %."""
    rng = np.random.default_rng(9)
    p90 = np.repeat([0.9, 0.12], [1500, 500])
    came = [np.where(p90 > 0.5, 0.0, (rng.random(2000) < 0.3).astype(float)) for _ in range(3)]
    found = promised([period(f"2025-0{1 + 3 * i}-01", p90, y) for i, y in enumerate(came)])
    yellow = found.each[2]
    assert (yellow.kept, yellow.why) == (False, "worse_not_shown")
    assert yellow.hits / yellow.rows > 0.25


def test_together_nothing_is_promised_of_a_grade_whose_own_rows_clearly_fall_short() -> None:
    """Of the worst many come true, of the yellow ones hardly any: the list down to them has its 10 % all the same."""
    rng = np.random.default_rng(10)
    p90 = np.repeat([0.9, 0.12], [500, 500])
    came = [(rng.random(1000) < np.where(p90 > 0.5, 0.6, 0.01)).astype(float) for _ in range(3)]
    found = promised([period(f"2025-0{1 + 3 * i}-01", p90, y) for i, y in enumerate(came)])
    yellow = found.each[2]
    assert yellow.all_hits / yellow.all_rows > 0.25
    assert (yellow.kept, yellow.together, yellow.why) == (False, False, "own_short")


def test_few_rows_or_one_date_cannot_keep_a_promise_and_take_the_configured_threshold() -> None:
    few = promised(dates(4, rows=60))
    assert [one.kept for one in few.each[:2]] == [False, False]
    assert {one.why for one in few.each[:2]} <= {"no_rows", "not_shown", "worse_not_shown"}
    assert few.each[0].threshold == grades()[0].p90
    one = promised(dates(1, rows=20000))
    assert {each.why for each in one.each} == {"few_dates"}
    assert promised([]).each[0].why == "few_dates"


def test_overconfident_probabilities_keep_nothing_and_say_what_was_seen() -> None:
    rng = np.random.default_rng(3)
    wrong = [period(f"2025-0{i}-01", rng.uniform(0.2, 0.9, 400), np.zeros(400)) for i in (1, 4)]
    red = promised(wrong).each[0]
    assert (red.kept, red.why, red.hits) == (False, "not_shown", 0)
    assert red.rows > 300
    zh, en = red.said(0.9)
    assert "无法承诺" in zh
    assert "cannot be promised" in en


def test_a_precision_that_falls_on_later_dates_is_asked_for_beforehand() -> None:
    steady, falling = dates(4, rows=20000), dates(4, rows=20000, fall=0.8)
    assert ageing(steady, LEAST) < 0.1
    assert 0.25 < ageing(falling, LEAST) < 0.6
    assert promised(falling).each[3].threshold > promised(steady).each[3].threshold


def test_dates_that_differ_more_than_counts_do_widen_the_margin() -> None:
    rng = np.random.default_rng(4)
    p90 = rng.uniform(0.05, 0.4, 2000)
    swings = [
        period(f"2025-0{i + 1}-01", p90, (rng.random(2000) < p90 * s).astype(float))
        for i, s in enumerate((1, 0.6, 1.4, 1))
    ]
    assert ageing(swings, LEAST) > 0.15


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=300), st.integers(0, 3))
def test_whatever_was_seen_a_worse_grade_needs_more(rows: list[tuple[float, bool]], seed: int) -> None:
    p90 = np.array([p for p, _ in rows], dtype=float)
    y = np.array([float(hit) for _, hit in rows])
    half = np.random.default_rng(seed).random(len(rows)) < 0.5
    found = promised([period("2025-01-01", p90[half], y[half]), period("2025-05-01", p90[~half], y[~half])])
    graded = found.grade_of(np.sort(p90))
    assert (np.diff(graded) >= 0).all()
    ceilings = [np.inf, *(one.threshold for one in found.each)]
    for one, ceiling in zip(found.each, ceilings, strict=False):
        assert one.rows == ((p90 >= left(one.threshold)) & (p90 < ceiling)).sum()
    assert Promises.from_json(found.to_json()) == found


def test_only_dates_that_share_no_outcome_are_used() -> None:
    days = pd.date_range("2025-01-01", periods=9, freq="30D")
    judged = pd.DataFrame(
        {
            "as_of": np.repeat(days.date, 3),
            "y": [1.0, 0.0, np.nan] * 9,
            "p90": 0.2,
            "in_hand": [True, False, False] * 9,
        }
    )
    found = apart(judged)
    assert [one.as_of for one in found] == ["2025-03-02", "2025-05-31", "2025-08-29"]
    assert all(len(one.y) == 2 for one in found)
    assert [bool(new) for new in found[0].new] == [False, True]
    assert apart(pd.DataFrame()) == []


def test_what_rules_put_beside_the_model_is_measured_and_not_promised() -> None:
    rows = 60
    complaints = np.repeat([5.0, 0.0], rows // 2)
    days = [date(2025, 3, 2)] * rows
    snapshot = made.snapshot(np.full((rows, len(made.FEATURES)), np.nan)).drop_columns(
        ["as_of", "complaints_90d"]
    )
    snapshot = snapshot.append_column("as_of", pa.array(days, pa.date32()))
    raising = next(r for r in rules() if r.raises_to == 2 and r.name == "complaint_in_handling")
    assert raising.when.limits()[0].feature == "complaints_open"
    snapshot = snapshot.append_column("complaints_open", pa.array(complaints))
    snapshot = snapshot.append_column("district", pa.array(["520103"] * rows))
    y = np.tile([1.0, 0.0, np.nan], rows // 3)
    judged = pd.DataFrame({"as_of": days, "y": y, "p90": 0.01, "in_hand": False, "place": np.arange(rows)})
    found = with_rules(promised(apart(judged)), judged, snapshot, "employer")
    yellow = next(one for one in found.by_rules if one.grade == 2)
    assert (yellow.rows, yellow.hits, yellow.new_rows, yellow.new_hits) == (20, 10, 20, 10)
    assert sum(one.rows for one in found.by_rules) == 20
    above = with_rules(promised(apart(judged)), judged.assign(p90=0.5), snapshot, "employer")
    assert sum(one.rows for one in above.by_rules) == 0
    assert Promises.from_json(found.to_json()) == found
