"""Whose text is read next: by turns one of those who decide and one of the others.

Rules:
- Those who decide are the developer's staff and agencies. Of either kind, the party is next that has waited
  longest for a turn.
- A party has only so many texts read and waiting, so that none takes the turns of the others.
- A place is kept that only those who decide have.
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
    decides: bool
    came: asyncio.Future[None]


@dataclass(slots=True)
class Turns:
    """The turns of all parties. It belongs to one event loop."""

    _running: Counter[str] = field(default_factory=Counter)
    _others: int = 0
    """How many texts are read of those who do not decide."""
    _waiting: list[_Turn] = field(default_factory=list)
    _had: dict[str, int] = field(default_factory=dict)
    """When each party that has something here had its last turn: a number that grows."""
    _number: int = 0
    _decided: bool = False
    """Whether the last turn was of one who decides."""

    @asynccontextmanager
    async def turn(self, party: str, *, decides: bool) -> AsyncIterator[None]:
        """Wait for a turn of a party, and have it meanwhile. Raises: Overloaded."""
        self._check(party, decides=decides)
        turn = _Turn(party, decides, asyncio.get_running_loop().create_future())
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

    def _check(self, party: str, *, decides: bool) -> None:
        if sum(turn.party == party for turn in self._waiting) >= WAITING_OF_PARTY_MAX:
            raise Overloaded(f"{WAITING_OF_PARTY_MAX} texts of yours wait to be read", code=TOO_MANY)
        if not decides and len(self._waiting) >= WAITING_MAX:
            raise Overloaded(f"{WAITING_MAX} texts wait to be read")

    def _leave(self, turn: _Turn) -> None:
        if turn in self._waiting:
            self._waiting.remove(turn)
        else:
            self._running -= Counter([turn.party])
            self._others -= not turn.decides
        if not self._running[turn.party] and all(turn.party != each.party for each in self._waiting):
            self._had.pop(turn.party, None)
        self._next()

    def _next(self) -> None:
        """Give turns to who may have them."""
        while found := [turn for turn in self._waiting if self._may(turn)]:
            first = min(found, key=lambda turn: (turn.decides is self._decided, self._had.get(turn.party, 0)))
            self._decided = first.decides
            self._others += not first.decides
            self._waiting.remove(first)
            self._running[first.party] += 1
            self._number += 1
            self._had[first.party] = self._number
            first.came.set_result(None)

    def _may(self, turn: _Turn) -> bool:
        is_free = self._running.total() <= RUNNING_MAX and self._running[turn.party] < RUNNING_OF_PARTY_MAX
        return is_free and (turn.decides or self._others < RUNNING_MAX) and not turn.came.cancelled()
