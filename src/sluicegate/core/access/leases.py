"""How long a lease may be: by the plans in force, and by any plan there ever was."""

from __future__ import annotations

from dataclasses import dataclass, field

LEASE_MS_DEFAULT = 5_000
"""What a lease is while no plan is in force."""
CLOCK_ALLOWANCE = 1.001
"""How much longer than its length a lease may live: a thousandth, for the gateway's clock."""
SLOWEST = 0.999
"""How slow the control plane's time may be, by a gateway's CLOCK_BOOTTIME: it never stands still."""


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

    def of(self, release: str) -> int:
        """The lease of a release's plan in force."""
        return self._by_release.get(release, LEASE_MS_DEFAULT)

    def put(self, release: str, lease_ms: int) -> None:
        """Let this be the lease of a release's plan in force."""
        self._by_release[release] = lease_ms
        self.longest_ms = max(self.longest_ms, lease_ms)
