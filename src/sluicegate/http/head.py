"""The head of a request: what is refused because two servers could read it in two ways.

Rules:
- A proxy in front of us may read a request in another way than we do. So what has two readings is refused,
  and its connection ends: we cannot know where the next request begins.
- A field that says who asks, or how the request is read, is there once.

Source: RFC 9112; RFC 9110 for the fields.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from operator import itemgetter

Fields = list[tuple[bytes, bytes]]
"""Names in lower case, with their values, in the order of the request."""

NAME: Callable[[tuple[bytes, bytes]], bytes] = itemgetter(0)
"""The name of a field: to look for one without a loop."""

_ORIGIN = re.compile(rb"/[\x21\x22\x24-\x7e]*")
_ABSOLUTE = re.compile(rb"https?://([^/?#]+)([\x21\x22\x24-\x7e]*)", re.IGNORECASE)
_HOST = re.compile(rb"(?:[A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])?(?::[0-9]{1,5})?")
ONCE = frozenset(
    {
        b"authorization",
        b"content-encoding",
        b"content-length",
        b"content-type",
        b"expect",
        b"host",
        b"idempotency-key",
        b"transfer-encoding",
    }
)
"""Fields that a request has at most once."""


class BadRequest(Exception):
    """A request that is answered with an error before anyone looks at what it asks for."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class RequestHead:
    """A head with one reading. `path` and `query` are as they were sent; nothing in them is decoded.

    `named` has the last value of each field. `keep_alive` is whether the client wants to send another request
    on this connection; `offers` are the protocols that it would rather speak (`Upgrade`), in lower case,
    separated by commas; `expects_continue` is whether it waits with its body until it is asked for it.
    """

    __slots__ = (
        "expects_continue",
        "fields",
        "keep_alive",
        "method",
        "named",
        "offers",
        "path",
        "query",
        "version",
    )

    def __init__(  # noqa: PLR0913 - the parts of a head
        self,
        method: str,
        path: bytes,
        query: bytes,
        version: str,
        fields: Fields,
        named: dict[bytes, bytes],
        keep_alive: bool,  # noqa: FBT001
        offers: bytes,
        expects_continue: bool,  # noqa: FBT001
    ) -> None:
        self.method = method
        self.path = path
        self.query = query
        self.version = version
        self.fields = fields
        self.named = named
        self.keep_alive = keep_alive
        self.offers = offers
        self.expects_continue = expects_continue

    def forget_but(self, names: frozenset[bytes]) -> None:
        """Keep the fields of these names alone: an answer may take long."""
        self.fields = [field for field in self.fields if field[0] in names]
        self.named = dict(self.fields)

    def field(self, name: bytes) -> bytes | None:
        """The last value of a field; None if it is not there."""
        return self.named.get(name)

    @property
    def offers_websocket(self) -> bool:
        """Whether the client would speak WebSocket."""
        offered = self.offers.replace(b" ", b"").split(b",") if self.offers else ()
        return self.version == "1.1" and b"websocket" in offered


def read(  # noqa: PLR0913 - what a parser says
    method: bytes, target: bytes, version: str, fields: Fields, *, keep_alive: bool, offers: bytes = b""
) -> RequestHead:
    """The head of these parts. Raises: BadRequest."""
    if version not in {"1.0", "1.1"}:
        raise BadRequest(505, f"HTTP/{version}, expected HTTP/1.1")
    fields = [(name.lower(), value.strip(b" \t")) for name, value in fields]
    found = _once(fields)
    _check_body(found, version)
    if b"expect" in found:
        _check_expect(found[b"expect"], version)
    path, _, query = _path(method, target, _host(found, version)).partition(b"?")
    keep_alive = keep_alive and version == "1.1"
    waits = version == "1.1" and b"expect" in found
    return RequestHead(method.decode("ascii"), path, query, version, fields, found, keep_alive, offers, waits)


def _once(fields: Fields) -> dict[bytes, bytes]:
    """The fields by their names, the last of each. Those that are there at most once are."""
    found = dict(fields)
    if len(found) < len(fields):
        names = list(map(NAME, fields))
        for name in ONCE & found.keys():
            if names.count(name) > 1:
                raise BadRequest(400, f"two {name.decode()} fields, expected one")
    return found


def _check_body(found: dict[bytes, bytes], version: str) -> None:
    """The length of the body is said once, in one way."""
    coding = found.get(b"transfer-encoding")
    length = found.get(b"content-length")
    if length is not None and not (length.isdigit() and len(length) < 19):
        raise BadRequest(400, "a content-length that is not a number of bytes")
    if coding is None:
        return
    if length is not None:
        raise BadRequest(400, "a content-length beside a transfer-encoding, expected one of them")
    if version == "1.0":
        raise BadRequest(400, "a transfer-encoding in HTTP/1.0")
    if coding.lower() != b"chunked":
        raise BadRequest(501, "a transfer-encoding other than chunked alone")


def _check_expect(expected: bytes, version: str) -> None:
    if version == "1.1" and expected.lower() != b"100-continue":
        raise BadRequest(417, "an expect field other than 100-continue")


def _host(found: dict[bytes, bytes], version: str) -> bytes | None:
    host = found.get(b"host")
    if host is None and version == "1.1":
        raise BadRequest(400, "no host field, expected one")
    if host is not None and not _HOST.fullmatch(host):
        raise BadRequest(400, "a host field that is not a name and a port")
    return host


def _path(method: bytes, target: bytes, host: bytes | None) -> bytes:
    """The path and the query of a target. One that names a host names the one of the host field."""
    if method == b"CONNECT":
        raise BadRequest(501, "CONNECT, and this server is no proxy")
    if _ORIGIN.fullmatch(target) or (target == b"*" and method == b"OPTIONS"):
        return target
    absolute = _ABSOLUTE.fullmatch(target)
    if absolute is None:
        raise BadRequest(400, "a target that is not a path")
    authority, path = absolute.groups()
    if host is not None and authority.lower() != host.lower():
        raise BadRequest(400, "a target and a host field that name two hosts")
    return path if path.startswith(b"/") else b"/" + path
