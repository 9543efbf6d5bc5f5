"""A surface in simulated time: feeds, gateways that come, go and are killed, and customers that take all they
get.

The feeds, tails, engines and rates are the production code; time, network and disk are not.
"""

from __future__ import annotations

import heapq
import json
import random
import secrets
from collections import Counter, deque
from collections.abc import Callable, Sequence
from functools import partial

from sluicegate.core.access.rate import CELLS, WINDOW_MS
from sluicegate.errors import SluicegateError, StoreUnavailable
from sluicegate.feed.leases import Leases
from sluicegate.gate.engine import Engine
from sluicegate.gate.feed import MachineClock, Tail
from sluicegate.gate.kept import TrustedHead
from sluicegate.gate.rate import Limit, PastRequest, Rates
from sluicegate_record.log import checkpoint
from tests.fakes import MemoryFeedRegister
from tests.lease.feed import polled
from tests.plane import Plane
from tests.worlds import API

LIMITS = (Limit("grant-1", 1), Limit("grant-2", 5), Limit("grant-3", 60), Limit("grant-4", 601))
POLL_MS = 1_600.0
QUIET_MS = 200_000.0
"""Longer than it takes until everyone has what there is: a lease, a minute, and as much again for a feed that
comes."""


class Excess(Exception):
    """More was let through within a minute than was signed."""


class Notes:
    """`gate.rate.Spending`: what a gateway's folder keeps."""

    def __init__(self) -> None:
        self.spender = secrets.token_hex(16)
        self.noted: list[PastRequest] = []
        self.now_ms: Callable[[], float] = lambda: 0.0

    @property
    def earlier(self) -> Sequence[PastRequest]:
        return [each for each in self.noted if self.now_ms() - WINDOW_MS < each.at_ms]

    def note(self, key: bytes, at_ms: float) -> None:
        self.noted.append(PastRequest(key, at_ms))


class Gateway:
    """A gateway, from run to run."""

    def __init__(self, surface: Surface, name: str, feed: str) -> None:
        self.name, self.feed = name, feed
        self._surface = surface
        self._memory = Notes()
        self._run = 0
        self.engine: Engine | None = None

    def start(self, *, goes_on: bool) -> None:
        """Begin a run, which may go on with what is left of the one before; unless one is there."""
        if self.engine is not None:
            return
        surface, self._run = self._surface, self._run + 1
        if not goes_on:
            self._memory = Notes()
        self._memory.now_ms = surface.now
        self.engine = Engine(API, surface.now, rates=Rates(self._memory))
        verifier = checkpoint.parse_vkey(surface.plane.ledger.vkey())
        clock = MachineClock(surface.now, surface.plane.wall)
        self._tail = Tail(self.engine, verifier, self.name, clock, TrustedHead())
        self._ask(self._run)

    def kill(self) -> None:
        self.engine, self._run = None, self._run + 1

    def part(self) -> Sequence[int]:
        """The cells that it may spend now."""
        if self.engine is None or self.engine.lease is None or not self.engine.lease_left_ms():
            return []
        bounds = self.engine.lease.part.bounds
        return [cell for one, end in zip(bounds[::2], bounds[1::2], strict=True) for cell in range(one, end)]

    def spend(self, limit: Limit) -> bool:
        """Let one request through, if it may be."""
        engine = self.engine
        if engine is None or engine.lease is None or not engine.lease_left_ms():
            return False
        return not engine.rates.take([limit], engine.lease.part, self._surface.now())

    def _ask(self, run: int) -> None:
        if run != self._run:
            return
        surface, question = self._surface, json.dumps(self._tail.question(0)).encode()
        asked = surface.counts["asked"]
        surface.counts["asked"] += 1
        self._open = asked
        if not surface.is_lost():
            surface.after(surface.delay_ms(), lambda: surface.answer(self, question, run))
        surface.after(6_600, lambda: self._ask(run) if self._open == asked else None)

    def answered(self, data: bytes, run: int) -> None:
        if run != self._run:
            return
        try:
            self._tail.take(data)
            self._open = -1
        except SluicegateError:
            return
        self._surface.after(POLL_MS, lambda: self._ask(run))


class Surface:
    """All of it. `leases` may be a broken variant."""

    def __init__(self, seed: int, leases: type[Leases], *, feeds: int, gateways: int) -> None:
        self.random = random.Random(seed)
        self.plane = Plane()
        self.counts = Counter[str]()
        self.is_quiet = False
        self._leases = leases
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._through: dict[str, deque[float]] = {limit.name: deque() for limit in LIMITS}
        self._files = {f"feed-{number}": MemoryFeedRegister() for number in range(1, feeds + 1)}
        self._feeds: dict[str, Leases | None] = dict.fromkeys(self._files)
        self._begin_feed("feed-1")
        self.gateways = [
            Gateway(self, f"gateway-{number}", self.random.choice([*self._files]))
            for number in range(1, gateways + 1)
        ]

    def now(self) -> float:
        return self.plane.boot()

    def after(self, ms: float, act: Callable[[], None]) -> None:
        """Do something later."""
        self.counts["events"] += 1
        heapq.heappush(self._events, (self.now() + ms, self.counts["events"], act))

    def delay_ms(self) -> float:
        return 1.0 if self.is_quiet else self.random.choice([1.0, 5.0, 40.0, 900.0, 3_000.0])

    def is_lost(self) -> bool:
        return not self.is_quiet and self.random.random() < 0.05

    def run(self, ms: float) -> None:
        """Let so much time pass."""
        until = self.now() + ms
        while self._events and self._events[0][0] <= until:
            at_ms, _, act = heapq.heappop(self._events)
            self._move(at_ms)
            act()
        self._move(until)

    def answer(self, gateway: Gateway, question: bytes, run: int) -> None:
        """A question has come to the feed of a gateway."""
        feed = self._feeds[gateway.feed]
        if feed is None:
            return
        try:
            poll = polled(json.loads(question))
            feed.heard(poll)
            data = json.dumps(feed.answer(poll)).encode()
        except SluicegateError:
            return
        if not self.is_lost():
            self.after(self.delay_ms(), lambda: gateway.answered(data, run))

    # What happens

    def live(self, ms: float) -> None:
        """A time in which everything goes wrong that may."""
        for gateway in self.gateways:
            self.after(self.random.uniform(0, ms / 3), partial(gateway.start, goes_on=False))
        self.after(0, self._use)
        self.after(0, self._mischief)
        self.run(ms)

    def heal(self) -> None:
        """A time in which nothing does; at its end everything is there."""
        self.is_quiet = True
        for name in self._feeds:
            self._begin_feed(name)
        for gateway in self.gateways:
            gateway.start(goes_on=False)
        self.run(QUIET_MS)

    def use(self, gateway: Gateway, limit: Limit, most: int) -> None:
        """Let so many requests through, or as many as may be. Raises: Excess."""
        for _ in range(most):
            if not gateway.spend(limit):
                break
            self._through[limit.name].append(self.now())
            self.counts["through"] += 1
        if self.spent(limit) > limit.per_minute:
            raise Excess(f"{self.spent(limit)} of {limit} at {self.now()}")

    def spent(self, limit: Limit) -> int:
        """How many requests were let through in the last minute."""
        through = self._through[limit.name]
        while through and through[0] <= self.now() - WINDOW_MS:
            through.popleft()
        return len(through)

    def _use(self) -> None:
        limit, gateway = self.random.choice(LIMITS), self.random.choice(self.gateways)
        self.use(gateway, limit, self.random.randint(1, 2 * limit.per_minute))
        self.counts["full"] += self.spent(limit) == limit.per_minute
        self.after(self.random.expovariate(1 / 300), self._use)

    def _mischief(self) -> None:
        if self.is_quiet:
            return
        self.after(self.random.uniform(0, 40_000), self._mischief)
        if self.random.random() < 0.3:
            self._end_feed(self.random.choice([*self._feeds]))
            return
        gateway = self.random.choice(self.gateways)
        if gateway.engine is not None:
            gateway.kill()
            again_ms = self.random.choice([0.0, 500.0, 4_000.0, 30_000.0, 70_000.0])
            goes_on = self.random.random() < 0.5
            self.after(again_ms, partial(gateway.start, goes_on=goes_on))
            self.counts["killed"] += 1

    def _end_feed(self, name: str) -> None:
        self._feeds[name] = None
        self.counts["feeds ended"] += 1
        self.after(
            self.random.choice([0.0, 300.0, 5_000.0, 45_000.0, 100_000.0]), partial(self._begin_feed, name)
        )

    def _begin_feed(self, name: str) -> None:
        if self._feeds[name] is not None:
            return
        register = self._files[name]
        others = partial(self.plane.feeds.terms, name)
        try:
            self._feeds[name] = self.plane.a_feed(name, register, leases=self._leases, others=others)
        except StoreUnavailable:
            self.after(1_000, partial(self._begin_feed, name))

    def _move(self, at_ms: float) -> None:
        moved_ms = at_ms - self.plane.boot.at_ms
        self.plane.boot.at_ms = at_ms  # type: ignore[assignment]
        self.plane.wall.at_ms = int(self.plane.wall.at_ms + moved_ms)


def cells(gateways: Sequence[Gateway]) -> list[int]:
    """All cells that are given to some gateways, sorted. One that two have is there twice."""
    found = sorted(cell for gateway in gateways for cell in gateway.part())
    assert all(0 <= cell < CELLS for cell in found)
    return found
