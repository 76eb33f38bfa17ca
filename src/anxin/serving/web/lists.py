"""``GET /v1/lists/{date}``: the published list of a day, filtered, in four formats."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Header, Path, Query, Request
from fastapi.responses import JSONResponse, Response

from anxin.ledger.access import Grant
from anxin.serving.exports.files import FORMATS, MEDIA, Format, as_file
from anxin.serving.exports.plain import list_facts, row_facts
from anxin.serving.published import Cleared, Published, Row
from anxin.serving.selection import Filters, by_grade, page, select
from anxin.serving.web.context import Context, grant_of, sees
from anxin.serving.web.problems import Problem, Refused

KindName = Literal["employer", "project"]
VisitName = Literal["check", "call", "beyond", "rest"]
Day = Annotated[date, Path(alias="date", description="the list's day, YYYY-MM-DD")]
Who = Annotated[Grant, Depends(grant_of)]

PROBLEMS: dict[int | str, dict[str, Any]] = {
    401: {
        "model": Problem,
        "description": "no token, or none that is valid",
        "headers": {"WWW-Authenticate": {"schema": {"type": "string"}}},
    },
    403: {"model": Problem, "description": "the role may not do this"},
    404: {"model": Problem, "description": "it does not exist, or is outside the token's scope"},
    422: {"model": Problem, "description": "the request is not what it must be"},
    503: {"model": Problem, "description": "ledger or list cannot be read; nothing was handed out"},
}
# A cached list is asked for again each time, so that each read is known to the ledger.
_REVALIDATE = "private, no-cache"


@dataclass(frozen=True)
class FilterQuery:
    """The filters of a list as they stand in an address; pages and API share them."""

    district: Annotated[
        str | None, Query(pattern=r"^[0-9A-Za-z]{1,12}$", description="prefix of the division code")
    ] = None
    regulator: Annotated[
        str | None, Query(max_length=40, description="行业主管部门, primary or co-operating")
    ] = None
    grade: Annotated[list[int] | None, Query(description="1 蓝, 2 黄, 3 橙, 4 红; may be repeated")] = None
    kind: Annotated[KindName | None, Query()] = None
    in_hand: Annotated[bool | None, Query(description="true 在办, false 新发现")] = None
    change: Annotated[Literal["new", "continuing", "upgraded", "eased"] | None, Query()] = None
    visit: Annotated[VisitName | None, Query(description="检查, 走访, 超出力量, 近期已安排")] = None

    def filters(self) -> Filters:
        """Return them as the selection understands them."""
        return Filters(
            self.district or None,
            self.regulator or None,
            frozenset(self.grade or ()),
            self.kind,
            self.in_hand,
            self.change,
            self.visit,
        )

    def address(self, **more: object) -> str:
        """Return them as a query string, sorted, without those that are not set."""
        pairs = {
            "district": self.district,
            "regulator": self.regulator,
            "grade": sorted(self.grade or ()),
            "kind": self.kind,
            "in_hand": None if self.in_hand is None else str(self.in_hand).lower(),
            "change": self.change,
            "visit": self.visit,
            **more,
        }
        return urlencode([(k, v) for k, v in pairs.items() if v not in (None, "", [])], doseq=True)


def router(context: Context) -> APIRouter:
    """Return the route."""
    made = APIRouter(prefix="/v1", tags=["lists"], responses=PROBLEMS)

    @made.get(
        "/lists/{date}",
        summary="The published risk list of a day",
        responses={
            200: {
                "description": "the rows the token may see; `page` and `size` are for JSON, files hold all",
                "content": {media.split(";")[0]: {} for media in MEDIA.values()},
                "headers": {"ETag": {"schema": {"type": "string"}}},
            },
            304: {"description": "not changed since the ETag given"},
            406: {"model": Problem, "description": "none of the accepted formats is offered"},
        },
    )
    def read_list(
        request: Request,
        grant: Who,
        day: Day,
        query: Annotated[FilterQuery, Depends()],
        number: Annotated[int, Query(alias="page", ge=1, le=100_000)] = 1,
        size: Annotated[int, Query(ge=1, le=1000)] = 100,
        format: Annotated[Format | None, Query(description="wins over the Accept header")] = None,
        if_none_match: Annotated[str | None, Header()] = None,
    ) -> Response:
        published = context.published(day)
        wanted = format or _accepted(request.headers.get("accept", ""))
        paging = {"page": number, "size": size} if wanted == "json" else {}
        asked = query.address(**paging)
        context.remember(grant, f"list/{day.isoformat()}.{wanted}{'?' if asked else ''}{asked}")
        tag = _etag(published, wanted, asked, grant)
        headers = {"ETag": tag, "Cache-Control": _REVALIDATE, "Vary": "Accept, Authorization, Cookie"}
        if if_none_match is not None and tag in (part.strip() for part in if_none_match.split(",")):
            return Response(status_code=304, headers=headers)
        rows = select(published.rows, query.filters(), sees(grant), published.as_of)
        if wanted == "json":
            cleared = _cleared_facts(context.cleared(grant, published), query.filters(), day)
            content = _json_page(published, rows, number, size) | {"cleared": cleared}
            return JSONResponse(content, headers=headers)
        name = f"anxin-{day.isoformat()}.{wanted}"
        headers["Content-Disposition"] = f'attachment; filename="{name}"'
        return Response(as_file(wanted, rows, published), media_type=MEDIA[wanted], headers=headers)

    return made


def _json_page(published: Published, rows: Sequence[Row], number: int, size: int) -> dict[str, Any]:
    shown = page(rows, number, size)
    return {
        "list": list_facts(published),
        "total": shown.total,
        "page": shown.number,
        "size": shown.size,
        "pages": shown.last,
        "grades": {str(grade): count for grade, count in by_grade(rows).items()},
        "rows": [row_facts(row) for row in shown.rows],
    }


def _cleared_facts(
    cleared: Sequence[tuple[Cleared, Row]], filters: Filters, day: date
) -> list[dict[str, Any]]:
    return [asdict(one) for one, row in cleared if filters.keeps(row, day)]


def _accepted(accept: str) -> Format:
    """Return the first format of an Accept header we have; JSON where any will do."""
    types = [part.split(";")[0].strip() for part in accept.split(",") if part.strip()]
    for wanted in types:
        for name in FORMATS:
            if wanted == MEDIA[name].split(";", maxsplit=1)[0]:
                return name
    if not types or any(wanted in ("*/*", "application/*", "text/html") for wanted in types):
        return "json"
    raise Refused(406)


def _etag(published: Published, wanted: str, asked: str, grant: Grant) -> str:
    """Name what this person gets: what one scope sees is never another's."""
    seen = f"{published.list_id}|{wanted}|{asked}|{grant.scope}|{grant.on}"
    return f'"{hashlib.sha256(seen.encode()).hexdigest()[:24]}"'
