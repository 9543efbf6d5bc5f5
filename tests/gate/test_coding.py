"""Compressed bodies: each coding, within its bounds; mostly what is not exactly one stream."""

from __future__ import annotations

import gzip
import json
import sys
import zlib
from typing import Any

import pytest

from sluicegate.errors import InvalidInput, TooLarge
from sluicegate.gate.coding import CODINGS, FREE_BYTES, RATIO_MAX, decoded
from tests.gate.clients import calls, chat, post
from tests.gate.running import running
from tests.gate.scripted import says_and_stays, scripted
from tests.gate.test_upstream import OK, received
from tests.gate.world import FALLBACK, MODEL, World
from tests.raw import Raw

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

SAID = json.dumps({"model": MODEL, "messages": [{"role": "user", "content": "größer 日本語"}]}).encode()
WAYS: dict[bytes, Any] = {
    b"gzip": gzip.compress,
    b"x-gzip": gzip.compress,
    b"deflate": zlib.compress,
    b"zstd": zstd.compress,
}
LONG = json.dumps({"said": [str(number * 7_919) for number in range(100_000)]}).encode()
MOST = 8 * 1024 * 1024


def still() -> float:
    return 0.0


def raw_deflate(body: bytes) -> bytes:
    return zlib.compress(body)[2:-4]


def wide(body: bytes) -> bytes:
    """A frame that says it needs a window of 64 MiB."""
    options = {
        int(zstd.CompressionParameter.window_log): 26,
        int(zstd.CompressionParameter.content_size_flag): 0,
    }
    made = zstd.ZstdCompressor(options=options)
    return made.compress(body) + made.flush()


@pytest.mark.parametrize("name", CODINGS)
@pytest.mark.parametrize("body", [SAID, b"", LONG], ids=["said", "empty", "long"])
def test_reads_what_was_compressed(name, body):
    assert decoded(WAYS[name](body), name, MOST, still) == body


@pytest.mark.parametrize("name", CODINGS)
@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda data: data[:-1], "ends within"),
        (lambda data: data[:10], "ends within"),
        (lambda _: b"", "ends within"),
        (lambda _: SAID, "is not"),
        (lambda data: data + b"\0", "more after the end"),
        (lambda data: data + data, "more after the end"),
        (lambda data: bytes([data[0] ^ 1]) + data[1:], "is not"),
    ],
    ids=["last byte", "half", "nothing", "not compressed", "one more", "two streams", "first byte"],
)
def test_refuses_what_is_not_exactly_one_stream(name, spoil, says):
    with pytest.raises(InvalidInput, match=says):
        decoded(spoil(WAYS[name](SAID)), name, MOST, still)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        (b"deflate", raw_deflate(SAID)),
        (b"deflate", gzip.compress(SAID)),
        (b"gzip", zlib.compress(SAID)),
        (b"zstd", gzip.compress(SAID)),
        (b"zstd", wide(SAID * 100_000)),
        (b"gzip", gzip.compress(SAID)[:-8] + bytes(8)),
    ],
    ids=["raw deflate", "gzip as deflate", "zlib as gzip", "gzip as zstd", "wide window", "wrong sum"],
)
def test_refuses_another_form_than_the_one_declared(name, data):
    with pytest.raises(InvalidInput, match="is not"):
        decoded(data, name, MOST * 4, still)


@pytest.mark.parametrize("name", CODINGS)
def test_a_bomb_is_found_after_little_of_it(name):
    bomb = WAYS[name](bytes(64 * 1024 * 1024))
    assert len(bomb) * RATIO_MAX < 64 * 1024 * 1024
    with pytest.raises(InvalidInput, match=f"more than {RATIO_MAX} times"):
        decoded(bomb, name, 2**40, still)
    assert len(decoded(WAYS[name](bytes(FREE_BYTES)), name, MOST, still)) == FREE_BYTES


@pytest.mark.parametrize("name", CODINGS)
def test_a_body_is_too_large_once_it_is_read(name):
    body = LONG
    assert len(decoded(WAYS[name](body), name, len(body), still)) == len(body)
    with pytest.raises(TooLarge):
        decoded(WAYS[name](body), name, len(body) - 1, still)


def test_the_work_ends_with_its_time():
    passing = iter(range(1_000))
    with pytest.raises(InvalidInput, match="takes more than 2 s"):
        decoded(zlib.compress(SAID * 100_000), b"deflate", MOST * 4, lambda: float(next(passing)))


# At the gateway


@pytest.mark.parametrize("name", CODINGS)
def test_a_compressed_body_is_decided_and_sent_on_as_it_came(world, name):
    key = world.customer()
    came = [WAYS[name](body) for body in (SAID, SAID[:-1] + b',"x":' + LONG + b"}")]
    line = f"Content-Encoding: {name.decode()}"
    with (
        scripted(says_and_stays(OK + b"content-length: 2\r\n\r\n{}")) as upstream,
        running(world, upstream.url) as gate,
        Raw(gate.port) as client,
    ):
        for body in came:
            assert client.send(post("/v1/chat/completions", body, key, line)).response()[0] == 200
    for body, sent in zip(came, upstream.requests, strict=True):
        _, fields, content = received(sent)
        assert ("content-encoding", name.decode()) in fields
        assert content == body


def test_a_compressed_body_is_refused_as_any_other(gate, world, quick):
    key = world.customer()
    gate.advance()
    before = len(calls(quick))
    unknown = gzip.compress(json.dumps(chat("absent")).encode())
    programme = gzip.compress(json.dumps(chat(access_programs={"cyber": "daybreak_red"})).encode())
    with Raw(gate.port) as raw:
        for body, status in ((unknown, 404), (programme, 403), (b"", 400)):
            sent = post("/v1/chat/completions", body, key, "Content-Encoding: gzip")
            assert raw.send(sent).response()[0] == status
    assert len(calls(quick)) == before


def test_a_fallback_gets_the_body_as_it_is_read(world):
    key, _, _ = world.falling_back("org-1")
    world.suspend("bis-1", [MODEL])
    with (
        scripted(says_and_stays(OK + b"content-length: 2\r\n\r\n{}")) as upstream,
        running(world, upstream.url) as gate,
        Raw(gate.port) as client,
    ):
        sent = post("/v1/chat/completions", gzip.compress(SAID), key, "Content-Encoding: gzip")
        assert client.send(sent).response()[0] == 200
    _, fields, content = received(upstream.requests[0])
    assert "content-encoding" not in dict(fields)
    assert content == SAID.replace(MODEL.encode(), FALLBACK.encode())


def test_what_a_bomb_may_have_cost_is_metered(quick):
    world = World.with_release()
    key = world.customer()
    bomb = post("/v1/messages", gzip.compress(bytes(20 * 1024 * 1024)), key, "Content-Encoding: gzip")
    with running(world, quick, max_refused_bytes_per_minute=1024 * 1024) as gate, Raw(gate.port) as client:
        assert client.send(bomb).response()[0] == 400
        assert client.send(bomb).response()[0] == 429
