"""What the gateway says itself, in both dialects, as tables."""

from __future__ import annotations

import hashlib
import json
import re

import pytest

from sluicegate.core.access.refusals import REASONS, Deny, Reason
from sluicegate.gate.dialects import (
    OUTLIVING,
    UNKNOWABLE,
    Dialect,
    GatewayFault,
    credential_digest,
    dialect_of,
    error_event,
    error_reply,
    faulty,
    model_reply,
    models_reply,
    refused,
    stand_in_headers,
)

KEY = b"sg_" + b"a" * 49
DIGEST = hashlib.sha256(KEY).digest()
BEARER = b"Bearer " + KEY

CREDENTIALS = [
    # None given
    ([], None),
    ([(b"authorization", b"")], None),
    ([(b"authorization", b"Bearer")], None),
    ([(b"authorization", b"Bearer  ")], None),
    ([(b"authorization", b"bearer \t")], None),
    ([(b"x-api-key", b"")], None),
    ([(b"x-api-key", b" \t")], None),
    ([(b"api-key", KEY)], None),
    ([(b"cookie", b"key=" + KEY)], None),
    ([(b"proxy-authorization", BEARER)], None),
    # One given
    ([(b"authorization", BEARER)], DIGEST),
    ([(b"authorization", b"bearer " + KEY)], DIGEST),
    ([(b"authorization", b"BEARER   " + KEY + b" \t")], DIGEST),
    ([(b"x-api-key", KEY)], DIGEST),
    ([(b"x-api-key", b" " + KEY + b"\t")], DIGEST),
    ([(b"authorization", BEARER), (b"x-api-key", KEY)], DIGEST),
    ([(b"authorization", b"Bearer "), (b"x-api-key", KEY)], DIGEST),
    ([(b"x-api-key", b"k" * 512)], hashlib.sha256(b"k" * 512).digest()),
    # No single key
    ([(b"authorization", BEARER), (b"x-api-key", KEY + b"b")], UNKNOWABLE),
    ([(b"authorization", BEARER), (b"authorization", BEARER)], UNKNOWABLE),
    ([(b"authorization", b""), (b"authorization", BEARER)], UNKNOWABLE),
    ([(b"x-api-key", KEY), (b"x-api-key", KEY)], UNKNOWABLE),
    ([(b"x-api-key", KEY), (b"x-api-key", b"")], UNKNOWABLE),
    ([(b"authorization", b"Basic " + KEY)], UNKNOWABLE),
    ([(b"authorization", KEY)], UNKNOWABLE),
    ([(b"authorization", b"Bearer\t" + KEY)], UNKNOWABLE),
    ([(b"authorization", b"Bearer " + KEY + b" " + KEY)], UNKNOWABLE),
    ([(b"authorization", b"Bearer " + KEY + b", Bearer b")], UNKNOWABLE),
    ([(b"x-api-key", b"k" * 513)], UNKNOWABLE),
    ([(b"x-api-key", "schlüssel".encode())], UNKNOWABLE),
    ([(b"x-api-key", b"a\x7fb")], UNKNOWABLE),
    ([(b"x-api-key", b"a b")], UNKNOWABLE),
    ([(b"x-api-key", KEY + b"\n")], UNKNOWABLE),
]


@pytest.mark.parametrize(("headers", "expected"), CREDENTIALS, ids=range(len(CREDENTIALS)))
def test_the_credential(headers, expected):
    assert credential_digest([(b"host", b"a"), *headers]) == expected


@pytest.mark.parametrize(
    ("path", "headers", "dialect"),
    [
        (b"/v1/chat/completions", [], Dialect.OPENAI),
        (b"/v1/chat/completions", [(b"anthropic-version", b"2023-06-01")], Dialect.OPENAI),
        (b"/v1/responses", [], Dialect.RESPONSES),
        (b"/v1/messages", [], Dialect.ANTHROPIC),
        (b"/v1/messages/count_tokens", [], Dialect.ANTHROPIC),
        (b"/v1/models", [], Dialect.OPENAI),
        (b"/v1/models", [(b"anthropic-version", b"2023-06-01")], Dialect.ANTHROPIC),
        (b"/elsewhere", [(b"anthropic-version", b"")], Dialect.ANTHROPIC),
        (b"/elsewhere", [], Dialect.OPENAI),
    ],
)
def test_the_dialect(path, headers, dialect):
    assert dialect_of(path, headers) is dialect


@pytest.mark.parametrize(
    ("path", "outlives"),
    [
        (b"/v1/batches", True),
        (b"/v1/batches/b_1/cancel", True),
        (b"/v1/files", True),
        (b"/v1/uploads", True),
        (b"/v1/messages/batches", True),
        (b"/v1/messages/batches/b_1/results", True),
        (b"/v1/vector_stores/vs_1/search", True),
        (b"/v1/conversations/conv_1/items", True),
        (b"/v1/containers/cntr_1/files/f_1", True),
        (b"/v1/responses/resp_1", True),
        (b"/v1/responses/resp_1/cancel", True),
        (b"/v1/chat/completions/chatcmpl_1", True),
        (b"/v1/responses", False),
        (b"/v1/batch", False),
        (b"/v1/filesystem", False),
        (b"/v1/messages", False),
        (b"/v1/chat/files", False),
    ],
)
def test_endpoints_that_outlive_their_request(path, outlives):
    assert bool(OUTLIVING.fullmatch(path)) is outlives


TYPES = {
    400: ("invalid_request_error", "invalid_request_error"),
    401: ("authentication_error", "authentication_error"),
    403: ("permission_denied", "permission_error"),
    404: ("invalid_request_error", "not_found_error"),
    413: ("invalid_request_error", "request_too_large"),
    426: ("invalid_request_error", "invalid_request_error"),
    429: ("rate_limit_error", "rate_limit_error"),
    451: ("permission_denied", "permission_error"),
    503: ("service_unavailable", "api_error"),
}
DENIALS = [
    *(Deny(reason, retry_after_s=7 if reason is Reason.QUOTA_EXCEEDED else None) for reason in Reason),
    Deny(Reason.DIRECTIVE_IN_FORCE, directive="bis-1", by_order=True, fallback="old"),
    Deny(Reason.APPLICATION_PENDING, application="case_1"),
    Deny(Reason.REQUEST_INVALID, detail="key 'model' twice"),
]


@pytest.mark.parametrize("deny", DENIALS, ids=lambda deny: f"{deny.reason}-{deny.status}")
@pytest.mark.parametrize("dialect", Dialect)
def test_every_refusal_in_every_dialect(deny, dialect):
    reply = error_reply(refused(deny, 42), dialect, "req_1")
    fields, body = dict(reply.headers), json.loads(reply.body)
    error = body["error"]
    anthropic = dialect is Dialect.ANTHROPIC
    assert reply.status == deny.status
    assert fields[b"content-type"] == b"application/json"
    assert int(fields[b"content-length"]) == len(reply.body)
    assert fields[b"request-id" if anthropic else b"x-request-id"] == b"req_1"
    assert error["type"] == TYPES[deny.status][anthropic]
    assert error["sluicegate"] == {
        "reason": deny.reason.value,
        "status": deny.status,
        "directive": deny.directive,
        "application": deny.application,
        "fallback": deny.fallback,
        "remedy": REASONS[deny.reason].remedy.replace("NAME", deny.directive or "NAME"),
        "size": 42,
    }
    assert error["message"].startswith(deny.text)
    assert error["message"].endswith(deny.remedy)
    if anthropic:
        assert body.keys() == {"type", "error", "request_id"}
        assert (body["type"], body["request_id"]) == ("error", "req_1")
    else:
        assert body.keys() == {"error"}
        assert error["code"] == deny.reason.value


@pytest.mark.parametrize("deny", DENIALS, ids=lambda deny: f"{deny.reason}-{deny.status}")
def test_only_what_waiting_helps_may_be_retried(deny):
    fields = dict(error_reply(refused(deny, 1), Dialect.OPENAI, "r").headers)
    waits = {Reason.QUOTA_EXCEEDED: b"7", Reason.GATE_STALE: b"5"}
    assert fields.get(b"retry-after") == waits.get(deny.reason)
    assert fields[b"x-should-retry"] == (b"true" if deny.reason in waits else b"false")
    assert (fields.get(b"www-authenticate") == b"Bearer") is (deny.status == 401)


@pytest.mark.parametrize("reason", Reason)
def test_the_field_at_fault(reason):
    error = json.loads(error_reply(refused(Deny(reason), 1), Dialect.OPENAI, "r").body)["error"]
    about_the_model = not reason.startswith(
        ("credential", "gate", "request", "quota", "upgrade", "programme")
    )
    assert error["param"] == ("model" if about_the_model else None)


def test_the_message_names_directive_and_application():
    directive = refused(Deny(Reason.DIRECTIVE_IN_FORCE, directive="bis-1"), 1)
    application = refused(Deny(Reason.APPLICATION_PENDING, application="case_1"), 1)
    assert "(directive bis-1);" in directive.message
    assert "(application case_1);" in application.message


@pytest.mark.parametrize("fault", GatewayFault)
@pytest.mark.parametrize("dialect", Dialect)
def test_every_fault_in_every_dialect(fault, dialect):
    reply = error_reply(faulty(fault, "so it is", ((b"allow", b"POST"),)), dialect, "req_1")
    error = json.loads(reply.body)["error"]
    assert reply.status == fault.status
    assert error["message"] == f"{fault.text}: so it is"
    assert "sluicegate" not in error
    assert (b"allow", b"POST") in reply.headers
    assert (b"x-should-retry", b"false") in reply.headers


@pytest.mark.parametrize(
    ("dialect", "begins"),
    [
        (Dialect.OPENAI, b'data: {"error":{"message":'),
        (
            Dialect.RESPONSES,
            b'event: error\ndata: {"type":"error","sequence_number":7,"code":"grant_expired","message":',
        ),
        (Dialect.ANTHROPIC, b'event: error\ndata: {"type":"error","error":{"type":"permission_error"'),
    ],
)
def test_the_event_that_ends_a_cut_stream(dialect, begins):
    problem = refused(Deny(Reason.GRANT_EXPIRED), 9)
    event = error_event(problem, dialect, "req_1", 7)
    assert event.startswith(begins)
    assert event.endswith(b"\n\n")
    assert event.count(b"\n\n") == 1
    data = json.loads(event.partition(b"data: ")[2])
    assert data["error"]["sluicegate"]["size"] == 9
    assert data["error"]["message"] == problem.message


@pytest.mark.parametrize("dialect", Dialect)
def test_a_refusal_worded_before_is_never_that_of_another(dialect):
    """What differs between two of them, in any field, differs in their events, however often made."""
    directive = Reason.DIRECTIVE_IN_FORCE
    denies = [
        *(Deny(directive, directive=name, by_order=by_order) for name in "ab" for by_order in (False, True)),
        *(Deny(directive, fallback=fallback) for fallback in (None, "older")),
        *(Deny(Reason.APPLICATION_PENDING, application=case) for case in ("case_1", "case_2")),
        *(Deny(Reason.QUOTA_EXCEEDED, retry_after_s=wait_s) for wait_s in (1, 2)),
        *(Deny(Reason.REQUEST_INVALID, text) for text in ("one", "two")),
    ]
    told = [
        [
            (deny, size, json.loads(error_event(refused(deny, size), dialect, "r").partition(b"data: ")[2]))
            for deny in denies
            for size in (1, 2)
        ]
        for _ in range(2)
    ]
    assert told[0] == told[1]
    for deny, size, data in told[0]:
        said = data["error"]["sluicegate"]
        assert (said["size"], said["directive"], said["application"]) == (
            size,
            deny.directive,
            deny.application,
        )
        assert (said["reason"], said["fallback"]) == (deny.reason.value, deny.fallback)
        assert data["error"]["message"].startswith(deny.text)
        assert refused(deny, size).status == deny.status
        assert (deny.retry_after_s is None) == ((b"x-should-retry", b"false") in refused(deny, size).headers)


def test_each_event_of_anthropic_names_its_own_request():
    problem = refused(Deny(Reason.GATE_STALE), 3)
    for name in ("req_1", "req_2"):
        event = error_event(problem, Dialect.ANTHROPIC, name)
        assert json.loads(event.partition(b"data: ")[2])["request_id"] == name


@pytest.mark.parametrize(
    "text", ["größer …", 'quote " back \\ slash', "line\nbreak\r\u2028", "half \ud83d pair"]
)
@pytest.mark.parametrize("dialect", Dialect)
def test_any_text_stays_one_event(text, dialect):
    event = error_event(refused(Deny(Reason.REQUEST_INVALID, text), 1), dialect, "r")
    assert event.count(b"\n") == (2 if dialect is Dialect.OPENAI else 3)
    assert b"\r" not in event
    said = json.loads(event.partition(b"data: ")[2])["error"]["message"]
    assert said.startswith(text)


@pytest.mark.parametrize("name", ["gpt-5.5", "a/b:c._-9", "demo-large"])
def test_a_fallback_is_named_as_plans_write_it(name):
    said = stand_in_headers(name, "gpt-5.6", "bis-2026-06-12")
    assert [value for _, value in said] == [name.encode(), b"gpt-5.6", b"bis-2026-06-12"]


@pytest.mark.parametrize("name", ["a\r\nset-cookie: b", "a\0b", "größer", "a b", "a\x7f", "\ud83d"])
def test_no_name_ends_the_header_that_tells_it(name):
    for said in (
        stand_in_headers(name, "m", "d"),
        stand_in_headers("m", name, "d"),
        stand_in_headers("f", "m", name),
    ):
        assert all(re.fullmatch(rb"[\x21-\x7e]+", value) for _, value in said)


def test_models_in_both_dialects():
    openai = json.loads(models_reply(["a", "b"], Dialect.OPENAI, "r").body)
    anthropic = json.loads(models_reply(["a", "b"], Dialect.ANTHROPIC, "r").body)
    assert [model["id"] for model in openai["data"]] == ["a", "b"]
    assert openai["object"] == "list"
    assert [model["id"] for model in anthropic["data"]] == ["a", "b"]
    assert (anthropic["first_id"], anthropic["last_id"], anthropic["has_more"]) == ("a", "b", False)
    assert json.loads(models_reply([], Dialect.ANTHROPIC, "r").body)["first_id"] is None
    assert json.loads(model_reply("a", Dialect.OPENAI, "r").body)["object"] == "model"
    assert json.loads(model_reply("a", Dialect.ANTHROPIC, "r").body)["type"] == "model"
