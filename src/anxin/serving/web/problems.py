"""Errors as both languages in one JSON object, never a stack trace."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from anxin.domain.errors import AnxinError
from anxin.serving.wording import Words

_log = logging.getLogger("anxin.serving")

NO_STORE = {"Cache-Control": "no-store"}
UNAUTHENTICATED = Words(
    "需要有效令牌，请先登录或提供 Bearer 令牌", "a valid token is needed: sign in or send a bearer token"
)
OUT_OF_ORDER = Words(
    "留痕或名单暂不可用，未返回任何数据", "the ledger or the lists cannot be read now; nothing was returned"
)
_SAID: Mapping[int, Words] = {
    400: Words("请求有误", "bad request"),
    401: UNAUTHENTICATED,
    403: Words("不允许此操作", "not allowed"),
    404: Words("不存在，或不在您的权限范围内", "it does not exist, or is outside your scope"),
    405: Words("不支持此方法", "method not allowed"),
    406: Words("不支持此格式", "format not available"),
    411: Words("请求须带 Content-Length", "Content-Length is required"),
    413: Words("请求过大", "the request is too large"),
}
_UNKNOWN = Words("系统错误，已记录", "an internal error, which has been logged")


class WrongField(BaseModel):
    """One field that was wrong."""

    place: str = Field(description="where in the request, e.g. body.subject_ids.3")
    why: str


class Problem(BaseModel):
    """What went wrong, in both languages."""

    zh: str
    en: str
    fields: list[WrongField] | None = Field(default=None, description="with 422: what was wrong where")


class Refused(Exception):  # noqa: N818 (an answer, not a fault)
    """A request that is answered with a problem."""

    def __init__(self, status: int, said: Words | None = None) -> None:
        super().__init__(status)
        self.status = status
        self.said = said or _SAID[status]


def not_found() -> Refused:
    """Return the one answer for what is not there and for what the scope hides."""
    return Refused(404)


def problem(
    status: int, said: Words | None = None, fields: list[dict[str, str]] | None = None
) -> JSONResponse:
    """Return a problem as JSON."""
    words = said or _SAID.get(status) or _UNKNOWN
    content: dict[str, object] = {"zh": words.zh, "en": words.en}
    if fields is not None:
        content["fields"] = fields
    headers = dict(NO_STORE)
    if status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="anxin"'
    return JSONResponse(content, status_code=status, headers=headers)


def install(app: FastAPI) -> None:
    """Make every error of the app a problem."""

    @app.exception_handler(Refused)
    def refused(_: Request, error: Refused) -> JSONResponse:
        return problem(error.status, error.said)

    @app.exception_handler(HTTPException)
    def http(_: Request, error: HTTPException) -> JSONResponse:
        return problem(error.status_code)

    @app.exception_handler(RequestValidationError)
    def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        fields = [
            {"place": ".".join(str(step) for step in found["loc"]), "why": str(found["msg"])}
            for found in error.errors()[:20]
        ]
        place = fields[0]["place"] if fields else ""
        return problem(
            422, Words(f"请求内容不符合要求：{place}", f"the request is not what it must be: {place}"), fields
        )

    @app.exception_handler(AnxinError)
    def unavailable(_: Request, error: AnxinError) -> JSONResponse:
        _log.error("answered 503: %s", error)
        return problem(503, OUT_OF_ORDER)

    @app.exception_handler(Exception)
    def broken(_: Request, error: Exception) -> JSONResponse:
        _log.error("answered 500", exc_info=error)
        return problem(500, _UNKNOWN)
