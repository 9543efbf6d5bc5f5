"""How often something may happen: some at once, and on average so many in a period.

It is one number: when all that has happened would be over if each took its time.
Source: the generic cell rate algorithm, ITU-T I.371 annex A.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rate:
    """Each takes `each_ms`; what is over in `ahead_ms` may happen now."""

    each_ms: float
    ahead_ms: float

    def over_ms(self, was_ms: float, now_ms: float, amount: float = 1) -> float:
        """When all is over with so many more, if what was before is over at `was_ms`."""
        return max(was_ms, now_ms) + amount * self.each_ms

    def wait_ms(self, over_ms: float, now_ms: float) -> float:
        """How long the last of them has to wait, if all is over at `over_ms`: 0 if it may happen now."""
        return max(0.0, over_ms - now_ms - self.ahead_ms)
