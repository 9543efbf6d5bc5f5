"""What goes over the wire between a client and a server, seen by a relay in between that changes nothing."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tests.waiting import BOUND_S

PIECE = 256 * 1024
_BEGIN = re.compile(rb"[A-Z]+ /\S* HTTP/1\.1\r\n")
_CONTINUE = re.compile(rb"HTTP/1\.1 1\d\d .*?\r\n\r\n", re.DOTALL)


@dataclass
class Exchange:
    """The bytes of one request and of its answer."""

    request: bytearray = field(default_factory=bytearray)
    answer: bytearray = field(default_factory=bytearray)

    @property
    def method(self) -> str:
        return self.request.split(b" ", 1)[0].decode()

    @property
    def path(self) -> str:
        return self.request.split(b" ", 2)[1].decode()

    @property
    def status(self) -> int:
        """The answer's status; 0 if none has come."""
        said = self._said
        return int(said[9:12]) if said else 0

    @property
    def sent(self) -> bytes:
        """The request's content."""
        return _content(bytes(self.request))

    @property
    def received(self) -> bytes:
        """The answer's content, as far as it has come."""
        return _content(self._said)

    @property
    def _said(self) -> bytes:
        return _CONTINUE.sub(b"", bytes(self.answer), count=1)


class Wire:
    """A relay to a server. `url` is where clients find it."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._target = (parts.hostname, parts.port)
        self._lock = threading.Lock()
        self._exchanges: list[Exchange] = []
        self._writers: set[asyncio.StreamWriter] = set()
        self._connections: set[asyncio.Task[None]] = set()
        self.url = ""

    def exchanges(self) -> list[Exchange]:
        """Those begun since `forget`, in order."""
        with self._lock:
            return [Exchange(bytearray(each.request), bytearray(each.answer)) for each in self._exchanges]

    def forget(self) -> None:
        """Begin anew."""
        with self._lock:
            self._exchanges.clear()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Relay one connection, until both sides have ended it; a reset is passed on."""
        connection = asyncio.current_task()
        assert connection is not None
        self._connections.add(connection)
        connection.add_done_callback(self._connections.discard)
        try:
            its_reader, its_writer = await asyncio.open_connection(*self._target)
        except OSError:
            writer.transport.abort()
            return
        ends = {writer, its_writer}
        self._writers |= ends
        seen = Conversation(self)
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(_pump(reader, its_writer, seen.asked))
                both.create_task(_pump(its_reader, writer, seen.answered))
        except* OSError:
            pass
        finally:
            self._writers -= ends
            for each in ends:
                each.transport.abort()

    async def end(self) -> None:
        """End every connection."""
        for each in self._writers:
            each.transport.abort()
        await asyncio.gather(*self._connections)

    def note(self, exchange: Exchange, *, begun: bool, asked: bytes = b"", answered: bytes = b"") -> None:
        """Note what has come for an exchange."""
        with self._lock:
            if begun:
                self._exchanges.append(exchange)
            exchange.request += asked
            exchange.answer += answered


class Conversation:
    """One connection, as exchanges one after the other."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._now = Exchange()

    def asked(self, data: bytes) -> None:
        begun = _BEGIN.match(data) is not None
        if begun:
            self._now = Exchange()
        self._wire.note(self._now, begun=begun, asked=data)

    def answered(self, data: bytes) -> None:
        self._wire.note(self._now, begun=False, answered=data)


async def _pump(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, note: Callable[[bytes], None]
) -> None:
    while data := await reader.read(PIECE):
        note(data)
        writer.write(data)
        await writer.drain()
    with suppress(OSError):
        writer.write_eof()


def _content(message: bytes) -> bytes:
    head, _, body = message.partition(b"\r\n\r\n")
    if not re.search(rb"\r\ntransfer-encoding: *chunked", head, re.IGNORECASE):
        return body
    pieces, at = [], 0
    while (ends := body.find(b"\r\n", at)) > 0:
        length = int(body[at:ends].partition(b";")[0], 16)
        if not length:
            break
        at = ends + 2 + length
        pieces.append(body[ends + 2 : at])
        at += 2
    return b"".join(pieces)


@contextmanager
def wired(url: str) -> Iterator[Wire]:
    """Relay to a server from a thread of its own."""
    wire = Wire(url)
    ready = threading.Event()
    box: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def main() -> None:
        server = await asyncio.start_server(wire.serve, "127.0.0.1", 0)
        wire.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        stop = asyncio.Event()
        box.append((asyncio.get_running_loop(), stop))
        ready.set()
        await stop.wait()
        server.close()
        await wire.end()

    thread = threading.Thread(target=asyncio.run, args=(main(),), name="wire", daemon=True)
    thread.start()
    assert ready.wait(BOUND_S)
    loop, stop = box[0]
    try:
        yield wire
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(BOUND_S)
