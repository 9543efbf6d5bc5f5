"""What a control plane gives a text to: small ones are read here, all others by a process of their own.

Rules:
- The event loop and the ledger's lock are never held by a text.
- A reader that takes too long, or whose caller has left, is ended by closing its socket.
- A reader that ends without an answer was beyond a limit: the text is refused. If the process that forks them
  is gone, the text is not to blame: the caller is to ask again, and that process is started again.
"""

from __future__ import annotations

import asyncio
import logging
import os
import select
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from typing import Any

from sluicegate import journal
from sluicegate.acts.act import AGENCY, DEVELOPER
from sluicegate.bounds import CPU_S, IN_PLACE_MAX, MEMORY_MAX, WAIT_S
from sluicegate.errors import Overloaded, TooComplex
from sluicegate.parsing import job
from sluicegate.parsing.job import Asked
from sluicegate.parsing.request import ActRequest
from sluicegate.parsing.turns import Turns
from sluicegate.ports import Principal

Run = Callable[..., Awaitable[Any]]
"""What runs a function in a thread."""
_DECIDING = {DEVELOPER, AGENCY}
FORK_SERVER = (sys.executable, "-m", "sluicegate.parsing.forkserver")


@dataclass(slots=True)
class Parsers:
    """The readers of one event loop, forked by a process that `command` starts when it is needed."""

    command: Sequence[str] = FORK_SERVER
    wait_s: float = WAIT_S
    turns: Turns = field(default_factory=Turns)
    _server: _Server | None = None

    async def read(self, head: ActRequest, body: bytes, by: Principal, run: Run) -> Asked:
        """What a request asks, read. `run` reads what is small.

        Raises: InvalidInput, TooComplex. Overloaded: nothing was read.
        """
        act = head.row
        if job.is_small(act, body):
            found: Asked = await run(job.read, head, body)
            return found
        try:
            async with asyncio.timeout(self.wait_s):
                async with self.turns.turn(by.acts_for, decides=by.role in _DECIDING):
                    data = await self._answer(job.written(head, body))
        except TimeoutError as error:
            raise Overloaded("the text was not read in time") from error
        return await run(job.answered, act, data) if len(data) > IN_PLACE_MAX else job.answered(act, data)

    def start(self) -> None:
        """Start what forks readers, if it does not run. Call it where the event loop runs."""
        if self._server is None or self._server.is_gone:
            self.close()
            self._server = _Server.started(self.command)

    def close(self) -> None:
        """End all readers, and what forks them."""
        if self._server is not None:
            self._server.end()
            self._server = None

    async def _answer(self, data: bytes) -> bytes:
        """The answer of a reader. Raises: TooComplex, Overloaded."""
        try:
            self.start()
            assert self._server is not None
            connection = self._server.reader()
        except OSError as error:
            raise Overloaded("texts cannot be read now") from error
        server = self._server
        try:
            return await _exchanged(connection, data)
        except (EOFError, OSError) as error:
            if server.is_gone:
                raise Overloaded("texts cannot be read now") from error
            said = f"it takes more than {CPU_S} s or {MEMORY_MAX >> 20} MiB to read this text"
            journal.note("text_given_up", said, logging.WARNING, size=len(data))
            raise TooComplex(said, remedy="shorten it, or write it more simply") from error


async def _exchanged(connection: socket.socket, data: bytes) -> bytes:
    """Send a job and wait for the answer. The socket is closed however it ends."""
    reader, writer = await asyncio.open_connection(sock=connection)
    try:
        writer.write(data)
        await writer.drain()
        (length,) = job.LENGTH.unpack(await reader.readexactly(job.LENGTH.size))
        if not 0 < length <= job.ANSWER_MAX:
            raise RuntimeError("a reader failed; it has said why")
        return await reader.readexactly(length)
    finally:
        writer.transport.abort()


def _environment() -> dict[str, str]:
    """What the process that forks readers gets: the way to the modules, and the form of its journal."""
    said = {name: os.environ[name] for name in (journal.FORM, journal.LEVEL) if name in os.environ}
    return {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONSAFEPATH": "1", **said}


@dataclass(slots=True)
class _Server:
    """The process that forks readers, and our end of the socket to it."""

    process: subprocess.Popen[bytes]
    control: socket.socket

    @classmethod
    def started(cls, command: Sequence[str]) -> _Server:
        """A new one. It gets one socket and the way to the modules. Raises: OSError."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)  # noqa: FBT003 - the socket's own signature
        with theirs, ExitStack() as opened:
            opened.enter_context(ours)
            process = subprocess.Popen(  # noqa: S603 - our own module
                [*command, str(theirs.fileno()), str(os.getpid())],
                env=_environment(),
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )
            opened.pop_all()
        return cls(process, ours)

    @property
    def is_gone(self) -> bool:
        """Whether it has ended. Its socket is closed before its readers end."""
        if self.control.fileno() < 0:
            return True
        asked = select.poll()
        asked.register(self.control, 0)
        return bool(asked.poll(0))

    def reader(self) -> socket.socket:
        """A socket to a new reader. Raises: OSError."""
        ours, theirs = socket.socketpair()
        with theirs, ExitStack() as opened:
            opened.enter_context(ours)
            socket.send_fds(self.control, [b"r"], [theirs.fileno()])
            opened.pop_all()
        ours.setblocking(False)  # noqa: FBT003 - the socket's own signature
        return ours

    def end(self) -> None:
        """End it, and with it its readers."""
        self.control.close()
        with suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait()
