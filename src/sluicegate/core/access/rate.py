"""Parts of a rate: how the gateways of a surface divide the requests a minute that a grant allows.

Rules:
- Every rate has the same number of cells, and each request that it allows a minute lies in one of them. In
  which one, depends on the grant. So parts without a cell in common never allow more than the whole rate.
- A request counts for a minute. Who gets a cell after another waits until nothing counts any more that the
  other can have let through with it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from sluicegate.core.access.leases import CLOCK_ALLOWANCE

CELLS = 840
"""How many cells a rate has: 1 to 8 gateways divide it evenly."""
WINDOW_MS = 60_000
"""How long a request counts."""
REST_MS = CLOCK_ALLOWANCE * WINDOW_MS
"""How long that is at most by the clock of another machine."""


@dataclass(frozen=True, slots=True)
class RatePart:
    """Some of the cells of every rate. `bounds` are where each range of them begins and ends, in order.

    Requires: 0 <= begin < end <= CELLS, and each range begins after the one before it has ended.
    """

    bounds: tuple[int, ...]

    @classmethod
    def of(cls, cells: Iterable[int]) -> RatePart:
        """The part of these cells, which come in order and each once."""
        bounds: list[int] = []
        for cell in cells:
            if bounds and bounds[-1] == cell:
                bounds[-1] = cell + 1
            else:
                bounds += (cell, cell + 1)
        return cls(tuple(bounds))

    @classmethod
    def read(cls, bounds: tuple[int, ...]) -> RatePart:
        """The part with these bounds. Raises: ValueError: there is no such part."""
        steps = pairwise(bounds)
        if len(bounds) % 2 or (bounds and not 0 <= bounds[0] < bounds[-1] <= CELLS):
            raise ValueError(f"the bounds {bounds[:8]!r} of a part, expected pairs within 0 and {CELLS}")
        if any(one >= other for one, other in steps):
            raise ValueError(f"the bounds {bounds[:8]!r} of a part, expected each after the one before")
        return cls(bounds)

    def requests(self, per_minute: int, shift: int) -> int:
        """How many of a rate's requests a minute lie in this part.

        Requires: 0 <= shift < CELLS. It says in which cells they lie, and is the same at every gateway.
        """
        before = [(per_minute * each + shift) // CELLS for each in self.bounds]
        return sum(before[1::2]) - sum(before[::2])


WHOLE, NOTHING = RatePart((0, CELLS)), RatePart(())
