"""What an answer says that ran, beside what was asked for and granted: looked at, and never changed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluicegate.core.access.programmes import AskedProgramme
from sluicegate.core.access.table import Table
from sluicegate.gate.effective import LOOKED_BYTES, LOOKS_MAX, OTHER_MODEL, Watch, is_called
from sluicegate.gate.trace import Trace, line
from sluicegate_record.terms.effective import NOT_GIVEN, NOT_GRANTED
from sluicegate_record.terms.programmes import FIELD
from tests.gate.clients import chat, get, post
from tests.gate.running import Running, running
from tests.gate.scripted import says_and_stays, scripted
from tests.gate.test_programmes import BLACK, BLUE, HEADER, granted
from tests.gate.world import MODEL, World
from tests.raw import Raw
from tests.waiting import eventually

ASKED = {"access_programs": {"cyber": "blue"}}


def answer(said: Any = None, model: str = MODEL, **more: Any) -> bytes:
    """A body that says what ran."""
    value = {"id": "a", "object": "chat.completion", "model": model, "choices": [], **more}
    return json.dumps(value if said is None else {**value, "access_programs": said}).encode()


def events(*bodies: bytes) -> bytes:
    """A stream of these, and its end."""
    return b"".join(b"data: %b\n\n" % body for body in bodies) + b"data: [DONE]\n\n"


def whole(body: bytes, kind: bytes = b"application/json", status: bytes = b"200 OK") -> bytes:
    head = b"HTTP/1.1 %b\r\ncontent-type: %b\r\ncontent-length: %d\r\n\r\n"
    return head % (status, kind, len(body)) + body


@contextmanager
def gateway(said: bytes, *held: dict[str, Any]) -> Iterator[tuple[Running, str]]:
    """A gateway before an upstream that says these bytes, and the key of a grant with these programmes."""
    world = World()
    key = granted(world, *held)
    with scripted(says_and_stays(said)) as upstream, running(world, upstream.url) as gate:
        gate.advance()
        yield gate, key


def passed_on(gate: Running, key: str, body: bytes, *lines: str, **asked: Any) -> None:
    """Ask, and see that what the upstream said has come byte for byte."""
    with Raw(gate.port) as client:
        client.send(post("/v1/chat/completions", chat(**asked), key, *lines, "Connection: close"))
        seen, _ = client.rest()
    came = seen.partition(b"\r\n\r\n")[2]
    assert body in {came, dechunked(came) if b"chunked" in seen else came}


def dechunked(body: bytes) -> bytes:
    found = b""
    while body:
        size, _, rest = body.partition(b"\r\n")
        count = int(size, 16)
        found, body = found + rest[:count], rest[count + 2 :]
        if not count:
            break
    return found


def counted(gate: Running) -> dict[str, int]:
    """How many answers differed, by kind."""
    text = get(f"{gate.url}/metrics")[1]
    lines = [line for line in text.splitlines() if line.startswith("sluicegate_effective_access_total{")]
    found = {line.partition('"')[2].partition('"')[0]: int(float(line.split()[-1])) for line in lines}
    return {kind: count for kind, count in found.items() if count}


CASES: dict[str, tuple[Any, dict[str, Any], list[str]]] = {
    "given as asked": ({"cyber": "blue"}, ASKED, []),
    "nothing said": (None, ASKED, []),
    "implied": ({"cyber": None}, ASKED, []),
    "another concern": ({"bio": "standard"}, ASKED, []),
    "standard, and nothing asked": ({"cyber": "standard"}, {}, []),
    "held, and not asked": ({"cyber": "blue"}, {}, []),
    "granted and not given": ({"cyber": "standard"}, ASKED, [NOT_GIVEN]),
    "removed and still served": ({"cyber": "red"}, {}, [NOT_GRANTED]),
    "another one given": ({"cyber": "red"}, ASKED, [NOT_GIVEN, NOT_GRANTED]),
    "no object": ("blue", ASKED, []),
    "no name": ({"cyber": 1}, ASKED, []),
}


@pytest.mark.parametrize("stream", [False, True], ids=["body", "stream"])
@pytest.mark.parametrize("name", CASES)
def test_what_was_given_is_compared_and_passes_unchanged(name: str, stream: bool) -> None:
    said, asked, kinds = CASES[name]
    body = events(answer(), answer(said), answer()) if stream else answer(said)
    kind = b"text/event-stream" if stream else b"application/json"
    with gateway(whole(body, kind), BLUE) as (gate, key):
        passed_on(gate, key, body, **asked, stream=stream)
        assert eventually(lambda: counted(gate) == dict.fromkeys(kinds, 1))
        found = gate.do(gate.engine.unrecorded)
        assert found == [("grant_1", kind) for kind in sorted(kinds)]


def test_a_programme_in_a_header_is_compared_too() -> None:
    body = answer({"cyber": "standard"})
    with gateway(whole(body), BLACK) as (gate, key):
        passed_on(gate, key, body, f"{HEADER}: black")
        assert eventually(lambda: counted(gate) == {NOT_GIVEN: 1})


def test_an_upstream_that_refuses_a_granted_programme_has_not_given_it() -> None:
    error = json.dumps({"error": {"message": "no", "type": "x", "code": "invalid_access_program"}}).encode()
    with gateway(whole(error, status=b"403 Forbidden"), BLUE) as (gate, key):
        with Raw(gate.port) as client:
            client.send(post("/v1/chat/completions", {**chat(), **ASKED}, key, "Connection: close"))
            seen, _ = client.rest()
        assert b"upstream_refused" in seen
        assert eventually(lambda: counted(gate) == {NOT_GIVEN: 1})


def test_the_request_log_says_how_an_answer_differs() -> None:
    found = watch("blue", asked="blue")
    found.took(answer({"cyber": "standard"}, model="another-model"))
    found.end()
    trace = Trace()
    trace.watch = found
    said = json.loads(line(trace, b"/v1/responses", "answered", 0, Table(), 0, 0.0))
    assert said["differs"] == f"{OTHER_MODEL} {NOT_GIVEN}"


def test_another_model_is_counted_and_not_reported() -> None:
    body = answer(model="another-model")
    with gateway(whole(body)) as (gate, key):
        passed_on(gate, key, body)
        assert eventually(lambda: counted(gate) == {OTHER_MODEL: 1})
        assert gate.do(gate.engine.unrecorded) == []


def test_what_the_record_has_today_is_not_reported_again() -> None:
    body = answer({"cyber": "red"})
    world = World()
    key = granted(world, BLUE)
    with scripted(says_and_stays(whole(body))) as upstream, running(world, upstream.url) as gate:
        gate.advance()
        passed_on(gate, key, body)
        assert eventually(lambda: gate.do(gate.engine.unrecorded) == [("grant_1", NOT_GRANTED)])
        public = {"grant": "grant_1", "case": "case", "surface": "api", "gateway": "g", "kind": NOT_GRANTED}
        world.write("grant.differed", public)
        gate.advance()
        assert gate.do(gate.engine.unrecorded) == []
        passed_on(gate, key, body)
        assert eventually(lambda: counted(gate) == {NOT_GRANTED: 2})
        assert gate.do(gate.engine.unrecorded) == []


# The watch by itself


def watch(*held: str, has_programmes: bool = True, asked: str = "") -> Watch:
    """What looks at an answer to a request under a grant that holds these programmes."""
    world = World()
    granted(world, *({"concern": "cyber", "name": name} for name in held))
    gate_table = running_table(world)
    programmes = (AskedProgramme(FIELD, "cyber", asked),) if asked else ()
    return Watch(MODEL, programmes, gate_table.grants_by_id["grant_1"], has_programmes=has_programmes)


def running_table(world: World) -> Any:
    table = Table()
    for entry in world.take():
        table.apply(entry)
    return table


def test_a_body_in_pieces_is_compared_when_it_is_whole() -> None:
    found, body = watch("blue"), answer({"cyber": "red"})
    for at in range(0, len(body), 7):
        found.took(body[at : at + 7])
        assert NOT_GRANTED not in found.differences
    found.end()
    assert found.differences == (NOT_GRANTED,)


def test_what_a_caller_wrote_into_an_answer_is_no_echo() -> None:
    """Its metadata and its texts come back; only what the answer says of itself counts."""
    found = watch("blue")
    inside = {"access_programs": {"cyber": "red"}, "model": "another-model"}
    body = answer({"cyber": "blue"}, metadata=inside, output=[{"text": json.dumps(inside)}])
    found.took(body)
    found.end()
    found.saw(events(answer(choices=[{"delta": {"content": json.dumps(inside)}}])))
    assert found.differences == ()


@pytest.mark.parametrize("within", ["response", "message"])
def test_an_event_that_holds_its_answer_is_compared(within: str) -> None:
    held = json.loads(answer({"cyber": "red"}, model="another-model"))
    found = watch("blue")
    found.saw(b"event: x\ndata: %b\n\n" % json.dumps({"type": "x", within: held}).encode())
    assert found.differences == (OTHER_MODEL, NOT_GRANTED)


def test_what_is_looked_at_is_bounded() -> None:
    found = watch("blue")
    found.saw(events(*[answer({"cyber": "blue"})] * LOOKS_MAX, answer({"cyber": "red"})))
    assert found.differences == ()
    found = watch("blue")
    found.took(answer({"cyber": "red"}, text="x" * LOOKED_BYTES))
    found.end()
    assert found.differences == ()
    found = watch("blue", has_programmes=False)
    found.took(answer({"cyber": "red"}))
    found.end()
    found.saw(events(answer({"cyber": "red"})))
    assert found.differences == ()


@given(st.binary(max_size=300), st.booleans())
def test_no_bytes_of_an_upstream_make_it_fail(data: bytes, is_mark: bool) -> None:
    found = watch("blue", asked="blue")
    mark = b'{"access_programs": ' if is_mark else b""
    found.took(mark + data)
    found.end()
    found.saw(b"data: " + mark + data + b"\n\n")
    assert set(found.differences) <= {OTHER_MODEL, NOT_GIVEN, NOT_GRANTED}


def test_what_is_very_deep_is_left_alone() -> None:
    found = watch("blue")
    found.took(b'{"access_programs": ' + b"[" * 100_000)
    found.end()
    assert found.differences == ()


@pytest.mark.parametrize(
    ("asked", "named", "is_so"),
    [
        ("gpt-5.6", "gpt-5.6", True),
        ("gpt-5.6", "gpt-5.6-2026-06-26", True),
        ("gpt-5.6", "GPT-5.6", True),
        ("smollm2", "HuggingFaceTB/SmolLM2-135M-Instruct", True),
        ("HuggingFaceTB/SmolLM2", "smollm2", True),
        ("claude-opus@20260601", "claude-opus", True),
        ("gpt-5.6", "gpt-5.60", False),
        ("gpt-5.6", "gpt-5.5", False),
        ("gpt-5", "gpt-5o", False),
        ("a", "b", False),
    ],
)
def test_the_name_of_a_model_may_have_a_version_or_a_path(asked: str, named: str, is_so: bool) -> None:
    assert is_called(asked, named) is is_so
