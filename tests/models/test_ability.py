"""Ability to pay: money signs and nothing else, levels that mean the same every day, exact reasons, no pickle."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import cache
from pathlib import Path

import lightgbm as lgb
import numpy as np
import pyarrow as pa

from anxin.features.catalogue import catalogue, learned
from anxin.models.ability import (
    DIFFICULT,
    KIND,
    UNKNOWN,
    Ability,
    ability_of,
    hard_facts,
    levels,
    money_signs,
    signs,
    thresholds,
)
from anxin.models.grades import Promises
from anxin.models.probability import HORIZON, HORIZONS, Calibration, Ordered
from anxin.models.reasons import explain, usual_values
from anxin.models.saved import load, save

from . import made

NAMES = ("credit_overdue_days", "credit_utilisation", "tax_short_share", "insurance_short_share")
FACTS = {"base_rate": {"90": 0.01}}


@cache
def _ability() -> Ability:
    x = _values(500, 1)
    danger = (np.nan_to_num(x) / (90, 1, 1, 1)).sum(axis=1)
    stacked = np.vstack([np.column_stack([x, np.full(len(x), float(h))]) for h in HORIZONS])
    y = np.tile((danger + np.random.default_rng(2).normal(0, 0.3, len(x)) > 1.7).astype(float), 3)
    data = lgb.Dataset(stacked, y, feature_name=[*NAMES, HORIZON])
    settings = {"objective": "binary", "verbose": -1, "num_threads": 1, "min_data_in_leaf": 5}
    ordered = Ordered(lgb.train(settings, data, 60), NAMES, Calibration(0.3, (-0.2, 0.0, 0.1)), 60)
    return Ability(ordered, thresholds(Ability(ordered, ()).probability(x)))


def _values(n: int, seed: int) -> made.Floats:
    rng = np.random.default_rng(seed)
    x = np.column_stack([rng.integers(0, 90, n), rng.random(n), rng.random(n), rng.random(n)]).astype(float)
    x[rng.random(x.shape) < 0.3] = np.nan
    return x


def test_signs_of_money_are_no_complaints_no_energy_and_not_what_an_employer_is() -> None:
    named = [catalogue()[name] for group in signs().values() for name in group]
    assert all(KIND in feature.kinds for feature in named)
    assert len({feature.name for feature in named}) == len(named)
    sources = {source for feature in named for source in feature.sources}
    assert not sources & {"complaints", "cases", "hazards", "inspections", "energy_usage", "energy_bills"}
    assert not {feature.family for feature in named} & {"energy", "profile", "silence"}


def test_every_sign_of_money_is_one_that_models_of_employers_read() -> None:
    read = {feature.name for feature in learned("employer")}
    assert {name for group in signs().values() for name in group} <= read


def test_columns_of_money_are_found_among_others() -> None:
    assert money_signs(("complaints_90d", "tax_short_share", "firm_capital", "credit_balance")) == [1, 3]


def test_levels_are_shares_of_employers_kept_as_probabilities() -> None:
    ability, many = _ability(), _values(500, 1)
    p = ability.probability(many)
    found = ability.level(p, many, np.zeros(len(many), dtype=bool))
    told = found[found != UNKNOWN]
    assert 0.02 < (told == DIFFICULT).mean() < 0.08
    assert 0.1 < (told == 1).mean() < 0.22
    assert p[found == DIFFICULT].min() >= p[found == 1].max()
    # The same employer has the same level in whatever company.
    assert np.array_equal(ability.level(p[:7], many[:7], np.zeros(7, dtype=bool)), found[:7])
    assert [level.level for level in levels()] == [2, 1, 0]


def test_of_whom_nothing_of_money_is_known_no_level_is_told() -> None:
    rows = np.array([[np.nan, np.nan, np.nan, np.nan], [80.0, 0.4, 0.9, 0.9], [0.0, np.nan, np.nan, np.nan]])
    level = _ability().level(_ability().probability(rows), rows, np.zeros(3, dtype=bool))
    assert level.tolist() == [UNKNOWN, DIFFICULT, 0]


def test_an_overdue_loan_without_a_line_of_credit_is_known() -> None:
    rows = np.array([[89.0, np.nan, np.nan, np.nan]])
    # One sign alone moves the made model little: what it says of this row is where difficulty begins.
    ability = replace(_ability(), thresholds=(_ability().probability(rows)[0], 0.0))
    assert ability.level(ability.probability(rows), rows, np.zeros(1, dtype=bool)).tolist() == [DIFFICULT]


def test_a_court_where_nobody_owes_it_anything_says_nothing_of_an_employer() -> None:
    names = ("suits_owed_capital", "notice_upstream_amount_365d", "notice_debt_default_days", NAMES[0])
    ability = replace(_ability(), ordered=replace(_ability().ordered, features=names))
    rows = np.full((4, 4), np.nan)
    rows[0, :2], rows[1, 0], rows[2, 2] = 0.0, 0.3, 20.0
    level = ability.level(np.zeros(4), rows, np.zeros(4, dtype=bool))
    assert (level != UNKNOWN).tolist() == [False, True, True, False]


def test_a_hard_fact_is_not_hidden_by_what_the_model_does_not_know() -> None:
    figures = {
        "credit_overdue_days": [120.0, 89.0, None, None, None, None],
        "credit_class": [None, 1.0, 2.0, None, None, None],
        "notice_debt_default_days": [None, None, None, 365.0, 366.0, None],
        "credit_last_days": [31.0, 31.0, 12.0, None, None, None],
    }
    facts = hard_facts(
        pa.table({name: pa.array(each, pa.float64()) for name, each in figures.items()}), made.DAY
    )
    told = [[(part.feature.name, part.date) for part in parts] for parts in facts]
    assert told[:4] == [
        [("credit_overdue_days", made.DAY - timedelta(days=31))],
        [],
        [("credit_class", made.DAY - timedelta(days=12))],
        [("notice_debt_default_days", made.DAY - timedelta(days=365))],
    ]
    assert told[4:] == [[], []]
    nothing = np.full((6, len(NAMES)), np.nan)
    level = _ability().level(np.zeros(6), nothing, np.array([bool(parts) for parts in facts]))
    assert (level == DIFFICULT).tolist() == [True, False, True, True, False, False]
    # What the model can judge itself it judges.
    known = np.zeros((6, len(NAMES)))
    assert (_ability().level(np.zeros(6), known, np.ones(6, dtype=bool)) == 0).all()


def test_it_is_written_as_text_and_says_the_same_after() -> None:
    ability, rows = _ability(), _values(50, 3)
    again = Ability.from_bytes(ability.to_bytes())
    assert np.array_equal(again.probability(rows), ability.probability(rows))
    assert again.thresholds == ability.thresholds
    assert again.to_bytes() == ability.to_bytes()


def test_it_stands_beside_a_model_and_a_model_without_it_has_none(tmp_path: Path) -> None:
    parts = (made.KIND, made.THROUGH, made.ordered(), made.severity(), Promises.configured(), FACTS)
    with_it = save(tmp_path, *parts, {"ability.json": _ability().to_bytes()})
    without = save(tmp_path, *parts)
    found = ability_of(tmp_path, load(tmp_path, with_it))
    assert found is not None
    assert found.thresholds == _ability().thresholds
    assert ability_of(tmp_path, load(tmp_path, without)) is None


def test_its_reasons_add_up_to_its_own_score() -> None:
    values = _values(40, 5)
    model = _ability().model(made.model())
    table = made.snapshot(made.matrix(40))
    for place, name in enumerate(NAMES):
        if name in table.column_names:
            table = table.drop_columns([name])
        table = table.append_column(name, [values[:, place].tolist()])
    usual = usual_values(model, table)
    explained = explain(model, table, usual)
    assert all(one.adds_up for one in explained)
    assert {part.feature.name for one in explained for part in one.parts} == set(NAMES)
