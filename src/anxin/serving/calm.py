"""Calm from day to day: who is among the first of a list changes for a real change of danger, not for a tremble.

Probabilities move a little every day, and at the two-hundredth place a little is enough to change places. So the first
places are held: whoever rose clearly since the list before and belongs there comes in at once; of those that only crept
up a few a day come in, the most dangerous first; whoever they displace is the least dangerous of those who were there. On
a list shorter than its head nobody is displaced, but whoever crept over the line waits for its turn.

Waiting ends: p90 is held against its lowest since the subject first waited, however many lists ago, and whoever more than
doubled since then comes in at once. What was lowest goes from list to list (`waiting.parquet`).

Places of the head that fall free are filled by those who already stand behind it, whether they rose or not: ranks have no
gaps, and whoever is listed is not taken off. Whoever would be new on the list does not fill them, but waits.

Both count towards the share of places that may change hands a day. Where places are all taken, half of it is given by
turns; the other half is for places that fall free. What they do not need is saved for days on which many do; what they
take beyond is owed, and no turns are given until it is made up for. Either is at most a week's.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from anxin.models.grades import Bands

_BY_TURN = 0.5
"""What part of the places that may change hands is given by turns, on a list longer than its head."""

_OWED_DAYS = 7
"""Days whose places can be owed or saved: after a day on which many left, who creeps up does not wait for months."""

MOST_WAITED = 2.0
"""Whoever rose more than so many times since it first waited waits no longer."""


@dataclass(frozen=True)
class Before:
    """What the list before said of one kind: its day, the place of each listed subject, the p90 of everyone scored.

    `lowest` is the lowest p90 of each subject that waited, since it first did.
    """

    day: date
    places: Mapping[str, int]
    p90: Mapping[str, float]
    lowest: Mapping[str, float] = field(default_factory=dict)
    owed: int = 0
    """Places that changed hands beyond what may and are not made up for; below 0 those that are saved."""

    def rise(self, subject: str, p90: float) -> float:
        """Return how many times p90 rose; without end for whoever was not scored."""
        earlier = self.p90.get(subject)
        return p90 / earlier if earlier else float("inf")

    def rose(self, subject: str, p90: float, bands: Bands) -> bool:
        """Say whether a subject rose clearly: since the list before, or by much since it first waited."""
        lowest = self.lowest.get(subject)
        waited = lowest is not None and p90 > MOST_WAITED * lowest
        return waited or self.rise(subject, p90) >= bands.rise


@dataclass(frozen=True)
class Calm:
    """Today's order, who would be listed but waits, and what `Before` holds of those that wait for a place.

    `lowest` also has those who are listed, but behind the first places; `owed` is what the next list is to make up for.
    """

    order: tuple[str, ...]
    waiting: frozenset[str]
    lowest: Mapping[str, float] = field(default_factory=dict)
    owed: int = 0


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
    `exempt` are listed whatever p90 says (rules, grades that must not wait): they are never held back from the list. A
    place among the first of a longer list is a turn for them as for all others.
    """
    ranked = in_order(p90)
    if before is None:
        return Calm(tuple(ranked), frozenset())
    rose = {subject for subject in ranked if before.rose(subject, p90[subject], bands)}
    places = min(bands.head, len(ranked))
    given = turns(bands.share, places, before.day, day)
    left = max(0, given - before.owed)
    waiting = _held_back(ranked, before, rose | set(exempt), given, left, bands.head)
    listed = [subject for subject in ranked if subject not in waiting]
    by_turn = min(left, turns(bands.share * _BY_TURN, places, before.day, day))
    head = _head(listed, before, rose, by_turn, bands.head)
    order = [subject for subject in listed if subject in head]
    order += [subject for subject in listed if subject not in head]
    due = waiting | set(listed[: bands.head])
    lowest = {
        subject: min(p90[subject], before.lowest.get(subject, before.p90.get(subject, p90[subject])))
        for subject in ranked
        if subject not in head and (subject in due or subject in before.lowest)
    }
    moved_up = {s for s in head if before.places.get(s, bands.head + 1) > bands.head} - rose
    # Where nobody can be displaced, who is exempt takes nobody's place.
    taken = len(moved_up if len(listed) > bands.head else moved_up - set(exempt))
    most = math.ceil(round(_OWED_DAYS * bands.share * places, 9))
    return Calm(tuple(order), waiting, lowest, min(most, max(-most, before.owed + taken - given)))


def _held_back(
    ranked: Sequence[str], before: Before, at_once: Collection[str], given: int, allowed: int, head: int
) -> frozenset[str]:
    """Hold back, on a list that does not fill its head, whoever crept over the line until it is its turn.

    Who finds room in the turns `given` displaces nobody; `allowed` are those that are not owed.
    """
    crept = [subject for subject in ranked if subject not in before.places and subject not in at_once]
    room = head - (len(ranked) - len(crept))
    return frozenset(crept[allowed:]) if room > given else frozenset()


def _head(
    listed: Sequence[str], before: Before, rose: Collection[str], allowed: int, size: int
) -> Collection[str]:
    """Return who is among the first `size` today."""
    if len(listed) <= size:
        return set(listed)
    members = [subject for subject in listed if before.places.get(subject, size + 1) <= size]
    outside = set(listed) - set(members)
    due = [subject for subject in listed[:size] if subject in outside]
    risen = [subject for subject in due if subject in rose]
    others = outside - set(risen)
    crept = [subject for subject in listed if subject in others]
    free = max(0, size - len(members) - len(risen))
    # Beyond the places that fell free only those come in that belong among the first.
    by_turn = crept[: max(free, min(allowed, len(due) - len(risen)))]
    coming = [*risen, *by_turn]
    return {*coming, *members[: size - len(coming)]}
