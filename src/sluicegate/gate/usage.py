"""What a gateway tells of use: how many streams are open and calls were made, by who made them.

Rules:
- Counts by credential, model and how the request named its person; identifiers nobody registered are one.
- Totals of this run, told again until an answer shows that they arrived. Nothing here decides anything.
"""

from __future__ import annotations

from typing import Any

from sluicegate.core.access.decision import Ask
from sluicegate.core.access.naming import NOBODY, UsageKey
from sluicegate.core.access.table import Table

KEYS_MAX = 20_000
"""How many ways of use are told apart; what comes beyond is told without its person."""
ROWS_MAX = 500
"""How many rows one report has at the most."""
STRANGER = bytes(16)
"""Stands for every identifier that nobody registered."""


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
        """Count a request in that was admitted; hand the key back to `ended`."""
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
        """What has changed since it was last told, the oldest changes first, as JSON."""
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
        """The newest report has arrived: what it told need not be told again, unless it has changed."""
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
