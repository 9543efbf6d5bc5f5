"""One connection to an upstream, and the answer that comes over it.

Rules:
- It has one call at a time. What comes without a call, or after the end of an answer, ends the connection.
- `may_send` is called before every write, with no await in between. A call that may not send is over.
- An answer that two readers could frame differently is a failure: a Content-Length beside a transfer coding,
  a coding other than `chunked`, two lengths, a bare end inside a body. So are other protocols.
- Everything is bounded: the head with its interim ones, what is neither head nor body, what waits to be read.
- A call that is closed or fails before its end is reset immediately, and its buffers are dropped.
- A piece of a body goes to its reader in the callback that took it from the socket; no task wakes for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

import httptools

from sluicegate.gate.dialects import GatewayFault
from sluicegate.gate.upstream_answer import HttpAnswer
from sluicegate.http import tcp

SEND_BYTES = 64 * 1024
"""The most that is written after one permission."""
HEAD_BYTES = 64 * 1024
"""The largest head, and the most that comes in one go without being body: chunk extensions, trailers."""

_INTERIM_MAX = 199
_SWITCHING = 101
_NO_CONTENT = 204
_NOT_MODIFIED = 304

Fields = list[tuple[bytes, bytes]]


class Pool(Protocol):
    """Where connections are kept between calls."""

    def opened(self, connection: UpstreamConnection) -> None:
        """A connection is open."""

    def lost(self, connection: UpstreamConnection) -> None:
        """A connection is over, or has become useless."""

    def keep(self, connection: UpstreamConnection) -> None:
        """A connection is idle, and may be used again."""


class BadAnswer(Exception):
    """What came is no answer in HTTP that has one reading."""


class UpstreamConnection(asyncio.Protocol):
    """A connection. `idle_since_s` is when it was last used, by the loop's clock.

    Units: `silence_s` seconds that an upstream may be silent while it is expected to speak.
    """

    __slots__ = (
        "_answer",
        "_barren_bytes",
        "_fields",
        "_head_bytes",
        "_in_body",
        "_is_complete",
        "_is_paused",
        "_is_reusable",
        "_loop",
        "_may_send",
        "_parser",
        "_parts",
        "_pool",
        "_silence_s",
        "_spoke_s",
        "_timer",
        "_transport",
        "_unsent",
        "_until_end",
        "idle_since_s",
        "is_over",
    )

    def __init__(self, pool: Pool, silence_s: float) -> None:
        self._pool = pool
        self._silence_s = silence_s
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport
        self._timer: asyncio.TimerHandle | None = None
        self._spoke_s = self.idle_since_s = 0.0
        self.is_over = False
        self._is_paused = False
        self._answer: HttpAnswer | None = None
        self._may_send: Callable[[], bool] = bool
        self._unsent: memoryview | None = None
        self._parts: list[bytes] = []
        self._fields: Fields = []
        self._head_bytes = self._barren_bytes = 0
        self._in_body = self._is_complete = self._is_reusable = self._until_end = False

    # What the upstream client asks

    async def ask(self, head: bytes, body: bytes, may_send: Callable[[], bool]) -> HttpAnswer:
        """Send a request; return when the head of its answer has come.

        Requires: no other call.
        Raises: Unreachable.
        """
        answer = self._answer = HttpAnswer(self)
        self._fields = []
        self._head_bytes = self._barren_bytes = 0
        self._in_body = self._is_complete = self._is_reusable = self._until_end = False
        self._spoke_s = self._loop.time()
        if self._timer is None:
            self._timer = self._loop.call_later(self._silence_s, self._watch)
        self._may_send = may_send
        if len(body) <= SEND_BYTES:
            self._write(head + body)
        else:
            self._unsent = memoryview(body)[SEND_BYTES:]
            self._write(head + body[:SEND_BYTES])
            self._send_more()
        try:
            await answer.begun()
        except BaseException:
            self.leave(answer)
            raise
        return answer

    def leave(self, answer: HttpAnswer) -> None:
        """A call is closed: end the connection, unless the answer had ended, and it may be another call's."""
        if self._answer is answer:
            self._answer = None
            self.reset()

    def resume(self) -> None:
        """Read on."""
        if self._is_paused and not self.is_over:
            self._is_paused = False
            self._spoke_s = self._loop.time()
            self._transport.resume_reading()

    def reset(self) -> None:
        """End the connection; what was written and not yet sent is dropped, also by the kernel."""
        if not (self.is_over or self._transport.is_closing()):
            tcp.reset_at_close(self._transport.get_extra_info("socket"))
        self.discard()

    def abandon(self) -> None:
        """It was not opened as asked; the loop closes it, and may not say so."""
        self.is_over = True
        self._pool.lost(self)

    def discard(self) -> None:
        """End the connection."""
        if not self.is_over:
            self.is_over = True
            self._pool.lost(self)
            self._transport.abort()

    # The transport

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Transport callback."""
        self._transport = transport
        sock = transport.get_extra_info("socket")
        tcp.send_at_once(sock)
        tcp.keep_alive(sock)
        # Only one write waits outside the kernel. Below TLS a limit of 0 is always reached.
        transport.set_write_buffer_limits(high=0 if transport.get_extra_info("sslcontext") is None else 1)
        self._pool.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Transport callback: an answer that has not ended has failed."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self.is_over:
            self.is_over = True
            self._pool.lost(self)
        self._fail(GatewayFault.UPSTREAM_FAILED)

    def eof_received(self) -> None:
        """Transport callback: the end of a body without a length; anything else is a failure."""
        if self._until_end and self._answer is not None:
            self._finish()
        else:
            self._fail(GatewayFault.UPSTREAM_FAILED)
        self.discard()

    def resume_writing(self) -> None:
        """Transport callback: what was written has been sent."""
        self._spoke_s = self._loop.time()
        self._send_more()

    def data_received(self, data: bytes) -> None:
        """Transport callback: a part of an answer, which goes on at once."""
        answer = self._answer
        if answer is None:
            self.discard()
            return
        self._spoke_s = self._loop.time()
        broken = self._parse(data)
        parts = self._parts
        if parts:
            piece = parts[0] if len(parts) == 1 else b"".join(parts)
            parts.clear()
            self._barren_bytes = 0
            goes_on = answer.took(piece)
        else:
            self._barren_bytes += len(data)
            goes_on = True
        if self._is_complete:
            self._finish(reuse=not broken)
        elif broken or self._barren_bytes > HEAD_BYTES:
            self._fail(GatewayFault.UPSTREAM_FAILED)
        elif not (goes_on or self._is_paused or self.is_over):
            self._is_paused = True
            self._transport.pause_reading()

    # The parser

    def on_message_begin(self) -> None:
        """Parser callback: the first byte of a head."""
        if self._is_complete:
            raise BadAnswer

    def on_header(self, name: bytes, value: bytes) -> None:
        """Parser callback: a field of a head, or of the trailers, which are dropped."""
        self._head_bytes += len(name) + len(value) + 4
        if self._head_bytes > HEAD_BYTES:
            raise BadAnswer
        if not self._in_body:
            self._fields.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """Parser callback: a head is complete. Interim ones are passed over."""
        status, answer = self._parser.get_status_code(), self._answer
        self._check_framing(status)
        if status > _INTERIM_MAX and answer is not None:
            self._in_body = True
            self._is_reusable = self._parser.should_keep_alive()
            answer.begin(status, self._fields)
            self._fields = []

    def on_body(self, data: bytes) -> None:
        """Parser callback: a part of the body."""
        self._parts.append(data)

    def on_message_complete(self) -> None:
        """Parser callback: the end of an answer, or of an interim one."""
        if self._in_body:
            self._is_complete = True
        else:
            self._fields = []

    def _parse(self, data: bytes) -> bool:
        """Parse what came. Returns: whether it is broken."""
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            return True
        return False

    def _check_framing(self, status: int) -> None:
        """Refuse a head whose body has no length, or more than one. Raises: BadAnswer."""
        version = self._parser.get_http_version()
        lengths, codings = [], []
        for name, value in self._fields:
            if name == b"content-length":
                lengths.append(value)
            elif name == b"transfer-encoding":
                codings.append(value.lower())
        if status == _SWITCHING or version not in {"1.1", "1.0"} or len(lengths) + len(codings) > 1:
            raise BadAnswer
        if codings and (codings != [b"chunked"] or version == "1.0"):
            raise BadAnswer
        bodiless = status <= _INTERIM_MAX or status in {_NO_CONTENT, _NOT_MODIFIED}
        if bodiless and (codings or lengths not in ([], [b"0"])):
            raise BadAnswer
        self._until_end = not (bodiless or lengths or codings)

    # What happens next

    def _finish(self, *, reuse: bool = False) -> None:
        """The answer has ended: the connection waits for the next call, or is over."""
        self._may_send = bool
        answer, self._answer = self._answer, None
        reuse = reuse and self._is_reusable and self._unsent is None and not self.is_over
        if reuse and not self._transport.get_write_buffer_size():
            self.resume()
            self.idle_since_s = self._spoke_s
            self._pool.keep(self)
        else:
            self.discard()
        if answer is not None:
            answer.end()

    def _fail(self, fault: GatewayFault) -> None:
        answer, self._answer = self._answer, None
        if answer is not None:
            self.reset()
            answer.end(fault)

    def _write(self, data: bytes | memoryview) -> None:
        """Write if it is permitted.

        INVARIANT: between the permission and the write there is no await.
        """
        if not self._may_send():
            self._fail(GatewayFault.UPSTREAM_FAILED)
        elif not self.is_over:
            self._transport.write(data)

    def _send_more(self) -> None:
        """Send what the upstream takes of the body; the rest when it has taken that."""
        while self._unsent is not None and self._answer is not None:
            if self._transport.get_write_buffer_size():
                return
            part, rest = self._unsent[:SEND_BYTES], self._unsent[SEND_BYTES:]
            self._unsent = rest if len(rest) else None
            self._write(part)

    def _watch(self) -> None:
        """Fail when the upstream has been silent for too long; what no one reads is not its silence."""
        self._timer = None
        if self._answer is None:
            return
        left_s = self._spoke_s + self._silence_s - self._loop.time()
        if self._is_paused:
            left_s = self._silence_s
        if left_s > 0:
            self._timer = self._loop.call_later(left_s, self._watch)
        else:
            self._fail(GatewayFault.UPSTREAM_TIMEOUT)
