"""What the benchmark of dead feeds is measured on: lakes of which one feed came no more."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from anxin.features.snapshots import snapshots
from anxin.feeds.asof import View
from anxin.feeds.contract import contract
from benchmarks.dead_feeds import Cut

from . import oracle, streams


def test_of_a_feed_that_died_only_what_had_come_is_known_and_of_the_others_everything(tmp_path: Path) -> None:
    world = streams.world(1)
    half = {feed: [row for row in rows if row["received_at"].year < 2024] for feed, rows in world.items()}
    rest = {feed: [row for row in rows if row["received_at"].year >= 2024] for feed, rows in world.items()}
    lake = streams.lake_of(tmp_path / "lake", half, rest)
    died, day = date(2024, 6, 1), date(2024, 7, 8)
    view = View(Cut(lake, "complaints", died, tmp_path))
    snapshots(view, [day], "employer")
    for feed, last in (("complaints", died), ("cases", day)):
        rows = [row for row in world[feed] if row["received_at"].date() < last]
        found = view.backend.to_pyarrow(view.known(feed, [day]).select("received_at")).column(0).to_pylist()
        expected = [row["received_at"] for row in oracle.known(contract()[feed], rows, day)]
        assert sorted(found) == sorted(expected), feed
        assert len(expected) > 10
