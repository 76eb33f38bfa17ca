"""The fast way to decide versions against the obvious one, on any rows in any order."""

from __future__ import annotations

import tempfile
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anxin.feeds.asof import View, connect
from anxin.feeds.contract import contract
from anxin.feeds.ingest import ingest
from anxin.feeds.lake import Lake

from . import deliveries, oracle

START = date(2024, 1, 1)
LATER = datetime(2024, 2, 1)

moments = st.integers(0, 5).map(lambda half_days: datetime(2024, 1, 2) + timedelta(hours=12 * half_days))
days = st.integers(0, 4).map(lambda number: START + timedelta(number))


def cases() -> st.SearchStrategy[dict[str, Any]]:
    """Rows of a feed with one key column, whose event may change from version to version."""
    fixed = {name: st.none() for name in contract()["cases"].names}
    return st.fixed_dictionaries(
        fixed
        | {
            "case_id": st.sampled_from(["a", "b"]),
            "employer_id": st.just("e"),
            "source": st.sampled_from(["complaint", "warning"]),
            "arrears_from": st.just(START),
            "opened_on": days,
            "outcome": st.just("pending"),
            "workers": st.sampled_from([None, 9, 10]),
            "received_at": moments,
        }
    )


def readings() -> st.SearchStrategy[dict[str, Any]]:
    """Rows of a feed with a date in its key."""
    return st.fixed_dictionaries(
        {
            "meter_id": st.sampled_from(["m", "n"]),
            "employer_id": st.just("e"),
            "project_id": st.none(),
            "date": days,
            "kwh": st.sampled_from([Decimal("0.000"), Decimal("9.500"), Decimal("10.000")]),
            "received_at": moments,
        }
    )


def sheets() -> st.SearchStrategy[dict[str, Any]]:
    """Rows of a feed with an empty key column."""
    return st.fixed_dictionaries(
        {
            "employer_id": st.just("e"),
            "project_id": st.sampled_from([None, "p"]),
            "month": st.just(START),
            "uploaded_on": days,
            "pay_due_on": st.just(START),
            "workers": st.sampled_from([1, 2]),
            "due": st.just(Decimal("1.00")),
            "received_at": moments,
        }
    )


def split(rows: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[list[list[list[dict[str, Any]]]]]:
    """Rows in files in deliveries."""
    return st.lists(st.lists(st.lists(rows, max_size=6), max_size=2), min_size=1, max_size=3)


@pytest.mark.parametrize(
    ("feed_name", "rows"), [("cases", cases()), ("energy_usage", readings()), ("wage_sheets", sheets())]
)
def test_any_order_and_split_gives_what_the_oracle_says(
    feed_name: str, rows: st.SearchStrategy[dict[str, Any]]
) -> None:
    feed = contract()[feed_name]
    backend = connect()

    @settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
    @given(parts=split(rows))
    def check(parts: list[list[list[dict[str, Any]]]]) -> None:
        with tempfile.TemporaryDirectory() as folder:
            lake = Lake(Path(folder) / "lake")
            for number, files in enumerate(parts):
                delivery = Path(folder) / str(number)
                (delivery / feed_name).mkdir(parents=True)
                for place, some in enumerate(files):
                    deliveries.write(delivery, feed_name, some, f"{place}.parquet")
                ingest(lake, delivery, LATER)
            everything = [row for files in parts for some in files for row in some]
            view = View(lake, backend)
            assert deliveries.tuples(feed, view.history(feed_name).to_pyarrow()) == oracle.history(
                feed, everything
            )
            asked = [START + timedelta(number) for number in range(7)]
            found = view.known(feed_name, asked).to_pyarrow().to_pylist()
            for day in asked:
                on_day = [tuple(row[name] for name in feed.names) for row in found if row["as_of"] == day]
                assert sorted(on_day, key=repr) == oracle.known(feed, everything, day)

    check()
