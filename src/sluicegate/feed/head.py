"""The head of the log, followed as bytes: what an answer is made of.

Rules:
- Nothing is folded but the lease terms. The tree begins from its stored nodes, so a start takes as long at a
  million entries as at a hundred.
- Each step leads to the head that the log's key signed, or it is not taken.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import lru_cache
from typing import Any, NamedTuple

from sluicegate.core.access.leases import LeaseTerms
from sluicegate.errors import BadCheckpoint, StoreUnavailable, StoreUnusable
from sluicegate.ports import Log, PublishedEntry, StoredHead, log_keys
from sluicegate_record import entries
from sluicegate_record.entries import Entry, seen
from sluicegate_record.entries.releases import LogKeyReplaced, ReleaseApplied
from sluicegate_record.log import leaf, merkle
from sluicegate_record.log.checkpoint import Verifier
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.log.merkle import Frontier

CHUNK = 1_000
NEWEST = 256
"""How many entries are kept in memory: those who follow the log ask for these."""
ROOTS_KEPT = 64


Lock = Callable[[], AbstractContextManager[Any]]
"""What makes a lock."""


class Reached(NamedTuple):
    """How far the log was followed. `newest` are its last entries.

    Units: `root` 32 raw bytes; milliseconds, `at_ms` since 1970 UTC.
    """

    size: int
    root: bytes
    checkpoint: str
    at_ms: int
    lease_ms: int
    longest_ms: int
    newest: tuple[PublishedEntry, ...]


class Head:
    """The head of one log, whose first entry says its key. Raises: as `follow`."""

    def __init__(self, log: Log, lock: Lock = threading.Lock) -> None:
        self._log = log
        self._lock = lock()
        """Held while the log is followed. Who asks how far it was does not wait."""
        self._terms = LeaseTerms()
        head = log.head()
        self._keys, self._handovers = log_keys(log), list(log.handovers())
        if not self._keys.keys:
            raise StoreUnavailable("the log has not begun yet", remedy="start the control plane")
        self._old_root = lru_cache(ROOTS_KEPT)(lambda size: merkle.root(size, log.nodes))
        self._frontier = Frontier.at(head.size, log.nodes)
        self._check(head, self._frontier)
        for entry in log.plans():
            self._plan(entry)
        self._reached = self._reach(head, log.tail(head.size - 1, 1))

    @property
    def log_key(self) -> Verifier:
        """The key of the log that signs now."""
        return self._keys.current.verifier

    def handovers(self, after: int) -> list[Envelope]:
        """How the log's key was replaced in the entries from `after` on."""
        bodies = (entry.body for entry in self._handovers if entry.seq >= after)
        return [body.envelope for body in bodies if isinstance(body, LogKeyReplaced)]

    @property
    def reached(self) -> Reached:
        """How far the log was followed."""
        return self._reached

    def follow(self) -> Reached:
        """Read the head, and follow the log up to it.

        Raises: StoreUnavailable: it cannot be read now. StoreUnusable: it is not the log that it was.
        """
        with self._lock:
            head = self._log.head()
            if head.size < self._frontier.size:
                raise StoreUnusable(
                    f"the log goes back: {head.size} entries are stored, {self._frontier.size} were known",
                    remedy="put the newest database back",
                )
            grown, new = self._frontier.copy(), list[PublishedEntry]()
            while grown.size < head.size:
                part = self._log.tail(grown.size, min(CHUNK, head.size - grown.size))
                if not part:
                    raise StoreUnusable(f"entry {grown.size} is missing", remedy="restore a backup")
                for each in part:
                    grown.append(merkle.leaf_hash(each.leaf))
                new += part
            if new:
                for each in new:
                    if _HANDOVER in each.leaf:
                        self._hand_over(entries.read(each.leaf, each.gate))
                self._check(head, grown)
                self._frontier = grown
                for each in new:
                    self._apply(each)
                self._reached = self._reach(head, [*self._reached.newest, *new][-NEWEST:])
            return self._reached

    def entries(self, after: int, end: int) -> Sequence[PublishedEntry]:
        """The entries from `after` to `end` (exclusive). Requires: both within what was reached."""
        reached = self._reached
        oldest = reached.size - len(reached.newest)
        if oldest <= after:
            return reached.newest[after - oldest : end - oldest]
        return self._log.tail(after, end - after)

    def root(self, size: int) -> bytes:
        """The root of the first `size` entries, 32 bytes. Requires: within what was reached."""
        reached = self._reached
        return reached.root if size == reached.size else self._old_root(size)

    def _apply(self, entry: PublishedEntry) -> None:
        if _PLAN in entry.leaf:
            self._plan(entries.read(entry.leaf, entry.gate))

    def _hand_over(self, entry: Entry) -> None:
        """Know another key of the log. Who may replace it is asked by the writer and by gateways."""
        is_new = not self._handovers or self._handovers[-1].seq < entry.seq
        if isinstance(entry.body, LogKeyReplaced) and is_new:
            self._handovers.append(entry)
            self._keys = self._keys.followed_by(entry.body.key, entry.seq + 1, entry.body.officers)

    def _plan(self, entry: Entry) -> None:
        if isinstance(entry.body, ReleaseApplied):
            self._terms.put(entry.body.release, seen(entry.body.given).spec.lease_ms)

    def _reach(self, head: StoredHead, newest: Sequence[PublishedEntry]) -> Reached:
        return Reached(
            head.size,
            self._frontier.root(),
            head.checkpoint,
            leaf.read(newest[-1].leaf).at_ms,
            self._terms.lease_ms,
            self._terms.longest_ms,
            tuple(newest),
        )

    def _check(self, head: StoredHead, grown: Frontier) -> None:
        try:
            signed = self._keys.open(head.checkpoint)
        except BadCheckpoint as error:
            raise StoreUnusable(f"the log's head is not signed with its key: {error.message}") from error
        if (signed.size, signed.root) != (grown.size, grown.root()):
            raise StoreUnusable(
                f"the stored entries are not those of the signed head of size {signed.size}",
                remedy="restore the database from a backup",
            )


_PLAN, _HANDOVER = ReleaseApplied.type.encode(), LogKeyReplaced.type.encode()
