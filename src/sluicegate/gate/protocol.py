"""A client's connection: uvicorn's httptools protocol, but strict, and with access to its transport.

Rules:
- A request that two servers could frame differently gets 400 or a reset, and never reaches the application.
- ASGI hides the transport, but a gateway needs it. So the application gets a `Connection`: with it, it
  writes, waits until the client has taken what was written, and ends the connection.
- The first byte that the kernel does not take pauses the user-space send buffer. So at most one write and the
  kernel's `send_buffer_bytes` wait for a slow client, and a reset drops both.
- If the gateway ends a connection early, it sends end of file and continues to read for a grace period, so
  that the client can read what was sent. Then it resets the connection.

This relies on these parts of uvicorn: `HttpToolsProtocol` with `transport`, `flow`, `headers`, `url`,
`parser`, `cycle`, `pipeline`, `shutdown`, `send_400_response`, `timeout_keep_alive_handler`,
`_unset_keepalive_if_required`; the cycle's `body`, `more_body`, `keep_alive`, `disconnected`,
`response_started`, `response_complete`, `message_event`, `on_response`; and that an application's task runs
after `on_headers_complete` returns.
"""

from __future__ import annotations

import asyncio
import re
import socket
import struct
from collections.abc import Callable
from typing import Any

from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from sluicegate.settings import GatewaySettings

EXTENSION = "sluicegate.connection"
"""Where in `scope["extensions"]` the application finds its `Connection`."""

PIPELINED_MAX = 16
LINGER_MS = 2_000
"""How long a connection that was ended early continues to read, so that its client can read why."""

_RESET = struct.pack("ii", 1, 0)
_TARGET = re.compile(rb"/[\x21\x22\x24-\x7e]*")
_CONTROL = re.compile(rb"%(?:[01][0-9A-Fa-f]|7[Ff])")


class Connection:
    """One request's access to its connection. Writing after the end does nothing."""

    __slots__ = ("_cycle", "_over", "_protocol")

    def __init__(self, protocol: GateProtocol, cycle: RequestResponseCycle) -> None:
        self._protocol = protocol
        self._cycle = cycle
        self._over = False

    @property
    def keep_alive(self) -> bool:
        """Whether the connection may serve another request after this one."""
        return self._cycle.keep_alive

    @property
    def paused(self) -> bool:
        """Whether some of what was written still waits for the client."""
        return self._protocol.flow.write_paused

    @property
    def body_arrived(self) -> bool:
        """Whether all of the request has arrived."""
        return not self._cycle.more_body

    async def writable(self) -> None:
        """Wait until the client has taken what was written; one that takes too long is reset."""
        timer = self._protocol.loop.call_later(self._protocol.write_timeout_s, self.reset)
        try:
            await self._protocol.flow.drain()
        finally:
            timer.cancel()

    def write(self, data: bytes) -> None:
        """Write bytes of the response, framed by the caller."""
        if not (self._over or self._protocol.ended):
            self._cycle.response_started = True
            self._protocol.transport.write(data)

    def finish(self) -> None:
        """The response is complete: serve the next request, or end the connection properly."""
        if self._over or self._protocol.ended:
            return
        if not self._cycle.keep_alive:
            self.leave(self._protocol.write_timeout_s * 1000)
            return
        self._over = True
        cycle = self._cycle
        cycle.response_started = cycle.response_complete = True
        cycle.message_event.set()
        self._protocol.finished(cycle)
        cycle.on_response()

    def leave(self, grace_ms: float) -> None:
        """End the connection after what was written; reset it if it still exists after the grace period."""
        self._protocol.leave(grace_ms)

    def reset(self) -> None:
        """End the connection now; bytes that were written and not yet sent are dropped."""
        self._protocol.reset()

    def resume(self) -> None:
        """Continue to read, to notice when the client leaves."""
        self._protocol.flow.resume_reading()

    def on_lost(self, callback: Callable[[], None]) -> None:
        """Call back when the connection is lost before the response is finished;
        immediately if it is already lost.
        """
        self._protocol.on_lost = callback
        if self._protocol.lost:
            callback()


class BadFraming(ValueError):
    """A request head that is refused. The parser turns it into a 400."""


class GateProtocol(HttpToolsProtocol):
    """One client's connection."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        settings: GatewaySettings,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        super().__init__(config, server_state, {}, loop)
        self._settings = settings
        self.write_timeout_s = settings.write_timeout_ms / 1000
        self.ended = False
        """Whether the connection is being ended, or is lost. Then no more is written."""
        self.lost = False
        self.on_lost: Callable[[], None] | None = None
        self._head_bytes = 0
        """The size of the head's fields so far."""
        self._head_arrived = 0
        """The bytes that came while the head was incomplete:
        the parser reports a field only when it is complete.
        """
        self._head_complete = True
        self._objection = "the request is not valid HTTP/1.1"
        self._timer: asyncio.TimerHandle | None = None
        self._unfinished: list[RequestResponseCycle] = []

    # The transport

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Limit how many bytes may wait for this client, and for how long it may be silent."""
        super().connection_made(transport)
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, self._settings.send_buffer_bytes)
        transport.set_write_buffer_limits(high=0)
        self._set_timer(self._settings.body_timeout_ms, self._head_late)

    def connection_lost(self, exc: Exception | None) -> None:
        """Notify the request that is being answered, even if uvicorn knows only of a later one."""
        self.lost = True
        self._end()
        super().connection_lost(exc)
        if self.on_lost is not None:
            self.on_lost()
            self.on_lost = None

    def data_received(self, data: bytes) -> None:
        """Parse, unless the connection is being ended."""
        if self.ended:
            return
        goes_on = not self._head_complete
        super().data_received(data)
        if not self.ended:
            self._bound_head(len(data) if goes_on else 0)

    def finished(self, cycle: RequestResponseCycle) -> None:
        """A response is complete."""
        self._unfinished.remove(cycle)
        self.on_lost = None

    def leave(self, grace_ms: float) -> None:
        """Send end of file, discard what comes, and reset after the grace period."""
        if self.ended:
            return
        self._end()
        if self.transport.is_closing():
            return
        self._set_timer(grace_ms, self.reset)
        self.flow.resume_reading()
        self.transport.write_eof()

    def reset(self) -> None:
        """Reset the connection; the bytes in the kernel are dropped too."""
        self._end()
        if not self.lost:
            sock = self.transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self.transport.abort()

    def timeout_keep_alive_handler(self) -> None:
        """End an idle connection, also when its client has not read the last response."""
        if self.flow.write_paused:
            self.reset()
        else:
            super().timeout_keep_alive_handler()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's sentence, ours says more
        """Answer a request that cannot be parsed, unless the response before it is not complete."""
        cycle = self.cycle
        if self.ended:
            return
        if self.pipeline or not (self._idle or cycle.more_body):
            self.reset()
            return
        said = self._objection.encode()
        head = b"HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain; charset=utf-8\r\nconnection: close\r\n"
        self.transport.write(b"%bcontent-length: %d\r\n\r\n%b" % (head, len(said), said))
        self.leave(LINGER_MS)

    def _end(self) -> None:
        """Write no more. Then uvicorn expects no response from the application, which may stop reading."""
        self.ended = True
        self._unset_timer()
        self._unset_keepalive_if_required()
        for cycle in self._unfinished:
            cycle.disconnected = True
            cycle.message_event.set()

    def _set_timer(self, delay_ms: float, then: Callable[[], None]) -> None:
        self._unset_timer()
        self._timer = self.loop.call_later(delay_ms / 1000, then)

    def _unset_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # The head

    @property
    def _idle(self) -> bool:
        """Whether no request is being read or answered; an incomplete head may be there."""
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is None or cycle.response_complete

    def on_message_begin(self) -> None:
        """Parser callback: a request's first byte."""
        super().on_message_begin()
        self._head_bytes = self._head_arrived = 0
        self._head_complete = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Parser callback: one field of the head, or of a chunked body's trailers, which are refused."""
        self._head_bytes += len(name) + len(value) + 4
        if self._head_bytes > self._settings.max_header_bytes:
            self._refuse(f"the headers exceed {self._settings.max_header_bytes} bytes")
        if self._head_complete:
            self._refuse("a chunked body with trailers, expected none")
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Parser callback: refuse what could be framed or routed in two ways, then start the application."""
        self._head_complete = True
        self._unset_timer()
        self._check_target()
        self._check_framing()
        super().on_headers_complete()
        self._unfinished.append(self.cycle)
        extensions: dict[str, Any] = {EXTENSION: Connection(self, self.cycle)}
        self.scope["extensions"] = extensions
        if self.pipeline:
            self._pipelined()

    def _check_target(self) -> None:
        if len(self.url) > self._settings.max_header_bytes or not _TARGET.fullmatch(self.url):
            self._refuse("the request's target is not a plain absolute path")
        if b"%" in self.url and _CONTROL.search(self.url.partition(b"?")[0]):
            self._refuse("the request's path has control characters")

    def _check_framing(self) -> None:
        version = self.parser.get_http_version()
        if version not in {"1.0", "1.1"}:
            self._refuse(f"HTTP/{version}, expected HTTP/1.1")
        names = [name for name, _ in self.headers]
        hosts = names.count(b"host")
        if hosts > 1 or (hosts == 0 and version == "1.1"):
            self._refuse(f"{hosts} Host headers, expected one")
        if b"transfer-encoding" in names:
            codings = [value.lower() for name, value in self.headers if name == b"transfer-encoding"]
            if codings != [b"chunked"] or version != "1.1" or b"content-length" in names:
                self._refuse("a transfer coding other than chunked alone")
        if b"upgrade" in names or self.parser.should_upgrade():
            self._refuse("an upgrade, expected HTTP/1.1 to stay")

    def _refuse(self, objection: str) -> None:
        self._objection = objection
        raise BadFraming(objection)

    def _bound_head(self, more: int) -> None:
        """Bound the size and time of a head that is not complete;
        `more` is the number of bytes that just came.
        """
        if self._head_complete and not self._idle:
            return
        self._head_arrived += more
        if self._head_arrived > self._settings.max_header_bytes:
            self._objection = f"the headers exceed {self._settings.max_header_bytes} bytes"
            self.send_400_response(self._objection)
        elif self._timer is None:
            self._set_timer(self._settings.body_timeout_ms, self._head_late)

    def _head_late(self) -> None:
        self._timer = None
        if self._idle:
            self._end()
            self.transport.close()

    def _pipelined(self) -> None:
        """Continue to read while requests wait; otherwise no one would notice that the client has left."""
        if len(self.pipeline) > PIPELINED_MAX:
            self.reset()
        else:
            self.flow.resume_reading()
