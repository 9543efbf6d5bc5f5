"""A client's connection: whose turn it is, what is written, how long it may take, and how it ends.

Rules:
- What cannot be read in one way (`reader.py`) is answered with an error and ends the connection; no
  application sees it. What came before it is answered first.
- Requests on one connection are answered in their order, one after the other. After one that ends the
  connection nothing is read any more.
- A handler is called when all is read that came with the head. There is a task only for what it returns.
- The first byte that the kernel does not take pauses the sender. So at most one write and the kernel's
  `send_buffer_bytes` wait for a slow client, and a reset drops both.
- If a connection ends before its client has sent everything, the client gets the answer, the end of file and
  a grace period in which what it sends is dropped. Otherwise a reset could destroy the answer on its way.
"""

from __future__ import annotations

import asyncio
import logging
import math
import socket
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from functools import partial
from ipaddress import ip_address
from itertools import islice
from typing import Any

from sluicegate.http import tcp
from sluicegate.http.capacity import Capacity, address_key
from sluicegate.http.exchange import Disconnected, Handler, HttpExchange
from sluicegate.http.head import BadRequest, RequestHead
from sluicegate.http.reader import RequestReader
from sluicegate.http.response import ErrorForm
from sluicegate.settings import HttpSettings

LINGER_MS = 2_000
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Serving:
    """What the connections of one server have in common."""

    handler: Handler
    settings: HttpSettings
    capacity: Capacity
    error_form: ErrorForm
    tasks: set[asyncio.Task[None] | None] = field(default_factory=set)
    """Those that answer requests now."""
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    """Set whenever a connection or a task has ended."""


class HttpConnection(asyncio.Protocol):
    """One client's connection."""

    __slots__ = (
        "_is_reading_paused",
        "_late_s",
        "_loop",
        "_lost",
        "_objection",
        "_on_late",
        "_on_writable",
        "_peer",
        "_queue",
        "_reader",
        "_serving",
        "_settings",
        "_timer",
        "_transport",
        "_unread",
        "_waiting",
        "address",
        "is_holder",
        "is_over",
        "is_paused",
        "is_stopping",
    )

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
        self._reader = RequestReader(self, serving.settings)
        self._is_reading_paused = False
        self._objection: BadRequest | None = None
        """What the client gets to know when the requests before are answered."""
        self._queue: list[HttpExchange] = []
        """The request that is being answered, and those after it."""
        self._waiting: HttpExchange | None = None
        """The first of them, if no one answers it yet."""
        self._on_writable: Callable[[], None] | None = None
        self._unread: asyncio.TimerHandle | None = None
        """How long the client may leave unread what was written, while someone waits for it."""
        self._timer: asyncio.TimerHandle | None = None
        """It may ring before the time is over; then it is set again. So a new limit costs no new timer."""
        self._late_s = math.inf
        """When the time of what is awaited is over, by the loop's clock."""
        self._on_late: Callable[[], None] | None = None

    # The transport

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Let the client in, or turn it away."""
        self._transport = transport
        peer = transport.get_extra_info("peername")
        if peer is None:  # it has reset the connection already
            self._reader.close()
            self.reset()
            return
        self._peer = peer[0]
        self.address = "" if self._is_proxy() else address_key(self._peer)
        if not self._serving.capacity.admit(self):
            self.is_over = True
            self._reader.close()
            transport.write(self._error(BadRequest(503, "too many connections; nothing was done")))
            transport.close()
            return
        sock = transport.get_extra_info("socket")
        tcp.send_at_once(sock)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, self._settings.send_buffer_bytes)
        transport.set_write_buffer_limits(high=0)
        self._set_timer(self._settings.head_timeout_ms, self._head_late)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Notify those who answer requests of this client."""
        self._lost = True
        self._end()
        if self._timer is not None:
            self._timer.cancel()
        self._serving.capacity.leave(self)
        self._serving.ended.set()

    def data_received(self, data: bytes) -> None:
        """Read, unless what comes is dropped; then answer the request whose turn it is."""
        if self._reader.is_closed:
            return
        try:
            self._reader.feed(data)
        except BadRequest as problem:
            self._object(problem)
        waiting = self._waiting
        if waiting is not None:
            self._answer(waiting)

    def pause_writing(self) -> None:
        """Transport callback: the client does not take what was written."""
        self.is_paused = True
        self._serving.capacity.unread(self)

    def resume_writing(self) -> None:
        """Transport callback: it has taken everything."""
        self.is_paused = False
        self._serving.capacity.read(self)
        self._call_writer()

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
        elif self._reader.arriving is None:
            self._reader.close()

    # What an exchange asks

    def write(self, data: bytes) -> None:
        """Write, unless the connection is being ended."""
        if not self.is_over:
            self._transport.write(data)

    def when_writable(self, then: Callable[[], None]) -> None:
        """Call back when the client has taken what was written, or is gone; one that takes too long is reset.

        Requires: it is paused, and no one else waits.
        """
        self._on_writable = then
        self._unread = self._loop.call_later(self._settings.write_timeout_ms / 1000, self.reset)

    def pause(self) -> None:
        """Let the client wait with the body."""
        if not (self._is_reading_paused or self._transport.is_closing()):
            self._is_reading_paused = True
            self._transport.pause_reading()

    def resume(self) -> None:
        """Continue to read: more of the body, or that the client leaves."""
        if self._is_reading_paused and not (self._transport.is_closing() or self._has_bodies_waiting()):
            self._is_reading_paused = False
            self._transport.resume_reading()

    def expect_body(self) -> None:
        """Someone waits for the rest of the body: from now on its time counts."""
        if self._late_s == math.inf:
            self._set_timer(self._settings.body_timeout_ms, self._body_late)
        self.resume()

    def finished(self, exchange: HttpExchange, *, keep_alive: bool) -> None:
        """A response is complete."""
        assert self._queue[0] is exchange
        self._queue.pop(0)
        if not keep_alive or self.is_stopping:
            is_waited_for = exchange.body_arrived and not self.is_stopping
            self.leave(self._settings.write_timeout_ms if is_waited_for else LINGER_MS)
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
            self._tell(problem, exchange.head)

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
        try:
            self._transport.write_eof()
        except OSError:  # the other end has left, and the loop has not heard of it yet
            self.reset()

    def reset(self) -> None:
        """Reset the connection; the bytes in the kernel are dropped too."""
        self._end()
        if not self._lost:
            tcp.reset_at_close(self._transport.get_extra_info("socket"))
            self._transport.abort()

    # What the reader finds

    def head_begins(self) -> None:
        """The first byte of a request is here: its time counts, unless others are before it."""
        if not self._queue:
            self._set_timer(self._settings.head_timeout_ms, self._head_late)

    def head_ends(self, request: RequestHead) -> HttpExchange:
        """A request's head is here: it is this request's turn, or it waits. Raises: BadRequest."""
        if not self._queue:
            self._unset_timer()
        if len(self._queue) > self._settings.max_pipelined:
            raise BadRequest(400, "too many requests that were sent before the answer to the first")
        arriving = HttpExchange(self, request, self.address or self._address_of(request))
        self._queue.append(arriving)
        if len(self._queue) == 1:
            self._waiting = arriving
            self._serving.capacity.busy(self)
        return arriving

    def body_ends(self, exchange: HttpExchange) -> None:
        """All of a request is here."""
        if exchange is self._queue[0]:
            self._unset_timer()
        exchange.arrived()
        if self._has_bodies_waiting():
            self.pause()
        if self.is_stopping:
            self._reader.close()

    # Whose turn it is

    def _begin(self, exchange: HttpExchange) -> None:
        """It is another request's turn."""
        self._serving.capacity.busy(self)
        self._answer(exchange)

    def _answer(self, exchange: HttpExchange) -> None:
        """Have a request answered; what that waits for is waited for in a task."""
        self._waiting = None
        if self.is_paused:  # or answers that no one reads would pile up
            self.when_writable(partial(self._answer_if_there, exchange))
            return
        try:
            answering = self._serving.handler(exchange)
        except Exception as error:  # noqa: BLE001 - see `_failed`
            self._failed(exchange, error)
            return
        if answering is not None:
            self._start(exchange, answering)

    def _answer_if_there(self, exchange: HttpExchange) -> None:
        """Have a request answered, unless its client is gone."""
        if not exchange.is_over:
            self._answer(exchange)

    def _start(self, exchange: HttpExchange, answering: Coroutine[Any, Any, None]) -> None:
        exchange.task = task = self._loop.create_task(self._run(exchange, answering))
        self._serving.tasks.add(task)

    async def _run(self, exchange: HttpExchange, answering: Coroutine[Any, Any, None]) -> None:
        try:
            await answering
        except Disconnected:
            pass
        except Exception as error:  # noqa: BLE001 - see `_failed`
            self._failed(exchange, error)
        finally:
            self._serving.tasks.discard(exchange.task)
            self._serving.ended.set()

    def _failed(self, exchange: HttpExchange, error: Exception) -> None:
        """A handler has refused a request, or has failed: the client is answered."""
        if exchange.is_over:  # it has been answered, and said so in the log
            return
        if isinstance(error, BadRequest):
            self.fail(exchange, error)
        else:
            _log.error("a %s request failed", exchange.head.method, exc_info=error)
            exchange.fail()

    def _has_bodies_waiting(self) -> bool:
        """Whether a request has its body here before it is its turn. Until then no more is read, or those of
        all that wait would pile up.
        """
        return len(self._queue) > 1 and any(
            each.body_arrived and not each.body_taken for each in islice(self._queue, 1, None)
        )

    def _wait(self) -> None:
        """Wait for the next request."""
        self._serving.capacity.idle(self)
        if self._reader.in_head:
            self._set_timer(self._settings.head_timeout_ms, self._head_late)
        else:
            self._set_timer(self._settings.idle_timeout_ms, self.evict)
        self.resume()

    # How it ends

    def _head_late(self) -> None:
        if self._reader.in_head:
            self._object(BadRequest(408, f"no head within {self._settings.head_timeout_ms} ms"))
        else:
            self.evict()

    def _body_late(self) -> None:
        self._object(BadRequest(408, f"no whole body within {self._settings.body_timeout_ms} ms"))

    def _object(self, problem: BadRequest) -> None:
        """Read no more, and say what is wrong when the requests before are answered."""
        broken = self._reader.close()
        self._unset_timer()
        self._objection = problem
        if broken is not None:
            if broken is self._queue[0]:
                self.fail(broken, problem)
                return
            self._queue.remove(broken)
            broken.abandon()
        if not self._queue:
            self._tell(problem)

    def _tell(self, problem: BadRequest, request: RequestHead | None = None) -> None:
        if not self.is_over:
            self._transport.write(self._error(problem, request))
            self.leave(LINGER_MS)

    def _error(self, problem: BadRequest, request: RequestHead | None = None) -> bytes:
        """A response that the server itself gives, in the form of what was asked for."""
        if request is not None:
            return self._serving.error_form(problem, request.path, request.fields)
        return self._serving.error_form(problem, self._reader.target, self._reader.known_fields())

    def _end(self) -> None:
        """Write no more. Those who answer requests get to know that the client is gone."""
        self.is_over = True
        self._waiting = None
        self._reader.close()
        self._unset_timer()
        while self._queue:
            self._queue.pop(0).abandon()
        self._call_writer()

    def _call_writer(self) -> None:
        """Call who waits to write, if someone does."""
        then, self._on_writable = self._on_writable, None
        if then is not None and self._unread is not None:
            self._unread.cancel()
            then()

    def _set_timer(self, delay_ms: float, then: Callable[[], None]) -> None:
        self._late_s = late_s = self._loop.time() + delay_ms / 1000
        self._on_late = then
        timer = self._timer
        if timer is not None:
            if timer.when() <= late_s:
                return
            timer.cancel()
        self._timer = self._loop.call_at(late_s, self._ring)

    def _ring(self) -> None:
        """The timer's time is over: that of what is awaited may be later, or nothing may be awaited."""
        self._timer = None
        if self._late_s == math.inf:
            return
        if self._loop.time() < self._late_s:
            self._timer = self._loop.call_at(self._late_s, self._ring)
        elif (on_late := self._on_late) is not None:
            self._unset_timer()
            on_late()

    def _unset_timer(self) -> None:
        self._late_s = math.inf
        self._on_late = None

    # Whose it is

    def _is_proxy(self) -> bool:
        return _is_within(self._peer, self._settings)

    def _address_of(self, request: RequestHead) -> str:
        """Whose a request through a proxy of ours is: the last address that it names."""
        named = (request.field(b"x-forwarded-for") or b"").rpartition(b",")[2].strip()
        return address_key(named[:64].decode("latin-1") or self._peer)


def _is_within(host: str, settings: HttpSettings) -> bool:
    address = ip_address(host.partition("%")[0])
    return any(address in network for network in settings.proxies)
