"""From the bytes of a body to what it asks for, without holding the event loop.

Rules:
- A small body is read where it is. A large one first loses its pictures, in steps; what remains is read where
  it is if that takes a few milliseconds, and otherwise by a process of its own.
- A body is decompressed, and joined, in a thread: the libraries let the event loop run meanwhile.
- Only so many large bodies are read at once, so that what is held for them is bounded. Organizations take
  turns.
- The process is started when it is first needed, and again when it has ended. A body that it does not answer
  in time ends it, and is refused.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import weakref
from contextlib import suppress
from typing import Any, NamedTuple

from sluicegate.core.access.programmes import AskedProgramme
from sluicegate.errors import InvalidInput, TooLarge
from sluicegate.gate import coding, request
from sluicegate.gate.dialects import Dialect
from sluicegate.gate.names import Names
from sluicegate.gate.outline import Outline
from sluicegate.gate.places import Places
from sluicegate.gate.reader import ANSWER, DIALECTS, REQUEST
from sluicegate.gate.request import Request

SMALL_BYTES = 64 * 1024
"""A body of this size is read at once, whatever is in it."""
IN_PLACE_BYTES = 512 * 1024
IN_PLACE_VALUES = 20_000
"""An outline with less than these is read where it is."""
AT_ONCE = 2
WAIT_S = 10.0


class BodyContent(NamedTuple):
    """What a body asks for; the body as it came, and as it is read: not compressed."""

    asked: Request
    body: bytes
    plain: bytes
    outline: Outline | None = None

    def with_model(self, model: str) -> bytes:
        """The body with another model; every other byte is unchanged, and it is not compressed."""
        if self.outline is None:
            return request.with_model(self.plain, model)
        start, end = request.model_span(self.outline.text)
        start, end = self.outline.place(start), self.outline.place(end)
        return b"".join((self.plain[:start], json.dumps(model).encode(), self.plain[end:]))


class BodyReader:
    """Reads bodies for one gateway. `text_max` bounds a body without its pictures, in bytes."""

    def __init__(self, text_max: int) -> None:
        self._text_max = text_max
        self._places = Places(AT_ONCE)
        self._turn = asyncio.Lock()
        self._process: _Process | None = None

    def small(self, body: bytes, dialect: Dialect) -> BodyContent:
        """Read a body of at most SMALL_BYTES that is not compressed. Raises: InvalidInput."""
        return BodyContent(request.read(body, dialect), body, body)

    async def read(
        self, organization: str, parts: list[bytes], encoding: bytes, dialect: Dialect, size_max: int
    ) -> BodyContent:
        """Read a body of an organization, which has come in parts. `encoding` is one of `coding.CODINGS`, or
        empty.

        Raises: InvalidInput: it cannot be read, or can be read in more than one way. TooLarge.
        """
        if sum(map(len, parts)) <= SMALL_BYTES and not encoding:
            return self.small(b"".join(parts), dialect)
        async with self._places.place(organization):
            body = plain = await asyncio.to_thread(b"".join, parts)
            if encoding:
                plain = await asyncio.to_thread(coding.decoded, body, encoding, size_max)
            return await self._read(body, plain, dialect)

    async def _read(self, body: bytes, plain: bytes, dialect: Dialect) -> BodyContent:
        if len(plain) <= SMALL_BYTES:
            return BodyContent(request.read(plain, dialect), body, plain)
        outline = Outline(plain)
        for _ in outline.steps():
            await asyncio.sleep(0)
        text, most = outline.text, self._text_max
        if len(text) > most:
            raise TooLarge(f"a body with more than {most:,} bytes besides pictures, expected at most that")
        if len(text) <= IN_PLACE_BYTES and request.separators(text) <= IN_PLACE_VALUES:
            return BodyContent(request.read(text, dialect), body, plain, outline)
        return BodyContent(await self._elsewhere(text, dialect), body, plain, outline)

    async def _elsewhere(self, text: bytes, dialect: Dialect) -> Request:
        """Read by the process. Raises: InvalidInput."""
        async with self._turn:
            process = self._process or _Process()
            self._process = None  # and not kept, unless it answers
            try:
                async with asyncio.timeout(WAIT_S):
                    said = await process.answer(text, dialect)
            except (TimeoutError, OSError, EOFError):
                process.end()
                raise InvalidInput("the body could not be read in time, expected a simpler one") from None
            except BaseException:
                process.end()
                raise
            self._process = process
        if "refused" in said:
            raise InvalidInput(said["refused"])
        return _request(said["request"])


def _request(said: list[Any]) -> Request:
    """A request, from the JSON of its fields."""
    model, stream, (identifiers, *flags), asked, *others = said
    programmes = tuple(AskedProgramme(*each) for each in asked)
    return Request(model, stream, Names(tuple(identifiers), *flags), programmes, *others)


class _Process:
    """A process that reads, and our end of its socket. It ends when this is dropped, too."""

    def __init__(self) -> None:
        self._socket, theirs = socket.socketpair()
        with theirs:
            process = subprocess.Popen(  # noqa: S603 - our own module
                [sys.executable, "-m", "sluicegate.gate.reader", str(theirs.fileno()), str(os.getpid())],
                env={"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONSAFEPATH": "1"},
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )
        self._socket.setblocking(False)  # noqa: FBT003 - the socket's own signature
        self.end = weakref.finalize(self, _end, process, self._socket)

    async def answer(self, body: bytes, dialect: Dialect) -> dict[str, Any]:
        """What it says of a body. Raises: OSError, EOFError."""
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(self._socket, REQUEST.pack(DIALECTS.index(dialect), len(body)))
        await loop.sock_sendall(self._socket, body)
        (length,) = ANSWER.unpack(await self._exactly(ANSWER.size))
        said: dict[str, Any] = json.loads(await self._exactly(length))
        return said

    async def _exactly(self, size: int) -> bytes:
        loop, data = asyncio.get_running_loop(), b""
        while len(data) < size:
            part = await loop.sock_recv(self._socket, size - len(data))
            if not part:
                raise EOFError
            data += part
        return data


def _end(process: subprocess.Popen[bytes], connection: socket.socket) -> None:
    connection.close()
    with suppress(ProcessLookupError):
        process.kill()
    process.wait()
