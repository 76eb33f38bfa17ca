"""Random worlds and their snapshots, made once for all tests that look at them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from anxin.features.catalogue import Kind
from anxin.features.snapshots import snapshots

from . import streams


class Made:
    """One world in one delivery, one file per feed, and its snapshots of `streams.DATES`."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.world = streams.world(seed)
        self.view = streams.view_of(folder, self.world)
        self.table: Callable[[Kind], pa.Table] = cache(lambda kind: snapshots(self.view, streams.DATES, kind))
        self.rows: Callable[[Kind], list[dict[str, Any]]] = cache(lambda kind: self.table(kind).to_pylist())

    def on(self, day: date, kind: Kind) -> pa.Table:
        table = self.table(kind)
        return table.filter(pc.equal(table["as_of"], pa.scalar(day)))


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Made]:
    """Return what was made of a seed."""
    return cache(lambda seed: Made(tmp_path_factory.mktemp("world"), seed))
