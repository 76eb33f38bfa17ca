"""Whatever a department sends: the same rows from every physical form, and one line for what is refused."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anxin.feeds.casting import Fault, cast
from anxin.feeds.contract import Column, contract
from anxin.feeds.reading import fingerprint, open_file

AT = datetime(2024, 3, 1, 8)
FEED = contract()["cases"]
MONEY = Column("amount", "decimal", optional=True)


def read(path: Path, feed: str = "cases") -> tuple[pa.Table, pa.Table]:
    """All good and all refused rows of a file."""
    opened = open_file(path, path.name, contract()[feed], AT, utf8=fingerprint(path).utf8)
    batches = list(opened.batches)
    return pa.concat_tables([one.rows for one in batches]), pa.concat_tables([one.refused for one in batches])


def one(column: Column, *cells: Any, kind: pa.DataType | None = None) -> list[Any]:
    """Cast cells; a faulty one shows as its fault."""
    done = cast(column, pa.array(cells, kind))
    return [
        Fault(fault).name if fault else value
        for value, fault in zip(done.values.to_pylist(), done.faults.tolist(), strict=True)
    ]


words = st.text(st.characters(codec="gb18030", exclude_categories=("C",)), min_size=1, max_size=6)
recent = st.dates(date(2000, 1, 1), date(2030, 1, 1))
money = st.none() | st.decimals(0, 10**9, places=2).map(lambda value: value.quantize(Decimal("0.01")))
case_rows = st.lists(
    st.fixed_dictionaries(
        {
            "case_id": words,
            "employer_id": words,
            "project_id": st.none() | words,
            "source": st.sampled_from(FEED.column("source").choices),
            "arrears_from": recent.map(lambda day: day.replace(day=1)),
            "opened_on": recent,
            "verified_on": st.none() | recent,
            "outcome": st.sampled_from(FEED.column("outcome").choices),
            "workers": st.none() | st.integers(0, 10**6),
            "amount": money,
            "closed_on": st.none(),
            "settled_by": st.none() | st.just("court"),
            "received_at": st.datetimes(datetime(2000, 1, 1), datetime(2030, 1, 1)),
        }
    ),
    min_size=1,
    max_size=8,
)


def as_csv(rows: Iterable[dict[str, Any]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(FEED.names)
    writer.writerows([["" if row[name] is None else row[name] for name in FEED.names] for row in rows])
    return out.getvalue()


def loosely(table: pa.Table) -> pa.Table:
    """The same rows as a careless exporter writes them."""
    columns = {name: table[name] for name in table.column_names}
    for name in ("opened_on", "verified_on"):
        columns[name] = columns[name].cast(pa.string()).cast(pa.large_string())
    columns["arrears_from"] = columns["arrears_from"].cast(pa.timestamp("ns"))
    columns["workers"] = columns["workers"].cast(pa.float64())
    columns["amount"] = columns["amount"].cast(pa.float64())
    columns["source"] = columns["source"].cast(pa.string()).dictionary_encode()
    columns["received_at"] = columns["received_at"].cast(pa.timestamp("ns")).cast(pa.timestamp("ns"))
    columns["closed_on"] = pa.nulls(table.num_rows)
    return pa.table(columns)


def _told_apart(text: str) -> bool:
    """Very few Chinese words in GB18030 are UTF-8 as well; a file of nothing else cannot be told apart."""
    try:
        return text.encode("gb18030").decode("utf-8") == text
    except UnicodeDecodeError:
        return True


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=case_rows)
def test_every_physical_form_gives_the_same_rows(tmp_path: Path, rows: list[dict[str, Any]]) -> None:
    strict = pa.Table.from_pylist(rows, schema=FEED.schema)
    files = {
        "strict.parquet": lambda path: pq.write_table(strict, path),
        "loose.parquet": lambda path: pq.write_table(loosely(strict), path),
        "utf8.csv": lambda path: path.write_text(as_csv(rows), encoding="utf-8"),
        "bom.csv": lambda path: path.write_text(as_csv(rows), encoding="utf-8-sig"),
        "chinese.csv": lambda path: path.write_bytes(as_csv(rows).encode("gb18030")),
    }
    if not _told_apart(as_csv(rows)):
        del files["chinese.csv"]
    for name, write in files.items():
        write(tmp_path / name)
        good, refused = read(tmp_path / name)
        assert refused.num_rows == 0, (name, refused.to_pylist())
        assert good.to_pylist() == strict.to_pylist(), name


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kinds=st.lists(st.sampled_from(["good", "bad", "short", "long", "blank", "two lines"]), max_size=25))
def test_rows_keep_their_number_past_broken_rows(tmp_path: Path, kinds: list[str]) -> None:
    forms = {
        "good": "n{0},layoff,2024-01-01",
        "bad": "n{0},party,2024-01-01",
        "short": "n{0},layoff",
        "long": "n{0},layoff,2024-01-01,1,2",
        "blank": "",
        "two lines": '"n\n{0}",layoff,2024-01-01',
    }
    path = tmp_path / "part.csv"
    lines = [forms[kind].format(number) for number, kind in enumerate(kinds, start=1)]
    path.write_text("\n".join(["notice_id,kind,occurred_on", *lines, ""]), encoding="utf-8")
    opened = open_file(path, "part.csv", contract()["notices"], AT)
    batches = list(opened.batches)
    told = kinds_without_blank = [kind for kind in kinds if kind != "blank"]
    rows = [row for batch in batches for row in batch.refused.to_pylist()]
    reasons = {"bad": "enum", "short": "fields", "long": "fields"}
    expected = [(n, reasons[kind]) for n, kind in enumerate(told, start=1) if kind in reasons]
    assert sorted((row["row"], row["reason"]) for row in rows) == expected
    assert sum(batch.rows.num_rows for batch in batches) == len(kinds_without_blank) - len(expected)


@given(value=st.floats(-1e13, 1e13) | st.integers(-(10**9), 10**9).map(lambda units: units / 1000))
def test_money_is_rounded_half_away_from_zero_as_written(value: float) -> None:
    expected = Decimal(repr(value)).quantize(Decimal("0.01"), ROUND_HALF_UP)
    assert one(MONEY, value) == [expected]
    assert one(MONEY, repr(value)) == [expected]


@given(value=st.floats(-1e6, 1e6, width=32))
def test_float32_means_what_it_prints(value: float) -> None:
    written = Decimal(str(np.float32(value)))
    assert one(MONEY, value, kind=pa.float32()) == [written.quantize(Decimal("0.01"), ROUND_HALF_UP)]


def test_numbers_that_are_none() -> None:
    assert one(MONEY, float("nan"), float("inf"), 1e17, None) == [None, "INFINITE", "OVERFLOW", None]
    assert one(MONEY, "nan", "-inf", "1e17", "1e3", " 2.005 ", "abc", "", "1,000") == [
        *(None, "INFINITE", "OVERFLOW", Decimal("1000.00"), Decimal("2.01"), "TYPE", None, "TYPE")
    ]
    assert one(MONEY, 10**16, 10**16 - 1) == ["OVERFLOW", Decimal(10**16 - 1)]
    assert one(MONEY, Decimal("1.005"), Decimal("-1.005")) == [Decimal("1.01"), Decimal("-1.01")]


def test_whole_numbers() -> None:
    column = Column("workers", "int", optional=True)
    assert one(column, 3.0, 2.5, float("nan"), float("inf"), 1e300) == [
        3,
        "FRACTION",
        None,
        "INFINITE",
        "OVERFLOW",
    ]
    assert one(column, "3", "3.0", "2.5", "x", "9" * 20) == [3, 3, "FRACTION", "TYPE", "OVERFLOW"]
    assert one(column, 2**64 - 1, 7, kind=pa.uint64()) == ["OVERFLOW", 7]
    assert one(column, 10**15, -(2**62), 10**15 - 1) == ["OVERFLOW", "OVERFLOW", 10**15 - 1]
    assert one(column, Decimal("4.00"), Decimal("4.50")) == [4, "FRACTION"]
    assert one(column, True) == ["TYPE"]


def test_flags() -> None:
    column = Column("extreme", "bool", optional=True)
    assert one(column, "true", "False", "1", "0", "是", "否", "", "yes") == [
        *(True, False, True, False, True, False, None, "TYPE")
    ]
    assert one(column, 1.0, 0.0, 2.0, None) == [True, False, "TYPE", None]


def test_days_and_months() -> None:
    day, month = Column("on", "date", optional=True), Column("month", "month", optional=True)
    first = date(2024, 2, 1)
    assert one(day, "2024-02-01", "2024-02-01 00:00:00", "2024-02-30", "2024/02/01", "20240201") == [
        *(first, first, "TYPE", "TYPE", "TYPE")
    ]
    assert one(day, datetime(2024, 2, 1), datetime(2024, 2, 1, 9)) == [first, "TIME_OF_DAY"]
    assert one(day, datetime(2024, 1, 31, 16, tzinfo=UTC)) == [first]
    assert one(month, "2024-02", "2024-02-01", "2024-02-02", "2024-13", "２０２４-02") == [
        *(first, first, "NOT_FIRST_OF_MONTH", "TYPE", "TYPE")
    ]
    assert one(month, first, date(2024, 2, 3)) == [first, "NOT_FIRST_OF_MONTH"]


@given(
    instant=st.datetimes(datetime(1950, 1, 1), datetime(2100, 1, 1)),
    hours=st.integers(-12, 14),
    unit=st.sampled_from(["s", "ms", "us", "ns"]),
)
def test_an_offset_is_respected_and_none_is_china(instant: datetime, hours: int, unit: str) -> None:
    column = Column("received_at", "timestamp", optional=False)
    zoned = instant.replace(tzinfo=timezone(timedelta(hours=hours)))
    wall = zoned.astimezone(timezone(timedelta(hours=8))).replace(tzinfo=None)
    assert one(column, instant.isoformat(), zoned.isoformat(), zoned.isoformat(" ")) == [instant, wall, wall]
    whole = wall.replace(microsecond=0)
    utc = pa.timestamp(unit, "UTC")
    assert one(column, zoned.replace(microsecond=0), kind=utc) == [whole]
    assert one(column, whole, kind=pa.timestamp(unit)) == [whole]


def test_a_year_out_of_the_calendar_is_refused() -> None:
    column = Column("received_at", "timestamp", optional=True)
    cells = pa.array([-(2**62), 0], pa.int64()).cast(pa.timestamp("us"))
    assert cast(column, cells).faults.tolist() == [Fault.OVERFLOW, 0]


def test_text_that_is_no_utf8_refuses_its_row_only(tmp_path: Path) -> None:
    table = pa.table(
        {
            "notice_id": pa.array([b"a", b"\xff", b"c"], pa.binary()),
            "kind": ["layoff"] * 3,
            "occurred_on": ["2024-01-01"] * 3,
            "weather": [1, 2, 3],
        }
    )
    pq.write_table(table, tmp_path / "part.parquet")
    opened = open_file(tmp_path / "part.parquet", "part.parquet", contract()["notices"], AT)
    (batch,) = opened.batches
    assert batch.rows["notice_id"].to_pylist() == ["a", "c"]
    assert batch.refused.select(["row", "column", "reason"]).to_pylist() == [
        {"row": 2, "column": "notice_id", "reason": "encoding"}
    ]
    assert opened.ignored == ("weather",)


@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_a_column_of_a_wrong_type_refuses_rows_not_the_file(tmp_path: Path, form: str) -> None:
    path = tmp_path / f"part.{form}"
    if form == "parquet":
        pq.write_table(
            pa.table({"notice_id": ["a", "b"], "kind": [[1], None], "occurred_on": [True, False]}), path
        )
    else:
        path.write_text("notice_id,kind,occurred_on\na,[1],yes\nb,,no\n", encoding="utf-8")
    good, refused = read(path, "notices")
    assert good.num_rows == 0
    assert refused.select(["row", "column", "reason"]).sort_by("row").to_pylist() == [
        {"row": 1, "column": "kind", "reason": "enum"},
        {"row": 2, "column": "kind", "reason": "missing"},
    ]
