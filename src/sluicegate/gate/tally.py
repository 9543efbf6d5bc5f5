"""How many requests of each key, by model, a gateway let through and refused, since it last said so.

Rules:
- What was counted goes out with a number, and again with the same one until it has arrived: it counts once.
- It counts keys that the table knows, a bounded number at a time. No decision depends on it.
- A request for which no place of its key and model is free counts for its key, without its model.
"""

from __future__ import annotations

from itertools import islice
from typing import Any

MODELS_MAX = 20_000
"""How many places, each of a key and a model, are counted at a time: further ones count by key."""
KEYS_MAX = 20_000
"""How many keys are counted at a time without a model: further ones are not, until these were reported."""
ROWS_MAX = 500
"""How many places one report has."""
AGAIN_MS = 600_000
"""How long nothing is reported after one was refused: an earlier control plane knows no such counts."""


class KeyCounter:
    """Counts by key and model what one engine lets through and refuses."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str], list[int]] = {}
        """By key and model; the model is empty for what is counted without one."""
        self._of_models = 0
        """How many of the places have a model."""
        self._number = 0
        self._from_ms = 0.0
        self._is_sent = False
        self._sent: list[dict[str, Any]] = []
        """What was reported, and has not arrived yet."""

    def passed(self, credential: str, model: str) -> None:
        """Count a request that was let through."""
        self._count(credential, model, 0)

    def refused(self, credential: str, model: str = "") -> None:
        """Count one that was not. `model` is empty if its caller may not know of it."""
        self._count(credential, model, 1)

    def _count(self, credential: str, model: str, which: int) -> None:
        counts = self._counts.get((credential, model)) or self._place(credential, model)
        if counts is not None:
            counts[which] += 1
        elif model:
            self._count(credential, "", which)

    def _place(self, credential: str, model: str) -> list[int] | None:
        """A new place; None if there are as many as may be."""
        if model and self._of_models >= MODELS_MAX:
            return None
        if not model and len(self._counts) - self._of_models >= KEYS_MAX:
            return None
        self._of_models += bool(model)
        counts = self._counts[credential, model] = [0, 0]
        return counts

    def report(self, now_ms: float) -> dict[str, Any] | None:
        """What is to be reported, as JSON; None if nothing was counted, or not now."""
        self._is_sent = now_ms >= self._from_ms
        if not self._is_sent:
            return None
        if not self._sent and self._counts:
            self._number += 1
            places = list(islice(self._counts, ROWS_MAX))
            self._sent = [self._row(*each) for each in places]
        return {"number": self._number, "rows": self._sent} if self._sent else None

    def _row(self, credential: str, model: str) -> dict[str, Any]:
        passed, refused = self._counts.pop((credential, model))
        self._of_models -= bool(model)
        named = {"model": model} if model else {}
        return {"credential": credential, **named, "passed": passed, "refused": refused}

    def answered(self, status: int, now_ms: float) -> None:
        """The report was answered: it has arrived, or the control plane refused it."""
        if self._is_sent and status == 200:
            self._sent = []
        if self._is_sent and status == 400:
            self._from_ms = now_ms + AGAIN_MS
