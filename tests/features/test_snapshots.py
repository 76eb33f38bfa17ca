"""What a snapshot does to the process it is made in, and that how it is computed changes no cell."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from anxin.features import catalogue, energy
from anxin.features.known import Kind
from anxin.features.snapshots import KINDS, _Uncollected, snapshots

from . import streams
from .conftest import Made


@pytest.fixture(autouse=True)
def collecting() -> Iterator[None]:
    yield
    gc.enable()


@pytest.mark.parametrize("usual", [True, False])
def test_cycles_are_looked_for_again_when_the_last_of_several_snapshots_is_done(usual: bool) -> None:
    (gc.enable if usual else gc.disable)()
    within = _Uncollected()
    within.__enter__()
    assert not gc.isenabled()
    within.__enter__()
    within.__exit__(None, None, None)
    assert not gc.isenabled()
    within.__exit__(None, None, None)
    assert gc.isenabled() is usual


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("together", [1, 10**9])
def test_however_many_dates_are_looked_at_together_every_cell_is_the_same(
    kind: Kind, together: int, made: Callable[[int], Made], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Electricity of a city is looked at a few dates at a time; the oracle sees them all at once."""
    monkeypatch.setattr(energy, "_TOGETHER", together)
    world = made(streams.SEEDS[0])
    figures = {name for name, one in catalogue.catalogue().items() if one.family == "energy"}
    found = snapshots(world.view, streams.DATES, kind, only=figures)
    assert len({day for day in found["as_of"].to_pylist()}) > 2
    assert found.equals(world.table(kind).select(found.column_names))


@pytest.mark.parametrize("kind", KINDS)
def test_a_snapshot_of_some_figures_says_the_same_of_them(kind: Kind, made: Callable[[int], Made]) -> None:
    world = made(streams.SEEDS[0])
    figures = {feature.name for feature in catalogue.of(kind)} | set(catalogue.facts())
    of_day = (
        next(feature.name for feature in catalogue.of(kind) if feature.of_day) if kind == "project" else ""
    )
    for only in ({"spring_festival_nearness"}, {of_day, "complaints_90d", "complaint_open_last_days"}, set()):
        found = snapshots(world.view, streams.DATES[-2:], kind, only=only)
        assert set(found.column_names) & figures == only - {""}
        whole = world.table(kind).select(found.column_names)
        days = set(streams.DATES[-2:])
        assert found.to_pylist() == [row for row in whole.to_pylist() if row["as_of"] in days]


def test_who_sends_no_day_of_payment_has_not_told_that_nobody_paid(tmp_path: Path) -> None:
    """Known from the day on which anyone's bill was first received with the day it was paid, and up to that day."""

    def bill(number: int, issued: date, paid: date | None, received: date) -> dict[str, Any]:
        return {
            **{"bill_id": f"B{number}", "employer_id": streams.EMPLOYERS[number], "project_id": None},
            **{"utility": "water", "month": issued.replace(day=1), "amount": Decimal(100)},
            **{"issued_on": issued, "due_on": issued + timedelta(15), "paid_on": paid},
            "received_at": datetime.combine(received, datetime.min.time()),
        }

    march, may = date(2025, 3, 1), date(2025, 5, 1)
    rows = [bill(0, march, None, date(2025, 3, 2)), bill(1, march, date(2025, 3, 20), may)]
    rows += [bill(2, date(2025, 3, 8), None, date(2025, 3, 9))]
    days = [may, may + timedelta(1)]
    found = snapshots(streams.view_of(tmp_path, {"energy_bills": rows}), days, "employer").to_pylist()
    owed = {(row["subject_id"], row["as_of"]): row["bills_unpaid"] for row in found}
    assert owed[streams.EMPLOYERS[0], days[0]] is None
    assert [owed[streams.EMPLOYERS[number], days[1]] for number in (0, 1, 2)] == [1.0, 0.0, 0.0]
