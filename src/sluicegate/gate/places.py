"""Places for work that takes long, such as the reading of large bodies.

Rules:
- A place that becomes free goes to the organization that has waited longest since it had its last one. So no
  one waits for all that another organization has sent, however much that is.
- Who leaves while it waits gives no one its turn.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

_Waiting = deque[asyncio.Future[None]]


class Places:
    """So many places. They belong to one event loop."""

    def __init__(self, most: int) -> None:
        self._free = most
        # INVARIANT: while anyone waits, no place is free. Whose turn is next comes first.
        self._waiting: dict[str, _Waiting] = {}

    @asynccontextmanager
    async def place(self, organization: str) -> AsyncIterator[None]:
        """Wait for a place, and have it meanwhile."""
        await self._come(organization)
        try:
            yield
        finally:
            self._pass_on()

    async def _come(self, organization: str) -> None:
        if self._free:
            self._free -= 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(organization, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # it had just got its place
                self._pass_on()
            raise

    def _pass_on(self) -> None:
        """Give a place to who is next."""
        while self._waiting:
            organization = next(iter(self._waiting))
            waiting = self._waiting.pop(organization)
            turn = waiting.popleft()
            if waiting:
                self._waiting[organization] = waiting
            if not turn.cancelled():
                turn.set_result(None)
                return
        self._free += 1
