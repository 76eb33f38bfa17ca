"""Grades 红橙黄蓝 from danger alone."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np
import numpy.typing as npt
import yaml


@dataclass(frozen=True)
class Grade:
    """A grade: its ordinal (0 none, 1 blue … 4 red), names, and the least p90 that earns it."""

    grade: int
    zh: str
    en: str
    p90: float


NONE = Grade(0, "绿", "none", 0.0)


@cache
def grades() -> tuple[Grade, ...]:
    """Return the grades from red to blue."""
    text = resources.files(__package__).joinpath("grades.yaml").read_text(encoding="utf-8")
    table = tuple(Grade(**entry) for entry in yaml.safe_load(text))
    return tuple(sorted(table, key=lambda grade: -grade.p90))


def grade_of(p90: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Return the grade of each probability; the same threshold everywhere."""
    ascending = sorted(grades(), key=lambda grade: grade.p90)
    found = np.searchsorted([grade.p90 for grade in ascending], p90, side="right")
    return np.array([NONE.grade, *(grade.grade for grade in ascending)], dtype=np.int64)[found]
