"""How many requests may be in flight at once, so that no one takes all connections.

Rules:
- An organization has its share of a gateway's connections, and each of its keys a share of that: one key that
  opens streams without end leaves room to the others, and one organization to other organizations.
- What is over a share is refused when all else allows it; what is in flight goes on.
"""

from __future__ import annotations

import sys

from sluicegate.core.access.refusals import Deny, Reason
from sluicegate.core.access.rows import CredentialRow
from sluicegate.gate.intake import RETRY_S, SHARES

KEY_SHARES = 2
"""One key may have this part of what its organization may."""


class InFlight:
    """Counts what is in flight. `of_organization` and `of_key` are the most at once; each is at least 1."""

    def __init__(self, of_organization: int = sys.maxsize, of_key: int = sys.maxsize) -> None:
        self._of_organization = of_organization
        self._of_key = of_key
        self._organizations: dict[str, int] = {}
        self._keys: dict[str, int] = {}

    def over(self, credential: CredentialRow) -> Deny | None:
        """Why no further request with this key is admitted now; None if one is."""
        whose, most = "your organization", self._of_organization
        if self._organizations.get(credential.grant.organization, 0) < most:
            whose, most = "this API key", self._of_key
            if self._keys.get(credential.id, 0) < most:
                return None
        said = f"{whose} has {most:,} requests in flight at this gateway, as many as it may have"
        return Deny(Reason.QUOTA_EXCEEDED, said, retry_after_s=RETRY_S)

    def began(self, credential: CredentialRow) -> None:
        """A request with this key is in flight."""
        organization, key = credential.grant.organization, credential.id
        self._organizations[organization] = self._organizations.get(organization, 0) + 1
        self._keys[key] = self._keys.get(key, 0) + 1

    def ended(self, credential: CredentialRow) -> None:
        """It is over."""
        _count_out(self._organizations, credential.grant.organization)
        _count_out(self._keys, credential.id)


def _count_out(counts: dict[str, int], name: str) -> None:
    """Count one less; what has none left is forgotten."""
    left = counts.pop(name) - 1
    if left:
        counts[name] = left


def shares(connections: int, of_organization: int, of_key: int) -> InFlight:
    """The bounds of a gateway that can have so many connections; 0 leaves a bound to that number."""
    organization = of_organization or max(1, connections // SHARES)
    return InFlight(organization, min(of_key or max(1, organization // KEY_SHARES), organization))
