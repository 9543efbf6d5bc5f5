"""A gateway's process: the production tail and engine, and what the feed, the clients and the disk do around
them. Every write asks the flight first, as `gate.passage` does."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from sluicegate.core.access.decision import Ask, Instant
from sluicegate.core.access.refusals import Deny
from sluicegate.errors import SluicegateError
from sluicegate.gate.engine import Engine, Flight
from sluicegate.gate.feed import RETRY_MS, TICK_MS, MachineClock, Tail, wait_ms
from sluicegate.gate.kept import TrustedHead
from sluicegate_record.log import checkpoint
from tests.lease.network import Network
from tests.lease.schedule import Clock, Process, Schedule
from tests.lease.truth import Client, Violation
from tests.worlds import LOG

CLOCK_BOUND_MS = 7_200_000
"""How far the feeds' time and a gateway's clock may differ: more than a control plane follows a jump."""
LEASE_MS_MAX = 60_000
STREAMS_MAX = 12
EDGE = 0.001
"""How near to a lease's end a write is tried in any case, as a part of the lease."""


def checked(flight: Flight) -> bool:
    """Whether a write may be made, as `gate.passage` finds out."""
    return flight.check() is None


@dataclass(eq=False, slots=True)
class Stream:
    """An answer on its way to a client."""

    client: Client
    model: str
    flight: Flight = field(init=False)


class Load(Protocol):
    """Who uses a gateway, and who sees what it lets through."""

    def client(self, surface: str) -> tuple[Client, str]:
        """Somebody who asks for a model."""

    def let_through(self, client: Client, model: str) -> None:
        """A request was admitted, or a byte of its answer written."""


@dataclass(slots=True)
class Disk:
    """What a run of a gateway leaves for the next."""

    seen: TrustedHead = field(default_factory=TrustedHead)


class Gateway:
    """One run of a gateway."""

    def __init__(
        self,
        schedule: Schedule,
        network: Network,
        load: Load,
        *,
        name: str,
        surface: str,
        clock: Clock,
        wall: Callable[[], int],
        disk: Disk,
        tail: type[Tail],
        may: Callable[[Flight], bool],
    ) -> None:
        self.name = name
        self.process = Process(name)
        self.clock = clock
        self._boot_ms = clock.of(self.process)
        self._wall = wall
        self._time_ms = 0
        """The time by which it decided last."""
        self._schedule = schedule
        self._network = network
        self._load = load
        self._disk = disk
        self._may = may
        self.engine = Engine(surface, self._boot_ms)
        verifier = checkpoint.parse_vkey(LOG)
        machine = MachineClock(self._boot_ms, wall, CLOCK_BOUND_MS)
        self.tail = tail(self.engine, verifier, name, machine, disk.seen)
        self._streams: list[Stream] = []
        self._open = False
        self._asked = 0
        self._failures = 0
        self._later(0, "starts", self.ask)
        self._later(0, "serves", self._serve)

    # The feed

    def ask(self) -> None:
        """Ask the next question, as `Feed` does."""
        lease_ms = self.engine.table.lease_ms
        question = self.tail.question(wait_ms(self.engine))
        self._open, self._asked = True, self._asked + 1
        self._network.ask(self.name, json.dumps(question).encode())
        asked = self._asked
        self._later(question["waitMs"] + lease_ms, "looks for its answer", lambda: self._failed(asked))

    def answered(self, data: bytes) -> None:
        """Something came for the question that is open."""
        if not self._open:
            return
        try:
            seen = self.tail.take(data)
        except SluicegateError:
            assert self.tail.halted is None
            self._failed(self._asked)
            return
        self._open, self._failures = False, 0
        self._expect_the_end()
        if seen.size > self._disk.seen.size:
            self._later(self._saving_ms(), "has saved", lambda: self._saved(seen))
        self.ask()

    def _saved(self, seen: TrustedHead) -> None:
        if seen.size > self._disk.seen.size:
            self._disk.seen = seen

    def _failed(self, asked: int) -> None:
        if self._open and asked == self._asked:
            self._open = False
            self._later(RETRY_MS[min(self._failures, len(RETRY_MS) - 1)], "asks again", self.ask)
            self._failures += 1

    def _saving_ms(self) -> float:
        random = self._schedule.random
        return random.uniform(0, self.engine.table.lease_ms / 3 if random.random() < 0.2 else 3)

    # Time

    def _expect_the_end(self) -> None:
        """Look when the lease ends, as `Feed` does; and try to write just before, and just after."""
        lease = self.engine.lease
        if lease is None:
            return
        left_ms = max(0.0, self.clock.until(lease.ends_ms))
        random, edge_ms = self._schedule.random, EDGE * self.engine.table.lease_ms
        self._later(left_ms + random.uniform(0, TICK_MS), "looks", self._look)
        self._later(
            max(0.0, left_ms - random.random() * random.uniform(0, edge_ms)), "serves at the edge", self._all
        )
        self._later(left_ms + random.uniform(0, edge_ms), "serves past the edge", self._all)

    def _look(self) -> None:
        deadline_ms = self.engine.deadline_ms()
        if deadline_ms is not None and self._boot_ms() >= deadline_ms:
            self.engine.redecide_soon()
            self.engine.redecide_rest()

    # Traffic

    def _serve(self) -> None:
        self._once()
        self._later(self._schedule.random.uniform(0, self.engine.table.lease_ms / 8), "serves", self._serve)

    def _once(self) -> None:
        random = self._schedule.random
        if len(self._streams) < STREAMS_MAX and random.random() < 0.3:
            self._admit()
        elif self._streams:
            self._write(random.choice(self._streams))

    def _all(self) -> None:
        self._admit()
        for stream in list(self._streams):
            self._write(stream)

    def _admit(self) -> None:
        client, model = self._load.client(self.engine.surface)
        stream = Stream(client, model)
        decided = self.engine.admit(
            Ask(client.digest, model, self.engine.surface), lambda _: self._end(stream)
        )
        if not isinstance(decided, Deny):
            stream.flight = decided
            self._streams.append(stream)
            self._let_through(stream)

    def _write(self, stream: Stream) -> None:
        if self._may(stream.flight):
            self._let_through(stream)
            if self._schedule.random.random() < 0.05:
                self._end(stream)

    def _let_through(self, stream: Stream) -> None:
        self._load.let_through(stream.client, stream.model)
        now = self.engine.now()
        if isinstance(now, Instant):
            self._check_time(now)

    def _check_time(self, now: Instant) -> None:
        """Check the time by which something was let through. Raises: Violation."""
        if now.early_ms < self._time_ms:
            raise Violation(f"{self.name} took back {self._time_ms - now.early_ms} ms")
        ahead_ms = now.early_ms - self._wall()
        if abs(ahead_ms) > CLOCK_BOUND_MS + 2 * LEASE_MS_MAX:
            raise Violation(f"{self.name} took a time {ahead_ms} ms ahead of its own clock")
        self._time_ms = now.early_ms

    def _end(self, stream: Stream) -> None:
        self._streams.remove(stream)
        self.engine.land(stream.flight)

    def _later(self, ms: float, what: str, act: Callable[[], None]) -> None:
        self._schedule.after(ms, self.process, what, act)
