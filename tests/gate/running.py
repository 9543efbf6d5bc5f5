"""A gateway that runs in a thread of the test's process, and raw clients for it."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import uvloop

from sluicegate.gate.engine import Engine
from sluicegate.gate.gateway import Gateway
from sluicegate.gate.server import Server
from sluicegate.gate.upstream import HttpUpstream
from sluicegate.settings import GatewaySettings, UpstreamTarget
from tests.gate import world as worlds
from tests.gate.world import SURFACE, UPSTREAM, Clock, World

T = TypeVar("T")
UPSTREAM_KEY = "upstream-key"
BOUND_S = 20.0
"""How long a test waits for what should happen at once, before it fails."""


def settings(**changes: Any) -> GatewaySettings:
    base = GatewaySettings(
        surface=SURFACE,
        control_url="http://127.0.0.1:1",
        token="",
        log_vkey="",
        upstreams={},
        state_dir=Path("unused"),
        port=0,
    )
    return replace(base, **changes)


@dataclass
class Running:
    """A gateway in its thread. What touches its engine is done there, between two of its events."""

    world: World
    clock: Clock
    engine: Engine
    loop: asyncio.AbstractEventLoop
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def do(self, what: Callable[[], T]) -> T:
        """Do something in the gateway's thread."""

        async def doing() -> T:
            return what()

        return asyncio.run_coroutine_threadsafe(doing(), self.loop).result(BOUND_S)

    def advance(self) -> None:
        """Fold what the world has written since, as the feed does."""
        self.do(lambda: self.engine.advance(self.world.take()))

    def in_flight(self) -> int:
        return self.do(lambda: len(self.engine.flights))


@contextmanager
def running(world: World, upstream_url: str, **changes: Any) -> Iterator[Running]:
    """Run a gateway whose only upstream is at `upstream_url`."""
    changed = settings(**changes)
    clock = Clock()
    engine = worlds.engine(world, clock)
    started: asyncio.Future[Running] | None = None
    box: dict[str, Any] = {}
    ready = threading.Event()

    async def main() -> None:
        target = UpstreamTarget(upstream_url, UPSTREAM_KEY)
        upstream = HttpUpstream(target, changed)
        server = Server(Gateway(engine, {UPSTREAM: upstream}, changed), changed)
        await server.start()
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        box.update(gate=Running(world, clock, engine, loop, server.port), stop=stop)
        ready.set()
        await stop.wait()
        await server.stop()
        await upstream.close()

    def run() -> None:
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(main())
        except BaseException as error:
            box["error"] = error
            ready.set()
            raise

    thread = threading.Thread(target=run, name="gateway", daemon=True)
    thread.start()
    assert ready.wait(BOUND_S)
    if "error" in box:
        raise box["error"]
    gate: Running = box["gate"]
    try:
        yield gate
    finally:
        gate.loop.call_soon_threadsafe(box["stop"].set)
        thread.join(BOUND_S)
        assert not thread.is_alive()


def eventually(what: Callable[[], T], *, bound_s: float = BOUND_S) -> T:
    """Ask until the answer is truthy; the last answer is returned."""
    ends = time.monotonic() + bound_s
    while True:
        answer = what()
        if answer:
            return answer
        assert time.monotonic() < ends, f"not within {bound_s} s: {answer!r}"
        time.sleep(0.005)


class Raw:
    """A client that sees bytes."""

    def __init__(self, port: int, *, receive_buffer: int | None = None) -> None:
        self.sock = socket.socket()
        if receive_buffer is not None:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.sock.settimeout(BOUND_S)
        self.sock.connect(("127.0.0.1", port))
        self.seen = b""

    def __enter__(self) -> Raw:
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.close()

    def send(self, data: bytes) -> Raw:
        self.sock.sendall(data)
        return self

    def until(self, wanted: bytes) -> bytes:
        """Read until `wanted` has been seen; return all seen so far."""
        while wanted not in self.seen:
            data = self.sock.recv(65536)
            assert data, f"closed before {wanted!r}: {self.seen!r}"
            self.seen += data
        return self.seen

    def rest(self) -> tuple[bytes, bool]:
        """Read to the end; return all seen, and whether it ended with a reset."""
        try:
            while data := self.sock.recv(65536):
                self.seen += data
        except ConnectionResetError:
            return self.seen, True
        return self.seen, False

    def response(self) -> tuple[int, dict[str, str], bytes]:
        """Read one response with a Content-Length."""
        head, _, body = self.until(b"\r\n\r\n").partition(b"\r\n\r\n")
        status, headers = parse_head(head)
        length = int(headers["content-length"])
        while len(body) < length:
            data = self.sock.recv(65536)
            assert data, "closed inside a body"
            body += data
        self.seen = body[length:]
        return status, headers, body[:length]


def parse_head(head: bytes) -> tuple[int, dict[str, str]]:
    line, *fields = head.decode("latin-1").split("\r\n")
    return int(line.split(" ")[1]), {
        name.lower(): value for name, value in (field.split(": ", 1) for field in fields)
    }


def post(
    path: str, body: bytes | Mapping[str, Any], key: str | None, *lines: str, version: str = "1.1"
) -> bytes:
    """The bytes of a request."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    fields = [
        f"POST {path} HTTP/{version}",
        "Host: gate",
        "Content-Type: application/json",
        f"Content-Length: {len(content)}",
        *([f"Authorization: Bearer {key}"] if key else []),
        *lines,
    ]
    return "\r\n".join(fields).encode("latin-1") + b"\r\n\r\n" + content


def chat(model: str = worlds.MODEL, **more: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": "hello"}], **more}
