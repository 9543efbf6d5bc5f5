"""When keys were last used: what gateways report of it, kept beside the log.

Rules:
- No entry says it, and nothing is decided by it. It is exact to the hour.
- What was reported is written from time to time, a part at a time: no order waits for long. What was not
  written yet when a process ends is lost.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Mapping
from itertools import islice

from sluicegate.ports import KeyUses
from sluicegate.service.room import Room
from sluicegate_record.log.times import HOUR_MS

PART = 1_000
"""How many keys one transaction writes."""


class LastUses:
    """The last uses of keys. A key is written once an hour, while there is room on the disk."""

    def __init__(self, kept: KeyUses, room: Room) -> None:
        self._kept = kept
        self._room = room
        self._lock = threading.Lock()
        self._hour = -1
        self._noted: set[str] = set()
        """What was noted in this hour, written or not."""
        self._waiting: dict[str, int] = {}
        """The hour in which each key was used that is still to be written."""

    def note(self, credentials: Iterable[str], now_ms: int) -> None:
        """Note that some keys were used. Requires: they exist."""
        with self._lock:
            if now_ms // HOUR_MS != self._hour:
                self._hour = now_ms // HOUR_MS
                self._noted.clear()
            for each in credentials:
                if each not in self._noted:
                    self._noted.add(each)
                    self._waiting[each] = self._hour

    def last(self, credentials: Collection[str]) -> Mapping[str, int]:
        """When each of some keys was last used, also where that is still to be written."""
        found = dict(self._kept.last(credentials))
        with self._lock:
            found |= {each: self._waiting[each] * HOUR_MS for each in credentials if each in self._waiting}
        return found

    def write(self) -> None:
        """Write what was noted. Raises: StoreUnavailable: it is written later."""
        while part := self._next():
            self._room.check()
            for hour in set(part.values()):
                self._kept.note([each for each in part if part[each] == hour], hour * HOUR_MS)
            self._written(part)

    def _next(self) -> dict[str, int]:
        with self._lock:
            return dict(islice(self._waiting.items(), PART))

    def _written(self, part: dict[str, int]) -> None:
        with self._lock:
            for each, hour in part.items():
                if self._waiting.get(each) == hour:
                    del self._waiting[each]
