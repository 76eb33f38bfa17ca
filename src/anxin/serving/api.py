"""The HTTP application: the API and the pages, behind one gate."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from importlib import metadata

from fastapi import FastAPI
from fastapi.responses import PlainTextResponse

from anxin.ledger import Ledger
from anxin.serving.evidence import Evidence
from anxin.serving.home import Home
from anxin.serving.scorers import Scorer
from anxin.serving.shelf import Shelf
from anxin.serving.web import documents, lists, pages, problems, records, reports, scores
from anxin.serving.web.context import Context
from anxin.serving.web.gate import Clock, Gate

_CHINA = timezone(timedelta(hours=8))


def now() -> datetime:
    """Return the instant it is, +08:00."""
    return datetime.now(_CHINA)


def create_app(home: Home, ledger: Ledger, scorer: Scorer, clock: Clock = now) -> FastAPI:
    """Return the application over a home's published lists.

    `ledger` says who may see what, which lists are published, and remembers every read; it and `scorer`
    are called from several threads at once. Several processes may each have an app over one home.
    """
    app = FastAPI(
        title="安薪 Anxin",
        version=metadata.version("anxin"),
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
    )
    context = Context(ledger, Shelf(home, ledger), scorer, Evidence(home), clock)

    @app.get("/healthz", include_in_schema=False)
    def healthz() -> PlainTextResponse:
        return PlainTextResponse("ok\n")

    app.include_router(lists.router(context))
    app.include_router(reports.router(context))
    app.include_router(scores.router(context))
    app.include_router(records.router(context))
    app.include_router(pages.router(context))
    app.include_router(documents.router())
    documents.describe(app)
    problems.install(app)
    app.add_middleware(Gate, ledger=ledger, clock=clock)
    return app
