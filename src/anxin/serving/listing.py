"""Today's rows: who is listed, at what grade and place, and why; everything a list says but the visits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from anxin.models.grades import bands
from anxin.models.grading import graded
from anxin.models.leaving import ways
from anxin.models.reasons import Explained, Usual, explain, usual_values
from anxin.models.rules import hits
from anxin.models.scoring import Model, sized
from anxin.serving.calm import calm
from anxin.serving.changes import Compared
from anxin.serving.rows import explanation_table, leave_row, list_row
from anxin.serving.visiting.randomly import Drawn

Key = tuple[str, str]

_NEVER_WAITS = 2
"""Yellow: whoever earns it or worse is on the list the same day."""


@dataclass(frozen=True)
class ScoredDay:
    """All subjects of a kind on a day, scored: the snapshot, the scores, and the model that gave them."""

    model: Model
    snapshot: pa.Table
    scores: pd.DataFrame

    @cached_property
    def usual(self) -> Usual:
        """What is usual among all subjects of the day."""
        return usual_values(self.model, self.snapshot)

    @cached_property
    def places(self) -> Mapping[str, int]:
        """The place of each subject in the snapshot."""
        return {subject: place for place, subject in enumerate(self.snapshot["subject_id"].to_pylist())}

    def facts(self, subjects: Sequence[str]) -> pa.Table:
        """Return the rows of the snapshot of some subjects, in their order."""
        return self.snapshot.take(pa.array([self.places[subject] for subject in subjects], pa.int64()))


@dataclass(frozen=True)
class Listed:
    """Rows of `list.parquet` of one kind without visits, what explains them, and who is not listed though due.

    `withheld` are those whose reasons did not add up; `waiting` those who crept over the line of a short list; `lowest`
    is what is kept of those who wait for a place, `owed` the turns to be made up for (`calm.Calm`).
    """

    rows: list[dict[str, Any]]
    explanations: pa.Table
    withheld: frozenset[Key] = frozenset()
    waiting: frozenset[Key] = frozenset()
    lowest: Mapping[Key, float] = field(default_factory=dict)
    owed: int = 0
    facts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """The row of the snapshot of each listed subject."""


def listed(kind: str, part: ScoredDay, compared: Compared, day: date) -> Listed:
    """List one kind: everyone the model or a rule gives a grade, in calm order."""
    scores = part.scores
    subjects = scores["subject_id"].tolist()
    before = compared.grades(kind, part.model.model_id)
    was = np.array([before.get(subject, 0) for subject in subjects], dtype=np.int64)
    own = part.model.promises.held(scores["p90"].to_numpy(), was, bands().leave)
    hit = dict(zip(part.snapshot["subject_id"].to_pylist(), hits(part.snapshot, kind, day), strict=True))
    raised = np.array([any(one.rule.raises_to for one in hit[subject]) for subject in subjects], dtype=bool)
    due = scores.assign(own=own).loc[(own > 0) | raised]
    due = _major(part, due)
    told = _told(part, due["subject_id"].tolist())
    withheld = frozenset((kind, subject) for subject, one in told.items() if not one[1].adds_up)
    made: dict[str, dict[str, Any]] = {}
    for values in _records(due):
        subject = str(values["subject_id"])
        fact, explained = told[subject]
        if (kind, subject) in withheld:
            continue
        found = graded(
            int(values["own"]),
            float(values["p90"]),
            int(values["grade"]),
            explained.reasons(),
            hit[subject],
            day,
        )
        row = list_row(values, fact, explained, hit[subject], day)
        row |= {"grade": found.grade, "put_by": found.put_by, "grade_model": int(values["own"])}
        row |= {"grade_why_zh": found.zh, "grade_why_en": found.en}
        made[subject] = row
    order = calm(
        {subject: row["p90"] for subject, row in made.items()},
        compared.before(kind, part.model.model_id),
        day,
        bands(),
        {s for s, row in made.items() if row["put_by"] == "rule" or row["grade"] >= _NEVER_WAITS},
    )
    return Listed(
        _placed(part, order.order, made, told, compared),
        _explanations(kind, [(subject, *told[subject]) for subject in order.order]),
        withheld,
        frozenset((kind, subject) for subject in order.waiting),
        {(kind, subject): p90 for subject, p90 in order.lowest.items()},
        order.owed,
        {subject: told[subject][0] for subject in order.order},
    )


def _placed(
    part: ScoredDay,
    order: Sequence[str],
    made: Mapping[str, Mapping[str, Any]],
    told: Mapping[str, tuple[dict[str, Any], Explained]],
    compared: Compared,
) -> list[dict[str, Any]]:
    """Return rows in order with their rank, their change, and what would have to change to leave the grade."""
    explained = [told[subject][1] for subject in order]
    lines = [bands().leave * part.model.promises.threshold(made[subject]["grade"]) for subject in order]
    out = ways(part.model, part.facts(order), explained, np.array(lines)) if order else []
    rows = []
    for rank, (subject, one, way) in enumerate(zip(order, explained, out, strict=True), start=1):
        row = {**made[subject], "rank": rank}
        rows.append(row | compared.change(row, one) | {"leave": leave_row(way)})
    return rows


def with_random(kind: str, part: ScoredDay, found: Listed, drawn: Sequence[Drawn], day: date) -> Listed:
    """Add the subjects drawn for a random check at the end of a list: no grade of their own, and their propensity."""
    if not drawn:
        return found
    chances = {one.subject_id: one.propensity for one in drawn}
    told = _told(part, list(chances))
    rows: list[dict[str, Any]] = []
    explained: list[tuple[str, dict[str, Any], Explained]] = []
    for values in _records(_major(part, part.scores.loc[part.scores["subject_id"].isin(list(chances))])):
        subject = str(values["subject_id"])
        fact, why = told[subject]
        if not why.adds_up:
            continue
        row = list_row(values, fact, why, (), day)
        zh, en = (
            f"随机抽查，抽中概率{chances[subject]:.2%}",
            f"drawn at random, with a chance of {chances[subject]:.2%}",
        )
        row |= {"rank": len(found.rows) + len(rows) + 1, "grade": 0, "grade_model": int(values["grade"])}
        row |= {"put_by": "random", "propensity": chances[subject], "grade_why_zh": zh, "grade_why_en": en}
        rows.append(row | Compared(day, {}, {}).change(row, why))
        explained.append((subject, fact, why))
    return replace(
        found,
        rows=[*found.rows, *rows],
        explanations=pa.concat_tables([found.explanations, _explanations(kind, explained)]),
        facts={**found.facts, **{subject: fact for subject, fact, _ in explained}},
    )


def _explanations(kind: str, told: Sequence[tuple[str, Mapping[str, Any], Explained]]) -> pa.Table:
    districts = [fact["district"] or "" for _, fact, _ in told]
    return explanation_table(
        kind, [subject for subject, _, _ in told], districts, [why for _, _, why in told]
    )


def _major(part: ScoredDay, rows: pd.DataFrame) -> pd.DataFrame:
    """Add the probability of a major case to rows of scores."""
    return rows.assign(p_major=sized(part.model, part.facts(rows["subject_id"].tolist())).p_major)


def _told(part: ScoredDay, subjects: Sequence[str]) -> dict[str, tuple[dict[str, Any], Explained]]:
    """Return the snapshot's row and the score taken apart of each subject."""
    if not subjects:
        return {}
    rows = part.facts(subjects)
    found = explain(part.model, rows, part.usual)
    return dict(zip(subjects, zip(rows.to_pylist(), found, strict=True), strict=True))


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]
