"""The money of a project: the rule on how long a contract lasts, and what single rows of it say on a day."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa
import pytest

from anxin.domain.wages import AccountRule
from anxin.features.catalogue import catalogue
from anxin.features.funding import _lasts, funding
from anxin.features.known import Known
from anxin.feeds.asof import connect

from . import streams

SITE = streams.PROJECTS[0]


def test_calendar_months_are_counted_as_the_account_rule_counts_them() -> None:
    rule = AccountRule(0.0, 3, 30)
    starts = [date(2023, 10, 1) + timedelta(i) for i in range(200)]
    pairs = [(start, start + timedelta(i)) for start in starts for i in range(86, 95)]
    table = pa.table({"start_on": [s for s, _ in pairs], "planned_end_on": [e for _, e in pairs]})
    rows = ibis.memtable(table)
    lasts = connect().to_pyarrow(rows.mutate(lasts=_lasts(rows, ibis.literal(3))))
    got = {(row["start_on"], row["planned_end_on"]): row["lasts"] for row in lasts.to_pylist()}
    assert got == {pair: rule.applies(1.0, *pair) for pair in pairs}
    assert set(got.values()) == {True, False}


def site() -> dict[str, Any]:
    return {
        **{"project_id": SITE, "name": "乙", "project_type": "building", "district": "500112"},
        **{"investment": "private", "real_estate": False},
        **{"owner_id": streams.EMPLOYERS[0], "contractor_id": streams.EMPLOYERS[1]},
        **{"contract_amount": Decimal(9_000_000), "start_on": date(2024, 1, 1)},
        **{"planned_end_on": date(2026, 6, 30), "changed_on": date(2024, 1, 1)},
        "received_at": datetime(2024, 1, 2),
    }


def the_day_after(day: date) -> datetime:
    return datetime.combine(day + timedelta(1), time())


def guarantee(stated_on: date, expires_on: date | None, balance: int = 900_000) -> dict[str, Any]:
    return {
        **{"project_id": SITE, "kind": "payment_guarantee", "as_of": stated_on, "expires_on": expires_on},
        **{
            "required": Decimal(900_000),
            "balance": Decimal(balance),
            "received_at": the_day_after(stated_on),
        },
    }


def made(folder: Path, day: date, **feeds: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what funding makes of a project with these rows on a day."""
    view = streams.view_of(folder, {"projects": [site()], **feeds})
    (table,) = funding(Known(view, (day,), "project"))
    rows = {row["subject_id"]: row for row in view.backend.to_pyarrow(table).to_pylist()}
    return dict(rows[SITE])


SEEN = date(2024, 1, 20)


@pytest.mark.parametrize(
    ("stated", "missing", "share"),
    [
        pytest.param([(SEEN, date(2026, 8, 30))], 0.0, 1.0, id="stated once until its end"),
        pytest.param([(SEEN, date(2025, 3, 31))], 1.0, None, id="its end has passed"),
        pytest.param([(SEEN, None)], 1.0, None, id="no end and not stated for 13 months"),
        pytest.param([(date(2024, 6, 1), None)], 0.0, 1.0, id="no end and stated within 13 months"),
        pytest.param(
            [(SEEN, date(2026, 8, 30)), (date(2024, 2, 1), None)], 1.0, None, id="the newest is what holds"
        ),
    ],
)
def test_a_guarantee_holds_until_its_end_or_for_thirteen_months(
    tmp_path: Path, stated: list[tuple[date, date | None]], missing: float, share: float | None
) -> None:
    elsewhere = guarantee(SEEN, date(2027, 1, 31)) | {"project_id": streams.PROJECTS[1]}
    found = made(tmp_path, date(2025, 4, 1), guarantees=[elsewhere, *(guarantee(*one) for one in stated)])
    assert found["payment_guarantee_missing"] == missing
    assert found["payment_guarantee_share"] == share


def test_where_no_guarantee_names_its_end_each_holds_until_the_next(tmp_path: Path) -> None:
    found = made(tmp_path, date(2025, 4, 1), guarantees=[guarantee(SEEN, None)])
    assert (found["payment_guarantee_missing"], found["payment_guarantee_share"]) == (0.0, 1.0)


def test_a_stored_deposit_where_no_rule_asks_for_one_is_neither_missing_nor_not(tmp_path: Path) -> None:
    days = date(2023, 12, 1), date(2025, 3, 1)
    cash = {"project_id": SITE, "form": "cash", "required": Decimal(9), "stored": Decimal(9)}
    rows = [cash | {"deposit_id": str(d), "from_on": d, "received_at": the_day_after(d)} for d in days]
    abroad = [site() | {"district": "US-CA"}]
    found = made(tmp_path, date(2025, 4, 1), projects=abroad, deposits=rows)
    assert (found["deposit_held"], found["deposit_missing"]) == (2.0, None)


def test_money_of_a_kind_that_nobody_was_told_to_have_is_not_missed(tmp_path: Path) -> None:
    days = date(2023, 12, 1), date(2025, 3, 1)
    others = [guarantee(day, None) | {"project_id": streams.PROJECTS[1]} for day in days]
    found = made(tmp_path, date(2025, 4, 1), guarantees=others)
    assert (found["payment_guarantee_missing"], found["reserve_missing"]) == (1.0, None)


@pytest.mark.parametrize(
    ("oldest", "missing"),
    [
        pytest.param(date(2025, 2, 1), None, id="a feed that began after the works has not told of it"),
        pytest.param(date(2023, 12, 1), 1.0, id="one of before the works has"),
    ],
)
def test_what_may_stand_since_before_a_feed_began_is_not_missed(
    tmp_path: Path, oldest: date, missing: float | None
) -> None:
    other = {"project_id": streams.PROJECTS[1]}
    cash = {"form": "cash", "required": Decimal(9), "stored": Decimal(9)}
    days = [oldest, date(2025, 3, 1)]
    rows = {
        "guarantees": [guarantee(day, date(2027, 1, 31)) | other for day in days],
        "deposits": [
            cash | other | {"deposit_id": str(day), "from_on": day, "received_at": the_day_after(day)}
            for day in days
        ],
    }
    found = made(tmp_path, date(2025, 4, 1), **rows)
    assert (found["payment_guarantee_missing"], found["deposit_missing"]) == (missing, missing)


@pytest.mark.parametrize(
    ("stored", "used", "share"),
    [
        (1_000_000, None, 1.0),
        (1_000_000, 1_000_000, 0.0),
        (1_000_000, 1_200_000, 0.0),
        (500_000, 100_000, 0.4),
    ],
)
def test_a_deposit_that_was_used_is_no_longer_stored(
    tmp_path: Path, stored: int, used: int | None, share: float
) -> None:
    deposit = {
        **{"deposit_id": "b", "project_id": SITE, "form": "cash", "required": Decimal(1_000_000)},
        **{"stored": Decimal(stored), "used": None if used is None else Decimal(used)},
        **{"from_on": date(2024, 2, 1), "received_at": datetime(2024, 2, 2)},
    }
    assert made(tmp_path, date(2025, 4, 1), deposits=[deposit])["deposit_share"] == share


def booking(kind: str, on: date) -> dict[str, Any]:
    return {
        **{"txn_id": f"{kind} {on}", "project_id": SITE, "transacted_on": on, "kind": kind},
        **{"amount": Decimal(1000), "balance": Decimal(1000), "received_at": the_day_after(on)},
    }


def elsewhere(on: date) -> dict[str, Any]:
    """A booking of another account, received the same day: the bank tells of days until then."""
    another = {"txn_id": f"elsewhere {on}", "project_id": streams.PROJECTS[1]}
    return booking("wage", on) | another | {"received_at": datetime.combine(on, time(12))}


@pytest.mark.parametrize(
    ("day", "opened", "credited", "missed"),
    [
        pytest.param(date(2025, 9, 14), (2025, 3), [4, 5, 6, 7, 8], 0.0, id="once in every month"),
        pytest.param(date(2025, 9, 14), (2025, 3), [4, 6, 7], 2.0, id="two months without"),
        pytest.param(
            date(2025, 9, 14), (2025, 3), [4, 5, 6, 7, 8, 9], 0.0, id="what comes tomorrow is not known"
        ),
        pytest.param(date(2025, 9, 14), (2024, 9), [], 6.0, id="never"),
        pytest.param(date(2025, 9, 30), (2025, 9), [], 0.0, id="opened this month"),
        pytest.param(date(2025, 3, 1), (2025, 1), [], 1.0, id="opened the month before the last"),
    ],
)
def test_a_month_is_missed_when_it_is_over_and_nothing_was_credited_in_it(
    tmp_path: Path, day: date, opened: tuple[int, int], credited: list[int], missed: float
) -> None:
    rows = [booking("opened", date(*opened, 14))]
    rows += [booking("appropriation", date(day.year, month, 15)) for month in credited]
    rows += [elsewhere(day - timedelta(1))]
    assert made(tmp_path, day, wage_accounts=rows)["appropriation_gap_months"] == missed


@pytest.mark.parametrize(
    ("bookings", "credited", "wages"),
    [
        pytest.param([("opened", 200)], 200.0, 200.0, id="nothing ever came"),
        pytest.param([("opened", 200), ("appropriation", 90)], 90.0, 200.0, id="no wages followed"),
        pytest.param([("opened", 200), ("appropriation", 90), ("wage", 80)], 90.0, 80.0, id="both came"),
        pytest.param([("appropriation", 430), ("other_out", 390)], 390.0, 390.0, id="not in 13 months"),
        pytest.param([], None, None, id="no account"),
    ],
)
def test_an_account_that_nothing_came_to_counts_the_days_since_its_first_booking(
    tmp_path: Path, bookings: list[tuple[str, int]], credited: float | None, wages: float | None
) -> None:
    day = date(2025, 9, 14)
    rows = [booking(kind, day - timedelta(ago)) for kind, ago in bookings]
    found = made(tmp_path, day, wage_accounts=[*rows, elsewhere(day - timedelta(1))])
    assert (found["appropriation_days"], found["wage_out_days"]) == (credited, wages)
    # Its date is that of a credit: what never came has neither.
    dated = catalogue()["appropriation_trend"].dated
    assert dated == "appropriation_seen_days"
    if not any(kind == "appropriation" and ago <= 400 for kind, ago in bookings):
        assert found["appropriation_trend"] is None


def test_a_bank_that_is_behind_lets_nobody_seem_without_money(tmp_path: Path) -> None:
    day = date(2025, 8, 4)
    months = [booking("appropriation", date(2025, month, 28)) for month in (3, 4, 5, 6)]
    months += [booking("opened", date(2025, 2, 10)), elsewhere(date(2025, 7, 1))]
    found = made(tmp_path, day, wage_accounts=months)
    assert (found["appropriation_gap_months"], found["appropriation_days"]) == (0.0, 4.0)
    assert (found["credit_unfollowed_days"], found["appropriation_seen_days"]) == (96.0, 37.0)
    others = made(tmp_path / "others", day, wage_accounts=[*months, elsewhere(date(2025, 8, 3))])
    assert (others["appropriation_gap_months"], others["appropriation_days"]) == (1.0, 37.0)


def period(on: date, **columns: Any) -> dict[str, Any]:
    return {
        **{"project_id": SITE, "period_no": on.toordinal(), "due_on": on, "completed_value": Decimal(100)},
        **{"payable": Decimal(100), "labour_payable": Decimal(20), "received_at": the_day_after(on)},
        **columns,
    }


def test_what_was_due_before_accounts_were_told_of_is_not_held_against_credits(tmp_path: Path) -> None:
    day, first = date(2025, 7, 1), date(2025, 5, 1)
    due = [period(date(2024 + (8 + i) // 12, (8 + i) % 12 + 1, 5)) for i in range(10)]
    booked = [booking("appropriation", date(2025, month, 6)) | {"amount": Decimal(20)} for month in (5, 6)]
    young = made(tmp_path, day, progress_payments=due, wage_accounts=[*booked, elsewhere(first)])
    # What was due in the feed's first month may have been credited before it: only June is held against both credits.
    assert (young["labour_credited_share"], young["labour_unpaid_amount"]) == (2.0, 0.0)
    assert (young["account_missing"], young["labour_advance_missing"]) == (None, None)
    old = [*booked, elsewhere(date(2024, 6, 1))]
    assert (
        made(tmp_path / "old", day, progress_payments=due, wage_accounts=old)["labour_credited_share"] == 0.2
    )


def test_where_banks_name_no_project_no_labour_cost_is_short_of_its_account(tmp_path: Path) -> None:
    day, others = date(2025, 7, 1), [elsewhere(date(2024, 6, 1)), elsewhere(date(2025, 6, 30))]
    due = [period(date(2025, 5, 5))]
    asked = made(tmp_path, day, progress_payments=due, wage_accounts=others)
    assert (asked["labour_credited_share"], asked["labour_unpaid_amount"]) == (0.0, 20.0)
    behind = made(tmp_path / "behind", day, progress_payments=due, wage_accounts=others[:1])
    assert behind["labour_credited_share"] is None
    nameless = [other | {"project_id": None} for other in others]
    found = made(tmp_path / "nameless", day, progress_payments=due, wage_accounts=nameless)
    assert (found["labour_credited_share"], found["labour_unpaid_amount"]) == (None, None)


def test_public_funds_are_asked_of_projects_of_the_government_alone(tmp_path: Path) -> None:
    due = [period(date(2025, 5, 1), public_funds_in=Decimal(0))]
    names = ("public_funds_share", "public_funds_short_amount", "public_funds_late_days")
    found = made(tmp_path, date(2025, 7, 1), progress_payments=due)
    assert [found[name] for name in names] == [None, None, None]
    public = [site() | {"investment": "government"}]
    found = made(tmp_path / "public", date(2025, 7, 1), projects=public, progress_payments=due)
    assert [found[name] for name in names] == [0.0, 100.0, 61.0]


def test_a_period_paid_in_full_is_not_overdue_where_no_day_of_settlement_is_sent(tmp_path: Path) -> None:
    due = [period(date(2025, 5, 1), paid=Decimal(100)), period(date(2025, 6, 1), paid=Decimal(40))]
    found = made(tmp_path, date(2025, 7, 1), progress_payments=due)
    assert (found["progress_overdue_periods"], found["progress_overdue_days"]) == (1.0, 30.0)
