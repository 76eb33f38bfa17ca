"""`anxin evaluate` beside the truth of a simulated city: on the dates it was told for, and on no other."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from anxin.judging.baselines import BASELINES
from anxin.judging.judgement import Outcomes, judged
from anxin.judging.universe import DIMENSIONS
from anxin.serving.terminal.evaluation import _rankings
from anxin.serving.terminal.evaluation_text import lines

FIRST, LATER = date(2025, 6, 1), date(2025, 6, 15)


def _rows() -> pd.DataFrame:
    """Return everyone on two dates, one of which the truth tells of; N is nobody the simulation knows."""
    row = {"in_hand": False, "p90": 0.1, "grade": 0, "state": "unseen", "workers": np.nan, "yuan": np.nan}
    row |= dict.fromkeys(DIMENSIONS, "x") | dict.fromkeys(BASELINES, 0.0)
    parts = [
        row | {"subject_id": who, "as_of": day, "rank": rank, "y": y, "y_plain": y}
        for day in (FIRST, LATER)
        for rank, (who, y) in enumerate([("A", 0.0), ("B", 1.0), ("N", 0.0)], start=1)
    ]
    return pd.DataFrame(parts)


def _truth(*days: date) -> pd.DataFrame:
    rows = [
        {"kind": "employer", "subject_id": who, "as_of": pd.Timestamp(day), "p90": p}
        for day in days
        for who, p in (("A", 0.2), ("B", 0.7))
    ]
    table = pd.DataFrame(rows, columns=["kind", "subject_id", "as_of", "p90"])
    return table.assign(as_of=pd.to_datetime(table["as_of"]))


def test_the_truth_is_compared_on_the_dates_it_was_told_for_alone() -> None:
    rankings = _rankings(_rows(), "employer", None, None, _truth(date(2025, 5, 1), FIRST))
    told = rankings["truth"].set_index("subject_id")
    assert set(told["as_of"]) == {FIRST}
    assert told["figure"].to_dict() == {"A": 0.2, "B": 0.7, "N": 0.0}
    assert set(rankings["list"]["as_of"]) == {FIRST, LATER}
    assert "truth" not in _rankings(_rows(), "employer", None, None, _truth(date(2025, 5, 1)))
    assert "truth" not in _rankings(_rows(), "employer", None, None, _truth())


def test_means_say_over_how_many_dates_and_dates_without_the_truth_have_none() -> None:
    rankings = _rankings(_rows(), "employer", None, None, _truth(FIRST))
    cases = pd.DataFrame({"subject_id": ["B"], "opened_on": pd.to_datetime([FIRST])})
    complaints = pd.DataFrame({"subject_id": ["B"], "received_on": pd.to_datetime([FIRST])})
    found = judged(rankings, Outcomes(cases, complaints), (2,), [])
    assert found["dates_judged"] == {"list": 2, **dict.fromkeys(BASELINES, 2), "truth": 1}
    assert (found["means"]["truth"]["all"]["average_precision"], found["gains"]["truth"]["all"]["dates"]) == (
        1,
        1,
    )
    result = {"not_mature": [], "truth_untold": [str(LATER)], **found}
    text = lines({"known_on": "2026-01-01", "unmatched": {}, "kinds": {"employer": result}})
    assert any("日期数 dates" in line and line.split()[-2:] == ["2", "1"] for line in text)
    assert any(line.split()[:1] == [str(LATER)] and line.endswith("truth —") for line in text)
    assert any("未载之日" in line and str(LATER) in line for line in text)
