"""The four formats a list is handed out in, for the API and the command line alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

from anxin.serving.exports.plain import to_csv, to_json, to_parquet
from anxin.serving.exports.workbook import to_xlsx
from anxin.serving.published import Published, Row

Format = Literal["json", "csv", "xlsx", "parquet"]
FORMATS: tuple[Format, ...] = get_args(Format)
MEDIA: dict[Format, str] = {
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "parquet": "application/vnd.apache.parquet",
}


def as_file(wanted: Format, rows: Sequence[Row], published: Published) -> bytes:
    """Return rows of a list in a format."""
    if wanted == "csv":
        return to_csv(rows, published.as_of, retrospective=published.manifest.retrospective)
    if wanted == "xlsx":
        return to_xlsx(rows, published)
    if wanted == "parquet":
        return to_parquet(rows, retrospective=published.manifest.retrospective)
    return to_json(rows, published)
