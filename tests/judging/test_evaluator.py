"""The measures against their naive definitions: ties are ties, groups are groups."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, log_loss, roc_auc_score

from anxin.judging.evaluator import Measures, judge, mean_over_dates, measure

# Few distinct figures: most rows have equals.
RANKED = st.lists(st.tuples(st.integers(0, 4), st.booleans()), min_size=2, max_size=40)


def _split(ranked: list[tuple[int, bool]]) -> tuple[np.ndarray, np.ndarray]:
    figure, y = np.array(ranked, dtype=float).T
    return figure, y


@given(RANKED)
def test_average_precision_and_auc_are_those_of_scikit_learn_ties_included(
    ranked: list[tuple[int, bool]],
) -> None:
    figure, y = _split(ranked)
    assume(0 < y.sum() < len(y))
    found = measure("d", "all", figure, y, None)
    assert found.average_precision == pytest.approx(average_precision_score(y, figure))
    assert found.auc == pytest.approx(roc_auc_score(y, figure))


@pytest.mark.parametrize("seed", [0, 1])
def test_precision_among_equals_is_the_mean_over_random_orders(seed: int) -> None:
    rng = np.random.default_rng(seed)
    figure = rng.integers(0, 3, 250).astype(float)
    y = (rng.random(250) < 0.1 + 0.2 * figure).astype(float)
    found = measure("d", "all", figure, y, None)
    drawn = [y[np.lexsort((rng.random(250), -figure))][:100].mean() for _ in range(4000)]
    assert found.precision_100 == pytest.approx(np.mean(drawn), abs=4 * np.std(drawn) / 4000**0.5)
    assert found.precision_500 == pytest.approx(y.mean())
    assert found.recall_500 == pytest.approx(1.0)


def test_a_ranking_without_equals_is_counted_plainly() -> None:
    rng = np.random.default_rng(2)
    y = (rng.random(800) < 0.2).astype(float)
    figure = rng.permutation(800).astype(float)
    first = y[np.argsort(-figure)]
    found = measure("d", "all", figure, y, None)
    assert found.precision_100 == first[:100].mean()
    assert found.precision_500 == first[:500].mean()
    assert found.recall_500 == pytest.approx(first[:500].sum() / y.sum())


def test_observed_over_expected_and_log_loss_are_of_the_probabilities_given() -> None:
    rng = np.random.default_rng(3)
    p = rng.permutation(np.linspace(0.01, 0.6, 700))
    y = (rng.random(700) < p).astype(float)
    found = measure("d", "all", p, y, p)
    top = np.argsort(-p)
    assert found.observed_expected_100 == pytest.approx(y[top[:100]].sum() / p[top[:100]].sum())
    assert found.observed_expected_500 == pytest.approx(y[top[:500]].sum() / p[top[:500]].sum())
    assert found.log_loss == pytest.approx(log_loss(y, p))
    assert found.log_loss_base == pytest.approx(log_loss(y, np.full(700, y.mean())))
    without = measure("d", "all", p, y, None)
    assert (without.log_loss, without.observed_expected_100) == (None, None)


def test_certain_and_wrong_is_very_bad_and_still_a_number() -> None:
    found = measure("d", "all", np.array([1.0, 0.0]), np.array([0.0, 1.0]), np.array([1.0, 0.0]))
    assert found.log_loss is not None
    assert 10 < found.log_loss < np.inf


@pytest.mark.parametrize("y", [[0.0, 0.0, 0.0], [1.0, 1.0, 1.0]])
def test_what_cannot_be_had_is_none(y: list[float]) -> None:
    found = measure("d", "all", np.arange(3.0), np.array(y), None)
    assert found.auc is None
    assert (found.average_precision is None) == (y[0] == 0.0)
    assert (found.recall_500 is None) == (y[0] == 0.0)
    assert found.precision_100 == y[0]


DAYS = [date(2024, 1, 1), date(2024, 2, 1)]


def _rows() -> pd.DataFrame:
    rng = np.random.default_rng(4)
    rows = pd.DataFrame({"as_of": np.repeat(DAYS, 60), "figure": rng.random(120)})
    rows["y"] = (rng.random(120) < 0.3).astype(float)
    rows["in_hand"] = rng.random(120) < 0.25
    rows.loc[::9, "y"] = np.nan
    return rows.assign(p90=rows["figure"] / 2)


def test_everyone_and_new_finds_are_judged_apart_date_by_date_without_the_unknown() -> None:
    rows = _rows()
    found = {(m.as_of, m.group): m for m in judge(rows)}
    assert set(found) == {(str(day), group) for day in DAYS for group in ("all", "new")}
    for (as_of, group), measures in found.items():
        part = rows.loc[(rows["as_of"].astype(str) == as_of) & rows["y"].notna()]
        if group == "new":
            part = part.loc[~part["in_hand"]]
        assert (measures.subjects, measures.positives) == (len(part), part["y"].sum())
        assert measures.average_precision == pytest.approx(average_precision_score(part["y"], part["figure"]))


def test_a_date_where_all_are_in_hand_has_no_new_finds() -> None:
    rows = _rows().assign(in_hand=lambda t: t["as_of"] == DAYS[0])
    assert [(m.as_of, m.group) for m in judge(rows)] == [
        (str(DAYS[0]), "all"),
        (str(DAYS[1]), "all"),
        (str(DAYS[1]), "new"),
    ]


def _measured(day: str, ap: float | None, group: str = "all") -> Measures:
    base = measure(day, group, np.arange(3.0), np.array([0.0, 1.0, 0.0]), None)
    return Measures(**{**vars(base), "average_precision": ap})


def test_means_are_over_the_dates_that_have_a_figure() -> None:
    found = [_measured("a", 0.2), _measured("b", None), _measured("c", 0.4), _measured("c", 0.9, "new")]
    assert mean_over_dates(found, "all")["average_precision"] == pytest.approx(0.3)
    assert "log_loss" not in mean_over_dates(found, "all")
    assert mean_over_dates(found[:3], "new") == {}
