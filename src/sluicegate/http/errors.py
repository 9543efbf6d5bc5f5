"""Errors and refusals as HTTP: one table.

Every error answer is `{"error": {code, message, remedy, at: [{file, line, column, expected, found}]}}`.
"""

from __future__ import annotations

import logging
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sluicegate import errors
from sluicegate.core.lifecycle import Refusal
from sluicegate.errors import TOO_MANY
from sluicegate.http.response import SURPRISE, body_of

_log = logging.getLogger(__name__)


STATUS_OF_REFUSAL = {"unknown": 404, "conflict": 409, "forbidden": 403, "unverified": 403, "exhausted": 429}
STATUS_OF_ERROR: dict[type[errors.SluicegateError], int] = {
    errors.InvalidInput: 400,
    errors.BadSignature: 403,
    errors.Drifted: 409,
    errors.VerificationFailed: 400,
    errors.Unauthorized: 401,
    errors.StoreUnavailable: 503,
    errors.Overloaded: 503,
    errors.StoreUnusable: 500,
    errors.Unreachable: 502,
}
STATUS_OF_CODE = {"forbidden": 403, "body_too_large": 413, "address_unknown": 421, TOO_MANY: 429}
"""The status of an error with a code of its own."""


def refused(refusal: Refusal) -> JSONResponse:
    """A refusal as a response."""
    body = body_of(refusal.code, refusal.message, refusal.remedy)
    again_s = refusal.retry_after_s
    headers = {} if again_s is None else {"retry-after": str(again_s)}
    return _response(body, STATUS_OF_REFUSAL[refusal.kind], headers)


async def on_error(request: Request, error: Exception) -> JSONResponse:
    """Any error of ours as a response."""
    assert isinstance(error, errors.SluicegateError)
    status = next((code for kind, code in STATUS_OF_ERROR.items() if isinstance(error, kind)), 500)
    status = STATUS_OF_CODE.get(error.code, status)
    headers = {"www-authenticate": "Bearer"} if status == 401 else {}
    if isinstance(error, errors.Overloaded):
        headers["retry-after"] = str(error.retry_after_s)
    elif status >= 500:
        _log.error("%s %s: %s", request.method, _route(request), error.message)
    return _response(body_of(error.code, error.message, error.remedy, error.at), status, headers)


async def on_http(request: Request, error: Exception) -> JSONResponse:
    """A path or a method that does not exist, as a response."""
    assert isinstance(error, HTTPException)
    code = {404: "route_unknown", 405: "method_not_allowed"}.get(error.status_code, "http_error")
    message = f"{request.method} {request.url.path[:200]}: {str(error.detail).lower()}"
    body = body_of(code, message, "see /api/v1/openapi.json")
    return _response(body, error.status_code, dict(error.headers or {}))


async def on_hang_up(_: Request, __: Exception) -> Response:
    """A caller that left before it had sent its request: no one is there to answer."""
    return Response(status_code=400)


async def on_surprise(request: Request, error: Exception) -> JSONResponse:
    """Any other error: it is in the log here, and the answer says only that there was one."""
    _log.error("%s %s failed", request.method, _route(request), exc_info=error)
    return _response(body_of("internal_error", SURPRISE), 500)


def _route(request: Request) -> str:
    """Which path was asked for, without what the caller has put into it."""
    for each in request.app.routes:
        if isinstance(each, Route) and each.path_regex.match(request.url.path):
            return each.path
    return "another path"


def _response(body: dict[str, Any], status: int, headers: dict[str, str] | None = None) -> JSONResponse:
    """No one on the way keeps an error: it may be mended in a moment."""
    return JSONResponse(body, status, {"cache-control": "no-store", **(headers or {})})
