"""The model's server, behind a port: a call goes out, and its answer comes back in pieces.

Rules:
- A call is sent at most once: no retries, no redirects, no proxies from the environment, no cookies.
- Only the headers in `FORWARDED` go to the upstream, with the upstream's own key. The customer's key never
  does.
- `may_send` is called before every write to the upstream, with no await in between.
- A call that is cancelled or closed before its end is disconnected immediately, and its buffers are dropped.
- Bytes come back exactly as sent: they are not decoded, decompressed or joined.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

import aiohttp
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import HttpProcessingError
from multidict import CIMultiDict
from yarl import URL

from sluicegate.errors import Unreachable
from sluicegate.gate.dialects import (
    DIRECTIVE,
    ENDPOINTS,
    INSTEAD_OF,
    STAND_IN,
    Dialect,
    GatewayFault,
    Headers,
)
from sluicegate.settings import GatewaySettings, UpstreamTarget

FORWARDED: dict[bytes, str] = {
    b"accept": "Accept",
    b"user-agent": "User-Agent",
    b"anthropic-version": "anthropic-version",
    b"anthropic-beta": "anthropic-beta",
    b"openai-beta": "OpenAI-Beta",
    b"x-request-id": "X-Request-ID",
}
"""The request headers that go upstream, if they are ASCII. These do not go: credentials, cookies,
`OpenAI-Organization` and `-Project` (they choose an account, and the account upstream is ours),
`x-stainless-…`, forwarding headers, and Content-Type. Content-Type is always `application/json`, because the
gateway read the body as JSON.
"""

DROPPED = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
        b"alt-svc",
        b"server",
        b"set-cookie",
        b"set-cookie2",
        STAND_IN,
        INSTEAD_OF,
        DIRECTIVE,
    }
)
"""The response headers that are not passed on: hop-by-hop ones, those that would tie clients to the upstream,
and those that the gateway itself sets.
"""

CONNECTIONS_MAX = 16_384
IDLE_CONNECTION_S = 4.0
"""How long an unused connection is kept: less than the 5 s after which common servers close theirs, so that
no request goes into a connection that is being closed. Such a request could not be sent again.
"""
READ_BYTES = 64 * 1024
SEND_BYTES = 64 * 1024

_FAILURES = (aiohttp.ClientError, HttpProcessingError, OSError, ValueError)


class Call(NamedTuple):
    """What to send: the path and query unchanged, all headers of the request, the body.

    Requires: `path` is one of `dialects.ENDPOINTS`; `may_send` may end the request, and then returns False.
    """

    path: bytes
    query: bytes
    headers: Headers
    body: bytes
    may_send: Callable[[], bool]


class UpstreamAnswer(Protocol):
    """An answer whose head has arrived."""

    @property
    def status(self) -> int:
        """The HTTP status, 200 to 599."""

    @property
    def headers(self) -> Headers:
        """The headers that may go to the client; Content-Length only if the upstream sent it."""

    @property
    def ended(self) -> bool:
        """Whether all of the body has been read."""

    async def read(self) -> bytes:
        """The next bytes of the body, as soon as there are any; empty at its proper end.

        Raises: Unreachable: the upstream died, or was silent for too long; `code` is a `GatewayFault`'s.
        """

    def close(self) -> None:
        """Finish the call: it is disconnected unless its body has been read to the end."""


class Upstream(Protocol):
    """Where a model is served."""

    async def call(self, call: Call) -> UpstreamAnswer:
        """Send a request; return when the answer's head is here.

        Raises: Unreachable: no connection, no answer in time, or none in HTTP; `code` is a `GatewayFault`'s.
        """

    async def close(self) -> None:
        """Disconnect everything."""


class HttpUpstream:
    """An upstream over HTTP/1.1, by aiohttp."""

    def __init__(self, target: UpstreamTarget, settings: GatewaySettings) -> None:
        self._base = target.base_url.rstrip("/")
        self._keyed = {dialect: _own_headers(dialect, target.api_key) for dialect in Dialect}
        self._timeout = aiohttp.ClientTimeout(
            total=None,
            connect=settings.upstream_connect_ms / 1000,
            sock_read=settings.upstream_idle_ms / 1000,
        )
        self._urls: dict[bytes, URL] = {}
        self._session: aiohttp.ClientSession | None = None

    async def call(self, call: Call) -> UpstreamAnswer:
        """See `Upstream.call`."""
        session = self._session or self._open()
        headers = self._keyed[ENDPOINTS[call.path]].copy()
        for name, value in call.headers:
            forwarded = FORWARDED.get(name)
            if forwarded is not None and value.isascii():
                headers.add(forwarded, value.decode("ascii"))
        body = _Body(call.body, call.may_send)
        try:
            response = await session.request(
                "POST", self._url(call), data=body, headers=headers, allow_redirects=False
            )
        except _FAILURES as error:
            body.disconnect()
            raise _unreachable(error) from error
        except BaseException:
            body.disconnect()
            raise
        return _HttpAnswer(response, body)

    async def close(self) -> None:
        """See `Upstream.close`."""
        if self._session is not None:
            await self._session.close()

    def _open(self) -> aiohttp.ClientSession:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=CONNECTIONS_MAX, keepalive_timeout=IDLE_CONNECTION_S),
            timeout=self._timeout,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            read_bufsize=READ_BYTES,
            skip_auto_headers=("Accept", "User-Agent"),
        )
        return self._session

    def _url(self, call: Call) -> URL:
        if call.query:
            return URL(f"{self._base}{call.path.decode()}?{call.query.decode()}", encoded=True)
        url = self._urls.get(call.path)
        if url is None:
            url = self._urls[call.path] = URL(self._base + call.path.decode(), encoded=True)
        return url


def _own_headers(dialect: Dialect, api_key: str) -> CIMultiDict[str]:
    headers = CIMultiDict({"Content-Type": "application/json", "Accept-Encoding": "identity"})
    if api_key and dialect is Dialect.ANTHROPIC:
        headers["x-api-key"] = api_key
    elif api_key:
        headers["Authorization"] = f"Bearer {api_key}"
    return headers


class _Body(aiohttp.Payload):
    """A request's body, sent in slices. Each slice needs permission; the head goes with the first."""

    _autoclose = True

    def __init__(self, body: bytes, may_send: Callable[[], bool]) -> None:
        super().__init__(body)
        self._size = len(body)
        self._may_send = may_send
        self._transport: asyncio.WriteTransport | None = None

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        body: bytes = self._value
        return body.decode(encoding, errors)

    async def write(self, writer: AbstractStreamWriter) -> None:
        self._transport = writer.transport
        for start in range(0, len(self._value), SEND_BYTES):
            if not self._may_send():
                raise ConnectionAbortedError("the request was ended before it was sent")
            await writer.write(self._value[start : start + SEND_BYTES])

    def disconnect(self) -> None:
        """Drop the connection and its buffered bytes.

        Requires: the connection has not gone back to the pool, where another call may be using it.
        """
        if self._transport is not None:
            self._transport.abort()


class _HttpAnswer:
    def __init__(self, response: aiohttp.ClientResponse, body: _Body) -> None:
        self._response = response
        self._content = response.content
        self._body = body
        self.status = response.status
        self.headers = end_to_end(response.raw_headers)

    @property
    def ended(self) -> bool:
        return self._content.at_eof()

    async def read(self) -> bytes:
        try:
            return await self._content.readany()
        except _FAILURES as error:
            raise _unreachable(error) from error

    def close(self) -> None:
        if not self._content.is_eof():
            self._body.disconnect()
        self._response.close()


def end_to_end(headers: Sequence[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """An upstream's response headers that may go to a client, names in lower case."""
    kept: list[tuple[bytes, bytes]] = []
    named: set[bytes] = set()
    for given, value in headers:
        name = given.lower()
        if name == b"connection":
            named.update(token.strip().lower() for token in value.split(b","))
        if name not in DROPPED:
            kept.append((name, value))
    return [(name, value) for name, value in kept if name not in named] if named else kept


def _unreachable(error: Exception) -> Unreachable:
    fault = _fault(error)
    return Unreachable(fault.text, code=fault.code)


def _fault(error: Exception) -> GatewayFault:
    if isinstance(error, asyncio.TimeoutError):
        return GatewayFault.UPSTREAM_TIMEOUT
    if isinstance(error, aiohttp.ClientConnectorError | aiohttp.InvalidURL):
        return GatewayFault.UPSTREAM_UNREACHABLE
    return GatewayFault.UPSTREAM_FAILED
