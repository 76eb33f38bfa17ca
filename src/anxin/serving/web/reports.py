"""``GET /v1/reports/{date}/{subject}``: the explanation report of a listed subject, HTML or PDF."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import quote

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response

from anxin.serving.looks import style_hash
from anxin.serving.published import Published, Row
from anxin.serving.reports.facts import Facts, facts_of
from anxin.serving.reports.html import to_html
from anxin.serving.reports.pdf import to_pdf
from anxin.serving.web.context import Context
from anxin.serving.web.gate import POLICY
from anxin.serving.web.lists import PROBLEMS, Day, KindName, Who

REPORT_POLICY = {"Content-Security-Policy": POLICY.format(styles=style_hash("report.css"))}


def router(context: Context) -> APIRouter:
    """Return the route."""
    made = APIRouter(prefix="/v1", tags=["reports"], responses=PROBLEMS)

    @made.get(
        "/reports/{date}/{subject:path}",
        summary="The explanation report of a listed subject",
        response_class=Response,
        responses={200: {"content": {"text/html": {}, "application/pdf": {}}, "description": "the report"}},
    )
    def read_report(
        grant: Who,
        day: Day,
        subject_id: Annotated[
            str, Path(alias="subject", min_length=1, max_length=64, description="percent-encode # as %23")
        ],
        kind: Annotated[KindName | None, Query(description="only where an id is both")] = None,
        format: Annotated[Literal["html", "pdf"], Query()] = "html",
    ) -> Response:
        published = context.published(day)
        row = context.listed(grant, published, kind, subject_id)
        context.remember(grant, f"report/{day.isoformat()}/{row.kind}/{subject_id}.{format}")
        facts = facts_for(context, published, row)
        if format == "html":
            return Response(to_html(facts), media_type="text/html; charset=utf-8", headers=REPORT_POLICY)
        name = quote(f"风险研判报告-{row.name}-{day.isoformat()}.pdf", safe="")
        disposition = f"inline; filename=\"report-{day.isoformat()}.pdf\"; filename*=UTF-8''{name}"
        return Response(
            to_pdf(facts), media_type="application/pdf", headers={"Content-Disposition": disposition}
        )

    return made


def facts_for(context: Context, published: Published, row: Row) -> Facts:
    """Return a report's facts with what its list does not hold: earlier lists, the ledger's head, the records."""
    trend = context.shelf.trend(published, row.kind, row.subject_id)
    return context.evidence.annex(published, facts_of(published, row, trend, context.ledger.head))
