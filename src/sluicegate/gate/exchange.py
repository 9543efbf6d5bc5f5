"""One request and its response, as the client sees them.

Rules:
- A response is whole, a body, or a stream of events. If it ends early, the client always notices: a response
  that has not begun becomes an error; a stream gets an error event and no proper end; a half-sent body is
  reset.
- Everything here is synchronous. Code that forwards an upstream's bytes asks first whether it may.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from enum import Enum, auto

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
from sluicegate.gate.engine import Flight
from sluicegate.gate.quirks import status_for
from sluicegate.gate.trace import Trace, new_request_id
from sluicegate.http.exchange import HttpExchange
from sluicegate.http.head import NAME, BadRequest, Fields
from sluicegate.http.response import CODES, STATUS_LINES, date_line, error_response

NO_CONTENT = 204
CREDENTIAL = b"x-sluicegate-credential"
"""The header of a refusal that names the credential of its key, for `sluicegate explain`."""
_ASKED_LATER = frozenset({b"user-agent", b"anthropic-version"})
"""The headers that decide in which form, and with which status, a client is answered."""
_NEVER_AGAIN = ((b"x-should-retry", b"false"),)
"""What cannot be read once cannot be read the next time."""


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

    `outcome` is how it ended, and `trace` what is noted of it; `ended` is called once. `shared` are the
    headers that let a page of another origin read the response.
    `next_number` gives the number of an event that ends a stream early.
    """

    __slots__ = (
        "_chunked",
        "_ended",
        "_whole",
        "connection",
        "dialect",
        "flight",
        "headers",
        "method",
        "next_number",
        "outcome",
        "path",
        "query",
        "shared",
        "stage",
        "stop",
        "trace",
    )

    def __init__(self, connection: HttpExchange, ended: Callable[[Exchange], None]) -> None:
        head = connection.head
        self.connection = connection
        self.trace = Trace()
        self.method = head.method
        self.path = head.path
        self.query = head.query
        self.headers = head.fields
        self.dialect = dialect_of(self.path, self.headers)
        self.shared: Headers = ()
        self.flight: Flight | None = None
        """What it was admitted as, if it was."""
        self.stage = Progress.OPEN
        self.outcome = ""
        self._ended = ended
        self.next_number: Callable[[], int] = int
        self.stop: Callable[[], object] = int
        """Ends what answers the request. It is called when the exchange is over."""
        self._chunked = False
        self._whole = True
        connection.on_lost(self.gone)

    def forget_headers(self) -> None:
        """Keep of the request's headers what is asked for until its end: a stream may take long."""
        head = self.connection.head
        head.forget_but(_ASKED_LATER)
        self.headers = head.fields

    def over(self) -> bool:
        """Whether the response is over."""
        return self.stage is Progress.OVER

    def reply(self, reply: GatewayReply, outcome: str) -> None:
        """Write a whole response. The connection ends with it if the body of the request is not here."""
        body = b"" if self.method == "HEAD" else reply.body
        self.trace.began(reply.status)
        self.trace.wrote(len(body))
        self._end(outcome)
        connection = self.connection
        fields = [*reply.headers, *self.shared] if self.shared else reply.headers
        connection.write(connection.response_head(reply.status, fields) + body)
        connection.finish()

    def refuse(self, deny: Deny, size: int, grace_ms: int = 0) -> None:
        """End with a refusal, decided at log size `size`, however far the response is."""
        self.trace.refused(deny.reason.value, deny.directive or "")
        if self.trace.credential is not None:
            self.shared = (*self.shared, (CREDENTIAL, self.trace.credential.id.encode()))
        status = status_for(deny, self.headers)
        self.end_early(refused(deny, size, None if status == deny.status else status), grace_ms)

    def end_early(self, problem: Problem, grace_ms: int = 0) -> None:
        """End with a problem, however far the response is; a stream's client gets a grace to read it."""
        stage, request_id = self.stage, self.trace.id
        if stage is Progress.OPEN:
            self.reply(error_reply(problem, self.dialect, request_id), problem.code)
        elif stage is Progress.STREAM and self._whole and not self.connection.wire.is_paused:
            event = error_event(problem, self.dialect, request_id, self.next_number())
            self.trace.wrote(len(event))
            self._end(problem.code)
            self.connection.write(self._chunk(event))
            self.connection.leave(grace_ms)
        elif stage is not Progress.OVER:
            # Half an event cannot be followed by another, and a client that reads too slowly would get the
            # bytes before it first: both get a reset.
            self._end(problem.code)
            self.connection.reset()

    def gone(self) -> None:
        """The client has left."""
        self._end("client_gone")

    def waits(self) -> None:
        """The task that answers the request has begun: from now on it is cancelled when the client leaves."""
        self.stop = self._cancel

    def _cancel(self) -> None:
        """Cancel that task; not from within it, which looks at the stage itself."""
        task = self.connection.task
        if task is not None and task is not asyncio.current_task():
            task.cancel()

    def begin(self, stage: Progress, status: int, headers: Headers, first: bytes, *, whole: bool) -> None:
        """Write the head and the first bytes, as `send` does; without a Content-Length the body is chunked.

        Requires: the stage is OPEN.
        """
        self.stage, self._whole = stage, whole
        connection = self.connection
        sized = status == NO_CONTENT or b"content-length" in map(NAME, headers)
        self._chunked = not sized and connection.head.version == "1.1"
        fields = [*headers, *self.shared]
        if self._chunked:
            fields.append((b"transfer-encoding", b"chunked"))
        head = connection.response_head(status, fields)
        self.trace.began(status)
        self.trace.wrote(len(first))
        connection.write(head + self._chunk(first) if first else head)

    def send(self, data: bytes, *, whole: bool = True) -> None:
        """Write more of the body; `whole` says whether it ends where an event of a stream does.

        Requires: begun, and `data` is not empty.
        """
        size, self._whole = len(data), whole
        self.trace.wrote(size)
        self.connection.write(b"%x\r\n%b\r\n" % (size, data) if self._chunked else data)

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
            stop, self.stop = self.stop, int
            stop()
            self._ended(self)

    def _chunk(self, data: bytes) -> bytes:
        return b"%x\r\n%b\r\n" % (len(data), data) if self._chunked else data


def error_form(problem: BadRequest, target: bytes, fields: Fields) -> bytes:
    """A response that the server itself gives: in the dialect of what was asked, where that is known."""
    path = target.partition(b"?")[0]
    if not path.startswith(b"/v1/"):
        return error_response(problem)
    said = Problem(problem.status, CODES[problem.status], problem.message, headers=_NEVER_AGAIN)
    reply = error_reply(said, dialect_of(path, fields), new_request_id())
    lines = [b"%b: %b\r\n" % each for each in reply.headers]
    lines += [date_line(), b"connection: close\r\n\r\n"]
    return b"".join([STATUS_LINES[reply.status], *lines, reply.body])
