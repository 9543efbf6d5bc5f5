"""Variants of production code, each broken in one way that the simulation must find."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from sluicegate.core.access import feed
from sluicegate.gate.engine import Flight, Lease
from sluicegate.gate.feed import Tail, TrustedHead
from sluicegate.service.fleet import CONFIRM_EVERY_MS, Fleet, Poll
from tests.lease.log import Access
from tests.lease.world import FAR, LONG, MIXED, Parts


class FromReceipt(Tail):
    """Counts the lease from when the answer came, not from when the question was sent."""

    def take(self, data: bytes) -> TrustedHead:
        self._asked_ms = self._boot_ms()
        return super().take(data)


class WithoutNonce(Tail):
    """Takes an answer to another question for the answer to this one."""

    def take(self, data: bytes) -> TrustedHead:
        answer: Any = json.loads(data)
        if self._asked is not None and "nonce" in answer:
            self._asked["nonce"] = answer["nonce"]
        return super().take(data)


class Ageless(Tail):
    """Takes an answer to be as fresh as its arrival."""

    def take(self, data: bytes) -> TrustedHead:
        head, given, lease_ms = super().take(data), self._engine.lease, json.loads(data)["leaseMs"]
        if lease_ms and given is not None:
            ends_ms = given.sent_ms + lease_ms
            self._engine.renew(Lease(given.sent_ms, given.received_ms, ends_ms, given.control_ms))
        return head


class LateFold(Tail):
    """Trusts the lease at once, and folds the entries that came with it when the next answer is here."""

    _late: feed.FeedAnswer | None = None

    def take(self, data: bytes) -> TrustedHead:
        late, self._late = self._late, None
        if late is not None:
            super()._advance(late)
        return super().take(data)

    def _advance(self, answer: feed.FeedAnswer) -> None:
        self._late = answer


def unchecked(flight: Flight) -> bool:
    """Writes on until the flight has been cut."""
    return flight.refused is None


class AgeFromAnswer(Fleet):
    """Counts `ageMs` from the answer: whatever was confirmed at some time was confirmed now."""

    def _confirm(self) -> float:
        super()._confirm()
        return self._boot_ms()


class AgeFromReceipt(Fleet):
    """Counts `ageMs` from when the confirmation came back, not from when it was sent.

    Confirms although a command has: more confirmations show the fault sooner.
    """

    def _confirm(self) -> float:
        if self._boot_ms() - self._confirmed_ms < CONFIRM_EVERY_MS:
            return self._confirmed_ms
        return self._confirm_now()

    def _confirm_now(self) -> float:
        super()._confirm_now()
        self._confirmed_ms = self._boot_ms()
        return self._confirmed_ms


class Unconfirmed(Fleet):
    """Gives leases without asking whether it still holds the primary."""

    def _confirm(self) -> float:
        return self._boot_ms()


class WithoutAllowance(Fleet):
    """Counts a lease out when it has ended by its own clock, which may be faster than the gateway's."""

    def _lease(self, poll: Poll) -> tuple[int, int]:
        reached, lease_ms = super()._lease(poll)
        if lease_ms:
            seen = self._seen[poll.run]
            seen.leases[-1] = reached, self._boot_ms() + lease_ms
        return reached, lease_ms


class SentIsAcknowledged(Fleet):
    """Takes what it has sent for what has been applied."""

    def answer(self, poll: Poll) -> dict[str, Any]:
        answer = super().answer(poll)
        seen = self._seen[poll.run]
        seen.history.append((answer["size"], self._ledger.wall_ms()))
        return answer


class Forgetful(Fleet):
    """Does not wait, after a start, for the leases that were given before it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._seen.clear()


class StaleChain(Access):
    """A replica that confirms what it was told lately without asking again."""

    _told_ms = float("-inf")

    def _confirmed(self) -> int:
        if self.upstream is None or self._schedule.now - self._told_ms > 2_000:
            reached = super()._confirmed()
            self._told_ms = self._schedule.now
            return reached
        return self.size()


HURRIED = replace(FAR, leases_ms=(500,))
"""Where a quarter of a second is half a lease."""
QUIET = replace(LONG, leases_ms=(5_000,), gateways=(2, 3, 4, 5), bursts=0.1, apart=False)
"""Where a control plane that begins again is soon asked about the leases before."""
VARIANTS = {
    "lease from receipt": Parts(tail=FromReceipt, tempers=(FAR,)),
    "no nonce": Parts(tail=WithoutNonce, tempers=(MIXED,)),
    "age taken for nothing": Parts(tail=Ageless, tempers=(HURRIED,)),
    "entries after the lease": Parts(tail=LateFold, tempers=(FAR,)),
    "no check before write": Parts(may=unchecked, tempers=(LONG,)),
    "age from the answer": Parts(fleet=AgeFromAnswer, tempers=(HURRIED,)),
    "age from the confirmation's return": Parts(fleet=AgeFromReceipt, tempers=(HURRIED,)),
    "no confirmation": Parts(fleet=Unconfirmed, tempers=(FAR,)),
    "no allowance for clocks": Parts(fleet=WithoutAllowance, tempers=(LONG,)),
    "sent is acknowledged": Parts(fleet=SentIsAcknowledged, tempers=(MIXED,)),
    "no wait after a start": Parts(fleet=Forgetful, tempers=(QUIET,)),
    "a store that confirms by itself": Parts(access=StaleChain, tempers=(FAR,)),
}
"""Each in the kind of world in which it soon makes a difference."""
