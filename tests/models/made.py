"""A small fitted model of employers, and rows for it: random, full of holes, or with nothing known at all."""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import Any

import lightgbm as lgb
import numpy as np
import pyarrow as pa

from anxin.models.grades import Promise, Promises
from anxin.models.probability import HORIZON, HORIZONS, Calibration, Floats, Ordered
from anxin.models.scoring import Model
from anxin.models.severity import SIZES, Severity, fit_severity

KIND = "employer"
THROUGH = date(2025, 6, 1)
DAY = date(2025, 6, 2)
PLACES_AND_DAYS = (
    ("500103", date(2026, 2, 1)),
    ("320102", date(2023, 6, 1)),
    ("500103", date(2019, 6, 15)),
    ("320102", date(2019, 6, 15)),
)
"""Chongqing and Nanjing, with and without 渝府办发〔2025〕38号, before and after 保障农民工工资支付条例."""
FEATURES = (
    "complaints_90d",
    "complaints_365d",
    "days_since_complaint",
    "cases_verified_730d",
    "credit_overdue_days",
    "credit_overdue_amount",
    "suits_wages_365d",
    "firm_abnormal",
    "firm_capital",
    "insured_heads",
    "spring_festival_nearness",
)
CALIBRATION = Calibration(0.9, (-0.4, -0.1, 0.2), 0.9)
PROMISES = Promises(
    confidence=0.9,
    ageing=0.1,
    dates=("2024-10-01", "2025-01-01"),
    each=(
        Promise(4, 0.4, 0.35, True, "", 40, 22, 20, 9),
        Promise(3, 0.2, 0.15, False, "not_shown", 60, 11, 40, 6),
        Promise(2, 0.1, 0.06, True, "", 200, 30, 150, 20),
        Promise(1, 0.05, 0.04, True, "", 400, 30, 350, 25),
    ),
)


def matrix(rows: int, seed: int = 0, missing: float = 0.3) -> Floats:
    """Return rows of features, counts and amounts from small to very large, some of them missing."""
    rng = np.random.default_rng(seed)
    values = np.floor(10.0 ** rng.uniform(-1, 4, (rows, len(FEATURES))))
    values[:, FEATURES.index("firm_abnormal")] = rng.integers(0, 2, rows)
    values[rng.random(values.shape) < missing] = np.nan
    return values


def snapshot(values: Floats, **columns: Any) -> pa.Table:
    """Return a snapshot of one day over `values`, subjects S000, S001, …"""
    facts = {
        "subject_id": pa.array([f"S{i:03d}" for i in range(len(values))], pa.string()),
        "as_of": pa.array([DAY] * len(values), pa.date32()),
        "in_hand": pa.array([False] * len(values), pa.bool_()),
        "industry": pa.array(["E47"] * len(values), pa.string()),
    }
    features = {name: pa.array(values[:, i], from_pandas=True) for i, name in enumerate(FEATURES)}
    return pa.table({**facts, **features, **columns})


@cache
def booster() -> lgb.Booster:
    """Return trees over rows stacked by horizon; more complaints are worse, and a longer horizon likelier."""
    x = matrix(400)
    rng = np.random.default_rng(1)
    danger = np.nan_to_num(np.log1p(x[:, 0])) - 0.5 * np.nan_to_num(np.log1p(x[:, 9]))
    stacked = [np.column_stack([x, np.full(len(x), float(h))]) for h in HORIZONS]
    y = [(danger + rng.normal(0, 1, len(x)) + h / 180 > 3.0).astype(float) for h in HORIZONS]
    data = lgb.Dataset(np.vstack(stacked), np.concatenate(y), feature_name=[*FEATURES, HORIZON])
    settings = {
        "objective": "binary",
        "verbose": -1,
        "num_threads": 1,
        "deterministic": True,
        "min_data_in_leaf": 5,
        "monotone_constraints": [0] * len(FEATURES) + [1],
    }
    return lgb.train(settings, data, 30)


def ordered(calibration: Calibration = CALIBRATION) -> Ordered:
    return Ordered(booster(), FEATURES, calibration, 25)


@cache
def severity() -> Severity:
    rng = np.random.default_rng(2)
    heads = rng.integers(1, 500, 60).astype(float)
    sizes = {name: heads if name == "insured_heads" else np.full(60, np.nan) for name in SIZES[KIND]}
    workers = np.ceil(heads * rng.uniform(0.1, 0.6, 60))
    return fit_severity(sizes, workers, np.full(60, np.nan), np.arange(60))


def model(calibration: Calibration = CALIBRATION) -> Model:
    return Model("employer-2025-06-01-made", KIND, THROUGH, ordered(calibration), severity(), PROMISES, {})
