"""An upstream's answer, as it comes over its connection.

Rules:
- A piece of the body goes to its reader in the callback that took it from the socket; no task wakes for it.
- What is not read yet is bounded: the connection waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from sluicegate.errors import Unreachable
from sluicegate.gate.dialects import GatewayFault, Headers
from sluicegate.gate.fields import end_to_end

READ_BYTES = 64 * 1024
"""How much of a body may wait to be read. What has just come from the socket comes on top of it."""

Take = Callable[[bytes], bool]
"""Takes the next piece of a body; returns whether more may come now."""


class Source(Protocol):
    """The connection that an answer comes over."""

    def resume(self) -> None:
        """Read on."""

    def leave(self, answer: HttpAnswer) -> None:
        """The call is closed. Requires nothing: the connection may be another call's by now."""


def unreachable(fault: GatewayFault) -> Unreachable:
    """The exception for a fault."""
    return Unreachable(fault.text, code=fault.code)


class HttpAnswer:
    """One call's answer, from when the call was sent: an `UpstreamAnswer` once it has begun."""

    __slots__ = (
        "_complete",
        "_connection",
        "_fault",
        "_is_sated",
        "_parts",
        "_take",
        "_waiter",
        "_waiting_bytes",
        "headers",
        "status",
    )

    def __init__(self, connection: Source) -> None:
        self._connection = connection
        self._parts: list[bytes] = []
        self._waiting_bytes = 0
        self._complete = False
        self._fault: GatewayFault | None = None
        self._take: Take | None = None
        self._is_sated = False
        self._waiter: asyncio.Future[None] | None = None
        self.status = 0
        self.headers: Headers = ()

    @property
    def ended(self) -> bool:
        """Whether all of the body has been read."""
        return self._complete and not self._parts

    @property
    def has_more(self) -> bool:
        """See `UpstreamAnswer.has_more`."""
        return bool(self._parts)

    async def begun(self) -> None:
        """Wait for the head. Raises: Unreachable."""
        while not self.status:
            if self._fault is not None:
                raise unreachable(self._fault)
            await self._wait()

    async def read(self) -> bytes:
        """See `UpstreamAnswer.read`."""
        while not self._parts:
            if self._fault is not None:
                raise unreachable(self._fault)
            if self._complete:
                return b""
            self._connection.resume()
            await self._wait()
        return self._taken()

    async def pour(self, take: Take) -> bool:
        """See `UpstreamAnswer.pour`."""
        if self._parts and not take(self._taken()):
            return False
        self._take, self._is_sated = take, False
        try:
            while not self._is_sated:
                if self._fault is not None:
                    raise unreachable(self._fault)
                if self._complete:
                    return True
                self._connection.resume()
                await self._wait()
        finally:
            self._take = None
        return False

    def close(self) -> None:
        """See `UpstreamAnswer.close`."""
        self._connection.leave(self)

    # What the connection says

    def begin(self, status: int, fields: Headers) -> None:
        """The head has come."""
        self.status, self.headers = status, end_to_end(fields)
        self._wake()

    def took(self, data: bytes) -> bool:
        """A piece of the body has come. Returns: whether more may come now."""
        if self._take is not None:
            if self._take(data):
                return True
            self._take, self._is_sated = None, True
        else:
            self._parts.append(data)
            self._waiting_bytes += len(data)
        self._wake()
        return not self._is_sated and self._waiting_bytes < READ_BYTES

    def end(self, fault: GatewayFault | None = None) -> None:
        """It is complete, or has failed."""
        self._complete, self._fault = fault is None, fault
        self._wake()

    def _taken(self) -> bytes:
        parts, self._parts, self._waiting_bytes = self._parts, [], 0
        return parts[0] if len(parts) == 1 else b"".join(parts)

    async def _wait(self) -> None:
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
