"""The settings of training: those stored in `settings.yaml`, and what tuning put over them in a home."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from anxin.domain.errors import AnxinError
from anxin.domain.tables import read_yaml

STORED = "stored"
"""What the settings of a kind are called that nobody tuned."""


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
    names: Mapping[str, str] = field(default_factory=dict)
    """By kind, what tuned settings are called; a kind that is not there has the stored ones."""

    def name(self, kind: str) -> str:
        """Return what the settings of a kind are called: `stored`, or `tuned-` and a hash of their LightGBM settings."""
        return self.names.get(kind, STORED)


@cache
def stored() -> Settings:
    """Return the stored settings."""
    text = resources.files(__package__).joinpath("settings.yaml").read_text(encoding="utf-8")
    read = read_yaml(text)
    return Settings(**{**read, "rows": RowLimits(**read["rows"])})


def of_home(folder: Path) -> Settings:
    """Return the stored settings with what tuning found in a home, one `<kind>.yaml` each, over them.

    Raises AnxinError naming a file that does not fit.
    """
    settings = stored()
    for kind in settings.lightgbm:
        path = folder / f"{kind}.yaml"
        if not path.exists():
            continue
        try:
            found = yaml.safe_load(path.read_text(encoding="utf-8"))
            # Over the stored ones: what was not searched follows the release.
            parameters = {**settings.lightgbm[kind], **{str(k): v for k, v in found["lightgbm"].items()}}
        except (OSError, yaml.YAMLError, TypeError, KeyError, AttributeError) as error:
            raise AnxinError(
                f"调参结果 {path} 无法读取：{error}；请删除该文件或重新 anxin train --trials",
                f"tuned settings {path} cannot be read: {error}; delete the file, or train with --trials again",
            ) from error
        if parameters == dict(settings.lightgbm[kind]):
            continue
        digest = hashlib.sha256(json.dumps(parameters, sort_keys=True).encode()).hexdigest()[:8]
        settings = replace(
            settings,
            lightgbm={**settings.lightgbm, kind: parameters},
            names={**settings.names, kind: f"tuned-{digest}"},
        )
    return settings


def keep(folder: Path, kind: str, parameters: Mapping[str, Any], facts: Mapping[str, Any]) -> Path:
    """Write what tuning found as `<kind>.yaml`: the settings the next training takes, and how they were found."""
    head = (
        "# 由 anxin train --trials 写入，下次训练使用；删除即恢复内置设置\n"
        "# written by anxin train --trials, used by the next training; delete to go back to the built-in settings\n"
    )
    content = yaml.safe_dump({"lightgbm": dict(parameters), "tuned": dict(facts)}, sort_keys=False)
    folder.mkdir(parents=True, exist_ok=True)
    path, part = folder / f"{kind}.yaml", folder / f".{kind}.yaml.part"
    part.write_text(head + content, encoding="utf-8", newline="\n")
    part.replace(path)
    return path
