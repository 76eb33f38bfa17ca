"""The list as an Excel workbook: a cover that says what it is, then 新发现 and 在办 apart."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import date
from typing import Any

import xlsxwriter

from anxin.serving import wording
from anxin.serving.exports.columns import COLUMNS, Column
from anxin.serving.feeds_named import feed_name
from anxin.serving.promised import promise_lines
from anxin.serving.published import Published, Row
from anxin.serving.selection import by_grade

_FONT = "Microsoft YaHei"
# Dark enough for white text on red, orange and blue, light enough for black on yellow.
_GRADE_COLOURS = {
    "红": ("#B3261E", "#FFFFFF"),
    "橙": ("#C75B00", "#FFFFFF"),
    "黄": ("#F5D04A", "#1F2328"),
    "蓝": ("#2A5EA8", "#FFFFFF"),
}
_NUMBERS = {"percent": "0.0%", "count": "#,##0", "money": "#,##0", "date": "yyyy-mm-dd", "number": "0.00"}
_HEADER_ROW = 0
_FROZEN_COLUMNS = 6


def to_xlsx(rows: Sequence[Row], published: Published) -> bytes:
    """Return the rows as a workbook; every text is written as text, never as a formula or a link."""
    sink = io.BytesIO()
    options = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "nan_inf_to_errors": False,
    }
    book = xlsxwriter.Workbook(sink, options)
    book.set_properties({"title": f"欠薪风险清单 {published.as_of}", "comments": wording.NOTICE.zh})
    new = [row for row in rows if not row.in_hand]
    in_hand = [row for row in rows if row.in_hand]
    _cover(book, published, new, in_hand)
    _sheet(book, wording.NEW_FINDS.zh, new, published.as_of)
    _sheet(book, wording.IN_HAND.zh, in_hand, published.as_of)
    book.close()
    return sink.getvalue()


def _cover(book: Any, published: Published, new: Sequence[Row], in_hand: Sequence[Row]) -> None:
    sheet = book.add_worksheet("封面")
    sheet.hide_gridlines(2)
    sheet.set_column(0, 0, 2)
    sheet.set_column(1, 1, 30)
    sheet.set_column(2, 6, 17)
    text = {"font_name": _FONT, "font_size": 11, "valign": "vcenter"}
    title = book.add_format({**text, "font_size": 20, "bold": True})
    grey = book.add_format({**text, "font_size": 9, "font_color": "#6A6F76"})
    plain = book.add_format(text)
    head = book.add_format({**text, "bold": True, "bottom": 1, "bottom_color": "#9AA0A6"})
    late = book.add_format({**text, "font_color": "#B3261E", "bold": True})
    notice = book.add_format({**text, "bold": True, "top": 2, "top_color": "#1F2328"})
    manifest = published.manifest

    sheet.set_row(1, 32)
    sheet.write_string(1, 1, "欠薪风险清单", title)
    sheet.write_string(2, 1, "Wage-arrears risk list", grey)
    at = 4
    facts = [
        ("名单日期", "as of", manifest.as_of.isoformat()),
        ("名单编号", "list id", manifest.list_id),
        *(
            (f"模型（{words.zh}）", f"model, {words.en}", manifest.model(kind) or "—")
            for kind, words in _kinds()
        ),
        (
            "数据版本",
            "lake commit",
            f"{manifest.text('lake_commit')} {manifest.text('lake_commit_hash')[:12]}",
        ),
        ("程序版本", "code", manifest.text("code_version")),
    ]
    for zh, en, value in facts:
        sheet.write_string(at, 1, f"{zh} {en}", plain)
        sheet.write_string(at, 2, value, plain)
        at += 1
    if manifest.retrospective:
        sheet.write_string(at, 1, wording.RETROSPECTIVE.zh, late)
        at += 1

    at += 1
    sheet.write_row(at, 1, ["等级 grade", "新发现", "在办", "合计"], head)
    counts = by_grade(new), by_grade(in_hand)
    for grade, words in wording.GRADES.items():
        at += 1
        chip = _grade_format(book, words.zh, {**text, "indent": 1})
        sheet.write_string(at, 1, f"{words.zh} {words.en}", chip)
        each = [count[grade] for count in counts]
        for column, count in enumerate((*each, sum(each))):
            sheet.write_number(at, 2 + column, count, plain)

    for said in promise_lines(manifest):
        at += 1
        sheet.write_string(at, 1, said.zh, plain)

    at += 2
    sheet.write_row(at, 1, ["数据来源 feed", "最近业务日期", "最近接收", "静默天数", "行数", "状态"], head)
    for mark in manifest.watermarks:
        at += 1
        style = late if mark.late else plain
        sheet.write_string(at, 1, f"{feed_name(mark.feed)} {mark.feed}", style)
        sheet.write_string(at, 2, mark.last_event or "—", style)
        sheet.write_string(at, 3, (mark.last_received or "—")[:16], style)
        sheet.write(at, 4, mark.silent_days if mark.silent_days is not None else "—", style)
        sheet.write_number(at, 5, mark.rows, style)
        sheet.write_string(at, 6, "缺失" if mark.missing else "迟报" if mark.late else "正常", style)

    at += 2
    for column in range(1, 7):
        sheet.write_blank(at, column, None, notice)
    sheet.write_string(at, 1, f"风险提示：{wording.NOTICE.zh}", notice)
    sheet.write_string(at + 1, 1, wording.NOTICE.en, grey)
    _print_setup(sheet, landscape=False)


def _sheet(book: Any, name: str, rows: Sequence[Row], day: date) -> None:
    sheet = book.add_worksheet(name)
    text = {"font_name": _FONT, "font_size": 10, "valign": "top"}
    head = book.add_format(
        {**text, "bold": True, "bg_color": "#EEF0F2", "bottom": 2, "text_wrap": True, "valign": "vcenter"}
    )
    small = book.add_format({"font_name": _FONT, "font_size": 8, "font_color": "#6A6F76"})
    formats: dict[str, Any] = {c.style: book.add_format({**text, **_look(c.style)}) for c in COLUMNS}
    grades = {zh: _grade_format(book, zh, {**text, "align": "center"}) for zh in _GRADE_COLOURS}

    sheet.set_row(_HEADER_ROW, 36)
    for at, column in enumerate(COLUMNS):
        sheet.set_column(at, at, column.width)
        sheet.write_rich_string(_HEADER_ROW, at, head, f"{column.zh}\n", small, column.en, head)
    for line, row in enumerate(rows, start=_HEADER_ROW + 1):
        for at, column in enumerate(COLUMNS):
            _write(sheet, line, at, column, row, day, formats, grades)
    sheet.freeze_panes(_HEADER_ROW + 1, _FROZEN_COLUMNS)
    sheet.autofilter(_HEADER_ROW, 0, max(_HEADER_ROW + len(rows), 1), len(COLUMNS) - 1)
    sheet.repeat_rows(_HEADER_ROW)
    _print_setup(sheet, landscape=True)


def _write(
    sheet: Any,
    line: int,
    at: int,
    column: Column,
    row: Row,
    day: date,
    formats: dict[str, Any],
    grades: dict[str, Any],
) -> None:
    value = column.cell(row, day)
    style = grades.get(str(value), formats["text"]) if column.style == "grade" else formats[column.style]
    if value is None or value == "":
        sheet.write_blank(line, at, None, style)
    elif isinstance(value, date):
        sheet.write_datetime(line, at, value, style)
    elif isinstance(value, str):
        sheet.write_string(line, at, value, style)
    else:
        sheet.write_number(line, at, value, style)


def _look(style: str) -> dict[str, Any]:
    if style == "long":
        return {"text_wrap": True}
    return {"num_format": _NUMBERS[style]} if style in _NUMBERS else {}


def _grade_format(book: Any, zh: str, look: dict[str, Any]) -> Any:
    background, ink = _GRADE_COLOURS[zh]
    return book.add_format({**look, "bold": True, "bg_color": background, "font_color": ink})


def _print_setup(sheet: Any, *, landscape: bool) -> None:
    sheet.set_paper(9)  # A4
    if landscape:
        sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    sheet.set_margins(0.4, 0.4, 0.6, 0.6)
    sheet.set_footer(f"&L&8{wording.NOTICE.zh}&R&8&P / &N")


def _kinds() -> list[tuple[str, wording.Words]]:
    return list(wording.KINDS.items())
