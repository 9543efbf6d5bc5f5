"""Connections to an upstream: how an answer is framed, when a connection serves another call, and TLS."""

from __future__ import annotations

import asyncio
import random
import socket
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluicegate.errors import InvalidInput
from sluicegate.gate.upstream import IDLE_CONNECTION_S, Call, HttpUpstream
from sluicegate.gate.upstream_connection import HEAD_BYTES, UpstreamConnection
from sluicegate.http.tcp import IDLE_S
from sluicegate.settings import UpstreamTarget
from tests.gate.clients import chat, post
from tests.gate.running import running, settings
from tests.gate.scripted import says, says_and_stays, scripted
from tests.gate.taking import Taker, called, whole
from tests.raw import Raw
from tests.waiting import BOUND_S, eventually

CALL = Call(b"/v1/chat/completions", b"", [], b"{}")
OK = b"HTTP/1.1 200 OK\r\n"
TWO = OK + b"content-length: 2\r\n\r\n{}"
CHUNKED = OK + b"transfer-encoding: chunked\r\n\r\n"


def with_upstream(url: str, story: Callable[[HttpUpstream], Awaitable[Any]], **changes: Any) -> Any:
    """Tell a story of one upstream in a loop of its own."""

    async def told() -> Any:
        upstream = HttpUpstream(UpstreamTarget(url), settings(**changes))
        try:
            return await asyncio.wait_for(story(upstream), BOUND_S)
        finally:
            await upstream.close()

    return asyncio.run(told())


# How an answer is framed

GOOD = {
    "length": (TWO, b"{}"),
    "names in capitals": (OK + b"CONTENT-LENGTH: 2\r\n\r\n{}", b"{}"),
    "nothing": (OK + b"content-length: 0\r\n\r\n", b""),
    "chunks": (CHUNKED + b"1\r\n{\r\n01\r\n}\r\n0\r\n\r\n", b"{}"),
    "a chunk extension": (CHUNKED + b"2;name=value\r\n{}\r\n0\r\n\r\n", b"{}"),
    "trailers": (CHUNKED + b"2\r\n{}\r\n0\r\nx-later: 1\r\n\r\n", b"{}"),
    "no chunk": (CHUNKED + b"0\r\n\r\n", b""),
    "an interim answer": (b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" + TWO, b"{}"),
    "two interim answers": (b"HTTP/1.1 100 Continue\r\n\r\n" * 2 + TWO, b"{}"),
    "1.0 that stays": (b"HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 2\r\n\r\n{}", b"{}"),
}
TO_THE_END = {
    "1.1": (OK + b"\r\n{}", b"{}"),
    "1.0": (b"HTTP/1.0 200 OK\r\n\r\n{}", b"{}"),
    "with length": (OK + b"connection: close\r\ncontent-length: 2\r\n\r\n{}", b"{}"),
    "nothing": (OK + b"\r\n", b""),
}
BROKEN = {
    "length and chunks": OK + b"content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "chunks and length": OK + b"transfer-encoding: chunked\r\ncontent-length: 2\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "two lengths": OK + b"content-length: 2\r\ncontent-length: 3\r\n\r\n{}",
    "a length twice": OK + b"content-length: 2\r\ncontent-length: 2\r\n\r\n{}",
    "a list of lengths": OK + b"content-length: 2, 2\r\n\r\n{}",
    "a length with a sign": OK + b"content-length: +2\r\n\r\n{}",
    "a negative length": OK + b"content-length: -2\r\n\r\n{}",
    "an empty length": OK + b"content-length: \r\n\r\n{}",
    "another coding": OK + b"transfer-encoding: gzip\r\n\r\n{}",
    "two codings": OK + b"transfer-encoding: gzip, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "chunked twice": OK + b"transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks in 1.0": b"HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "another protocol": b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
    "another protocol, unsaid": b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
    "another version": b"HTTP/2.0 200 OK\r\ncontent-length: 2\r\n\r\n{}",
    "no HTTP": b"ICY 200 OK\r\n\r\n{}",
    "an interim answer with a body": b"HTTP/1.1 103 Early Hints\r\ncontent-length: 2\r\n\r\n{}" + TWO,
    "no content with content": b"HTTP/1.1 204 No Content\r\ncontent-length: 2\r\n\r\n{}",
    "not modified": b"HTTP/1.1 304 Not Modified\r\ncontent-length: 2\r\n\r\n",
    "a bad chunk": CHUNKED + b"2\r\n{}\r\nzz\r\n",
    "a chunk too long": CHUNKED + b"2\r\n{}}\r\n0\r\n\r\n",
    "a negative chunk": CHUNKED + b"-2\r\n{}\r\n0\r\n\r\n",
    "a huge chunk": CHUNKED + b"1" + b"0" * 16 + b"\r\n{}",
    "the end inside a length": OK + b"content-length: 3\r\n\r\n{}",
    "the end inside a chunk": CHUNKED + b"3\r\n{}",
    "the end between chunks": CHUNKED + b"2\r\n{}\r\n",
    "the end inside the last chunk": CHUNKED + b"2\r\n{}\r\n0\r\n",
    "the end inside the head": OK + b"content-le",
    "the end after an interim answer": b"HTTP/1.1 100 Continue\r\n\r\n",
    "a space before the colon": OK + b"content-length : 2\r\n\r\n{}",
    "a folded field": OK + b"x: a\r\n b\r\ncontent-length: 2\r\n\r\n{}",
    "a bare CR": OK + b"x: a\rb\r\ncontent-length: 2\r\n\r\n{}",
    "a NUL": OK + b"x: a\0b\r\ncontent-length: 2\r\n\r\n{}",
    "a large head": OK + b"x: " + b"y" * HEAD_BYTES + b"\r\ncontent-length: 2\r\n\r\n{}",
    "a head of many fields": OK + b"x: y\r\n" * HEAD_BYTES + b"content-length: 2\r\n\r\n{}",
    "a head without end": OK + b"x: " + b"y" * 1_000_000,
    "interim answers without end": b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" * 10_000 + TWO,
    "an extension without end": CHUNKED + b"2\r\n{}\r\n1;" + b"x" * 1_000_000,
    "trailers without end": CHUNKED + b"2\r\n{}\r\n0\r\n" + b"x: y\r\n" * 200_000,
}


@pytest.mark.parametrize("case", GOOD)
def test_an_answer_is_read_and_its_connection_used_again(case):
    said, body = GOOD[case]

    async def story(upstream: HttpUpstream) -> None:
        assert [await whole(upstream, CALL) for _ in range(3)] == [(200, body)] * 3

    with scripted(says_and_stays(said)) as told:
        with_upstream(told.url, story)
        assert (told.connections, len(told.requests)) == (1, 3)


@pytest.mark.parametrize("case", TO_THE_END)
def test_an_answer_that_ends_with_its_connection(case):
    said, body = TO_THE_END[case]

    async def story(upstream: HttpUpstream) -> None:
        assert [await whole(upstream, CALL) for _ in range(2)] == [(200, body)] * 2

    with scripted(says(said)) as told:
        with_upstream(told.url, story)
        assert (told.connections, len(told.requests)) == (2, 2)


@pytest.mark.parametrize("case", BROKEN)
def test_an_answer_that_could_be_read_in_two_ways_is_a_failure(case):
    async def story(upstream: HttpUpstream) -> None:
        assert await whole(upstream, CALL) == (0, b"upstream_failed")

    with scripted(says(BROKEN[case])) as told:
        with_upstream(told.url, story)
        assert told.closed.wait(BOUND_S)
        assert len(told.requests) == 1


@pytest.mark.parametrize(
    "said",
    [TWO + b"HTTP/1.1 200 OK\r\n", TWO + b"x", TWO + TWO, CHUNKED + b"2\r\n{}\r\n0\r\n\r\n" + TWO],
    ids=range(4),
)
def test_what_nobody_asked_for_ends_the_connection(said):
    async def story(upstream: HttpUpstream) -> None:
        assert [await whole(upstream, CALL) for _ in range(2)] == [(200, b"{}")] * 2

    with scripted(says_and_stays(said)) as told:
        with_upstream(told.url, story)
        assert told.connections == 2


def test_an_idle_connection_that_speaks_is_not_used_again():
    speak = threading.Event()

    def script(connection: socket.socket, _: bytes) -> None:
        connection.sendall(TWO)
        if len(told.requests) == 1:
            assert speak.wait(BOUND_S)
            connection.sendall(TWO)

    async def story(upstream: HttpUpstream) -> None:
        assert await whole(upstream, CALL) == (200, b"{}")
        speak.set()
        while upstream._idle:  # noqa: ASYNC110 - a thread speaks
            await asyncio.sleep(0.001)
        assert await whole(upstream, CALL) == (200, b"{}")

    with scripted(script) as told:
        with_upstream(told.url, story)
        assert told.connections == 2


def test_an_idle_connection_that_ends_is_not_used_again():
    async def story(upstream: HttpUpstream) -> None:
        for _ in range(3):
            assert await whole(upstream, CALL) == (200, b"{}")
            while upstream._idle:  # noqa: ASYNC110 - a thread hangs up
                await asyncio.sleep(0.001)
        assert not upstream._open

    with scripted(says(TWO)) as told:
        with_upstream(told.url, story)
        assert told.connections == 3


def test_a_connection_that_was_idle_for_long_is_not_used_again():
    async def story(upstream: HttpUpstream) -> None:
        assert await whole(upstream, CALL) == (200, b"{}")
        upstream._idle[0].idle_since_s -= IDLE_CONNECTION_S
        assert await whole(upstream, CALL) == (200, b"{}")
        assert len(upstream._open) == 2
        upstream._sweep()
        assert len(upstream._open) == 1
        upstream._idle[0].idle_since_s -= IDLE_CONNECTION_S
        upstream._sweep()
        assert not upstream._open

    with scripted(says_and_stays(TWO)) as told:
        with_upstream(told.url, story)
        assert told.connections == 2


def test_connections_have_a_bound():
    async def story(upstream: HttpUpstream) -> None:
        first = called(upstream, CALL)
        assert await whole(upstream, CALL) == (0, b"upstream_unreachable")
        await first.until(lambda: first.status)
        assert await whole(upstream, CALL) == (0, b"upstream_unreachable")
        first.leave()
        assert (await whole(upstream, CALL))[0] == 200

    said = iter([OK + b"content-length: 9\r\n\r\n", TWO])
    with scripted(lambda connection, _: connection.sendall(next(said))) as told:
        with_upstream(told.url, story, max_upstream_connections=1)


def test_a_call_that_is_given_up_while_it_connects_leaves_nothing():
    async def story(upstream: HttpUpstream) -> None:
        for pauses in range(8):
            taker = called(upstream, CALL)
            for _ in range(pauses):
                await asyncio.sleep(0)
            taker.leave()
            assert not upstream._open
            await asyncio.sleep(0)
            assert not taker.is_over()

    with scripted(says_and_stays()) as told:
        with_upstream(told.url, story)


def test_an_answer_before_the_whole_request_is_an_answer():
    """The rest of the body is not sent, and the connection serves no other call."""
    call = CALL._replace(body=b"x" * 20_000_000)

    async def story(upstream: HttpUpstream) -> None:
        assert await whole(upstream, call) == (413, b"")
        await asyncio.to_thread(eventually, lambda: not upstream._open)

    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(1000)
            connection.sendall(b"HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\n\r\n")
            try:
                while connection.recv(1 << 20):
                    pass
            except ConnectionResetError:
                pass

    with listener:
        serving = threading.Thread(target=serve)
        serving.start()
        with_upstream(f"http://127.0.0.1:{listener.getsockname()[1]}", story)
        serving.join(BOUND_S)


@pytest.mark.parametrize("most", [1, 1 << 16, 1 << 22])
def test_a_body_comes_as_it_is_taken(most: int):
    """What is not taken stays in the kernel, and at the upstream: nothing waits here."""
    content = random.Random(most).randbytes(20_000_000)

    async def story(upstream: HttpUpstream) -> None:
        taker = called(upstream, CALL, most)
        while not taker.is_whole:
            await taker.until(lambda: taker.is_sated or taker.is_whole)
            came = len(taker.body)
            for _ in range(3):
                await asyncio.sleep(0)
            assert len(taker.body) == came
            taker.resume()
        assert taker.body == content
        assert taker.fault is None

    with scripted(says(OK + b"\r\n", content)) as told:
        with_upstream(told.url, story)


# Borders


class Transport(asyncio.Transport):
    """A transport without a network."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = bytearray()
        self.aborted = False
        self._socket = socket.socket()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._socket if name == "socket" else default

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def get_write_buffer_size(self) -> int:
        return 0

    def write(self, data: Any) -> None:
        self.sent += data

    def is_closing(self) -> bool:
        return self.aborted

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass

    def abort(self) -> None:
        self.aborted = True
        self._socket.close()


async def heard(pieces: list[bytes]) -> tuple[int, bytes, bool]:
    """What a call hears when an upstream says this and hangs up: status, body, whether it is whole."""
    url = "http://127.0.0.1:1"
    upstream = HttpUpstream(UpstreamTarget(url), settings())
    connection, transport, taker = UpstreamConnection(upstream, BOUND_S), Transport(), Taker()
    connection.connection_made(transport)
    connection.ask(b"", b"", taker)
    for piece in pieces:
        if not transport.aborted:
            connection.data_received(piece)
    if not transport.aborted:
        connection.eof_received()
    connection.connection_lost(None)
    transport.abort()
    assert taker.is_over()
    return taker.status, bytes(taker.body), taker.is_whole


ALL = [*GOOD.values(), *TO_THE_END.values(), *((said, b"") for said in BROKEN.values())]
SMALL = [said for said, _ in ALL if len(said) < 1000]


@given(st.sampled_from(SMALL), st.lists(st.integers(0, 200), max_size=8).map(sorted))
def test_where_the_pieces_end_changes_nothing(said: bytes, cuts: list[int]) -> None:
    pieces = [said[a:b] for a, b in zip([0, *cuts], [*cuts, len(said)], strict=True) if said[a:b]]

    async def both() -> None:
        assert await heard(pieces) == await heard([said])

    asyncio.run(both())


@pytest.mark.parametrize("said", SMALL, ids=range(len(SMALL)))
def test_byte_by_byte_changes_nothing(said: bytes) -> None:
    async def both() -> None:
        assert await heard([said[at : at + 1] for at in range(len(said))]) == await heard([said])

    asyncio.run(both())


# URLs


@pytest.mark.parametrize(
    "url",
    [
        "",
        "host",
        "ftp://host",
        "http://",
        "http://:80",
        "http://host:0",
        "http://host:99999",
        "http://host:x",
        "http://user:word@host",
        "http://host/?a=b",
        "http://host/#a",
        "http://host/a b",
        "http://host/é",
    ],
)
def test_a_url_that_is_not_one_is_refused(url):
    with pytest.raises(InvalidInput, match="the upstream's URL"):
        HttpUpstream(UpstreamTarget(url), settings())


def test_a_base_goes_before_the_path():
    async def story(upstream: HttpUpstream) -> None:
        assert await whole(upstream, CALL) == (200, b"{}")

    with scripted(says_and_stays(TWO)) as told:
        with_upstream(told.url + "/a/b/", story)
        assert told.requests[0].startswith(b"POST /a/b/v1/chat/completions HTTP/1.1\r\n")


def test_silence_counts_only_while_the_upstream_is_expected_to_speak():
    """A body that nobody reads keeps its connection."""

    async def story(upstream: HttpUpstream) -> None:
        taker = called(upstream, CALL, most=1)
        await taker.until(lambda: taker.is_sated)
        connection: Any = taker.calling
        connection._spoke_s -= BOUND_S
        connection._watch()
        assert not taker.is_over()
        assert not connection.is_over
        taker.leave()

    with scripted(says_and_stays(OK + b"\r\n", b"x" * 1_000_000)) as told:
        with_upstream(told.url, story)


def test_the_system_asks_whether_silent_peers_are_there(world):
    """Both of the client and of the upstream."""
    key = world.customer()
    with scripted(says_and_stays(TWO)) as told, running(world, told.url) as gate, Raw(gate.port) as client:
        client.send(post(CALL.path.decode(), chat(), key)).response()
        connections: list[Any] = [*gate.upstream._open, *gate.do(lambda: list(gate.server._capacity))]
        assert len(connections) == 2
        for connection in connections:
            sock = connection._transport.get_extra_info("socket")
            assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == IDLE_S
