"""How many requests of each key a gateway let through and refused, since it last said so.

Rules:
- What was counted goes out with a number, and again with the same one until it has arrived: it counts once.
- It counts keys that the table knows, a bounded number at a time. No decision depends on it.
"""

from __future__ import annotations

from itertools import islice
from typing import Any

KEYS_MAX = 20_000
"""How many keys are counted at a time: further ones are not, until these were reported."""
ROWS_MAX = 500
"""How many keys one report has."""
AGAIN_MS = 600_000
"""How long nothing is reported after one was refused: an earlier control plane knows no such counts."""


class KeyCounter:
    """Counts by key what one engine lets through and refuses."""

    def __init__(self) -> None:
        self._counts: dict[str, list[int]] = {}
        self._number = 0
        self._from_ms = 0.0
        self._is_sent = False
        self._sent: list[dict[str, Any]] = []
        """What was reported, and has not arrived yet."""

    def passed(self, credential: str) -> None:
        """Count a request that was let through."""
        self._count(credential, 0)

    def refused(self, credential: str) -> None:
        """Count one that was not."""
        self._count(credential, 1)

    def _count(self, credential: str, which: int) -> None:
        counts = self._counts.get(credential)
        if counts is None:
            if len(self._counts) >= KEYS_MAX:
                return
            counts = self._counts[credential] = [0, 0]
        counts[which] += 1

    def report(self, now_ms: float) -> dict[str, Any] | None:
        """What is to be reported, as JSON; None if nothing was counted, or not now."""
        self._is_sent = now_ms >= self._from_ms
        if not self._is_sent:
            return None
        if not self._sent and self._counts:
            self._number += 1
            keys = list(islice(self._counts, ROWS_MAX))
            self._sent = [self._row(each) for each in keys]
        return {"number": self._number, "rows": self._sent} if self._sent else None

    def _row(self, credential: str) -> dict[str, Any]:
        passed, refused = self._counts.pop(credential)
        return {"credential": credential, "passed": passed, "refused": refused}

    def answered(self, status: int, now_ms: float) -> None:
        """The report was answered: it has arrived, or the control plane refused it."""
        if self._is_sent and status == 200:
            self._sent = []
        if self._is_sent and status == 400:
            self._from_ms = now_ms + AGAIN_MS
