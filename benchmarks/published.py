"""What came true of the rows that were published: by kind, grade, and whether the model or a rule put them there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from anxin.features.snapshots import KINDS
from anxin.feeds.asof import View, connect
from anxin.feeds.engine import Engine
from anxin.feeds.lake import Lake
from anxin.judging.any_list import known_on, with_labels
from anxin.judging.resampling import CONFIDENCE, binomial, overlap
from anxin.models.grades import grades, named
from anxin.models.saved import load


def published(home: Path, days: Sequence[date]) -> list[dict[str, Any]]:
    """Judge the published lists of days: `list-D.parquet` of each is in the folder.

    A promise is made of rows the model puts at a grade; what is published also keeps to the band, to the dated fact, and
    to the rules. The intervals know that one outcome stands behind several rows of a subject.
    """
    lists = pd.concat(
        [pd.read_parquet(home / f"list-{day}.parquet").assign(as_of=day) for day in days], ignore_index=True
    )
    view = View(Lake(home / "var" / "lake"), connect(Engine(memory_gib=2.0, spill=home / "spill")))
    known = known_on(view)
    found = []
    for kind in KINDS:
        listed = lists.loc[lists["kind"] == kind, ["subject_id", "as_of", "grade", "put_by", "model_version"]]
        rows = with_labels(view, listed, kind, known)
        rows = rows.loc[rows["y"].notna()]
        for (put_by, grade), held in rows.groupby(["put_by", "grade"]):
            own = {"kind": kind, "put_by": put_by, "grade": int(grade)}
            found.append(own | _of(home, held, int(grade), together=False))
        by_model = rows.loc[rows["put_by"] == "model"]
        for grade in sorted(one.grade for one in grades()):
            worse = by_model.loc[by_model["grade"] >= grade]
            of_all = {"kind": kind, "put_by": "model", "grade": grade} | _of(
                home, worse, grade, together=True
            )
            if of_all["promised"] is not None:
                found.append(of_all)
    return sorted(found, key=lambda one: (one["kind"], one["put_by"], -one["grade"], one["together"]))


def _of(home: Path, rows: pd.DataFrame, grade: int, *, together: bool) -> dict[str, Any]:
    shared = overlap(rows)
    hits, low, high = rows["y"].sum(), 0.0, 1.0
    if len(rows):
        low, high = binomial(hits / shared, len(rows) / shared, 1 - CONFIDENCE)
    promises = [load(home / "var" / "models", model).promises for model in rows["model_version"].unique()]
    made = [one for each in promises for one in each.each if one.grade == grade]
    # Models that promise it together promise nothing of it alone; those that promise it alone do not fall short together.
    kept = bool(made) and all(one.kept and (together or not one.together) for one in made)
    kept = kept and (not together or any(one.together for one in made))
    return {
        "together": together,
        "rows": len(rows),
        "subjects": int(rows["subject_id"].nunique()),
        "hits": int(hits),
        "precision": float(rows["y"].mean()) if len(rows) else 0.0,
        "low": float(low),
        "high": float(high),
        "promised": made[0].precision if kept else None,
    }


def published_lines(found: Sequence[dict[str, Any]]) -> list[str]:
    """Return the table of what `published` found."""
    lines = [
        "| kind | put by | grade | rows | subjects | came true | share | promised | |",
        "| --- |" + " --- |" * 8,
    ]
    for one in found:
        promised = one["promised"] if one["put_by"] == "model" else None
        verdict = "" if promised is None else "**BROKEN**" if one["high"] < promised else "held"
        said = "—" if promised is None else f"{promised:.0%}"
        cells = [
            one["kind"],
            one["put_by"],
            named(one["grade"]).en + (" and worse" if one["together"] else ""),
            one["rows"],
            one["subjects"],
            one["hits"],
        ]
        share = f"{one['precision']:.3f} [{one['low']:.3f}, {one['high']:.3f}]"
        lines.append("| " + " | ".join(map(str, [*cells, share, said, verdict])) + " |")
    return lines
