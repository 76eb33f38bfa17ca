"""Snapshots of random worlds, made once for all tests that look at them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import pyarrow as pa
import pytest

from anxin.features.catalogue import Kind
from anxin.features.snapshots import snapshots
from anxin.feeds.asof import View

from . import streams

Made = Callable[[int, Kind], list[dict[str, Any]]]


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Return the rows of the snapshot of `streams.DATES` for a seed and a kind."""

    @cache
    def view(seed: int) -> View:
        return streams.view_of(tmp_path_factory.mktemp("world"), streams.world(seed))

    @cache
    def rows(seed: int, kind: Kind) -> list[dict[str, Any]]:
        table: pa.Table = snapshots(view(seed), streams.DATES, kind)
        return table.to_pylist()

    return rows
