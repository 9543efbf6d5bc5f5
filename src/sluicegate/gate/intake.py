"""What a gateway takes in before it knows what is asked.

Rules:
- All bodies that are unfinished or being read hold no more than a stated total, those of one organization no
  more than a share of it. A body that is complete with its next part is not refused: no one waits for others'
  bodies.
- Their number is bounded in the same way, because each has a connection: who sends no bodies after its heads
  would else take all of them.
- Reading costs time, whatever the answer is. So what was read for refused requests is metered, by
  organization. Who has used that up is refused before the next body is read. What was admitted does not
  count: the conditions of its grant meter that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sluicegate.core.access.refusals import Deny, Reason
from sluicegate.gate.meter import Meter
from sluicegate.settings import GatewaySettings

SHARES = 4
"""One organization may hold this part of the total."""
RETRY_S = 1
_SPENT = "too much of what was sent has been refused lately"


class Full(Exception):
    """There is no room for more of an unfinished body."""


class RequestBody:
    """The body of one request, as far as it is here."""

    def __init__(self, intake: Intake, organization: str) -> None:
        self._intake = intake
        self._organization = organization
        self._parts: list[bytes] = []
        self.size = 0

    def add(self, part: bytes, *, more: bool) -> None:
        """Add a part; `more` says whether others follow. Raises: Full: there is no room to wait for them."""
        self._parts.append(part)
        self.size += len(part)
        self._intake.hold(self._organization, len(part))
        if more and self._intake.is_full(self._organization):
            raise Full

    def parts(self) -> list[bytes]:
        """All of it. Its parts are not kept, but count until it has been read."""
        parts, self._parts = self._parts, []
        return parts


class Intake:
    """What one gateway takes in. `connections` is how many its server can have open; `boot_ms` reads
    CLOCK_BOOTTIME in milliseconds.
    """

    def __init__(self, settings: GatewaySettings, connections: int, boot_ms: Callable[[], float]) -> None:
        self._bodies_most = max(1, connections // 2)
        self._bodies_share = max(1, self._bodies_most // SHARES)
        self._most = settings.max_unfinished_bytes
        self._share = max(settings.max_body_bytes, self._most // SHARES)
        self._refused_per_minute = settings.max_refused_bytes_per_minute
        self._boot_ms = boot_ms
        self._held: Counter[str] = Counter()
        self._bodies: Counter[str] = Counter()
        self._meters: dict[str, Meter] = {}
        self.unfinished_bytes = 0

    @contextmanager
    def body(self, organization: str) -> Iterator[RequestBody]:
        """A body to read. When this ends it is unfinished no longer."""
        body = RequestBody(self, organization)
        self._bodies[organization] += 1
        try:
            yield body
        finally:
            self._bodies -= Counter([organization])
            self.hold(organization, -body.size)

    def hold(self, organization: str, more: int) -> None:
        """Hold so many more bytes of unfinished bodies."""
        self.unfinished_bytes += more
        self._held[organization] += more
        if not self._held[organization]:
            del self._held[organization]

    def is_full(self, organization: str) -> bool:
        """Whether an organization, or all together, hold too much, or have too many."""
        if self.unfinished_bytes > self._most or self._held[organization] > self._share:
            return True
        return self._bodies[organization] > self._bodies_share or self._bodies.total() > self._bodies_most

    def closed(self, organization: str) -> Deny | None:
        """Why no further body of an organization is read now; None if it is."""
        meter = self._meters.get(organization)
        wait_s = 0 if meter is None else meter.wait_s(self._boot_ms())
        return Deny(Reason.QUOTA_EXCEEDED, _SPENT, retry_after_s=wait_s) if wait_s else None

    def refused(self, organization: str, size: int) -> None:
        """Meter what was read for a request that was refused. Units: bytes."""
        meter = self._meters.get(organization)
        if meter is None:
            meter = self._meters[organization] = Meter(self._refused_per_minute, self._boot_ms())
        meter.charge(size, self._boot_ms())


def busy() -> Deny:
    """The refusal of a body for which there is no room."""
    return Deny(Reason.GATE_BUSY, retry_after_s=RETRY_S)
