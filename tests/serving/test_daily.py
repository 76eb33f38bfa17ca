"""Lists of some days in a row, of made-up scores: what one list hands on to those after it."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import datetime, time, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from models import made

from anxin.feeds.casting import CHINA
from anxin.ledger import Ledger
from anxin.serving import daily, schema
from anxin.serving.home import Home

from .test_listing import part


def test_a_rest_outlives_a_list_before_that_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = part().model
    everyone = replace(part(), model=replace(model, facts={**model.facts, "base_rate": {"90": 0.02}}))
    monkeypatch.setattr(daily, "score_day", lambda *_, **__: {"employer": everyone})
    monkeypatch.setattr(daily, "abilities", lambda *_: None)
    home = Home(tmp_path)
    days = [made.DAY + timedelta(days=number) for number in range(3)]
    gone: list[set[str]] = []
    with Ledger.open(home.ledger_url) as ledger:
        for number, day in enumerate(days):
            entry, new = daily.run(home, ledger, day, datetime.combine(day, time(8), CHINA), "daily")
            assert new
            folder = home.root / entry.folder
            rows = pq.read_table(folder / "list.parquet").to_pylist()
            gone.append({row["subject_id"] for row in rows if row["visit"] is not None})
            assert pq.read_schema(folder / "waiting.parquet").equals(schema.WAITING)
            inputs = entry.facts["inputs"]
            assert len(inputs["visits_of"]) == min(number, 1)
            assert inputs.get("previous_unreadable", False) == (number == 2)
            if number == 1:
                shutil.rmtree(folder)
    assert all(gone)
    assert not gone[0] & (gone[1] | gone[2])
