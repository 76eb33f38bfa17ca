"""The list as an Excel workbook: a cover that says what it is, then 新发现 and 在办 apart."""

from __future__ import annotations

from collections.abc import Sequence

from anxin.serving import wording
from anxin.serving.exports.columns import COLUMNS
from anxin.serving.exports.sheets import Book
from anxin.serving.feeds_named import feed_name
from anxin.serving.promised import promise_lines
from anxin.serving.published import Published, Row
from anxin.serving.selection import by_grade

_FROZEN_COLUMNS = 6


def to_xlsx(rows: Sequence[Row], published: Published) -> bytes:
    """Return the rows as a workbook."""
    book = Book(f"欠薪风险清单 {published.as_of}")
    new = [row for row in rows if not row.in_hand]
    in_hand = [row for row in rows if row.in_hand]
    _cover(book, published, new, in_hand)
    for words, part in ((wording.NEW_FINDS, new), (wording.IN_HAND, in_hand)):
        lines = ([column.cell(row, published.as_of) for column in COLUMNS] for row in part)
        book.table(words.zh, COLUMNS, lines, frozen=_FROZEN_COLUMNS)
    return book.close()


def _cover(book: Book, published: Published, new: Sequence[Row], in_hand: Sequence[Row]) -> None:
    sheet = book.sheet("封面", landscape=False)
    sheet.hide_gridlines(2)
    sheet.set_column(0, 0, 2)
    sheet.set_column(1, 1, 30)
    sheet.set_column(2, 6, 17)
    title = book.look(font_size=20, bold=True)
    grey = book.look(font_size=9, font_color="#6A6F76")
    plain = book.look()
    head = book.look(bold=True, bottom=1, bottom_color="#9AA0A6")
    late = book.look(font_color="#B3261E", bold=True)
    notice = book.look(bold=True, top=2, top_color="#1F2328")
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
            for kind, words in wording.KINDS.items()
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
        chip = book.grade(words.zh, indent=1)
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
