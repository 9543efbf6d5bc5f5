"""Who a request names: in every field and header that names an end user, and in those that name no person."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest

from sluicegate.gate.dialects import Dialect
from sluicegate.gate.names import NO_NAMES, NOT_UNDERSTOOD, Names, is_session, of_headers
from sluicegate.gate.request import read
from tests.gate.clients import ai, anthropic_api, chat, post
from tests.gate.running import running
from tests.gate.test_caller import People, signed
from tests.gate.world import MODEL
from tests.raw import Raw

DEVICE = "4f" * 32
SESSION = "0b6e2f3c-6f5e-4a39-9a52-0e1f6a7d9c10"
AS_JSON = json.dumps({"device_id": DEVICE, "account_uuid": "", "session_id": SESSION}, separators=(",", ":"))
AS_TEXT = f"user_{DEVICE}_account__session_{SESSION}"
USER: list[Any] = [{"role": "user", "content": "hello"}]

BODIES: list[tuple[dict[str, Any], Dialect, Names]] = [
    ({}, Dialect.OPENAI, NO_NAMES),
    ({"safety_identifier": "ada"}, Dialect.OPENAI, Names(("ada",))),
    ({"user": "ada"}, Dialect.RESPONSES, Names(("ada",))),
    ({"user": "ben", "safety_identifier": "ada"}, Dialect.OPENAI, Names(("ada", "ben"))),
    ({"user": "ada", "safety_identifier": "ada"}, Dialect.OPENAI, Names(("ada",))),
    ({"user": "ben", "safety_identifier": None}, Dialect.OPENAI, Names(("ben",))),
    ({"user": "ben", "safety_identifier": ""}, Dialect.OPENAI, Names(("ben",))),
    ({"user": "", "safety_identifier": None}, Dialect.OPENAI, NO_NAMES),
    ({"user": "x" * 512}, Dialect.OPENAI, Names(("x" * 512,))),
    ({"user": "x" * 513}, Dialect.OPENAI, Names(is_unclear=True)),
    ({"user": "x" * 513, "safety_identifier": "ada"}, Dialect.OPENAI, Names(("ada",), is_unclear=True)),
    ({"metadata": {"user_id": "x" * 513}}, Dialect.ANTHROPIC, Names(is_unclear=True)),
    ({"user": "\ud83d"}, Dialect.OPENAI, Names(("\ud83d",))),
    ({"metadata": {"user_id": "ada"}}, Dialect.OPENAI, NO_NAMES),
    ({"metadata": [1]}, Dialect.OPENAI, NO_NAMES),
    ({"metadata": {"user_id": "ada"}}, Dialect.ANTHROPIC, Names(("ada",))),
    ({"metadata": {"user_id": None}}, Dialect.ANTHROPIC, NO_NAMES),
    ({"metadata": None}, Dialect.ANTHROPIC, NO_NAMES),
    ({"user_profile_id": "uprof_1"}, Dialect.ANTHROPIC, Names(("uprof_1",))),
    ({"user": "ada", "metadata": {"user_id": "ben"}}, Dialect.ANTHROPIC, Names(("ada", "ben"))),
    ({"user_id": "ada"}, Dialect.ANTHROPIC, NO_NAMES),
    ({"metadata": {"user_id": AS_JSON}}, Dialect.ANTHROPIC, Names(is_session=True)),
    ({"metadata": {"user_id": AS_TEXT}}, Dialect.ANTHROPIC, Names(is_session=True)),
    ({"user": AS_JSON}, Dialect.OPENAI, Names(is_session=True)),
    ({"user": "ada", "metadata": {"user_id": AS_JSON}}, Dialect.ANTHROPIC, Names(("ada",), is_session=True)),
]


@pytest.mark.parametrize(("fields", "dialect", "names"), BODIES, ids=range(len(BODIES)))
def test_reads_who_a_body_names(fields, dialect, names):
    body = json.dumps({"model": "a", **fields}).encode()
    assert read(body, dialect).names == names


@pytest.mark.parametrize(
    "text",
    [
        "ada",
        "",
        "{}",
        "{",
        "[1]",
        '"session_id"',
        json.dumps({"session_id": SESSION}),
        json.dumps({"device_id": DEVICE, "session_id": SESSION, "email": "ada@example.org"}),
        json.dumps({"device_id": DEVICE, "session_id": SESSION, "user_id": "ada"}),
        json.dumps({"device_id": ["ada"], "session_id": SESSION}),
        json.dumps({"device_id": DEVICE, "account_uuid": {"id": "ada"}, "session_id": SESSION}),
        AS_JSON + "ada",
        f"ada_{AS_TEXT}",
        f"user_ada_account__session_{SESSION}",
        AS_TEXT + "\n",
        "[" * 100_000,
        "{" + '"a":{' * 100_000,
    ],
)
def test_another_form_is_no_session(text):
    assert not is_session(text)


@pytest.mark.parametrize(
    "text",
    [
        AS_JSON,
        AS_TEXT,
        json.dumps({"device_id": DEVICE, "session_id": SESSION}),
        json.dumps({"device_id": DEVICE, "account_uuid": SESSION, "session_id": SESSION}),
        f"user_{DEVICE}_account_{SESSION}_session_{SESSION}",
    ],
)
def test_a_device_and_session_are(text):
    assert is_session(text)


def test_reads_who_the_headers_name():
    assert of_headers([(b"host", b"a"), (b"user-agent", b"ada")]) == NO_NAMES
    profile = (b"anthropic-user-profile-id", b" uprof_1 ")
    assert of_headers([profile, profile]) == Names(("uprof_1",))
    assert of_headers([profile, (profile[0], b"uprof_2")]) == Names(("uprof_1", "uprof_2"))
    assert of_headers([(profile[0], b"")]) == NO_NAMES
    assert of_headers([(profile[0], AS_JSON.encode())]) == Names(is_session=True)
    assert of_headers([(b"x-user-id", b"")]) == NO_NAMES
    for name in NOT_UNDERSTOOD:
        assert of_headers([(name, b"ada")]) == Names(is_unclear=True)


# Under a directive about persons


@pytest.fixture
def people() -> People:
    people = People()
    people.cover()
    return people


def test_the_argument_of_the_sdk_names(quick, people):
    with running(people, quick) as gate, anthropic_api(gate, people.key, max_retries=0) as client:
        for named, is_answered in (("ada", True), ("ben", False), ("stranger", False)):
            for create in (client.messages.create, client.beta.messages.create):
                if is_answered:
                    create(model=MODEL, max_tokens=5, messages=USER, user_profile_id=named)
                    continue
                with pytest.raises(anthropic.APIStatusError) as caught:
                    create(model=MODEL, max_tokens=5, messages=USER, user_profile_id=named)
                assert caught.value.status_code == 451
        with pytest.raises(anthropic.APIStatusError):
            client.messages.create(
                model=MODEL, max_tokens=5, messages=USER, user_profile_id="ada", metadata={"user_id": "ben"}
            )


def test_two_that_differ_both_count(quick, people):
    with running(people, quick) as gate, ai(gate, people.key, max_retries=0) as client:
        client.chat.completions.create(model=MODEL, messages=USER, user="ada", safety_identifier="ada")
        for user, identifier in (("ben", "ada"), ("ada", "ben"), ("ada", "stranger")):
            with pytest.raises(openai.APIStatusError, match="directive"):
                client.responses.create(model=MODEL, input="hello", user=user, safety_identifier=identifier)


@pytest.mark.parametrize("identifier", [AS_JSON, AS_TEXT])
def test_an_agents_session_leaves_a_bound_key_and_an_assertion_to_decide(quick, people, identifier):
    bound = {name: people.bound(name) for name in ("ada", "ben")}
    asked = chat(metadata={"user_id": identifier}, max_tokens=5)
    with running(people, quick) as gate, Raw(gate.port) as client:
        sent = post("/v1/messages", asked, people.key)
        status, _, body = client.send(sent).response()
        assert status == 451
        for name, is_answered in (("ada", 200), ("ben", 451)):
            assert client.send(post("/v1/messages", asked, bound[name])).response()[0] == is_answered
        by_ada = f"X-Sluicegate-Assertion: {signed().decode()}"
        by_ben = f"X-Sluicegate-Assertion: {signed(sub='ben').decode()}"
        assert client.send(post("/v1/messages", asked, people.key, by_ada)).response()[0] == 200
        assert client.send(post("/v1/messages", asked, people.key, by_ben)).response()[0] == 451
    assert json.loads(body)["error"]["sluicegate"]["reason"] == "directive_in_force"


def test_a_header_that_is_not_understood_is_not_ignored(quick, people):
    asked = chat(safety_identifier="ada")
    with running(people, quick) as gate, Raw(gate.port) as client:
        assert client.send(post("/v1/chat/completions", asked, people.key)).response()[0] == 200
        for line in ("X-Forwarded-User: ada", "From: ada@example.org"):
            assert client.send(post("/v1/chat/completions", asked, people.key, line)).response()[0] == 451
        people.lift("d-1")
        gate.advance()
        assert client.send(post("/v1/chat/completions", asked, people.key, line)).response()[0] == 200


def test_an_identifier_that_is_too_long_is_not_ignored(quick, people):
    bound = people.bound("ada")
    with running(people, quick) as gate, Raw(gate.port) as client:
        for asked, expected in ((chat(), 200), (chat(user="a" * 512), 451), (chat(user="a" * 513), 451)):
            assert client.send(post("/v1/chat/completions", asked, bound)).response()[0] == expected
        line = f"Anthropic-User-Profile-Id: {'a' * 513}"
        assert client.send(post("/v1/chat/completions", chat(), bound, line)).response()[0] == 451


def test_more_than_may_be_named_are_refused(quick, people):
    asked = {**chat(), "user": "a", "safety_identifier": "b", "user_profile_id": "c", "max_tokens": 5}
    asked["metadata"] = {"user_id": "d"}
    with running(people, quick) as gate, Raw(gate.port) as client:
        sent = post("/v1/messages", asked, people.key, "Anthropic-User-Profile-Id: e")
        status, _, body = client.send(sent).response()
    assert status == 400
    assert "5 different identifiers of end users" in json.loads(body)["error"]["message"]


def test_the_docs_list_every_header_that_is_not_understood():
    page = (Path(__file__).parents[2] / "docs/reference/persons.md").read_text()
    assert sorted(
        re.findall(r"`([a-z-]+)`[,.]", page.partition("(`not_understood`)")[2].partition("###")[0])
    ) == [name.decode() for name in sorted(NOT_UNDERSTOOD)]
