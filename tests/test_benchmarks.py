"""What the benchmarks compare with is held, too: pooled figures by the evaluator, hand-made counts in both times."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy.stats import norm

from anxin.feeds.contract import contract
from anxin.judging.evaluator import judge, mean_over_dates
from benchmarks.calm import calm
from benchmarks.counts import FEEDS, Counts, taught
from benchmarks.pooled import Panel, Ranked, calibration, lead, pooled
from benchmarks.rivals import Bins, Lesson, forest, logistic, told
from benchmarks.sizes import sizes


def _rows(seed: int, subjects: int = 400, cities: int = 2, dates: int = 3) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    n = subjects * cities * dates
    place = np.arange(n)
    p = rng.beta(0.6, 6.0, n)
    return pd.DataFrame(
        {
            "city": place // (subjects * dates),
            "as_of": pd.to_datetime("2025-03-01")
            + pd.to_timedelta(30 * (place // subjects % dates), unit="D"),
            "subject_id": [f"S{i % subjects}" for i in range(n)],
            "in_hand": False,
            "p": p,
            "figure": np.round(p, 2),
            "y": (rng.random(n) < p).astype(float),
        }
    )


@pytest.mark.parametrize("seed", range(3))
def test_pooled_figures_are_the_evaluators_means_ties_included(seed: int) -> None:
    rows = _rows(seed)
    figures, _ = pooled(Panel.of(rows), {"one": rows["figure"].to_numpy()}, 100, [], draws=2)
    judged = judge(rows.assign(as_of=rows["city"].astype(str) + "/" + rows["as_of"].astype(str)))
    means = mean_over_dates(judged, "all")
    assert figures["one"]["ap"].value == pytest.approx(means["average_precision"])
    assert figures["one"]["auc"].value == pytest.approx(means["auc"])
    assert figures["one"]["precision"].value == pytest.approx(means["precision_100"])


def test_a_subject_drawn_twice_counts_as_two() -> None:
    rows = _rows(7, subjects=60, cities=1, dates=1)
    drawn = np.random.default_rng(0).integers(0, 3, len(rows))
    panel = Panel.of(rows)
    weighted = Ranked.of(panel, rows["figure"].to_numpy()).measured(panel.y, drawn.astype(float), 20)
    twice = rows.loc[rows.index.repeat(drawn)].reset_index(drop=True)
    plainly = Ranked.of(Panel.of(twice), twice["figure"].to_numpy())
    expected = plainly.measured(twice["y"].to_numpy(), np.ones(len(twice)), 20)
    for name, value in expected.items():
        assert weighted[name] == pytest.approx(value)


def test_true_probabilities_are_calibrated_and_doubled_ones_are_not() -> None:
    rows = _rows(3, subjects=3000)
    p, grade = rows["p"].to_numpy(), (rows["p"] > 0.3).to_numpy().astype(int)
    right = calibration(Panel.of(rows), p, grade, draws=40)
    for name, figure in right.items():
        assert figure.low <= figure.value <= figure.high
        if name != "skill":
            assert figure.low - 0.05 < 1.0 < figure.high + 0.05
    assert right["skill"].low > 0
    wrong = calibration(Panel.of(rows), np.minimum(2 * p, 0.99), grade, draws=4)
    assert wrong["oe_500"].value < 0.7
    assert wrong["skill"].value < right["skill"].value


def test_against_what_was_to_be_expected_chance_says_nothing() -> None:
    rows = _rows(4, subjects=200)
    p, grade = rows["p"].to_numpy(), (rows["p"] > 0.3).to_numpy().astype(int)
    expected = replace(Panel.of(rows), y=p)
    right = calibration(expected, p, grade, draws=4)
    assert right["slope"].value == pytest.approx(1.0)
    for name in ("oe_100", "oe_500", "oe_grade_1"):
        assert right[name].value == right[name].low == right[name].high == pytest.approx(1.0)
    assert calibration(expected, p / 2, grade, draws=4)["oe_grade_1"].value == pytest.approx(2.0)


def test_lead_counts_from_the_first_date_in_reach_to_the_complaint_or_else_the_case() -> None:
    days = pd.to_datetime(["2025-03-01", "2025-04-01"])
    rows = pd.DataFrame(
        [(1, day, subject) for day in days for subject in ("A", "B", "C")],
        columns=["city", "as_of", "subject_id"],
    )
    # A is first in March, B in April; C never.
    figure = np.array([3.0, 2.0, 1.0, 2.0, 3.0, 1.0])
    cases = pd.DataFrame(
        {
            "city": 1,
            "subject_id": ["A", "B", "C", "A"],
            "opened_on": pd.to_datetime(["2025-05-01", "2025-05-01", "2025-05-01", "2025-12-01"]),
            "complained_on": pd.to_datetime(["2025-03-21", None, None, None]),
        }
    )
    found = lead(rows, figure, cases, 1)
    assert found["cases"] == 4
    assert found["share"].value == 0.5  # type: ignore[union-attr]
    assert found["days"].value == (20 + 30) / 2  # type: ignore[union-attr]
    late = lead(rows, figure, cases.assign(complained_on=pd.Timestamp("2025-02-01")), 1)
    assert late["share"].value == 0.0  # type: ignore[union-attr]


@pytest.fixture
def counted(tmp_path: Path) -> Callable[..., Counts]:
    """Return a function that opens the counts of a delivery with the given rows."""

    def make(**rows: list[dict[str, Any]]) -> Counts:
        for feed in FEEDS:
            (tmp_path / "feeds" / feed).mkdir(parents=True)
            table = pa.Table.from_pylist(rows.get(feed, []), schema=contract()[feed].schema)
            pq.write_table(table, tmp_path / "feeds" / feed / "part.parquet")
        return Counts(tmp_path / "feeds", tmp_path / "spill")

    return make


def _employer(subject: str) -> dict[str, Any]:
    return {
        "employer_id": subject,
        "name": subject,
        "district": "500103",
        "industry": "E47",
        "ownership": "private",
        "registered_capital": 1,
        "established_on": date(2010, 1, 1),
        "status": "active",
        "changed_on": date(2010, 1, 1),
        "received_at": datetime(2010, 1, 2),
    }


def _complaint(name: str, occurred: date, received: datetime, **more: Any) -> dict[str, Any]:
    told = {"complaint_id": name, "employer_id": "A", "channel": "hotline", "occurred_on": occurred}
    return told | {"received_at": received} | more


def test_hand_made_counts_take_no_row_received_later_and_no_older_version(
    counted: Callable[..., Counts],
) -> None:
    day = date(2025, 3, 1)
    complaints = [
        _complaint("1", date(2025, 2, 20), datetime(2025, 2, 21)),
        _complaint("2", date(2025, 2, 20), datetime(2025, 3, 1)),  # received on the day
        _complaint("3", date(2025, 2, 10), datetime(2025, 2, 11)),
        _complaint("3", date(2024, 12, 10), datetime(2025, 2, 12)),  # corrected: longer ago
        _complaint("4", date(2025, 2, 10), datetime(2025, 2, 11)),
        _complaint("4", date(2024, 12, 10), datetime(2025, 3, 2)),  # corrected, but only later
        _complaint("5", date(2025, 2, 10), datetime(2025, 2, 11), project_id="P"),
    ]
    counts = counted(employers=[_employer("A"), _employer("B")], complaints=complaints).on(day, "employer")
    assert list(counts.index) == ["A", "B"]
    assert counts[["complaints_30", "complaints_90", "complaints_365"]].to_numpy().tolist() == [
        [2, 3, 3],
        [0, 0, 0],
    ]
    assert np.isnan(counts.loc["A", "kwh_30"])
    assert counts.shape[1] == 24


def test_hand_made_labels_wait_until_they_are_mature(counted: Callable[..., Counts]) -> None:
    def case(name: str, subject: str, opened: date, outcome: str, received: datetime) -> dict[str, Any]:
        told = {
            "case_id": name,
            "employer_id": subject,
            "source": "complaint",
            "arrears_from": date(2025, 1, 1),
        }
        return told | {"opened_on": opened, "outcome": outcome, "received_at": received}

    day = date(2025, 3, 1)
    cases = [
        case("1", "A", date(2025, 5, 29), "pending", datetime(2025, 5, 30)),
        case("1", "A", date(2025, 5, 29), "verified", datetime(2025, 6, 30)),
        case("2", "B", date(2025, 5, 30), "verified", datetime(2025, 6, 30)),  # the 91st day
        case("3", "C", date(2025, 4, 1), "pending", datetime(2025, 4, 2)),
    ]
    counts = counted(employers=[_employer(s) for s in "ABC"], cases=cases)
    rows, y = taught(counts, [day], "employer", date(2025, 7, 14))
    assert dict(zip(rows.index, y, strict=True)) == {"A": 1.0, "B": 0.0}
    with pytest.raises(ValueError, match="concatenate"):
        taught(counts, [day], "employer", date(2025, 7, 13))
    found = counts.cases("employer", date(2025, 5, 1), date(2025, 7, 1), date(2025, 8, 1))
    assert list(found["subject_id"]) == ["A", "B"]
    assert found["complained_on"].isna().all()


def test_rivals_separate_what_can_be_separated_with_holes_in_it() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(4000, 4))
    y = (x[:, 0] + rng.normal(size=4000) > 1.5).astype(float)
    x[rng.random(x.shape) < 0.2] = np.nan
    day = np.repeat(np.arange("2024-01-01", "2024-01-09", dtype="datetime64[D]"), 500)
    lesson = Lesson(x, y, np.ones(4000), day)
    for fit in (logistic, forest):
        p = fit(lesson)(x)
        assert p[y == 1].mean() > 2 * p[y == 0].mean()
    hidden = 1 / (1 + np.exp(3 - 2 * np.nan_to_num(x[:, 0])))
    said = told(Lesson(x, hidden, np.ones(4000), day))(x)
    assert np.abs(said - hidden).mean() < 0.02
    codes = Bins.of(x).spread(x)
    assert (codes.sum(axis=1) == x.shape[1]).all()


def test_sizes_said_as_they_come_are_covered_at_their_level_and_narrow_ones_are_not() -> None:
    rng = np.random.default_rng(0)
    rows = _rows(3, subjects=2000, cities=1, dates=1).assign(y=1.0)
    middle = rng.normal(2.0, 1.0, len(rows))
    ninth = 1.2816  # the normal quantile of a two-sided 80 % interval
    rows["workers"] = np.exp(middle + rng.normal(size=len(rows)))
    rows["yuan"] = rows["workers"] * 1e4
    for name, unit in (("workers", 1.0), ("yuan", 1e4)):
        for end, z in (("lo", -ninth), ("said", 0.0), ("hi", ninth)):
            rows[f"{name}_{end}"] = unit * np.exp(middle + z)
    rows["p_major"] = 1 - norm.cdf(np.log(30) - middle)
    # Cities come one after the other, each numbered from 0.
    found = sizes(
        pd.concat([rows.iloc[:1000].reset_index(drop=True), rows.iloc[1000:].reset_index(drop=True)])
    )
    for name in ("workers_covered", "yuan_covered"):
        assert found[name].low < 0.8 < found[name].high
    assert found["workers_skill"] > 0.2
    # A million yuan at ten thousand each is a hundred workers: thirty decide.
    assert found["major_observed_expected"].low < 1 < found["major_observed_expected"].high
    assert sizes(rows.assign(workers_lo=rows["workers_said"]))["workers_covered"].high < 0.6


def test_calm_counts_who_crept_in_who_a_rule_brought_and_who_rose_and_waits(tmp_path: Path) -> None:
    days = (date(2026, 2, 2), date(2026, 2, 3), date(2026, 2, 4))
    # `crept` moved up by a little, `ruled` has a new fact, `rose` trebled and is not listed; `creeps` is missing for two
    # days, more than doubled over both of them though not in either.
    p90 = {
        "stays": (0.50, 0.50, 0.50),
        "crept": (0.20, 0.22, 0.22),
        "leapt": (0.10, 0.30, 0.30),
        "ruled": (0.06, 0.06, 0.06),
        "rose": (0.09, 0.28, 0.01),
        "creeps": (0.12, 0.23, 0.25),
        "calm": (0.01, 0.04, 0.04),
    }
    after = ["stays", "leapt", "crept", "ruled"]
    listed = (["stays"], after, after)
    for place, day in enumerate(days):
        scores = pd.DataFrame(
            {"kind": "employer", "subject_id": list(p90), "p90": [p[place] for p in p90.values()]}
        )
        grade = (scores["p90"] >= 0.05).astype(int) + (scores["p90"] >= 0.14)
        scores.assign(grade=grade).to_parquet(tmp_path / f"scores-{day}.parquet")
        names = listed[place]
        put_by = ["rule" if name == "ruled" else "model" for name in names]
        rows = {"kind": "employer", "subject_id": names, "rank": range(1, len(names) + 1), "put_by": put_by}
        pd.DataFrame(rows).to_parquet(tmp_path / f"list-{day}.parquet")
    found = calm(tmp_path, days)[0]
    del found["kind"], found["crept_share"]
    assert found == {
        "days": 2,
        "places": 8,
        "entered": 3,
        "by_rule": 1,
        "crept": 1,
        "waiting": 2,
        "missing": 3,
    }
