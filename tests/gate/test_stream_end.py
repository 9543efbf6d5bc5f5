"""Streams tell the truth: one that ends without its dialect's last event is not a success."""

from __future__ import annotations

import json
import random
import socket
import threading
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import anthropic
import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.responses import ResponseErrorEvent

from bench.load import unframed
from sluicegate.gate.dialects import ENDPOINTS, Dialect
from sluicegate.gate.endings import IN_SILENCE, LAST_BYTES, SEARCHED_BYTES, StreamEnd
from sluicegate.gate.outlet import SLICE_BYTES
from tests.gate.clients import ai, anthropic_api, chat, counted, dechunked, post
from tests.gate.running import Running, running
from tests.gate.scripted import Script, says, scripted
from tests.gate.world import MODEL, World
from tests.raw import Raw, parse_head
from tests.waiting import BOUND_S, eventually

CHAT, RESPONSES, MESSAGES, LEGACY = (
    "/v1/chat/completions",
    "/v1/responses",
    "/v1/messages",
    "/v1/completions",
)
STREAM = chat(stream=True, prompt="a", input="a", max_tokens=9)
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
FRAMINGS = ("to the end", "1.0", "chunked", "sized")

DELTA = {
    CHAT: b'data: {"id":"a","choices":[{"index":0,"delta":{"content":"[DONE] message_stop"}}]}\n\n',
    LEGACY: b'data: {"id":"a","choices":[{"index":0,"text":"data: [DONE]"}]}\n\n',
    RESPONSES: b"event: response.output_text.delta\n"
    b'data: {"type":"response.output_text.delta","content_index":0,"delta":"response.completed",'
    b'"item_id":"i","logprobs":[],"output_index":0,"sequence_number":4}\n\n',
    MESSAGES: b"event: content_block_delta\n"
    b'data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"message_stop"}}\n\n',
}
LAST = {
    CHAT: b"data: [DONE]\n\n",
    LEGACY: b"data: [DONE]\r\n\r\n",
    RESPONSES: b'event: response.completed\ndata: {"type":"response.completed","sequence_number":5}\n\n',
    MESSAGES: b'event: message_stop\ndata: {"type":"message_stop"}\n\n',
}
ERROR = {
    CHAT: b'data: {"error":{"message":"overloaded","type":"server_error"}}\n\n',
    LEGACY: b'data: {"error": {"message":"overloaded","type":"server_error"}}\n\n',
    RESPONSES: b"event: error\n"
    b'data: {"type":"error","code":"x","message":"overloaded","param":null,"sequence_number":5}\n\n',
    MESSAGES: b"event: error\n"
    b'data: {"type":"error","error":{"type":"overloaded_error","message":"overloaded"}}\n\n',
}


def framed(content: bytes, framing: str) -> bytes:
    if framing == "to the end":
        return HEAD + b"\r\n" + content
    if framing == "1.0":
        return (HEAD + b"\r\n" + content).replace(b"HTTP/1.1", b"HTTP/1.0")
    if framing == "sized":
        return HEAD + b"content-length: %d\r\n\r\n%b" % (len(content), content)
    chunk = b"%x\r\n%b\r\n" % (len(content), content) if content else b""
    return HEAD + b"transfer-encoding: chunked\r\n\r\n" + chunk + b"0\r\n\r\n"


def answered(world: World, path: str, script: Script, **changes: Any) -> tuple[bytes, bytes]:
    """The head of a stream, and all that came after it: with its chunks."""
    key = world.customer()
    with scripted(script) as upstream, running(world, upstream.url, **changes) as gate:
        with Raw(gate.port) as client:
            client.send(post(path, STREAM, key, "Connection: close"))
            seen, reset = client.rest()
            assert not reset
        assert gate.in_flight() == 0
    head, _, body = seen.partition(b"\r\n\r\n")
    return head, body


def error_at_end(body: bytes, before: bytes) -> Any:
    """The error event that ends a stream after `before`, without its proper end."""
    content = dechunked(body)
    assert not body.endswith(b"0\r\n\r\n")
    assert content.startswith(before)
    event = content[len(before) :]
    assert event.endswith(b"\n\n")
    assert event.count(b"\n\n") == 1
    return json.loads(event.partition(b"data: ")[2])


@pytest.mark.parametrize("framing", FRAMINGS)
@pytest.mark.parametrize("path", DELTA)
def test_a_stream_with_its_last_event_is_passed_on_unchanged(world, path, framing):
    content = b": hello\n\n" + DELTA[path] * 3 + LAST[path]
    head, body = answered(world, path, says(framed(content, framing)))
    assert (dechunked(body), body[-5:]) == (content, b"0\r\n\r\n")
    assert parse_head(head)[1]["x-accel-buffering"] == "no"


@pytest.mark.parametrize("framing", FRAMINGS)
@pytest.mark.parametrize("path", DELTA)
@pytest.mark.parametrize("rest", [b"", b"\n\n", b": note\n\n", b"data: [DO", b"data: half of an event\n"])
def test_a_stream_without_its_last_event_ends_with_an_error(world, path, framing, rest):
    whole = DELTA[path] + (rest if rest.endswith(b"\n\n") else b"")
    _, body = answered(world, path, says(framed(DELTA[path] + rest, framing)))
    error = error_at_end(body, whole)["error"]
    assert "failed before its answer was complete" in error["message"]


@pytest.mark.parametrize("path", DELTA)
def test_a_stream_of_nothing_is_no_success(world, path):
    _, body = answered(world, path, says(framed(b"", "chunked")))
    assert error_at_end(body, b"")


@pytest.mark.parametrize("path", DELTA)
def test_the_last_event_of_another_dialect_is_not_enough(world, path):
    other = LAST[MESSAGES] if path != MESSAGES else LAST[CHAT]
    _, body = answered(world, path, says(framed(DELTA[path] + other, "chunked")))
    assert error_at_end(body, DELTA[path] + other)


@pytest.mark.parametrize("path", DELTA)
def test_an_error_of_the_upstream_is_an_end(world, path):
    content = DELTA[path] + ERROR[path]
    _, body = answered(world, path, says(framed(content, "chunked")))
    assert body.endswith(b"0\r\n\r\n")
    name, _, data = dechunked(body).removeprefix(DELTA[path]).partition(b"data: ")
    assert name == ERROR[path].partition(b"data: ")[0]
    told = json.loads(ERROR[path].partition(b"data: ")[2])
    told.get("error", told)["sluicegate"] = {"from": "upstream"}
    assert json.loads(data) == told


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("event", ["response.created", "response.in_progress"])
def test_the_last_events_name_in_the_callers_metadata_is_no_end(world, event, named):
    """A caller's metadata comes back in events."""
    metadata = {"type": "response.completed", "x": '"type":"response.completed"}', "a\\": {"type": "b"}}
    told = {"response": {"metadata": metadata}, "type": event, "sequence_number": 0}
    data = f"data: {json.dumps(told, separators=(',', ':'))}\n\n".encode()
    content = (f"event: {event}\n".encode() if named else b"") + data
    _, body = answered(world, RESPONSES, says(framed(content, "chunked")))
    assert error_at_end(body, content)["error"]["code"] == "upstream_failed"
    told["type"] = "response.completed"
    last = f"data: {json.dumps(told)}\n\n".encode()
    end = StreamEnd(Dialect.RESPONSES)
    for events, is_said in ((content * 2, False), (content + last, True)):
        end.saw(events)
        assert end.is_said is is_said


@pytest.mark.parametrize("path", DELTA)
def test_what_comes_after_the_last_event_changes_nothing(world, path):
    content = DELTA[path] + LAST[path] + b": note\n\n" + b"data: [DONE]\n\n"
    _, body = answered(world, path, says(framed(content, "chunked")))
    assert (dechunked(body), body[-5:]) == (content, b"0\r\n\r\n")


@pytest.mark.parametrize("how", ["completed", "incomplete", "failed"])
@pytest.mark.parametrize("named", [True, False])
def test_each_end_of_a_response(world, how, named):
    data = b'data: {"response":{"id":"r"},"sequence_number":9,"type":"response.%b"}\n\n' % how.encode()
    last = (b"event: response.%b\n" % how.encode() if named else b"") + data
    _, body = answered(world, RESPONSES, says(framed(last, "chunked")))
    assert body.endswith(b"0\r\n\r\n")


@pytest.mark.parametrize(
    ("before", "number"),
    [
        (b"", 0),
        (DELTA[RESPONSES], 5),
        (DELTA[RESPONSES] + b": note\n\n", 0),  # no one counts comments
        (DELTA[RESPONSES].replace(b'"sequence_number":4', b'"sequence_number" : 41'), 42),
        (DELTA[RESPONSES].replace(b'"delta"', b'"sequence_number":7,"delta"'), 5),
        (b'data: {"type":"x","sequence_number":8,"b64":"%b"}\n\n' % (b"A" * 1_000_000), 9),
        (b'data: {"type":"x","b64":"%b","sequence_number":8}\n\n' % (b"A" * 1_000_000), 9),
    ],
    ids=range(7),
)
def test_the_error_of_a_response_goes_on_with_its_numbers(world, before, number):
    _, body = answered(world, RESPONSES, says(framed(before, "chunked")))
    told = error_at_end(body, before)
    event = ResponseErrorEvent.model_validate(told, strict=True)
    assert (event.type, event.code, event.param) == ("error", "upstream_failed", None)
    if before.count(b"\n\n") < 2:
        assert event.sequence_number == number


# The official SDKs


ASKS: dict[str, Callable[[Any], Any]] = {
    CHAT: lambda client: client.chat.completions.create(model=MODEL, messages=[], stream=True),
    LEGACY: lambda client: client.completions.create(model=MODEL, prompt="a", stream=True),
    RESPONSES: lambda client: client.responses.create(model=MODEL, input="a", stream=True),
    MESSAGES: lambda client: client.messages.create(model=MODEL, max_tokens=1, messages=[], stream=True),
}


@pytest.mark.parametrize("path", ASKS)
def test_the_official_sdks_raise_on_each_end_that_is_none(world, path):
    rests = (b"", b"data: hal", b"event: message_st", b": note\n\n")
    ends = HEAD + b"connection: close\r\n"  # or the next request could go into a connection that is ending
    answers = iter(
        [framed(DELTA[path] + rest, framing).replace(HEAD, ends) for framing in FRAMINGS for rest in rests]
    )

    def script(connection: socket.socket, _: bytes) -> None:
        connection.sendall(next(answers))
        connection.shutdown(socket.SHUT_WR)

    error = anthropic.APIStatusError if path == MESSAGES else openai.APIError
    key = world.customer()
    with scripted(script) as upstream, running(world, upstream.url) as gate:
        with sdk(gate, key, path) as client:
            for _ in range(len(FRAMINGS) * len(rests)):
                with ASKS[path](client) as stream:
                    events = iter(stream)
                    next(events)
                    with pytest.raises(error, match="failed before its answer was complete"):
                        list(events)
        assert next(answers, None) is None


def sdk(gate: Running, key: str, path: str) -> Any:
    return (anthropic_api if path == MESSAGES else ai)(gate, key)


# Large events


@pytest.mark.parametrize("path", DELTA)
def test_a_large_event_is_passed_on_whole(world, path):
    """A picture."""
    event = DELTA[path].replace(b'"}', b'","b64":"%b"}' % (b"A" * 5_000_000), 1)
    content = event + LAST[path]
    key = world.customer()
    with scripted(says(framed(content, "chunked"))) as upstream, running(world, upstream.url) as gate:
        with Raw(gate.port) as client:
            seen, _ = client.send(post(path, STREAM, key, "Connection: close")).rest()
        assert dechunked(seen.partition(b"\r\n\r\n")[2]) == content
        assert eventually(lambda: gate.do(lambda: gate.room.held) == 0)


def test_an_event_over_the_bound_is_an_error_by_its_name(world):
    event = b"data: " + b"x" * 100_000 + b"\n\n"
    said = says(framed(DELTA[CHAT] + event + LAST[CHAT], "chunked"))
    head, body = answered(world, CHAT, said, max_event_bytes=50_000)
    content = body if head.startswith(b"HTTP/1.1 502") else dechunked(body)
    assert b"event_too_large" in content
    assert b"expected at most 50000" in content
    assert b"xxx" not in content


def test_all_streams_together_hold_no_more_than_a_bound(world):
    """The second stream that holds a large part of an event is ended; the first one goes on."""
    go_on = threading.Event()
    half = b"data: " + b"x" * 600_000

    def script(connection: socket.socket, _: bytes) -> None:
        connection.sendall(HEAD + b"\r\n" + half)
        assert go_on.wait(BOUND_S)
        connection.sendall(half[6:] + b"\n\n" + LAST[CHAT])
        connection.shutdown(socket.SHUT_WR)

    key = world.customer()
    with scripted(script) as upstream, running(world, upstream.url, max_held_event_bytes=1_500_000) as gate:
        with Raw(gate.port) as first, Raw(gate.port) as second:
            first.send(post(CHAT, STREAM, key, "Connection: close")).until(b"\r\n\r\n")
            assert eventually(lambda: gate.do(lambda: gate.room.held) == len(half))
            second.send(post(CHAT, STREAM, key, "Connection: close")).until(b"\r\n\r\n")
            assert eventually(lambda: gate.do(lambda: gate.room.held) == 2 * len(half))
            go_on.set()
            ends = [client.rest()[0] for client in (first, second)]
        assert sorted(b"event_too_large" in seen for seen in ends) == [False, True]
        assert sorted(b"[DONE]" in seen for seen in ends) == [False, True]
        assert eventually(lambda: gate.do(lambda: gate.room.held) == 0)


def test_what_one_organization_does_not_read_ends_no_stream_of_another(world):
    go_on = threading.Event()
    half = b"data: " + b"x" * 600_000

    def script(connection: socket.socket, _: bytes) -> None:
        connection.sendall(HEAD + b"\r\n" + half)
        assert go_on.wait(BOUND_S)
        connection.sendall(b"\n\n" + LAST[CHAT])
        connection.shutdown(socket.SHUT_WR)

    bounds = {"max_held_event_bytes": 2_400_000, "max_event_bytes": 1_300_000}
    key, other = world.customer(), world.customer("org-2")
    with scripted(script) as upstream, running(world, upstream.url, **bounds) as gate, ExitStack() as held:

        def opened(of: str) -> Raw:
            client = held.enter_context(Raw(gate.port))
            return client.send(post(CHAT, STREAM, of, "Connection: close"))

        clients = [opened(key), opened(key)]
        assert eventually(lambda: gate.do(lambda: gate.room.held) == 2 * len(half))
        assert b"event_too_large" in opened(key).rest()[0]
        clients.append(opened(other))
        assert eventually(lambda: gate.do(lambda: gate.room.held) == 3 * len(half))
        go_on.set()
        assert all(b"[DONE]" in client.rest()[0] for client in clients)


def test_a_stream_that_would_hold_too_much_is_ended(world):
    key = world.customer()
    said = says(HEAD + b"\r\n", b"data: " + b"x" * 3_000_000)
    with scripted(said) as upstream, running(world, upstream.url, max_held_event_bytes=1_000_000) as gate:
        with Raw(gate.port) as client:
            seen, _ = client.send(post(CHAT, STREAM, key, "Connection: close")).rest()
        assert b"event_too_large" in seen
        assert counted(gate, "event_too_large") == 1
        assert eventually(lambda: gate.do(lambda: gate.room.held) == 0)


# Silence


@pytest.mark.parametrize("first", [1, 2 * SLICE_BYTES, 8_000_000], ids=["small", "large", "paused"])
@pytest.mark.parametrize("path", DELTA)
def test_in_a_silence_something_is_said(world, path, first):
    """Also where more had come at first than is written at once."""
    go_on = threading.Event()
    said = IN_SILENCE[ENDPOINTS[path.encode()]]
    half = len(DELTA[path]) // 2
    begins = DELTA[path] * (1 + first // len(DELTA[path]))

    def script(connection: socket.socket, _: bytes) -> None:
        connection.sendall(HEAD + b"\r\n" + begins + DELTA[path][:half])
        assert go_on.wait(BOUND_S)
        connection.sendall(DELTA[path][half:] + LAST[path])
        connection.shutdown(socket.SHUT_WR)

    def is_silent(seen: bytes) -> bool:
        """Whether something was said three times since all events came. A slow machine has more silences."""
        content = unframed(seen)
        after = content.rpartition(DELTA[path])[2]
        return len(content.replace(said, b"")) == len(begins) and after.count(said) >= 3

    key = world.customer()
    with (
        scripted(script) as upstream,
        running(world, upstream.url, keep_alive_ms=20) as gate,
        Raw(gate.port) as client,
    ):
        client.send(post(path, STREAM, key, "Connection: close"))
        assert eventually(lambda: is_silent(client.waiting()))
        go_on.set()
        content = dechunked(client.rest()[0].partition(b"\r\n\r\n")[2])
    assert content.replace(said, b"") == begins + DELTA[path] + LAST[path]
    before, _, _ = content.partition(DELTA[path] + LAST[path])
    assert before.count(said) >= 3
    assert all(part.endswith(b"\n\n") for part in content.split(said)[:-1] if part)


@pytest.mark.parametrize("path", [CHAT, MESSAGES])
def test_openai_and_anthropic_read_over_what_is_said_in_a_silence(world, path):
    heard = threading.Event()

    def script(connection: socket.socket, _: bytes) -> None:
        connection.sendall(HEAD + b"\r\n" + DELTA[path])
        assert heard.wait(BOUND_S)
        connection.sendall(DELTA[path] + LAST[path])
        connection.shutdown(socket.SHUT_WR)

    key = world.customer()
    with (
        scripted(script) as upstream,
        running(world, upstream.url, keep_alive_ms=5) as gate,
        sdk(gate, key, path) as client,
        ASKS[path](client) as answer,
    ):
        stream = iter(answer)
        events = [next(stream)]
        with Raw(gate.port) as beside:  # its silence is as long
            beside.send(post(path, STREAM, key))
            assert eventually(lambda: beside.waiting().count(IN_SILENCE[ENDPOINTS[path.encode()]]) >= 3)
        heard.set()
        events += [each for each in stream if getattr(each, "type", "") != "message_stop"]
    assert len(events) == 2


def test_nothing_is_said_after_a_lease(world):
    """The lease ends in a silence: what is said then is the refusal."""
    key = world.customer()
    stay = threading.Event()

    def script(connection: socket.socket, _: bytes) -> None:
        connection.sendall(HEAD + b"\r\n" + DELTA[CHAT])
        assert stay.wait(BOUND_S)

    with (
        scripted(script) as upstream,
        running(world, upstream.url, keep_alive_ms=20) as gate,
        Raw(gate.port) as client,
    ):
        client.send(post(CHAT, STREAM, key)).until(IN_SILENCE[Dialect.OPENAI])
        gate.clock.at_ms += 10 * 3_600_000
        content = dechunked(client.rest()[0].partition(b"\r\n\r\n")[2])
        stay.set()
    assert content.rpartition(IN_SILENCE[Dialect.OPENAI])[2].startswith(b'data: {"error"')
    assert b"gate_stale" in content


# The end, by itself


pieces = st.sampled_from(
    [
        b"data: [DONE]",
        b"data:[DONE]",
        b'data: {"a":"data: [DONE]"}',
        b": [DONE]",
        b"event: message_stop",
        b'data: {"type":"message_stop"}',
        b'data: {"text":"\\"type\\":\\"message_stop\\""}',
        b"\n\n",
        b"\r\n\r\n",
        b"\r\r",
    ]
)


@given(st.lists(pieces, max_size=12), st.sampled_from([Dialect.OPENAI, Dialect.ANTHROPIC]))
def test_the_end_is_found_as_by_a_slow_reader(parts: list[bytes], dialect: Dialect) -> None:
    events = b"".join(part + b"\n\n" for part in parts)
    end = StreamEnd(dialect)
    if events:
        end.saw(events)
    lines = events.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    if dialect is Dialect.OPENAI:
        slow = any(line.startswith((b"data: [DONE]", b"data:[DONE]")) for line in lines)
    else:
        slow = any(line in {b"event: message_stop", b'data: {"type":"message_stop"}'} for line in lines)
    assert end.is_said is slow


@pytest.mark.parametrize("size", [0, LAST_BYTES, SEARCHED_BYTES, 2 * SEARCHED_BYTES])
@pytest.mark.parametrize("path", [RESPONSES, MESSAGES])
def test_the_last_event_may_be_large(path, size):
    dialect = Dialect.RESPONSES if path == RESPONSES else Dialect.ANTHROPIC
    large = LAST[path].replace(b"}\n\n", b',"b64":"%b"}\n\n' % (b"A" * size))
    for before, after in ((b"", b""), (DELTA[path], b""), (b"", DELTA[path])):
        end = StreamEnd(dialect)
        end.saw(before + large + after)
        assert end.is_said
    end = StreamEnd(dialect)
    end.saw(DELTA[path].replace(b'"index":0', b'"b64":"%b"' % (b"A" * size)))
    assert not end.is_said


@pytest.mark.parametrize("seed", range(8))
def test_pieces_at_random_borders_give_the_same_bytes(world, seed):
    """Whatever the upstream's writes are."""
    key = world.customer()
    draw = random.Random(seed)
    content = b"".join(
        b'data: {"n":%d,"x":"%b"}%b' % (n, b"x" * draw.randrange(5_000), draw.choice([b"\n\n", b"\r\n\r\n"]))
        for n in range(40)
    )
    content += LAST[CHAT]
    said = framed(content, draw.choice(FRAMINGS))
    cuts = sorted(draw.randrange(len(said)) for _ in range(60))
    parts = [said[a:b] for a, b in zip([0, *cuts], [*cuts, len(said)], strict=True)]
    with (
        scripted(says(*parts)) as upstream,
        running(world, upstream.url) as gate,
        Raw(gate.port) as client,
    ):
        body = client.send(post(CHAT, STREAM, key, "Connection: close")).rest()[0].partition(b"\r\n\r\n")[2]
    assert (dechunked(body), body[-5:]) == (content, b"0\r\n\r\n")
