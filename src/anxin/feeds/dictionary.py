"""`docs/feeds.md`: the data dictionary, rendered from the contract, Chinese first and English beside it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from anxin.feeds.contract import Column, Feed, contract

_KINDS = {
    "string": "文本 string",
    "bool": "是否 bool",
    "int": "整数 int",
    "date": "日期 date (YYYY-MM-DD)",
    "month": "月份 month (YYYY-MM)",
    "timestamp": "时间 timestamp (+08:00)",
}

_HEAD = """# 数据源字典 · The raw feeds

本文件由 `python -m anxin.feeds.dictionary` 从 `src/anxin/feeds/contract.yaml` 生成，请勿手改。
Rendered from `contract.yaml` by `python -m anxin.feeds.dictionary`; do not edit.

一次交付是文件夹 `<数据源>/*.parquet` 或 `*.csv`（UTF-8 或 GB18030，首行为列名）。缺少某个数据源不影响其余。
A delivery is a folder `<feed>/*.parquet` or `*.csv` (UTF-8 or GB18030, header row). Any feed may be missing.

- `received_at` 是平台获知该行的时间；文件没有这一列时取交付时间；没有时区的按 +08:00。
  `received_at` is when the platform learned a row; without the column, the instant of the delivery;
  +08:00 by default.
- 主键相同、`received_at` 更晚的行更正以前的行；以前的行在此之前仍然有效。
  A row with the same key and a later `received_at` corrects the earlier one, which stays what was known
  until then.
- 不合类型、枚举、主键或缺少必填值的行进入隔离区并注明原因，其余照收；多余的列忽略并提示。
  A row that breaks a type, an enumeration or a required value goes to quarantine with its reason, the rest
  is taken.
- 金额以元计，四舍五入到分；空文本等于空值。
  Money is yuan, rounded half away from zero to the fen; an empty text is an empty value.
"""


def render() -> str:
    """Return the data dictionary as Markdown."""
    return "\n".join([_HEAD, *(line for feed in contract().values() for line in _feed(feed))])


def _feed(feed: Feed) -> Iterator[str]:
    yield f"## {feed.zh} · `{feed.name}`"
    yield ""
    yield f"- 来源 from: {feed.source}"
    yield f"- 依据 basis: {feed.basis}"
    yield f"- 主键 key: {', '.join(f'`{name}`' for name in feed.key)}"
    yield f"- 发生日期 event: `{feed.event}`"
    yield ""
    yield "| 中文 | column | 类型 type | 必填 required | 说明 note |"
    yield "| --- | --- | --- | --- | --- |"
    for column in feed.columns:
        required = "" if column.optional else "是 yes"
        yield f"| {column.zh} | `{column.name}` | {_type(column)} | {required} | {column.note} |"
    yield ""


def _type(column: Column) -> str:
    if column.kind == "enum":
        return "枚举 enum: " + ", ".join(f"`{choice}`" for choice in column.choices)
    if column.kind == "decimal":
        return f"数值 decimal({column.scale})"
    return _KINDS[column.kind]


def main() -> None:
    """Write `docs/feeds.md` of the project folder this is run in."""
    Path("docs/feeds.md").write_text(render(), encoding="utf-8")


if __name__ == "__main__":
    main()
