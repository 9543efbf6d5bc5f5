"""Streams that are read byte by byte, each by its own thread, and how they ended.

Rules:
- The bytes are those of the body, unchanged; an SDK would hide where a stream was cut.
- The wall clock gives the time of each piece, so that it can be compared with the control plane's times.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterable, Sequence
from typing import Any

import httpx2

from demo.telling import expect

PATH = "/v1/chat/completions"
PACE = {"x-demo-chunks": "200", "x-demo-interval-ms": "20"}
"""Asks the demonstration's model server for a stream of four seconds: it is open when an order comes."""
BOUND_S = 30.0
_DONE = b"data: [DONE]\n\n"


class Stream(threading.Thread):
    """One stream of a model's answer to `text`, read to its end.

    Units: `last_ms` milliseconds since 1970 UTC, when the last piece came.
    """

    def __init__(self, gateway: httpx2.Client, key: str, model: str, text: str) -> None:
        super().__init__(name=text, daemon=True)
        question = {"messages": [{"role": "user", "content": text}], "metadata": PACE}
        self.body = json.dumps({"model": model, "stream": True, **question}).encode()
        self._gateway = gateway
        self._headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
        self.received = b""
        self.last_ms = 0
        self.ended_properly = False
        self.problem = ""

    def run(self) -> None:
        """Read until it ends, properly or not."""
        try:
            with self._gateway.stream("POST", PATH, content=self.body, headers=self._headers) as response:
                for piece in response.iter_raw():
                    self.received += piece
                    self.last_ms = time.time_ns() // 1_000_000
            self.ended_properly = True
        except httpx2.HTTPError as error:
            self.problem = str(error)

    @property
    def is_under_way(self) -> bool:
        """Whether a part of the answer has come, but not all."""
        return self.received.count(b"\n\n") > 2 and self.is_alive()

    @property
    def is_complete(self) -> bool:
        """Whether it ended properly."""
        return self.ended_properly and self.received.endswith(_DONE)

    def cut_by(self) -> dict[str, Any] | None:
        """The error with which it was cut; None if it ended otherwise."""
        if self.ended_properly or _DONE in self.received or not self.received.endswith(b"\n\n"):
            return None
        try:
            told = json.loads(self._last_event().removeprefix(b"data: "))
        except ValueError:
            return None
        error = told.get("error") if isinstance(told, dict) else None
        return error if isinstance(error, dict) else None

    def before_the_cut(self) -> bytes:
        """The bytes before the error with which it was cut."""
        return self.received.removesuffix(self._last_event())

    def _last_event(self) -> bytes:
        before, separator, _ = self.received.removesuffix(b"\n\n").rpartition(b"\n\n")
        return self.received[len(before) + len(separator) :]


def under_way(streams: Sequence[Stream]) -> None:
    """Wait until streams are under way. Raises: VerificationFailed: not within `BOUND_S`, or one ended."""
    ends = time.monotonic() + BOUND_S
    while not all(stream.is_under_way for stream in streams):
        for stream in streams:
            expect(stream.is_alive(), f"{stream.name} ended at once: {stream.problem or stream.received!r}")
        expect(time.monotonic() < ends, f"the streams are not all under way within {BOUND_S:.0f} s")
        time.sleep(0.005)


def finished(streams: Iterable[Stream]) -> None:
    """Wait until streams have ended. Raises: VerificationFailed: not within `BOUND_S`."""
    ends = time.monotonic() + BOUND_S
    for stream in streams:
        stream.join(max(0.0, ends - time.monotonic()))
        expect(not stream.is_alive(), f"{stream.name} has not ended within {BOUND_S:.0f} s")


def unharmed(upstream: httpx2.Client, streams: Sequence[Stream]) -> None:
    """Wait until streams have ended. Raises: VerificationFailed: one is not just what the upstream sends."""
    finished(streams)
    for stream in streams:
        expect(stream.is_complete, f"{stream.name} did not end properly: {stream.problem}")
        whole = from_upstream(upstream, stream)
        expect(stream.received == whole, f"{stream.name} got other bytes than the model's server sent")


def connection(url: str) -> httpx2.Client:
    """Connections for any number of streams."""
    return httpx2.Client(base_url=url, timeout=BOUND_S, trust_env=False, limits=httpx2.Limits())


def from_upstream(upstream: httpx2.Client, stream: Stream) -> bytes:
    """What the model's server itself answers to the same body, without its pauses."""
    headers = {"content-type": "application/json", "x-demo-interval-ms": "0"}
    return upstream.post(PATH, content=stream.body, headers=headers).content
