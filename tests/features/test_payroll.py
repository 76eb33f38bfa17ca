"""Wages of a small firm: how long since the last pay, and how many workers of one month have none."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from anxin.features.snapshots import snapshots

from . import streams

Row = dict[str, Any]
FIRM = streams.EMPLOYERS[0]


def firm(folder: Path, day: date, **feeds: list[Row]) -> Row:
    """Return the snapshot of a firm that is in no registry."""
    (row,) = snapshots(streams.view_of(folder, feeds), [day], "employer").to_pylist()
    return row


def pay(worker: int, month: date, paid_on: date) -> Row:
    return {
        **{"employer_id": FIRM, "project_id": None, "worker_id": f"{worker:064x}", "month": month},
        **{"due": Decimal("3000.00"), "paid": Decimal("3000.00"), "paid_on": paid_on, "payment_no": 1},
        **{"channel": "other", "received_at": datetime.combine(paid_on + timedelta(1), time(3))},
    }


def attended(worker: int, month: date) -> Row:
    sent = (month + timedelta(32)).replace(day=1)
    return {
        **{"employer_id": FIRM, "project_id": None, "worker_id": f"{worker:064x}", "month": month},
        **{"days": 21, "uploaded_on": sent, "received_at": datetime.combine(sent, time(3))},
    }


def test_months_paid_on_one_day_do_not_shorten_the_usual_interval(tmp_path: Path) -> None:
    march, april = date(2024, 3, 31), date(2024, 4, 30)
    payroll = [pay(0, date(2024, month, 1), march if month < 4 else april) for month in (1, 2, 3, 4)]
    assert firm(tmp_path, date(2024, 5, 31), payroll=payroll)["pay_gap_ratio"] == 31 / 30


def test_ten_worker_months_are_not_ten_workers(tmp_path: Path) -> None:
    months = [date(2024, month, 1) for month in (1, 2, 3)]
    sheets = [attended(worker, month) for worker in range(4) for month in months]
    payroll = [pay(9, date(2024, 1, 1), date(2024, 1, 31))]
    row = firm(tmp_path, date(2024, 5, 31), attendance=sheets, payroll=payroll)
    assert (row["attended_unpaid_heads"], row["attended_unpaid_heads_month"]) == (12.0, 4.0)
