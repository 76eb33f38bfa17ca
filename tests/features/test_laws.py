"""The laws every feature obeys, whatever it computes."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from anxin.features.catalogue import Kind, facts, of
from anxin.features.snapshots import KINDS, snapshots
from anxin.feeds.asof import View, connect
from anxin.feeds.contract import MONEY_DIGITS, MOST_COUNTED, contract
from anxin.feeds.engine import Engine
from anxin.feeds.ingest import ingest

from . import streams
from .conftest import Made

SEED = streams.SEEDS[-1]
DATES = streams.DATES
D = DATES[3]
MIDNIGHT = datetime.combine(D, time())
HALVES = (
    (
        *("energy_usage", "credit", "payroll", "cases", "wage_accounts", "deposits", "notices"),
        *("inspections", "labour_contracts"),
    ),
    (
        *("energy_bills", "litigation", "wage_sheets", "attendance", "attendance_daily", "complaints", "tax"),
        *("social_insurance", "hazards", "progress_payments", "guarantees", "credit_records", "rosters"),
        "participations",
    ),
)
"""The feeds that features read together are in different halves, so that reading one unsaid shows."""

both_kinds = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture(scope="module")
def base(made: Callable[[int], Made]) -> Made:
    return made(SEED)


@pytest.fixture(scope="module")
def backfilled(base: Made, tmp_path_factory: pytest.TempPathFactory) -> tuple[View, View]:
    """A lake as it stood at D, and the same after all received later, in other files and another order."""
    folder = tmp_path_factory.mktemp("backfilled")
    early = {
        feed: [row for row in rows if row["received_at"] < MIDNIGHT] for feed, rows in base.world.items()
    }
    later = {
        feed: [row for row in rows if row["received_at"] >= MIDNIGHT] for feed, rows in base.world.items()
    }
    for rows in later.values():
        random.Random(0).shuffle(rows)
    lake = streams.lake_of(folder, early)
    then = View(lake, connect(Engine(threads=1, memory_gib=1.0)))
    ingest(lake, streams.write(folder / "late", later, files=3), datetime(2026, 1, 1))
    return then, View(lake, connect(Engine(threads=1, memory_gib=1.0)))


@both_kinds
def test_a_past_day_is_the_same_bytes_after_everything_received_later(
    base: Made, backfilled: tuple[View, View], kind: Kind
) -> None:
    then, _ = backfilled
    assert base.on(D, kind).num_rows > 3
    assert_same(snapshots(then, [D], kind), base.on(D, kind))


@both_kinds
def test_neither_files_nor_deliveries_nor_order_change_a_byte(
    base: Made, backfilled: tuple[View, View], kind: Kind
) -> None:
    _, now = backfilled
    assert_same(snapshots(now, DATES, kind), base.table(kind))


@both_kinds
def test_many_dates_at_once_are_the_same_bytes_as_few_in_any_order(base: Made, kind: Kind) -> None:
    table = snapshots(base.view, [DATES[4], DATES[0], DATES[4]], kind)
    assert_same(table, pa.concat_tables([base.on(DATES[0], kind), base.on(DATES[4], kind)]))


@pytest.fixture(scope="module")
def ahead(base: Made, tmp_path_factory: pytest.TempPathFactory) -> View:
    """The world and rows received long ago that are dated after every date."""
    coming = streams.to_come(SEED, datetime(2023, 2, 1))
    return streams.view_of(tmp_path_factory.mktemp("ahead"), base.world, coming)


@both_kinds
def test_rows_dated_on_or_after_the_date_change_nothing(base: Made, ahead: View, kind: Kind) -> None:
    assert_same(among(snapshots(ahead, DATES, kind), base.table(kind)), base.table(kind))


@pytest.fixture(scope="module")
def crowded(base: Made, tmp_path_factory: pytest.TempPathFactory) -> View:
    """The world beside another in which nobody is the same."""
    others = streams.renamed(streams.world(SEED + 1), "X")
    return streams.view_of(tmp_path_factory.mktemp("crowded"), base.world, others)


@both_kinds
def test_other_subjects_change_only_what_is_about_peers(base: Made, crowded: View, kind: Kind) -> None:
    table = snapshots(crowded, DATES, kind)
    assert table.num_rows > 1.5 * base.table(kind).num_rows
    peers = [feature.name for feature in of(kind) if feature.peers]
    # So are the days that date these alone.
    of_peers = {feature.dated for feature in of(kind) if feature.peers and feature.dated in facts()}
    peers += sorted(of_peers - {feature.dated for feature in of(kind) if not feature.peers})
    assert_same(among(table, base.table(kind)).drop_columns(peers), base.table(kind).drop_columns(peers))


@pytest.mark.parametrize("missing", HALVES, ids=["one half", "other half"])
def test_a_missing_feed_is_missing_and_leaves_the_rest_alone(
    base: Made, tmp_path: Path, missing: tuple[str, ...]
) -> None:
    view = streams.view_of(
        tmp_path, {feed: [] if feed in missing else rows for feed, rows in base.world.items()}
    )
    for kind in KINDS:
        table = snapshots(view, [D], kind)
        whole = among(base.on(D, kind), table)
        table = among(table, whole)
        assert table.num_rows > 3
        for feature in of(kind):
            if set(feature.sources) & set(missing):
                assert table[feature.name].null_count == len(table), feature.name
            else:
                assert table[feature.name].equals(whole[feature.name]), feature.name


def test_without_a_registry_nobody_has_facts_and_features_still_come(base: Made, tmp_path: Path) -> None:
    missing = ("employers", "projects")
    view = streams.view_of(
        tmp_path, {feed: [] if feed in missing else rows for feed, rows in base.world.items()}
    )
    for kind in KINDS:
        table = snapshots(view, [D], kind)
        assert table.num_rows > 3
        assert not any(table["registered"].to_pylist())
        for feature in of(kind):
            if set(feature.sources) & set(missing):
                assert table[feature.name].null_count == len(table), feature.name
        assert table["complaints_365d"].null_count == 0


def test_a_feed_that_begins_later_is_missing_before_and_zero_after(tmp_path: Path) -> None:
    world = streams.world(SEED)
    world["notices"] = [row for row in world["notices"] if row["received_at"] >= MIDNIGHT]
    rows = snapshots(streams.view_of(tmp_path, world), [D, D + timedelta(120)], "employer").to_pylist()
    assert {row["notices_90d"] for row in rows if row["as_of"] == D} == {None}
    assert None not in {row["notices_90d"] for row in rows if row["as_of"] > D}


def test_figures_at_the_edge_of_what_the_lake_holds_stop_nothing(base: Made, tmp_path: Path) -> None:
    """Bad input is normal: the largest sums and counts a feed can say, on either side of zero, in every third row."""
    world = {}
    for name, rows in base.world.items():
        edges: dict[str, int | Decimal] = {}
        for column in contract()[name].columns:
            if column.kind == "decimal":
                edges[column.name] = Decimal(10**MONEY_DIGITS - 1).scaleb(-column.scale)
            elif column.kind == "int" and column.name not in contract()[name].key:
                edges[column.name] = MOST_COUNTED - 1
        world[name] = [
            {**row, **{key: edge if place % 2 else -edge for key, edge in edges.items()}}
            if place % 3 == 0
            else row
            for place, row in enumerate(rows)
        ]
    view = streams.view_of(tmp_path, world)
    for kind in KINDS:
        table = snapshots(view, [D], kind)
        assert keys(table) == keys(base.on(D, kind))
        numbers = [pc.all(pc.is_finite(table[feature.name].drop_null())).as_py() for feature in of(kind)]
        assert False not in numbers
        assert pc.max(pc.abs(table["attended_unpaid_amount"])).as_py() > 1e15


@both_kinds
def test_an_empty_lake_has_a_snapshot_of_all_columns_and_no_rows(kind: Kind, tmp_path: Path) -> None:
    table = snapshots(streams.view_of(tmp_path), [D], kind)
    assert table.num_rows == 0
    assert {feature.name for feature in of(kind)} <= set(table.column_names)


@both_kinds
def test_columns_are_numbers_in_the_order_of_the_catalogue_and_never_nan(base: Made, kind: Kind) -> None:
    table = base.table(kind)
    numbers = [f.name for f in of(kind)] + [f.name for f in facts().values() if kind in f.kinds]
    assert table.column_names[-len(numbers) :] == numbers
    for name in numbers:
        assert table.schema.field(name).type == pa.float64()
        assert pc.all(pc.is_finite(table[name].drop_null())).as_py() is not False, name


def among(table: pa.Table, subjects: pa.Table) -> pa.Table:
    """Return the rows of `table` for the subjects and dates of the other, in their order."""
    wanted = set(keys(subjects))
    return table.filter(pa.array([key in wanted for key in keys(table)], pa.bool_()))


def keys(table: pa.Table) -> Iterable[tuple[str, date]]:
    return list(zip(table["subject_id"].to_pylist(), table["as_of"].to_pylist(), strict=True))


def assert_same(got: pa.Table, meant: pa.Table) -> None:
    """Equal to the byte; if not, say which columns differ."""
    assert keys(got) == keys(meant)
    different = [name for name in meant.column_names if written(got, name) != written(meant, name)]
    assert not different and got.schema.equals(meant.schema), different


def written(table: pa.Table, name: str) -> bytes:
    column = pa.array(table[name].to_pylist(), table.schema.field(name).type)
    sink = pa.BufferOutputStream()
    batch = pa.record_batch([column], names=[name])
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write(batch)
    return bytes(sink.getvalue())
