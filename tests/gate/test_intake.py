"""What a gateway takes in before it knows what is asked: unfinished bodies, and what it reads for nothing."""

from __future__ import annotations

import json
import re
import socket
from contextlib import ExitStack
from typing import Any

import pytest

from sluicegate.core.access.refusals import Deny, Reason
from sluicegate.errors import InvalidInput
from sluicegate.gate.intake import Full, Intake
from sluicegate.gate.reading import SMALL_BYTES
from sluicegate.gate.request import read
from tests.clock import Clock
from tests.gate.clients import chat, counted, get, post
from tests.gate.running import Running, running, settings
from tests.gate.world import MODEL
from tests.raw import Raw
from tests.waiting import eventually

MIB = 1024 * 1024
CONNECTIONS = 80


@pytest.fixture
def clock() -> Clock:
    return Clock()


def intake(clock: Clock) -> Intake:
    limits = {"max_body_bytes": 100, "max_unfinished_bytes": 800, "max_refused_bytes_per_minute": 600}
    return Intake(settings(**limits), CONNECTIONS, clock)


def test_all_unfinished_bodies_together_hold_no_more_than_the_total(clock: Clock) -> None:
    made = intake(clock)
    with made.body("org-1") as one, made.body("org-2") as two, made.body("org-3") as three:
        for body in (one, two, three):
            for _ in range(2):
                body.add(bytes(100), more=True)
        with made.body("org-4") as four, made.body("org-5") as five:
            four.add(bytes(200), more=True)
            assert made.unfinished_bytes == 800
            with pytest.raises(Full):
                five.add(b"x", more=True)
        assert made.unfinished_bytes == 600
    assert made.unfinished_bytes == 0


def test_one_organization_holds_no_more_than_its_share(clock: Clock) -> None:
    made = intake(clock)
    with made.body("org-1") as one, made.body("org-1") as more, made.body("org-2") as other:
        one.add(bytes(100), more=True)
        more.add(bytes(100), more=True)
        with pytest.raises(Full):
            more.add(b"x", more=True)
        other.add(bytes(100), more=True)


def test_a_body_that_is_complete_waits_for_nobody(clock: Clock) -> None:
    made = intake(clock)
    with made.body("org-1") as slow, made.body("org-1") as quick:
        slow.add(bytes(200), more=True)
        quick.add(b"a", more=False)
        assert quick.parts() == [b"a"]


def test_a_share_holds_one_body_at_least(clock: Clock) -> None:
    made = Intake(settings(max_body_bytes=1_000, max_unfinished_bytes=1_000), CONNECTIONS, clock)
    with made.body("org-1") as body:
        body.add(bytes(1_000), more=True)


def test_unfinished_bodies_of_which_nothing_has_come_are_bounded_in_number(clock: Clock) -> None:
    made = intake(clock)
    with ExitStack() as held:
        for organization in ("org-1", "org-2", "org-3", "org-4"):
            for _ in range(10):
                held.enter_context(made.body(organization)).add(b"", more=True)
            with made.body(organization) as body, pytest.raises(Full):
                body.add(b"", more=True)
        with made.body("org-5") as body, pytest.raises(Full):
            body.add(b"", more=True)
        with made.body("org-1") as body:
            body.add(b"whole", more=False)
    with made.body("org-5") as body:
        body.add(b"", more=True)


def test_what_is_read_for_nothing_is_metered_by_organization(clock: Clock) -> None:
    made = intake(clock)
    for _ in range(7):
        assert made.closed("org-1") is None
        made.refused("org-1", 90)
    refused = made.closed("org-1")
    assert isinstance(refused, Deny)
    assert (refused.reason, refused.retry_after_s) == (Reason.QUOTA_EXCEEDED, 4)
    assert made.closed("org-2") is None
    clock.at_ms += 4_000
    assert made.closed("org-1") is None


# Over sockets


def held_by(gate: Running) -> float:
    """What the gateway's metrics say that unfinished bodies hold."""
    found = re.search(r"^sluicegate_unfinished_bytes (.*)$", get(f"{gate.url}/metrics")[1], re.MULTILINE)
    assert found is not None
    return float(found[1])


def unfinished(key: str, size: int) -> bytes:
    """The beginning of a request, whose body is still to come but for `size` bytes."""
    whole = post("/v1/chat/completions", b" " * (size + 10) + json.dumps(chat()).encode(), key)
    return whole[: whole.index(b"\r\n\r\n") + 4 + size]


def test_unfinished_bodies_are_refused_over_their_total_and_others_go_on(quick, world):
    ours, key = world.customer("org-2"), world.customer()
    limits = {"max_body_bytes": MIB, "max_text_bytes": MIB, "max_unfinished_bytes": 4 * MIB}
    with running(world, quick, **limits) as gate, Raw(gate.port) as held, Raw(gate.port) as more:
        held.send(unfinished(key, MIB - 2_000))
        assert eventually(lambda: held_by(gate) == MIB - 2_000)
        more.send(unfinished(key, 4_000))
        status, headers, body = more.response()
        error = json.loads(body)["error"]
        assert (status, error["code"], headers["retry-after"]) == (503, "gate_busy", "1")
        assert headers["x-should-retry"] == "false"
        for each in (key, ours):  # a whole request of the same organization is served, and others' are
            with Raw(gate.port) as client:
                assert client.send(post("/v1/chat/completions", chat(), each)).response()[0] == 200
        held.sock.shutdown(socket.SHUT_RDWR)
        assert eventually(lambda: held_by(gate) == 0)


def test_bodies_that_never_come_leave_connections_to_others(quick, world):
    """A key that is known keeps its connections while its bodies are awaited."""
    other, key = world.customer("org-2"), world.customer()
    with running(world, quick, max_connections=16) as gate, ExitStack() as held:
        for _ in range(16):
            client = held.enter_context(Raw(gate.port))
            client.send(unfinished(key, 0))
        for _ in range(3):
            with Raw(gate.port) as client:
                assert client.send(post("/v1/chat/completions", chat(), other)).response()[0] == 200


def test_who_sends_what_is_refused_is_read_no_further(quick, world):
    key, other = world.customer(), world.customer("org-2")
    asked = json.dumps({"model": "no-such-model", "messages": [], "pad": "x" * 10_000}).encode()
    with running(world, quick, max_refused_bytes_per_minute=50_000) as gate:

        def asks(of: str, body: bytes | dict[str, Any]) -> tuple[int, str]:
            with Raw(gate.port) as client:
                client.send(post("/v1/chat/completions", body, of))
                status, _, said = client.response()
            return status, json.loads(said).get("error", {}).get("code", "")

        assert [asks(key, asked) for _ in range(5)] == [(404, "model_not_found")] * 5
        assert asks(key, asked) == (429, "quota_exceeded")
        assert asks(key, chat(model=MODEL)) == (429, "quota_exceeded")
        assert asks(other, asked) == (404, "model_not_found")
        gate.clock.at_ms += 60_000
        assert asks(key, chat(model=MODEL))[0] == 200
        assert asks(key, b"{")[0] == 400


def test_a_body_is_read_no_further_for_a_client_who_left(quick, world):
    """And what it has cost so far is metered, or to leave would be a way to have all read for nothing."""
    key = world.customer()
    body = json.dumps({**chat(), "pad": "x " * SMALL_BYTES}).encode()
    with running(world, quick, max_refused_bytes_per_minute=len(body) - 1) as gate:
        gateway: Any = gate.server._serving.handler
        gate.do(lambda: setattr(gateway._reader._places, "_free", 0))  # others' bodies are being read
        with Raw(gate.port) as client:
            client.send(post("/v1/chat/completions", body, key))
            assert eventually(lambda: held_by(gate) == len(body))
        assert eventually(lambda: held_by(gate) == 0)
        assert counted(gate, "client_gone") == 1
        with Raw(gate.port) as client:
            assert client.send(post("/v1/chat/completions", chat(), key)).response()[0] == 429


@pytest.mark.parametrize("line", ["Content-Type: text/plain", "Content-Encoding: br"])
def test_a_head_that_does_not_fit_is_refused_before_its_body_is_read(quick, world, line):
    whole = post("/v1/chat/completions", chat(), world.customer(), line)
    if "Type" in line:
        whole = whole.replace(b"Content-Type: application/json\r\n", b"")
    head = whole[: whole.index(b"\r\n\r\n") + 4]
    with running(world, quick) as gate, Raw(gate.port) as client:
        status, headers, _ = client.send(head).response()
    assert (status, headers["connection"]) == (400, "close")


def test_a_body_with_very_many_keys_is_refused_before_they_are_looked_at(quick, world):
    key = world.customer()
    body = json.dumps({"model": MODEL, **{f"key {number}": number for number in range(1_000)}}).encode()
    with running(world, quick) as gate, Raw(gate.port) as client:
        client.send(post("/v1/chat/completions", body, key))
        status, _, said = client.response()
    assert (status, json.loads(said)["error"]["code"]) == (400, "request_invalid")
    assert "1001 keys, expected at most 1000" in said.decode()


def test_a_very_long_key_is_refused_before_it_is_looked_at():
    with pytest.raises(InvalidInput, match="longer than 100 characters"):
        read(json.dumps({"model": MODEL, "m" * 101: 1}).encode())
    assert read(json.dumps({"model": MODEL, "m" * 100: {"k" * 101: 1}}).encode()).model == MODEL
