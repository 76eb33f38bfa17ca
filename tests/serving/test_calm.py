"""The first of a list stay calm from day to day, and nobody whose danger really rose waits."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anxin.models.grades import Bands, bands
from anxin.serving.calm import Before, Calm, calm, in_order, turns

DAY = date(2026, 3, 2)
SMALL = Bands(leave=0.9, head=20, rise=1.25, share=0.05)


def series(seed: int, subjects: int, days: int, tremble: float, jumps: float) -> list[dict[str, float]]:
    """Return p90 by day: everyone trembles, some jump up or fall, some come and go."""
    rng = np.random.default_rng(seed)
    logs = rng.normal(-2, 1, subjects)
    found = []
    for _ in range(days):
        logs = (
            logs
            + rng.normal(0, tremble, subjects)
            + (rng.random(subjects) < jumps) * rng.normal(0, 1.2, subjects)
        )
        there = rng.random(subjects) < 0.97
        found.append({f"S{i:04d}": float(min(0.99, np.exp(logs[i]))) for i in np.flatnonzero(there)})
    return found


def days_of(
    found: list[dict[str, float]], line: float, limits: Bands
) -> list[tuple[dict[str, float], Before | None, Calm]]:
    before, told = None, []
    for number, everyone in enumerate(found):
        day = DAY + timedelta(days=number)
        listed = {subject: p for subject, p in everyone.items() if p >= line}
        today = calm(listed, before, day, limits)
        told.append((everyone, before, today))
        before = Before(day, {subject: place + 1 for place, subject in enumerate(today.order)}, everyone)
    return told


@given(st.integers(0, 10_000), st.sampled_from([0.01, 0.05, 0.2]), st.sampled_from([0.0, 0.01, 0.1]))
def test_few_creep_in_and_nobody_who_doubled_waits(seed: int, tremble: float, jumps: float) -> None:
    for everyone, before, today in days_of(series(seed, 120, 12, tremble, jumps), 0.12, SMALL):
        listed = set(today.order) | today.waiting
        assert len(today.order) == len(set(today.order))
        assert listed == {subject for subject, p in everyone.items() if p >= 0.12}
        if before is None:
            continue
        size = min(SMALL.head, len(listed))
        head = set(today.order[:size])
        was = {subject for subject, place in before.places.items() if place <= size}
        crept = {s for s in head - was if before.rise(s, everyone[s]) < SMALL.rise}
        left = len(was - set(today.order))
        assert len(crept) <= turns(SMALL.share, size, before.day, before.day + timedelta(days=1)) + left
        due = set(in_order({s: everyone[s] for s in listed})[:size])
        assert all(s in head for s in due if before.rise(s, everyone[s]) > 2)


def test_a_tremble_changes_almost_nobody_among_the_first_two_hundred() -> None:
    limits = bands()
    entered, crept = [], []
    for everyone, before, today in days_of(series(5, 3000, 30, 0.03, 0.002), 0.15, limits):
        if before is None:
            continue
        head = set(today.order[: limits.head])
        was = {s for s, place in before.places.items() if place <= limits.head}
        new = [s for s in head - was if before.p90.get(s)]
        gone = len([s for s in was if s not in everyone])
        entered.append(len(new))
        crept.append(sum(before.rise(s, everyone[s]) < limits.rise for s in new) - gone)
    assert max(crept) <= limits.share * limits.head
    assert sum(entered) > 0


def test_those_left_waiting_come_in_by_and_by_the_most_dangerous_first() -> None:
    start = {f"S{i:02d}": 0.5 - 0.01 * i for i in range(30)}
    before = Before(DAY, {subject: place + 1 for place, subject in enumerate(in_order(start))}, start)
    now = {subject: p * (1.2 if place >= 25 else 0.4) for place, (subject, p) in enumerate(start.items())}
    order = list(before.places)
    for number in range(1, 7):
        day = DAY + timedelta(days=number)
        today = calm(now, before, day, SMALL)
        came = set(today.order[:20]) - set(order[:20])
        assert came == ({f"S{24 + number}"} if number <= 5 else set())
        order = list(today.order)
        before = Before(day, {subject: place + 1 for place, subject in enumerate(order)}, now)


def test_without_a_list_before_the_order_is_that_of_danger() -> None:
    p90 = {"B": 0.2, "A": 0.2, "C": 0.9}
    assert calm(p90, None, DAY, SMALL).order == ("C", "A", "B")


def test_on_a_short_list_who_crept_over_the_line_waits_and_rules_do_not() -> None:
    before = Before(DAY, {"A": 1}, {"A": 0.4, "B": 0.049, "C": 0.049, "D": 0.01})
    found = calm(
        {"A": 0.4, "B": 0.051, "C": 0.05, "D": 0.3, "E": 0.06}, before, DAY + timedelta(days=1), SMALL, {"C"}
    )
    assert found.waiting <= {"B"}
    assert {"A", "C", "D", "E"} <= set(found.order)


@pytest.mark.parametrize("places", [7, 60, 200])
def test_turns_add_up_over_any_days(places: int) -> None:
    ends = [DAY + timedelta(days=d) for d in (0, 1, 2, 9, 30, 200)]
    parts = [turns(0.005, places, a, b) for a, b in pairwise(ends)]
    assert sum(parts) == turns(0.005, places, ends[0], ends[-1])
    assert abs(sum(parts) - 0.005 * places * 200) <= 1
