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
from sluicegate.gate.event_error import has_word, judged
from sluicegate.gate.exchange import Progress
from sluicegate.gate.outlet import Outlet
from sluicegate.gate.sse import EventShare, EventSplitter
from sluicegate.settings import GatewaySettings

UNBUFFERED = (b"x-accel-buffering", b"no")
"""The header by which a proxy in front passes a stream on as it comes."""


class EventPassage:
    """Carries one stream. Its head is written at once."""

    __slots__ = (
        "_end",
        "_held",
        "_loop",
        "_outlet",
        "_quiet_s",
        "_room",
        "_splitter",
        "_timer",
        "_watch",
        "_wrote_s",
    )

    def __init__(  # noqa: PLR0913 - a stream's head, and what it is passed on by
        self,
        outlet: Outlet,
        watch: Watch,
        settings: GatewaySettings,
        room: EventShare,
        status: int,
        headers: Headers,
    ) -> None:
        self._outlet = outlet
        self._watch = watch
        self._room = room
        self._splitter = EventSplitter(settings.max_event_bytes)
        self._end = StreamEnd(outlet.exchange.dialect)
        outlet.exchange.next_number = self._end.next_number
        outlet.begin(Progress.STREAM, status, headers)
        self._held = 0
        self._loop = asyncio.get_running_loop()
        self._quiet_s = settings.keep_alive_ms / 1000
        self._wrote_s = self._loop.time()
        self._timer = self._loop.call_later(self._quiet_s, self._in_silence)

    def took(self, data: bytes, *, is_last: bool) -> bool:  # noqa: ARG002 - the end needs no bytes
        """See `Way.took`."""
        splitter, outlet = self._splitter, self._outlet
        try:
            events = splitter.feed(data)
        except InvalidInput as error:
            outlet.fail(GatewayFault.EVENT_TOO_LARGE, error.message)
            return False
        if events:
            self._wrote_s = self._loop.time()
            self._watch.saw(events)
            if has_word(events):
                events, fault, failed = judged(events)
                if fault is not None:
                    self._end_with(events, fault)
                    return False
                if failed:
                    self._end.failed()
            self._end.saw(events)
        goes_on = outlet.write(events)
        if splitter.is_empty and not (outlet.waiting or self._held):
            return goes_on
        return self._fits() and goes_on

    def cleared(self) -> bool:
        """See `Way.cleared`."""
        return self._fits()

    def end(self) -> None:
        """See `Way.end`."""
        if self._end.is_said and self._splitter.is_empty:
            self._outlet.end()
        else:
            self._outlet.fail(GatewayFault.UPSTREAM_FAILED)

    def stop(self) -> None:
        """See `Way.stop`."""
        self._timer.cancel()
        self._release()

    def _end_with(self, events: bytes, fault: GatewayFault) -> None:
        """End with a fault in the place of an event, after those before it if others have been written."""
        outlet = self._outlet
        if outlet.exchange.stage is Progress.STREAM:
            outlet.write(events)
        outlet.fail(fault)

    def _fits(self) -> bool:
        """Count what this stream holds. Returns: False: there is no room, and it has ended."""
        held = self._splitter.held + len(self._outlet.waiting)
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
            if not (outlet.waiting or exchange.connection.wire.is_paused) and outlet.may():
                exchange.send(IN_SILENCE[exchange.dialect])
            self._wrote_s, left_s = self._loop.time(), self._quiet_s
        if not exchange.over():
            self._timer = self._loop.call_later(left_s, self._in_silence)
