"""Thousands of streams at once, read by one event loop, and the bytes that each of them got.

Rules:
- All bytes are kept unchanged, framing included: a client library would hide where a stream was cut.
- CLOCK_REALTIME gives the time when bytes came. It is read in the call that takes them, as near to the socket
  as possible.
- The expected bytes of a stream are those that the model's server itself sends for the same body. Every body
  is different, so a byte of another stream shows.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from fcntl import ioctl
from termios import FIONREAD
from typing import Any, TypeVar
from urllib.parse import urlsplit

from bench.load import BODY_END, HEAD_END, OK, Connection, post, unframed
from bench.speech import Speech

OPENING = 32
"""How many streams are opened, or compared, at the same time."""
POLL_S = 0.02
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Pace:
    """A stream's pieces, and the pause between two of them."""

    chunks: int
    interval_ms: int

    def asked(self) -> dict[str, str]:
        """The form of it in a request's metadata."""
        return {"x-demo-chunks": f"{self.chunks}", "x-demo-interval-ms": f"{self.interval_ms}"}


class Stream(asyncio.Protocol):
    """One stream of a model's answer, until it ends; `text` is its name.

    Units: `last_ns` nanoseconds since 1970 UTC, when the last bytes came; 0: none have.
    """

    __slots__ = ("_begun", "_transport", "body", "data", "ended", "key", "last_ns", "reset", "speech", "text")

    def __init__(self, key: str, text: str, body: bytes, speech: Speech = Speech.CHAT) -> None:
        self.body = body
        self.key = key
        self.speech = speech
        self.text = text
        self.data = bytearray()
        self.last_ns = 0
        self.ended = False
        self.reset = False
        """Whether the connection was reset."""
        self._transport: asyncio.Transport | None = None
        self._begun: asyncio.Future[None] | None = None

    async def open(self, url: str) -> None:
        """Ask a gateway, or a model's server, for it; return when the first bytes or the end have come."""
        host, _, port = urlsplit(url).netloc.partition(":")
        loop = asyncio.get_running_loop()
        begun = self._begun = loop.create_future()
        await loop.create_connection(lambda: self, host, int(port))
        await begun

    def close(self) -> None:
        """Close the connection."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._transport = transport
        transport.write(post(self.body, self.key, path=self.speech.value))

    def data_received(self, data: bytes) -> None:
        self.last_ns = time.time_ns()
        self.data += data
        self._begin()
        if self.data.endswith(BODY_END):
            self.ended = True
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self.reset = exc is not None and not self.ended
        self.ended = True
        self._begin()

    def _begin(self) -> None:
        if self._begun is not None:
            if not self._begun.done():
                self._begun.set_result(None)
            self._begun = None

    @property
    def is_under_way(self) -> bool:
        """Whether a piece of the answer has come, but not its end."""
        return self.data.count(b"\n\n", self.data.find(HEAD_END) + 4) > 1 and not self.ended

    @property
    def is_whole(self) -> bool:
        """Whether it ended properly."""
        return self.data.startswith(OK) and self.data.endswith(BODY_END)

    def received(self) -> bytes:
        """The answer's body, without its framing."""
        return unframed(bytes(self.data))

    def cut(self) -> tuple[bytes, dict[str, Any]] | None:
        """The bytes before the error event that ended it, and the error; None if no error event came."""
        received = self.received()
        if self.is_whole or not received.endswith(b"\n\n"):
            return None
        before, separator, last = received.removesuffix(b"\n\n").rpartition(b"\n\n")
        error = self.speech.error(last)
        return (before + separator, error) if error is not None else None

    def reached(self) -> int:
        """How many bytes have reached this machine, including those that are not read yet."""
        waiting = b"\0" * 4
        if self._transport is not None and not self.ended:
            waiting = ioctl(self._transport.get_extra_info("socket").fileno(), FIONREAD, waiting)
        return len(self.data) + int.from_bytes(waiting, sys.byteorder)

    def ended_how(self) -> str:
        """Its state, for people who look for a reason."""
        how = "reset" if self.reset else "ended" if self.ended else "open"
        return f"{self.text!r} is {how} after {bytes(self.data[:15])!r} … {bytes(self.data[-300:])!r}"


async def opened(streams: Sequence[tuple[str, Stream]], within_s: float) -> None:
    """Open streams, each at its URL; return when all are under way.

    Raises: AssertionError: one has ended, or is not under way in time.
    """
    await _each(streams, lambda one: one[1].open(one[0]))
    await until(lambda: all(stream.is_under_way or stream.ended for _, stream in streams), within_s)
    for _, stream in streams:
        assert stream.is_under_way, stream.ended_how()


async def finished(streams: Iterable[Stream], within_s: float) -> None:
    """Wait until streams have ended. Raises: AssertionError: one has not in time."""
    waiting = list(streams)

    def all_ended() -> bool:
        waiting[:] = [stream for stream in waiting if not stream.ended]
        return not waiting

    await until(all_ended, within_s)


async def until(what: Callable[[], bool], within_s: float) -> None:
    """Wait until something holds. Raises: AssertionError: it does not in time."""
    loop = asyncio.get_running_loop()
    ends = loop.time() + within_s
    while not what():
        assert loop.time() < ends, f"not within {within_s} s"
        await asyncio.sleep(POLL_S)


async def sent(upstream_url: str, streams: Sequence[Stream]) -> list[bytes]:
    """What the model's server itself answers to the bodies of streams, without its pauses, in their order."""
    idle = [await Connection.to(upstream_url) for _ in range(min(OPENING, len(streams)))]
    answers: dict[Stream, bytes] = {}

    async def ask(stream: Stream) -> None:
        connection = idle.pop()
        answer = await connection.ask(
            post(stream.body, "", "x-demo-interval-ms: 0", path=stream.speech.value)
        )
        idle.append(connection)
        assert answer.is_whole_stream, answer.data
        answers[stream] = answer.body()

    await _each(streams, ask)
    for connection in idle:
        connection.close()
    return [answers[stream] for stream in streams]


async def check_spared(upstream_url: str, streams: Sequence[Stream]) -> None:
    """Fail unless streams ended properly and got what the model's server sends, byte for byte."""
    for stream, whole in zip(streams, await sent(upstream_url, streams), strict=True):
        assert stream.is_whole, stream.ended_how()
        assert stream.received() == whole, stream.ended_how()


async def check_cut(upstream_url: str, streams: Sequence[Stream], reason: str) -> None:
    """Fail unless streams were cut for a reason, behind whole events that the model's server sends."""
    for stream, whole in zip(streams, await sent(upstream_url, streams), strict=True):
        found = stream.cut()
        assert found is not None, stream.ended_how()
        before, error = found
        assert error["sluicegate"]["reason"] == reason, stream.ended_how()
        assert whole.startswith(before), stream.ended_how()
        assert before != whole, stream.ended_how()
        assert before.endswith(b"\n\n"), stream.ended_how()


async def _each(items: Iterable[T], do: Callable[[T], Awaitable[object]]) -> None:
    """Call a function for every item, with `OPENING` of them at the same time."""
    left = iter(items)

    async def work() -> None:
        for item in left:
            await do(item)

    await asyncio.gather(*(work() for _ in range(OPENING)))
