"""The BentoML service: server, workers, probes and metrics around the one application.

BentoML's own routes (``/schema.json``, ``/docs.json``, its index and static files) answer without a token
and so are never reached: `_Front` sends everything but the probes straight to the application, whose gate
stands first. Its metrics name each request's path, and a path here holds whom someone asked about: `_Unnamed`
gives them the route alone.
"""

from __future__ import annotations

import os
from typing import Any

from anxin.serving import untracked  # isort: skip  # noqa: F401  (before bentoml is imported)
import bentoml
from _bentoml_sdk import Service  # type: ignore[import-untyped]
from starlette.types import ASGIApp, Receive, Scope, Send

from anxin.domain.errors import AnxinError
from anxin.ledger import Ledger
from anxin.serving.api import create_app
from anxin.serving.home import Home
from anxin.serving.scorer import open_scorer
from anxin.serving.web.gate import PROBES

_REAL_PATH = "anxin.path"
_WORKERS = int(os.environ.get("ANXIN_WORKERS", "2"))
# Reports and big exports take seconds, never minutes.
_SECONDS = 120
_FIXED = frozenset(
    {"/", "/sign-in", "/sign-out", "/lists", "/docs", "/openapi.json", "/v1/score", "/v1/explain"}
)
_GROUPS = ("/v1/lists/", "/v1/reports/", "/v1/subjects/", "/lists/", "/reports/")


def build(home: Home) -> ASGIApp:
    """Return the application over a home; each worker process has its own."""
    ledger = Ledger.open(home.ledger_url)
    return create_app(home, ledger, open_scorer(home, ledger))


def metric_label(path: str) -> str:
    """Return the name a request goes by in the metrics: the route, never the day or subject.

    >>> metric_label("/v1/reports/2026-01-12/91500106MA5U00001X"), metric_label("/whatever")
    ('/v1/reports/*', '/other')
    """
    if path in _FIXED or path in PROBES:
        return path
    return next((f"{group}*" for group in _GROUPS if path.startswith(group)), "/other")


class _Front:
    """Innermost middleware: probes to BentoML, everything else to the application."""

    def __init__(self, app: ASGIApp, application: ASGIApp) -> None:
        self._bentoml = app
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or scope.get("path") in PROBES:
            await self._bentoml(scope, receive, send)
        elif scope["type"] == "http":
            await self._application({**scope, "path": scope[_REAL_PATH]}, receive, send)


class _Unnamed:
    """Outermost layer: BentoML counts routes, not paths."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope = {**scope, "path": metric_label(scope["path"]), _REAL_PATH: scope["path"]}
        await self._app(scope, receive, send)


class _RouteNaming(Service):  # type: ignore[misc]
    """A BentoML service whose application counts routes."""

    def to_asgi(self, is_main: bool = True) -> ASGIApp:
        return _Unnamed(super().to_asgi(is_main=is_main))


_application = build(Home.find())


class _Inner:
    """Nothing of its own: the application does the work."""


_describe: Any = bentoml.service(
    name="anxin",
    service_class=_RouteNaming,
    workers=_WORKERS,
    traffic={"timeout": _SECONDS},
    logging={"access": {"enabled": False}},  # the ledger knows who read what; a log file would know it too
    metrics={"enabled": True},
    monitoring={"enabled": False},
)
AnxinService: Any = _describe(bentoml.asgi_app(_application, path="/")(_Inner))
AnxinService.add_asgi_middleware(_Front, application=_application)


def run(host: str, port: int) -> None:
    """Serve the home of ``$ANXIN_HOME`` until stopped."""
    address = "127.0.0.1" if host == "localhost" else host
    try:
        AnxinService.serve_http(host=address, port=port)
    except OSError as error:
        raise AnxinError(
            f"无法在 {host}:{port} 上启动：{error.strerror}，请换一个端口",
            f"cannot listen on {host}:{port}: {error.strerror}; choose another port",
        ) from error
