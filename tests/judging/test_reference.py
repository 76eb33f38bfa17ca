"""The reference a model carries: fixed bins, at most ten, and what its own dates differed by."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anxin.judging import folds
from anxin.judging.reference import Reference, counts, distance, psi, reference_of, shares

NAMES = ("insured_heads", "complaints_90d")
FIRST, SECOND = date(2025, 1, 1), date(2025, 2, 1)


def snapshot(heads: list[float], complaints: list[float], days: list[date]) -> pa.Table:
    n = len(heads)
    return pa.table(
        {
            "subject_id": [f"S{i:04d}" for i in range(n)],
            "as_of": pa.array(days, pa.date32()),
            "in_hand": [i % 2 == 0 for i in range(n)],
            "district": ["500103001"] * (n - 1) + ["500106"],
            "ownership": ["private"] * n,
            "insured_heads": pa.array(heads, from_pandas=True),
            "complaints_90d": pa.array(complaints, from_pandas=True),
        }
    )


figures = st.lists(
    st.one_of(st.just(0.0), st.just(float("nan")), st.floats(-1e12, 1e12)), min_size=1, max_size=80
)


@given(figures)
def test_bins_are_ten_and_missing_at_most_and_hold_everyone_once(values: list[float]) -> None:
    made = reference_of(snapshot(values, values, [FIRST] * len(values)), "employer", NAMES, np.empty(0))
    for bins in made.features.values():
        assert len(bins.edges) <= 9
        assert list(bins.edges) == sorted(set(bins.edges))
        assert len(bins.shares) == len(bins.edges) + 2
        found = counts(np.array(values), bins.edges)
        assert found.sum() == len(values)
        assert np.allclose(shares(found), bins.shares, atol=1e-6)
        assert found[-1] == np.isnan(values).sum()
    assert Reference.from_bytes(made.to_bytes()) == made


@given(
    st.lists(st.integers(0, 50), min_size=2, max_size=10),
    st.lists(st.integers(0, 50), min_size=2, max_size=10),
)
def test_shift_is_zero_only_where_nothing_moved_and_the_same_both_ways(a: list[int], b: list[int]) -> None:
    n = min(len(a), len(b))
    one, other = shares(np.array(a[:n])), shares(np.array(b[:n]))
    assert psi(one, one) == 0
    assert psi(one, other) >= 0
    assert psi(one, other) == pytest.approx(psi(other, one))
    assert 0 <= distance(one, other) <= 1 + 1e-12
    if np.abs(one - other).max() > 1e-3:
        assert psi(one, other) > 0


def test_what_is_rare_has_bins_of_its_own() -> None:
    complaints = [0.0] * 950 + [1.0] * 40 + [5.0] * 10
    made = reference_of(snapshot([9.0] * 1000, complaints, [FIRST] * 1000), "employer", NAMES, np.empty(0))
    assert made.features["complaints_90d"].edges == (0.0, 1.0)
    assert made.features["complaints_90d"].shares == (0.95, 0.04, 0.01, 0.0)
    assert made.features["insured_heads"].edges == ()


def test_a_season_training_saw_is_usual() -> None:
    heads = [float(i) for i in range(100)] + [float(i + 60) for i in range(100)]
    made = reference_of(
        snapshot(heads, [0.0] * 200, [FIRST] * 100 + [SECOND] * 100), "employer", NAMES, np.empty(0)
    )
    bins = made.features["insured_heads"]
    parts = [np.array(heads[:100]), np.array(heads[100:])]
    each = [psi(bins.shares, shares(counts(part, bins.edges)), len(part)) for part in parts]
    assert bins.usual == pytest.approx(max(each), abs=1e-4)
    assert bins.usual > 0.25
    assert made.features["complaints_90d"].usual == 0


def test_a_day_between_two_training_dates_is_usual_and_changes_nothing_else() -> None:
    def of(*heads: list[float]) -> pa.Table:
        days = [date(2025, 1, 1 + place) for place, each in enumerate(heads) for _ in each]
        every = [head for each in heads for head in each]
        return snapshot(every, [0.0] * len(every), days)

    late, early = [float(i) for i in range(100)], [float(i + 60) for i in range(100)]
    silent = [0.0] * 100
    alone = reference_of(of(late), "employer", NAMES, np.empty(0)).features
    # One silent day is no part of the month: the second furthest day counts.
    beside = reference_of(of(late), "employer", NAMES, np.empty(0), of(late, silent, early)).features
    for name in NAMES:
        assert (beside[name].edges, beside[name].shares) == (alone[name].edges, alone[name].shares)
    bins = beside["insured_heads"]
    meant = psi(bins.shares, shares(counts(np.array(early), bins.edges)), 100)
    assert bins.usual == pytest.approx(meant, abs=1e-4) and bins.usual > 0.25
    assert alone["insured_heads"].usual == beside["complaints_90d"].usual == 0


def test_population_counts_places_by_their_six_digits() -> None:
    made = reference_of(snapshot([1.0] * 4, [0.0] * 4, [FIRST] * 4), "employer", NAMES, np.array([0.1, 0.2]))
    assert made.population["district"] == {"500103": 0.75, "500106": 0.25}
    assert made.population["in_hand"] == {"False": 0.5, "True": 0.5}
    assert made.score is not None


def test_folds_keep_what_was_said_and_of_whom() -> None:
    table = snapshot([5.0, 60.0, float("nan")], [0.0] * 3, [SECOND, FIRST, FIRST])
    judged = pd.DataFrame(
        {"place": [0, 2, 1], "y": [1.0, np.nan, 0.0], "p90": [0.3, 0.2, 0.1], "p90_now": [0.4, 0.3, 0.2]}
    ).assign(y_plain=[0.0, np.nan, 0.0])
    content = folds.to_bytes(judged, table, "employer")
    assert content == folds.to_bytes(judged, table, "employer")
    back = folds.from_bytes(content)
    assert list(back["subject_id"]) == ["S0001", "S0002", "S0000"]
    assert list(back["size"]) == ["50–299人", "不详", "<10人"]
    assert list(back["district"]) == ["500103", "500106", "500103"]
    assert list(back["p90"]) == [0.1, 0.2, 0.3]
    assert list(back["p90_now"]) == [0.2, 0.3, 0.4]
    assert back["y"].isna().tolist() == [False, True, False]
    assert back["y_plain"].tolist()[2] == 0.0


def test_projects_are_told_apart_by_who_invests_and_by_their_amount() -> None:
    table = snapshot([5.0, 6.0], [0.0] * 2, [FIRST] * 2)
    table = table.append_column("investment", pa.array(["private", None]))
    table = table.append_column("project_amount", pa.array([3e7, None]))
    found = folds.cells(table, "project")
    assert found["ownership"].to_pylist() == ["private", "不详"]
    assert found["size"].to_pylist() == ["1000–5000万元", "不详"]


def test_no_folds_are_a_file_too() -> None:
    table = snapshot([5.0], [0.0], [FIRST])
    assert not len(folds.from_bytes(folds.to_bytes(pd.DataFrame(), table, "employer")))
