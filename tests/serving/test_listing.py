"""Today's rows of a kind: everyone the model or a rule grades, in calm order, and those drawn at random at the end."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
from models import made

from anxin.models.reasons import FELT
from anxin.models.rules import rules
from anxin.models.scoring import score
from anxin.serving.changes import Compared
from anxin.serving.listing import Listed, ScoredDay, listed, with_random
from anxin.serving.visiting.randomly import Drawn

DAY = made.DAY
BEFORE = DAY - timedelta(days=1)


@cache
def part() -> ScoredDay:
    rows = 150
    text = {"name": "单位", "district": "520103", "ownership": "private", "park": ""}
    columns = {name: pa.array([value] * rows) for name, value in text.items()}
    # A rule of Guizhou raises whoever has an open complaint to yellow.
    complaints = pa.array([1.0 if number % 10 == 0 else 0.0 for number in range(rows)])
    model = made.model()
    model = replace(model, promises=replace(made.PROMISES, each=_thresholds(0.6, 0.5, 0.4, 0.3)))
    snapshot = made.snapshot(made.matrix(rows, seed=4), **columns, complaints_open=complaints)
    return ScoredDay(model, snapshot, score(model, snapshot))


def _thresholds(*values: float) -> Any:
    pairs = zip(made.PROMISES.each, values, strict=True)
    return tuple(replace(promise, threshold=value) for promise, value in pairs)


def _before(today: Listed, changes: dict[str, Any] | None = None) -> Compared:
    rows = {
        ("employer", row["subject_id"]): {**row, "visited_on": None, **(changes or {})} for row in today.rows
    }
    p90 = dict(zip(part().scores["subject_id"], part().scores["p90"], strict=True))
    return Compared(DAY, rows, {}, {"employer": p90}, {"employer": part().model.model_id}, BEFORE)


def test_everyone_the_model_or_a_rule_grades_is_listed_and_nobody_else() -> None:
    assert any(rule.name == "complaint_in_handling" and "52" in rule.districts for rule in rules())
    found = listed("employer", part(), Compared(DAY, {}, {}), DAY)
    rows = {row["subject_id"]: row for row in found.rows}
    scores = part().scores.set_index("subject_id")
    by_rule = {f"S{number:03d}" for number in range(0, 150, 10)}
    assert set(rows) == set(scores.index[scores["grade"] > 0]) | by_rule
    assert not found.withheld
    for subject, row in rows.items():
        assert row["grade_model"] == scores.loc[subject, "grade"]
        if row["put_by"] == "rule":
            assert subject in by_rule
            assert (row["grade"], row["grade_model"]) == (2, min(row["grade_model"], 1))
            assert "投诉处理中" in row["grade_why_zh"]
    assert {row["put_by"] for row in found.rows} == {"model", "rule"}
    assert [row["rank"] for row in found.rows] == list(range(1, len(rows) + 1))
    assert (np.diff([row["p90"] for row in found.rows]) <= 0).all()
    assert {row["change"] for row in found.rows} == {"new"}
    total = found.explanations.group_by("subject_id").aggregate([("contribution", "sum")]).to_pylist()
    assert {one["subject_id"] for one in total} == set(rows)
    assert all(abs(one["contribution_sum"] - rows[one["subject_id"]]["score"]) < 1e-6 for one in total)


def test_a_reason_and_its_row_of_the_explanations_say_the_same_of_small_sectors_too() -> None:
    industry = pa.array(["E47", "C13", "C13", "C13", "C13", "C13"] * 25)
    snapshot = part().snapshot
    snapshot = snapshot.set_column(snapshot.column_names.index("industry"), "industry", industry)
    found = listed("employer", replace(part(), snapshot=snapshot), Compared(DAY, {}, {}), DAY)
    told = {(row["subject_id"], row["feature"]): row["zh"] for row in found.explanations.to_pylist()}
    whose = set()
    for row in found.rows:
        small = int(row["subject_id"][1:]) % 6 == 0
        for reason in [*row["reasons"], *row["lowering"]]:
            if abs(reason["contribution"]) >= FELT:
                assert told[row["subject_id"], reason["feature"]] == reason["zh"]
            if "同类对象通常" in reason["zh"] or "全部对象通常" in reason["zh"]:
                assert ("全部对象通常" in reason["zh"]) == small
                whose.add(small)
    assert whose == {True, False}


def test_a_quiet_day_changes_nothing() -> None:
    first = listed("employer", part(), Compared(DAY, {}, {}), DAY)
    again = listed("employer", part(), _before(first), DAY)
    keys = ("subject_id", "rank", "grade", "put_by")
    assert [[row[key] for key in keys] for row in again.rows] == [
        [row[key] for key in keys] for row in first.rows
    ]
    assert {row["change"] for row in again.rows} == {"continuing"}
    assert not again.waiting


def test_on_a_short_list_only_blue_waits() -> None:
    first = listed("employer", part(), Compared(DAY, {}, {}), DAY)
    own = {row["subject_id"]: row["grade"] for row in first.rows if row["put_by"] == "model"}
    assert {1, 2} <= set(own.values())
    # Nobody was listed yesterday, though everyone was as dangerous.
    before = replace(_before(first), rows={})
    found = listed("employer", part(), before, DAY)
    waiting = {subject for _, subject in found.waiting}
    assert waiting
    assert {own[subject] for subject in waiting} == {1}
    assert {subject for subject, grade in own.items() if grade > 1} <= {
        row["subject_id"] for row in found.rows
    }
    assert set(found.lowest) == found.waiting


def test_a_grade_of_the_list_before_is_kept_within_its_band_and_by_the_same_model_only() -> None:
    first = listed("employer", part(), Compared(DAY, {}, {}), DAY)
    earned = {row["subject_id"]: row["grade_model"] for row in first.rows}
    near = {
        row["subject_id"]
        for row in first.rows
        if any(0.9 * t <= row["p90"] < t for t in (0.6, 0.5, 0.4, 0.3) if row["grade_model"] < 4)
    }
    assert near
    all_red = _before(first, {"grade_model": 4, "grade": 4})
    held = {row["subject_id"]: row["grade_model"] for row in listed("employer", part(), all_red, DAY).rows}
    assert {subject for subject in earned if held[subject] > earned[subject]} == near
    other = replace(all_red, models={"employer": "another"})
    assert {
        row["subject_id"]: row["grade_model"] for row in listed("employer", part(), other, DAY).rows
    } == earned


def test_whoever_is_drawn_stands_at_the_end_without_a_grade_and_with_its_chance() -> None:
    first = listed("employer", part(), Compared(DAY, {}, {}), DAY)
    outside = sorted(set(part().scores["subject_id"]) - {row["subject_id"] for row in first.rows})[:2]
    found = with_random("employer", part(), first, [Drawn(one, 0.02) for one in outside], DAY)
    drawn = found.rows[len(first.rows) :]
    assert {row["subject_id"] for row in drawn} == set(outside)
    for row in drawn:
        assert (row["grade"], row["put_by"], row["propensity"]) == (0, "random", 0.02)
        assert "2.00%" in row["grade_why_zh"]
    assert [row["rank"] for row in found.rows] == list(range(1, len(found.rows) + 1))
    assert set(found.explanations["subject_id"].to_pylist()) == {row["subject_id"] for row in found.rows}
    assert set(found.facts) == {row["subject_id"] for row in found.rows}
    assert with_random("employer", part(), first, [], DAY) is first
