"""What reaches the application can be framed and routed in one way only: mostly wrong requests.

Each is sent with another request behind it. What is refused is answered once, and the connection ends: what
comes behind it is never answered.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator

import pytest

from sluicegate.http import asgi, tcp
from tests.http.framing import ACCEPTED, CHUNKED, GET, HOST, POST, REFUSED, accepted
from tests.http.running import RunningServer, running, statuses
from tests.raw import Raw
from tests.waiting import eventually


@pytest.fixture(scope="module")
def served() -> Iterator[RunningServer]:
    with running(max_head_bytes=16_384, max_target_bytes=4_096) as made:
        yield made


@pytest.mark.parametrize(("status", "request_bytes"), REFUSED.values(), ids=REFUSED.keys())
def test_what_has_two_readings_is_refused_and_ends_the_connection(
    served: RunningServer, status: int, request_bytes: bytes
):
    served.echo.asked.clear()
    with Raw(served.port) as client:
        client.send(request_bytes + GET)
        seen, _ = client.rest()
    assert statuses(seen) == [status]
    assert b"\r\nconnection: close\r\n" in seen
    told = json.loads(seen.partition(b"\r\n\r\n")[2])
    assert told["error"]["code"]
    assert [path for _, path in served.echo.asked if path != b"/body"] == []


@pytest.mark.parametrize(("request_bytes", "path", "body"), ACCEPTED.values(), ids=ACCEPTED.keys())
def test_what_has_one_reading_is_answered_and_so_is_what_comes_after(
    served: RunningServer, request_bytes: bytes, path: bytes, body: int
):
    with Raw(served.port) as client:
        status, _, told = client.send(request_bytes + GET).response()
        assert status == 200, told
        assert (json.loads(told)["path"], json.loads(told)["body"]) == (path.decode(), body)
        assert json.loads(client.response()[2])["path"] == "/after"


@pytest.mark.parametrize("name", [*ACCEPTED])
def test_the_same_comes_of_it_byte_by_byte(served: RunningServer, name: str):
    request_bytes, path, body = ACCEPTED[name]
    if len(request_bytes) > 1_000:
        return
    with Raw(served.port) as client:
        for at in range(len(request_bytes)):
            client.send(request_bytes[at : at + 1])
        told = json.loads(client.response()[2])
    assert (told["path"], told["body"]) == (path.decode(), body)


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET /first HTTP/1.0\r\n\r\n",
        b"GET /first HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
        b"GET /first HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        b"GET /first HTTP/1.1\r\nHost: a\r\nConnection: x, CLOSE\r\n\r\n",
    ],
)
def test_after_the_last_request_of_a_connection_nothing_is_answered(
    served: RunningServer, request_bytes: bytes
):
    served.echo.asked.clear()
    with Raw(served.port) as client:
        client.send(request_bytes + GET + b"nonsense\r\n\r\n")
        seen, was_reset = client.rest()
    assert (statuses(seen), was_reset) == ([200], False)
    assert b"connection: close\r\n" in seen
    assert served.echo.asked == [("GET", b"/first")]


@pytest.mark.parametrize(
    ("lines", "offered"),
    [
        ((b"Connection: Upgrade", b"Upgrade: websocket"), True),
        ((b"Connection: keep-alive, upgrade", b"upgrade: h2c, WebSocket"), True),
        ((b"Connection: Upgrade", b"Upgrade: h2c"), False),
        ((b"Connection: Upgrade", b"Upgrade: websocket2"), False),
        ((b"Upgrade: websocket",), False),
        ((), False),
    ],
)
def test_a_handler_knows_who_would_rather_speak_websocket(
    served: RunningServer, lines: tuple[bytes, ...], offered: bool
):
    served.echo.offered.clear()
    with Raw(served.port) as client:
        client.send(accepted(b"GET", b"/first", b"Host: a", *lines) + GET)
        assert [client.response()[0] for _ in range(2)] == [200, 200]
    assert served.echo.offered == [offered, False]


def test_pipelined_requests_are_answered_in_order(served: RunningServer):
    requests = [accepted(target=b"/%d" % number) for number in range(10)]
    with Raw(served.port) as client:
        client.send(b"".join(requests))
        told = [json.loads(client.response()[2])["path"] for _ in requests]
    assert told == [f"/{number}" for number in range(10)]


def test_nonsense_behind_a_request_is_answered_after_it(served: RunningServer):
    with Raw(served.port) as client:
        client.send(accepted(target=b"/wait") + b"nonsense\r\n\r\n")
        served.let_go()
        seen, _ = client.rest()
    served.echo.release = None
    assert statuses(seen) == [200, 400]


def test_a_body_that_breaks_while_another_request_is_answered_waits_for_its_turn(served: RunningServer):
    with Raw(served.port) as client:
        client.send(accepted(target=b"/wait") + POST + CHUNKED + b"\r\nzz\r\n")
        served.let_go()
        seen, _ = client.rest()
    served.echo.release = None
    assert statuses(seen) == [200, 400]


def test_a_flood_of_pipelined_requests_is_answered_in_part(served: RunningServer):
    served.echo.asked.clear()
    with Raw(served.port) as client:
        client.send(accepted(target=b"/wait") + GET * 10_000)
        served.let_go()
        seen, _ = client.rest()
    served.echo.release = None
    assert statuses(seen) == [*[200] * 17, 400]
    assert len(served.echo.asked) == 17


def test_what_is_written_to_head_has_no_body_and_the_next_request_is_understood():
    with running(lambda _: answer_by_asgi) as served, Raw(served.port) as client:
        client.send(b"HEAD /first HTTP/1.1\r\n" + HOST + b"\r\n")
        assert client.until(b"\r\n\r\n").endswith(b"\r\n\r\n")
        assert b"content-length: 5\r\n" in client.seen
        client.seen = b""
        assert client.send(GET).response()[2] == b"hello"


def test_a_body_is_asked_for_only_when_it_is_read(served: RunningServer):
    waits = POST + HOST + b"Content-Length: 2\r\nExpect: 100-continue\r\n\r\n"
    with Raw(served.port) as client:
        assert client.send(waits).until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.seen = b""
        assert client.send(b"{}").response()[0] == 200
    with Raw(served.port) as client:
        client.send(waits.replace(b"/body", b"/unread"))
        status, fields, _ = client.response()
        assert (status, fields["connection"]) == (200, "close")


def test_a_body_that_came_unasked_is_not_asked_for(served: RunningServer):
    with Raw(served.port) as client:
        client.send(POST + HOST + b"Content-Length: 2\r\nExpect: 100-continue\r\n\r\n{}")
        assert client.until(b"\r\n\r\n").startswith(b"HTTP/1.1 200 ")


def test_a_body_sent_after_its_answer_is_taken_and_dropped(served: RunningServer):
    with Raw(served.port) as client:
        client.send(b"POST /unread HTTP/1.1\r\n" + HOST + b"Content-Length: 4000000\r\n\r\n")
        assert client.response()[0] == 200
        client.send(b"x" * 4_000_000 + GET)
        client.sock.shutdown(socket.SHUT_WR)
        assert client.rest() == (b"", False)


def test_an_application_that_fails_is_answered_for(served: RunningServer, caplog: pytest.LogCaptureFixture):
    with Raw(served.port) as client:
        status, fields, body = client.send(accepted(target=b"/fails")).response()
    assert (status, fields["connection"], b"ZeroDivisionError" in body) == (500, "close", False)
    assert "a GET request failed" in caplog.text


def test_a_client_that_leaves_is_noticed_and_forgotten(served: RunningServer):
    served.echo.gone.clear()
    with Raw(served.port) as client:
        tcp.reset_at_close(client.sock)
        client.send(accepted(b"POST", b"/x", b"Host: a", b"Content-Length: 100"))
        eventually(lambda: ("POST", b"/x") in served.echo.asked)
    assert eventually(lambda: "/x" in served.echo.gone)
    assert eventually(lambda: served.open_connections() == 0)


async def answer_by_asgi(exchange):
    """An application that states a length, also in its answer to HEAD."""

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": [(b"Content-Length", b"5")]})
        await send({"type": "http.response.body", "body": b"hello"})

    answering = asgi.handler(app)(exchange)
    assert answering is not None
    await answering
