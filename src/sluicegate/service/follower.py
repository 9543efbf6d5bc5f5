"""The follower: the state of a log for those who read it, as new as the entries it was given.

Rules:
- A command is folded whole or not at all: a reader never sees half of one.
- A reader waits for a fold and for other readers, never for a decision, a signature or a disk.
- It is given entries after they are durable. If another process writes, `catch_up` takes them from the log.
  The writer's own process gives them immediately after the commit, so that a caller reads what it wrote.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby, islice
from typing import NamedTuple

from sluicegate.core.lifecycle import State
from sluicegate.memory import Lasting
from sluicegate.ports import Log
from sluicegate_record.entries import Entry
from sluicegate_record.log import merkle
from sluicegate_record.log.merkle import Frontier

CHUNK = 5_000
NEWEST = 256
"""How many entries are kept in memory: those who follow the log ask for these."""


class LogPosition(NamedTuple):
    """How far a follower is: a size of the log. Units: `at_ms` of its newest entry, since 1970 UTC."""

    size: int
    at_ms: int


class Follower:
    """A fold of one log."""

    def __init__(self) -> None:
        self.state = State()
        """For the one who calls `follow`; everybody else reads it within `reading`."""
        self.frontier = Frontier()
        """As `state`."""
        self._lock = threading.RLock()
        self._newest: deque[Entry] = deque(maxlen=NEWEST)
        self._position = LogPosition(0, 0)
        self._lasting = Lasting()

    @property
    def position(self) -> LogPosition:
        """How far it is, between two commands."""
        return self._position

    @contextmanager
    def reading(self) -> Iterator[State]:
        """The state, while nothing changes it. Do not keep it, and do not be long: a fold waits."""
        with self._lock:
            yield self.state

    def follow(self, entries: Sequence[Entry]) -> None:
        """Fold the next entries in, command by command. Requires: whole commands; one caller at a time."""
        for _, command in groupby(entries, key=lambda entry: entry.id):
            with self._lock:
                for entry in command:
                    self.state.apply(entry)
                    self.frontier.append(merkle.leaf_hash(entry.leaf))
                    self._newest.append(entry)
                self._position = LogPosition(self.state.size, self.state.at_ms)
        with self._lock:
            self.state.settle()
        self._lasting.grown(self.state.size + len(self.state.table.credentials))  # an entry may import many

    def catch_up(self, log: Log, chunk: int = CHUNK) -> None:
        """Fold in what the log has beyond this, `chunk` entries at a time. Requires: one caller at a time."""
        limit = chunk
        while entries := log.entries(self._position.size, limit):
            whole = _whole(entries) if len(entries) == limit else entries
            self.follow(whole)
            limit = chunk if whole else 2 * limit

    def entries(self, after: int, end: int) -> list[Entry] | None:
        """The entries from `after` to `end` (exclusive), where they are among the newest."""
        with self._lock:
            oldest = self._position.size - len(self._newest)
            if not oldest <= after <= end <= self._position.size:
                return None
            return list(islice(self._newest, after - oldest, end - oldest))

    def root(self, size: int) -> bytes | None:
        """The root of the first `size` entries, where that is all it has; 32 bytes."""
        with self._lock:
            return self.frontier.root() if size == self.frontier.size else None


def _whole(entries: Sequence[Entry]) -> Sequence[Entry]:
    """The entries but those of the last command, of which there may be more."""
    end = len(entries)
    while end and entries[end - 1].id == entries[-1].id:
        end -= 1
    return entries[:end]
