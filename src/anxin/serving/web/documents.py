"""The one OpenAPI of the service, and a page that shows it without anything from outside."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.openapi.utils import get_openapi
from fastapi.responses import HTMLResponse, JSONResponse

from anxin.serving import wording
from anxin.serving.looks import render, style_hash
from anxin.serving.web.gate import POLICY
from anxin.serving.web.lists import Who

_DESCRIPTION = (
    "Early warning of unpaid wages 欠薪风险预警. Every call needs a bearer token; what lies outside its "
    f"scope answers like what does not exist, and every read is recorded. "
    f"{wording.NOTICE.zh} {wording.NOTICE.en}"
)


def describe(app: FastAPI) -> None:
    """Make the app's OpenAPI say what the gate does: a bearer token on every operation."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = get_openapi(
                title=app.title, version=app.version, description=_DESCRIPTION, routes=app.routes
            )
            schemes = schema.setdefault("components", {}).setdefault("securitySchemes", {})
            schemes["bearer"] = {
                "type": "http",
                "scheme": "bearer",
                "description": "a token of `anxin token`, one per named person",
            }
            schema["security"] = [{"bearer": []}]
            for operations in schema["paths"].values():
                for operation in operations.values():
                    operation["security"] = [{"bearer": []}]
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def router() -> APIRouter:
    """Return the routes of the documentation; the gate keeps them behind a token like the rest."""
    made = APIRouter(include_in_schema=False)

    @made.get("/openapi.json")
    def document(request: Request, _: Who) -> JSONResponse:
        return JSONResponse(request.app.openapi())

    @made.get("/docs")
    def page(request: Request, _: Who) -> HTMLResponse:
        policy = {"Content-Security-Policy": POLICY.format(styles=style_hash("pages.css"))}
        return HTMLResponse(render("docs.html", api=request.app.openapi()), headers=policy)

    return made
