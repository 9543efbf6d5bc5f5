"""The requests of a day that gateways report, by stage: what `status` shows beside what a plan states.

Rules:
- A gateway reports totals of its days, over all its runs, so that a report that comes twice counts once.
- It is in memory only, and decides nothing. When this process has started again, the gateways that are there
  report again.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping

from sluicegate.acts.fleet import DayTotal
from sluicegate.core.access.rows import StageName
from sluicegate.service.ledger import Ledger
from sluicegate_record.log.times import DAY_MS

SPENDERS_MAX = 10_000
"""How many that count are known of a stage's day: gateways, and those that started with an empty folder."""


class DayBook:
    """The counts of yesterday, today and tomorrow: gateways and this process may differ in the day."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._totals: dict[int, dict[StageName, dict[tuple[str, str], int]]] = {}

    def report(self, by: tuple[str, str], rows: Mapping[tuple[StageName, int], int], now_ms: int) -> None:
        """Note what one has counted: a gateway's name and who spends there."""
        today = now_ms // DAY_MS
        with self._lock:
            self._totals = {day: kept for day, kept in self._totals.items() if abs(day - today) <= 1}
            for (stage, day), total in rows.items():
                if abs(day - today) > 1:
                    continue
                counts = self._totals.setdefault(day, {}).setdefault(stage, {})
                if by in counts or len(counts) < SPENDERS_MAX:
                    counts[by] = max(total, counts.get(by, 0))

    def today(self, stage: StageName, now_ms: int) -> int:
        """How many requests of a stage were let through on this day, as far as it was reported."""
        with self._lock:
            return sum(self._totals.get(now_ms // DAY_MS, {}).get(stage, {}).values())


def known(ledger: Ledger, rows: Iterable[DayTotal]) -> dict[tuple[StageName, int], int]:
    """The rows about stages that exist: of others nothing is kept."""
    with ledger.reading() as state:
        found = {}
        for row in rows:
            release, _, stage = row.stage.partition("/")
            if release in state.releases and stage in state.releases[release].terms:
                found[(release, stage), row.day] = row.total
        return found
