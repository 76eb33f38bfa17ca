"""Rows of a family find their place in a snapshot, whatever order they come in."""

from __future__ import annotations

from datetime import date

import pyarrow as pa
import pytest

from anxin.features.placing import Meaning, Places

MAY, JUNE = date(2026, 5, 1), date(2026, 6, 1)
PEOPLE = pa.table({"subject_id": ["a", "b", "a", "c"], "as_of": [MAY, MAY, JUNE, JUNE]})


def test_each_row_stands_beside_its_subject_and_date() -> None:
    rows = pa.table({"subject_id": ["c", "x", "a", "b"], "as_of": [JUNE, JUNE, MAY, JUNE], "n": [3, 9, 1, 9]})
    assert Places(PEOPLE).of(rows).column(rows["n"]).to_pylist() == [1.0, None, None, 3.0]


def test_no_value_and_no_row_are_told_apart_and_not_said_where_the_feed_was_not_there() -> None:
    rows = pa.table(
        {"subject_id": ["c", "a"], "as_of": [JUNE, MAY], "n": pa.array([None, 1.0], pa.float64())}
    )
    placed = Places(PEOPLE).of(rows)
    assert placed.column(rows["n"], Meaning(no_value=7.0, no_row=0.0)).to_pylist() == [1.0, 0.0, 0.0, 7.0]
    known_in_june = Meaning(no_row=0.0, unknown={MAY})
    assert placed.column(rows["n"], known_in_june).to_pylist() == [None, None, 0.0, None]


def test_an_empty_value_of_a_whole_number_takes_nothing_from_fractions() -> None:
    rows = pa.table({"subject_id": ["a"], "as_of": [MAY], "n": [0.5]})
    places = Places(PEOPLE)
    assert places.of(rows).column(rows["n"], Meaning(0, 0)).to_pylist() == [0.5, 0.0, 0.0, 0.0]
    assert places.nothing(Meaning(0, 0)).to_pylist() == [0.0] * 4


def test_what_is_no_number_stays_missing_where_no_value_would_mean_something() -> None:
    rows = pa.table({"subject_id": ["a"], "as_of": [MAY], "n": [float("nan")]})
    assert Places(PEOPLE).of(rows).column(rows["n"], Meaning(0.0, 0.0)).to_pylist() == [None, 0.0, 0.0, 0.0]


def test_what_is_known_of_a_date_is_the_same_for_everyone() -> None:
    rows = pa.table({"as_of": [JUNE, MAY], "n": [2, 1]})
    assert Places(PEOPLE).of(rows).column(rows["n"]).to_pylist() == [1.0, 1.0, 2.0, 2.0]


def test_two_rows_of_one_subject_and_date_are_refused() -> None:
    rows = pa.table({"subject_id": ["a", "a"], "as_of": [MAY, MAY], "n": [1, 2]})
    with pytest.raises(ValueError, match="more than one row"):
        Places(PEOPLE).of(rows)


def test_nobody_is_a_snapshot_of_no_rows() -> None:
    rows = pa.table({"subject_id": ["a"], "as_of": [MAY], "n": [1]})
    assert Places(PEOPLE.slice(0, 0)).of(rows).column(rows["n"]).to_pylist() == []
    assert Places(PEOPLE.slice(0, 0)).nothing(Meaning(unknown={MAY})).to_pylist() == []


def test_a_date_of_nobody_takes_nothing_from_the_others() -> None:
    before, between = date(2026, 4, 1), date(2026, 5, 15)
    assert Places(PEOPLE).nothing(Meaning(no_row=0.0, unknown={before, between})).to_pylist() == [0.0] * 4
    rows = pa.table({"as_of": [between, JUNE], "n": [9, 2]})
    assert Places(PEOPLE).of(rows).column(rows["n"]).to_pylist() == [None, None, 2.0, 2.0]
