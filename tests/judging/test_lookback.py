"""回头看 against its plain meaning: every event, every list, one by one."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from datetime import date, datetime, timedelta
from datetime import time as clock
from typing import Any

import numpy as np
import pandas as pd
import pytest

from anxin.feeds.asof import View
from anxin.judging.lookback import FEWEST_EVENTS, days_needed, events, matched, tallies, tally
from anxin.judging.registered import registered

Row = dict[str, Any]
START = date(2025, 1, 1)


def _event(number: int, subject: str | None, day: date) -> Row:
    row = {"event": "case", "event_id": f"C{number}", "day": day, "kind": subject and "employer"}
    return row | {"subject_id": subject, "workers": 3.0, "outcome": "verified", "counts": True}


def _listing(subject: str, day: date, since: date, grade: int, in_hand: bool) -> Row:
    row = {"kind": "employer", "subject_id": subject, "day": day, "grade": grade, "since": since}
    return row | {"warning_id": f"W{since}-{subject}", "in_hand": in_hand, "put_by": "model"}


def _world(seed: int) -> tuple[list[Row], list[Row], list[date]]:
    """Return events, rows of lists and days with a list; warnings begin, go on, end and begin again."""
    rng = random.Random(seed)
    days = sorted(rng.sample([START + timedelta(i) for i in range(300)], 25))
    listed = []
    for subject in "ABCDE":
        since: date | None = None
        for day in days:
            if since is None and rng.random() < 0.15:
                since = day
            elif since is not None and rng.random() < 0.3:
                since = None
            if since is not None:
                listed.append(_listing(subject, day, since, rng.randint(1, 4), rng.random() < 0.5))
    happened = [
        _event(i, rng.choice([*"ABCDEZ", None]), START + timedelta(rng.randint(-40, 420))) for i in range(80)
    ]
    return happened, listed, days


def _on_time(days: list[date]) -> dict[date, date]:
    return {day: day for day in days}


def _frame(rows: list[Row], *dates: str) -> pd.DataFrame:
    table = pd.DataFrame(rows)
    for name in dates:
        table[name] = pd.to_datetime(table[name]).astype("datetime64[s]")
    return table


@pytest.mark.parametrize("seed", range(5))
def test_every_event_is_what_the_lists_before_and_after_it_say(seed: int) -> None:
    happened, listed, days = _world(seed)
    found = matched(_frame(happened, "day"), _frame(listed), _on_time(days))
    assert list(found["event_id"]) == [event["event_id"] for event in happened]
    met = set()
    for event, row in zip(happened, found.to_dict("records"), strict=True):
        day, mine = event["day"], [r for r in listed if r["subject_id"] == event["subject_id"]]
        before = [r for r in mine if 0 <= (day - r["day"]).days < 90]
        after = [r["day"] for r in mine if 0 < (r["day"] - day).days <= 90]
        lists = [d for d in days if 0 <= (day - d).days < 90]
        met.add(row["status"])
        assert (row["list_day"].date() if lists else None) == max(lists, default=None)
        if event["subject_id"] is None:
            assert row["status"] == "unnamed"
        elif before:
            last = max(before, key=lambda r: r["day"])
            warning = [r for r in mine if r["warning_id"] == last["warning_id"] and r["day"] <= last["day"]]
            assert row["status"] == "warned"
            assert (row["grade"], row["warning_id"]) == (last["grade"], last["warning_id"])
            assert row["highest"] == max(r["grade"] for r in warning)
            assert row["days_before"] == (day - last["since"]).days
            assert row["was_new"] == (not min(warning, key=lambda r: r["day"])["in_hand"])
            assert row["still_listed"] == (last["day"] == max(lists))
        elif not lists:
            assert row["status"] == "no_list"
        elif after:
            assert (row["status"], row["days_late"]) == ("late", (min(after) - day).days)
        else:
            assert row["status"] == "missed"
    assert {"warned", "missed", "no_list", "unnamed"} <= met


@pytest.mark.parametrize("seed", range(8))
def test_a_list_warns_from_the_day_it_was_published(seed: int) -> None:
    happened, listed, days = _world(seed)
    rng = random.Random(100 + seed)
    published = {day: day + timedelta(rng.choice([-1, 0, 0, 5, 40, 400])) for day in days}
    told = {day: max(day, on) for day, on in published.items()}
    found = matched(_frame(happened, "day"), _frame(listed), published)
    met = set()
    for event, row in zip(happened, found.to_dict("records"), strict=True):
        day, mine = event["day"], [r for r in listed if r["subject_id"] == event["subject_id"]]
        before = [r for r in mine if told[r["day"]] <= day and (day - r["day"]).days < 90]
        after = [told[r["day"]] for r in mine if 0 < (told[r["day"]] - day).days <= 90]
        lists = [d for d in days if told[d] <= day and (day - d).days < 90]
        assert (row["list_day"].date() if lists else None) == max(lists, default=None)
        if event["subject_id"] is None:
            assert row["status"] == "unnamed"
            continue
        expected = "warned" if before else "no_list" if not lists else "late" if after else "missed"
        assert row["status"] == expected
        met.add(expected)
        if expected == "late":
            assert row["days_late"] == (min(after) - day).days
        if expected == "warned":
            last = max(before, key=lambda r: r["day"])
            warning = [r for r in mine if r["warning_id"] == last["warning_id"]]
            first = min(warning, key=lambda r: (told[r["day"]], r["day"]))
            order = (told[last["day"]], last["day"])
            with_it = [r for r in warning if (told[r["day"]], r["day"]) <= order]
            assert (row["warning_id"], row["grade"]) == (last["warning_id"], last["grade"])
            assert row["warned_on"].date() == told[first["day"]] <= day
            assert row["days_before"] == (day - told[first["day"]]).days
            assert row["was_new"] == (not first["in_hand"])
            assert row["highest"] == max(r["grade"] for r in with_it)
            assert row["still_listed"] == (last["day"] == max(lists))
    assert {"warned", "no_list"} <= met


def test_lists_of_winter_published_in_june_warned_nobody_in_spring() -> None:
    days = [START + timedelta(7 * i) for i in range(15)]
    rows = [_listing("A", day, days[0], 3, False) for day in days]
    spring = _frame([_event(1, "A", START + timedelta(60)), _event(2, "A", START + timedelta(160))], "day")
    june = START + timedelta(151)
    found = matched(spring, _frame(rows), dict.fromkeys(days, june))
    assert list(found["status"]) == ["no_list", "warned"]
    assert found["days_before"][1] == 9
    assert found["warned_on"][1].date() == june
    assert list(matched(spring, _frame(rows), _on_time(days))["status"]) == ["warned", "warned"]


def test_a_list_of_the_same_morning_warned_and_one_of_the_next_did_not() -> None:
    day = START + timedelta(50)
    rows = [
        _listing("A", day, day, 2, False),
        _listing("B", day + timedelta(1), day + timedelta(1), 2, False),
    ]
    found = matched(
        _frame([_event(1, "A", day), _event(2, "B", day)], "day"),
        _frame(rows),
        _on_time([day, day + timedelta(1)]),
    )
    assert list(found["status"]) == ["warned", "late"]
    assert list(found["days_before"][:1]) == [0]
    assert list(found["days_late"][1:]) == [1]


def test_without_any_list_nobody_could_be_warned_and_without_events_nothing_is_said() -> None:
    day = START + timedelta(50)
    nothing = pd.DataFrame({name: pd.Series(dtype=object) for name in _listing("A", day, day, 2, False)})
    found = matched(_frame([_event(1, "A", day), _event(2, None, day)], "day"), nothing, {})
    assert list(found["status"]) == ["no_list", "unnamed"]
    none = _frame([_event(1, "A", day)], "day").iloc[:0]
    empty = matched(none, _frame([_listing("A", day, day, 2, False)]), {day: day})
    assert len(empty) == 0
    assert tally("all", empty).share_warned is None
    assert tallies(empty.assign(district="x"), "district") == []


def test_lists_that_can_bear_on_a_period_reach_from_the_horizon_before_to_the_horizon_after() -> None:
    first, last = days_needed(date(2025, 6, 1), date(2025, 6, 30))
    assert (date(2025, 6, 1) - first).days == 89
    assert (last - date(2025, 6, 30)).days == 90


def test_a_hundred_thousand_events_are_matched_in_seconds() -> None:
    rng = np.random.default_rng(0)
    n, lists = 100_000, 150
    happened = pd.DataFrame(
        {
            "event": "case",
            "event_id": np.arange(n).astype(str),
            "day": pd.Timestamp(START) + pd.to_timedelta(rng.integers(0, 365, n), unit="D"),
            "kind": "employer",
            "subject_id": np.char.add("S", rng.integers(0, 50_000, n).astype(str)).astype(object),
            "counts": True,
        }
    )
    happened["day"] = happened["day"].astype("datetime64[s]")
    days = [START + timedelta(int(d)) for d in range(0, 2 * lists, 2)]
    listed = pd.DataFrame(
        {
            "kind": "employer",
            "subject_id": np.tile(np.char.add("S", np.arange(1000).astype(str)).astype(object), lists),
            "day": np.repeat(days, 1000),
            "grade": rng.integers(1, 5, 1000 * lists),
            "since": START,
            "in_hand": False,
            "put_by": "model",
        }
    )
    listed["warning_id"] = listed["subject_id"]
    began = time.process_time()
    found = matched(happened, listed, _on_time(days))
    assert time.process_time() - began < 8
    assert len(found) == n
    assert found.loc[found["status"] == "warned", "subject_id"].isin(set(listed["subject_id"])).all()


def _counted(n: int, district: str, status: str = "missed") -> pd.DataFrame:
    return pd.DataFrame(
        {
            "district": [district] * n,
            "status": status,
            "was_new": False,
            "days_before": 10.0 if status == "warned" else np.nan,
        }
    )


def test_small_districts_are_hidden_and_never_one_alone() -> None:
    few = FEWEST_EVENTS - 1
    rows = pd.concat([_counted(9, "A", "warned"), _counted(7, "B"), _counted(few, "C")])
    assert [(each.value, each.hidden) for each in tallies(rows, "district")] == [
        ("A", False),
        ("B", True),
        ("C", True),
    ]
    hidden = tallies(rows, "district")[2].as_dict()
    assert {value for key, value in hidden.items() if key not in ("value", "hidden")} == {None}
    two = pd.concat([rows, _counted(few, "D")])
    assert [each.value for each in tallies(two, "district") if each.hidden] == ["C", "D"]


def test_the_share_warned_is_of_those_that_could_be_warned_of() -> None:
    rows = pd.concat(
        [
            _counted(6, "A", "warned"),
            _counted(1, "A", "late"),
            _counted(5, "A", "missed"),
            _counted(4, "A", "no_list"),
        ]
    )
    found = tally("A", rows)
    assert (found.events, found.warned, found.no_list) == (16, 6, 4)
    assert found.share_warned == pytest.approx(0.5)
    assert found.days_before == 10.0
    assert tally("A", rows.loc[rows["status"] == "no_list"]).share_warned is None


def _at(day: date) -> datetime:
    return datetime.combine(day, clock(3))


def test_events_are_cases_and_three_channels_of_the_period_as_known(view_of: Callable[..., View]) -> None:
    day = date(2025, 3, 1)
    case = {"case_id": "C1", "employer_id": "E1", "project_id": "P1", "source": "complaint", "opened_on": day}
    case |= {"arrears_from": day, "outcome": "pending", "received_at": _at(day + timedelta(1))}
    told = {
        "employer_id": None,
        "project_id": None,
        "occurred_on": day,
        "received_at": _at(day + timedelta(1)),
    }
    view = view_of(
        {
            "cases": [
                case,
                {**case, "outcome": "unfounded", "received_at": _at(day + timedelta(60))},
                {**case, "case_id": "C2", "project_id": None, "opened_on": day - timedelta(1)},
            ],
            "complaints": [
                {**told, "complaint_id": "T1", "channel": "petition", "employer_id": "E2", "workers": 12},
                {**told, "complaint_id": "T2", "channel": "police"},
                {**told, "complaint_id": "T3", "channel": "hotline", "employer_id": "E2"},
                {
                    **told,
                    "complaint_id": "T4",
                    "channel": "public_opinion",
                    "employer_id": "E2",
                    "occurred_on": day + timedelta(9),
                },
            ],
        }
    )
    found = events(view, day, day + timedelta(8), day + timedelta(30))
    assert [
        tuple(row)
        for row in found[["event", "event_id", "kind", "subject_id", "counts"]].fillna("").to_numpy()
    ] == [
        ("case", "C1", "project", "P1", True),
        ("petition", "T1", "employer", "E2", True),
        ("police", "T2", "", "", True),
    ]
    assert found["workers"].dropna().tolist() == [12.0]
    later = events(view, day, day + timedelta(8), day + timedelta(90))
    assert not later.set_index("event_id").loc["C1", "counts"]


def test_the_registry_is_read_as_on_each_events_day(view_of: Callable[..., View]) -> None:
    row = {
        "employer_id": "E1",
        "industry": "C33",
        "ownership": "private",
        "status": "active",
        "registered_capital": 1,
    }
    row |= {"established_on": date(2020, 1, 1)}
    moves = [(date(2024, 1, 1), "500103", "甲"), (date(2025, 1, 1), "500112", "乙")]
    view = view_of(
        {
            "employers": [
                {**row, "district": district, "name": name, "changed_on": day, "received_at": _at(day)}
                for day, district, name in moves
            ]
        }
    )
    days = [date(2023, 6, 1), date(2024, 6, 1), date(2025, 1, 1), date(2025, 1, 2), date(2025, 6, 1)]
    asked = pd.DataFrame({"subject_id": ["E1"] * 4 + ["E9"], "day": days})
    asked["day"] = pd.to_datetime(asked["day"]).astype("datetime64[s]")
    found = registered(view, "employer", asked)
    assert list(found["district"]) == ["500103", "500103", "500103", "500112", None]
    assert list(found["name"]) == ["甲", "甲", "甲", "乙", None]


def test_of_a_kind_that_no_model_scored_nobody_was_missed() -> None:
    day = START + timedelta(50)
    events = _frame([_event(1, "A", day), _event(2, "P", day) | {"kind": "project"}], "day")
    rows = _frame([_listing("B", day, day, 2, False)])
    found = matched(events, rows, _on_time([day]), {"employer": [day], "project": []})
    assert list(found["status"]) == ["missed", "no_list"]
    assert list(matched(events, rows, _on_time([day]))["status"]) == ["missed", "missed"]
