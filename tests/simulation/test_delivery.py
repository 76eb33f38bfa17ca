"""What is written is what the contract says, and only what could be known by then."""

from datetime import date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from anxin.domain.errors import AnxinError
from anxin.domain.identifiers import project_code_ok, uscc_ok
from anxin.feeds.contract import contract
from anxin.simulation.simulate import simulate

FEEDS = list(contract())


def test_every_feed_of_the_contract_is_written_and_no_other(delivery) -> None:
    assert {path.name for path in (delivery.folder / "feeds").iterdir()} == set(FEEDS)
    assert all(delivery.summary.rows[feed] > 0 for feed in FEEDS)


@pytest.mark.parametrize("feed", FEEDS)
def test_rows_have_the_types_choices_and_required_columns_of_the_contract(delivery, feed: str) -> None:
    expected = contract()[feed]
    tables = [pq.read_table(path) for path in sorted((delivery.folder / "feeds" / feed).iterdir())]
    for column in expected.columns:
        wanted = pa.string() if column.kind == "month" else column.type
        for table in tables:
            got = table.schema.field(column.name).type
            assert got == wanted, (column.name, got)
            if not column.optional:
                assert table.column(column.name).null_count == 0, column.name
        if column.choices:
            query = f"select distinct {column.name} from {feed} where {column.name} is not null"
            assert {value for (value,) in delivery.rows(query)} <= set(column.choices)
        if column.kind == "month":
            shape = f"regexp_full_match({column.name}, '[0-9]{{4}}-[01][0-9]')"
            wrong = f"select count(*) from {feed} where not {shape}"
            assert delivery.one(wrong) == 0
    assert sum(len(table) for table in tables) == delivery.summary.rows[feed]


@pytest.mark.parametrize("feed", FEEDS)
def test_a_row_happens_before_it_is_received_and_is_received_within_the_period(
    delivery, feed, last_day
) -> None:
    event = contract()[feed].event
    newest, early = delivery.rows(f"select max(received_at), sum(({event} > received_at)::int) from {feed}")[
        0
    ]
    assert early == 0
    assert newest < datetime(last_day.year, last_day.month + 1, 1)


@pytest.mark.parametrize("feed", FEEDS)
def test_versions_of_a_key_are_received_at_different_times(delivery, feed: str) -> None:
    key = ", ".join(contract()[feed].key)
    query = f"select count(*) from (select 1 from {feed} group by {key}, received_at having count(*) > 1)"
    assert delivery.one(query) == 0


@pytest.mark.parametrize(
    "feed", ["complaints", "inspections", "energy_bills", "wage_accounts", "notices", "hazards"]
)
def test_an_event_keeps_one_subject_over_all_its_versions(delivery, feed: str) -> None:
    key = contract()[feed].key[0]
    query = (
        f"select max(n) from (select count(distinct (employer_id, project_id)) n from {feed} group by {key})"
    )
    assert delivery.one(query) == 1


def test_the_latest_version_of_a_case_is_its_last_state(delivery) -> None:
    query = """select count(*) from (
        select arg_max(outcome, received_at) last, max((outcome <> 'pending')::int) decided
        from cases group by case_id
    ) where decided = 1 and last = 'pending'"""
    assert delivery.one(query) == 0


def test_codes_have_their_shapes_and_a_few_credit_codes_fail_their_check(delivery) -> None:
    codes = [code for (code,) in delivery.rows("select distinct employer_id from employers")]
    share = sum(uscc_ok(code) for code in codes) / len(codes)
    assert 0.985 < share < 1
    assert all(project_code_ok(code) for (code,) in delivery.rows("select distinct project_id from projects"))
    workers = delivery.rows("select distinct length(worker_id), worker_id = lower(worker_id) from payroll")
    assert workers == [(64, True)]


def test_the_same_arguments_give_the_same_bytes_and_another_seed_another_city(tmp_path: Path) -> None:
    for name, seed in (("a", 7), ("b", 7), ("c", 8)):
        simulate(tmp_path / name, scale=0.002, months=4, seed=seed)
    files = [path.relative_to(tmp_path / "a") for path in sorted((tmp_path / "a").rglob("*.parquet"))]
    same = [(tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes() for file in files]
    assert all(same)
    assert (tmp_path / "a/truth.parquet").read_bytes() != (tmp_path / "c/truth.parquet").read_bytes()


def test_a_file_holds_its_rows_and_nothing_that_was_in_memory_beside_them(tmp_path: Path) -> None:
    """Written again from what was read of it, it is the same: a dictionary given to Arrow was followed by leftovers."""
    simulate(tmp_path / "city", scale=0.002, months=4, seed=7)
    for path in sorted((tmp_path / "city" / "feeds").rglob("*.parquet")):
        described = pq.ParquetFile(path).metadata
        if not described.num_row_groups or not described.num_rows:
            continue
        columns = [described.row_group(0).column(place) for place in range(described.num_columns)]
        words = [column.path_in_schema for column in columns if column.dictionary_page_offset]
        again = pa.BufferOutputStream()
        options = {"compression": "zstd", "compression_level": 1, "store_schema": False}
        pq.write_table(pq.read_table(path), again, use_dictionary=words, **options)
        assert abs(again.getvalue().size - path.stat().st_size) <= 1, path.name


def test_a_period_may_end_within_a_month(tmp_path: Path) -> None:
    summary = simulate(tmp_path / "city", scale=0.002, months=4, seed=1, end=date(2025, 3, 10))
    assert (summary.start, summary.end) == (date(2024, 12, 1), date(2025, 3, 10))
    newest = [
        pq.read_table(path, columns=["received_at"]).column(0).to_pylist()
        for path in (tmp_path / "city/feeds").rglob("*.parquet")
    ]
    assert max(max(stamps) for stamps in newest if stamps) < datetime(2025, 3, 11)


def test_a_folder_that_holds_feeds_is_left_alone_and_senseless_numbers_are_refused(
    delivery, tmp_path
) -> None:
    with pytest.raises(AnxinError, match="exists"):
        simulate(delivery.folder, scale=0.01, months=24, seed=3)
    with pytest.raises(AnxinError, match="scale"):
        simulate(tmp_path / "x", scale=0.0, months=24, seed=3)
    assert not (tmp_path / "x").exists()
