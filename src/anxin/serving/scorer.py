"""The scorer behind the service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from anxin.domain.errors import AnxinError
from anxin.ledger import Ledger
from anxin.serving.home import Home
from anxin.serving.scorers import Explained, FeatureRow, Place, Scored, Scorer


def open_scorer(home: Home, ledger: Ledger) -> Scorer:
    """Return the scorer over a home's lake and live models."""
    return _NoModel()


class _NoModel:
    """Stands where no model is live yet: knows nobody, scores nothing."""

    def places(self, kind: str, as_of: date, subject_ids: Sequence[str]) -> Mapping[str, Place]:
        return {}

    def score(self, kind: str, as_of: date, subject_ids: Sequence[str]) -> Sequence[Scored]:
        raise _no_model(kind)

    def score_rows(self, kind: str, rows: Sequence[FeatureRow]) -> Sequence[Scored]:
        raise _no_model(kind)

    def explain(self, kind: str, as_of: date, subject_ids: Sequence[str]) -> Sequence[Explained]:
        raise _no_model(kind)

    def explain_rows(self, kind: str, rows: Sequence[FeatureRow]) -> Sequence[Explained]:
        raise _no_model(kind)


def _no_model(kind: str) -> AnxinError:
    return AnxinError(f"{kind} 没有生效的模型", f"no model of {kind} is live")
