"""What holds of every published list, whoever's it is."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from anxin.models.grades import Promises
from anxin.serving import schema


def check(folder: Path) -> int:
    """Fail unless the files of a list hold together; return how many rows it has, which must be some."""
    scores = pq.read_table(folder / "scores.parquet").to_pandas()
    listed = pq.read_table(folder / "list.parquet").to_pandas()
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert tuple(scores) == tuple(schema.SCORES.names)
    assert tuple(listed) == tuple(schema.LIST.names)
    assert len(listed)
    _check_grades(scores, listed, manifest)
    for table in (scores, listed):
        assert ((table["p30"] <= table["p90"]) & (table["p90"] <= table["p180"])).all()
        for size in ("workers", "amount"):
            said = table.loc[table[size].notna()]
            assert ((said[f"{size}_lo"] <= said[size]) & (said[size] <= said[f"{size}_hi"])).all()
    _check_ranks(scores, listed)
    _check_reasons(folder, listed)
    assert manifest["counts"]["withheld"] == 0
    assert sum(manifest["counts"]["listed"].values()) == len(listed)
    return len(listed)


def _check_grades(scores: pd.DataFrame, listed: pd.DataFrame, manifest: dict[str, Any]) -> None:
    """Scores are graded by danger alone; a list adds rules, which only raise, and yesterday's bands."""
    for kind, rows in scores.groupby("kind"):
        promises = Promises.from_json(manifest["promises"][kind])
        assert (rows["grade"] == promises.grade_of(rows["p90"].to_numpy())).all()
    earned = scores.set_index(["kind", "subject_id"])["grade"]
    rows = listed.set_index(["kind", "subject_id"])
    left = earned.loc[earned > 0].index.difference(rows.index)
    assert len(left) == manifest["counts"]["waiting"]
    assert set(rows["put_by"]) <= {"model", "rule"}
    assert (rows["grade"] > 0).all()
    by_model = rows.loc[rows["put_by"] == "model"]
    assert (by_model["grade_model"] >= earned.reindex(by_model.index)).all()
    # Only the lack of a dated fact keeps a row below what the model says, and then at yellow.
    short = by_model.loc[by_model["grade"] < by_model["grade_model"]]
    assert (short["grade"] == 2).all()
    assert (short["grade_why_zh"] != "").all()
    raised = rows.loc[rows["put_by"] == "rule"]
    assert (raised["grade"] > np.minimum(raised["grade_model"], 2)).all()
    assert (raised["rules"].str.len() > 0).all()
    # Every row is told whether someone goes there today, and never two firms in one visit's turn.
    assert listed["visit_why"].str.len().min() > 0
    visits = listed.loc[listed["visit"].notna()]
    assert visits["visit_by"].isin(["check", "call"]).all()
    assert listed.loc[listed["visit"].isna(), "visit_by"].isin(["beyond", "rest"]).all()
    assert (visits.groupby("visit")[["visit_by", "visit_order"]].nunique() == 1).all(axis=None)


def _check_ranks(scores: pd.DataFrame, listed: pd.DataFrame) -> None:
    for kind, table in scores.groupby("kind"):
        by_rank = table.sort_values("rank")
        assert list(by_rank["rank"]) == list(range(1, len(table) + 1))
        expected = table.sort_values(["p90", "subject_id"], ascending=[False, True])
        assert list(by_rank["subject_id"]) == list(expected["subject_id"])
        mine = listed.loc[listed["kind"] == kind]
        assert list(mine["rank"]) == list(range(1, len(mine) + 1))
    # p90 rises with the score, per model.
    for _, table in scores.groupby("model_version"):
        p90 = table.drop_duplicates("score").sort_values("score")["p90"]
        assert (np.diff(p90) > 0).all()


def _check_reasons(folder: Path, listed: pd.DataFrame) -> None:
    parts = pq.read_table(folder / "explanations.parquet").to_pandas()
    keys = ["kind", "subject_id"]
    total = parts.groupby(keys)["contribution"].sum()
    assert len(total) == len(listed)
    score = listed.set_index(keys)["score"]
    assert (total.reindex(score.index) - score).abs().max() <= 1e-6
    assert (parts.loc[parts["feature"] == ""].groupby(keys).size() == 1).all()
    for _, row in listed.iterrows():
        for reason in row["reasons"]:
            assert reason["contribution"] > 0
            assert reason["zh"]
            assert reason["en"]
            assert not np.isnan(reason["value"])
            assert reason["date"] is None or reason["date"] < parts_day(folder)


def parts_day(folder: Path) -> Any:
    """Return the day of a list."""
    return pq.read_table(folder / "scores.parquet", columns=["as_of"])["as_of"][0].as_py()


def texts(folder: Path) -> Iterator[str]:
    """Give every string of every file of a list."""
    for path in folder.iterdir():
        if path.suffix == ".json":
            yield from _strings(json.loads(path.read_text(encoding="utf-8")))
        else:
            yield from _strings(pq.read_table(path).to_pylist())


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from _strings(list(value.values()))
        yield from value
    elif isinstance(value, Iterable):
        for one in value:
            yield from _strings(one)
