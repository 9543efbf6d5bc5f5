"""A client of any server that sees bytes."""

from __future__ import annotations

import socket
import ssl
from typing import Any, Self

from tests.waiting import BOUND_S


class Raw:
    """A client that sees bytes."""

    def __init__(self, port: int, *, receive_buffer: int | None = None) -> None:
        self.sock = socket.socket()
        if receive_buffer is not None:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.sock.settimeout(BOUND_S)
        self.sock.connect(("127.0.0.1", port))
        self.seen = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.close()

    def send(self, data: bytes) -> Self:
        self.sock.sendall(data)
        return self

    def until(self, wanted: bytes) -> bytes:
        """Read until `wanted` has been seen; return all seen so far."""
        while wanted not in self.seen:
            data = self.sock.recv(65536)
            assert data, f"closed before {wanted!r}: {self.seen!r}"
            self.seen += data
        return self.seen

    def waiting(self) -> bytes:
        """Read what is here already; return all seen so far."""
        self.sock.setblocking(False)
        try:
            while data := self.sock.recv(65536):
                self.seen += data
        except BlockingIOError:
            self.sock.settimeout(BOUND_S)
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


class Secure(Raw):
    """A client that sees the bytes inside TLS, and that fails where the connection is cut inside it."""

    sock: ssl.SSLSocket

    def __init__(self, port: int, context: ssl.SSLContext, **more: Any) -> None:
        super().__init__(port, **more)
        self.sock = context.wrap_socket(self.sock, server_hostname="localhost", suppress_ragged_eofs=False)

    def rest(self) -> tuple[bytes, bool]:
        """Read to the end; return all seen, and whether it ended without TLS's own end."""
        try:
            return super().rest()
        except ssl.SSLEOFError:
            return self.seen, True


def parse_head(head: bytes) -> tuple[int, dict[str, str]]:
    line, *fields = head.decode("latin-1").split("\r\n")
    return int(line.split(" ")[1]), {
        name.lower(): value for name, value in (field.split(": ", 1) for field in fields)
    }
