"""One scored and explained subject as the rows of a list's files."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from anxin.domain import divisions, law, regulators
from anxin.features.catalogue import Feature
from anxin.feeds.contract import contract
from anxin.models.leaving import Way
from anxin.models.reasons import FELT, Explained, Part, sentence
from anxin.models.rules import Hit
from anxin.serving import schema

Floats = npt.NDArray[np.float64]

_Figure = TypeVar("_Figure", np.float64, np.bool_)

_EPOCH = date(1970, 1, 1).toordinal()


def list_row(
    values: Mapping[str, Any], fact: Mapping[str, Any], explained: Explained, hits: Sequence[Hit], day: date
) -> dict[str, Any]:
    """Return a row of `list.parquet`, without what the list before decides (`change`, `since`, `warning_id`) and visits.

    `values` is the subject's row of scores with `p_major`, `fact` its row of the snapshot, `hits` the rules that hit it.
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
        "p_major",
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
        "reasons": [reason_row(part, district, day) for part in explained.reasons()],
        "lowering": [reason_row(part, district, day) for part in explained.lowering()],
        "families": [{"family": name, "contribution": size} for name, size in explained.families()],
        "rules": [rule_row(hit) for hit in hits],
        "propensity": None,
        "model_version": values["model_version"],
    }


def regulators_of(kind: str, fact: Mapping[str, Any], day: date) -> regulators.Regulators:
    """Return the line regulators of a subject, by industry or by project class and its overlays."""
    if kind == "employer":
        return regulators.of_employer(fact["industry"] or "", fact["ownership"] or "", fact["park"], day)
    government = bool(fact["government_funded"]) or fact["investment"] == "government"
    soe = bool(fact["soe_owner"]) or fact["investment"] == "soe"
    return regulators.of_project(fact["project_type"] or "", government, soe, day)


def reason_row(part: Part, district: str, day: date | None) -> dict[str, Any]:
    """Return one part of a score as a reason: its sentence, date, feed, and what in force there allows the feed's use.

    Of no day (features that are nobody's) nothing is cited.
    """
    source = part.feature.sources[0] if part.feature.sources else None
    return {
        "feature": part.feature.name,
        "family": part.feature.family,
        "contribution": part.contribution,
        "value": part.value,
        "usual": part.usual,
        "date": part.date,
        "source": source,
        "basis": _basis(source, district, day),
        "zh": part.zh,
        "en": part.en,
    }


def rule_row(hit: Hit) -> dict[str, Any]:
    """Return a rule that hits as it stands in a list: what it says, on what law, what to ask for, value and date."""
    rule = hit.rule
    return {
        "name": rule.name,
        "zh": rule.zh,
        "en": rule.en,
        "articles": list(rule.law),
        "law": rule.law_zh,
        "law_en": rule.law_en,
        "ask": rule.ask_zh,
        "ask_en": rule.ask_en,
        "feature": hit.feature,
        "value": hit.value,
        "date": hit.date,
        "raises_to": rule.raises_to,
    }


def leave_row(way: Way) -> dict[str, Any]:
    """Return what would have to change to leave the grade as it stands in a list."""
    changes = [
        {
            "feature": change.feature.name,
            "family": change.feature.family,
            "value": change.value,
            "to": change.to,
            "others": change.others,
            "zh": change.zh,
            "en": change.en,
        }
        for change in way.changes
    ]
    return {"reached": way.reached, "p90": way.p90, "changes": changes}


def explanation_table(
    kind: str, subject_ids: Sequence[str], districts: Sequence[str], found: Sequence[Explained]
) -> pa.Table:
    """Return all parts of scores as `explanations.parquet`; the base of each is the row without a feature.

    Subject by subject in their districts, strongest first. What is too weak to be felt has no sentence: it counts in
    the sum alone.
    """
    bases = [
        {"kind": kind, "subject_id": subject, "feature": "", "family": "", "contribution": one.base}
        | {"zh": "基准", "en": "base"}
        for subject, one in zip(subject_ids, found, strict=True)
    ]
    table = pa.Table.from_pylist(bases, schema.EXPLANATIONS)
    return pa.concat_tables([table, _parts(kind, subject_ids, districts, found)]) if found else table


def _parts(
    kind: str, subject_ids: Sequence[str], districts: Sequence[str], found: Sequence[Explained]
) -> pa.Table:
    features = found[0].features
    sizes = np.array([one.contributions for one in found])
    order = np.argsort(-np.abs(sizes), axis=1, kind="stable")
    place = order.ravel()
    count = len(place)

    def flat(figures: Sequence[npt.NDArray[_Figure]]) -> npt.NDArray[_Figure]:
        return np.take_along_axis(np.array(figures), order, axis=1).ravel()

    contributions = flat([one.contributions for one in found])
    values, usual = flat([one.values for one in found]), flat([one.usual for one in found])
    nowhere = np.zeros(len(features), dtype=np.bool_)
    everyones = flat([nowhere if one.everyones is None else one.everyones for one in found])
    texts = _sentences(features, place, contributions, values, usual, everyones)
    days = np.array([one.day.toordinal() - _EPOCH if one.day else np.nan for one in found])
    dated = np.repeat(days, len(features)) - np.floor(flat([one.ages for one in found]))
    unknown = np.isnan(dated)
    sources = [feature.sources[0] if feature.sources else None for feature in features]
    there = [(district, one.day) for district, one in zip(districts, found, strict=True)]
    apart = {here: i for i, here in enumerate(dict.fromkeys(there))}
    bases = [_basis(source, *here) for here in apart for source in sources]
    first = np.repeat([apart[here] * len(features) for here in there], len(features))
    columns = {
        "kind": pa.array([kind]).take(pa.array(np.zeros(count, dtype=np.int64))),
        "subject_id": pa.array(subject_ids, pa.string()).take(
            pa.array(np.repeat(np.arange(len(found)), len(features)))
        ),
        "feature": _taken([feature.name for feature in features], place),
        "family": _taken([feature.family for feature in features], place),
        "value": pa.array(values, from_pandas=True),
        "contribution": pa.array(contributions),
        "zh": pa.array([zh for zh, _ in texts], pa.string()),
        "en": pa.array([en for _, en in texts], pa.string()),
        "usual": pa.array(usual, from_pandas=True),
        "date": pa.array(np.where(unknown, 0, dated).astype(np.int32), mask=unknown).cast(pa.date32()),
        "source": _taken(sources, place),
        "basis": _taken(bases, first + place),
    }
    return pa.table(columns, schema.EXPLANATIONS)


def _sentences(
    features: Sequence[Feature],
    place: npt.NDArray[np.int64],
    contributions: Floats,
    values: Floats,
    usual: Floats,
    everyones: npt.NDArray[np.bool_],
) -> list[tuple[str, str]]:
    """Return the sentence of each part that is felt; the same figures are said once."""
    texts = [("", "")] * len(place)
    said: dict[tuple[int, float | None, float | None, bool], tuple[str, str]] = {}
    for row in np.flatnonzero(np.abs(contributions) >= FELT).tolist():
        j, value, compare = int(place[row]), float(values[row]), float(usual[row])
        key = (
            j,
            None if math.isnan(value) else value,
            None if math.isnan(compare) else compare,
            bool(everyones[row]),
        )
        if key not in said:
            said[key] = sentence(features[j], *key[1:])
        texts[row] = said[key]
    return texts


def _basis(source: str | None, district: str, day: date | None) -> str | None:
    """Return what of a feed's basis is in force in a district on a day, None where nothing is."""
    return law.basis_holding(contract()[source].basis, district, day) or None if source and day else None


def _taken(values: Sequence[str | None], place: npt.NDArray[np.int64]) -> pa.Array:
    return pa.array(values, pa.string()).take(pa.array(place))
