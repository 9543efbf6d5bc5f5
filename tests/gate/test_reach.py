"""What a body reaches for beyond its own request: mostly names of what a model's server keeps."""

from __future__ import annotations

import json
import tracemalloc
from typing import Any

import anthropic
import openai
import pytest

from sluicegate.errors import InvalidInput
from sluicegate.gate.dialects import Dialect
from sluicegate.gate.request import read
from sluicegate.settings import UpstreamTarget
from tests.gate.clients import ai, anthropic_api, calls, chat, post
from tests.gate.running import UPSTREAM_KEY, Running, running
from tests.gate.scripted import says_and_stays, scripted
from tests.gate.world import FALLBACK, MODEL, UPSTREAM, World
from tests.raw import Raw

OWN_KEY = "its-own-key"
OK = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"


def asked(**fields: Any) -> bytes:
    return json.dumps({"model": "a", **fields}).encode()


def user(*parts: Any) -> dict[str, Any]:
    return {"role": "user", "content": list(parts)}


STATE: list[tuple[str, dict[str, Any]]] = [
    ("previous_response_id", {"previous_response_id": "resp_1"}),
    ("conversation", {"conversation": "conv_1"}),
    ("conversation", {"conversation": {"id": "conv_1"}}),
    ("prompt", {"prompt": {"id": "pmpt_1", "version": "2"}}),
    ("thread", {"thread": {"type": "continue", "previous_message_id": "msg_1"}}),
    ("container", {"container": "container_1"}),
    ("container", {"container": {"id": "container_1", "skills": []}}),
    ("container.skills[0].skill_id", {"container": {"skills": [{"type": "custom", "skill_id": "skill_1"}]}}),
    ("diagnostics.previous_message_id", {"diagnostics": {"previous_message_id": "msg_1"}}),
    (
        "prompt_cache_options.comparison_response_id",
        {"prompt_cache_options": {"comparison_response_id": "resp_1"}},
    ),
    ("input[0].id", {"input": [{"type": "item_reference", "id": "msg_1"}]}),
    ("input[0].id", {"input": [{"id": "msg_1"}]}),
    ("input[0].id", {"input": [{"type": "reasoning", "id": "rs_1", "summary": []}]}),
    ("input[0].id", {"input": [{"type": "image_generation_call", "id": "ig_1", "result": None}]}),
    ("input[0].id", {"input": [{"type": "compaction", "id": "cmp_1"}]}),
    ("input[0].id", {"input": [{"Type": "item_reference", "ID": "msg_1"}]}),
    ("input[0].id", {"input": [{"type": "item_reference", "Id": "msg_1", "status": "completed"}]}),
    ("input[0].id", {"input": [{"type": "web_search_call", "id": "ws_1", "status": "completed"}]}),
    ("input[0].id", {"input": [{"type": "web_search_call", "id": "ws_1", "action": None, "x": 1}]}),
    ("input[0].id", {"input": [{"type": "file_search_call", "id": "fs_1", "queries": ["a"]}]}),
    ("input[0].id", {"input": [{"type": "of_tomorrow_call", "id": "x_1", "status": "completed"}]}),
    ("input[0].id", {"input": [{"id": "msg_1", "status": None}]}),
    ("input[0].id", {"input": [{"id": "msg_1", "status": "completed"}]}),
    ("input[0].id", {"input": [{"type": "reasoning", "id": "rs_1", "Content": ["as another field"]}]}),
    (
        "input[0].content[1].file_id",
        {"input": [user({"type": "input_text", "text": "see"}, {"type": "input_file", "file_id": "file-1"})]},
    ),
    ("input[0].content[0].file_id", {"input": [user({"type": "input_image", "file_id": "file-1"})]}),
    ("input[0].output.file_id", {"input": [{"type": "computer_call_output", "output": {"file_id": "f"}}]}),
    (
        "input[0].output[0].file_id",
        {"input": [{"type": "function_call_output", "output": [{"type": "input_file", "file_id": "f"}]}]},
    ),
    ("input[0].container_id", {"input": [{"type": "code_interpreter_call", "container_id": "cntr_1"}]}),
    (
        "messages[0].content[0].file.file_id",
        {"messages": [user({"type": "file", "file": {"file_id": "file-1"}})]},
    ),
    ("messages[0].audio", {"messages": [{"role": "assistant", "audio": {"id": "audio_1"}}]}),
    ("audio.voice", {"audio": {"format": "wav", "voice": {"id": "voice_1"}}}),
    (
        "messages[0].content[0].source.file_id",
        {"messages": [user({"type": "document", "source": {"type": "file", "file_id": "file_1"}})]},
    ),
    ("messages[0].content[0].file_id", {"messages": [user({"type": "container_upload", "file_id": "f"})]}),
    ("tools[0].vector_store_ids", {"tools": [{"type": "file_search", "vector_store_ids": ["vs_1"]}]}),
    ("tools[0].container", {"tools": [{"type": "code_interpreter", "container": "cntr_1"}]}),
    (
        "tools[0].container.file_ids",
        {"tools": [{"type": "code_interpreter", "container": {"type": "auto", "file_ids": ["f"]}}]},
    ),
    (
        "tools[0].environment.container_id",
        {"tools": [{"type": "shell", "environment": {"type": "container_reference", "container_id": "c"}}]},
    ),
    ("tools[0].input_image_mask.file_id", {"tools": [{"input_image_mask": {"file_id": "f"}}]}),
    ("messages[0].content[0].File_ID", {"messages": [user({"type": "file", "File_ID": "file-1"})]}),
    ("tools[0].VECTOR_STORE_IDS", {"tools": [{"type": "file_search", "VECTOR_STORE_IDS": ["vs_1"]}]}),
    (
        "messages[0].content[0].input.file_id",
        {"messages": [user({"type": "input_file", "input": {"file_id": "f"}})]},
    ),
]


@pytest.mark.parametrize(("path", "fields"), STATE, ids=[path for path, _ in STATE])
def test_names_the_field_that_names_something_kept(path, fields):
    assert read(asked(**fields), Dialect.RESPONSES).state == path


def test_a_name_written_with_escapes_is_found():
    body = b'{"model":"a","messages":[{"content":[{"file":{"f\\u0069le_id":"file-1"}}]}]}'
    assert read(body).state == "messages[0].content[0].file.file_id"


SCHEMA = {"type": "object", "properties": {"file_id": {"type": "string"}, "container": {"id": "x"}}}
FREE: list[dict[str, Any]] = [
    {"messages": [{"role": "user", "content": '"file_id": "file-1", previous_response_id, container'}]},
    {"prompt": "complete this", "input": "conversation"},
    {"input": [1, 2, 3]},
    {"previous_response_id": None, "conversation": None, "container": None},
    {"tools": [{"type": "function", "function": {"name": "open", "parameters": SCHEMA}}]},
    {"tools": [{"type": "function", "name": "open", "parameters": SCHEMA}]},
    {"tools": [{"name": "open", "input_schema": SCHEMA, "input_examples": [{"file_id": "mine"}]}]},
    {"messages": [user({"type": "tool_use", "id": "t", "name": "open", "input": {"file_id": "mine"}})]},
    {"messages": [user({"type": "server_tool_use", "id": "t", "input": {"container_id": "mine"}})]},
    {"input": [{"type": "function_call", "id": "fc_1", "call_id": "c", "arguments": '{"file_id":"f"}'}]},
    {"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA}}},
    {"text": {"format": {"type": "json_schema", "name": "n", "schema": SCHEMA}}},
    {"metadata": {"file_id": "mine", "container": "mine"}},
    {"client_metadata": {"thread_id": "mine", "session_id": "mine"}},
    {"audio": {"format": "wav", "voice": "alloy"}},
    {"tools": [{"type": "code_interpreter", "container": {"type": "auto"}}]},
    {"container": {"skills": [{"type": "anthropic", "skill_id": "pptx", "version": "latest"}]}},
    {"input": [{"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAA"}]},
    {"input": [{"type": "message", "id": "msg_1", "role": "assistant", "content": []}]},
    {"input": [{"id": "msg_1", "role": "assistant", "content": "said before"}]},
    {"input": [{"type": "message", "id": None, "role": "user", "content": []}]},
    {"input": [{"type": "image_generation_call", "id": "ig_1", "result": "aGk=", "status": "completed"}]},
    {"input": [{"type": "web_search_call", "id": "ws_1", "action": {"type": "search", "query": "a"}}]},
    {"input": [{"type": "file_search_call", "id": "fs_1", "queries": ["a"], "results": [{"text": "b"}]}]},
]


@pytest.mark.parametrize("fields", FREE, ids=range(len(FREE)))
def test_what_is_said_is_not_taken_for_a_name(fields):
    assert read(asked(**fields), Dialect.RESPONSES).state == ""


@pytest.mark.parametrize("name", ["Input", "INPUT", "Tools", "\u200btools"])
def test_the_lists_that_are_looked_into_have_one_name(name):
    with pytest.raises(InvalidInput, match=r"differs from '(?:input|tools)' only in case"):
        read(asked(**{name: [{"type": "item_reference", "id": "msg_1"}]}), Dialect.RESPONSES)


def test_a_long_name_is_not_held_for_each_of_its_values():
    """The names around a value, once for each value, would be a hundred times the body."""
    inside: dict[str, Any] = {"k " * 15_000: {str(number): [] for number in range(3_000)}}
    body = asked(x=inside, file_id=None)
    tracemalloc.start()
    try:
        assert read(body).state == ""
        assert tracemalloc.get_traced_memory()[1] < 4 * 1024 * 1024
    finally:
        tracemalloc.stop()


def test_the_path_of_a_field_is_short_and_ends_with_it():
    inside: Any = {"file_id": "f"}
    for number in range(100):
        inside = {f"{number}" * 200: [inside]}
    path = read(asked(x=inside)).state
    assert path.startswith("…")
    assert path.endswith("[0].file_id")
    assert len(path) < 1_500


ROUTED: list[tuple[str, dict[str, Any]]] = [
    ("models", {"models": ["b"]}),
    ("route", {"route": "fallback"}),
    ("provider", {"provider": {"order": ["x"]}}),
    ("fallbacks", {"fallbacks": [{"model": "b"}]}),
    ("fallbacks", {"fallbacks": "default"}),
    ("extra_body", {"extra_body": {"model": "b"}}),
    ("api_base", {"api_base": "http://elsewhere"}),
    ("tools[0].model", {"tools": [{"type": "advisor_20260301", "name": "advisor", "model": "b"}]}),
    ("tools[0].model", {"tools": [{"type": "image_generation", "model": "gpt-image-1"}]}),
    ("input[0].tools[0].model", {"input": [{"type": "additional_tools", "tools": [{"model": "b"}]}]}),
    ("tools[0].Model", {"tools": [{"type": "image_generation", "Model": "b"}]}),
    ("input[0].Tools[0].model", {"input": [{"type": "additional_tools", "Tools": [{"model": "b"}]}]}),
    ("tools[0].tools[1].model", {"tools": [{"type": "namespace", "tools": [{}, {"model": "b"}]}]}),
    ("tools[0]", {"tools": [{"type": "image_generation"}]}),
    ("tools[0]", {"tools": [{"Type": "image_generation", "model": None}]}),
    ("tools[0].svg.model", {"tools": [{"type": "image_generation", "model": "a", "svg": {"model": "b"}}]}),
    ("moderation.model", {"moderation": {"model": "omni-moderation-latest"}}),
    ("moderation.Model", {"moderation": {"Model": "omni-moderation-latest"}}),
]


@pytest.mark.parametrize(("path", "fields"), ROUTED, ids=[path for path, _ in ROUTED])
def test_refuses_what_could_make_another_model_answer(path, fields):
    with pytest.raises(InvalidInput) as caught:
        read(asked(**fields))
    assert caught.value.message.startswith(repr(path))


@pytest.mark.parametrize("key", ["Models", "Moderation", "extra_body ", "ROUTE", "Previous_Response_Id"])
def test_refuses_another_spelling(key):
    with pytest.raises(InvalidInput, match="differs from"):
        read(asked(**{key: "x"}))


@pytest.mark.parametrize(
    "fields",
    [
        {"tools": [{"type": "advisor", "model": "a"}]},
        {"tools": [{"type": "image_generation", "model": "a", "svg": {"model": "a"}}]},
        {"tools": [{"type": "function", "name": "image_generation", "parameters": {"model": "b"}}]},
        {"tools": [{"type": ["image_generation"]}]},
        {"metadata": {"model": "b"}},
        {"moderation": {"model": None}},
    ],
    ids=range(6),
)
def test_the_model_itself_is_no_other_model(fields):
    assert read(asked(**fields)).model == "a"


# At the gateway


@pytest.fixture
def key(gate: Running, world: World) -> str:
    key = world.customer()
    gate.advance()
    return key


def test_state_upstream_is_refused_by_name_in_both_dialects(gate, key, quick):
    before = len(calls(quick))
    with ai(gate, key) as client, pytest.raises(openai.BadRequestError, match="'previous_response_id' names"):
        client.responses.create(model=MODEL, input="hello", previous_response_id="resp_1")
    said: Any = [user({"type": "document", "source": {"type": "file", "file_id": "file_1"}})]
    with (
        anthropic_api(gate, key) as client,
        pytest.raises(anthropic.BadRequestError, match=r"source\.file_id") as caught,
    ):
        client.beta.messages.create(model=MODEL, max_tokens=5, messages=said)
    assert caught.value.request_id is not None
    assert len(calls(quick)) == before


@pytest.mark.parametrize(
    "path", ["/v1/files", "/v1/vector_stores/vs_1/search", "/v1/responses/resp_1/cancel"]
)
def test_what_a_server_keeps_has_no_endpoint(gate, key, path):
    with Raw(gate.port) as client:
        status, _, body = client.send(post(path, chat(), key)).response()
    assert (status, json.loads(body)["error"]["code"]) == (400, "request_invalid")


def accounts(url: str, grant: str) -> dict[str, UpstreamTarget]:
    return {UPSTREAM: UpstreamTarget(url, UPSTREAM_KEY, keys={grant: OWN_KEY})}


def test_an_account_of_its_own_may_keep_state(world):
    grant, other = world.grant("org-1"), world.customer("org-2")
    key = world.credential(grant)[0]
    plain = {"model": MODEL, "input": "hello"}
    body = {**plain, "previous_response_id": "resp_1"}
    with (
        scripted(says_and_stays(OK)) as upstream,
        running(world, upstream.url, upstreams=accounts(upstream.url, grant)) as gate,
        Raw(gate.port) as client,
    ):
        assert client.send(post("/v1/responses", body, key)).response()[0] == 200
        assert client.send(post("/v1/responses", body, other)).response()[0] == 400
        assert client.send(post("/v1/responses", plain, other)).response()[0] == 200
    first, second = upstream.requests
    assert f"Bearer {OWN_KEY}".encode() in first
    assert UPSTREAM_KEY.encode() not in first
    assert f"Bearer {UPSTREAM_KEY}".encode() in second


def test_what_an_account_keeps_is_not_named_to_a_fallback(world):
    key, grant, _ = world.falling_back("org-1")
    world.suspend("bis-1", [MODEL])
    with (
        scripted(says_and_stays(OK)) as upstream,
        running(world, upstream.url, upstreams=accounts(upstream.url, grant)) as gate,
        Raw(gate.port) as client,
    ):
        body = {"model": MODEL, "input": "hello"}
        assert client.send(post("/v1/responses", body, key)).response()[0] == 200
        named = {**body, "previous_response_id": "resp_1"}
        assert client.send(post("/v1/responses", named, key)).response()[0] == 400
    assert [f'"{FALLBACK}"'.encode() in request for request in upstream.requests] == [True]
