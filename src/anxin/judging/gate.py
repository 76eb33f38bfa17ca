"""What a gate says: passed, failed or not known, in words and figures; and the bounds all gates read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from importlib import resources
from typing import Any, Literal

import numpy as np

from anxin.domain.tables import read_yaml

State = Literal["passed", "failed", "unknown"]

_DECIMALS = 6


@dataclass(frozen=True)
class Gate:
    """One gate's answer, in words, and its figures as they go into the ledger."""

    name: str
    state: State
    zh: str
    en: str
    figures: Mapping[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return the gate as plain data."""
        return asdict(self)


NAMES: Mapping[str, tuple[str, str]] = {
    "worth": ("不劣于在用模型", "not worse than the champion"),
    "calibrated": ("概率校准", "calibrated"),
    "promises": ("等级承诺", "keeps its promises"),
    "fair": ("公平", "fair"),
    "calm": ("名单平稳", "does not shake the list"),
}


@cache
def bounds() -> Mapping[str, Any]:
    """Return the bounds of `gates.yaml`."""
    text = resources.files(__package__).joinpath("gates.yaml").read_text(encoding="utf-8")
    read: Mapping[str, Any] = read_yaml(text)
    return read


def gate(name: str, state: State, said: Sequence[tuple[str, str]], figures: Mapping[str, Any]) -> Gate:
    """Return a gate with what is said of it in Chinese and English, put together."""
    zh, en = "；".join(one for one, _ in said), "; ".join(one for _, one in said)
    return Gate(name, state, zh, en, figures)


def rounded(figures: dict[str, Any]) -> dict[str, Any]:
    """Return figures as JSON has them: plain numbers, those that are none as null."""
    found: dict[str, Any] = {}
    for name, value in figures.items():
        if isinstance(value, float | np.floating):
            found[name] = round(float(value), _DECIMALS) if np.isfinite(value) else None
        else:
            found[name] = value
    return found
