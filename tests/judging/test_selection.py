"""Where looking depends on what is known, weighting undoes it; random checks are told apart."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from anxin.feeds.asof import View
from anxin.judging.selection import design, histories, looks, propensity, selection, weighed

DAY = date(2024, 3, 1)


def _city(n: int = 8000, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Return rows with what is seen, who was looked at, and what is true of everyone, seen or not."""
    rng = np.random.default_rng(seed)
    rows = pd.DataFrame(
        {
            "subject_id": [f"S{i}" for i in range(n)],
            "as_of": DAY,
            "figure": rng.random(n),
            "in_hand": False,
            "sector": rng.choice(["E", "C"], n),
            "district": "500103",
            "size": "x",
            "ownership": "private",
        }
    )
    for feed, windows in {
        "complaints": (90, 365),
        "inspections": (90, 365, 730),
        "hazards": (365,),
        "cases": (365, 1095),
    }.items():
        for window in windows:
            rows[f"{feed}_{window}"] = rng.poisson(0.3, n).astype(float)
        rows[f"{feed}_last"] = np.nan
    # Builders are looked at four times as often, and three times as often in arrears.
    builder = (rows["sector"] == "E").to_numpy()
    likelihood = np.where(builder, 0.4, 0.1)
    truth = (rng.random(n) < np.where(builder, 0.15, 0.05) * (0.5 + rows["figure"])).astype(float)
    looked = rng.random(n) < likelihood
    return rows.assign(y=np.where(looked, truth, 0.0)), looked, truth


def test_the_likelihood_of_a_look_is_found_from_what_is_known() -> None:
    rows, looked, _ = _city()
    fitted = propensity(design(rows), looked, rows["subject_id"])
    builder = (rows["sector"] == "E").to_numpy()
    assert fitted.likelihood[builder].mean() == pytest.approx(0.4, abs=0.03)
    assert fitted.likelihood[~builder].mean() == pytest.approx(0.1, abs=0.02)
    assert fitted.auc is not None
    assert 0.65 < fitted.auc < 0.8


def test_nobody_is_told_apart_by_a_look_at_itself() -> None:
    rng = np.random.default_rng(1)
    looked = rng.random(4000) < 0.2
    fitted = propensity(rng.normal(size=(4000, 40)), looked, pd.Series([f"S{i}" for i in range(4000)]))
    assert fitted.auc == pytest.approx(0.5, abs=0.04)


def test_weighted_figures_are_those_of_the_whole_city_where_plain_ones_are_not() -> None:
    found: dict[str, list[tuple[float, float, float]]] = {
        "prevalence": [],
        "precision_1000": [],
        "recall_1000": [],
    }
    covered = []
    for seed in range(8):
        rows, looked, truth = _city(seed=seed)
        fitted = propensity(design(rows), looked, rows["subject_id"])
        weight = np.where(looked, 1 / np.maximum(fitted.likelihood, 0.02), 0.0)
        figures = weighed(rows, weight, (1000,))
        first = rows["figure"].rank(ascending=False).to_numpy() <= 1000
        expected = {
            "prevalence": truth.mean(),
            "precision_1000": truth[first].mean(),
            "recall_1000": truth[first].sum() / truth.sum(),
        }
        for name, values in found.items():
            each = figures[name]
            values.append((each.plain.mean, each.weighted.mean, expected[name]))
            covered.append(each.weighted.low <= expected[name] <= each.weighted.high)
            assert 0 < each.effective < looked.sum()
    for name in ("prevalence", "precision_1000"):
        plain, weighted, expected = np.array(found[name]).mean(axis=0)
        assert plain < 0.5 * expected, name
        assert weighted == pytest.approx(expected, rel=0.12), name
    assert np.mean(covered) >= 0.75


def test_it_is_told_for_each_ranking_and_group_with_random_checks_apart() -> None:
    rows, looked, _ = _city()
    rng = np.random.default_rng(2)
    rows["state"] = np.where(looked, "unfounded", "unseen")
    rows["inspected"] = looked & (rng.random(len(rows)) < 0.5)
    rows["random"] = rng.random(len(rows)) < 0.05
    rows["random_found"] = rows["random"] & (rows["figure"] > 0.5)
    rows["in_hand"] = rng.random(len(rows)) < 0.1
    found = selection({"list": rows, "other": rows.loc[rows["sector"] == "E"]}, (100,))
    assert found["any"]["looked_at"] == pytest.approx(looked.mean())
    assert found["inspected"]["looked_at"] < found["any"]["looked_at"]
    assert set(found["any"]["figures"]) == {"list", "other"}
    assert set(found["inspected"]["figures"]["list"]["new"]) == {"prevalence", "precision_100", "recall_100"}
    checks = found["random_checks"]["list"]["all"]
    assert checks["everyone"]["checked"] == rows["random"].sum()
    assert checks["everyone"]["found"]["mean"] == pytest.approx(
        rows.loc[rows["random"], "random_found"].mean()
    )
    assert (
        checks["first_100"]["found"]["mean"] == 1.0
    )  # those of the first hundred all have figures above a half


def test_looks_and_histories_are_of_each_subject_and_window(view_of: Callable[..., View]) -> None:
    def visit(number: int, who: str, day: date, reason: str, finding: str = "none") -> dict[str, Any]:
        row = {"inspection_id": f"I{number}", "employer_id": who, "inspected_on": day, "reason": reason}
        return row | {"finding": finding, "received_at": datetime.combine(day + timedelta(1), time(3))}

    view = view_of(
        {
            "inspections": [
                visit(1, "A", DAY + timedelta(5), "random", "arrears"),
                visit(2, "B", DAY + timedelta(5), "warning", "arrears"),
                visit(3, "C", DAY + timedelta(89), "campaign"),
                visit(4, "C", DAY + timedelta(90), "random"),
                visit(5, "A", DAY - timedelta(100), "routine"),
                visit(6, "A", DAY - timedelta(20), "routine"),
            ]
        }
    )
    found = looks(view, [DAY], 90, date(2025, 1, 1), "employer").set_index("subject_id")
    assert found.loc["A", ["inspected", "random", "random_found"]].tolist() == [True, True, True]
    assert found.loc["B", ["inspected", "random", "random_found"]].tolist() == [False, False, False]
    assert found.loc["C", ["inspected", "random", "random_found"]].tolist() == [True, False, False]
    before = histories(view, [DAY], "employer").set_index("subject_id")
    assert before.loc["A", ["inspections_90", "inspections_365", "inspections_last"]].tolist() == [
        1.0,
        2.0,
        20.0,
    ]
    assert "B" not in before.index
