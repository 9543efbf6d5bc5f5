"""A stream of events on its way from an upstream to a client.

Rules:
- Only whole events are written, so that an error can follow at any time. What is held for that is bounded,
  for each event, for the streams of one organization, and for all streams together.
- A stream ends properly only after its dialect's last event. Otherwise it ends with an error event.
- An error event of the upstream is judged as its other errors are (`event_error.py`).
- After a long silence something is said that changes nothing, between two events, as any other write.
"""

from __future__ import annotations

import asyncio

from sluicegate.errors import InvalidInput
from sluicegate.gate.dialects import GatewayFault, Headers
from sluicegate.gate.effective import Watch
from sluicegate.gate.endings import IN_SILENCE, StreamEnd
from sluicegate.gate.event_error import judged
from sluicegate.gate.exchange import Progress
from sluicegate.gate.outlet import SLICE_BYTES, Bytes, Outlet
from sluicegate.gate.sse import EventShare, EventSplitter
from sluicegate.gate.upstream import UpstreamAnswer
from sluicegate.settings import GatewaySettings

UNBUFFERED = (b"x-accel-buffering", b"no")
"""The header by which a proxy in front passes a stream on as it comes."""


class EventPassage:
    """Carries one stream."""

    __slots__ = (
        "_end",
        "_held",
        "_loop",
        "_outlet",
        "_quiet_s",
        "_room",
        "_splitter",
        "_timer",
        "_unwritten",
        "_watch",
        "_wrote_s",
    )

    def __init__(self, outlet: Outlet, settings: GatewaySettings, room: EventShare, watch: Watch) -> None:
        self._outlet = outlet
        self._watch = watch
        self._room = room
        self._splitter = EventSplitter(settings.max_event_bytes)
        self._end = StreamEnd(outlet.exchange.dialect)
        outlet.exchange.next_number = self._end.next_number
        self._unwritten: Bytes = b""
        self._held = 0
        self._loop = asyncio.get_running_loop()
        self._quiet_s = settings.keep_alive_ms / 1000
        self._wrote_s = self._loop.time()
        self._timer: asyncio.TimerHandle | None = None

    async def carry(self, answer: UpstreamAnswer, headers: Headers) -> None:
        """Pass a stream on, to its end or to the end of the exchange. Raises: Unreachable."""
        if not await self._begin(answer, headers):
            return
        self._timer = self._loop.call_later(self._quiet_s, self._in_silence)
        try:
            while not await answer.pour(self._take):
                if not (await self._outlet.send(self._unwritten) and await self._outlet.clear()):
                    return
                self._unwritten = b""
                self._fits()
        finally:
            self._timer.cancel()
            self._release()
        if self._end.is_said and not self._splitter.held:
            await self._outlet.end()
        elif await self._outlet.clear():
            self._outlet.fail(GatewayFault.UPSTREAM_FAILED)

    async def _begin(self, answer: UpstreamAnswer, headers: Headers) -> bool:
        """Write the head, with the events that are here already. Returns: whether it goes on."""
        exchange = self._outlet.exchange
        if answer.has_more and not self._feed(await answer.read()):
            return False
        if not await self._outlet.clear():
            return False
        events, self._unwritten = bytes(self._unwritten), b""
        first = events if len(events) <= SLICE_BYTES else b""
        exchange.begin(Progress.STREAM, answer.status, [*headers, UNBUFFERED], first)
        return await self._outlet.send(events[len(first) :])

    def _take(self, data: bytes) -> bool:
        """Write what has come, as far as the client takes it. Returns: whether more may come now."""
        if not self._feed(data):
            return False
        if self._unwritten:
            self._wrote_s = self._loop.time()
            self._unwritten = self._outlet.write(self._unwritten)
        return self._fits() and not (self._unwritten or self._outlet.exchange.connection.is_paused)

    def _feed(self, data: bytes) -> bool:
        """Find the events that are whole now. Returns: False: one may not go on, and the stream has ended."""
        try:
            events = self._splitter.feed(data)
        except InvalidInput as error:
            self._outlet.fail(GatewayFault.EVENT_TOO_LARGE, error.message)
            return False
        if events:
            self._watch.saw(events)
        self._unwritten, fault, failed = judged(events)
        if fault is not None:
            self._end_with(fault)
            return False
        if failed:
            self._end.failed()
        if self._unwritten:
            self._end.saw(self._unwritten)
        return True

    def _end_with(self, fault: GatewayFault) -> None:
        """End with a fault in the place of an event, after those before it if others have been written."""
        outlet = self._outlet
        if outlet.exchange.stage is Progress.STREAM:
            outlet.write(self._unwritten)
        outlet.fail(fault)

    def _fits(self) -> bool:
        """Count what this stream holds. Returns: False: there is no room, and it has ended."""
        held = self._splitter.held + len(self._unwritten)
        if held == self._held:
            return True
        more, self._held = held - self._held, held
        if self._room.change(more):
            return True
        self._release()
        self._outlet.fail(GatewayFault.EVENT_TOO_LARGE, "too many streams hold too much")
        return False

    def _release(self) -> None:
        self._room.change(-self._held)
        self._held = 0

    def _in_silence(self) -> None:
        """Say something if nothing has been written for long."""
        outlet = self._outlet
        exchange = outlet.exchange
        left_s = self._wrote_s + self._quiet_s - self._loop.time()
        if left_s <= 0:
            if not (self._unwritten or exchange.connection.is_paused) and outlet.may():
                exchange.send(IN_SILENCE[exchange.dialect])
            self._wrote_s, left_s = self._loop.time(), self._quiet_s
        if not exchange.over():
            self._timer = self._loop.call_later(left_s, self._in_silence)
