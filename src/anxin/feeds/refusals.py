"""What is refused, and why, in words a department can act on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from anxin.domain.errors import AnxinError
from anxin.feeds.casting import Fault
from anxin.feeds.contract import Column

QUARANTINE = pa.schema(
    [
        ("feed", pa.string()),
        ("file", pa.string()),
        ("row", pa.int64()),
        ("column", pa.string()),
        ("value", pa.string()),
        ("reason", pa.string()),
        ("zh", pa.string()),
        ("en", pa.string()),
    ]
)
"""One refused row: where it stood (1-based data row), the first cell that broke, and the reason."""

_LONGEST_VALUE = 200

_KIND_ZH = {
    "string": "文本",
    "bool": "是否（true/false/0/1/是/否）",
    "int": "整数",
    "decimal": "数值",
    "date": "日期（YYYY-MM-DD）",
    "month": "月份（YYYY-MM）",
    "timestamp": "时间（YYYY-MM-DD HH:MM:SS+08:00）",
    "enum": "枚举值",
}


class FileRefusedError(AnxinError):
    """A file that cannot be taken as a whole; the rest of the delivery goes on."""


_REASONS = {
    Fault.MISSING: ("必填项为空", "a required value is empty"),
    Fault.TYPE: ("应为{zh}", "not a {kind}"),
    Fault.ENUM: ("只允许：{choices}", "allowed values: {choices}"),
    Fault.OVERFLOW: ("超出可表示的范围", "out of range"),
    Fault.FRACTION: ("应为整数，却带有小数", "a whole number is needed, this one has a fraction"),
    Fault.INFINITE: ("数值无穷大", "an infinite number"),
    Fault.ENCODING: ("文本不是 UTF-8 编码", "text that is not UTF-8"),
    Fault.NOT_FIRST_OF_MONTH: (
        "月份应写为 YYYY-MM 或当月一日",
        "a month is written YYYY-MM or as its first day",
    ),
    Fault.TIME_OF_DAY: ("应为日期，却带有时刻", "a date is needed, this one has a time of day"),
    Fault.FIELDS: ("字段数与表头不符", "the number of fields differs from the header"),
}


def reason(fault: Fault, column: Column | None) -> tuple[str, str]:
    """Return why a cell was refused, in Chinese and English."""
    zh, en = _REASONS[fault]
    if column is None:
        return zh, en
    facts = {"kind": column.kind, "zh": _KIND_ZH[column.kind], "choices": ", ".join(column.choices)}
    return zh.format(**facts), en.format(**facts)


@dataclass(frozen=True)
class Place:
    """Which delivered file of which feed."""

    feed: str
    file: str


def refused_rows(
    place: Place, rows: Sequence[int], column: Column | None, values: Sequence[object], fault: Fault
) -> pa.Table:
    """Return the quarantine rows of one column and one fault."""
    zh, en = reason(fault, column)
    count = len(rows)
    texts = [None if value is None else str(value)[:_LONGEST_VALUE] for value in values]
    return pa.table(
        {
            "feed": [place.feed] * count,
            "file": [place.file] * count,
            "row": rows,
            "column": [column.name if column else None] * count,
            "value": texts,
            "reason": [fault.name.lower()] * count,
            "zh": [zh] * count,
            "en": [en] * count,
        },
        schema=QUARANTINE,
    )
