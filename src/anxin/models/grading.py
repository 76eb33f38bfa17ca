"""The grade that is published: the model's own, held to a dated fact, and the rules' where it is higher.

Rules raise, never lower. Red and orange need a dated fact of the subject's own or of who directly pays it: danger that
rests on district, sector or a shared person alone stays yellow, and the row says so. A reason is such a fact if it is
felt in the score and not older than `grades.yaml` says. A rule is one if it raises: how old its fact may be is part of
what it says. Rules that only stand beside the reasons are hints: of nearly every project one does.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from anxin.features.catalogue import Feature, catalogue
from anxin.models.grades import fact_days, named
from anxin.models.reasons import FELT, Part
from anxin.models.rules import Hit

WITHOUT_FACT = 2
"""The worst grade of a row without a dated fact: yellow."""

_NEAR = frozenset({"own", "payer"})


@dataclass(frozen=True)
class Graded:
    """A published grade (0 none … 4 red), what put it there (`model` or `rule`), and why where p90 alone does not say."""

    grade: int
    put_by: str
    zh: str
    en: str


def near(feature: Feature) -> bool:
    """Say whether a feature is about the subject itself or who directly pays it."""
    return feature.about in _NEAR


def has_fact(reasons: Iterable[Part], hits: Iterable[Hit], day: date) -> bool:
    """Say whether a felt reason or a rule that raises rests on a dated fact of the subject's own or its payer's."""
    told = any(_is_fact(part, day) for part in reasons)
    return told or any(hit.rule.raises_to > 0 and _dated(hit) for hit in hits)


def graded(
    own: int, p90: float, earned: int, reasons: Sequence[Part], hits: Sequence[Hit], day: date
) -> Graded:
    """Return what is published for a row on a day.

    `own` is the model's grade with yesterday's band, `earned` what p90 alone earns today; `reasons` are those told.
    """
    model = own if has_fact(reasons, hits, day) else min(own, WITHOUT_FACT)
    # Of rules that raise alike the first is named: the table's order.
    raising = max(hits, key=raised, default=None)
    rule = raised(raising) if raising is not None else 0
    if raising is not None and rule > model:
        zh = f"规则「{raising.rule.zh}」升为{named(rule).zh}（模型：{_model_zh(own)}）"
        en = f"raised to {named(rule).en} by the rule «{raising.rule.en}» (model: {named(own).en})"
        if rule < raising.rule.raises_to:
            zh += f"；该规则指向{named(raising.rule.raises_to).zh}，但命中事实没有日期"
            en += f"; the rule points to {named(raising.rule.raises_to).en}, but what it rests on has no date"
        return Graded(rule, "rule", zh, en)
    if model < own:
        zh, en = f"概率{p90:.0%}达到{named(own).zh}", f"a probability of {p90:.0%} earns {named(own).en}"
        if own > earned:
            zh = f"概率{p90:.0%}处于{named(own).zh}的保留区间内"
            en = f"a probability of {p90:.0%} is within the band in which {named(own).en} is kept"
        zh += f"，但没有本单位或直接付款方的有日期事实（{fact_days()}天内、明显推高概率或命中升级规则）"
        en += ", but no dated fact of its own or of its payer "
        en += f"(within {fact_days()} days, felt in the score or in a rule that raises)"
        return Graded(model, "model", f"{zh}，暂列{named(model).zh}", f"{en}: stays at {named(model).en}")
    if own > earned:
        return Graded(
            model,
            "model",
            f"概率{p90:.0%}略低于{named(own).zh}的划定线，尚未跌破退出线，暂不下调",
            f"a probability of {p90:.0%} is just below {named(own).en}, within the band in which it is kept",
        )
    return Graded(model, "model", "", "")


def raised(hit: Hit) -> int:
    """Return the grade a hit raises to (0 for none): at most yellow where what it rests on has no date."""
    return hit.rule.raises_to if _dated(hit) else min(hit.rule.raises_to, WITHOUT_FACT)


def _is_fact(part: Part, day: date) -> bool:
    if part.date is None or not near(part.feature):
        return False
    return part.contribution >= FELT and (day - part.date).days <= fact_days()


def _dated(hit: Hit) -> bool:
    return hit.date is not None and near(catalogue()[hit.feature])


def _model_zh(grade: int) -> str:
    return named(grade).zh if grade else "未列"
