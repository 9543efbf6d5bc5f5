"""An ASGI application on this server: its requests as scopes, its messages as responses.

Rules:
- The server frames every response: with the length that the application states, else in chunks. A response
  of another length than it states is a fault, and ends with a reset.
- A response to HEAD, and one without content by its status, has no body.

Source: ASGI 3.0, HTTP.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any
from urllib.parse import unquote_to_bytes

from starlette.requests import Request
from starlette.types import ASGIApp, Message

from sluicegate.http.exchange import Disconnected, Handler, HttpExchange
from sluicegate.http.head import BadRequest, Fields

EXTENSION = "sluicegate.exchange"
"""Where in `scope["extensions"]` the application finds its `HttpExchange`."""
_EMPTY = {204, 205, 304}
_DISCONNECT: Message = {"type": "http.disconnect"}


def handler(app: ASGIApp, scheme: str = "http") -> Handler:
    """What answers requests by an ASGI application, whose server speaks `http` or `https`."""

    async def answer(exchange: HttpExchange) -> None:
        if b"%2f" in exchange.head.path.lower():
            raise BadRequest(400, "an escaped slash in the path, which a server in front may read otherwise")
        await app(_scope(exchange, scheme), _Body(exchange).receive, _Response(exchange).send)
        exchange.fail()  # unless it is complete

    return answer


def exchange_of(request: Request) -> HttpExchange:
    """The exchange behind a request."""
    found: HttpExchange = request.scope["extensions"][EXTENSION]
    return found


def _scope(exchange: HttpExchange, scheme: str) -> MutableMapping[str, Any]:
    head = exchange.head
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": head.version,
        "method": head.method,
        "scheme": scheme,
        "path": unquote_to_bytes(head.path).decode("utf-8", "replace"),
        "raw_path": head.path,
        "query_string": head.query,
        "root_path": "",
        "headers": head.fields,
        "client": (exchange.address, 0),
        "server": None,
        "extensions": {EXTENSION: exchange},
    }


class _Body:
    """What an application receives."""

    def __init__(self, exchange: HttpExchange) -> None:
        self._exchange = exchange
        self._more = True

    async def receive(self) -> Message:
        """The next part of the body; after its last one, that the client has left."""
        try:
            if not self._more:
                await self._exchange.lost()
                return _DISCONNECT
            part = await self._exchange.read()
        except Disconnected:
            return _DISCONNECT
        self._more = not self._exchange.body_taken
        return {"type": "http.request", "body": part, "more_body": self._more}


class _Response:
    """What an application sends."""

    def __init__(self, exchange: HttpExchange) -> None:
        self._exchange = exchange
        self._head = b""
        self._has_body = True
        self._is_chunked = False
        self._left: int | None = None
        """How many bytes of the stated length are missing; None of one that states none."""

    async def send(self, message: Message) -> None:
        """Take a message of the application."""
        if message["type"] == "http.response.start":
            self._start(message["status"], [(name.lower(), value) for name, value in message["headers"]])
            return
        more = message.get("more_body", False)
        self._exchange.write(self._head + self._framed(message.get("body", b""), is_last=not more))
        self._head = b""
        if self._left is not None and (self._left < 0 or (self._left and not more)):
            raise ValueError("a response of another length than it states")
        if more:
            await self._exchange.writable()
        else:
            self._exchange.finish()

    def _start(self, status: int, fields: Fields) -> None:
        length = next((int(value) for name, value in fields if name == b"content-length"), None)
        self._has_body = self._exchange.head.method != "HEAD" and status not in _EMPTY
        self._is_chunked = self._has_body and length is None and self._exchange.head.version == "1.1"
        self._left = length if self._has_body else None
        if self._is_chunked:
            fields.append((b"transfer-encoding", b"chunked"))
        self._head = self._exchange.response_head(status, fields)

    def _framed(self, data: bytes, *, is_last: bool) -> bytes:
        if not self._has_body:
            return b""
        if self._is_chunked:
            chunk = b"%x\r\n%b\r\n" % (len(data), data) if data else b""
            return chunk + b"0\r\n\r\n" if is_last else chunk
        if self._left is not None:
            self._left -= len(data)
        return data
