"""How often each address may ask without a token.

It is one number an address (`sluicegate.rate`). An address that has been quiet for long is forgotten.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from sluicegate.rate import Rate

ADDRESSES_MAX = 65_536
"""How many addresses are remembered. Who has been quiet longest is forgotten first."""


def steady_ms() -> float:
    """A clock that no one sets, in milliseconds."""
    return time.monotonic() * 1_000


class Pace:
    """On average `per_second` requests of each address, and `burst` at once."""

    def __init__(self, per_second: int, burst: int, now_ms: Callable[[], float] = steady_ms) -> None:
        self._rate = Rate(1_000 / per_second, 1_000 / per_second * burst)
        self._now_ms = now_ms
        self._over_ms: dict[str, float] = {}

    def wait_ms(self, address: str) -> float:
        """Count a request of an address: 0 if it may ask now, else after how long; then it is not counted."""
        now_ms = self._now_ms()
        was_ms = self._over_ms.pop(address, now_ms)
        over_ms = self._rate.over_ms(was_ms, now_ms)
        wait_ms = self._rate.wait_ms(over_ms, now_ms)
        self._over_ms[address] = was_ms if wait_ms else over_ms
        if len(self._over_ms) > ADDRESSES_MAX:
            del self._over_ms[next(iter(self._over_ms))]
        return wait_ms
