"""One connection to an upstream, and the answer that comes over it.

Rules:
- It has one call at a time. What comes without a call, or after the end of an answer, ends the connection.
- `may_send` is called before every write, with no await in between. A call that may not send is over.
- An answer that two readers could frame differently is a failure: a Content-Length beside a transfer coding,
  a coding other than `chunked`, two lengths, a bare end inside a body. So are other protocols.
- Everything is bounded: the head with its interim ones, what is neither head nor body. Nothing waits to be
  read here: who does not take more pauses the connection.
- A call that is left or fails before its end is reset immediately, and its buffers are dropped.
- All of an answer goes to its recipient in the callback that took it from the socket; no task wakes for it.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

import httptools

from sluicegate.gate.dialects import GatewayFault, Headers
from sluicegate.gate.fields import end_to_end
from sluicegate.http import tcp

SEND_BYTES = 64 * 1024
"""The most that is written after one permission."""
HEAD_BYTES = 64 * 1024
"""The largest head, and the most that comes in one go without being body: chunk extensions, trailers."""

_INTERIM_MAX = 199
_SWITCHING = 101
_BODILESS = frozenset({204, 304})
_VERSIONS = frozenset({"1.0", "1.1"})
_FRAMING = frozenset({b"content-length", b"transfer-encoding"})
_NOTHING = [(b"content-length", b"0")]
"""What a head without a body may state."""

Fields = list[tuple[bytes, bytes]]


class Recipient(Protocol):
    """Who gets an answer: `begun`, then `took` until the last piece; or, at any time, `failed` alone."""

    def may_send(self) -> bool:
        """Whether the request may be sent. It may end the call, and then returns False."""

    def begun(self, status: int, headers: Headers) -> None:
        """The head is here: the status, 200 to 599, and the headers that may go to the client; Content-Length
        only if the upstream sent it. `took` follows at once, with what came beside it.
        """

    def took(self, data: bytes, *, is_last: bool) -> bool:
        """The next bytes of the body, exactly as sent, perhaps none; the last are its proper end.

        Returns: whether more may come now; if not, `Calling.resume` asks for it.
        """

    def failed(self, fault: GatewayFault) -> None:
        """No connection, no answer in time, none in HTTP, or not to its end. Nothing follows."""


class Pool(Protocol):
    """Where connections are kept between calls."""

    def lost(self, connection: UpstreamConnection) -> None:
        """A connection is over, or has become useless."""

    def keep(self, connection: UpstreamConnection) -> None:
        """A connection is idle, and may be used again."""


class BadAnswer(Exception):
    """What came is no answer in HTTP that has one reading."""


class UpstreamConnection(asyncio.Protocol):
    """A connection. `idle_since_s` is when it was last used, by the loop's clock; `opening` is what opens it.

    Units: `silence_s` seconds that an upstream may be silent while it is expected to speak.
    """

    __slots__ = (
        "_barren_bytes",
        "_fields",
        "_head",
        "_head_bytes",
        "_in_body",
        "_is_complete",
        "_is_paused",
        "_is_reusable",
        "_loop",
        "_parser",
        "_parts",
        "_pool",
        "_recipient",
        "_request",
        "_silence_s",
        "_spoke_s",
        "_timer",
        "_transport",
        "_unsent",
        "_until_end",
        "idle_since_s",
        "is_over",
        "opening",
    )

    def __init__(self, pool: Pool, silence_s: float) -> None:
        self._pool = pool
        self._silence_s = silence_s
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self.opening: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._spoke_s = self.idle_since_s = 0.0
        self.is_over = False
        self._is_paused = False
        self._recipient: Recipient | None = None
        self._request: tuple[bytes, bytes] | None = None
        """What is sent once it is open."""
        self._unsent: memoryview | None = None
        self._parts: list[bytes] = []
        self._fields: Fields = []
        self._head: tuple[int, Headers] | None = None
        self._head_bytes = self._barren_bytes = 0
        self._in_body = self._is_complete = self._is_reusable = self._until_end = False

    # What the upstream client asks

    def ask(self, head: bytes, body: bytes, recipient: Recipient) -> None:
        """Send a request, now or when it is open; the recipient gets the answer. Requires: no other call."""
        self._recipient = recipient
        self._fields = []
        self._head = None
        self._head_bytes = self._barren_bytes = 0
        self._in_body = self._is_complete = self._is_reusable = self._until_end = False
        if self._transport is None:
            self._request = head, body
        else:
            self._send(head, body)

    def leave(self, recipient: Recipient) -> None:
        """See `Calling.leave`. An answer that has ended has left the connection to another call."""
        if self._recipient is recipient:
            self._recipient = None
            self.reset()

    def resume(self) -> None:
        """See `Calling.resume`."""
        if self._is_paused and not self.is_over and self._transport is not None:
            self._is_paused = False
            self._spoke_s = self._loop.time()
            self._transport.resume_reading()

    def fail(self, fault: GatewayFault) -> None:
        """The call has failed: the connection is reset."""
        recipient, self._recipient = self._recipient, None
        self.reset()
        if recipient is not None:
            recipient.failed(fault)

    def reset(self) -> None:
        """End the connection; what was written and not yet sent is dropped, also by the kernel."""
        transport = self._transport
        if transport is not None and not (self.is_over or transport.is_closing()):
            tcp.reset_at_close(transport.get_extra_info("socket"))
        self.discard()

    def discard(self) -> None:
        """End the connection, or what opens it."""
        if self.is_over:
            return
        self.is_over = True
        self._request = None
        self._pool.lost(self)
        if self._transport is not None:
            self._transport.abort()
        elif self.opening is not None and self.opening is not asyncio.current_task():
            self.opening.cancel()

    # The transport

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Transport callback: what it was asked for can be sent."""
        self._transport = transport
        if self.is_over:
            transport.abort()
            return
        sock = transport.get_extra_info("socket")
        tcp.send_at_once(sock)
        tcp.keep_alive(sock)
        # Only one write waits outside the kernel. Below TLS a limit of 0 is always reached.
        transport.set_write_buffer_limits(high=0 if transport.get_extra_info("sslcontext") is None else 1)
        request, self._request = self._request, None
        if request is not None:
            self._send(*request)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Transport callback: an answer that has not ended has failed."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self.is_over:
            self.is_over = True
            self._pool.lost(self)
        self._broken(GatewayFault.UPSTREAM_FAILED)

    def eof_received(self) -> None:
        """Transport callback: the end of a body without a length; anything else is a failure."""
        recipient = self._recipient
        if self._until_end and recipient is not None:
            self._recipient = None
            self.discard()
            recipient.took(b"", is_last=True)
        else:
            self._broken(GatewayFault.UPSTREAM_FAILED)
            self.discard()

    def resume_writing(self) -> None:
        """Transport callback: what was written has been sent."""
        self._spoke_s = self._loop.time()
        self._send_more()

    def data_received(self, data: bytes) -> None:
        """Transport callback: a part of an answer, which goes on at once."""
        recipient = self._recipient
        if recipient is None:
            self.discard()
            return
        self._spoke_s = self._loop.time()
        is_broken = False
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            is_broken = True
        head, parts, is_last = self._head, self._parts, self._is_complete
        piece = b""
        if parts:
            piece = parts[0] if len(parts) == 1 else b"".join(parts)
            parts.clear()
        if is_last:
            self._release(reuse=not is_broken)
        goes_on = True
        if head is not None:
            self._head = None
            recipient.begun(*head)
        if piece or is_last or head is not None:
            self._barren_bytes = 0
            goes_on = recipient.took(piece, is_last=is_last)
        else:
            self._barren_bytes += len(data)
        if is_last:
            return
        if is_broken or self._barren_bytes > HEAD_BYTES:
            self._broken(GatewayFault.UPSTREAM_FAILED)
        elif not (goes_on or self._is_paused or self.is_over):
            self._is_paused = True
            assert self._transport is not None
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
        status = self._parser.get_status_code()
        self._check_framing(status)
        if status > _INTERIM_MAX:
            self._in_body = True
            self._is_reusable = self._parser.should_keep_alive()
            self._head = status, end_to_end(self._fields)
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

    def _check_framing(self, status: int) -> None:
        """Refuse a head whose body has no length, or more than one. Raises: BadAnswer."""
        version = self._parser.get_http_version()
        framing = [field for field in self._fields if field[0] in _FRAMING]
        if status == _SWITCHING or version not in _VERSIONS or len(framing) > 1:
            raise BadAnswer
        name, value = framing[0] if framing else (b"", b"")
        if name == b"transfer-encoding" and (value.lower() != b"chunked" or version == "1.0"):
            raise BadAnswer
        bodiless = status <= _INTERIM_MAX or status in _BODILESS
        if bodiless and framing and framing != _NOTHING:
            raise BadAnswer
        self._until_end = not (bodiless or framing)

    # What happens next

    def _release(self, *, reuse: bool) -> None:
        """The answer has ended: the connection waits for the next call, or is over."""
        self._recipient = None
        transport = self._transport
        assert transport is not None
        reuse = reuse and self._is_reusable and self._unsent is None and not self.is_over
        if reuse and not transport.get_write_buffer_size():
            self.resume()
            self.idle_since_s = self._spoke_s
            self._pool.keep(self)
        else:
            self.discard()

    def _broken(self, fault: GatewayFault) -> None:
        """The connection cannot go on: if it has a call, that has failed."""
        if self._recipient is not None:
            self.fail(fault)

    def _send(self, head: bytes, body: bytes) -> None:
        """Begin to send a request."""
        self._spoke_s = self._loop.time()
        if self._timer is None:
            self._timer = self._loop.call_later(self._silence_s, self._watch)
        if len(body) <= SEND_BYTES:
            self._write(head + body)
        else:
            self._unsent = memoryview(body)[SEND_BYTES:]
            self._write(head + body[:SEND_BYTES])
            self._send_more()

    def _write(self, data: bytes | memoryview) -> None:
        """Write if it is permitted.

        INVARIANT: between the permission and the write there is no await.
        """
        recipient, transport = self._recipient, self._transport
        if recipient is None or not recipient.may_send():
            self._broken(GatewayFault.UPSTREAM_FAILED)
        elif transport is not None and not self.is_over:
            transport.write(data)

    def _send_more(self) -> None:
        """Send what the upstream takes of the body; the rest when it has taken that."""
        transport = self._transport
        while self._unsent is not None and self._recipient is not None and transport is not None:
            if transport.get_write_buffer_size():
                return
            part, rest = self._unsent[:SEND_BYTES], self._unsent[SEND_BYTES:]
            self._unsent = rest if len(rest) else None
            self._write(part)

    def _watch(self) -> None:
        """Fail when the upstream has been silent for too long; what no one reads is not its silence."""
        self._timer = None
        if self._recipient is None:
            return
        left_s = self._spoke_s + self._silence_s - self._loop.time()
        if self._is_paused:
            left_s = self._silence_s
        if left_s > 0:
            self._timer = self._loop.call_later(left_s, self._watch)
        else:
            self.fail(GatewayFault.UPSTREAM_TIMEOUT)
