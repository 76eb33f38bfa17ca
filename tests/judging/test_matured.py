"""What came true of lists, as labels mature: the rule for averted warnings is that of all judging."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import Any

import pandas as pd
import pytest

from anxin.feeds.asof import View
from anxin.judging.any_list import with_labels
from anxin.judging.matured import by_month, outcomes

Row = dict[str, Any]
DAY, KNOWN = date(2025, 1, 1), date(2025, 9, 1)


def _sent(day: date) -> datetime:
    return datetime.combine(day + timedelta(1), time(3))


def _case(number: int, who: str, outcome: str, day: date) -> Row:
    row = {
        "case_id": f"C{number}",
        "employer_id": who,
        "source": "complaint",
        "arrears_from": day.replace(day=1),
    }
    return row | {"opened_on": day, "outcome": outcome, "received_at": _sent(day)}


@pytest.fixture
def view(view_of: Callable[..., View]) -> View:
    """Return a lake in which V was verified, P is pending, and a warning of A was acted on and averted."""
    day = DAY + timedelta(10)
    visit = {"inspection_id": "I1", "employer_id": "A", "inspected_on": day, "reason": "warning"}
    receipt = {"warning_id": "W1", "leg": "place", "status": "closed", "status_on": day, "outcome": "averted"}
    # Cases go on being sent, so the outcome feed is not dead.
    others = [_case(10 + i, f"X{i}", "unfounded", DAY + timedelta(9 * i)) for i in range(-20, 25)]
    return view_of(
        {
            "cases": [_case(1, "V", "verified", day), _case(2, "P", "pending", day), *others],
            "inspections": [
                {**visit, "finding": "system_gap", "warning_id": "W1", "received_at": _sent(day)}
            ],
            "dispositions": [{**receipt, "received_at": _sent(day)}],
        }
    )


def _scored() -> pd.DataFrame:
    row = {"as_of": DAY, "p30": 0.1, "p90": 0.2, "in_hand": False}
    return pd.DataFrame([{**row, "subject_id": who} for who in "VPAN"])


@pytest.mark.parametrize("horizon", [30, 90])
def test_an_averted_warning_is_a_hit_as_in_judging_and_the_figure_without_stands_beside(
    view: View, horizon: int
) -> None:
    found = outcomes(view, _scored(), "employer", horizon, KNOWN).set_index("subject_id")
    assert found["y"].to_dict() == {"V": 1.0, "A": 1.0, "N": 0.0}
    assert found["y_plain"].to_dict() == {"V": 1.0, "A": 0.0, "N": 0.0}
    judged = with_labels(view, _scored(), "employer", KNOWN).set_index("subject_id")
    assert found["y"].to_dict() == judged["y"].dropna().to_dict()
    [everyone] = [one for one in by_month(found.reset_index(), ()) if one["group"] == "all"]
    assert (everyone["observed"], everyone["without_averted"]["observed"]) == (2, 1)
    assert everyone["expected"] == everyone["without_averted"]["expected"] == 0.6


def test_only_mature_dates_have_an_outcome(view: View) -> None:
    assert len(outcomes(view, _scored(), "employer", 90, DAY + timedelta(134))) == 0
    assert len(outcomes(view, _scored(), "employer", 90, DAY + timedelta(135))) == 3
