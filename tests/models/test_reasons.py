"""Reasons: they add up, they are true, and every one can be said in both languages."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anxin.features.catalogue import Feature, catalogue
from anxin.models.reasons import FELT, Explained, Part, _medians, amount, explain, sentence, usual_values

from . import made

EVERY = pytest.mark.parametrize("feature", catalogue().values(), ids=lambda feature: feature.name)
VALUES = (0.0, 1.0, 0.04, -0.04, 0.5, 3.5, 17.0, 99.96, 12_345.678, 9_999_999.0, -3.0)


def _explained(seed: int = 4, rows: int = 120) -> tuple[np.ndarray, list[Explained]]:
    values = made.matrix(rows, seed)
    table = made.snapshot(values, complaint_days=pa.nulls(rows, pa.float64()))
    return values, explain(made.model(), table, usual_values(made.model(), table))


def test_parts_and_base_are_the_score_on_every_row_strongest_first() -> None:
    values, found = _explained()
    margins = made.ordered().margin(values)
    for margin, one in zip(margins, found, strict=True):
        assert one.score == margin
        assert one.adds_up
        assert abs(one.base + sum(part.contribution for part in one.parts) - one.score) <= 1e-6
        assert {part.feature.name for part in one.parts} == set(made.FEATURES)
        sizes = [abs(part.contribution) for part in one.parts]
        assert sizes == sorted(sizes, reverse=True)


def test_a_reason_raises_the_score_is_known_and_has_few_of_its_family() -> None:
    _, found = _explained()
    counts = Counter[int]()
    for one in found:
        reasons = one.reasons()
        counts[len(reasons)] += 1
        assert all(part.contribution > 0 and part.value is not None for part in reasons)
        assert all(part.feature.reason for part in reasons)
        assert not any(_against(part) for part in (*reasons, *one.lowering()))
        assert max(Counter(part.feature.family for part in reasons).values(), default=0) <= 2
        assert [part.contribution for part in reasons] == sorted(
            (part.contribution for part in reasons), reverse=True
        )
        for part in one.parts:
            families = [reason.feature.family for reason in reasons]
            full = len(reasons) == 5 or families.count(part.feature.family) == 2
            fits = part.contribution > 0 and part.value is not None and part.feature.reason
            if (
                fits
                and part not in reasons
                and not _unset(part)
                and not _reads_as_usual(part)
                and not _against(part)
            ):
                assert full
    assert counts[0] < len(found), "no row had a reason, so nothing was tested"


def _against(part: Part) -> bool:
    """Whether it is counted for danger and reads safer than usual, or the other way round."""
    if part.usual is None or part.value is None or "{usual}" not in part.feature.zh_text:
        return False
    return part.feature.direction * (part.value - part.usual) * part.contribution < 0


def _unset(part: Part) -> bool:
    return part.feature.form == "flag" and not part.value


def _reads_as_usual(part: Part) -> bool:
    if part.value is None or part.usual is None or "{usual}" not in part.feature.zh_text:
        return False
    return amount(part.feature, part.value)[0] == amount(part.feature, part.usual)[0]


def test_of_rows_of_unknown_company_people_are_told_what_the_model_read() -> None:
    """A what-if row holds the figure less the median of a day nobody named, not the figure."""
    of_day = catalogue()["attendance_share_of_day"]
    assert sentence(of_day, -0.4, None)[0] == f"{of_day.zh}为-40%"
    assert sentence(catalogue()[of_day.told], 0.1, 0.5)[0] != sentence(of_day, 0.1, 0.5)[0]


def test_nobody_is_told_that_a_figure_is_as_it_usually_is() -> None:
    feature = catalogue()["complaints_90d"]
    assert "{usual}" in feature.zh_text
    for value, usual, told in ((0.0, 0.0, False), (3.0, 3.0, False), (3.0, 2.0, True), (3.0, None, True)):
        assert Part(feature, 0.5, value, usual, None).finding is told
    share = next(each for each in catalogue().values() if each.form == "share" and "{usual}" in each.zh_text)
    assert not Part(share, 0.5, 0.4201, 0.4199, None).finding  # both read 42%


def test_a_score_whose_parts_miss_it_does_not_add_up() -> None:
    one = _explained(rows=1)[1][0]
    assert one.adds_up
    assert not replace(one, base=one.base + 2e-6).adds_up


def test_what_lowers_the_score_is_told_too_and_is_not_a_reason() -> None:
    _, found = _explained()
    seen = 0
    for one in found:
        lowering = one.lowering()
        sizes = [part.contribution for part in lowering]
        assert all(size < -FELT for size in sizes) and sizes == sorted(sizes)
        assert all(part.finding and part.value != part.usual for part in lowering)
        assert not {part.feature.name for part in lowering} & {part.feature.name for part in one.reasons()}
        seen += len(lowering)
    assert seen, "no row had anything that lowers it, so nothing was tested"


def test_families_hold_every_part_and_the_one_that_raises_most_leads() -> None:
    _, found = _explained()
    for one in found:
        sums = [size for _, size in one.families()]
        assert sums == sorted(sums, reverse=True)
        assert abs(one.base + sum(sums) - one.score) <= 1e-6
        for family, size in one.families():
            own = [part.contribution for part in one.parts if part.feature.family == family]
            assert abs(sum(own) - size) < 1e-9


@pytest.mark.parametrize("name", ["firm_abnormal", "firm_revoked"])
def test_what_is_not_so_is_never_said_to_be_so(name: str) -> None:
    feature = catalogue()[name]
    so, not_so = sentence(feature, 1.0, None), sentence(feature, 0.0, None)
    assert so[0] != not_so[0]
    assert so[1] != not_so[1]
    nothing = np.array([np.nan])
    one = Explained(0.0, 0.7, (feature,), np.array([0.7]), np.array([0.0]), nothing, nothing, None)
    assert one.adds_up and one.parts[0].said == not_so
    assert one.reasons() == ()


@EVERY
@pytest.mark.parametrize("usual", [None, 0.0, 2.5], ids=["alone", "usual nothing", "usual some"])
def test_every_feature_can_be_said(feature: Feature, usual: float | None) -> None:
    for value in VALUES:
        for text in sentence(feature, value, usual):
            assert text == text.strip(" ,，;；")
            assert not set("{}") & set(text)
            assert "nan" not in re.findall(r"[a-z]+", text.lower())
            assert not re.search(r"-0(\.0)?(?![\d.])", text), text
            assert text.count("(") == text.count(")")
    said = sentence(feature, 17.0, usual)
    if "{value}" in feature.zh_text:
        assert any(sign.isdigit() for sign in said[0])
    compared = "{usual}" in feature.zh_text and usual is not None
    assert ("通常" in said[0]) == compared
    assert ("subjects usually" in said[1]) == compared


@EVERY
def test_what_is_missing_is_said_to_be_missing(feature: Feature) -> None:
    zh, en = sentence(feature, None, 1.0)
    assert "没有数据" in zh
    assert "no data" in en


@given(st.floats(-1e9, 1e9), st.floats(-1e9, 1e9))
def test_any_figure_can_be_said(value: float, usual: float) -> None:
    for name in ("credit_overdue_amount", "credit_overdue_days", "energy_level_28d"):
        for text in sentence(catalogue()[name], value, usual):
            assert not set("{}") & set(text)
            assert not re.search(r"-0(\.0)?(?![\d.,])", text), text


def test_usual_is_the_median_of_the_sector_and_of_everyone_where_a_sector_is_small() -> None:
    values = np.full((70, len(made.FEATURES)), np.nan)
    values[:40, 0], values[40:, 0] = 1.0, 5.0
    values[:41, 1] = 7.0
    sectors = pa.array(["E47"] * 40 + ["C13"] * 29 + [None])
    table = made.snapshot(values).set_column(3, "industry", sectors)
    usual = usual_values(made.model(), table)
    first, second = made.FEATURES[:2]
    assert usual.of(first, "E") == 1.0
    assert usual.of(first, "C") == usual.of(first, None) == 1.0  # 29 are too few: the median of all 70
    assert usual.of(second, "E") == 7.0
    assert usual.of(made.FEATURES[2], "E") is None


def test_the_case_rate_of_a_sector_is_held_against_that_of_everyone_and_not_against_itself() -> None:
    rate = catalogue()["sector_case_rate_365d"]
    values = np.array([[0.08]] * 40 + [[0.02]] * 50)
    assert _medians((rate.name,), values) == {rate.name: 0.02}
    assert _medians((rate.name,), values[:40], everyones=False) == {}
    said = sentence(rate, 0.08, 0.02, True)
    assert "8" in said[0] and "全部对象通常为" in said[0] and "all subjects usually" in said[1]


@EVERY
def test_what_is_usual_of_everyone_is_not_said_to_be_usual_of_comparable_subjects(feature: Feature) -> None:
    like, everyone = sentence(feature, 17.0, 2.5), sentence(feature, 17.0, 2.5, True)
    assert ("全部" in everyone[0]) == ("通常" in like[0]) == ("subjects usually" in everyone[1])
    assert "同类对象通常" not in everyone[0] and "同类项目通常" not in everyone[0]
    assert "comparable" not in everyone[1]


def test_a_subject_of_a_small_sector_is_told_what_is_usual_of_everyone() -> None:
    values = np.full((70, len(made.FEATURES)), np.nan)
    values[:, 0] = 1.0
    values[[0, 69], 0] = 5.0
    values[0, 1], values[69, 1] = 3.0, 3.0
    sectors = pa.array(["E47"] * 40 + ["C13"] * 30)
    sectors = pa.concat_arrays([sectors.slice(0, 69), pa.array(["A01"])])
    table = made.snapshot(values).set_column(3, "industry", sectors)
    usual = usual_values(made.model(), table)
    large, small = (explain(made.model(), table.slice(row, 1), usual)[0] for row in (0, 69))
    assert "同类对象通常" in large.part(0).zh and "comparable subjects" in large.part(0).en
    assert "全部对象通常" in small.part(0).zh and "all subjects" in small.part(0).en
    assert (large.part(0).usual, small.part(0).usual) == (1.0, 1.0)
    # Of the sector nobody else is known to have the second feature, its median is the subject's own.
    assert not large.part(1).everyones and small.part(1).everyones


def test_a_reason_carries_the_day_of_the_newest_row_behind_it() -> None:
    feature = catalogue()["complaints_90d"]
    assert feature.dated is not None
    values = made.matrix(3, seed=1, missing=0.0)
    dated = {} if feature.dated in made.FEATURES else {feature.dated: pa.array([12.0, None, 1.0])}
    table = made.snapshot(values, **dated)
    if feature.dated in made.FEATURES:
        place = table.column_names.index(feature.dated)
        table = table.set_column(place, feature.dated, pa.array([12.0, None, 1.0]))
    days = [
        next(part.date for part in one.parts if part.feature is feature)
        for one in explain(made.model(), table, None)
    ]
    assert days == [made.DAY - timedelta(days=12), None, made.DAY - timedelta(days=1)]


def test_a_difference_of_shares_is_told_in_points() -> None:
    said = sentence(catalogue()["labour_agreed_short_share"], 0.18, 0.082)
    assert "低18个百分点，同类对象通常为8.2个百分点" in said[0]
    assert "is 18 percentage points below" in said[1]


def test_a_value_below_zero_is_told_in_words_of_its_own() -> None:
    overrun = catalogue()["project_overrun_days"]
    assert sentence(overrun, -49.0, -199.0)[0] == "距计划竣工日还有49天，同类对象通常为199天"
    assert sentence(overrun, 49.0, 20.0)[0] == "距计划竣工日已过49天，同类对象通常为20天"
    # Days past the end are not compared with days to it.
    assert sentence(overrun, 49.0, -199.0) == ("距计划竣工日已过49天", "49 days beyond the planned end")
    assert sentence(overrun, -49.0, 20.0) == ("距计划竣工日还有49天", "49 days to the planned end")


@pytest.mark.parametrize("feature", catalogue().values(), ids=lambda feature: feature.name)
def test_chinese_sentences_have_chinese_marks(feature: Feature) -> None:
    for value in (-2.0, 17.0):
        assert not set(sentence(feature, value, value / 2)[0].replace("17,", "")) & set(";:()")
