"""The head of a list as a table on the terminal, 新发现 and 在办 apart."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from rich.box import HORIZONTALS
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from anxin.domain import divisions
from anxin.domain.errors import AnxinError
from anxin.serving import wording
from anxin.serving.feeds_named import feed_name
from anxin.serving.promised import broken
from anxin.serving.published import Published, Reason, Row
from anxin.serving.reports.facts import yuan
from anxin.serving.selection import Filters, by_grade
from anxin.serving.wording import (
    CHANGES,
    GRADES,
    IN_HAND,
    KINDS,
    NEW_FINDS,
    NOTICE,
    RETROSPECTIVE,
    VISITS,
    Words,
)

_STYLES = {0: "dim", 4: "bold red", 3: "dark_orange", 2: "yellow", 1: "blue"}
_FILE_WIDTH = 150
"""Columns where the output is no terminal."""
_WIDE = 120
"""From this width on there is room for who is in charge, what is at stake and what changed."""
_REASONS = 2


def filters(
    district: str | None,
    regulator: str | None,
    grade: str | None,
    kind: str | None,
    visit: str | None = None,
) -> Filters:
    """Return what to keep from what a person typed; a grade, a visit by its Chinese or English name."""
    grades: frozenset[int] = frozenset()
    if grade is not None:
        found = {n for n, words in GRADES.items() if grade in (words.zh, words.en, str(n))}
        if not found:
            raise AnxinError(
                f"没有 {grade} 这一等级，可用 红 橙 黄 蓝",
                f"no grade {grade}; use red, orange, yellow or blue",
            )
        grades = frozenset(found)
    by = None
    if visit is not None:
        by = next((name for name, said in VISITS.items() if visit in (name, said.zh, said.en)), None)
        if by is None:
            raise AnxinError(
                f"没有 {visit} 这种出动，可用 {' '.join(said.zh for said in VISITS.values())}",
                f"no visit {visit}; use {', '.join(VISITS)}",
            )
    return Filters(district=district, regulator=regulator, grades=grades, kind=kind, visit=by)


def show(rows: Sequence[Row], published: Published, head: int) -> None:
    """Print how many rows there are of each grade, then the first rows of each of the two parts of a list."""
    console = Console(width=None if Console().is_terminal else _FILE_WIDTH, highlight=False)
    counts = "  ".join(
        f"[{_STYLES[grade]}]{GRADES[grade].zh} {GRADES[grade].en} {n}[/]"
        for grade, n in by_grade(rows).items()
    )
    console.print(f"{published.as_of} 清单 list {published.list_id}   {counts}")
    if published.manifest.retrospective:
        console.print(f"{RETROSPECTIVE.zh} {RETROSPECTIVE.en}", style="bold red")
    lost = broken(published.manifest)
    if lost is not None:
        console.print(f"{lost.zh} ({lost.en})", style="dark_orange")
    for words, part in (
        (NEW_FINDS, [r for r in rows if not r.in_hand]),
        (IN_HAND, [r for r in rows if r.in_hand]),
    ):
        _part(console, words, part, published.as_of, head)
    console.print(f"{NOTICE.zh} {NOTICE.en}", style="dim")


def _part(console: Console, words: Words, part: Sequence[Row], day: date, head: int) -> None:
    console.print(f"\n[bold]{words.zh} {words.en}: {len(part)}[/]")
    if not part:
        return
    wide = console.width >= _WIDE
    table = Table(box=HORIZONTALS, show_lines=True, padding=(0, 1))
    for title, needs_room in _COLUMNS:
        if wide or not needs_room:
            table.add_column(title, overflow="fold")
    for row in part[:head]:
        cells = zip(_cells(row, day, wide), _COLUMNS, strict=True)
        table.add_row(*(cell for cell, (_, needs_room) in cells if wide or not needs_room))
    console.print(table)
    if len(part) > head:
        console.print(f"其余 {len(part) - head} 行见 for the other rows: --head {len(part)}", style="dim")


_COLUMNS = (
    ("级\ngrade", False),
    ("名称与代码\nname, id", False),
    ("属地与主管\nplace, regulator", True),
    ("90天概率\np90", False),
    ("预计涉及\nat stake", True),
    ("变化\nchange", True),
    ("首要原因\nfirst reasons", False),
)


def _cells(row: Row, day: date, wide: bool) -> tuple[str, ...]:
    place = escape(row.district_name)
    people = "—" if row.workers is None else f"{row.workers:,.0f}人"
    money = "—" if row.amount is None else yuan(row.amount).zh
    kind = f"{KINDS[row.kind].zh}第{row.rank}"
    return (
        f"[{_STYLES[row.grade]}]{wording.grade(row.grade).zh}\n{wording.grade(row.grade).en}[/]{_visit(row, day)}",
        f"{escape(row.name)}\n{row.subject_id} {kind}" + ("" if wide else f"\n{place}"),
        f"{place}\n{escape(row.regulator)}",
        f"{row.p90:.1%}",
        f"{people}\n{money}" + (f"\n重大 major {row.p_major:.0%}" if row.major and row.p_major else ""),
        f"{CHANGES[row.change].zh}\n{CHANGES[row.change].en}",
        "\n".join(_reason(reason, day) for reason in row.reasons[:_REASONS]) or "—",
    )


def _visit(row: Row, day: date) -> str:
    """Return today's visit under the grade: which sort, its turn in the district, and which one leads if another does."""
    if row.visit_by is None:
        return ""
    words, turn = wording.words(VISITS, row.visit_by), row.visit_order
    if not turn:
        return f"\n[dim]{words.zh}\n{words.en}[/]"
    led = ""
    if row.going and row.going != divisions.district(row.district, day):
        leads = escape(divisions.name(row.going, day))
        led = f"\n由{leads}牵头\nled by {leads}"
    return f"\n{words.zh}{turn}\n{words.en} {turn}{led}"


def _reason(reason: Reason, day: date) -> str:
    """Return a reason with where it is known from and of when; the year only where it is another."""
    known = [feed_name(reason.source)] if reason.source else []
    if reason.date is not None:
        year = "" if reason.date.year == day.year else f"{reason.date.year}年"
        known.append(f"{year}{reason.date.month}月{reason.date.day}日")
    return escape(reason.zh) + (f" [dim]({' '.join(known)})[/]" if known else "")
