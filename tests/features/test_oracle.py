"""Every feature against its plain meaning, on random worlds."""

from __future__ import annotations

import math
from datetime import date
from pathlib import Path

import pytest

from anxin.features.catalogue import catalogue, facts, of
from anxin.features.snapshots import KINDS, snapshots

from . import oracle, streams

DATES = [date(2024, 1, 20), date(2024, 2, 29), date(2024, 8, 1), date(2024, 12, 15)]
"""Before and after a Spring Festival (10 February 2024), in summer, and at the end of the stream."""

SEEDS = (1, 2, 3)
CELLS = 10_000


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", SEEDS)
def test_every_cell_is_what_the_feature_means(seed: int, kind: str, tmp_path: Path) -> None:
    world = streams.world(seed)
    table = snapshots(streams.view_of(tmp_path, world), DATES, kind).to_pylist()
    assert {row["as_of"] for row in table} == set(DATES)
    past = {day: oracle.Past(world, day, kind) for day in DATES}
    wrong, cells = [], 0
    for row in table:
        for name, meant in oracle.values(past[row["as_of"]], row["subject_id"]).items():
            cells += 1
            if not same(row[name], meant):
                wrong.append(f"{name} of {row['subject_id']} on {row['as_of']}: {row[name]}, meant {meant}")
    assert not wrong, f"{len(wrong)} of {cells} cells: " + "; ".join(wrong[:20])
    assert cells * len(SEEDS) * len(KINDS) >= CELLS


@pytest.mark.parametrize("kind", KINDS)
def test_every_feature_and_fact_has_an_oracle(kind: str) -> None:
    empty = {feed: [] for feed in streams.world(1)}
    covered = set(oracle.values(oracle.Past(empty, DATES[0], kind), streams.EMPLOYERS[0]))
    assert covered == {f.name for f in of(kind)} | {f.name for f in facts().values() if kind in f.kinds}


def test_the_worlds_leave_no_feature_without_values() -> None:
    """A feature that is never there, or always the same, was not compared with anything."""
    seen: dict[str, set[float | None]] = {name: set() for name in catalogue()}
    for seed in SEEDS:
        world = streams.world(seed)
        for kind in KINDS:
            for day in DATES:
                past = oracle.Past(world, day, kind)
                for subject in streams.EMPLOYERS if kind == "employer" else streams.PROJECTS:
                    for name, value in oracle.values(past, subject).items():
                        seen.setdefault(name, set()).add(value)
    assert not {name for name, values in seen.items() if len(values - {None}) < 2}


def same(got: float | None, meant: float | None) -> bool:
    if got is None or meant is None:
        return got is None and meant is None
    return math.isclose(got, meant, rel_tol=1e-9, abs_tol=1e-12)
