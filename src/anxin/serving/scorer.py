"""The scorer behind the service: live models over the home's lake, the same scoring function as everywhere."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from anxin.domain.errors import AnxinError
from anxin.features import catalogue
from anxin.features.known import Kind
from anxin.features.snapshots import snapshots
from anxin.feeds.lake import Lake
from anxin.ledger import Ledger
from anxin.ledger.published import of
from anxin.models.reasons import explain, usual_values
from anxin.models.registry import live, of_day
from anxin.models.scoring import Model, score, sized
from anxin.serving.home import Home
from anxin.serving.published import Published, Reason
from anxin.serving.rows import reason_row, regulators_of
from anxin.serving.scorers import Explained, FeatureRow, Place, Scored, Scorer

_KEPT = 4
"""Snapshots held: both kinds of today and of one other day."""


def open_scorer(home: Home, ledger: Ledger) -> Scorer:
    """Return the scorer over a home's lake and live models."""
    return LiveScorer(home, ledger)


class LiveScorer:
    """Scores with the models of a day: those of its list, or those live. A snapshot is computed once per lake commit."""

    def __init__(self, home: Home, ledger: Ledger) -> None:
        self._home, self._ledger = home, ledger
        self._lock = threading.Lock()
        self._snapshots: OrderedDict[tuple[str, date, int], pa.Table] = OrderedDict()

    def places(self, kind: str, as_of: date, subject_ids: Sequence[str]) -> Mapping[str, Place]:
        """Return where each known subject lies and who is responsible for it."""
        rows = self._rows(kind, as_of, subject_ids).to_pylist()
        found = {}
        for row in rows:
            line = regulators_of(kind, row, as_of)
            found[row["subject_id"]] = Place(row["district"] or "", (line.primary, *line.also))
        return found

    def score(self, kind: str, as_of: date, subject_ids: Sequence[str]) -> Sequence[Scored]:
        """Score subjects as known on `as_of`, with the model of that day's list, or the one live then."""
        model = self._model(kind, as_of)
        return _scored(model, self._rows(kind, as_of, subject_ids))

    def score_rows(self, kind: str, rows: Sequence[FeatureRow]) -> Sequence[Scored]:
        """Score rows of features with the newest model; a feature left out is missing."""
        scored = _scored(self._model(kind, None), _table(kind, rows))
        return sorted(scored, key=lambda one: int(one.key))  # as asked, not by rank

    def explain(self, kind: str, as_of: date, subject_ids: Sequence[str]) -> Sequence[Explained]:
        """Score subjects and take the scores apart, beside what is usual among all subjects of the day."""
        model = self._model(kind, as_of)
        rows = self._rows(kind, as_of, subject_ids)
        return _explained(model, rows, self._snapshot(kind, as_of))

    def explain_rows(self, kind: str, rows: Sequence[FeatureRow]) -> Sequence[Explained]:
        """Score rows and take the scores apart; nothing is usual without company."""
        return _explained(self._model(kind, None), _table(kind, rows), None)

    def _model(self, kind: str, on: date | None) -> Model:
        ledger, folder = self._ledger, self._home.models
        model = (
            live(ledger, folder, kind, date.max, retrospective=True)
            if on is None
            else of_day(ledger, folder, kind, on)
        )
        if model is None:
            day = on or date.max
            raise AnxinError(f"{kind} 在 {day} 没有在用的模型", f"no model of {kind} is live on {day}")
        return model

    def _snapshot(self, kind: str, as_of: date) -> pa.Table:
        with self._lock:
            lake = Lake(self._home.lake)
            key = (kind, as_of, lake.commit)
            if key not in self._snapshots:
                self._snapshots[key] = self._published(kind, as_of) or snapshots(
                    self._home.view(lake.commit), [as_of], _kind(kind)
                )
                while len(self._snapshots) > _KEPT:
                    self._snapshots.popitem(last=False)
            self._snapshots.move_to_end(key)
            return self._snapshots[key]

    def _published(self, kind: str, as_of: date) -> pa.Table | None:
        """Return the snapshot a published list was made from: what people were told is what is explained."""
        entry = of(self._ledger, as_of)
        if entry is None:
            return None
        published, name = Published.of_entry(self._home.root, entry), f"snapshot-{kind}.parquet"
        return published.table(name) if published.has(name) else None

    def _rows(self, kind: str, as_of: date, subject_ids: Sequence[str]) -> pa.Table:
        snapshot = self._snapshot(kind, as_of)
        places = pd.Index(snapshot["subject_id"].to_pylist()).get_indexer(
            pd.Index(list(dict.fromkeys(subject_ids)))
        )
        return snapshot.take(pa.array(places[places >= 0], pa.int64()))


def _kind(kind: str) -> Kind:
    if kind == "employer":
        return "employer"
    if kind == "project":
        return "project"
    raise AnxinError(f"没有 {kind} 这一类对象", f"there is no kind of subject called {kind}")


def _table(kind: str, rows: Sequence[FeatureRow]) -> pa.Table:
    """Return rows of features as a snapshot whose subjects are their positions."""
    asked = {name for row in rows for name in row}
    names = [feature.name for feature in catalogue.readable(_kind(kind))]
    relative = sorted(
        asked & {feature.told for feature in catalogue.of(_kind(kind)) if feature.of_day} - set(names)
    )
    if relative:
        instead = [f"{name}_of_day" for name in relative]
        raise AnxinError(
            f"模型读的是 {relative} 减当日中位数之差，请改给 {instead}",
            f"models read {relative} less the median of the day; give {instead}",
        )
    unknown = sorted(asked - set(names))
    if unknown:
        raise AnxinError(f"目录中没有特征 {unknown}", f"the catalogue has no feature {unknown}")
    columns = {
        name: pa.array([row.get(name) for row in rows], pa.float64(), from_pandas=True) for name in names
    }
    ids = pa.array([str(place) for place in range(len(rows))])
    day = pa.nulls(len(rows), pa.date32())
    in_hand = pa.array(np.zeros(len(rows), dtype=bool))
    return pa.table({"subject_id": ids, "as_of": day, "in_hand": in_hand, **columns})


def _scored(model: Model, rows: pa.Table) -> list[Scored]:
    major = pd.Series(sized(model, rows).p_major, index=rows["subject_id"].to_pylist())
    scores = score(model, rows)
    return [_one(row) for row in scores.assign(p_major=scores["subject_id"].map(major)).to_dict("records")]


def _one(row: Mapping[Any, Any]) -> Scored:
    money = ("workers", "workers_lo", "workers_hi", "amount", "amount_lo", "amount_hi", "p_major")
    sizes = {name: None if np.isnan(row[name]) else float(row[name]) for name in money}
    return Scored(
        key=str(row["subject_id"]),
        p30=float(row["p30"]),
        p90=float(row["p90"]),
        p180=float(row["p180"]),
        score=float(row["score"]),
        grade=int(row["grade"]),
        model_version=str(row["model_version"]),
        **sizes,
    )


def _explained(model: Model, rows: pa.Table, everyone: pa.Table | None) -> list[Explained]:
    scored = {one.key: one for one in _scored(model, rows)}
    usual = usual_values(model, everyone) if everyone is not None else None
    parts = explain(model, rows, usual)
    districts = rows["district"].to_pylist() if "district" in rows.column_names else [""] * len(rows)
    return [
        Explained(
            scored[subject],
            found.base,
            tuple(Reason(**reason_row(part, district or "", found.day)) for part in found.parts),
        )
        for subject, district, found in zip(rows["subject_id"].to_pylist(), districts, parts, strict=True)
    ]
