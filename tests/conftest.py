"""What all rooms' tests share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

import docket
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import settings
from running import CITY_DAY, Centre, City

from anxin.feeds.asof import View
from anxin.feeds.contract import contract
from anxin.feeds.ingest import ingest
from anxin.feeds.lake import Lake

# The same examples on every machine, and no deadline: others may be using the processor.
settings.register_profile("anxin", derandomize=True, deadline=None, max_examples=60)
settings.load_profile("anxin")

Rows = Mapping[str, Iterable[Mapping[str, Any]]]
MakeView = Callable[[Rows], View]


@pytest.fixture
def view_of(tmp_path_factory: pytest.TempPathFactory) -> MakeView:
    """Return a function that puts rows of feeds into a lake of their own and opens it."""

    def make(rows: Rows) -> View:
        folder = tmp_path_factory.mktemp("lake")
        for feed, each in rows.items():
            (folder / "delivery" / feed).mkdir(parents=True)
            table = pa.Table.from_pylist(list(each), schema=contract()[feed].schema)
            pq.write_table(table, folder / "delivery" / feed / "part.parquet")
        lake = Lake(folder / "lake")
        summary = ingest(lake, folder / "delivery", datetime(2030, 1, 1)).as_dict()
        assert not any(feed.get("refused") for feed in summary["feeds"].values()), summary
        return View(lake)

    return make


@pytest.fixture(scope="session")
def city(tmp_path_factory: pytest.TempPathFactory) -> City:
    """A small simulated city: ingested, trained through CITY_DAY, its list of that day published."""
    folder = tmp_path_factory.mktemp("city")
    made = City(folder / "home", folder / "simulated")
    made.anxin("simulate", made.delivery, "--scale", "0.006", "--months", "24", "--seed", "1")
    made.anxin("ingest", made.delivery / "feeds")
    made.anxin("train", "--through", CITY_DAY)
    made.anxin("run", CITY_DAY)
    return made


@pytest.fixture(scope="session")
def centre(tmp_path_factory: pytest.TempPathFactory) -> Centre:
    """A centre with three feeds: ingested, trained through docket.DAY, its list of that day published."""
    folder = tmp_path_factory.mktemp("docket")
    made = Centre(folder / "home", docket.docket())
    made.anxin("ingest", docket.deliver(folder / "delivery", made.rows))
    made.anxin("train", "--through", docket.DAY)
    made.anxin("run", docket.DAY)
    return made
