"""Pages of other origins: a preflight's answer, and who may read the others."""

from __future__ import annotations

import json

import pytest

from sluicegate.errors import InvalidInput
from sluicegate.gate import cors
from tests.gate.clients import chat, post
from tests.gate.running import running
from tests.gate.world import World
from tests.raw import Raw, parse_head

APP = "https://app.example"


def preflight(origin: str, path: str = "/v1/messages", headers: str = "x-api-key, content-type") -> bytes:
    lines = [
        f"OPTIONS {path} HTTP/1.1",
        "Host: gate",
        f"Origin: {origin}",
        "Access-Control-Request-Method: POST",
        f"Access-Control-Request-Headers: {headers}",
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


@pytest.fixture
def gate(world, quick):
    with running(world, quick, cors_origins=(APP,)) as gate:
        yield gate


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/chat/completions", "/v1/models", "/v1/elsewhere"])
def test_a_listed_origin_may_call(gate, path):
    with Raw(gate.port) as client:
        for _ in range(2):
            status, headers = parse_head(client.send(preflight(APP, path)).until(b"\r\n\r\n")[:-4])
            assert status == 204
            assert headers["access-control-allow-origin"] == APP
            assert headers["access-control-allow-headers"] == "x-api-key, content-type"
            assert headers["access-control-allow-methods"] == "GET, POST"
            assert headers["vary"] == "origin"
            assert "access-control-allow-credentials" not in headers


@pytest.mark.parametrize(
    "origin", ["https://app.example.evil", "http://app.example", "null", "*", "", APP + "/"]
)
def test_another_origin_is_told_why(gate, origin):
    with Raw(gate.port) as client:
        status, headers, body = client.send(preflight(origin)).response()
    assert status == 403
    assert "access-control-allow-origin" not in headers
    assert "has not listed this page's origin" in json.loads(body)["error"]["message"]


def test_a_page_reads_every_answer(gate, world):
    key = world.customer()
    gate.advance()
    with Raw(gate.port) as client:
        for body, sender in ((chat(), key), (chat(stream=True), key), (chat("absent"), key), (chat(), None)):
            sent = post("/v1/chat/completions", body, sender, f"Origin: {APP}")
            with Raw(gate.port) as each:
                head = each.send(sent).until(b"\r\n\r\n").decode().lower()
            assert f"access-control-allow-origin: {APP}" in head
            assert "x-should-retry" in head.partition("access-control-expose-headers")[2]
        status, headers, _ = client.send(
            post("/v1/chat/completions", chat(), key, "Origin: https://b")
        ).response()
    assert status == 200
    assert "access-control-allow-origin" not in headers


def test_without_a_list_no_page_may_call(quick):
    with running(World.with_release(), quick) as gate, Raw(gate.port) as client:
        assert client.send(preflight(APP)).response()[0] == 403


def test_options_that_are_no_preflight_need_a_credential(gate):
    with Raw(gate.port) as client:
        assert client.send(b"OPTIONS /v1/messages HTTP/1.1\r\nHost: gate\r\n\r\n").response()[0] == 401


@pytest.mark.parametrize("asked", ["a b", "x" * 65, ",", "x: y", "x, , y"])
def test_names_that_are_none_are_not_repeated(gate, asked):
    with Raw(gate.port) as client:
        head = client.send(preflight(APP, headers=asked)).until(b"\r\n\r\n")
        status, headers = parse_head(head[:-4])
    assert status == 204
    assert headers["access-control-allow-headers"].startswith("authorization, ")


@pytest.mark.parametrize("text", ["*", "null", "app.example", APP + "/", "https://App.example", ""])
def test_refuses_to_list_what_is_no_origin(text):
    with pytest.raises(InvalidInput, match="expected one like"):
        cors.origin(text)


@pytest.mark.parametrize("text", [APP, "http://localhost:3000", "http://[::1]:80", "https://127.0.0.1"])
def test_lists_origins(text):
    assert cors.origin(text) == text
