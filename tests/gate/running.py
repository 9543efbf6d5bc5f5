"""A gateway that runs in a thread of the test's process, and raw clients for it."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import uvloop

from sluicegate.gate import request_book
from sluicegate.gate.engine import Engine
from sluicegate.gate.exchange import error_form
from sluicegate.gate.gateway import FILES_EACH, Gateway
from sluicegate.gate.in_flight import InFlight, shares
from sluicegate.gate.lines import LineWriter
from sluicegate.gate.request_book import RequestBook
from sluicegate.gate.request_log import RequestLog
from sluicegate.gate.span_log import SpanLog
from sluicegate.gate.sse import EventRoom
from sluicegate.gate.upstream import HttpUpstream, Upstream
from sluicegate.http.capacity import OpenConnection
from sluicegate.http.connection import HttpConnection
from sluicegate.http.server import HttpServer, connections_max, listen
from sluicegate.http.tls import ServerCertificate
from sluicegate.settings import GATEWAY_HTTP, GatewaySettings, HttpSettings, UpstreamTarget
from sluicegate_record.log.times import DAY_MS
from tests.clock import Clock
from tests.gate import world as worlds
from tests.gate.world import SURFACE, UPSTREAM, World
from tests.waiting import BOUND_S
from tests.worlds import AT_MS

T = TypeVar("T")
UPSTREAM_KEY = "upstream-key"
UNUSED = Path("unused")


HTTP = {each.name for each in fields(HttpSettings)}


def settings(**changes: Any) -> GatewaySettings:
    """Settings with changes, also of those of the HTTP server."""
    http = {name: changes.pop(name) for name in HTTP & changes.keys()}
    base = GatewaySettings(
        surface=SURFACE,
        control_url="http://127.0.0.1:1",
        feed_url="http://127.0.0.1:1",
        token="",
        log_vkey="",
        upstreams={},
        state_dir=UNUSED,
        port=0,
    )
    return replace(base, **changes, http=replace(GATEWAY_HTTP, **http))


async def started(gateway: Gateway, changed: GatewaySettings) -> tuple[HttpServer, int]:
    """A server of a gateway, and its port."""
    certificate = None if changed.tls is None else ServerCertificate(changed.tls)
    server = HttpServer(gateway, changed.http, error_form, FILES_EACH, certificate)
    listening = listen(changed.host, changed.port)
    await server.start(listening)
    return server, listening.getsockname()[1]


async def ended(server: HttpServer, upstreams: Iterable[Upstream], *written: LineWriter | None) -> None:
    await server.stop()
    for upstream in upstreams:
        await upstream.close()
    for lines in written:
        if lines is not None:
            await lines.close()


@dataclass
class Serving:
    """A gateway in its thread. What touches its engine is done there, between two of its events."""

    engine: Engine
    loop: asyncio.AbstractEventLoop
    server: HttpServer
    port: int
    room: EventRoom
    upstreams: Mapping[str, Upstream]
    spans: SpanLog | None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def do(self, what: Callable[[], T]) -> T:
        """Do something in the gateway's thread."""

        async def doing() -> T:
            return what()

        return asyncio.run_coroutine_threadsafe(doing(), self.loop).result(BOUND_S)

    def waits_for_a_client(self) -> bool:
        """Whether something written waits for a client to read it."""
        return self.do(lambda: any(_is_paused(one) for one in self.server._capacity))

    def in_flight(self) -> int:
        return self.do(lambda: len(self.engine.flights))


@dataclass
class Running(Serving):
    """The same, of a world that is written to."""

    world: World
    clock: Clock

    @property
    def upstream(self) -> Any:
        """Its only one."""
        return self.upstreams[UPSTREAM]

    def advance(self) -> None:
        """Fold what the world has written since, as the feed does."""
        self.do(lambda: self.engine.advance(self.world.take()))


def _is_paused(connection: OpenConnection) -> bool:
    assert isinstance(connection, HttpConnection)
    return connection.is_paused


def _in_flight(changed: GatewaySettings) -> InFlight:
    connections = connections_max(changed.http, FILES_EACH)
    return shares(connections, changed.max_flights_of_organization, changed.max_flights_of_key)


def _written(changed: GatewaySettings) -> tuple[RequestLog | None, SpanLog | None, RequestBook | None]:
    """Where a gateway's lines go."""
    log = RequestLog(changed.request_log) if changed.request_log else None
    spans = SpanLog(changed) if changed.spans else None
    if changed.state_dir == UNUSED:
        return log, spans, None
    folder, key = changed.state_dir / request_book.FOLDER, changed.state_dir / request_book.KEY
    keep_ms = changed.request_days * DAY_MS
    return log, spans, RequestBook(folder, key, keep_ms, changed.max_request_book_bytes, lambda: AT_MS)


class _Unhandled(logging.Handler):
    """Keeps what the server logs of a handler that fails."""

    def __init__(self, kept: list[str]) -> None:
        super().__init__(logging.ERROR)
        self._kept = kept

    def emit(self, record: logging.LogRecord) -> None:
        self._kept.append(f"{record.getMessage()} {record.exc_info}")


@contextmanager
def running(
    world: World, upstream_at: str | Callable[[Clock], Upstream], **changes: Any
) -> Iterator[Running]:
    """Run a gateway with one upstream: at a URL, or made by the test."""
    changed = settings(**changes)
    clock = Clock()
    engine = worlds.engine(world, clock, _in_flight(changed))
    made = upstream_at if isinstance(upstream_at, str) else partial(upstream_at, clock)
    with serving(engine, {UPSTREAM: made}, changed) as gate:
        yield Running(
            **{each.name: getattr(gate, each.name) for each in fields(gate)}, world=world, clock=clock
        )


@contextmanager
def serving(
    engine: Engine, upstreams_at: Mapping[str, str | Callable[[], Upstream]], changed: GatewaySettings
) -> Iterator[Serving]:
    """Run a gateway on an engine, with upstreams by their names in plans."""
    box: dict[str, Any] = {}
    unhandled: list[str] = []
    """What nobody caught in the gateway's thread; a test that leaves any fails."""
    ready = threading.Event()

    def upstream(name: str, made: str | Callable[[], Upstream]) -> Upstream:
        if not isinstance(made, str):
            return made()
        return HttpUpstream(changed.upstreams.get(name) or UpstreamTarget(made, UPSTREAM_KEY), changed)

    async def main() -> None:
        upstreams = {name: upstream(name, made) for name, made in upstreams_at.items()}
        log, spans, book = _written(changed)
        gateway = Gateway(engine, upstreams, changed, log, spans, lambda: AT_MS, book=book)
        server, port = await started(gateway, changed)
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, told: unhandled.append(str(told)))
        gate = Serving(engine, loop, server, port, gateway._room, upstreams, spans)
        box.update(gate=gate, stop=stop)
        ready.set()
        await stop.wait()
        await ended(server, [*upstreams.values()], log, spans, book)

    def run() -> None:
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(main())
        except BaseException as error:
            box["error"] = error
            ready.set()
            raise

    listening = _Unhandled(unhandled)
    logging.getLogger("sluicegate.http.connection").addHandler(listening)
    thread = threading.Thread(target=run, name="gateway", daemon=True)
    thread.start()
    assert ready.wait(BOUND_S)
    if "error" in box:
        raise box["error"]
    gate: Serving = box["gate"]
    try:
        yield gate
    finally:
        gate.loop.call_soon_threadsafe(box["stop"].set)
        thread.join(BOUND_S)
        assert not thread.is_alive()
        logging.getLogger("sluicegate.http.connection").removeHandler(listening)
        assert not unhandled, unhandled
