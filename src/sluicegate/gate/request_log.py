"""Where the lines of the request log go: a file, or standard output.

Rules:
- No request waits for it. Lines are collected, and a thread writes them, some at a time.
- What waits to be written is bounded. Lines beyond it, and those that cannot be written, are dropped and
  counted.
- A file that was renamed or removed is opened again under its name, before the next lines are written.
- A line is whole, or it ends where the disk was full; the next one begins on a line of its own.
"""

from __future__ import annotations

import asyncio
import logging
import os
from pathlib import Path
from queue import SimpleQueue
from threading import Thread

from sluicegate.errors import InvalidInput

WAITING_BYTES_MAX = 8 * 1024 * 1024
"""How many bytes of lines may wait to be written."""
BATCH_MS = 100
"""How long a line waits for others to be written with."""
WRITE_BYTES = 64 * 1024
"""The most that is written at once."""
END_S = 1.0
"""How long the last lines may take to be written when the gateway ends."""
STANDARD_OUTPUT = "-"
_log = logging.getLogger(__name__)


class RequestLog:
    """Writes lines to a file, or to standard output for `-`.

    Raises: InvalidInput: the file cannot be opened.
    """

    def __init__(self, to: str) -> None:
        self._outlet = _FileOutlet(to)
        self._lines: list[bytes] = []
        self._collected_bytes = 0
        self._writing_bytes = 0
        """What the thread has and has not written yet."""
        self._dropped = 0
        self._is_due = False
        self._loop = asyncio.get_running_loop()
        self._batches: SimpleQueue[list[bytes] | None] = SimpleQueue()
        self._thread = Thread(target=self._write, name="request-log", daemon=True)
        self._thread.start()

    @property
    def dropped(self) -> int:
        """How many lines were dropped so far."""
        return self._dropped + self._outlet.dropped

    def put(self, line: bytes) -> None:
        """Have a line written soon. Requires: it ends with a line break."""
        if self._collected_bytes + self._writing_bytes + len(line) > WAITING_BYTES_MAX:
            self._dropped += 1
            return
        self._lines.append(line)
        self._collected_bytes += len(line)
        if not self._is_due:
            self._is_due = True
            self._loop.call_later(BATCH_MS / 1000, self._hand_over)

    async def close(self) -> None:
        """Write what waits, unless that takes too long."""
        self._hand_over()
        self._batches.put(None)
        await asyncio.to_thread(self._thread.join, END_S)

    def _hand_over(self) -> None:
        """Give the thread what was collected, if it has written the last."""
        self._is_due = False
        if not self._lines:
            return
        lines, self._lines = self._lines, []
        self._writing_bytes += self._collected_bytes
        self._collected_bytes = 0
        self._batches.put(lines)

    def _write(self) -> None:
        """In the thread: write batch after batch."""
        while (lines := self._batches.get()) is not None:
            self._outlet.write(lines)
            size = sum(map(len, lines))
            try:
                self._loop.call_soon_threadsafe(self._written, size)
            except RuntimeError:  # the loop has ended
                return

    def _written(self, size: int) -> None:
        self._writing_bytes -= size


class _FileOutlet:
    """A file that lines are added to. Used by one thread. Raises: InvalidInput: it cannot be opened."""

    def __init__(self, to: str) -> None:
        self.dropped = 0
        self._to = to
        self._is_in_line = False
        """Whether the last line is not whole."""
        self._trouble = ""
        try:
            self._file: int | None = _opened(to)
        except OSError as error:
            raise InvalidInput(f"the request log {to!r}: {error.strerror}") from error

    def write(self, lines: list[bytes]) -> None:
        """Write lines; those that cannot be written are counted."""
        try:
            file = self._current()
        except OSError as error:
            self.dropped += len(lines)
            self._tell(error)
            return
        data, at = b"".join([b"\n" * self._is_in_line, *lines]), 0
        try:
            while at < len(data):
                at += os.write(file, data[at : at + WRITE_BYTES])
        except OSError as error:
            self.dropped += data.count(b"\n", max(at, int(self._is_in_line)))
            self._tell(error)
        else:
            self._trouble = ""
        if at:
            self._is_in_line = data[at - 1 : at] != b"\n"

    def _current(self) -> int:
        """The file under its name. Raises: OSError."""
        file = self._file
        if file is not None and (self._to == STANDARD_OUTPUT or _is_same(file, self._to)):
            return file
        self._file, self._is_in_line = None, False
        if file is not None:
            os.close(file)
        self._file = file = _opened(self._to)
        return file

    def _tell(self, error: OSError) -> None:
        """Say what is wrong, once for each change."""
        trouble = error.strerror or str(error)
        if trouble != self._trouble:
            self._trouble = trouble
            _log.warning("lines of the request log %s are dropped: %s", self._to, trouble)


def _opened(to: str) -> int:
    if to == STANDARD_OUTPUT:
        return os.dup(1)
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
    file = os.open(to, flags | os.O_NONBLOCK, 0o640)  # a pipe without a reader is an error, not a wait
    os.set_blocking(file, True)
    return file


def _is_same(file: int, path: str) -> bool:
    """Whether an open file is still the one under its name."""
    try:
        return os.path.samestat(os.fstat(file), Path(path).stat())
    except FileNotFoundError:
        return False
