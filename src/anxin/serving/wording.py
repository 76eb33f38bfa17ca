"""The words people read on lists, in exports and in reports: one place, Chinese first and English beside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Words:
    """One thing said in both languages."""

    zh: str
    en: str


GRADES: Mapping[int, Words] = MappingProxyType(
    {4: Words("红", "red"), 3: Words("橙", "orange"), 2: Words("黄", "yellow"), 1: Words("蓝", "blue")}
)
KINDS: Mapping[str, Words] = MappingProxyType(
    {"employer": Words("用人单位", "employer"), "project": Words("工程项目", "project")}
)
CHANGES: Mapping[str, Words] = MappingProxyType(
    {
        "new": Words("新增", "new"),
        "continuing": Words("持续", "continuing"),
        "upgraded": Words("升级", "upgraded"),
        "eased": Words("缓解", "eased"),
    }
)
PUT_BY: Mapping[str, Words] = MappingProxyType(
    {
        "model": Words("模型", "model"),
        "rule": Words("规则", "rule"),
        "random": Words("随机抽查", "random check"),
    }
)
VISITS: Mapping[str, Words] = MappingProxyType(
    {
        "check": Words("检查", "check"),
        "call": Words("走访", "call"),
        "beyond": Words("超出力量", "beyond"),
        "rest": Words("近期已安排", "arranged lately"),
    }
)
LABEL_STATES: Mapping[str, Words] = MappingProxyType(
    {
        "verified": Words("查实", "verified"),
        "averted": Words("化解", "averted after a warning"),
        "pending": Words("待查", "pending"),
        "unfounded": Words("查无", "looked at, nothing verified"),
        "unseen": Words("未查", "never looked at"),
    }
)
FAMILIES: Mapping[str, Words] = MappingProxyType(
    {
        "energy": Words("能耗", "energy"),
        "credit": Words("信贷", "credit"),
        "litigation": Words("诉讼", "litigation"),
        "payroll": Words("工资支付", "payroll"),
        "complaints": Words("投诉与案件", "complaints"),
        "funding": Words("资金", "funding"),
        "profile": Words("基本情况", "profile"),
        "relations": Words("关联", "relations"),
        "silence": Words("数据沉默", "silence"),
    }
)
NEW_FINDS = Words("新发现", "new find, nothing in hand")
IN_HAND = Words("在办", "in hand")
NOTICE = Words(
    "本名单为风险提示，不作为行政处罚或信用惩戒依据。",
    "This list points to risks. It is no ground for a penalty or for credit sanctions.",
)
REPORT_NOTICE = Words(
    "本报告为风险提示，不作为行政处罚或信用惩戒依据。",
    "This report points to a risk. It is no ground for a penalty or for credit sanctions.",
)
RETROSPECTIVE = Words(
    "回溯名单：所用模型训练截止日晚于名单日期，仅供研究，不参与评价。",
    "Retrospective list: its model was trained through a later day. For study only, never judged.",
)
WEEKDAYS = ("星期一", "星期二", "星期三", "星期四", "星期五", "星期六", "星期日")


def words(table: Mapping[str, Words], key: str) -> Words:
    """Return the words for `key`; one the table does not know is its own name."""
    return table.get(key) or Words(key, key)


def grade(value: int) -> Words:
    """Return the words of a grade, 无 for none."""
    return GRADES.get(value) or Words("无", "none")


def percent(value: float | None) -> str:
    """Return a probability in whole percent, one digit more below ten."""
    if value is None:
        return "—"
    return f"{value:.1%}" if value < 0.0995 else f"{value:.0%}"
