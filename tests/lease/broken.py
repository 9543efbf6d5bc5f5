"""Variants of production code, each broken in one way that the simulation must find."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from sluicegate.core.access import feed
from sluicegate.feed.head import Head, Reached
from sluicegate.feed.leases import Leased, Leases
from sluicegate.feed.run import Poll, Sighting
from sluicegate.gate.engine import Flight
from sluicegate.gate.feed import Tail
from sluicegate.gate.kept import TrustedHead
from sluicegate.ports import FeedRecord, FeedTerm, Run
from sluicegate.service.fleet import Fleet, Sight
from sluicegate_record.entries import Entry
from sluicegate_record.log import times
from tests.lease.schedule import Clock, Process
from tests.lease.world import FAR, LONG, MIXED, Parts


class FromReceipt(Tail):
    """Counts the lease from when the answer came, not from when the question was sent."""

    def take(self, data: bytes) -> TrustedHead:
        self._asked_ms = self._clock.boot_ms()
        return super().take(data)


class WithoutNonce(Tail):
    """Takes an answer to another question for the answer to this one."""

    def take(self, data: bytes) -> TrustedHead:
        answer: Any = json.loads(data)
        if self._asked is not None and "nonce" in answer:
            self._asked["nonce"] = answer["nonce"]
        return super().take(data)


class LateFold(Tail):
    """Trusts the lease at once, and folds the entries that came with it when the next answer is here."""

    _late: Sequence[Entry] = ()

    def take(self, data: bytes) -> TrustedHead:
        late, self._late = self._late, ()
        if late:
            super()._advance(late)
        return super().take(data)

    def _advance(self, entries: Sequence[Entry]) -> None:
        self._late = [*self._late, *entries]


class TakesTimeBack(Tail):
    """Takes whatever time was signed."""

    def take(self, data: bytes) -> TrustedHead:
        seen, lease = super().take(data), self._engine.lease
        given: Any = json.loads(data)
        if lease is not None and given["leaseMs"]:
            self._engine.lease = replace(lease, control_ms=times.parse_time(given["controlTime"]))
        return seen


class BelievesAnyTime(Tail):
    """Takes a time however far it is from the machine's own clock."""

    def _check_clocks(self, answer: feed.FeedAnswer, received_ms: float) -> None:
        """Nothing is checked."""


class TakesAnyLength(Tail):
    """Takes a lease as long as the feed gives it."""

    def take(self, data: bytes) -> TrustedHead:
        given: Any = json.loads(data)
        seen, lease = super().take(data), self._engine.lease
        if lease is not None and given["leaseMs"]:
            ends_ms = lease.sent_ms + given["leaseMs"] - given["ageMs"]
            self._engine.lease = replace(lease, ends_ms=ends_ms)
        return seen


class StandsStill(Clock):
    """CLOCK_MONOTONIC: it does not count the time for which its machine was suspended."""

    def of(self, process: Process) -> Callable[[], float]:
        return lambda: self() - self.rate * process.stopped_ms


class GivesLonger(Leases):
    """Gives leases twice as long as the plans allow."""

    def _lease(self, poll: Poll, reached: Reached, end: int, confirmed_ms: float) -> Leased | None:
        leased = super()._lease(poll, reached, end, confirmed_ms)
        return None if leased is None else leased._replace(lease_ms=2 * leased.lease_ms)


def unchecked(flight: Flight) -> bool:
    """Writes on until the flight has been cut."""
    return flight.refused is None


class AgeFromAnswer(Leases):
    """Counts `ageMs` from the answer: whatever was confirmed at some time was confirmed now."""

    def _confirm(self) -> float:
        super()._confirm()
        return self._clocks.boot_ms()


class AgeFromReceipt(Leases):
    """Counts `ageMs` from when the confirmation was over, not from when it was begun."""

    def _note_confirmed(self, term: FeedTerm, began_ms: float, *noted: Any) -> None:
        super()._note_confirmed(term, self._clocks.boot_ms(), *noted)


class OnlyReads(Leases):
    """Confirms by reading the head, and commits only where something is to be committed."""

    def _confirm(self) -> float:
        began_ms = self._clocks.boot_ms()
        self.head.follow()
        return began_ms


class ReadBefore(Head):
    """Follows the log before a confirmation, and not in it."""

    is_confirming = False

    def follow(self) -> Reached:
        return self.reached if self.is_confirming else super().follow()


class CommitsAfterwards(Leases):
    """Reads the head, and commits its term after that."""

    def _confirm_now(self) -> Sequence[Run]:
        assert isinstance(self.head, ReadBefore)
        self.head.follow()
        self.head.is_confirming = True
        try:
            return super()._confirm_now()
        finally:
            self.head.is_confirming = False


class WithoutAllowance(Leases):
    """Takes a lease to be over when it is by its own clock, which may be faster than the gateway's."""

    allowance = 1.0


class LeasedBeforeCommitted(Leases):
    """Gives a run its first lease before it is on the disk that it may hold one."""

    def _is_to_be_kept(self, poll: Poll) -> bool:
        wanted = super()._is_to_be_kept(poll)
        seen = self._seen[poll.run]
        if wanted:
            seen.kept = seen.known
        return False


class SentIsAcknowledged(Leases):
    """Takes what it has sent for what has been applied. The run has signed nothing of that."""

    def answer(self, poll: Poll) -> dict[str, Any]:
        answer = super().answer(poll)
        with self._lock:
            seen = self._seen[poll.run]
            size, at_ms = answer["size"], self.now_ms()
            seen.known = replace(seen.known, size=size, at_ms=at_ms, ask=None, sig=None)
        return answer


class Forgetful(Leases):
    """Does not know, after a start, that runs may hold leases of before."""

    def _loaded(self) -> dict[tuple[str, str], Sighting]:
        loaded = super()._loaded()
        for seen in loaded.values():
            seen.ends_ms = 0.0
        return loaded


class OneFeed(Fleet):
    """Looks at the first feed alone."""

    def _sight(self, size: int, now_ms: float, records: Sequence[FeedRecord]) -> Sight:
        return super()._sight(size, now_ms, records[:1])


class AnyBoot(Fleet):
    """Compares the clock of another boot with its own."""

    def _ends_ms(self, term: FeedTerm) -> float:
        return term.gives_until_ms


HURRIED = replace(FAR, leases_ms=(500,))
"""Where a quarter of a second is half a lease."""
DEAF = replace(FAR, leases_ms=(500,), legs=(0.6,), hints_lost=0.5)
"""Where a feed that has not read the log lately does not soon hear of it."""
QUIET = replace(LONG, leases_ms=(5_000,), gateways=(2, 3, 4, 5), bursts=0.1, apart=False)
"""Where a control plane that begins again is soon asked about the leases before."""
TWO = replace(MIXED, feeds=(2,))
LYING = replace(MIXED, lies=0.5)
"""Where gateways are often told another time."""
BOOTED = replace(MIXED, leases_ms=(5_000, 60_000), boots=1.0)
"""Where machines begin anew often."""
VARIANTS = {
    "lease from receipt": Parts(tail=FromReceipt, tempers=(FAR,)),
    "no nonce": Parts(tail=WithoutNonce, tempers=(MIXED,)),
    "entries after the lease": Parts(tail=LateFold, tempers=(FAR,)),
    "no check before write": Parts(may=unchecked, tempers=(LONG,)),
    "time taken back": Parts(tail=TakesTimeBack, tempers=(LYING,)),
    "any time believed": Parts(tail=BelievesAnyTime, tempers=(LYING,)),
    "a clock that stands still while suspended": Parts(clock=StandsStill, tempers=(FAR,)),
    "a lease of any length": Parts(tail=TakesAnyLength, leases=GivesLonger, tempers=(FAR,)),
    "age from the answer": Parts(leases=AgeFromAnswer, tempers=(HURRIED,)),
    "age from the confirmation's end": Parts(leases=AgeFromReceipt, tempers=(HURRIED,)),
    "a confirmation that only reads": Parts(leases=OnlyReads, tempers=(QUIET,)),
    "a term committed after the head was read": Parts(
        leases=CommitsAfterwards, head=ReadBefore, tempers=(DEAF,)
    ),
    "no allowance for clocks": Parts(leases=WithoutAllowance, tempers=(LONG,)),
    "a lease before its run is committed": Parts(leases=LeasedBeforeCommitted, tempers=(FAR,)),
    "sent is acknowledged": Parts(leases=SentIsAcknowledged, tempers=(MIXED,)),
    "no wait after a start": Parts(leases=Forgetful, tempers=(QUIET,)),
    "one feed of two": Parts(fleet=OneFeed, tempers=(TWO,)),
    "the clock of another boot": Parts(fleet=AnyBoot, tempers=(BOOTED,)),
}
"""Each in the kind of world in which it soon makes a difference."""
