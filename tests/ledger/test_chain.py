import hashlib
import json
import math
import multiprocessing
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from alembic.config import Config
from alembic.script import ScriptDirectory
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anxin.domain.errors import AnxinError
from anxin.ledger import GENESIS, Ledger, schema

NOON = datetime(2025, 6, 1, 12, tzinfo=UTC)
# PostgreSQL has no NUL in text, and UTF-8 no lone surrogate.
words = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=12)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)


instants = st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1))


def fill(ledger: Ledger, count: int) -> None:
    for number in range(count):
        ledger.append("note", "somebody", f"s{number % 3}", {"number": number}, NOON)


def tamper(url: str, *statements: str) -> None:
    """Change entries as someone who owns the database and has taken its guards away."""
    engine = schema.engine(url)
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(sa.text("ALTER TABLE entries DISABLE TRIGGER USER"))
        else:
            for name in ("entries_follow", "entries_no_update", "entries_no_delete"):
                connection.execute(sa.text(f"DROP TRIGGER {name}"))
        for statement in statements:
            connection.execute(sa.text(statement))
    engine.dispose()


def append_many(url: str, worker: int, count: int) -> None:
    with Ledger.open(url) as ledger:
        for number in range(count):
            ledger.append("note", f"worker {worker}", "shared", {"number": number}, NOON)


def test_an_entry_is_hashed_as_documented(ledger, at):
    first = ledger.append("note", "张三", "x", {"b": 1.5, "a": ["安薪", None]}, at)
    text = (
        '{"actor":"张三","at":"2025-06-01T08:30:00.000000+08:00","kind":"note",'
        '"payload":{"a":["安薪",null],"b":1.5},"seq":1,"subject":"x"}'
    )
    assert first.prev == GENESIS
    assert first.hash == hashlib.sha256((GENESIS + text).encode()).hexdigest() == ledger.head
    second = ledger.append("note", "张三", "x", {}, at)
    assert (second.seq, second.prev) == (2, first.hash)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(payload=st.dictionaries(words, values, max_size=3), actor=words, subject=words, at=instants)
def test_what_was_appended_is_what_is_read_in_any_script(ledger, payload, actor, subject, at):
    at = at.replace(tzinfo=UTC)
    entry = ledger.append("note", actor, subject, payload, at)
    read = next(ledger.entries(after=entry.seq - 1))
    assert read == entry
    assert (read.at, read.actor, read.subject) == (at, actor, subject)
    assert json.dumps(read.payload, sort_keys=True) == json.dumps(payload, sort_keys=True)
    assert ledger.verify().ok


def test_entries_are_found_by_kind_and_subject_in_order(ledger):
    fill(ledger, 7)
    ledger.append("other", "somebody", "s1", {}, NOON)
    assert [entry.seq for entry in ledger.entries()] == list(range(1, 9))
    assert [entry.seq for entry in ledger.entries("note", "s1")] == [2, 5]
    assert [entry.seq for entry in ledger.entries(after=6)] == [7, 8]
    assert [entry.subject for entry in ledger.newest(["note"], limit=2)] == ["s2", "s1"]
    assert [entry.seq for entry in ledger.newest(["note"], below="s2")] == [5]


def test_a_payload_made_while_nobody_else_writes_sees_what_is_there_and_may_refuse(ledger):
    fill(ledger, 2)
    entry = ledger.append(
        "note", "somebody", "s", lambda: {"before": [one.seq for one in ledger.entries()]}, NOON
    )
    assert entry.payload == {"before": [1, 2]}

    def refuse():
        raise AnxinError("不行", "no")

    with pytest.raises(AnxinError, match="no"):
        ledger.append("note", "somebody", "s", refuse, NOON)
    assert ledger.append("note", "somebody", "s", {}, NOON).seq == 4
    assert ledger.verify().ok


def test_reading_and_verifying_go_on_past_a_page(ledger, monkeypatch):
    monkeypatch.setattr("anxin.ledger.chain._PAGE", 3)
    fill(ledger, 8)
    assert [entry.payload["number"] for entry in ledger.entries()] == list(range(8))
    assert ledger.verify().entries == 8


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entries SET actor = 'nobody'",
        "UPDATE entries SET seq = seq WHERE seq = 1",
        "DELETE FROM entries WHERE seq = 2",
        "DELETE FROM entries",
        "INSERT INTO entries SELECT 8, at, actor, kind, subject, payload, hash, 'x' FROM entries WHERE seq=2",
        "INSERT INTO entries SELECT 3, at, actor, kind, subject, payload, prev, 'x' FROM entries WHERE seq=1",
        {
            "sqlite": "INSERT OR REPLACE INTO entries SELECT 1, at, 'x', kind, subject, payload, prev, hash"
            " FROM entries WHERE seq = 1",
            "postgresql": "TRUNCATE entries",
        },
    ],
)
def test_the_database_itself_refuses_to_change_the_past(url, ledger, statement):
    fill(ledger, 2)
    engine = schema.engine(url)
    text = statement if isinstance(statement, str) else statement[engine.dialect.name]
    with pytest.raises(sa.exc.DBAPIError, match="ledger"), engine.begin() as connection:
        connection.execute(sa.text(text))
    engine.dispose()
    assert ledger.verify().entries == 2


@pytest.mark.parametrize(
    ("statement", "broken"),
    [
        ("UPDATE entries SET payload = '{\"number\": 2}' WHERE seq = 3", 3),
        ("UPDATE entries SET actor = 'nobody' WHERE seq = 4", 4),
        ("UPDATE entries SET at = '2025-06-01T20:00:00.000001+08:00' WHERE seq = 1", 1),
        ("DELETE FROM entries WHERE seq = 2", 2),
        ("UPDATE entries SET prev = hash WHERE seq = 5", 5),
        ("UPDATE entries SET seq = 9 WHERE seq = 6", 6),
    ],
)
def test_verifying_names_the_first_entry_that_was_changed_behind_its_back(url, ledger, statement, broken):
    fill(ledger, 6)
    tamper(url, statement, "UPDATE entries SET actor = 'late' WHERE seq = 6")
    found = ledger.verify()
    assert (found.ok, found.broken_seq, found.entries) == (False, broken, broken - 1)


def test_a_head_printed_elsewhere_finds_out_a_ledger_that_was_cut_or_rewritten(url, ledger):
    fill(ledger, 4)
    printed = [GENESIS, ledger.head]
    assert ledger.verify(printed).ok
    tamper(url, "DELETE FROM entries WHERE seq >= 3")
    assert ledger.verify().ok
    assert not ledger.verify(printed).ok
    for number in range(2):
        ledger.append("note", "somebody", "else", {"number": number}, NOON)
    found = ledger.verify(printed)
    assert (found.ok, found.entries, found.broken_seq) == (False, 4, None)
    assert printed[1] in found.en


def test_writers_in_several_processes_and_threads_lose_nothing(url):
    # No ledger is open beforehand: the processes also race to create it.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(3, mp_context=context) as pool:
        for done in [pool.submit(append_many, url, worker, 20) for worker in range(3)]:
            done.result(timeout=60)
    with Ledger.open(url) as ledger:
        one = lambda number: ledger.append("note", "thread", "shared", {"number": number}, NOON)  # noqa: E731
        with ThreadPoolExecutor(8) as threads:
            list(threads.map(one, range(40)))
        found = ledger.verify()
        assert (found.ok, found.entries) == (True, 100)
        for actor in ("worker 0", "worker 1", "worker 2"):
            mine = [entry.payload["number"] for entry in ledger.entries() if entry.actor == actor]
            assert mine == list(range(20))


def test_a_killed_writer_loses_no_entry_it_was_told_of_and_leaves_the_chain_whole(url):
    endless = (
        "import sys\n"
        "from datetime import datetime, UTC\n"
        "from anxin.ledger import Ledger\n"
        "ledger = Ledger.open(sys.argv[1])\n"
        "while True:\n"
        "    entry = ledger.append('note', 'a', 'b', {}, datetime(2025, 1, 1, tzinfo=UTC))\n"
        "    sys.stdout.write(f'{entry.seq}\\n'); sys.stdout.flush()\n"
    )
    with subprocess.Popen([sys.executable, "-c", endless, url], stdout=subprocess.PIPE, text=True) as writer:
        for line in writer.stdout:
            if int(line) >= 20:
                writer.kill()
                break
        told = max([20, *(int(line) for line in writer.stdout if line.endswith("\n"))])
    with Ledger.open(url) as ledger:
        found = ledger.verify()
        assert found.ok and found.entries >= told
        assert ledger.append("note", "a", "b", {}, NOON).seq == found.entries + 1


def test_what_json_cannot_hold_is_refused_and_nothing_is_written(ledger):
    with pytest.raises(ValueError):
        ledger.append("note", "a", "b", {"x": math.nan}, NOON)
    with pytest.raises(AnxinError, match="时区"):
        ledger.append("note", "a", "b", {}, NOON.replace(tzinfo=None))
    assert ledger.head == GENESIS


def test_a_database_that_does_not_answer_is_one_line_without_the_password():
    with pytest.raises(AnxinError) as caught:
        Ledger.open("postgresql+psycopg://someone:hunter2@127.0.0.1:1/none?connect_timeout=2")
    assert "hunter2" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_revision_that_counts_as_current_is_the_last_migration():
    config = Config()
    config.set_main_option("script_location", "anxin.ledger:migrations")
    config.set_main_option("path_separator", "os")
    assert ScriptDirectory.from_config(config).get_heads() == [schema.HEAD_REVISION]


def test_sqlite_is_in_wal_mode_and_syncs_every_commit(tmp_path):
    engine = schema.engine(f"sqlite:///{tmp_path}/l.db")
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
    engine.dispose()


def test_instants_are_kept_to_the_microsecond_and_shown_at_eight_hours_east(ledger):
    at = NOON + timedelta(microseconds=7)
    entry = ledger.append("note", "a", "b", {}, at)
    assert entry.at == at
    assert entry.at.utcoffset() == timedelta(hours=8)
