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
from anxin.serving.home import Home


@dataclass(frozen=True)
class Installation:
    """An Anxin home that the command line is used on."""

    root: Path

    @property
    def home(self) -> Home:
        return Home(self.root)

    def ledger(self) -> Ledger:
        return Ledger.open(self.home.ledger_url)

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
