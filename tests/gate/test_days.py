"""Requests of a day at one gateway: counted for the stage, kept for the next run, refused above a measure."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from sluicegate.core.access.decision import Ask, Instant
from sluicegate.core.access.refusals import Deny, Reason
from sluicegate.gate.days import AGAIN_S, TOLD_AGAIN_MS, Days
from sluicegate.gate.engine import Engine, Flight, Lease
from sluicegate.gate.feed import wait_ms
from sluicegate.gate.spending import DAYS, SpendingFile
from sluicegate_record.log.times import DAY_MS
from sluicegate_record.terms.exposure import Measure
from tests.clock import Clock
from tests.core.access.test_audience import GENERAL, general
from tests.worlds import API, AT_MS, MODEL, RELEASE, STAGE, World, plan_value, stage

BOOT = "boot-1"
TODAY = AT_MS // DAY_MS
KEY, OTHER = b"12345678", b"abcdefgh"


def enforced(most: int) -> dict[str, Any]:
    return {"exposure": {"requestsPerDay": {"value": most, "enforced": True}}}


class Gate:
    """An engine on the log of a world, with a lease, and two organizations with a key each."""

    def __init__(self, days: Days | None = None, **preview: Any) -> None:
        self.made = World.opened(stages=[stage(**preview), general(grants={STAGE: {"become": GENERAL}})])
        self.keys = [self.made.credential(self.made.admit(f"org-{n}"), f"key-{n}")[0] for n in (1, 2)]
        self.boot = Clock()
        self.engine = Engine(API, self.boot, days=days)
        self.catch_up()

    def catch_up(self) -> None:
        """Fold what is new, and get a lease of now."""
        self.engine.advance(self.made.entries[self.engine.table.size :])
        self.boot.at_ms += 1
        now_ms = self.boot()
        self.engine.renew(Lease(now_ms, now_ms, now_ms + 1e9, self.made.now_ms))

    def budget(self, *budgets: int) -> None:
        """The feed answers."""
        rows = self.engine.days.rows(self.engine.table, self.instant())
        self.engine.days.answered(rows, budgets)

    def instant(self) -> Instant:
        assert self.engine.lease is not None
        return self.engine.lease.instant(self.boot())

    def ask(self, key: int = 0) -> Flight | Deny:
        return self.engine.admit(Ask(self.keys[key], MODEL, API), lambda _: None)

    def through(self) -> int:
        """How many requests are let through, by both keys in turn, until one is refused."""
        count = 0
        while isinstance(self.ask(count % 2), Flight):
            count += 1
        return count


def test_what_is_enforced_holds_for_all_who_use_the_stage() -> None:
    gate = Gate(**enforced(7))
    gate.budget(100)
    assert gate.through() == 7
    refused = gate.ask()
    assert isinstance(refused, Deny)
    assert (refused.reason, refused.status, refused.may_retry) == (Reason.EXPOSURE_REACHED, 429, False)
    assert refused.wait_s is not None
    left_s = ((TODAY + 1) * DAY_MS - gate.made.now_ms) / 1000
    assert left_s <= refused.wait_s <= left_s + 2
    gate.made.now_ms += 1000 * refused.wait_s
    gate.catch_up()
    gate.budget(2)
    assert gate.through() == 2


def test_before_it_has_got_its_budget_a_gateway_says_to_ask_again() -> None:
    gate = Gate(**enforced(300))
    for budgets, through in (((), 0), ((3,), 3)):
        if budgets:
            gate.budget(*budgets)
        assert gate.through() == through
        refused = gate.ask()
        assert isinstance(refused, Deny)
        assert (refused.reason, refused.wait_s, refused.may_retry) == (Reason.QUOTA_EXCEEDED, AGAIN_S, True)
    gate.budget(3)
    refused = gate.ask()
    assert isinstance(refused, Deny)
    assert refused.reason is Reason.EXPOSURE_REACHED


def test_it_asks_at_once_while_it_has_no_answer_and_when_half_is_used() -> None:
    gate = Gate(**enforced(300))
    waits = [wait_ms(gate.engine)]
    gate.budget(10)
    for _ in range(5):
        waits.append(wait_ms(gate.engine))
        assert isinstance(gate.ask(), Flight)
    waits.append(wait_ms(gate.engine))
    gate.budget(5)
    waits.append(wait_ms(gate.engine))
    assert [bool(each) for each in waits] == [False, *[True] * 5, False, True]


def test_what_is_only_stated_is_counted_and_refuses_nothing() -> None:
    gate = Gate(exposure={"requestsPerDay": 2})
    assert [isinstance(gate.ask(), Flight) for _ in range(5)] == [True] * 5
    assert gate.engine.days.of((RELEASE, STAGE), TODAY).spent == 5
    assert wait_ms(gate.engine) > 0


def test_a_request_that_the_minute_refuses_does_not_count_for_the_day_nor_the_other_way_round() -> None:
    gate = Gate(conditions={"requestsPerMinute": 3}, **enforced(5))
    gate.budget(5)
    assert [isinstance(gate.ask(), Flight) for _ in range(4)] == [True] * 3 + [False]
    assert gate.engine.days.of((RELEASE, STAGE), TODAY).spent == 3
    assert [isinstance(gate.ask(1), Flight) for _ in range(3)] == [True, True, False]
    gate.boot.at_ms += 61_000
    assert isinstance(gate.ask(1), Deny)
    gate.budget(6)
    gate.engine.days.of((RELEASE, STAGE), TODAY).spent = 4
    assert [isinstance(gate.ask(1), Flight) for _ in range(2)] == [True, False]


def test_a_grant_that_has_become_part_of_another_stage_counts_there() -> None:
    gate = Gate(**enforced(2))
    gate.budget(2)
    assert gate.through() == 2
    gate.made.open(name=GENERAL)
    gate.catch_up()
    assert isinstance(gate.ask(), Flight)
    assert gate.engine.days.of((RELEASE, STAGE), TODAY).spent == 2


def test_a_larger_measure_holds_once_the_stage_is_open_by_it_and_a_smaller_one_at_once() -> None:
    gate = Gate(**enforced(3))
    gate.made.apply(plan_of(stage(**enforced(9))))
    gate.made.agree()
    gate.catch_up()
    gate.budget(9)
    assert gate.through() == 3
    gate.made.open()
    gate.catch_up()
    gate.budget(9)
    assert gate.through() == 6
    gate.made.apply(plan_of(stage(**enforced(9)), stage("later", **enforced(4))))
    gate.catch_up()
    assert len(gate.engine.days.rows(gate.engine.table, gate.instant())) == 2
    gate.made.apply(plan_of(stage(**enforced(8))))
    gate.catch_up()
    assert gate.engine.table.per_day == {(RELEASE, STAGE): Measure(8, enforced=True)}


def plan_of(*stages: dict[str, Any]) -> dict[str, Any]:

    return plan_value(stages=[*stages, general(grants={STAGE: {"become": GENERAL}})])


def test_what_is_reported_is_reported_again_after_a_while_and_when_it_grows() -> None:
    gate = Gate(exposure={"requestsPerDay": 2})
    days = gate.engine.days
    assert days.report(0.0) == []
    gate.ask()
    row = {"stage": f"{RELEASE}/{STAGE}", "day": TODAY, "total": 1}
    assert days.report(0.0) == days.report(0.0) == [row]
    gate.ask()
    days.arrived(0.0)
    assert days.report(1.0) == [{**row, "total": 2}]
    days.arrived(1.0)
    assert days.report(TOLD_AGAIN_MS) == []
    assert days.report(TOLD_AGAIN_MS + 1.0) == [{**row, "total": 2}]


# Where the next run finds it


def opened(folder: Path, boot: str = BOOT) -> SpendingFile:
    return SpendingFile(folder, boot, 0.0)


def test_the_next_run_goes_on_with_what_was_let_through(tmp_path: Path) -> None:
    with closing(opened(tmp_path)) as file:
        first = Gate(Days(file), **enforced(7))
        first.budget(5)
        assert first.through() == 5
    with closing(opened(tmp_path)) as file:
        second = Gate(Days(file), **enforced(7))
        assert second.engine.days.spender == first.engine.days.spender
        assert second.through() == 0
        second.budget(100)
        assert second.through() == 2


def test_the_file_keeps_the_counts_of_days_and_gives_up_the_places_of_those_that_are_over(
    tmp_path: Path,
) -> None:
    with closing(opened(tmp_path)) as file:
        for number in range(DAYS - 1):
            file.note_day(number.to_bytes(8), TODAY, number + 1)
        file.note_day(KEY, TODAY - 2, 3)
        file.note_day(OTHER, TODAY, 2**40)
        file.note_day(OTHER, TODAY, 2**40 + 1)
        spender = file.spender
    with closing(opened(tmp_path)) as file:
        assert file.spender == spender
        assert len(file.days) == DAYS
        assert (file.days[OTHER, TODAY], (KEY, TODAY - 2) in file.days) == (2**40 + 1, False)
        file.note_day(KEY, TODAY, 1)  # there is no place for it
    with closing(opened(tmp_path)) as file:
        assert (file.spender != spender, file.days) == (True, {})


@pytest.mark.parametrize("what", ["another boot", "a copy"])
def test_another_spender_knows_no_counts(tmp_path: Path, what: str) -> None:
    with closing(opened(tmp_path)) as file:
        file.note_day(KEY, TODAY, 3)
        spender = file.spender
    if what == "a copy":
        (tmp_path / "copy").write_bytes((tmp_path / "spent").read_bytes())
        (tmp_path / "copy").replace(tmp_path / "spent")
    with closing(opened(tmp_path, "boot-2" if what == "another boot" else BOOT)) as file:
        assert (file.spender != spender, file.days) == (True, {})
