"""What is due when: the times at which the log itself moves cases."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from typing import NamedTuple, Self


class What(NamedTuple):
    """Something that becomes due: `what` happens to `about`, for `agency`.

    It is about a case, a grant, a promise, a directive or a stage.
    """

    about: str
    agency: str
    what: str

    @classmethod
    def of_stage(cls, release: str, stage: str, what: str) -> Self:
        """What happens to a stage of a release."""
        return cls(f"{release}/{stage}", "", what)

    @property
    def stage(self) -> tuple[str, str]:
        """The release and its stage, by name. Requires: it is about a stage."""
        release, _, stage = self.about.partition("/")
        return release, stage


class Agenda(dict[What, int]):
    """Due times in milliseconds since 1970 UTC, by what is due. `first` gives the earliest.

    If several are due at the same time, their order is the order of `What`. So it is the same on every
    machine.
    """

    def __init__(self) -> None:
        super().__init__()
        self._heap: list[tuple[int, What]] = []
        self.aside: dict[What, int] = {}
        """What failed when it was due. It is tried again after a change of it, and after a start."""

    def put(self, what: What, due_ms: int | None) -> None:
        """Set when something is due; None takes it off."""
        self.aside.pop(what, None)
        if due_ms is None:
            self.pop(what, None)
        elif self.get(what) != due_ms:
            self[what] = due_ms
            heapq.heappush(self._heap, (due_ms, what))

    def set_aside(self, what: What) -> None:
        """Take something off that cannot be done, so that everything else goes on."""
        self.aside[what] = self.pop(what)

    def due(self, now_ms: int) -> Iterator[What]:
        """Everything that is due by a time, in order. Nothing may be put while this is used."""
        ahead = [(*self._heap[0], 0)] if self._heap else []
        before: tuple[int, What] | None = None
        while ahead and ahead[0][0] <= now_ms:
            due_ms, what, at = heapq.heappop(ahead)
            for child in range(2 * at + 1, min(2 * at + 3, len(self._heap))):
                heapq.heappush(ahead, (*self._heap[child], child))
            if self.get(what) == due_ms and (due_ms, what) != before:
                before = due_ms, what
                yield what

    def first(self) -> tuple[int, What] | None:
        """The earliest one; None if nothing is on the agenda."""
        while self._heap and self.get(self._heap[0][1]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0] if self._heap else None
