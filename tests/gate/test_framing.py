"""How a gateway answers what is wrongly framed, and what happens to its calls; see `tests/http`, too."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator

import pytest

from sluicegate.http import tcp
from tests.gate.clients import chat, counted, post
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
    with running(world, "http://127.0.0.1:1", head_timeout_ms=300, idle_timeout_ms=300) as gate:
        yield gate.port, key


@pytest.fixture
def port(fixed) -> int:
    return int(fixed[0])


@pytest.mark.parametrize(
    "path",
    [
        b"//v1/chat/completions",
        b"/v1//chat/completions",
        b"/v1/chat/completions/",
        b"/v1/chat/%63ompletions",
        b"/v1/chat%2Fcompletions",
        b"/v1/chat/completions%00",
        b"/v1/chat/completions%0d%0aX:",
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
    assert seen.startswith(b"HTTP/1.1 400")
    assert b"credential_" not in seen


@pytest.mark.parametrize(
    ("target", "fields", "dialect"),
    [
        (b"/v1/messages?beta=true", b"", "anthropic"),
        (b"/v1/models", b"anthropic-version: 2023-06-01\r\n", "anthropic"),
        (b"/v1/models", b"", "openai"),
        (b"/v1/nothing", b"", "openai"),
        (b"/elsewhere", b"", "plain"),
        (b"http://gate/v1/messages", b"", "plain"),
    ],
)
def test_what_the_server_itself_answers_is_in_the_dialect_of_what_was_asked(port, target, fields, dialect):
    with Raw(port) as client:
        client.send(b"POST %b HTTP/1.1\r\n%bContent-Length: x\r\n\r\n" % (target, HOST + fields))
        status, headers, body = client.response()
    told = json.loads(body)
    assert (status, headers["connection"], headers["content-type"]) == (400, "close", "application/json")
    assert told["error"]["message"]
    assert ("type" in told, "param" in told["error"]) == (dialect == "anthropic", dialect == "openai")
    assert (headers.get("x-should-retry") == "false") is (dialect != "plain")


@pytest.mark.parametrize(
    ("status", "request_bytes"),
    [
        (501, POST + HOST + b"Transfer-Encoding: gzip\r\n\r\n"),
        (431, POST + HOST + b"X: " + b"y" * 1_000_000),
        (414, b"POST /v1/" + b"a" * 100_000),
        (417, POST + HOST + b"Expect: more\r\n\r\n"),
        (408, POST + HOST[:-4]),
    ],
)
def test_each_of_these_errors_has_a_type_in_both_dialects(port, status, request_bytes):
    for path in (b"/v1/chat/completions", b"/v1/messages"):
        with Raw(port) as client:
            client.send(request_bytes.replace(b"/v1/chat/completions", path))
            answered, _, body = client.response()
        assert answered == status
        assert json.loads(body)["error"]["type"] in {"invalid_request_error", "server_error", "api_error"}


def test_an_offer_of_http_2_is_ignored_and_the_call_is_answered(gate, world):
    key = world.customer()
    gate.advance()
    offer = (
        "Connection: Upgrade, HTTP2-Settings",
        "Upgrade: h2c",
        "HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA",
    )
    with Raw(gate.port) as client:
        for _ in range(2):
            client.send(post("/v1/chat/completions", chat(), key, *offer))
            assert client.response()[0] == 200


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
        tcp.reset_at_close(client.sock)
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


def test_nonsense_after_a_request_does_not_run_into_its_answer(quick, world):
    key = world.customer()
    with running(world, quick) as gate, Raw(gate.port) as client:
        client.send(post("/v1/chat/completions", chat(stream=True), key) + b"nonsense\r\n\r\n")
        seen, reset = client.rest()
        answer, _, rest = seen.partition(b"data: [DONE]\n\n\r\n0\r\n\r\n")
        assert not reset
        assert b"400 Bad Request" not in answer
        assert rest.startswith(b"HTTP/1.1 400 Bad Request\r\n")
        assert eventually(lambda: gate.in_flight() == 0)


def test_a_flood_of_pipelined_requests_is_read_no_further(silent, world):
    key = world.customer()
    with running(world, silent) as gate:
        with Raw(gate.port) as client:
            client.send(post("/v1/chat/completions", chat(), key) + GET * 10_000)
            assert eventually(lambda: gate.in_flight() == 1)
        assert eventually(lambda: gate.in_flight() == 0)
        assert counted(gate, "observed") == 0


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
