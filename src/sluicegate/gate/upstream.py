"""The model's server, behind a port: a call goes out, and its answer comes back as it comes over the wire.

Rules:
- A call is sent at most once: no retries, no redirects, no proxies from the environment, no cookies.
- Only the headers in `fields.FORWARDED` go to the upstream, with the upstream's own key. The customer's key
  never does.
- `Recipient.may_send` is called before every write to the upstream, with no await in between.
- A call that is cancelled or closed before its end is disconnected immediately, and its buffers are dropped.
- Bytes come back exactly as sent: they are not decoded or decompressed.
- An https upstream is the one that its URL names, by a certificate of an authority that this machine trusts,
  or of the file that the target names.
- A connection is used again only after a proper end, and only while its server is sure to keep it open.
"""

from __future__ import annotations

import asyncio
import logging
import re
import ssl
from collections import deque
from pathlib import Path
from typing import NamedTuple, Protocol
from urllib.parse import urlsplit

from sluicegate.errors import InvalidInput
from sluicegate.gate.dialects import ENDPOINTS, Dialect, GatewayFault, Headers
from sluicegate.gate.fields import FORWARDED
from sluicegate.gate.upstream_connection import Recipient, UpstreamConnection
from sluicegate.settings import CLIENT_CERT, GatewaySettings, UpstreamTarget

_log = logging.getLogger(__name__)

IDLE_CONNECTION_S = 4.0
"""How long an unused connection is kept: less than the 5 s after which common servers close theirs, so that
no request goes into a connection that is being closed. Such a request could not be sent again.
"""

_TARGET = re.compile(rb"(?:/[\x21-\x7e]*)?")
_PLAIN = re.compile(rb"[\t\x20-\x7e]*")


class Call(NamedTuple):
    """What to send: the path and query unchanged, all headers of the request, the body; and the grant it is
    sent under, whose own key goes with it if it has one there. `carriers` are the headers with programmes
    that it was allowed: they go, too.

    Requires: `path` is one of `dialects.ENDPOINTS`.
    """

    path: bytes
    query: bytes
    headers: Headers
    body: bytes
    grant: str = ""
    carriers: frozenset[bytes] = frozenset()


class Calling(Protocol):
    """A call that was sent, until its answer has ended."""

    def resume(self) -> None:
        """Give more of the body."""

    def leave(self, recipient: Recipient) -> None:
        """Finish the call of a recipient: it is disconnected unless its answer has ended."""


class Upstream(Protocol):
    """Where a model is served."""

    def call(self, call: Call, recipient: Recipient) -> Calling:
        """Send a request. The recipient gets the answer, and may get its end before this returns."""

    async def close(self) -> None:
        """Disconnect everything."""


class HttpUpstream:
    """An upstream over HTTP/1.1.

    Raises: InvalidInput: a URL that is not one, or a file of authorities that cannot be read.
    """

    def __init__(self, target: UpstreamTarget, settings: GatewaySettings) -> None:
        self._url = _Url(target.base_url)
        self._tls = tls(target.ca_file) if self._url.encrypted else None
        keys = {**target.keys, "": target.api_key}
        self._heads = {
            (grant, path): self._head(path, key) for grant, key in keys.items() for path in ENDPOINTS
        }
        self._connect_s = settings.upstream_connect_ms / 1000
        self._silence_s = settings.upstream_idle_ms / 1000
        self._connections_max = settings.max_upstream_connections
        self._open: set[UpstreamConnection] = set()
        self._idle: deque[UpstreamConnection] = deque()
        self._sweeper: asyncio.TimerHandle | None = None
        self._trouble = ""

    def call(self, call: Call, recipient: Recipient) -> Calling:
        """See `Upstream.call`."""
        connection = self._unused()
        if connection is None:
            connection = UpstreamConnection(self, self._silence_s)
            connection.ask(self._request(call), call.body, recipient)
            self._connect(connection)
        else:
            connection.ask(self._request(call), call.body, recipient)
        return connection

    async def close(self) -> None:
        """See `Upstream.close`."""
        if self._sweeper is not None:
            self._sweeper.cancel()
        for connection in list(self._open):
            connection.reset()

    # What a connection says

    def lost(self, connection: UpstreamConnection) -> None:
        """See `Pool.lost`."""
        self._open.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)

    def keep(self, connection: UpstreamConnection) -> None:
        """See `Pool.keep`."""
        self._idle.append(connection)
        if self._sweeper is None:
            self._sweeper = asyncio.get_running_loop().call_later(IDLE_CONNECTION_S, self._sweep)

    # Connections

    def _unused(self) -> UpstreamConnection | None:
        """The connection that was used last, if it is sure to be open."""
        oldest_s = asyncio.get_running_loop().time() - IDLE_CONNECTION_S
        if self._idle and self._idle[-1].idle_since_s > oldest_s:
            return self._idle.pop()
        return None

    def _sweep(self) -> None:
        """End what has been idle for too long."""
        self._sweeper = None
        loop = asyncio.get_running_loop()
        while self._idle and self._idle[0].idle_since_s <= loop.time() - IDLE_CONNECTION_S:
            self._idle[0].discard()
        if self._idle:
            due_s = self._idle[0].idle_since_s + IDLE_CONNECTION_S
            self._sweeper = loop.call_at(due_s, self._sweep)

    def _connect(self, connection: UpstreamConnection) -> None:
        """Open a connection, which then sends what it was asked to."""
        if len(self._open) >= self._connections_max:
            connection.fail(GatewayFault.UPSTREAM_UNREACHABLE)
            return
        self._open.add(connection)
        connection.opening = asyncio.get_running_loop().create_task(self._opened(connection))

    async def _opened(self, connection: UpstreamConnection) -> None:
        url = self._url
        try:
            async with asyncio.timeout(self._connect_s):
                loop = asyncio.get_running_loop()
                await loop.create_connection(lambda: connection, url.host, url.port, ssl=self._tls)
        except OSError as error:
            connection.fail(self._no_connection(error))
        except Exception:
            connection.fail(GatewayFault.UPSTREAM_UNREACHABLE)
            raise
        else:
            self._trouble, connection.opening = "", None

    def _no_connection(self, error: OSError) -> GatewayFault:
        """What the client gets to know. The log says more, once for each change."""
        late = isinstance(error, TimeoutError)
        trouble = "no connection in time" if late else str(error)
        if trouble != self._trouble:
            self._trouble = trouble
            _log.warning("no connection to %s: %s", self._url.authority, trouble)
        return GatewayFault.UPSTREAM_TIMEOUT if late else GatewayFault.UPSTREAM_UNREACHABLE

    # Requests

    def _request(self, call: Call) -> bytes:
        """The head of a request."""
        line, own = self._heads.get((call.grant, call.path)) or self._heads["", call.path]
        lines = [line, b"?", call.query, own] if call.query else [line, own]
        for name, value in call.headers:
            forwarded = FORWARDED.get(name)
            if forwarded is None and name in call.carriers:
                forwarded = name
            if forwarded is not None and _PLAIN.fullmatch(value):
                lines.append(b"%b: %b\r\n" % (forwarded, value))
        lines.append(b"Content-Length: %d\r\n\r\n" % len(call.body))
        return b"".join(lines)

    def _head(self, path: bytes, api_key: str) -> tuple[bytes, bytes]:
        """What is the same in all requests to a path: before the query, and after it."""
        lines = [b" HTTP/1.1", b"Host: " + self._url.authority.encode()]
        lines += [b"Content-Type: application/json", b"Accept-Encoding: identity"]
        if api_key and ENDPOINTS[path] is Dialect.ANTHROPIC:
            lines.append(b"x-api-key: " + api_key.encode())
        elif api_key:
            lines.append(b"Authorization: Bearer " + api_key.encode())
        return b"POST " + self._url.path + path, b"\r\n".join(lines) + b"\r\n"


class _Url:
    """Where an upstream is. Raises: InvalidInput."""

    def __init__(self, given: str) -> None:
        parts = urlsplit(given)
        try:
            port = parts.port
        except ValueError:
            port = 0
        self.encrypted = parts.scheme == "https"
        self.host = parts.hostname or ""
        self.port = (443 if self.encrypted else 80) if port is None else port
        self.authority = parts.netloc
        self.path = parts.path.rstrip("/").encode()
        odd = parts.scheme not in {"http", "https"} or "@" in parts.netloc or parts.query or parts.fragment
        if odd or not (self.host and self.port and _TARGET.fullmatch(self.path)):
            raise InvalidInput(f"the upstream's URL {given!r}, expected one such as https://api.example/base")


def tls(ca_file: Path | None, own: Path | None = None) -> ssl.SSLContext:
    """Who may certify a server: the system's authorities, or those of a file alone. `own` is a file with the
    certificate and key that this gateway shows.

    Raises: InvalidInput: a file has no certificate.
    Source: `SSL_CERT_FILE` and `SSL_CERT_DIR` name other authorities than the system's, see OpenSSL.
    """
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise InvalidInput(f"the file of authorities {str(ca_file)!r}: {error}") from None
    if own is not None:
        try:
            context.load_cert_chain(own)
        except OSError as error:
            raise InvalidInput(f"{CLIENT_CERT} is {str(own)!r}: {error.strerror}") from None
    context.set_alpn_protocols(["http/1.1"])
    return context
