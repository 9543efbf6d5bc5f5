"""Large bodies: what is left out of them, what reads them, and that both read the same."""

from __future__ import annotations

import asyncio
import base64
import json
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sluicegate.errors import InvalidInput, TooLarge
from sluicegate.gate import reading, request
from sluicegate.gate.dialects import Dialect
from sluicegate.gate.names import Names
from sluicegate.gate.outline import BLOCK_BYTES, MARK, Outline
from sluicegate.gate.reading import BodyContent, BodyReader

T = TypeVar("T")
MOST = 8 * 1024 * 1024
PICTURE = base64.b64encode(random.Random(1).randbytes(300_000)).decode()


def outline(body: bytes) -> Outline:
    made = Outline(body)
    for _ in made.steps():
        pass
    return made


def read(body: bytes, dialect: Dialect = Dialect.OPENAI, text_max: int = MOST) -> BodyContent:
    return asyncio.run(BodyReader(text_max).read("org-1", [body[:1000], body[1000:]], b"", dialect, 4 * MOST))


pieces = st.lists(
    st.binary(max_size=50)
    | st.integers(0, 4 * BLOCK_BYTES).map(lambda size: b"A" * size)
    | st.sampled_from([b'"', b"\\", b'\\u00e9","model":"b"', MARK]),
    max_size=8,
).map(b"".join)


@given(pieces)
def test_an_outline_leaves_out_only_the_inside_of_runs(body):
    made = outline(body)
    at = 0
    for part in made.text.split(MARK) if MARK not in body else []:
        found = body.find(part, at)
        assert found >= at
        assert body[at:found].translate(None, bytes(range(128))) == b""
        at = found + len(part)
    assert len(made.text) <= len(body)
    assert b"A" * (3 * BLOCK_BYTES) not in made.text


@settings(max_examples=300)
@given(st.lists(st.integers(0, 5 * BLOCK_BYTES), max_size=4), st.integers(0, 5 * BLOCK_BYTES))
def test_places_of_an_outline_are_places_of_the_body(before, after):
    runs = ",".join(f'"k{at}":"{"A" * size}"' for at, size in enumerate(before))
    body = f'{{{runs}{"," if runs else ""}"model":"mine","z":"{"A" * after}"}}'.encode()
    made = outline(body)
    start, end = request.model_span(made.text)
    assert body[made.place(start) : made.place(end)] == b'"mine"'


@pytest.mark.parametrize(
    "body",
    [
        b'{"model":"%b"}' % (b"A" * 9_000),
        b'{"model":"a","user":"%b"}' % (b"A" * 9_000),
    ],
)
def test_a_shortened_name_is_no_other_name(body):
    asked = request.read(outline(body).text)
    assert "…" in asked.model or asked.names == Names(is_unclear=True)


def test_a_shortened_number_is_no_number():
    with pytest.raises(InvalidInput, match="not json"):
        request.read(outline(b'{"model":"a","n":%b}' % (b"1" * 9_000)).text)


def pictured(**fields: object) -> bytes:
    content = [{"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PICTURE}"}}]
    return json.dumps({"messages": [{"content": content}], "model": "a", "user": "ada", **fields}).encode()


def texts(count: int = 60_000, **fields: object) -> bytes:
    """A body that is read by the process: many values, no run."""
    return json.dumps({"messages": [{"n": "größer als 😀"}] * count, "model": "a", **fields}).encode()


@pytest.mark.parametrize("body", [pictured(), texts(), texts(stream=True, user="\ud83d", model="größer")])
def test_reads_what_it_would_read_at_once(body):
    found = read(body)
    assert found.asked == request.read(body)
    assert (found.body, found.plain) == (body, body)


@pytest.mark.parametrize(
    ("spoiled", "says"),
    [
        (pictured(messages=[{"file_id": "x"}], fallbacks=[]), "'fallbacks' could make"),
        (texts(models=["b"]), "'models' could make"),
        (texts()[:-1] + b',"model":"b"}', "'model' twice"),
        (texts()[:-1], "not json"),
        (texts().replace(b'"model"', b'"mod\\u0065l"'), "written with escapes"),
        (json.dumps({"model": "a", "n": [1] * 400_001}).encode(), "values or more"),
    ],
)
def test_refuses_what_it_would_refuse_at_once(spoiled, says):
    with pytest.raises(InvalidInput, match=says):
        read(spoiled)


def test_state_is_named_through_the_process_and_beside_pictures():
    assert read(texts(previous_response_id="resp_1")).asked.state == "previous_response_id"
    assert read(pictured(tools=[{"vector_store_ids": ["v"]}])).asked.state == "tools[0].vector_store_ids"


@pytest.mark.parametrize("body", [pictured(), texts()])
def test_another_model_is_put_in_its_place(body):
    assert read(body).with_model("b") == body.replace(b'"model": "a"', b'"model": "b"')


def test_what_is_said_is_bounded_and_pictures_are_not_counted():
    assert read(pictured(), text_max=100_000).asked.model == "a"
    with pytest.raises(TooLarge, match="100,000 bytes besides pictures"):
        read(texts(), text_max=100_000)


def run(work: Callable[[BodyReader], Awaitable[T]]) -> T:
    async def main() -> T:
        return await work(BodyReader(MOST))

    return asyncio.run(main())


async def asked(reader: BodyReader, body: bytes) -> str:
    return (await reader.read("org-1", [body], b"", Dialect.OPENAI, MOST)).asked.model


def test_the_process_is_kept_and_started_again_when_it_has_ended():
    async def work(reader: BodyReader) -> list[str]:
        first = await asked(reader, texts())
        process = reader._process
        assert process is not None
        second = await asked(reader, texts())
        assert reader._process is process
        process.end()
        with pytest.raises(InvalidInput, match="not be read in time"):
            await asked(reader, texts())
        return [first, second, await asked(reader, texts())]

    assert run(work) == ["a", "a", "a"]


def test_a_process_that_does_not_answer_is_ended(monkeypatch):
    monkeypatch.setattr(reading, "WAIT_S", 0.0)

    async def work(reader: BodyReader) -> None:
        with pytest.raises(InvalidInput, match="not be read in time"):
            await asked(reader, texts())
        assert reader._process is None

    run(work)


def test_who_leaves_ends_what_was_begun():
    async def work(reader: BodyReader) -> str:
        begun = asyncio.ensure_future(asked(reader, texts()))
        await asyncio.sleep(0.05)  # long enough to begin, and too short to end
        begun.cancel()
        await asyncio.wait([begun])
        return await asked(reader, texts(10_000))

    assert run(work) == "a"
