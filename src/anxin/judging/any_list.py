"""Judging any list: (subject, date, rank) from anyone, against what came true by the end of the lake."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from anxin.domain.errors import AnxinError
from anxin.features.known import Kind
from anxin.features.snapshots import KINDS
from anxin.feeds.asof import View
from anxin.judging.outages import first_received, outages_of, overlaps
from anxin.judging.states import states
from anxin.models.probability import SCORE_HORIZON

_NEEDED = ("kind", "subject_id", "date", "rank")


def read_list(path: Path) -> pd.DataFrame:
    """Read a list to judge: CSV with `kind, subject_id, date, rank` and, where it has them, `p90` and `grade` (0 to 4).

    Raises AnxinError naming the column or value that does not fit.
    """
    try:
        rows = pd.read_csv(path, dtype={"kind": str, "subject_id": str, "date": str})
    except (OSError, ValueError) as error:
        raise AnxinError(f"无法读取 {path}：{error}", f"cannot read {path}: {error}") from error
    missing = [name for name in _NEEDED if name not in rows]
    if missing:
        raise AnxinError(
            f"{path} 缺少列 {missing}，需要 kind, subject_id, date, rank",
            f"{path} lacks columns {missing}; it needs kind, subject_id, date, rank",
        )
    try:
        rows["as_of"] = [date.fromisoformat(text) for text in rows["date"]]
        rows["rank"] = rows["rank"].astype(float)
    except (TypeError, ValueError) as error:
        raise AnxinError(
            f"{path} 的 date 或 rank 有误：{error}", f"bad date or rank in {path}: {error}"
        ) from error
    _check_numbers(path, rows)
    return rows.drop(columns="date")


def _check_numbers(path: Path, rows: pd.DataFrame) -> None:
    """Refuse ranks that are no number, grades that are none and probabilities outside [0, 1]; empty ones are missing."""
    bad = ~np.isfinite(rows["rank"])
    if bad.any():
        line = _line(bad)
        raise AnxinError(
            f"{path} 第 {line} 行的 rank 为空或不是有限的数",
            f"rank in line {line} of {path} is empty or not finite",
        )
    if "grade" in rows:
        grade = pd.to_numeric(rows["grade"], errors="coerce")
        bad = rows["grade"].notna() & ~grade.isin([0, 1, 2, 3, 4])
        if bad.any():
            line = _line(bad)
            raise AnxinError(
                f"{path} 第 {line} 行的 grade 不是 0 至 4", f"grade in line {line} of {path} is not 0 to 4"
            )
        rows["grade"] = grade
    if "p90" not in rows:
        return
    p90 = pd.to_numeric(rows["p90"], errors="coerce")
    bad = rows["p90"].notna() & ~p90.between(0.0, 1.0)
    if bad.any():
        line = _line(bad)
        raise AnxinError(
            f"{path} 第 {line} 行的 p90 不是 0 至 1 之间的数",
            f"p90 in line {line} of {path} is not between 0 and 1",
        )
    rows["p90"] = p90


def _line(bad: pd.Series) -> int:
    """Return the line of the file, its header being the first, of the first row that is bad."""
    return int(np.flatnonzero(bad)[0]) + 2


def matching(listed: pd.DataFrame, everyone: Mapping[Kind, pd.DataFrame]) -> dict[str, int]:
    """Count the rows of a list by whether they can be placed among everyone scored, given per kind.

    `unknown_kind`: of no kind there is; `no_list`: on a date without a published list; `not_scored`: a subject not scored
    on the date; `repeated`: a subject listed again on the date. `matched` are the others.
    """
    counts = {
        "rows": len(listed),
        "matched": 0,
        "unknown_kind": 0,
        "no_list": 0,
        "not_scored": 0,
        "repeated": 0,
    }
    counts["unknown_kind"] = int((~listed["kind"].isin(list(KINDS))).sum())
    for kind in KINDS:
        rows = listed.loc[listed["kind"] == kind]
        scored = everyone.get(kind)
        if scored is None:
            counts["no_list"] += len(rows)
            continue
        dated = rows.loc[rows["as_of"].isin(set(scored["as_of"]))]
        counts["no_list"] += len(rows) - len(dated)
        there = pd.MultiIndex.from_frame(scored[["subject_id", "as_of"]])
        known = dated.loc[pd.MultiIndex.from_frame(dated[["subject_id", "as_of"]]).isin(there)]
        counts["not_scored"] += len(dated) - len(known)
        once = known.drop_duplicates(["subject_id", "as_of"])
        counts["repeated"] += len(known) - len(once)
        counts["matched"] += len(once)
    return counts


def known_on(view: View) -> date:
    """Return T for judging: the day after the last row the lake received."""
    last = [
        state.last_received for state in view.lake.watermarks().values() if state.last_received is not None
    ]
    if not last:
        raise AnxinError("数据湖是空的，请先 anxin ingest", "the lake is empty; ingest a delivery first")
    return (pd.Timestamp(max(last)).normalize() + pd.Timedelta(days=1)).date()


def is_over(as_of: date, known: date, horizon: int = SCORE_HORIZON) -> bool:
    """Say whether the days of the horizon after a date are over by T; its label is mature only 45 days later."""
    return as_of + timedelta(days=horizon) <= known


def with_labels(
    view: View, subjects: pd.DataFrame, kind: Kind, known: date, horizon: int = SCORE_HORIZON
) -> pd.DataFrame:
    """Add what came true to subjects (`subject_id, as_of`): `y`, `y_plain`, `state`, `workers`, `yuan`.

    `y`: 1 verified within the horizon, 0 not, NaN pending or unseen (outages); a subject that was visited after a warning
    and averted is a hit in judging (semantics.md), which `y_plain` leaves out. `state` is one of `states.STATES`;
    `workers` and `yuan` are of all its verified cases of those days. Dates whose horizon is not over are dropped; of
    those not mature yet (`is_mature`) cases may still be verified, so callers tell them apart.
    """
    dates = sorted(day for day in set(subjects["as_of"]) if is_over(day, known, horizon))
    rows = subjects.loc[subjects["as_of"].isin(dates)].copy()
    if not dates:
        return rows.assign(y=np.nan, y_plain=np.nan, state=None, workers=np.nan, yuan=np.nan)
    found = states(view, dates, horizon, known, kind).rename(columns={"amount": "yuan"})
    found["as_of"] = pd.to_datetime(found["as_of"]).dt.date
    rows = rows.merge(
        found[["subject_id", "as_of", "state", "case", "workers", "yuan"]],
        on=["subject_id", "as_of"],
        how="left",
    )
    rows["state"] = rows["state"].fillna("unseen")
    dead = outages_of(view, known, since=first_received(view, known))
    blind = rows["as_of"].isin([day for day in dates if overlaps(day, horizon, dead)])
    hit = rows["state"].isin(["verified", "averted"])
    rows["y"] = np.where(hit, 1.0, np.where(rows["state"] == "pending", np.nan, 0.0))
    case = rows.pop("case")
    rows["y_plain"] = np.where(case == "verified", 1.0, np.where(case == "pending", np.nan, 0.0))
    rows.loc[blind, ["y", "y_plain"]] = np.nan
    return rows


def placed(everyone: pd.DataFrame, listed: pd.DataFrame) -> pd.DataFrame:
    """Place a list among everyone scored that day: `figure` falls with rank, whoever is not listed comes last, tied."""
    columns = ["subject_id", "as_of", "rank", *(name for name in ("p90", "grade") if name in listed)]
    base = everyone.drop(columns=[c for c in ("p90", "grade", "rank") if c in everyone])
    rows = base.merge(
        listed[columns].drop_duplicates(["subject_id", "as_of"]), on=["subject_id", "as_of"], how="left"
    )
    rows["figure"] = -rows.pop("rank").fillna(np.inf)
    for name in ("p90", "grade"):
        if name in rows and rows[name].isna().any():
            rows = rows.drop(columns=name)
    return rows
