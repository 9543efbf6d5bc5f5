"""Gateways that are stopped, cut off, restarted, that have another time of day, or clients that do not read.

Rules of these tests:
- No time is bounded from above: a busy machine is late, and that is no fault.
- When status says of a run that it has acknowledged, or is counted out, all has been written that ever will
  be. What has come to this machine by then, read or not, is everything a covered stream may have got.
"""

from __future__ import annotations

import asyncio
import signal
import time
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest

from bench import fleet, streams
from bench.fleet import Fleet, Gateway
from bench.load import HEAD_END, Connection, unframed
from bench.relay import Relay
from bench.speech import Speech
from bench.streams import Pace, Stream
from demo.cast import Customer, Place
from sluicegate.acts.directives import DirectiveStatus
from sluicegate_record.log import times
from tests.crash.processes import free_port
from tests.june.asking import ANSWERED, Prober, Question, answers, probing, told
from tests.waiting import BOUND_S

RELEASE, STAGE, MODEL, SURFACE = "faults", "partners", "model-1", "api"
COVERED = Customer("Example Covered", "covered", Place(RELEASE, STAGE, SURFACE))
SPARED = Customer("Example Spared", "spared", Place(RELEASE, STAGE, SURFACE))
ORDER, LATER = "order", "order-of-a-later-hour"
REFUSED, STALE = "451 directive_in_force", "503 gate_stale"
STOPPED, CUT_OFF, AHEAD, RESTARTED, DEAF = "stopped", "cut-off", "ahead", "restarted", "deaf"
LEASE_MS = 5_000
EACH = 5
"""How many streams of each customer a gateway has."""
LONG, SHORT = Pace(400, 250), Pace(40, 250)
"""Longer than any lease here; and as long as a test may wait."""
MUCH = {"x-demo-chunks": "1000", "x-demo-bytes": f"{16 * 1024 * 1024}"}
"""More than all buffers hold between a gateway and a client that does not read."""
HOURS_AHEAD = 2
SHIFTED = f"""
import time

_s, _ns = time.time, time.time_ns
time.time = lambda: _s() + {HOURS_AHEAD * 3_600}
time.time_ns = lambda: _ns() + {HOURS_AHEAD * 3_600 * 10**9}
"""
"""What a process imports before anything else, to have another time of day."""


class Deaf(Stream):
    """A stream whose client reads nothing until `listen`."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        transport.pause_reading()
        self._begin()

    def listen(self) -> None:
        """Read from now on."""
        assert self._transport is not None
        self._transport.resume_reading()


@dataclass
class Watched:
    """Streams at one gateway, and how many bytes had come of each when its run was done with the order."""

    covered: list[Stream] = field(default_factory=list)
    spared: list[Stream] = field(default_factory=list)
    reached: dict[Stream, int] = field(default_factory=dict)

    def note(self) -> None:
        """The run is done with the order."""
        self.reached = {stream: stream.reached() for stream in self.covered}

    def late(self) -> list[Stream]:
        """The covered streams that got more of an answer later."""
        return [each for each in self.covered if len(_answer(each)) > self._allowed(each)]

    def _allowed(self, stream: Stream) -> int:
        return len(unframed(bytes(stream.data[: self.reached[stream]])))


@dataclass
class Watch:
    """How the order spreads, as status tells it; `since_s` is from when on every lease here could be."""

    running: Fleet
    watched: dict[str, Watched]
    since_s: float
    probers: dict[str, Prober]
    rows: dict[tuple[str, str], str] = field(default_factory=dict)
    refused_from: dict[str, int] = field(default_factory=dict)
    """From which question on a prober may not have been answered."""

    async def everywhere(self) -> DirectiveStatus:
        """Watch until the order is in force everywhere; return how everybody stands then."""
        async with asyncio.timeout(BOUND_S):
            while not (status := await self.look()).in_force:
                pass
        return status

    async def look(self) -> DirectiveStatus:
        """Look once. No run is counted out while a lease of it may live, nor waited for again."""
        status = await asyncio.to_thread(self.running.paperwork.status, ORDER)
        passed_ms = (time.monotonic() - self.since_s) * 1_000
        for row in status.gateways:
            run = row.gateway, row.incarnation
            before, self.rows[run] = self.rows.get(run, "waiting"), row.state
            assert (before, row.state) in _GOES, row
            # A run that has folded nothing yet has no lease that could have come without the order.
            assert row.state != "counted_out" or passed_ms >= LEASE_MS or not row.size, row
            if before == "waiting" != row.state:
                self._done(row.gateway)
        return status

    def states(self, gateway: str) -> list[str]:
        """How the runs of a gateway stand."""
        return sorted(state for (name, _), state in self.rows.items() if name == gateway)

    def _done(self, gateway: str) -> None:
        if gateway in self.watched:
            self.watched[gateway].note()
        if gateway in self.probers:
            # One question may be under way.
            self.refused_from.setdefault(gateway, len(self.probers[gateway].said) + 1)


_GOES = {
    *((state, state) for state in ("waiting", "counted_out", "acknowledged")),
    *(("waiting", state) for state in ("counted_out", "acknowledged")),
    ("counted_out", "acknowledged"),
}
"""How a run may stand after it stood before."""


@pytest.mark.long  # on a busy machine a deaf client may be given up, or its answer end, before the order
@pytest.mark.timeout(300)
def test_no_gateway_goes_on_beyond_its_lease_whatever_happens_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with fleet.running(tmp_path, {"demo": ()}) as running:
        asyncio.run(Ordeal(running, monkeypatch).pass_through())


@dataclass
class Ordeal:
    """Five gateways on one surface, each with a fault of its own, while an order comes."""

    running: Fleet
    monkeypatch: pytest.MonkeyPatch
    keys: dict[Customer, str] = field(default_factory=dict)
    watched: dict[str, Watched] = field(default_factory=dict)

    async def pass_through(self) -> None:
        """All of it."""
        self.keys = await asyncio.to_thread(_open, self.running, LEASE_MS)
        async with Relay(self.running.control_url) as relay:
            await asyncio.to_thread(self._start, relay)
            await self._open_streams()
            probers = {
                name: Prober(self._gateway(name), [self._question(COVERED)])
                for name in (CUT_OFF, AHEAD, DEAF)
            }
            spared = Prober(self._gateway(AHEAD), [self._question(SPARED)])
            async with probing([*probers.values(), spared]):
                watch = await self._ordered(relay, probers)
                status = await watch.everywhere()
                self._check_status(status, watch)
                relay.mend()
                await self._continue()
                await self._recovered(watch)
        self._check_probers(watch, spared)
        await self._check_streams()

    def _start(self, relay: Relay) -> None:
        self.running.start_gateways(
            dict.fromkeys((STOPPED, CUT_OFF, RESTARTED, DEAF), SURFACE), {CUT_OFF: relay.url}
        )
        (self.running.folder / "sitecustomize.py").write_text(SHIFTED)
        with self.monkeypatch.context() as patch:
            patch.setenv("PYTHONPATH", f"{self.running.folder}", prepend=":")
            self.running.start_gateways({AHEAD: SURFACE})

    async def _open_streams(self) -> None:
        for gateway in self.running.gateways:
            self.watched[gateway.name] = Watched(
                [self._stream(COVERED, gateway, number) for number in range(EACH)],
                [self._stream(SPARED, gateway, number) for number in range(EACH)],
            )
        reading = [
            (self._gateway(name).url, stream)
            for name, watched in self.watched.items()
            for stream in (*watched.covered, *watched.spared)
            if not isinstance(stream, Deaf)
        ]
        await streams.opened(reading, BOUND_S)
        for stream in self._deaf():
            await stream.open(self._gateway(DEAF).url)
        await streams.until(lambda: all(stream.reached() for stream in self._deaf()), BOUND_S)

    async def _ordered(self, relay: Relay, probers: dict[str, Prober]) -> Watch:
        """Everything happens at once, straight after answers that gave the longest leases."""
        since_s = await self._news()
        self.running.processes.send(STOPPED, signal.SIGSTOP)
        relay.cut()
        self.running.processes.end(RESTARTED, signal.SIGKILL)
        self._asked_of_stopped = asyncio.create_task(self._ask_stopped())
        await asyncio.to_thread(self.running.paperwork.order, _order(ORDER, COVERED))
        watch = Watch(self.running, self.watched, since_s, probers)
        status = await watch.look()
        if (time.monotonic() - since_s) * 1_000 < LEASE_MS:
            assert {watch.states(each)[0] for each in (STOPPED, CUT_OFF, RESTARTED)} == {"waiting"}
            assert not status.in_force
        await asyncio.to_thread(self.running.start_gateways, {RESTARTED: SURFACE})
        return watch

    async def _news(self) -> float:
        """Make the log grow twice: the answer to whoever did not wait for news gives a new lease.

        Returns: a moment before any of the last leases was given.
        """
        await self._grow(LATER)
        since_s = time.monotonic()
        await self._grow(f"{LATER}-still")
        return since_s

    async def _grow(self, name: str) -> None:
        """An order for later, about those who are spared: it begins by the log's time."""
        hour = times.format_time(int(time.time() * 1_000) + 3_600_000)
        text = _order(name, SPARED, effective=hour)
        issued = await asyncio.to_thread(self.running.paperwork.order, text)
        await asyncio.to_thread(self.running.followed, issued.size)

    async def _ask_stopped(self) -> list[str]:
        """What a gateway says when it wakes to those who asked while it was stopped."""
        connections = [await Connection.to(self._gateway(STOPPED).url) for _ in range(EACH)]
        try:
            asked = [connection.ask(self._question(COVERED).request()) for connection in connections]
            return [told(answer) for answer in await asyncio.gather(*asked)]
        finally:
            for connection in connections:
                connection.close()

    async def _continue(self) -> None:
        """What was stopped wakes; those who did not read read what there is."""
        self.running.processes.send(STOPPED, signal.SIGCONT)
        assert set(await self._asked_of_stopped) <= {REFUSED, STALE}
        for stream in self._deaf():
            stream.listen()

    async def _recovered(self, watch: Watch) -> None:
        """All follow again, know the order, serve whom it spares, and status says so."""
        size = (await watch.look()).size
        await asyncio.to_thread(self.running.followed, size)
        for gateway in self.running.gateways:
            asked = [self._question(COVERED), self._question(SPARED)]
            said = [what for _, what in await answers(gateway, asked)]
            assert sorted(said) == [REFUSED, ANSWERED], gateway
        assert await self._clock_ahead_s() > HOURS_AHEAD * 3_600 - BOUND_S
        expected = {name: ["acknowledged"] for name in self.watched}
        expected[RESTARTED] = ["acknowledged", "counted_out"]
        async with asyncio.timeout(BOUND_S):
            while {name: watch.states(name) for name in self.watched} != expected:
                await watch.look()

    async def _clock_ahead_s(self) -> float:
        """By how much the clock of a gateway is ahead, as its answers tell."""
        connection = await Connection.to(self._gateway(AHEAD).url)
        answer = await connection.ask(self._question(COVERED).request())
        connection.close()
        head = answer.data.partition(HEAD_END)[0].decode().lower()
        dates = [line.removeprefix("date: ") for line in head.split("\r\n") if line.startswith("date: ")]
        return parsedate_to_datetime(dates[0]).timestamp() - time.time()

    def _check_status(self, status: DirectiveStatus, watch: Watch) -> None:
        """Two never said a word, one has two runs, the others acknowledged and tell what they cut."""
        for name in (STOPPED, CUT_OFF):
            assert watch.states(name) == ["counted_out"], name
        for name in (AHEAD, DEAF):
            assert watch.states(name) == ["acknowledged"], name
        # The new run never had a lease without the order, whether it has said so yet or not.
        assert watch.states(RESTARTED) in (["acknowledged", "counted_out"], ["counted_out"] * 2)
        cut = {(row.gateway, row.state): row.streams_cut for row in status.gateways}
        # The prober's question may have been under way.
        assert cut.pop((AHEAD, "acknowledged")) - EACH in {0, 1}
        # A client that does not read is given up after half a minute, order or no order.
        assert cut.pop((DEAF, "acknowledged")) <= EACH + 1
        assert set(cut.values()) == {0}

    def _check_probers(self, watch: Watch, spared: Prober) -> None:
        """Nothing covered was answered that was asked where the order was in force."""
        for name, prober in watch.probers.items():
            assert ANSWERED in prober.said, name
            assert ANSWERED not in prober.said[watch.refused_from[name] :], name
            assert set(prober.said) <= {ANSWERED, REFUSED, STALE}, name
        assert set(spared.said) == {ANSWERED}, "another time of day refuses nobody"

    async def _check_streams(self) -> None:
        """Every stream got a beginning of its answer, in time, and ended in a way that tells so."""
        every = [each for watched in self.watched.values() for each in (*watched.covered, *watched.spared)]
        await streams.finished(every, BOUND_S)
        upstream = self.running.upstreams["demo"]
        wholes = dict(zip(every, await streams.sent(upstream, every), strict=True))
        for name, watched in self.watched.items():
            for stream in watched.covered:
                assert not stream.is_whole, stream.ended_how()
                assert wholes[stream].startswith(_answer(stream)), stream.ended_how()
            # One write of a process that is stopped between check and write is said openly (DESIGN 4.5).
            assert len(watched.late()) <= (name == STOPPED), name
        await streams.check_cut(upstream, self.watched[AHEAD].covered, "directive_in_force")
        await streams.check_cut(upstream, self.watched[CUT_OFF].covered, "gate_stale")
        for name in (STOPPED, CUT_OFF):
            await streams.check_cut(upstream, self.watched[name].spared, "gate_stale")
        for name in (AHEAD, DEAF):
            await streams.check_spared(upstream, self.watched[name].spared)
        for stream in self._deaf():
            assert len(stream.data) <= self.watched[DEAF].reached[stream], stream.ended_how()

    def _gateway(self, name: str) -> Gateway:
        return next(each for each in self.running.gateways if each.name == name)

    def _deaf(self) -> list[Deaf]:
        return [stream for stream in self.watched[DEAF].covered if isinstance(stream, Deaf)]

    def _stream(self, customer: Customer, gateway: Gateway, number: int) -> Stream:
        text = f"{customer.name}, stream {number} at {gateway.name}"
        key = self.keys[customer]
        if gateway.name == DEAF and customer is COVERED:
            return Deaf(key, text, Speech.CHAT.body(MODEL, text, pace=MUCH))
        lasts = SHORT if customer is SPARED and gateway.name in {AHEAD, DEAF} else LONG
        return Stream(key, text, Speech.CHAT.body(MODEL, text, pace=lasts.asked()))

    def _question(self, customer: Customer) -> Question:
        return _question(self.keys[customer], customer)


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "how",
    [
        pytest.param(signal.SIGTERM, id="SIGTERM", marks=pytest.mark.long),
        pytest.param(signal.SIGKILL, id="SIGKILL"),
    ],
)
def test_a_control_plane_restarted_within_the_lease_sheds_nothing(tmp_path: Path, how: signal.Signals):
    with fleet.running(tmp_path, {"demo": ()}, control_port=free_port(), feed_port=free_port()) as running:
        asyncio.run(_restarted(running, how))


async def _restarted(running: Fleet, how: signal.Signals) -> None:
    keys = await asyncio.to_thread(_open, running, lease_ms=60_000)
    await asyncio.to_thread(running.start_gateways, dict.fromkeys(("gateway-1", "gateway-2"), SURFACE))
    opened = []
    for gateway in running.gateways:
        texts = [f"stream {number} at {gateway.name}" for number in range(EACH)]
        bodies = [(text, Speech.CHAT.body(MODEL, text, pace=SHORT.asked())) for text in texts]
        opened += [(gateway.url, Stream(keys[SPARED], text, body)) for text, body in bodies]
    await streams.opened(opened, BOUND_S)
    probers = [Prober(gateway, [_question(keys[SPARED], SPARED)]) for gateway in running.gateways]
    async with probing(probers):
        running.processes.end("control", how)
        for prober in probers:
            await prober.more()
        ports = [int(url.rpartition(":")[2]) for url in (running.control_url, running.feed_url)]
        await asyncio.to_thread(fleet.start_control, running.processes, running.cast, running.folder, *ports)
        await asyncio.to_thread(running.processes.ready, "control")
        issued = await asyncio.to_thread(running.paperwork.order, _order(ORDER, COVERED))
        await asyncio.to_thread(running.paperwork.in_force, ORDER)
        await asyncio.to_thread(running.followed, issued.size)
    for prober in probers:
        assert set(prober.said) == {ANSWERED}, prober.gateway
        refused = await answers(prober.gateway, [_question(keys[COVERED], COVERED)])
        assert [said for _, said in refused] == [REFUSED]
    await streams.finished([stream for _, stream in opened], BOUND_S)
    await streams.check_spared(running.upstreams["demo"], [stream for _, stream in opened])


def _open(running: Fleet, lease_ms: int) -> dict[Customer, str]:
    """A release is open and both customers are admitted; return their keys."""
    running.release(fleet.plan(RELEASE, STAGE, {MODEL: "demo"}, [SURFACE], lease_ms))
    return {customer: made.key for customer, made in running.admit([COVERED, SPARED]).items()}


def _order(name: str, customer: Customer, **more: str) -> str:
    return fleet.order_about(name, [MODEL], {"organizations": [customer.name]}, **more)


def _question(key: str, customer: Customer) -> Question:
    return Question(key, MODEL, Speech.CHAT, None, customer.name)


def _answer(stream: Stream) -> bytes:
    """What came of a model's answer."""
    cut = stream.cut()
    return cut[0] if cut is not None else stream.received()
