"""A delivery enters the lake whole or not at all, once, and never takes good rows down with bad ones."""

from __future__ import annotations

import errno
import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from anxin.domain.errors import AnxinError
from anxin.feeds import ingest as ingesting
from anxin.feeds.asof import View
from anxin.feeds.commits import commit_path
from anxin.feeds.contract import contract
from anxin.feeds.ingest import ingest
from anxin.feeds.lake import Lake

from . import deliveries

AT = datetime(2024, 3, 1)


def reading(meter: str, day: int, kwh: str = "1", received: int | None = None) -> dict[str, Any]:
    return {
        "meter_id": meter,
        "employer_id": "91500000MA00000000",
        "date": date(2024, 1, day),
        "kwh": Decimal(kwh),
        "received_at": datetime(2024, 1, received or day + 1, 9),
    }


def notice(number: int) -> dict[str, Any]:
    at = datetime(2024, 1, 2, 9)
    return {"notice_id": f"n{number}", "kind": "layoff", "occurred_on": date(2024, 1, 1), "received_at": at}


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


def on_disk(lake: Lake) -> set[str]:
    return {path.relative_to(lake.path).as_posix() for path in lake.path.rglob("*") if path.is_file()}


def test_the_same_delivery_twice_changes_nothing(lake: Lake, tmp_path: Path) -> None:
    first = deliveries.write(tmp_path / "d", "energy_usage", [reading("m", 1), reading("m", 2)])
    deliveries.text(
        first, "notices", "notice_id,kind,occurred_on\nn1,layoff,2024-01-01\nn2,party,2024-01-01\n"
    )
    deliveries.text(first, "hazards", "nonsense\n")
    made = ingest(lake, first, AT)
    before, digest = on_disk(lake), lake.commit_hash
    again = ingest(lake, first, datetime(2024, 3, 2))
    assert (made.changed, made.commit, again.changed, again.commit) == (True, 1, False, 1)
    assert again.feeds["energy_usage"].skipped_files == 1
    assert (on_disk(lake), lake.commit_hash) == (before, digest)


def test_rows_that_were_there_collapse_and_corrections_are_counted(lake: Lake, tmp_path: Path) -> None:
    ingest(lake, deliveries.write(tmp_path / "1", "energy_usage", [reading("m", 1), reading("m", 2)]), AT)
    second = [reading("m", 2), reading("m", 2), reading("m", 1, "7", received=20), reading("n", 1)]
    told = ingest(lake, deliveries.write(tmp_path / "2", "energy_usage", second), AT).feeds["energy_usage"]
    assert (told.taken, told.duplicate, told.corrected) == (2, 2, 1)
    assert lake.feed("energy_usage").rows == View(lake).history("energy_usage").count().execute() == 4


def test_a_pinned_lake_does_not_see_what_came_later(lake: Lake, tmp_path: Path) -> None:
    ingest(lake, deliveries.write(tmp_path / "1", "energy_usage", [reading("m", 1)]), AT)
    then = lake.at(1)
    view = View(then)
    ingest(lake, deliveries.write(tmp_path / "2", "energy_usage", [reading("m", 1, "5", received=3)]), AT)
    late = date(2024, 2, 1)
    assert [row[4] for row in deliveries.known(view, "energy_usage", late)] == [Decimal("1.000")]
    assert [row[4] for row in deliveries.known(View(lake), "energy_usage", late)] == [Decimal("5.000")]
    assert (then.commit, lake.commit) == (1, 2)


def test_small_files_are_merged_and_watermarks_kept(lake: Lake, tmp_path: Path) -> None:
    for number in range(5):
        deliveries.write(
            tmp_path / "d", "energy_usage", [reading(f"m{number}", 3 + number)], f"{number}.parquet"
        )
    ingest(lake, tmp_path / "d", AT)
    state = lake.feed("energy_usage")
    assert len(lake.files("energy_usage")) == 1
    assert (state.rows, state.last_event, state.last_received) == (
        5,
        date(2024, 1, 7),
        datetime(2024, 1, 8, 9),
    )


def test_a_folder_that_holds_feeds_is_a_delivery_and_strangers_are_noted(lake: Lake, tmp_path: Path) -> None:
    deliveries.write(tmp_path / "out" / "feeds", "notices", [notice(1)])
    deliveries.text(tmp_path / "out" / "feeds", "weather", "a\n1\n")
    deliveries.text(tmp_path / "out" / "feeds", "notices", "hello", "readme.txt")
    told = ingest(lake, tmp_path / "out", AT)
    assert lake.feeds() == ["notices"]
    assert sorted(note["en"].split()[1].rstrip(":") for note in told.notes) == [
        "notices/readme.txt",
        "weather",
    ]


def test_a_bad_file_is_refused_alone_and_said_in_one_line(lake: Lake, tmp_path: Path) -> None:
    root = deliveries.write(tmp_path / "d", "notices", [notice(1)])
    (root / "notices" / "torn.parquet").write_bytes((root / "notices" / "part.parquet").read_bytes()[:-20])
    (root / "notices" / "empty.csv").write_bytes(b"")
    deliveries.text(root, "notices", "notice_id,occurred_on\nn,2024-01-01\n", "short.csv")
    deliveries.text(
        root, "notices", "notice_id,kind,kind,occurred_on\nn,layoff,layoff,2024-01-01\n", "twice.csv"
    )
    told = ingest(lake, root, AT)
    assert told.feeds["notices"].taken == 1
    assert sorted(one.file for one in told.refused_files) == [
        f"notices/{name}" for name in ("empty.csv", "short.csv", "torn.parquet", "twice.csv")
    ]
    assert all("\n" not in one.zh + one.en for one in told.refused_files)
    assert lake.deliveries()[0]["refused_files"][0]["file"] == "notices/empty.csv"


def test_two_ingests_are_kept_apart(lake: Lake, tmp_path: Path) -> None:
    delivery = deliveries.write(tmp_path / "d", "notices", [notice(1)])
    seen: list[str] = []

    def meanwhile(feed: str, done: int, total: int) -> None:
        with pytest.raises(AnxinError) as busy:
            ingest(lake, delivery, AT)
        seen.append(busy.value.en)

    assert ingest(lake, delivery, AT, on_progress=meanwhile).commit == 1
    assert seen and "another ingest" in seen[0]


def test_a_damaged_commit_is_noticed(lake: Lake, tmp_path: Path) -> None:
    ingest(lake, deliveries.write(tmp_path / "d", "notices", [notice(1)]), AT)
    path = commit_path(lake.path, 1)
    path.write_text(path.read_text(encoding="utf-8").replace('"rows":1', '"rows":2', 1), encoding="utf-8")
    with pytest.raises(AnxinError, match="damaged"):
        Lake(lake.path).feeds()


def _city(folder: Path, number: int) -> Path:
    """A delivery that touches several feeds, with a correction and a refused row."""
    rows = [reading(f"m{meter}", 1 + number, received=9 + number) for meter in range(50)]
    deliveries.write(folder, "energy_usage", [*rows, reading("m0", 1, str(number + 2), received=20 + number)])
    deliveries.write(folder, "notices", [notice(100 * number + one) for one in range(20)])
    return deliveries.text(
        folder, "notices", f"notice_id,kind,occurred_on\nc{number},layoff,2024-01-01\nx,party,\n"
    )


def _contents(lake: Lake) -> dict[str, Any]:
    view = View(lake)
    found = {
        feed: deliveries.tuples(contract()[feed], view.history(feed).to_pyarrow())
        for feed in ("energy_usage", "notices")
    }
    days = [date(2024, 1, day) for day in (5, 15, 25)]
    return found | {"known": deliveries.known(view, "energy_usage", *days), "bad": lake.quarantine().num_rows}


@pytest.mark.parametrize("step", range(8))
def test_a_failure_at_any_write_leaves_the_lake_as_it_was(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    ingest(lake, _city(tmp_path / "0", 0), AT)
    before, digest = _contents(lake), lake.commit_hash
    delivery = _city(tmp_path / "1", 1)
    left = step

    def failing(real: Callable[..., Any]) -> Callable[..., Any]:
        def write(*args: Any, **more: Any) -> Any:
            nonlocal left
            left -= 1
            if left < 0:
                raise OSError(errno.ENOSPC, "No space left on device")
            return real(*args, **more)

        return write

    with monkeypatch.context() as patch:
        for name in ("keep", "publish", "decide"):
            patch.setattr(ingesting, name, failing(getattr(ingesting, name)))
        with pytest.raises(AnxinError, match=r"lake is unchanged.*No space"):
            ingest(lake, delivery, AT)
    assert (_contents(lake), lake.commit_hash) == (before, digest)

    assert ingest(lake, delivery, AT).commit == 2
    named = Lake(lake.path).state.paths() | {"lock", "commits/00000001.json", "commits/00000002.json"}
    assert on_disk(lake) == named, "what the failed ingest left behind is swept"


def test_a_killed_ingest_leaves_the_lake_before_or_after(tmp_path: Path) -> None:
    rounds = 12
    clean = Lake(tmp_path / "clean")
    expected = [_contents(clean)]
    for number in range(rounds):
        ingest(clean, _city(tmp_path / str(number), number), AT)
        expected.append(_contents(clean))
    program = textwrap.dedent(
        """
        import sys
        from datetime import datetime
        from pathlib import Path
        from anxin.feeds.ingest import ingest
        from anxin.feeds.lake import Lake
        sys.stdout.write("ready\\n")
        sys.stdout.flush()
        for folder in sys.argv[2:]:
            ingest(Lake(sys.argv[1]), Path(folder), datetime(2024, 3, 1))
        """
    )
    lake = Lake(tmp_path / "lake")
    chance = random.Random(7)
    folders = [str(tmp_path / str(number)) for number in range(rounds)]
    for _ in range(4):
        arguments = [sys.executable, "-c", program, str(lake.path), *folders]
        with subprocess.Popen(arguments, stdout=subprocess.PIPE) as child:
            assert child.stdout is not None and child.stdout.readline() == b"ready\n"
            time.sleep(chance.uniform(0.02, 0.4))
            os.kill(child.pid, signal.SIGKILL)
        assert _contents(lake) == expected[lake.commit]
    for folder in folders:
        ingest(lake, Path(folder), AT)
    assert _contents(lake) == expected[-1]


def test_quarantine_names_feed_file_row_column_value_and_reason(lake: Lake, tmp_path: Path) -> None:
    rows = [
        "notice_id,kind,occurred_on,workers",
        "n1,layoff,2024-01-01,3",
        "n2,party,2024-01-01,",
        ",layoff,2024-01-01,",
    ]
    content = "\n".join(rows)
    told = ingest(lake, deliveries.text(tmp_path / "d", "notices", content), AT)
    assert (told.feeds["notices"].taken, told.feeds["notices"].refused) == (1, {"enum": 1, "missing": 1})
    found = lake.quarantine().sort_by("row").to_pylist()
    assert [(row["file"], row["row"], row["column"], row["value"]) for row in found] == [
        ("notices/part.csv", 2, "kind", "party"),
        ("notices/part.csv", 3, "notice_id", ""),
    ]
    assert "layoff" in found[0]["zh"] and found[1]["zh"] == "必填项为空"


def test_wrong_check_characters_are_kept_and_flagged(lake: Lake, tmp_path: Path) -> None:
    good, bad = "91350100M000100Y43", "91350100M000100Y44"
    rows = [reading("m", 1) | {"employer_id": good}, reading("n", 1) | {"employer_id": bad}]
    told = ingest(lake, deliveries.write(tmp_path / "d", "energy_usage", rows), AT).feeds["energy_usage"]
    assert (told.taken, told.flagged) == (2, 1)


def test_a_file_without_received_at_was_learned_when_it_was_delivered(lake: Lake, tmp_path: Path) -> None:
    delivery = deliveries.text(tmp_path / "d", "notices", "notice_id,kind,occurred_on\nn,layoff,2024-01-01\n")
    ingest(lake, delivery, datetime.fromisoformat("2024-03-01T16:30:00+00:00"))
    table: pa.Table = View(lake).history("notices").to_pyarrow()
    assert table["received_at"].to_pylist() == [datetime(2024, 3, 2, 0, 30)]
