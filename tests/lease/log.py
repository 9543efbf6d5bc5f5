"""The one real log, and the ways by which control planes reach it: `ports.Store` at the end of a chain.

Rules of the model:
- There is one log; what is committed to it is never lost (a primary replicates synchronously).
- A confirmation travels up a chain of stores to the primary, each leg of which takes its time, and down
  again. What then can be read is the log as it was when the primary committed, not as it is on arrival.
- Who is fenced reads what there was, and writes and confirms nothing any more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from sluicegate.errors import StoreUnavailable
from sluicegate.ports import Incarnation
from sluicegate_record.entries import Entry
from tests.fakes import Contents, MemoryStore, MemoryWriting
from tests.lease.schedule import Gone, Process, Schedule

SLOW_READS = 0.1


class Log(MemoryStore):
    """The real log; `committed` hears of each entry at the moment of its commit."""

    def __init__(self, contents: Contents, committed: Callable[[Entry], None]) -> None:
        super().__init__()
        self.contents = contents
        self._committed = committed

    @contextmanager
    def write(self) -> Iterator[MemoryWriting]:
        size = self.size()
        with super().write() as writing:
            yield writing
        for entry in self.contents.entries[size:]:
            self._committed(entry)


class Access(MemoryStore):
    """One process's way to the log: directly, or by way of another process that has one.

    `leg_ms` says how long one leg takes, or raises StoreUnavailable.
    """

    def __init__(
        self,
        schedule: Schedule,
        process: Process,
        log: Log,
        leg_ms: Callable[[], float],
        upstream: Access | None = None,
    ) -> None:
        super().__init__()
        self._schedule = schedule
        self._log = log
        self._leg_ms = leg_ms
        self.process = process
        self.upstream = upstream
        self.breaks: str | None = None
        """`before`, `after` or None: what becomes of the next write."""
        self.serving = False
        """Whether its process has started."""
        self._visible: int | None = None if upstream is None else log.size()
        self._fenced = False

    @property
    def fenced(self) -> bool:
        """Whether the primary at the end of the chain is none any more."""
        return self._fenced or (self.upstream is not None and self.upstream.fenced)

    def upstream_gone(self) -> bool:
        """Whether a process above it has gone."""
        above = self.upstream
        return above is not None and (above.process.gone or above.upstream_gone())

    def fence(self) -> None:
        """Another primary has taken over."""
        self._fenced, self._visible = True, self.size()

    def confirm(self) -> None:
        self._wait()
        reached = self._confirmed()
        self._wait()
        if self._visible is not None:
            self._visible = max(self._visible, reached)

    def _confirmed(self) -> int:
        """How far the log was when the primary committed."""
        if self.upstream is None:
            self._reach()
            return self.size()
        try:
            self.upstream.confirm()
        except Gone:
            if self.process.gone:
                raise
            raise StoreUnavailable("the store above has gone") from None
        return self.upstream.size()

    def _wait(self) -> None:
        self._schedule.wait(self._leg_ms(), self.process)

    def _reach(self) -> None:
        if self.fenced:
            raise StoreUnavailable("another primary has taken over")

    @contextmanager
    def write(self) -> Iterator[MemoryWriting]:
        self._reach()
        breaks, self.breaks = self.breaks, None
        with self._log.write() as writing:
            yield writing
            if breaks == "before":
                raise StoreUnavailable("not committed")
        if breaks == "after":
            raise StoreUnavailable("committed, but nobody was told")

    def size(self) -> int:
        return self._log.size() if self._visible is None else self._visible

    def checkpoint(self) -> str:
        return self._log.checkpoint()

    def entries(self, after: int, limit: int) -> Sequence[Entry]:
        return self._log.entries(after, min(limit, self.size() - after))

    def node(self, level: int, index: int) -> bytes:
        """Read by an answer between its lease and its signature, and under no lock: it may take its time."""
        if self.serving and self._schedule.random.random() < SLOW_READS:
            self._wait()
        return self._log.node(level, index)

    def incarnations(self) -> Sequence[Incarnation]:
        return self._log.incarnations()

    def register(self, incarnation: Incarnation) -> None:
        self._reach()
        self._log.register(incarnation)

    def retire(self, incarnation: Incarnation) -> None:
        self._reach()
        self._log.retire(incarnation)
