"""How many requests each key made for each model on each of the last days: what gateways report of it, kept
beside the log.

Rules:
- No entry says it, and nothing is decided by it. A day is that of this process, in UTC, when a report came.
- A tally that comes twice counts once. After a start, one that had come before may count again.
- What was reported is written from time to time, a part at a time: no order waits for long. What was not
  written yet when a process ends is lost.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Collection, Iterable, Sequence
from itertools import islice

from sluicegate.acts.fleet import KeyTally, TalliedKey
from sluicegate.ports import KeyDay, KeyUses
from sluicegate.service.ledger import Ledger
from sluicegate.service.room import Room
from sluicegate.service.usage import CALLS_MAX, Run
from sluicegate_record.form import replace
from sluicegate_record.log.times import DAY_MS

DAYS = 30
"""For how many days counts are kept and shown, today with them."""
PART = 1_000
"""How many counts one transaction writes, and how many old ones it forgets."""
WRITE_MS = 10_000
"""How often it is written at most."""
RUNS_MAX = 10_000
"""Of how many runs of gateways the number of the last tally is known."""


class DayUses:
    """The requests of keys by model and day. They are written while there is room on the disk."""

    def __init__(self, kept: KeyUses, room: Room) -> None:
        self._kept = kept
        self._room = room
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        """Held while what was kept and what waits are not both right. It is taken before the other."""
        self._at_ms = 0
        """When it was written last."""
        self._numbers: OrderedDict[Run, int] = OrderedDict()
        self._waiting: dict[tuple[str, int, str], KeyDay] = {}
        """What is still to be added to what is kept."""

    def report(self, run: Run, number: int, rows: Iterable[TalliedKey], now_ms: int) -> None:
        """Take a tally of a run in. Requires: its keys exist."""
        day = now_ms // DAY_MS
        with self._lock:
            if number <= self._numbers.get(run, -1):
                return
            self._numbers[run] = number
            self._numbers.move_to_end(run)
            if len(self._numbers) > RUNS_MAX:
                self._numbers.popitem(last=False)
            for row in rows:
                self._add(KeyDay(row.credential, day, row.passed, row.refused, row.model))

    def _add(self, more: KeyDay) -> None:
        found = self._waiting.get(more.place)
        both = more if found is None else found.plus(more)
        self._waiting[more.place] = both._replace(
            passed=min(both.passed, CALLS_MAX), refused=min(both.refused, CALLS_MAX)
        )

    def of(self, credentials: Collection[str], now_ms: int) -> Sequence[KeyDay]:
        """The counts of some keys of the last days, by key, day and model, also those still to be written."""
        since, wanted = now_ms // DAY_MS - DAYS + 1, set(credentials)
        with self._writing, self._lock:
            found = {each.place: each for each in self._kept.days(credentials, since)}
            for place, each in self._waiting.items():
                if each.credential in wanted and each.day >= since:
                    found[place] = found[place].plus(each) if place in found else each
        return [found[place] for place in sorted(found)]

    def write(self, now_ms: int) -> None:
        """Forget what is old, and write what was reported. Raises: StoreUnavailable: it is written later."""
        if abs(now_ms - self._at_ms) < WRITE_MS:
            return
        self._kept.forget_days(now_ms // DAY_MS - DAYS + 1, PART)
        while part := self._next():
            self._room.check()
            with self._writing:
                self._kept.count(part)
                self._written(part)
        self._at_ms = now_ms

    def _next(self) -> list[KeyDay]:
        with self._lock:
            return list(islice(self._waiting.values(), PART))

    def _written(self, part: Iterable[KeyDay]) -> None:
        with self._lock:
            for each in part:
                left = self._waiting.pop(each.place)
                if left != each:  # more has come meanwhile
                    passed, refused = left.passed - each.passed, left.refused - each.refused
                    self._add(each._replace(passed=passed, refused=refused))


def known(ledger: Ledger, tally: KeyTally) -> list[TalliedKey]:
    """The rows about keys that exist: of others nothing is kept. A model that does not exist is left out."""
    with ledger.reading() as state:
        offers = state.table.offers
        return [
            row if row.model in offers else replace(row, model="")
            for row in tally.rows
            if state.grant_of(row.credential) is not None
        ]
