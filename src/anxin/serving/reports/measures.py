"""How a feature's value is said to a reader: in its own unit, as the catalogue has it."""

from __future__ import annotations

from anxin.features.catalogue import catalogue
from anxin.serving.reports.facts import plain_number, yuan

_SUFFIXES = {"days": " 天", "heads": " 人"}


def measured(feature: str, value: float | None) -> str:
    """Return a value in the unit of its feature; one the catalogue does not have is a plain number.

    >>> measured("bills_unpaid_days", 12.0), measured("energy_level_28d", 0.384), measured("whatever", 0.5)
    ('12 天', '38%', '0.5')
    """
    known = catalogue().get(feature)
    if value is None or known is None:
        return plain_number(value)
    if known.form == "share":
        return f"{value:.0%}"
    if known.form == "points":
        return f"{value * 100:.0f}个百分点"
    if known.form == "yuan":
        return f"-{yuan(-value).zh}" if value < 0 else yuan(value).zh
    if known.form == "flag":
        return "是" if value else "否"
    number = f"{value:,.0f}" if known.form == "whole" else plain_number(value)
    return number + _SUFFIXES.get(known.unit, "")


def named(feature: str, value: float | None) -> str:
    """Return a value with the name of its feature; nothing of a flag, whose name says it all.

    >>> named("wages_unpaid_months", 2.0), named("account_missing", 1.0)
    ('近八个月过支付日未发足的月数 2', '')
    """
    known = catalogue().get(feature)
    if known is None or known.form == "flag":
        return ""
    return f"{known.zh} {measured(feature, value)}"
