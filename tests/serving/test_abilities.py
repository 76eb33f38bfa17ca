"""The ability to pay of a day: whom a hard fact of money puts in difficulty though the model knows nothing."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
from models import made

from anxin.models.ability import DIFFICULT, UNKNOWN, Ability
from anxin.models.grades import Promises
from anxin.models.saved import load, save
from anxin.models.scoring import score
from anxin.serving.abilities import abilities
from anxin.serving.listing import ScoredDay


def test_who_has_a_substandard_loan_is_watched_though_the_model_does_not_read_it(tmp_path: Path) -> None:
    ability = Ability(made.ordered(), (0.9, 0.5))
    parts = (made.KIND, made.THROUGH, made.ordered(), made.severity(), Promises.configured(), {})
    model = load(tmp_path, save(tmp_path, *parts, {"ability.json": ability.to_bytes()}))
    values = made.matrix(6, missing=0.0)
    values[:2] = np.nan
    texts = {name: pa.array([""] * 6) for name in ("name", "district", "ownership", "park")}
    loans = {
        "credit_class": pa.array([2.0, None, None, None, None, None], pa.float64()),
        "credit_last_days": pa.array([20.0, None, None, None, None, None], pa.float64()),
    }
    snapshot = made.snapshot(values, **texts, **loans)
    part = ScoredDay(model, snapshot, score(model, snapshot))
    table = abilities(tmp_path, {made.KIND: part}, made.DAY)
    assert table is not None
    rows = {row["subject_id"]: row for row in table.to_pylist()}
    assert (rows["S000"]["level"], rows["S001"]["level"]) == (DIFFICULT, UNKNOWN)
    assert all(row["level"] != UNKNOWN for subject, row in rows.items() if subject > "S001")
    (reason,) = rows["S000"]["reasons"]
    assert (reason["feature"], reason["date"]) == ("credit_class", made.DAY - timedelta(days=20))
    assert reason["contribution"] == 0
