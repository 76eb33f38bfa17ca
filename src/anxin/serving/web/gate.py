"""The gate before everything: no token, no answer. Standing outside the routes, none can forget it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from http.cookies import CookieError, SimpleCookie

from anyio import to_thread
from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from anxin.domain.errors import AnxinError
from anxin.ledger import Ledger
from anxin.ledger.access import Grant, authenticate
from anxin.serving.looks import render, style_hash
from anxin.serving.web.problems import NO_STORE, OUT_OF_ORDER, problem

COOKIE = "anxin_session"
GRANT = "anxin.grant"
PROBES = frozenset({"/livez", "/healthz", "/readyz", "/metrics"})
OPEN = PROBES | {"/", "/sign-in", "/sign-out"}
# Nothing from elsewhere, no script at all, and of styles only the ones we wrote.
POLICY = (
    "default-src 'none'; style-src {styles}; img-src data:; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
# Far above 1,000 ids or 1,000 rows of a few hundred features, far below what would hurt.
_LARGEST_BODY = 16 * 2**20

Clock = Callable[[], datetime]


class Gate:
    """ASGI middleware: finds whose request it is, turns away who is nobody, sets protecting headers."""

    def __init__(self, app: ASGIApp, ledger: Ledger, clock: Clock) -> None:
        self._app = app
        self._ledger = ledger
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on with its grant."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > _LARGEST_BODY:
            await problem(413)(scope, receive, send)
            return
        if scope["method"] == "POST" and "content-length" not in headers:
            await problem(411)(scope, receive, send)
            return
        secret = secret_of(headers, scope["method"])
        try:
            grant = await to_thread.run_sync(self._grant, secret) if secret else None
        except AnxinError:
            await problem(503, OUT_OF_ORDER)(scope, receive, send)
            return
        if grant is None and scope["path"] not in OPEN:
            await self._turn_away(headers, scope)(scope, receive, _protecting(send))
            return
        await self._app({**scope, GRANT: grant}, receive, _protecting(send))

    def _grant(self, secret: str) -> Grant | None:
        return authenticate(self._ledger, secret, self._clock())

    def _turn_away(self, headers: Headers, scope: Scope) -> Response:
        if wants_page(headers) and not scope["path"].startswith("/v1/"):
            page = HTMLResponse(sign_in_page(onward=scope["path"]), 401, headers=dict(NO_STORE))
            page.headers["WWW-Authenticate"] = 'Bearer realm="anxin"'
            page.headers["Content-Security-Policy"] = POLICY.format(styles=style_hash("pages.css"))
            return page
        return problem(401)


def secret_of(headers: Headers, method: str) -> str | None:
    """Return the token a request carries.

    The bearer header counts for every method, the page's cookie for reading only: a browser sends it by
    itself, so it must never be enough to make a scoring call.
    """
    scheme, _, secret = headers.get("authorization", "").partition(" ")
    if scheme:
        return secret.strip() if scheme.lower() == "bearer" and secret.strip() else None
    if method not in ("GET", "HEAD"):
        return None
    try:
        morsel = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return None
    return morsel.value if morsel is not None and morsel.value else None


def wants_page(headers: Headers) -> bool:
    """Tell whether a browser is asking for a page to show."""
    return "text/html" in headers.get("accept", "")


def sign_in_page(*, failed: bool = False, onward: str = "/lists") -> str:
    """Return the page that asks for the token."""
    return render("sign_in.html", failed=failed, onward=onward)


def _protecting(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            present = {name.lower() for name, _ in message["headers"]}
            for name, value in (
                (b"x-content-type-options", b"nosniff"),
                (b"referrer-policy", b"same-origin"),
                (b"x-frame-options", b"DENY"),
                (b"cache-control", b"no-store"),
                (b"content-security-policy", POLICY.format(styles="'none'").encode()),
            ):
                if name not in present:
                    message["headers"] = [*message["headers"], (name, value)]
        await send(message)

    return sending
