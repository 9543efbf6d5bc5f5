"""What goes up, what comes back, and the ways in which an upstream fails."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import anthropic
import openai
import pytest

from sluicegate.gate.fields import end_to_end
from sluicegate.gate.upstream import Call, HttpUpstream
from sluicegate.settings import UpstreamTarget
from tests.gate.clients import ai, anthropic_api, chat, counted, dechunked, post
from tests.gate.running import UPSTREAM_KEY, Running, running, settings
from tests.gate.scripted import Script, Scripted, says, says_and_stays, scripted
from tests.gate.taking import called, whole
from tests.gate.world import MODEL, World
from tests.raw import Raw, parse_head
from tests.waiting import BOUND_S, eventually

CHAT = "/v1/chat/completions"
OK = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
EVENTS = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
EVENT = b'data: {"id":"a","choices":[]}\n\n'
STREAM = chat(stream=True)


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


@contextmanager
def between(world: World, script: Script, **changes: Any) -> Iterator[tuple[Scripted, Running, Raw]]:
    """A gateway before a scripted upstream, and a client connected to it."""
    with (
        scripted(script) as upstream,
        running(world, upstream.url, **changes) as gate,
        Raw(gate.port) as client,
    ):
        yield upstream, gate, client


def url_of(listener: socket.socket) -> str:
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


def error_of(body: bytes) -> Any:
    return json.loads(body)["error"]


@pytest.fixture
def key(world) -> str:
    return str(world.customer())


# What goes up


def received(request: bytes) -> tuple[str, list[tuple[str, str]], bytes]:
    head, _, body = request.partition(b"\r\n\r\n")
    line, *fields = head.decode("latin-1").split("\r\n")
    pairs = [tuple(field.split(": ", 1)) for field in fields]
    return line, [(name.lower(), value) for name, value in pairs], body


def test_only_what_is_allowed_goes_up(world, key):
    body = json.dumps(chat(), indent=1).encode()
    lines = [
        "User-Agent: client/1",
        "Accept: application/json",
        "X-Request-Id: mine",
        "OpenAI-Beta: b=1",
        "anthropic-beta: one",
        "anthropic-beta: two",
        "OpenAI-Organization: org",
        "X-Stainless-Lang: python",
        "X-Forwarded-For: 127.0.0.2",
        "Forwarded: for=127.0.0.2",
        "Cookie: a=b",
        "Proxy-Authorization: Basic x",
        "X-Demo-Chunks: 9",
        "Accept-Encoding: gzip, br",
        "Connection: keep-alive, x-request-id",
        "Idempotency-Key: i",
        "Api-Key: k",
    ]
    with scripted(says_and_stays(OK + b"content-length: 2\r\n\r\n{}")) as upstream:
        with running(world, upstream.url) as gate, Raw(gate.port) as client:
            assert client.send(post(f"{CHAT}?a=%2F%20b&a=c+d;e", body, key, *lines)).response()[0] == 200
        line, fields, content = received(upstream.requests[0])
    assert line == f"POST {CHAT}?a=%2F%20b&a=c+d;e HTTP/1.1"
    assert content == body
    assert sorted(fields) == sorted(
        [
            ("host", upstream.url.removeprefix("http://")),
            ("content-type", "application/json"),
            ("content-length", str(len(body))),
            ("accept-encoding", "identity"),
            ("authorization", f"Bearer {UPSTREAM_KEY}"),
            ("user-agent", "client/1"),
            ("accept", "application/json"),
            ("x-request-id", "mine"),
            ("openai-beta", "b=1"),
            ("anthropic-beta", "one"),
            ("anthropic-beta", "two"),
        ]
    )


KIND = b"content-type: text/event-stream\r\n"
ENDED = b"content-length: 14\r\n\r\ndata: [DONE]\n\n"
ODD = {
    "a body for a form": b"HTTP/1.1 205 Reset Content\r\ncontent-length: 2\r\n\r\n{}",
    "a form": b"HTTP/1.1 205 Reset Content\r\ncontent-length: 0\r\n\r\n",
    "a part": b"HTTP/1.1 206 Partial Content\r\ncontent-range: bytes 0-1/9\r\ncontent-length: 2\r\n\r\n{}",
    "several": b"HTTP/1.1 207 Multi-Status\r\ncontent-length: 2\r\n\r\n{}",
    "two types": OK + KIND + ENDED,
    "two types, a stream first": b"HTTP/1.1 200 OK\r\n" + KIND + b"Content-Type: text/plain\r\n" + ENDED,
    "the same type twice": b"HTTP/1.1 200 OK\r\n" + KIND * 2 + ENDED,
    "a list of types": b"HTTP/1.1 200 OK\r\n" + KIND.replace(b"\r", b", text/plain\r") + ENDED,
    "an empty type before another": b"HTTP/1.1 200 OK\r\ncontent-type:\r\n" + KIND + ENDED,
    "two codings": OK + b"content-encoding: gzip\r\ncontent-encoding: identity\r\n" + ENDED,
    "two codings of a stream": b"HTTP/1.1 200 OK\r\n"
    + KIND
    + b"content-encoding: identity\r\ncontent-encoding: gzip\r\n"
    + ENDED,
    "a list of codings": OK + b"content-encoding: identity, gzip\r\n" + ENDED,
    "a coding of a stream": b"HTTP/1.1 200 OK\r\n" + KIND + b"content-encoding: gzip\r\n" + ENDED,
    "two types of an error": b"HTTP/1.1 400 Bad\r\n" + KIND + b"content-type: application/json\r\n" + ENDED,
}


@pytest.mark.parametrize("case", ODD)
def test_an_answer_that_is_not_what_was_asked_for_is_a_failure(world, key, case):
    with between(world, says_and_stays(ODD[case])) as (_, _gate, client):
        status, headers, body = client.send(post(CHAT, chat(stream=True), key)).response()
        assert (status, json.loads(body)["error"]["code"]) == (502, "upstream_failed")
        assert headers["content-type"] == "application/json"


def test_a_header_that_is_not_ascii_stays_here(world, key):
    with between(world, says_and_stays(OK + b"content-length: 2\r\n\r\n{}")) as (upstream, _gate, client):
        assert client.send(post(CHAT, chat(), key, "User-Agent: caf\u00e9")).response()[0] == 200
        assert "user-agent" not in dict(received(upstream.requests[0])[1])


def test_the_customers_key_never_goes_up(world, key):
    with scripted(says_and_stays(OK + b"content-length: 2\r\n\r\n{}")) as upstream:
        with running(world, upstream.url) as gate:
            for path, field in (
                (CHAT, f"x-api-key: {key}"),
                ("/v1/messages", f"Authorization: Bearer {key}"),
            ):
                with Raw(gate.port) as client:
                    assert client.send(post(path, chat(), None, field)).response()[0] == 200
        requests = upstream.requests
    assert not any(key.encode() in request for request in requests)
    assert ("authorization", f"Bearer {UPSTREAM_KEY}") in received(requests[0])[1]
    assert ("x-api-key", UPSTREAM_KEY) in received(requests[1])[1]
    assert "authorization" not in dict(received(requests[1])[1])


def test_an_upstream_without_a_key_gets_none():
    async def ask(url: str) -> None:
        upstream = HttpUpstream(UpstreamTarget(url + "/"), settings())
        assert await whole(upstream, Call(CHAT.encode(), b"", [], b"{}")) == (200, b"{}")
        await upstream.close()

    with scripted(says_and_stays(OK + b"content-length: 2\r\n\r\n{}")) as told:
        asyncio.run(ask(told.url))
        fields = dict(received(told.requests[0])[1])
    assert fields.keys() == {"host", "content-type", "content-length", "accept-encoding"}


def test_nothing_is_sent_when_it_may_not_be():
    async def ask(url: str) -> None:
        upstream = HttpUpstream(UpstreamTarget(url), settings())
        call = Call(CHAT.encode(), b"", [], b"{}")
        assert await whole(upstream, call, lambda: False) == (0, b"upstream_failed")
        await upstream.close()

    with scripted(says(b"")) as told:
        asyncio.run(ask(told.url))
        assert told.closed.wait(BOUND_S)
        assert told.requests == []


def test_no_more_of_a_body_is_sent_when_it_may_not_be():
    asked: list[int] = []

    def may_send() -> bool:
        asked.append(1)
        return len(asked) <= 3

    async def ask(url: str) -> None:
        upstream = HttpUpstream(UpstreamTarget(url), settings())
        call = Call(CHAT.encode(), b"", [], b"x" * 10_000_000)
        assert await whole(upstream, call, may_send) == (0, b"upstream_failed")
        await upstream.close()

    with scripted(says(b"")) as told:
        asyncio.run(ask(told.url))
        assert told.closed.wait(BOUND_S)
        assert told.requests == []
    assert len(asked) == 4


def test_closing_a_call_that_has_ended_leaves_its_connection_to_the_next():
    """Its answer has come: the connection is another call's by now."""
    go_on = threading.Event()
    said = says_and_stays(OK + b"content-length: 2\r\n\r\n{}")

    def script(connection: socket.socket, request: bytes) -> None:
        if len(told.requests) > 1:
            assert go_on.wait(BOUND_S)
        said(connection, request)

    async def story(url: str) -> None:
        upstream = HttpUpstream(UpstreamTarget(url), settings())
        call = Call(CHAT.encode(), b"", [], b"{}")
        first = called(upstream, call)
        await first.until(first.is_over)
        second = called(upstream, call)
        assert second.calling is first.calling
        while len(told.requests) < 2:  # noqa: ASYNC110 - another thread appends
            await asyncio.sleep(0.001)
        first.leave()
        go_on.set()
        await second.until(second.is_over)
        assert second.body == b"{}"
        await upstream.close()

    with scripted(script) as told:
        asyncio.run(asyncio.wait_for(story(told.url), BOUND_S))
        assert len(told.requests) == 2


def test_a_connection_is_used_again(world, key):
    with scripted(says_and_stays(OK + b"content-length: 2\r\n\r\n{}")) as upstream:
        with running(world, upstream.url) as gate, Raw(gate.port) as client:
            for _ in range(3):
                assert client.send(post(CHAT, chat(), key)).response()[2] == b"{}"
            assert not upstream.closed.is_set()
        assert len(upstream.requests) == 3


# What comes back


def test_only_end_to_end_headers_come_back():
    given = [
        (b"Content-Type", b"application/json"),
        (b"Content-Length", b"2"),
        (b"Connection", b"keep-alive, X-Hop"),
        (b"Keep-Alive", b"timeout=5"),
        (b"X-Hop", b"gone"),
        (b"Transfer-Encoding", b"chunked"),
        (b"Set-Cookie", b"a=b"),
        (b"Set-Cookie", b"c=d"),
        (b"Alt-Svc", b'h3=":443"'),
        (b"Server", b"upstream/1"),
        (b"Trailer", b"x"),
        (b"Upgrade", b"h2c"),
        (b"X-RateLimit-Remaining", b"1"),
        (b"anthropic-ratelimit-requests-remaining", b"1"),
        (b"OpenAI-Organization", b"org-1"),
        (b"openai-project", b"proj_1"),
        (b"anthropic-organization-id", b"1"),
        (b"CF-Ray", b"1"),
        (b"X-Accel-Redirect", b"/internal/keys"),
        (b"X-Sluicegate-From", b"forged"),
        (b"Strict-Transport-Security", b"max-age=1"),
        (b"Access-Control-Allow-Origin", b"*"),
        (b"WWW-Authenticate", b"Bearer"),
        (b"Via", b"1.1 inside"),
        (b"Retry-After", b"1"),
        (b"X-Request-Id", b"req_1"),
        (b"Content-Encoding", b"gzip"),
    ]
    assert end_to_end([(name.lower(), value) for name, value in given]) == [
        (b"content-type", b"application/json"),
        (b"content-length", b"2"),
        (b"retry-after", b"1"),
        (b"x-request-id", b"req_1"),
        (b"content-encoding", b"gzip"),
    ]


@pytest.mark.parametrize("status", [400, 404, 418, 429, 500, 503, 529])
def test_an_upstreams_error_in_its_own_form_comes_back_unchanged_and_marked(world, key, status):
    body = b'{"error": "so it is"}'
    said = b"HTTP/1.1 %d Whatever\r\nretry-after: 1\r\nx-y: z\r\ncontent-length: %d\r\n\r\n%b" % (
        status,
        len(body),
        body,
    )
    with between(world, says_and_stays(said)) as (upstream, _gate, client):
        answered, headers, content = client.send(post(CHAT, STREAM, key)).response()
        assert (answered, content) == (status, body)
        assert (headers["retry-after"], headers["x-y"]) == ("1", "z")
        assert headers["x-sluicegate-from"] == "upstream"
        assert len(upstream.requests) == 1


def test_a_redirect_is_not_followed_and_not_passed_on(world, key):
    said = b"HTTP/1.1 307 Temporary Redirect\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n"
    with between(world, says_and_stays(said)) as (upstream, _gate, client):
        status, headers, _ = client.send(post(CHAT, chat(), key)).response()
        assert (status, headers.get("location")) == (502, None)
        assert len(upstream.requests) == 1


def test_no_cookie_is_kept(world, key):
    said = OK + b"set-cookie: a=b; Path=/\r\ncontent-length: 2\r\n\r\n{}"
    with scripted(says_and_stays(said)) as upstream:
        by_name = upstream.url.replace("127.0.0.1", "localhost")  # cookies are kept for names only
        with running(world, by_name) as gate, Raw(gate.port) as client:
            for _ in range(2):
                assert "set-cookie" not in client.send(post(CHAT, chat(), key)).response()[1]
        assert len(upstream.requests) == 2
        assert not any(b"ookie" in request for request in upstream.requests)


def test_an_encoded_body_comes_back_as_it_is(world, key):
    body = zlib.compress(b"{}")
    said = OK + b"content-encoding: deflate\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)
    with between(world, says_and_stays(said)) as (_upstream, _gate, client):
        _, headers, content = client.send(post(CHAT, chat(), key)).response()
        assert (headers["content-encoding"], content) == ("deflate", body)


def test_an_encoded_stream_is_refused(world, key):
    said = EVENTS.replace(b"\r\n\r\n", b"\r\ncontent-encoding: gzip\r\n\r\n") + chunk(b"\x1f\x8b")
    with between(world, says_and_stays(said)) as (upstream, _gate, client):
        status, _, body = client.send(post(CHAT, STREAM, key)).response()
        assert (status, error_of(body)["code"]) == (502, "upstream_failed")
        assert upstream.closed.wait(BOUND_S)


def test_a_stream_in_odd_pieces_is_byte_exact(world, key):
    content = b": note\r\n\r\ndata: a\r\rdata: {\ndata: }\n\nid: 1\nretry: 5\n\n\n\ndata: [DONE]\r\n\r\n"
    pieces = [chunk(content[at : at + 1]) for at in range(len(content))]
    with between(world, says_and_stays(EVENTS, *pieces, b"0\r\n\r\n")) as (_upstream, _gate, client):
        seen = client.send(post(CHAT, STREAM, key)).until(b"\r\n0\r\n\r\n")
        assert dechunked(seen.partition(b"\r\n\r\n")[2]) == content


def test_a_stream_of_known_length_can_still_get_an_error(world, key):
    """A Content-Length would leave no room for the event that ends a cut stream."""
    said = OK.replace(b"application/json", b"Text/Event-Stream; charset=utf-8")
    content = EVENT + b"data: [DONE]\n\n"
    said += b"content-length: %d\r\n\r\n%b" % (len(content), content)
    with between(world, says_and_stays(said)) as (_upstream, _gate, client):
        seen = client.send(post(CHAT, STREAM, key)).until(b"\r\n0\r\n\r\n")
    assert "content-length" not in parse_head(seen.partition(b"\r\n\r\n")[0])[1]


def test_no_content_is_no_content(world, key):
    said = b"HTTP/1.1 204 No Content\r\n\r\n"
    with between(world, says_and_stays(said)) as (_upstream, _gate, client):
        for _ in range(2):
            head = client.send(post(CHAT, chat(), key)).until(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 204")
            assert b"transfer-encoding" not in head
            assert b"content-length" not in head
            client.seen = client.seen.partition(b"\r\n\r\n")[2]
        assert client.seen == b""


def test_a_body_without_length_is_passed_on(world, key):
    with scripted(says(OK + b"\r\n", b'{"a":', b"1}")) as upstream, running(world, upstream.url) as gate:
        with Raw(gate.port) as client:
            seen, reset = client.send(post(CHAT, chat(), key, "Connection: close")).rest()
        assert not reset
        assert b'{"a":' in seen


# How it fails


def test_an_upstream_that_is_down(world, key):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = url_of(listener)
    with running(world, url) as gate:
        for path in (CHAT, "/v1/messages"):
            with Raw(gate.port) as client:
                status, _, body = client.send(post(path, chat(), key)).response()
                assert status == 502
                assert "cannot be reached" in error_of(body)["message"]
                assert "127.0.0.1" not in body.decode()
        assert counted(gate, "upstream_unreachable") == 2
        assert gate.in_flight() == 0


def test_one_that_does_not_accept(world, key):
    # Linux completes backlog + 1 connections by itself, and lets further ones wait.
    with (
        socket.create_server(("127.0.0.1", 0), backlog=0) as listener,
        socket.create_connection(listener.getsockname()),
        running(world, url_of(listener), upstream_connect_ms=200) as gate,
        Raw(gate.port) as client,
    ):
        status, _, body = client.send(post(CHAT, chat(), key)).response()
    assert (status, error_of(body)["code"]) == (504, "upstream_timeout")


def test_an_upstream_that_nobody_configured(world):
    world.release("other", ["demo-elsewhere"], upstream="elsewhere")
    world.open_stage("other")
    key = world.customer("org-1", "other")
    with running(world, "http://127.0.0.1:1") as gate, Raw(gate.port) as client:
        assert client.send(post(CHAT, chat("demo-elsewhere"), key)).response()[0] == 502
        assert gate.in_flight() == 0


@pytest.mark.parametrize(
    "said",
    [
        [b""],
        [b"HTTP/1.1 200 OK\r\nconte"],
        [b"nonsense\r\n\r\n"],
        [b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n"],
        [OK + b"content-length: 10\r\n\r\n"],
        [OK + b"transfer-encoding: chunked\r\n\r\n"],
        [OK + b"transfer-encoding: chunked\r\n\r\nzz\r\n"],
        [OK + b"content-length: 2\r\ncontent-length: 3\r\n\r\n{}"],
        [OK + b"x: " + b"y" * 100_000 + b"\r\n\r\n"],
    ],
    ids=range(9),
)
def test_one_that_dies_or_talks_nonsense_before_its_body(world, key, said):
    with between(world, says(*said)) as (upstream, gate, client):
        status, headers, body = client.send(post(CHAT, chat(), key)).response()
        assert (status, error_of(body)["code"]) == (502, "upstream_failed")
        assert "connection" not in headers
        assert len(upstream.requests) == 1
        assert gate.in_flight() == 0


@pytest.mark.parametrize(
    "framing", [b"content-length: 100\r\n\r\n{half", b"transfer-encoding: chunked\r\n\r\n5\r\n{half\r\n"]
)
def test_one_that_dies_inside_a_body(world, key, framing):
    with between(world, says(OK + framing)) as (_upstream, gate, client):
        seen, reset = client.send(post(CHAT, chat(), key)).rest()
        assert reset or b"502 Bad Gateway" in seen
        assert b"\r\n0\r\n\r\n" not in seen
        assert gate.in_flight() == 0


@pytest.mark.parametrize("path", [CHAT, "/v1/responses", "/v1/messages"])
def test_one_that_dies_inside_a_stream(world, key, path):
    said = says(EVENTS, chunk(EVENT), chunk(b"data: hal"))
    with between(world, said) as (_upstream, gate, client):
        seen, reset = client.send(post(path, STREAM, key)).rest()
        content = dechunked(seen.partition(b"\r\n\r\n")[2])
        assert not reset
        assert b"\r\n0\r\n\r\n" not in seen
        assert content.startswith(EVENT)
        assert b"data: hal" not in content
        error = json.loads(content[len(EVENT) :].partition(b"data: ")[2])["error"]
        assert "failed before its answer was complete" in error["message"]
        assert counted(gate, "upstream_failed") == 1


def test_openai_raises_when_the_upstream_dies_inside_a_stream(world, key):
    with between(world, says(EVENTS, chunk(EVENT))) as (_upstream, gate, _), ai(gate, key) as client:
        stream = client.chat.completions.create(model=MODEL, messages=[], stream=True)
        with pytest.raises(openai.APIError, match="failed before"):
            list(stream)


def test_anthropic_raises_when_the_upstream_dies_inside_a_stream(world, key):
    said = says(EVENTS, chunk(b'event: ping\ndata: {"type": "ping"}\n\n'))
    with between(world, said) as (_upstream, gate, _), anthropic_api(gate, key) as client:
        stream = client.messages.create(model=MODEL, max_tokens=1, messages=[], stream=True)
        with pytest.raises(anthropic.APIStatusError, match="failed before"):
            list(stream)


def test_a_stream_whose_event_never_ends(world, key):
    said = [EVENTS, chunk(EVENT), *[chunk(b"x" * 10_000)] * 8]
    with scripted(says_and_stays(*said)) as upstream:
        with running(world, upstream.url, max_event_bytes=50_000) as gate, Raw(gate.port) as client:
            seen, _ = client.send(post(CHAT, STREAM, key, "Connection: close")).rest()
            assert b"event_too_large" in seen
            assert b"xxx" not in seen
        assert upstream.closed.wait(BOUND_S)


def test_one_that_is_silent(world, key):
    with scripted(says_and_stays()) as upstream:
        with running(world, upstream.url, upstream_idle_ms=200) as gate, Raw(gate.port) as client:
            status, _, body = client.send(post(CHAT, chat(), key)).response()
            assert (status, error_of(body)["code"]) == (504, "upstream_timeout")
        assert upstream.closed.wait(BOUND_S)


def test_one_that_falls_silent_inside_a_stream(world, key):
    with scripted(says_and_stays(EVENTS, chunk(EVENT))) as upstream:
        with running(world, upstream.url, upstream_idle_ms=200) as gate, Raw(gate.port) as client:
            seen, _ = client.send(post(CHAT, STREAM, key)).rest()
            assert b"upstream_timeout" in seen
        assert upstream.closed.wait(BOUND_S)


def test_a_client_that_leaves_while_its_body_goes_up(world, key):
    """The upstream does not read; what is buffered for it is dropped, or it might yet be answered."""
    with socket.create_server(("127.0.0.1", 0), backlog=1) as listener:
        listener.settimeout(BOUND_S)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        url = url_of(listener)
        body = json.dumps(chat(padding="x" * 8_000_000)).encode()
        with running(world, url) as gate:
            with Raw(gate.port) as client:
                client.send(post(CHAT, body, key))
                connection, _ = listener.accept()
            assert eventually(lambda: gate.in_flight() == 0)
            with connection:
                connection.settimeout(BOUND_S)
                assert len(read_all(connection)) < len(body)


def read_all(connection: socket.socket) -> bytes:
    data = b""
    try:
        while piece := connection.recv(1 << 20):
            data += piece
    except ConnectionResetError:
        pass
    return data
