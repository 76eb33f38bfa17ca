"""Random checks: drawn from those nobody warned of, each with a propensity that is written down.

They are the only look at whom the model does not suspect, and only a 双随机 plan allows them (`capacity`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np


@dataclass(frozen=True)
class Drawn:
    """A subject drawn for a random check, and the chance it had."""

    subject_id: str
    propensity: float


def draw(subjects: Sequence[str], expected: float, seed: int, day: date, place: str) -> list[Drawn]:
    """Draw about `expected` of the subjects, all with the same chance: `expected` / their number, at most 1.

    A fraction of a check is one check on that share of the days. The same seed, day and place draw the same.
    """
    everyone = sorted(set(subjects))
    if not everyone or expected <= 0:
        return []
    chance = min(1.0, expected / len(everyone))
    mixed = hashlib.sha256(f"{seed}/{day.isoformat()}/{place}".encode()).digest()
    rng = np.random.default_rng(list(mixed))
    whole = chance * len(everyone)
    count = int(whole) + int(rng.random() < whole - int(whole))
    chosen = rng.choice(len(everyone), size=count, replace=False)
    return [Drawn(everyone[place], chance) for place in sorted(chosen.tolist())]
