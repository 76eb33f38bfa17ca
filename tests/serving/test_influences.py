"""Influences: what moves the scores of everyone, and of parts of them."""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa
import pytest
from models import made

from anxin.serving.influences import influences

DAY = date(2025, 6, 2)


def _snapshot(n: int = 120) -> pa.Table:
    districts = pa.array(
        ["500103" if i % 3 else "500112" for i in range(n - 5)] + ["500101"] * 5, pa.string()
    )
    return made.snapshot(made.matrix(n, seed=3), district=districts)


def test_the_figures_are_those_of_the_exact_contributions() -> None:
    table, model = _snapshot(), made.model()
    found = influences(model, table, None, DAY)
    exact, _ = model.ordered.contributions(model.matrix(table))
    assert list(found) == [""]
    for name, size in found[""].features.items():
        place = model.ordered.features.index(name)
        assert size == pytest.approx(float(np.abs(exact[:, place]).mean()), abs=1e-9)
        assert found[""].lift[name] == pytest.approx(float(exact[:, place].mean()), abs=1e-9)
    sizes = list(found[""].features.values())
    assert sizes == sorted(sizes, reverse=True)


def test_parts_are_told_apart_and_small_ones_together() -> None:
    found = influences(made.model(), _snapshot(), "district", DAY)
    assert found[""].subjects == 120
    assert sum(one.subjects for part, one in found.items() if part) == 120
    assert found["其他 other"].subjects == 5
    weighed = sum(one.lift["complaints_90d"] * one.subjects for part, one in found.items() if part)
    assert weighed / 120 == pytest.approx(found[""].lift["complaints_90d"], abs=1e-9)


def test_sectors_are_told_by_name() -> None:
    assert "建筑业 E" in influences(made.model(), _snapshot(), "sector", DAY)
