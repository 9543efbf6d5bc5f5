"""Lengths of time, kept sorted, and what those of several parts come to together.

Rules:
- A length is put in and taken out where it belongs; nothing is ever sorted as a whole.
- What many come to is found by halving: it costs about as much of a million as of ten.

Units: milliseconds.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator


class Lengths:
    """Some lengths, and their sum."""

    __slots__ = ("sorted", "total_ms")

    def __init__(self) -> None:
        self.sorted = array("q")
        self.total_ms = 0

    def __len__(self) -> int:
        return len(self.sorted)

    def __iter__(self) -> Iterator[int]:
        return iter(self.sorted)

    def add(self, ms: int) -> None:
        """Put one in."""
        insort(self.sorted, ms)
        self.total_ms += ms

    def remove(self, ms: int) -> None:
        """Take one out. Requires: it is there."""
        del self.sorted[bisect_left(self.sorted, ms)]
        self.total_ms -= ms


class PooledLengths:
    """The lengths of some parts, as if they were in one. Requires: no part changes meanwhile."""

    __slots__ = ("_parts",)

    def __init__(self, parts: Iterable[Lengths] = ()) -> None:
        self._parts = [each for each in parts if each]

    def add(self, part: Lengths) -> None:
        """Let those of another part count, too."""
        if part:
            self._parts.append(part)

    def __len__(self) -> int:
        return sum(map(len, self._parts))

    @property
    def total_ms(self) -> int:
        """Their sum."""
        return sum(each.total_ms for each in self._parts)

    @property
    def shortest_ms(self) -> int:
        """The shortest. Requires: there is one."""
        return min(each.sorted[0] for each in self._parts)

    @property
    def longest_ms(self) -> int:
        """The longest. Requires: there is one."""
        return max(each.sorted[-1] for each in self._parts)

    @property
    def median_ms(self) -> float:
        """The one in the middle, or half of the sum of both. Requires: there is one."""
        middle, is_odd = divmod(len(self), 2)
        if is_odd:
            return self._at(middle)
        return (self._at(middle - 1) + self._at(middle)) / 2

    def _at(self, place: int) -> int:
        """The one that so many are before, in order: the first that so many more are not longer than."""
        least = self.shortest_ms
        return least + bisect_left(
            range(least, self.longest_ms + 1),
            place + 1,
            key=lambda ms: sum(bisect_right(each.sorted, ms) for each in self._parts),
        )
