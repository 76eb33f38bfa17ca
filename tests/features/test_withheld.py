"""What the benchmarks of dead and withheld feeds are measured on: lakes of which one feed tells less."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from anxin.features.snapshots import snapshots
from anxin.feeds.asof import View
from anxin.feeds.contract import contract
from benchmarks.withheld import BEHIND, YOUNG, Withheld

from . import oracle, streams

_DAY = date(2024, 7, 8)
_RECEIVED: dict[str, Callable[[datetime], bool]] = {
    "blank": lambda received: True,
    "young": lambda received: received.date() >= _DAY - timedelta(YOUNG),
    "behind": lambda received: received.date() < _DAY - timedelta(BEHIND),
}


@pytest.mark.parametrize("how", sorted(_RECEIVED))
def test_of_a_feed_withheld_only_what_it_still_tells_is_known_and_of_the_others_everything(
    how: str, tmp_path: Path
) -> None:
    world = streams.world(1)
    half = {feed: [row for row in rows if row["received_at"].year < 2024] for feed, rows in world.items()}
    rest = {feed: [row for row in rows if row["received_at"].year >= 2024] for feed, rows in world.items()}
    lake = streams.lake_of(tmp_path / "lake", half, rest)
    view = View(Withheld(lake, "complaints", how, _DAY, tmp_path))
    snapshots(view, [_DAY], "employer")
    for feed, told in (("complaints", _RECEIVED[how]), ("cases", _RECEIVED["blank"])):
        rows = [row for row in world[feed] if told(row["received_at"])]
        found = view.backend.to_pyarrow(view.known(feed, [_DAY])).to_pylist()
        expected = [row["received_at"] for row in oracle.known(contract()[feed], rows, _DAY)]
        assert sorted(row["received_at"] for row in found) == sorted(expected), feed
        assert len(expected) > 10
        optional = [column.name for column in contract()[feed].columns if column.optional]
        blank = all(row[name] is None for row in found for name in optional)
        assert blank == (feed == "complaints" and how == "blank")
