"""Lists of others: read with errors that name what is wrong, and placed among everyone."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from anxin.domain.errors import AnxinError
from anxin.judging.any_list import matching, placed, read_list

DAY, NEXT = date(2024, 1, 1), date(2024, 1, 2)


def _everyone() -> pd.DataFrame:
    return pd.DataFrame(
        {"subject_id": [*"ABCD", *"ABCD"], "as_of": [DAY] * 4 + [NEXT] * 4, "p90": 0.5, "rank": 1, "y": 0.0}
    )


def _csv(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "list.csv"
    path.write_bytes(text.encode(encoding))
    return path


def test_whoever_is_not_listed_comes_last_and_tied() -> None:
    listed = pd.DataFrame({"subject_id": ["C", "A", "Z"], "as_of": [DAY] * 3, "rank": [1.0, 2.0, 3.0]})
    rows = placed(_everyone(), listed)
    assert len(rows) == 8
    figure = rows.set_index(["subject_id", "as_of"])["figure"]
    assert figure["C", DAY] > figure["A", DAY] > figure["B", DAY]
    assert figure["B", DAY] == figure["D", DAY] == figure["C", NEXT] == -np.inf
    assert "p90" not in rows


def test_probabilities_count_only_if_everyone_has_one() -> None:
    listed = _everyone().assign(p90=0.1, rank=np.arange(8.0))
    assert (placed(_everyone(), listed)["p90"] == 0.1).all()
    assert "p90" not in placed(_everyone(), listed.iloc[:5])


def test_a_subject_listed_twice_counts_once() -> None:
    listed = pd.DataFrame({"subject_id": ["A", "A"], "as_of": [DAY, DAY], "rank": [1.0, 4.0]})
    assert len(placed(_everyone(), listed)) == 8


def test_ids_are_read_as_text_and_dates_as_dates(tmp_path: Path) -> None:
    text = "kind,subject_id,date,rank\nemployer,000123,2024-01-01,1\n"
    for encoding in ("utf-8", "utf-8-sig"):
        (row,) = read_list(_csv(tmp_path, text, encoding)).to_dict("records")
        assert row == {"kind": "employer", "subject_id": "000123", "rank": 1.0, "as_of": DAY}


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("kind,subject_id,date\nemployer,a,2024-01-01\n", "rank"),
        ("kind,date,rank\nemployer,2024-01-01,1\n", "subject_id"),
        ("kind,subject_id,date,rank\nemployer,a,01/02/2024,1\n", "01/02/2024"),
        ("kind,subject_id,date,rank\nemployer,a,,1\n", "date"),
        ("kind,subject_id,date,rank\nemployer,a,2024-01-01,first\n", "first"),
        ("kind,subject_id,date,rank\nemployer,a,2024-01-01,1\nemployer,b,2024-01-01,\n", "line 3"),
        ("kind,subject_id,date,rank\nemployer,a,2024-01-01,inf\n", "rank"),
        ("kind,subject_id,date,rank,p90\nemployer,a,2024-01-01,1,\nemployer,b,2024-01-01,1,1.2\n", "line 3"),
        ("kind,subject_id,date,rank,p90\nemployer,a,2024-01-01,1,high\n", "p90"),
        ("", "list.csv"),
        ('kind,subject_id,date,rank\n"employer,a\n', "list.csv"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(AnxinError) as error:
        read_list(_csv(tmp_path, text))
    assert named in str(error.value)


def test_a_file_that_is_not_text_or_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(AnxinError, match=r"list\.csv"):
        read_list(_csv(tmp_path, "名次\n", "gb18030"))
    with pytest.raises(AnxinError, match=r"nowhere\.csv"):
        read_list(tmp_path / "nowhere.csv")


def test_rows_that_match_nobody_are_counted_by_why() -> None:
    listed = pd.DataFrame(
        [
            ("employer", "A", DAY),
            ("employer", "A", DAY),
            ("employer", "Z", DAY),
            ("employer", "A", date(2020, 1, 1)),
            ("project", "A", DAY),
            ("worker", "A", DAY),
            (None, "A", DAY),
        ],
        columns=["kind", "subject_id", "as_of"],
    )
    expected = {"rows": 7, "matched": 1, "unknown_kind": 2, "no_list": 2, "not_scored": 1, "repeated": 1}
    assert matching(listed, {"employer": _everyone()}) == expected
    assert matching(listed.iloc[:0], {"employer": _everyone()})["matched"] == 0
