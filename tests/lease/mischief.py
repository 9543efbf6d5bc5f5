"""What is done to a world: orders, by an operator; harm, by an adversary who knows of them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import partial

from sluicegate.core.lifecycle.credentials import IssueCredential, RevokeCredential
from sluicegate.core.lifecycle.directives import OpenLift
from sluicegate.core.lifecycle.positions import RecordPosition
from sluicegate.core.lifecycle.releases import ApplyPlan
from tests import worlds
from tests.lease.control import ControlPlane
from tests.lease.schedule import Process
from tests.lease.truth import Client
from tests.lease.world import MODELS, ORGANIZATIONS, World, plan
from tests.worlds import API, CODEX

DIRECTIVES_MAX = 5
CLIENTS_MAX = 16
LEASE_MS_MIN = 500
BURST_MS = 20.0
HINDERED = 0.4
FORESEEN = 0.2


class Operator:
    """Issues and lifts directives, revokes and issues credentials, changes the lease."""

    def __init__(self, world: World, adversary: Adversary) -> None:
        self._world = world
        self._adversary = adversary
        self._process = Process("operator")
        self._done = 0
        self._next()

    def _next(self) -> None:
        schedule, world = self._world.schedule, self._world
        longest_ms = BURST_MS if schedule.random.random() < world.temper.bursts else 1.5 * world.lease_ms
        schedule.after(schedule.random.uniform(0, longest_ms), self._process, "gives an order", self._act)

    def _act(self) -> None:
        if self._world.calm:
            return
        self._next()
        world, plane, random = self._world, self._world.control, self._world.schedule.random
        if plane is None or plane.process.stopped_until > world.schedule.now:
            return
        act = random.choices(
            [self._issue, self._revoke, self._issue_credential, self._change_the_lease], [12, 2, 2, 1]
        )[0]
        if act == self._issue and random.random() < FORESEEN:
            self._adversary.foresee()
            delay_ms = random.uniform(0, world.lease_ms)
            world.schedule.after(
                delay_ms, plane.process, "gives a foreseen order", lambda: self._issue(plane)
            )
        else:
            act(plane)

    def _issue(self, plane: ControlPlane) -> None:
        world, random = self._world, self._world.schedule.random
        if len(world.truth.directives) >= DIRECTIVES_MAX:
            return
        self._done += 1
        organizations = random.sample(ORGANIZATIONS, random.choice([0, 1, 1, 2]))
        models = random.sample(MODELS, random.choice([1, 1, 2]))
        surfaces = random.choice(["all", "all", [API], [CODEX]])
        name = f"d-{self._done}"
        plane.do(worlds.suspension(name, organizations, models=models, surfaces=surfaces))
        if name in world.truth.directives:
            world.truth.seen["directives"] += 1
            self._adversary.hinder()
            self._lift_later(name)

    def _lift_later(self, name: str) -> None:
        """Lift a directive, though not before it has shown what it does; if that fails, try again."""
        schedule = self._world.schedule
        delay_ms = schedule.random.uniform(1.1, 3) * self._world.lease_ms
        schedule.after(delay_ms, self._process, f"lifts {name}", lambda: self._lift(name))

    def _lift(self, name: str) -> None:
        plane, opened = self._world.control, None
        if self._world.calm:
            return
        if plane is not None and plane.process.stopped_until <= self._world.schedule.now:
            opened = plane.do(OpenLift(name))
        if plane is not None and opened is not None:
            with plane.ledger.reading() as state:
                case = state.cases[opened["case"]]
            plane.do(RecordPosition(worlds.position(case, "oncd")))
        if name in self._world.truth.directives:
            self._lift_later(name)

    def _revoke(self, plane: ControlPlane) -> None:
        world = self._world
        plane.do(RevokeCredential(world.schedule.random.choice(world.clients).credential))
        self._adversary.hinder()
        self._issue_credential(plane)

    def _issue_credential(self, plane: ControlPlane) -> None:
        world = self._world
        self._done += 1
        holder = world.schedule.random.choice(world.clients)
        with plane.ledger.reading() as state:
            grant = state.table.credentials[holder.digest].grant.id
        digest = hashlib.sha256(f"key {self._done}".encode()).digest()
        issued = plane.do(IssueCredential(grant, digest.hex()))
        if issued is None:
            return
        world.clients.append(Client(holder.organization, holder.surface, issued["credential"], digest))
        here = [client for client in world.clients if client.surface == holder.surface]
        revoked = [client for client in here if client.credential in world.truth.revoked]
        if len(world.clients) > CLIENTS_MAX and revoked:
            world.clients.remove(revoked[0])

    def _change_the_lease(self, plane: ControlPlane) -> None:
        world = self._world
        lease_ms = max(LEASE_MS_MIN, world.lease_ms // world.schedule.random.choice([1, 2, 4]))
        plane.do(ApplyPlan(worlds.read_plan(plan(lease_ms))))


class Adversary:
    """Does what harm can be done without keys. Each world has a taste of its own for each kind."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._process = Process("adversary")
        kinds = [
            self._cut,
            self._mute,
            self._cache,
            self._ambush,
            self._stop_gateway,
            self._kill_gateway,
            self._stop_process,
            self._kill_process,
            self._boot,
            self._break,
            self._set_a_wall,
        ]
        self._kinds = [(kind, world.schedule.random.choice([0, 1, 4])) for kind in kinds]
        self._next()

    def hinder(self) -> None:
        """Keep some gateways from hearing of an order that was just given."""
        world, random = self._world, self._world.schedule.random
        harms = [self._cut, self._cut, self._mute, self._cache, self._stop_gateway, None, None]
        if random.random() > HINDERED:
            return
        for name in world.gateways:
            harm = random.choice(harms)
            if random.random() < world.temper.cut_at_once:
                self._cut(name)
            elif harm is not None:
                longest_ms = random.choice([0, 0, 5, 300, world.lease_ms / 2])
                delay_ms = random.uniform(0, longest_ms)
                world.schedule.after(delay_ms, self._process, "hinders", partial(harm, name))

    def foresee(self) -> None:
        """Hold back the answers that come before an order, so that they come after it."""
        for name in self._world.gateways:
            self._world.network.links[name].slow = self._until(0.2, 1.5)

    def _next(self) -> None:
        self._later(5, "does harm", self._act)

    def _act(self) -> None:
        if self._world.calm:
            return
        self._next()
        random = self._world.schedule.random
        kinds = [kind for kind, weight in self._kinds for _ in range(weight)]
        if kinds:
            random.choice(kinds)(random.choice(list(self._world.gateways)))
        lies = self._world.temper.lies
        if lies and random.random() < lies:
            self._lie(random.choice(list(self._world.gateways)))

    # The network

    def _cut(self, name: str) -> None:
        self._world.network.links[name].cut = self._until(0.5, 2.5)

    def _mute(self, name: str) -> None:
        self._world.network.links[name].mute = self._until(0.5, 2.5)

    def _cache(self, name: str) -> None:
        self._world.network.links[name].cached = self._until(0.5, 3)

    def _ambush(self, name: str) -> None:
        """Hold answers back; then let no further question through."""
        self._world.network.links[name].slow = self._until(0.2, 2)
        self._later(1.5, f"springs on {name}", lambda: self._mute(name))

    # Processes

    def _stop_gateway(self, name: str) -> None:
        self._world.gateways[name].process.stop(self._world.schedule.now, self._until(0.2, 2))

    def _kill_gateway(self, name: str) -> None:
        world, random = self._world, self._world.schedule.random
        process = world.gateways[name].process
        if process.gone:
            return
        process.gone = True
        if random.random() < 0.3:
            world.forget(name)
        if random.random() < 0.3:
            world.move(name)
        self._later(0.5, f"starts {name}", lambda: world.start_gateway(name))

    def _stop_process(self, _: str) -> None:
        processes = self._world.processes()
        if processes:
            process = self._world.schedule.random.choice(processes).process
            process.stop(self._world.schedule.now, self._until(0.2, 2))

    def _kill_process(self, _: str) -> None:
        world, random = self._world, self._world.schedule.random
        processes = world.processes()
        if processes:
            world.kill(random.choice(processes))
            self._later(0.5, "starts what has ended", world.restart)

    def _boot(self, _: str) -> None:
        """Let the machine of the control plane and the feeds begin anew."""
        if self._world.schedule.random.random() < self._world.temper.boots:
            self._world.boot()
            self._later(0.5, "starts what has ended", self._world.restart)

    def _break(self, _: str) -> None:
        if self._world.control is not None:
            self._world.control.access.breaks = self._world.schedule.random.choice(["before", "after"])

    def _set_a_wall(self, _: str) -> None:
        self._world.set_wall()

    def _lie(self, name: str) -> None:
        """Let the feeds tell a gateway another time, as who has a feed's key can: a little off, or much."""
        random, link = self._world.schedule.random, self._world.network.links[name]
        link.lying = self._until(0.5, 3)
        link.lie_ms = int(random.choice([-1, 1]) * random.choice([10_000, 600_000, 8_000_000, 80_000_000]))

    def _until(self, least: float, most: float) -> float:
        """When a harm of so many leases ends; of one that begins after all has healed, now."""
        world = self._world
        leases = 0 if world.calm else world.schedule.random.uniform(least, most)
        return world.schedule.now + leases * world.lease_ms

    def _later(self, leases: float, what: str, act: Callable[[], None]) -> None:
        schedule = self._world.schedule
        schedule.after(schedule.random.uniform(0, leases * self._world.lease_ms), self._process, what, act)
