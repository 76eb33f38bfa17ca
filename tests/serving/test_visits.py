"""Today's visits: within what a district can do, joint for one unit, checks and calls apart, the cap of a firm kept."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anxin.domain.errors import AnxinError
from anxin.ledger import published
from anxin.ledger.published import Published as Record
from anxin.serving.home import Home
from anxin.serving.published import Published
from anxin.serving.schema import LIST
from anxin.serving.selection import Filters, select
from anxin.serving.terminal.tables import filters
from anxin.serving.visiting.capacity import Capacities, Capacity
from anxin.serving.visiting.known_checks import handed_out, known_checks
from anxin.serving.visiting.planning import planned
from anxin.serving.visiting.visits import BEYOND, CALL, CHECK, REST, Checks, Visit, Warning, visits

from . import made_up
from .conftest import AT, City

DAY = date(2026, 1, 12)
PLACE, NEXT, THIRD = "500106", "500112", "500119"
LIMIT = Capacity(2, 3, 2, 14, 0.3, 0.0, None)


def warning(number: int, **more: Any) -> Warning:
    made = Warning(
        "employer", f"E{number:03d}", PLACE, f"E{number:03d}", 3, "model", 0.3, 20.0, 4e5, 0.0, 10.0, None
    )
    return replace(made, **more)


def plan(
    warnings: list[Warning], limit: Capacity = LIMIT, checks: dict[str, Checks] | None = None
) -> dict[str, Visit]:
    found = visits(warnings, dict.fromkeys((PLACE, NEXT, THIRD), limit), checks or {}, DAY, 36)
    return {subject: visit for (_, subject), visit in found.items()}


MANY = st.lists(
    st.builds(
        lambda *row: row,
        st.sampled_from([PLACE, PLACE, NEXT, THIRD]),
        st.integers(0, 12),
        st.integers(1, 4),
        st.sampled_from(["model", "rule"]),
        st.floats(0.01, 0.9),
        st.one_of(st.none(), st.floats(1, 500)),
        st.sampled_from([None, DAY - timedelta(days=3), DAY - timedelta(days=90)]),
    ),
    max_size=40,
)


@given(
    MANY,
    st.integers(0, 5),
    st.integers(0, 5),
    st.dictionaries(st.integers(0, 12), st.integers(0, 4), max_size=6),
)
def test_a_district_never_does_more_than_it_can_nor_leaves_a_place_empty(
    rows: list[Any], checks: int, calls: int, known: dict[int, int]
) -> None:
    warnings = [
        warning(
            i, district=place, unit=f"U{unit}", grade=grade, put_by=by, p90=p90, heads=heads, chosen_on=rested
        )
        for i, (place, unit, grade, by, p90, heads, rested) in enumerate(rows)
    ]
    in_year = {f"U{unit}": Checks(count, DAY - timedelta(days=100)) for unit, count in known.items()}
    found = plan(warnings, replace(LIMIT, checks=checks, calls=calls), in_year)
    assert set(found) == {one.subject_id for one in warnings}
    units = {one.subject_id: one.unit for one in warnings}
    gone: dict[str, set[str]] = {CHECK: set(), CALL: set()}
    numbers: dict[tuple[str, str], set[str]] = {}
    for subject, visit in found.items():
        if visit.visit is not None:
            gone[visit.by].add(units[subject])
            numbers.setdefault((visit.visit.split("-")[1], visit.by), set()).add(visit.visit)
    taken = {key: len(own) for key, own in numbers.items()}
    for place in (PLACE, NEXT, THIRD):
        assert taken.get((place, CHECK), 0) <= checks
        assert taken.get((place, CALL), 0) <= calls
    assert not gone[CHECK] & gone[CALL]
    for unit in set(units.values()):
        told = {found[s] for s, u in units.items() if u == unit}
        assert len(told) == 1  # one joint visit, said alike in each of its warnings
        mine = [one for one in warnings if one.unit == unit]
        visit = told.pop()
        assert (visit.visit is None) == (visit.by in (BEYOND, REST)) == (visit.order is None)
        rests = any(one.chosen_on == DAY - timedelta(days=3) for one in mine)
        assert rests == (visit.by == REST)
        if visit.visit is not None:
            assert visit.chosen_on == DAY
            assert visit.visit.split("-")[1] in {one.district for one in mine}
        elif not rests:
            assert visit.by == BEYOND
            assert "超出力量" in visit.zh
            # Checks are said to be taken only of who might have been checked, and then they are.
            if "检查" in visit.zh:
                assert max(one.grade for one in mine) >= 3
                assert all(taken.get((one.district, CHECK), 0) == checks for one in mine)
            assert all(taken.get((one.district, CALL), 0) == calls for one in mine)
        if visit.by == CHECK:
            assert max(one.grade for one in mine) >= 3
            assert unit not in in_year or in_year[unit].in_year < 2


def test_the_most_at_stake_goes_first_and_each_part_counts() -> None:
    base = warning(0)
    for change in (
        {"p90": 0.4},
        {"heads": 30.0},
        {"amount": 6e5},
        {"pay_days": 1.0},
        {"pay_days": 0.0},
    ):
        assert replace(base, **change).stake(36) > base.stake(36), change
    assert base.stake(3) > base.stake(200)
    assert replace(base, secured=3e5).stake(36) < base.stake(36)
    assert replace(base, pay_days=None).stake(36) < base.stake(36)
    found = plan([warning(1), warning(2, heads=90.0), warning(3, heads=50.0)])
    assert (found["E002"].by, found["E002"].order) == (CHECK, 1)
    assert (found["E003"].by, found["E003"].order) == (CHECK, 2)
    assert (found["E001"].by, found["E001"].order) == (CALL, 1)


def test_sites_of_one_contractor_are_one_joint_visit() -> None:
    sites = [warning(i, kind="project", subject_id=f"P{i}", unit="E001") for i in range(3)]
    found = plan([warning(1), *sites])
    assert len({visit.visit for visit in found.values()}) == 1
    assert found["P0"].order == 1
    assert "合并4条预警" in found["E001"].zh


def test_a_firm_with_warnings_in_three_districts_is_gone_to_once_by_that_of_the_most_urgent() -> None:
    sites = [
        warning(i, kind="project", subject_id=f"P{i}", unit="E001", district=place, heads=heads)
        for i, (place, heads) in enumerate([(PLACE, 20.0), (THIRD, 90.0), (NEXT, 30.0)])
    ]
    found = plan(sites, checks={"E001": Checks(1, DAY - timedelta(days=60))})
    assert len(set(found.values())) == 1
    assert (found["P0"].by, found["P0"].order) == (CHECK, 1)
    assert (found["P0"].visit or "").startswith(f"V20260112-{THIRD}-")
    assert "涉3个区县，由南川区牵头" in found["P0"].zh
    assert plan(sites[::-1], checks={"E001": Checks(1, DAY - timedelta(days=60))}) == found
    full = plan(sites, checks={"E001": Checks(2, DAY - timedelta(days=60))})
    assert {visit.by for visit in full.values()} == {CALL}


def test_the_next_district_goes_where_the_first_has_no_place_left() -> None:
    limits = {PLACE: replace(LIMIT, checks=1, calls=0), NEXT: replace(LIMIT, checks=1, calls=0)}
    one = [warning(1, district=PLACE, heads=30.0), warning(2, kind="project", unit="E001", district=NEXT)]
    stronger, weaker = warning(3, heads=90.0), warning(4, district=NEXT, heads=10.0)
    found = visits([*one, stronger, weaker], limits, {}, DAY, 36)
    by = {subject: (visit.by, (visit.visit or "--").split("-")[1]) for (_, subject), visit in found.items()}
    assert by == {
        "E001": (CHECK, NEXT),
        "E002": (CHECK, NEXT),
        "E003": (CHECK, PLACE),
        "E004": (BEYOND, ""),
    }


def test_a_firm_rests_as_long_as_the_longest_of_its_districts_says() -> None:
    limits = {PLACE: replace(LIMIT, again_days=3), NEXT: replace(LIMIT, again_days=14)}
    lately = DAY - timedelta(days=5)
    both = [warning(1, chosen_on=lately), warning(2, unit="E001", district=NEXT)]
    assert {one.by for one in visits(both, limits, {}, DAY, 36).values()} == {REST}
    assert {one.by for one in visits(both[:1], limits, {}, DAY, 36).values()} == {CHECK}


def test_a_firm_checked_as_often_as_it_may_be_is_called_on() -> None:
    found = plan([warning(1)], checks={"E001": Checks(2, DAY - timedelta(days=60))})
    assert found["E001"].by == CALL
    assert "年度检查次数已满" in found["E001"].zh
    assert plan([warning(1)], checks={"E001": Checks(1, DAY - timedelta(days=60))})["E001"].by == CHECK


def test_whoever_was_chosen_or_checked_lately_rests_and_says_so() -> None:
    lately = DAY - timedelta(days=5)
    found = plan([warning(1, chosen_on=lately), warning(2)], checks={"E002": Checks(1, lately)})
    assert [found[one].visit for one in ("E001", "E002")] == [None, None]
    assert "已安排" in found["E001"].zh
    assert found["E001"].chosen_on == lately
    assert "已检查" in found["E002"].zh


def test_blue_is_called_on_and_never_checked() -> None:
    assert plan([warning(1, grade=1)])["E001"].by == CALL


def test_rules_have_places_of_their_own_and_lend_what_they_do_not_need() -> None:
    limit = replace(LIMIT, checks=4, calls=0, rule_share=0.5)
    strong = [warning(i, heads=200.0) for i in range(5)]
    weak = [warning(10 + i, put_by="rule", p90=0.02) for i in range(5)]
    found = plan([*strong, *weak], limit)
    assert sum(found[one.subject_id].by == CHECK for one in weak) == 2
    assert sum(plan(strong, limit)[one.subject_id].by == CHECK for one in strong) == 4
    assert sum(plan(weak, limit)[one.subject_id].by == CHECK for one in weak) == 4


def test_cover_unpaid_wages_and_yesterdays_choice_are_read_from_the_snapshot_and_the_list_before(
    tmp_path: Path,
) -> None:
    row = {
        "district": "500106",
        "kind": "project",
        "p90": 0.3,
        "workers": 5.0,
        "amount": 1e5,
        "grade": 4,
        "put_by": "model",
    }
    rows = [row | {"subject_id": f"P{i}"} for i in range(3)]
    facts = {
        ("project", "P0"): {
            "contractor_id": "E1",
            "cover_months": 2.0,
            "wages_due_month": 4e4,
            "pay_next_days": 12.0,
        },
        ("project", "P1"): {
            "contractor_id": "E2",
            "cover_months": None,
            "wages_due_month": 4e4,
            "wages_unpaid_days": 9.0,
        },
        ("project", "P2"): {"contractor_id": "E3"},
    }
    before = {("project", "P2"): {"visited_on": DAY - timedelta(days=1)}}
    done = {
        one["subject_id"]: one for one in planned(rows, facts, before, Capacities.of(tmp_path), {}, {}, DAY)
    }
    assert "待落实资金2.0万元，距发薪日12天" in done["P0"]["visit_why"]
    assert "待落实资金10.0万元，发薪日已过" in done["P1"]["visit_why"]
    assert done["P1"]["visit_order"] == 1
    assert "预计" in done["P1"]["visit_why"]
    today = planned(
        [row | {"workers": None, "amount": None} for row in rows],
        {key: {"contractor_id": fact["contractor_id"], "pay_next_days": 0.0} for key, fact in facts.items()},
        {},
        Capacities.of(tmp_path),
        {},
        {},
        DAY,
    )
    for one in today:
        # What is not known is left out, and a pay day of today has not passed.
        assert "预计" not in one["visit_why"] and "待落实" not in one["visit_why"]
        assert "今日为发薪日" in one["visit_why"] and "today is a pay day" in one["visit_why_en"]
    covered = {key: {**fact, "cover_months": 99.0, "wages_due_month": 4e4} for key, fact in facts.items()}
    for one in planned(rows, covered, {}, Capacities.of(tmp_path), {}, {}, DAY):
        assert "待落实资金0.0万元" in one["visit_why"]
    assert (done["P2"]["visit"], done["P2"]["visited_on"]) == (None, DAY - timedelta(days=1))


def sites(rows: list[tuple[str, str, str | None]]) -> pa.Table:
    """Projects by number, district and general contractor; nobody is in hand."""
    names = ("subject_id", "district", "contractor_id")
    columns = {name: [row[place] for row in rows] for place, name in enumerate(names)}
    return pa.table(columns | {"in_hand": [False] * len(rows)})


def list_of(home: Home, number: int, visited: list[str], owners: dict[str, str]) -> Record:
    """Put a list of `number` days ago in its folder, with visits to some of its projects."""
    day = DAY - timedelta(days=number)
    folder = made_up.publish(home.lists, day, f"L{number}", None)
    rows = pq.read_table(folder / "list.parquet").slice(0, len(visited) + 1).to_pylist()
    for row, subject in zip(rows, [*visited, "P9"], strict=True):
        gone = subject in visited
        row |= {"kind": "project", "subject_id": subject, "visit": "V" if gone else None}
    pq.write_table(pa.Table.from_pylist(rows, LIST), folder / "list.parquet")
    known = sites([(project, PLACE, firm) for project, firm in owners.items()])
    pq.write_table(known, folder / "snapshot-project.parquet")
    digest = hashlib.sha256((folder / "manifest.json").read_bytes()).hexdigest()
    where = folder.relative_to(home.root).as_posix()
    return Record(1, AT, "daily", day, f"L{number}", where, digest, None, {}, False)


def test_a_visit_is_remembered_though_its_warning_was_off_the_list_for_a_day(tmp_path: Path) -> None:
    home = Home(tmp_path)
    lists = [
        list_of(home, 1, [], {}),
        list_of(home, 2, ["P1"], {"P1": "E1"}),
        list_of(home, 5, ["P1", "P2"], {"P1": "E1", "P2": "E2", "P9": "E9"}),
        list_of(home, 6, ["P3"], {"P3": "E3"}),
    ]
    (home.root / lists[3].folder / "manifest.json").write_text("{}")  # cannot be read
    gone, read = handed_out(home.root, lists)
    assert gone == {"E1": DAY - timedelta(days=2), "E2": DAY - timedelta(days=5)}
    assert read == ["L1", "L2", "L5"]
    # The list before knows nothing of E2 nor of its other site; both rest.
    row = {"district": PLACE, "kind": "project", "p90": 0.3, "workers": 5.0, "amount": 1e5, "grade": 4}
    rows = [row | {"subject_id": f"P{i}", "put_by": "model"} for i in (2, 7, 8)]
    facts = {("project", f"P{i}"): {"contractor_id": firm} for i, firm in ((2, "E2"), (7, "E2"), (8, "E8"))}
    done = planned(rows, facts, {}, Capacities.of(tmp_path), {}, gone, DAY)
    assert [one["visit_by"] for one in done] == [REST, REST, CHECK]
    assert [one["visited_on"] for one in done] == [*[DAY - timedelta(days=5)] * 2, DAY]
    old = planned(rows, facts, {}, Capacities.of(tmp_path), {}, {"E2": DAY - timedelta(days=14)}, DAY)
    assert [one["visit_by"] for one in old] == [CHECK, CHECK, CHECK]


def test_checks_are_counted_by_firm_and_calls_are_none(view_of: Any) -> None:
    def row(number: int, **more: Any) -> dict[str, Any]:
        at = DAY - timedelta(days=30 * number + 5)
        return {
            "inspection_id": f"I{number}",
            "employer_id": "E1",
            "inspected_on": at,
            "reason": "routine",
            "finding": "none",
            "manner": "check",
            "received_at": datetime(at.year, at.month, at.day) + timedelta(days=1),
        } | more

    rows = [
        row(0),
        row(1, reason="complaint"),
        row(2, manner="visit"),
        row(3, employer_id=None, project_id="P1"),
        row(4, manner=None),
        row(20),
    ]
    site = {
        **{
            "project_id": "P1",
            "name": "乙",
            "project_type": "building",
            "district": PLACE,
            "investment": "private",
        },
        **{"real_estate": False, "owner_id": "E8", "contractor_id": "E9", "contract_amount": Decimal(1)},
        **{
            "start_on": date(2024, 1, 1),
            "planned_end_on": date(2025, 1, 1),
            "ended_on": DAY - timedelta(days=1),
        },
        **{"changed_on": date(2024, 1, 1), "received_at": datetime(2024, 1, 2)},
    }
    found = known_checks(view_of({"inspections": rows, "projects": [site]}), DAY)
    assert found["E1"] == Checks(2, DAY - timedelta(days=5))
    assert found["E9"].in_year == 1


def test_a_list_can_be_asked_for_todays_visits_in_their_turn(city: City) -> None:
    asked = city.client.get(f"/v1/lists/{made_up.DAY}?visit=check&size=100", headers=city.bearer()).json()[
        "rows"
    ]
    assert asked
    assert {row["visit_by"] for row in asked} == {CHECK}
    places = [(row["visit"].split("-")[1], row["visit_order"]) for row in asked]
    assert places == sorted(places)
    page = city.client.get(f"/lists/{made_up.DAY}?visit=beyond", headers=city.bearer()).text
    assert "超出力量：今日检查4处、走访12处已排满" in page
    assert filters(None, None, None, None, "检查").visit == CHECK
    with pytest.raises(AnxinError, match="检查 走访 超出力量"):
        filters(None, None, None, None, "飞行")


def test_a_joint_visit_is_in_the_turn_of_the_district_that_leads_it(city: City) -> None:
    entry = published.of(city.ledger, made_up.DAY)
    assert entry is not None
    row = Published.of_entry(city.home.root, entry).rows[0]
    led = replace(row, district="500119", visit="V20260112-500106-0000000A", visit_by=CHECK, visit_order=2)
    own = replace(
        row,
        subject_id="E2",
        district="500119",
        visit="V20260112-500119-0000000B",
        visit_by=CHECK,
        visit_order=1,
    )
    nobody = replace(row, subject_id="E3", district="500119", visit=None, visit_by=BEYOND, visit_order=None)
    every = [nobody, led, own]

    def asked(**filters: Any) -> list[Any]:
        return select(every, Filters(**filters), lambda _: True, made_up.DAY)

    assert asked(visit=CHECK, district="500119") == [own]
    assert asked(visit=CHECK, district="500106") == [led]
    assert asked(visit=CHECK) == [led, own]
    assert asked(visit=BEYOND, district="500119") == [nobody]
    assert set(asked(district="500119")) == set(every)
