from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluicegate.errors import InvalidInput
from sluicegate.gate.sse import EventSplitter

pieces = st.sampled_from([b"\n", b"\r", b"\r\n", b"\n\n", b"\r\n\r\n", b"data: x", b":", b"\xff\x00"])
streams = st.lists(pieces, max_size=30).map(b"".join)
cuts = st.lists(st.integers(0, 100), max_size=12).map(sorted)


def chunks(stream: bytes, cuts: list[int]) -> list[bytes]:
    return [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]


def is_boundary(stream: bytes) -> bool:
    """Whether the last line of `stream` is complete and empty."""
    for end in (b"\r\n", b"\r", b"\n"):
        if stream.endswith(end):
            before = stream[: -len(end)]
            return not before or before.endswith((b"\r", b"\n"))
    return not stream


def last_boundary(stream: bytes) -> int:
    return max(size for size in range(len(stream) + 1) if is_boundary(stream[:size]))


@given(streams, cuts)
def test_any_chunking_gives_the_same_bytes_as_early_as_can_be(stream: bytes, cuts: list[int]) -> None:
    splitter, received, returned = EventSplitter(), b"", b""
    for chunk in chunks(stream, cuts):
        received += chunk
        returned += splitter.feed(chunk)
        assert returned == received[: last_boundary(received)]
    assert splitter.held == len(stream) - len(returned)


@given(streams, cuts, st.integers(1, 20))
def test_any_chunking_refuses_the_same_streams(stream: bytes, cuts: list[int], max_event_bytes: int) -> None:
    assert refused(chunks(stream, cuts), max_event_bytes) is refused([stream], max_event_bytes)


def refused(chunks: list[bytes], max_event_bytes: int) -> bool:
    splitter = EventSplitter(max_event_bytes)
    try:
        for chunk in chunks:
            splitter.feed(chunk)
    except InvalidInput:
        return True
    return False


@pytest.mark.parametrize(
    "end", [b"\n\n", b"\r\r", b"\r\n\r\n", b"\n\r", b"\n\r\n", b"\r\r\n", b"\r\n\n", b"\r\n\r"]
)
def test_every_mixture_of_line_ends_ends_an_event(end: bytes) -> None:
    splitter = EventSplitter()

    assert splitter.feed(b"data: 1" + end) == b"data: 1" + end
    assert splitter.feed(b"data: 2" + end + b"data: 3") == b"data: 2" + end
    assert splitter.feed(end) == b"data: 3" + end
    assert splitter.held == 0


@pytest.mark.parametrize(
    "part", [b"", b"data: 1", b"data: 1\n", b"data: 1\r", b"data: 1\r\n", b"data: 1\ndata: 2\n", b" "]
)
def test_half_an_event_is_held(part: bytes) -> None:
    splitter = EventSplitter()

    assert splitter.feed(part) == b""
    assert splitter.held == len(part)
    assert splitter.feed(b"data: 9\n\n") == part + b"data: 9\n\n"


def test_a_carriage_return_does_not_wait_for_its_line_feed() -> None:
    splitter = EventSplitter()

    assert splitter.feed(b"data: 1\r\n\r") == b"data: 1\r\n\r"
    assert splitter.feed(b"\ndata: 2\r\n") == b"\n"
    assert splitter.feed(b"\r\n") == b"data: 2\r\n\r\n"


def test_a_line_end_in_two_chunks_is_one() -> None:
    splitter = EventSplitter()

    assert splitter.feed(b"data: 1\r") == b""
    assert splitter.feed(b"\n") == b""
    assert splitter.feed(b"data: 2\r\n\r\n") == b"data: 1\r\ndata: 2\r\n\r\n"


@pytest.mark.parametrize(
    "chunks",
    [
        [b"data: 0123456789\n\n"],
        [b"data: 0123456789"],
        [b"data: 012", b"3456789"],
        [b"\n\ndata: 0123456789\n\n"],
        [b"data: 1\n\ndata: 0123456789\n\ndata: 2\n\n"],
        [b"data: 1\n\ndata: 0123456789"],
        [b"data: 1\n\ndata: 2\r\n", b"data: 3\r\n\r\n"],
        [b"data: 1\n\ndata: 2\n\nda", b"ta: 3\n:4", b"\n\n"],
    ],
)
def test_an_event_has_a_bound(chunks: list[bytes]) -> None:
    assert refused(chunks, 11)


def test_an_event_at_its_bound_passes_and_the_message_says_it() -> None:
    splitter = EventSplitter(max_event_bytes=9)

    assert splitter.feed(b"data: 1\n\n" * 3) == b"data: 1\n\n" * 3
    assert splitter.feed(b"data: 22\n") == b""
    with pytest.raises(InvalidInput, match="event of 10 bytes or more, expected at most 9"):
        splitter.feed(b"\n")
