"""How often each address may ask without a token.

It is one number an address: when all that it has asked for would be over if each request took its time
(the generic cell rate algorithm). An address that has been quiet for long is forgotten.
"""

from __future__ import annotations

import time
from collections.abc import Callable

ADDRESSES_MAX = 65_536
"""How many addresses are remembered. Who has been quiet longest is forgotten first."""


def steady_ms() -> float:
    """A clock that no one sets, in milliseconds."""
    return time.monotonic() * 1_000


class Pace:
    """On average `per_second` requests of each address, and `burst` at once."""

    def __init__(self, per_second: int, burst: int, now_ms: Callable[[], float] = steady_ms) -> None:
        self._each_ms = 1_000 / per_second
        self._ahead_ms = self._each_ms * burst
        self._now_ms = now_ms
        self._over_ms: dict[str, float] = {}

    def wait_ms(self, address: str) -> float:
        """Count a request of an address: 0 if it may ask now, else after how long; then it is not counted."""
        now_ms = self._now_ms()
        over_ms = max(self._over_ms.pop(address, now_ms), now_ms) + self._each_ms
        wait_ms = over_ms - now_ms - self._ahead_ms
        self._over_ms[address] = over_ms if wait_ms <= 0 else over_ms - self._each_ms
        if len(self._over_ms) > ADDRESSES_MAX:
            del self._over_ms[next(iter(self._over_ms))]
        return max(wait_ms, 0.0)
