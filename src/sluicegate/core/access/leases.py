"""How long a lease may be: by the plans in force, and by any plan there ever was."""

from __future__ import annotations

from dataclasses import dataclass, field

from sluicegate_record.entries.body import seen
from sluicegate_record.entries.releases import ReleaseApplied

LEASE_MS_DEFAULT = 5_000
"""What a lease is while no plan is in force."""
CLOCK_ALLOWANCE = 1.001
"""How much longer than its length a lease may live: a thousandth, for the gateway's clock."""


@dataclass(slots=True)
class LeaseTerms:
    """The lease of each release's plan in force. Units: milliseconds.

    `longest_ms` is the longest lease that any plan has ever allowed.
    """

    longest_ms: int = LEASE_MS_DEFAULT
    _by_release: dict[str, int] = field(default_factory=dict)

    @property
    def lease_ms(self) -> int:
        """The smallest lease of the plans in force."""
        return min(self._by_release.values(), default=LEASE_MS_DEFAULT)

    def apply(self, body: ReleaseApplied) -> None:
        """Fold in a plan that comes into force."""
        lease_ms = seen(body.given).spec.lease_ms
        self._by_release[body.release] = lease_ms
        self.longest_ms = max(self.longest_ms, lease_ms)
