"""A client's connection, and its requests: strictly framed, bounded in size and in time.

Rules:
- A request that could be framed in two ways is answered with an error and ends the connection; no
  application sees it. What came before it is answered first.
- Requests on one connection are answered in their order, one after the other. After one that ends the
  connection nothing is read any more.
- An offer to speak another protocol (`Upgrade`) is read as if it were not there.
- The first byte that the kernel does not take pauses the sender. So at most one write and the kernel's
  `send_buffer_bytes` wait for a slow client, and a reset drops both.
- If a connection ends before its client has sent everything, the client gets the answer, the end of file and
  a grace period in which what it sends is dropped. Otherwise a reset could destroy the answer on its way.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import ip_address

import httptools

from sluicegate.http import head
from sluicegate.http.capacity import Capacity, address_key
from sluicegate.http.exchange import Disconnected, Handler, HttpExchange
from sluicegate.http.head import BadRequest, Fields, RequestHead
from sluicegate.http.response import error_response
from sluicegate.settings import HttpSettings

LINGER_MS = 2_000
_RESET = struct.pack("ii", 1, 0)
_MALFORMED = BadRequest(400, "the request is not valid HTTP/1.1")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Serving:
    """What the connections of one server have in common."""

    handler: Handler
    settings: HttpSettings
    capacity: Capacity
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    """Those that answer requests now."""
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    """Set whenever a connection or a task has ended."""


class HttpConnection(asyncio.Protocol):
    """One client's connection."""

    def __init__(self, serving: Serving) -> None:
        self.address = ""
        self.is_holder = False
        self.is_paused = False
        self.is_stopping = False
        self.is_over = False
        """Whether the connection is being ended, or is lost. Then no more is written."""
        self._serving = serving
        self._settings = serving.settings
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport
        self._peer = ""
        self._lost = False
        self._deaf = False
        """Whether what comes is dropped."""
        self._objection: BadRequest | None = None
        """What the client gets to know when the requests before are answered."""
        self._queue: deque[HttpExchange] = deque()
        """The request that is being answered, and those after it."""
        self._arriving: HttpExchange | None = None
        """The request whose body arrives."""
        self._drained = asyncio.Event()
        self._drained.set()
        self._timer: asyncio.TimerHandle | None = None
        self._parser = httptools.HttpRequestParser(self)
        self._target = b""
        self._fields: Fields = []
        self._in_head = False
        self._head_bytes = 0
        """The size of the head so far, as it was parsed."""
        self._unparsed_bytes = 0
        """The bytes that came while the head was incomplete: a field is parsed only as a whole."""

    # The transport

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Let the client in, or turn it away."""
        self._transport = transport
        self._peer = transport.get_extra_info("peername")[0]
        self.address = "" if self._is_proxy() else address_key(self._peer)
        if not self._serving.capacity.admit(self):
            self.is_over = self._deaf = True
            transport.write(error_response(BadRequest(503, "too many connections; nothing was done")))
            transport.close()
            return
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, self._settings.send_buffer_bytes)
        transport.set_write_buffer_limits(high=0)
        self._set_timer(self._settings.head_timeout_ms, self._head_late)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Notify those who answer requests of this client."""
        self._lost = True
        self._end()
        self._serving.capacity.leave(self)
        self._serving.ended.set()

    def data_received(self, data: bytes) -> None:
        """Parse, unless what comes is dropped."""
        if self._deaf:
            return
        in_head, arriving = self._in_head, self._arriving
        try:
            self._parse(data)
            if arriving is not None and arriving is self._arriving:
                arriving.crossed(len(data))
            self._bound_head(len(data) if in_head else 0)
        except BadRequest as problem:
            self._object(problem)

    def pause_writing(self) -> None:
        """Transport callback: the client does not take what was written."""
        self.is_paused = True
        self._drained.clear()
        self._serving.capacity.unread(self)

    def resume_writing(self) -> None:
        """Transport callback: it has taken everything."""
        self.is_paused = False
        self._drained.set()
        self._serving.capacity.read(self)

    # What the server asks

    def evict(self) -> None:
        """End it at once: it is idle. Its client may not have read the last response."""
        if self.is_paused:
            self.reset()
        else:
            self._end()
            self._transport.close()

    def stop(self) -> None:
        """Answer what is being answered, and end."""
        self.is_stopping = True
        if not self._queue:
            self.evict()
        self._deaf = self._deaf or self._arriving is None

    # What an exchange asks

    def write(self, data: bytes) -> None:
        """Write, unless the connection is being ended."""
        if not self.is_over:
            self._transport.write(data)

    async def writable(self) -> None:
        """Wait until the client has taken what was written; one that takes too long is reset."""
        timer = self._loop.call_later(self._settings.write_timeout_ms / 1000, self.reset)
        try:
            await self._drained.wait()
        finally:
            timer.cancel()

    def pause(self) -> None:
        """Let the client wait with the body."""
        if not self._transport.is_closing():
            self._transport.pause_reading()

    def resume(self) -> None:
        """Continue to read: more of the body, or that the client leaves."""
        if not self._transport.is_closing():
            self._transport.resume_reading()

    def expect_body(self) -> None:
        """Someone waits for the rest of the body: from now on its time counts."""
        if self._timer is None:
            self._set_timer(self._settings.body_timeout_ms, self._body_late)
        self.resume()

    def finished(self, exchange: HttpExchange, *, keep_alive: bool) -> None:
        """A response is complete."""
        assert self._queue[0] is exchange
        self._queue.popleft()
        if not keep_alive or self.is_stopping:
            self.leave(LINGER_MS)
        elif self._queue:
            self._begin(self._queue[0])
        elif self._objection is not None:
            self._tell(self._objection)
        else:
            self._wait()

    def fail(self, exchange: HttpExchange, problem: BadRequest) -> None:
        """End the connection with a problem of the request that is being answered."""
        if exchange.is_begun:
            self.reset()
        else:
            self._tell(problem)

    def leave(self, grace_ms: float) -> None:
        """Send end of file, drop what comes, and reset after the grace period."""
        if self.is_over:
            return
        self._end()
        if self._transport.is_closing():
            return
        self._serving.capacity.idle(self)
        self._set_timer(grace_ms, self.reset)
        self.resume()
        self._transport.write_eof()

    def reset(self) -> None:
        """Reset the connection; the bytes in the kernel are dropped too."""
        self._end()
        if not self._lost:
            sock = self._transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self._transport.abort()

    # The parser

    def on_message_begin(self) -> None:
        """Parser callback: a request's first byte."""
        if self._deaf:
            raise _MALFORMED
        self._target, self._fields, self._in_head = b"", [], True
        self._head_bytes = self._unparsed_bytes = 0
        if not self._queue:
            self._set_timer(self._settings.head_timeout_ms, self._head_late)

    def on_url(self, part: bytes) -> None:
        """Parser callback: a part of the target."""
        self._target += part
        if len(self._target) > self._settings.max_target_bytes:
            raise BadRequest(414, f"a target of more than {self._settings.max_target_bytes} bytes")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Parser callback: one field of the head, or of a chunked body's trailers, which are refused."""
        if not self._in_head:
            raise BadRequest(400, "a chunked body with trailers, expected none")
        self._head_bytes += len(name) + len(value) + 4
        if self._head_bytes > self._settings.max_head_bytes:
            raise self._too_large()
        self._fields.append((name, value))

    def on_headers_complete(self) -> None:
        """Parser callback: refuse what has two readings; then it is this request's turn, or it waits."""
        if self._parser.should_upgrade() and self._parser.get_method() != b"CONNECT":
            return  # it is parsed once more, without its offer
        self._in_head = False
        if not self._queue:
            self._unset_timer()
        if len(self._queue) > self._settings.max_pipelined:
            raise BadRequest(400, "too many requests that were sent before the answer to the first")
        request = head.read(
            self._parser.get_method(),
            self._target,
            self._parser.get_http_version(),
            self._fields,
            keep_alive=self._parser.should_keep_alive(),
        )
        self._arriving = HttpExchange(self, request, self._address_of(request))
        self._queue.append(self._arriving)
        if len(self._queue) == 1:
            self._begin(self._arriving)

    def on_body(self, data: bytes) -> None:
        """Parser callback: a part of the body."""
        if self._arriving is not None:
            self._arriving.took(data)

    def on_message_complete(self) -> None:
        """Parser callback: the end of a request."""
        if self._arriving is not None:
            arrived, self._arriving = self._arriving, None
            if arrived is self._queue[0]:
                self._unset_timer()
            arrived.arrived()
            self._deaf = self._deaf or not arrived.head.keep_alive or self.is_stopping

    def _parse(self, data: bytes) -> None:
        """Parse what came. Raises: BadRequest."""
        while data and not self._deaf:
            data = self._parse_once(data)

    def _parse_once(self, data: bytes) -> bytes:
        """Parse what came; what of it is to be parsed again. Raises: BadRequest."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as offer:
            return self._without_offer() + data[offer.args[0] :]
        except httptools.HttpParserError as error:
            if not self._deaf:  # else it is about what comes after the last request
                raise _cause(error) from None
        return b""

    def _without_offer(self) -> bytes:
        """The head that has just been parsed, without its offer to speak another protocol.

        The parser would take everything after that head, also its body, for the other protocol.
        """
        method, version = self._parser.get_method(), self._parser.get_http_version().encode()
        self._parser = httptools.HttpRequestParser(self)
        kept = [b"%b: %b\r\n" % each for each in self._fields if each[0].lower() != b"upgrade"]
        return b"%b %b HTTP/%b\r\n%b\r\n" % (method, self._target, version, b"".join(kept))

    # How long, and how large

    def _bound_head(self, more: int) -> None:
        if self._in_head:
            self._unparsed_bytes += more
            if self._unparsed_bytes > self._settings.max_head_bytes:
                raise self._too_large()

    def _too_large(self) -> BadRequest:
        return BadRequest(431, f"a head of more than {self._settings.max_head_bytes} bytes")

    def _head_late(self) -> None:
        if self._in_head:
            self._object(BadRequest(408, f"no head within {self._settings.head_timeout_ms} ms"))
        else:
            self.evict()

    def _body_late(self) -> None:
        self._object(BadRequest(408, f"no whole body within {self._settings.body_timeout_ms} ms"))

    # What happens next

    def _begin(self, exchange: HttpExchange) -> None:
        self._serving.capacity.busy(self)
        task = self._loop.create_task(self._answer(exchange))
        self._serving.tasks.add(task)
        task.add_done_callback(self._answered)

    async def _answer(self, exchange: HttpExchange) -> None:
        try:
            if self.is_paused:
                await self.writable()  # or answers that no one reads would pile up
            await self._serving.handler(exchange)
        except Disconnected:
            pass
        except Exception:  # noqa: BLE001 - the client is told, and the log says what it was
            if not exchange.is_over:  # else it has been answered, and said so in the log
                _log.exception("%s %s failed", exchange.head.method, exchange.head.path.decode("ascii"))
        exchange.fail()

    def _answered(self, task: asyncio.Task[None]) -> None:
        self._serving.tasks.discard(task)
        self._serving.ended.set()

    def _wait(self) -> None:
        """Wait for the next request."""
        self._serving.capacity.idle(self)
        if self._in_head:
            self._set_timer(self._settings.head_timeout_ms, self._head_late)
        else:
            self._set_timer(self._settings.idle_timeout_ms, self.evict)
        self.resume()

    def _object(self, problem: BadRequest) -> None:
        """Read no more, and say what is wrong when the requests before are answered."""
        self._deaf = True
        self._unset_timer()
        self._objection = problem
        if self._arriving is not None:
            broken, self._arriving = self._arriving, None
            if broken is self._queue[0]:
                self.fail(broken, problem)
                return
            self._queue.remove(broken)
            broken.abandon()
        if not self._queue:
            self._tell(problem)

    def _tell(self, problem: BadRequest) -> None:
        if not self.is_over:
            self._transport.write(error_response(problem))
            self.leave(LINGER_MS)

    def _end(self) -> None:
        """Write no more. Those who answer requests get to know that the client is gone."""
        self.is_over = self._deaf = True
        self._unset_timer()
        self._drained.set()
        while self._queue:
            self._queue.popleft().abandon()

    def _set_timer(self, delay_ms: float, then: Callable[[], None]) -> None:
        self._unset_timer()
        self._timer = self._loop.call_later(delay_ms / 1000, self._on_time, then)

    def _on_time(self, then: Callable[[], None]) -> None:
        self._timer = None
        then()

    def _unset_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # Whose it is

    def _is_proxy(self) -> bool:
        return _is_within(self._peer, self._settings)

    def _address_of(self, request: RequestHead) -> str:
        """Whose a request is: the client's, or the last address that a proxy of ours names."""
        if self.address:
            return self.address
        named = (request.field(b"x-forwarded-for") or b"").rpartition(b",")[2].strip()
        return address_key(named[:64].decode("latin-1") or self._peer)


def _cause(error: httptools.HttpParserError) -> BaseException:
    """What a parser callback raised; without one, the bytes are at fault."""
    return error.__context__ or _MALFORMED


def _is_within(host: str, settings: HttpSettings) -> bool:
    address = ip_address(host.partition("%")[0])
    return any(address in network for network in settings.proxies)
