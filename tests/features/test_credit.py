"""What month-end reports of a bank say of the line of an employer."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from anxin.features.credit import credit
from anxin.features.known import Known

from . import streams

D = date(2025, 6, 10)
FIRM = streams.EMPLOYERS[0]


def report(month: int, line: int | None) -> dict[str, Any]:
    on = date(2025, month + 1, 1) - timedelta(1)
    return {
        **{"employer_id": FIRM, "month": on.replace(day=1), "as_of": on},
        **{"credit_line": None if line is None else Decimal(line)},
        "received_at": datetime.combine(on + timedelta(3), time()),
    }


@pytest.mark.parametrize(
    ("lines", "left"),
    [
        pytest.param([100, 100, 60], 0.6, id="cut"),
        pytest.param([100, 60, 100], 1.0, id="cut and given back"),
        pytest.param([100, 60, 80], 0.8, id="given back in part"),
        pytest.param([100, 60, None], None, id="the newest report states none"),
        pytest.param([100, 60, 0], 0.0, id="none left"),
    ],
)
def test_the_line_that_is_left_is_that_of_the_newest_report(
    tmp_path: Path, lines: list[int | None], left: float | None
) -> None:
    rows = [report(month, line) for month, line in enumerate(lines, start=3)]
    view = streams.view_of(tmp_path, {"credit": rows})
    (table,) = credit(Known(view, (D,), "employer"))
    (row,) = view.backend.to_pyarrow(table).to_pylist()
    assert row["credit_line_left"] == left
