"""What a gateway adds to a call, beside plain proxies: processor time, and time to the first chunk.

The gateway, its peers, the model servers and this load are separate processes. All are measured in turns in
one run. The gateway's request log is on; another gateway sends spans, too, where OpenTelemetry is installed.
With two cores or more, gateways and peers run on the first one, and all else on the second.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import uvloop

from bench import fleet, peers
from bench.fleet import FIRST_GATEWAY, Fleet, family, threads_cpu_s
from bench.load import OK, Answer, Connection, burst, chat
from demo.cast import Customer, Place
from sluicegate.gate import span_log

ROUNDS = 5
REQUESTS, REQUEST_CONNECTIONS = 2_000, 16
STREAMS, STREAM_CONNECTIONS = 320, 64
STARTING, STARTS = 200, 7
"""How many streams start at once, and how often."""
FIRST_CHUNKS = 200
TRACED = "gateway-traced"
PEER = "envoy"
"""The peer of the ratios."""

CUSTOMER = Customer("Example Utility", "utility", Place("bench", "first", "api"))
UPSTREAMS = {"quick": ("--chunks", "50"), "paced": ("--chunks", "50", "--interval-ms", "10")}
"""Model servers, each with the model of its name."""


def measure() -> dict[str, float]:
    Path("build").mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory(dir="build") as given,
        fleet.running(Path(given).absolute(), UPSTREAMS) as running,
        ExitStack() as stack,
    ):
        release, stage, surface = CUSTOMER.place
        _start(running, FIRST_GATEWAY)
        running.release(fleet.plan(release, stage, {name: name for name in UPSTREAMS}, [surface]))
        (credential,) = running.admit([CUSTOMER]).values()
        processes = running.processes
        subjects = {"gateway": _subject(running, FIRST_GATEWAY)}
        for name, start in peers.PEERS.items():
            made = stack.enter_context(start(Path(given).absolute(), running.upstreams))
            if made is not None:
                subjects[name] = Subject(made.urls, made.pids)
        direct = {name: processes.pid(name) for name in UPSTREAMS}
        served = Served(subjects, running.upstreams, direct, credential.key)
        of_subjects = {pid for each in subjects.values() for pid in each.pids.values()}
        _pin([*of_subjects], [*direct.values()])
        values = uvloop.run(_measured(served))
        if span_log.is_installed():
            values |= _traced(running, served)
        return values


def _start(running: Fleet, name: str) -> None:
    """Start a gateway with a request log."""
    log = running.folder / f"{name}.jsonl"
    running.start_gateways({name: CUSTOMER.place.surface}, options=("--request-log", f"{log}"))


def _subject(running: Fleet, name: str) -> Subject:
    """A gateway as what is measured."""
    (url,) = (gateway.url for gateway in running.gateways if gateway.name == name)
    return Subject(dict.fromkeys(UPSTREAMS, url), dict.fromkeys(UPSTREAMS, running.processes.pid(name)))


def _traced(running: Fleet, served: Served) -> dict[str, float]:
    """What spans add to a request: to the gateway, and in the process that sends them."""
    with _collector() as url:
        os.environ[span_log.ENDPOINTS[1]] = url
        _start(running, TRACED)
        del os.environ[span_log.ENDPOINTS[1]]
        subjects = {"gateway": served.subjects["gateway"], TRACED: _subject(running, TRACED)}
        gateway, *senders = family(running.processes.pid(TRACED))
        _pin([gateway], senders)
        before_s = sum(map(threads_cpu_s, senders))
        spent = uvloop.run(_requests_in_turns(replace(served, subjects=subjects)))
        sender_s = sum(map(threads_cpu_s, senders)) - before_s
    return {
        "traced_request_ratio": spent[TRACED] / spent["gateway"],
        "traced_sender_cpu_ms": 1_000 * sender_s / (REQUESTS * (ROUNDS + 1)),
    }


@contextmanager
def _collector() -> Iterator[str]:
    """Something that takes spans, at a URL."""

    class Taken(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Taken) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@dataclass(frozen=True, slots=True)
class Subject:
    """What is measured: where it serves each model server, and the process that does."""

    urls: Mapping[str, str]
    pids: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Served:
    """The gateway and its peers by name, the model servers with their processes, and a key."""

    subjects: Mapping[str, Subject]
    upstreams: Mapping[str, str]
    direct: Mapping[str, int]
    key: str


def _pin(first: list[int], second: list[int]) -> None:
    """Let some processes run on the first core, and others, with this one, on the second."""
    if len(cores := sorted(os.sched_getaffinity(0))) > 1:
        for pids, core in ((first, cores[0]), ([*second, os.getpid()], cores[1])):
            for pid in pids:
                peers.pin(pid, core)


async def _measured(served: Served) -> dict[str, float]:
    values = await _requests(served)
    values |= await _streams(served)
    values |= await _starting(served)
    values["gateway_first_chunk_ms"] = await _first_chunk(served)
    return values


async def _requests(served: Served) -> dict[str, float]:
    return _named("request", await _requests_in_turns(served), REQUESTS)


async def _requests_in_turns(served: Served) -> dict[str, float]:
    request = chat("quick", served.key, stream=False)

    async def load(url: str) -> None:
        answers = await burst(url, request, connections=REQUEST_CONNECTIONS, requests=REQUESTS)
        assert all(answer.data.startswith(OK) for answer in answers)

    return await _cpu_in_turns(served, "quick", load)


async def _streams(served: Served) -> dict[str, float]:
    request = chat("paced", served.key, stream=True)

    async def load(url: str) -> None:
        answers = await burst(url, request, connections=STREAM_CONNECTIONS, requests=STREAMS)
        assert all(answer.is_whole_stream for answer in answers)

    return _named("stream", await _cpu_in_turns(served, "paced", load), STREAMS)


def _named(what: str, cpu_s: Mapping[str, float], count: int) -> dict[str, float]:
    values = {f"{name}_{what}_cpu_ms": 1_000 * spent / count for name, spent in cpu_s.items()}
    if PEER in cpu_s:
        values[f"gateway_{what}_ratio"] = cpu_s["gateway"] / cpu_s[PEER]
    return values


async def _cpu_in_turns(served: Served, upstream: str, load: Callable[[str], Any]) -> dict[str, float]:
    """Processor seconds of each subject under load, and of the model server under direct load."""
    turns = {name: (each.urls[upstream], each.pids[upstream]) for name, each in served.subjects.items()}
    turns["direct"] = served.upstreams[upstream], served.direct[upstream]
    spent: dict[str, list[float]] = {name: [] for name in turns}
    for url, _ in turns.values():
        await load(url)
    for _ in range(ROUNDS):
        for name, (url, pid) in turns.items():
            before = threads_cpu_s(pid)
            await load(url)
            spent[name].append(threads_cpu_s(pid) - before)
    return {name: median(each) for name, each in spent.items()}


async def _starting(served: Served) -> dict[str, float]:
    """When many streams start at once, how long each waits for its first chunk."""
    request = chat("paced", served.key, stream=True)
    waits: dict[str, list[list[float]]] = {name: [] for name in served.subjects}
    for _ in range(STARTS):
        for name, subject in served.subjects.items():
            answers = await _all_at_once(subject.urls["paced"], request)
            assert all(answer.is_whole_stream for answer in answers)
            waited = quantiles([1_000 * (each.first_s - each.asked_s) for each in answers], n=100)
            waits[name].append([waited[49], waited[98]])
    values: dict[str, float] = {}
    for name, rounds in waits.items():
        for at, each in enumerate(("p50", "p99")):
            values[f"{name}_first_chunk_{each}_ms"] = median(waited[at] for waited in rounds)
    if PEER in waits:
        for each in ("p50", "p99"):
            of_peer = values[f"{PEER}_first_chunk_{each}_ms"]
            values[f"gateway_first_chunk_{each}_ratio"] = values[f"gateway_first_chunk_{each}_ms"] / of_peer
        values["gateway_first_chunk_ratio"] = max(
            values[f"gateway_first_chunk_{each}_ratio"] for each in ("p50", "p99")
        )
    return values


async def _all_at_once(url: str, request: bytes) -> list[Answer]:
    made = [await Connection.to(url) for _ in range(STARTING)]
    try:
        return await asyncio.gather(*(connection.ask(request) for connection in made))
    finally:
        for connection in made:
            connection.close()


async def _first_chunk(served: Served) -> float:
    """How many milliseconds later the first chunk comes through the gateway, when it has no other work."""
    request = chat("quick", served.key, stream=True)
    through = await Connection.to(served.subjects["gateway"].urls["quick"])
    direct = await Connection.to(served.upstreams["quick"])
    waits: dict[Connection, list[float]] = {through: [], direct: []}
    for _ in range(FIRST_CHUNKS):
        for connection, waited in waits.items():
            answer = await connection.ask(request)
            assert answer.is_whole_stream
            waited.append(answer.first_s - answer.asked_s)
    for connection in waits:
        connection.close()
    return 1_000 * (median(waits[through]) - median(waits[direct]))
