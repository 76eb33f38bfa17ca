"""A meter is held against its own usual: meters added, ended, replaced or silent are no fall of electricity."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from anxin.features.catalogue import Kind
from anxin.features.energy import energy
from anxin.features.known import Known
from anxin.features.relations import relations

from . import streams

Row = dict[str, Any]
Used = Callable[[int], float | None]
"""The kWh of a meter so many days before the date; nothing where it was not read."""

D = date(2024, 10, 1)
YEAR = 420


def big(age: int) -> float:
    return 1000.0 if (D - timedelta(age)).isoweekday() < 6 else 400.0


def readings(meters: Mapping[str, Used], project: str | None = None) -> list[Row]:
    """Return the readings of an employer's meters, or of one of its projects, known the same night."""
    rows = []
    for meter, used in meters.items():
        for age in range(1, YEAR + 1):
            kwh, on = used(age), D - timedelta(age)
            if kwh is not None:
                rows.append(
                    {
                        "meter_id": meter,
                        "date": on,
                        "employer_id": streams.EMPLOYERS[0],
                        "project_id": project,
                        "kwh": Decimal(f"{kwh:.3f}"),
                        "received_at": datetime.combine(on, time(23, 30)),
                    }
                )
    return rows


def found(folder: Path, rows: list[Row], kind: Kind) -> dict[str, Row]:
    """Return the features of electricity by subject."""
    known = Known(streams.view_of(folder, {"energy_usage": rows}), (D,), kind)
    features: dict[str, Row] = {}
    for table in energy(known):
        for row in known.view.backend.to_pyarrow(table).to_pylist():
            features.setdefault(row["subject_id"], {}).update(row)
    return features


def of(folder: Path, meters: Mapping[str, Used], project: str | None = None) -> Row:
    """Return the features of one employer, or of one project, with these meters."""
    (row,) = found(folder, readings(meters, project), "project" if project else "employer").values()
    return row


LEVELS = ("energy_level_28d", "energy_level_7d", "energy_level_year")


def test_a_small_meter_added_lately_lowers_nothing(tmp_path: Path) -> None:
    row = of(tmp_path, {"big": big, "small": lambda age: 10.0 if age <= 25 else None})
    assert [row[name] for name in LEVELS] == pytest.approx([1.0] * 3)
    assert row["energy_idle_days_28d"] == 0.0


@pytest.mark.parametrize("weeks", [4, 10, 20])
def test_a_small_meter_added_within_half_a_year_is_no_step(tmp_path: Path, weeks: int) -> None:
    row = of(tmp_path, {"big": big, "small": lambda age: 10.0 if age <= weeks * 7 else None})
    assert (row["energy_step_days"], row["energy_step_depth"]) == (None, 0.0)
    assert row["energy_level_28d"] == pytest.approx(1.0)


def test_the_big_meter_silent_does_not_read_as_a_shutdown(tmp_path: Path) -> None:
    row = of(tmp_path, {"big": lambda age: None if age <= 60 else big(age), "small": lambda age: 10.0})
    assert [row[name] for name in LEVELS] == pytest.approx([1.0] * 3)
    assert row["energy_idle_days_28d"] == row["energy_idle_run_56d"] == 0.0
    assert (row["energy_step_days"], row["energy_step_depth"]) == (None, 0.0)
    assert row["energy_readings_28d"] == 28.0


def test_both_meters_halved_read_a_half(tmp_path: Path) -> None:
    row = of(
        tmp_path,
        {
            "big": lambda age: big(age) / (2 if age <= 29 else 1),
            "small": lambda age: 5.0 if age <= 29 else 10.0,
        },
    )
    assert [row[name] for name in LEVELS] == pytest.approx([0.5] * 3)
    assert row["energy_step_days"] == 29.0
    assert row["energy_step_depth"] == pytest.approx(0.5)


def test_a_meter_weighs_as_much_as_it_usually_reads(tmp_path: Path) -> None:
    row = of(tmp_path, {"big": lambda age: 900.0, "small": lambda age: 0.0 if age <= 28 else 100.0})
    assert row["energy_level_28d"] == pytest.approx(0.9)


def test_a_replaced_meter_has_no_level_until_the_new_one_has_a_usual(tmp_path: Path) -> None:
    row = of(
        tmp_path / "lately",
        {
            "old": lambda age: big(age) if age > 29 else None,
            "new": lambda age: big(age) / 4 if age <= 29 else None,
        },
    )
    levels = (*LEVELS, "energy_idle_days_28d")
    assert [row[name] for name in levels] == [None] * len(levels)
    assert row["energy_weekend_ratio"] == pytest.approx(0.4)
    assert (row["energy_step_days"], row["energy_step_depth"]) == (None, 0.0)

    row = of(
        tmp_path / "long_ago",
        {
            "old": lambda age: big(age) if age > 71 else None,
            "new": lambda age: big(age) / 4 if age <= 71 else None,
        },
    )
    assert [row[name] for name in LEVELS] == pytest.approx([1.0] * 3)
    assert (row["energy_step_days"], row["energy_step_depth"]) == (None, 0.0)


@pytest.mark.parametrize("weeks", [3, 8, 15])
def test_who_moved_did_not_fall_while_the_old_meter_still_reads_zeros(tmp_path: Path, weeks: int) -> None:
    moved = weeks * 7 + 1
    row = of(
        tmp_path,
        {
            "old": lambda age: big(age) if age > moved else 0.0,
            "new": lambda age: big(age) * 0.8 if age <= moved else None,
        },
    )
    for name in LEVELS:
        assert row[name] is None or row[name] == pytest.approx(1.0), name
    assert (row["energy_step_days"], row["energy_step_depth"] or 0.0) == (None, 0.0)
    assert not row["energy_idle_days_28d"]
    assert row["energy_readings_28d"] == 28.0 + min(moved, 28)


def test_a_shutdown_is_one_though_a_small_meter_begins_and_though_another_began_long_before(
    tmp_path: Path,
) -> None:
    hut: Used = lambda age: 20.0 if age <= 30 else None  # noqa: E731
    for name, other in (("hut", hut), ("before", lambda age: 900.0 if age <= 120 else None)):
        row = of(tmp_path / name, {"big": lambda age: big(age) if age > 29 else 0.0, "other": other})
        assert row["energy_step_days"] == 29.0, name
        assert row["energy_level_28d"] < 0.6, name


def test_one_new_meter_does_not_excuse_three_that_stopped_nor_one_that_stopped_itself(tmp_path: Path) -> None:
    olds: dict[str, Used] = {f"old{i}": lambda age: 100.0 if age > 71 else 0.0 for i in range(3)}
    row = of(tmp_path / "three", {**olds, "new": lambda age: 60.0 if age <= 64 else None})
    assert row["energy_level_28d"] < 0.5
    assert row["energy_step_days"] is not None
    row = of(
        tmp_path / "stopped",
        {
            "old": lambda age: 100.0 if age > 71 else 0.0,
            "new": lambda age: None if age > 64 else 100.0 if age > 57 else 0.0,
        },
    )
    assert row["energy_level_28d"] == 0.0
    assert row["energy_idle_days_28d"] == 28.0


def test_an_unrelated_handover_excuses_no_other_meter(tmp_path: Path) -> None:
    row = of(
        tmp_path,
        {
            "line": lambda age: 1000.0 if age > 64 else 0.0,
            "hut": lambda age: 50.0 if age <= 64 else None,
            "shop": lambda age: 10.0 if age > 148 else 0.0,
            "new shop": lambda age: 200.0 if age <= 148 else None,
        },
    )
    assert row["energy_level_28d"] < 0.5
    assert row["energy_step_days"] is not None


def test_meters_replaced_one_after_another_all_say_nothing(tmp_path: Path) -> None:
    row = of(
        tmp_path,
        {
            "first": lambda age: 100.0 if age > 127 else 0.0,
            "second": lambda age: None if age > 127 else 100.0 if age > 64 else 0.0,
            "third": lambda age: 100.0 if age <= 64 else None,
        },
    )
    assert row["energy_level_28d"] == pytest.approx(1.0)
    assert row["energy_step_days"] is None


def test_after_a_common_closure_a_meter_that_ran_before_took_over_from_nobody(tmp_path: Path) -> None:
    closed = range(204, 230)
    row = of(
        tmp_path,
        {
            "one": lambda age: 0.0 if age in closed or age <= 180 else 1000.0,
            "other": lambda age: 0.0 if age in closed else 1000.0,
        },
    )
    assert row["energy_level_28d"] < 0.95


def test_a_day_on_which_a_new_meter_runs_is_not_near_zero(tmp_path: Path) -> None:
    row = of(
        tmp_path,
        {
            "old": lambda age: big(age) if age > 20 else 0.0,
            "new": lambda age: big(age) / 4 if age <= 20 else None,
        },
    )
    assert row["energy_idle_days_28d"] == row["energy_idle_run_56d"] == 0.0


def test_a_meter_that_is_read_on_weekends_only_does_not_move_the_weekend_ratio(tmp_path: Path) -> None:
    def guard(age: int) -> float | None:
        return None if (D - timedelta(age)).isoweekday() < 6 else 5.0

    row = of(tmp_path, {"big": lambda age: 100.0, "guard": guard})
    assert row["energy_weekend_ratio"] == pytest.approx(1.0)
    assert row["energy_weekend_loss"] == pytest.approx(0.0)


def test_a_meter_handed_over_has_a_usual_of_its_own_at_each_subject(tmp_path: Path) -> None:
    rows = readings({"m": lambda age: 1000.0 if age > 20 else 10.0})
    for row in rows:
        if row["date"] >= D - timedelta(20):
            row["employer_id"] = streams.EMPLOYERS[1]
    levels = {id_: row["energy_level_28d"] for id_, row in found(tmp_path, rows, "employer").items()}
    assert levels == {streams.EMPLOYERS[0]: pytest.approx(1.0), streams.EMPLOYERS[1]: None}


def test_a_site_is_no_further_from_its_best_weeks_for_a_hut_with_a_meter_of_its_own(tmp_path: Path) -> None:
    row = of(tmp_path, {"big": big, "hut": lambda age: 2.0 if age <= 50 else None}, streams.PROJECTS[0])
    assert row["energy_site_peak"] == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("meters", "meant"),
    [
        pytest.param({"big": big, "small": lambda age: 10.0 if age <= 20 else None}, 1.0, id="one added"),
        pytest.param(
            {"big": lambda age: None if age <= 25 else 1000.0, "small": lambda age: 10.0},
            1.0,
            id="one silent",
        ),
        pytest.param(
            {"big": lambda age: big(age) / (2 if age <= 28 else 1), "small": lambda age: None},
            0.5,
            id="halved",
        ),
        pytest.param(
            {
                "old": lambda age: 100.0 if age > 40 else 0.0,
                "new": lambda age: 90.0 if age <= 42 else None,
            },
            1.0,
            id="handed over",
        ),
    ],
)
def test_electricity_at_sites_holds_each_meter_against_its_own_four_weeks_before(
    tmp_path: Path, meters: Mapping[str, Used], meant: float
) -> None:
    site = {
        **{"project_id": streams.PROJECTS[0], "name": "乙", "project_type": "building"},
        **{"district": "500112", "investment": "private", "real_estate": True},
        **{"owner_id": streams.EMPLOYERS[1], "contractor_id": streams.EMPLOYERS[0]},
        **{"contract_amount": Decimal(1), "start_on": date(2024, 1, 1), "planned_end_on": date(2026, 1, 1)},
        **{"changed_on": date(2024, 1, 1), "received_at": datetime(2024, 1, 2)},
    }
    rows = {"projects": [site], "energy_usage": readings(meters, streams.PROJECTS[0])}
    known = Known(streams.view_of(tmp_path, rows), (D,), "employer")
    (table,) = (one for one in relations(known) if "site_energy_28d" in one.columns)
    levels = known.view.backend.to_pyarrow(table)["site_energy_28d"].to_pylist()
    assert levels == pytest.approx([meant] * 2)
