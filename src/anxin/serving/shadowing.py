"""Models in the shadow: scored on the snapshot of a published list, kept beside it, never published and never served.

    var/shadow/<D>/<model_id>/scores.parquet   everyone, as in a list's scores
                             /list.parquet     who either model grades: both ranks, grades and probabilities
                             /manifest.json    the list it stands beside, the model, the hashes

A folder is nobody's until the ledger names it; no reader of lists looks here.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import uuid4

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from anxin.domain.errors import AnxinError
from anxin.judging.gate import bounds, rounded
from anxin.judging.gates import overlap_of
from anxin.ledger import shadows
from anxin.ledger.chain import Ledger
from anxin.ledger.published import Published as Record
from anxin.models.saved import load
from anxin.models.scoring import score
from anxin.serving import schema
from anxin.serving.home import Home
from anxin.serving.published import Published

_KINDS = ("employer", "project")


def run_shadows(home: Home, ledger: Ledger, entry: Record, at: datetime, actor: str) -> list[dict[str, Any]]:
    """Score every model in the shadow on the day of a list, beside it; returns what came of each.

    What was scored before is left as it is. A shadow that cannot be read is told and left: the list stands.
    """
    found = []
    for kind in _KINDS:
        for shadow in shadows.on(ledger, kind, entry.day):
            done = [one for one in shadows.scored(ledger, shadow.model_id) if one.list_id == entry.list_id]
            if done:
                found.append(
                    {"model_id": shadow.model_id, "kind": kind, "scored_now": False, **done[-1].facts}
                )
                continue
            try:
                facts = _score(home, ledger, entry, kind, shadow.model_id, at, actor)
            except AnxinError as error:
                found.append({"model_id": shadow.model_id, "kind": kind, "skipped": str(error)})
                continue
            found.append({"model_id": shadow.model_id, "kind": kind, "scored_now": True, **facts})
    return found


def said(found: list[dict[str, Any]]) -> str:
    """Return what the shadows said as further lines."""
    text = ""
    for one in found:
        if "skipped" in one:
            text += f"\n影子 shadow {one['model_id']}: 未评 skipped: {one['skipped']}"
            continue
        same = one["all"]
        text += (
            f"\n影子 shadow {one['model_id']}: 前 {same['first']} 名与清单相同 shared with the list {same['kept']:.0%}，"
            f"进 in {one['entered']}，出 out {one['left']}"
        )
    return text


def _score(
    home: Home, ledger: Ledger, entry: Record, kind: str, model_id: str, at: datetime, actor: str
) -> dict[str, Any]:
    opened = Published.of_entry(home.root, entry)
    name = f"snapshot-{kind}.parquet"
    if not opened.has(name):
        raise AnxinError(
            f"{entry.day} 清单没有 {kind} 快照", f"the list of {entry.day} has no {kind} snapshot"
        )
    model = load(home.models, model_id)
    mine = score(model, opened.table(name))
    listed = opened.table("scores.parquet").to_pandas()
    both = _both(mine, listed.loc[listed["kind"] == kind])
    facts = _facts(both)
    folder = home.var / "shadow" / entry.day.isoformat() / model_id
    tables = {
        "scores": pa.Table.from_pandas(mine[schema.SCORES.names], schema.SCORES, preserve_index=False),
        "list": pa.Table.from_pandas(
            both.loc[(both["grade"] > 0) | (both["list_grade"] > 0)], preserve_index=False
        ).replace_schema_metadata(),
    }
    hidden = folder.with_name(f".{folder.name}.{uuid4().hex[:8]}.part")
    hidden.mkdir(parents=True)
    hashes = {}
    for name, table in tables.items():
        path = hidden / f"{name}.parquet"
        pq.write_table(table, path, compression="zstd")
        hashes[path.name] = hashlib.sha256(path.read_bytes()).hexdigest()
    manifest = {
        "list_id": entry.list_id,
        "model_id": model_id,
        "as_of": entry.day.isoformat(),
        "files": hashes,
    }
    text = json.dumps(manifest, ensure_ascii=False, sort_keys=True, indent=1) + "\n"
    (hidden / "manifest.json").write_text(text, encoding="utf-8")
    # A further version of the day's list has a further shadow: the last one stands, the ledger has the hashes of all.
    shutil.rmtree(folder, ignore_errors=True)
    hidden.rename(folder)
    shadows.record(
        ledger,
        entry.day,
        model_id,
        list_id=entry.list_id,
        folder=folder.relative_to(home.root).as_posix(),
        manifest_sha256=hashlib.sha256(text.encode()).hexdigest(),
        facts=facts,
        actor=actor,
        at=at,
    )
    return facts


def _both(mine: pd.DataFrame, listed: pd.DataFrame) -> pd.DataFrame:
    """Return everyone both models scored, by the shadow's rank: its figures, and those of the list."""
    columns = ["kind", "subject_id", "in_hand", "rank", "grade", "p90"]
    theirs = listed[["subject_id", "rank", "grade", "p90"]]
    theirs = theirs.rename(columns={name: f"list_{name}" for name in ("rank", "grade", "p90")})
    return mine[columns].merge(theirs, on="subject_id").sort_values("rank", ignore_index=True)


def _facts(both: pd.DataFrame) -> dict[str, Any]:
    """Return how far the shadow and the list agree: shared heads, who came in, who went out, how many are graded."""
    limit: Mapping[str, Any] = bounds()["calm"]
    new = both.loc[~both["in_hand"].astype(bool)]
    first = overlap_of(both["subject_id"], both["p90"], both["list_p90"], limit)
    head, was = both["rank"] <= first["first"], both["list_rank"] <= first["first"]
    return {
        "all": rounded(first),
        "new": rounded(overlap_of(new["subject_id"], new["p90"], new["list_p90"], limit)),
        "entered": int((head & ~was).sum()),
        "left": int((was & ~head).sum()),
        "graded": int((both["grade"] > 0).sum()),
        "list_graded": int((both["list_grade"] > 0).sum()),
        "raised": int((both["grade"] > both["list_grade"]).sum()),
        "lowered": int((both["grade"] < both["list_grade"]).sum()),
    }
