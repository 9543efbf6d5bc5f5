"""What reaches the application can be framed and routed in one way only: mostly wrong requests."""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Iterator

import pytest

from tests.gate.clients import chat, post
from tests.gate.running import running
from tests.gate.scripted import says_and_stays, scripted
from tests.gate.world import World
from tests.raw import Raw
from tests.waiting import eventually

HOST = b"Host: gate\r\n"
GET = b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\n"
CHUNKED = HOST + b"Transfer-Encoding: chunked\r\n"
POST = b"POST /v1/chat/completions HTTP/1.1\r\n"


@pytest.fixture(scope="module")
def fixed() -> Iterator[tuple[int, str]]:
    """A gateway's port, and a key that it knows."""
    world = World.with_release()
    key = world.customer()
    with running(world, "http://127.0.0.1:1", max_header_bytes=16_384, body_timeout_ms=300) as gate:
        yield gate.port, key


@pytest.fixture
def port(fixed) -> int:
    return int(fixed[0])


REFUSED = {
    "two hosts": b"GET /healthz HTTP/1.1\r\n" + HOST + HOST + b"\r\n",
    "two different hosts": b"GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "no host": b"GET /healthz HTTP/1.1\r\nX: y\r\n\r\n",
    "two hosts in 1.0": b"GET /healthz HTTP/1.0\r\n" + HOST + HOST + b"\r\n",
    "0.9": b"GET /healthz\r\n\r\n",
    "1.2": b"GET /healthz HTTP/1.2\r\n" + HOST + b"\r\n",
    "2.0": b"GET /healthz HTTP/2.0\r\n" + HOST + b"\r\n",
    "http/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "te and length": POST + CHUNKED + b"Content-Length: 5\r\n\r\n0\r\n\r\n",
    "length and te": POST + b"Content-Length: 5\r\n" + CHUNKED + b"\r\n0\r\n\r\n",
    "two lengths": POST + HOST + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
    "a list of lengths": POST + HOST + b"Content-Length: 2, 2\r\n\r\n{}",
    "signed length": POST + HOST + b"Content-Length: +2\r\n\r\n{}",
    "negative length": POST + HOST + b"Content-Length: -2\r\n\r\n{}",
    "hex length": POST + HOST + b"Content-Length: 0x2\r\n\r\n{}",
    "huge length": POST + HOST + b"Content-Length: 99999999999999999999999\r\n\r\n{}",
    "unknown coding": POST + HOST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "gzip, chunked": POST + HOST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "chunked twice": POST + CHUNKED + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "identity": POST + HOST + b"Transfer-Encoding: identity\r\n\r\n",
    "empty coding": POST + HOST + b"Transfer-Encoding:\r\n\r\n",
    "quoted coding": POST + HOST + b'Transfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n',
    "chunked in 1.0": b"POST /v1/responses HTTP/1.0\r\n" + CHUNKED + b"\r\n0\r\n\r\n",
    "bare line feeds": b"GET /healthz HTTP/1.1\nHost: gate\n\n",
    "bare carriage return": b"GET /healthz HTTP/1.1\r\nHost: gate\rX: y\r\n\r\n",
    "folded header": b"GET /healthz HTTP/1.1\r\nHost: gate\r\nX: a\r\n b\r\n\r\n",
    "space before colon": b"GET /healthz HTTP/1.1\r\nHost : gate\r\n\r\n",
    "space before name": b"GET /healthz HTTP/1.1\r\n Host: gate\r\n\r\n",
    "empty name": b"GET /healthz HTTP/1.1\r\n" + HOST + b": x\r\n\r\n",
    "nul in value": b"GET /healthz HTTP/1.1\r\n" + HOST + b"X: a\0b\r\n\r\n",
    "high byte in name": b"GET /healthz HTTP/1.1\r\n" + HOST + b"\xc3\xa4: b\r\n\r\n",
    "%00 in path": b"GET /healthz%00 HTTP/1.1\r\n" + HOST + b"\r\n",
    "%0d%0a in path": b"GET /healthz%0d%0aX: HTTP/1.1\r\n" + HOST + b"\r\n",
    "%7F in path": b"GET /v1/models/%7F HTTP/1.1\r\n" + HOST + b"\r\n",
    "control in path": b"GET /healthz\x01 HTTP/1.1\r\n" + HOST + b"\r\n",
    "high byte in path": b"GET /healthz\xff HTTP/1.1\r\n" + HOST + b"\r\n",
    "tab in path": b"GET /healthz\t HTTP/1.1\r\n" + HOST + b"\r\n",
    "fragment": b"GET /healthz#x HTTP/1.1\r\n" + HOST + b"\r\n",
    "absolute form": b"GET http://gate/healthz HTTP/1.1\r\n" + HOST + b"\r\n",
    "asterisk form": b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n",
    "connect": b"CONNECT gate:443 HTTP/1.1\r\n" + HOST + b"\r\n",
    "no path": b"GET  HTTP/1.1\r\n" + HOST + b"\r\n",
    "unknown method": b"FETCH /healthz HTTP/1.1\r\n" + HOST + b"\r\n",
    "lower-case method": b"get /healthz HTTP/1.1\r\n" + HOST + b"\r\n",
    "websocket": b"GET /healthz HTTP/1.1\r\n" + HOST + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    "h2c": b"GET /healthz HTTP/1.1\r\n"
    + HOST
    + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n",
    "upgrade unconnected": b"GET /healthz HTTP/1.1\r\n" + HOST + b"Upgrade: h2c\r\n\r\n",
    "128 KiB of headers": b"GET /healthz HTTP/1.1\r\n" + HOST + b"X: y\r\n" * 22_000 + b"\r\n",
    "one long header": b"GET /healthz HTTP/1.1\r\n" + HOST + b"X: " + b"y" * 131_072 + b"\r\n\r\n",
    "one endless header": b"GET /healthz HTTP/1.1\r\n" + HOST + b"X: " + b"y" * 1_000_000,
    "an endless path": b"GET /" + b"a" * 1_000_000,
    "a long path": b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
    "tls": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "bad chunk size": POST + CHUNKED + b"Authorization: Bearer x\r\n\r\nzz\r\n",
}


@pytest.mark.parametrize("request_bytes", REFUSED.values(), ids=REFUSED.keys())
def test_refuses_and_ends_the_connection(fixed, request_bytes):
    port, key = fixed
    request = request_bytes.replace(POST, POST + b"Authorization: Bearer %b\r\n" % key.encode())
    with Raw(port) as client:
        client.send(request + GET)
        seen, _ = client.rest()
    assert seen.startswith(b"HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain")
    assert seen.count(b"\r\n\r\n") == 1


def test_says_what_is_wrong(port):
    with Raw(port) as client:
        status, headers, body = client.send(REFUSED["two hosts"]).response()
    assert (status, headers["connection"], body) == (400, "close", b"2 Host headers, expected one")


ACCEPTED = {
    "plain": GET,
    "1.0": b"GET /healthz HTTP/1.0\r\n\r\n",
    "empty lines before": b"\r\n\r\n" + GET,
    "a query": b"GET /healthz?a=b%00 HTTP/1.1\r\n" + HOST + b"\r\n",
    "blanks around a value": b"GET /healthz HTTP/1.1\r\nHost:   gate \t \r\n\r\n",
    "many headers": b"GET /healthz HTTP/1.1\r\n" + HOST + b"X: y\r\n" * 1_000 + b"\r\n",
    "high byte in value": b"GET /healthz HTTP/1.1\r\n" + HOST + b"X: \xff\r\n\r\n",
}


@pytest.mark.parametrize("request_bytes", ACCEPTED.values(), ids=ACCEPTED.keys())
def test_accepts(port, request_bytes):
    with Raw(port) as client:
        status, _, body = client.send(request_bytes).response()
    assert (status, json.loads(body)) == (200, {"ok": True})


def test_accepts_a_request_byte_by_byte(port):
    with Raw(port) as client:
        for number in range(len(GET)):
            client.send(GET[number : number + 1])
        assert client.response()[0] == 200


@pytest.mark.parametrize(
    "path",
    [
        b"//v1/chat/completions",
        b"/v1//chat/completions",
        b"/v1/chat/completions/",
        b"/v1/chat/%63ompletions",
        b"/v1/chat%2Fcompletions",
        b"/v1/x/../chat/completions",
        b"/v1/./chat/completions",
        b"/V1/chat/completions",
        b"/v1/chat/completions;a=b",
        b"/v1\\chat\\completions",
    ],
)
def test_no_path_is_normalised(path):
    with scripted(says_and_stays()) as upstream:
        world = World.with_release()
        key = world.customer()
        with running(world, upstream.url) as gate, Raw(gate.port) as client:
            request = post("/", chat(), key).replace(b"POST / ", b"POST " + path + b" ")
            assert client.send(request).response()[0] == 404
        assert upstream.requests == []


def test_a_credential_in_a_trailer_is_none(port):
    trailed = POST + CHUNKED + b"\r\n2\r\n{}\r\n0\r\nAuthorization: Bearer x\r\n\r\n"
    with Raw(port) as client:
        client.send(trailed)
        seen, _ = client.rest()
    assert seen.startswith((b"HTTP/1.1 401", b"HTTP/1.1 400"))
    assert b"credential_unknown" not in seen


def test_a_slow_head_is_not_waited_for(port):
    with Raw(port) as client:
        client.send(GET[:20])
        assert client.rest() == (b"", False)


def test_a_connection_that_says_nothing_is_not_waited_for(port):
    with Raw(port) as client:
        assert client.rest() == (b"", False)


def test_empty_lines_do_not_keep_a_connection(port):
    with Raw(port) as client:
        client.send(GET).response()
        client.send(b"\r\n")
        assert client.rest() == (b"", False)


def test_a_body_sent_after_its_refusal_is_taken_and_dropped(port):
    head = POST + HOST + b"Content-Length: 4000000\r\nAuthorization: Bearer wrong\r\n\r\n"
    with Raw(port) as client:
        assert client.send(head).response()[0] == 401
        client.send(b"x" * 4_000_000 + GET)
        client.sock.shutdown(socket.SHUT_WR)
        assert client.rest() == (b"", False)


def test_a_client_that_resets_is_forgotten(port):
    with Raw(port) as client:
        client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.send(POST + HOST + b"Content-Length: 100\r\nAuthorization: Bearer x\r\n\r\n")
    with Raw(port) as client:
        assert client.send(GET).response()[0] == 200


def test_pipelined_requests_are_answered_in_order(gate, world):
    key = world.customer()
    gate.advance()
    first, last = chat(messages=[{"role": "user", "content": "first"}]), chat("unknown")
    stream = chat(stream=True)
    requests = [post("/v1/chat/completions", body, key) for body in (first, stream, last)]
    with Raw(gate.port) as client:
        client.send(b"".join(requests) + GET)
        status, _, body = client.response()
        assert (status, b"first" in body) == (200, True)
        client.seen = client.until(b"data: [DONE]\n\n\r\n0\r\n\r\n").partition(b"\r\n0\r\n\r\n")[2]
        assert client.response()[0] == 404
        assert client.response()[2] == b'{"ok": true}'
    assert eventually(lambda: gate.in_flight() == 0)


def test_nonsense_after_a_request_does_not_run_into_its_answer(paced, world):
    key = world.customer()
    with running(world, paced) as gate, Raw(gate.port) as client:
        client.send(post("/v1/chat/completions", chat(stream=True), key)).until(b"data: ")
        client.send(b"nonsense\r\n\r\n")
        seen, reset = client.rest()
        assert reset
        assert b"400 Bad Request" not in seen
        assert eventually(lambda: gate.in_flight() == 0)


def test_a_flood_of_pipelined_requests_is_reset(silent, world):
    key = world.customer()
    with running(world, silent) as gate, Raw(gate.port) as client:
        client.send(post("/v1/chat/completions", chat(), key) + GET * 50)
        assert client.rest() == (b"", True)
        assert eventually(lambda: gate.in_flight() == 0)


def test_a_client_with_requests_waiting_is_seen_to_leave(silent, world):
    key = world.customer()
    with running(world, silent) as gate:
        with Raw(gate.port) as client:
            client.send(post("/v1/chat/completions", chat(), key) + GET)
            assert eventually(lambda: gate.in_flight() == 1)
        assert eventually(lambda: gate.in_flight() == 0)


def test_continue_is_said_only_to_those_who_may_send(gate, world):
    key = world.customer()
    gate.advance()
    body = json.dumps(chat()).encode()
    for presented, expected in ((key, b"HTTP/1.1 100 Continue\r\n\r\n"), ("wrong", b"HTTP/1.1 401 ")):
        request = post("/v1/chat/completions", body, presented, "Expect: 100-continue")
        with Raw(gate.port) as client:
            client.send(request[: -len(body)])
            assert client.until(b"\r\n\r\n").startswith(expected)
            if presented == key:
                client.seen = b""
                assert client.send(body).response()[0] == 200
