"""One request and its response, as the client sees them.

Rules:
- A response is whole, a body, or a stream of events. If it ends early, the client always notices: a response
  that has not begun becomes an error; a stream gets an error event and no proper end; a half-sent body is
  reset.
- Everything here is synchronous. Code that forwards an upstream's bytes asks first whether it may.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from email.utils import formatdate
from enum import Enum, auto
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from sluicegate.core.access.refusals import Deny
from sluicegate.gate.dialects import (
    GatewayReply,
    Headers,
    Problem,
    dialect_of,
    error_event,
    error_reply,
    refused,
)
from sluicegate.gate.protocol import EXTENSION, LINGER_MS, Connection

NO_CONTENT = 204


def new_request_id() -> str:
    """An id for a request that the gateway answers itself."""
    return f"req_{secrets.token_hex(12)}"


class Progress(Enum):
    """How far a response is."""

    OPEN = auto()
    """No byte has been written."""
    BODY = auto()
    """The start of a body that is not a stream of events has been written."""
    STREAM = auto()
    """The start of a stream of events has been written, in whole events."""
    OVER = auto()
    """No more is written."""


class Exchange:
    """A request, and how far its response is.

    `outcome` is how it ended, for the metrics; `body_read` whether all of the request has been taken.
    """

    __slots__ = (
        "_chunked",
        "_framed",
        "_whole",
        "body_read",
        "connection",
        "dialect",
        "headers",
        "method",
        "outcome",
        "path",
        "query",
        "stage",
    )

    def __init__(self, scope: Any) -> None:
        self.connection: Connection = scope["extensions"][EXTENSION]
        self.method: str = scope["method"]
        self.path: bytes = scope["raw_path"]
        self.query: bytes = scope["query_string"]
        self.headers: Headers = scope["headers"]
        self.dialect = dialect_of(self.path, self.headers)
        self.stage = Progress.OPEN
        self.outcome = "client_gone"
        self.body_read = False
        self._framed = scope["http_version"] != "1.0"
        self._chunked = False
        self._whole = True

    def over(self) -> bool:
        """Whether the response is over."""
        return self.stage is Progress.OVER

    def reply(self, reply: GatewayReply, outcome: str) -> None:
        """Write a whole response. The connection ends with it if a body of the request is unread."""
        self._end(outcome)
        close = not self.body_read and (self.method == "POST" or not self.connection.body_arrived)
        fields = [*reply.headers, (b"date", formatdate(usegmt=True).encode())]
        head = _head(reply.status, fields, close=close or not self.connection.keep_alive)
        self.connection.write(head if self.method == "HEAD" else head + reply.body)
        if close:
            self.connection.leave(LINGER_MS)
        else:
            self.connection.finish()

    def refuse(self, deny: Deny, size: int, grace_ms: int = 0) -> None:
        """End with a refusal, decided at log size `size`, however far the response is."""
        self.end_early(refused(deny, size), grace_ms)

    def end_early(self, problem: Problem, grace_ms: int = 0) -> None:
        """End with a problem, however far the response is; a stream's client gets a grace to read it."""
        stage, request_id = self.stage, new_request_id()
        if stage is Progress.OPEN:
            self.reply(error_reply(problem, self.dialect, request_id), problem.code)
        elif stage is Progress.STREAM and self._whole and not self.connection.paused:
            self._end(problem.code)
            self.connection.write(self._chunk(error_event(problem, self.dialect, request_id)))
            self.connection.leave(grace_ms)
        elif stage is not Progress.OVER:
            # Half an event cannot be followed by another, and a client that reads too slowly would get the
            # bytes before it first: both get a reset.
            self._end(problem.code)
            self.connection.reset()

    def gone(self) -> None:
        """The client has left."""
        self._end("client_gone")

    def begin(self, stage: Progress, status: int, headers: Headers, first: bytes = b"") -> None:
        """Write the head and the first bytes; without a Content-Length the body is chunked.

        Requires: the stage is OPEN.
        """
        self.stage = stage
        sized = status == NO_CONTENT or any(name == b"content-length" for name, _ in headers)
        self._chunked = self._framed and not sized
        fields = [*headers, (b"transfer-encoding", b"chunked")] if self._chunked else headers
        head = _head(status, fields, close=not self.connection.keep_alive)
        self.connection.write(head + self._chunk(first) if first else head)

    def send(self, data: bytes, *, whole: bool = True) -> None:
        """Write more of the body; `whole` says whether it ends where an event of a stream does.

        Requires: begun, and `data` is not empty.
        """
        self._whole = whole
        self.connection.write(self._chunk(data))

    def end(self) -> None:
        """The response is complete."""
        self._end("answered")
        if self._chunked:
            self.connection.write(b"0\r\n\r\n")
        self.connection.finish()

    def _end(self, outcome: str) -> None:
        if self.stage is not Progress.OVER:
            self.stage = Progress.OVER
            self.outcome = outcome

    def _chunk(self, data: bytes) -> bytes:
        return b"%x\r\n%b\r\n" % (len(data), data) if self._chunked else data


def _head(status: int, fields: Iterable[tuple[bytes, bytes]], *, close: bool) -> bytes:
    lines = [STATUS_LINE[status], *[b"%b: %b\r\n" % field for field in fields]]
    lines.append(b"connection: close\r\n\r\n" if close else b"\r\n")
    return b"".join(lines)
