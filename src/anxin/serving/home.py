"""Where an installation keeps its things: one folder, movable, never shared with another home's champion."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from anxin.feeds.engine import DUCKDB

if TYPE_CHECKING:
    from anxin.feeds.asof import View


@dataclass(frozen=True)
class Home:
    """The folder an installation lives in.

    >>> Home(Path("city")).lists.as_posix()
    'city/var/lists'
    """

    root: Path
    engine: str = DUCKDB
    """What computes snapshots: `duckdb` in process, or `spark://host:port`."""

    @classmethod
    def find(cls, engine: str | None = None) -> Home:
        """Return the home named by ``$ANXIN_HOME``, or the folder the command was started in.

        Without an `engine` it is the one ``$ANXIN_ENGINE`` names.
        """
        root = Path(os.environ.get("ANXIN_HOME") or Path.cwd()).resolve()
        return cls(root, engine or os.environ.get("ANXIN_ENGINE") or DUCKDB)

    @property
    def var(self) -> Path:
        """What the installation makes, beside the MLflow store."""
        return self.root / "var"

    @property
    def lake(self) -> Path:
        """Every row ever received."""
        return self.var / "lake"

    def view(self, commit: int | None = None) -> View:
        """Return the lake as it is now (or at a commit), read by this home's engine; AnxinError if that does not answer.

        DuckDB spills under `var`, nowhere else.
        """
        from anxin.feeds.asof import View, backend_of
        from anxin.feeds.engine import Engine
        from anxin.feeds.lake import Lake

        limits = Engine(spill=self.var / "spill")
        return View(Lake(self.lake, commit), backend_of(self.engine, limits))

    @property
    def snapshots(self) -> Path:
        """Feature snapshots kept for replay."""
        return self.var / "snapshots"

    @property
    def lists(self) -> Path:
        """Published lists, ``<D>/<list_id>/``."""
        return self.var / "lists"

    @property
    def models(self) -> Path:
        """Saved models, one folder per model id."""
        return self.var / "models"

    @property
    def settings(self) -> Path:
        """What tuning found: settings of training, one file per kind, over the stored ones."""
        return self.var / "settings"

    @property
    def ledger_url(self) -> str:
        """``$ANXIN_LEDGER_URL``, or the SQLite file of this home."""
        return os.environ.get("ANXIN_LEDGER_URL") or f"sqlite:///{self.var / 'ledger.db'}"

    @property
    def mlruns(self) -> Path:
        """MLflow's database and artifacts (``MLFLOW_TRACKING_URI`` wins over it where MLflow is opened)."""
        return self.root / "mlruns"
