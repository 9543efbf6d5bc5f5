"""What a plan enforces of organizations and people: who comes in, who registers, who waits."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sluicegate.core.lifecycle import Refusal, exposure
from sluicegate.core.lifecycle.accounts import CloseAccount, OpenAccount
from sluicegate.core.lifecycle.persons import MemberRegistration, RegisterMembers, RemoveMembers
from sluicegate_record.terms import kinds
from tests.core.access.test_audience import GENERAL, general
from tests.worlds import RELEASE, STAGE, World, plan_value, stage


def enforced(**most: int) -> dict[str, Any]:
    return {"exposure": {name: {"value": value, "enforced": True} for name, value in most.items()}}


def register(
    made: World, organization: str, *names: str, is_update: bool = False
) -> dict[str, Any] | Refusal:
    rows = [MemberRegistration((name.encode().ljust(16),)) for name in names]
    return made.do(RegisterMembers(organization, rows, is_update=is_update))


def refusal(answer: dict[str, Any] | Refusal) -> str:
    assert isinstance(answer, Refusal), answer
    return answer.code


def account(made: World, organization: str) -> dict[str, Any] | Refusal:
    dossier = {"organization": {"name": organization, "registeredIn": "US"}}
    return made.do(OpenAccount(organization, dossier))


def let_in(made: World, name: str = STAGE) -> tuple[int, int]:
    body = made.state.releases[RELEASE].plan.stages[name]
    return exposure.organizations(made.state, RELEASE, body), exposure.people(made.state, RELEASE, body)


@pytest.mark.parametrize("seats", [None, 1, 2])
def test_no_further_organization_is_admitted_beyond_what_is_enforced(seats: int | None) -> None:
    made = World.opened(stages=[stage(seats=seats, **enforced(organizations=2))])
    most = seats or 2
    for number in range(most):
        made.admit(f"org-{number}")
    case = made.submit("org-late")
    for agency in ("oncd", "ostp"):
        made.say(case, agency)
    assert case.state == kinds.WAITLISTED
    assert let_in(made)[0] == most


def test_what_is_only_stated_admits_and_registers_all_the_same() -> None:
    made = World.opened(stages=[stage(exposure={"organizations": 1, "people": 1})])
    for name in ("org-1", "org-2"):
        made.admit(name)
    assert not isinstance(register(made, "org-1", "a", "b", "c"), Refusal)
    assert let_in(made) == (2, 3)


def test_registrations_beyond_what_is_enforced_are_refused_all_or_none() -> None:
    made = World.opened(stages=[stage(**enforced(people=3))])
    for name in ("org-1", "org-2"):
        made.admit(name)
    assert not isinstance(register(made, "org-1", "a", "b"), Refusal)
    answer = register(made, "org-2", "c", "d")
    assert refusal(answer) == exposure.REACHED
    assert isinstance(answer, Refusal)
    assert "lets in 3 people at most: 2 are registered, and these are 2 more" in answer.message
    assert let_in(made) == (2, 2)
    assert not isinstance(register(made, "org-2", "c"), Refusal)
    assert refusal(register(made, "org-1", "e")) == exposure.REACHED
    assert not isinstance(register(made, "org-1", "a", is_update=True), Refusal)  # nobody new
    assert not isinstance(register(made, "org-other", "f", "g"), Refusal)  # it is not in the stage
    member = next(iter(made.state.registry.members["org-1"]))
    made.must(RemoveMembers("org-1", [member]))
    assert not isinstance(register(made, "org-1", "e"), Refusal)


def test_an_organization_with_more_people_than_may_come_in_waits_and_one_with_fewer_does_not() -> None:
    made = World.opened(stages=[stage(**enforced(people=3))])
    register(made, "org-large", *"abcd")
    register(made, "org-small", *"ab")
    made.admit("org-first")
    register(made, "org-first", "a")
    cases = [made.submit(name) for name in ("org-large", "org-small")]
    for case in cases:
        for agency in ("oncd", "ostp"):
            made.say(case, agency)
    assert [case.state for case in cases] == [kinds.WAITLISTED, kinds.DETERMINED]
    assert let_in(made) == (2, 3)


def test_who_waits_for_people_to_leave_is_offered_a_seat_when_they_have_left() -> None:
    made = World.opened(stages=[stage(**enforced(people=3))])
    made.admit("org-first")
    register(made, "org-first", *"abc")
    register(made, "org-late", *"ab")
    case = made.submit("org-late")
    for agency in ("oncd", "ostp"):
        made.say(case, agency)
    assert case.state == kinds.WAITLISTED
    members = [*made.state.registry.members["org-first"]]
    made.must(RemoveMembers("org-first", members[:1]))
    assert case.state == kinds.WAITLISTED
    made.must(RemoveMembers("org-first", members[1:2]))
    assert case.state == kinds.OFFERED
    assert let_in(made) == (2, 3)
    assert refusal(register(made, "org-late", "c")) == exposure.REACHED


def test_a_stage_for_everyone_lets_in_so_many_accounts_and_their_people() -> None:
    everyone = general(grants={STAGE: {"become": GENERAL}}, **enforced(organizations=3, people=4))
    made = World.opened(stages=[stage(), everyone])
    made.admit("org-granted")
    register(made, "org-granted", "a")
    register(made, "org-b", *"abc")
    assert not isinstance(account(made, "org-b"), Refusal)
    assert let_in(made, GENERAL) == (2, 4)
    assert not isinstance(account(made, "org-granted"), Refusal)  # it counts already
    register(made, "org-c", "a")
    assert "lets in 4 people at most" in str(account(made, "org-c"))
    assert refusal(register(made, "org-granted", "b")) == exposure.REACHED
    assert not isinstance(account(made, "org-d"), Refusal)
    assert refusal(account(made, "org-e")) == exposure.REACHED
    made.must(CloseAccount(made.state.accounts.newest["org-b"]))
    assert let_in(made, GENERAL) == (2, 1)
    assert not isinstance(account(made, "org-c"), Refusal)


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(st.sampled_from(["open", "close", "register", "remove"]), st.integers(0, 3)), max_size=25
    )
)
def test_the_tally_of_accounts_is_what_a_scan_gives(acts: list[tuple[str, int]]) -> None:
    made = World.opened(stages=[stage(), general()])
    for number, (what, whose) in enumerate(acts):
        organization = f"org-{whose}"
        members = made.state.registry.members.get(organization, {})
        if what == "open":
            account(made, organization)
        elif what == "close" and organization in made.state.accounts.newest:
            made.must(CloseAccount(made.state.accounts.newest[organization]))
        elif what == "register":
            register(made, organization, f"m{number}", f"n{number}")
        elif what == "remove" and members:
            made.must(RemoveMembers(organization, [next(iter(members))]))
        accounts = made.state.record.accounts.values()
        open_ = {each.organization for each in accounts if each.is_open}
        expected = sum(len(made.state.registry.members.get(each, ())) for each in open_)
        assert (set(made.state.accounts.open), made.state.accounts.people) == (open_, expected)


def test_a_plan_with_less_than_is_there_puts_no_one_out_and_lets_no_one_in() -> None:
    made = World.opened(stages=[stage(**enforced(people=4, organizations=3))])
    for name in ("org-1", "org-2"):
        made.admit(name)
    register(made, "org-1", *"abc")
    made.apply(plan_value(stages=[stage(**enforced(people=2, organizations=1))]))
    assert let_in(made) == (2, 3)
    assert refusal(register(made, "org-2", "d")) == exposure.REACHED
    assert refusal(register(made, "org-1", "e")) == exposure.REACHED
