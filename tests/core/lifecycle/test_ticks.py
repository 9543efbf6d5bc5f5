"""Time: what happens by itself, once, in the order it was due."""

from __future__ import annotations

from typing import Any

import pytest

from sluicegate.core.lifecycle import State
from sluicegate.core.lifecycle.applications import Answer
from sluicegate.core.lifecycle.positions import RecordPosition
from sluicegate.core.lifecycle.ticks import due
from sluicegate_record import entries
from sluicegate_record.log import times
from tests.worlds import AT_MS, DAY_MS, Followed, World, content, position, receipt, stage

LADDER = {"within": 5, "silence": "escalate", "to": [{"name": "deputy", "within": 2}, "chief of staff"]}
"""AT_MS is midnight: what is due within five days is due at the end of the fifth day after."""


def clocked(clock: dict[str, Any], **admission: Any) -> World:
    both = {"mode": "approve", "grant": {"allOf": ["oncd", "ostp"]}, "clock": clock, **admission}
    return World.opened(stages=[stage(admission=both)])


def received(world: World, *agencies: str) -> Followed:
    case = world.submit()
    for agency in agencies or ("oncd",):
        world.must(receipt(case, agency))
    return case


def ticked(world: World, type_: str) -> list[dict[str, Any]]:
    return [dict(entry.public) for entry in world.entries if entry.type == type_]


@pytest.mark.parametrize(("meaning", "outcome"), [("no-objection", "approved"), ("deny", "denied")])
def test_silence_means_what_the_plan_says(meaning: str, outcome: str) -> None:
    world = clocked({"within": 5, "silence": meaning})
    case = received(world)
    world.say(case, "ostp")
    world.later(6 - 1 / DAY_MS)
    assert case.awaiting == ["oncd"]
    world.later(1 / DAY_MS)
    assert (case.outcome or "", case.awaiting) == (outcome, [])
    (silent,) = ticked(world, "case.silent")
    assert (silent["agency"], silent["meaning"], silent["receipt"] is None) == ("oncd", meaning, False)
    if outcome == "approved":
        assert world.entries[-1].public["silent"] == ["oncd"]
    else:
        assert case.reason_code == "silence"


def test_a_clock_does_not_run_before_the_receipt() -> None:
    world = clocked({"within": 5, "silence": "deny"})
    case = world.submit()
    world.later(30)
    assert case.outcome is None
    world.must(receipt(case, "oncd"))
    world.later(5)
    world.must(receipt(case, "oncd"))  # once received, received
    world.later(1)
    assert case.outcome == "denied"


def test_silence_is_taken_up_the_ladder_each_step_with_a_time_of_its_own() -> None:
    world = clocked({**LADDER, "then": "deny"})
    case = received(world)
    steps = []
    for day in range(1, 20):
        size = world.state.size
        world.later(1)
        steps += [(day, each.public.get("to", "over")) for each in world.entries[size:]][:1]
    assert steps == [(6, "deputy"), (9, "chief of staff"), (15, "over")]
    assert case.outcome == "denied"


def test_a_ladder_that_ends_in_waiting_ends_in_waiting() -> None:
    world = clocked(LADDER)
    case = received(world)
    world.later(100)
    world.later(100)
    world.later(100)
    assert (case.outcome, case.awaiting) == (None, ["oncd", "ostp"])
    assert [each["meaning"] for each in ticked(world, "case.silent")] == ["wait"]
    world.all_say(case, "oncd approve", "ostp approve")
    assert case.outcome == "approved"


def test_a_question_on_a_step_of_the_ladder_stops_the_time_of_that_step() -> None:
    world = clocked({**LADDER, "then": "deny"})
    case = received(world)
    world.later(6)
    world.later(1)
    world.all_say(case, "oncd ask")
    assert case.standing == "asked"
    world.later(10)
    assert len(ticked(world, "case.escalated")) == 1
    world.must(Answer(case.id, "oncd", "so it is"))
    assert case.standing == "in_review"
    assert (case.clocks["oncd"].due_ms or 0) > world.now_ms
    world.later(3)
    assert len(ticked(world, "case.escalated")) == 2


def test_who_is_late_is_warned_once() -> None:
    world = clocked({"within": 5, "silence": "deny", "warn": "P1D"})
    case = received(world)
    for _ in range(10):
        world.later(0.55)
    assert [each["agency"] for each in ticked(world, "case.warned")] == ["oncd"]
    assert case.outcome is None
    world.later(1)
    assert case.outcome == "denied"


def test_who_has_spoken_is_neither_warned_nor_silent() -> None:
    world = clocked({"within": 5, "silence": "deny", "warn": "P1D"})
    case = received(world)
    world.all_say(case, "oncd abstain")
    world.later(30)
    assert (case.outcome, ticked(world, "case.warned")) == (None, [])


@pytest.mark.parametrize("then", ["lapse", "escalate"])
def test_the_time_of_a_whole_case(then: str) -> None:
    world = clocked({"within": 50, "silence": "deny", "overall": {"within": 5, "then": then}})
    case = received(world)
    world.all_say(case, "oncd ask")
    world.later(10)
    assert case.outcome is None
    world.must(Answer(case.id, "", "so it is"))
    world.later(4)
    assert (case.outcome, ticked(world, "case.escalated")) == (None, [])
    world.later(1)
    assert case.outcome == ("lapsed" if then == "lapse" else None)
    assert len(ticked(world, "case.escalated")) == (then == "escalate")


def test_a_question_after_the_whole_time_is_over_does_not_begin_it_again() -> None:
    world = clocked({"within": 50, "silence": "deny", "overall": {"within": 5, "then": "escalate"}})
    case = received(world)
    world.later(6)
    world.all_say(case, "oncd ask")
    world.must(Answer(case.id, "oncd", "so it is"))
    world.later(1)
    assert len(ticked(world, "case.escalated")) == 1


def notified() -> World:
    return clocked({"within": 5, "silence": "no-objection"}, mode="notify")


def test_where_agencies_are_only_notified_nobody_objecting_admits() -> None:
    world = notified()
    case = world.submit()
    world.later(6 - 1 / DAY_MS)
    assert case.grant is None
    world.later(1)
    assert case.outcome == "approved"
    assert world.entries[-1].public["unopposed"] is True


@pytest.mark.parametrize("agency", ["oncd", "ostp"])
def test_where_agencies_are_only_notified_one_objection_denies(agency: str) -> None:
    world = notified()
    case = world.submit()
    world.all_say(case, f"{agency} object")
    assert case.outcome == "denied"


def test_where_agencies_are_only_notified_a_question_stops_the_time() -> None:
    world = notified()
    case = world.submit()
    world.all_say(case, "oncd ask")
    world.later(50)
    assert case.outcome is None
    world.must(Answer(case.id, "", "so it is"))
    world.later(6)
    assert case.outcome == "approved"


def test_an_objection_at_the_very_moment_is_late() -> None:
    world = clocked({"within": 5, "silence": "no-objection"})
    case = received(world)
    world.say(case, "ostp")
    objection = position(case, "oncd", "object")
    world.now_ms = AT_MS + 6 * DAY_MS
    assert world.refused(RecordPosition(objection)) == "case_determined"
    assert case.outcome == "approved"


def test_an_objection_just_before_is_in_time() -> None:
    world = clocked({"within": 5, "silence": "no-objection"})
    case = received(world)
    world.say(case, "ostp")
    world.now_ms = AT_MS + 6 * DAY_MS - 1
    world.all_say(case, "oncd object")
    assert case.outcome == "denied"


def _day_before(due: str) -> str:
    return times.format_time(times.parse_time(due) - DAY_MS)


def test_after_a_downtime_everything_happens_in_the_order_it_was_due() -> None:
    world = clocked({**LADDER, "then": "deny", "warn": "P1D"})
    cases: list[Followed] = []
    for _ in range(3):
        cases.append(world.submit(f"org-{len(cases)}"))
        world.must(receipt(cases[-1], "oncd"))
        world.now_ms += DAY_MS // 2
    size = world.state.size
    world.later(7)
    happened = [each for each in world.entries[size:] if each.type != "case.silent"]
    was_due = [each.public.get("was") or _day_before(each.public["due"]) for each in happened]
    assert was_due == sorted(was_due)
    assert len(happened) == 6
    assert {each.at_ms for each in world.entries[size:]} == {world.now_ms}
    assert due(world.state, world.now_ms) is None


def test_what_has_happened_does_not_happen_again_and_a_replay_gives_the_same_state() -> None:
    world = clocked({**LADDER, "then": "no-objection", "warn": "P1D"})
    case = received(world)
    world.say(case, "ostp")
    for _ in range(20):
        world.later(1)
        size = world.state.size
        world.tick()
        assert world.state.size == size
    assert case.outcome == "approved"
    again = State()
    for entry in world.entries:
        again.apply(entries.read(entry.leaf, entry.gate, entry.sealed))
    assert content(again) == content(world.state)
    assert again.agenda.first() == world.state.agenda.first()
