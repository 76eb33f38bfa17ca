"""What the API asks of whoever scores: a protocol, so that serving needs no model to be tested."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from anxin.serving.published import Reason

FeatureRow = Mapping[str, float | None]


@dataclass(frozen=True)
class Place:
    """Whose a subject is: the division it lies in and its line regulators, the primary one first."""

    district: str
    regulators: tuple[str, ...]


@dataclass(frozen=True)
class Scored:
    """One score. `key` is the subject's id, or the row's position ("0", "1", …) where rows were sent."""

    key: str
    p30: float
    p90: float
    p180: float
    score: float
    grade: int
    workers: float | None
    workers_lo: float | None
    workers_hi: float | None
    amount: float | None
    amount_lo: float | None
    amount_hi: float | None
    p_major: float | None
    """Probability that a case, if it happens, is major: 30 workers or 1 million yuan."""
    model_version: str


@dataclass(frozen=True)
class Explained:
    """One score taken apart: ``base + sum(contribution) = score`` within 1e-6, strongest first."""

    scored: Scored
    base: float
    reasons: tuple[Reason, ...]


class Scorer(Protocol):
    """Scores subjects on a day, or rows of features.

    Every method leaves out what it does not know (an id outside the registry on that day) and raises
    `AnxinError` for what it cannot do at all: no model live on that day, a feature the catalogue does not
    have. It is called from several threads at once.
    """

    def places(self, kind: str, as_of: date, subject_ids: Sequence[str]) -> Mapping[str, Place]:
        """Return where each known subject lies; asked before scoring, so the scope hides what it must."""

    def score(self, kind: str, as_of: date, subject_ids: Sequence[str]) -> Sequence[Scored]:
        """Score subjects as known on `as_of`, with the model live on that day."""

    def score_rows(self, kind: str, rows: Sequence[FeatureRow]) -> Sequence[Scored]:
        """Score rows of features with the model live now; a feature left out is missing."""

    def explain(self, kind: str, as_of: date, subject_ids: Sequence[str]) -> Sequence[Explained]:
        """Score subjects and take the scores apart."""

    def explain_rows(self, kind: str, rows: Sequence[FeatureRow]) -> Sequence[Explained]:
        """Score rows of features and take the scores apart."""
