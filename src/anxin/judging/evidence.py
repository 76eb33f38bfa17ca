"""What two models said about the same subjects on the same dates, and what came true.

fresh   the lake has mature dates after both were trained: both models score them
folds   else the backtests of both trainings, on the dates that both judged: every training steps through one calendar
alone   there is no champion: the challenger's backtest
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from anxin.features.known import Kind
from anxin.features.snapshots import KINDS, snapshots
from anxin.feeds.asof import View
from anxin.judging import folds
from anxin.judging.any_list import with_labels
from anxin.judging.gate import bounds
from anxin.judging.labels import GAP_DAYS
from anxin.models.probability import SCORE_HORIZON
from anxin.models.saved import document
from anxin.models.scoring import Model

Progress = Callable[[str, int, int], None]

_STEP_DAYS = 30
_MOST_DATES = 6
_AT_ONCE = 3
"""Dates computed together: more are faster, and hold more memory."""


@dataclass(frozen=True)
class Evidence:
    """Rows to judge on: `subject_id, as_of, y, in_hand, ours, theirs` (NaN without a champion) and the cells."""

    basis: str
    rows: pd.DataFrame


def evidence(
    view: View,
    models: Path,
    challenger: Model,
    champion: Model | None,
    known: date,
    on_progress: Progress | None = None,
) -> Evidence:
    """Gather what there is to compare on; `known` is the day up to which outcomes count."""
    if champion is None:
        return own_evidence(models, challenger)
    fresh = _fresh(view, challenger, champion, known, on_progress)
    if fresh is not None and fresh.loc[~fresh["in_hand"], "y"].sum() >= bounds()["fewest_positives"]:
        return Evidence("fresh", fresh)
    return Evidence("folds", _known(paired(_folds(models, challenger), _folds(models, champion))))


def own_evidence(models: Path, model: Model) -> Evidence:
    """Return the rows of a model's own backtest, with nobody beside it."""
    return Evidence("alone", _known(_folds(models, model).assign(theirs=np.nan)))


def fresh_dates(first: date, known: date) -> list[date]:
    """Return up to six dates, thirty days apart and mature at `known`, none before `first`; oldest first."""
    newest = known - timedelta(days=SCORE_HORIZON + GAP_DAYS)
    found = [newest - timedelta(days=_STEP_DAYS * i) for i in range(_MOST_DATES)]
    return [day for day in reversed(found) if day >= first]


def paired(ours: pd.DataFrame, theirs: pd.DataFrame) -> pd.DataFrame:
    """Join two backtests on the subjects and dates that both judged; outcomes are those of ours.

    What is said some days later has seen some of the outcome, and wins by it: other dates are not compared.
    """
    said = theirs[["subject_id", "as_of", "ours"]].rename(columns={"ours": "theirs"})
    return ours.merge(said, on=["subject_id", "as_of"])


def newest(snapshot: pa.Table, challenger: Model, champion: Model) -> pd.DataFrame:
    """Return what both models say of everyone in one snapshot: `subject_id, in_hand, ours, theirs`."""
    return pd.DataFrame(
        {
            "subject_id": snapshot["subject_id"].to_pandas(),
            "in_hand": snapshot["in_hand"].to_pandas().astype(bool),
            "ours": _p90(challenger, snapshot),
            "theirs": _p90(champion, snapshot),
        }
    )


def _fresh(
    view: View, challenger: Model, champion: Model, known: date, on_progress: Progress | None
) -> pd.DataFrame | None:
    dates = fresh_dates(max(challenger.through, champion.through), known)
    kind = _kind(challenger)
    parts = []
    for start in range(0, len(dates), _AT_ONCE):
        parts.append(_scored(view, dates[start : start + _AT_ONCE], kind, challenger, champion, on_progress))
    if not parts:
        return None
    return _known(with_labels(view, pd.concat(parts, ignore_index=True), kind, known))


def _scored(
    view: View,
    dates: Sequence[date],
    kind: Kind,
    challenger: Model,
    champion: Model,
    on_progress: Progress | None,
) -> pd.DataFrame:
    snapshot = snapshots(view, dates, kind, on_progress)
    cells = {name: column.to_pandas() for name, column in folds.cells(snapshot, kind).items()}
    return newest(snapshot, challenger, champion).assign(as_of=snapshot["as_of"].to_pylist(), **cells)


def _folds(models: Path, model: Model) -> pd.DataFrame:
    content = document(models, model.model_id, folds.FILE)
    rows = folds.SCHEMA.empty_table().to_pandas() if content is None else folds.from_bytes(content)
    return rows.rename(columns={"p90": "ours"})


def _known(rows: pd.DataFrame) -> pd.DataFrame:
    known = rows.loc[rows["y"].notna()].reset_index(drop=True)
    return known.assign(y=known["y"].astype(float), in_hand=known["in_hand"].astype(bool))


def _p90(model: Model, snapshot: pa.Table) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return model.ordered.probabilities(model.matrix(snapshot))[1]


def _kind(model: Model) -> Kind:
    return next(kind for kind in KINDS if kind == model.kind)
