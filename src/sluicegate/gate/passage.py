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
from collections.abc import Awaitable
from typing import NamedTuple

from sluicegate.core.access import programmes
from sluicegate.core.access.refusals import Deny
from sluicegate.core.access.table import Table
from sluicegate.errors import Unreachable
from sluicegate.gate.dialects import GatewayFault, Headers, stand_in_headers
from sluicegate.gate.effective import Watch
from sluicegate.gate.engine import Flight
from sluicegate.gate.event_passage import EventPassage
from sluicegate.gate.exchange import NO_CONTENT, Exchange, Progress
from sluicegate.gate.outlet import SLICE_BYTES, Outlet
from sluicegate.gate.programmes import carriers_of
from sluicegate.gate.sse import EventRoom, EventShare
from sluicegate.gate.upstream import Call, Upstream, UpstreamAnswer
from sluicegate.gate.upstream_error import ERROR_BYTES, FROM, UpstreamError
from sluicegate.http.head import NAME
from sluicegate.settings import GatewaySettings

ANSWERS = frozenset({200, 201, 202, 203, 204})
"""The statuses of an answer. Others were not asked for: a part, several answers, a form to reset."""
HTTP_ERRORS = 400
REQUEST_ID = b"x-sluicegate-request-id"
"""The header with the id of a request that an upstream has answered, as in the request log."""

_ONCE = (b"content-type", b"content-encoding")
_IDS = frozenset({b"x-request-id", b"request-id"})
"""The headers by which model servers name a request in their answers."""
_NO_CARRIERS: frozenset[bytes] = frozenset()
_FAULTS = {fault.code: fault for fault in GatewayFault}


class _Content(NamedTuple):
    """What a body is: whether a stream of events, and whether it is not encoded."""

    is_events: bool
    is_plain: bool


def _content(headers: Headers) -> _Content | None:
    """What the body of an answer is; None if that is said twice."""
    found = dict.fromkeys(_ONCE, b"")
    for name, value in headers:
        if name in found:
            if found[name]:
                return None
            found[name] = value.lower() or b","
    kind, coding = found.values()
    kind = kind.partition(b";")[0]
    if b"," in kind or b"," in coding:
        return None
    return _Content(kind.strip() == b"text/event-stream", coding in {b"", b"identity"})


class Passage:
    """Carries one request through the gateway.

    The code that admits the request sets `flight` before `carry`; `room` is what all streams share.
    """

    __slots__ = ("_exchange", "_outlet", "_room", "_settings", "_table", "_watch", "flight")

    def __init__(self, exchange: Exchange, settings: GatewaySettings, room: EventRoom, table: Table) -> None:
        self._exchange = exchange
        self._settings = settings
        self._room = room
        self._table = table
        self._outlet: Outlet
        self._watch: Watch
        self.flight: Flight

    def cut(self, deny: Deny) -> None:
        """End the request with a refusal."""
        self._exchange.refuse(deny, self._table.size, self._settings.cut_grace_ms)
        self._exchange.stop()

    async def carry(self, upstream: Upstream, body: bytes) -> None:
        """Forward the request and its answer; return when the exchange is over."""
        exchange = self._exchange
        self._outlet = Outlet(exchange, self.flight, self._settings.cut_grace_ms)
        self._watch = exchange.trace.watch = self._watching()
        exchange.waits()
        if exchange.over():
            return
        asked, grant = (exchange.path, exchange.query, exchange.headers), self.flight.allow.grant.id
        calling = upstream.call(Call(*asked, body, self._outlet.may, grant, self._carriers()))
        del asked, body  # it is kept only until it is sent
        exchange.forget_headers()
        try:
            await self._carry(calling)
        except Unreachable as error:
            self._outlet.fail(_FAULTS[error.code])
        except asyncio.CancelledError:
            if not exchange.over():
                exchange.connection.reset()
                raise

    def _watching(self) -> Watch:
        """What looks at the answer."""
        ask, grant = self.flight.ask, self.flight.allow.grant
        has_programmes = self._table.offers[ask.model].release in self._table.programmed
        return Watch(ask.model, ask.programmes, grant, has_programmes=has_programmes)

    def _carriers(self) -> frozenset[bytes]:
        """The headers with programmes that the request was allowed."""
        ask = self.flight.ask
        if not ask.programmes:
            return _NO_CARRIERS
        in_profiles = self._table.in_profiles(ask.model)
        return carriers_of(programmes.counted(ask.programmes, in_profiles=in_profiles))

    async def _carry(self, calling: Awaitable[UpstreamAnswer]) -> None:
        answer = await calling
        trace = self._exchange.trace
        trace.upstream_status = answer.status
        if trace.under is not None:
            trace.upstream_id = next((value for name, value in answer.headers if name in _IDS), b"")
        try:
            content = _content(answer.headers)
            if content is None or not (answer.status in ANSWERS or HTTP_ERRORS <= answer.status < 600):
                self._outlet.fail(GatewayFault.UPSTREAM_FAILED)
            elif answer.status >= HTTP_ERRORS:
                await self._forward_error(answer, content)
            else:
                await self._forward(answer, content)
                if self._exchange.outcome == "answered":
                    self.flight.prove()
        finally:
            answer.close()

    async def _forward(self, answer: UpstreamAnswer, content: _Content) -> None:
        if not content.is_events:
            watch = self._watch if content.is_plain else None
            await self._forward_body(answer, [*answer.headers, *self._told()], watch=watch)
        elif content.is_plain:
            headers = [field for field in answer.headers if field[0] != b"content-length"]
            share = EventShare(self._room, self.flight.credential.grant.organization)
            events = EventPassage(self._outlet, self._settings, share, self._watch)
            await events.carry(answer, [*headers, *self._told()])
        else:
            self._outlet.fail(GatewayFault.UPSTREAM_FAILED)

    async def _forward_body(
        self,
        answer: UpstreamAnswer,
        headers: list[tuple[bytes, bytes]],
        data: bytes = b"",
        watch: Watch | None = None,
    ) -> None:
        """Pass a body on, of which `data` has been read.

        The head waits for the first bytes. So most answers need one write, or can still be refused.
        """
        outlet = self._outlet
        if not (data or answer.ended):
            data = await answer.read()
        sized = b"content-length" in map(NAME, headers)
        if answer.ended and not sized and answer.status != NO_CONTENT:
            headers.append((b"content-length", b"%d" % len(data)))
        if watch is not None:
            watch.took(data)
        if not await outlet.clear():
            return
        self._exchange.begin(Progress.BODY, answer.status, headers, data[:SLICE_BYTES])
        sent = await outlet.send(data[SLICE_BYTES:])
        while sent and not answer.ended and (data := await answer.read()):
            if watch is not None:
                watch.took(data)
            sent = await outlet.send(data)
        if watch is not None:
            watch.end()
        if sent:
            await outlet.end()

    async def _forward_error(self, answer: UpstreamAnswer, content: _Content) -> None:
        """Pass an error on, marked as the upstream's, unless it is about our own account there."""
        body = b""
        while not answer.ended and len(body) <= ERROR_BYTES:
            body += await answer.read()
        is_read = content.is_plain and answer.ended and len(body) <= ERROR_BYTES
        error = UpstreamError(body if is_read else None, answer.status)
        self._watch.refused(error.code)
        if error.fault is not None:
            self._outlet.fail(error.fault)
            return
        headers = [field for field in answer.headers if field[0] != b"content-length"]
        await self._forward_body(answer, [*headers, *self._told(), FROM], error.marked())

    def _told(self) -> Headers:
        """The request's id, and the headers that say that a fallback answers."""
        ask, own = self.flight.ask, (REQUEST_ID, self._exchange.trace.id.encode())
        if not ask.instead_of:
            return (own,)
        return (own, *stand_in_headers(ask.model, ask.instead_of, self.flight.directive))
