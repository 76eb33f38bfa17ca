"""The view as of a date: one rule, on any engine."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import ibis
import pyarrow as pa
import pytest

from anxin.feeds.asof import View, event_of
from anxin.feeds.contract import contract
from anxin.feeds.ingest import ingest
from anxin.feeds.lake import Lake

from . import deliveries
from .test_ingest import AT, notice, reading

DAYS = [date(2024, 1, 5), date(2024, 1, 10), date(2024, 1, 20)]


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = Lake(tmp_path / "city=east [1]?" / "lake")
    rows = [reading(meter, day) for meter in ("m", "n") for day in range(1, 19)]
    ingest(lake, deliveries.write(tmp_path / "1", "energy_usage", rows), AT)
    ingest(lake, deliveries.write(tmp_path / "2", "energy_usage", [reading("m", 3, "8", received=8)]), AT)
    return lake


def rows_of(table: ibis.Table) -> list[tuple[Any, ...]]:
    return sorted((tuple(row.values()) for row in table.to_pyarrow().to_pylist()), key=repr)


def tables(view: View) -> list[str]:
    """Return what is kept: dates and feeds that never came are small, and stay with the engine."""
    kept = "SELECT table_name FROM duckdb_tables() WHERE table_name LIKE 'kept_%'"
    return [name for (name,) in view.backend.con.execute(kept).fetchall()]


def views(view: View) -> int:
    return view.backend.con.execute("SELECT count(*) FROM duckdb_views() WHERE NOT internal").fetchall()[0][0]


def test_many_dates_at_once_are_the_dates_one_by_one(lake: Lake) -> None:
    view = View(lake)
    singly = [row for day in DAYS for row in rows_of(view.known("energy_usage", [day]))]
    assert rows_of(view.known("energy_usage", DAYS)) == sorted(singly, key=repr)
    assert rows_of(view.known("energy_usage", [*DAYS, DAYS[0]])) == sorted(singly, key=repr)


def test_a_window_is_the_last_days_of_what_is_known(lake: Lake) -> None:
    view = View(lake)
    known = view.known("energy_usage", DAYS)
    inside = known.filter(known.date >= known.as_of - ibis.interval(days=3))
    assert rows_of(view.window("energy_usage", DAYS, 3)) == rows_of(inside)
    assert rows_of(view.window("energy_usage", DAYS[:1], 3)) == rows_of(
        inside.filter(inside.as_of == DAYS[0])
    )


def test_presence_is_by_what_had_been_received(lake: Lake) -> None:
    assert View(lake).first_received() == {"energy_usage": datetime(2024, 1, 2, 9)}


@pytest.mark.parametrize("dates", [DAYS, DAYS[:1], [*DAYS, DAYS[1]]])
@pytest.mark.parametrize("days", [None, 8])
def test_spans_laid_out_by_date_are_what_is_known_on_each(
    lake: Lake, dates: list[date], days: int | None
) -> None:
    view = View(lake)
    spans = view.spans("energy_usage", dates, days)
    assert (
        spans.count().execute() < len(dates) * view.known("energy_usage", dates).count().execute()
        or len(dates) == 1
    )
    known = view.known("energy_usage", dates)
    if days is not None:
        known = known.filter(known.date >= ibis.literal(min(dates)) - ibis.interval(days=days))
    assert rows_of(view.on_dates(spans, dates).select(*known.columns)) == rows_of(known)


def test_what_is_kept_is_read_by_views_beside_until_released(lake: Lake) -> None:
    view = View(lake)
    beside = view.beside()
    kept = beside.keep(beside.known("energy_usage", DAYS))
    assert beside.backend.con is not view.backend.con
    assert len(tables(view)) == 1 and kept.count().execute() > 0
    beside.release()
    assert tables(view) == []


def test_of_a_table_that_could_not_be_filled_nothing_stays_and_its_own_error_is_told(lake: Lake) -> None:
    view = View(lake)
    view.backend.con.execute("CREATE TABLE texts AS SELECT 'x' AS text")
    texts = ibis.table({"text": "string"}, name="texts")
    with pytest.raises(duckdb.Error, match="Could not convert string 'x'"):
        view.keep(texts.select(number=texts.text.cast("int64")))
    view.release()
    assert not tables(view)


def test_what_is_named_is_named_once_for_all_views_of_an_engine(lake: Lake) -> None:
    view = View(lake)
    meant = [rows_of(view.known(feed, DAYS)) for feed in ("energy_usage", "tax")]
    named = views(view)
    for each in (view.beside(), view.within(), view.within().beside()):
        assert [rows_of(each.known(feed, DAYS)) for feed in ("energy_usage", "tax")] == meant
        found = each.backend.to_pyarrow(each.known("energy_usage", DAYS))
        assert len(found) == len(meant[0])  # asked by a connection that did not make the names
    assert views(view) == named > 0


def test_what_is_made_once_is_made_once_for_all_views_beside(lake: Lake) -> None:
    view, made = View(lake), []
    for each in (view, view.beside(), view.beside().beside()):
        assert each.once("answer", lambda root: made.append(root) or len(made)) == 1
    assert made == [view]


def test_what_is_made_within_is_given_back_and_what_is_made_outside_stays(lake: Lake) -> None:
    view = View(lake)
    within = view.within()
    for each in (within, within.beside()):
        each.once("here", lambda root: root.keep(root.known("energy_usage", DAYS)))
        each.once("outside", lambda root: root.keep(root.known("energy_usage", DAYS)), outside=True)
    assert len(tables(view)) == 2
    within.release()
    assert len(tables(view)) == 1
    assert view.once("outside", lambda root: pytest.fail("made again")).count().execute() > 0


def test_numbered_rows_fall_into_the_groups_of_their_texts(lake: Lake) -> None:
    view = View(lake)
    rows = view.known("energy_usage", DAYS).filter(lambda t: t.employer_id.notnull())
    laid = view.numbered(rows, "employer_id")
    assert laid.texts is not None and laid.rows.employer_id.type().is_integer()
    counts = laid.rows.group_by("employer_id").aggregate(rows=laid.rows.count())
    named = counts.join(laid.texts, counts.employer_id == laid.texts.number)
    assert rows_of(named.select(laid.texts.employer_id, "rows")) == rows_of(
        rows.group_by("employer_id").aggregate(rows=rows.count())
    )
    assert len(tables(view)) == 2


@pytest.mark.parametrize("feed", contract())
def test_a_feed_that_never_came_is_an_empty_table_of_its_types(lake: Lake, feed: str) -> None:
    empty, view = View(Lake(lake.path.parent / "none")), View(lake)
    for dates in ([], DAYS[:1], DAYS):
        schema = empty.known(feed, dates).schema()
        assert schema["as_of"].is_date() and schema[event_of(feed)].is_date()
    assert empty.history(feed).schema() == view.history(feed).schema()
    assert empty.known(feed, DAYS).count().execute() == 0


def test_the_types_of_a_feed_do_not_depend_on_what_came(lake: Lake) -> None:
    came, absent = View(lake).history("energy_usage"), View(Lake(lake.path.parent / "none"))
    assert came.schema() == absent.history("energy_usage").schema()
    stored = came.to_pyarrow().schema
    for field in contract()["energy_usage"].schema:
        assert stored.field(field.name).type in (field.type, pa.large_string())


@pytest.mark.parametrize("dialect", ["pyspark", "postgres", "datafusion"])
def test_the_expressions_belong_to_no_engine(lake: Lake, dialect: str) -> None:
    view = View(lake)
    schema = ibis.schema({**view.history("cases").schema()})
    view._named["history", "cases"] = ibis.table(schema, name="cases")  # what another engine would have read
    for expression in (
        view._known(contract()["cases"], DAYS, None),
        view._known(contract()["cases"], DAYS, 30),
        view.on_dates(view.spans("cases", DAYS), DAYS),
    ):
        assert "received_at" in ibis.to_sql(expression, dialect=dialect)


def test_a_view_keeps_the_commit_it_was_made_at(lake: Lake, tmp_path: Path) -> None:
    view = View(lake)
    ingest(lake, deliveries.write(tmp_path / "3", "notices", [notice(1)]), datetime(2024, 3, 2))
    assert view.history("notices").count().execute() == 0
    assert View(lake).history("notices").count().execute() == 1
