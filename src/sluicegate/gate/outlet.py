"""The way from an admitted request to its client: nothing is written without a look at the lease.

Rules:
- Before every write the flight is checked, with no await in between. So a process that was paused and wakes
  up writes at most one slice that was checked before the pause.
- Nothing is written while the client has not taken what was written before.
"""

from __future__ import annotations

from sluicegate.gate.dialects import GatewayFault, faulty
from sluicegate.gate.engine import Flight
from sluicegate.gate.exchange import Exchange

SLICE_BYTES = 16 * 1024
"""The most that is written after one look at the lease."""

Bytes = bytes | memoryview


class Outlet:
    """Writes one answer.

    `grace_ms` is how long a client may take to read why a stream ended early.
    """

    __slots__ = ("_flight", "_grace_ms", "exchange")

    def __init__(self, exchange: Exchange, flight: Flight, grace_ms: int) -> None:
        self.exchange = exchange
        self._flight = flight
        self._grace_ms = grace_ms

    def may(self) -> bool:
        """Whether more may be written, or sent to the upstream."""
        return not self.exchange.over() and self._flight.check() is None

    async def clear(self) -> bool:
        """Wait until the client has taken what was written; then return whether more may be written.

        INVARIANT: between the check and the write there is no await.
        """
        connection = self.exchange.connection
        if connection.is_paused:
            await connection.writable()
        return self.may()

    def write(self, data: Bytes) -> Bytes:
        """Write in slices while the client takes them. Returns: the rest.

        INVARIANT: between the check and the write there is no await.
        """
        exchange = self.exchange
        while data and not exchange.connection.is_paused and self.may():
            if len(data) <= SLICE_BYTES:
                exchange.send(bytes(data))
                return b""
            exchange.send(bytes(data[:SLICE_BYTES]), whole=False)
            data = memoryview(data)[SLICE_BYTES:]
        return data

    async def send(self, data: Bytes) -> bool:
        """Write all of it, as the client takes it. Returns: whether it was written."""
        while data:
            if not await self.clear():
                return False
            data = self.write(data)
        return True

    async def end(self) -> None:
        """The answer is complete."""
        if await self.clear():
            self.exchange.end()

    def fail(self, fault: GatewayFault, detail: str = "") -> None:
        """End the answer with a fault, however far it is."""
        self.exchange.end_early(faulty(fault, detail), self._grace_ms)
