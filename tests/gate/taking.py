"""What gets an answer from an upstream, and keeps it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from sys import maxsize

from sluicegate.gate.dialects import GatewayFault, Headers
from sluicegate.gate.upstream import Call, Calling, Upstream


class Taker:
    """A recipient. It takes at most `most` bytes in one go, and no more until it is `resumed`."""

    def __init__(self, most: int = maxsize, may_send: Callable[[], bool] = lambda: True) -> None:
        self._most = most
        self._left = most
        self._may_send = may_send
        self._changed = asyncio.Event()
        self.status = 0
        self.body = bytearray()
        self.is_whole = False
        self.is_sated = False
        self.fault: GatewayFault | None = None
        self.calling: Calling

    def may_send(self) -> bool:
        return self._may_send()

    def begun(self, status: int, headers: Headers) -> None:
        assert not self.is_over()
        self.status = status

    def took(self, data: bytes, *, is_last: bool) -> bool:
        assert self.status
        assert not self.is_over()
        self.body += data
        self._left -= len(data)
        self.is_whole, self.is_sated = is_last, self._left < 0
        self._changed.set()
        return not self.is_sated

    def failed(self, fault: GatewayFault) -> None:
        assert not self.is_over()
        self.fault = fault
        self._changed.set()

    def is_over(self) -> bool:
        return self.is_whole or self.fault is not None

    def resume(self) -> None:
        self._left, self.is_sated = self._most, False
        self.calling.resume()

    def leave(self) -> None:
        self.calling.leave(self)

    async def until(self, holds: Callable[[], object]) -> None:
        """Wait until something holds, which changes when something comes."""
        while not holds():
            self._changed.clear()
            await self._changed.wait()


def called(
    upstream: Upstream, call: Call, most: int = maxsize, may_send: Callable[[], bool] = lambda: True
) -> Taker:
    """Make a call."""
    taker = Taker(most, may_send)
    taker.calling = upstream.call(call, taker)
    return taker


async def whole(
    upstream: Upstream, call: Call, may_send: Callable[[], bool] = lambda: True
) -> tuple[int, bytes]:
    """An answer's status and body; status 0 and the fault if it has none to its end."""
    taker = called(upstream, call, may_send=may_send)
    await taker.until(taker.is_over)
    taker.leave()
    return (taker.status, bytes(taker.body)) if taker.fault is None else (0, taker.fault.code.encode())
