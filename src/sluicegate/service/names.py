"""Search for organizations by a part of their legal names."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cached_property

from sluicegate.core.people import legal_names
from sluicegate.ports import Principals

MANY = 1_000
"""How many organizations a search gathers before it looks instead at what it would find, one by one."""


class NameSearch:
    """The organizations that have `part` in their legal names. None: all organizations."""

    def __init__(self, known: Principals, part: str | None) -> None:
        self._known = known
        self._part = None if part is None else legal_names.name_key(part)

    @cached_property
    def few(self) -> Sequence[str] | None:
        """Their pseudonyms; None if there are so many that a page of any list with them is full soon."""
        if self._part is None:
            return None
        found = self._known.organizations_like(self._part, MANY + 1)
        return found if len(found) <= MANY else None

    def keep(self, pseudonyms: Collection[str]) -> frozenset[str]:
        """Those of some organizations that are found."""
        if self._part is None:
            return frozenset(pseudonyms)
        return self._known.named_like(pseudonyms, self._part)
