"""The world of a run: one log, its control plane, its feeds, the gateways, and who uses them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from sluicegate.core.access.decision import Ask
from sluicegate.core.access.leases import CLOCK_ALLOWANCE
from sluicegate.core.access.refusals import Deny
from sluicegate.core.access.table import Table
from sluicegate.core.lifecycle import Command
from sluicegate.core.lifecycle.credentials import IssueCredential
from sluicegate.core.lifecycle.positions import RecordPosition
from sluicegate.core.lifecycle.releases import ApplyPlan, OpenStage
from sluicegate.errors import StoreUnavailable
from sluicegate.feed.head import Head
from sluicegate.feed.leases import Leases
from sluicegate.gate.engine import Flight
from sluicegate.gate.feed import RETRY_MS, Tail
from sluicegate.service.fleet import Fleet
from sluicegate.service.ledger import Ledger
from sluicegate.store.clock import SteadyClock
from sluicegate_record.log.times import HOUR_MS
from tests import worlds
from tests.fakes import Contents, MemoryFeedRegister, MemoryStore
from tests.lease.control import ControlPlane, Machine
from tests.lease.feed import FeedProcess
from tests.lease.gateway import Disk, Gateway, checked
from tests.lease.log import Access, Log, Storage
from tests.lease.network import Network, Weather
from tests.lease.schedule import Clock, Process, Schedule
from tests.lease.truth import Client, NotLive, Truth
from tests.worlds import API, AT_MS, CODEX

MODELS = ("model-a", "model-b", "model-c", "model-d")
ORGANIZATIONS = ("org-1", "org-2", "org-3")
SURFACES = {"gateway-1": API, "gateway-2": API, "gateway-3": CODEX, "gateway-4": API, "gateway-5": CODEX}
WALLS_MS = {"gateway-1": -50_000, "gateway-2": 0, "gateway-3": 70, "gateway-4": 50_000, "gateway-5": -3_000}
"""How far each gateway's wall clock is off."""
FASTEST = CLOCK_ALLOWANCE**0.5 - 1e-9
"""So that the fastest clock and the slowest are a thousandth apart."""
FAILS = 0.02
"""How often the commit of a feed fails."""
MACHINE = "machine"
"""Where the control plane and the feeds run."""
Question = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Temper:
    """What kind of world it is. Each field lists what is drawn from."""

    leases_ms: tuple[int, ...]
    feeds: tuple[int, ...]
    gateways: tuple[int, ...]
    slow: tuple[float, ...]
    """Messages that are slow, as a part of all."""
    lost: tuple[float, ...]
    legs: tuple[float, ...]
    """Ways to the disk and back that are slow, as a part of all."""
    bursts: float
    """How often one order follows at once on another."""
    cut_at_once: float
    """How often a gateway that is kept from hearing of an order is cut off at that moment."""
    hints_lost: float = 0.1
    lies: float = 0.0
    """How often a gateway is told another time beside another harm."""
    boots: float = 0.3
    """How often the machine begins anew where it may."""
    apart: bool = False
    """Whether the feeds' clock is as fast as may be, and gateways' as slow."""


MIXED = Temper(
    leases_ms=(500, 1_000, 5_000, 60_000),
    feeds=(1, 2),
    gateways=(2, 3, 4, 5),
    slow=(0, 0.05, 0.3),
    lost=(0, 0.05, 0.2),
    legs=(0, 0.03, 0.3),
    bursts=0.1,
    cut_at_once=0.1,
    lies=0.05,
)
FAR = Temper(
    leases_ms=(500, 1_000),
    feeds=(1, 2),
    gateways=(4, 5),
    slow=(0,),
    lost=(0,),
    legs=(0.3,),
    bursts=0.1,
    cut_at_once=0.1,
)
"""Short leases from feeds with slow disks, to which the age of what they know makes a difference."""
LONG = Temper(
    leases_ms=(60_000,),
    feeds=(1,),
    gateways=(2, 3),
    slow=(0,),
    lost=(0,),
    legs=(0,),
    bursts=0.6,
    cut_at_once=0.8,
    apart=True,
)
"""Long leases and a quick network, so that a thousandth of a lease makes a difference."""


@dataclass(frozen=True, slots=True)
class Parts:
    """The production code that is run, or a broken variant of a part of it, and in what kinds of worlds."""

    tail: type[Tail] = Tail
    may: Callable[[Flight], bool] = checked
    fleet: type[Fleet] = Fleet
    leases: type[Leases] = Leases
    clock: type[Clock] = Clock
    head: type[Head] = Head
    tempers: tuple[Temper, ...] = (MIXED, FAR, LONG)


class Wall:
    """A wall clock: a little off, drifting, and set at will, often by hours."""

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule
        self._drift = schedule.random.uniform(0.9, 1.1)
        self._off_ms = schedule.random.uniform(-60_000, 60_000)
        self.correct()

    def correct(self) -> None:
        """Set it right, nearly."""
        now = self._schedule.now
        self._skew_ms = self._off_ms + now - self._drift * now

    def set(self) -> None:
        """Set it to any time: by seconds, by minutes or by hours."""
        self._skew_ms = 6 * HOUR_MS * self._schedule.random.uniform(-1, 1) ** 5

    def __call__(self) -> int:
        return int(AT_MS + self._drift * self._schedule.now + self._skew_ms)


class World:
    """Starts and ends processes, and lets clients in. `lease_ms` is that of the plan it begins with."""

    def __init__(self, schedule: Schedule, parts: Parts) -> None:
        random = schedule.random
        self.schedule = schedule
        self.parts = parts
        self.temper = random.choice(parts.tempers)
        self.lease_ms = random.choice(self.temper.leases_ms)
        contents, clients = begun(self.lease_ms)
        self.clients = list(clients)
        self.truth = Truth(lambda: schedule.now, self.claimed)
        self.log = Log(contents.copy(), self.truth.committed)
        for entry in contents.entries:
            self.truth.committed(entry)
        self.network = Network(
            schedule,
            Weather(
                longest_ms=1.2 * self.lease_ms,
                slow=random.choice(self.temper.slow),
                lost=random.choice(self.temper.lost),
                doubled=random.choice([0, 0.1]),
                replayed=random.choice([0, 0.1]),
            ),
        )
        self._slow_legs = random.choice(self.temper.legs)
        self.calm = False
        self._max_entries = random.choice([500, 500, 40])
        self._clocks: dict[str, Clock] = {}
        self._wall = Wall(schedule)
        self._boots = 0
        self.control: ControlPlane | None = None
        self.feeds: dict[str, FeedProcess | None] = {
            f"feed-{number + 1}": None for number in range(random.choice(self.temper.feeds))
        }
        self._files = {name: MemoryFeedRegister() for name in self.feeds}
        self.boot()
        self.restart()
        self.gateways: dict[str, Gateway] = {}
        self._disks = {name: Disk() for name in SURFACES}
        for name in list(SURFACES)[: random.choice(self.temper.gateways)]:
            self.start_gateway(name)

    # Processes

    def boot(self) -> None:
        """Begin the machine anew; whatever ran there has ended. The feeds are yet to be started."""
        for process in self.processes():
            process.process.gone = True
        self.control, self.feeds = None, dict.fromkeys(self.feeds)
        self.network.feeds.clear()
        self._boots += 1
        self._clocks.pop(MACHINE, None)
        clock = self._clock(MACHINE)
        self._wall.correct()
        self._machine = Machine(f"boot-{self._boots}", clock, SteadyClock(self._wall, clock))
        self.start_control()

    def start_control(self) -> None:
        """Begin the control plane, on what the log holds."""
        assert self.control is None
        disk = self._storage("control")
        self.control = ControlPlane(
            self.schedule,
            Access(self.log),
            disk,
            self.parts.fleet,
            self._machine,
            list(self._files.values()),
            self._hint_feeds,
        )

    def start_feed(self, name: str) -> None:
        """Begin a feed, on what its file holds."""
        disk = self._storage(name)
        made = self.feeds[name] = FeedProcess(
            self.schedule,
            self.log,
            self._files[name],
            disk,
            self.parts.leases,
            self.parts.head,
            self._machine,
            name=name,
            max_entries=self._max_entries,
            told=self._hint_control,
        )
        self.network.feeds.append(made)

    def start_gateway(self, name: str) -> None:
        """Begin a new run of a gateway."""
        self.gateways[name] = self.network.gateways[name] = Gateway(
            self.schedule,
            self.network,
            self,
            name=name,
            surface=SURFACES[name],
            clock=self._clock(name),
            wall=lambda: int(AT_MS + self.schedule.now + WALLS_MS[name]),
            disk=self._disks[name],
            tail=self.parts.tail,
            may=self.parts.may,
        )

    def kill(self, process: ControlPlane | FeedProcess) -> None:
        """End a control plane, or a feed."""
        process.process.gone = True
        if process is self.control:
            self.control = None
        for name, feed in self.feeds.items():
            if feed is process:
                self.feeds[name] = None
                self.network.feeds.remove(feed)

    def restart(self) -> None:
        """Begin again whatever has ended on the machine."""
        if self.control is None:
            self.start_control()
        for name, feed in self.feeds.items():
            if feed is None:
                self.start_feed(name)

    def forget(self, name: str) -> None:
        """Take from a gateway what it remembers."""
        self._disks[name] = Disk()

    def move(self, name: str) -> None:
        """Let the next run be on another machine."""
        self._clocks.pop(name, None)

    def processes(self) -> list[ControlPlane | FeedProcess]:
        """The control plane and the feeds, running or stopped."""
        known: list[ControlPlane | FeedProcess | None] = [self.control, *self.feeds.values()]
        return [process for process in known if process is not None]

    def set_wall(self) -> None:
        """Set the wall clock of the machine."""
        self._wall.set()

    def _hint_feeds(self) -> None:
        for feed in self.feeds.values():
            if feed is not None and self.schedule.random.random() > self.temper.hints_lost:
                feed.hinted()

    def _hint_control(self) -> None:
        if self.control is not None and self.schedule.random.random() > self.temper.hints_lost:
            self.control.hinted()

    def _storage(self, process: str) -> Storage:
        def fails() -> bool:
            return not self.calm and self.schedule.random.random() < FAILS

        return Storage(self.schedule, Process(process), self._leg_ms, fails)

    def _clock(self, name: str) -> Clock:
        if name not in self._clocks:
            random = self.schedule.random
            rate = random.choice([FASTEST, 1 / FASTEST, random.uniform(1 / FASTEST, FASTEST)])
            if self.temper.apart:
                rate = 1 / FASTEST if name in SURFACES else FASTEST
            made = self.parts.clock if name in SURFACES else Clock
            self._clocks[name] = made(self.schedule, rate, random.uniform(0, 1e8))
        return self._clocks[name]

    def _leg_ms(self) -> float:
        random = self.schedule.random
        if self.calm:
            return random.uniform(0, 1)
        if random.random() < 0.02:
            raise StoreUnavailable("the store does not answer")
        return random.uniform(0, self.lease_ms if random.random() < self._slow_legs else 1)

    # Clients

    def client(self, surface: str) -> tuple[Client, str]:
        """Somebody who asks for a model, perhaps with a key that was revoked."""
        random = self.schedule.random
        here = [client for client in self.clients if client.surface == surface]
        return random.choice(here), random.choice(MODELS)

    def let_through(self, client: Client, model: str) -> None:
        """Something was let through. Raises: Violation: it should not have been."""
        self.truth.let_through(client, model)

    # What is said, and what is found in the end

    def claimed(self, directive: str) -> bool:
        """Whether it is said now that a directive is in force everywhere."""
        control = self.control
        if control is None or control.process.stopped_until > self.schedule.now:
            return False
        return control.claims(directive)

    def heal(self) -> None:
        """Everybody runs, and the network is good."""
        self.calm = True
        self._wall.correct()
        self.network.calm()
        self.restart()
        gateways = self.gateways.values()
        for process in (*(each.process for each in self.processes()), *(each.process for each in gateways)):
            process.stopped_until = self.schedule.now

    def check_live(self) -> None:
        """After it has healed. Raises: NotLive: somebody has not come back."""
        assert self.control is not None
        with self.control.ledger.reading() as state:
            longest_ms, lease_ms = state.table.leases.longest_ms, state.table.lease_ms
        # Who has no lease yet knows of no plan: a question that was just lost is given up by the usual lease.
        lost_ms = max(lease_ms, Table().lease_ms) * 4 / 3 + RETRY_MS[-1]
        self.schedule.run(lost_ms + 1.01 * longest_ms + 3 * lease_ms)
        for name in self.truth.directives:
            if not self.claimed(name):
                raise NotLive(f"{name!r} is never said to be in force everywhere")
        for gateway in self.gateways.values():
            for client in self.clients:
                for model in MODELS if client.surface == gateway.engine.surface else ():
                    self._check_admission(gateway, client, model)

    def _check_admission(self, gateway: Gateway, client: Client, model: str) -> None:
        admitted = gateway.engine.admit(Ask(client.digest, model, client.surface), lambda _: None)
        if isinstance(admitted, Deny) is not bool(self.truth.covering(client, model)):
            raise NotLive(f"{gateway.name} answers {client} about {model!r} with {admitted}")
        self.truth.seen["denied in the end" if isinstance(admitted, Deny) else "admitted in the end"] += 1
        if not isinstance(admitted, Deny):
            gateway.engine.land(admitted)


def plan(lease_ms: int) -> dict[str, Any]:
    """The plan of every run."""
    stages = [worlds.stage(conditions={"validFor": "P365D"})]
    return worlds.plan_value(models=MODELS, stages=stages, leaseMs=lease_ms)


@cache
def begun(lease_ms: int) -> tuple[Contents, tuple[Client, ...]]:
    """A log in which every organization is admitted, and the keys it has been given."""
    store, drawn = MemoryStore(), Schedule(0).random.randbytes
    ledger = Ledger(
        store,
        worlds.private_key("log"),
        worlds.ORIGIN,
        wall_ms=lambda: AT_MS,
        boot_ms=lambda: 0.0,
        random=drawn,
    )

    def do(command: Command) -> Any:
        return ledger.execute(command, by="tester", command_id=f"begun-{len(store.contents.done)}")

    def approve(name: str, agencies: tuple[str, ...]) -> str | None:
        with ledger.reading() as state:
            case = state.cases[name]
        for agency in agencies:
            do(RecordPosition(worlds.position(case, agency)))
        with ledger.reading() as state:
            return state.cases[name].grant

    do(worlds.start(vkey=ledger.vkey()))
    for case in do(ApplyPlan(worlds.read_plan(plan(lease_ms))))["cases"]:
        approve(case, worlds.AGENCIES)
    with ledger.reading() as state:
        opening = OpenStage(worlds.opening(state))
    do(opening)
    clients = []
    for organization in ORGANIZATIONS:
        for surface in (API, CODEX):
            grant = approve(do(worlds.application(organization, surface))["application"], ("oncd", "ostp"))
            assert grant is not None
            digest = hashlib.sha256(f"{organization} {surface}".encode()).digest()
            issued = do(IssueCredential(grant, digest.hex()))
            clients.append(Client(organization, surface, issued["credential"], digest))
    return store.contents, tuple(clients)
