"""The process that forks readers: one for each text, which ends with it.

Rules:
- It has loaded what reads, and no secret: it is started as a new program, without any in its memory, its
  environment or its open files. It reads no text itself.
- Each reader has a socket of its own. When the other end is closed, the reader is killed.
- All end when the control plane does. Nothing waits for a signal.

What comes in is one byte a reader, with its end of a socket pair. Source: unix(7), SCM_RIGHTS.
"""

from __future__ import annotations

import gc
import logging
import os
import resource
import select
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from sluicegate import journal
from sluicegate.acts.applications import Submission
from sluicegate.acts.documents import ListedPlan
from sluicegate.acts.table import ACTS
from sluicegate.bounds import CPU_S, MEMORY_MAX
from sluicegate.errors import InvalidInput
from sluicegate.parsing import documents, job
from sluicegate.processes import die_with

NICE = 10
"""How much less these processes matter than those that serve."""
FAILED = 70
"""The exit code of a reader that met a fault of our own."""

_log = logging.getLogger("sluicegate.parsing.forkserver")

Answer = Callable[[bytes, bytes], bytes]


@dataclass(slots=True)
class ForkServer:
    """Forks a reader for each socket that comes over `control`."""

    control: socket.socket
    answer: Answer
    _readers: dict[int, tuple[int, socket.socket]] = field(default_factory=dict)
    """The process of each reader and its socket, by the descriptor of its process."""
    _ended: dict[int, int] = field(default_factory=dict)
    """The same descriptors, by that of the socket."""
    _poll: select.poll = field(default_factory=select.poll)

    def run(self) -> None:
        """Serve until the other end of `control` is closed; then all readers end."""
        self._poll.register(self.control, select.POLLIN)
        while True:
            ready, _ = self._poll.poll()[0]  # one by one: a descriptor may name something else after each
            if ready in self._readers:
                self._reap(ready)
            elif ready in self._ended:
                self._kill(ready)
            elif not self._take():
                return

    def _take(self) -> bool:
        """Fork a reader for the next socket; False if there will be none."""
        data, given, _, _ = socket.recv_fds(self.control, 1, 1)
        if not data:
            return False
        connection, parent = socket.socket(fileno=given[0]), os.getpid()
        pid = os.fork()
        if not pid:
            self._forget()
            _read(connection, self.answer, parent)
        process = os.pidfd_open(pid)
        self._readers[process] = (pid, connection)
        self._ended[connection.fileno()] = process
        self._poll.register(process, select.POLLIN)
        self._poll.register(connection, 0)  # only that it was closed
        return True

    def _forget(self) -> None:
        """Close what a reader has from this process: none may reach another, or keep its socket open."""
        self.control.close()
        for process, (_, connection) in self._readers.items():
            os.close(process)
            connection.close()

    def _kill(self, connection: int) -> None:
        """End the reader whose caller has left; it is reaped when it has ended."""
        self._poll.unregister(connection)
        signal.pidfd_send_signal(self._ended.pop(connection), signal.SIGKILL)

    def _reap(self, process: int) -> None:
        pid, connection = self._readers.pop(process)
        os.waitpid(pid, 0)
        self._poll.unregister(process)
        os.close(process)
        if self._ended.pop(connection.fileno(), None) is not None:
            self._poll.unregister(connection)
        connection.close()


def _read(connection: socket.socket, answer: Answer, parent: int) -> None:
    """Be a reader: read one text within limits, and end."""
    code = FAILED
    try:
        die_with(parent)
        _limit()
        heads, bodies = job.LENGTHS.unpack(_received(connection, job.LENGTHS.size))
        connection.sendall(answer(_received(connection, heads), _received(connection, bodies)))
        code = 0
    except (MemoryError, RecursionError, EOFError, ConnectionError):
        code = 1
    except BaseException:  # noqa: BLE001 - this process ends with it, and says why
        _log.exception("a reader failed")
        connection.sendall(job.LENGTH.pack(0))
    finally:
        os._exit(code)


def _limit() -> None:
    """Take from this process what reading does not need."""
    gc.disable()
    for kind, most in (
        (resource.RLIMIT_CPU, CPU_S),
        (resource.RLIMIT_DATA, MEMORY_MAX),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (most, most))


def _received(connection: socket.socket, count: int) -> bytes:
    """So many bytes. Raises: EOFError: the caller has left."""
    data = bytearray(count)
    view = memoryview(data)
    while view:
        got = connection.recv_into(view)
        if not got:
            raise EOFError
        view = view[got:]
    return bytes(data)


def _warm() -> None:
    """Read once what each act may be asked with, so that no reader has to make its readers first."""
    for act in ACTS.values():
        with suppress(InvalidInput):
            act.asked.from_json({"": None})
    for text in ("a: 1", "[1, 1.5, null, true]"):
        for asked in (
            Submission(release="", stage="", surface="", organization=text),
            ListedPlan(text=text),
        ):
            documents.read(asked)


def serve(descriptor: int, parent: int, answer: Answer = job.answer) -> None:
    """Serve over a socket that this process was started with, until its parent ends."""
    die_with(parent)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # they are sent to all of a terminal; this ends with its parent
    journal.begin("parser", os.environ)
    _warm()
    gc.freeze()
    os.nice(NICE)
    ForkServer(socket.socket(fileno=descriptor), answer).run()


if __name__ == "__main__":
    serve(int(sys.argv[1]), int(sys.argv[2]))
