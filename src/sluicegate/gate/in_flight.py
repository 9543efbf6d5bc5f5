"""How many requests may be in flight at once, so that no one takes all connections.

Rules:
- An organization has its share of a gateway's connections, and each of its keys a share of that: one key that
  opens streams without end leaves room to the others, and one organization to other organizations.
- What is over a share is refused when all else allows it; what is in flight goes on.
"""

from __future__ import annotations

import sys
from collections import Counter

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
        self._organizations: Counter[str] = Counter()
        self._keys: Counter[str] = Counter()

    def over(self, credential: CredentialRow) -> Deny | None:
        """Why no further request with this key is admitted now; None if one is."""
        whose, most = "your organization", self._of_organization
        if self._organizations[credential.grant.organization] < most:
            whose, most = "this API key", self._of_key
            if self._keys[credential.id] < most:
                return None
        said = f"{whose} has {most:,} requests in flight at this gateway, as many as it may have"
        return Deny(Reason.QUOTA_EXCEEDED, said, retry_after_s=RETRY_S)

    def began(self, credential: CredentialRow) -> None:
        """A request with this key is in flight."""
        self._organizations[credential.grant.organization] += 1
        self._keys[credential.id] += 1

    def ended(self, credential: CredentialRow) -> None:
        """It is over."""
        for counts, name in (
            (self._organizations, credential.grant.organization),
            (self._keys, credential.id),
        ):
            counts[name] -= 1
            if not counts[name]:
                del counts[name]


def shares(connections: int, of_organization: int, of_key: int) -> InFlight:
    """The bounds of a gateway that can have so many connections; 0 leaves a bound to that number."""
    organization = of_organization or max(1, connections // SHARES)
    return InFlight(organization, min(of_key or max(1, organization // KEY_SHARES), organization))
