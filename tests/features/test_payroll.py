"""Wages of a small firm: how long since the last pay, who has none, and what is owed crew by crew."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from anxin.features.catalogue import Kind
from anxin.features.snapshots import snapshots

from . import streams

Row = dict[str, Any]
FIRM, OTHER = streams.EMPLOYERS[:2]
SITE, ELSEWHERE = streams.PROJECTS[:2]
D = date(2024, 5, 31)
MARCH, APRIL = date(2024, 3, 1), date(2024, 4, 1)
OWED = ("wages_unpaid_months", "wages_unpaid_amount", "wages_unpaid_share", "wages_unpaid_days")


def found(folder: Path, day: date, kind: Kind, **feeds: list[Row]) -> dict[str, Row]:
    """Return the snapshots of subjects that are in no registry."""
    rows = snapshots(streams.view_of(folder, feeds), [day], kind).to_pylist()
    return {row["subject_id"]: row for row in rows}


def firm(folder: Path, day: date, **feeds: list[Row]) -> Row:
    return found(folder, day, "employer", **feeds)[FIRM]


def pay(
    worker: int, month: date, paid_on: date, site: str | None = None, who: str = FIRM, paid: str = "3000.00"
) -> Row:
    return {
        **{"employer_id": who, "project_id": site, "worker_id": f"{worker:064x}", "month": month},
        **{"due": Decimal("3000.00"), "paid": Decimal(paid), "paid_on": paid_on, "payment_no": 1},
        **{"channel": "other", "received_at": datetime.combine(paid_on + timedelta(1), time(3))},
    }


def attended(worker: int, month: date) -> Row:
    sent = (month + timedelta(32)).replace(day=1)
    return {
        **{"employer_id": FIRM, "project_id": None, "worker_id": f"{worker:064x}", "month": month},
        **{"days": 21, "uploaded_on": sent, "received_at": datetime.combine(sent, time(3))},
    }


def sheet(month: date, site: str | None = None, who: str = FIRM) -> Row:
    """A sheet of one worker, to be paid on the 15th of the month after."""
    sent = (month + timedelta(32)).replace(day=1)
    return {
        **{"employer_id": who, "project_id": site, "month": month, "workers": 1, "due": Decimal("3000.00")},
        **{"uploaded_on": sent, "pay_due_on": sent.replace(day=15)},
        "received_at": datetime.combine(sent, time(3)),
    }


def test_months_paid_on_one_day_do_not_shorten_the_usual_interval(tmp_path: Path) -> None:
    march, april = date(2024, 3, 31), date(2024, 4, 30)
    payroll = [pay(0, date(2024, month, 1), march if month < 4 else april) for month in (1, 2, 3, 4)]
    assert firm(tmp_path, date(2024, 5, 31), payroll=payroll)["pay_gap_ratio"] == 31 / 30


def test_ten_worker_months_are_not_ten_workers(tmp_path: Path) -> None:
    months = [date(2024, month, 1) for month in (1, 2, 3)]
    sheets = [attended(worker, month) for worker in range(4) for month in months]
    payroll = [pay(9, date(2024, 1, 1), date(2024, 1, 31))]
    row = firm(tmp_path, D, attendance=sheets, payroll=payroll)
    assert (row["attended_unpaid_heads"], row["attended_unpaid_heads_month"]) == (12.0, 4.0)


@pytest.mark.parametrize(("signed", "missing"), [(date(2024, 2, 1), None), (date(2023, 6, 1), 1.0)])
def test_who_was_at_work_before_contracts_were_filed_is_not_without_one(
    tmp_path: Path, signed: date, missing: float | None
) -> None:
    there = [attended(worker, date(2024, 3, 1)) for worker in range(4)]
    filed = {
        "employer_id": OTHER,
        "worker_id": f"{7:064x}",
        "wage_basis": "month",
        "wage_rate": Decimal(6000),
    }
    contract = filed | {"signed_on": signed, "received_at": datetime.combine(signed + timedelta(1), time(3))}
    row = firm(tmp_path, D, attendance=there, labour_contracts=[contract])
    assert row["contract_missing_share"] == missing
    assert row["contract_missing_heads"] == (None if missing is None else 4.0)


def test_own_staff_whose_pay_is_never_told_is_not_unpaid_though_a_site_is_paid(tmp_path: Path) -> None:
    months = [date(2024, month, 1) for month in (1, 2, 3)]
    there = [attended(worker, month) for worker in range(4) for month in months]
    there += [attended(9, month) | {"project_id": SITE} for month in months]
    payroll = [pay(9, month, month + timedelta(45), SITE) for month in months]
    row = firm(tmp_path, D, attendance=there, payroll=payroll)
    assert (row["attended_unpaid_share"], row["attended_unpaid_heads"]) == (0.0, 0.0)
    payroll += [pay(0, months[0], date(2024, 2, 15))]
    row = firm(tmp_path / "told", D, attendance=there, payroll=payroll)
    assert row["attended_unpaid_heads"] == 11.0


def test_no_sheet_is_missing_of_months_nobody_sent_one_for(tmp_path: Path) -> None:
    there = [attended(0, date(2024, month, 1)) for month in (1, 2, 3)]
    row = firm(tmp_path, D, attendance=there, wage_sheets=[sheet(date(2024, 1, 1))])
    assert row["sheet_missing_months"] == 0.0
    more = [sheet(date(2024, 1, 1)), sheet(MARCH, None, OTHER)]
    row = firm(tmp_path / "others", D, attendance=there, wage_sheets=more)
    assert row["sheet_missing_months"] == 2.0


def test_monthly_attendance_that_stopped_is_silent_beside_others(tmp_path: Path) -> None:
    there = [attended(0, date(2024, 1, 1))] + [
        attended(1, date(2024, month, 1)) | {"employer_id": OTHER} for month in (1, 2, 3)
    ]
    rows = found(tmp_path, D, "employer", attendance=there)
    assert rows[FIRM]["attendance_silent_days"] == (date(2024, 4, 1) - date(2024, 2, 1)).days
    assert rows[OTHER]["attendance_silent_days"] == 0.0


def declared(month: date, on: date, who: str = FIRM, paid: int = 10) -> Row:
    return {
        **{"employer_id": who, "month": month, "insured": 10, "due": Decimal(10), "paid": Decimal(paid)},
        **{"declared_on": on, "received_at": datetime.combine(on + timedelta(1), time(3))},
    }


def test_nobody_is_late_with_insurance_by_what_the_feed_is_behind(tmp_path: Path) -> None:
    usual = [declared(date(2024, month, 1), date(2024, month + 1, 15)) for month in (1, 2, 3)]
    day = date(2024, 6, 25)
    assert firm(tmp_path, day, social_insurance=usual)["insurance_overdue_days"] == 0.0
    others = [declared(APRIL, date(2024, 6, 20), OTHER)]
    row = firm(tmp_path / "others", day, social_insurance=usual + others)
    assert row["insurance_overdue_days"] > 30.0


def test_months_declared_years_late_are_not_of_the_last_thirteen(tmp_path: Path) -> None:
    old = [declared(date(2021 + i // 12, i % 12 + 1, 1), date(2024, 5, 2), paid=1) for i in range(24)]
    row = firm(tmp_path, D, social_insurance=[*old, declared(APRIL, date(2024, 5, 15))])
    assert (row["insurance_short_months"], row["insurance_late_months"]) == (0.0, 0.0)


def test_a_site_that_never_paid_has_all_its_wages_unpaid(tmp_path: Path) -> None:
    feeds = {
        "wage_sheets": [sheet(MARCH, SITE), sheet(APRIL, SITE), sheet(MARCH, ELSEWHERE, OTHER)],
        "payroll": [pay(7, MARCH, date(2024, 4, 15), ELSEWHERE, OTHER)],
    }
    for kind, subject in (("employer", FIRM), ("project", SITE)):
        row = found(tmp_path / kind, D, kind, **feeds)[subject]
        assert [row[name] for name in OWED] == [2.0, 6000.0, 1.0, 46.0], kind
    assert row["crew_unpaid_share"] == 1.0


def test_a_year_of_wages_left_to_spring_festival_is_owed_the_older_part_apart(tmp_path: Path) -> None:
    year = [date(2023, month, 1) for month in range(1, 13)]
    sheets = [sheet(month, SITE) for month in year]
    payroll = [pay(1, year[0], date(2023, 2, 15), SITE, paid="500.00")]
    row = found(tmp_path, date(2024, 2, 5), "project", wage_sheets=sheets, payroll=payroll)[SITE]
    assert [row[name] for name in OWED] == [7.0, 21000.0, 1.0, 205.0]
    assert (row["wages_unpaid_older_amount"], row["wages_unpaid_older_days"]) == (14500.0, 355.0)


def test_arrears_of_long_ago_are_dated_though_sheets_have_stopped(tmp_path: Path) -> None:
    sheets = [sheet(date(2023, month, 1), SITE) for month in (5, 6, 7, 8)]
    payroll = [pay(1, date(2023, 5, 1), date(2023, 6, 15), SITE, paid="500.00")]
    row = found(tmp_path, date(2024, 6, 1), "project", wage_sheets=sheets, payroll=payroll)[SITE]
    assert (row["wages_unpaid_older_amount"], row["wage_sheet_last_days"]) == (11500.0, 274.0)
    assert {row[name] for name in OWED} == {None}


OTHERS = [f"2301-500112-04-01-9{i:04d}1" for i in range(11)]
"""Sites of another firm."""


def town(paid_on: dict[date, date]) -> dict[str, list[Row]]:
    """Return sheets of twelve sites for March and April, and the pay of all but `SITE` on these days."""
    return {
        "wage_sheets": [
            sheet(month, site, OTHER if site in OTHERS else FIRM)
            for month in (MARCH, APRIL)
            for site in (SITE, *OTHERS)
        ],
        "payroll": [pay(1, date(2024, 2, 1), date(2024, 3, 15), site) for site in (SITE, *OTHERS)]
        + [pay(1, month, day, site, OTHER) for month, day in paid_on.items() for site in OTHERS],
    }


def unpaid_months(folder: Path, day: date, feeds: dict[str, list[Row]]) -> list[float | None]:
    """Return the months unpaid at `SITE` and at another site."""
    rows = found(folder, day, "project", **feeds)
    return [rows[site]["wages_unpaid_months"] for site in (SITE, OTHERS[0])]


def test_of_a_pay_day_that_hardly_anyone_kept_the_pay_was_not_told_and_nobody_owes_it(tmp_path: Path) -> None:
    day = date(2024, 6, 14)
    assert unpaid_months(tmp_path / "dead", day, town({MARCH: date(2024, 4, 15)})) == [1.0, 0.0]
    alive = town({MARCH: date(2024, 4, 15), APRIL: date(2024, 5, 15)})
    assert unpaid_months(tmp_path / "alive", day, alive) == [2.0, 0.0]


def test_a_hole_in_the_feed_of_pay_is_nobodys_arrears_when_it_goes_on(tmp_path: Path) -> None:
    hole = town({APRIL: date(2024, 5, 15)})
    assert unpaid_months(tmp_path, date(2024, 6, 14), hole) == [1.0, 0.0]


def test_pay_on_its_way_when_the_feed_died_is_nobodys_arrears(tmp_path: Path) -> None:
    feeds = town({MARCH: date(2024, 4, 15)})
    feeds["payroll"] = [
        row for row in feeds["payroll"] if row["month"] < MARCH or row["project_id"] == OTHERS[1]
    ]
    for day in (date(2024, 4, 24), date(2024, 6, 14)):
        assert unpaid_months(tmp_path / day.isoformat(), day, feeds) == [None, None]


def test_who_does_not_pay_shows_though_all_others_paid_before_their_pay_day(tmp_path: Path) -> None:
    feeds = town({MARCH: date(2024, 4, 12)})
    assert unpaid_months(tmp_path / "one", date(2024, 4, 24), feeds) == [1.0, 0.0]
    half = [row for row in feeds["payroll"] if row["month"] < MARCH or row["project_id"] not in OTHERS[1:7]]
    assert unpaid_months(tmp_path / "half", date(2024, 4, 24), feeds | {"payroll": half}) == [1.0, 0.0]


def test_one_site_with_many_crews_is_no_feed_that_died(tmp_path: Path) -> None:
    firms = [streams.make_uscc(f"91500112MA5U{i:04d}9") for i in range(12)]
    sheets = [sheet(month, SITE, firm) for firm in firms for month in (MARCH, APRIL)]
    payroll = [pay(1, date(2024, 2, 1), date(2024, 3, 15), SITE, firm) for firm in firms]
    row = found(tmp_path, date(2024, 6, 14), "project", wage_sheets=sheets, payroll=payroll)[SITE]
    assert row["wages_unpaid_months"] == 2.0


def test_a_crew_paid_twice_does_not_pay_another(tmp_path: Path) -> None:
    sheets = [sheet(MARCH, SITE), sheet(MARCH, SITE, OTHER)]
    payroll = [pay(worker, MARCH, date(2024, 4, 15), SITE, OTHER) for worker in (1, 2)]
    row = found(tmp_path, D, "project", wage_sheets=sheets, payroll=payroll)[SITE]
    assert [row[name] for name in OWED] == [1.0, 3000.0, 0.5, 46.0]


def test_a_month_two_crews_wait_for_is_one_month(tmp_path: Path) -> None:
    sheets = [sheet(MARCH, SITE), sheet(MARCH, ELSEWHERE)]
    payroll = [pay(1, MARCH, date(2024, 4, 15), SITE, paid="1000.00")]
    row = firm(tmp_path, D, wage_sheets=sheets, payroll=payroll)
    assert [row[name] for name in OWED] == [1.0, 5000.0, 5000 / 6000, 46.0]


def test_one_worker_of_a_small_crew_still_to_be_paid_does_not_make_a_large_month_unpaid(
    tmp_path: Path,
) -> None:
    large = sheet(MARCH, SITE, OTHER) | {"workers": 40, "due": Decimal("120000.00")}
    payroll = [pay(worker, MARCH, date(2024, 4, 15), SITE, OTHER) for worker in range(40)]
    day = date(2024, 5, 20)
    row = found(tmp_path, day, "project", wage_sheets=[sheet(MARCH, SITE), large], payroll=payroll)[SITE]
    assert [row[name] for name in OWED] == [0.0, 0.0, 0.0, 0.0]
    assert row["crew_unpaid_share"] == 1.0


def test_who_never_told_of_the_pay_of_its_own_staff_does_not_owe_it(tmp_path: Path) -> None:
    sheets = [sheet(MARCH)]
    at_site = [pay(1, MARCH, date(2024, 4, 15), SITE)]
    row = firm(tmp_path / "never", D, wage_sheets=sheets, payroll=at_site)
    assert {row[name] for name in OWED} == {None}
    long_ago = [*at_site, pay(1, date(2023, 5, 1), date(2023, 6, 1))]
    row = firm(tmp_path / "once", D, wage_sheets=sheets, payroll=long_ago)
    assert [row[name] for name in OWED] == [1.0, 3000.0, 1.0, 46.0]


def test_where_the_pay_of_most_sites_is_not_told_a_site_without_pay_is_silent_and_not_unpaid(
    tmp_path: Path,
) -> None:
    sites = [SITE, ELSEWHERE, streams.PROJECTS[2]]
    sheets = [sheet(MARCH, site) for site in sites]
    rows = found(
        tmp_path, D, "project", wage_sheets=sheets, payroll=[pay(1, MARCH, date(2024, 4, 15), ELSEWHERE)]
    )
    assert {rows[SITE][name] for name in (*OWED, "crew_unpaid_share")} == {None}
    assert rows[ELSEWHERE]["wages_unpaid_months"] == 0.0


def test_new_sites_where_nothing_is_due_yet_do_not_hide_a_site_that_stopped_paying(tmp_path: Path) -> None:
    sheets = [sheet(date(2024, 2, 1), SITE), sheet(MARCH, SITE)]
    sheets += [
        sheet(MARCH, site) | {"pay_due_on": date(2024, 7, 15)} for site in (ELSEWHERE, streams.PROJECTS[2])
    ]
    payroll = [pay(1, date(2024, 2, 1), date(2024, 3, 15), SITE)]
    row = found(tmp_path, D, "project", wage_sheets=sheets, payroll=payroll)[SITE]
    assert [row[name] for name in OWED] == [1.0, 3000.0, 0.5, 46.0]


def test_the_oldest_unpaid_wages_are_dated_by_who_lacks_more_than_a_rounding(tmp_path: Path) -> None:
    late = sheet(MARCH, SITE, OTHER) | {"pay_due_on": date(2024, 5, 15)}
    payroll = [pay(1, MARCH, date(2024, 4, 15), SITE, paid="2999.99")]
    row = found(tmp_path, D, "project", wage_sheets=[sheet(MARCH, SITE), late], payroll=payroll)[SITE]
    assert [row[name] for name in OWED] == [1.0, 3000.01, 3000.01 / 6000, 16.0]


@pytest.mark.parametrize("paid_on", [None, date(2022, 2, 1)], ids=["never", "dead"])
def test_where_no_pay_of_sites_comes_nobody_is_unpaid(tmp_path: Path, paid_on: date | None) -> None:
    payroll = [] if paid_on is None else [pay(1, paid_on.replace(month=1), paid_on, SITE)]
    row = found(tmp_path, D, "project", wage_sheets=[sheet(MARCH, SITE)], payroll=payroll)[SITE]
    assert {row[name] for name in (*OWED, "crew_unpaid_share")} == {None}


def one_of(folder: Path, days: list[date], **feeds: list[Row]) -> Row:
    """Return the firm's row of D, asked for beside other dates."""
    rows = snapshots(streams.view_of(folder, feeds), days, "employer").to_pylist()
    (row,) = (row for row in rows if (row["subject_id"], row["as_of"]) == (FIRM, D))
    return row


@pytest.mark.parametrize("days", [[D], [D - timedelta(40), D]])
def test_the_largest_figures_a_row_may_state_are_added_up(tmp_path: Path, days: list[date]) -> None:
    largest, paid_on = "9999999999999999.99", date(2024, 4, 15)
    full, hardly = (
        pay(worker, MARCH, paid_on, paid=paid) | {"due": Decimal(largest)}
        for worker, paid in enumerate((largest, "1.00"))
    )
    row = one_of(tmp_path, days, payroll=[full, hardly], wage_sheets=[sheet(MARCH)])
    assert (row["pay_short_share"], row["pay_paid_share"]) == (0.5, pytest.approx(0.5))


@pytest.mark.parametrize("days", [[D], [D - timedelta(40), D]])
def test_pay_for_a_month_to_come_is_not_counted_yet(tmp_path: Path, days: list[date]) -> None:
    ahead = date(2024, 6, 1)
    parts = [pay(0, ahead, D - timedelta(5)) | {"payment_no": number} for number in (1, 2)]
    row = one_of(tmp_path, days, payroll=[pay(0, APRIL, D - timedelta(16)), *parts])
    assert row["pay_parts_share"] == 0.0
