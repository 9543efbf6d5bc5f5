"""The requests of the demonstration upstream, and its replies on the wire.

A reply is complete before its first byte leaves. Sending it is only a loop over `events`, with pauses.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from sluicegate.errors import InvalidInput

CREATED = 1_767_225_600
"""The creation time in every answer: 2026-01-01T00:00:00Z. Equal requests have equal answers."""

HOLE = "\x00"
"""Marks the place in a template that differs between its events."""

_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def encode(value: object) -> bytes:
    """Return `value` as JSON on one line; a lone surrogate becomes `?`."""
    return _bytes(_JSON.encode(value))


def data_event(value: object) -> bytes:
    """Return a server-sent event without a name."""
    return b"data: %b\n\n" % encode(value)


def named_event(value: Mapping[str, object]) -> bytes:
    """Return a server-sent event whose name is its `type`."""
    return b"event: %b\n%b" % (str(value["type"]).encode(), data_event(value))


def fill(template: bytes, pieces: Sequence[str]) -> list[bytes]:
    """Return one event for each piece, with the piece at the last `HOLE` of the template."""
    head, _, tail = template.rpartition(encode(HOLE))
    return [head + encode(piece) + tail for piece in pieces]


@dataclass(frozen=True, slots=True)
class Request:
    """One request: `digest` is the SHA-256 of its body in hex, `size` the bytes of the body."""

    body: Mapping[str, object]
    model: str
    digest: str
    size: int

    @property
    def streams(self) -> bool:
        """Whether the caller wants server-sent events."""
        return self.body.get("stream") is True

    @property
    def tokens(self) -> int:
        """How many tokens this upstream says the request has."""
        return token_count(self.size)


def spans(length: int, count: int) -> Iterable[tuple[int, int]]:
    """Cut 0..length into `count` spans (start, end) whose lengths differ by one at most."""
    return pairwise(length * index // count for index in range(count + 1))


def token_count(size: int) -> int:
    """Return how many tokens this upstream counts for `size` bytes or characters."""
    return size // 4 + 1


def parse_body(content: bytes) -> tuple[dict[str, object], str]:
    """Return the object in a request's body, and its model.

    Raises: InvalidInput: not a JSON object, or it names no model.
    """
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        raise InvalidInput("the body is not JSON that we can read") from None
    if not isinstance(body, dict):
        raise InvalidInput("the body is not a JSON object")
    model = body.get("model")
    if not isinstance(model, str) or not model:
        raise InvalidInput("you must provide a model parameter")
    return body, model


def metadata(content: bytes, prefix: bytes) -> dict[bytes, bytes]:
    """Return the texts in a body's `metadata` whose names have a prefix; empty if there are no such texts.

    Raises: InvalidInput: the body contains the prefix, but cannot be read.
    """
    if b'"' + prefix not in content:  # so that load without it is not parsed twice
        return {}
    found = parse_body(content)[0].get("metadata")
    if not isinstance(found, dict):
        return {}
    texts = {_bytes(name): _bytes(value) for name, value in found.items() if isinstance(value, str)}
    return {name: value for name, value in texts.items() if name.startswith(prefix)}


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class Reply:
    """A response: `events` are its body, each sent separately.

    Those with first <= index < last are its chunks: a pace pauses between them.
    """

    status: int
    content_type: bytes
    events: Sequence[bytes]
    first: int
    last: int

    @property
    def streams(self) -> bool:
        """Whether the body's length is not declared."""
        return self.content_type != _JSON_TYPE


_JSON_TYPE = b"application/json"


def whole(value: object, status: int = 200) -> Reply:
    """Return a reply that is one JSON document."""
    return Reply(status, _JSON_TYPE, (encode(value),), 0, 1)


def stream(opening: Sequence[bytes], chunks: Sequence[bytes], closing: Sequence[bytes]) -> Reply:
    """Return a reply of server-sent events."""
    events = [*opening, *chunks, *closing]
    return Reply(200, b"text/event-stream; charset=utf-8", events, len(opening), len(opening) + len(chunks))
