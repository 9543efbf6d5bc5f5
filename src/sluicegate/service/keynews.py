"""Which identity providers have signed with a key that is not known."""

from __future__ import annotations


class KeyNews:
    """The providers whose keys should be fetched at once. It is safe for several threads."""

    def __init__(self) -> None:
        self._names: set[str] = set()

    def add(self, provider: str) -> None:
        """Note a provider. Requires: it exists, so that there are no more than there are providers."""
        self._names.add(provider)

    def taken(self) -> frozenset[str]:
        """Those noted since the last time."""
        names, self._names = self._names, set()
        return frozenset(names)
