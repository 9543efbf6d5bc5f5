"""How many requests of a stage's day each gateway may have let through in all: its budget.

Rules:
- The budgets of a day add up to no more than the stage's measure: what a gateway may let through counts as
  let through. So no day has more, however gateways come, go and start again.
- A gateway says what it has let through. It gets an equal part of what is left, and not all at once: a tenth
  of the measure, or a hundred, at a time. What it does not use is there for the others after its next
  questions.
- A budget that becomes smaller counts as it was until the gateway says that it has the smaller one.
- Before a spender gets a budget it is on the disk that it may have it. So a feed that starts again knows.
- Who does not ask any more keeps its budget until the day is over: no one knows how much of it was used.
- Several feeds divide a measure as they divide the cells of the rates.
- Units: days since 1970 UTC; milliseconds of CLOCK_BOOTTIME of this machine. The caller holds a lock.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sluicegate.acts.fleet import DayQuestion, DayRow
from sluicegate.core.access.rate import CELLS
from sluicegate.ports import Budget

BLOCK_MIN = 100
BLOCK_PART = 10
"""A budget grows by at most one part in so many of the measure, or by the number above."""
LIVE_MS = 90_000
"""For how long after its last question a gateway is given a part of what is left: longer than any lease."""
DAYS_KEPT = 1
"""Questions may be about days that are so far away; earlier ones are forgotten."""


@dataclass(slots=True)
class _Share:
    """What one spender may have of a day. `kept` is what the disk says, None while it is being written."""

    most: int = 0
    kept: int | None = 0
    target: int = 0
    """What its newest question is answered with."""
    asked_ms: int = -1
    """When it asked that, by its own clock."""
    heard_ms: float = float("-inf")


class Budgets:
    """The budgets that one feed gives. `kept` is what the disk says."""

    def __init__(self, kept: Iterable[Budget]) -> None:
        self._shares: dict[tuple[str, int], dict[str, _Share]] = {}
        self._cells, self._waits = CELLS, False
        for each in kept:
            shares = self._shares.setdefault((each.stage, each.day), {})
            shares[each.spender] = _Share(most=each.most, kept=each.most)

    def own(self, cells: int, *, waits: bool) -> None:
        """Give so many cells' part of every measure from now on; nothing that is new while it `waits`."""
        self._cells, self._waits = cells, waits

    def want(self, asked: DayQuestion, today: int, now_ms: float) -> bool:
        """Choose the budgets of a spender that asks; whether the disk does not say so yet."""
        shares = [self._chosen(asked, row, today, now_ms) for row in asked.rows]
        return any(each is not None and (each.kept is None or each.kept < each.target) for each in shares)

    def give(self, asked: DayQuestion) -> tuple[int, ...]:
        """What a question is answered with, row by row. Requires: it was wanted just now."""
        return tuple(self._given(asked, row) for row in asked.rows)

    def unkept(self, today: int) -> Sequence[Budget]:
        """What is to be written; a budget of nothing is to be forgotten.

        Until `keep` no one knows what the disk says of it.
        """
        found = []
        for stage, day in [*self._shares]:
            shares = self._shares[stage, day]
            for spender, share in shares.items():
                most = share.most if _is_near(day, today) else 0
                if share.kept != most:
                    share.kept = None
                    found.append(Budget(stage, day, spender, most))
            if not _is_near(day, today):
                del self._shares[stage, day]
        return found

    def keep(self, written: Iterable[Budget]) -> None:
        """Note what was written."""
        for each in written:
            share = self._shares.get((each.stage, each.day), {}).get(each.spender)
            if share is not None:
                share.kept = each.most

    def _chosen(self, asked: DayQuestion, row: DayRow, today: int, now_ms: float) -> _Share | None:
        """The share of who asks, with what it is answered; None of a day that is not near."""
        if not _is_near(row.day, today):
            return None
        shares = self._shares.setdefault((row.stage, row.day), {})
        share = shares.setdefault(asked.spender, _Share())
        share.heard_ms = now_ms
        if asked.boot_ms > share.asked_ms:
            share.asked_ms = asked.boot_ms
            share.target = row.spent + self._block(shares, share, row, now_ms)
            share.most = max(row.held, share.target)
        return share

    def _block(self, shares: dict[str, _Share], own: _Share, row: DayRow, now_ms: float) -> int:
        """By how much a count may grow: an equal part of what no one else may have, rounded up."""
        limit = row.limit * self._cells // CELLS
        left = limit - row.spent - sum(each.most for each in shares.values() if each is not own)
        if left <= 0 or self._waits:
            return 0
        asking = sum(each.heard_ms + LIVE_MS > now_ms for each in shares.values())
        return min(-(-left // asking), max(BLOCK_MIN, limit // BLOCK_PART))

    def _given(self, asked: DayQuestion, row: DayRow) -> int:
        share = self._shares.get((row.stage, row.day), {}).get(asked.spender)
        if share is None or share.asked_ms != asked.boot_ms or share.kept is None:
            return row.spent
        return min(share.target, max(share.kept, row.spent))


def _is_near(day: int, today: int) -> bool:
    return abs(day - today) <= DAYS_KEPT
