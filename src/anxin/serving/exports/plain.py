"""CSV, JSON and Parquet of a list's rows."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from typing import Any

import pyarrow.parquet as pq

from anxin.serving import wording
from anxin.serving.exports.columns import COLUMNS
from anxin.serving.exports.sheets import csv_file
from anxin.serving.promised import promise_facts
from anxin.serving.published import Published, Row, as_table


def to_csv(rows: Sequence[Row], day: date, *, retrospective: bool = False) -> bytes:
    """Return the rows as CSV; a list made in hindsight says so in a last column of every row."""
    lines = ([column.cell(row, day) for column in COLUMNS] for row in rows)
    return csv_file(COLUMNS, lines, wording.RETROSPECTIVE.zh if retrospective else None)


def to_json(rows: Sequence[Row], published: Published) -> bytes:
    """Return the rows with the list they are from, as one JSON document without NaN."""
    content = {"list": list_facts(published), "rows": [row_facts(row) for row in rows]}
    return json.dumps(content, ensure_ascii=False, allow_nan=False, default=str).encode()


def to_parquet(rows: Sequence[Row], *, retrospective: bool = False) -> bytes:
    """Return the rows with the columns of ``list.parquet``; the schema of a list made in hindsight says so."""
    sink = io.BytesIO()
    table = as_table(rows)
    if retrospective:
        table = table.replace_schema_metadata({"retrospective": "true"})
    pq.write_table(table, sink)
    return sink.getvalue()


def row_facts(row: Row) -> dict[str, Any]:
    """Return a row as plain values, dates as ISO text."""
    return {key: _said(value) for key, value in asdict(row).items()}


def _said(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, dict):
        return {key: _said(inner) for key, inner in value.items()}
    return [_said(inner) for inner in value] if isinstance(value, list | tuple) else value


def list_facts(published: Published) -> dict[str, Any]:
    """Return what a reader must know beside the rows: day, models, how fresh the feeds are, the notice."""
    manifest = published.manifest
    return {
        "list_id": manifest.list_id,
        "as_of": manifest.as_of.isoformat(),
        "retrospective": manifest.retrospective,
        "models": {kind: manifest.model(kind) for kind in wording.KINDS},
        "lake_commit": manifest.content.get("lake_commit"),
        "lake_commit_hash": manifest.content.get("lake_commit_hash"),
        "config_hash": manifest.content.get("config_hash"),
        "code_version": manifest.content.get("code_version"),
        "previous_list_id": manifest.content.get("previous_list_id"),
        "watermarks": {
            mark.feed: {
                "last_event": mark.last_event,
                "last_received": mark.last_received,
                "rows": mark.rows,
                "silent_days": mark.silent_days,
                "late": mark.late,
            }
            for mark in manifest.watermarks
        },
        "promises": promise_facts(manifest),
        "notice": {"zh": wording.NOTICE.zh, "en": wording.NOTICE.en},
    }
