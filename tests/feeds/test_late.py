"""Rows that come in after a list was made are counted for it, by when they were received."""

from datetime import UTC, date, datetime
from pathlib import Path

import pandas as pd

from anxin.feeds.ingest import ingest
from anxin.feeds.lake import Lake
from anxin.feeds.late import late_rows


def _complaints(folder: Path, received: dict[str, str]) -> Path:
    (folder / "complaints").mkdir(parents=True)
    pd.DataFrame(
        {
            "complaint_id": list(received),
            "employer_id": "E",
            "channel": "visit",
            "occurred_on": "2026-01-01",
            "received_at": list(received.values()),
        }
    ).to_parquet(folder / "complaints" / "part.parquet")
    return folder


def test_only_rows_received_before_the_day_but_entered_later_are_late(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "a [lake] *")
    at = datetime(2026, 3, 1, tzinfo=UTC)
    ingest(lake, _complaints(tmp_path / "one", {"a": "2026-01-02T09:00:00+08:00"}), at)
    made_from = lake.commit
    late, timely = "2026-01-03T09:00:00+08:00", "2026-02-01T00:00:00+08:00"
    ingest(lake, _complaints(tmp_path / "two", {"b": late, "c": timely}), at)
    assert late_rows(lake, made_from, date(2026, 2, 1)) == {"complaints": 1}
    assert late_rows(lake, lake.commit, date(2026, 2, 1)) == {}
