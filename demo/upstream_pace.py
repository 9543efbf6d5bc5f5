"""How the demonstration upstream paces, sizes and breaks its answers.

The settings give the defaults; a request overrides them with `x-demo-…` headers. Every number has bounds. A
number outside them is refused, never clamped.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from sluicegate.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Bounds:
    """The whole numbers that `name` may take: low <= value <= high."""

    name: str
    low: int
    high: int

    def check(self, value: int) -> int:
        """Return `value`.

        Raises: InvalidInput: it is out of bounds.
        """
        if self.low <= value <= self.high:
            return value
        raise self._refusal(str(value))

    def parse(self, value: bytes) -> int:
        """Read a header's value.

        Raises: InvalidInput: not decimal digits, or out of bounds.
        """
        if value.isdigit() and len(value) <= 12:
            return self.check(int(value))
        raise self._refusal(value.decode("latin-1"))

    def _refusal(self, found: str) -> InvalidInput:
        expected = f"a whole number from {self.low} to {self.high}"
        return InvalidInput(f"{self.name} is {found!r}: expected {expected}")


CHUNKS = Bounds("chunks", 1, 100_000)
INTERVAL_MS = Bounds("chunk_interval_ms", 0, 60_000)
DELAY_MS = Bounds("first_chunk_delay_ms", 0, 600_000)
TEXT_BYTES = Bounds("text_bytes", 0, 16 * 1024 * 1024)


class Fault(StrEnum):
    """How a call fails on request."""

    SERVER_ERROR = "500"
    HANGUP = "hangup"
    """The connection is closed before a response."""
    HANGUP_MIDSTREAM = "hangup-midstream"
    """The connection is closed after half of the response's body."""


@dataclass(frozen=True, slots=True)
class Pace:
    """The pace of one answer.

    Units: `text_bytes` counts UTF-8 bytes of the answer's text; without it the text has `chunks` words or
    more.
    """

    chunks: int
    interval_ms: int
    delay_ms: int
    text_bytes: int | None = None
    fault: Fault | None = None


@dataclass(frozen=True, slots=True)
class UpstreamSettings:
    """A demonstration upstream.

    Raises: InvalidInput: a number out of its bounds.
    """

    chunks: int = 20
    """How many pieces a stream's text comes in."""
    chunk_interval_ms: int = 0
    """The pause between two pieces; 0: as fast as the caller reads."""
    first_chunk_delay_ms: int = 0
    """The pause before the response's head."""
    api_key: str = field(default="", repr=False)
    """The key that callers must send, as `Authorization: Bearer` or `x-api-key`; empty: no key."""
    models: tuple[str, ...] = ("demo-large", "demo-small")
    """The models that `GET /v1/models` lists. The server answers for any model."""
    max_body_bytes: int = 32 * 1024 * 1024

    def __post_init__(self) -> None:
        CHUNKS.check(self.chunks)
        INTERVAL_MS.check(self.chunk_interval_ms)
        DELAY_MS.check(self.first_chunk_delay_ms)

    @property
    def pace(self) -> Pace:
        """The pace of an answer to a request that does not set one."""
        return Pace(self.chunks, self.chunk_interval_ms, self.first_chunk_delay_ms)


def requested_pace(headers: Mapping[bytes, bytes], default: Pace) -> Pace:
    """Return `default`, changed by the `x-demo-…` headers of a request.

    Raises: InvalidInput: a value that is not a number or is out of bounds, or an unknown fault.
    """
    if not any(name.startswith(b"x-demo-") for name in headers):
        return default
    size = headers.get(b"x-demo-bytes")
    return Pace(
        chunks=_number(headers, b"x-demo-chunks", CHUNKS, default.chunks),
        interval_ms=_number(headers, b"x-demo-interval-ms", INTERVAL_MS, default.interval_ms),
        delay_ms=_number(headers, b"x-demo-delay-ms", DELAY_MS, default.delay_ms),
        text_bytes=default.text_bytes if size is None else TEXT_BYTES.parse(size),
        fault=_fault(headers.get(b"x-demo-fail")) or default.fault,
    )


def _number(headers: Mapping[bytes, bytes], name: bytes, bounds: Bounds, default: int) -> int:
    value = headers.get(name)
    return default if value is None else bounds.parse(value)


def _fault(value: bytes | None) -> Fault | None:
    if value is None:
        return None
    text = value.decode("latin-1")
    try:
        return Fault(text)
    except ValueError:
        raise InvalidInput(f"x-demo-fail is {text!r}: expected {', '.join(Fault)}") from None
