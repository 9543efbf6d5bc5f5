"""A cheap HTTP client that measures when bytes come: kept-alive connections, each with one request."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

HEAD_END = b"\r\n\r\n"
BODY_END = b"\r\n0\r\n\r\n"
_LENGTH = b"content-length: "
OK = b"HTTP/1.1 200 "


@dataclass(slots=True)
class Answer:
    """One answer, complete or ended early; `data` is unchanged. Units: seconds of `time.time`."""

    asked_s: float
    first_s: float = 0.0
    """When the first bytes of the body came."""
    ended_s: float = 0.0
    data: bytes = b""

    @property
    def is_whole_stream(self) -> bool:
        """Whether this is a chunked answer with its proper end."""
        return self.data.startswith(OK) and self.data.endswith(BODY_END)

    def body(self) -> bytes:
        """The body of a chunked answer, without its framing."""
        return unframed(self.data)


def unframed(data: bytes) -> bytes:
    """The body of a chunked answer; if it was cut, the part that came."""
    at, parts = data.find(HEAD_END) + len(HEAD_END), []
    while (ends := data.find(b"\r\n", at)) >= 0:
        size = int(data[at:ends], 16)
        parts.append(data[ends + 2 : ends + 2 + size])
        at = ends + 2 + size + 2
    return b"".join(parts)


class Connection(asyncio.Protocol):
    """A connection to one server."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._waiting: asyncio.Future[Answer] | None = None
        self._answer = Answer(0.0)
        self._data = bytearray()
        self._body_starts = self._body_ends = 0

    @classmethod
    async def to(cls, url: str) -> Connection:
        """Connect."""
        host, _, port = urlsplit(url).netloc.partition(":")
        _, made = await asyncio.get_running_loop().create_connection(cls, host, int(port))
        return made

    async def ask(self, request: bytes) -> Answer:
        """Send a request; return when its answer has ended; without data if the connection has ended."""
        assert self._transport is not None
        if self._transport.is_closing():
            return Answer(time.time())
        self._data.clear()
        self._body_starts = self._body_ends = 0
        self._answer = Answer(time.time())
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._waiting

    def close(self) -> None:
        assert self._transport is not None
        self._transport.close()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._data += data
        if not self._body_starts:
            self._read_head()
        if not self._answer.first_s and len(self._data) > self._body_starts > 0:
            self._answer.first_s = time.time()
        if len(self._data) == self._body_ends or (not self._body_ends and self._data.endswith(BODY_END)):
            self._end()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._end()

    def _read_head(self) -> None:
        end = self._data.find(HEAD_END)
        if end >= 0:
            self._body_starts = end + len(HEAD_END)
            at = self._data.lower().find(_LENGTH, 0, end)
            if at >= 0:
                length = self._data[at + len(_LENGTH) : self._data.index(b"\r\n", at)]
                self._body_ends = self._body_starts + int(length)

    def _end(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._answer.ended_s = time.time()
            self._answer.data = bytes(self._data)
            self._waiting.set_result(self._answer)


def chat(model: str, key: str, *, stream: bool) -> bytes:
    """The bytes of a request of about 500."""
    body = json.dumps(
        {
            "model": model,
            "stream": stream,
            "messages": [
                {"role": "system", "content": "You are a careful reviewer of protection settings."},
                {"role": "user", "content": "Name one weakness of this relay's settings. " * 4},
            ],
        }
    )
    return post(body.encode(), key)


def post(body: bytes, key: str, *fields: str, path: str = "/v1/chat/completions") -> bytes:
    """The bytes of a call, with more fields in its head."""
    head = (
        f"POST {path} HTTP/1.1",
        "Host: gateway.example",
        "Content-Type: application/json",
        "Accept: application/json",
        f"Authorization: Bearer {key}",
        f"Content-Length: {len(body)}",
        *fields,
    )
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


async def burst(url: str, request: bytes, *, connections: int, requests: int) -> Sequence[Answer]:
    """Ask `requests` times over this number of connections, each as fast as the answers come."""
    left = iter(range(requests))

    async def drain(connection: Connection) -> list[Answer]:
        return [await connection.ask(request) for _ in left]

    made = [await Connection.to(url) for _ in range(connections)]
    try:
        drained = await asyncio.gather(*(drain(connection) for connection in made))
    finally:
        for connection in made:
            connection.close()
    return [answer for answers in drained for answer in answers]
