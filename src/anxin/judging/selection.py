"""What selection does to labels: whoever nobody looked at counts as a negative, though nobody knows.

Verified cases are found by complaints and inspections, and neither falls on everyone alike. From what is known of a
subject at D a small regularised model estimates how likely it is to be looked at within the horizon; judged among those
that were looked at, each weighing 1 / that likelihood (clipped), a list shows what it would show had everyone been looked
at alike. Two ways of looking are told apart:

- `any`: a complaint, an inspection, a hazard or a case. Workers complain *because* wages are unpaid, which no feature at
  D knows: here the weights correct only what could be seen, and the estimate leans towards the list.
- `inspected`: routine, random and campaign inspections, which do not wait for a complaint. Closer to what is asked, and
  there are fewer of them; those that followed a warning are left out, for the list itself sent them.

Random checks (`inspections.reason = random`) need no model and are reported apart.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import ibis
import numpy as np
import numpy.typing as npt
import pandas as pd

from anxin.domain.calendar import days_to_spring_festival
from anxin.features.known import KEYS, Kind, Known, counted
from anxin.feeds.asof import View
from anxin.judging.evaluator import GROUPS
from anxin.judging.frames import frame
from anxin.judging.labels import inside
from anxin.judging.resampling import Interval, share, within_each
from anxin.judging.universe import DIMENSIONS

Floats = npt.NDArray[np.float64]

WAYS = ("any", "inspected")
LEAST = 0.02
"""Likelihoods below are taken for this: no subject speaks for more than fifty."""

_OF_ITS_OWN = ("routine", "random", "campaign")
_RIDGE = 5.0
_STEPS = 30
_FIT_ROWS = 200_000
_COMMON = 200
"""Rows a value of a dimension needs to have a coefficient of its own."""

_COUNTS = {
    "complaints": (90, 365),
    "inspections": (90, 365, 730),
    "hazards": (365,),
    "cases": (365, 1095),
}


def looks(view: View, dates: Sequence[date], horizon: int, known_on: date, kind: Kind) -> pd.DataFrame:
    """Return who was inspected in [D, D+H): `subject_id, as_of`, `inspected` (of its own), `random`, `random_found`.

    `random_found`: a random check that found arrears or a hazard.
    """
    at = Known(view, (known_on,), kind)
    asked = Known(view, tuple(dates), kind).calendar().select(day="as_of")
    rows = at.rows("inspections").drop("as_of").cross_join(asked)
    rows = rows.filter(inside(rows.day, rows.inspected_on, horizon))
    random = rows.reason == "random"
    found = rows.finding.isin(["arrears", "hazard"])
    rows = rows.group_by("subject_id", as_of="day").aggregate(
        inspected=counted(rows.reason.isin(_OF_ITS_OWN)),
        random=counted(random),
        random_found=counted(random & found),
    )
    table = frame(view, rows)
    for name in ("inspected", "random", "random_found"):
        table[name] = table[name] > 0
    return table


def histories(view: View, dates: Sequence[date], kind: Kind) -> pd.DataFrame:
    """Return how often subjects were looked at before each date: `subject_id, as_of`, one count per feed and window."""
    known = Known(view, tuple(sorted(set(dates))), kind)
    table: pd.DataFrame | None = None
    for feed, windows in _COUNTS.items():
        rows = known.rows(feed, max(windows))
        rows = rows.group_by(KEYS).aggregate(
            **{f"{feed}_{days}": counted(rows.age <= days) for days in windows},
            **{f"{feed}_last": ibis._.age.min().cast("float64")},
        )
        part = frame(view, rows)
        table = part if table is None else table.merge(part, on=list(KEYS), how="outer")
    assert table is not None  # there are feeds
    return table


def design(rows: pd.DataFrame) -> Floats:
    """Return the columns of the propensity model, standardised: histories, season, dimensions as indicators.

    `rows`: `as_of`, the columns of `histories` (missing: never), `in_hand` and the dimensions.
    """
    columns: list[Floats] = []
    for feed, windows in _COUNTS.items():
        columns += [np.log1p(rows[f"{feed}_{days}"].fillna(0.0).to_numpy(float)) for days in windows]
        columns.append(1.0 / (1.0 + rows[f"{feed}_last"].fillna(1e4).to_numpy(float) / 30.0))
    columns.append(rows["in_hand"].to_numpy(float))
    ahead = {day: days_to_spring_festival(day) for day in set(rows["as_of"])}
    season = 2 * np.pi * rows["as_of"].map(ahead).to_numpy(float) / 365.25
    columns += [np.sin(season), np.cos(season)]
    for dimension in DIMENSIONS:
        counts = rows[dimension].value_counts()
        columns += [
            (rows[dimension] == value).to_numpy(float) for value in sorted(counts.index[counts >= _COMMON])
        ]
    table = np.column_stack(columns)
    spread = table.std(axis=0)
    kept = spread > 1e-9
    scaled: Floats = (table[:, kept] - table[:, kept].mean(axis=0)) / spread[kept]
    return scaled


@dataclass(frozen=True)
class Propensity:
    """How likely each row was to be looked at, by a model that did not see its subject; and how well that ranks."""

    likelihood: Floats
    auc: float | None


def propensity(
    columns: Floats, looked: npt.NDArray[np.bool_], subject: pd.Series, seed: int = 0
) -> Propensity:
    """Estimate the likelihood of a look: ridge logistic regression on one half of the subjects for the other."""
    half = np.array([zlib.crc32(str(one).encode()) % 2 for one in subject], dtype=bool)
    likelihood = np.full(len(looked), float(looked.mean()) if len(looked) else 0.0)
    rng = np.random.default_rng(seed)
    for part in (half, ~half):
        teaching = np.flatnonzero(~part)
        if len(teaching) > _FIT_ROWS:
            teaching = rng.choice(teaching, _FIT_ROWS, replace=False)
        if not 0 < looked[teaching].sum() < len(teaching):
            continue
        weights = _ridge(columns[teaching], looked[teaching].astype(float))
        likelihood[part] = _logistic(np.column_stack([np.ones(part.sum()), columns[part]]) @ weights)
    return Propensity(likelihood, _auc(likelihood, looked))


def _logistic(margin: Floats) -> Floats:
    found: Floats = 1 / (1 + np.exp(-np.clip(margin, -30, 30)))
    return found


def _ridge(columns: Floats, y: Floats) -> Floats:
    """Fit by Newton's method; the intercept is not shrunk."""
    x = np.column_stack([np.ones(len(columns)), columns])
    shrink = np.full(x.shape[1], _RIDGE)
    shrink[0] = 0.0
    weights: Floats = np.zeros(x.shape[1])
    weights[0] = np.log(y.mean() / (1 - y.mean()))
    for _ in range(_STEPS):
        p = _logistic(x @ weights)
        slope = x.T @ (y - p) - shrink * weights
        bend = (x * (p * (1 - p))[:, None]).T @ x + np.diag(shrink + 1e-9)
        step = np.linalg.solve(bend, slope)
        weights = weights + step
        if np.abs(step).max() < 1e-8:
            break
    return weights


def _auc(score: Floats, y: npt.NDArray[np.bool_]) -> float | None:
    n, hits = len(y), int(y.sum())
    if not 0 < hits < n:
        return None
    ranks = pd.Series(score).rank().to_numpy(float)
    return float((ranks[y].sum() - hits * (hits + 1) / 2) / (hits * (n - hits)))


@dataclass(frozen=True)
class Weighted:
    """One figure as it stands, and had everyone been looked at alike."""

    plain: Interval
    weighted: Interval
    effective: float
    """Effective sample size behind the weighted one: (Σw)² / Σw²."""

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            "plain": self.plain.as_dict(),
            "weighted": self.weighted.as_dict(),
            "effective": self.effective,
        }


def weighed(rows: pd.DataFrame, weight: Floats, capacities: Sequence[int]) -> dict[str, Weighted]:
    """Return prevalence, and precision and recall within capacities, plain and weighted.

    `rows`: `subject_id, as_of, figure, y` without unknown ones; `weight`: 1 / likelihood of those looked at, 0 of others.
    """
    y, subject, ones = rows["y"].to_numpy(float), rows["subject_id"], np.ones(len(rows))
    found = {"prevalence": _weighted(y, ones, weight, subject)}
    for k in capacities:
        chance = within_each(rows, k)
        found[f"precision_{k}"] = _weighted(y * chance, chance, weight, subject)
        found[f"recall_{k}"] = _weighted(y * chance, y, weight, subject)
    return found


def _weighted(over: Floats, under: Floats, weight: Floats, subject: pd.Series) -> Weighted:
    mass = weight * (under > 0)
    effective = float(mass.sum() ** 2 / (mass**2).sum()) if mass.any() else 0.0
    return Weighted(
        share(over, under, subject),
        share(over * weight, under * weight, subject),
        effective,
    )


def selection(rankings: Mapping[str, pd.DataFrame], capacities: Sequence[int]) -> dict[str, Any]:
    """Say what selection does to rankings of the same rows.

    Each ranking as for `judgement.judged`, with the columns of `looks` and `histories`; the first is fitted on, since all
    are of the same subjects and dates or of some of them.
    """
    first = next(iter(rankings.values()))
    first = first.loc[first["y"].notna()]
    columns = design(first)
    keys = pd.MultiIndex.from_frame(first[["subject_id", "as_of"]])
    found: dict[str, Any] = {"least_likelihood": LEAST}
    for way in WAYS:
        looked = _looked(first, way)
        fitted = propensity(columns, looked, first["subject_id"])
        clipped = np.maximum(fitted.likelihood, LEAST)
        weight = pd.Series(np.where(looked, 1 / clipped, 0.0), index=keys)
        found[way] = {
            "looked_at": float(looked.mean()) if len(looked) else None,
            "auc": fitted.auc,
            "clipped": float((fitted.likelihood[looked] < LEAST).mean()) if looked.any() else None,
            "figures": {name: _figures(rows, weight, capacities) for name, rows in rankings.items()},
        }
    found["random_checks"] = {name: _random(rows, capacities) for name, rows in rankings.items()}
    return found


def _looked(rows: pd.DataFrame, way: str) -> npt.NDArray[np.bool_]:
    looked = rows["state"] != "unseen" if way == "any" else rows["inspected"]
    return np.asarray(looked, dtype=bool)


def _groups(rows: pd.DataFrame) -> dict[str, pd.DataFrame]:
    rows = rows.loc[rows["y"].notna()]
    parts = {group: rows if group == "all" else rows.loc[~rows["in_hand"]] for group in GROUPS}
    return {group: part for group, part in parts.items() if len(part)}


def _figures(rows: pd.DataFrame, weight: pd.Series, capacities: Sequence[int]) -> dict[str, Any]:
    return {
        group: {
            name: each.as_dict()
            for name, each in weighed(
                part,
                weight.reindex(pd.MultiIndex.from_frame(part[["subject_id", "as_of"]])).to_numpy(float),
                capacities,
            ).items()
        }
        for group, part in _groups(rows).items()
    }


def _random(rows: pd.DataFrame, capacities: Sequence[int]) -> dict[str, Any]:
    """Return what random checks found: of everyone, and of the first k of a ranking."""
    found: dict[str, Any] = {}
    for group, part in _groups(rows).items():
        checked = part["random"].to_numpy(float)
        chances = {"everyone": np.ones(len(part))} | {f"first_{k}": within_each(part, k) for k in capacities}
        found[group] = {}
        for name, chance in chances.items():
            mass = checked * chance
            hits, verified = part["random_found"].to_numpy(float), part["y"].to_numpy(float)
            found[group][name] = {
                "checked": float(mass.sum()),
                "found": share(hits * mass, mass, part["subject_id"]).as_dict(),
                "verified": share(verified * mass, mass, part["subject_id"]).as_dict(),
            }
    return found
