"""The rule table: named red flags, each a predicate over one feature of the catalogue."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import yaml

from anxin.models.scoring import matrix


@dataclass(frozen=True)
class Rule:
    """One red flag. It hits where the feature is known and at least, or at most, a figure."""

    name: str
    zh: str
    en: str
    feature: str
    law: str
    at_least: float | None = None
    at_most: float | None = None

    def hits(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
        """Return where the rule hits; a missing value is never a hit."""
        if self.at_least is not None:
            return np.asarray(values >= self.at_least)
        return np.asarray(values <= (np.inf if self.at_most is None else self.at_most))


@cache
def rules() -> tuple[Rule, ...]:
    """Return the rule table."""
    text = resources.files(__package__).joinpath("rules.yaml").read_text(encoding="utf-8")
    return tuple(Rule(**entry) for entry in yaml.safe_load(text))


def flags(snapshot: pa.Table) -> npt.NDArray[np.float64]:
    """Return how many rules hit each row of a snapshot."""
    values = matrix(snapshot, tuple(rule.feature for rule in rules()))
    with np.errstate(invalid="ignore"):
        hit = [rule.hits(column) for rule, column in zip(rules(), values.T, strict=True)]
    return np.asarray(np.sum(hit, axis=0), dtype=np.float64)
