"""One request, and the way to answer it: what an application of this server gets. Nothing here knows ASGI.

Rules:
- The body is read only when it is asked for; a client that waits to be asked (`Expect`) is asked then.
- The application frames its response. It asks for the head here, which says whether the connection ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from sluicegate.http.head import NAME, BadRequest, Fields, RequestHead
from sluicegate.http.response import STATUS_LINES, SURPRISE, date_line

BODY_WAITING_MAX = 64 * 1024
"""How many bytes of a body wait to be read before the client must wait."""
FRAMING_MAX = 16 * 1024
"""How many bytes more than twice its content a body may have on the wire."""
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Wire(Protocol):
    """What an exchange asks of its connection."""

    is_holder: bool
    is_paused: bool
    """Whether some of what was written still waits for the client."""
    is_stopping: bool

    def write(self, data: bytes) -> None:
        """Write, unless the connection is being ended."""

    def when_writable(self, then: Callable[[], None]) -> None:
        """Call back when the client has taken what was written, or is gone; one that takes too long is reset.

        Requires: it is paused, and no one else waits.
        """

    def pause(self) -> None:
        """Let the client wait with the body."""

    def resume(self) -> None:
        """Continue to read: more of the body, or that the client leaves."""

    def expect_body(self) -> None:
        """Someone waits for the rest of the body: from now on its time counts."""

    def finished(self, exchange: HttpExchange, *, keep_alive: bool) -> None:
        """A response is complete."""

    def fail(self, exchange: HttpExchange, problem: BadRequest) -> None:
        """End the connection with a problem of the request that is being answered."""

    def leave(self, grace_ms: float) -> None:
        """Send end of file, drop what comes, and reset after the grace period."""

    def reset(self) -> None:
        """Reset the connection; the bytes in the kernel are dropped too."""


class Disconnected(Exception):
    """The client has left, or was disconnected: there is no one to answer."""


class HttpExchange:
    """One request, and the way to answer it. Writing after its end does nothing.

    `address` is whose it is: the client's, or what a proxy of ours says.
    """

    __slots__ = (
        "_changed",
        "_continues",
        "_keep_alive",
        "_on_lost",
        "_parts",
        "_waiting_bytes",
        "_wire_bytes",
        "address",
        "body_arrived",
        "content_bytes",
        "head",
        "is_begun",
        "is_over",
        "task",
        "wire",
    )

    def __init__(self, connection: Wire, request: RequestHead, address: str) -> None:
        self.head = request
        self.address = address
        self.is_begun = False
        """Whether a byte of the response has been written."""
        self.is_over = False
        self.body_arrived = False
        """Whether all of the body has arrived."""
        self.task: asyncio.Task[None] | None = None
        """What answers it, where that has to wait."""
        self.wire = connection
        self._parts: list[bytes] = []
        """What has arrived of the body and was not read."""
        self._waiting_bytes = 0
        self.content_bytes = 0
        """How much of the body has arrived, without its framing."""
        self._wire_bytes = 0
        self._continues = request.expects_continue
        self._keep_alive: bool | None = None
        self._changed: asyncio.Event | None = None
        self._on_lost: Callable[[], None] | None = None

    # The request

    def take(self) -> bytes:
        """What has arrived of the body and was not read yet; it waits for no more."""
        parts = self._parts
        if not parts:
            return b""
        self._parts, self._waiting_bytes = [], 0
        self.wire.resume()
        return parts[0] if len(parts) == 1 else b"".join(parts)

    async def read(self) -> bytes:
        """The next part of the body, empty at its end. Raises: Disconnected."""
        if not (self._parts or self.body_arrived):
            self._ask_for_body()
        while not (self._parts or self.body_arrived or self.is_over):
            await self._change()
        if self.is_over:
            raise Disconnected
        return self.take()

    def hold(self) -> None:
        """Note that its holder has shown a token that is known: its connection is not one of strangers."""
        self.wire.is_holder = True

    @property
    def body_taken(self) -> bool:
        """Whether all of the body has arrived and was read."""
        return self.body_arrived and not self._parts

    async def lost(self) -> None:
        """Wait until the exchange is over."""
        while not self.is_over:
            await self._change()

    def on_lost(self, callback: Callable[[], None]) -> None:
        """Call back when the connection is lost before the response is finished, or is lost already."""
        self._on_lost = callback
        if self.is_over:
            callback()

    # The response

    async def writable(self) -> None:
        """Wait until the client has taken what was written, or is gone; one that takes too long is reset."""
        if self.wire.is_paused and not self.is_over:
            taken = asyncio.Event()
            self.wire.when_writable(taken.set)
            await taken.wait()

    def response_head(self, status: int, fields: Fields) -> bytes:
        """The head of a response, with a date. From now on it is settled whether the connection ends with it.

        Raises: ValueError: a line break in a field.
        """
        self._keep_alive = self._goes_on()
        lines = [STATUS_LINES[status], *[b"%b: %b\r\n" % each for each in fields]]
        if b"date" not in map(NAME, fields):
            lines.append(date_line())
        if not self._keep_alive:
            lines.append(b"connection: close\r\n")
        head = b"".join(lines)
        if not head.count(b"\n") == head.count(b"\r") == len(lines):
            raise ValueError("a line break in a field of a response")
        return head + b"\r\n"

    def write(self, data: bytes) -> None:
        """Write bytes of the response, framed by the caller."""
        if not self.is_over:
            self.is_begun = True
            self.wire.write(data)

    def finish(self) -> None:
        """The response is complete: serve the next request, or end the connection properly."""
        if not self.is_over:
            keep_alive = self._goes_on() if self._keep_alive is None else self._keep_alive
            self.is_over = True
            self._on_lost = None
            self.wire.finished(self, keep_alive=keep_alive and self.body_arrived)

    def fail(self) -> None:
        """If the response is not complete, end with an error that says nothing more."""
        if not self.is_over:
            self.wire.fail(self, BadRequest(500, SURPRISE))

    def leave(self, grace_ms: float) -> None:
        """End the connection after what was written; reset it if it still exists after the grace period."""
        self.wire.leave(grace_ms)

    def reset(self) -> None:
        """End the connection now; bytes that were written and not yet sent are dropped."""
        self.wire.reset()

    # The connection

    def took(self, data: bytes) -> None:
        """A part of the body has arrived."""
        self._parts.append(data)
        self._waiting_bytes += len(data)
        self.content_bytes += len(data)
        if self._changed is not None:
            self._changed.set()
        if self._waiting_bytes > BODY_WAITING_MAX:
            self.wire.pause()

    def crossed(self, count: int) -> None:
        """So many bytes of the body and its framing have arrived. Raises: BadRequest: too much framing."""
        self._wire_bytes += count
        if self._wire_bytes > 2 * self.content_bytes + FRAMING_MAX:
            raise BadRequest(400, "a body of which most is framing")

    def arrived(self) -> None:
        """All of the body has arrived."""
        self.body_arrived = True
        if self._changed is not None:
            self._changed.set()

    def abandon(self) -> None:
        """The connection has ended, or is about to."""
        if not self.is_over:
            self.is_over = True
            if self._changed is not None:
                self._changed.set()
            if self._on_lost is not None:
                self._on_lost()

    async def _change(self) -> None:
        """Wait until more has arrived, or the connection has ended."""
        if self._changed is None:
            self._changed = asyncio.Event()
        self._changed.clear()
        await self._changed.wait()

    def _ask_for_body(self) -> None:
        if self._continues and not self.is_begun and not self.is_over:
            self.wire.write(_CONTINUE)
        self._continues = False
        self.wire.expect_body()

    def _goes_on(self) -> bool:
        return self.head.keep_alive and self.body_arrived and not self.wire.is_stopping


Handler = Callable[[HttpExchange], Coroutine[Any, Any, None] | None]
"""What answers a request: at once, in what it returns, or when something else has come."""
