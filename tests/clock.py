"""The clock of tests, of the wall and of the machine."""

from __future__ import annotations


class Clock:
    """A clock that stands still until it is moved. Units: milliseconds."""

    def __init__(self, at_ms: int = 10_000_000) -> None:
        self.at_ms = at_ms

    def __call__(self) -> int:
        return self.at_ms
