"""What a plan enforces for a day is all that gateways let through on it, whatever goes wrong."""

from __future__ import annotations

import random
import secrets
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest

from sluicegate.acts.fleet import DayQuestion, DayRow
from sluicegate.core.access.decision import Instant
from sluicegate.core.access.rate import CELLS
from sluicegate.core.access.rows import StageName
from sluicegate.core.access.table import Table
from sluicegate.feed.budgets import BLOCK_MIN, BLOCK_PART, LIVE_MS, Budgets
from sluicegate.gate.days import AHEAD_MS, DayBalance, Days
from sluicegate.ports import Budget
from sluicegate_record.log.times import DAY_MS
from sluicegate_record.terms.exposure import Measure
from tests.plane import Plane, yes

STAGE: StageName = ("preview", "partners")
NAME = "preview/partners"
DAY = 20_000
POLL_MS = 1_600
WORLDS = 24
TRIED = 60
"""In how many worlds a broken variant may hide before it counts as not found."""


class Excess(Exception):
    """More was let through on a day than the plan allows."""


class Notes:
    """`gate.days.DayMemory`: what a gateway's folder keeps."""

    def __init__(self) -> None:
        self.spender = secrets.token_hex(16)
        self.days: dict[tuple[bytes, int], int] = {}

    def note_day(self, key: bytes, day: int, count: int) -> None:
        self.days[key, day] = count


class Gate:
    """A gateway from run to run, with one question open at a time."""

    def __init__(self, surface: Day) -> None:
        self._surface = surface
        self._memory = Notes()
        self.start(goes_on=False)

    def start(self, *, goes_on: bool) -> None:
        """Begin a run, which may go on with what is left of the one before."""
        if not goes_on:
            self._memory = Notes()
        self.days = Days(self._memory)

    def question(self) -> tuple[DayQuestion, list[DayBalance]]:
        """What it asks now, as the feed reads it, and what it remembers of that."""
        surface = self._surface
        rows = self.days.rows(surface.table, surface.instant)
        asked = {"spender": self.days.spender, "bootMs": int(surface.now_ms)}
        return DayQuestion.from_json({**asked, "rows": [row.to_json() for row in rows]}), rows

    def spend(self) -> bool:
        """Let a request through, if it may be."""
        surface = self._surface
        count = self.days.of(STAGE, surface.instant.early_ms // DAY_MS)
        if not count.lets(surface.table.per_day[STAGE]):
            return False
        count.note()
        surface.note(count.day)
        return True


class Day:
    """Gateways and a feed with its disk, in simulated time. `budgets` may be a broken variant."""

    def __init__(self, seed: int, limit: int, gates: int, budgets: type[Budgets] = Budgets) -> None:
        self.random = random.Random(seed)
        self.limit = limit
        self.table = Table()
        self.table.per_day[STAGE] = Measure(limit, enforced=True)
        self.now_ms = 5_000_000.0
        self.wall_ms = DAY * DAY_MS + self.random.randrange(DAY_MS)
        self.through: Counter[int] = Counter()
        self._budgets = budgets
        self.disk: dict[tuple[str, int, str], Budget] = {}
        self.feed = budgets([])
        self.gates = [Gate(self) for _ in range(gates)]
        self._late: list[DayQuestion] = []

    @property
    def instant(self) -> Instant:
        return Instant(self.wall_ms - 3, self.wall_ms + 3)

    def note(self, day: int) -> None:
        self.through[day] += 1
        if self.through[day] > self.limit:
            raise Excess(self.through)

    def restart_feed(self) -> None:
        self.feed = self._budgets(self.disk.values())

    def answered(self, asked: DayQuestion) -> tuple[int, ...]:
        """What the feed answers, after its commit."""
        today = self.wall_ms // DAY_MS
        if self.feed.want(asked, today, self.now_ms):
            written = self.feed.unkept(today)
            for each in written:
                self.disk[each[:3]] = each
            self.feed.keep(written)
        return self.feed.give(asked)

    def poll(self, gate: Gate) -> None:
        """One question and its answer, each of which may get lost, or be late."""
        question, rows = gate.question()
        fate = self.random.random()
        if fate < 0.05:
            self._late.append(question)
        elif fate > 0.1:
            answer = self.answered(question)
            if fate > 0.15:
                gate.days.answered(rows, answer)
        if self._late and self.random.random() < 0.3:
            self.answered(self._late.pop())

    def step(self) -> None:
        """Some time passes, and something happens."""
        self.now_ms += 50
        self.wall_ms += 50 if self.random.random() > 0.001 else self.random.randrange(DAY_MS)
        gate = self.random.choice(self.gates)
        happens = self.random.random()
        if happens < 0.01:
            gate.start(goes_on=True)
        elif happens < 0.015:
            gate.start(goes_on=False)
        elif happens < 0.02:
            self.restart_feed()
        elif happens < 0.3:
            self.poll(gate)
        else:
            for _ in range(self.random.randrange(self.limit // 20 + 2)):
                gate.spend()

    def calm(self) -> None:
        """All gateways ask a few times, and nothing gets lost."""
        for _ in range(12):
            for gate in self.gates:
                self.now_ms += 1
                question, rows = gate.question()
                gate.days.answered(rows, self.answered(question))


def lived(seed: int, budgets: type[Budgets] = Budgets) -> Day:
    """A day or some after much that went wrong. Raises: Excess."""
    day = Day(seed, [1, 7, 250, 5_000][seed % 4], 1 + seed % 5, budgets)
    for _ in range(3_000):
        day.step()
    return day


@pytest.mark.parametrize("seed", range(0, WORLDS, 6))
def test_no_day_has_more_than_the_plan_allows(seed: int) -> None:
    through = [lived(each).through.total() for each in range(seed, seed + 6)]
    assert sum(through) > 500


class _Lonely(Budgets):
    """Looks at no other gateway."""

    def _block(self, shares: Any, own: Any, row: DayRow, now_ms: float) -> int:
        return super()._block({"": own}, own, row, now_ms)


class _Hasty(Budgets):
    """Counts a smaller budget before the gateway says that it has it."""

    def _chosen(self, asked: DayQuestion, row: DayRow, today: int, now_ms: float) -> Any:
        share = super()._chosen(asked, row, today, now_ms)
        if share is not None:
            share.most = share.target
        return share


class _Unordered(Budgets):
    """Believes a question that comes late."""

    def want(self, asked: DayQuestion, today: int, now_ms: float) -> bool:
        for shares in self._shares.values():
            for share in shares.values():
                share.asked_ms = -1
        return super().want(asked, today, now_ms)


class _Forgetful(Budgets):
    """Does not know after a start who may have what."""

    def __init__(self, kept: Sequence[Budget]) -> None:
        super().__init__([])


@pytest.mark.parametrize("broken", [_Lonely, _Hasty, _Unordered, _Forgetful])
def test_a_broken_variant_is_found_out(broken: type[Budgets]) -> None:
    def is_found(seed: int) -> bool:
        try:
            lived(seed, broken)
        except Excess:
            return True
        return False

    assert any(map(is_found, range(TRIED)))


@pytest.mark.parametrize("gates", [1, 2, 4])
@pytest.mark.parametrize("limit", [1, 7, 250, 5_000])
def test_all_of_it_is_used_where_only_one_gateway_is_asked(limit: int, gates: int) -> None:
    """What the others do not use comes to it: at most one request of each stays there."""
    day = Day(1, limit, gates)
    busy, *_ = day.gates
    for _ in range(200):
        day.calm()
        while busy.spend():
            pass
    assert limit - gates < sum(day.through.values()) <= limit


def test_a_gateway_that_starts_again_goes_on_and_one_that_is_lost_takes_a_block_at_most() -> None:
    limit = 5_000
    day = Day(1, limit, 1)
    (gate,) = day.gates
    day.calm()
    block = max(BLOCK_MIN, limit // BLOCK_PART)
    assert [gate.spend() for _ in range(block + 1)] == [True] * block + [False]
    gate.start(goes_on=True)
    assert not gate.spend()
    day.calm()
    assert gate.spend()
    gate.start(goes_on=False)
    for _ in range(200):
        day.calm()
        while gate.spend():
            pass
    assert limit - block <= day.through[DAY] < limit


def test_a_new_day_begins_with_a_budget() -> None:
    day = Day(1, 7, 1)
    (gate,) = day.gates
    day.wall_ms = (DAY + 1) * DAY_MS - AHEAD_MS
    day.calm()
    assert [gate.spend() for _ in range(8)] == [True] * 7 + [False]
    day.wall_ms = (DAY + 1) * DAY_MS + 5
    assert [gate.spend() for _ in range(8)] == [True] * 7 + [False]
    assert day.through == {DAY: 7, DAY + 1: 7}


def test_a_smaller_measure_holds_from_the_next_answers_on() -> None:
    day = Day(1, 5_000, 2)
    for gate in day.gates:
        day.calm()
        assert gate.spend()
    day.table.per_day[STAGE] = Measure(10, enforced=True)
    day.limit = 10
    day.calm()
    for gate in day.gates:
        while gate.spend():
            pass
    assert day.through[DAY] <= 10


def question(spender: str = "5" * 32, at_ms: int = 1, day: int = DAY, **row: int) -> DayQuestion:
    said = {"stage": NAME, "day": day, "limit": 1_000, "spent": 0, "held": 0, **row}
    return DayQuestion.from_json({"spender": spender, "bootMs": at_ms, "rows": [said]})


def test_a_budget_that_is_not_on_the_disk_is_not_given() -> None:
    budgets = Budgets([])
    asked = question(spent=3, held=3)
    assert budgets.want(asked, DAY, 0.0)
    assert budgets.give(asked) == (3,)
    written = budgets.unkept(DAY)
    assert written == [Budget(NAME, DAY, "5" * 32, 3 + BLOCK_MIN)]
    assert budgets.give(asked) == (3,)
    assert budgets.want(asked, DAY, 0.0)
    budgets.keep(written)
    assert not budgets.want(asked, DAY, 0.0)
    assert budgets.give(asked) == (3 + BLOCK_MIN,)


def test_days_that_are_over_are_forgotten_and_no_budget_is_given_for_days_far_away() -> None:
    budgets = Budgets([Budget(NAME, DAY - 2, "5" * 32, 8), Budget(NAME, DAY - 1, "5" * 32, 9)])
    assert budgets.unkept(DAY) == [Budget(NAME, DAY - 2, "5" * 32, 0)]
    for day in (DAY - 2, DAY + 2):
        asked = question(day=day, spent=4)
        assert not budgets.want(asked, DAY, 0.0)
        assert budgets.give(asked) == (4,)


def test_who_has_been_silent_keeps_its_budget_and_has_no_part_of_the_rest() -> None:
    budgets = Budgets([])
    for at, spender in ((0.0, "a" * 32), (1.0, "b" * 32)):
        budgets.want(question(spender), DAY, at)
    late = question("b" * 32, 2, spent=BLOCK_MIN, limit=150, held=BLOCK_MIN)
    budgets.want(late, DAY, LIVE_MS + 0.5)
    budgets.keep(budgets.unkept(DAY))
    assert budgets.give(late) == (BLOCK_MIN,)
    later = question("b" * 32, 3, spent=BLOCK_MIN, limit=300, held=BLOCK_MIN)
    budgets.want(later, DAY, LIVE_MS + 0.5)
    budgets.keep(budgets.unkept(DAY))
    assert budgets.give(later) == (200,)


def test_feeds_divide_a_measure_by_their_cells_and_who_comes_gives_nothing_new() -> None:
    for cells, waits, given in ((CELLS // 2, False, 50), (CELLS, True, 0)):
        budgets = Budgets([])
        budgets.own(cells, waits=waits)
        asked = question(limit=100)
        budgets.want(asked, DAY, 0.0)
        budgets.keep(budgets.unkept(DAY))
        assert budgets.give(asked) == (given,)


def test_a_feed_gives_budgets_with_its_lease_and_knows_them_after_a_start() -> None:
    plane = Plane()
    today = plane.ledger.now_ms() // DAY_MS
    plane.ask(plane.size)
    asked = question(day=today, limit=120)
    assert plane.ask(plane.size, days=asked).budgets == (100,)
    plane.feed = plane.a_feed()
    assert plane.ask(plane.size, days=question("6" * 32, day=today, limit=120)).budgets == (20,)
    assert plane.ask(0, days=question("7" * 32, day=today, limit=120)).budgets == (0,)
    assert yes(plane.fleet_file.budgets())
