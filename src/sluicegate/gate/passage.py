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
from collections.abc import Awaitable, Callable

from sluicegate.core.access.refusals import Deny
from sluicegate.errors import Unreachable
from sluicegate.gate.dialects import GatewayFault, Headers, stand_in_headers
from sluicegate.gate.engine import Flight
from sluicegate.gate.event_passage import EventPassage
from sluicegate.gate.exchange import NO_CONTENT, Exchange, Progress
from sluicegate.gate.outlet import SLICE_BYTES, Outlet
from sluicegate.gate.sse import EventShare
from sluicegate.gate.upstream import Call, Upstream, UpstreamAnswer
from sluicegate.gate.upstream_error import ERROR_BYTES, FROM, UpstreamError
from sluicegate.settings import GatewaySettings

HTTP_ERRORS = 400
REQUEST_ID = b"x-sluicegate-request-id"
"""The header with the id of a request that an upstream has answered, as in the request log."""

_FAULTS = {fault.code: fault for fault in GatewayFault}


class Passage:
    """Carries one request through the gateway.

    The code that admits the request sets `flight` before `carry`; `size` returns the log's size; `room` is
    what the streams of its organization share.
    """

    __slots__ = ("_exchange", "_outlet", "_room", "_settings", "_size", "_task", "flight")

    def __init__(
        self, exchange: Exchange, settings: GatewaySettings, room: EventShare, size: Callable[[], int]
    ) -> None:
        self._exchange = exchange
        self._settings = settings
        self._room = room
        self._size = size
        self._task: asyncio.Task[None] | None = None
        self._outlet: Outlet
        self.flight: Flight

    def cut(self, deny: Deny) -> None:
        """End the request with a refusal."""
        self._exchange.refuse(deny, self._size(), self._settings.cut_grace_ms)
        self._stop()

    async def carry(self, upstream: Upstream, body: bytes) -> None:
        """Forward the request and its answer; return when the exchange is over."""
        exchange = self._exchange
        self._task = asyncio.current_task()
        self._outlet = Outlet(exchange, self.flight, self._settings.cut_grace_ms)
        exchange.connection.on_lost(self._lost)
        if exchange.over():
            return
        asked, grant = (exchange.path, exchange.query, exchange.headers), self.flight.allow.grant
        calling = upstream.call(Call(*asked, body, self._outlet.may, grant))
        del asked, body  # it is kept only until it is sent
        try:
            await self._carry(calling)
        except Unreachable as error:
            self._outlet.fail(_FAULTS[error.code])
        except asyncio.CancelledError:
            if not exchange.over():
                exchange.connection.reset()
                raise

    async def _carry(self, calling: Awaitable[UpstreamAnswer]) -> None:
        answer = await calling
        self._exchange.trace.upstream_status = answer.status
        try:
            if HTTP_ERRORS <= answer.status < 600:
                await self._forward_error(answer)
            elif 200 <= answer.status < 300:
                await self._forward(answer)
                if self._exchange.outcome == "answered":
                    self.flight.prove()
            else:
                self._outlet.fail(GatewayFault.UPSTREAM_FAILED)
        finally:
            answer.close()

    async def _forward(self, answer: UpstreamAnswer) -> None:
        fields = dict(answer.headers)
        kind = fields.get(b"content-type", b"").partition(b";")[0].strip().lower()
        if kind != b"text/event-stream":
            await self._forward_body(answer, [*answer.headers, *self._told()])
        elif fields.get(b"content-encoding", b"identity").lower() == b"identity":
            headers = [field for field in answer.headers if field[0] != b"content-length"]
            events = EventPassage(self._outlet, self._settings, self._room)
            await events.carry(answer, [*headers, *self._told()])
        else:
            self._outlet.fail(GatewayFault.UPSTREAM_FAILED)

    async def _forward_body(
        self, answer: UpstreamAnswer, headers: list[tuple[bytes, bytes]], data: bytes = b""
    ) -> None:
        """Pass a body on, of which `data` has been read.

        The head waits for the first bytes. So most answers need one write, or can still be refused.
        """
        outlet = self._outlet
        if not (data or answer.ended):
            data = await answer.read()
        sized = any(name == b"content-length" for name, _ in headers)
        if answer.ended and not sized and answer.status != NO_CONTENT:
            headers.append((b"content-length", b"%d" % len(data)))
        if not await outlet.clear():
            return
        self._exchange.begin(Progress.BODY, answer.status, headers, data[:SLICE_BYTES])
        sent = await outlet.send(data[SLICE_BYTES:])
        while sent and not answer.ended and (data := await answer.read()):
            sent = await outlet.send(data)
        if sent:
            await outlet.end()

    async def _forward_error(self, answer: UpstreamAnswer) -> None:
        """Pass an error on, marked as the upstream's, unless it is about our own account there."""
        body = b""
        while not answer.ended and len(body) <= ERROR_BYTES:
            body += await answer.read()
        plain = all(name != b"content-encoding" for name, _ in answer.headers)
        is_read = plain and answer.ended and len(body) <= ERROR_BYTES
        error = UpstreamError(answer.status, body if is_read else None)
        if error.is_ours:
            self._outlet.fail(GatewayFault.UPSTREAM_REFUSED)
            return
        headers = [*answer.headers, *self._told(), FROM]
        marked = error.marked()
        if marked is not None:
            body = marked
            headers = [field for field in headers if field[0] != b"content-length"]
        await self._forward_body(answer, headers, body)

    def _told(self) -> Headers:
        """The request's id, and the headers that say that a fallback answers."""
        ask, own = self.flight.ask, (REQUEST_ID, self._exchange.trace.id.encode())
        if not ask.instead_of:
            return (own,)
        return (own, *stand_in_headers(ask.model, ask.instead_of, self.flight.directive))

    def _lost(self) -> None:
        if not self._exchange.over():
            self._exchange.gone()
            self._stop()

    def _stop(self) -> None:
        """Wake the task, which closes the call. The task need not wake itself: it checks the stage."""
        if self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()
