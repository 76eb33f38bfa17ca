"""The records behind a feature: the subject's own, as known on the day, and no person."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from anxin.features.catalogue import catalogue
from anxin.features.records import Records, behind, records
from anxin.feeds.asof import View

DAY = date(2026, 2, 1)
FIRM, OTHER, SITE = "91500000MA5U00000X", "91500000MA5U00001X", "2403-500106-04-01-123456"


def _at(day: int, month: int = 1) -> datetime:
    return datetime(2026, month, day, 8)


def _bill(number: int, **values: Any) -> dict[str, Any]:
    return {
        "bill_id": f"B{number}",
        "employer_id": FIRM,
        "project_id": None,
        "utility": "electricity",
        "quantity": None,
        "month": date(2025, 12, 1),
        "amount": Decimal("120.50"),
        "issued_on": date(2026, 1, number),
        "due_on": date(2026, 1, 20),
        "paid_on": None,
        "received_at": _at(number + 1),
        **values,
    }


def _pay(worker: str, project: str | None, month: int) -> dict[str, Any]:
    return {
        "employer_id": FIRM,
        "project_id": project,
        "worker_id": worker,
        "month": date(2025, month, 1),
        "payment_no": 1,
        "due": Decimal("5000"),
        "paid": Decimal("4000"),
        "paid_on": date(2026, 1, 5),
        "channel": "other",
        "received_at": _at(6),
    }


def _firm(employer: str) -> dict[str, Any]:
    return {
        "employer_id": employer,
        "name": "南麓服饰",
        "district": "500106",
        "industry": "C18",
        "ownership": "private",
        "registered_capital": Decimal("1000000"),
        "established_on": date(2015, 1, 1),
        "status": "active",
        "address": None,
        "controller_id": None,
        "park": None,
        "legal_representative": "e9c1",
        "changed_on": date(2025, 1, 1),
        "received_at": datetime(2025, 1, 2),
    }


@pytest.fixture
def view(view_of: Callable[..., View]) -> View:
    paid = _bill(3, paid_on=date(2026, 2, 2), received_at=_at(3, month=2))
    bills = [_bill(3), _bill(5), paid, _bill(7, employer_id=OTHER), _bill(9, project_id=SITE)]
    bills.append(_bill(11, received_at=_at(1, month=2)))
    pays = [_pay("W1", None, 11), _pay("W2", None, 11), _pay("W1", SITE, 12)]
    return view_of({"energy_bills": bills, "payroll": pays, "employers": [_firm(FIRM), _firm(OTHER)]})


def _of(view: View, feed: str) -> Records:
    found = records(view, DAY, "employer", FIRM, feed)
    assert found is not None
    return found


def test_the_rows_are_the_subjects_own_as_known_on_the_day_newest_first(view: View) -> None:
    bills = _of(view, "energy_bills")
    assert bills.total == 2
    assert bills.rows["bill_id"].to_pylist() == ["B5", "B3"]
    assert bills.rows["paid_on"].to_pylist() == [None, None]  # it was paid the day after, which nobody knew


def test_of_workers_only_counts_by_month_come_out(view: View) -> None:
    pay = _of(view, "payroll")
    assert pay.per_worker
    assert pay.rows.column_names == ["month", "workers", "records"]
    assert pay.rows.to_pylist() == [
        {"month": date(2025, 12, 1), "workers": 1, "records": 1},
        {"month": date(2025, 11, 1), "workers": 2, "records": 2},
    ]


def test_no_column_stands_for_a_person(view: View) -> None:
    firm = _of(view, "employers")
    assert firm.rows["employer_id"].to_pylist() == [FIRM]
    assert "legal_representative" not in firm.rows.column_names


def test_a_feed_that_says_nothing_of_the_kind_or_the_subject_is_none_or_empty(view: View) -> None:
    assert records(view, DAY, "employer", FIRM, "deposits") is None
    suits = records(view, DAY, "employer", FIRM, "litigation")
    assert suits is not None and suits.total == 0


def test_of_a_finding_about_others_only_whom_it_stands_with_is_given(view: View) -> None:
    around = next(f for f in catalogue().values() if f.name == "group_cases_365d")
    assert [found.feed for found in behind(view, DAY, "employer", FIRM, around)] == ["employers"]
    own = catalogue()["bills_unpaid_days"]
    assert [found.feed for found in behind(view, DAY, "employer", FIRM, own)] == ["energy_bills"]


@pytest.mark.parametrize("kind", ["employer", "project"])
def test_every_finding_can_be_asked_for_its_records(view: View, kind: str) -> None:
    feeds = {feed for feature in catalogue().values() if kind in feature.kinds for feed in feature.sources}
    for feed in sorted(feeds):
        found = records(view, DAY, kind, FIRM, feed)  # type: ignore[arg-type]
        assert found is None or not {"worker_id", "person_no"} & set(found.rows.column_names)
