"""How much each caller may ask for: an address without a token, or who asks for what costs much.

It is one number a caller (`sluicegate.rate`). A caller that has been quiet for long is forgotten.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from sluicegate.errors import TOO_MANY, Overloaded
from sluicegate.rate import Rate

CALLERS_MAX = 65_536
"""How many callers are remembered. Who has been quiet longest is forgotten first."""


def steady_ms() -> float:
    """A clock that no one sets, in milliseconds."""
    return time.monotonic() * 1_000


class Pace:
    """On average `per_second` of each caller, and `burst` at once: of requests, or of what those cost."""

    def __init__(self, per_second: int, burst: int, now_ms: Callable[[], float] = steady_ms) -> None:
        self._rate = Rate(1_000 / per_second, 1_000 / per_second * burst)
        self._now_ms = now_ms
        self._over_ms: dict[str, float] = {}

    def check(self, caller: str, said: str, amount: int = 1) -> None:
        """Count a request of a caller. Raises: Overloaded, with what is said: it comes too soon."""
        wait_ms = self.wait_ms(caller, amount)
        if wait_ms:
            raise Overloaded(said, code=TOO_MANY, retry_after_s=math.ceil(wait_ms / 1_000))

    def wait_ms(self, caller: str, amount: int = 1) -> float:
        """Count a request of a caller: 0 if it may ask now, else after how long; then it is not counted."""
        now_ms = self._now_ms()
        was_ms = self._over_ms.pop(caller, now_ms)
        over_ms = self._rate.over_ms(was_ms, now_ms, amount)
        wait_ms = self._rate.wait_ms(over_ms, now_ms)
        self._over_ms[caller] = was_ms if wait_ms else over_ms
        if len(self._over_ms) > CALLERS_MAX:
            del self._over_ms[next(iter(self._over_ms))]
        return wait_ms
