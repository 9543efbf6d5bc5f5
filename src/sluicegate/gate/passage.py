"""An admitted request on its way: to the upstream, and the answer back to the client.

Rules:
- Before every write to the upstream and to the client the flight is checked, with no await in between.
- `cut` is synchronous: when it returns, the refusal has been written to the client, no upstream byte will
  follow it, and the call to the upstream is being closed. The same holds when the client leaves.
- Only the request's own task waits. The code that ends the request cancels this task. If the exchange is
  over, the cancellation came from there; otherwise it came from outside.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from sluicegate.core.access.refusals import Deny
from sluicegate.errors import InvalidInput, Unreachable
from sluicegate.gate.dialects import GatewayFault, Headers, faulty, stand_in_headers
from sluicegate.gate.engine import Flight
from sluicegate.gate.exchange import NO_CONTENT, Exchange, Progress
from sluicegate.gate.sse import EventSplitter
from sluicegate.gate.upstream import Call, Upstream, UpstreamAnswer
from sluicegate.settings import GatewaySettings

HTTP_ERRORS = 400
SLICE_BYTES = 16 * 1024
"""The most that is written after one look at the lease."""

_FAULTS = {fault.code: fault for fault in GatewayFault}


class Passage:
    """Carries one request through the gateway.

    The code that admits the request sets `flight` before `carry`; `size` returns the log's size.
    """

    __slots__ = ("_exchange", "_settings", "_size", "_splitter", "_task", "_unwritten", "flight")

    def __init__(self, exchange: Exchange, settings: GatewaySettings, size: Callable[[], int]) -> None:
        self._exchange = exchange
        self._settings = settings
        self._size = size
        self._splitter = EventSplitter(settings.max_event_bytes)
        self._task: asyncio.Task[None] | None = None
        self._unwritten: bytes | memoryview = b""
        self.flight: Flight

    def cut(self, deny: Deny) -> None:
        """End the request with a refusal."""
        self._exchange.refuse(deny, self._size(), self._settings.cut_grace_ms)
        self._stop()

    async def carry(self, upstream: Upstream, body: bytes) -> None:
        """Forward the request and its answer; return when the exchange is over."""
        exchange = self._exchange
        self._task = asyncio.current_task()
        exchange.connection.on_lost(self._lost)
        if exchange.over():
            return
        try:
            await self._carry(
                upstream, Call(exchange.path, exchange.query, exchange.headers, body, self._may)
            )
        except Unreachable as error:
            self._fail(_FAULTS[error.code])
        except asyncio.CancelledError:
            if not exchange.over():
                exchange.connection.reset()
                raise

    async def _carry(self, upstream: Upstream, call: Call) -> None:
        answer = await upstream.call(call)
        try:
            fields = dict(answer.headers)
            kind = fields.get(b"content-type", b"").partition(b";")[0].strip().lower()
            if not (200 <= answer.status < 300 or 400 <= answer.status < 600):
                self._fail(GatewayFault.UPSTREAM_FAILED)
            elif kind != b"text/event-stream":
                await self._forward_body(answer, sized=b"content-length" in fields)
                self._prove(answer)
            elif fields.get(b"content-encoding", b"identity").lower() == b"identity":
                await self._forward_stream(answer)
                self._prove(answer)
            else:
                self._fail(GatewayFault.UPSTREAM_FAILED)
        finally:
            answer.close()

    def _prove(self, answer: UpstreamAnswer) -> None:
        if answer.status < HTTP_ERRORS and self._exchange.outcome == "answered":
            self.flight.prove()

    async def _forward_body(self, answer: UpstreamAnswer, *, sized: bool) -> None:
        """The head waits for the first bytes. So most answers need one write, or can still be refused."""
        exchange, headers = self._exchange, list(answer.headers)
        data = b"" if answer.ended else await answer.read()
        if answer.ended and not sized and answer.status != NO_CONTENT:
            headers.append((b"content-length", b"%d" % len(data)))
        if not await self._clear():
            return
        exchange.begin(Progress.BODY, answer.status, [*headers, *self._told()], data[:SLICE_BYTES])
        sent = await self._send(data[SLICE_BYTES:])
        while sent and not answer.ended and (data := await answer.read()):
            sent = await self._send(data)
        if sent:
            await self._end()

    async def _forward_stream(self, answer: UpstreamAnswer) -> None:
        if not await self._clear():
            return
        headers = [field for field in answer.headers if field[0] != b"content-length"]
        self._exchange.begin(Progress.STREAM, answer.status, [*headers, *self._told()])
        while not await answer.pour(self._take):
            if not await self._send(self._unwritten):
                return
        if await self._send(self._splitter.rest()):
            await self._end()

    def _take(self, data: bytes) -> bool:
        """Write the next part of a stream, if the client takes it; return whether more may come now."""
        try:
            events = self._splitter.feed(data)
        except InvalidInput:
            self._fail(GatewayFault.UPSTREAM_FAILED)
            return False
        self._unwritten = self._write(events)
        return not (self._unwritten or self._exchange.connection.is_paused)

    def _told(self) -> Headers:
        """The headers that say that a fallback answers."""
        ask = self.flight.ask
        return stand_in_headers(ask.model, ask.instead_of, self.flight.directive) if ask.instead_of else ()

    async def _send(self, data: bytes | memoryview) -> bool:
        """Write all of it, as the client takes it; return whether it was written."""
        while data:
            if not await self._clear():
                return False
            data = self._write(data)
        return True

    def _write(self, data: bytes | memoryview) -> bytes | memoryview:
        """Write in slices, with a check before each, while the client takes them. Returns: the rest.

        So a process that was paused and wakes up writes at most one slice that was checked before the pause.

        INVARIANT: between the check and the write there is no await.
        """
        exchange = self._exchange
        while data and not exchange.connection.is_paused and self._may():
            rest = memoryview(data)[SLICE_BYTES:]
            exchange.send(bytes(data[:SLICE_BYTES]) if rest else bytes(data), whole=not rest)
            data = rest
        return data

    async def _end(self) -> None:
        if await self._clear():
            self._exchange.end()

    async def _clear(self) -> bool:
        """Wait until the client has taken what was written; then return whether more may be written.

        INVARIANT: between the check and the write there is no await.
        """
        connection = self._exchange.connection
        if connection.is_paused:
            await connection.writable()
        return self._may()

    def _may(self) -> bool:
        return not self._exchange.over() and self.flight.check() is None

    def _fail(self, fault: GatewayFault) -> None:
        self._exchange.end_early(faulty(fault), self._settings.cut_grace_ms)

    def _lost(self) -> None:
        if not self._exchange.over():
            self._exchange.gone()
            self._stop()

    def _stop(self) -> None:
        """Wake the task, which closes the call. The task need not wake itself: it checks the stage."""
        if self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()
