"""A lookback as CSV, XLSX and JSON: what it adds up to, and every event with what the lists had said of it."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, get_args

import pandas as pd
import xlsxwriter

from anxin.judging.lookback import Tally
from anxin.serving import wording
from anxin.serving.exports.columns import Cell, Style
from anxin.serving.exports.plain import plain
from anxin.serving.lookback import Lookback
from anxin.serving.wording import Words

LookbackFormat = Literal["csv", "xlsx", "json", "html"]
FORMATS: tuple[LookbackFormat, ...] = get_args(LookbackFormat)

EVENT_WORDS: Mapping[str, Words] = {
    "case": Words("案件", "case"),
    "petition": Words("信访", "petition"),
    "police": Words("警情", "police call"),
    "public_opinion": Words("舆情", "public opinion"),
}
STATUS_WORDS: Mapping[str, Words] = {
    "warned": Words("已预警", "warned"),
    "late": Words("预警滞后", "late"),
    "missed": Words("漏报", "missed"),
    "no_list": Words("此前无清单", "no list"),
    "unnamed": Words("未指明对象", "names nobody"),
}
OUTCOME_WORDS: Mapping[str, Words] = {
    "pending": Words("待查", "pending"),
    "verified": Words("查实", "verified"),
    "unfounded": Words("查无", "unfounded"),
    "wage": Words("属欠薪", "wages"),
    "not_wage": Words("不属欠薪", "not wages"),
    "duplicate": Words("重复", "duplicate"),
    "transferred": Words("转办", "transferred"),
}
HIDDEN = Words("隐藏", "hidden")

_FONT = "Microsoft YaHei"
_NUMBERS = {"percent": "0.0%", "count": "#,##0", "money": "#,##0", "date": "yyyy-mm-dd"}


@dataclass(frozen=True)
class Column:
    """One column of the events: its names, its key in the rows, how it looks, and the words of its values."""

    zh: str
    en: str
    key: str
    style: Style
    width: int
    words: Mapping[str, Words] | None = None

    def cell(self, row: Mapping[str, Any]) -> Cell:
        """Return what a row says here, in Chinese; None where it says nothing."""
        value = _known(row[self.key])
        if value is None or value == "":
            return None
        if self.style == "grade":
            return wording.grade(int(value)).zh
        if self.words is not None:
            return wording.words(self.words, str(value)).zh
        if self.style == "date":
            return date(value.year, value.month, value.day)
        if isinstance(value, bool):
            return "是" if value else "否"
        return int(value) if self.style == "count" else value


COLUMNS: tuple[Column, ...] = (
    Column("事件", "event", "event", "text", 8, EVENT_WORDS),
    Column("事件编号", "event_id", "event_id", "text", 16),
    Column("发生日", "day", "day", "date", 12),
    Column("结论", "status", "status", "text", 11, STATUS_WORDS),
    Column("提前天数", "days_before", "days_before", "count", 9),
    Column("滞后天数", "days_late", "days_late", "count", 9),
    Column("对象类型", "kind", "kind", "text", 10, wording.KINDS),
    Column("名称", "name", "name", "long", 34),
    Column("代码", "subject_id", "subject_id", "text", 24),
    Column("属地", "district_name", "district_name", "text", 14),
    Column("区划代码", "district", "district", "text", 11),
    Column("行业主管部门", "regulator", "regulator", "text", 18),
    Column("协同部门", "regulators_also", "regulators_also", "text", 18),
    Column("人数", "workers", "workers", "count", 8),
    Column("金额（元）", "yuan", "yuan", "money", 14),
    Column("处理结果", "outcome", "outcome", "text", 10, OUTCOME_WORDS),
    Column("计入统计", "counts", "counts", "text", 9),
    Column("预警编号", "warning_id", "warning_id", "text", 20),
    Column("预警等级", "grade", "grade", "grade", 9),
    Column("最高等级", "highest", "highest", "grade", 9),
    Column("首次列入", "warned_on", "warned_on", "date", 12),
    Column("列入时为新发现", "was_new", "was_new", "text", 14),
    Column("事发时仍在榜", "still_listed", "still_listed", "text", 12),
    Column("列入方式", "put_by", "put_by", "text", 10, wording.PUT_BY),
    Column("此前最近清单", "list_day", "list_day", "date", 12),
    Column("当时90日概率", "p90", "p90", "percent", 12),
    Column("当时名次", "rank", "rank", "count", 9),
    Column("当时等级", "scored_grade", "scored_grade", "grade", 9),
    Column("当时在办", "in_hand", "in_hand", "text", 9),
    Column("当时已知", "known", "known", "long", 60),
)


def as_lookback_file(wanted: LookbackFormat, found: Lookback) -> bytes:
    """Return a lookback in a format."""
    if wanted == "csv":
        return to_csv(found)
    if wanted == "xlsx":
        return to_xlsx(found)
    if wanted == "html":
        return to_html(found)
    return json.dumps(facts(found), ensure_ascii=False, allow_nan=False).encode()


def to_csv(found: Lookback) -> bytes:
    """Return every event as UTF-8 CSV with a byte-order mark; no cell can be run by a spreadsheet."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow([f"{column.zh} {column.en}" for column in COLUMNS])
    for row in found.rows.to_dict("records"):
        writer.writerow([plain(column.cell(_named(row))) for column in COLUMNS])
    return text.getvalue().encode("utf-8-sig")


def facts(found: Lookback) -> dict[str, Any]:
    """Return a lookback as plain values: the tallies, and every event."""
    return {
        "from": found.since.isoformat(),
        "to": found.until.isoformat(),
        "known_on": found.known.isoformat(),
        "lists": found.lists,
        "published_late": found.published_late,
        "unreadable": [day.isoformat() for day in found.unreadable],
        "events": len(found.rows),
        "not_arrears": int((~found.rows["counts"]).sum()),
        "overall": found.overall.as_dict(),
        "by_event": [each.as_dict() for each in found.by_event],
        "by_district": [each.as_dict() for each in found.by_district],
        "by_regulator": [each.as_dict() for each in found.by_regulator],
        "rows": [
            {column.key: _json(row[column.key]) for column in COLUMNS}
            for row in found.rows.to_dict("records")
        ],
        "notice": {"zh": wording.NOTICE.zh, "en": wording.NOTICE.en},
    }


_TALLY: Sequence[tuple[Words, str, str]] = (
    (Words("事件", "events"), "events", "count"),
    (Words("已预警", "warned"), "warned", "count"),
    (Words("其中新发现", "of them new finds"), "warned_new", "count"),
    (Words("预警滞后", "late"), "late", "count"),
    (Words("漏报", "missed"), "missed", "count"),
    (Words("此前无清单", "no list"), "no_list", "count"),
    (Words("未指明对象", "names nobody"), "unnamed", "count"),
    (Words("预警率", "share warned"), "share_warned", "percent"),
    (Words("提前天数中位", "median days before"), "days_before", "count"),
)


def tally_cells(each: Tally) -> list[str]:
    """Return the figures of a tally as text; of a hidden one, only that it is hidden."""
    if each.hidden:
        return [HIDDEN.zh] + [""] * (len(_TALLY) - 1)
    return [_said(getattr(each, key), style) for _, key, style in _TALLY]


def tally_titles() -> list[Words]:
    """Return the titles of `tally_cells`."""
    return [words for words, _, _ in _TALLY]


def _said(value: float | None, style: str) -> str:
    if value is None:
        return "—"
    return f"{value:.0%}" if style == "percent" else f"{value:,.0f}"


def to_xlsx(found: Lookback) -> bytes:
    """Return a workbook: the tallies, the events nobody was warned of, and every event."""
    sink = io.BytesIO()
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "nan_inf_to_errors": False,
    }
    book = xlsxwriter.Workbook(sink, options)
    book.set_properties({"title": f"回头看 {found.since} 至 {found.until}", "comments": wording.NOTICE.zh})
    _summary(book, found)
    _events(book, "漏报与滞后", found.misses)
    _events(book, "全部事件", found.rows)
    book.close()
    return sink.getvalue()


def _summary(book: Any, found: Lookback) -> None:
    sheet = book.add_worksheet("汇总")
    sheet.set_column(0, 0, 26)
    sheet.set_column(1, len(_TALLY), 13)
    text = {"font_name": _FONT, "font_size": 11}
    title = book.add_format({**text, "font_size": 18, "bold": True})
    head = book.add_format({**text, "bold": True, "bottom": 1, "text_wrap": True})
    formats = {style: book.add_format({**text, "num_format": number}) for style, number in _NUMBERS.items()}
    body = book.add_format(text)
    sheet.write_string(0, 0, f"欠薪预警回头看 {found.since} 至 {found.until}", title)
    sheet.write_string(1, 0, said_of(found).zh, body)
    at = 3
    for words, parts in sections(found):
        sheet.write_string(at, 0, words.zh, head)
        for place, (column, _, _) in enumerate(_TALLY, start=1):
            sheet.write_string(at, place, column.zh, head)
        for value, each in parts:
            at += 1
            sheet.write_string(at, 0, value, body)
            if each.hidden:
                sheet.write_string(at, 1, HIDDEN.zh, body)
                continue
            for place, (_, key, style) in enumerate(_TALLY, start=1):
                figure = getattr(each, key)
                if figure is not None:
                    sheet.write_number(at, place, figure, formats[style])
        at += 2
    sheet.write_string(at, 0, wording.NOTICE.zh, head)


def sections(found: Lookback) -> list[tuple[Words, list[tuple[str, Tally]]]]:
    """Return the tables of a lookback: by kind of event, district and regulator."""
    by_event = [(wording.words(EVENT_WORDS, each.value).zh, each) for each in found.by_event]
    return [
        (Words("按事件", "by event"), [("全部", found.overall), *by_event]),
        (Words("按属地", "by district"), [(each.value, each) for each in found.by_district]),
        (Words("按行业主管部门", "by regulator"), [(each.value, each) for each in found.by_regulator]),
    ]


def said_of(found: Lookback) -> Words:
    """Say what a lookback rests on."""
    left = int((~found.rows["counts"]).sum())
    zh = (
        f"以{found.known}前收到的数据为准；相关清单{found.lists}期（不含回溯清单）；"
        f"查无、不属欠薪或重复的{left}件不计入统计。"
    )
    en = (
        f"As known before {found.known}; {found.lists} lists bear on it (none made in hindsight); {left} events that "
        "were unfounded, not about wages or duplicates do not count."
    )
    if found.published_late:
        zh += f"其中{found.published_late}期在其日期之后才发布，仍按其日期计。"
        en += (
            f" {found.published_late} of the lists were published after their day and are taken by their day."
        )
    if found.unreadable:
        days = "、".join(day.isoformat() for day in found.unreadable)
        zh += f"清单损坏未计入：{days}。"
        en += f" Broken lists left out: {days}."
    return Words(zh, en)


def _events(book: Any, name: str, rows: pd.DataFrame) -> None:
    sheet = book.add_worksheet(name)
    text = {"font_name": _FONT, "font_size": 10, "valign": "top"}
    head = book.add_format({**text, "bold": True, "bottom": 1, "text_wrap": True})
    formats = {style: book.add_format({**text, "num_format": number}) for style, number in _NUMBERS.items()}
    body = book.add_format(text)
    for place, column in enumerate(COLUMNS):
        sheet.set_column(place, place, column.width)
        sheet.write_string(0, place, f"{column.zh}\n{column.en}", head)
    sheet.freeze_panes(1, 3)
    sheet.autofilter(0, 0, max(len(rows), 1), len(COLUMNS) - 1)
    for at, row in enumerate(rows.to_dict("records"), start=1):
        for place, column in enumerate(COLUMNS):
            value = column.cell(_named(row))
            if value is None:
                continue
            if isinstance(value, date):
                sheet.write_datetime(at, place, value, formats["date"])
            elif isinstance(value, str):
                sheet.write_string(at, place, value, body)
            else:
                sheet.write_number(at, place, value, formats.get(column.style, body))


def to_html(found: Lookback) -> bytes:
    """Return one page that opens without a network: the tallies and the largest events nobody was warned of."""
    from anxin.serving.looks import render

    shown = found.misses.head(_ON_PAGE)
    misses = [
        {column.key: column.cell(_named(row)) for column in COLUMNS} for row in shown.to_dict("records")
    ]
    return render(
        "lookback.html",
        found=found,
        said=said_of(found),
        titles=tally_titles(),
        sections=[
            (
                words,
                [(value, tally_cells(each)) for value, each in parts if not each.hidden],
                sum(each.hidden for _, each in parts),
            )
            for words, parts in sections(found)
        ],
        misses=misses,
        left=len(found.misses) - len(misses),
    ).encode()


_ON_PAGE = 300


def _named(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(key): value for key, value in row.items()}


def _known(value: Any) -> Any:
    """Return None for what pandas calls missing."""
    return None if value is None or value is pd.NaT or value != value else value  # noqa: PLR0124


def _json(value: Any) -> Any:
    value = _known(value)
    if isinstance(value, pd.Timestamp):
        return value.date().isoformat()
    return value.item() if hasattr(value, "item") else value
