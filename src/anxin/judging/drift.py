"""How far today's subjects lie from those a model was trained on: by feature, by who they are, by what the model says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy.stats import chi2

from anxin.domain import divisions
from anxin.domain.tables import read_yaml
from anxin.judging.reference import Bins, Reference, counts, distance, population, psi, shares
from anxin.models.scoring import matrix

Floats = npt.NDArray[np.float64]


@cache
def settings() -> Mapping[str, Any]:
    """Return the bounds of `drift.yaml`."""
    text = resources.files(__package__).joinpath("drift.yaml").read_text(encoding="utf-8")
    read: Mapping[str, Any] = read_yaml(text)
    return read


@dataclass(frozen=True)
class Shift:
    """One feature's shift: `psi` over the fixed bins, `ks` over its known values, and the shares missing before, now.

    `usual` is the greatest shift of one training date, or of days between two: a season, a part of the month. `state` is
    `steady`, `watch` or `alarm`.
    """

    name: str
    psi: float
    usual: float
    ks: float
    missing_before: float
    missing_now: float
    state: str
    now: tuple[float, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the shift as plain data."""
        return asdict(self)


def features_shift(reference: Reference, snapshot: pa.Table) -> list[Shift]:
    """Compare every feature of a snapshot with the reference; the furthest first. A column that is gone is missing."""
    found = [_shift(name, bins, matrix(snapshot, (name,))[:, 0]) for name, bins in reference.features.items()]
    return sorted(found, key=lambda one: (_ORDER[one.state], -one.psi, one.name))


def score_shift(reference: Reference, p90: Floats) -> Shift | None:
    """Compare what the model says with what it said out of time in its backtest; None without a backtest."""
    return None if reference.score is None else _shift("p90", reference.score, p90)


def population_shift(reference: Reference, snapshot: pa.Table, day: date) -> list[dict[str, Any]]:
    """Compare who is there: for each fact its shift, and the values that moved most (share before, now).

    Districts are compared as they stand on the day: one that was merged since is no shift.
    """
    today = population(snapshot, reference.kind)
    found = []
    for name, shares_then in reference.population.items():
        before, now = shares_then, today.get(name, {})
        if name == "district":
            before, now = _on(before, day), _on(now, day)
        values = sorted(set(before) | set(now))
        a, b = ([part.get(value, 0.0) for value in values] for part in (before, now))
        moved = sorted(values, key=lambda value: -abs(now.get(value, 0.0) - before.get(value, 0.0)))
        shift = psi(a, b, len(snapshot))
        over = shift - chance(len(values), len(snapshot))
        found.append(
            {
                "name": name,
                "psi": round(shift, 4),
                "state": "alarm" if over >= settings()["population"] else _watch(over),
                "moved": [
                    {"value": value, "before": before.get(value, 0.0), "now": now.get(value, 0.0)}
                    for value in moved[:5]
                ],
            }
        )
    return found


_ORDER = {"alarm": 0, "watch": 1, "steady": 2}


def _shift(name: str, bins: Bins, values: Floats) -> Shift:
    now = shares(counts(values, bins.edges))
    moved, asked = psi(bins.shares, now, len(values)), settings()
    expected = asked["usual_times"] * bins.usual + chance(len(now), len(values))
    gone = float(now[-1]) - bins.shares[-1] - chance(2, len(values)) ** 0.5 / 2
    if len(values) and (moved >= asked["psi"] + expected or gone >= asked["missing"]):
        state = "alarm"
    else:
        state = _watch(moved - expected)
    return Shift(
        name,
        round(moved, 4),
        round(bins.usual, 4),
        round(distance(bins.shares, now), 4),
        round(bins.shares[-1], 4),
        round(float(now[-1]), 4),
        state,
        tuple(round(float(share), 4) for share in now),
    )


def chance(bins: int, rows: int) -> float:
    """Return the shift that so many rows in so many bins hardly ever exceed where nothing moved.

    Times the rows, the index of a sample is about chi-square with one degree of freedom less than bins (Yurdakul 2018).
    """
    return float(chi2.ppf(settings()["chance"], max(1, bins - 1))) / max(1, rows)


def _watch(shift: float) -> str:
    return "watch" if shift >= settings()["psi_watch"] else "steady"


def _on(part: Mapping[str, float], day: date) -> dict[str, float]:
    found: dict[str, float] = {}
    for code, share in part.items():
        place = divisions.district(code, day) if code else code
        found[place] = found.get(place, 0.0) + share
    return found


def worst(states: Sequence[str]) -> str:
    """Return the gravest of some states; of none, `steady`."""
    return min(states, key=lambda state: _ORDER[state], default="steady")
