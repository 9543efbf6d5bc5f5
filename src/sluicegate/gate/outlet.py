"""The way from an admitted request to its client: nothing is written without a look at the lease.

Rules:
- Before every write the flight is checked, with no await in between. So a process that was paused and wakes
  up writes at most one slice that was checked before the pause.
- Nothing is written while the client has not taken what was written before. It waits here; then `cleared` is
  called, and who writes brings no more before that.
"""

from __future__ import annotations

from collections.abc import Callable

from sluicegate.gate.dialects import GatewayFault, Headers, faulty
from sluicegate.gate.engine import Flight
from sluicegate.gate.exchange import Exchange, Progress

SLICE_BYTES = 16 * 1024
"""The most that is written after one look at the lease."""
_OVER = Progress.OVER
"""An enum's own attributes cost more than a look at the lease."""

Bytes = bytes | memoryview
Beginning = tuple[Progress, int, Headers]
"""What an answer begins with: whether it is a stream of events, its status, its headers."""


class Outlet:
    """Writes one answer.

    `grace_ms` is how long a client may take to read why a stream ended early. `cleared` is called when the
    client has taken what had to wait, and more may be written.
    """

    __slots__ = ("_awaits", "_beginning", "_flight", "_grace_ms", "cleared", "exchange", "waiting")

    def __init__(
        self, exchange: Exchange, flight: Flight, grace_ms: int, cleared: Callable[[], None]
    ) -> None:
        self.exchange = exchange
        self._flight = flight
        self._grace_ms = grace_ms
        self.cleared = cleared
        self._beginning: Beginning | None = None
        self._awaits = False
        """Whether the connection will say when the client has taken what was written."""
        self.waiting: Bytes = b""
        """What the client has not taken yet, and is not written."""

    def may(self) -> bool:
        """Whether more may be written, or sent to the upstream."""
        return self.exchange.stage is not _OVER and self._flight.check() is None

    def begin(self, stage: Progress, status: int, headers: Headers) -> None:
        """Have an answer begin with the next write. Requires: the exchange is open."""
        self._beginning = stage, status, headers

    def write(self, data: Bytes) -> bool:
        """Write in slices as far as the client takes it; the rest waits. Requires: nothing waits.

        INVARIANT: between the check and the write there is no await.
        Returns: whether nothing waits; otherwise `cleared` will be called, unless the exchange has ended.
        """
        exchange, wire = self.exchange, self.exchange.connection.wire
        while (data or self._beginning is not None) and not wire.is_paused and self.may():
            whole = len(data) <= SLICE_BYTES
            part = bytes(data if whole else data[:SLICE_BYTES])
            data = b"" if whole else memoryview(data)[SLICE_BYTES:]
            if self._beginning is None:
                exchange.send(part, whole=whole)
            else:
                beginning, self._beginning = self._beginning, None
                exchange.begin(*beginning, part, whole=whole)
        self.waiting = data
        return self.is_clear() if wire.is_paused else not data

    def is_clear(self) -> bool:
        """Whether nothing waits for the client; otherwise `cleared` will be called, as for `write`."""
        wire = self.exchange.connection.wire
        if not wire.is_paused:
            return not self.waiting
        if not self._awaits:
            self._awaits = True
            wire.when_writable(self._go_on)
        return False

    def end(self) -> None:
        """The answer is complete. Requires: nothing waits."""
        if self.may():
            self.exchange.end()

    def fail(self, fault: GatewayFault, detail: str = "") -> None:
        """End the answer with a fault, however far it is."""
        self.exchange.end_early(faulty(fault, detail), self._grace_ms)

    def _go_on(self) -> None:
        """The client has taken what was written, or is gone."""
        self._awaits = False
        if self.exchange.stage is not _OVER and self.write(self.waiting):
            self.cleared()
