"""What one gateway has let through in the last minute, and in days, where its next run finds it.

Rules:
- The file is memory that outlives the process, however it ends: what was noted is there. It does not outlive
  the machine. After that, and where it is not sure that all is there, the next run is another spender, who
  gets a part of a rate when all that was let through by this one has ceased to count.
- A count of a day is in place before the request is let through that it counts. Who has no more place for one
  is unknown from then on.
- One process has the file, from its start to its end: the kernel says so.
- A copy is not the file: its header names the place on the disk where it was made.
- A full disk fails the start of the file, and no note.
"""

from __future__ import annotations

import fcntl
import logging
import mmap
import os
import secrets
import struct
import time
from pathlib import Path

from sluicegate.core.access.rate import WINDOW_MS
from sluicegate.gate.rate import KEY_BYTES, PastRequest

FILE = "spent"
RECORDS = 1 << 17
"""How many requests of the last minute are known: about 2,000 a second. Who let more through is unknown."""
ENDING_S = 0.5
"""How long the process that was here before may take to be gone."""
_HEADER = struct.Struct("<16s64sQQ32s")
_MAGIC = b"sluicegate spent"
_RECORD = struct.Struct(f"<{KEY_BYTES}sdQ")
_DAY = struct.Struct(f"@{KEY_BYTES}sQQ")
"""A stage's key, the day, and the count, which is written at once: it lies at a multiple of 8."""
_DAYS_FIRST = 128
_FIRST = 4096
DAYS = (_FIRST - _DAYS_FIRST) // _DAY.size
"""How many counts of days are known."""
_SIZE = _FIRST + RECORDS * _RECORD.size
_COUNT = struct.Struct("@Q")
_Header = tuple[bytes, bytes, int, int]
"""Which file this is: its kind, the boot, the device and the inode."""
_log = logging.getLogger(__name__)


class SpendingFile:
    """`gate.rate.Spending` in a folder. Without a file, nothing is noted. `boot` names this boot."""

    def __init__(self, folder: Path, boot: str, at_ms: float) -> None:
        self.spender = secrets.token_hex(16)
        self.earlier: list[PastRequest] = []
        self.days: dict[tuple[bytes, int], int] = {}
        """What was let through in a day, by the key of its stage."""
        self._places: dict[tuple[bytes, int], int] = {}
        self._next = 1
        self._memory: mmap.mmap | None = None
        path = folder / FILE
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._memory = self._opened(path)
        except OSError as error:
            _log.warning("%s: %s; the next run of this gateway has to wait a minute", path, error.strerror)
            return
        header = self._header(boot)
        self._read(self._memory, header, at_ms)
        _HEADER.pack_into(self._memory, 0, *header, self.spender.encode())

    def note(self, key: bytes, at_ms: float) -> None:
        """Note a request that is let through next."""
        if self._memory is not None:
            _RECORD.pack_into(self._memory, _place(self._next), key, at_ms, self._next)
            self._next += 1

    def note_day(self, key: bytes, day: int, count: int) -> None:
        """Note how much was let through in a day, with the request that is let through next."""
        if self._memory is None:
            return
        place = self._places.get((key, day))
        if place is None:
            place = self._place_for(key, day)
            if place is None:
                self._memory[: _HEADER.size] = bytes(_HEADER.size)  # the next run is another spender
                return
            _DAY.pack_into(self._memory, place, key, day, 0)
        _COUNT.pack_into(self._memory, place + _DAY.size - _COUNT.size, count)

    def _place_for(self, key: bytes, day: int) -> int | None:
        """A free place, or that of a day that is long over; None if all are taken."""
        taken = {place: known for known, place in self._places.items()}
        places = (_DAYS_FIRST + number * _DAY.size for number in range(DAYS))
        free = next((each for each in places if each not in taken or taken[each][1] < day - 1), None)
        if free is not None:
            self._places.pop(taken.get(free, (b"", 0)), None)
            self._places[key, day] = free
        return free

    def close(self) -> None:
        """Let go of the file."""
        if self._memory is not None:
            self._memory.close()
            os.close(self._descriptor)
            self._memory = None

    def _opened(self, path: Path) -> mmap.mmap:
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            _lock(self._descriptor)
            os.posix_fallocate(self._descriptor, 0, _SIZE)
            return mmap.mmap(self._descriptor, _SIZE)
        except BaseException:
            os.close(self._descriptor)
            raise

    def _header(self, boot: str) -> _Header:
        found = os.fstat(self._descriptor)
        return _MAGIC, boot.encode()[:64].ljust(64, b"\0"), found.st_dev, found.st_ino

    def _read(self, memory: mmap.mmap, header: _Header, at_ms: float) -> None:
        """Go on with what is there, if that is all there was; otherwise empty the file."""
        *known, spender = _HEADER.unpack_from(memory)
        if tuple(known) != header:
            memory[:] = bytes(_SIZE)
            return
        records = [each for each in _RECORD.iter_unpack(memory[_FIRST:]) if each[2]]
        self._next = max((number for _, _, number in records), default=0) + 1
        recent = [each for each in records if at_ms - WINDOW_MS < each[1]]
        if len(recent) >= RECORDS - 1:
            memory[_DAYS_FIRST:_FIRST] = bytes(_FIRST - _DAYS_FIRST)
        else:  # one may have been overwritten when the process was killed
            self.spender = spender.decode()
            self._read_days(memory)
            recent.sort(key=lambda each: each[2])
            self.earlier = [PastRequest(key, min(then_ms, at_ms)) for key, then_ms, _ in recent]

    def _read_days(self, memory: mmap.mmap) -> None:
        rows = _DAY.iter_unpack(memory[_DAYS_FIRST : _DAYS_FIRST + DAYS * _DAY.size])
        for number, (key, day, count) in enumerate(rows):
            if count:
                self.days[key, day] = count
                self._places[key, day] = _DAYS_FIRST + number * _DAY.size


def _place(number: int) -> int:
    return _FIRST + (number % RECORDS) * _RECORD.size


def _lock(descriptor: int) -> None:
    """Take the lock on the file. Raises: OSError: another process has it, and goes on."""
    until = time.monotonic() + ENDING_S
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until:
                raise
            time.sleep(0.005)
        else:
            return
