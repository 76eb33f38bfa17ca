"""The models ours is compared with: logistic regression on quantile bins, a random forest, a plain LightGBM on counts.

The first two learn from our features, thinned rows weighted up again; the third from `counts`. Their settings are what
one would use without tuning, but the strength of the regression's penalty, which is chosen on its newest dates. `told`
is no rival: it is taught what nobody can know, to see what our features hold.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

Floats = npt.NDArray[np.float64]
Predict = Callable[[Floats], Floats]

_BINS = 8
_PENALTIES = (0.001, 0.01, 0.1)
_PLAIN = {
    "objective": "binary",
    "learning_rate": 0.03,
    "num_leaves": 15,
    "min_data_in_leaf": 100,
    "feature_fraction": 0.7,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "lambda_l2": 5.0,
    "num_threads": 1,
    "deterministic": True,
    "force_row_wise": True,
    "verbose": -1,
    "seed": 1,
}
_PLAIN_ROUNDS = 300
_TOLD = _PLAIN | {
    "objective": "cross_entropy",
    "learning_rate": 0.05,
    "num_leaves": 31,
    "feature_fraction": 0.4,
    "lambda_l2": 1.0,
}
"""A probability as label has no chance in it: larger trees than cases could teach."""
_TOLD_ROUNDS = 400


@dataclass(frozen=True)
class Lesson:
    """Rows to learn from: features (missing as NaN), labels (0, 1 or a probability), what each counts, its day."""

    x: Floats
    y: Floats
    weight: Floats
    day: npt.NDArray[np.datetime64]


@dataclass(frozen=True)
class Bins:
    """Quantile bins of every column, one more for missing, as one-hot columns of a sparse matrix."""

    edges: tuple[Floats, ...]

    @classmethod
    def of(cls, x: Floats) -> Bins:
        """Take the bins from the known values of each column."""
        at = np.linspace(0, 1, _BINS + 1)[1:-1]
        known = [column[np.isfinite(column)] for column in x.T]
        return cls(
            tuple(np.unique(np.quantile(values, at)) if len(values) else np.empty(0) for values in known)
        )

    def spread(self, x: Floats) -> sparse.csr_matrix:
        """Return rows × bins, a one in each column's bin."""
        codes, offset = np.empty(x.shape, dtype=np.int32), 0
        for place, (edges, column) in enumerate(zip(self.edges, x.T, strict=True)):
            bin_ = np.searchsorted(edges, column, side="right")
            codes[:, place] = offset + np.where(np.isfinite(column), bin_, len(edges) + 1)
            offset += len(edges) + 2
        ones = np.ones(codes.size, dtype=np.float32)
        ends = np.arange(0, codes.size + 1, codes.shape[1])
        return sparse.csr_matrix((ones, codes.ravel(), ends), shape=(len(x), offset))


def logistic(lesson: Lesson) -> Predict:
    """Fit a logistic regression on quantile bins; the penalty is the best of three on the newest quarter of the dates."""
    bins = Bins.of(lesson.x)
    rows = bins.spread(lesson.x)
    old = lesson.day < np.quantile(np.unique(lesson.day).astype("int64"), 0.75).astype("datetime64[D]")
    losses = []
    for penalty in _PENALTIES:
        tried = _regression(rows[old], lesson.y[old], lesson.weight[old], penalty)
        p = np.clip(tried.predict_proba(rows[~old])[:, 1], 1e-9, 1 - 1e-9)
        y = lesson.y[~old]
        losses.append(-(lesson.weight[~old] * (y * np.log(p) + (1 - y) * np.log(1 - p))).sum())
    best = _regression(rows, lesson.y, lesson.weight, _PENALTIES[int(np.argmin(losses))])
    return lambda x: np.asarray(best.predict_proba(bins.spread(x))[:, 1], dtype=np.float64)


def _regression(rows: sparse.csr_matrix, y: Floats, weight: Floats, penalty: float) -> LogisticRegression:
    return LogisticRegression(C=penalty, max_iter=60, tol=1e-3).fit(rows, y, sample_weight=weight)


def forest(lesson: Lesson) -> Predict:
    """Fit a random forest; missing values go where the trees send them."""
    trees = RandomForestClassifier(
        200, min_samples_leaf=5, max_features="sqrt", max_samples=0.3, n_jobs=2, random_state=1
    )
    trees.fit(lesson.x, lesson.y, sample_weight=lesson.weight)
    return lambda x: np.asarray(trees.predict_proba(x)[:, 1], dtype=np.float64)


def plain(counts: pd.DataFrame, y: Floats) -> Predict:
    """Fit a plain LightGBM on the hand-made counts."""
    booster = lgb.train(_PLAIN, lgb.Dataset(counts.to_numpy(float), y), _PLAIN_ROUNDS)
    return lambda x: np.asarray(booster.predict(x, num_threads=1), dtype=np.float64)


def told(lesson: Lesson) -> Predict:
    """Fit LightGBM on our features to the hidden probability itself, a label that no real city has."""
    data = lgb.Dataset(lesson.x.astype(np.float32), lesson.y, weight=lesson.weight)
    booster = lgb.train(_TOLD, data, _TOLD_ROUNDS)
    return lambda x: np.asarray(booster.predict(x.astype(np.float32), num_threads=1), dtype=np.float64)
