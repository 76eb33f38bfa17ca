"""The one scoring function. CLI, service and batch call it and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from anxin.domain.errors import AnxinError
from anxin.models.grades import Promises
from anxin.models.probability import Ordered
from anxin.models.severity import SIZES, Predicted, Severity

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Model:
    """A model of one kind: probabilities, severity, the promises of its grades, and what it was made from."""

    model_id: str
    kind: str
    through: date
    ordered: Ordered
    severity: Severity
    promises: Promises
    facts: dict[str, Any]
    """Base rates, training dates, data fingerprint, code version: as in the manifest."""

    def matrix(self, snapshot: pa.Table) -> Floats:
        """Return the rows of a snapshot as the trees read them (n × features), missing as NaN.

        Raises AnxinError if the snapshot lacks a column: what nobody asked for is not what nobody knows.
        """
        lacking = sorted(set(self.ordered.features) - set(snapshot.column_names))
        if lacking:
            raise AnxinError(
                f"快照缺少模型 {self.model_id} 要读的 {len(lacking)} 列：{'、'.join(lacking[:5])}；请重新生成快照",
                f"the snapshot lacks {len(lacking)} columns that model {self.model_id} reads: {', '.join(lacking[:5])}; "
                "make it anew",
            )
        return matrix(snapshot, self.ordered.features)


def matrix(snapshot: pa.Table, features: tuple[str, ...]) -> Floats:
    """Return columns of a snapshot as float64 (n × features); a column that is not there is missing throughout."""
    there = set(snapshot.column_names)
    blank = np.full(len(snapshot), np.nan)
    columns = [
        snapshot[name].to_numpy(zero_copy_only=False).astype(np.float64) if name in there else blank
        for name in features
    ]
    return np.column_stack(columns) if columns else np.empty((len(snapshot), 0))


def sized(model: Model, snapshot: pa.Table) -> Predicted:
    """Return what a case of each row of a snapshot would hold: workers, yuan, and the probability that it is major."""
    names = SIZES[model.kind]
    sizes = dict(zip(names, matrix(snapshot, names).T, strict=True))
    return model.severity.predict(sizes, len(snapshot))


def score(model: Model, snapshot: pa.Table) -> pd.DataFrame:
    """Score every row of a snapshot of one kind.

    Returns the columns of `semantics.md` (scores), sorted by rank: p30 ≤ p90 ≤ p180, `score` the margin for 90 days,
    `grade` by danger alone, workers and yuan (if it happens) with 80 % intervals, rank by p90 per date, ties by
    subject_id.
    """
    rows = model.matrix(snapshot)
    p30, p90, p180 = model.ordered.probabilities(rows)
    sizes = sized(model, snapshot)
    scores = pd.DataFrame(
        {
            "kind": model.kind,
            "subject_id": snapshot["subject_id"].to_pandas(),
            "as_of": snapshot["as_of"].to_pandas(),
            "p30": p30,
            "p90": p90,
            "p180": p180,
            "score": model.ordered.margin(rows),
            "grade": model.promises.grade_of(p90),
            "rank": np.int64(0),
            "in_hand": snapshot["in_hand"].to_pandas(),
            "workers": sizes.workers,
            "workers_lo": sizes.workers_lo,
            "workers_hi": sizes.workers_hi,
            "amount": sizes.amount,
            "amount_lo": sizes.amount_lo,
            "amount_hi": sizes.amount_hi,
            "model_version": model.model_id,
        }
    )
    scores = scores.sort_values(["as_of", "p90", "subject_id"], ascending=[True, False, True], kind="stable")
    scores["rank"] = scores.groupby("as_of", dropna=False).cumcount().to_numpy(dtype=np.int64) + 1
    return scores.reset_index(drop=True)
