"""The daily run: snapshot, score, grade, explain, compare with the list before, publish whole or not at all.

    list(D) = publish( scores(D), previous list )

Everything is written into a hidden folder, which is renamed once it is complete; the list exists for others from the
ledger entry on, which comes last. A kill in between leaves a folder nobody knows.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from anxin.domain.errors import AnxinError
from anxin.features.snapshots import KINDS, snapshots
from anxin.feeds.asof import View
from anxin.feeds.locking import alone
from anxin.ledger.chain import Ledger
from anxin.ledger.published import Published as Record
from anxin.ledger.published import before, every, hindsight, of, record, versions
from anxin.models.grades import grades
from anxin.models.grades import settings as grade_settings
from anxin.models.registry import live
from anxin.models.rules import fingerprint
from anxin.models.scoring import score
from anxin.models.version import code_version
from anxin.serving import schema
from anxin.serving.abilities import abilities
from anxin.serving.changes import Compared, compare
from anxin.serving.home import Home
from anxin.serving.listing import Listed, ScoredDay, listed, with_random
from anxin.serving.visiting.capacity import Capacities
from anxin.serving.visiting.known_checks import handed_out, known_checks
from anxin.serving.visiting.planning import drawn, planned
from anxin.serving.visiting.visits import BEYOND, CALL, CHECK, REST
from anxin.serving.watermarks import watermarks

Progress = Callable[[str, int, int], None]


def score_day(
    home: Home,
    ledger: Ledger,
    view: View,
    day: date,
    *,
    retrospective: bool = False,
    on_progress: Progress | None = None,
) -> dict[str, ScoredDay]:
    """Score everyone on a day with the models live then; kinds without a model are left out.

    Raises AnxinError if no kind has a model.
    """
    found: dict[str, ScoredDay] = {}
    for kind in KINDS:
        model = live(ledger, home.models, kind, day, retrospective=retrospective)
        if model is not None:
            snapshot = snapshots(view, [day], kind, on_progress)
            found[kind] = ScoredDay(model, snapshot, score(model, snapshot))
    if not found:
        raise AnxinError(
            f"{day} 没有在用的模型，请先运行 anxin train --through {day}",
            f"no model is live on {day}; run anxin train --through {day} first",
        )
    return found


def run(
    home: Home,
    ledger: Ledger,
    day: date,
    at: datetime,
    actor: str,
    *,
    retrospective: bool = False,
    again: bool = False,
    on_progress: Progress | None = None,
) -> tuple[Record, bool]:
    """Publish the list of a day; returns its ledger record and whether it is new.

    A published list never changes: a day that has one keeps it, unless `again` asks for a further version, which then
    stands beside the first in the ledger.
    """
    with alone(home.lists / ".lock"):
        # Whoever waited here finds what the other run published.
        existing = hindsight(ledger, day) if retrospective else of(ledger, day)
        if existing is not None and not again:
            return existing, False
        return _run(home, ledger, day, at, actor, existing, retrospective, on_progress)


def _run(
    home: Home,
    ledger: Ledger,
    day: date,
    at: datetime,
    actor: str,
    existing: Record | None,
    retrospective: bool,
    on_progress: Progress | None,
) -> tuple[Record, bool]:
    view = home.view()
    scored = score_day(home, ledger, view, day, retrospective=retrospective, on_progress=on_progress)
    previous = before(ledger, day, retrospective)
    compared = compare(home, previous, day)
    capacities = Capacities.of(home.root)
    config_hash = _config_hash(capacities)
    rested = day - timedelta(days=capacities.longest_rest - 1)
    gone, looked_up = handed_out(home.root, versions(ledger, rested, day, retrospective))
    inputs: dict[str, Any] = {
        "as_of": day.isoformat(),
        "lake_commit": view.lake.commit,
        "lake_commit_hash": view.lake.commit_hash,
        "models": {
            kind: {"model_id": part.model.model_id, "base_rate": part.model.facts["base_rate"]["90"]}
            for kind, part in scored.items()
        },
        "config_hash": config_hash,
        "code_version": code_version(),
        "previous_list_id": previous.list_id if previous is not None else None,
        "visits_of": looked_up,
        "seed": capacities.seed,
        "retrospective": retrospective,
    }
    if compared.previous_unreadable:
        inputs["previous_unreadable"] = True
    list_id = hashlib.sha256(_json(inputs).encode()).hexdigest()[:16]
    if existing is not None and existing.list_id == list_id:
        return existing, False
    rows, listed_by_kind = _listed(scored, compared, view, capacities, gone, day)
    withheld = {key for one in listed_by_kind.values() for key in one.withheld}
    cleared = compared.cleared(rows, {kind: part.scores for kind, part in scored.items()}, withheld)
    manifest = {
        "list_id": list_id,
        **inputs,
        "capacity": capacities.text,
        "promises": {kind: part.model.promises.to_json() for kind, part in scored.items()},
        "watermarks": watermarks(view, day),
        "counts": _counts(rows, cleared, scored, listed_by_kind),
    }
    folder = home.lists / day.isoformat() / list_id
    tables = {
        "list": pa.Table.from_pylist(rows, schema.LIST),
        "scores": pa.Table.from_pandas(
            pd.concat([part.scores for part in scored.values()], ignore_index=True)[schema.SCORES.names],
            schema.SCORES,
            preserve_index=False,
        ),
        "explanations": pa.concat_tables([one.explanations for one in listed_by_kind.values()]),
        "cleared": pa.Table.from_pylist(cleared, schema.CLEARED),
        "waiting": _waiting(listed_by_kind),
        **{f"snapshot-{kind}": part.snapshot for kind, part in scored.items()},
    }
    if (money := abilities(home.models, scored, day)) is not None:
        tables["ability"] = money
    named = any(home.root / entry.folder == folder for entry in every(ledger, day))
    manifest_text = _publish(folder, tables, manifest, named=named)
    entry = record(
        ledger,
        day,
        list_id,
        folder=folder.relative_to(home.root).as_posix(),
        manifest_sha256=hashlib.sha256(manifest_text.encode()).hexdigest(),
        previous_list_id=inputs["previous_list_id"],
        facts={"inputs": inputs, "counts": manifest["counts"]},
        actor=actor,
        at=at,
        retrospective=retrospective,
    )
    return entry, True


def _listed(
    scored: Mapping[str, ScoredDay],
    compared: Compared,
    view: View,
    capacities: Capacities,
    gone: Mapping[str, date],
    day: date,
) -> tuple[list[dict[str, Any]], dict[str, Listed]]:
    """Return the rows of the list with their visits, and what was listed by kind.

    `gone` is the last day a list sent someone to a firm.
    """
    snapshot = {kind: part.snapshot for kind, part in scored.items()}
    found = {kind: listed(kind, part, compared, day) for kind, part in scored.items()}
    checks = known_checks(view, day)
    kept = {(row["kind"], row["subject_id"]) for one in found.values() for row in one.rows}
    kept |= {key for one in found.values() for key in (*one.withheld, *one.waiting)}
    for kind, chosen in drawn(snapshot, kept, capacities, checks, gone, day).items():
        found[kind] = with_random(kind, scored[kind], found[kind], chosen, day)
    rows = [row for one in found.values() for row in one.rows]
    facts = {(kind, subject): fact for kind, one in found.items() for subject, fact in one.facts.items()}
    return planned(rows, facts, compared.rows, capacities, checks, gone, day), found


def _waiting(found: Mapping[str, Listed]) -> pa.Table:
    """Return what the next list must know of those who wait for a place."""
    lowest = sorted(pair for one in found.values() for pair in one.lowest.items())
    columns = schema.WAITING.names
    return pa.Table.from_pylist(
        [dict(zip(columns, (*key, p90), strict=True)) for key, p90 in lowest], schema.WAITING
    )


def _counts(
    rows: list[dict[str, Any]],
    cleared: list[dict[str, Any]],
    scored: Mapping[str, ScoredDay],
    found: Mapping[str, Listed],
) -> dict[str, Any]:
    return {
        "scored": {kind: len(part.scores) for kind, part in scored.items()},
        "listed": {kind: sum(row["kind"] == kind for row in rows) for kind in scored},
        "grades": {str(g.grade): sum(row["grade"] == g.grade for row in rows) for g in grades()},
        "new_finds": sum(not row["in_hand"] for row in rows),
        "cleared": len(cleared),
        "withheld": sum(len(one.withheld) for one in found.values()),
        "waiting": sum(len(one.waiting) for one in found.values()),
        "turns_owed": {kind: one.owed for kind, one in found.items()},
        "put_by": {name: sum(row["put_by"] == name for row in rows) for name in ("model", "rule", "random")},
        "visits": {by: len({row["visit"] for row in rows if row["visit_by"] == by}) for by in (CHECK, CALL)},
        **{by: sum(row["visit_by"] == by for row in rows) for by in (BEYOND, REST)},
    }


def _config_hash(capacities: Capacities) -> str:
    """Return a hash over the settings that decide a list beside the models: grades, rules, what districts can do."""
    settings = {
        "grades": grade_settings(),
        "rules": fingerprint(),
        "visits": capacities.hash,
    }
    return hashlib.sha256(_json(settings).encode()).hexdigest()[:16]


def _publish(folder: Path, tables: Mapping[str, pa.Table], manifest: dict[str, Any], *, named: bool) -> str:
    """Write the list's folder whole; returns the manifest's text, which holds the hash of every file.

    Called under the lock. A folder the ledger names (`named`) is never removed: AnxinError if it holds anything else.
    """
    for left in folder.parent.glob(".*.part"):  # of a run that was killed
        shutil.rmtree(left, ignore_errors=True)
    hidden = folder.with_name(f".{folder.name}.{uuid4().hex[:8]}.part")
    hidden.mkdir(parents=True)
    hashes = {}
    for name, table in tables.items():
        path = hidden / f"{name}.parquet"
        pq.write_table(table, path, compression="zstd")
        hashes[path.name] = hashlib.sha256(path.read_bytes()).hexdigest()
        _sync(path)
    text = _json({**manifest, "files": hashes}) + "\n"
    (hidden / "manifest.json").write_text(text, encoding="utf-8")
    _sync(hidden / "manifest.json")
    if _stands(folder, text, hashes):
        # The same inputs as a list of before (a model that is live again): what was published is not touched.
        shutil.rmtree(hidden)
        return text
    if named and folder.exists():
        shutil.rmtree(hidden)
        raise AnxinError(
            f"{folder} 是台账已记载的清单，但内容已变，未作改动；请从备份恢复",
            f"the ledger names {folder}, which is no longer what was published; left alone, restore it from a backup",
        )
    shutil.rmtree(folder, ignore_errors=True)
    hidden.rename(folder)
    _sync(folder.parent)
    return text


def _stands(folder: Path, manifest_text: str, hashes: Mapping[str, str]) -> bool:
    """Say whether the folder already holds exactly these files."""
    try:
        found = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in hashes}
        return found == hashes and (folder / "manifest.json").read_text(encoding="utf-8") == manifest_text
    except (OSError, UnicodeDecodeError):
        return False


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, indent=1, default=str)
