"""A bare broadcast: how soon four processes end their share of a thousand streams, with nothing to decide.

It is what a directive is measured by: one write that is on the disk, one message to each process, and each
closes the streams that are covered. The others go on.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import quantiles
from typing import cast

import uvloop

PROCESSES = 4
PIECE, PAGE = b"data: a piece of a stream, as long as one\n\n", bytes(4_096)
"""What is written to each stream again and again, and to the disk once."""


async def p99_ms(folder: Path, streams: int, interval_ms: int) -> float:
    """From just before the write until the covered streams have ended; every second one is covered."""
    with _servers(interval_ms) as servers:
        async with _opened([port for port, _ in servers], streams) as ends:
            await asyncio.sleep(1)
            began_ns = time.monotonic_ns()
            _synced(folder / "broadcast")
            for _, told in servers:
                told.send_bytes(b"end")
            covered = await asyncio.gather(*ends[::2])
            assert not any(end.done() for end in ends[1::2])
    return quantiles([(ended_ns - began_ns) / 1e6 for ended_ns in covered], n=100)[-1]


def _synced(path: Path) -> None:
    with path.open("ab", buffering=0) as file:
        file.write(PAGE)
        os.fsync(file.fileno())


@contextmanager
def _servers(interval_ms: int) -> Iterator[list[tuple[int, Connection]]]:
    """The processes: the port of each, and what tells it to end its streams, and then to end."""
    spawning = multiprocessing.get_context("spawn")
    pipes = [spawning.Pipe() for _ in range(PROCESSES)]
    each = [spawning.Process(target=_serve, args=(theirs, interval_ms)) for _, theirs in pipes]
    for process in each:
        process.start()
    try:
        yield [(ours.recv(), ours) for ours, _ in pipes]
    finally:
        for process in each:
            process.kill()
            process.join()


def _serve(told: Connection, interval_ms: int) -> None:
    uvloop.run(_serving(told, interval_ms))


async def _serving(told: Connection, interval_ms: int) -> None:
    """Stream to every client, in turns; when a word comes, end those that said that they are covered."""
    loop, covered, spared = (
        asyncio.get_running_loop(),
        list[asyncio.StreamWriter](),
        list[asyncio.StreamWriter](),
    )

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        (covered if await reader.readexactly(1) == b"c" else spared).append(writer)

    def end() -> None:
        told.recv_bytes()
        for writer in covered:
            writer.close()
        covered.clear()

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    loop.add_reader(told.fileno(), end)
    told.send(server.sockets[0].getsockname()[1])
    while True:
        for writer in (*covered, *spared):
            writer.write(PIECE)
        await asyncio.sleep(interval_ms / 1_000)


class _Client(asyncio.Protocol):
    """One stream; `end` is when it ended."""

    def __init__(self, word: bytes) -> None:
        self._word = word
        self.end: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast(asyncio.Transport, transport).write(self._word)  # uvloop's is no subclass of it

    def connection_lost(self, _: Exception | None) -> None:
        if not self.end.done():
            self.end.set_result(time.monotonic_ns())


@asynccontextmanager
async def _opened(ports: Sequence[int], streams: int) -> AsyncIterator[list[asyncio.Future[int]]]:
    """Streams spread over the processes, half of each covered."""
    loop, clients, transports = asyncio.get_running_loop(), [], []
    for number in range(streams):
        word, port = b"cs"[number % 2 : number % 2 + 1], ports[number // 2 % len(ports)]
        transport, client = await loop.create_connection(partial(_Client, word), "127.0.0.1", port)
        clients.append(client.end)
        transports.append(transport)
    try:
        yield clients
    finally:
        for transport in transports:
            transport.abort()
