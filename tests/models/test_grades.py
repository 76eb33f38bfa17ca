"""Grades from danger alone."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from anxin.models.grades import NONE, grade_of, grades
from anxin.models.scoring import score

from . import made


def test_there_are_four_grades_and_a_worse_one_needs_more() -> None:
    table = grades()
    assert [(grade.grade, grade.zh) for grade in table] == [(4, "红"), (3, "橙"), (2, "黄"), (1, "蓝")]
    thresholds = [grade.p90 for grade in table]
    assert thresholds == sorted(set(thresholds), reverse=True)
    assert 0 < thresholds[-1] < thresholds[0] < 1


@given(st.lists(st.floats(0, 1), min_size=2))
def test_a_likelier_subject_never_has_a_milder_grade(p90: list[float]) -> None:
    found = grade_of(np.array(sorted(p90)))
    assert (np.diff(found) >= 0).all()


def test_a_threshold_itself_earns_its_grade_and_just_below_does_not() -> None:
    for grade in grades():
        found = grade_of(np.array([grade.p90, np.nextafter(grade.p90, 0)]))
        assert list(found) == [grade.grade, grade.grade - 1]
    assert list(grade_of(np.array([0.0]))) == [NONE.grade]


def test_the_same_danger_is_the_same_grade_in_every_district() -> None:
    values = np.repeat(made.matrix(40, seed=9), 3, axis=0)
    districts = pa.array(["500101", "500103", "500119"] * 40)
    scores = score(made.model(), made.snapshot(values, district=districts))
    place = scores["subject_id"].str[1:].astype(int) // 3
    assert (scores.groupby(place)["grade"].nunique() == 1).all()
    assert scores["grade"].nunique() > 1
