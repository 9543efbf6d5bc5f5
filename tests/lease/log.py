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
from sluicegate_record.log.merkle import Place
from tests.fakes import Contents, MemoryFleet, MemoryLog, MemoryPorts, MemorySession, MemoryStore
from tests.lease.schedule import Gone, Process, Schedule

SLOW_READS = 0.1


class Log(MemoryStore):
    """The real log; `committed` hears of each entry at the moment of its commit."""

    def __init__(self, contents: Contents, committed: Callable[[Entry], None]) -> None:
        super().__init__(contents)
        self._committed = committed

    @contextmanager
    def write(self) -> Iterator[MemoryPorts]:
        size = self.log.size()
        with super().write() as ports:
            yield ports
        for entry in self.contents.entries[size:]:
            self._committed(entry)


class Access(MemoryPorts):
    """One process's way to the log: directly, or by way of another process that has one.

    `leg_ms` says how long one leg takes, or raises StoreUnavailable.
    """

    def __init__(
        self,
        schedule: Schedule,
        process: Process,
        real: Log,
        leg_ms: Callable[[], float],
        upstream: Access | None = None,
    ) -> None:
        super().__init__(real.session)
        self.log = ReachedLog(self, real.session)
        self.fleet = ReachedFleet(self, real.session)
        self._schedule = schedule
        self._real = real
        self._leg_ms = leg_ms
        self.process = process
        self.upstream = upstream
        self.breaks: str | None = None
        """`before`, `after` or None: what becomes of the next write."""
        self.serving = False
        """Whether its process has started."""
        self._visible: int | None = None if upstream is None else real.log.size()
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
        """Confirm at the primary, and see what it had then."""
        self._wait()
        reached = self._confirmed()
        self._wait()
        if self._visible is not None:
            self._visible = max(self._visible, reached)

    def _confirmed(self) -> int:
        """How far the log was when the primary committed."""
        if self.upstream is None:
            self.reach()
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

    def reach(self) -> None:
        """Raises: StoreUnavailable: the primary is none any more."""
        if self.fenced:
            raise StoreUnavailable("another primary has taken over")

    @contextmanager
    def write(self) -> Iterator[MemoryPorts]:
        self.reach()
        breaks, self.breaks = self.breaks, None
        with self._real.write() as ports:
            yield ports
            if breaks == "before":
                raise StoreUnavailable("not committed")
        if breaks == "after":
            raise StoreUnavailable("committed, but nobody was told")

    def size(self) -> int:
        """How much of the log its process sees."""
        return self._real.log.size() if self._visible is None else self._visible

    def may_be_slow(self) -> None:
        """What an answer reads between its lease and its signature, under no lock, may take its time."""
        if self.serving and self._schedule.random.random() < SLOW_READS:
            self._wait()

    def close(self) -> None:
        """Nothing is held."""


class ReachedLog(MemoryLog):
    """The log as far as a process sees it."""

    def __init__(self, access: Access, session: MemorySession) -> None:
        super().__init__(session)
        self._access = access

    def size(self) -> int:
        return self._access.size()

    def confirm(self) -> None:
        self._access.confirm()

    def entries(self, after: int, limit: int) -> Sequence[Entry]:
        return super().entries(after, min(limit, self.size() - after))

    def nodes(self, places: Sequence[Place]) -> Sequence[bytes]:
        self._access.may_be_slow()
        return super().nodes(places)


class ReachedFleet(MemoryFleet):
    """The runs of gateways, which change only where the primary is reached."""

    def __init__(self, access: Access, session: MemorySession) -> None:
        super().__init__(session)
        self._access = access

    def register(self, incarnation: Incarnation) -> None:
        self._access.reach()
        super().register(incarnation)

    def retire(self, incarnation: Incarnation) -> None:
        self._access.reach()
        super().retire(incarnation)
