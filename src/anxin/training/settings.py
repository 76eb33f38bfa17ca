"""The stored settings of training, read from `settings.yaml`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import yaml


@dataclass(frozen=True)
class RowLimits:
    """How many stacked rows a fit gets: so many per positive, within bounds. More negatives add time, not knowledge."""

    per_positive: int
    least: int
    most: int

    def of(self, positives: int) -> int:
        """Return the most rows for a number of positives."""
        return min(self.most, max(self.least, self.per_positive * positives))


@dataclass(frozen=True)
class Settings:
    """What `anxin train` uses unless told otherwise; `settings.yaml` says why."""

    step_days: int
    history_days: int
    fold_days: int
    folds: int
    calibration_prior: float
    rows: RowLimits
    lightgbm: Mapping[str, Mapping[str, Any]]
    rounds: Mapping[str, int]
    seed: int


@cache
def stored() -> Settings:
    """Return the stored settings."""
    text = resources.files(__package__).joinpath("settings.yaml").read_text(encoding="utf-8")
    read = yaml.safe_load(text)
    return Settings(**{**read, "rows": RowLimits(**read["rows"])})
