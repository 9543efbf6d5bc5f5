"""Errors inside a stream: whose they are, by the rule of all errors of an upstream."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest

from sluicegate.gate.event_error import READ_BYTES, judged
from tests.gate.clients import ai, dechunked
from tests.gate.running import running
from tests.gate.scripted import says, scripted
from tests.gate.test_stream_end import (
    ASKS,
    CHAT,
    DELTA,
    LAST,
    MESSAGES,
    RESPONSES,
    answered,
    error_at_end,
    framed,
)

SECRETS = (b"org-Abc123", b"sk-upstr", b"secret")


def event(told: Any, name: str = "") -> bytes:
    data = told if isinstance(told, bytes) else json.dumps(told).encode()
    return (f"event: {name}\n".encode() if name else b"") + b"data: " + data + b"\n\n"


def failed(code: str, message: str = "secret", **more: Any) -> dict[str, Any]:
    response = {"id": "r", "status": "failed", "error": {"code": code, "message": message}, **more}
    return {"type": "response.failed", "sequence_number": 5, "response": response}


QUOTA = {"message": "secret", "type": "insufficient_quota", "code": "insufficient_quota"}
OURS: list[tuple[str, bytes]] = [
    (CHAT, event({"error": QUOTA})),
    (CHAT, event({"error": {"message": "secret", "code": 401}})),
    (CHAT, event({"error": {"message": "secret", "code": "402"}})),
    (CHAT, event({"id": "a", "error": {"message": "secret", "code": "invalid_api_key"}})),
    (CHAT, event({"error": QUOTA}, "error")),
    (CHAT, event({"error": QUOTA}).replace(b"\n", b"\r\n")),
    (CHAT, event(json.dumps({"error": QUOTA}, indent=1).replace("\n", "\ndata:").encode())),
    (RESPONSES, event(failed("insufficient_quota"), "response.failed")),
    (RESPONSES, event(failed("billing_not_active"))),
    (RESPONSES, event(failed("insufficient_quota", instructions="x" * 100_000))),
    (RESPONSES, event({"type": "error", "code": "invalid_api_key", "message": "secret"}, "error")),
    (RESPONSES, event({"code": "invalid_api_key", "message": "secret", "type": "error"})),
    (MESSAGES, event({"type": "error", "error": {"type": "authentication_error", "message": "secret"}})),
    (MESSAGES, event({"type": "error", "error": {"type": "billing_error", "message": "secret"}}, "error")),
    (MESSAGES, event({"error": {"message": "Your credit balance is too low"}, "type": "error"}, "error")),
]


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize(("path", "error"), OURS, ids=range(len(OURS)))
def test_an_error_about_our_own_account_is_ours(world, path, error, before):
    first = DELTA[path] if before else b""
    head, body = answered(world, path, says(framed(first, "chunked")[:-5], _chunk(error + LAST[path])))
    told = json.loads(body) if head.startswith(b"HTTP/1.1 502") else error_at_end(body, first)
    assert (told["error"].get("code") or "upstream_refused") == "upstream_refused"
    assert "refused this gateway's own key or account" in told["error"]["message"]
    assert not any(secret in body for secret in SECRETS)


def _chunk(content: bytes) -> bytes:
    return b"%x\r\n%b\r\n0\r\n\r\n" % (len(content), content)


@pytest.mark.parametrize("path", DELTA)
def test_what_came_before_it_has_been_passed_on(world, path):
    """In the same bytes, also if it is the first of all."""
    error = event({"error": QUOTA, "type": "error"})
    content = DELTA[path] * 2 + error + DELTA[path]
    answer = framed(DELTA[path], "chunked")[:-5]
    _, body = answered(world, path, says(answer), keep_alive_ms=60_000)
    assert dechunked(body).startswith(DELTA[path])
    kept, fault, _ = judged(content)
    assert (kept, fault is not None and fault.code) == (DELTA[path] * 2, "upstream_refused")


RELAYED: list[tuple[str, bytes, bytes]] = [
    (
        CHAT,
        event({"error": {"message": "slow, org-Abc123", "code": "x"}}),
        b'data: {"error":{"message":"slow, \xe2\x80\xa6","code":"x","sluicegate":{"from":"upstream"}}}\n\n',
    ),
    (CHAT, event({"error": "slow, org-Abc123"}), b'data: {"error": "slow, \xe2\x80\xa6"}\n\n'),
    (
        RESPONSES,
        b"id: 7\n" + event(failed("server_error", "of org-Abc123"), "response.failed"),
        (
            b'id: 7\nevent: response.failed\ndata: {"type":"response.failed","sequence_number":5,"response":'
            b'{"id":"r","status":"failed","error":{"code":"server_error","message":"of \xe2\x80\xa6",'
            b'"sluicegate":{"from":"upstream"}}}}\n\n'
        ),
    ),
    (
        MESSAGES,
        event(b"overloaded, org-Abc123", "error"),
        b"event: error\ndata: overloaded, \xe2\x80\xa6\n\n",
    ),
]


@pytest.mark.parametrize(("path", "error", "passed_on"), RELAYED, ids=range(len(RELAYED)))
def test_another_error_goes_on_without_names(world, path, error, passed_on):
    _, body = answered(world, path, says(framed(DELTA[path] + error, "chunked")))
    assert (dechunked(body), body[-5:]) == (DELTA[path] + passed_on, b"0\r\n\r\n")


NO_ERRORS = [
    event({"choices": [{"delta": {"content": '"error": {"code":"insufficient_quota"}'}}]}),
    event({"type": "response.created", "response": {"error": None, "metadata": {"error": "org-Abc123"}}}),
    event({"type": "response.completed", "response": {"output": [{"error": {"code": "invalid_api_key"}}]}}),
    event(
        {
            "type": "response.output_item.done",
            "item": {"type": "mcp_call", "error": {"message": "org-Abc123"}},
        }
    ),
    event({"type": "x", "b64": "A" * READ_BYTES, "error": {"code": "insufficient_quota"}}),
    event({"error": None}),
    b": error\n\n",
    event(b'{"error": {"half'),
]


@pytest.mark.parametrize("events", NO_ERRORS, ids=range(len(NO_ERRORS)))
def test_what_is_no_error_stays_byte_for_byte(events):
    assert judged(events) == (events, None, False)


@pytest.mark.parametrize("name", ["", "error"])
def test_an_error_too_large_to_be_read_is_a_failure(name):
    kept, fault, _ = judged(DELTA[CHAT] + event({"error": {"message": "x" * READ_BYTES}}, name))
    assert (kept, fault is not None and fault.code) == (DELTA[CHAT], "upstream_failed")


def test_the_official_sdk_raises(world):
    key = world.customer()
    content = framed(DELTA[CHAT] + event({"error": QUOTA}), "chunked")
    with scripted(says(content)) as upstream, running(world, upstream.url) as gate, ai(gate, key) as client:
        with pytest.raises(openai.APIError, match="refused this gateway's own key") as caught:
            list(ASKS[CHAT](client))
        assert caught.value.code == "upstream_refused"
        assert len(upstream.requests) == 1
