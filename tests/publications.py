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


def check(folder: Path) -> None:
    """Fail unless the files of a list hold together."""
    scores = pq.read_table(folder / "scores.parquet").to_pandas()
    listed = pq.read_table(folder / "list.parquet").to_pandas()
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert tuple(scores) == tuple(schema.SCORES.names)
    assert tuple(listed) == tuple(schema.LIST.names)
    assert len(listed)
    for table in (scores, listed):
        assert ((table["p30"] <= table["p90"]) & (table["p90"] <= table["p180"])).all()
        for kind, rows in table.groupby("kind"):
            promises = Promises.from_json(manifest["promises"][kind])
            assert (rows["grade"] == promises.grade_of(rows["p90"].to_numpy())).all()
        for size in ("workers", "amount"):
            said = table.loc[table[size].notna()]
            assert ((said[f"{size}_lo"] <= said[size]) & (said[size] <= said[f"{size}_hi"])).all()
    assert set(listed["subject_id"]) == set(scores.loc[scores["grade"] > 0, "subject_id"])
    _check_ranks(scores, listed)
    _check_reasons(folder, listed)
    assert manifest["counts"]["withheld"] == 0
    assert sum(manifest["counts"]["listed"].values()) == len(listed)


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
