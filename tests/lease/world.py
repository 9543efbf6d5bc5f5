"""The world of a run: one log, its control planes, the gateways, their machines, and who uses them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from sluicegate.core.access.decision import Ask
from sluicegate.core.access.refusals import Deny
from sluicegate.core.access.table import Table
from sluicegate.core.lifecycle import Command
from sluicegate.core.lifecycle.credentials import IssueCredential
from sluicegate.core.lifecycle.positions import RecordPosition
from sluicegate.core.lifecycle.releases import ApplyPlan, OpenStage
from sluicegate.errors import StoreUnavailable
from sluicegate.gate.engine import Flight
from sluicegate.gate.feed import RETRY_MS, Tail
from sluicegate.service.fleet import CLOCK_ALLOWANCE, Fleet
from sluicegate.service.ledger import Ledger
from tests import worlds
from tests.fakes import Contents, MemoryStore
from tests.lease.control import ControlPlane
from tests.lease.gateway import Client, Disk, Gateway, checked
from tests.lease.log import Access, Log
from tests.lease.network import Network, Weather
from tests.lease.schedule import Clock, Process, Schedule
from tests.lease.truth import NotLive, Truth
from tests.worlds import API, AT_MS, CODEX

MODELS = ("model-a", "model-b", "model-c", "model-d")
ORGANIZATIONS = ("org-1", "org-2", "org-3")
SURFACES = {"gateway-1": API, "gateway-2": API, "gateway-3": CODEX, "gateway-4": API, "gateway-5": CODEX}
FASTEST = CLOCK_ALLOWANCE**0.5 - 1e-9
"""So that the fastest clock and the slowest are a thousandth apart."""
HOUR_MS = 3_600_000
Question = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Temper:
    """What kind of world it is. Each field lists what is drawn from."""

    leases_ms: tuple[int, ...]
    replicas: tuple[int, ...]
    gateways: tuple[int, ...]
    slow: tuple[float, ...]
    """Messages that are slow, as a part of all."""
    lost: tuple[float, ...]
    legs: tuple[float, ...]
    """Legs of a confirmation's way that are slow, as a part of all."""
    bursts: float
    """How often one order follows at once on another."""
    cut_at_once: float
    """How often a gateway that is kept from hearing of an order is cut off at that moment."""
    apart: bool = False
    """Whether control planes' clocks are as fast as may be, and gateways' as slow."""
    primary_asked: bool = True
    """Whether gateways also ask the control plane that writes."""


MIXED = Temper(
    leases_ms=(500, 1_000, 5_000, 60_000),
    replicas=(0, 1, 2),
    gateways=(2, 3, 4, 5),
    slow=(0, 0.05, 0.3),
    lost=(0, 0.05, 0.2),
    legs=(0, 0.03, 0.3),
    bursts=0.1,
    cut_at_once=0.1,
)
FAR = Temper(
    leases_ms=(500, 1_000),
    replicas=(1, 2),
    gateways=(4, 5),
    slow=(0,),
    lost=(0,),
    legs=(0.3,),
    bursts=0.1,
    cut_at_once=0.1,
    primary_asked=False,
)
"""Short leases from far replicas, to which the age of what they know makes a difference."""
LONG = Temper(
    leases_ms=(60_000,),
    replicas=(0,),
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
    access: type[Access] = Access
    tempers: tuple[Temper, ...] = (MIXED, FAR, LONG)


class Wall:
    """A wall clock: hours off, drifting, and set at will."""

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule
        self._drift = schedule.random.uniform(0.9, 1.1)
        self.set()

    def set(self) -> None:
        self._skew_ms = self._schedule.random.uniform(-6, 6) * HOUR_MS

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
        self._walls: dict[str, Wall] = {}
        self.primary: ControlPlane | None = None
        self.fenced: list[ControlPlane] = []
        self.replicas: dict[str, ControlPlane | None] = {}
        self.start_primary("primary-1")
        for number in range(random.choice(self.temper.replicas)):
            self.start_replica(f"replica-{number + 1}")
        self.gateways: dict[str, Gateway] = {}
        self._disks = {name: Disk() for name in SURFACES}
        for name in list(SURFACES)[: random.choice(self.temper.gateways)]:
            self.start_gateway(name)

    # Processes

    def start_primary(self, name: str) -> None:
        """Begin a control plane that writes, on what the log holds."""
        assert self.primary is None
        self.primary = self._plane(name, None)

    def start_replica(self, name: str) -> None:
        """Begin one that reads by way of the replica before it, or of the primary."""
        above = self.replicas.get(f"replica-{int(name[-1]) - 1}") or self.primary
        self.replicas[name] = self._plane(name, above.access) if above is not None else None

    def start_gateway(self, name: str) -> None:
        """Begin a new run of a gateway."""
        self.gateways[name] = self.network.gateways[name] = Gateway(
            self.schedule,
            self.network,
            self,
            name=name,
            surface=SURFACES[name],
            clock=self._clock(name),
            disk=self._disks[name],
            tail=self.parts.tail,
            may=self.parts.may,
        )

    def kill(self, plane: ControlPlane) -> None:
        """End a control plane."""
        plane.process.gone = True
        if plane in self.network.planes:
            self.network.planes.remove(plane)
        if plane is self.primary:
            self.primary = None
        for name, replica in self.replicas.items():
            if plane is replica:
                self.replicas[name] = None
        if plane in self.fenced:
            self.fenced.remove(plane)

    def fail_over(self, name: str) -> None:
        """Fence the primary, which does not know; then begin another."""
        if self.primary is not None:
            self.primary.access.fence()
            self.fenced.append(self.primary)
            self.primary = None
        self.start_primary(name)

    def attach(self) -> None:
        """Let replicas that hang on a fenced or ended primary begin again on the one that is."""
        for name, replica in self.replicas.items():
            if replica is None:
                self.start_replica(name)
            elif replica.access.fenced or replica.access.upstream_gone():
                self.kill(replica)
                self.start_replica(name)

    def forget(self, name: str) -> None:
        """Take from a gateway what it remembers."""
        self._disks[name] = Disk()

    def move(self, name: str) -> None:
        """Let the next run be on another machine."""
        self._clocks.pop(name, None)

    def planes(self) -> list[ControlPlane]:
        """Every control plane that runs or is stopped."""
        known = [self.primary, *self.replicas.values(), *self.fenced]
        return [plane for plane in known if plane is not None]

    def walls(self) -> list[Wall]:
        return list(self._walls.values())

    def _plane(self, name: str, upstream: Access | None) -> ControlPlane:
        access = self.parts.access(self.schedule, Process(name), self.log, self._leg_ms, upstream)
        plane = ControlPlane(
            self.schedule,
            access,
            self.parts.fleet,
            boot_ms=self._clock(name),
            wall_ms=self._walls.setdefault(name, Wall(self.schedule)),
            max_entries=self._max_entries,
        )
        if upstream is not None or self.temper.primary_asked:
            self.network.planes.append(plane)
        return plane

    def _clock(self, name: str) -> Clock:
        if name not in self._clocks:
            random = self.schedule.random
            rate = random.choice([FASTEST, 1 / FASTEST, random.uniform(1 / FASTEST, FASTEST)])
            if self.temper.apart:
                rate = 1 / FASTEST if name in SURFACES else FASTEST
            self._clocks[name] = Clock(self.schedule, rate, random.uniform(0, 1e8))
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
        """Whether it is said now that a directive is in force everywhere.

        One that serves alone says it alone, a fenced one too. Of several, each knows the leases it has given.
        """
        if not self.replicas:
            return any(self._claims(plane, directive) for plane in self.planes())
        serving = [self.primary, *self.replicas.values()]
        return all(plane is not None and self._claims(plane, directive) for plane in serving)

    def _claims(self, plane: ControlPlane, directive: str) -> bool:
        return plane.process.stopped_until <= self.schedule.now and plane.claims(directive)

    def heal(self) -> None:
        """Everybody runs, and the network is good."""
        self.calm = True
        self.network.calm()
        for plane in list(self.fenced):
            self.kill(plane)
        if self.primary is None:
            self.start_primary("primary-healed")
        self.attach()
        planes, gateways = self.planes(), self.gateways.values()
        for process in (*(plane.process for plane in planes), *(gateway.process for gateway in gateways)):
            process.stopped_until = self.schedule.now

    def check_live(self) -> None:
        """After it has healed. Raises: NotLive: somebody has not come back."""
        assert self.primary is not None
        with self.primary.ledger.reading() as state:
            longest_ms, lease_ms = state.table.longest_lease_ms, state.table.lease_ms
        # Who has no lease yet knows of no plan: a question that was just lost is given up by the usual lease.
        lost_ms = max(lease_ms, Table().lease_ms) * 4 / 3 + RETRY_MS[-1]
        self.schedule.run(lost_ms + 1.01 * longest_ms + 3 * lease_ms)
        for plane in self.planes():  # also whom nobody has asked lately
            plane.access.confirm()
            plane.ledger.catch_up()
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
