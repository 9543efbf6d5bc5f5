"""Whose error it is: what a client sees of an upstream's errors."""

from __future__ import annotations

import gzip
import json
from typing import Any

import anthropic
import openai
import pytest

from sluicegate.gate.upstream_error import ERROR_BYTES, UpstreamError
from tests.gate.clients import ai, anthropic_api, chat, counted, post
from tests.gate.running import running
from tests.gate.scripted import says_and_stays, scripted
from tests.gate.world import MODEL, World
from tests.raw import Raw

CHAT = "/v1/chat/completions"
SECRETS = ("org-Abc123", "sk-upstr", "proj_9xyz", "secret")


def said(status: int, error: Any, *lines: str) -> bytes:
    body = error if isinstance(error, bytes) else json.dumps(error).encode()
    fields = "".join(f"{line}\r\n" for line in ("content-type: application/json", *lines))
    return f"HTTP/1.1 {status} Said\r\n{fields}content-length: {len(body)}\r\n\r\n".encode() + body


def answered(world: World, answer: bytes, **more: Any) -> tuple[int, dict[str, str], bytes]:
    key = world.customer()
    with scripted(says_and_stays(answer)) as upstream, running(world, upstream.url) as gate:
        with Raw(gate.port) as client:
            told = client.send(post(CHAT, chat(**more), key)).response()
        assert len(upstream.requests) == 1
        if told[0] == 502:
            assert counted(gate, "upstream_refused") == 1
    return told


KEY = {"message": "Incorrect API key provided: sk-upstr***cret, org-Abc123", "code": "invalid_api_key"}
OURS = [
    said(401, {"error": KEY}),
    said(401, b"<html>secret</html>"),
    said(401, b""),
    said(402, {"error": {"message": "secret", "type": "billing_error"}}),
    said(403, {"error": {"message": "Project proj_9xyz may not use it", "type": "permission_error"}}),
    said(407, {"error": {"message": "secret"}}),
    said(429, {"error": {"message": "secret", "type": "insufficient_quota", "code": "insufficient_quota"}}),
    said(429, {"error": {"message": "secret", "code": "billing_not_active"}}),
    said(400, {"error": {"message": "secret", "code": "billing_hard_limit_reached"}}),
    said(400, {"error": {"message": "Your credit balance is too low", "type": "invalid_request_error"}}),
    said(403, {"error": KEY}, "openai-organization: org-Abc123", "www-authenticate: Bearer secret"),
    said(401, {"error": KEY}, "content-encoding: gzip"),
    said(500, {"type": "error", "error": {"type": "authentication_error", "message": "secret"}}),
]


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("answer", OURS, ids=range(len(OURS)))
def test_an_error_about_our_own_account_is_ours(world, answer, stream):
    status, headers, body = answered(world, answer, stream=stream)
    assert (status, json.loads(body)["error"]["code"]) == (502, "upstream_refused")
    assert "x-sluicegate-from" not in headers
    assert not any(secret in f"{headers} {body!r}" for secret in SECRETS)


RELAYED = [
    (400, {"error": {"message": "max_tokens is too large", "type": "invalid_request_error", "param": "a"}}),
    (
        404,
        {"error": {"message": "no such model", "type": "invalid_request_error", "code": "model_not_found"}},
    ),
    (422, {"error": {"message": "é 😀", "type": "x", "details": [{"a": 1}]}}),
    (429, {"error": {"message": "Slow down", "type": "requests", "code": "rate_limit_exceeded"}}),
    (500, {"error": {"message": "oops", "sluicegate": {"from": "forged"}}, "request_id": "req_1"}),
    (529, {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}),
]


@pytest.mark.parametrize(("status", "told"), RELAYED)
def test_another_error_is_relayed_and_marked(world, status, told):
    answer = said(status, told, "retry-after: 7", "x-request-id: req_9", "x-should-retry: true")
    answered_status, headers, body = answered(world, answer)
    assert answered_status == status
    assert (headers["x-sluicegate-from"], headers["retry-after"]) == ("upstream", "7")
    assert (headers["x-request-id"], headers["x-should-retry"]) == ("req_9", "true")
    marked = told | {"error": told["error"] | {"sluicegate": {"from": "upstream"}}}
    assert json.loads(body) == marked


def test_accounts_and_keys_are_not_named(world):
    message = "Rate limit reached for gpt in organization org-Abc123 and project proj_9xyz; key sk-upstr-0123"
    answer = said(429, {"error": {"message": message, "code": "rate_limit_exceeded"}})
    status, _, body = answered(world, answer)
    error = json.loads(body)["error"]
    assert status == 429
    assert error["message"] == "Rate limit reached for gpt in organization … and project …; key …"


NAMED = [
    {"error": {"message": "slow", "metadata": {"raw": ["key sk-upstr-0123", {"of": "org-Abc123"}]}}},
    {"error": {"message": "slow"}, "detail": "of org-Abc123"},
    {"error": "slow down, org-Abc123"},
    {"message": "slow down, org-Abc123", "object": "error"},
    b"slow down, org-Abc123 with sk-upstr-0123 \xff",
    ["slow down, org-Abc123"],
    {"error": {"message": "slow", "deep": json.loads("[" * 200 + '"org-Abc123"' + "]" * 200)}},
]


def test_an_error_of_another_form_goes_on_to_the_byte() -> None:
    body = b'{ "message" : "slow down",\t"after": 1.0 }'
    assert UpstreamError(body, 429).marked() == body


def test_a_name_is_found_in_an_error_of_another_form_also_where_it_is_escaped() -> None:
    marked = UpstreamError(
        rb'{"message": "slow down, \u006frg-Abc123", "of": "\u0073k-upstr-0123"}', 429
    ).marked()
    assert json.loads(marked) == {"message": "slow down, …", "of": "…"}


@pytest.mark.parametrize("told", NAMED, ids=range(len(NAMED)))
def test_accounts_and_keys_are_named_nowhere_in_an_error(world, told):
    status, headers, body = answered(world, said(429, told))
    assert (status, headers["x-sluicegate-from"]) == (429, "upstream")
    assert b"slow" in body
    assert not any(secret.encode() in body for secret in SECRETS)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"Bad Gateway",
        b"[]",
        b"null",
        b'"error"',
        b'{"error":"overloaded"}',
        b'{"detail":"overloaded"}',
        b'{"error":{"message":"cut',
        b'{"error":' + b"[" * 30_000 + b"]" * 30_000 + b"}",
    ],
    ids=range(9),
)
def test_what_is_no_error_of_a_dialect_is_relayed_as_it_is(world, body):
    status, headers, answer = answered(world, said(500, body))
    assert (status, answer) == (500, body)
    assert headers["x-sluicegate-from"] == "upstream"


@pytest.mark.parametrize(
    "answer",
    [
        said(429, gzip.compress(json.dumps({"error": KEY}).encode()), "content-encoding: gzip"),
        said(500, {"error": {"message": "x" * ERROR_BYTES}}),
        said(500, {"error": {"message": "x" * 1_000_000}}),
    ],
    ids=["encoded", "large", "larger"],
)
def test_an_error_that_cannot_be_read_is_not_passed_on(world, answer):
    key = world.customer()
    with (
        scripted(says_and_stays(answer)) as upstream,
        running(world, upstream.url) as gate,
        Raw(gate.port) as client,
    ):
        status, headers, body = client.send(post(CHAT, chat(), key)).response()
    assert (status, json.loads(body)["error"]["code"]) == (502, "upstream_failed")
    assert headers.keys().isdisjoint({"content-encoding", "x-sluicegate-from"})


def test_an_error_that_breaks_off_is_a_failure(world):
    key = world.customer()
    broken = b"HTTP/1.1 500 Said\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{half\r\nzz\r\n"
    with (
        scripted(says_and_stays(broken)) as upstream,
        running(world, upstream.url) as gate,
        Raw(gate.port) as client,
    ):
        status, headers, body = client.send(post(CHAT, chat(), key)).response()
    assert (status, json.loads(body)["error"]["code"]) == (502, "upstream_failed")
    assert "x-sluicegate-from" not in headers


def test_an_answer_that_is_no_error_is_not_marked(world):
    status, headers, _ = answered(world, said(200, {}))
    assert (status, headers.get("x-sluicegate-from")) == (200, None)


def test_the_official_sdks_see_whose_it_is(world):
    key = world.customer()
    slow = {"type": "error", "error": {"type": "rate_limit_error", "message": "Slow down"}}
    with scripted(says_and_stays(said(429, slow))) as upstream, running(world, upstream.url) as gate:
        with ai(gate, key, max_retries=0) as client, pytest.raises(openai.RateLimitError) as seen:
            client.chat.completions.create(model=MODEL, messages=[])
        assert seen.value.response.headers["x-sluicegate-from"] == "upstream"
        assert isinstance(seen.value.body, dict)
        assert seen.value.body["sluicegate"] == {"from": "upstream"}
        with anthropic_api(gate, key, max_retries=0) as client, pytest.raises(anthropic.RateLimitError):
            client.messages.create(model=MODEL, max_tokens=1, messages=[])


@pytest.mark.parametrize("odd", [1, None, [], {}, True, "insufficient_quota "])
def test_codes_that_are_no_text_are_no_codes(odd):
    body = json.dumps({"error": {"code": odd, "type": odd, "message": odd}}).encode()
    assert not UpstreamError(body, 400).is_ours
