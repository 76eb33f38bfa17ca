"""The same ranking by place, sector, size and ownership, with small cells hidden.

A cell with fewer than 30 subjects, or fewer than 5 of them that came true, says more about single subjects than about the
ranking: its figures are hidden. Where only one cell of a dimension would be hidden, what is hidden could be had by
subtraction, so the next smallest goes with it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from anxin.judging.resampling import Interval, ratio, share, within_each
from anxin.judging.universe import DIMENSIONS

FEWEST_SUBJECTS = 30
FEWEST_POSITIVES = 5


@dataclass(frozen=True)
class Cell:
    """One value of one dimension. A hidden cell has no figures, not even how many subjects it has."""

    value: str
    hidden: bool
    subjects: int | None = None
    positives: int | None = None
    listed: float | None = None
    precision: Interval | None = None
    recall: Interval | None = None
    observed_expected: Interval | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return asdict(self)


def slices(rows: pd.DataFrame, k: int) -> dict[str, list[Cell]]:
    """Return per dimension what a ranking does at capacity k in each cell, largest first.

    `rows`: `subject_id, as_of, figure, y` (NaN left out), the dimensions, and maybe `p90`. The capacity is the city's,
    not the cell's: `listed` is how many of the first k lie in the cell on an average date, `precision` of those,
    `recall` of what came true in the cell. `subjects` and `positives` are counted once over the dates.
    """
    rows = rows.loc[rows["y"].notna()]
    rows = rows.assign(chance=within_each(rows, k))
    return {dimension: _cells(rows, dimension) for dimension in DIMENSIONS}


def _cells(rows: pd.DataFrame, dimension: str) -> list[Cell]:
    parts = dict(iter(rows.groupby(dimension)))
    sizes = {
        value: (part["subject_id"].nunique(), part.loc[part["y"] > 0, "subject_id"].nunique())
        for value, part in parts.items()
    }
    hidden = hide(sizes)
    dates = max(rows["as_of"].nunique(), 1)
    order = sorted(parts, key=lambda value: (-sizes[value][0], value))
    return [
        Cell(str(value), hidden=True)
        if value in hidden
        else _cell(str(value), parts[value], sizes[value], dates)
        for value in order
    ]


def hide(sizes: dict[Any, tuple[int, int]]) -> set[Any]:
    """Return the cells to hide, given subjects and positives of each."""
    small = {
        value
        for value, (subjects, hits) in sizes.items()
        if subjects < FEWEST_SUBJECTS or hits < FEWEST_POSITIVES
    }
    if len(small) == 1 and len(sizes) > 1:
        small.add(
            min(
                (value for value in sizes if value not in small), key=lambda value: (sizes[value], str(value))
            )
        )
    return small


def _cell(value: str, part: pd.DataFrame, size: tuple[int, int], dates: int) -> Cell:
    y, chance, subject = part["y"].to_numpy(float), part["chance"].to_numpy(float), part["subject_id"]
    expected = None
    if "p90" in part:
        expected = ratio(y, part["p90"].to_numpy(float), subject, log=True)
    return Cell(
        value=value,
        hidden=False,
        subjects=size[0],
        positives=size[1],
        listed=float(chance.sum() / dates),
        precision=share(y * chance, chance, subject),
        recall=share(y * chance, y, subject),
        observed_expected=expected,
    )
