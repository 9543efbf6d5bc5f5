"""Whose text is read next: officers first, then the party that has waited longest for a turn.

Rules:
- A party has only so many texts read and waiting, so that none takes the turns of the others.
- A place is kept that only officers have.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from sluicegate.bounds import RUNNING_MAX, RUNNING_OF_PARTY_MAX, WAITING_MAX, WAITING_OF_PARTY_MAX
from sluicegate.errors import TOO_MANY, Overloaded


@dataclass(frozen=True, slots=True, eq=False)
class _Turn:
    party: str
    is_officer: bool
    came: asyncio.Future[None]


@dataclass(slots=True)
class Turns:
    """The turns of all parties. It belongs to one event loop."""

    _running: Counter[str] = field(default_factory=Counter)
    _waiting: list[_Turn] = field(default_factory=list)
    _had: dict[str, int] = field(default_factory=dict)
    """When each party that has something here had its last turn: a number that grows."""
    _number: int = 0

    @asynccontextmanager
    async def turn(self, party: str, *, is_officer: bool) -> AsyncIterator[None]:
        """Wait for a turn of a party, and have it meanwhile. Raises: Overloaded."""
        self._check(party, is_officer=is_officer)
        turn = _Turn(party, is_officer, asyncio.get_running_loop().create_future())
        self._waiting.append(turn)
        self._next()
        try:
            await turn.came
            yield
        finally:
            self._leave(turn)

    def waiting(self) -> int:
        """How many wait for their turn."""
        return len(self._waiting)

    def _check(self, party: str, *, is_officer: bool) -> None:
        if sum(turn.party == party for turn in self._waiting) >= WAITING_OF_PARTY_MAX:
            raise Overloaded(f"{WAITING_OF_PARTY_MAX} texts of yours wait to be read", code=TOO_MANY)
        if not is_officer and len(self._waiting) >= WAITING_MAX:
            raise Overloaded(f"{WAITING_MAX} texts wait to be read")

    def _leave(self, turn: _Turn) -> None:
        if turn in self._waiting:
            self._waiting.remove(turn)
        else:
            self._running -= Counter([turn.party])
        if not self._running[turn.party] and all(turn.party != each.party for each in self._waiting):
            self._had.pop(turn.party, None)
        self._next()

    def _next(self) -> None:
        """Give turns to who may have them."""
        while found := [turn for turn in self._waiting if self._may(turn)]:
            first = min(found, key=lambda turn: (not turn.is_officer, self._had.get(turn.party, 0)))
            self._waiting.remove(first)
            self._running[first.party] += 1
            self._number += 1
            self._had[first.party] = self._number
            first.came.set_result(None)

    def _may(self, turn: _Turn) -> bool:
        most = RUNNING_MAX + turn.is_officer
        is_free = self._running.total() < most and self._running[turn.party] < RUNNING_OF_PARTY_MAX
        return is_free and not turn.came.cancelled()
