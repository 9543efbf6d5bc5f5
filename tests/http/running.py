"""A server that runs in a thread of the test's process, with an application that says what it was asked."""

from __future__ import annotations

import asyncio
import concurrent.futures
import json
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from demo.fleet import in_a_thread
from sluicegate.http.exchange import Handler, HttpExchange
from sluicegate.http.response import ErrorForm, error_response
from sluicegate.http.server import HttpServer
from sluicegate.http.tls import ServerCertificate
from sluicegate.settings import HttpSettings, TlsFiles
from tests.waiting import eventually


@dataclass
class Echo:
    """Answers with what it was asked, `/unread` without reading the body.

    It waits until the test says so: `/wait` at once, `/read-and-wait` when it has the body, `/begin-and-wait`
    when it has written its answer.
    """

    asked: list[tuple[str, bytes]] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    offered: list[bool] = field(default_factory=list)
    """Of each request, whether it offered to speak WebSocket."""
    release: asyncio.Event | None = None
    told: bytes = b""
    """What `/long` answers with."""

    async def __call__(self, exchange: HttpExchange) -> None:
        head = exchange.head
        self.asked.append((head.method, head.path))
        self.offered.append(head.offers_websocket)
        exchange.on_lost(lambda: self.gone.append(head.path.decode()))
        if head.path == b"/holder":
            exchange.hold()
        if head.path == b"/wait":
            await self._released()
        if head.path == b"/fails":
            raise ZeroDivisionError
        body = b""
        while head.path != b"/unread" and (part := await exchange.read()):
            body += part
        told = json.dumps({"path": head.path.decode(), "body": len(body), "address": exchange.address})
        if head.path == b"/read-and-wait":
            await self._released()
        data = self.told if head.path == b"/long" else told.encode()
        fields = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(data))]
        exchange.write(exchange.response_head(200, fields) + data)
        if head.path == b"/begin-and-wait":
            await self._released()
        exchange.finish()

    async def _released(self) -> None:
        self.release = asyncio.Event()
        await self.release.wait()


@dataclass
class RunningServer:
    """A server in its thread."""

    port: int
    server: HttpServer
    echo: Echo
    loop: asyncio.AbstractEventLoop

    def open_connections(self) -> int:
        return len(self.server._capacity)

    def let_go(self) -> None:
        """Let the request that waits be answered."""
        event = eventually(lambda: self.echo.release)
        self.loop.call_soon_threadsafe(event.set)

    def stop_soon(self) -> concurrent.futures.Future[None]:
        """Begin to end the server."""
        return asyncio.run_coroutine_threadsafe(self.server.stop(), self.loop)


@contextmanager
def running(
    handler: Callable[[Echo], Handler] | None = None,
    tls: TlsFiles | None = None,
    error_form: ErrorForm = error_response,
    **changes: Any,
) -> Iterator[RunningServer]:
    """Run a server with these settings."""
    echo, box = Echo(), dict[str, Any]()

    async def serving(stop: asyncio.Event, ready: Callable[[str], None]) -> None:
        listening = socket.create_server(("127.0.0.1", 0))
        listening.setblocking(False)
        certificate = None if tls is None else ServerCertificate(tls)
        server = HttpServer(
            handler(echo) if handler else echo, HttpSettings(**changes), error_form, certificate=certificate
        )
        await server.start(listening)
        port = listening.getsockname()[1]
        box["running"] = RunningServer(port, server, echo, asyncio.get_running_loop())
        ready("")
        await stop.wait()
        await server.stop()

    with in_a_thread(serving):
        yield box["running"]


def statuses(seen: bytes) -> list[int]:
    """The statuses of the responses in some bytes; no body here looks like a status line."""
    return [int(found) for found in re.findall(rb"HTTP/1\.1 (\d{3}) ", seen)]
