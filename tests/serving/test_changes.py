"""The list before: compared with where it can be read, and never in the way of today's."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from anxin.domain.errors import AnxinError
from anxin.features.catalogue import catalogue
from anxin.ledger.published import Published as Record
from anxin.models.reasons import Explained, Part
from anxin.serving import schema
from anxin.serving.changes import Compared, compare, moved
from anxin.serving.daily import _publish
from anxin.serving.home import Home

from . import made_up
from .conftest import AT

TODAY = made_up.DAY + timedelta(days=1)


@pytest.fixture
def before(tmp_path: Path) -> tuple[Home, Record]:
    home = Home(tmp_path)
    folder = made_up.publish(home.lists, made_up.DAY, "L-1", None)
    digest = hashlib.sha256((folder / "manifest.json").read_bytes()).hexdigest()
    where = folder.relative_to(tmp_path).as_posix()
    return home, Record(1, AT, "daily", made_up.DAY, "L-1", where, digest, None, {}, False)


def test_a_list_before_that_cannot_be_read_is_said_and_compares_as_none(
    before: tuple[Home, Record], caplog: pytest.LogCaptureFixture
) -> None:
    home, entry = before
    whole = compare(home, entry, TODAY)
    assert whole.rows
    assert not whole.previous_unreadable
    (home.root / entry.folder / "explanations.parquet").write_bytes(b"no parquet")
    assert compare(home, entry, TODAY).previous_unreadable
    shutil.rmtree(home.root / entry.folder)
    gone = compare(home, entry, TODAY)
    assert gone.previous_unreadable
    assert not gone.rows
    assert "cannot be read" in caplog.text
    assert not compare(home, None, TODAY).previous_unreadable


def test_what_is_kept_of_those_who_wait_is_read_by_the_next_list_and_older_lists_kept_nothing(
    before: tuple[Home, Record],
) -> None:
    home, entry = before
    models = compare(home, entry, TODAY).models
    old = compare(home, entry, TODAY).before("employer", models["employer"])
    assert old is not None
    assert old.lowest == {}
    kept = [{"kind": "employer", "subject_id": "E1", "lowest_p90": 0.049}]
    pq.write_table(pa.Table.from_pylist(kept, schema.WAITING), home.root / entry.folder / "waiting.parquet")
    compared = compare(home, entry, TODAY)
    found = compared.before("employer", models["employer"])
    assert found is not None
    assert found.lowest == {"E1": 0.049}
    assert compared.before("employer", "another") is None
    other = compared.before("project", models["project"])
    assert other is not None
    assert other.lowest == {}


def test_a_row_withheld_is_not_told_to_be_below_the_line(before: tuple[Home, Record]) -> None:
    compared = compare(before[0], before[1], TODAY)
    keys = list(compared.rows)
    scores = {
        kind: pd.DataFrame([{"subject_id": one, "p90": 0.5} for k, one in keys if k == kind])
        for kind in ("employer", "project")
    }
    told = {(one["kind"], one["subject_id"]): one for one in compared.cleared([], scores, {keys[0]})}
    assert "withheld" in told[keys[0]]["why_en"]
    assert "below" not in told[keys[0]]["why_en"]
    assert "预警线" not in told[keys[0]]["why_zh"]
    assert "below blue" in told[keys[1]]["why_en"]


@pytest.mark.parametrize("model", ["employer-1", "employer-2"])
def test_a_cause_is_named_only_between_lists_of_one_model(model: str) -> None:
    """Another model owes the same two suits more: that is no change of the employer's."""
    key, feature = ("employer", "E1"), catalogue()["suits_wages_365d"]
    row = {"kind": "employer", "subject_id": "E1", "grade": 2, "p90": 0.1, "model_version": "employer-1"}
    before = row | {"warning_id": "W", "since": made_up.DAY}
    compared = Compared(
        TODAY,
        {key: before},
        {key: {feature.name: 0.2}},
        models={"employer": "employer-1"},
        previous=made_up.DAY,
    )
    one = np.array([2.0])
    explained = Explained(-2.0, -1.0, (feature,), np.array([1.0]), one, np.array([0.0]), one, TODAY)
    told = compared.change(row | {"grade": 3, "p90": 0.2, "model_version": model}, explained)
    assert told["change"] == "upgraded"
    assert "由10%变为20%" in told["change_zh"] and "from 10% to 20%" in told["change_en"]
    same = model == "employer-1"
    assert ("主要因为" in told["change_zh"]) == ("mostly because" in told["change_en"]) == same
    assert ("模型已更换" in told["change_zh"]) == ("another model" in told["change_en"]) != same


def test_a_grade_that_changes_while_the_probability_stays_does_not_say_that_it_moved() -> None:
    key = ("employer", "E1")
    row = {"kind": "employer", "subject_id": "E1", "grade": 3, "p90": 0.368, "model_version": "m"}
    compared = Compared(
        TODAY,
        {key: row | {"warning_id": "W", "since": made_up.DAY}},
        {key: {}},
        models={"employer": "m"},
        previous=made_up.DAY,
    )
    one = np.array([2.0])
    feature = catalogue()["suits_wages_365d"]
    explained = Explained(-2.0, -1.0, (feature,), np.array([1.0]), one, np.array([0.0]), one, TODAY)
    told = compared.change(row | {"grade": 4, "p90": 0.37}, explained)
    assert told["change"] == "upgraded"
    assert told["change_zh"] == "概率约37%，与上期基本持平，预警由橙色改为红色"
    assert told["change_en"] == "a probability of about 37%, as before; orange then, red now"


def test_a_folder_the_ledger_names_is_never_removed(tmp_path: Path) -> None:
    folder = tmp_path / "2026-01-01" / "abc"
    text = _publish(folder, {}, {"list_id": "abc"}, named=False)
    assert _publish(folder, {}, {"list_id": "abc"}, named=True) == text
    (folder.parent / ".abc.0.part").mkdir()
    (folder / "manifest.json").write_text("changed")
    with pytest.raises(AnxinError, match="abc"):
        _publish(folder, {}, {"list_id": "abc"}, named=True)
    assert (folder / "manifest.json").read_text() == "changed"
    assert [path.name for path in folder.parent.iterdir()] == ["abc"]
    assert _publish(folder, {}, {"list_id": "abc"}, named=False) == text


def test_a_small_probability_is_told_to_a_digit_and_another_model_is_named(
    before: tuple[Home, Record],
) -> None:
    compared = compare(before[0], before[1], TODAY)
    key = next(key for key, row in compared.rows.items() if row.get("put_by") != "rule")
    gone = pd.DataFrame([{"subject_id": key[1], "p90": 0.0545, "model_version": "another"}])
    (told,) = (one for one in compared.cleared([], {key[0]: gone}) if one["subject_id"] == key[1])
    assert "变为5.5%（模型已更换）" in told["why_zh"] and "to 5.5% (another model)" in told["why_en"]
    same = gone.assign(model_version=compared.models[key[0]])
    (told,) = (one for one in compared.cleared([], {key[0]: same}) if one["subject_id"] == key[1])
    assert "模型已更换" not in told["why_zh"]


@pytest.mark.parametrize(
    ("before", "up", "zh", "en"),
    [
        (0.3, False, "工资专用账户外发放占比由30%变为15%", "from 30% to 15%"),
        (0.15, False, "（15%）的影响减小", "(15%) weighs less"),
        (0.151, True, "（15%）的影响增大", "(15%) weighs more"),
        (None, True, "为15%（上期没有数据）", "(no data in the list before)"),
    ],
)
def test_a_change_is_explained_by_what_moved_and_not_by_what_is_bad(
    before: float | None, up: bool, zh: str, en: str
) -> None:
    feature = replace(catalogue()["pay_other_share"], zh="工资专用账户外发放占比")
    said = moved(Part(feature, 1.0, 0.15, 0.02, TODAY), before, up)
    assert zh in said[0] and en in said[1]
