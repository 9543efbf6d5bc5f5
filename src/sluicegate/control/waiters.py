"""Tells those who wait that the log has grown."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sluicegate.service.ledger import Ledger

PASSED_ON_S = 1.0
"""How long an order's way to the gateways keeps what else there is to do for it waiting."""


class Waiters:
    """Wakes those who wait for the log to grow, and knows who has not been answered yet."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._asking: dict[asyncio.Future[None], int] = {}
        """Each question: a future that is done when it is answered, and how many entries the gateway has."""
        self._loop: asyncio.AbstractEventLoop | None = None
        """The event loop of the questions. None before the first one."""
        self._event = asyncio.Event()
        self._closed = False
        ledger.watch(self._told)

    @contextmanager
    def asking(self, after: int) -> Iterator[None]:
        """Hold a question of a gateway that has `after` entries, until it is answered."""
        self._loop = asyncio.get_running_loop()
        answered = self._loop.create_future()
        self._asking[answered] = after
        try:
            yield
        finally:
            del self._asking[answered]
            answered.set_result(None)

    async def passed_on(self) -> int:
        """Return when every gateway that asks has been answered with what the log has now, or soon.

        Returns: how many entries that is.
        """
        size = self._ledger.size()
        waiting = [answered for answered, after in self._asking.items() if after < size]
        if waiting:
            await asyncio.wait(waiting, timeout=PASSED_ON_S)
        return size

    async def beyond(self, after: int, seconds: float) -> None:
        """Return when the log is larger than `after`, the time is over, or `close` was called."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not self._closed:
                    event = self._event  # taken before the size is looked at, so that no growth is missed
                    if self._ledger.size() > after:
                        return
                    await event.wait()

    def close(self) -> None:
        """End every wait."""
        self._closed = True
        self._wake()

    def _told(self) -> None:
        """Called from the thread that made the log grow."""
        if self._loop is not None:  # else the one who asks first looks at the size after this
            self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        event, self._event = self._event, asyncio.Event()
        event.set()
