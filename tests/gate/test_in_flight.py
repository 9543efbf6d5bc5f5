"""How much of a gateway one organization, and one key, may have in flight."""

from __future__ import annotations

import json
from contextlib import ExitStack

import pytest

from sluicegate.gate.in_flight import shares
from sluicegate.http.connection import HttpConnection
from tests.gate.clients import chat, counted, post
from tests.gate.running import Running, running
from tests.gate.world import MODEL, OTHER_MODEL, World
from tests.raw import Raw
from tests.waiting import eventually

CHAT = "/v1/chat/completions"
STREAM = chat(stream=True)


@pytest.mark.parametrize(
    ("given", "bounds"),
    [
        ((16_384, 0, 0), (4_096, 2_048)),
        ((3, 0, 0), (1, 1)),
        ((16_384, 100, 0), (100, 50)),
        ((16_384, 100, 70), (100, 70)),
        ((16_384, 100, 700), (100, 100)),
        ((16_384, 0, 3_000), (4_096, 3_000)),
        ((16_384, 16_384, 16_384), (16_384, 16_384)),
    ],
)
def test_the_bounds_follow_the_connections_unless_they_are_set(given, bounds):
    made = shares(*given)
    assert (made._of_organization, made._of_key) == bounds


def opened(gate: Running, key: str, held: ExitStack) -> None:
    """A stream that goes on."""
    before = gate.in_flight()
    held.enter_context(Raw(gate.port)).send(post(CHAT, STREAM, key))
    assert eventually(lambda: gate.in_flight() == before + 1)


def refused(gate: Running, key: str, model: str = MODEL) -> tuple[int, dict[str, str], str]:
    with Raw(gate.port) as client:
        status, headers, body = client.send(post(CHAT, chat(model, stream=True), key)).response()
    return status, headers, json.loads(body)["error"]["message"]


def test_one_organization_leaves_connections_to_others(world, paced):
    grant = world.grant("org-1")
    first, second, third = (world.credential(grant)[0] for _ in range(3))
    other = world.customer("org-2")
    world.suspend("bis-1", [OTHER_MODEL])
    with running(world, paced, max_connections=16) as gate, ExitStack() as held:
        with ExitStack() as firsts:
            for _ in range(2):
                opened(gate, first, firsts)
            status, headers, said = refused(gate, first)
            assert (status, headers["retry-after"], headers["x-should-retry"]) == (429, "1", "true")
            assert said.startswith("this API key has 2 requests in flight at this gateway, as many as it may")
            for _ in range(2):
                opened(gate, second, held)
            status, _, said = refused(gate, third)
            assert (status, said.partition(" has")[0]) == (429, "your organization")
            assert refused(gate, third, OTHER_MODEL)[0] == 451  # any other reason comes first
            for _ in range(2):
                opened(gate, other, held)
        assert counted(gate, "quota_exceeded") == 2
        assert eventually(lambda: gate.in_flight() == 4)
        opened(gate, third, held)
        assert gate.do(lambda: gate.engine._in_flight._organizations) == {"org-1": 3, "org-2": 2}


def test_a_stream_keeps_no_headers_but_those_that_are_asked_for_later(world, paced):
    key = world.customer()
    with running(world, paced) as gate, Raw(gate.port) as client:
        client.send(post(CHAT, STREAM, key, "User-Agent: codex_exec/1", "X-Long: a")).until(b"data: ")
        (connection,) = gate.do(lambda: list(gate.server._capacity))
        assert isinstance(connection, HttpConnection)
        assert connection._queue[0].head.fields == [(b"user-agent", b"codex_exec/1")]
        assert connection._reader.known_fields() == []


def test_what_was_refused_for_it_uses_up_no_rate(paced):
    world = World.with_release(requestsPerMinute=3)
    key = world.customer()
    with running(world, paced, max_flights_of_key=2) as gate, ExitStack() as held:
        with ExitStack() as firsts:
            for _ in range(2):
                opened(gate, key, firsts)
            for _ in range(3):
                assert "requests in flight" in refused(gate, key)[2]
        assert eventually(lambda: gate.in_flight() == 0)
        opened(gate, key, held)
        assert "requests per minute" in refused(gate, key)[2]
