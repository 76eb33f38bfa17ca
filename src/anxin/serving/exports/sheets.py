"""Tables as CSV and as sheets of a workbook: one look for all, and nothing in them that a spreadsheet would run."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

import xlsxwriter

from anxin.serving import wording

Cell = str | float | int | date | None
Style = Literal["text", "long", "grade", "percent", "count", "money", "date", "number"]

FONT = "Microsoft YaHei"
# Dark enough for white text on red, orange and blue, light enough for black on yellow.
_GRADE_COLOURS = {
    "红": ("#B3261E", "#FFFFFF"),
    "橙": ("#C75B00", "#FFFFFF"),
    "黄": ("#F5D04A", "#1F2328"),
    "蓝": ("#2A5EA8", "#FFFFFF"),
}
_NUMBERS = {"percent": "0.0%", "count": "#,##0", "money": "#,##0", "date": "yyyy-mm-dd", "number": "0.00"}
_BODY = {"font_name": FONT, "font_size": 10, "valign": "top"}

# A spreadsheet takes a cell that begins so for a formula; a name from a registry must never be run.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


@dataclass(frozen=True)
class Heading:
    """The head of a column: its two names, how its cells look, how wide it is."""

    zh: str
    en: str
    style: Style
    width: int

    @property
    def title(self) -> str:
        """The header of a plain-text export."""
        return f"{self.zh} {self.en}"


def csv_file(headings: Sequence[Heading], lines: Iterable[Sequence[Cell]], mark: str | None = None) -> bytes:
    """Return a table as UTF-8 CSV with a byte-order mark, so Excel shows Chinese without asking.

    Text that a spreadsheet would take for a formula gets a leading apostrophe. A spreadsheet also rounds
    codes of 18 digits; where codes are to be edited there, a workbook keeps them whole.
    `mark` is said in a last column 回溯 of every row: what was made in hindsight says so wherever it is pasted.
    """
    last = [] if mark is None else [mark]
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow([*(heading.title for heading in headings), *(["回溯 retrospective"] if last else [])])
    writer.writerows([*(_plain(cell) for cell in line), *last] for line in lines)
    return text.getvalue().encode("utf-8-sig")


def _plain(cell: Cell) -> str | float | int:
    if cell is None:
        return ""
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, str):
        return f"'{cell}" if cell.lstrip(" ").startswith(_FORMULA_STARTS) else cell
    return cell


class Book:
    """A workbook; every text is written as text, never as a formula, a link or a number."""

    def __init__(self, title: str) -> None:
        self._sink = io.BytesIO()
        options = {
            "in_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
            "nan_inf_to_errors": False,
        }
        self._book = xlsxwriter.Workbook(self._sink, options)
        self._book.set_properties({"title": title, "comments": wording.NOTICE.zh})

    def close(self) -> bytes:
        """Return the file."""
        self._book.close()
        return self._sink.getvalue()

    def look(self, **properties: Any) -> Any:
        """Return a format in the font of the book."""
        return self._book.add_format({"font_name": FONT, "font_size": 11, "valign": "vcenter", **properties})

    def grade(self, zh: str, **properties: Any) -> Any:
        """Return the format of a grade's name: in its colour."""
        background, ink = _GRADE_COLOURS[zh]
        return self.look(bold=True, bg_color=background, font_color=ink, **properties)

    def style(self, style: Style) -> Any:
        """Return the format of cells of a style."""
        return self.look(**_BODY, **_look(style))

    def sheet(self, name: str, *, landscape: bool) -> Any:
        """Return a new sheet that prints on A4 pages, as wide as one, with the notice at its foot."""
        sheet = self._book.add_worksheet(name)
        sheet.set_paper(9)  # A4
        if landscape:
            sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        sheet.set_margins(0.4, 0.4, 0.6, 0.6)
        sheet.set_footer(f"&L&8{wording.NOTICE.zh}&R&8&P / &N")
        return sheet

    def table(
        self,
        name: str,
        headings: Sequence[Heading],
        lines: Iterable[Sequence[Cell]],
        *,
        frozen: int,
        about: str | None = None,
    ) -> None:
        """Write a sheet of a table, `frozen` columns of which stay in sight, below a line `about` it."""
        sheet = self.sheet(name, landscape=True)
        head = self.look(
            font_size=10, bold=True, bg_color="#EEF0F2", bottom=2, text_wrap=True, valign="vcenter"
        )
        small = self._book.add_format({"font_name": FONT, "font_size": 8, "font_color": "#6A6F76"})
        formats = {heading.style: self.style(heading.style) for heading in headings}
        grades = {zh: self.grade(zh, **{**_BODY, "align": "center"}) for zh in _GRADE_COLOURS}
        top = 0
        if about is not None:
            sheet.write_string(0, 0, about, self.style("text"))
            top = 1
        sheet.set_row(top, 36)
        for at, heading in enumerate(headings):
            sheet.set_column(at, at, heading.width)
            sheet.write_rich_string(top, at, head, f"{heading.zh}\n", small, heading.en, head)
        row = top
        for row, line in enumerate(lines, start=top + 1):
            for at, (heading, cell) in enumerate(zip(headings, line, strict=True)):
                look = formats[heading.style]
                if heading.style == "grade":
                    look = grades.get(str(cell), look)
                write(sheet, row, at, cell, look)
        sheet.freeze_panes(top + 1, frozen)
        sheet.autofilter(top, 0, max(row, top + 1), len(headings) - 1)
        sheet.repeat_rows(top)


def write(sheet: Any, row: int, column: int, cell: Cell, look: Any) -> None:
    """Write a cell as what it is."""
    if cell is None or cell == "":
        sheet.write_blank(row, column, None, look)
    elif isinstance(cell, date):
        sheet.write_datetime(row, column, cell, look)
    elif isinstance(cell, str):
        sheet.write_string(row, column, cell, look)
    else:
        sheet.write_number(row, column, cell, look)


def _look(style: Style) -> dict[str, Any]:
    if style == "long":
        return {"text_wrap": True}
    return {"num_format": _NUMBERS[style]} if style in _NUMBERS else {}
