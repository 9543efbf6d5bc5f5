"""What the server itself answers: the first lines of responses, and errors in the one form of all errors."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict
from email.utils import formatdate
from http import HTTPStatus
from typing import Any

from sluicegate.acts.errors import ErrorAnswer, ErrorDetail, ErrorPlace
from sluicegate.errors import Place
from sluicegate.http.head import BadRequest, Fields

SURPRISE = "something went wrong here; nothing more is known"
"""What is said of a fault of our own: the log has the rest."""

ErrorForm = Callable[[BadRequest, bytes, Fields], bytes]
"""What makes the whole response for a problem, by the target and the fields as far as they were read."""

CODES = {
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


def body_of(code: str, message: str, remedy: str = "", at: tuple[Place, ...] = ()) -> dict[str, Any]:
    """The one form of every error."""
    places = tuple(ErrorPlace(**asdict(place)) for place in at)
    return ErrorAnswer(error=ErrorDetail(code=code, message=message, remedy=remedy, at=places)).to_json()


def error_response(problem: BadRequest, _target: bytes = b"", _fields: Fields | None = None) -> bytes:
    """A whole response that says what is wrong, and that the connection ends."""
    body = json.dumps(body_of(CODES[problem.status], problem.message)).encode()
    fields = [b"content-type: application/json\r\ncache-control: no-store\r\nconnection: close\r\n"]
    if problem.status == HTTPStatus.SERVICE_UNAVAILABLE:
        fields.append(b"retry-after: 1\r\n")
    fields.append(b"content-length: %d\r\n\r\n" % len(body))
    return b"".join([STATUS_LINES[problem.status], *fields, body])


def _status_line(status: int) -> bytes:
    phrase = HTTPStatus(status).phrase if status in set(HTTPStatus) else ""
    return f"HTTP/1.1 {status} {phrase}\r\n".encode()


STATUS_LINES = {status: _status_line(status) for status in range(200, 600)}


class _DateLine:
    """The date as a line of a head, made once a second."""

    __slots__ = ("_line", "_second")

    def __init__(self) -> None:
        self._second = 0
        self._line = b""

    def __call__(self) -> bytes:
        """The line, with its end."""
        second = int(time.time())
        if second != self._second:
            self._second = second
            self._line = b"date: %b\r\n" % formatdate(second, usegmt=True).encode()
        return self._line


date_line = _DateLine()
