"""A seeded scheduler of events in virtual time: no thread, no sleep, no clock of this machine.

Rules:
- What happens, and when, follows from the seed alone; so a run can be had again.
- An event belongs to a process. A stopped process's events wait until it goes on, and then come in any
  order; those of one that is gone never come.
- Who waits inside a call lets the others go on meanwhile, as a thread does that waits for its database.
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

TRACED = 60
"""How many of the last events a violation shows."""
DEEPEST = 12
"""How many calls wait inside one another at the most; a deeper one does not wait."""


class Gone(BaseException):
    """Ends a call whose process has been killed meanwhile. No code of that process may catch it."""


@dataclass(eq=False, slots=True)
class Process:
    """A process. Units: true milliseconds; it does not run before `stopped_until`."""

    name: str
    stopped_until: float = 0.0
    gone: bool = False
    stopped_ms: float = 0.0
    """For how long it has been stopped so far, a stop of now to its end."""

    def stop(self, now: float, until: float) -> None:
        """Let it not run before a true time."""
        self.stopped_ms += max(0.0, until - max(now, self.stopped_until))
        self.stopped_until = until


class Schedule:
    """The events to come. `now` is the true time in milliseconds, which no process can read."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.now = 0.0
        self.steps = 0
        self._events: list[tuple[float, float, int, Process, str, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._recent: deque[tuple[float, str, str]] = deque(maxlen=TRACED)
        self._depth = 0

    def after(self, ms: float, process: Process, what: str, act: Callable[[], None]) -> None:
        """Let something happen in a process; of what is due at the same time any may be first."""
        heapq.heappush(
            self._events, (self.now + ms, self.random.random(), next(self._numbers), process, what, act)
        )

    def step(self) -> None:
        """Let the next thing happen."""
        due, _, _, process, what, act = heapq.heappop(self._events)
        self.now = max(self.now, due)
        if process.gone:
            return
        if process.stopped_until > self.now:
            self.after(process.stopped_until - self.now, process, what, act)
            return
        self.steps += 1
        self.note(process.name, what)
        try:
            act()
        except Gone:
            self.note(process.name, "was killed in a call")

    def run(self, ms: float) -> None:
        """Let everything happen that is due in the next milliseconds."""
        until = self.now + ms
        while self._events[0][0] <= until:
            self.step()
        self.now = max(self.now, until)

    def wait(self, ms: float, process: Process) -> None:
        """Wait inside a call of a process while everybody else goes on.

        Raises: Gone: the process has been killed meanwhile.
        """
        if self._depth == DEEPEST:
            return
        self._depth += 1
        until = self.now + ms
        try:
            while not process.gone and (due := max(until, process.stopped_until)) > self.now:
                if self._events[0][0] <= due:
                    self.step()
                else:
                    self.now = due
        finally:
            self._depth -= 1
        if process.gone:
            raise Gone

    def note(self, who: str, what: str) -> None:
        """Keep what happened for the trace."""
        self._recent.append((self.now, who, what))

    def trace(self) -> str:
        """The last events, a line each."""
        return "\n".join(f"{at:14.3f}  {who:<12}{what}" for at, who, what in self._recent)


class Clock:
    """A machine's CLOCK_BOOTTIME in milliseconds: it runs too fast or too slow, and never stops."""

    def __init__(self, schedule: Schedule, rate: float, offset: float) -> None:
        self._schedule = schedule
        self.rate = rate
        self._offset = offset

    def __call__(self) -> float:
        return self._offset + self.rate * self._schedule.now

    def until(self, boot_ms: float) -> float:
        """How many true milliseconds it is until this clock shows a time."""
        return (boot_ms - self()) / self.rate

    def of(self, process: Process) -> Callable[[], float]:
        """How a process reads it."""
        return self
