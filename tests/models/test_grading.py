"""The published grade: rules raise and never lower, red and orange rest on a dated fact, a held grade is left late."""

from __future__ import annotations

from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anxin.features.catalogue import catalogue
from anxin.models.grades import bands, fact_days
from anxin.models.grading import graded, near
from anxin.models.reasons import FELT, Explained, Part
from anxin.models.rules import Hit

from . import made

DAY = date(2026, 3, 1)
OWN = "complaints_90d"
AROUND = next(f.name for f in catalogue().values() if f.about == "around" and f.reason)
PAYER = next(f.name for f in catalogue().values() if f.about == "payer" and f.dated)


def reason(feature: str = OWN, on: date | None = DAY, contribution: float = 0.5) -> Part:
    return Part(catalogue()[feature], contribution, 3.0, 1.0, on)


def hit(to: int, feature: str = OWN, on: date | None = DAY) -> Hit:
    rule: Any = SimpleNamespace(zh="欠发两个月", en="two months unpaid", raises_to=to)
    return Hit(rule, feature, 1.0, on)


@given(st.integers(0, 4), st.lists(st.integers(0, 4), max_size=4))
def test_the_grade_is_the_models_or_the_highest_rules(own: int, raises: list[int]) -> None:
    found = graded(own, 0.5, own, [reason()], [hit(to) for to in raises], DAY)
    assert found.grade == max([own, *raises])
    assert found.put_by == ("rule" if found.grade > own else "model")
    assert bool(found.zh) == bool(found.en) == (found.put_by == "rule")


@given(
    st.integers(0, 4),
    st.lists(st.tuples(st.sampled_from([OWN, AROUND, PAYER]), st.booleans()), max_size=3),
    st.lists(st.tuples(st.integers(0, 4), st.sampled_from([OWN, AROUND]), st.booleans()), max_size=3),
)
def test_red_and_orange_rest_on_a_dated_fact(
    own: int, told: list[tuple[str, bool]], hits: list[tuple[int, str, bool]]
) -> None:
    reasons = [reason(feature, DAY if dated else None) for feature, dated in told]
    rules = [hit(to, feature, DAY if dated else None) for to, feature, dated in hits]
    found = graded(own, 0.5, own, reasons, rules, DAY)
    fact = any(dated and feature != AROUND for feature, dated in told) or any(
        to > 0 and dated and feature == OWN for to, feature, dated in hits
    )
    assert fact or found.grade <= 2
    assert found.grade >= min(own, 2)
    if found.grade < own:
        assert "没有本单位或直接付款方的有日期事实" in found.zh
        assert "no dated fact" in found.en


def test_what_is_near_is_the_subjects_own_or_its_payers() -> None:
    assert near(catalogue()[OWN])
    assert near(catalogue()[PAYER])
    assert not near(catalogue()[AROUND])


def test_a_rule_without_a_date_raises_to_yellow_and_says_what_it_points_to() -> None:
    found = graded(0, 0.01, 0, [], [hit(4, on=None)], DAY)
    assert (found.grade, found.put_by) == (2, "rule")
    assert "欠发两个月" in found.zh
    assert "指向红" in found.zh


def test_a_rules_fact_is_a_fact_for_the_models_grade_too() -> None:
    assert graded(4, 0.6, 4, [], [hit(2)], DAY).grade == 4


def test_a_rule_that_raises_nothing_is_no_fact() -> None:
    """That a project has no completion reserve is dated by its contract, and so of nearly every one."""
    found = graded(4, 0.6, 4, [], [hit(0, "reserve_missing"), hit(0, "reserve_missing")], DAY)
    assert (found.grade, found.put_by) == (2, "model")
    assert "没有本单位或直接付款方的有日期事实" in found.zh


@pytest.mark.parametrize(
    ("contribution", "days", "grade"),
    [
        (FELT, fact_days(), 4),
        (FELT, 0, 4),
        (FELT - 1e-6, 0, 2),
        (3.0, fact_days() + 1, 2),
    ],
)
def test_a_fact_is_felt_in_the_score_and_not_too_old(contribution: float, days: int, grade: int) -> None:
    part = reason(on=DAY - timedelta(days=days), contribution=contribution)
    assert graded(4, 0.6, 4, [part], [], DAY).grade == grade


def test_district_and_sector_are_not_made_red_by_a_figure_that_hardly_counts() -> None:
    names = ("district_case_rate_365d", "sector_case_rate_90d", "insured_trend")
    one = Explained(
        base=-4.0,
        score=1.000001,
        features=tuple(catalogue()[name] for name in names),
        contributions=np.array([3.0, 2.0, 1e-6]),
        values=np.array([0.08, 0.05, 0.98]),
        usual=np.array([0.01, 0.01, 1.0]),
        ages=np.array([np.nan, np.nan, 900.0]),
        day=DAY,
    )
    assert [part.feature.name for part in one.reasons()] == list(names)
    found = graded(4, 0.5, 4, one.reasons(), [], DAY)
    assert (found.grade, found.put_by) == (2, "model")
    assert "暂列黄" in found.zh and "stays at yellow" in found.en


@given(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 4)), min_size=1, max_size=30))
def test_a_grade_is_left_only_below_its_band(rows: list[tuple[float, int]]) -> None:
    p90, before = np.array([p for p, _ in rows]), np.array([g for _, g in rows])
    leave = bands().leave
    held = made.PROMISES.held(p90, before, leave)
    earned = made.PROMISES.grade_of(p90)
    assert (held >= earned).all()
    for p, was, now, alone in zip(p90, before, held, earned, strict=True):
        if now > alone:
            assert now <= was
            assert p >= leave * made.PROMISES.threshold(int(now))
        elif was > alone:
            assert p < leave * made.PROMISES.threshold(int(alone) + 1)


@pytest.mark.parametrize("was", [3, 4])
def test_a_grade_that_is_kept_by_its_band_says_so(was: int) -> None:
    assert "退出线" in graded(was, 0.33, was - 1, [reason()], [], DAY).zh


@pytest.mark.parametrize(("own", "earned"), [(4, 3), (4, 2), (3, 2)])
def test_a_grade_held_by_its_band_and_without_a_fact_is_not_said_to_be_reached(own: int, earned: int) -> None:
    found = graded(own, 0.37, earned, [], [], DAY)
    assert found.grade == 2
    assert "达到" not in found.zh and "earns" not in found.en
    assert "区间" in found.zh and "within the band" in found.en
    assert "没有本单位或直接付款方的有日期事实" in found.zh and "no dated fact" in found.en
    assert "达到" in graded(own, 0.5, own, [], [], DAY).zh
