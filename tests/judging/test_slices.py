"""Small cells stay hidden, the one that could be had by subtraction too."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from anxin.judging.slices import FEWEST_POSITIVES, FEWEST_SUBJECTS, hide, slices

DAYS = [date(2024, 1, 1), date(2024, 2, 1)]


def test_cells_below_either_limit_are_hidden_and_never_one_alone() -> None:
    enough = (FEWEST_SUBJECTS, FEWEST_POSITIVES)
    few, none = (FEWEST_SUBJECTS - 1, 20), (500, FEWEST_POSITIVES - 1)
    assert hide({"a": enough, "b": (90, 9)}) == set()
    assert hide({"a": few, "b": none, "c": enough}) == {"a", "b"}
    assert hide({"a": few, "b": (90, 9), "c": (80, 30)}) == {"a", "c"}
    assert hide({"a": few}) == {"a"}


def _rows() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    n = 600
    parts = []
    for day in DAYS:
        figure = rng.random(n)
        parts.append(
            pd.DataFrame(
                {
                    "subject_id": [f"S{i}" for i in range(n)],
                    "as_of": day,
                    "figure": figure,
                    "y": (rng.random(n) < figure / 2).astype(float),
                    "district": np.where(np.arange(n) < 20, "small", np.where(np.arange(n) < 300, "A", "B")),
                    "sector": "E",
                    "size": np.where(np.arange(n) % 2, "x", "y"),
                    "ownership": "private",
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def test_figures_of_a_cell_are_those_of_its_part_of_the_first_k() -> None:
    rows = _rows()
    cells = {cell.value: cell for cell in slices(rows, 100)["size"]}
    rows["in"] = rows.groupby("as_of")["figure"].rank(ascending=False) <= 100
    for value, cell in cells.items():
        part = rows.loc[rows["size"] == value]
        assert cell.subjects == part["subject_id"].nunique()
        assert cell.positives == part.loc[part["y"] > 0, "subject_id"].nunique()
        assert cell.listed == pytest.approx(part["in"].sum() / 2)
        assert cell.precision.mean == pytest.approx(part.loc[part["in"], "y"].mean())
        assert cell.recall.mean == pytest.approx(part.loc[part["in"], "y"].sum() / part["y"].sum())
        assert 0 <= cell.precision.low <= cell.precision.mean <= cell.precision.high <= 1


def test_a_hidden_cell_tells_its_name_and_nothing_else() -> None:
    cells = {cell.value: cell for cell in slices(_rows(), 100)["district"]}
    assert [value for value, cell in cells.items() if cell.hidden] == ["A", "small"]
    assert cells["small"].as_dict() == {"value": "small", "hidden": True} | dict.fromkeys(
        ("subjects", "positives", "listed", "precision", "recall", "observed_expected")
    )
    assert not cells["B"].hidden


def test_nothing_found_in_a_cell_has_an_upper_bound_above_nothing() -> None:
    rows = _rows()
    rows.loc[rows["size"].eq("x") & (rows["figure"] > 0.6), "y"] = 0.0
    cell = next(cell for cell in slices(rows, 60)["size"] if cell.value == "x")
    assert (cell.precision.mean, cell.precision.low) == (0.0, 0.0)
    assert 0 < cell.precision.high < 0.2
