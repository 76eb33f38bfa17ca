"""A sequential alarm: a model's outcomes are watched as long as it is live, and a false alarm is rare over all of them.

Every month's list said of each subject how likely a case is within 30 days; lists so far apart share no outcome. Suppose
that, given the past, subjects' outcomes are independent and the odds of each are those said, times anything within a band
(0.8 to 1.25). Against that we bet. For odds beyond the band, θ > b, the likelihood ratio of θ against b,

    e = Π (q_θ/q_b)^y · ((1-q_θ)/(1-q_b))^(1-y),   q_θ = θp / (1-p+θp),

has expectation 1 at odds b and less below: whatever the true odds within the band, fixed or moving from month to month,
the wealth of a gambler who bets on θ never grows on average. Averages of such wealths do not either: over several θ, over
both sides, and over the month k in which betting began (weights 1/(k(k+1)), the rest kept in the pocket), so that years
of good months do not hide a bad one. By Ville's inequality wealth ever reaches 1/α with probability at most α: the bound
on false alarms, held by simulation in `tests/long`. Shafer, Ramdas, Vovk and Wang: Game-theoretic statistics (2022).

Subjects that fall together for a reason outside the band (one owner, many sites) break independence: then alarms are
earlier than promised, and what they say is still true.

A warning that was acted on and averted might have come true or not: whether it is a hit depends on what would have been.
Each bet takes it as what speaks against that bet, no hit for odds above the band and a hit for odds below, so that the
bound holds whichever it would have been. (Figures of observed and expected take it as a hit, `judging.matured`.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
from scipy.special import logsumexp

Floats = npt.NDArray[np.float64]

_LEAST_P = 1e-9


@dataclass(frozen=True)
class Batch:
    """What one list said (n probabilities) and what came true (n labels, 0 or 1).

    `averted`: of how many with label 0 a warning was averted, so that nobody knows.
    """

    as_of: date
    p: Floats
    y: Floats
    averted: int = 0


@dataclass(frozen=True)
class Step:
    """One month of the watch: cases seen, warnings averted, cases expected, and the wealth after it."""

    as_of: date
    observed: int
    averted: int
    expected: float
    wealth: float


@dataclass(frozen=True)
class Watch:
    """The whole watch: its months, the wealth that raises an alarm, and the first month that did."""

    steps: tuple[Step, ...]
    threshold: float
    alarmed: date | None

    @property
    def wealth(self) -> float:
        """The greatest wealth so far; 1 before anything was seen."""
        return max((step.wealth for step in self.steps), default=1.0)


def watch(batches: Sequence[Batch], alpha: float, band: tuple[float, float], odds: Sequence[float]) -> Watch:
    """Bet on batches in the order of time (their windows must not overlap) and return how it went.

    `odds` are how far beyond the band alternatives lie. ValueError if batches are out of order.
    """
    if [batch.as_of for batch in batches] != sorted({batch.as_of for batch in batches}):
        raise ValueError("batches must be in the order of their dates, one of each")
    low, high = band
    sides = ((high, [high * one for one in odds]), (low, [low / one for one in odds]))
    # The log-wealth of each (side, θ) for each month betting began: rows are starts, columns bets.
    bets = np.array([(bound, theta) for bound, thetas in sides for theta in thetas])
    wealths = np.empty((0, len(bets)))
    steps, alarmed = [], None
    for n, batch in enumerate(batches, start=1):
        gain = log_ratios(batch, bets[:, 1], bets[:, 0])
        wealths = np.vstack([wealths, np.zeros((1, len(bets)))]) + gain
        starts = np.arange(1, n + 1)
        started = logsumexp(wealths, axis=1, b=1.0 / len(bets)) - np.log(starts * (starts + 1.0))
        wealth = float(np.exp(min(logsumexp(started), 700.0))) + 1.0 / (n + 1.0)
        steps.append(Step(batch.as_of, int(batch.y.sum()), batch.averted, float(batch.p.sum()), wealth))
        if alarmed is None and wealth >= 1.0 / alpha:
            alarmed = batch.as_of
    return Watch(tuple(steps), 1.0 / alpha, alarmed)


def log_ratios(batch: Batch, thetas: Floats, bounds: Floats) -> Floats:
    """Return the log-likelihood ratio of odds `thetas` against odds `bounds` times what was said, one for each pair."""
    p = np.clip(batch.p, _LEAST_P, 1 - _LEAST_P)
    spent = np.log1p(np.outer(thetas - 1, p)) - np.log1p(np.outer(bounds - 1, p))
    hits = batch.y.sum() + np.where(thetas < bounds, batch.averted, 0)
    return np.asarray(hits * np.log(thetas / bounds) - spent.sum(axis=1), dtype=np.float64)


def apart(days: Sequence[date], gap_days: int) -> list[date]:
    """Return days at least so far apart: the first, then each first one that far after the last taken."""
    taken: list[date] = []
    for day in sorted(set(days)):
        if not taken or day >= taken[-1] + timedelta(days=gap_days):
            taken.append(day)
    return taken
