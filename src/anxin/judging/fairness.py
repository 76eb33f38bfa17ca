"""Whether a list treats districts, owners and sizes alike: recall, precision and selection by cell; small cells hidden.

Where a cell comes off badly with both models, refusing the challenger would keep it so: only what is worse than with the
champion fails. Without a champion every cell outside the bounds does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from anxin.judging.folds import CELLS
from anxin.judging.gate import Gate, bounds, gate, rounded
from anxin.judging.resampling import CONFIDENCE, binomial, overlap

Floats = npt.NDArray[np.float64]


def fair(rows: pd.DataFrame, kind: str, asked: Mapping[str, Any] | None = None) -> Gate:
    """Compare each cell's recall, precision and selection with those of all, in the first of each date.

    `rows`: `as_of, y, ours, theirs` (NaN without a champion), and the columns of `CELLS`; labels known.
    """
    asked = asked or bounds()
    limit = asked["fair"]
    if rows["y"].sum() < asked["fewest_positives"]:
        return gate("fair", "unknown", [("查实案件太少", "too few verified cases")], {})
    picked = {name: _first(rows, name, limit["first"][kind]) for name in ("ours", "theirs")}
    y, shared = rows["y"].to_numpy(float), overlap(rows)
    shown: dict[str, dict[str, Any]] = {}
    hidden = 0
    cells = []
    for dimension in CELLS:
        for cell, place in sorted(rows.groupby(dimension).indices.items()):
            positives = float(y[place].sum()) / shared
            if positives < limit["fewest_positives"] or len(place) / shared < limit["fewest_subjects"]:
                hidden += 1
            else:
                cells.append((dimension, str(cell), place))
    alpha = (1 - CONFIDENCE) / max(1, 3 * len(cells))
    everyone = _figures(y, picked["ours"], np.arange(len(y)))
    faults = []
    for dimension, cell, place in cells:
        where = np.asarray(place, dtype=np.int64)
        ours = _figures(y, picked["ours"], where)
        theirs = _figures(y, picked["theirs"], where)
        bad = _outside(ours, theirs, everyone, limit, shared, alpha, champion=bool(picked["theirs"].any()))
        shown.setdefault(dimension, {})[cell] = rounded(
            {**ours, "champion_recall": theirs["recall"], "outside": bad}
        )
        faults += [(f"{cell} {name}", f"{cell} {name}") for name in bad]
    figures = {"everyone": rounded(everyone), "hidden": hidden, "cells": shown}
    told = (f"{len(cells)} 个分组，{hidden} 个过小未示", f"{len(cells)} cells, {hidden} too small to show")
    return gate("fair", "failed" if faults else "passed", faults or [told], figures)


def _first(rows: pd.DataFrame, name: str, first: int) -> npt.NDArray[np.bool_]:
    """Return who is among the first of a date by a model; nobody where it said nothing."""
    rank = rows.groupby("as_of")[name].rank(method="first", ascending=False).to_numpy(float)
    return np.asarray(rank <= first)


def _figures(y: Floats, picked: npt.NDArray[np.bool_], place: npt.NDArray[np.int64]) -> dict[str, Any]:
    mine, hit = picked[place], y[place]
    selected, positives, hits = int(mine.sum()), int(hit.sum()), int(hit[mine].sum())
    return {
        "subjects": len(place),
        "positives": positives,
        "selected": selected,
        "hits": hits,
        "selection": selected / len(place) if len(place) else 0.0,
        "recall": hits / positives if positives else 0.0,
        "precision": hits / selected if selected else 0.0,
    }


def _outside(
    ours: Mapping[str, Any],
    theirs: Mapping[str, Any],
    everyone: Mapping[str, Any],
    limit: Mapping[str, Any],
    shared: float,
    alpha: float,
    *,
    champion: bool,
) -> list[str]:
    """Return the figures of a cell that are shown to be outside the bounds, and worse than the champion's."""
    bad = []
    _, recall = binomial(ours["hits"] / shared, ours["positives"] / shared, alpha)
    if recall < limit["recall"] * everyone["recall"] and _worse(ours, theirs, "recall", limit, champion):
        bad.append("recall")
    _, precision = binomial(ours["hits"] / shared, ours["selected"] / shared, alpha)
    wanting = precision < limit["precision"] * everyone["precision"]
    if wanting and _worse(ours, theirs, "precision", limit, champion):
        bad.append("precision")
    asked_for = everyone["selected"] * ours["positives"] / everyone["positives"]
    least = ours["selected"] / shared - 3 * (ours["selected"] / shared) ** 0.5
    if least * shared > limit["selection"] * asked_for and (
        not champion or ours["selected"] > (1 + limit["tolerance"]) * theirs["selected"]
    ):
        bad.append("selection")
    return bad


def _worse(
    ours: Mapping[str, Any], theirs: Mapping[str, Any], name: str, limit: Mapping[str, Any], champion: bool
) -> bool:
    return not champion or ours[name] < theirs[name] - limit["tolerance"] * max(theirs[name], 0.01)
