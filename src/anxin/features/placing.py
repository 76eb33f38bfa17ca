"""The rows of a family put in the order of a snapshot's subjects and dates, column by column.

Many dates of a city are millions of rows and hundreds of columns: each column is moved once, and nothing but the
value itself is kept of it. In between a missing value is NaN; in what is returned it is null.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

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


class Placed:
    """Where each row of a table stands in a snapshot (sorted by `as_of`, then `subject_id`)."""

    def __init__(self, places: Places, at: Numbers, rows: Numbers | None = None) -> None:
        """Take the place of every row, -1 for none; with `rows` the place of each of these, which may repeat."""
        self._places = places
        self._at = at
        self._rows = rows

    def found(self) -> pa.BooleanArray:
        """Return who has a row."""
        return pa.array(self._places.taken(self._at))

    def column(self, values: pa.ChunkedArray, meaning: Meaning = _PLAIN) -> pa.DoubleArray:
        """Return a column of the table in the snapshot's order, as float64 in one piece."""
        cells = values.cast(pa.float64()).combine_chunks()
        if cells.null_count:
            cells = cells.fill_null(meaning.no_value)
        numbers = cells.to_numpy(zero_copy_only=False)
        placed = self._places.filled(meaning.no_row)
        # Only rows are moved: most tables have one for few of the subjects.
        placed[self._at] = numbers if self._rows is None else numbers[self._rows]
        return self._places.told(placed, meaning)


class Places:
    """The subjects and dates of a snapshot, numbered.

    Behind the last place is one more, which nobody reads: there stands what has no place (-1), so that no column has
    to be searched for what to leave out.
    """

    def __init__(self, people: pa.Table) -> None:
        """Take the `subject_id` and `as_of` of a snapshot, sorted by `as_of`, then `subject_id`."""
        self._size = len(people)
        days = _days(people)
        self._dates = np.unique(days)
        self._starts = np.append(np.searchsorted(days, self._dates), self._size)
        # The number of each day from before the first date to after the last, -1 where it is none of them.
        self._day = np.full(int(np.ptp(self._dates)) + 3 if self._size else 0, -1)
        self._day[self._dates - self._dates[:1] + 1] = np.arange(len(self._dates))
        self._subjects = pc.unique(people["subject_id"])
        self._place = np.full(len(self._subjects) * len(self._dates) + 1, -1)
        self._place[self._numbers(people)] = np.arange(self._size)

    def of(self, rows: pa.Table) -> Placed:
        """Find the places of a table keyed by subject and date, or by date alone: what is the same for everyone.

        Raises ValueError if a subject and date has several.
        """
        if "subject_id" not in rows.column_names:
            return self._of_dates(rows)
        at = self._place[self._numbers(rows)]
        if np.count_nonzero(self.taken(at)) != np.count_nonzero(at >= 0):
            raise ValueError("a family gave more than one row for a subject and a date")
        return Placed(self, at)

    def nothing(self, meaning: Meaning = _PLAIN) -> pa.DoubleArray:
        """Return a column of which there is no row."""
        return self.told(self.filled(meaning.no_row), meaning)

    def filled(self, value: float) -> npt.NDArray[np.float64]:
        """Return one value for all places and the one behind them."""
        return np.full(self._size + 1, value, dtype=np.float64)

    def taken(self, at: Numbers) -> npt.NDArray[np.bool_]:
        """Return which places are among these."""
        taken = np.zeros(self._size + 1, dtype=np.bool_)
        taken[at] = True
        return taken[:-1]

    def told(self, placed: npt.NDArray[np.float64], meaning: Meaning) -> pa.DoubleArray:
        """Take away what is said on dates on which it is not known; NaN is null from here on."""
        values = placed[:-1]
        for day in meaning.unknown:
            values[self._of_day(int(np.datetime64(day, "D").astype(np.int64)))] = np.nan
        # Arrow finds out as well which are NaN, but takes ten times as long.
        there = ~np.isnan(values)
        empty = self._size - int(np.count_nonzero(there))
        valid = pa.py_buffer(np.packbits(there, bitorder="little")) if empty else None
        return pa.Array.from_buffers(pa.float64(), self._size, [valid, pa.py_buffer(values)], empty)

    def _of_dates(self, rows: pa.Table) -> Placed:
        parts = [np.arange(self._size)[self._of_day(day)] for day in _days(rows)]
        at = np.concatenate([*parts, np.empty(0, np.int64)])
        return Placed(self, at, np.repeat(np.arange(len(parts)), [len(part) for part in parts]))

    def _of_day(self, day: int) -> slice:
        """Return the part of the snapshot that is of a date, which may be no part at all."""
        number = self._number_of(np.array([day]))[0]
        return slice(self._starts[number], self._starts[number + 1]) if number >= 0 else slice(0, 0)

    def _numbers(self, rows: pa.Table) -> Numbers:
        """Return the number of each row's subject and date together, -1 where either is none of the snapshot's."""
        subject = pc.index_in(rows["subject_id"], self._subjects).fill_null(-1).to_numpy().astype(np.int64)
        day = self._number_of(_days(rows))
        return np.where((subject >= 0) & (day >= 0), subject * len(self._dates) + day, -1)

    def _number_of(self, days: Numbers) -> Numbers:
        """Return the number of each day among the dates, -1 for none of them."""
        if not self._size:
            return np.full(len(days), -1)
        # One more on either side, for the days before and after.
        numbers: Numbers = self._day[np.clip(days - self._dates[0] + 1, 0, len(self._day) - 1)]
        return numbers


def _days(rows: pa.Table) -> Numbers:
    """Return the days as numbers."""
    days: Numbers = rows["as_of"].cast(pa.date32()).cast(pa.int32()).to_numpy().astype(np.int64)
    return days
