"""The same hostile bytes through a real proxy: the server sees the requests that the proxy saw, and no other.

What smuggles a request makes a proxy and the server behind it count differently. Each proxy marks what it
passes on. So no request may come without a mark, and each mark comes once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from sluicegate.http.exchange import HttpExchange
from sluicegate.http.head import BadRequest, Fields
from sluicegate.http.response import error_response
from tests.http import proxies
from tests.http.framing import ACCEPTED, CHUNKED, HOST, POST, REFUSED, accepted
from tests.http.proxies import MARK, Proxy
from tests.http.running import Echo, running
from tests.raw import Raw
from tests.waiting import eventually

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]

AFTER = b"GET /after HTTP/1.1\r\nHost: server\r\nConnection: close\r\n\r\n"
HIDDEN = b"GET /hidden HTTP/1.1\r\nHost: server\r\n\r\n"
QUIET_S = 0.3
"""How long a proxy may say nothing before the client leaves: some wait for a body that does not come."""
LENGTH = b"Content-Length: %d\r\n" % (len(HIDDEN) + 5)
ENDED = b"\r\n0\r\n\r\n" + HIDDEN

HIDING = {
    "behind the last chunk, with a length": POST + CHUNKED + LENGTH + ENDED,
    "behind the last chunk, with a length before": POST + LENGTH + CHUNKED + ENDED,
    "behind a coding with a blank": POST + HOST + LENGTH + b"Transfer-Encoding : chunked\r\n" + ENDED,
    "behind a coding with a tab": POST + HOST + LENGTH + b"Transfer-Encoding:\tchunked\r\n" + ENDED,
    "behind a coding after a line feed": (
        POST + HOST + LENGTH + b"X: y\nTransfer-Encoding: chunked\r\n" + ENDED
    ),
    "behind a folded coding": POST + HOST + LENGTH + b"Transfer-Encoding:\r\n chunked\r\n" + ENDED,
    "behind two codings": POST + CHUNKED + LENGTH + b"Transfer-Encoding: x\r\n" + ENDED,
    "behind two codings in one": POST + HOST + LENGTH + b"Transfer-Encoding: chunked, x\r\n" + ENDED,
    "behind a coding that is none": POST + HOST + LENGTH + b"Transfer-Encoding: chunke\r\n" + ENDED,
    "behind a coding in capitals": POST + HOST + LENGTH + b"TRANSFER-ENCODING: CHUNKED\r\n" + ENDED,
    "behind a coding of another name": POST + HOST + LENGTH + b"Transfer_Encoding: chunked\r\n" + ENDED,
    "behind a length of another name": POST + CHUNKED + b"Content_Length: 4\r\n" + ENDED,
    "behind a coding in 1.0": b"POST /body HTTP/1.0\r\n" + CHUNKED + LENGTH + ENDED,
    "behind a length that the connection names": (
        POST + HOST + LENGTH + b"Connection: keep-alive, content-length\r\n" + ENDED
    ),
    "behind a coding that the connection names": (
        POST + CHUNKED + b"Connection: keep-alive, transfer-encoding\r\n" + ENDED
    ),
    "behind a host that the connection names": POST + CHUNKED + b"Connection: keep-alive, host\r\n" + ENDED,
    "behind a mark that the connection names": POST + CHUNKED + b"Connection: keep-alive, x-mark\r\n" + ENDED,
    "with the client's own mark": POST + CHUNKED + b"X-Mark: mine\r\n" + ENDED,
    "with two marks": POST + CHUNKED + b"X-Mark: mine\r\nx-mark: mine\r\n" + ENDED,
    "in a body without a length": b"GET /first HTTP/1.1\r\n" + HOST + b"\r\n" + HIDDEN,
    "in the body of a GET": b"GET /first HTTP/1.1\r\n" + HOST + LENGTH + ENDED,
    "in the body of a HEAD": b"HEAD /first HTTP/1.1\r\n" + HOST + LENGTH + ENDED,
    "in an expected body": POST + HOST + LENGTH + b"Expect: 100-continue\r\n" + ENDED,
    "in an unread body": POST.replace(b"/body", b"/unread") + HOST + LENGTH + ENDED,
    "in a chunk": POST + CHUNKED + b"\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(HIDDEN), HIDDEN),
    "in a chunk's extension": POST + CHUNKED + b"\r\n2;a=\n%b\r\n{}\r\n0\r\n\r\n" % HIDDEN,
    "in a trailer": POST + CHUNKED + b"\r\n0\r\nX: y\n\n" + HIDDEN + b"\r\n\r\n",
    "after a chunk size that overflows": POST + CHUNKED + b"\r\n100000000\r\n" + b"0\r\n\r\n" + HIDDEN,
    "after an offer of h2c": (
        POST + CHUNKED + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n" + ENDED
    ),
    "after an offer of a websocket": (
        accepted(b"GET", b"/first", b"Host: a", b"Connection: Upgrade", b"Upgrade: websocket") + HIDDEN
    ),
    "in the path": accepted(target=b"/first%20HTTP/1.1%0d%0aHost:%20server%0d%0a%0d%0aGET%20/hidden"),
    "in a value": accepted(b"GET", b"/first", b"Host: a", b"X: y\r\r\n" + HIDDEN[:-4]),
    "in an absolute target": accepted(b"GET", b"http://other/hidden", b"Host: server"),
}  # fmt: skip
CASES = (
    {f"refused: {name}": data for name, (_, data) in REFUSED.items()}
    | {f"accepted: {name}": data for name, (data, _, _) in ACCEPTED.items()}
    | {f"hidden {name}": data for name, data in HIDING.items()}
)


@dataclass(frozen=True)
class SeenRequest:
    """A request as a server sees it; `marks` are unknown where it could not read the head, and refused it."""

    path: bytes
    marks: list[bytes] | None


@dataclass
class Seen:
    """What a server sees, also what it refuses itself."""

    echo: Echo
    requests: list[SeenRequest] = field(default_factory=list)

    async def __call__(self, exchange: HttpExchange) -> None:
        self.requests.append(SeenRequest(exchange.head.path, _marks(exchange.head.fields)))
        await self.echo(exchange)

    def refused(self, problem: BadRequest, target: bytes, fields: Fields) -> bytes:
        self.requests.append(SeenRequest(target, _marks(fields) or None))
        return error_response(problem)


def _marks(fields: Fields) -> list[bytes]:
    return [value for name, value in fields if name == MARK]


@dataclass
class Behind:
    """A server behind a proxy."""

    proxy: Proxy
    seen: Seen


@pytest.fixture(scope="module", params=sorted(proxies.CONFIGURED))
def behind(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Behind]:
    if proxies.program(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    folder: Path = tmp_path_factory.mktemp(request.param)
    made: list[Seen] = []

    def handler(echo: Echo) -> Seen:
        made.append(Seen(echo))
        return made[0]

    def error_form(problem: BadRequest, target: bytes, fields: Fields) -> bytes:
        return made[0].refused(problem, target, fields)

    with (
        running(handler, error_form=error_form) as server,
        proxies.running(request.param, folder, server.port) as proxy,
    ):
        yield Behind(proxy, made[0])


def said_until_quiet(client: Raw) -> bytes:
    """Read until the connection ends, or nothing comes for a while."""
    client.sock.settimeout(QUIET_S)
    try:
        return client.rest()[0]
    except TimeoutError:
        return client.seen


def answered(behind: Behind) -> None:
    """Ask for something on a new connection. What the proxy took before is with the server then."""
    with Raw(behind.proxy.port) as client:
        client.send(AFTER)
        assert b'"path": "/after"' in client.rest()[0]


@pytest.mark.parametrize("name", CASES)
def test_the_server_sees_what_the_proxy_sees(behind: Behind, name: str):
    before = len(behind.seen.requests)
    with Raw(behind.proxy.port) as client:
        try:
            client.send(CASES[name] + AFTER)
        except (BrokenPipeError, ConnectionResetError):  # it has said no before all was sent
            seen = client.seen
        else:
            seen = said_until_quiet(client)
    answered(behind)
    requests = behind.seen.requests[before:]
    known = [each.marks for each in behind.seen.requests if each.marks is not None]
    assert all(len(marks) == 1 for marks in known), requests
    assert eventually(lambda: len(behind.proxy.passed_on()) >= len(behind.seen.requests)), requests
    passed_on = behind.proxy.passed_on()
    assert len(passed_on) == len(behind.seen.requests), requests
    assert {marks[0].decode() for marks in known} <= set(passed_on)
    assert len({marks[0] for marks in known}) == len(known), requests
    asked = [each.path.decode("latin-1") for each in requests]
    told = [path.decode("latin-1") for path in re.findall(rb'"path": "([^"]*)"', seen)]
    assert [path for path in asked if path in told][: len(told)] == told
