"""``GET /v1/records/{date}/{subject}/{feature}``: the records behind a finding of a listed subject."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal
from urllib.parse import quote

from fastapi import APIRouter, Path, Query
from fastapi.responses import HTMLResponse, Response
from pydantic import BaseModel, Field

from anxin.serving.evidence import OTHERS, feature_named
from anxin.serving.looks import render, style_hash
from anxin.serving.published import Row
from anxin.serving.reports.facts import Table
from anxin.serving.web.context import Context
from anxin.serving.web.gate import POLICY
from anxin.serving.web.lists import PROBLEMS, Day, KindName, Who
from anxin.serving.web.problems import not_found
from anxin.serving.wording import Words

_PAGE_POLICY = {"Content-Security-Policy": POLICY.format(styles=style_hash("pages.css"))}


class FeedOut(BaseModel):
    """The known rows of one feed, newest first; `total` may be more than are given."""

    feed: str
    zh: str
    basis: str
    total: int
    columns: list[tuple[str, str]] = Field(description="name and Chinese name of each column")
    rows: list[list[str | None]]
    note_zh: str | None
    note_en: str | None


class RecordsOut(BaseModel):
    """The records behind one finding, as known on the list's day."""

    as_of: date
    list_id: str
    kind: KindName
    subject_id: str
    feature: str
    zh: str
    en: str
    note_zh: str | None
    note_en: str | None
    feeds: list[FeedOut]


def router(context: Context) -> APIRouter:
    """Return the route."""
    made = APIRouter(prefix="/v1", tags=["records"], responses=PROBLEMS)

    @made.get(
        "/records/{date}/{subject:path}/{feature}",
        summary="The records behind a finding of a listed subject",
        response_model=RecordsOut,
        responses={200: {"content": {"text/html": {}}, "description": "the subject's known rows by feed"}},
    )
    def read_records(
        grant: Who,
        day: Day,
        subject_id: Annotated[
            str, Path(alias="subject", min_length=1, max_length=64, description="percent-encode # as %23")
        ],
        feature_name: Annotated[str, Path(alias="feature", pattern=r"^[0-9a-z_]{1,100}$")],
        kind: Annotated[KindName | None, Query(description="only where an id is both")] = None,
        format: Annotated[Literal["json", "html"], Query()] = "json",
    ) -> RecordsOut | Response:
        published = context.published(day)
        row = context.listed(grant, published, kind, subject_id)
        feature = feature_named(feature_name, row.kind)
        if feature is None:
            raise not_found()
        context.remember(grant, f"records/{day.isoformat()}/{row.kind}/{subject_id}/{feature_name}")
        tables = context.evidence.of(published, row.kind, subject_id, feature)
        note = None if feature.about == "own" else OTHERS
        if format == "html":
            values = {"row": row, "published": published, "feature": feature, "tables": tables, "note": note}
            return HTMLResponse(render("records.html", **values), headers=_PAGE_POLICY)
        zh, en = _both(note)
        return RecordsOut(
            as_of=day,
            list_id=published.list_id,
            kind="project" if row.kind == "project" else "employer",
            subject_id=subject_id,
            feature=feature.name,
            zh=feature.zh,
            en=feature.en,
            note_zh=zh,
            note_en=en,
            feeds=[_feed(table) for table in tables],
        )

    return made


def records_path(day: date, row: Row, feature: str) -> str:
    """Return the address of the page of the records behind a finding of a row."""
    return f"/v1/records/{day}/{quote(row.subject_id, safe='')}/{feature}?kind={row.kind}&format=html"


def _feed(table: Table) -> FeedOut:
    zh, en = _both(table.note)
    return FeedOut(
        feed=table.feed,
        zh=table.zh,
        basis=table.basis,
        total=table.total,
        columns=list(table.columns),
        rows=[list(row) for row in table.rows],
        note_zh=zh,
        note_en=en,
    )


def _both(note: Words | None) -> tuple[str | None, str | None]:
    return (None, None) if note is None else (note.zh, note.en)
