"""What a gateway adds to a call: its processor time, and time to the first chunk; and how fast it cuts.

Gateway, model servers and this load are processes of their own. Calls through the gateway and straight to the
model server are made in turns.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import uvloop

from bench.load import Answer, Connection, burst, chat
from sluicegate.core.events import parse_time
from sluicegate.demo.cast import DEVELOPER, Cast, Customer, Place
from sluicegate.demo.paperwork import Paperwork
from sluicegate.demo.processes import Processes
from sluicegate.demo.site import ORIGIN, Site

ROUNDS = 5
REQUESTS, REQUEST_CONNECTIONS = 2_000, 16
STREAMS, STREAM_CONNECTIONS = 320, 64
FIRST_CHUNKS = 200
CUT_ROUNDS, CUT_STREAMS = 3, 400
"""Half of these streams are covered."""
CUT_AFTER_S = 1.0

AGENCIES = ("oncd", "ostp")
PLACE = Place("bench", "first", "api")
COVERED = Customer("Covered Operator", "covered", PLACE)
SPARED = Customer("Spared Utility", "spared", PLACE)
UPSTREAMS: dict[str, tuple[int, int]] = {"quick": (50, 0), "paced": (50, 10), "long": (100, 50)}
"""Model servers, each with the model of its name: chunks of a stream, and milliseconds between them."""


def measure() -> dict[str, float]:
    Path("build").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir="build") as folder, _serving(Path(folder)) as served:
        return uvloop.run(_measured(served))


@dataclass(frozen=True, slots=True)
class _Served:
    """What is running, and a key of each customer."""

    processes: _Measured
    site: Site
    upstreams: dict[str, str]
    paperwork: Paperwork
    covered: str
    spared: str


async def _measured(served: _Served) -> dict[str, float]:
    values = await _requests(served)
    values |= await _streams(served)
    values["gateway_first_chunk_ms"] = await _first_chunk(served)
    values["directive_cut_400_ms"] = median([await _cut(served, turn) for turn in range(CUT_ROUNDS)])
    return values


async def _requests(served: _Served) -> dict[str, float]:
    request = chat("quick", served.spared, stream=False)

    async def load(url: str) -> None:
        answers = await burst(url, request, connections=REQUEST_CONNECTIONS, requests=REQUESTS)
        assert all(answer.data.startswith(b"HTTP/1.1 200 ") for answer in answers)

    through, direct = await _cpu_in_turns(served, "quick", load)
    return {
        "gateway_request_cpu_ms": 1_000 * through / REQUESTS,
        "direct_request_cpu_ms": 1_000 * direct / REQUESTS,
    }


async def _streams(served: _Served) -> dict[str, float]:
    request = chat("paced", served.spared, stream=True)

    async def load(url: str) -> None:
        answers = await burst(url, request, connections=STREAM_CONNECTIONS, requests=STREAMS)
        assert all(answer.is_whole_stream for answer in answers)

    through, direct = await _cpu_in_turns(served, "paced", load)
    return {
        "gateway_stream_cpu_ms": 1_000 * through / STREAMS,
        "direct_stream_cpu_ms": 1_000 * direct / STREAMS,
    }


async def _cpu_in_turns(served: _Served, upstream: str, load: Callable[[str], Any]) -> tuple[float, float]:
    """Processor seconds of the gateway under load through it, and of the model server under load straight."""
    await load(served.site.gateway_url)
    through: list[float] = []
    direct: list[float] = []
    for _ in range(ROUNDS):
        for url, process, spent in (
            (served.site.gateway_url, "gateway", through),
            (served.upstreams[upstream], upstream, direct),
        ):
            before = served.processes.cpu_s(process)
            await load(url)
            spent.append(served.processes.cpu_s(process) - before)
    return median(through), median(direct)


async def _first_chunk(served: _Served) -> float:
    """By how many milliseconds the first chunk comes later through the gateway, with nothing else to do."""
    request = chat("quick", served.spared, stream=True)
    through = await Connection.to(served.site.gateway_url)
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


async def _cut(served: _Served, turn: int) -> float:
    """Milliseconds from an order's acceptance to the last byte of the last stream it covers."""
    gateway_url, upstream_url = served.site.gateway_url, served.upstreams["long"]
    straight = await _streaming(upstream_url, served.spared, 1)
    covering = await _streaming(gateway_url, served.covered, CUT_STREAMS // 2)
    sparing = await _streaming(gateway_url, served.spared, CUT_STREAMS // 2)
    await asyncio.sleep(CUT_AFTER_S)
    name = f"bench-{turn}"
    accepted = await asyncio.to_thread(served.paperwork.order, _order(name))
    covered, spared, (expected,) = [await asyncio.gather(*each) for each in (covering, sparing, straight)]
    await asyncio.to_thread(served.paperwork.lift, name, AGENCIES[0])
    assert all(_was_cut(answer) for answer in covered)
    assert all(answer.is_whole_stream and answer.body() == expected.body() for answer in spared)
    return max(answer.ended_s for answer in covered) * 1_000 - parse_time(accepted["acceptedAt"])


async def _streaming(url: str, key: str, count: int) -> list[asyncio.Task[Answer]]:
    """Long streams that have been asked for."""
    request = chat("long", key, stream=True)
    return [asyncio.create_task((await Connection.to(url)).ask(request)) for _ in range(count)]


def _was_cut(answer: Answer) -> bool:
    return b"directive_in_force" in answer.data and not answer.is_whole_stream


class _Measured(Processes):
    """Child processes whose processor time can be read."""

    def cpu_s(self, name: str) -> float:
        """The seconds for which a child's threads have run."""
        tasks = Path(f"/proc/{self._children[name].pid}/task").iterdir()
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


@contextmanager
def _serving(folder: Path) -> Iterator[_Served]:
    """Start everything, with a release under way and two organizations admitted."""
    cast = Cast(folder, AGENCIES)
    cast.assemble(log_exists=False)
    with ExitStack() as stack:
        processes = stack.enter_context(_Measured(folder, print))
        site, upstreams = _started(processes, folder, cast)
        paperwork = Paperwork(site, cast, folder)
        plan = folder / "plan.yaml"
        plan.write_text(_plan())
        for case in paperwork.apply_plan(plan)["cases"]:
            paperwork.decide(case)
        paperwork.open_stage(PLACE.release, PLACE.stage)
        covered, spared = (_admitted(site, paperwork, customer) for customer in (COVERED, SPARED))
        yield _Served(processes, site, upstreams, paperwork, covered, spared)


def _started(processes: Processes, folder: Path, cast: Cast) -> tuple[Site, dict[str, str]]:
    upstreams = {}
    for name, (chunks, interval_ms) in UPSTREAMS.items():
        pace = ("--chunks", f"{chunks}", "--interval-ms", f"{interval_ms}")
        processes.start(name, "demo", "upstream", "--port", "0", *pace)
        upstreams[name] = processes.ready(name)["url"]
    state, trust = folder / "control", cast.trust_file
    processes.start(
        "control", "serve", "--port", "0", "--state", f"{state}", "--trust", f"{trust}", "--origin", ORIGIN
    )
    control = processes.ready("control")
    targets = [word for name, url in upstreams.items() for word in ("--upstream", f"{name}={url}")]
    processes.start(
        "gateway", "gateway", "--port", "0", "--state", f"{folder / 'gateway'}", "--control", control["url"],
        "--log-key", control["vkey"], "--token-file", f"{state / 'tokens' / 'gateway-1.token'}", *targets,
    )  # fmt: skip
    gateway = processes.ready("gateway")
    return Site(folder, control["url"], gateway["url"], upstreams["quick"], control["vkey"]), upstreams


def _admitted(site: Site, paperwork: Paperwork, customer: Customer) -> str:
    """Admit an organization; returns a key of it that the gateway knows."""
    (site.folder / f"{customer.slug}.yaml").write_text(f"name: {customer.name}\nregisteredIn: US\n")
    grant = paperwork.decide(paperwork.submit(customer))["grant"]["grant"]
    credential = paperwork.issue(customer, grant)
    site.followed(credential.size)
    return credential.key


def _plan() -> str:
    models = [
        {"id": name, "upstream": name, "digest": f"sha256:{1:064}", "safeguards": f"sha256:{2:064}"}
        for name in UPSTREAMS
    ]
    asked = {"kind": "agreed", "askedBy": list(AGENCIES), "how": "memorandum", "askedOn": "2026-06-24"}
    stage = {
        "name": PLACE.stage,
        "basis": asked,
        "admission": {"mode": "approve", "grant": {"allOf": list(AGENCIES)}},
    }
    spec = {
        "models": models,
        "surfaces": [PLACE.surface],
        "agencies": {name: {"name": f"The {name} agency"} for name in AGENCIES},
        "stages": [stage],
    }
    metadata = {"name": PLACE.release, "developer": DEVELOPER}
    return json.dumps({"apiVersion": "sluicegate/v1", "kind": "Release", "metadata": metadata, "spec": spec})


def _order(name: str) -> str:
    spec = {
        "issuer": AGENCIES[0],
        "basis": {"kind": "order", "authority": "an example letter"},
        "action": "suspend",
        "models": ["long"],
        "surfaces": "all",
        "covers": {"organizations": [COVERED.name]},
        "reasons": {"form": "none"},
    }
    metadata = {"name": name}
    return json.dumps(
        {"apiVersion": "sluicegate/v1", "kind": "Directive", "metadata": metadata, "spec": spec}
    )
