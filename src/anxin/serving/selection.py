"""Which rows of a list a reader asked for: the same filters for pages, API, exports and the command line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from anxin.domain import divisions
from anxin.serving.published import Row

MaySee = Callable[[Row], bool]


@dataclass(frozen=True)
class Filters:
    """What to keep; an empty filter keeps all.

    `district` is a prefix of a division code (six digits, or fewer for a province or city); `regulator`
    matches the primary and the co-operating 行业主管部门; `grades` are 1 (蓝) to 4 (红).
    """

    district: str | None = None
    regulator: str | None = None
    grades: frozenset[int] = frozenset()
    kind: str | None = None
    in_hand: bool | None = None
    change: str | None = None
    visit: str | None = None
    """`check` 检查, `call` 走访, `beyond` 超出力量 or `rest`.

    Rows then come in the order they are gone to, and the district is the one that goes, which leads a joint visit.
    """

    def keeps(self, row: Row, on: date) -> bool:
        """Tell whether `row` passes every filter; districts as they stand on the list's day."""
        return (
            (self.district is None or _lies_in(self._place(row), self.district, on))
            and (self.regulator is None or self.regulator in row.regulators)
            and (not self.grades or row.grade in self.grades)
            and (self.kind is None or row.kind == self.kind)
            and (self.in_hand is None or row.in_hand == self.in_hand)
            and (self.change is None or row.change == self.change)
            and (self.visit is None or row.visit_by == self.visit)
        )

    def _place(self, row: Row) -> str:
        going = None if self.visit is None else row.going
        return row.district if going is None else going


@dataclass(frozen=True)
class Page:
    """One page of rows out of `total`; pages count from 1."""

    rows: Sequence[Row]
    number: int
    size: int
    total: int

    @property
    def last(self) -> int:
        """The number of the last page, 1 where there is nothing."""
        return max(1, -(-self.total // self.size))


def _lies_in(code: str, prefix: str, on: date) -> bool:
    return code.startswith(prefix) or divisions.district(code, on).startswith(prefix)


def select(rows: Iterable[Row], filters: Filters, may_see: MaySee, on: date) -> list[Row]:
    """Return the rows the reader may see and asked for: red first, then by p90; visits by who goes and turn.

    The scope is applied first and here, so no caller can count or export what it hides.
    """
    kept = (row for row in rows if may_see(row) and filters.keeps(row, on))
    ordered = sorted(kept, key=lambda row: (-row.grade, -row.p90, row.kind, row.subject_id))
    if filters.visit is None:
        return ordered

    def turn(row: Row) -> tuple[str, int]:
        going = divisions.district(row.district, on) if row.going is None else row.going
        return going, row.visit_order or 0

    return sorted(ordered, key=turn)


def page(rows: Sequence[Row], number: int, size: int) -> Page:
    """Return page `number` of `rows`; beyond the last there are none."""
    start = (number - 1) * size
    return Page(rows[start : start + size], number, size, len(rows))


def by_grade(rows: Iterable[Row]) -> dict[int, int]:
    """Return how many rows each grade has, red first, zeros kept."""
    counted = Counter(row.grade for row in rows)
    return {grade: counted[grade] for grade in (4, 3, 2, 1)}
