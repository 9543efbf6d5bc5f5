"""The server begins, stops in peace, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest

from sluicegate.gate.gateway import Gateway
from sluicegate.gate.upstream import HttpUpstream
from sluicegate.http.connection import HttpConnection
from sluicegate.http.server import HttpServer, listen
from sluicegate.settings import UpstreamTarget
from tests.clock import Clock
from tests.gate import world as worlds
from tests.gate.clients import calls, chat, post
from tests.gate.running import UPSTREAM_KEY, running, settings, started
from tests.gate.world import UPSTREAM, World
from tests.raw import Raw
from tests.waiting import BOUND_S, eventually

CHAT = "/v1/chat/completions"


def ask(key: str) -> bytes:
    return post(CHAT, chat(stream=True), key)


async def open_stream(port: int, key: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(ask(key))
    await reader.readuntil(b"\r\n\r\n")
    return reader, writer


def made(world: World, url: str) -> tuple[Gateway, HttpUpstream]:
    upstream = HttpUpstream(UpstreamTarget(url, UPSTREAM_KEY), settings())
    return Gateway(worlds.engine(world, Clock()), {UPSTREAM: upstream}, settings()), upstream


async def served(world: World, url: str, **changes: Any) -> tuple[HttpServer, int, HttpUpstream]:
    app, upstream = made(world, url)
    return *await started(app, settings(**changes)), upstream


def test_nothing_waits_in_user_space_unnoticed(world, quick):
    """The first byte that the kernel does not take pauses the writer; the kernel's own buffer has a bound."""
    key = world.customer()

    async def story() -> None:
        server, port, upstream = await served(world, quick)
        _, writer = await open_stream(port, key)
        (connection,) = server._capacity
        assert isinstance(connection, HttpConnection)
        assert connection._transport.get_write_buffer_limits() == (0, 0)
        sock = connection._transport.get_extra_info("socket")
        # Linux gives twice what was asked for, for its own bookkeeping.
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) == 2 * settings().http.send_buffer_bytes
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1
        writer.close()
        await server.stop()
        await upstream.close()

    asyncio.run(asyncio.wait_for(story(), BOUND_S))


def test_stopping_lets_a_stream_end_within_the_grace(world, quick):
    key = world.customer()

    async def story() -> bytes:
        server, port, upstream = await served(world, quick, stop_grace_ms=int(BOUND_S * 1000))
        reader, writer = await open_stream(port, key)
        await server.stop()
        seen = await reader.read()
        writer.close()
        await upstream.close()
        return seen

    seen = asyncio.run(asyncio.wait_for(story(), BOUND_S))
    assert seen.endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n")


def test_stopping_resets_what_goes_on_after_the_grace(world, paced):
    key = world.customer()

    async def story() -> None:
        server, port, upstream = await served(world, paced, stop_grace_ms=50)
        reader, writer = await open_stream(port, key)
        await server.stop()
        with pytest.raises(ConnectionResetError):
            await reader.read()
        writer.close()
        await upstream.close()

    asyncio.run(asyncio.wait_for(story(), BOUND_S))
    assert eventually(lambda: calls(paced)[-1]["state"] == "closed_by_caller")


def test_stopping_accepts_nothing_more(world, quick):
    async def story() -> None:
        server, port, upstream = await served(world, quick)
        idle, writer = await asyncio.open_connection("127.0.0.1", port)
        await server.stop()
        assert await idle.read() == b""
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)
        writer.close()
        await upstream.close()

    asyncio.run(asyncio.wait_for(story(), BOUND_S))


def test_a_taken_port_is_an_error(world, quick):
    with running(world, quick) as gate, pytest.raises(OSError, match="Address already in use"):
        listen("127.0.0.1", gate.port)


def test_a_stopped_gateway_leaves_no_flight_and_no_call(world, paced):
    key = world.customer()
    with running(world, paced, stop_grace_ms=50) as gate:
        client = Raw(gate.port).send(ask(key))
        client.until(b"data: ")
        engine = gate.engine
    with client:
        assert client.rest()[1]
    assert not engine.flights
    assert eventually(lambda: calls(paced)[-1]["state"] == "closed_by_caller")
