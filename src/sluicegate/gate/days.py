"""The requests of a day that a stage answers, as one gateway counts and lets them through.

Rules:
- A day is one of UTC, by the control plane's time. Its requests count for the whole stage.
- Where the plan enforces its measure, a gateway lets through what its budget of the day allows, and never
  more than the measure. It gets the budget from its feed, with its lease, and asks for more before it is used
  up.
- What is let through is noted first where the next run finds it. So a gateway that starts again goes on with
  what is left of its budget.
- Units: days since 1970 UTC; `early_ms` and `late_ms` milliseconds since then.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, Protocol

from sluicegate.core.access.decision import Instant
from sluicegate.core.access.refusals import Deny, Reason
from sluicegate.core.access.rows import StageName
from sluicegate.core.access.table import Table
from sluicegate_record.log.times import DAY_MS
from sluicegate_record.terms.exposure import Measure, enforced

AHEAD_MS = 120_000
"""How long before a day begins its budget is asked for: longer than a question may take."""
KEY_BYTES = 8
ROWS_MAX = 100
"""For how many stages and days one question asks, and of how many one report tells."""
AGAIN_S = 2
"""How long to wait for more of a budget: about a question."""
TOLD_AGAIN_MS = 10_000
"""How often a count is reported that has not changed: who is asked may have started again."""
_MORE_SOON = "the requests a day of this release that this gateway has got are used up; it asks for more"


class DayMemory(Protocol):
    """Where a gateway notes how much it has let through in a day. Its next run finds it there."""

    @property
    def spender(self) -> str:
        """Whose requests they are, 32 hex digits: no one else has these."""

    @property
    def days(self) -> Mapping[tuple[bytes, int], int]:
        """What earlier runs have let through, by the key of the stage and the day."""

    def note_day(self, key: bytes, day: int, count: int) -> None:
        """Note how much was let through in a day, with the request that is let through next."""


class DayBalance(NamedTuple):
    """What a gateway says of a stage's day: the most, what it has let through, and what it may have."""

    stage: StageName
    day: int
    limit: int
    spent: int
    held: int

    def to_json(self) -> dict[str, Any]:
        """The row as the question to the feed has it."""
        return {**self._asdict(), "stage": "/".join(self.stage)}


class DayCount:
    """One stage on one day: what was let through here, and up to which total more may be."""

    __slots__ = ("_memory", "_told", "block", "budget", "day", "key", "spent", "stage")

    def __init__(self, stage: StageName, day: int, memory: DayMemory | None) -> None:
        self.stage, self.day = stage, day
        self.key = hashlib.sha256("/".join(stage).encode()).digest()[:KEY_BYTES]
        self._memory = memory
        self.spent = 0 if memory is None else memory.days.get((self.key, day), 0)
        self.budget = self.spent
        self.block: int | None = None
        """By how much the newest answer has let the count grow; None before the first."""
        self._told: tuple[int, float] | None = None

    @property
    def is_short(self) -> bool:
        """Whether it is to be asked for at once: the first time, and when half of what was given is used."""
        return self.block is None or (self.block > 0 and 2 * (self.budget - self.spent) <= self.block)

    def lets(self, measure: Measure) -> bool:
        """Whether one more request may be let through."""
        return not measure.enforced or self.spent < min(self.budget, measure.value)

    def refusal(self, measure: Measure, early_ms: int) -> Deny:
        """Why none may be."""
        if self.block != 0 and self.spent < measure.value:
            return Deny(Reason.QUOTA_EXCEEDED, _MORE_SOON, retry_after_s=AGAIN_S)
        left_ms = (self.day + 1) * DAY_MS - early_ms
        return Deny(Reason.EXPOSURE_REACHED, retry_after_s=max(1, -(-left_ms // 1_000)))

    def note(self) -> None:
        """Count a request that is let through next."""
        self.spent += 1
        if self._memory is not None:
            self._memory.note_day(self.key, self.day, self.spent)

    def is_news(self, at_ms: float) -> bool:
        """Whether the control plane may not know it."""
        if self._told is None:
            return self.spent > 0
        spent, told_ms = self._told
        return spent != self.spent or at_ms - told_ms >= TOLD_AGAIN_MS

    def told(self, spent: int, at_ms: float) -> None:
        """The control plane has got it."""
        self._told = spent, at_ms


class Days:
    """The counts of one gateway. Without `memory` no run goes on."""

    def __init__(self, memory: DayMemory | None = None) -> None:
        self._memory = memory
        self._counts: dict[tuple[StageName, int], DayCount] = {}
        self._reported: list[tuple[DayCount, int]] = []
        self.spender = secrets.token_hex(16) if memory is None else memory.spender
        """Who spends, over all runs that go on with what is left."""

    def of(self, stage: StageName, day: int) -> DayCount:
        """The count of a stage on a day."""
        found = self._counts.get((stage, day))
        if found is None:
            self._counts = {each: kept for each, kept in self._counts.items() if day - each[1] <= 1}
            found = self._counts[stage, day] = DayCount(stage, day, self._memory)
        return found

    def rows(self, table: Table, now: Instant) -> list[DayBalance]:
        """What to ask the feed for, what is needed most first: of today, and of a day that begins soon."""
        days = range(now.early_ms // DAY_MS, (now.late_ms + AHEAD_MS) // DAY_MS + 1)
        wanted = [(self.of(stage, day), most) for stage, most in _limits(table) for day in days]
        wanted.sort(key=lambda each: (not each[0].is_short, each[0].budget - each[0].spent))
        return [
            DayBalance(count.stage, count.day, most, count.spent, count.budget)
            for count, most in wanted[:ROWS_MAX]
        ]

    def answered(self, rows: list[DayBalance], budgets: tuple[int, ...]) -> None:
        """The feed has answered what `rows` has asked. Requires: as many budgets as rows."""
        for row, budget in zip(rows, budgets, strict=True):
            count = self.of(row.stage, row.day)
            count.budget, count.block = budget, max(0, budget - row.spent)

    def is_short(self, table: Table, now: Instant) -> bool:
        """Whether to ask at once."""
        day = now.early_ms // DAY_MS
        return any(self.of(stage, day).is_short for stage, _ in _limits(table))

    def report(self, at_ms: float) -> list[dict[str, Any]]:
        """The counts that the control plane may not know, as JSON."""
        news = [count for count in self._counts.values() if count.is_news(at_ms)][:ROWS_MAX]
        self._reported = [(count, count.spent) for count in news]
        return [
            {"stage": "/".join(count.stage), "day": count.day, "total": spent}
            for count, spent in self._reported
        ]

    def arrived(self, at_ms: float) -> None:
        """The newest report has arrived."""
        for count, spent in self._reported:
            count.told(spent, at_ms)
        self._reported = []


def _limits(table: Table) -> Iterator[tuple[StageName, int]]:
    """What is enforced of each stage that is open, or may open next: then its budget is here when it does."""
    stages = {
        (release, stage): table.terms[terms].per_day
        for release, listing in table.listings.items()
        for stage, terms in listing.stages.items()
    }
    for name, measure in {**stages, **table.per_day}.items():
        most = enforced(measure)
        if most is not None:
            yield name, most
