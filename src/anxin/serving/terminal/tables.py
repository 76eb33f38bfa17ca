"""The head of a list as a table on the terminal, 新发现 and 在办 apart."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from anxin.domain.errors import AnxinError
from anxin.serving.published import Published, Row
from anxin.serving.selection import Filters
from anxin.serving.wording import CHANGES, GRADES, IN_HAND, KINDS, NEW_FINDS, NOTICE

_STYLES = {4: "bold red", 3: "dark_orange", 2: "yellow", 1: "blue"}


def filters(district: str | None, regulator: str | None, grade: str | None, kind: str | None) -> Filters:
    """Return what to keep from what a person typed; a grade by its Chinese or English name."""
    grades: frozenset[int] = frozenset()
    if grade is not None:
        found = {n for n, words in GRADES.items() if grade in (words.zh, words.en, str(n))}
        if not found:
            raise AnxinError(
                f"没有 {grade} 这一等级，可用 红 橙 黄 蓝",
                f"no grade {grade}; use red, orange, yellow or blue",
            )
        grades = frozenset(found)
    return Filters(district=district, regulator=regulator, grades=grades, kind=kind)


def show(rows: Sequence[Row], published: Published, head: int) -> None:
    """Print the first rows of each of the two parts of a list."""
    console = Console(width=None if Console().is_terminal else 150)
    for words, part in (
        (NEW_FINDS, [r for r in rows if not r.in_hand]),
        (IN_HAND, [r for r in rows if r.in_hand]),
    ):
        table = Table(title=f"{published.as_of} {words.zh} {words.en} ({len(part)})", title_justify="left")
        for name in ("级", "名次", "类别", "名称", "属地", "行业主管", "90天概率", "变化", "首要原因"):
            table.add_column(name, overflow="fold")
        for row in part[:head]:
            reason = row.reasons[0] if row.reasons else None
            table.add_row(
                f"[{_STYLES[row.grade]}]{GRADES[row.grade].zh}[/]",
                str(row.rank),
                KINDS[row.kind].zh,
                _plain(row.name),
                _plain(row.district_name),
                _plain(row.regulator),
                f"{row.p90:.1%}",
                CHANGES[row.change].zh,
                _plain(f"{reason.zh}({reason.date or '—'}, {reason.source or '—'})" if reason else "—"),
            )
        console.print(table)
    console.print(f"{NOTICE.zh} {NOTICE.en}", style="dim")


def _plain(text: str) -> str:
    """Keep square brackets of names from being read as styles."""
    return text.replace("[", r"\[")
