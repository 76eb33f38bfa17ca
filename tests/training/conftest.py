"""A small docket lake to train on, and settings that take seconds."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import docket
import pytest

from anxin.feeds.asof import View
from anxin.feeds.ingest import ingest
from anxin.feeds.lake import Lake
from anxin.training.settings import Settings, stored
from anxin.training.train import Trained, train

THROUGH = date(2024, 12, 1)


@pytest.fixture(scope="session")
def rows() -> dict[str, list[docket.Row]]:
    return docket.docket(employers=150, seed=3)


@pytest.fixture(scope="session")
def everything(tmp_path_factory: pytest.TempPathFactory, rows: dict[str, list[docket.Row]]) -> View:
    """A lake with rows long after THROUGH."""
    return _lake(tmp_path_factory.mktemp("all"), rows, docket.END)


@pytest.fixture(scope="session")
def then(tmp_path_factory: pytest.TempPathFactory, rows: dict[str, list[docket.Row]]) -> View:
    """The same lake as it was on THROUGH."""
    return _lake(tmp_path_factory.mktemp("then"), rows, THROUGH)


@pytest.fixture(scope="session")
def shuffled(tmp_path_factory: pytest.TempPathFactory, rows: dict[str, list[docket.Row]]) -> View:
    """A lake with the rows of `everything`, received in two deliveries, each in another order."""
    folder = tmp_path_factory.mktemp("shuffled")
    lake = Lake(folder / "lake")
    for part in (1, 0):
        some = {feed: each[::-1][part::2] for feed, each in rows.items()}
        ingest(lake, docket.deliver(folder / f"delivery-{part}", some), datetime(2030, 1, 1 + part))
    return View(lake)


def _lake(folder: Path, rows: dict[str, list[docket.Row]], until: date) -> View:
    lake = Lake(folder / "lake")
    ingest(lake, docket.deliver(folder / "delivery", rows, until=until), datetime(2030, 1, 1))
    return View(lake)


@pytest.fixture(scope="session")
def settings() -> Settings:
    """The stored settings with fewer rounds, folds and dates."""
    return replace(stored(), rounds={"employer": 100, "project": 100}, folds=2, step_days=45)


@pytest.fixture(scope="session")
def told() -> list[str]:
    """The lines that `trained` told while it was made."""
    return []


@pytest.fixture(scope="session")
def trained(
    tmp_path_factory: pytest.TempPathFactory, everything: View, settings: Settings, told: list[str]
) -> Trained:
    """Employers of the docket, trained through THROUGH."""
    folder = tmp_path_factory.mktemp("models")
    return train(everything, folder, THROUGH, "employer", settings, say=told.append)
