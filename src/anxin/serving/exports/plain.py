"""CSV, JSON and Parquet of a list's rows."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from typing import Any

import pyarrow.parquet as pq

from anxin.serving import wording
from anxin.serving.exports.columns import COLUMNS, Cell
from anxin.serving.promised import promise_facts
from anxin.serving.published import Published, Row, as_table

# A spreadsheet takes a cell that begins so for a formula; a name from a registry must never be run.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def to_csv(rows: Sequence[Row], day: date, *, retrospective: bool = False) -> bytes:
    """Return the rows as UTF-8 CSV with a byte-order mark, so Excel shows Chinese without asking.

    Text that a spreadsheet would take for a formula gets a leading apostrophe. A spreadsheet also rounds
    codes of 18 digits; where codes are to be edited there, the XLSX export keeps them whole.
    A list made in hindsight says so in a last column of every row.
    """
    mark = [wording.RETROSPECTIVE.zh] if retrospective else []
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow([*(column.title for column in COLUMNS), *(["回溯 retrospective"] if mark else [])])
    for row in rows:
        writer.writerow([*(plain(column.cell(row, day)) for column in COLUMNS), *mark])
    return text.getvalue().encode("utf-8-sig")


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


def plain(cell: Cell) -> str | float | int:
    """Return a cell as it is safe in a CSV file: dates as ISO text, nothing that a spreadsheet would run."""
    if cell is None:
        return ""
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, str):
        return f"'{cell}" if cell.lstrip(" ").startswith(_FORMULA_STARTS) else cell
    return cell
