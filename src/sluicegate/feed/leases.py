"""Leases: what gateways acknowledge, and until when each may trust what it has.

Rules:
- To confirm is to commit the feed's term, and then to read the log's head, in this order. The writer of the
  log, which reads the term after a commit, so knows until when leases may live that were given without it.
- No lease ends later than the term says that was committed before the head was read.
- A run is on the disk as one that may hold a lease before the head is read that its first lease comes with.
- An answer is signed over the asker's nonce; the lease counts from when the asker asked, and `ageMs` from
  before the commit. So a feed that can no longer write hands out leases that have already ended.
- What a run acknowledges is true of everything before it.
- What a run acknowledged of another log, which a database was before it was put back, does not count.
- A gateway that has another log or another fold than ours acknowledges nothing and gets no lease.
- A lease comes with the part of the rates that its run may spend, if the run says who spends; and with the
  budgets of the days for which it asks.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sluicegate import journal
from sluicegate.core.access import feed, versions
from sluicegate.core.access.feed import Certificate, Signer
from sluicegate.core.access.leases import CLOCK_ALLOWANCE
from sluicegate.core.access.rate import NOTHING, RatePart
from sluicegate.errors import BadSignature, Drifted, StoreUnavailable, Unauthorized, VerificationFailed
from sluicegate.feed.budgets import Budgets
from sluicegate.feed.head import Head, Lock, Reached
from sluicegate.feed.neighbours import AWAY_MS, Neighbours, Terms
from sluicegate.feed.parts import Parts
from sluicegate.feed.run import WANTED_MS, Poll, Sighting
from sluicegate.ports import Allotment, Budget, FeedKeys, FeedRegister, FeedTerm, PublishedEntry, Run
from sluicegate_record.form import Misread
from sluicegate_record.log.times import DAY_MS

CONFIRM_EVERY_MS = 250
RUNS_MAX = 64
"""How many runs of one gateway are known at a time."""
ONE_NAME = "give each gateway a name and a token of its own"
BYTES_MAX = feed.ANSWER_BYTES_MAX // 4
"""How much the entries of one answer may hold: written as JSON it is at most twice as long."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Clocks:
    """What a feed reads the time from, in milliseconds.

    `boot_ms` reads CLOCK_BOOTTIME, `boot` names the boot that it counts from; `wall_ms` is since 1970 UTC.
    """

    boot: str
    boot_ms: Callable[[], float]
    wall_ms: Callable[[], int]


class Leased(NamedTuple):
    """A lease, 0 for no lease, and what may be spent while it lasts."""

    lease_ms: int = 0
    part: RatePart = NOTHING
    budgets: tuple[int, ...] = ()


class Leases:
    """The leases that one feed gives. `told` is called after a commit that others wait for."""

    allowance = CLOCK_ALLOWANCE

    def __init__(  # noqa: PLR0913 - a log, a file, a key and a name; and what a test gives for the machine's
        self,
        head: Head,
        keys: FeedKeys,
        register: FeedRegister,
        key: Ed25519PrivateKey,
        name: str,
        clocks: Clocks,
        *,
        max_entries: int,
        max_bytes: int = BYTES_MAX,
        told: Callable[[], None] = lambda: None,
        others: Terms = dict,
        lock: Lock = threading.Lock,
    ) -> None:
        self.head = head
        self._keys = keys
        self._register = register
        self._key = key
        self._name = name
        self._clocks = clocks
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self._told = told
        self._public = key.public_key().public_bytes_raw()
        self._confirming = lock()
        """Held while the disk is written and read. It is taken before the other, never while that is held."""
        self._lock = threading.Lock()
        self._confirmed_ms = float("-inf")
        self._gives = FeedTerm(name, clocks.boot, self._public, 0.0, 0)
        """The term that was committed last."""
        self._certificate: Certificate | None = None
        self._certified_by = b""
        """The key of the log that signed the certificate."""
        self._seen = self._loaded()
        self._parts = Parts(register.allotments(), self._gives.gives_until_ms)
        self._budgets = Budgets(register.budgets())
        self._neighbours = Neighbours(name, clocks.boot, others)

    def begin(self) -> None:
        """Commit the first term, so that the key of this feed can be certified. Raises: StoreUnavailable."""
        self._confirm_since(self._clocks.boot_ms())
        self._told()

    def heard(self, poll: Poll) -> None:
        """Note what a poll acknowledges, as soon as it is here: its answer may wait for news.

        Raises: StoreUnavailable: the log cannot be followed to what it has.
                VerificationFailed: it acknowledges more than there is.
                BadSignature: it is not from the run it names.
                Drifted: it has another log than ours, or another fold.
        """
        self._check_known(poll)
        drift = self._drift(poll)
        with self._lock:
            seen = self._sighting(poll)
            seen.heard_ms = self._clocks.boot_ms()
            if drift is None:
                seen.acknowledge(poll, self.now_ms())
            else:
                seen.drift(drift.what)
            is_first = drift is not None and not seen.is_told
            seen.is_told = seen.is_told or drift is not None
        if drift is not None:
            if is_first:
                said = f"{drift.message}; {drift.remedy}"
                journal.note("gateway_drifted", said, logging.ERROR, gateway=poll.gateway)
            raise drift

    def answer(self, poll: Poll) -> dict[str, Any]:
        """Answer a poll that was heard: the entries after `after`, and a lease if they are all there are.

        Raises: StoreUnavailable: no lease can be given. Unauthorized: the run was put out meanwhile.
        """
        while True:
            confirmed_ms = self._confirm()
            reached = self.head.reached
            entries = self._fitting(poll.after, reached)
            end = poll.after + len(entries)
            if end == reached.size and self._is_to_be_kept(poll):
                self._confirm_since(self._clocks.boot_ms())
                continue
            leased = self._lease(poll, reached, end, confirmed_ms)
            if leased is not None:
                break
        signed = feed.SignedAnswer(
            gateway=poll.gateway,
            incarnation=poll.incarnation,
            nonce=poll.nonce,
            after=poll.after,
            size=end,
            root=self.head.root(end),
            control_ms=self.now_ms(),
            lease_ms=leased.lease_ms,
            age_ms=int(self._clocks.boot_ms() - confirmed_ms) + 1,
            part=None if poll.spender is None else leased.part.bounds,
            budgets=leased.budgets,
        )
        signer = Signer(self._key, self._good_certificate())
        handovers = self.head.handovers(poll.after)
        return feed.answer_json(signed, entries, signer, reached.checkpoint, handovers)

    def keep(self) -> None:
        """Commit what was heard and what has ended since the last commit, if anything.

        Raises: StoreUnavailable: it will be committed when asked again.
        """
        if self._changed():
            self._confirm_since(self._clocks.boot_ms())

    def check(self) -> None:
        """Check that a lease could be given now: confirm, under a certificate. Raises: StoreUnavailable."""
        self._confirm()
        self._good_certificate()

    def confirmed_age_ms(self) -> float:
        """How long ago this feed began its last confirmation; endless before the first one."""
        return self._clocks.boot_ms() - self._confirmed_ms

    def runs(self) -> int:
        """How many runs of gateways are known."""
        with self._lock:
            return len(self._seen)

    def now_ms(self) -> int:
        """The log's time: the wall clock, but never earlier than the newest entry."""
        return max(self._clocks.wall_ms(), self.head.reached.at_ms)

    def _loaded(self) -> dict[tuple[str, str], Sighting]:
        """The runs that an earlier start has left. Each may hold a lease until that start's term is over."""
        term, runs = self._register.load()
        now_ms = self._clocks.boot_ms()
        ends_ms = now_ms
        if term is not None:
            is_here = term.boot == self._clocks.boot
            ends_ms = term.gives_until_ms if is_here else now_ms + self.allowance * term.longest_lease_ms
            self._gives = replace(self._gives, gives_until_ms=ends_ms, longest_lease_ms=term.longest_lease_ms)
        size, root = self.head.reached.size, self.head.root
        return {
            run.name: Sighting(run.within(size, root), now_ms, ends_ms if run.leased else 0.0, run)
            for run in runs
        }

    def _check_known(self, poll: Poll) -> None:
        """An older database put back: what this gateway has folded is not what was acknowledged here."""
        size = self.head.reached.size
        if poll.after > size:
            size = self.head.follow().size
        if poll.after > size:
            said = f"a gateway has {poll.after} entries of the log, here it has {size}"
            journal.note("log_went_back", said, logging.ERROR, gateway=poll.gateway)
            raise VerificationFailed(
                f"the log goes back: {poll.gateway!r} has {poll.after} entries of it, here it has {size}",
                code="log_goes_back",
                remedy="put the newest database back; gateways refuse everything until then",
            )

    def _drift(self, poll: Poll) -> Drifted | None:
        """In what a poll disagrees with this log, if it does. Requires: `after` is within the log."""
        if poll.fold is not None and poll.fold != versions.FOLD_VERSION:
            said = f"folds entries by version {poll.fold}, here they are folded by {versions.FOLD_VERSION}"
            return Drifted("fold", f"the gateway {poll.gateway!r} {said}", "run one build on both sides")
        if poll.root is not None and poll.root != (ours := self.head.root(poll.after).hex()):
            said = f"has the root {poll.root[:64]!r} at size {poll.after}, here it is {ours}"
            remedy = "find out which log is the right one: verify both, and stop whoever has the other"
            return Drifted("root", f"the gateway {poll.gateway!r} {said}", remedy)
        return None

    def _sighting(self, poll: Poll) -> Sighting:
        """The run that polls. Requires: the lock is held. Raises: BadSignature."""
        seen = self._seen.get(poll.run)
        if seen is None:
            self._make_room(poll.gateway)
            run = Run(poll.gateway, poll.incarnation, poll.surface, poll.key)
            seen = self._seen[poll.run] = Sighting(run, self._clocks.boot_ms())
        seen.check_key(poll)
        return seen

    def _known(self, poll: Poll) -> Sighting:
        """The run that polls, which was heard. Requires: the lock is held. Raises: Unauthorized."""
        seen = self._seen.get(poll.run)
        if seen is None:
            said = f"a run of the gateway {poll.gateway!r} was put out while it waited: there are too many"
            raise Unauthorized(said, code="forbidden", remedy=ONE_NAME)
        return seen

    def _make_room(self, gateway: str) -> None:
        """Forget the run of a gateway that was silent for longest and holds no lease, if it has too many.

        Raises: Unauthorized: all of them hold leases.
        """
        its = [seen for seen in self._seen.values() if seen.known.gateway == gateway]
        if len(its) < RUNS_MAX:
            return
        ended = [seen for seen in its if seen.kept is not None and not seen.known.leased]
        if not ended:
            said = f"the gateway {gateway!r} has {RUNS_MAX} runs that may hold leases"
            raise Unauthorized(said, code="forbidden", remedy=ONE_NAME)
        oldest = min(ended, key=lambda seen: seen.heard_ms)
        oldest.heard_ms = oldest.ends_ms = float("-inf")  # gone, with the next commit

    def _fitting(self, after: int, reached: Reached) -> Sequence[PublishedEntry]:
        """The entries from `after` on that one answer may carry, at least one: a list of members is large."""
        bytes_left = self._max_bytes
        entries = self.head.entries(after, min(reached.size, after + self._max_entries))
        for count, entry in enumerate(entries):
            bytes_left -= len(entry.leaf) + sum(len(opened.body) for opened in entry.gate.values())
            if bytes_left < 0 and count:
                return entries[:count]
        return entries

    def _lease(self, poll: Poll, reached: Reached, end: int, confirmed_ms: float) -> Leased | None:
        """The lease of an answer, 0 if entries remain, and what may be spent with it; None where the answer
        is to be made again.

        Under one lock: who sees a run as committed also sees the head that was read after that.
        """
        with self._lock:
            seen = self._known(poll)
            if end < reached.size or seen.known.drifted is not None:
                return Leased()
            if not seen.may_lease or reached is not self.head.reached:
                return None
            lease_ms = min(reached.lease_ms, self._gives.longest_lease_ms)
            ends_ms = confirmed_ms + self.allowance * lease_ms
            seen.lease(ends_ms)
            budgets = () if poll.days is None else self._budgets.give(poll.days)
            if poll.spender is None:
                return Leased(lease_ms, NOTHING, budgets)
            return Leased(lease_ms, self._parts.give(poll.surface, poll.spender, ends_ms), budgets)

    def _is_to_be_kept(self, poll: Poll) -> bool:
        """Whether it is not on the disk yet that the run may hold a lease, who has its part of the rates, and
        its budgets.

        From now on all that is to be.
        """
        now_ms = self._clocks.boot_ms()
        with self._lock:
            seen = self._known(poll)
            if seen.known.drifted is not None:
                return False
            wants = poll.spender is not None and self._parts.want(
                poll.surface, poll.spender, now_ms, now_ms + WANTED_MS
            )
            if poll.days is not None and self._budgets.want(poll.days, self._today(), now_ms):
                wants = True
            if seen.may_lease and not wants:
                return False
            seen.want(now_ms)
            return True

    def _confirm(self) -> float:
        """When, at the latest before now, this feed has confirmed."""
        self._confirm_since(self._clocks.boot_ms() - CONFIRM_EVERY_MS)
        return self._confirmed_ms

    def _confirm_since(self, since_ms: float) -> None:
        """Confirm, unless that was begun after a time: of all who wait for the disk, one confirms for all."""
        if self._confirmed_ms > since_ms:
            return
        with self._confirming:
            runs = [] if self._confirmed_ms > since_ms else self._confirm_now()
        if runs:
            self._told()

    def _confirm_now(self) -> Sequence[Run]:
        """Commit the term with all that is to be on the disk; then read the head, and follow the log.

        Requires: `_confirming` is held. Returns: the runs that were written.
        """
        began_ms = self._clocks.boot_ms()
        self._look(began_ms)
        runs, gone, parts, budgets = self._due(began_ms)
        longest_ms = max(self._gives.longest_lease_ms, self.head.reached.longest_ms)
        until_ms = max(self._gives.gives_until_ms, began_ms + self.allowance * longest_ms)
        term = replace(self._gives, gives_until_ms=until_ms, longest_lease_ms=longest_ms)
        self._register.commit(term, runs, gone, parts, budgets)
        # Durable here: from now on the file shows every lease to come.
        self.head.follow()
        self._note_confirmed(term, began_ms, runs, parts, budgets)
        return runs

    def _changed(self) -> bool:
        now_ms, wall_ms = self._clocks.boot_ms(), self.now_ms()
        with self._lock:
            for seen in self._seen.values():
                seen.end(now_ms, wall_ms)
            return any(seen.known != seen.kept or seen.is_gone(now_ms) for seen in self._seen.values())

    def _look(self, now_ms: float) -> None:
        """Look at the other feeds, before the term is committed that shows them that they were seen."""
        is_away = self._gives.gives_until_ms + AWAY_MS < now_ms
        if is_away:
            self._neighbours.come()
        has_others = self._neighbours.look(now_ms)
        with self._lock:
            if is_away and has_others:
                self._parts.forget()
            self._divide(now_ms)

    def _divide(self, now_ms: float) -> None:
        """Give what is this feed's to give. Requires: the lock is held."""
        own, waits = self._neighbours.own(), self._neighbours.waits(now_ms)
        self._parts.own(own, waits=waits)
        self._budgets.own(len(own), waits=waits)

    def _today(self) -> int:
        return self.now_ms() // DAY_MS

    def _due(
        self, now_ms: float
    ) -> tuple[list[Run], list[Run], Mapping[str, Sequence[Allotment]], Sequence[Budget]]:
        """The runs to be written, those to be forgotten; the parts and the budgets to be written."""
        wall_ms = self.now_ms()
        with self._lock:
            gone = [seen for seen in self._seen.values() if seen.is_gone(now_ms)]
            for seen in gone:
                del self._seen[seen.known.name]
            for seen in self._seen.values():
                seen.end(now_ms, wall_ms)
            changed = [seen for seen in self._seen.values() if seen.known != seen.kept]
            for seen in changed:
                seen.kept = None  # until the commit is over, no one knows what is on the disk
            parts, budgets = self._parts.unkept(), self._budgets.unkept(self._today())
            return [seen.known for seen in changed], [seen.known for seen in gone], parts, budgets

    def _note_confirmed(
        self,
        term: FeedTerm,
        began_ms: float,
        runs: list[Run],
        parts: Mapping[str, Sequence[Allotment]],
        budgets: Sequence[Budget],
    ) -> None:
        """From here on leases are given by this term, to these runs, with these parts and budgets."""
        now_ms = self._clocks.boot_ms()
        self._neighbours.committed(now_ms)
        with self._lock:
            self._parts.keep(parts)
            self._budgets.keep(budgets)
            self._divide(now_ms)
            self._gives, self._confirmed_ms = term, began_ms
            for run in runs:
                if run.name in self._seen:
                    self._seen[run.name].kept = run

    def _good_certificate(self) -> Certificate:
        """The certificate of this feed's key. Raises: StoreUnavailable: it has no good one now."""
        if not self._is_certified():
            self._renew_certificate()
        if self._certificate is None or not self._is_certified():
            raise StoreUnavailable(
                f"the key of the feed {self._name!r} has no certificate that is good now",
                remedy="start the control plane on the same state folder: it certifies the key",
            )
        return self._certificate

    def _is_certified(self) -> bool:
        found = self._certificate
        is_by_its_key = self._certified_by == self.head.log_key.public
        return found is not None and is_by_its_key and found.is_good(self.now_ms())

    def _renew_certificate(self) -> None:
        text = self._keys.certificate(self._name)
        if text is None:
            return
        try:
            found, log = Certificate.from_json(json.loads(text)), self.head.log_key.public
            if found.opened(log).key == self._public:
                self._certificate, self._certified_by = found, log
        except (BadSignature, Misread, ValueError) as error:
            _log.error("the stored certificate of the feed %r cannot be used: %s", self._name, error)
