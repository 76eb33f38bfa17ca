"""Runs `anxin` in this process: the same verbs, arguments and output as on the command line, without its start."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from anxin.cli import app
from anxin.ledger import Ledger
from anxin.ledger.published import of
from anxin.serving.home import Home

CITY_DAY = date(2026, 2, 1)
"""The day the simulated city is trained through and scored; it goes on for five months."""


@dataclass(frozen=True)
class Installation:
    """An Anxin home that the command line is used on."""

    root: Path

    @property
    def home(self) -> Home:
        return Home(self.root)

    def ledger(self) -> Ledger:
        return Ledger.open(self.home.ledger_url)

    def published(self, day: date) -> Path:
        """Return the folder of the list of a day."""
        with self.ledger() as ledger:
            entry = of(ledger, day)
        assert entry is not None
        return self.root / entry.folder

    def anxin(self, *words: str | date | Path) -> bytes:
        """Run one verb and return what it wrote to standard output; whatever it raises is raised."""
        env: Mapping[str, str | None] = {
            "ANXIN_HOME": str(self.root),
            "ANXIN_LEDGER_URL": None,
            "MLFLOW_TRACKING_URI": None,
        }
        done = CliRunner().invoke(app, [str(word) for word in words], env=env)
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert done.exit_code == 0, done.output
        return done.stdout_bytes

    def json(self, *words: str | date | Path) -> Any:
        """Run a verb with `--json` and return what it said."""
        return json.loads(self.anxin(*words, "--json"))


@dataclass(frozen=True)
class City(Installation):
    """The home of a simulated city, and its delivery with the truth beside it."""

    delivery: Path


@dataclass(frozen=True)
class Centre(Installation):
    """The home of a centre with three feeds, and the rows it was sent."""

    rows: Mapping[str, list[dict[str, Any]]]
