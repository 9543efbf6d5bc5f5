"""The other feeds of the log, and which cells of the rates are this feed's to give.

Rules:
- Each feed that may have given something counts: until a minute after its term. Those that count divide the
  cells, by a digest of the cell and their names: who comes takes from all, and who goes leaves to all.
- A feed looks at the others before it commits its own term. So a term that began after something was there
  was committed by one that has seen it.
- Who comes gives nothing before all that were there have seen it, and nothing counts any more that they gave
  before. Who has been away for so long that the others may have stopped counting it comes like a new one.
- Units: milliseconds of CLOCK_BOOTTIME of this machine.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping
from functools import lru_cache

from sluicegate.core.access.leases import CLOCK_ALLOWANCE
from sluicegate.core.access.rate import CELLS, REST_MS
from sluicegate.ports import FeedTerm

Terms = Callable[[], Mapping[str, FeedTerm | None]]
"""The terms of the other feeds; None where a term cannot be read now."""
AWAY_MS = REST_MS / 2
"""How long after its term a feed counts as one that comes. A commit may take as long again."""


class Neighbours:
    """The other feeds, as one feed sees them. `boot` names the boot that the clock counts from."""

    def __init__(self, name: str, boot: str, terms: Terms) -> None:
        self._name = name
        self._boot = boot
        self._terms = terms
        self._first_ms: dict[FeedTerm, float] = {}
        """When each term of another boot was first seen."""
        self._came_ms: float | None = None
        """When this feed's first term was on the disk; None before that."""
        self._waits_for: dict[str, float | None] = {}
        """When what those gave has ended that were there before this one; None while one has not seen it."""
        self._count: dict[str, FeedTerm | None] = {}

    def come(self) -> None:
        """Come again: the others may not count this feed."""
        self._came_ms, self._waits_for = None, {}

    def look(self, now_ms: float) -> bool:
        """Look at the others, before the next term is committed; whether there are any that count."""
        terms = self._terms()
        self._first_ms = {each: self._first_ms.get(each, now_ms) for each in terms.values() if each}
        self._count = {name: term for name, term in terms.items() if now_ms < self._over_ms(term)}
        for name in self._waits_for.keys() - self._count.keys():
            del self._waits_for[name]
        for name, ends_ms in self._waits_for.items():
            term = self._count[name]
            if ends_ms is None and term is not None and self._has_seen(term):
                self._waits_for[name] = term.gives_until_ms + REST_MS
        return bool(self._count)

    def committed(self, now_ms: float) -> None:
        """This feed's term is on the disk: from here on the others can see it."""
        if self._came_ms is None:
            self._came_ms = now_ms
            self.look(now_ms)
            self._waits_for = dict.fromkeys(self._count)

    def waits(self, now_ms: float) -> bool:
        """Whether it is to give nothing yet that it has not given before."""
        return self._came_ms is None or any(
            ends_ms is None or now_ms < ends_ms for ends_ms in self._waits_for.values()
        )

    def own(self) -> Collection[int]:
        """The cells that are this feed's to give."""
        return _cells(self._name, tuple(sorted(self._count)))

    def _over_ms(self, term: FeedTerm | None) -> float:
        """When nothing counts any more that was given by a term."""
        if term is None:
            return float("inf")
        ends_ms = self._first_ms[term] + CLOCK_ALLOWANCE * term.longest_lease_ms
        if term.boot == self._boot:
            ends_ms = min(term.gives_until_ms, ends_ms)
        return ends_ms + REST_MS

    def _has_seen(self, term: FeedTerm) -> bool:
        """Whether the commit of a term began after this feed was there."""
        began_ms = term.gives_until_ms - CLOCK_ALLOWANCE * term.longest_lease_ms
        return term.boot == self._boot and self._came_ms is not None and self._came_ms < began_ms


@lru_cache(8)
def _cells(name: str, others: tuple[str, ...]) -> Collection[int]:
    if not others:
        return range(CELLS)
    return [cell for cell in range(CELLS) if _rank(name, cell) > max(_rank(each, cell) for each in others)]


def _rank(name: str, cell: int) -> bytes:
    return hashlib.sha256(f"{cell} {name}".encode()).digest()
