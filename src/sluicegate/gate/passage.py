"""An admitted request on its way: to the upstream, and the answer back to the client.

Rules:
- Before every write to the upstream and to the client the flight is checked, with no await in between.
- `cut` is synchronous: when it returns, the refusal has been written to the client, no upstream byte will
  follow it, and the call to the upstream is closed. The same holds when the client leaves.
- Nothing waits in a task: what the upstream says is passed on in the callback that took it from the socket,
  and what the client has not taken goes on in the callback that says that it has.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from sluicegate.core.access import programmes
from sluicegate.core.access.decision import Ask
from sluicegate.core.access.refusals import Deny
from sluicegate.core.access.table import Table
from sluicegate.gate.dialects import GatewayFault, Headers, stand_in_headers
from sluicegate.gate.effective import Watch
from sluicegate.gate.engine import Flight
from sluicegate.gate.event_passage import UNBUFFERED, EventPassage
from sluicegate.gate.exchange import NO_CONTENT, Exchange, Progress
from sluicegate.gate.outlet import Outlet
from sluicegate.gate.programmes import carriers_of
from sluicegate.gate.sse import EventRoom, EventShare
from sluicegate.gate.upstream import Call, Calling, Upstream
from sluicegate.gate.upstream_error import ERROR_BYTES, FROM, UpstreamError
from sluicegate.http.head import NAME
from sluicegate.settings import GatewaySettings

ANSWERS = frozenset({200, 201, 202, 203, 204})
"""The statuses of an answer. Others were not asked for: a part, several answers, a form to reset."""
HTTP_ERRORS = 400
REQUEST_ID = b"x-sluicegate-request-id"
"""The header with the id of a request that an upstream has answered, as in the request log."""

_IDS = frozenset({b"x-request-id", b"request-id"})
"""The headers by which model servers name a request in their answers."""
_NO_CARRIERS: frozenset[bytes] = frozenset()
_OVER = Progress.OVER


class _Content(NamedTuple):
    """What a body is: whether a stream of events, and whether it is not encoded."""

    is_events: bool
    is_plain: bool


_CONTENTS = {(events, plain): _Content(events, plain) for events in (True, False) for plain in (True, False)}


def _content(headers: Headers) -> _Content | None:
    """What the body of an answer is; None if that is said twice."""
    kind = coding = b""
    for name, value in headers:
        if name == b"content-type":
            if kind:
                return None
            kind = value.lower() or b","
        elif name == b"content-encoding":
            if coding:
                return None
            coding = value.lower() or b","
    kind = kind.partition(b";")[0]
    if kind.find(b",") >= 0 or coding.find(b",") >= 0:
        return None
    return _CONTENTS[kind.strip() == b"text/event-stream", coding in {b"", b"identity"}]


class Way(Protocol):
    """How one kind of answer is passed on."""

    def took(self, data: bytes, *, is_last: bool) -> bool:
        """Pass the next bytes on. Returns: whether they are written, and more may come."""

    def cleared(self) -> bool:
        """What had to wait is written. Returns: whether more may come."""

    def end(self) -> None:
        """All has come, and is written."""

    def stop(self) -> None:
        """The exchange is over."""


class Passage:
    """Carries one request through the gateway: its `Recipient`.

    `room` is what all streams share.
    """

    __slots__ = (
        "_calling",
        "_exchange",
        "_fault",
        "_flight",
        "_is_complete",
        "_outlet",
        "_room",
        "_settings",
        "_table",
        "_watch",
        "_way",
    )

    def __init__(self, exchange: Exchange, settings: GatewaySettings, room: EventRoom, table: Table) -> None:
        self._exchange = exchange
        self._settings = settings
        self._room = room
        self._table = table
        self._calling: Calling | None = None
        self._way: Way | None = None
        self._is_complete = False
        """Whether all of the answer is here."""
        self._fault: GatewayFault | None = None
        """How it has failed; the client gets to know it after what it has not taken yet."""
        self._flight: Flight
        self._outlet: Outlet
        self._watch: Watch

    def cut(self, deny: Deny) -> None:
        """End the request with a refusal."""
        self._exchange.refuse(deny, self._table.size, self._settings.cut_grace_ms)

    def carry(self, flight: Flight, upstream: Upstream, body: bytes) -> None:
        """Forward the request; its answer is passed on as it comes."""
        exchange, self._flight = self._exchange, flight
        ask, grant = flight.ask, flight.allow.grant
        self._outlet = Outlet(exchange, flight, self._settings.cut_grace_ms, self._cleared)
        has_programmes = self._table.offers[ask.model].release in self._table.programmed
        self._watch = Watch(ask.model, ask.programmes, grant, has_programmes=has_programmes)
        exchange.trace.watch = self._watch
        exchange.stop = self._stop
        self._calling = upstream.call(
            Call(exchange.path, exchange.query, exchange.headers, body, grant.id, self._carriers(ask)), self
        )
        if exchange.over():
            self._stop()

    def _carriers(self, ask: Ask) -> frozenset[bytes]:
        """The headers with programmes that the request was allowed."""
        if not ask.programmes:
            return _NO_CARRIERS
        in_profiles = self._table.in_profiles(ask.model)
        return carriers_of(programmes.counted(ask.programmes, in_profiles=in_profiles))

    def _stop(self) -> None:
        """The exchange is over."""
        self._outlet.cleared = _nothing
        if self._calling is not None:
            self._calling.leave(self)
        if self._way is not None:
            self._way.stop()

    # What the upstream says

    def may_send(self) -> bool:
        """See `Recipient.may_send`."""
        return self._outlet.may()

    def begun(self, status: int, headers: Headers) -> None:
        """See `Recipient.begun`."""
        trace = self._exchange.trace
        trace.upstream_status = status
        if trace.under is not None:
            trace.upstream_id = next((value for name, value in headers if name in _IDS), b"")
        content = _content(headers)
        if content is None or not (status in ANSWERS or HTTP_ERRORS <= status < 600):
            self._outlet.fail(GatewayFault.UPSTREAM_FAILED)
        elif status >= HTTP_ERRORS:
            headers = [field for field in headers if field[0] != b"content-length"]
            told = [*headers, *self._told(), FROM]
            self._way = ErrorPassage(self._outlet, self._watch, status, told, is_plain=content.is_plain)
        elif not content.is_events:
            watch = self._watch if content.is_plain else None
            self._way = BodyPassage(self._outlet, watch, status, [*headers, *self._told()])
        elif content.is_plain:
            self._exchange.forget_headers()
            share = EventShare(self._room, self._flight.credential.grant.organization)
            headers = [field for field in headers if field[0] != b"content-length"]
            told = [*headers, *self._told(), UNBUFFERED]
            self._way = EventPassage(self._outlet, self._watch, self._settings, share, status, told)
        else:
            self._outlet.fail(GatewayFault.UPSTREAM_FAILED)

    def took(self, data: bytes, *, is_last: bool) -> bool:
        """See `Recipient.took`."""
        way = self._way
        if way is None or self._exchange.stage is _OVER:
            return False
        self._is_complete = is_last
        goes_on = way.took(data, is_last=is_last)
        if is_last and goes_on:
            self._end()
        return goes_on

    def failed(self, fault: GatewayFault) -> None:
        """See `Recipient.failed`."""
        self._fault = fault
        if self._outlet.is_clear():
            self._end()

    def _cleared(self) -> None:
        """The client has taken what had to wait."""
        if self._fault is not None or self._is_complete:
            self._end()
        elif self._way is not None and self._way.cleared() and self._calling is not None:
            self._calling.resume()

    def _end(self) -> None:
        """All that came has been written."""
        if self._fault is not None or self._way is None:
            self._outlet.fail(self._fault or GatewayFault.UPSTREAM_FAILED)
            return
        self._way.end()
        if self._exchange.outcome == "answered" and self._exchange.trace.upstream_status < HTTP_ERRORS:
            self._flight.prove()

    def _told(self) -> Headers:
        """The request's id, and the headers that say that a fallback answers."""
        ask, own = self._flight.ask, (REQUEST_ID, self._exchange.trace.id.encode())
        if not ask.instead_of:
            return (own,)
        return (own, *stand_in_headers(ask.model, ask.instead_of, self._flight.directive))


def _nothing() -> None:
    """Nothing is to be passed on any more."""


class BodyPassage:
    """Carries a body that is no stream of events.

    The head waits for the first bytes. So most answers need one write, or can still be refused.
    """

    __slots__ = ("_headers", "_outlet", "_status", "_watch")

    def __init__(
        self, outlet: Outlet, watch: Watch | None, status: int, headers: list[tuple[bytes, bytes]]
    ) -> None:
        self._outlet = outlet
        self._watch = watch
        self._status = status
        self._headers: list[tuple[bytes, bytes]] | None = headers

    def took(self, data: bytes, *, is_last: bool) -> bool:
        """See `Way.took`."""
        if self._watch is not None:
            self._watch.took(data)
            if is_last:
                self._watch.end()
        if not (data or is_last):
            return True
        headers, self._headers = self._headers, None
        if headers is not None:
            if is_last and self._status != NO_CONTENT and b"content-length" not in map(NAME, headers):
                headers.append((b"content-length", b"%d" % len(data)))
            self._outlet.begin(Progress.BODY, self._status, headers)
        return self._outlet.write(data)

    def cleared(self) -> bool:
        """See `Way.cleared`."""
        return True

    def end(self) -> None:
        """See `Way.end`."""
        self._outlet.end()

    def stop(self) -> None:
        """See `Way.stop`."""


class ErrorPassage:
    """Passes an error on, marked as the upstream's, unless it is about our own account there."""

    __slots__ = ("_body", "_headers", "_is_plain", "_outlet", "_status", "_watch")

    def __init__(
        self,
        outlet: Outlet,
        watch: Watch,
        status: int,
        headers: list[tuple[bytes, bytes]],
        *,
        is_plain: bool,
    ) -> None:
        self._outlet = outlet
        self._watch = watch
        self._status = status
        self._headers = headers
        self._is_plain = is_plain
        self._body = b""

    def took(self, data: bytes, *, is_last: bool) -> bool:
        """See `Way.took`."""
        self._body += data
        fits = len(self._body) <= ERROR_BYTES
        if fits and not is_last:
            return True
        error = UpstreamError(self._body if fits and self._is_plain else None, self._status)
        self._watch.refused(error.code)
        if error.fault is not None:
            self._outlet.fail(error.fault)
            return False
        marked = error.marked()
        self._watch.took(marked)
        self._watch.end()
        length = (b"content-length", b"%d" % len(marked))
        self._outlet.begin(Progress.BODY, self._status, [*self._headers, length])
        return self._outlet.write(marked)

    def cleared(self) -> bool:
        """See `Way.cleared`."""
        return True

    def end(self) -> None:
        """See `Way.end`."""
        self._outlet.end()

    def stop(self) -> None:
        """See `Way.stop`."""
