"""Fitting the trees of one kind: deterministic, monotone where the catalogue gives a direction of risk."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import lightgbm as lgb
import numpy as np
import numpy.typing as npt

from anxin.features.catalogue import catalogue
from anxin.models.probability import HORIZON
from anxin.training.rows import Stacked

Floats = npt.NDArray[np.float64]


def fit(
    rows: Stacked, features: tuple[str, ...], parameters: Mapping[str, Any], rounds: int, seed: int
) -> lgb.Booster:
    """Fit one booster; the same rows and settings give the same text.

    Margins only rise in the horizon, and in what the catalogue says is worse.
    """
    settings = {
        "objective": "binary",
        "verbose": -1,
        "seed": seed,
        "deterministic": True,
        # The same trees as row by row, and faster with few features a tree: of the others no row is read.
        "force_col_wise": True,
        # One thread a fit, and several fits at once: on a machine that does other things too, two OpenMP threads wait
        # for each other in a spin and were 8 to 20 times slower than one.
        "num_threads": 1,
        "monotone_constraints": [*directions(features), 1],
        # The basic method forbids too much: whole branches beside a split on a feature with a direction.
        "monotone_constraints_method": "intermediate",
        **parameters,
    }
    positives = float(rows.y.sum())
    # A leaf needs rows, but a small city has few: never more than a fiftieth of the rows of a fit.
    settings["min_data_in_leaf"] = int(max(5, min(settings["min_data_in_leaf"], len(rows.y) / 50, positives)))
    data = lgb.Dataset(
        rows.x, rows.y, weight=rows.weight, feature_name=[*features, HORIZON], free_raw_data=True
    )
    return lgb.train(settings, data, rounds)


def directions(features: tuple[str, ...]) -> list[int]:
    """Return the direction of risk of each feature: 1 more is worse, -1 more is better, 0 none (and if not listed)."""
    listed = catalogue()
    return [listed[name].direction if name in listed else 0 for name in features]


def learnable(features: Floats, names: tuple[str, ...]) -> list[int]:
    """Return the places of the features that say anything: present somewhere and not all the same."""
    kept = []
    for place in range(len(names)):
        values = features[:, place]
        known = values[np.isfinite(values)]
        if len(known) and (len(known) < len(values) or known.min() < known.max()):
            kept.append(place)
    return kept
