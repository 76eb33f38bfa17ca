"""Rows of features sent to be scored: what models read, under the names they read it by."""

from __future__ import annotations

import pytest

from anxin.domain.errors import AnxinError
from anxin.serving.scorer import _table


def test_a_row_gives_what_models_read_and_is_told_where_that_is_a_difference() -> None:
    table = _table("project", [{"attendance_share_of_day": -0.4}, {}])
    assert table["attendance_share_of_day"].to_pylist() == [-0.4, None]
    with pytest.raises(AnxinError, match="attendance_share_of_day"):
        _table("project", [{"attendance_share": 0.1}])
    assert _table("employer", [{"energy_level_28d": 0.1}])["energy_level_28d"].to_pylist() == [0.1]


def test_what_models_trained_now_leave_out_is_taken_for_models_of_before_and_for_sizes() -> None:
    assert _table("employer", [{"case_open_workers": 2.0}])["case_open_workers"].to_pylist() == [2.0]


def test_a_name_the_catalogue_does_not_have_is_told() -> None:
    with pytest.raises(AnxinError, match="no_such_sign"):
        _table("project", [{"no_such_sign": 1.0}])
