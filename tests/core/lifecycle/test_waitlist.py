"""Seats, the waitlist and offers."""

from __future__ import annotations

import pytest

from sluicegate.core.lifecycle.applications import Accept, Withdraw
from sluicegate.core.lifecycle.grants import ResumeGrant, SurrenderGrant, SuspendGrant
from tests.worlds import API, CODEX, RELEASE, STAGE, Followed, World, looser, plan_value, stage


def full(seats: int = 1, **admission: str) -> tuple[World, list[str]]:
    """A stage whose seats are all taken, and the grants."""
    both = {"mode": "approve", "grant": {"allOf": ["oncd", "ostp"]}, **admission}
    world = World.opened(stages=[stage(seats=seats, admission=both, conditions=None)])
    return world, [world.admit(f"holder-{i}") for i in range(seats)]


def waiting(world: World, organization: str, surface: str = API) -> Followed:
    case = world.submit(organization, surface)
    world.all_say(case, "oncd approve", "ostp approve")
    assert case.state == "waitlisted"
    return case


def test_seats_are_offered_in_the_order_of_the_list() -> None:
    world, (grant,) = full()
    first, second = waiting(world, "a"), waiting(world, "b")
    world.must(SurrenderGrant(grant))
    assert (first.state, second.state) == ("offered", "waitlisted")
    assert world.refused(Accept(second.id)) == "not_in_this_state"
    assert world.must(Accept(first.id))["grant"] == first.grant
    assert world.state.seated(RELEASE, STAGE) == {"a"}
    assert second.state == "waitlisted"


def test_an_offer_holds_the_seat_and_lapses_to_the_next() -> None:
    world, (grant,) = full(offer="P2D")
    first, second = waiting(world, "a"), waiting(world, "b")
    world.must(SurrenderGrant(grant))
    third = waiting(world, "c")  # the seat is not free: it is offered
    world.later(2)
    assert (first.outcome, first.reason_code) == ("lapsed", "offer_not_taken")
    assert (second.state, third.state) == ("offered", "waitlisted")
    assert world.refused(Accept(first.id)) == "case_determined"
    world.must(Accept(second.id))
    assert world.state.seated(RELEASE, STAGE) == {"b"}


def test_after_a_long_downtime_each_has_the_whole_time_of_the_offer() -> None:
    world, (grant,) = full(offer="P2D")
    first, second = waiting(world, "a"), waiting(world, "b")
    world.must(SurrenderGrant(grant))
    world.later(100)
    assert (first.outcome, second.state) == ("lapsed", "offered")
    world.must(Accept(second.id))


def test_two_surfaces_of_one_organization_take_one_seat() -> None:
    world, (grant,) = full()
    api, codex = waiting(world, "a"), waiting(world, "a", CODEX)
    other = waiting(world, "b")
    world.must(SurrenderGrant(grant))
    assert (api.state, codex.state, other.state) == ("offered", "offered", "waitlisted")
    world.must(Accept(codex.id))
    world.must(Withdraw(api.id))
    assert other.state == "waitlisted"
    world.must(SurrenderGrant(codex.grant or ""))
    assert other.state == "offered"


def test_a_suspended_grant_holds_its_seat() -> None:
    world, (grant,) = full()
    case = waiting(world, "a")
    world.must(SuspendGrant(grant, "misuse"))
    assert case.state == "waitlisted"
    world.must(ResumeGrant(grant))
    assert case.state == "waitlisted"


def test_fewer_seats_take_nobodys_and_are_offered_when_they_are_free() -> None:
    world, grants = full(3)
    case = waiting(world, "a")
    fewer = plan_value(stages=[stage(seats=2, conditions=None)])
    result = world.apply(fewer)
    assert (result["tightened"], result["superseded"]) == ([STAGE], [])
    assert len(world.state.seated(RELEASE, STAGE)) == 3
    world.must(SurrenderGrant(grants[0]))
    assert case.state == "waitlisted"
    world.must(SurrenderGrant(grants[1]))
    assert case.state == "offered"


def test_more_seats_are_new_terms() -> None:
    world, _ = full()
    case = waiting(world, "a")
    assert world.apply(plan_value(stages=[stage(seats=2, conditions=None)]))["superseded"] == [case.id]
    assert case.outcome == "superseded"
    assert not world.state.waitlists[RELEASE, STAGE]


@pytest.mark.parametrize("free", [False, True])
def test_who_withdraws_leaves_the_list_or_the_seat(free: bool) -> None:
    world, (grant,) = full()
    first, second = waiting(world, "a"), waiting(world, "b")
    if free:
        world.must(SurrenderGrant(grant))
    world.must(Withdraw(first.id))
    assert first.outcome == "withdrawn"
    assert second.state == ("offered" if free else "waitlisted")


@pytest.mark.parametrize("free", [False, True])
@pytest.mark.parametrize(("word", "state"), [("object", "determined"), ("abstain", "in_review")])
def test_consent_that_is_taken_back_takes_the_place_back(free: bool, word: str, state: str) -> None:
    world, (grant,) = full()
    first, second = waiting(world, "a"), waiting(world, "b")
    if free:
        world.must(SurrenderGrant(grant))
    world.all_say(first, f"oncd {word}")
    assert first.state == state
    assert second.state == ("offered" if free else "waitlisted")


def test_an_offer_under_terms_that_go_ends_with_them() -> None:
    world, (grant,) = full()
    case = waiting(world, "a")
    world.must(SurrenderGrant(grant))
    world.apply(plan_value(stages=[looser()]))
    assert (case.outcome, world.state.seated(RELEASE, STAGE)) == ("superseded", frozenset())
    assert "case.offered" in world.types()
    world.later(30)
    assert case.outcome == "superseded"
