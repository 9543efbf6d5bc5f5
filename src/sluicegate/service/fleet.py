"""The fleet: what gateways have acknowledged, and when a directive is in force everywhere.

Rules:
- An incarnation is registered durably, with its key if it shows one, before its first lease.
- An answer is signed over the asker's nonce; the lease counts from when the asker asked.
- `ageMs` counts from before the last write that this process committed on the primary, so a process that
  can no longer write hands out leases that have already ended.
- What an incarnation acknowledges is true of everything before it. A lease is trusted only after the
  entries it came with are applied, so one that is silent is counted out when every lease that came
  without the directive has passed, and a thousandth more for its clock.
- A gateway that has another log or another fold than ours acknowledges nothing and gets no lease.
- Once it holds it holds for good, gateways that come later have the directive before their lease: so that a
  directive is in force everywhere is looked at first, and put on the record after.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from sluicegate.acts.directives import DirectiveStatus, StateAtGateway, StateAtPoint
from sluicegate.acts.fleet import GatewayLease
from sluicegate.core.access import feed
from sluicegate.core.lifecycle import Refusal, State, points
from sluicegate.core.lifecycle.fleet import WAITING, NoteInForce
from sluicegate.errors import Drifted, StoreUnavailable, VerificationFailed
from sluicegate.ports import Incarnation
from sluicegate.service.incarnation import FORGET_AFTER_MS, HISTORY_MAX, Poll, Sighting
from sluicegate.service.ledger import Ledger
from sluicegate_record.entities.directive import Directive
from sluicegate_record.entries.directives import AtGateway

__all__ = ["CONFIRM_EVERY_MS", "FORGET_AFTER_MS", "HISTORY_MAX", "Fleet", "Poll"]

CONFIRM_EVERY_MS = 250
CLOCK_ALLOWANCE = 1.001
ROOTS_KEPT = 64
BY = "fleet"
"""Who notes that a directive is in force everywhere."""
_log = logging.getLogger(__name__)

BYTES_MAX = feed.ANSWER_BYTES_MAX // 4
"""How much the entries of one answer may hold: written as JSON it is at most twice as long."""


class Fleet:
    """The gateways of one control plane."""

    def __init__(
        self,
        ledger: Ledger,
        *,
        max_entries: int,
        max_bytes: int = BYTES_MAX,
    ) -> None:
        self._ledger = ledger
        self._max_bytes = max_bytes
        self._boot_ms = ledger.boot_ms
        self._max_entries = max_entries
        self._lock = threading.Lock()
        """Taken before the ledger's, never while that is held."""
        self._confirmed_ms = float("-inf")
        self._root = lru_cache(ROOTS_KEPT)(ledger.root)
        now_ms = self._boot_ms()
        longest = (0, now_ms + CLOCK_ALLOWANCE * self._longest_lease_ms())
        self._seen = {
            (known.gateway, known.incarnation): Sighting(known, now_ms, leases=[longest])
            for known in ledger.store.fleet.incarnations()
        }

    def heard(self, poll: Poll) -> None:
        """Note what a poll acknowledges, as soon as it is here: its answer may wait for news.

        Raises: StoreUnavailable: it cannot be registered, or followed to what it has.
                VerificationFailed: it acknowledges more than there is.
                BadSignature: it is not from the run it names.
                Drifted: it has another log than ours, or another fold.
        """
        self._check_known(poll)
        drift = self._drift(poll)
        with self._lock:
            seen = self._registered(poll)
            seen.heard_ms = self._boot_ms()
            seen.drifted = drift.what if drift is not None else None
            is_more = drift is None and seen.acknowledged(poll, self._ledger.wall_ms())
            if drift is not None and not seen.is_told:
                seen.is_told = True
                _log.error("%s; %s", drift.message, drift.remedy)
        if drift is not None:
            raise drift
        if is_more:
            self._note_now()

    def answer(self, poll: Poll) -> dict[str, Any]:
        """Answer a poll that was heard: the entries after `after`, and a lease if they are all there are.

        Raises: StoreUnavailable: no lease can be given.
        """
        confirmed_ms = self._confirm()
        reached, lease_ms = self._lease(poll)
        entries = self._ledger.entries(poll.after, reached)
        signed = feed.SignedAnswer(
            gateway=poll.gateway,
            incarnation=poll.incarnation,
            nonce=poll.nonce,
            after=poll.after,
            size=reached,
            root=self._root(reached),
            control_ms=self._ledger.now_ms(),
            lease_ms=lease_ms,
            age_ms=int(self._boot_ms() - confirmed_ms) + 1,
        )
        return feed.answer_json(signed, entries, self._ledger.key)

    def tick(self) -> None:
        """Put on the record every directive that has come to be in force everywhere.

        Raises: StoreUnavailable: it will be noted when asked again.
        """
        now_ms = self._ledger.now_ms()
        with self._ledger.reading() as state:
            spreading = [state.directives[name] for name in state.spreading]
            spreading = [found for found in spreading if found.holds_ms <= now_ms]
            open_ = [
                (found.name, found.size)
                for found in spreading
                if all(points.enforcing(point, found) for point in points.asked(state, found))
            ]
        for name, size in open_:
            rows = self._proven(name, size)
            if rows is not None:
                self._ledger.execute(
                    NoteInForce(name, size, rows),
                    by=BY,
                    command_id=f"in force: {name} at {size}",
                    request=["in force", name, size],
                )

    def has_news(self, after: int) -> bool:
        """Whether there are entries beyond `after`."""
        return self._ledger.size() > after

    def directive_status(self, name: str) -> DirectiveStatus | Refusal:
        """Where a directive is in force: gateway by gateway, and point by point."""
        with self._ledger.reading() as state:
            issued = state.directives.get(name)
            if issued is None:
                return Refusal("unknown", "directive_unknown", f"no directive {name[:80]!r}")
            stated = tuple(_points(state, issued))
        begun, lifted = issued.holds_ms <= self._ledger.now_ms(), issued.ended is not None
        rows = self.spread(name, issued.size)
        states = [*(row.state for row in rows), *(row.state for row in stated)]
        return DirectiveStatus(
            directive=name,
            size=issued.size,
            lifted=lifted,
            in_force=begun and not lifted and WAITING not in states,
            in_force_since_ms=issued.in_force_ms,
            entry=issued.in_force_seq,
            gateways=tuple(map(_shown, rows)),
            points=stated,
        )

    def spread(self, name: str, size: int) -> list[AtGateway]:
        """How every incarnation stands with what the log holds at `size`, for the directive `name`."""
        now_ms = self._boot_ms()
        with self._lock:
            return [seen.row(name, size, now_ms) for _, seen in sorted(self._seen.items())]

    def gateways(self) -> list[GatewayLease]:
        """Every incarnation that may hold a lease."""
        now_ms = self._boot_ms()
        with self._lock:
            return [
                GatewayLease(
                    gateway=seen.who.gateway,
                    incarnation=seen.who.incarnation,
                    surface=seen.who.surface,
                    size=seen.after,
                    lease_ms=max(0, int(seen.lease_ends_ms() - now_ms)),
                    signed=seen.who.key is not None,
                    drifted=seen.drifted,
                )
                for _, seen in sorted(self._seen.items())
            ]

    def drifted(self) -> int:
        """How many incarnations have another log or another fold."""
        with self._lock:
            return sum(seen.drifted is not None for seen in self._seen.values())

    def _note_now(self) -> None:
        try:
            self.tick()
        except StoreUnavailable as error:  # the next tick notes it
            _log.warning("what is in force everywhere is not noted yet: %s", error.message)

    def _check_known(self, poll: Poll) -> None:
        """An older database put back: what this gateway has folded is not what was acknowledged here.

        Where another process wrote what the gateway has, this one may only have to follow.
        """
        if poll.after > self._ledger.size():
            self._confirm_now()
        size = self._ledger.size()
        if poll.after > size:
            raise VerificationFailed(
                f"the log goes back: {poll.gateway!r} has {poll.after} entries of it, here it has {size}",
                remedy="put the newest database back; gateways refuse everything until then",
            )

    def _drift(self, poll: Poll) -> Drifted | None:
        """In what a poll disagrees with this log, if it does. Requires: `after` is within the log."""
        if poll.fold is not None and poll.fold != feed.FOLD_VERSION:
            said = f"folds entries by version {poll.fold}, here they are folded by {feed.FOLD_VERSION}"
            return Drifted("fold", f"the gateway {poll.gateway!r} {said}", "run one build on both sides")
        if poll.root is not None and poll.root != (ours := self._root(poll.after).hex()):
            said = f"has the root {poll.root[:64]!r} at size {poll.after}, here it is {ours}"
            remedy = "find out which log is the right one: verify both, and stop whoever has the other"
            return Drifted("root", f"the gateway {poll.gateway!r} {said}", remedy)
        return None

    def _registered(self, poll: Poll) -> Sighting:
        """The run that polls, durably known. Requires: the lock is held."""
        seen = self._seen.get(poll.run)
        if seen is not None:
            seen.check_key(poll)
            return seen
        who = Incarnation(*poll.run, poll.surface, poll.signed.key if poll.signed is not None else None)
        self._ledger.store.fleet.register(who)
        # Durable here: the incarnation is known before it gets a lease.
        return self._seen.setdefault(poll.run, Sighting(who, 0.0))

    def _proven(self, name: str, size: int) -> list[AtGateway] | None:
        """A row with its proof for every incarnation; None while one is waited for."""
        now_ms, wall_ms = self._boot_ms(), self._ledger.wall_ms()
        with self._lock:
            if any(seen.state(size, now_ms) == WAITING for seen in self._seen.values()):
                return None
            return [seen.proven(name, size, now_ms, wall_ms) for _, seen in sorted(self._seen.items())]

    def _fitting(self, after: int) -> int:
        """How many entries from `after` on one answer may carry, at least one: a list of members is large."""
        bytes_left = self._max_bytes
        entries = self._ledger.entries(after, min(self._ledger.size(), after + self._max_entries))
        for count, entry in enumerate(entries):
            bytes_left -= len(entry.leaf) + sum(len(opened.body) for opened in entry.gate.values())
            if bytes_left < 0 and count:
                return count
        return self._max_entries

    def _lease(self, poll: Poll) -> tuple[int, int]:
        """How far the answer reaches and the lease it gives, 0 if entries remain; noted before it is given.

        Under one lock: a reader that sees an entry that the answer lacks also sees the lease.
        """
        most = self._fitting(poll.after)
        with self._lock:
            with self._ledger.reading() as state:
                size, lease_ms = state.size, state.table.lease_ms
            reached, now_ms = min(size, poll.after + most), self._boot_ms()
            if reached < size:
                return reached, 0
            seen = self._seen[poll.run]
            if seen.drifted is not None:
                return reached, 0
            seen.leased(reached, now_ms + CLOCK_ALLOWANCE * lease_ms, now_ms)
            self._forget(now_ms)
            return reached, lease_ms

    def _forget(self, now_ms: float) -> None:
        """Forget incarnations long gone."""
        for run, seen in list(self._seen.items()):
            if seen.is_gone(now_ms):
                self._ledger.store.fleet.retire(seen.who)
                del self._seen[run]

    def _confirm(self) -> float:
        """When, at the latest before now, this process still held the primary: a command's write shows it."""
        with self._lock:
            self._confirmed_ms = max(self._confirmed_ms, self._ledger.held_ms)
            if self._boot_ms() - self._confirmed_ms < CONFIRM_EVERY_MS:
                return self._confirmed_ms
        return self._confirm_now()

    def _confirm_now(self) -> float:
        """Confirm the head, and follow the log up to it."""
        began_ms = self._boot_ms()
        self._ledger.store.log.confirm()
        self._ledger.catch_up()
        with self._lock:
            self._confirmed_ms = max(self._confirmed_ms, began_ms)
            return self._confirmed_ms

    def _longest_lease_ms(self) -> int:
        with self._ledger.reading() as state:
            return state.table.longest_lease_ms


def _shown(row: AtGateway) -> StateAtGateway:
    """A row without its proof."""
    return StateAtGateway(
        gateway=row.gateway,
        incarnation=row.incarnation,
        surface=row.surface,
        size=row.size,
        state=row.state,
        at_ms=row.at_ms,
        streams_cut=row.streams_cut,
        signed=row.signed,
        drifted=row.drifted,
    )


def _points(state: State, issued: Directive) -> Iterator[StateAtPoint]:
    """How the declared points on a directive's surfaces stand with it."""
    for point in points.asked(state, issued):
        stated = points.enforcing(point, issued)
        yield StateAtPoint(
            point=point.name,
            surface=point.surface,
            kind="declared",
            state=WAITING if stated is None else "stated",
            at_ms=None if stated is None else stated.at_ms,
        )
