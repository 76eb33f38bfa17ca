"""One scored and explained subject as the rows of a list's files."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date
from typing import Any

from anxin.domain import divisions, regulators
from anxin.feeds.contract import contract
from anxin.models.reasons import Explained, Part


def list_row(
    values: Mapping[str, Any], fact: Mapping[str, Any], explained: Explained, day: date
) -> dict[str, Any]:
    """Return a row of `list.parquet`, without what the list before decides (`change`, `since`, `warning_id`).

    `values` is the subject's row of scores, `fact` its row of the snapshot.
    """
    district = fact["district"] or ""
    line = regulators_of(str(values["kind"]), fact, day)
    figures = (
        "p30",
        "p90",
        "p180",
        "score",
        "workers",
        "workers_lo",
        "workers_hi",
        "amount",
        "amount_lo",
        "amount_hi",
    )
    return {
        "rank": int(values["rank"]),
        "kind": values["kind"],
        "subject_id": values["subject_id"],
        "name": fact["name"] or values["subject_id"],
        "district": district,
        "district_name": divisions.name(district, day) if district else "",
        "regulator": line.primary,
        "regulators_also": list(line.also),
        "grade": int(values["grade"]),
        "in_hand": bool(values["in_hand"]),
        **{name: None if math.isnan(values[name]) else float(values[name]) for name in figures},
        "put_by": "model",
        "reasons": [reason_row(part) for part in explained.reasons()],
        "model_version": values["model_version"],
    }


def regulators_of(kind: str, fact: Mapping[str, Any], day: date) -> regulators.Regulators:
    """Return the line regulators of a subject, by industry or by project class and its overlays."""
    if kind == "employer":
        return regulators.of_employer(fact["industry"] or "", fact["ownership"] or "", fact["park"], day)
    government = bool(fact["government_funded"]) or fact["investment"] == "government"
    soe = bool(fact["soe_owner"]) or fact["investment"] == "soe"
    return regulators.of_project(fact["project_type"] or "", government, soe, day)


def reason_row(part: Part) -> dict[str, Any]:
    """Return one part of a score as a reason: its sentence, date, feed, and what allows the feed's use."""
    source = part.feature.sources[0] if part.feature.sources else None
    return {
        "feature": part.feature.name,
        "family": part.feature.family,
        "contribution": part.contribution,
        "value": part.value,
        "usual": part.usual,
        "date": part.date,
        "source": source,
        "basis": contract()[source].basis if source else None,
        "zh": part.zh,
        "en": part.en,
    }


def explanation_rows(kind: str, subject_id: str, explained: Explained) -> list[dict[str, Any]]:
    """Return all parts of a score as rows of `explanations.parquet`; the base is the row without a feature."""
    base = {"feature": "", "family": "", "contribution": explained.base, "zh": "基准", "en": "base"}
    parts = [base, *(reason_row(part) for part in explained.parts)]
    return [{"kind": kind, "subject_id": subject_id, **part} for part in parts]
