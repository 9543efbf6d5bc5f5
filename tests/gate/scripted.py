"""An upstream that says exactly the bytes a test gives it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from tests.waiting import BOUND_S

Script = Callable[[socket.socket, bytes], None]
"""Answers one request, given the connection and the request's bytes."""


@dataclass
class Scripted:
    """`requests` are the bytes of those received, over so many `connections`; `closed` is set when a caller
    has left.
    """

    url: str
    connections: int = 0
    requests: list[bytes] = field(default_factory=list)
    closed: threading.Event = field(default_factory=threading.Event)


def says(*pieces: bytes) -> Script:
    """Say the pieces and hang up."""

    def script(connection: socket.socket, _: bytes) -> None:
        for piece in pieces:
            connection.sendall(piece)
        connection.shutdown(socket.SHUT_WR)

    return script


def says_and_stays(*pieces: bytes) -> Script:
    """Say the pieces and wait for the caller to leave."""

    def script(connection: socket.socket, _: bytes) -> None:
        for piece in pieces:
            connection.sendall(piece)

    return script


@contextmanager
def scripted(script: Script) -> Iterator[Scripted]:
    """Serve on a loopback port, one thread a connection."""
    listener = socket.create_server(("127.0.0.1", 0))
    told = Scripted(f"http://127.0.0.1:{listener.getsockname()[1]}")
    threads: list[threading.Thread] = []

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            told.connections += 1
            thread = threading.Thread(target=_answer, args=(connection, script, told), daemon=True)
            threads.append(thread)
            thread.start()

    accepting = threading.Thread(target=serve, daemon=True)
    accepting.start()
    try:
        yield told
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for thread in [accepting, *threads]:
            thread.join(BOUND_S)


def _answer(connection: socket.socket, script: Script, told: Scripted) -> None:
    connection.settimeout(BOUND_S)
    with connection, suppress(OSError):
        try:
            while request := _read(connection):
                told.requests.append(request)
                script(connection, request)
        finally:
            told.closed.set()


def _read(connection: socket.socket) -> bytes:
    data = b""
    while True:
        head, end, body = data.partition(b"\r\n\r\n")
        length = next(
            (int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
        )
        if end and len(body) >= length:
            return data
        more = connection.recv(65536)
        if not more:
            return b""
        data += more
