"""The lock of the one writer, with two queues: who waits in the first one goes before all others.

Rules:
- The holder passes it on: to who has waited longest in the first queue, else to who has waited longest. So a
  thread that takes it again and again keeps no one out.
- The thread that holds it may take it again.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple


class _Turn(NamedTuple):
    """A thread that waits, and a lock that is held until its turn comes."""

    thread: int
    gate: threading.Lock


class WriteLock:
    """The lock."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._holder: int | None = None
        self._depth = 0
        self._first: deque[_Turn] = deque()
        self._others: deque[_Turn] = deque()

    @contextmanager
    def hold(self, *, first: bool = False) -> Iterator[None]:
        """Hold the lock. `first` says in which queue to wait for it."""
        self._take(first=first)
        try:
            yield
        finally:
            self._pass_on()

    def waiting(self) -> int:
        """How many threads wait for it."""
        with self._guard:
            return len(self._first) + len(self._others)

    def _take(self, *, first: bool) -> None:
        me = threading.get_ident()
        with self._guard:
            if self._holder in {None, me}:
                self._holder = me
                self._depth += 1
                return
            turn = _Turn(me, threading.Lock())
            turn.gate.acquire()
            (self._first if first else self._others).append(turn)
        turn.gate.acquire()  # until the holder passes it on; the depth is set then

    def _pass_on(self) -> None:
        with self._guard:
            self._depth -= 1
            if self._depth:
                return
            queue = self._first or self._others
            self._holder = None
            if queue:
                turn = queue.popleft()
                self._holder, self._depth = turn.thread, 1
                turn.gate.release()
