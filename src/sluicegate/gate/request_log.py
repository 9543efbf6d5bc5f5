"""Where the lines of the request log go: a file, or standard output.

Rules:
- Lines that cannot be written are dropped and counted.
- A file that was renamed or removed is opened again under its name, before the next lines are written.
- A line is whole, or it ends where the disk was full; the next one begins on a line of its own.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path

from sluicegate.errors import InvalidInput
from sluicegate.gate.lines import LineWriter

WRITE_BYTES = 64 * 1024
"""The most that is written at once."""
STANDARD_OUTPUT = "-"
_log = logging.getLogger(__name__)


class RequestLog(LineWriter):
    """Writes lines to a file, or to standard output for `-`.

    Raises: InvalidInput: the file cannot be opened.
    """

    def __init__(self, to: str) -> None:
        super().__init__(_FileOutlet(to), "request-log")


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

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

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
