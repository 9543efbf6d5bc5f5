"""The demonstration upstream over a real socket, as the vendors' own clients see it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator

import anthropic
import httpx2
import openai
import pytest

from demo.upstream import UpstreamSettings, credential_digest, in_thread
from sluicegate.errors import InvalidInput
from tests.waiting import BOUND_S

KEY = "sk-demo"
MODEL = "demo-large"
USER = [{"role": "user", "content": "hello there"}]
ANSWER = "You said: hello there" + "".join(f" {number}" for number in range(1, 17))
SCHEMA = {
    "type": "object",
    "properties": {
        "city": {"type": "string"},
        "days": {"type": "integer"},
        "unit": {"enum": ["celsius", "kelvin"]},
        "exact": {"type": "boolean"},
    },
    "required": ["city"],
}
ARGUMENTS = {"city": "hello there", "days": 11, "unit": "celsius", "exact": True}
CHAT_TOOLS = [{"type": "function", "function": {"name": "weather", "parameters": SCHEMA}}]
RESPONSES_TOOLS = [
    {"type": "web_search"},
    {"type": "function", "name": "weather", "parameters": SCHEMA, "strict": False},
]
MESSAGES_TOOLS = [{"name": "weather", "input_schema": SCHEMA}]
TEXTS = [
    "größer als µ",
    "日本語 テスト",
    "🏳️‍🌈 👩🏽‍🔬",
    "שלום עולם",
    "a\u2028b\u0085c\r\nd\te",
    'quote " and \\',
    "e\u0301",
    "\x00",
    "",
]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with in_thread() as url:
        yield url


@pytest.fixture(scope="module")
def ai(url) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{url}/v1", api_key=KEY, max_retries=0, timeout=BOUND_S) as client:
        yield client


@pytest.fixture(scope="module")
def anthropic_api(url) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=url, api_key=KEY, max_retries=0, timeout=BOUND_S) as client:
        yield client


@pytest.fixture(scope="module")
def http(url) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=url, timeout=BOUND_S, verify=False) as client:
        yield client


def demo(**headers: object) -> dict[str, str]:
    return {f"x-demo-{name}".replace("_", "-"): str(value) for name, value in headers.items()}


# Chat completions


def test_chat_completion(ai):
    answer = ai.chat.completions.create(model=MODEL, messages=USER)
    assert answer.choices[0].message.content == ANSWER
    assert answer.choices[0].finish_reason == "stop"
    assert (answer.object, answer.model, answer.created) == ("chat.completion", MODEL, 1767225600)
    assert answer.id.startswith("chatcmpl-")
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + 20
    assert answer == ai.chat.completions.create(model=MODEL, messages=USER)
    assert answer.id != ai.chat.completions.create(model=MODEL, messages=USER, seed=1).id


@pytest.mark.parametrize("chunks", [1, 2, 3, 4, 7, 20, 500])
def test_a_chat_stream_has_the_chunks_asked_for_and_the_text_of_the_whole(ai, chunks):
    ask = {"model": MODEL, "messages": USER, "extra_headers": demo(chunks=chunks)}
    with ai.chat.completions.create(**ask, stream=True) as stream:
        events = list(stream)
    pieces = [event.choices[0].delta.content for event in events[1:-1]]
    assert len(pieces) == chunks
    assert all(pieces)
    assert "".join(pieces) == ai.chat.completions.create(**ask).choices[0].message.content
    assert events[0].choices[0].delta.role == "assistant"
    assert [event.choices[0].finish_reason for event in events] == [None] * (chunks + 1) + ["stop"]
    assert all(event.usage is None for event in events)


def test_a_chat_stream_counts_usage_when_asked(ai):
    with ai.chat.completions.stream(
        model=MODEL, messages=USER, stream_options={"include_usage": True}
    ) as stream:
        deltas = [event.delta for event in stream if event.type == "content.delta"]
        final = stream.get_final_completion()
    assert "".join(deltas) == final.choices[0].message.content == ANSWER
    assert final.usage.completion_tokens == 20


def test_chat_calls_the_first_function_and_repeats_its_result(ai):
    asked = ai.chat.completions.create(model=MODEL, messages=USER, tools=CHAT_TOOLS).choices[0]
    (tool_call,) = asked.message.tool_calls
    assert (asked.finish_reason, asked.message.content) == ("tool_calls", None)
    assert (tool_call.type, tool_call.function.name) == ("function", "weather")
    assert json.loads(tool_call.function.arguments) == ARGUMENTS

    result = {"role": "tool", "tool_call_id": tool_call.id, "content": "11 °C"}
    told = ai.chat.completions.create(model=MODEL, messages=[*USER, asked.message, result], tools=CHAT_TOOLS)
    assert told.choices[0].message.content.startswith("The tool returned: 11 °C 1 2")
    assert told.choices[0].finish_reason == "stop"


def test_a_chat_stream_calls_a_function_in_deltas(ai):
    with ai.chat.completions.stream(model=MODEL, messages=USER, tools=CHAT_TOOLS) as stream:
        kinds = [event.type for event in stream]
        choice = stream.get_final_completion().choices[0]
    assert kinds.count("tool_calls.function.arguments.delta") == 1 + 20
    assert choice.finish_reason == "tool_calls"
    assert choice.message.tool_calls[0].id.startswith("call_")
    assert json.loads(choice.message.tool_calls[0].function.arguments) == ARGUMENTS


def test_tools_that_may_not_be_called_are_not(ai, anthropic_api):
    chat = ai.chat.completions.create(model=MODEL, messages=USER, tools=CHAT_TOOLS, tool_choice="none")
    message = anthropic_api.messages.create(
        model=MODEL, max_tokens=9, messages=USER, tools=MESSAGES_TOOLS, tool_choice={"type": "none"}
    )
    assert chat.choices[0].message.content == message.content[0].text == ANSWER


# Responses


def test_response(ai):
    answer = ai.responses.create(model=MODEL, input="hello there")
    assert (answer.output_text, answer.status, answer.object) == (ANSWER, "completed", "response")
    assert answer.created_at == 1767225600
    assert answer.usage.total_tokens == answer.usage.input_tokens + 20
    assert ai.responses.create(model=MODEL, input=USER).output_text == ANSWER


@pytest.mark.parametrize("tools", [[], RESPONSES_TOOLS], ids=["text", "function"])
def test_a_response_stream_ends_with_what_its_events_add_up_to(ai, tools):
    with ai.responses.stream(model=MODEL, input="hello there", tools=tools) as stream:
        events = list(stream)
        final = stream.get_final_response()
    kinds = [event.type for event in events]
    assert kinds[:3] == ["response.created", "response.in_progress", "response.output_item.added"]
    assert kinds[-2:] == ["response.output_item.done", "response.completed"]
    assert [event.sequence_number for event in events] == list(range(len(events)))
    deltas = [event.delta for event in events if event.type.endswith(".delta")]
    (item,) = final.output
    assert len(deltas) == 20
    assert "".join(deltas) == (item.arguments if tools else final.output_text)


def test_a_response_calls_the_first_function_and_repeats_its_result(ai):
    asked = ai.responses.create(model=MODEL, input="hello there", tools=RESPONSES_TOOLS)
    (tool_call,) = asked.output
    assert (tool_call.type, tool_call.name, asked.output_text) == ("function_call", "weather", "")
    assert json.loads(tool_call.arguments) == ARGUMENTS

    result = {"type": "function_call_output", "call_id": tool_call.call_id, "output": "11 °C"}
    told = ai.responses.create(model=MODEL, input=[*USER, tool_call, result], tools=RESPONSES_TOOLS)
    assert told.output_text.startswith("The tool returned: 11 °C 1 2")


# Completions, embeddings, models


def test_completion(ai):
    answer = ai.completions.create(model=MODEL, prompt="hello there")
    assert (answer.choices[0].text, answer.choices[0].finish_reason) == (ANSWER, "stop")
    assert answer.usage.completion_tokens == 20
    with ai.completions.create(model=MODEL, prompt=["one", "hello there"], stream=True) as stream:
        choices = [event.choices[0] for event in stream]
    assert "".join(choice.text for choice in choices) == ANSWER
    assert [choice.finish_reason for choice in choices] == [None] * 20 + ["stop"]


def test_embeddings(ai):
    def embed(given, **options):
        answer = ai.embeddings.create(model=MODEL, input=given, **options)
        return [one.embedding for one in answer.data]

    one, other = embed(["hello", "there"])  # the client asks for base64 and unpacks it
    assert one != other
    assert [one] == embed("hello") == embed("hello", encoding_format="float")
    assert math.isclose(math.hypot(*one), 1, rel_tol=1e-5)
    assert len(embed("hello", dimensions=3)[0]) == 3
    assert embed([1, 2]) == embed([[1, 2]])


def test_models_are_listed_in_either_dialect(ai, anthropic_api):
    assert [model.id for model in ai.models.list()] == ["demo-large", "demo-small"]
    assert [model.display_name for model in anthropic_api.models.list()] == ["demo-large", "demo-small"]


# Messages


def test_message(anthropic_api):
    answer = anthropic_api.messages.create(model=MODEL, max_tokens=9, messages=USER)
    assert [(block.type, block.text) for block in answer.content] == [("text", ANSWER)]
    assert (answer.stop_reason, answer.role, answer.model) == ("end_turn", "assistant", MODEL)
    assert answer.usage.output_tokens == 20
    parts = [{"role": "user", "content": [{"type": "text", "text": "hello there"}]}]
    assert anthropic_api.messages.create(model=MODEL, max_tokens=9, messages=parts).content == answer.content


def test_a_message_stream_adds_up(anthropic_api):
    with anthropic_api.messages.stream(model=MODEL, max_tokens=9, messages=USER) as stream:
        events = list(stream)
        final = stream.get_final_message()
    assert sum(event.type == "text" for event in events) == 20
    assert (events[0].type, events[-1].type) == ("message_start", "message_stop")
    assert (final.content[0].text, final.stop_reason) == (ANSWER, "end_turn")
    assert final.usage.output_tokens == 20


def test_a_message_calls_the_first_tool_and_repeats_its_result(anthropic_api):
    ask = {"model": MODEL, "max_tokens": 9, "tools": MESSAGES_TOOLS}
    asked = anthropic_api.messages.create(**ask, messages=USER)
    (block,) = asked.content
    assert (asked.stop_reason, block.type) == ("tool_use", "tool_use")
    assert (block.name, block.input) == ("weather", ARGUMENTS)
    with anthropic_api.messages.stream(**ask, messages=USER) as stream:
        streamed = stream.get_final_message()
    assert (streamed.stop_reason, streamed.content[0].input) == ("tool_use", ARGUMENTS)

    result = {"type": "tool_result", "tool_use_id": block.id, "content": [{"type": "text", "text": "11 °C"}]}
    messages = [*USER, {"role": "assistant", "content": asked.content}, {"role": "user", "content": [result]}]
    told = anthropic_api.messages.create(**ask, messages=messages)
    assert told.content[0].text.startswith("The tool returned: 11 °C 1 2")


# Texts, sizes, paces


@pytest.mark.parametrize("text", TEXTS, ids=ascii)
def test_unicode_survives(ai, anthropic_api, text):
    said = [{"role": "user", "content": text}]
    ask = {"model": MODEL, "messages": said, "extra_headers": demo(chunks=3)}
    with ai.chat.completions.create(**ask, stream=True) as stream:
        chat = "".join(event.choices[0].delta.content or "" for event in stream)
    with ai.chat.completions.stream(**ask, tools=[{"type": "function", "function": {"name": "f"}}]) as stream:
        function = stream.get_final_completion().choices[0].message.tool_calls[0].function
    with ai.responses.stream(model=MODEL, input=text, extra_headers=demo(chunks=3)) as stream:
        response = stream.get_final_response().output_text
    with anthropic_api.messages.stream(**ask, max_tokens=9) as stream:
        message = "".join(stream.text_stream)
    whole = ai.chat.completions.create(**ask).choices[0].message.content
    assert whole == chat == response == message
    assert whole.removeprefix("You said: ").startswith(text)
    assert json.loads(function.arguments) == {"text": text}


def test_half_a_character_is_replaced(http):
    body = '{"model": "m\\ud800", "messages": [{"role": "user", "content": "\\ud83d"}]}'
    answer = http.post("/v1/chat/completions", content=body).json()
    assert answer["choices"][0]["message"]["content"].startswith("You said: ?")


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 626, 70_001, 1_000_000])
def test_a_text_has_the_size_asked_for(ai, size):
    messages = [{"role": "user", "content": "größer 🏳️‍🌈"}]
    ask = {"model": MODEL, "messages": messages, "extra_headers": demo(bytes=size)}
    whole = ai.chat.completions.create(**ask).choices[0].message.content
    with ai.chat.completions.create(**ask, stream=True) as stream:
        assert "".join(event.choices[0].delta.content or "" for event in stream) == whole
    assert len(whole.encode()) == size


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("chunks", "0"),
        ("chunks", "100001"),
        ("chunks", "-1"),
        ("chunks", "1.5"),
        ("chunks", ""),
        ("interval-ms", "60001"),
        ("delay-ms", "600001"),
        ("delay-ms", "9" * 5000),
        ("bytes", "16777217"),
        ("fail", "404"),
    ],
)
def test_a_pace_out_of_bounds_is_refused(ai, name, value):
    with pytest.raises(openai.BadRequestError, match="expected"):
        ai.chat.completions.create(model=MODEL, messages=USER, extra_headers={f"x-demo-{name}": value})


def pieces(ai, **ask: object) -> int:
    with ai.chat.completions.create(model=MODEL, messages=USER, stream=True, **ask) as stream:
        return sum(bool(event.choices[0].delta.content) for event in stream)


def test_a_body_may_set_its_pace_where_headers_do_not_come_through(ai):
    assert pieces(ai, metadata={"x-demo-chunks": "7"}) == 7
    assert pieces(ai, metadata={"x-demo-chunks": "7"}, extra_headers=demo(chunks=3)) == 3
    assert pieces(ai, metadata={"about": '"x-demo-chunks"'}) == 20
    with pytest.raises(openai.BadRequestError, match="expected"):
        pieces(ai, metadata={"x-demo-chunks": "many"})


@pytest.mark.parametrize("metadata", [None, [], "x", {"x-demo-chunks": 7}, {"x-demo-\ud800": "7"}])
def test_metadata_that_says_nothing_of_the_pace_changes_nothing(http, metadata):
    body = {"model": MODEL, "messages": USER, "metadata": metadata, "user": "x-demo-"}
    answer = http.post("/v1/chat/completions", content=json.dumps(body))
    assert answer.json()["choices"][0]["message"]["content"] == ANSWER


@pytest.mark.parametrize("bad", [{"chunks": 0}, {"chunk_interval_ms": -1}, {"first_chunk_delay_ms": 600_001}])
def test_settings_out_of_bounds_are_refused(bad):
    with pytest.raises(InvalidInput, match="expected a whole number from"):
        UpstreamSettings(**bad)


# Refusals


@pytest.mark.parametrize(
    ("method", "path", "content", "status"),
    [
        ("GET", "/v1/nothing", b"", 404),
        ("POST", "/v1/messages/batches", b"{}", 404),
        ("POST", "/v1/batches", b"{}", 404),
        ("GET", "/v1/chat/completions", b"", 405),
        ("POST", "/v1/models", b"{}", 405),
        ("POST", "/v1/chat/completions", b"", 400),
        ("POST", "/v1/chat/completions", b"[]", 400),
        ("POST", "/v1/chat/completions", b'{"model": "m"', 400),
        ("POST", "/v1/chat/completions", b"\xff", 400),
        ("POST", "/v1/chat/completions", b"[" * 200_000, 400),
        ("POST", "/v1/chat/completions", b'{"messages": [{}]}', 400),
        ("POST", "/v1/chat/completions", b'{"model": 1, "messages": [{}]}', 400),
        ("POST", "/v1/chat/completions", b'{"model": "m", "messages": []}', 400),
        ("POST", "/v1/chat/completions", b'{"model": "m", "messages": ["x"]}', 400),
        ("POST", "/v1/responses", b'{"model": "m"}', 400),
        ("POST", "/v1/embeddings", b'{"model": "m", "input": []}', 400),
        ("POST", "/v1/embeddings", b'{"model": "m", "input": "x", "dimensions": 4097}', 400),
        ("POST", "/v1/messages", b'{"model": "m", "messages": {}}', 400),
        ("GET", "/_demo/nothing", b"", 404),
        ("GET", "/_demo/reset", b"", 404),
    ],
)
def test_what_cannot_be_answered_is_refused_in_its_dialect(http, method, path, content, status):
    answer = http.request(method, path, content=content)
    assert answer.status_code == status
    assert answer.json()["error"]["message"]
    assert (answer.json().get("type") == "error") == path.startswith("/v1/messages")


def test_a_body_too_large_is_refused():
    with (
        in_thread(UpstreamSettings(max_body_bytes=1000)) as url,
        httpx2.Client(base_url=url, verify=False) as http,
    ):
        assert http.post("/v1/messages", content=b" " * 1001).status_code == 413
        assert http.post("/v1/messages", content=b" " * 1000).status_code == 400


def test_a_key_is_asked_for_and_never_shown():
    with in_thread(UpstreamSettings(api_key=KEY)) as url, httpx2.Client(base_url=url, verify=False) as http:
        given = [{}, {"authorization": KEY}, {"x-api-key": "other"}, {"authorization": "Bearer"}]
        given += [{"authorization": f"Bearer {KEY}"}, {"x-api-key": KEY}]
        statuses = [http.get("/v1/models", headers=headers).status_code for headers in given]
        assert statuses == [401] * 4 + [200] * 2
        ai = openai.OpenAI(base_url=f"{url}/v1", api_key="other")
        with ai, pytest.raises(openai.AuthenticationError):
            ai.models.list()
        anthropic_api = anthropic.Anthropic(base_url=url, api_key="other")
        with anthropic_api, pytest.raises(anthropic.AuthenticationError):
            anthropic_api.models.list()
        shown = http.get("/_demo/calls").text
    assert KEY not in shown
    seen = [call["authorization_seen"] for call in json.loads(shown)][:6]
    assert seen[0] is None
    assert seen[4:] == [credential_digest(f"Bearer {KEY}"), credential_digest(KEY)]


# Faults


def test_a_fault_is_an_error_of_either_dialect(ai, anthropic_api):
    broken = demo(fail=500)
    with pytest.raises(openai.InternalServerError):
        ai.chat.completions.create(model=MODEL, messages=USER, extra_headers=broken)
    with pytest.raises(anthropic.InternalServerError):
        anthropic_api.messages.create(model=MODEL, max_tokens=9, messages=USER, extra_headers=broken)


@pytest.mark.parametrize("streams", [True, False])
def test_a_hang_up_is_a_connection_error(ai, anthropic_api, streams):
    ask = {"model": MODEL, "messages": USER, "stream": streams, "extra_headers": demo(fail="hangup")}
    with pytest.raises(openai.APIConnectionError):
        ai.chat.completions.create(**ask)
    with pytest.raises(anthropic.APIConnectionError):
        anthropic_api.messages.create(**ask, max_tokens=9)


def test_a_hang_up_midstream_comes_after_half(ai):
    headers = demo(fail="hangup-midstream", chunks=10) | {"x-request-id": "half"}
    stream = ai.chat.completions.create(model=MODEL, messages=USER, stream=True, extra_headers=headers)
    events = []
    with stream, pytest.raises(openai.APIConnectionError):
        events.extend(stream)  # extends as it goes
    assert len(events) == 1 + 5
    with pytest.raises(openai.APIConnectionError):
        ai.chat.completions.create(model=MODEL, messages=USER, extra_headers=headers)
