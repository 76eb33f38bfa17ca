"""Random checks: drawn from those nobody warned of, each with a propensity that is written down.

They are the only look at whom the model does not suspect, and only a 双随机 plan allows them (`capacity`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np


@dataclass(frozen=True)
class Drawn:
    """A subject drawn for a random check, and the chance it had."""

    subject_id: str
    propensity: float


def draw(pool: Mapping[str, Sequence[str]], expected: float, seed: int, day: date, place: str) -> list[Drawn]:
    """Draw about `expected` of the units of a pool, and of each one of its subjects.

    All units have the same chance, `expected` / their number, at most 1; so have the subjects of one unit among each
    other. A fraction of a check is one check on that share of the days. The same seed, day and place draw the same.
    """
    units = sorted(pool)
    if not units or expected <= 0:
        return []
    chance = min(1.0, expected / len(units))
    mixed = hashlib.sha256(f"{seed}/{day.isoformat()}/{place}".encode()).digest()
    rng = np.random.default_rng(list(mixed))
    whole = chance * len(units)
    count = int(whole) + int(rng.random() < whole - int(whole))
    chosen = rng.choice(len(units), size=count, replace=False)
    found = []
    for number in sorted(chosen.tolist()):
        own = sorted(pool[units[number]])
        found.append(Drawn(own[int(rng.integers(len(own)))], chance / len(own)))
    return found
