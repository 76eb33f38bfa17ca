"""The rows of a family put in the order of a snapshot's subjects and dates, column by column.

Many dates of a city are millions of rows and hundreds of columns: each column is moved once, and nothing but the
value itself is kept of it. In between a missing value is NaN; in what is returned it is null.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Meaning:
    """What stands where a column has no value of its own, and the dates on which it says nothing at all."""

    no_value: float = float("nan")
    """Of a subject that has a row of the family, but nothing in this column."""
    no_row: float = float("nan")
    unknown: Collection[date] = ()


_PLAIN = Meaning()
_ENDS: tuple[Literal["left"], Literal["right"]] = ("left", "right")


class Placed:
    """Where each subject and date of a snapshot (sorted by `as_of`, then `subject_id`) finds its row in a table."""

    def __init__(self, places: Places, rows: Numbers) -> None:
        self._places = places
        self._rows = rows
        self._without = np.flatnonzero(rows < 0)

    def found(self) -> pa.BooleanArray:
        """Return who has a row."""
        return pa.array(self._rows >= 0)

    def column(self, values: pa.ChunkedArray, meaning: Meaning = _PLAIN) -> pa.DoubleArray:
        """Return a column of the table in the snapshot's order, as float64 in one piece."""
        cells = values.cast(pa.float64()).combine_chunks()
        if cells.null_count:
            cells = cells.fill_null(meaning.no_value)
        if len(cells):
            # What has no row takes the last one for now: twice as fast as asking every place whether it is one.
            placed = np.take(cells.to_numpy(zero_copy_only=False), self._rows, mode="wrap")
            placed[self._without] = meaning.no_row
        else:
            placed = np.full(len(self._rows), meaning.no_row)
        return self._places.told(placed, meaning)


class Places:
    """The subjects and dates of a snapshot, numbered."""

    def __init__(self, people: pa.Table) -> None:
        """Take the `subject_id` and `as_of` of a snapshot, sorted by `as_of`, then `subject_id`."""
        self._size = len(people)
        days = _days(people)
        self._dates = np.unique(days)
        self._starts = np.append(np.searchsorted(days, self._dates), self._size)
        self._subjects = pc.unique(people["subject_id"])
        self._place = np.full(max(1, len(self._subjects) * len(self._dates)), -1)
        self._place[self._numbers(people)] = np.arange(self._size)

    def of(self, rows: pa.Table) -> Placed:
        """Find the rows of a table keyed by subject and date, or by date alone: what is the same for everyone.

        Raises ValueError if a subject and date has several.
        """
        if "subject_id" not in rows.column_names:
            return Placed(self, self._of_dates(rows))
        numbers = self._numbers(rows)
        at = np.where(numbers >= 0, self._place[numbers], -1)
        meant = np.flatnonzero(at >= 0)
        found = np.full(self._size, -1)
        found[at[meant]] = meant
        if np.count_nonzero(found >= 0) != len(meant):
            raise ValueError("a family gave more than one row for a subject and a date")
        return Placed(self, found)

    def nothing(self, meaning: Meaning = _PLAIN) -> pa.DoubleArray:
        """Return a column of which there is no row."""
        return self.told(np.full(self._size, meaning.no_row), meaning)

    def told(self, values: npt.NDArray[np.float64], meaning: Meaning) -> pa.DoubleArray:
        """Take away what is said on dates on which it is not known; NaN is null from here on."""
        for day in meaning.unknown:
            values[self._of_day(np.datetime64(day, "D"))] = np.nan
        return pa.array(values, pa.float64(), from_pandas=True)

    def _of_dates(self, rows: pa.Table) -> Numbers:
        days = _days(rows)
        found = np.full(self._size, -1)
        for row, day in enumerate(days):
            found[self._of_day(day)] = row
        return found

    def _of_day(self, day: np.datetime64) -> slice:
        """Return the part of the snapshot that is of a date, which may be no part at all."""
        before, until = (np.searchsorted(self._dates, day, side=side) for side in _ENDS)
        return slice(self._starts[before], self._starts[until])

    def _numbers(self, rows: pa.Table) -> Numbers:
        """Return the number of each row's subject and date together, -1 where either is none of the snapshot's."""
        subject = pc.index_in(rows["subject_id"], self._subjects).fill_null(-1).to_numpy().astype(np.int64)
        days = _days(rows)
        if not len(self._dates):
            return np.full(len(days), -1)
        day = np.minimum(np.searchsorted(self._dates, days), len(self._dates) - 1)
        meant = (subject >= 0) & (self._dates[day] == days)
        return np.where(meant, subject * len(self._dates) + day, -1)


def _days(rows: pa.Table) -> npt.NDArray[np.datetime64]:
    days: npt.NDArray[np.datetime64] = rows["as_of"].cast(pa.date32()).to_numpy().astype("datetime64[D]")
    return days
