"""What a gateway adds to a call: its processor time, and time to the first chunk.

The gateway, the model servers and this load are separate processes. Calls through the gateway and directly to
the model server are made in turns.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import uvloop

from bench import fleet
from bench.fleet import FIRST_GATEWAY, Fleet
from bench.load import Connection, burst, chat
from demo.cast import Customer, Place

ROUNDS = 5
REQUESTS, REQUEST_CONNECTIONS = 2_000, 16
STREAMS, STREAM_CONNECTIONS = 320, 64
FIRST_CHUNKS = 200

CUSTOMER = Customer("Example Utility", "utility", Place("bench", "first", "api"))
UPSTREAMS = {"quick": ("--chunks", "50"), "paced": ("--chunks", "50", "--interval-ms", "10")}
"""Model servers, each with the model of its name."""


def measure() -> dict[str, float]:
    Path("build").mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory(dir="build") as folder,
        fleet.running(Path(folder).absolute(), UPSTREAMS) as running,
    ):
        release, stage, surface = CUSTOMER.place
        running.start_gateways({FIRST_GATEWAY: surface})
        running.release(fleet.plan(release, stage, {name: name for name in UPSTREAMS}, [surface]))
        (credential,) = running.admit([CUSTOMER]).values()
        return uvloop.run(_measured(_Served(running, running.gateways[0].url, credential.key)))


@dataclass(frozen=True, slots=True)
class _Served:
    """The fleet, its only gateway, and a key."""

    fleet: Fleet
    url: str
    key: str


async def _measured(served: _Served) -> dict[str, float]:
    values = await _requests(served)
    values |= await _streams(served)
    values["gateway_first_chunk_ms"] = await _first_chunk(served)
    return values


async def _requests(served: _Served) -> dict[str, float]:
    request = chat("quick", served.key, stream=False)

    async def load(url: str) -> None:
        answers = await burst(url, request, connections=REQUEST_CONNECTIONS, requests=REQUESTS)
        assert all(answer.data.startswith(b"HTTP/1.1 200 ") for answer in answers)

    through, direct = await _cpu_in_turns(served, "quick", load)
    return {
        "gateway_request_cpu_ms": 1_000 * through / REQUESTS,
        "direct_request_cpu_ms": 1_000 * direct / REQUESTS,
    }


async def _streams(served: _Served) -> dict[str, float]:
    request = chat("paced", served.key, stream=True)

    async def load(url: str) -> None:
        answers = await burst(url, request, connections=STREAM_CONNECTIONS, requests=STREAMS)
        assert all(answer.is_whole_stream for answer in answers)

    through, direct = await _cpu_in_turns(served, "paced", load)
    return {
        "gateway_stream_cpu_ms": 1_000 * through / STREAMS,
        "direct_stream_cpu_ms": 1_000 * direct / STREAMS,
    }


async def _cpu_in_turns(served: _Served, upstream: str, load: Callable[[str], Any]) -> tuple[float, float]:
    """Processor seconds of the gateway under load, and of the model server under direct load."""
    await load(served.url)
    through: list[float] = []
    direct: list[float] = []
    for _ in range(ROUNDS):
        for url, process, spent in (
            (served.url, FIRST_GATEWAY, through),
            (served.fleet.upstreams[upstream], upstream, direct),
        ):
            before = served.fleet.processes.cpu_s(process)
            await load(url)
            spent.append(served.fleet.processes.cpu_s(process) - before)
    return median(through), median(direct)


async def _first_chunk(served: _Served) -> float:
    """How many milliseconds later the first chunk comes through the gateway, when it has no other work."""
    request = chat("quick", served.key, stream=True)
    through = await Connection.to(served.url)
    direct = await Connection.to(served.fleet.upstreams["quick"])
    waits: dict[Connection, list[float]] = {through: [], direct: []}
    for _ in range(FIRST_CHUNKS):
        for connection, waited in waits.items():
            answer = await connection.ask(request)
            assert answer.is_whole_stream
            waited.append(answer.first_s - answer.asked_s)
    for connection in waits:
        connection.close()
    return 1_000 * (median(waits[through]) - median(waits[direct]))
