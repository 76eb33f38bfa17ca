"""Calm from day to day: who is among the first of a list changes for a real change of danger, not for a tremble.

Probabilities move a little every day, and at the two-hundredth place a little is enough to change places. So the first
places are held: whoever rose clearly since the list before and belongs there comes in at once; of those that only crept
up a few a day come in, the most dangerous first; whoever they displace is the least dangerous of those who were there. On
a list shorter than its head nobody is displaced, but whoever crept over the line waits for its turn.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from anxin.models.grades import Bands


@dataclass(frozen=True)
class Before:
    """What the list before said of one kind: its day, the place of each listed subject, the p90 of everyone scored."""

    day: date
    places: Mapping[str, int]
    p90: Mapping[str, float]

    def rise(self, subject: str, p90: float) -> float:
        """Return how many times p90 rose; without end for whoever was not scored."""
        earlier = self.p90.get(subject)
        return p90 / earlier if earlier else float("inf")


@dataclass(frozen=True)
class Calm:
    """Today's order, and who would be listed but waits."""

    order: tuple[str, ...]
    waiting: frozenset[str]


def in_order(p90: Mapping[str, float]) -> list[str]:
    """Return subjects by p90, ties by their id."""
    return sorted(p90, key=lambda subject: (-p90[subject], subject))


def turns(share: float, places: int, before: date, day: date) -> int:
    """Return how many of the places may change hands between two days without a clear rise.

    A fraction of a place a day becomes a place every few days, the same ones whatever days have lists.
    """
    rate = share * places
    return int(rate * day.toordinal()) - int(rate * before.toordinal())


def calm(
    p90: Mapping[str, float],
    before: Before | None,
    day: date,
    bands: Bands,
    exempt: Collection[str] = (),
) -> Calm:
    """Put the subjects of one kind that would be listed today in order.

    Without a list before (or with one of another model, whose p90 is another measure) the order is that of p90.
    `exempt` are listed whatever p90 says (rules): they never wait, and take no turns.
    """
    ranked = in_order(p90)
    if before is None:
        return Calm(tuple(ranked), frozenset())
    size = min(bands.head, len(ranked))
    allowed = turns(bands.share, size, before.day, day)
    if len(ranked) <= bands.head:
        return _short(ranked, p90, before, allowed, bands, exempt)
    members = [s for s in ranked if before.places.get(s, size + 1) <= size]
    outside = set(ranked) - set(members)
    due = [subject for subject in ranked[:size] if subject in outside]
    risen = [subject for subject in due if before.rise(subject, p90[subject]) >= bands.rise]
    crept = [subject for subject in ranked if subject in outside and subject not in set(risen)]
    free = max(0, size - len(members) - len(risen))
    # Beyond the places that fell free only those come in that belong among the first.
    by_turn = crept[: max(free, min(allowed, sum(subject in set(due) for subject in crept)))]
    coming = [*risen, *by_turn]
    head = set(coming) | set(members[: size - len(coming)])
    first = [subject for subject in ranked if subject in head]
    return Calm((*first, *(subject for subject in ranked if subject not in head)), frozenset())


def _short(
    ranked: Sequence[str],
    p90: Mapping[str, float],
    before: Before,
    allowed: int,
    bands: Bands,
    exempt: Collection[str],
) -> Calm:
    """Hold back, on a list shorter than its head, whoever crept over the line until it is its turn."""
    crept = [
        subject
        for subject in ranked
        if subject not in before.places
        and subject not in exempt
        and before.rise(subject, p90[subject]) < bands.rise
    ]
    waiting = frozenset(crept[allowed:])
    return Calm(tuple(subject for subject in ranked if subject not in waiting), waiting)
