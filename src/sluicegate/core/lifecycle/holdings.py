"""Grants in the order in which they came: all of them, and those that a reader or a filter asks for.

Rules:
- A list only grows. What a grant is now is on the record, not here.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from sluicegate_record.entities.grant import Grant

Key = tuple[str, str]
"""What a list is of, such as `("release", "gpt-5.6")`."""
ALL: Key = ("", "")


@dataclass(slots=True)
class Holdings:
    """Grants by id, oldest first: all, and by `applicant`, `organization`, `agency` and `release`.

    Who acts for the holder of a grant is its `applicant`, also if a list admitted it.
    """

    _places: dict[str, int] = field(default_factory=dict)
    _lists: dict[Key, list[str]] = field(default_factory=dict)

    def __contains__(self, grant: str) -> bool:
        return grant in self._places

    def add(self, grant: Grant, holder: str, agencies: Collection[str]) -> None:
        """Add a grant of a holder, decided by some agencies, after all others. Requires: it is not there."""
        self._places[grant.id] = len(self._places)
        keys = [ALL, ("applicant", holder), ("organization", grant.organization)]
        keys += [("release", grant.release), *(("agency", party) for party in agencies)]
        for key in keys:
            self._lists.setdefault(key, []).append(grant.id)

    def give(self, grant: str, holder: str) -> None:
        """Let a grant that is there be found by another holder, too."""
        own = self._lists.setdefault(("applicant", holder), [])
        if grant in self._places and grant not in own:
            insort(own, grant, key=self._places.__getitem__)

    def of(self, what: str, name: str) -> Sequence[str]:
        """One list, oldest first, such as `of("release", "gpt-5.6")`."""
        return self._lists.get((what, name), [])

    def fewest(self, keys: Iterable[Key]) -> Sequence[str]:
        """The shortest of some lists, oldest first. Requires: at least one key."""
        return min((self.of(*key) for key in keys), key=len)

    def merged(self, keys: Iterable[Key]) -> Sequence[str]:
        """The grants of some lists that have none in common, oldest first."""
        found = (name for key in keys for name in self.of(*key))
        return sorted(found, key=self._places.__getitem__)

    def place_in(self, found: Sequence[str], grant: str) -> int:
        """How many grants of a list are older than this one. Raises: KeyError."""
        return bisect_left(found, self._places[grant], key=self._places.__getitem__)
