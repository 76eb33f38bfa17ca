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
        before = after(day, today, everyone)
    return told


def after(day: date, today: Calm, everyone: dict[str, float]) -> Before:
    """What the next list reads of this one."""
    places = {subject: place for place, subject in enumerate(today.order, start=1)}
    return Before(day, places, everyone, today.lowest, today.owed)


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
        crept = {s for s in head - was if not before.rose(s, everyone[s], SMALL)}
        # Only those who stood on the list already move up into places that fall free.
        behind = {s for s, place in before.places.items() if place > size} & set(today.order)
        left = min(len(was - set(today.order)), len(behind))
        assert len(crept) <= max(turns(SMALL.share, size, before.day, before.day + timedelta(days=1)), left)
        due = set(in_order({s: everyone[s] for s in listed})[:size])
        assert all(s in head for s in due if before.rise(s, everyone[s]) > 2)
        assert all(everyone[s] <= 2 * today.lowest[s] for s in due - head)


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


def test_what_places_that_fell_free_took_beyond_their_turns_is_made_up_for() -> None:
    """Three of the first twenty leave, where one place a day may change hands: two days have none, then turns go on."""
    start = {f"S{i:02d}": 0.5 - 0.01 * i for i in range(30)}
    before = Before(DAY, {subject: place + 1 for place, subject in enumerate(in_order(start))}, start)
    now = {s: p * 1.2 if place >= 20 else p for place, (s, p) in enumerate(start.items()) if place > 2}
    owed, came, order = [], [], set(list(start)[:20])
    for number in range(1, 6):
        day = DAY + timedelta(days=number)
        today = calm(now, before, day, SMALL)
        owed.append(today.owed)
        came.append(len(set(today.order[:20]) - order))
        before, order = after(day, today, now), set(today.order[:20])
        now = {s: p * (0.99 if s in order else 1.08) for s, p in now.items()}
    assert owed == [2, 1, 0, -1, -1]
    assert came == [3, 0, 0, 0, 1]


def test_what_was_saved_is_there_for_the_day_on_which_many_leave() -> None:
    start = {f"S{i:02d}": 0.5 - 0.01 * i for i in range(30)}
    everyone = {subject: place + 1 for place, subject in enumerate(in_order(start))}
    gone = {s: p for place, (s, p) in enumerate(start.items()) if place > 2}
    for saved, owed in ((0, 2), (3, -1), (7, -5)):
        assert (
            calm(gone, Before(DAY, everyone, start, {}, -saved), DAY + timedelta(days=1), SMALL).owed == owed
        )
    nobody_left = calm(start, Before(DAY, everyone, start, {}, -7), DAY + timedelta(days=1), SMALL)
    assert nobody_left.owed == -7


@pytest.mark.parametrize("exempt", [False, True])
def test_over_the_days_no_more_places_change_hands_than_configured(exempt: bool) -> None:
    """Now and then eight leave the first 200 at once, fewer than places that may change hands: turns must give way."""
    limits, rng = bands(), np.random.default_rng(4)
    found = series(7, 8000, 60, 0.03, 0.002)
    lasting = set.intersection(*(set(one) for one in found))
    before, crept, days = None, 0, 0
    for number, everyone in enumerate(found):
        day = DAY + timedelta(days=number)
        listed = {s: p for s, p in everyone.items() if p >= 0.15 and s in lasting}
        if before is not None and number % 9 == 0:
            gone = set(
                rng.choice(
                    [s for s, place in before.places.items() if place <= limits.head], 8, replace=False
                )
            )
            listed = {s: p for s, p in listed.items() if s not in gone}
        today = calm(listed, before, day, limits, set(listed) if exempt else ())
        if before is not None:
            was = {s for s, place in before.places.items() if place <= limits.head}
            crept += sum(
                not before.rose(s, everyone[s], limits) for s in set(today.order[: limits.head]) - was
            )
            days += 1
        before = after(day, today, everyone)
    # What the last days owe is not made up for yet.
    assert 0 < crept <= limits.share * limits.head * days + today.owed


def test_those_left_waiting_come_in_by_and_by_the_most_dangerous_first() -> None:
    start = {f"S{i:02d}": 0.5 - 0.01 * i for i in range(30)}
    before = Before(DAY, {subject: place + 1 for place, subject in enumerate(in_order(start))}, start)
    now = {subject: p * (1.2 if place >= 25 else 0.4) for place, (subject, p) in enumerate(start.items())}
    order, came = list(before.places), []
    for number in range(1, 13):
        day = DAY + timedelta(days=number)
        today = calm(now, before, day, SMALL)
        came.append(sorted(set(today.order[:20]) - set(order[:20])))
        order = list(today.order)
        before = after(day, today, now)
    assert [each for each in came if each] == [["S25"], ["S26"], ["S27"], ["S28"], ["S29"]]
    # Half of the place a day is kept for those that fall free.
    assert sum(bool(each) for each in came[:6]) == 3


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


@pytest.mark.parametrize(("listed", "creeping", "start"), [(60, 12, 0.049), (240, 60, 0.099)])
@pytest.mark.parametrize("gap", [1, 3])
def test_whoever_creeps_up_for_long_comes_in_before_it_doubled(
    listed: int, creeping: int, start: float, gap: int
) -> None:
    limits = bands()
    # A short list, and one whose last place among the first has p90 0.1: either is crept over by 5 % a day.
    held = {f"L{i:03d}": 0.3 - 0.001 * i for i in range(listed)}
    everyone = held | {f"C{i:02d}": start for i in range(creeping)}
    shown = {s: p for s, p in everyone.items() if p >= 0.05}
    before = after(DAY, calm(shown, None, DAY, limits), everyone)
    first: dict[str, float] = {}
    waited = 0
    for number in range(gap, 31, gap):
        day = DAY + timedelta(days=number)
        everyone = held | {f"C{i:02d}": start * 1.05**number for i in range(creeping)}
        shown = {s: p for s, p in everyone.items() if p >= 0.05}
        today = calm(shown, before, day, limits)
        size = min(limits.head, len(shown))
        waits = [s for s in in_order(shown)[:size] if s not in today.order[:size]]
        waited += len(waits)
        for subject in waits:
            first.setdefault(subject, before.p90[subject])
            assert everyone[subject] <= 2 * first[subject]
        crept = {s for s in today.order[:size] if not before.rose(s, everyone[s], limits)}
        new = crept - {s for s, place in before.places.items() if place <= size}
        assert len(new) <= turns(limits.share, size, before.day, day)
        before = after(day, today, everyone)
    assert waited
    assert not waits


def test_nobody_waits_who_must_not_however_little_it_rose() -> None:
    held = {f"L{i:02d}": 0.5 for i in range(40)}
    before = after(DAY, calm(held, None, DAY, bands()), held | {"A": 0.079, "B": 0.079})
    found = calm(held | {"A": 0.081, "B": 0.0795}, before, DAY + timedelta(days=1), bands(), {"A"})
    assert "A" in found.order
    assert found.waiting == {"B"}


def test_a_list_that_fills_up_lets_those_who_wait_in_by_turns_too() -> None:
    held = {f"L{i:03d}": 0.5 for i in range(195)}
    waiting = {f"W{i:02d}": 0.051 for i in range(12)}
    before = after(DAY, calm(held, None, DAY, bands()), held | dict.fromkeys(waiting, 0.049))
    sizes = []
    for number in range(1, 7):
        day = DAY + timedelta(days=number)
        today = calm(held | waiting, before, day, bands())
        sizes.append(len(today.order))
        before = after(day, today, held | waiting)
    # One place a day, until the head is full: whoever stands behind it displaces nobody.
    assert sizes == [196, 197, 198, 199, 207, 207]


def test_places_that_fall_free_go_to_those_behind_and_not_to_newcomers() -> None:
    start = {f"S{i:02d}": 0.5 - 0.01 * i for i in range(24)}
    before = after(DAY, calm(start, None, DAY, SMALL), start | {"N1": 0.049, "N2": 0.049})
    now = {s: p for s, p in start.items() if s not in ("S00", "S01", "S02", "S03", "S04", "S05")}
    found = calm(now | {"N1": 0.051, "N2": 0.05}, before, DAY + timedelta(days=1), SMALL)
    assert set(found.order) == {*now, "N1"}
    assert found.waiting == {"N2"}


@pytest.mark.parametrize("places", [7, 60, 200])
def test_turns_add_up_over_any_days(places: int) -> None:
    ends = [DAY + timedelta(days=d) for d in (0, 1, 2, 9, 30, 200)]
    parts = [turns(0.005, places, a, b) for a, b in pairwise(ends)]
    assert sum(parts) == turns(0.005, places, ends[0], ends[-1])
    assert abs(sum(parts) - 0.005 * places * 200) <= 1
