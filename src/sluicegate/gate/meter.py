"""A token bucket that holds one minute's worth: of bytes that are read, not of requests (`gate.rate`)."""

from __future__ import annotations

WAIT_S_MAX = 60


class Meter:
    """So many tokens a minute; it begins full. Units: `at_ms` milliseconds of CLOCK_BOOTTIME."""

    __slots__ = ("_at_ms", "_per_ms", "_tokens", "per_minute")

    def __init__(self, per_minute: int, at_ms: float) -> None:
        self.per_minute = per_minute
        self._per_ms = per_minute / 60_000
        self._tokens = float(per_minute)
        self._at_ms = at_ms

    def take(self, at_ms: float) -> int:
        """Take one token: 0, or how many seconds (1 to 60) to wait for the next.

        A rate of less than one gives none, ever.
        """
        wait_s = self.wait_s(at_ms)
        if not wait_s:
            self._tokens -= 1
        return wait_s

    def wait_s(self, at_ms: float) -> int:
        """0 if there is a token; otherwise how many seconds (1 to 60) to wait."""
        if self.per_minute < 1:
            return WAIT_S_MAX
        self._refill(at_ms)
        if self._tokens >= 1:
            return 0
        return min(WAIT_S_MAX, max(1, round((1 - self._tokens) / self._per_ms / 1000 + 0.5)))

    def charge(self, tokens: int, at_ms: float) -> None:
        """Take tokens, also those that are yet to come."""
        self._refill(at_ms)
        self._tokens -= tokens

    def _refill(self, at_ms: float) -> None:
        self._tokens = min(self.per_minute, self._tokens + (at_ms - self._at_ms) * self._per_ms)
        self._at_ms = at_ms
