"""What a district can do, by place and day, and random checks drawn within it."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from anxin.domain.errors import AnxinError
from anxin.serving.visiting.capacity import OWN, Capacities
from anxin.serving.visiting.planning import drawn, planned
from anxin.serving.visiting.randomly import draw
from anxin.serving.visiting.visits import CHECK, Checks

from .test_visits import DAY, NEXT, PLACE, sites


def table(text: str, root: Path) -> Capacities:
    (root / OWN).write_text(text, encoding="utf-8")
    return Capacities.of(root)


def test_the_table_that_comes_along_plans_no_random_checks(tmp_path: Path) -> None:
    limit = Capacities.of(tmp_path).on("500106", DAY)
    assert limit.checks > 0
    assert limit.random_checks == 0


def test_a_homes_own_table_governs_by_place_and_day(tmp_path: Path) -> None:
    found = table(
        """capacity:
- {districts: [""], valid_from: 2020-01-01, checks: 1, calls: 2, checks_a_year: 1}
- {districts: ["500119"], valid_from: 2020-01-01, checks: 5, calls: 2, checks_a_year: 1}
- {districts: ["500119"], valid_from: 2026-01-12, checks: 6, calls: 2, checks_a_year: 1}
""",
        tmp_path,
    )
    assert [found.on(place, DAY).checks for place in ("500106", "500119")] == [1, 6]
    assert found.on("500119", DAY - timedelta(days=1)).checks == 5
    assert found.on("500119", date(2019, 1, 1)).checks == 0
    assert found.hash != Capacities.of(tmp_path / "nowhere").hash


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("capacity: [", "YAML"),
        ("{}", "capacity"),
        ("capacity: 3", "capacity"),
        ('capacity: [{districts: [""], checks: -1, calls: 2, checks_a_year: 1}]', "checks"),
        ('capacity: [{districts: [""], checks: 1, calls: 2}]', "checks_a_year"),
        ('capacity: [{districts: [""], cheks: 1, calls: 2, checks_a_year: 1}]', "cheks"),
        ("capacity: [{districts: 500106, checks: 1, calls: 2, checks_a_year: 1}]", "districts"),
        ('capacity: [{districts: [""], checks: 1, calls: 2, checks_a_year: 1, rule_share: 2}]', "rule_share"),
        ('capacity: [{districts: [""], checks: 1, calls: 2, checks_a_year: 1, random_share: 0.1}]', "双随机"),
        (
            'capacity: [{districts: [""], checks: 1, calls: 2, checks_a_year: 1, random_share: 0.1, random_plan: " "}]',
            "双随机",
        ),
    ],
)
def test_a_table_that_is_wrong_names_what(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(AnxinError, match=said):
        table(text, tmp_path)


def test_a_draw_gives_everyone_the_chance_it_says() -> None:
    # Eighteen units of one subject, and two of three.
    pool = {f"U{i}": [f"S{i}"] if i < 18 else [f"S{i}-{part}" for part in range(3)] for i in range(20)}
    counts = {subject: 0 for own in pool.values() for subject in own}
    chances: dict[str, float] = {}
    for number in range(2000):
        found = draw(pool, 2.5, 1, DAY + timedelta(days=number), "500106")
        assert len({one.subject_id.split("-")[0] for one in found}) == len(found)
        for one in found:
            chances[one.subject_id] = one.propensity
            counts[one.subject_id] += 1
    assert sum(chances.values()) == pytest.approx(2.5)
    assert chances["S0"] == pytest.approx(0.125)
    for subject, count in counts.items():
        chance = chances[subject]
        assert abs(count - 2000 * chance) < 4 * (2000 * chance * (1 - chance)) ** 0.5
    turned = {unit: own[::-1] for unit, own in reversed(pool.items())}
    assert draw(pool, 2.5, 1, DAY, "500106") == draw(turned, 2.5, 1, DAY, "500106")
    assert len(draw(pool, 99.0, 1, DAY, "500106")) == 20
    assert draw(pool, 0.0, 1, DAY, "500106") == []


PLAN = """capacity:
- {districts: [""], valid_from: 2020-01-01, checks: 10, calls: 2, checks_a_year: 2,
   random_share: 0.2, random_plan: 渝人社双随机2026}
"""


def test_random_checks_are_drawn_from_those_nobody_warned_of_and_take_their_places(tmp_path: Path) -> None:
    capacities = table(PLAN, tmp_path)
    employers = pa.table(
        {
            "subject_id": [f"E{i:03d}" for i in range(40)],
            "district": ["500106"] * 40,
            "in_hand": [i == 7 for i in range(40)],
        }
    )
    listed = {("employer", f"E{i:03d}") for i in range(5)}
    checks = {"E008": Checks(2, DAY - timedelta(days=90))}
    found = drawn({"employer": employers}, listed, capacities, checks, {}, DAY)["employer"]
    assert len(found) == 2
    assert all(one.propensity == pytest.approx(2 / 33) for one in found)
    assert not {one.subject_id for one in found} & {f"E{i:03d}" for i in (*range(5), 7, 8)}
    base = {"district": "500106", "kind": "employer", "p90": 0.3, "workers": 5.0, "amount": 1e5}
    rows = [base | {"subject_id": f"E{i:03d}", "grade": 4, "put_by": "model"} for i in range(30)]
    rows += [base | {"subject_id": one.subject_id + "R", "grade": 0, "put_by": "random"} for one in found]
    done = planned(rows, {(r["kind"], r["subject_id"]): {} for r in rows}, {}, capacities, {}, {}, DAY)
    assert sum(row["visit_by"] == CHECK for row in done if row["put_by"] == "model") == 8
    assert all("渝人社双随机2026" in row["visit_why"] for row in done if row["put_by"] == "random")


def test_random_checks_leave_out_whoever_shares_a_unit_with_a_warning_and_whoever_was_gone_to_lately(
    tmp_path: Path,
) -> None:
    employers = pa.table({"subject_id": ["E1", "E2", "E3"], "district": [PLACE] * 3, "in_hand": [False] * 3})
    owners = ["E1", "E2", "E3", "E4", "E5", None]
    projects = sites([(f"P{i}", NEXT if i == 0 else PLACE, owner) for i, owner in enumerate(owners, start=1)])
    everyone = {"employer": employers, "project": projects}
    capacities = table(PLAN.replace("random_share: 0.2", "random_share: 1"), tmp_path)
    lately = DAY - timedelta(days=5)
    # E1 has a warning, E2 was checked, E3 is sent someone by a list of five days ago, E4 was checked long ago.
    checks = {"E2": Checks(1, lately), "E4": Checks(1, DAY - timedelta(days=60))}
    found = drawn(everyone, {("employer", "E1")}, capacities, checks, {"E3": lately}, DAY)
    assert {kind: {one.subject_id for one in own} for kind, own in found.items()} == {
        "project": {"P4", "P5", "P6"}
    }


def test_a_contractor_is_drawn_once_a_day_and_each_of_its_sites_in_turn(tmp_path: Path) -> None:
    capacities = table(PLAN.replace("random_share: 0.2", "random_share: 0.1"), tmp_path)
    own = [("A1", PLACE, "E1"), ("A2", PLACE, "E1"), ("B1", NEXT, "E1")]
    projects = sites([*own, ("C1", PLACE, None), ("C2", PLACE, None), ("D1", NEXT, None)])
    counts: dict[str, float] = {}
    said: dict[str, float] = {}
    days = 1200
    for number in range(days):
        day = DAY + timedelta(days=number)
        found = drawn({"project": projects}, set(), capacities, {}, {}, day)["project"]
        names = {one.subject_id for one in found}
        assert len(names & {"A1", "A2", "B1"}) <= 1
        assert len(found) == 2  # one check a day in either district
        for one in found:
            counts[one.subject_id] = counts.get(one.subject_id, 0) + 1
            said[f"{one.subject_id} {one.propensity:.3f}"] = one.propensity
    # On the days the contractor is in PLACE's draw: one of three units, one of two sites. On the others one of two units.
    assert set(said) == {
        "A1 0.167",
        "A2 0.167",
        "B1 0.500",
        "C1 0.333",
        "C1 0.500",
        "C2 0.333",
        "C2 0.500",
        "D1 1.000",
        "D1 0.500",
    }
    expected = {"A1": 1 / 12, "A2": 1 / 12, "B1": 1 / 4, "C1": 5 / 12, "C2": 5 / 12, "D1": 3 / 4}
    for subject, share in expected.items():
        assert abs(counts[subject] / days - share) < 4 * (share * (1 - share) / days) ** 0.5


def test_the_home_that_came_with_nothing_draws_nobody(tmp_path: Path) -> None:
    employers = pa.table({"subject_id": ["E1"], "district": ["500106"], "in_hand": [False]})
    assert drawn({"employer": employers}, set(), Capacities.of(tmp_path), {}, {}, DAY) == {}


def test_the_table_says_how_far_back_lists_are_looked_up(tmp_path: Path) -> None:
    assert Capacities.of(tmp_path).longest_rest == 14
    assert (
        table(PLAN.replace("checks_a_year: 2", "checks_a_year: 2, again_days: 30"), tmp_path).longest_rest
        == 30
    )
