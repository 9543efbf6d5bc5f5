"""A gateway's report of use: how many streams are open and how many calls were made, and who made them.

Rules:
- It counts by credential, model, and how the request named its person. All identifiers that no one registered
  count as one.
- It reports totals of this run, again and again until an answer shows that they arrived. No decision depends
  on them.
"""

from __future__ import annotations

from typing import Any

from sluicegate.core.access.decision import Ask
from sluicegate.core.access.naming import NOBODY, UsageKey
from sluicegate.core.access.table import Table

KEYS_MAX = 20_000
"""How many ways of use are counted separately. Further ones are counted without their person."""
ROWS_MAX = 500
"""How many rows one report has at most."""
STRANGER = bytes(16)
"""Replaces every identifier that no one registered."""


class _Count:
    __slots__ = ("open", "total")

    def __init__(self) -> None:
        self.open = self.total = 0


class UsageCounter:
    """Counts what one engine admits."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._counts: dict[UsageKey, _Count] = {}
        self._changed: dict[UsageKey, None] = {}
        self._told: dict[UsageKey, tuple[int, int]] = {}

    def began(self, ask: Ask) -> UsageKey:
        """Count in a request that was admitted. Pass the returned key to `ended`."""
        key = self._key(ask)
        if key not in self._counts and len(self._counts) >= KEYS_MAX:
            key = key._replace(naming=NOBODY)
        count = self._counts.get(key)
        if count is None:
            count = self._counts[key] = _Count()
        count.open += 1
        count.total += 1
        self._changed[key] = None
        return key

    def ended(self, key: UsageKey) -> None:
        """Count a request out."""
        self._counts[key].open -= 1
        self._changed[key] = None

    def report(self) -> list[dict[str, Any]]:
        """The changes since the last report, the oldest first, as JSON."""
        keys = list(self._changed)[:ROWS_MAX]
        self._told = {key: (self._counts[key].open, self._counts[key].total) for key in keys}
        return [
            {
                "credential": key.credential,
                "model": key.model,
                "naming": key.naming.to_json(),
                "open": open_,
                "total": total,
            }
            for key, (open_, total) in self._told.items()
        ]

    def arrived(self) -> None:
        """The newest report has arrived. Its rows need no repetition, unless they have changed."""
        for key, told in self._told.items():
            if told == (self._counts[key].open, self._counts[key].total):
                self._changed.pop(key, None)
        self._told = {}

    def _key(self, ask: Ask) -> UsageKey:
        credential = self._table.credentials[ask.digest] if ask.digest is not None else None
        assert credential is not None  # it was admitted
        naming = ask.naming
        if naming.identifiers:
            registry = self._table.registry.get(credential.grant.organization, {})
            known = tuple(each if each in registry else STRANGER for each in naming.identifiers)
            naming = naming._replace(identifiers=known)
        return UsageKey(credential.id, ask.model, naming)
