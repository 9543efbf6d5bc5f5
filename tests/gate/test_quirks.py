"""What known clients get: one attempt for a refusal that waiting does not help, and the way on by HTTP."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest

from sluicegate.core.access.refusals import REASONS, Deny, Reason
from sluicegate.gate.quirks import QUIRKS, status_for
from tests.gate import world as worlds
from tests.gate.clients import ai, anthropic_api, chat, counted, post
from tests.gate.running import running
from tests.gate.world import MODEL, World
from tests.raw import Raw

CODEX = [
    b"codex_cli_rs/0.171.0 (Debian 12; x86_64) xterm",
    b"codex_exec/0.171.0",
    b"codex_vscode/0.4.1",
    b"codex_sdk_ts/0.171.0",
    b"codex-tui/0.171.0 (Mac OS 26; arm64)",
    b"Codex Desktop/1.2",
]
OTHERS = [
    b"",
    b"OpenAI/Python 3.54.0",
    b"Mozilla/5.0 codex_cli_rs/0.171.0",
    b"codex",
    b"codexify/1.0",
    b"my-codex_cli_rs/1.0",
    b"Codex\xc3\xa9/1",
]
MAY_RETRY = {Reason.GATE_STALE, Reason.QUOTA_EXCEEDED}


@pytest.mark.parametrize("reason", Reason)
def test_only_what_waiting_helps_may_be_tried_again(reason):
    assert REASONS[reason].may_retry is (reason in MAY_RETRY)


@pytest.mark.parametrize("agent", CODEX)
def test_codex_gets_the_one_status_that_it_does_not_retry(agent):
    for reason in Reason:
        kept = reason in MAY_RETRY or reason is Reason.UPGRADE_REQUIRED
        deny = Deny(reason, by_order=True)
        assert status_for(deny, [(b"host", b"a"), (b"user-agent", agent)]) == (deny.status if kept else 400)


@pytest.mark.parametrize("agent", OTHERS)
def test_others_get_the_status_of_the_reason(agent):
    for reason in Reason:
        assert status_for(Deny(reason), [(b"user-agent", agent)]) == REASONS[reason].status
    assert status_for(Deny(Reason.NOT_ADMITTED), []) == 403


def test_each_row_says_who_what_and_from_where():
    assert all(each.client and each.measured and each.does and each.source for each in QUIRKS)


# At the gateway


@pytest.fixture
def key(gate, world) -> str:
    key: str = world.customer()
    gate.advance()
    return key


def test_the_same_body_with_another_status(gate, key, world):
    world.suspend("bis-1", [MODEL])
    gate.advance()
    seen = []
    for agent in ("codex_exec/0.171.0", "curl/8"):
        with Raw(gate.port) as client:
            sent = post("/v1/responses", {"model": MODEL, "input": "hello"}, key, f"User-Agent: {agent}")
            status, headers, body = client.send(sent).response()
        assert headers["x-should-retry"] == "false"
        seen.append((status, json.loads(body)))
    assert [status for status, _ in seen] == [400, 451]
    assert seen[0][1] == seen[1][1]
    error = seen[0][1]["error"]
    assert (error["sluicegate"]["status"], error["type"], error["code"]) == (
        451,
        "permission_denied",
        "directive_in_force",
    )


def test_the_sdks_try_once(gate, key):
    with ai(gate, key) as client, pytest.raises(openai.APIStatusError):
        client.chat.completions.create(model="absent", messages=[{"role": "user", "content": "hello"}])
    assert counted(gate, "model_not_found") == 1
    with ai(gate, key) as client, pytest.raises(openai.APIStatusError):
        client.get("/elsewhere", cast_to=object)
    assert counted(gate, "endpoint_unknown") == 1


def test_a_stale_gateway_says_when_to_come_back(gate, key):
    gate.clock.at_ms += worlds.LEASE_MS
    with Raw(gate.port) as client:
        sent = post("/v1/chat/completions", chat(), key, "User-Agent: codex_exec/0.171.0")
        status, headers, _ = client.send(sent).response()
    assert (status, headers["x-should-retry"], headers["retry-after"]) == (503, "true", "5")


def test_a_quota_is_tried_again_after_its_time(quick):
    world = World.with_release(requestsPerMinute=1)
    key = world.customer()
    said: list[Any] = [{"role": "user", "content": "hello"}]
    with running(world, quick) as gate, ai(gate, key, max_retries=0) as client:
        client.chat.completions.create(model=MODEL, messages=said)
        with pytest.raises(openai.RateLimitError) as caught:
            client.chat.completions.create(model=MODEL, messages=said)
    headers = caught.value.response.headers
    assert headers["x-should-retry"] == "true"
    assert 1 <= int(headers["retry-after"]) <= 60


def upgrade(path: str, key: str | None, *lines: str) -> bytes:
    fields = [
        f"GET {path} HTTP/1.1",
        "Host: gate",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        *([f"Authorization: Bearer {key}"] if key else []),
        *lines,
    ]
    return "\r\n".join(fields).encode() + b"\r\n\r\n"


@pytest.mark.parametrize("agent", ["codex_cli_rs/0.171.0", "websocket-client/1"])
def test_a_websocket_is_answered_with_the_way_on(gate, key, agent):
    with Raw(gate.port) as client:
        for _ in range(2):
            sent = upgrade("/v1/responses", key, f"User-Agent: {agent}")
            status, headers, body = client.send(sent).response()
            error = json.loads(body)["error"]
            assert (status, error["code"]) == (426, "upgrade_required")
            assert headers["upgrade"] == "HTTP/1.1"
            assert headers["x-should-retry"] == "false"
        status, _, body = client.send(upgrade("/v1/messages", key)).response()
        assert (status, json.loads(body)["type"]) == (426, "error")
        sent = post("/v1/responses", {"model": MODEL, "input": "hello"}, key)
        assert client.send(sent).response()[0] == 200


@pytest.mark.parametrize("path", ["/v1/responses", "/v1/no-such-path"])
def test_a_websocket_without_a_key_learns_only_that_there_is_none(gate, path):
    with Raw(gate.port) as client:
        assert client.send(upgrade(path, None)).response()[0] == 426


def test_another_offer_is_ignored(gate, key):
    body = chat()
    offer = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQ")
    with Raw(gate.port) as client:
        assert client.send(post("/v1/chat/completions", body, key, *offer)).response()[0] == 200


def test_a_models_list_is_in_the_form_of_who_asks(gate, key):
    with anthropic_api(gate, key) as client:
        page = client.models.list()
    first = page.data[0]
    assert (first.type, first.id, first.display_name) == ("model", MODEL, MODEL)
    assert (page.has_more, page.first_id) == (False, MODEL)
