"""Cases that were agreed and blocked are looked at again when what blocked them changes."""

from __future__ import annotations

import pytest

from sluicegate.core.lifecycle.applications import Withdraw
from sluicegate.core.lifecycle.positions import RecordPosition
from tests.worlds import RELEASE, STAGE, Followed, World, looser, plan_value, position, receipt, stage


@pytest.fixture
def world() -> World:
    return World.opened()


@pytest.fixture
def blocked(world: World) -> Followed:
    """An amendment that everybody agreed to, under terms that are not open yet."""
    grant = world.admit()
    world.apply(plan_value(stages=[looser()]))
    world.agree()
    case = world.case(world.must(world.amend(grant, renew=True))["application"])
    world.all_say(case, "oncd approve", "ostp approve")
    assert case.outcome is None
    return case


def test_a_stage_that_opens_takes_up_what_waited_for_it(world: World, blocked: Followed) -> None:
    size = len(world.entries)
    world.open()
    assert blocked.outcome == "approved"
    assert world.types(size)[-2:] == ["case.determined", "grant.amended"]
    assert world.state.grants[blocked.question.grant].terms == world.state.releases[RELEASE].terms[STAGE]


def test_it_happens_once(world: World, blocked: Followed) -> None:
    world.open()
    size = len(world.entries)
    world.later(1)
    assert "case.determined" not in world.types(size)


def test_who_has_withdrawn_is_not_taken_up(world: World, blocked: Followed) -> None:
    world.must(Withdraw(blocked.id))
    world.open()
    assert blocked.outcome == "withdrawn"


def test_what_is_not_agreed_goes_on_waiting(world: World) -> None:
    grant = world.admit()
    world.apply(plan_value(stages=[looser()]))
    world.agree()
    case = world.case(world.must(world.amend(grant, renew=True))["application"])
    world.all_say(case, "oncd approve")
    world.open()
    assert case.outcome is None
    world.all_say(case, "ostp approve")
    assert case.outcome == "approved"


def test_a_plan_that_comes_back_to_open_terms_takes_up_what_waited(world: World, blocked: Followed) -> None:
    world.apply(plan_value())
    assert blocked.outcome == "approved"


def test_everything_that_waited_is_taken_up_case_by_case(world: World) -> None:
    grants = [world.admit(f"org-{i}") for i in range(3)]
    world.apply(plan_value(stages=[looser()]))
    world.agree()
    cases = [world.case(world.must(world.amend(grant, renew=True))["application"]) for grant in grants]
    for case in cases:
        world.all_say(case, "oncd approve", "ostp approve")
    world.open()
    assert [case.outcome for case in cases] == ["approved"] * 3


def test_a_contradiction_outlives_a_plan_that_states_the_condition(world: World) -> None:
    """Whoever contradicts the terms has to change its position: nobody decides for it what it meant."""
    case = world.submit()
    for agency, value in (("oncd", 30), ("ostp", 90)):
        logs = {"logs": {"value": value, "declared": True}}
        world.must(RecordPosition(position(case, agency, "approve-with-conditions", conditions=logs)))
    conditions = {**stage()["conditions"], "logs": {"value": 30, "declared": True}}
    world.apply(plan_value(stages=[stage(conditions=conditions)]))
    assert (case.outcome, case.state) == (None, "in_review")


@pytest.mark.parametrize("mode", ["approve", "notify"])
def test_what_silence_admits_waits_until_the_terms_are_agreed_to(mode: str) -> None:
    clock = {"within": 1, "silence": "no-objection"}
    admission = {"mode": mode, "grant": {"allOf": ["oncd", "ostp"]}, "clock": clock}
    world = World()
    world.apply(plan_value(stages=[stage(admission=admission)]))
    case = world.submit()
    if mode == "approve":
        for agency in ("oncd", "ostp"):
            world.must(receipt(case, agency))
    world.later(3)
    assert "case.silent" in world.types()
    assert (case.outcome, case.grant) == (None, None)
    world.agree()
    assert case.outcome == "approved"
    assert world.state.table.grants_by_id[case.grant or ""].organization == "org-1"
