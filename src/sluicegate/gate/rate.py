"""The requests a minute that grants allow, as one gateway lets them through.

Rules:
- In no 60 s does a gateway let through more than its part of a rate, whatever the part and the rate were
  before: what counts are the requests of the last 60 s.
- What is let through is noted first where the next run finds it, so that a gateway which starts again goes
  on with what is left.
- Units: `at_ms` milliseconds of CLOCK_BOOTTIME.
"""

from __future__ import annotations

import hashlib
import math
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from sluicegate.core.access.rate import CELLS, WINDOW_MS, RatePart

TOGETHER_MS = 250
"""Requests that come within so long count as long as the last of them."""
WAIT_S_MAX = WINDOW_MS // 1000
PRUNED_AT = 1_024
"""From how many windows on those are looked for that are empty."""
KEY_BYTES = 8


class Limit(NamedTuple):
    """So many requests a minute of what has this name. Requires: `per_minute` is not negative."""

    name: str
    per_minute: int


class PastRequest(NamedTuple):
    """One request that an earlier run let through. `key` is that of its limit."""

    key: bytes
    at_ms: float


class Spending(Protocol):
    """Where a gateway notes what it lets through. Its next run finds it there, and has the same `spender`."""

    @property
    def spender(self) -> str:
        """Whose requests they are, 32 hex digits: no one else has these."""

    @property
    def earlier(self) -> Sequence[PastRequest]:
        """What earlier runs let through in the last 60 s, in the order of time."""

    def note(self, key: bytes, at_ms: float) -> None:
        """Note a request that is let through next."""


class Window:
    """The requests of the last 60 s that count against one limit."""

    __slots__ = ("_count", "_limit", "_of", "_slots", "key", "shift")

    def __init__(self, key: bytes) -> None:
        self.key = key
        self.shift = int.from_bytes(key) % CELLS
        self._slots: deque[list[float]] = deque()
        """Of each slot: when its first and its last request came, and how many there were."""
        self._count = 0
        self._of: tuple[RatePart, int] | None = None
        self._limit = 0

    def note(self, at_ms: float) -> None:
        """Count a request. Requires: not earlier than the one before it."""
        self._count += 1
        if self._slots and at_ms - self._slots[-1][0] < TOGETHER_MS:
            self._slots[-1][1:] = at_ms, self._slots[-1][2] + 1
        else:
            self._slots.append([at_ms, at_ms, 1])

    def wait_ms(self, part: RatePart, per_minute: int, at_ms: float) -> float:
        """How long until a part of a rate allows one more request: 0 if it does now."""
        limit = self._requests(part, per_minute)
        self.is_empty(at_ms)
        if self._count < limit:
            return 0
        if limit < 1:
            return WINDOW_MS
        surplus = self._count - limit
        for _, last_ms, count in self._slots:
            surplus -= int(count)
            if surplus < 0:
                return last_ms + WINDOW_MS - at_ms
        raise AssertionError("fewer requests than were counted")

    def is_empty(self, at_ms: float) -> bool:
        """Whether nothing counts any more. What does not is forgotten."""
        while self._slots and self._slots[0][1] + WINDOW_MS <= at_ms:
            self._count -= int(self._slots.popleft()[2])
        return not self._slots

    def _requests(self, part: RatePart, per_minute: int) -> int:
        if self._of is None or self._of[0] is not part or self._of[1] != per_minute:
            self._of, self._limit = (part, per_minute), part.requests(per_minute, self.shift)
        return self._limit


class Rates:
    """All limits of one gateway, and what was let through of each. Without `spending` no run goes on."""

    def __init__(self, spending: Spending | None = None) -> None:
        self._spending = spending
        self._windows: dict[str, Window] = {}
        self._pruned_at = PRUNED_AT
        self._earlier: dict[bytes, Window] = {}
        for key, at_ms in () if spending is None else spending.earlier:
            self._earlier.setdefault(key, Window(key)).note(at_ms)

    @property
    def spender(self) -> str | None:
        """Who spends, over all runs that go on with what is left; None if there is only this one."""
        return None if self._spending is None else self._spending.spender

    def take(self, limits: Sequence[Limit], part: RatePart, at_ms: float) -> int:
        """Let a request through that counts against some limits: 0, or how many seconds (1 to 60) to wait."""
        if len(self._windows) >= self._pruned_at:
            self._prune(at_ms)
        windows = [self._windows.get(each.name) or self._window(each.name) for each in limits]
        wait_ms = 0.0
        for window, limit in zip(windows, limits, strict=True):
            wait_ms = max(wait_ms, window.wait_ms(part, limit.per_minute, at_ms))
        if wait_ms > 0:
            return min(WAIT_S_MAX, max(1, math.ceil(wait_ms / 1000)))
        for window in windows:
            if self._spending is not None:
                self._spending.note(window.key, at_ms)
            window.note(at_ms)
        return 0

    def _prune(self, at_ms: float) -> None:
        self._windows = {each: kept for each, kept in self._windows.items() if not kept.is_empty(at_ms)}
        self._pruned_at = max(PRUNED_AT, 2 * len(self._windows))

    def _window(self, name: str) -> Window:
        key = hashlib.sha256(name.encode()).digest()[:KEY_BYTES]
        found = self._earlier.pop(key) if key in self._earlier else Window(key)
        self._windows[name] = found
        return found
