"""Requests that are ended in flight: by a directive, a lease, a client that leaves or does not read."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from typing import Any

import anthropic
import openai
import pytest

from sluicegate.gate.upstream import Call, Calling
from sluicegate.gate.upstream_connection import Recipient
from tests.clock import Clock
from tests.gate import world as worlds
from tests.gate.clients import ai, anthropic_api, calls, chat, counted, dechunked, get, post
from tests.gate.running import Running, running
from tests.gate.world import MODEL
from tests.raw import Raw, parse_head
from tests.waiting import eventually

STREAM = chat(stream=True)
PATHS = ["/v1/chat/completions", "/v1/completions", "/v1/responses", "/v1/messages"]


def begin(gate: Running, key: str, path: str = PATHS[0], body: Any = STREAM, **more: Any) -> Raw:
    """Ask, and wait for the first bytes of the answer's body."""
    client = Raw(gate.port).send(post(path, body, key, **more))
    client.until(b"\r\n\r\n")
    while client.seen.endswith(b"\r\n\r\n"):
        client.seen += client.sock.recv(100)
    return client


def state(upstream: str) -> str:
    return str(calls(upstream)[-1]["state"])


def last_event(content: bytes) -> Any:
    assert content.endswith(b"\n\n")
    return json.loads(content[:-2].rpartition(b"\n\n")[2].rpartition(b"data: ")[2])


@pytest.mark.parametrize("path", PATHS)
def test_a_cut_stream_ends_with_an_error_and_no_proper_end(paced, world, path):
    key = world.customer()
    body = {
        "model": MODEL,
        "stream": True,
        "messages": [{"role": "user", "content": "a"}],
        "prompt": "a",
        "input": "a",
    }
    with running(world, paced) as gate, begin(gate, key, path, body) as client:
        world.suspend("bis-1", [MODEL])
        gate.advance()
        assert gate.in_flight() in {0, 1}
        seen, reset = client.rest()
        assert not reset
        assert b"\r\n0\r\n" not in seen
        assert b"[DONE]" not in seen
        assert seen.endswith(b"\n\n\r\n")
        error = last_event(dechunked(seen.partition(b"\r\n\r\n")[2]))["error"]
        assert error["sluicegate"]["directive"] == "bis-1"
        assert error["sluicegate"]["size"] == gate.do(lambda: gate.engine.table.size)
        assert eventually(lambda: state(paced) == "closed_by_caller")
        assert eventually(lambda: gate.in_flight() == 0)
        assert gate.do(lambda: gate.engine.cut_by) == {"bis-1": 1}
        assert 'sluicegate_cut_total{reason="directive_in_force"} 1.0' in get(f"{gate.url}/metrics")[1]


def test_nothing_is_written_after_the_cut_returns(paced, world):
    key = world.customer()
    with running(world, paced) as gate, begin(gate, key) as client:
        world.suspend("bis-1", [MODEL])
        gate.advance()  # what the client's kernel does not have yet is on its way, and is the last
        seen, _ = client.rest()
        events = dechunked(seen.partition(b"\r\n\r\n")[2]).split(b"\n\n")
        assert [b'"error"' in event for event in events[:-1]] == [False] * (len(events) - 2) + [True]


def test_openai_raises_on_a_cut_stream(paced, world):
    key = world.customer()
    with running(world, paced) as gate, ai(gate, key) as client:
        stream = client.chat.completions.create(
            model=MODEL, messages=[{"role": "user", "content": "a"}], stream=True
        )
        next(stream)
        world.suspend("bis-1", [MODEL])
        gate.advance()
        with pytest.raises(openai.APIError, match="suspended by a directive"):
            list(stream)
        assert counted(gate, "directive_in_force") == 1
        assert len(calls(paced)) == 1


def test_openai_raises_on_a_cut_response(paced, world):
    key = world.customer()
    with running(world, paced) as gate, ai(gate, key) as client:
        stream = client.responses.create(model=MODEL, input="a", stream=True)
        next(stream)
        world.suspend("bis-1", [MODEL])
        gate.advance()
        with pytest.raises(openai.APIError, match="suspended by a directive"):
            list(stream)


def test_anthropic_raises_on_a_cut_stream(paced, world):
    key = world.customer()
    with running(world, paced) as gate, anthropic_api(gate, key) as client:
        said: list[Any] = [{"role": "user", "content": "a"}]
        stream = client.messages.create(model=MODEL, max_tokens=9, messages=said, stream=True)
        next(stream)
        world.suspend("bis-1", [MODEL])
        gate.advance()
        with pytest.raises(anthropic.APIStatusError, match="suspended by a directive"):
            list(stream)


@pytest.mark.parametrize("stream", [True, False])
def test_a_response_not_begun_becomes_the_refusal(silent, world, stream):
    key = world.customer()
    with running(world, silent) as gate, Raw(gate.port) as client:
        client.send(post("/v1/chat/completions", chat(stream=stream), key))
        assert eventually(lambda: calls(silent))
        world.suspend("bis-1", [MODEL])
        gate.advance()
        status, headers, body = client.response()
        assert (status, json.loads(body)["error"]["code"]) == (451, "directive_in_force")
        assert "connection" not in headers
        assert eventually(lambda: state(silent) == "closed_by_caller")
        # The request was read whole, so the connection serves the next one.
        status, _, body = client.send(post("/v1/chat/completions", chat(), key)).response()
        assert status == 451
        assert eventually(lambda: gate.in_flight() == 0)


def test_a_half_sent_body_is_reset(paced, world):
    key = world.customer()
    with running(world, paced) as gate, begin(gate, key, body=chat()) as client:
        length = int(parse_head(client.seen.partition(b"\r\n\r\n")[0])[1]["content-length"])
        world.suspend("bis-1", [MODEL])
        gate.advance()
        seen, reset = client.rest()
        assert reset
        assert len(seen.partition(b"\r\n\r\n")[2]) < length
        assert eventually(lambda: state(paced) == "closed_by_caller")
        assert eventually(lambda: gate.in_flight() == 0)


def test_a_revoked_key_cuts_its_streams_only(paced, world):
    grant = world.grant("org-1")
    revoked, credential = world.credential(grant)
    kept, _ = world.credential(grant)
    with running(world, paced) as gate, begin(gate, revoked) as client, begin(gate, kept) as other:
        world.revoke(credential)
        gate.advance()
        assert b"credential_revoked" in client.rest()[0]
        before = len(other.seen)
        other.seen += other.sock.recv(1)
        assert len(other.seen) > before
        assert gate.in_flight() == 1


def test_spared_streams_are_byte_exact(quick, world):
    covered = [world.customer(f"org-{number}") for number in range(20)]
    spared = [world.customer(f"spared-{number}") for number in range(20)]
    body = chat(stream=True, messages=[{"role": "user", "content": "ä" * 2_000}])
    with running(world, quick) as gate:
        with Raw(gate.port) as client:
            whole = client.send(post(PATHS[0], body, spared[0])).until(b"\r\n0\r\n\r\n")
        content = dechunked(whole.partition(b"\r\n\r\n")[2])
        clients = {key: Raw(gate.port) for key in covered + spared}
        for key, client in clients.items():
            client.send(post(PATHS[0], body, key))
        world.suspend("bis-1", [MODEL], [f"org-{number}" for number in range(20)])
        gate.advance()
        for key in spared:
            seen = clients[key].until(b"\r\n0\r\n\r\n")
            assert dechunked(seen.partition(b"\r\n\r\n")[2]) == content
        for key in covered:
            clients[key].sock.shutdown(socket.SHUT_WR)
            seen, _ = clients[key].rest()
            assert b"\r\n0\r\n\r\n" in seen or b"directive_in_force" in seen or not seen
        for client in clients.values():
            client.sock.close()


def test_a_1_0_client_is_cut_too(paced, world):
    key = world.customer()
    with running(world, paced) as gate, begin(gate, key, version="1.0") as client:
        world.suspend("bis-1", [MODEL])
        gate.advance()
        seen, _ = client.rest()
        assert last_event(seen)["error"]["code"] == "directive_in_force"


def test_a_request_waiting_behind_a_cut_one_is_not_answered(paced, world):
    key = world.customer()
    with running(world, paced) as gate, begin(gate, key) as client:
        client.send(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
        world.suspend("bis-1", [MODEL])
        gate.advance()
        seen, _ = client.rest()
        assert seen.count(b"HTTP/1.1 ") == 1


# Clients that do not read


def clogged(gate: Running, key: str) -> Raw:
    """A client that does not read, and for which the gateway has begun to wait for good."""
    client = Raw(gate.port, receive_buffer=4096).send(post(PATHS[0], STREAM, key))
    waits = 0

    def still() -> bool:
        nonlocal waits
        waits = waits + 1 if gate.waits_for_a_client() else 0
        return waits == 20

    assert eventually(still)
    return client


def test_a_client_that_does_not_read_is_reset(flood, world):
    key = world.customer()
    with running(world, flood) as gate, clogged(gate, key) as client:
        world.suspend("bis-1", [MODEL])
        gate.advance()
        assert eventually(lambda: gate.do(lambda: gate.engine.cut_by) == {"bis-1": 1})
        assert eventually(lambda: gate.in_flight() == 0)
        assert eventually(lambda: state(flood) == "closed_by_caller")
        seen, reset = client.rest()
        assert reset
        assert len(seen) < 512 * 1024


def test_a_client_that_stops_reading_without_a_cut_is_given_up(flood, world):
    key = world.customer()
    with (
        running(world, flood, write_timeout_ms=200) as gate,
        Raw(gate.port, receive_buffer=4096).send(post(PATHS[0], STREAM, key)) as client,
    ):
        assert eventually(lambda: counted(gate, "client_gone") == 1)
        assert gate.in_flight() == 0
        assert eventually(lambda: state(flood) == "closed_by_caller")
        assert client.rest()[1]


def test_a_slow_client_gets_everything(quick, world):
    key = world.customer()
    body = chat(stream=True, messages=[{"role": "user", "content": "x" * 3_000_000}])
    with running(world, quick) as gate, Raw(gate.port, receive_buffer=4096) as client:
        client.send(post(PATHS[0], body, key))
        assert len(dechunked(client.until(b"\r\n0\r\n\r\n").partition(b"\r\n\r\n")[2])) > 3_000_000


# Clients that leave


def test_a_client_that_leaves_before_the_head_ends_the_call(silent, world):
    key = world.customer()
    with running(world, silent) as gate:
        with Raw(gate.port) as client:
            client.send(post(PATHS[0], chat(), key))
            assert eventually(lambda: calls(silent))
        assert eventually(lambda: state(silent) == "closed_by_caller")
        assert eventually(lambda: gate.in_flight() == 0)
        assert counted(gate, "client_gone") == 1


@pytest.mark.parametrize("stream", [True, False])
def test_a_client_that_leaves_midway_ends_the_call(paced, world, stream):
    key = world.customer()
    with running(world, paced) as gate:
        begin(gate, key, body=chat(stream=stream)).sock.close()
        assert eventually(lambda: state(paced) == "closed_by_caller")
        assert eventually(lambda: gate.in_flight() == 0)


def test_a_client_that_leaves_while_it_is_not_reading_ends_the_call(flood, world):
    key = world.customer()
    with running(world, flood) as gate:
        clogged(gate, key).sock.close()
        assert eventually(lambda: state(flood) == "closed_by_caller")
        assert eventually(lambda: gate.in_flight() == 0)


def test_a_client_that_leaves_after_a_large_body_is_noticed(silent, world):
    key = world.customer()
    with running(world, silent) as gate:
        with Raw(gate.port) as client:
            client.send(post(PATHS[0], chat(padding="x" * 3_000_000), key))
            assert eventually(lambda: calls(silent))
        assert eventually(lambda: gate.in_flight() == 0)


# The lease


def test_an_ended_lease_cuts_what_is_open(paced, world):
    key = world.customer()
    with running(world, paced) as gate, begin(gate, key) as client:
        gate.clock.at_ms += worlds.LEASE_MS
        gate.do(gate.engine.redecide_soon)
        gate.do(gate.engine.redecide_rest)
        assert (
            last_event(dechunked(client.rest()[0].partition(b"\r\n\r\n")[2]))["error"]["code"] == "gate_stale"
        )


def test_an_ended_lease_stops_the_next_write_even_if_nobody_redecides(paced, world):
    key = world.customer()
    with running(world, paced) as gate, begin(gate, key) as client:
        gate.clock.at_ms += worlds.LEASE_MS
        seen, _ = client.rest()
        assert last_event(dechunked(seen.partition(b"\r\n\r\n")[2]))["error"]["code"] == "gate_stale"
        assert eventually(lambda: state(paced) == "closed_by_caller")


def test_a_process_that_was_stopped_past_its_lease_writes_nothing(paced):
    lease_ms = 2_500
    command = [sys.executable, "-m", "tests.gate.alone", paced, str(lease_ms)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, bufsize=1) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        port, key = process.stdout.readline().split()
        with Raw(int(port)) as client:
            client.send(post(PATHS[0], STREAM, key)).until(b"data: ")
            process.stdin.write("begin\n")
            assert process.stdout.readline() == "the lease has begun\n"
            process.send_signal(signal.SIGSTOP)
            time.sleep(lease_ms / 1000)
            before = client.waiting()
            process.send_signal(signal.SIGCONT)
            after, _ = client.rest()
        process.kill()
    assert before.endswith(b"\n\n\r\n")
    (event,) = dechunked(after[len(before) :]).split(b"\n\n")[:-1]
    assert json.loads(event.removeprefix(b"data: "))["error"]["code"] == "gate_stale"


class LeaseEnder:
    """An upstream that has its answer ready when the lease ends, and its calls."""

    def __init__(self, kind: bytes, clock: Clock) -> None:
        self._kind = kind
        self._clock = clock

    def call(self, call: Call, recipient: Recipient) -> Calling:
        assert recipient.may_send()
        recipient.begun(200, [(b"content-type", self._kind)])
        self._clock.at_ms += worlds.LEASE_MS
        assert not recipient.took(b"data: an answer\n\n", is_last=False)
        return self

    def resume(self) -> None:
        pass

    def leave(self, recipient: Recipient) -> None:
        pass

    async def close(self) -> None:
        pass


@pytest.mark.parametrize("kind", [b"text/event-stream", b"application/json"])
def test_an_ended_lease_stops_the_head(world, kind):
    key = world.customer()
    with running(world, lambda clock: LeaseEnder(kind, clock)) as gate, Raw(gate.port) as client:
        status, _, body = client.send(post(PATHS[0], STREAM, key)).response()
        assert (status, json.loads(body)["error"]["code"]) == (503, "gate_stale")
        assert b"an answer" not in body
