"""One small city for all tests of the room, and one a little larger where rates are counted."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import pytest

from anxin.feeds.contract import contract
from anxin.simulation.affairs import Affairs, make_affairs
from anxin.simulation.simulate import LAST_DAY, SimulationSummary, make_world, simulate
from anxin.simulation.world import World


@dataclass(frozen=True)
class Delivery:
    """A simulated delivery, open for questions in SQL: each feed is a table, and so is the truth."""

    folder: Path
    summary: SimulationSummary
    sql: duckdb.DuckDBPyConnection

    def rows(self, query: str) -> list[tuple]:
        return self.sql.execute(query).fetchall()

    def one(self, query: str):
        found = self.sql.execute(query).fetchone()
        assert found is not None
        return found[0]


@pytest.fixture(scope="session")
def delivery(tmp_path_factory: pytest.TempPathFactory) -> Delivery:
    folder = tmp_path_factory.mktemp("city") / "delivery"
    summary = simulate(folder, scale=0.01, months=24, seed=3)
    sql = duckdb.connect()
    for feed in contract():
        sql.execute(f"create view {feed} as from read_parquet('{folder}/feeds/{feed}/*.parquet')")
    sql.execute(f"create view truth as from '{folder}/truth.parquet'")
    return Delivery(folder, summary, sql)


@pytest.fixture(scope="session")
def larger(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, Affairs]:
    """A city of scale 0.1 over three years that is thought out and not written."""
    world = make_world(tmp_path_factory.mktemp("unwritten"), 0.1, 36, 5, LAST_DAY)
    return world, make_affairs(world)


@pytest.fixture(scope="session")
def last_day() -> date:
    return LAST_DAY
