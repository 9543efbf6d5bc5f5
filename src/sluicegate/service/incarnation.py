"""One run of a gateway, as the control plane knows it: what it acknowledged, and the leases it may hold.

Rules:
- What a run acknowledges never goes back: an older question that comes again changes nothing.
- A run that has shown a key is heard under that key alone, from its first question to its last.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from sluicegate.core.lifecycle.fleet import ACKNOWLEDGED, COUNTED_OUT, WAITING
from sluicegate.errors import BadSignature
from sluicegate.ports import Incarnation
from sluicegate_record.entries.directives import AtGateway
from sluicegate_record.form import replace
from sluicegate_record.log import canonical
from sluicegate_record.log.acknowledgement import Acknowledgement

FORGET_AFTER_MS = 3_600_000
HISTORY_MAX = 1_000


@dataclass(frozen=True, slots=True)
class Poll:
    """A gateway's question. Units: `after` counts entries; `cut` requests, by directive or reason.

    `root` (hex) is that of its own entries at `after`, `fold` the version of its fold, each None where it was
    not said; `signed` is what it acknowledges under its own key.
    """

    gateway: str
    incarnation: str
    surface: str
    after: int
    nonce: str
    cut: dict[str, int] = field(default_factory=dict)
    root: str | None = None
    fold: int | None = None
    signed: Acknowledgement | None = None

    @property
    def run(self) -> tuple[str, str]:
        """Which run asks."""
        return self.gateway, self.incarnation


@dataclass(slots=True)
class Sighting:
    """What is known of one incarnation. Units: CLOCK_BOOTTIME milliseconds of this machine."""

    who: Incarnation
    heard_ms: float
    """When it last asked."""
    after: int = 0
    leases: list[tuple[int, float]] = field(default_factory=list)
    """(size it came with, its end) of each lease that may live."""
    history: list[tuple[int, int]] = field(default_factory=list)
    """(size, wall-clock milliseconds) of each acknowledgement."""
    cut: dict[str, int] = field(default_factory=dict)
    signed: Acknowledgement | None = None
    """The newest acknowledgement under its key: it holds for every size up to its own."""
    drifted: str | None = None
    """In what its newest question disagrees with this log: `root` or `fold`."""
    is_told: bool = False
    """Its drift has been logged."""

    def check_key(self, poll: Poll) -> None:
        """Check that a question comes from the run it names.

        Raises: BadSignature: unsigned, or under another key, where the run is known under a key; or signed
                where it is known without one.
        """
        given = poll.signed.key if poll.signed is not None else None
        if given == self.who.key:
            return
        said = "is not signed" if given is None else "is signed with another key than it was registered with"
        raise BadSignature(
            f"a question of {poll.gateway!r}, run {poll.incarnation[:16]!r}, {said}",
            remedy="start that gateway again: a run keeps the key of its first question",
        )

    def acknowledged(self, poll: Poll, wall_ms: int) -> bool:
        """Note what a question acknowledges; whether that is more than before."""
        is_more = poll.after > self.after or not self.history
        if is_more:
            self.history.append((poll.after, wall_ms))
            del self.history[:-HISTORY_MAX]
        if poll.after >= self.after:
            self.signed = poll.signed
        self.after = max(self.after, poll.after)
        self.cut = {name: max(count, self.cut.get(name, 0)) for name, count in poll.cut.items()}
        return is_more

    def lease_ends_ms(self, below: int | None = None) -> float:
        """When its last lease ends, or the last that came with less than `below` entries."""
        return max((ends for size, ends in self.leases if below is None or size < below), default=0.0)

    def leased(self, size: int, ends_ms: float, now_ms: float) -> None:
        """Note a lease; forget those that have ended."""
        self.leases = [(came, ends) for came, ends in self.leases if ends > now_ms]
        self.leases.append((size, ends_ms))

    def is_gone(self, now_ms: float) -> bool:
        """Whether it has long been silent, and without a lease."""
        return max(self.heard_ms, self.lease_ends_ms()) + FORGET_AFTER_MS < now_ms

    def state(self, size: int, now_ms: float) -> str:
        """Where it stands with what the log holds at `size`."""
        if self.acknowledged_ms(size) is not None:
            return ACKNOWLEDGED
        return COUNTED_OUT if now_ms >= self.lease_ends_ms(below=size) else WAITING

    def acknowledged_ms(self, size: int) -> int | None:
        """When it first acknowledged a size, on the wall clock."""
        return next((at_ms for after, at_ms in self.history if after >= size), None)

    def row(self, name: str, size: int, now_ms: float) -> AtGateway:
        """How it stands with the directive `name`, which is in the log of `size`; without what it signed."""
        return AtGateway(
            gateway=self.who.gateway,
            incarnation=self.who.incarnation,
            surface=self.who.surface,
            size=self.after,
            state=self.state(size, now_ms),
            at_ms=self.acknowledged_ms(size),
            streams_cut=self.cut.get(name, 0),
            signed=self.who.key is not None,
            drifted=self.drifted,
            key=canonical.b64(self.who.key) if self.who.key is not None else None,
            ask=None,
            sig=None,
        )

    def proven(self, name: str, size: int, now_ms: float, wall_ms: int) -> AtGateway:
        """The same for the record: with what proves it, or when the lease ended that counted it out."""
        row = self.row(name, size, now_ms)
        ends_ms = self.lease_ends_ms(below=size)
        if row.state == COUNTED_OUT and ends_ms:
            row = replace(row, at_ms=wall_ms - math.floor(now_ms - ends_ms))
        if self.signed is None or row.state != ACKNOWLEDGED:
            return row
        return replace(row, ask=self.signed.ask.to_json(), sig=self.signed.sig)
