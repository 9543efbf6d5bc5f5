"""Search for organizations by a part of their legal names."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sluicegate.core.people import legal_names
from sluicegate.ports import Principals

MANY = 1_000
"""How many organizations a search gathers before it looks instead at what it would find, one by one."""


class NameSearch:
    """The organizations that have `part` in their legal names. None: all organizations.

    `few` are their pseudonyms; None if there are so many that a page of any list with them is full soon.
    """

    def __init__(self, known: Principals, part: str | None) -> None:
        self._known = known
        self._part = None if part is None else legal_names.name_key(part)
        self.few: Sequence[str] | None = None
        if self._part is not None:
            found = known.organizations_like(self._part, MANY + 1)
            self.few = found if len(found) <= MANY else None

    def keep(self, pseudonyms: Collection[str]) -> frozenset[str]:
        """Those of some organizations that are found. Those in `few` are."""
        if self._part is None or self.few is not None:
            return frozenset(pseudonyms)
        return self._known.named_like(pseudonyms, self._part)
