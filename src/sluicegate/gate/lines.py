"""Lines that a thread writes, so that no request waits for them.

Rules:
- Lines are collected, and handed over some at a time.
- What waits to be written is bounded. Lines beyond it are dropped and counted.
"""

from __future__ import annotations

import asyncio
from queue import SimpleQueue
from threading import Thread
from typing import Protocol

WAITING_BYTES_MAX = 8 * 1024 * 1024
"""How many bytes of lines may wait to be written."""
BATCH_MS = 100
"""How long a line waits for others to be written with."""
END_S = 1.0
"""How long the last lines may take to be written when the gateway ends."""


class LineOutlet(Protocol):
    """Where lines go. One thread writes to it, which may have to wait."""

    @property
    def dropped(self) -> int:
        """How many lines did not arrive so far. Any thread may ask."""

    def write(self, lines: list[bytes]) -> None:
        """Write lines; those that cannot be written are counted."""

    def close(self) -> None:
        """No more lines come."""


class LineWriter:
    """Writes lines to an outlet, in a thread."""

    def __init__(self, outlet: LineOutlet, name: str) -> None:
        self._outlet = outlet
        self._lines: list[bytes] = []
        self._collected_bytes = 0
        self._writing_bytes = 0
        """What the thread has and has not written yet."""
        self._dropped = 0
        self._is_due = False
        self._loop = asyncio.get_running_loop()
        self._batches: SimpleQueue[list[bytes] | None] = SimpleQueue()
        self._thread = Thread(target=self._write, name=name, daemon=True)
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
                break
        self._outlet.close()

    def _written(self, size: int) -> None:
        self._writing_bytes -= size
