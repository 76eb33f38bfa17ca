"""The list before: compared with where it can be read, and never in the way of today's."""

from __future__ import annotations

import hashlib
import shutil
from datetime import timedelta
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from anxin.domain.errors import AnxinError
from anxin.ledger.published import Published as Record
from anxin.serving import schema
from anxin.serving.changes import compare
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
