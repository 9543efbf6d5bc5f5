"""A gateway's report of use: how many streams are open and how many calls were made, and who made them.

Rules:
- It counts by credential, model, and how the request named its person. All persons that no one registered
  count as one, whether an identifier or an assertion names them.
- An organization has its part of what is counted separately: one with many persons takes none from others.
- It reports totals of this run, again and again until an answer shows that they arrived. No decision depends
  on them.
"""

from __future__ import annotations

from collections import Counter
from itertools import islice
from typing import Any

from sluicegate.core.access.decision import Ask
from sluicegate.core.access.naming import NOBODY, Naming, UsageKey
from sluicegate.core.access.rows import CredentialRow
from sluicegate.core.access.table import Table

KEYS_MAX = 20_000
SHARES = 4
"""How many ways of use that name a person are counted separately, those of one organization at most an equal
part and this one. Further ones are counted without their person. What is counted stays: when organizations
have come one after the other, there are at most twice as many.
"""
ROWS_MAX = 500
"""How many rows one report has at most."""
STRANGER = bytes(16)
"""Replaces every identifier that no one registered."""


class UsageOfKey:
    """How much one way of use is used."""

    __slots__ = ("key", "open", "total")

    def __init__(self, key: UsageKey) -> None:
        self.key = key
        self.open = self.total = 0


class UsageCounter:
    """Counts what one engine admits."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._counts: dict[UsageKey, UsageOfKey] = {}
        self._named: Counter[str] = Counter()
        """How many of them name a person, by organization."""
        self._changed: dict[UsageOfKey, None] = {}
        self._told: dict[UsageOfKey, tuple[int, int]] = {}

    def began(self, ask: Ask, credential: CredentialRow) -> UsageOfKey:
        """Count in a request that was admitted. Pass what is returned to `ended`."""
        key = self._key(ask, credential)
        count = self._counts.get(key)
        if count is None:
            count = self._counts[key] = UsageOfKey(key)
        count.open += 1
        count.total += 1
        self._changed[count] = None
        return count

    def ended(self, count: UsageOfKey) -> None:
        """Count a request out."""
        count.open -= 1
        self._changed[count] = None

    def report(self) -> list[dict[str, Any]]:
        """The changes since the last report, the oldest first, as JSON."""
        self._told = {each: (each.open, each.total) for each in islice(self._changed, ROWS_MAX)}
        return [
            {
                "credential": count.key.credential,
                "model": count.key.model,
                "naming": count.key.naming.to_json(),
                "open": open_,
                "total": total,
            }
            for count, (open_, total) in self._told.items()
        ]

    def arrived(self) -> None:
        """The newest report has arrived. Its rows need no repetition, unless they have changed."""
        for count, told in self._told.items():
            if told == (count.open, count.total):
                self._changed.pop(count, None)
        self._told = {}

    def _key(self, ask: Ask, credential: CredentialRow) -> UsageKey:
        if ask.naming is NOBODY:
            return UsageKey(credential.id, ask.model, NOBODY)
        organization = credential.grant.organization
        key = UsageKey(credential.id, ask.model, self._known(ask.naming, credential.id, organization))
        if key in self._counts or key.naming == NOBODY:
            return key
        if self._named[organization] >= KEYS_MAX // max(SHARES, len(self._named)):
            return key._replace(naming=NOBODY)
        self._named[organization] += 1
        return key

    def _known(self, naming: Naming, credential: str, organization: str) -> Naming:
        """A naming in which all that no one registered is the same."""
        registry = self._table.registry.get(organization, {})
        identifiers = tuple(each if each in registry else STRANGER for each in naming.identifiers)
        signed = naming.signed
        if signed is not None:
            is_for_another = signed.credential not in (None, credential)
            signed = signed._replace(
                subject=signed.subject if signed.subject in registry else STRANGER,
                credential="" if is_for_another else signed.credential,
            )
        return naming._replace(identifiers=identifiers, signed=signed)
