"""Where positions are advice: two officers may proceed, on the record."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sluicegate.core.lifecycle.positions import RecordPosition
from tests.worlds import (
    OFFICER,
    OTHER_OFFICER,
    Followed,
    World,
    application,
    plan_value,
    position,
    proceeding,
    screened,
    stage,
)


@pytest.fixture
def world() -> World:
    return World.opened(stages=[stage(seats=1, conditions=None)])


@pytest.fixture
def case(world: World) -> Followed:
    return world.submit()


def basis(kind: str) -> dict[str, object]:
    return {**stage()["basis"], "kind": kind}


def test_two_officers_proceed_over_silence_on_the_record(world: World, case: Followed) -> None:
    world.must(proceeding(case))
    (proceeded,) = [entry for entry in world.entries if entry.type == "case.proceeded"]
    assert (proceeded.public["over"], proceeded.public["owners"]) == ("silence", [OFFICER, OTHER_OFFICER])
    assert (case.outcome, case.grant is not None) == ("approved", True)
    granted = world.entries[-1].public
    assert (granted["proceeded"], granted["positions"]) == (True, [])


def test_two_officers_proceed_over_a_denial_and_name_who_objects(world: World, case: Followed) -> None:
    world.all_say(case, "ostp object")
    assert case.outcome == "denied"
    world.must(proceeding(case))
    (proceeded,) = [entry for entry in world.entries if entry.type == "case.proceeded"]
    assert proceeded.public["over"] == ["ostp"]
    assert case.outcome == "approved"


def test_nobody_proceeds_twice(world: World, case: Followed) -> None:
    world.must(proceeding(case))
    assert world.refused(proceeding(case)) == "case_determined"
    assert world.types().count("grant.approved") == 1


@pytest.mark.parametrize("kind", ["agreed", "order"])
def test_nobody_proceeds_where_the_basis_binds(kind: str) -> None:
    world = World.opened(stages=[stage(basis=basis(kind))])
    assert world.refused(proceeding(world.submit())) == "not_voluntary"


@pytest.mark.parametrize(
    ("signers", "code"),
    [
        ((OFFICER,), "one_officer"),
        ((OFFICER, OFFICER), "one_officer"),
        ((OFFICER, "stranger"), "one_officer"),
        ((OFFICER, "oncd"), "one_officer"),
        (("oncd", "ostp"), "key_of_another_party"),
        (("stranger",), "signature_invalid"),
    ],
)
def test_it_takes_two_officers(world: World, case: Followed, signers: tuple[str, ...], code: str) -> None:
    assert world.refused(proceeding(case, *signers)) == code
    assert case.grant is None


def test_a_statement_for_another_question_is_not_one_for_this(world: World, case: Followed) -> None:
    forged = replace(case.now, question=replace(case.question, surface="codex"))
    assert world.refused(proceeding(forged)) == "other_question"


def test_nobody_proceeds_past_a_screening() -> None:
    world = World.opened(stages=[stage(eligibility={"screening": "clear"})])
    case = world.submit()
    assert world.refused(proceeding(case)) == "screening_needed"
    world.must(screened(case, "match"))
    assert world.refused(proceeding(case)) == "screening_needed"
    world.must(screened(case))
    world.must(proceeding(case))
    assert case.outcome == "approved"


def test_nobody_proceeds_without_a_seat(world: World, case: Followed) -> None:
    world.admit("org-2")
    assert world.refused(proceeding(case)) == "no_seat"


def test_nobody_proceeds_under_terms_that_are_not_agreed() -> None:
    world = World()
    world.apply(plan_value())
    assert world.refused(proceeding(world.submit())) == "terms_not_agreed"


def test_the_newer_application_is_the_one_to_proceed_in(world: World, case: Followed) -> None:
    world.all_say(case, "oncd object")
    newer = world.must(application())["application"]
    assert world.refused(proceeding(case)) == "already_applied"
    world.must(proceeding(world.case(newer)))
    assert world.refused(proceeding(case)) == "already_applied"


def test_who_was_let_in_so_is_not_let_in_again_by_an_appeal(world: World, case: Followed) -> None:
    world.all_say(case, "oncd object")
    appeal = world.case(world.must(world.appeal(case.id, "but"))["case"])
    world.must(proceeding(case))
    world.say(appeal, "caisi")
    assert world.types().count("grant.approved") == 1


def test_whoever_proceeds_past_a_contradiction_keeps_what_the_terms_ask_for() -> None:
    agreed = {"logs": {"value": 30, "declared": True}}
    world = World.opened(stages=[stage(conditions=agreed)])
    case = world.submit()
    world.must(_asking_for(case, 90))
    world.must(proceeding(case))
    assert world.entries[-1].public["conditions"] == agreed


def _asking_for(case: Followed, days: int) -> RecordPosition:
    conditions = {"logs": {"value": days, "declared": True}}
    return RecordPosition(position(case, "oncd", "approve-with-conditions", conditions=conditions))
