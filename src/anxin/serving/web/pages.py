"""The pages a browser shows: signing in, the day's list, and its reports. Plain HTML, no script."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from functools import partial
from typing import Annotated, Any
from urllib.parse import quote, urlsplit

from anyio import to_thread
from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from anxin.domain import divisions
from anxin.ledger.access import authenticate
from anxin.serving import wording
from anxin.serving.looks import render, style_hash
from anxin.serving.promised import broken, promise_lines
from anxin.serving.published import Row
from anxin.serving.reports.html import to_html
from anxin.serving.selection import by_grade, page, select
from anxin.serving.web.context import Context, sees
from anxin.serving.web.gate import COOKIE, GRANT, POLICY, sign_in_page
from anxin.serving.web.lists import Day, FilterQuery, KindName, Who
from anxin.serving.web.problems import Refused
from anxin.serving.web.records import records_path
from anxin.serving.web.reports import REPORT_POLICY, facts_for

_PAGE_POLICY = {
    "Content-Security-Policy": POLICY.format(styles=style_hash("pages.css")),
    "Cache-Control": "no-store",
}
_ROWS = 50
_SESSION_SECONDS = 12 * 3600
_LONGEST_FORM = 8192


def router(context: Context) -> APIRouter:
    """Return the pages' routes; they are no part of the documented API."""
    made = APIRouter(include_in_schema=False)

    @made.get("/")
    def front(request: Request) -> Response:
        if request.scope.get(GRANT) is not None:
            return RedirectResponse("/lists", 303)
        return HTMLResponse(sign_in_page(), headers=_PAGE_POLICY)

    @made.post("/sign-in")
    async def sign_in(request: Request) -> Response:
        _refuse_other_sites(request)
        form = await _form(request)
        secret, onward = form.get("token", "").strip(), _onward(form.get("onward", ""))
        grant = await to_thread.run_sync(authenticate, context.ledger, secret, context.clock())
        if grant is None:
            return HTMLResponse(sign_in_page(failed=True, onward=onward), 401, headers=_PAGE_POLICY)
        answer = RedirectResponse(onward, 303)
        answer.set_cookie(
            COOKIE,
            secret,
            max_age=_SESSION_SECONDS,
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )
        return answer

    @made.post("/sign-out")
    def sign_out(request: Request) -> Response:
        _refuse_other_sites(request)
        answer = RedirectResponse("/", 303)
        answer.delete_cookie(COOKIE, httponly=True, samesite="strict")
        return answer

    @made.get("/lists")
    def latest(grant: Who) -> Response:
        days = context.shelf.days(1)
        if not days:
            return HTMLResponse(render("nothing.html", grant=grant), 404, headers=_PAGE_POLICY)
        return RedirectResponse(f"/lists/{days[0]}", 303)

    @made.get("/lists/{date}")
    def show_list(
        grant: Who,
        day: Day,
        query: Annotated[FilterQuery, Depends(_forgiving)],
        number: Annotated[int, Query(alias="page", ge=1, le=100_000)] = 1,
    ) -> Response:
        published = context.published(day)
        query = replace(query, in_hand=bool(query.in_hand))
        context.remember(grant, f"list/{day.isoformat()}?{query.address(page=number)}")
        visible = select(published.rows, replace(query, in_hand=None, grade=None).filters(), sees(grant), day)
        rows = select(visible, query.filters(), sees(grant), day)
        values = {
            "grant": grant,
            "published": published,
            "manifest": published.manifest,
            "promises": promise_lines(published.manifest),
            "broken": broken(published.manifest),
            "query": query,
            "shown": page(rows, number, _ROWS),
            "tabs": _tabs(query, visible),
            "grades": _grade_links(query, visible),
            "choices": _choices(
                select(published.rows, replace(query, **_NO_FILTER).filters(), sees(grant), day), day
            ),
            "near": _near(context.shelf.days(), day),
            "cleared": [
                one
                for one, row in context.cleared(grant, published)
                if replace(query, in_hand=None).filters().keeps(row, day)
            ],
            "report_path": report_path,
            "records_path": partial(records_path, day),
        }
        return HTMLResponse(render("list.html", **values), headers=_PAGE_POLICY)

    @made.get("/reports/{date}/{kind}/{subject_id:path}")
    def show_report(
        grant: Who, day: Day, kind: KindName, subject_id: Annotated[str, Path(max_length=64)]
    ) -> Response:
        published = context.published(day)
        row = context.listed(grant, published, kind, subject_id)
        context.remember(grant, f"report/{day.isoformat()}/{kind}/{subject_id}.html")
        page = to_html(
            facts_for(context, published, row),
            links=_report_links(day, row),
            records=partial(records_path, day, row),
        )
        return HTMLResponse(page, headers=REPORT_POLICY)

    return made


_NO_FILTER: dict[str, Any] = {
    "district": None,
    "regulator": None,
    "kind": None,
    "grade": None,
    "change": None,
    "visit": None,
    "in_hand": None,
}


def report_path(day: date, row: Row) -> str:
    """Return the address of a row's report page."""
    return f"/reports/{day.isoformat()}/{row.kind}/{quote(row.subject_id, safe='')}"


def _report_links(day: date, row: Row) -> list[tuple[str, str]]:
    subject = quote(row.subject_id, safe="")
    tab = "true" if row.in_hand else "false"
    return [
        ("返回名单", f"/lists/{day.isoformat()}?in_hand={tab}"),
        ("PDF", f"/v1/reports/{day.isoformat()}/{subject}?kind={row.kind}&format=pdf"),
    ]


def _forgiving(request: Request) -> FilterQuery:
    """Read a page's filters: its form sends empty fields for what is not chosen."""
    asked = {key: value for key, value in request.query_params.items() if value}
    named = {name: grade for grade in (1, 2, 3, 4) for name in (str(grade), wording.grade(grade).en)}
    grades = [named[value] for value in request.query_params.getlist("grade") if value in named]
    kind, visit = asked.get("kind"), asked.get("visit")
    return FilterQuery(
        district=asked.get("district"),
        regulator=asked.get("regulator"),
        grade=grades or None,
        kind=kind if kind in ("employer", "project") else None,  # type: ignore[arg-type]
        in_hand=asked.get("in_hand") == "true",
        visit=visit if visit in wording.VISITS else None,  # type: ignore[arg-type]
    )


def _tabs(query: FilterQuery, visible: Sequence[Row]) -> list[dict[str, Any]]:
    count = sum(row.in_hand for row in visible)
    return [
        {"in_hand": False, "count": len(visible) - count, "address": replace(query, in_hand=False).address()},
        {"in_hand": True, "count": count, "address": replace(query, in_hand=True).address()},
    ]


def _grade_links(query: FilterQuery, visible: Sequence[Row]) -> list[dict[str, Any]]:
    counts = by_grade(row for row in visible if row.in_hand == query.in_hand)
    chosen = set(query.grade or ())
    return [
        {
            "grade": grade,
            "count": count,
            "chosen": grade in chosen,
            "address": replace(query, grade=sorted(chosen ^ {grade})).address(),
        }
        for grade, count in counts.items()
    ]


def _choices(rows: Sequence[Row], day: date) -> dict[str, list[tuple[str, str]]]:
    """Return what the filters may offer: only what the person can see."""
    districts = {divisions.district(row.district, day) for row in rows}
    regulators = {regulator for row in rows for regulator in row.regulators}
    return {
        "district": [(code, divisions.name(code, day)) for code in sorted(districts)],
        "regulator": [(name, name) for name in sorted(regulators)],
        "visit": [(name, said.zh) for name, said in wording.VISITS.items()],
    }


def _near(days: Sequence[date], day: date) -> dict[str, date | None]:
    return {
        "before": max((other for other in days if other < day), default=None),
        "after": min((other for other in days if other > day), default=None),
    }


def _onward(path: str) -> str:
    """Return where to go after signing in: one of our own pages, whatever the form says."""
    ours = path.startswith(("/lists", "/reports/")) and not urlsplit(path).netloc and "\\" not in path
    return quote(path, safe="/%:") if ours else "/lists"


def _refuse_other_sites(request: Request) -> None:
    """Refuse a form another site sent: browsers say where a form came from."""
    origin = request.headers.get("origin")
    if origin is not None and origin != "null" and urlsplit(origin).netloc != request.headers.get("host"):
        raise Refused(403)
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise Refused(403)


async def _form(request: Request) -> dict[str, str]:
    length = request.headers.get("content-length", "")
    if not length.isdigit() or int(length) > _LONGEST_FORM:
        raise Refused(413)
    fields = await request.form()
    return {name: value for name, value in fields.items() if isinstance(value, str)}
