"""The log, folded again: for the state at an earlier size, or for who could use a model over time.

Rules:
- It is folded beside the writer and its readers, who do not wait for it. What it makes is let go afterwards.
- What happened over time needs only the entries that concern it, found by their places; a state needs all.
- One at a time for each role, and only so many entries: it costs time and memory as a start does.
- Each caller has a pace, counted in entries: who asks again and again keeps no one of its role waiting.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from sluicegate.acts.act import ROLES
from sluicegate.core.access.tenures import Stretch, Tenures
from sluicegate.core.lifecycle import Refusal, State
from sluicegate.errors import Overloaded
from sluicegate.pace import Pace
from sluicegate.ports import Log, Principal
from sluicegate_record.entries import Entry

REPLAYED_MAX = 100_000
"""How many entries are folded again for one answer."""
PER_SECOND, AT_ONCE = 500, 2 * REPLAYED_MAX
"""How many are folded again for one caller: on average, a tenth of what a core can, and at once."""
PART = 500
"""How many entries are read at a time."""


class Replays:
    """Folds of the log from its beginning, one at a time for each role of those who ask."""

    def __init__(self, most: int = REPLAYED_MAX, pace: Pace | None = None) -> None:
        self._most = most
        self._pace = pace or Pace(PER_SECOND, AT_ONCE)
        self._locks = {role: threading.Lock() for role in ROLES}

    def at(self, log: Log, size: int, reader: Principal) -> State | Refusal:
        """The state of the first `size` entries. Requires: the log has so many.

        Raises: Overloaded: one is made now for someone of this role, or too many were for the reader.
        """
        state = State()
        refusal = self._fold(log, range(size), reader, state.apply)
        state.settle()
        return state if refusal is None else refusal

    def pace(self, reader: Principal, count: int) -> None:
        """Count so many entries, or what costs as much, for a reader. Raises: Overloaded: too many lately."""
        said = "the log was looked through for you too often"
        self._pace.check(reader.acts_for, said, count)

    def over_time(
        self, log: Log, places: Sequence[int], reader: Principal, tenures: Tenures, now_ms: int
    ) -> list[Stretch] | Refusal:
        """Who could use a model, by the entries at `places`, until now.

        Requires: they are those of `Trail.of_access`.
        Raises:   Overloaded: as `at`.
        """
        refusal = self._fold(log, places, reader, tenures.apply)
        return tenures.stretches(now_ms) if refusal is None else refusal

    def _fold(
        self, log: Log, places: Sequence[int], reader: Principal, apply: Callable[[Entry], object]
    ) -> Refusal | None:
        """Apply something to the entries at some places."""
        count = len(places)
        if count > self._most:
            said = f"{count:,} entries are more than the {self._most:,} that are folded again for one answer"
            remedy = "ask a control plane that runs on a copy of the log"
            return Refusal("conflict", "replay_too_long", said, remedy)
        lock = self._locks[reader.role]
        if not lock.acquire(blocking=False):
            raise Overloaded("the log is folded again for another answer", retry_after_s=2)
        try:
            self.pace(reader, count)
            for after in range(0, count, PART):
                for entry in log.at(places[after : after + PART]):
                    apply(entry)
        finally:
            lock.release()
        return None
