"""How fast a directive is in force: from its acceptance to the last byte of the streams it covers.

Gateways on three surfaces, the control plane, the model's server and this load are separate processes, all on
this machine. Half of the streams are covered. Every round checks that those end after whole events, and that
every other stream is complete to the byte: a fleet that cuts the wrong streams gets no figure.

On two cores, everything together can stream a few thousand pieces a second and still be idle for half of the
time. That sets the pace, not what a model would do. The report shows beside the figures how busy everything
was.
"""

from __future__ import annotations

import asyncio
import gc
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import uvloop

from bench import broadcast, fleet, streams
from bench.fleet import Fleet, Gateway
from bench.load import OK, burst, post, unframed
from bench.relay import Relay
from bench.speech import Speech
from bench.streams import Pace, Stream
from demo.cast import Customer, Place
from demo.paperwork import Credential
from demo.site import followed
from sluicegate.acts import members, review
from sluicegate.acts.directives import AcceptedDirective
from sluicegate.acts.members import MemberRow, MemberRows
from sluicegate.acts.review import ListInUse
from sluicegate.core.people import persons

RELEASE, STAGE, MODEL = "bench", "first", "model-1"
SURFACES = {"gateway-1": "api", "gateway-2": "api", "gateway-3": "codex", "gateway-4": "cloud"}
FAR = "gateway-5"
"""The gateway that reaches the control plane over a wire that is cut. It replaces the last of the others."""
CUSTOMERS = 60
SETTLE_S = 1.0
"""How long everything streams before the processor time is read and an order comes."""
BOUND_S = 120.0
LEASE_MS = 5_000
"""The lease of a plan that does not state one."""


@dataclass(frozen=True, slots=True)
class Load:
    """How many streams, at which pace, and how often. They last until all are open, and a while longer."""

    streams: int
    pace: Pace
    rounds: int = 1
    covers_persons: bool = False
    """Whether the order is about persons by status; otherwise it names organizations."""


CUTS = {
    "directive_cut": Load(1_000, Pace(40, 250), 5),
    "directive_cut_persons": Load(1_000, Pace(40, 250), 5, covers_persons=True),
    "directive_cut_10k": Load(10_000, Pace(25, 3_000), 3),
}
BOUND = Load(1_000, Pace(60, 250))
MEMBER = "user-1"
"""The person that every stream names: another one for each customer,
a foreign person if an order covers them.
"""
ANNEX, ANNEX_ROWS = "annex-a", 100_000
BURST, BURSTS, CONNECTIONS = 1_000, 5, 16
"""How many requests are asked of a gateway at a time, how often, and over how many connections."""


def measure() -> dict[str, float]:
    Path("build").mkdir(exist_ok=True)
    gc.disable()  # its pauses would be the load's, and what is kept here is no cycle
    with (
        tempfile.TemporaryDirectory(dir="build") as folder,
        fleet.running(Path(folder).absolute(), {"demo": ()}) as running,
    ):
        return uvloop.run(_measured(running))


async def _measured(running: Fleet) -> dict[str, float]:
    await asyncio.to_thread(running.start_gateways, SURFACES)
    await asyncio.to_thread(running.release, fleet.plan(RELEASE, STAGE, {MODEL: "demo"}, SURFACES.values()))
    audience = Audience(await asyncio.to_thread(_admitted, running))
    await asyncio.to_thread(audience.register, running)
    values: dict[str, float] = {}
    for name, load in CUTS.items():
        rounds = [await _cut(running, audience, load, f"{name}-{turn}") for turn in range(load.rounds)]
        values |= {f"{name}_{what}": median(each[what] for each in rounds) for what in rounds[0]}
    values |= await _beside_broadcasts(running, audience, CUTS["directive_cut"])
    values |= await _annexed(running, audience)
    return values | await _bound(running, audience)


async def _beside_broadcasts(running: Fleet, audience: Audience, load: Load) -> dict[str, float]:
    """Orders in turns with bare broadcasts to as many streams."""
    cuts, bare = [], []
    for turn in range(load.rounds):
        bare.append(await broadcast.p99_ms(running.folder, load.streams, load.pace.interval_ms))
        cuts.append((await _cut(running, audience, load, f"beside-{turn}"))["ms"])
    ratio = median(cut / each for cut, each in zip(cuts, bare, strict=True))
    return {"directive_cut_ratio": ratio, "broadcast_ms": median(bare)}


def _admitted(running: Fleet) -> dict[Customer, Credential]:
    """Customers on the surfaces of all gateways, and a credential for each."""
    surfaces = cycle(SURFACES.values())
    customers = [
        Customer(f"Example Operator {number}", f"operator-{number}", Place(RELEASE, STAGE, next(surfaces)))
        for number in range(CUSTOMERS)
    ]
    return running.admit(customers)


class Audience:
    """Customers with one credential each. On each surface, every second one is covered."""

    def __init__(self, credentials: dict[Customer, Credential]) -> None:
        self._credentials = credentials
        self._of: dict[tuple[str, bool], list[Customer]] = {}
        for surface in SURFACES.values():
            those = [customer for customer in credentials if customer.place.surface == surface]
            self._of[surface, True], self._of[surface, False] = those[::2], those[1::2]

    def register(self, running: Fleet) -> None:
        """Each customer registers the person that its streams name."""
        digest = persons.identifier(MEMBER)
        for (_, covered), those in self._of.items():
            status = "other" if covered else "us_citizen"
            row = MemberRow(identifiers=(digest,), status=status, method="i-9")
            for customer in those:
                asked = MemberRows(grant=self._credentials[customer].grant, rows=(row,))
                running.paperwork.customer(customer).do(members.REGISTER, asked)
        running.followed(running.paperwork.head().size)

    def key_spared(self, surface: str) -> str:
        """A key on a surface that no order covers."""
        return self._credentials[self._of[surface, False][0]].key

    def covered(self) -> list[str]:
        """The names of the covered ones."""
        return sorted({each.name for (_, covered), those in self._of.items() if covered for each in those})

    def streams(self, gateways: Sequence[Gateway], load: Load, turn: str) -> Iterator[Asked]:
        """Streams spread over gateways and customers. At each gateway, half of them are covered."""
        for number in range(load.streams):
            row, column = divmod(number, len(gateways))
            gateway, covered = gateways[column], row % 2 == 0
            those = self._of[gateway.surface, covered]
            customer = those[row // 2 % len(those)]
            text = f"{customer.name}, stream {number} of {turn}"
            body = Speech.CHAT.body(MODEL, text, MEMBER, load.pace.asked())
            yield Asked(gateway, covered, Stream(self._credentials[customer].key, text, body))


@dataclass(frozen=True, slots=True)
class Asked:
    """A stream, the gateway that serves it, and whether the order covers it."""

    gateway: Gateway
    covered: bool
    stream: Stream


async def _cut(running: Fleet, audience: Audience, load: Load, turn: str) -> dict[str, float]:
    """One order while everything streams: figures in milliseconds after its acceptance, and in cores."""
    asked = await _open(running.gateways, audience, load, turn)
    spent = await _cores(running)
    accepted = await _order(running, audience, turn, covers_persons=load.covers_persons)
    covered, spared = _those(asked, covered=True), _those(asked, covered=False)
    await streams.finished(covered, BOUND_S)
    status = await asyncio.to_thread(running.paperwork.in_force, turn)
    await streams.finished(spared, BOUND_S)
    await streams.check_cut(running.upstreams["demo"], covered, "directive_in_force")
    await streams.check_spared(running.upstreams["demo"], spared)
    assert sum(row.streams_cut for row in status.gateways) == len(covered), status
    await _lift(running, turn)
    accepted_ms = accepted.accepted_at_ms
    times = [stream.last_ns / 1e6 - accepted_ms for stream in covered]
    acknowledged = [row.at_ms - accepted_ms for row in status.gateways if row.at_ms is not None]
    return {
        "ms": quantiles(times, n=100)[-1],
        "median_ms": median(times),
        "last_ms": max(times),
        "acknowledged_ms": max(acknowledged),
        **spent,
    }


async def _bound(running: Fleet, audience: Audience) -> dict[str, float]:
    """The same with one gateway cut off, immediately after an answer that gave it the longest lease."""
    async with Relay(running.feed_url) as relay:
        surface = running.gateways[-1].surface
        await asyncio.to_thread(running.start_gateways, {FAR: surface}, {FAR: relay.url})
        *_, far = running.gateways
        gateways = [*running.gateways[:-2], far]
        asked = await _open(gateways, audience, BOUND, "bound")
        await _news(running, far)
        relay.cut()
        accepted = await _order(running, audience, "bound")
        counted_out_ns = await asyncio.to_thread(_counted_out, running, "bound")
        theirs = _those([each for each in asked if each.gateway is far], covered=True)
        reached = {stream: stream.reached() for stream in theirs}
        await streams.finished([each.stream for each in asked], BOUND_S)
    await _check_bound(running, asked, far)
    accepted_ms = accepted.accepted_at_ms
    last_ns = max(stream.last_ns for stream in theirs)
    for stream, size in reached.items():
        cut = stream.cut()
        assert cut is not None, stream.ended_how()
        # What follows is the refusal: on a busy machine it is late, and it answers nothing.
        assert len(cut[0]) <= len(unframed(bytes(stream.data[:size]))), "counted out before its last byte"
    return {
        "directive_bound_ms": last_ns / 1e6 - accepted_ms,
        "directive_counted_out_ms": counted_out_ns / 1e6 - accepted_ms,
    }


async def _check_bound(running: Fleet, asked: Sequence[Asked], far: Gateway) -> None:
    """A gateway without a lease serves no one; the others work as always."""
    upstream = running.upstreams["demo"]
    near = [each for each in asked if each.gateway is not far]
    await streams.check_cut(upstream, _those(near, covered=True), "directive_in_force")
    await streams.check_spared(upstream, _those(near, covered=False))
    await streams.check_cut(upstream, [each.stream for each in asked if each.gateway is far], "gate_stale")


async def _news(running: Fleet, far: Gateway) -> None:
    """Make the log grow twice: the answer to a question that did not wait gives the longest lease."""
    staff = running.paperwork.staff()
    for turn in range(2):
        used = ListInUse(name="bench", version=f"{turn}")
        applied = await asyncio.to_thread(staff.do, review.USE_LIST, used)
        await asyncio.to_thread(followed, far.url, applied.size)


def _counted_out(running: Fleet, name: str) -> int:
    """Wait until a directive is in force everywhere;
    return when the control plane said so, by CLOCK_REALTIME.
    """
    status = running.paperwork.in_force(name)
    told_ns = time.time_ns()
    states = {row.gateway: row.state for row in status.gateways}
    assert states == {**dict.fromkeys(SURFACES, "acknowledged"), FAR: "counted_out"}, states
    return told_ns


async def _open(gateways: Sequence[Gateway], audience: Audience, load: Load, turn: str) -> list[Asked]:
    asked = list(audience.streams(gateways, load, turn))
    await streams.opened([(each.gateway.url, each.stream) for each in asked], BOUND_S)
    return asked


async def _order(
    running: Fleet, audience: Audience, name: str, *, covers_persons: bool = False
) -> AcceptedDirective:
    covers: dict[str, Any] = {"organizations": audience.covered()}
    if covers_persons:
        covers = {"persons": {"definition": "ear-foreign-person", "unknown": "covered"}}
    return await asyncio.to_thread(running.paperwork.order, fleet.order_about(name, [MODEL], covers))


async def _annexed(running: Fleet, audience: Audience) -> dict[str, float]:
    """An order about a long annex: how soon it is in force, and what a request costs under it."""
    names = [*audience.covered(), *(f"Example Stranger {number:06}" for number in range(ANNEX_ROWS))]
    annexes = {ANNEX: {"organizations": names[:ANNEX_ROWS]}}
    stated = {ANNEX: {"file": f"{ANNEX}.csv", "digest": f"sha256:{3:064}"}}
    text = fleet.order_about("annexed", [MODEL], {"annexes": [ANNEX]}, annexes=stated)
    before = [await _request_cpu_s(running, audience) for _ in range(BURSTS)]
    began_ms = time.time() * 1_000
    accepted = await asyncio.to_thread(running.paperwork.order, text, annexes)
    answered_ms = time.time() * 1_000
    acknowledged_ms = await asyncio.to_thread(_acknowledged_ms, running, "annexed")
    beneath = [await _request_cpu_s(running, audience) for _ in range(BURSTS)]
    await _lift(running, "annexed")
    return {
        "directive_annex_accepted_ms": accepted.accepted_at_ms - began_ms,
        "directive_annex_answered_ms": answered_ms - began_ms,
        "directive_annex_acknowledged_ms": acknowledged_ms - began_ms,
        "directive_annex_request_ratio": median(beneath) / median(before),
    }


def _acknowledged_ms(running: Fleet, name: str) -> int:
    """Wait until every gateway has acknowledged a directive, counted out or not; return when the last did."""
    while True:
        times = [row.at_ms for row in running.paperwork.in_force(name).gateways]
        if None not in times:
            return max(at_ms for at_ms in times if at_ms is not None)


async def _request_cpu_s(running: Fleet, audience: Audience) -> float:
    """The processor time that a gateway takes for requests that are answered."""
    gateway = running.gateways[0]
    request = post(Speech.CHAT.body(MODEL, "a short question", MEMBER), audience.key_spared(gateway.surface))
    before_s = running.processes.cpu_s(gateway.name)
    answers = await burst(gateway.url, request, connections=CONNECTIONS, requests=BURST)
    assert all(answer.data.startswith(OK) for answer in answers)
    return running.processes.cpu_s(gateway.name) - before_s


async def _cores(running: Fleet) -> dict[str, float]:
    """How many cores this load and the model's server keep busy, and how long the machine's queue is."""
    mine, began_s = str(os.getpid()), time.monotonic()
    before = fleet.threads_cpu_s(mine), running.processes.cpu_s("demo")
    await asyncio.sleep(SETTLE_S)
    after = fleet.threads_cpu_s(mine), running.processes.cpu_s("demo")
    passed_s = time.monotonic() - began_s
    load, upstream = ((late - early) / passed_s for late, early in zip(after, before, strict=True))
    return {"load_cores": load, "upstream_cores": upstream, "load_average": os.getloadavg()[0]}


async def _lift(running: Fleet, name: str) -> None:
    lifted = await asyncio.to_thread(running.paperwork.lift, name, fleet.AGENCIES[0])
    await asyncio.to_thread(running.followed, lifted.size)


def _those(asked: Sequence[Asked], *, covered: bool) -> list[Stream]:
    return [each.stream for each in asked if each.covered is covered]
