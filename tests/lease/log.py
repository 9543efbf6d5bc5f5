"""The one real log, the files of the feeds, and how the processes of the machine reach them.

Rules of the model:
- What is committed is never lost. The ledger's file is written by the control plane alone, a feed's file by
  that feed alone; each reads the others'.
- A read and a commit take their time before and after the moment at which they are done.
- A write may break: before it is done, or after it was done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from sluicegate.errors import StoreUnavailable
from sluicegate.ports import NO_PARTS, Allotment, Budget, FeedRecord, FeedTerm, Run, StoredHead
from sluicegate_record.entries import Entry
from sluicegate_record.log.merkle import Place
from tests.fakes import Contents, MemoryFeedRegister, MemoryLog, MemoryPorts, MemoryStore
from tests.lease.schedule import Process, Schedule

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


class Held:
    """A lock in one of the machine's processes: who cannot have it at once gives up.

    No one waits here for a thread that waits below him on the same stack.
    """

    def __init__(self) -> None:
        self._held = False

    def __enter__(self) -> None:
        if self._held:
            raise StoreUnavailable("somebody else is at it")
        self._held = True

    def __exit__(self, *_: object) -> None:
        self._held = False


@dataclass(frozen=True, slots=True)
class Storage:
    """A process's way to the disk; `leg_ms` says how long one leg takes, or raises StoreUnavailable.

    `fails` says whether a commit fails now.
    """

    schedule: Schedule
    process: Process
    leg_ms: Callable[[], float]
    fails: Callable[[], bool]

    def wait(self) -> None:
        self.schedule.wait(self.leg_ms(), self.process)

    def may_be_slow(self) -> None:
        if self.schedule.random.random() < SLOW_READS:
            self.wait()


class Access(MemoryPorts):
    """How the control plane reaches the log. It alone writes."""

    def __init__(self, real: Log) -> None:
        super().__init__(real.session)
        self._real = real
        self.breaks: str | None = None
        """`before`, `after` or None: what becomes of the next write."""

    @contextmanager
    def write(self) -> Iterator[MemoryPorts]:
        breaks, self.breaks = self.breaks, None
        with self._real.write() as ports:
            yield ports
            if breaks == "before":
                raise StoreUnavailable("not committed")
        if breaks == "after":
            raise StoreUnavailable("committed, but nobody was told")

    def close(self) -> None:
        """Nothing is held."""


class LogBeside(MemoryLog):
    """The log as a feed reads it: what comes back is the head as it was, not as it is by then."""

    def __init__(self, real: Log, disk: Storage) -> None:
        super().__init__(real.session)
        self._disk = disk
        self.serving = False
        """Whether its process has started."""

    def head(self) -> StoredHead:
        if not self.serving:
            return super().head()
        self._disk.wait()
        found = super().head()
        self._disk.wait()
        return found

    def nodes(self, places: Sequence[Place]) -> Sequence[bytes]:
        if self.serving:
            self._disk.may_be_slow()
        return super().nodes(places)


class FeedFile:
    """`ports.FeedRegister`: one feed's file, written by its process."""

    def __init__(self, file: MemoryFeedRegister, disk: Storage) -> None:
        self._file = file
        self._disk = disk

    def load(self) -> FeedRecord:
        return self._file.load()

    def allotments(self) -> Sequence[Allotment]:
        return self._file.allotments()

    def budgets(self) -> Sequence[Budget]:
        return self._file.budgets()

    def commit(
        self,
        term: FeedTerm,
        runs: Sequence[Run],
        gone: Sequence[Run],
        parts: Mapping[str, Sequence[Allotment]] = NO_PARTS,
        budgets: Sequence[Budget] = (),
    ) -> None:
        self._disk.wait()
        if self._disk.fails():
            raise StoreUnavailable("not committed")
        self._file.commit(term, runs, gone, parts, budgets)
        self._disk.wait()
        if self._disk.fails():
            raise StoreUnavailable("committed, but nobody was told")


class FeedFiles:
    """`ports.Feeds`: the files of all feeds, read by the control plane one after the other."""

    def __init__(self, files: Sequence[MemoryFeedRegister], disk: Storage) -> None:
        self._files = files
        self._disk = disk
        self.at_once = False
        """Whether a look takes no time: that of somebody who only checks."""

    def records(self) -> Sequence[FeedRecord]:
        return [self._read(file) for file in self._files]

    def terms(self, but: str) -> Mapping[str, FeedTerm | None]:
        terms = [record.term for record in self.records()]
        return {term.feed: term for term in terms if term is not None and term.feed != but}

    def _read(self, file: MemoryFeedRegister) -> FeedRecord:
        if self.at_once:
            return file.load()
        self._disk.may_be_slow()
        found = file.load()
        self._disk.may_be_slow()
        return found
