"""The gateway over real sockets, as the vendors' own clients see it."""

from __future__ import annotations

import hashlib
import json
import urllib.request
from typing import Any

import anthropic
import openai
import pytest

from sluicegate_record.log import times
from tests.gate import world as worlds
from tests.gate.clients import ai, anthropic_api, calls, chat, counted, dechunked, get, post
from tests.gate.running import UPSTREAM_KEY, running
from tests.gate.scripted import says_and_stays, scripted
from tests.gate.world import FALLBACK, HIDDEN_MODEL, MODEL, OTHER_MODEL, World
from tests.raw import Raw, parse_head
from tests.waiting import BOUND_S, eventually
from tests.worlds import AT_MS

USER: list[Any] = [{"role": "user", "content": "hello there"}]
TEXTS = [
    "größer als µ",
    "日本語 テスト",
    "🏳️‍🌈 👩🏽‍🔬",
    "שלום עולם",
    "a\u2028b\u0085c\r\nd\te",
    'quote " \\',
    "\x00",
    "x" * 200_000,
]
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


@pytest.fixture
def key(gate, world) -> str:
    key: str = world.customer()
    gate.advance()
    return key


# Allowed


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_openai_is_answered(gate, key, text):
    said: list[Any] = [{"role": "user", "content": text}]
    with ai(gate, key) as client:
        whole = client.chat.completions.create(model=MODEL, messages=said)
        pieces = client.chat.completions.create(model=MODEL, messages=said, stream=True)
        streamed = "".join(piece.choices[0].delta.content or "" for piece in pieces)
    assert whole.choices[0].message.content == streamed
    assert text.split()[-1].strip("\x00") in streamed


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_anthropic_is_answered(gate, key, text):
    said: list[Any] = [{"role": "user", "content": text}]
    with anthropic_api(gate, key) as client:
        whole = client.messages.create(model=MODEL, max_tokens=100, messages=said)
        with client.messages.stream(model=MODEL, max_tokens=100, messages=said) as stream:
            streamed = stream.get_final_text()
    block = whole.content[0]
    assert block.type == "text"
    assert block.text == streamed


def test_the_other_openai_endpoints(gate, key):
    with ai(gate, key) as client:
        assert client.responses.create(model=MODEL, input="hello").output_text
        kinds = [event.type for event in client.responses.create(model=MODEL, input="hello", stream=True)]
        assert kinds[-1] == "response.completed"
        assert client.completions.create(model=MODEL, prompt="hello").choices[0].text
        assert client.embeddings.create(model=MODEL, input="hello").data[0].embedding


def test_tools_are_called(gate, key):
    function = {"type": "function", "function": {"name": "weather", "parameters": SCHEMA}}
    with ai(gate, key) as client:
        answer = client.chat.completions.create(model=MODEL, messages=USER, tools=[function])  # type: ignore[list-item]
    calls_made = answer.choices[0].message.tool_calls
    assert calls_made is not None
    assert json.loads(calls_made[0].function.arguments) == {"city": "hello there"}  # type: ignore[union-attr]
    with anthropic_api(gate, key) as client:
        tools: list[Any] = [{"name": "weather", "input_schema": SCHEMA}]
        message = client.messages.create(model=MODEL, max_tokens=9, messages=USER, tools=tools)
    assert message.content[0].type == "tool_use"


def test_a_large_body_arrives_unchanged(gate, key, quick):
    body = json.dumps(chat(padding="ä" * 3_000_000), ensure_ascii=False).encode()
    with Raw(gate.port) as client:
        status, _, _ = client.send(post("/v1/chat/completions", body, key)).response()
    assert status == 200
    assert hashlib.sha256(body).hexdigest() in [call["body_sha256"] for call in calls(quick)]


def test_a_chunked_body_arrives_whole(gate, key, quick):
    body = json.dumps(chat(number=4711)).encode()
    pieces = b"".join(b"1\r\n%c\r\n" % byte for byte in body)
    head = post("/v1/chat/completions", b"", key).replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
    with Raw(gate.port) as client:
        assert client.send(head + pieces + b"0\r\n\r\n").response()[0] == 200
    assert hashlib.sha256(body).hexdigest() in [call["body_sha256"] for call in calls(quick)]


def test_the_answer_is_the_upstreams_byte_for_byte(gate, key, quick):
    body = json.dumps(chat(stream=True, seed=1)).encode()
    asked = urllib.request.Request(
        f"{quick}/v1/chat/completions",
        data=body,
        headers={"content-type": "application/json", "authorization": f"Bearer {UPSTREAM_KEY}"},
    )
    with urllib.request.urlopen(asked, timeout=BOUND_S) as response:
        direct = response.read()
    with Raw(gate.port) as client:
        seen = client.send(post("/v1/chat/completions", body, key)).until(b"\r\n0\r\n\r\n")
    assert dechunked(seen.partition(b"\r\n\r\n")[2]) == direct


def test_a_1_0_client_gets_no_chunks(gate, key):
    with Raw(gate.port) as client:
        seen, reset = client.send(post("/v1/chat/completions", chat(stream=True), key, version="1.0")).rest()
    head, _, body = seen.partition(b"\r\n\r\n")
    assert not reset
    assert "transfer-encoding" not in parse_head(head)[1]
    assert parse_head(head)[1]["connection"] == "close"
    assert body.startswith(b"data: ")
    assert body.endswith(b"data: [DONE]\n\n")


def test_connection_close_is_kept(gate, key):
    with Raw(gate.port) as client:
        client.send(post("/v1/chat/completions", chat(), key, "Connection: close"))
        assert client.response()[1]["connection"] == "close"
        assert client.rest() == (b"", False)


def test_only_models_that_may_be_used_are_listed(gate, key):
    with ai(gate, key) as openai_client, anthropic_api(gate, key) as anthropic_client:
        assert [model.id for model in openai_client.models.list()] == [MODEL, OTHER_MODEL]
        assert [model.id for model in anthropic_client.models.list()] == [MODEL, OTHER_MODEL]
        assert openai_client.models.retrieve(MODEL).id == MODEL
        assert anthropic_client.models.retrieve(OTHER_MODEL).type == "model"
        for client in (openai_client, anthropic_client):
            with pytest.raises((openai.NotFoundError, anthropic.NotFoundError)):
                client.models.retrieve(HIDDEN_MODEL)


def test_a_suspended_model_is_not_listed(gate, key, world):
    world.suspend("bis-1", [MODEL])
    gate.advance()
    with ai(gate, key) as client:
        assert [model.id for model in client.models.list()] == [OTHER_MODEL]
        with pytest.raises(openai.APIStatusError) as caught:
            client.models.retrieve(MODEL)
    assert caught.value.status_code == 451


# Refused, once


def refusals(world: World) -> dict[str, tuple[str, str, int]]:
    """Outcome, then key, model and status."""
    world.open_stage("preview")
    revoked, credential = world.credential(world.grant("org-revoked"))
    world.revoke(credential)
    other_surface = world.credential(world.grant("org-codex", surface="codex"))[0]
    expired = world.credential(world.grant("org-expired", until=times.format_time(AT_MS + 1)))[0]
    pending = world.customer("org-pending", "secret")
    world.apply_for("org-pending")
    old_key = world.credential(world.grant("org-new-grant"))[0]
    world.grant("org-new-grant")
    good = world.customer("org-good")
    world.suspend("bis-1", [OTHER_MODEL])
    world.suspend("bis-2", [MODEL], ["org-advised"], basis="voluntary")
    advised = world.customer("org-advised")
    return {
        "credential_unknown": ("sg_wrong", MODEL, 401),
        "credential_revoked": (revoked, MODEL, 401),
        "request_invalid": (good, "", 400),
        "model_not_found": (good, HIDDEN_MODEL, 404),
        "directive_in_force": (good, OTHER_MODEL, 451),
        "directive_in_force ": (advised, MODEL, 403),
        "grant_expired": (expired, MODEL, 403),
        "not_provisioned": (old_key, MODEL, 403),
        "application_pending": (pending, MODEL, 403),
        "surface_not_granted": (other_surface, MODEL, 403),
        "not_admitted": (world.customer("org-elsewhere", "secret"), MODEL, 403),
    }


REFUSED = list(refusals(World.with_release()))


@pytest.mark.parametrize("reason", REFUSED)
def test_a_refusal_is_told_once_in_both_dialects(gate, world, reason):
    key, model, status = refusals(world)[reason]
    gate.advance()
    reason = reason.strip()
    with ai(gate, key) as client, pytest.raises(openai.APIStatusError) as caught:
        client.chat.completions.create(model=model, messages=USER)
    body: Any = caught.value.body
    assert (caught.value.status_code, body["code"], body["sluicegate"]["reason"]) == (status, reason, reason)
    assert body["sluicegate"]["size"] == gate.do(lambda: gate.engine.table.size)
    assert body["message"] in caught.value.message
    with anthropic_api(gate, key) as other, pytest.raises(anthropic.APIStatusError) as raised:
        other.messages.create(model=model, max_tokens=5, messages=USER)
    answer: Any = raised.value.body
    assert (raised.value.status_code, answer["error"]["sluicegate"]) == (status, body["sluicegate"])
    assert raised.value.request_id == answer["request_id"]
    assert counted(gate, reason) == 2
    known = gate.do(lambda: gate.engine.table.credentials.get(hashlib.sha256(key.encode()).digest()))
    named = caught.value.response.headers.get("x-sluicegate-credential")
    assert named == (None if known is None else known.id)


def test_hidden_and_unknown_models_are_told_apart_by_nothing(gate, key):
    answers = []
    for model in (HIDDEN_MODEL, "demo-absent"):
        with Raw(gate.port) as client:
            status, headers, body = client.send(post("/v1/chat/completions", chat(model), key)).response()
        answers.append((status, sorted(headers), body.replace(model.encode(), b"M")))
    assert answers[0] == answers[1]


def test_a_refusal_offers_the_fallback(gate, key, world):
    world.suspend("bis-1", [MODEL])
    gate.advance()
    with ai(gate, key) as client, pytest.raises(openai.APIStatusError) as caught:
        client.chat.completions.create(model=MODEL, messages=USER)
    body: Any = caught.value.body
    assert body["sluicegate"]["fallback"] == FALLBACK
    assert body["sluicegate"]["directive"] == "bis-1"


def test_a_quota_may_be_retried(quick):
    world = World.with_release(requestsPerMinute=1)
    key = world.customer()
    with running(world, quick) as gate, Raw(gate.port) as client:
        assert client.send(post("/v1/chat/completions", chat(), key)).response()[0] == 200
        status, headers, _ = client.send(post("/v1/chat/completions", chat(), key)).response()
    assert status == 429
    assert 1 <= int(headers["retry-after"]) <= 60
    assert headers["x-should-retry"] == "true"


def test_without_a_lease_everything_is_refused(gate, key, quick):
    before = len(calls(quick))
    gate.clock.at_ms += worlds.LEASE_MS
    with ai(gate, key) as client, pytest.raises(openai.APIStatusError) as caught:
        client.chat.completions.create(model=MODEL, messages=USER)
    assert caught.value.status_code == 503
    assert counted(gate, "gate_stale") == 3  # the SDK tries again, as it may
    with Raw(gate.port) as raw:
        assert raw.send(b"GET /v1/models HTTP/1.1\r\nHost: a\r\nx-api-key: a\r\n\r\n").response()[0] == 503
    with Raw(gate.port) as raw:
        assert raw.send(b"GET /v1/models HTTP/1.1\r\nHost: a\r\n\r\n").response()[0] == 401
    assert len(calls(quick)) == before


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("X-Other: a", 200),
        ("x-api-key: {key}", 200),
        ("x-api-key: {key}x", 401),
        ("x-api-key: sg_ä", 401),
        ("Authorization: Bearer {key}", 400),
    ],
)
def test_a_key_beside_the_key(gate, key, line, status):
    with Raw(gate.port) as client:
        client.send(post("/v1/chat/completions", chat(), key, line.format(key=key)))
        assert client.response()[0] == status


def test_a_refusal_before_the_body_ends_the_connection(gate):
    head = post("/v1/chat/completions", b"", "sg_wrong").replace(
        b"Content-Length: 0", b"Content-Length: 9000"
    )
    with Raw(gate.port) as client:
        status, headers, _ = client.send(head).response()
        assert (status, headers["connection"]) == (401, "close")
        assert client.rest() == (b"", False)


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [
        ("/v1/chat/completions", "GET", 405),
        ("/v1/messages", "DELETE", 405),
        ("/v1/models", "POST", 405),
        ("/v1/models/demo-large", "DELETE", 405),
        ("/v1/batches", "POST", 400),
        ("/v1/files/f_1", "GET", 400),
        ("/v1/messages/batches", "POST", 400),
        ("/v1/messages/count_tokens", "GET", 405),
        ("/v1/responses/input_items", "POST", 400),
        ("/v1/moderations", "POST", 404),
        ("/v1/realtime", "GET", 404),
        ("/v1/", "GET", 404),
        ("/v1", "GET", 404),
        ("/", "GET", 404),
        ("/_demo/calls", "GET", 404),
        ("/healthz", "POST", 405),
        ("/metrics", "PUT", 405),
    ],
)
def test_nothing_else_is_served(gate, key, quick, path, method, status):
    before = len(calls(quick))
    request = post(path, chat(), key).replace(b"POST", method.encode(), 1)
    with Raw(gate.port) as client:
        answered, headers, body = client.send(request).response()
    assert answered == status
    assert (headers.get("allow") is not None) is (status == 405)
    assert json.loads(body)["error"]["message"]
    assert len(calls(quick)) == before


def test_answers_that_nobody_reads_do_not_pile_up(quick, world):
    asked = b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n" * 10_000
    with running(world, quick, write_timeout_ms=200) as gate, Raw(gate.port, receive_buffer=4096) as client:
        client.send(asked)
        client.rest()
        assert counted(gate, "observed") < 20


def test_head_has_no_body(gate):
    with Raw(gate.port) as client:
        client.send(b"HEAD /healthz HTTP/1.1\r\nHost: a\r\n\r\nGET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
        status, headers = parse_head(client.until(b"\r\n\r\n").partition(b"\r\n\r\n")[0])
        client.seen = client.seen.partition(b"\r\n\r\n")[2]
        assert (status, headers["allow"]) == (405, "GET")
        assert client.response()[2] == b'{"ok": true}'


@pytest.mark.parametrize(
    "line",
    ["Content-Encoding: gzip", "Content-Type: text/plain", "Content-Type: application/json; charset=utf-7"],
)
def test_another_form_of_body_is_refused(gate, key, line):
    with Raw(gate.port) as client:
        request = post("/v1/chat/completions", chat(), key, line)
        if line.startswith("Content-Type"):
            request = request.replace(b"Content-Type: application/json\r\n", b"")
        status, _, body = client.send(request).response()
    assert (status, json.loads(body)["error"]["code"]) == (400, "request_invalid")


def test_a_query_is_forwarded_or_refused(gate, key):
    with Raw(gate.port) as client:
        assert client.send(post("/v1/messages?beta=true", chat(), key)).response()[0] == 200
        status, _, body = client.send(post("/v1/messages?mod%65l=x", chat(), key)).response()
    assert status == 400
    assert "the query sets 'model'" in json.loads(body)["error"]["message"]


def test_a_body_too_large_is_refused_so_that_its_sender_can_read_it(gate, key):
    said: Any = [{"role": "user", "content": "x" * 34_000_000}]
    too_large = pytest.raises(openai.APIStatusError, match="larger than 33,554,432 bytes")
    with ai(gate, key) as client, too_large as caught:
        client.chat.completions.create(model=MODEL, messages=said)
    body: Any = caught.value.body
    assert (caught.value.status_code, body["type"]) == (413, "invalid_request_error")
    assert (body["code"], body["param"]) == ("request_too_large", None)
    with anthropic_api(gate, key) as other, pytest.raises(anthropic.APIStatusError) as raised:
        other.messages.create(model=MODEL, max_tokens=5, messages=said)
    answer: Any = raised.value.body
    assert (raised.value.status_code, answer["error"]["type"]) == (413, "request_too_large")


@pytest.mark.parametrize(("path", "most"), [("chat/completions", 33_554_432), ("embeddings", 8_388_608)])
def test_a_body_that_will_be_too_large_is_not_waited_for(gate, key, path, most):
    head = post(f"/v1/{path}", b"", key).replace(b"Length: 0", b"Length: %d" % (most + 1))
    with Raw(gate.port) as client:
        assert client.send(head).response()[0] == 413


def test_a_chunked_body_too_large_is_refused(gate, key):
    head = post("/v1/embeddings", b"", key).replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
    with Raw(gate.port) as client:
        client.send(head)
        piece = b"100000\r\n" + b"x" * 0x100000 + b"\r\n"
        for _ in range(9):
            client.send(piece)
        assert client.response()[0] == 413


def test_pictures_may_be_larger_than_what_is_said(gate, key, quick):
    picture = "data:image/png;base64," + "iVBORw0KGgo" * 2_000_000
    said: Any = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": picture}}]}]
    before = len(calls(quick))
    with ai(gate, key) as client:
        assert client.chat.completions.create(model=MODEL, messages=said).choices
        with pytest.raises(openai.APIStatusError, match="8,388,608 bytes besides pictures"):
            client.chat.completions.create(model=MODEL, messages=USER, stop="a b" * 3_000_000)
    assert len(calls(quick)) == before + 1


# The other endpoints of agents

COUNT = b'{"input_tokens":3,"object":"o","id":"r","created_at":0,"output":[],"usage":null}'
COUNTED = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b"


def test_counting_and_compacting_are_decided_like_their_siblings(world):
    key = world.customer()
    with (
        scripted(says_and_stays(COUNTED % (len(COUNT), COUNT))) as upstream,
        running(world, upstream.url) as gate,
        ai(gate, key) as client,
        anthropic_api(gate, key) as other,
    ):
        assert client.responses.input_tokens.count(model=MODEL, input="hello").input_tokens == 3
        assert client.responses.compact(model=MODEL, input="hello").id == "r"
        assert other.messages.count_tokens(model=MODEL, messages=USER).input_tokens == 3
        with pytest.raises(openai.NotFoundError):
            client.responses.input_tokens.count(model=HIDDEN_MODEL, input="hello")
        with pytest.raises(openai.NotFoundError):
            client.responses.compact(model=HIDDEN_MODEL, input="hello")
        with pytest.raises(anthropic.NotFoundError):
            other.messages.count_tokens(model=HIDDEN_MODEL, messages=USER)
        with pytest.raises(openai.BadRequestError, match="previous_response_id"):
            client.responses.compact(model=MODEL, previous_response_id="resp_1")
    paths = [request.split(b" ")[1] for request in upstream.requests]
    assert paths == [b"/v1/responses/input_tokens", b"/v1/responses/compact", b"/v1/messages/count_tokens"]


def test_a_slow_body_is_refused(quick, world):
    key = world.customer()
    with running(world, quick, body_timeout_ms=200) as gate, Raw(gate.port) as client:
        client.send(post("/v1/chat/completions", chat(), key)[:-10])
        status, headers, body = client.response()
    assert (status, headers["connection"], headers["x-should-retry"]) == (408, "close", "false")
    assert json.loads(body)["error"]["message"] == "no whole body within 200 ms"


def test_a_client_that_leaves_inside_its_body_is_forgotten(gate, key):
    with Raw(gate.port) as client:
        client.send(post("/v1/chat/completions", chat(), key)[:-10])
    assert eventually(lambda: counted(gate, "client_gone") == 1)


# What the gateway tells about itself


def test_health_readiness_and_metrics(gate, key, world):
    assert get(f"{gate.url}/healthz")[0] == 200
    assert json.loads(get(f"{gate.url}/readyz")[1])["ready"] is True
    with ai(gate, key) as client:
        client.chat.completions.create(model=MODEL, messages=USER)
    text = get(f"{gate.url}/metrics")[1]
    assert 'sluicegate_requests_total{outcome="answered"} 1.0' in text
    assert f"sluicegate_table_size {gate.do(lambda: gate.engine.table.size)}.0" in text
    assert "sluicegate_in_flight 0.0" in text
    assert "org-1" not in text
    gate.clock.at_ms += worlds.LEASE_MS
    with Raw(gate.port) as raw:
        assert raw.send(b"GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n").response()[0] == 503
        assert raw.send(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n").response()[0] == 200
    assert "sluicegate_lease_seconds 0.0" in get(f"{gate.url}/metrics")[1]


def test_nothing_said_is_logged(gate, key, caplog):
    caplog.set_level(0)
    secret = "nobody else should read this"
    with Raw(gate.port) as client:
        client.send(post("/v1/chat/completions", chat(prompt=secret), key)).response()
        client.send(post("/v1/chat/completions", chat("absent", prompt=secret), key)).response()
        client.send(
            post("/v1/chat/completions", b'{"model":1,"prompt":"%b"}' % secret.encode(), key)
        ).response()
    assert secret not in caplog.text
    assert key not in caplog.text
