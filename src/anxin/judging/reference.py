"""What a model was trained on, in fixed bins: `reference.json` beside it, which drift is measured against.

Each feature has at most ten bins, cut once at the quantiles of the training rows, and a share of missing values. How far
each training date itself lay from all of them together is kept too, and how far the days between two of them: neither a
season that training saw nor the day of the month, which feeds that come once a month follow, is drift.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from anxin.models.scoring import matrix

Floats = npt.NDArray[np.float64]

FILE = "reference.json"

_EDGES = 9
_COMMON = tuple(i / 10 for i in range(1, 10))
_RARE = (0.95, 0.98, 0.99, 0.995, 0.999)
"""Quantiles taken too where most values are the same: what is rare is where the risk is."""
_SAMPLE = 200_000
_LEAST_SHARE = 1e-4
"""An empty bin counts as this share at least, or one subject would be an infinite shift."""
_CATEGORIES = 40
OTHER, MISSING = "其他", ""
_POPULATION = {
    "employer": ("district", "industry", "ownership", "registered", "in_hand"),
    "project": ("district", "project_type", "government_funded", "soe_owner", "registered", "in_hand"),
}


@dataclass(frozen=True)
class Bins:
    """Shares of a column in fixed bins: up to each edge, above the last, and missing (the last share)."""

    edges: tuple[float, ...]
    shares: tuple[float, ...]
    usual: float
    """The greatest shift (PSI) of one training date from all of them; or the second greatest of the days between two."""


@dataclass(frozen=True)
class Reference:
    """The training rows of a model in bins; `score` are the out-of-time probabilities of its backtest."""

    kind: str
    rows: int
    dates: int
    features: Mapping[str, Bins]
    population: Mapping[str, Mapping[str, float]]
    score: Bins | None

    def to_bytes(self) -> bytes:
        """Return the reference as JSON a person can read and diff."""
        return (json.dumps(asdict(self), ensure_ascii=False, sort_keys=True, indent=1) + "\n").encode()

    @classmethod
    def from_bytes(cls, content: bytes) -> Reference:
        """Read what `to_bytes` wrote."""
        raw = json.loads(content)
        features = {name: _bins(one) for name, one in raw["features"].items()}
        score = None if raw["score"] is None else _bins(raw["score"])
        return cls(**{**raw, "features": features, "score": score})


def reference_of(
    snapshot: pa.Table, kind: str, names: Sequence[str], judged_p90: Floats, between: pa.Table | None = None
) -> Reference:
    """Make the reference of a training from its snapshot (n rows of many dates) and out-of-time probabilities.

    `between` is a snapshot of days between two training dates: only how far they lie from the rest is taken from it.
    """
    date_of, dates = _dates(snapshot)
    others = (np.empty(0, dtype=np.int64), 0) if between is None else _dates(between)
    features = {}
    for name in names:
        beside = np.empty(0) if between is None else matrix(between, (name,))[:, 0]
        features[name] = _reference_bins(
            matrix(snapshot, (name,))[:, 0], date_of, dates, _COMMON, (beside, *others)
        )
    return Reference(kind, len(snapshot), dates, features, population(snapshot, kind), score_bins(judged_p90))


def score_bins(judged_p90: Floats) -> Bins | None:
    """Return out-of-time probabilities in bins; None of none."""
    if not len(judged_p90):
        return None
    nowhere = np.zeros(len(judged_p90), dtype=np.int64)
    return _reference_bins(judged_p90, nowhere, 1, _COMMON + _RARE[:3])


def counts(values: Floats, edges: Sequence[float]) -> npt.NDArray[np.int64]:
    """Count values in bins: up to each edge, above the last, and missing (len(edges) + 2 numbers)."""
    code = np.searchsorted(np.asarray(edges, dtype=np.float64), values, side="left")
    code = np.where(np.isnan(values), len(edges) + 1, code)
    return np.bincount(code, minlength=len(edges) + 2).astype(np.int64)


def psi(expected: npt.ArrayLike, found: npt.ArrayLike, rows: int = 10_000) -> float:
    """Return the population stability index of two sets of shares over the same bins; 0 is no shift.

    An empty bin counts as half of one of the `rows` behind `found`, and as one of 10,000 at least.
    """
    least = max(_LEAST_SHARE, 0.5 / max(rows, 1))
    a = np.maximum(np.asarray(expected, dtype=np.float64), least)
    b = np.maximum(np.asarray(found, dtype=np.float64), least)
    return float(((b - a) * np.log(b / a)).sum())


def distance(expected: npt.ArrayLike, found: npt.ArrayLike) -> float:
    """Return the Kolmogorov-Smirnov distance over the bins of known values (the last share is the missing ones)."""
    a, b = (np.asarray(one, dtype=np.float64)[:-1] for one in (expected, found))
    if a.sum() <= 0 or b.sum() <= 0:
        return 0.0
    return float(np.abs(np.cumsum(a / a.sum()) - np.cumsum(b / b.sum())).max())


def shares(counted: npt.NDArray[np.int64]) -> Floats:
    """Return counts as shares; of nothing, zeros."""
    total = counted.sum()
    return counted / total if total else np.zeros(len(counted))


def population(snapshot: pa.Table, kind: str) -> dict[str, dict[str, float]]:
    """Return who is in a snapshot: the share of each value of the facts, the rarest together."""
    found = {}
    for name in _POPULATION[kind]:
        if name not in snapshot.column_names or not len(snapshot):
            continue
        values = [MISSING if value is None else str(value) for value in snapshot[name].to_pylist()]
        if name == "district":
            values = [value[:6] for value in values]
        elif name == "industry":
            values = [value[:1] for value in values]
        unique, number = np.unique(np.array(values), return_counts=True)
        order = np.lexsort((unique, -number))
        kept = {str(unique[i]): round(float(number[i] / len(values)), 6) for i in order[:_CATEGORIES]}
        rest = float(number[order[_CATEGORIES:]].sum() / len(values))
        found[name] = kept | ({OTHER: round(rest, 6)} if rest else {})
    return found


def _dates(snapshot: pa.Table) -> tuple[npt.NDArray[np.int64], int]:
    """Return the place of each row's date among the sorted dates of a snapshot, and how many those are."""
    _, date_of = np.unique(snapshot["as_of"].to_numpy(zero_copy_only=False), return_inverse=True)
    return date_of.astype(np.int64), int(date_of.max()) + 1 if len(date_of) else 0


def _by_date(
    values: Floats, date_of: npt.NDArray[np.int64], dates: int, edges: Floats
) -> npt.NDArray[np.int64]:
    """Count values in bins as `counts` does, a row per date."""
    code = np.searchsorted(edges, values, side="left")
    code = np.where(np.isnan(values), len(edges) + 1, code)
    width = len(edges) + 2
    return np.bincount(date_of * width + code, minlength=dates * width).reshape(dates, width)


def _reference_bins(
    values: Floats,
    date_of: npt.NDArray[np.int64],
    dates: int,
    quantiles: Sequence[float],
    others: tuple[Floats, npt.NDArray[np.int64], int] = (np.empty(0), np.empty(0, dtype=np.int64), 0),
) -> Bins:
    known = values[np.isfinite(values)]
    edges = _edges(known[:: max(1, len(known) // _SAMPLE)], quantiles)
    by_date = _by_date(values, date_of, dates, edges)
    all_shares = shares(by_date.sum(axis=0))
    seasons = [psi(all_shares, shares(one), int(one.sum())) for one in by_date] if dates > 1 else []
    # The second of them: a day on which one feed was silent is no day of the month, and would hide drift for good.
    days = sorted(psi(all_shares, shares(one), int(one.sum())) for one in _by_date(*others, edges))[:-1]
    usual = max([*seasons, *days], default=0.0)
    return Bins(
        tuple(float(edge) for edge in edges),
        tuple(round(float(share), 6) for share in all_shares),
        round(usual, 6),
    )


def _edges(known: Floats, quantiles: Sequence[float]) -> Floats:
    if not len(known):
        return np.empty(0)
    edges = np.unique(np.quantile(known, quantiles, method="lower"))
    if len(edges) <= _EDGES // 2:
        edges = np.unique(np.concatenate([edges, np.quantile(known, _RARE, method="lower")]))
    # The greatest value is no cut: nothing would lie above it.
    cut: Floats = edges[edges < known.max()][:_EDGES]
    return cut


def _bins(raw: Mapping[str, Any]) -> Bins:
    return Bins(tuple(raw["edges"]), tuple(raw["shares"]), raw["usual"])
