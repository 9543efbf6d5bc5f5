"""One run of a gateway, as a feed knows it: what it acknowledged, and until when it may hold a lease.

Rules:
- What a run acknowledges never goes back: an older question that comes again changes nothing.
- A run that has shown a key is heard under that key alone, from its first question to its last.
- A run gets a lease only after it is on the disk that it may hold one. When its last lease has surely ended
  that is taken back; before the next one it is on the disk again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import islice

from sluicegate.acts.fleet import DayQuestion
from sluicegate.core.access.feed import CUTS_MAX
from sluicegate.errors import BadSignature
from sluicegate.ports import Run
from sluicegate_record.log.acknowledgement import Acknowledgement

FORGET_AFTER_MS = 3_600_000
WANTED_MS = 1_000


@dataclass(frozen=True, slots=True)
class Poll:
    """A gateway's question. Units: `after` counts entries; `cut` requests, by directive or reason.

    `root` (hex) is that of its own entries at `after`, `fold` the version of its fold, each None where it was
    not said; `signed` is what it acknowledges under its own key. `spender` is who spends, see `feed.parts`;
    None of a build that knows no parts. `days` asks for budgets, see `feed.budgets`.
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
    spender: str | None = None
    days: DayQuestion | None = None

    @property
    def run(self) -> tuple[str, str]:
        """Which run asks."""
        return self.gateway, self.incarnation

    @property
    def key(self) -> bytes | None:
        """The key that it shows."""
        return None if self.signed is None else self.signed.key


@dataclass(slots=True)
class Sighting:
    """What a feed knows of one run. Units: CLOCK_BOOTTIME milliseconds of this machine."""

    known: Run
    """What is to be on the disk."""
    heard_ms: float
    """When it last asked."""
    ends_ms: float = 0.0
    """When its last lease ends."""
    kept: Run | None = None
    """What is on the disk."""
    is_told: bool = False
    """Its drift has been logged."""

    @property
    def may_lease(self) -> bool:
        """Whether it is on the disk that it may hold a lease."""
        return self.kept is not None and self.kept.leased and self.known.leased

    def check_key(self, poll: Poll) -> None:
        """Check that a question comes from the run it names.

        Raises: BadSignature: unsigned, or under another key, where the run is known under a key; or signed
                where it is known without one.
        """
        if poll.key == self.known.key:
            return
        said = "is not signed" if poll.key is None else "is signed with another key than it began with"
        raise BadSignature(
            f"a question of {poll.gateway!r}, run {poll.incarnation[:16]!r}, {said}",
            remedy="start that gateway again: a run keeps the key of its first question",
        )

    def acknowledge(self, poll: Poll, wall_ms: int) -> None:
        """Note what a question acknowledges."""
        self.known = replace(self.known, cut=_newest(self.known.cut, poll.cut), drifted=None)
        if poll.after < self.known.size or (poll.after == self.known.size and self.known.at_ms is not None):
            return
        asked = None if poll.signed is None else json.dumps(poll.signed.ask.to_json())
        self.known = replace(
            self.known,
            size=poll.after,
            at_ms=wall_ms,
            ask=asked,
            sig=None if poll.signed is None else poll.signed.sig,
        )

    def drift(self, what: str) -> None:
        """Note that it has another log, or another fold."""
        self.known = replace(self.known, drifted=what)

    def lease(self, ends_ms: float) -> None:
        """Note a lease. Requires: it may have one."""
        self.ends_ms = max(self.ends_ms, ends_ms)

    def want(self, now_ms: float) -> None:
        """Ask for it to be on the disk that it may hold a lease. It has a moment to get one."""
        self.known = replace(self.known, leased=True, ended_ms=None)
        self.ends_ms = max(self.ends_ms, now_ms + WANTED_MS)

    def end(self, now_ms: float, wall_ms: int) -> None:
        """Take back that it may hold a lease, if its last one has surely ended."""
        if self.known.leased and self.kept is not None and self.kept.leased and self.ends_ms <= now_ms:
            self.known = replace(self.known, leased=False, ended_ms=wall_ms)

    def is_gone(self, now_ms: float) -> bool:
        """Whether it has long been silent, and without a lease."""
        return max(self.heard_ms, self.ends_ms) + FORGET_AFTER_MS < now_ms


def _newest(known: Mapping[str, int], said: Mapping[str, int]) -> dict[str, int]:
    """What is known of a run's cuts after it has said more. No count goes back."""
    cut = dict(known)
    for name, count in said.items():
        cut[name] = max(count, cut.pop(name, 0))
    return cut if len(cut) <= CUTS_MAX else dict(islice(cut.items(), len(cut) - CUTS_MAX, None))
