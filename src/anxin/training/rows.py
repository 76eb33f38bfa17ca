"""Training rows: snapshots joined to labels, stacked by horizon, negatives thinned and weighted up again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from anxin.features.known import KEYS, Kind
from anxin.feeds.asof import View
from anxin.judging.labels import labels
from anxin.models.probability import HORIZONS, SCORE_HORIZON
from anxin.training.settings import RowLimits
from anxin.training.splits import usable

Floats = npt.NDArray[np.float64]
Matrix = npt.NDArray[np.float32] | npt.NDArray[np.float64]


@dataclass(frozen=True)
class Labelled:
    """Labels of every row of a snapshot for each horizon, as known at `through`: 1, 0, or NaN (unknown, averted)."""

    y: Mapping[int, Floats]
    hits: Floats
    """For judging, 90 days: as `y`, but a warning that was acted on and averted is a hit."""
    cases: pd.DataFrame
    """The first verified case of each positive row of the longest horizon: `place` in the snapshot, workers, amount."""


def label(
    view: View, snapshot: pa.Table, through: date, kind: Kind, outages: Sequence[tuple[date, date]]
) -> Labelled:
    """Label every row of a snapshot with what is known at `through`."""
    keys = snapshot.select(list(KEYS)).to_pandas()
    dates = sorted(set(keys["as_of"]))
    keys["as_of"] = keys["as_of"].astype("datetime64[s]")
    keys["place"] = np.arange(len(keys))
    y: dict[int, Floats] = {}
    hits = np.full(len(keys), np.nan)
    cases = pd.DataFrame({"place": [], "subject_id": [], "workers": [], "amount": [], "opened_on": []})
    for horizon in HORIZONS:
        mature = usable(dates, horizon, through, outages)
        target = np.where(keys["as_of"].isin(pd.to_datetime(mature)), 0.0, np.nan)
        if mature:
            found = labels(view, mature, horizon, through, kind)
            found["as_of"] = found["as_of"].astype("datetime64[s]")
            found = found.merge(keys, on=list(KEYS))
            target[found["place"]] = np.where(found["outcome"] == "positive", 1.0, np.nan)
            positive = found["outcome"] == "positive"
            cases = found.loc[positive, ["place", "subject_id", "workers", "amount", "opened_on"]]
        y[horizon] = target
        if horizon == SCORE_HORIZON:
            hits = target.copy()
            if mature:
                hits[found.loc[found["outcome"] == "averted", "place"]] = 1.0
    return Labelled(y, hits, cases)


@dataclass(frozen=True)
class Stacked:
    """Rows of one fit: features and horizon, labels, weights, and each row's place in the snapshot."""

    x: Matrix
    y: Floats
    weight: Floats
    places: npt.NDArray[np.int64]


def stack(
    features: Matrix, labelled: Labelled, keep: npt.NDArray[np.bool_], limits: RowLimits, seed: int
) -> Stacked:
    """Stack the labelled rows of `keep` over the horizons.

    Above the limit of rows, negatives are drawn at random and weighted so that they count as all of them did:
    probabilities stay what they were.
    """
    rng = np.random.default_rng(seed)
    total = sum(int((keep & np.isfinite(y)).sum()) for y in labelled.y.values())
    positives = sum(int((keep & (y == 1)).sum()) for y in labelled.y.values())
    most = limits.of(positives)
    share = min(1.0, max(most - positives, 1) / max(total - positives, 1))
    drawn: list[tuple[int, npt.NDArray[np.int64]]] = []
    for horizon, y in labelled.y.items():
        rows = np.flatnonzero(keep & np.isfinite(y))
        drawn.append((horizon, rows[(y[rows] == 1) | (rng.random(len(rows)) < share)]))
    # Laid out once: these are the largest arrays of a training beside the snapshot.
    x = np.empty((sum(len(taken) for _, taken in drawn), features.shape[1] + 1), features.dtype)
    start = 0
    for horizon, taken in drawn:
        part = x[start : start + len(taken)]
        part[:, -1] = horizon
        for place in range(features.shape[1]):
            part[:, place] = features[taken, place]
        start += len(taken)
    ys = [labelled.y[horizon][taken] for horizon, taken in drawn]
    label_of = np.concatenate(ys)
    weight = np.where(label_of == 1, 1.0, 1.0 / share)
    return Stacked(x, label_of, weight, np.concatenate([taken for _, taken in drawn]))
