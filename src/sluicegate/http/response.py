"""What the server itself answers: the first lines of responses, and errors in the one form of all errors."""

from __future__ import annotations

import json
from http import HTTPStatus

from sluicegate.acts.errors import ErrorAnswer, ErrorDetail
from sluicegate.http.head import BadRequest

_CODES = {
    400: "request_malformed",
    408: "request_too_slow",
    414: "target_too_long",
    417: "expectation_failed",
    431: "head_too_large",
    500: "internal_error",
    501: "not_implemented",
    503: "server_busy",
    505: "version_unknown",
}


def error_response(problem: BadRequest) -> bytes:
    """A whole response that says what is wrong, and that the connection ends."""
    detail = ErrorDetail(code=_CODES[problem.status], message=problem.message, remedy="", at=())
    body = json.dumps(ErrorAnswer(error=detail).to_json()).encode()
    fields = [b"content-type: application/json\r\ncache-control: no-store\r\nconnection: close\r\n"]
    if problem.status == HTTPStatus.SERVICE_UNAVAILABLE:
        fields.append(b"retry-after: 1\r\n")
    fields.append(b"content-length: %d\r\n\r\n" % len(body))
    return b"".join([STATUS_LINES[problem.status], *fields, body])


def _status_line(status: int) -> bytes:
    phrase = HTTPStatus(status).phrase if status in set(HTTPStatus) else ""
    return f"HTTP/1.1 {status} {phrase}\r\n".encode()


STATUS_LINES = {status: _status_line(status) for status in range(200, 600)}
