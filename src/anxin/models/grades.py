"""Grades 红橙黄蓝 from danger alone, and what each promises."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
import numpy.typing as npt

from anxin.domain.tables import read_yaml

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Grade:
    """A grade as configured (`grades.yaml`): its ordinal (0 none, 1 blue … 4 red), its names, and what it promises.

    `p90` earns it where the promise cannot be kept; `promise` is the share of its rows to come true within 90 days;
    no row below `least` carries it.
    """

    grade: int
    zh: str
    en: str
    p90: float
    promise: float
    least: float


NONE = Grade(0, "绿", "none", 0.0, 0.0, 0.0)


@cache
def _config() -> Mapping[str, Any]:
    text = resources.files(__package__).joinpath("grades.yaml").read_text(encoding="utf-8")
    read: Mapping[str, Any] = read_yaml(text)
    return read


@cache
def grades() -> tuple[Grade, ...]:
    """Return the grades from red to blue."""
    return tuple(sorted((Grade(**entry) for entry in _config()["grades"]), key=lambda grade: -grade.p90))


def confidence() -> float:
    """Return the confidence at which promises are kept."""
    return float(_config()["confidence"])


def fact_days() -> int:
    """Return how many days old the dated fact may be that red and orange rest on."""
    return int(_config()["fact_days"])


@dataclass(frozen=True)
class Bands:
    """What keeps a list calm (`grades.yaml`).

    `leave` times its threshold is where a grade is left; of the first `head` places at most `share` a day change hands
    without a rise of p90 of `rise` times.
    """

    leave: float
    head: int
    rise: float
    share: float


def bands() -> Bands:
    """Return the configured bands."""
    return Bands(**_config()["bands"])


def settings() -> Mapping[str, Any]:
    """Return all settings of grades: what a list depends on beside its models."""
    return _config()


def named(grade: int) -> Grade:
    """Return a grade by its ordinal, `NONE` for any other."""
    return next((one for one in grades() if one.grade == grade), NONE)


def grade_of(p90: Floats, thresholds: Sequence[float] | None = None) -> npt.NDArray[np.int64]:
    """Return the grade of each probability; the same thresholds everywhere (red to blue, as configured if not given).

    A threshold itself earns its grade; of grades with one threshold the worst is earned.
    """
    table = [grade.p90 for grade in grades()] if thresholds is None else list(thresholds)
    ordinals = np.array([NONE.grade, *(grade.grade for grade in reversed(grades()))], dtype=np.int64)
    return ordinals[np.searchsorted(table[::-1], p90, side="right")]


@dataclass(frozen=True)
class Promise:
    """What one grade of one model promises of the rows the model puts into it, and what the backtest showed.

    `threshold` is the least p90 that earns the grade. `kept` says whether it was chosen to keep `precision`; if not, it
    is the configured one and `why` says what was lacking: `few_dates` (no two calibration dates apart), `no_rows` (none
    danger enough), `not_shown` (too few came true to be sure), `worse_not_shown` (nor with worse grades), `own_short`
    (with worse grades it would hold, of its own rows clearly fewer came true), `no_room` (the p90 that would earn it, the
    band above what was shown, is that of the grade above). `rows`, `hits` and, for 新发现 alone, `new_rows`, `new_hits`
    are the calibration rows that may carry it (from where it is left up to the threshold of the grade above), and those
    of them that came true; `all_rows`, `all_hits` are those of this and worse grades. Where `together` is set, these are
    what is promised of, not the grade alone.
    """

    grade: int
    precision: float
    threshold: float
    kept: bool
    why: str
    rows: int
    hits: int
    new_rows: int
    new_hits: int
    together: bool = False
    all_rows: int = 0
    all_hits: int = 0

    def said(self, confidence: float) -> tuple[str, str]:
        """Return the promise as a sentence in Chinese and English."""
        grade = named(self.grade)
        share = f"{self.precision:.0%}"
        seen_zh = f"回测可列入的 {self.rows} 条中查实 {self.hits} 条"
        seen_en = f"in the backtest {self.hits} of {self.rows} that may carry it came true"
        if self.kept and self.together:
            all_zh = f"回测可列入的 {self.all_rows} 条中查实 {self.all_hits} 条"
            all_en = f"in the backtest {self.all_hits} of {self.all_rows} that may carry one came true"
            return (
                f"模型列入的{grade.zh}及以上合计：90天内查实不少于 {share}（置信度 {confidence:.0%}，{all_zh}）；"
                f"{grade.zh}单独不作承诺，{seen_zh}",
                f"{grade.en} and worse by the model, together: at least {share} verified within 90 days "
                f"({confidence:.0%} confidence, {all_en}); of {grade.en} alone nothing is promised, {seen_en}",
            )
        if self.kept:
            return (
                f"模型列入的{grade.zh}：90天内查实不少于 {share}（置信度 {confidence:.0%}，{seen_zh}）",
                f"{grade.en} by the model: at least {share} verified within 90 days "
                f"({confidence:.0%} confidence, {seen_en})",
            )
        zh, en = _LACKING[self.why]
        return (
            f"{grade.zh}：无法承诺 {share} 查实（{zh}，{seen_zh}），暂按概率 {self.threshold:.0%} 划定",
            f"{grade.en}: {share} cannot be promised ({en}, {seen_en}); p90 from {self.threshold:.0%} for now",
        )


_LACKING = {
    "few_dates": ("互不重叠的校准日期不足", "too few calibration dates that do not overlap"),
    "no_rows": ("没有足够危险的对象", "nobody dangerous enough"),
    "no_room": ("退出线之上已属上一等级", "what it would ask for, with the band, is in the grade above"),
    "not_shown": ("回测不足以证明", "the backtest does not show it"),
    "worse_not_shown": (
        "与更高等级合计的回测不足以证明",
        "the backtest does not show it of this and worse grades together",
    ),
    "own_short": (
        "与更高等级合计可达，本级明显不足",
        "it holds together with worse grades, and this one clearly falls short",
    ),
    "not_calibrated": ("模型未作承诺校准", "the model was not calibrated for promises"),
}


@dataclass(frozen=True)
class ByRules:
    """Calibration rows that rules, and not the model, put at a grade, and those of them that came true: no promise.

    `new_rows`, `new_hits` are those of 新发现 alone.
    """

    grade: int
    rows: int
    hits: int
    new_rows: int
    new_hits: int

    def said(self) -> tuple[str, str]:
        """Return what was seen as a sentence in Chinese and English."""
        grade = named(self.grade)
        return (
            f"规则列入的{grade.zh}：不作承诺，回测 {self.rows} 条中查实 {self.hits} 条",
            f"{grade.en} by rule: nothing is promised, in the backtest {self.hits} of {self.rows} came true",
        )


@dataclass(frozen=True)
class Promises:
    """The promises of one model, red to blue, and what rules put at each grade beside it.

    `ageing` is the share by which the precision of a threshold fell on later dates of the backtest, with its standard
    error on top; `dates` are the calibration dates, at least 90 days apart.
    """

    confidence: float
    ageing: float
    dates: tuple[str, ...]
    each: tuple[Promise, ...]
    by_rules: tuple[ByRules, ...] = ()

    def __post_init__(self) -> None:
        thresholds = [one.threshold for one in self.each]
        if [one.grade for one in self.each] != [grade.grade for grade in grades()]:
            raise ValueError(f"promises of other grades than the configured ones: {self.each}")
        if thresholds != sorted(thresholds, reverse=True):
            raise ValueError(f"a milder grade would need more danger: {thresholds}")

    @classmethod
    def configured(cls) -> Promises:
        """Return the configured thresholds, with no promise kept: a model that was not calibrated for any."""
        each = (
            Promise(grade.grade, grade.promise, grade.p90, False, "not_calibrated", 0, 0, 0, 0)
            for grade in grades()
        )
        return cls(confidence(), 0.0, (), tuple(each))

    def grade_of(self, p90: Floats) -> npt.NDArray[np.int64]:
        """Return the grade each probability earns."""
        return grade_of(p90, [one.threshold for one in self.each])

    def held(self, p90: Floats, before: npt.NDArray[np.int64], leave: float) -> npt.NDArray[np.int64]:
        """Return the grades of today where `before` (same length, 0 for none) were those of the list before.

        A grade that was held is left only below `leave` times its threshold.
        """
        kept = grade_of(p90, [leave * one.threshold for one in self.each])
        return np.maximum(self.grade_of(p90), np.minimum(kept, before))

    def threshold(self, grade: int) -> float:
        """Return the least p90 that earns a grade; 0 for none."""
        return next((one.threshold for one in self.each if one.grade == grade), 0.0)

    def to_json(self) -> dict[str, Any]:
        """Return the promises as plain data."""
        return asdict(self) | {
            "dates": list(self.dates),
            "each": [asdict(one) for one in self.each],
            "by_rules": [asdict(one) for one in self.by_rules],
        }

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> Promises:
        """Read what `to_json` wrote."""
        each = tuple(Promise(**one) for one in state["each"])
        by_rules = tuple(ByRules(**one) for one in state.get("by_rules", ()))
        return cls(state["confidence"], state["ageing"], tuple(state["dates"]), each, by_rules)
