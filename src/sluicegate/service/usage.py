"""What gateways report of use: streams that are open, and the calls of the last day, by who made them.

Rules:
- Counts only: a credential, a model, and how its request named its person, as the decision saw it; never a
  word of what was asked or answered.
- A gateway reports totals of its run, so that a report that comes twice counts once.
- It is in memory only. It serves previews, decides nothing, and says since when it counts.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from sluicegate.core.access.coverage import Usage
from sluicegate.core.access.naming import NOBODY, UsageKey
from sluicegate.service.ledger import Ledger
from sluicegate_record.log.times import HOUR_MS

HOURS = 24
CALLS_MAX = 1_000_000_000
"""How many calls, or streams, one report tells of: one that lies adds up to a number still."""
Run = tuple[str, str]
"""A gateway and its incarnation."""


class UsageCount(NamedTuple):
    """What a run reports of one way of use: streams open now, and calls since it started."""

    key: UsageKey
    open: int
    total: int


class UsageBook:
    """The use of one control plane's gateways.

    In an hour, `keys_max` ways of use are counted by themselves, and further ones without the person.
    At most twice as many are counted of all known runs together.
    Units: `since_ms` is from when on it counts, milliseconds since 1970 UTC.
    """

    def __init__(self, since_ms: int, *, keys_max: int = 200_000) -> None:
        self.since_ms = since_ms
        self._keys_max = keys_max
        self._lock = threading.Lock()
        self._hours: dict[int, Counter[UsageKey]] = {}
        self._totals: dict[Run, dict[UsageKey, int]] = {}
        self._open: dict[Run, dict[UsageKey, int]] = {}

    def report(self, run: Run, rows: Iterable[UsageCount], now_ms: int) -> None:
        """Take a run's report in."""
        with self._lock:
            hour = self._hours.setdefault(now_ms // HOUR_MS, Counter())
            totals, open_ = self._totals.setdefault(run, {}), self._open.setdefault(run, {})
            room = 2 * self._keys_max - sum(map(len, self._totals.values()))
            for row in rows:
                key = row.key
                if key not in totals:
                    if room <= 0:
                        continue
                    room -= 1
                if len(hour) >= self._keys_max and key not in hour:
                    key = key._replace(naming=NOBODY)
                hour[key] += min(max(0, row.total - totals.get(row.key, 0)), CALLS_MAX)
                totals[row.key] = row.total
                if row.open:
                    open_[row.key] = min(row.open, CALLS_MAX)
                else:
                    open_.pop(row.key, None)
            self._forget(now_ms)

    def keep(self, runs: Iterable[Run]) -> None:
        """Forget every run but these: its streams have ended with it."""
        with self._lock:
            for run in self._totals.keys() - set(runs):
                del self._totals[run], self._open[run]

    def last_day(self, now_ms: int) -> list[Usage]:
        """What is open, and the calls of the last 24 hours, whole hours of the clock."""
        with self._lock:
            self._forget(now_ms)
            requests: Counter[UsageKey] = Counter()
            for hour in self._hours.values():
                requests += hour
            streams: Counter[UsageKey] = Counter()
            for open_ in self._open.values():
                streams.update(open_)
        return [Usage(*key, streams[key], requests[key]) for key in requests.keys() | streams.keys()]

    def _forget(self, now_ms: int) -> None:
        oldest = now_ms // HOUR_MS - HOURS
        for hour in [hour for hour in self._hours if hour <= oldest]:
            del self._hours[hour]


def known(ledger: Ledger, rows: Iterable[UsageCount]) -> list[UsageCount]:
    """The rows about a credential and a model that exist: of others nothing is kept."""
    with ledger.reading() as state:
        offers = state.table.offers
        found = ((row, state.table.known_row(state.grant_of(row.key.credential) or "")) for row in rows)
        return [
            row
            for row, grant in found
            if grant is not None and (row.key.model in offers or row.key.model in grant.models)
        ]
