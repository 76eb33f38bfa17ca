"""Every feature against its plain meaning, on random worlds."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from anxin.features import arrears, known
from anxin.features.catalogue import Kind, catalogue, facts, of
from anxin.features.snapshots import KINDS, snapshots

from . import oracle, oracle_arrears, oracle_payroll, streams
from .conftest import Made

CELLS = 10_000
"""At least this many are compared in all."""


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", streams.SEEDS)
def test_every_cell_is_what_the_feature_means(seed: int, kind: Kind, made: Callable[[int], Made]) -> None:
    past = {day: oracle.Past(streams.world(seed), day, kind) for day in streams.DATES}
    wrong, cells = [], 0
    for row in made(seed).rows(kind):
        for name, meant in oracle.values(past[row["as_of"]], row["subject_id"]).items():
            cells += 1
            if not same(row[name], meant):
                wrong.append(f"{name} of {row['subject_id']} on {row['as_of']}: {row[name]}, meant {meant}")
    assert not wrong, f"{len(wrong)} of {cells} cells: " + "; ".join(wrong[:20])
    assert cells * len(streams.SEEDS) * len(KINDS) >= CELLS


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dates", [streams.DATES[-2:], streams.DATES[-1:]])
def test_so_is_every_cell_of_wages_where_pay_was_not_told(
    kind: Kind, dates: list[date], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = ((arrears, "_MANY"), (oracle_arrears, "MANY"), (known, "MANY_SENDERS"), (oracle_payroll, "MANY"))
    for module, name in many:
        monkeypatch.setattr(module, name, 1)
    world = streams.world(3)
    world["payroll"] = [row for row in world["payroll"] if row["received_at"].date() < date(2024, 5, 1)]
    past = {day: oracle.Past(world, day, kind) for day in dates}
    assert any(oracle_arrears.untold(then) for then in past.values())
    assert any(oracle_arrears.lag(then) > 0 for then in past.values())
    wrong, moved = [], 0
    for row in snapshots(streams.view_of(tmp_path, world), dates, kind).to_pylist():
        then = past[row["as_of"]]
        for family in oracle_payroll.FAMILIES:
            for name, meant in family(then, row["subject_id"]).items():
                if not same(row[name], meant):
                    wrong.append(
                        f"{name} of {row['subject_id']} on {row['as_of']}: {row[name]}, meant {meant}"
                    )
        moved += len(oracle_arrears.unsilent(then, row["subject_id"])) > 0
    assert not wrong, "; ".join(wrong[:20])
    assert moved > 1


@pytest.mark.parametrize("kind", KINDS)
def test_every_feature_and_fact_has_an_oracle(kind: Kind) -> None:
    empty = {feed: [] for feed in streams.world(1)}
    covered = set(oracle.values(oracle.Past(empty, streams.DATES[0], kind), streams.EMPLOYERS[0]))
    assert covered == {f.name for f in of(kind) if not f.of_day} | {
        f.name for f in facts().values() if kind in f.kinds
    }


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", streams.SEEDS)
def test_a_figure_of_the_day_is_that_figure_less_its_median_over_who_has_it(
    seed: int, kind: Kind, made: Callable[[int], Made]
) -> None:
    for day in streams.DATES:
        rows = made(seed).on(day, kind).to_pylist()
        for feature in of(kind):
            if feature.of_day:
                there = [row[feature.told] for row in rows if row[feature.told] is not None]
                for row in rows:
                    figure = row[feature.told]
                    meant = None if figure is None else figure - statistics.median(there)
                    assert same(row[feature.name], meant), (feature.name, row["subject_id"], day)


def test_the_worlds_give_every_feature_different_values(made: Callable[[int], Made]) -> None:
    """A feature that is never there, or always the same, was compared with nothing."""
    rows = [row for kind in KINDS for seed in streams.SEEDS for row in made(seed).rows(kind)]
    for name in catalogue():
        assert len({row.get(name) for row in rows} - {None}) >= 2, name


def test_the_worlds_have_sums_that_are_stated_unknown_and_of_nothing(made: Callable[[int], Made]) -> None:
    """What rows may leave out is compared in all three ways."""
    rows = [row for kind in KINDS for seed in streams.SEEDS for row in made(seed).rows(kind)]
    for name, feature in catalogue().items():
        if feature.stated:
            found = {row[name] for row in rows if name in row}
            assert {None, 0.0} < found and max(found - {None}) > 0, name


@pytest.mark.parametrize("kind", KINDS)
def test_the_worlds_have_who_never_paid_and_crews_paid_twice_beside_unpaid_ones(kind: Kind) -> None:
    unpaid = {"employer": streams.UNPAID, "project": streams.SILENT}[kind]
    subjects = {"employer": streams.EMPLOYERS, "project": streams.PROJECTS}[kind]
    never = hidden = 0
    for past in (
        oracle.Past(streams.world(seed), day, kind) for seed in streams.SEEDS for day in streams.DATES
    ):
        assert not past.rows("payroll", unpaid, own=False)
        never += any(_owed(crew) for crew in oracle_arrears.unsilent(past, unpaid))
        for subject in subjects:
            crews = oracle_arrears.unsilent(past, subject)
            for late in (crew for crew in crews if _owed(crew)):
                together = [crew for crew in crews if crew.month == late.month]
                twice = any(crew.got >= 2 * crew.due > 0 for crew in together)
                hidden += twice and sum(crew.got for crew in together) >= sum(crew.due for crew in together)
    assert never > 3 and hidden > 3


def _owed(crew: oracle_arrears.Crew) -> bool:
    return crew.passed > 7 and bool(crew.lacks > 0)


def same(got: float | None, meant: float | None) -> bool:
    if got is None or meant is None:
        return got is None and meant is None
    return math.isclose(got, meant, rel_tol=1e-9, abs_tol=1e-12)
