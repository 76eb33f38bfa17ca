"""Arrays as this room passes them.

Days are counted from 1970-01-01, a missing value is a sentinel of its type.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]
Bools = NDArray[np.bool_]

MISSING = -(2**31) + 1
"""A missing day, month, integer or bool; a missing number is NaN, a missing word has code -1."""


class Words(NamedTuple):
    """A column of words: `codes` into `values`, -1 where there is none."""

    codes: Ints
    values: Any

    def take(self, index: Any) -> "Words":
        """Return the rows of an index or mask."""
        return Words(self.codes[index], self.values)


Values = Words | NDArray[Any]
Rows = dict[str, Values]


def words(chosen: Sequence[str], codes: Any) -> Words:
    """Return words from codes into a list of values."""
    return Words(np.asarray(codes, dtype=np.int64), np.array(chosen, dtype=object))


def take(rows: Mapping[str, Values], index: Any) -> Rows:
    """Return the rows of an index or mask, all columns."""
    return {name: v.take(index) if isinstance(v, Words) else v[index] for name, v in rows.items()}


def count(rows: Mapping[str, Values]) -> int:
    """Return how many rows there are."""
    first = next(iter(rows.values()))
    return len(first.codes) if isinstance(first, Words) else len(first)


def stack(parts: Sequence[Rows]) -> Rows:
    """Return the rows of all parts, one after another; words may have different values in each part."""
    stacked: Rows = {}
    for name in parts[0]:
        columns = [part[name] for part in parts]
        if isinstance(columns[0], Words):
            stacked[name] = _stack_words([c for c in columns if isinstance(c, Words)])
        else:
            stacked[name] = np.concatenate([c for c in columns if not isinstance(c, Words)])
    return stacked


def _stack_words(columns: Sequence[Words]) -> Words:
    distinct: list[Any] = []
    places: list[int] = []
    for column in columns:
        found = [i for i, values in enumerate(distinct) if values is column.values]
        if not found:
            distinct.append(column.values)
            found = [len(distinct) - 1]
        places.append(found[0])
    starts = np.cumsum([0, *[len(values) for values in distinct]])
    codes = [
        np.where(c.codes < 0, -1, c.codes + starts[place]) for c, place in zip(columns, places, strict=True)
    ]
    return Words(np.concatenate(codes), distinct[0] if len(distinct) == 1 else np.concatenate(distinct))


def day_number(day: date) -> int:
    """Return the days from 1970-01-01 to a day."""
    return (day - date(1970, 1, 1)).days


def or_missing(values: Ints, present: Bools) -> Ints:
    """Return the values, missing where they are not present."""
    return np.where(present, values, MISSING)


def sigmoid(values: Floats) -> Floats:
    """Return the logistic function."""
    return np.asarray(1.0 / (1.0 + np.exp(-values)))


def choose(rng: np.random.Generator, weights: Sequence[float] | Floats, size: int) -> Ints:
    """Return `size` draws of an index, each with probability in proportion to its weight."""
    edges = np.cumsum(np.asarray(weights, dtype=np.float64))
    return np.searchsorted(edges / edges[-1], rng.random(size), side="right").clip(0, len(edges) - 1)


def spread(rng: np.random.Generator, median: float | Floats, sigma: float, size: int) -> Floats:
    """Return lognormal draws with that median and sigma of the logarithm."""
    return np.asarray(median * np.exp(sigma * rng.standard_normal(size)))


def later(rng: np.random.Generator, median: float, sigma: float, size: int) -> Ints:
    """Return lognormal delays in whole days."""
    return np.asarray(spread(rng, median, sigma, size)).astype(np.int64)
