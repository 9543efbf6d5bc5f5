"""What time does to a case that leaves review and comes back: clocks stop, and go on where they were."""

from __future__ import annotations

from typing import Any

from sluicegate.core.lifecycle.applications import Answer, Reply
from tests.worlds import Followed, World, receipt, screened, stage

EITHER = {"anyOf": ["oncd", "ostp"]}


def full(**admission: Any) -> tuple[World, Followed]:
    """A stage without a free seat, and a case that both agencies have received."""
    world = World.opened(
        stages=[stage(seats=1, conditions=None, admission={"mode": "approve", "grant": EITHER, **admission})]
    )
    world.all_say(world.submit("holder"), "oncd approve")
    case = world.submit()
    world.must(receipt(case, "oncd"))
    world.must(receipt(case, "ostp"))
    return world, case


def test_an_answer_on_the_waitlist_does_not_let_the_case_lapse() -> None:
    clock = {"within": 50, "silence": "deny", "overall": {"within": 5, "then": "lapse"}}
    world, case = full(clock=clock)
    world.all_say(case, "ostp ask", "oncd approve")
    world.must(Answer(case.id, "ostp", "so it is"))
    world.later(100)
    assert case.state == "waitlisted"


def test_a_question_that_takes_a_case_off_the_list_stops_its_time() -> None:
    clock = {"within": 50, "silence": "deny", "overall": {"within": 5, "then": "lapse"}}
    world, case = full(clock=clock)
    world.all_say(case, "oncd approve", "oncd ask")
    world.later(30)
    assert (case.standing, case.outcome) == ("asked", None)


def test_who_was_warned_is_not_warned_again_of_the_same() -> None:
    world, case = full(clock={"within": 5, "silence": "deny", "warn": "P3D"})
    world.later(4)
    world.all_say(case, "oncd approve", "oncd abstain")
    world.later(1)
    assert world.types().count("case.warned") == 2


def test_the_time_to_review_a_reply_runs_on_when_a_case_comes_off_the_list() -> None:
    world, case = full()
    world.all_say(case, "oncd object", "ostp object")
    world.must(Reply(case.id, "but"))
    world.all_say(case, "oncd approve", "oncd recuse")
    assert case.outcome is None
    world.later(10)
    assert case.outcome == "denied"


def test_whoever_had_time_left_at_a_denial_has_it_after_the_reply() -> None:
    both = {"mode": "approve", "grant": {"allOf": ["oncd", "ostp"]}}
    clock = {"within": 5, "silence": "no-objection"}
    world = World.opened(stages=[stage(admission={**both, "clock": clock})])
    case = world.submit()
    world.must(receipt(case, "ostp"))
    world.all_say(case, "oncd object")
    world.must(Reply(case.id, "but"))
    world.all_say(case, "oncd approve")
    world.later(9)
    assert case.outcome is None
    world.later(1)
    assert case.outcome == "approved"


def test_an_objection_under_review_lets_nobody_in_where_one_is_enough() -> None:
    notified = {
        "mode": "notify",
        "grant": {"majorityOf": ["caisi", "oncd", "ostp"]},
        "clock": {"within": 5, "silence": "no-objection"},
    }
    world = World.opened(stages=[stage(admission=notified, eligibility={"screening": "clear"})])
    case = world.submit()
    world.all_say(case, "caisi approve", "ostp approve", "oncd object")
    world.must(Reply(case.id, "but"))
    world.must(screened(case))
    assert case.grant is None
    world.all_say(case, "oncd no-objection")
    assert case.outcome == "approved"
