"""Screening: a person decides, and without a clear record nobody is let in."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from sluicegate.core.lifecycle.applications import Accept
from sluicegate.core.lifecycle.grants import OpenRemoval, SurrenderGrant
from sluicegate.core.lifecycle.record import UseList
from sluicegate_record.log.leaf import Opening
from tests.worlds import RELEASE, STAGE, Followed, World, plan_value, screened, stage


@pytest.fixture
def world() -> World:
    return World.opened(stages=[stage(seats=1, eligibility={"screening": "clear"})])


@pytest.fixture
def case(world: World) -> Followed:
    return world.submit()


def test_a_case_waits_for_a_clear_record(world: World, case: Followed) -> None:
    world.all_say(case, "oncd approve", "ostp approve")
    assert case.grant is None
    world.must(screened(case, "match"))
    assert case.grant is None
    assert world.must(screened(case))["determination"] == "approved"
    assert case.grant is not None


def test_a_clear_record_alone_admits_nobody(world: World, case: Followed) -> None:
    world.must(screened(case))
    assert (case.grant, case.outcome) == (None, None)
    world.all_say(case, "oncd approve", "ostp approve")
    assert case.grant is not None


def test_a_later_match_holds_the_case_again(world: World, case: Followed) -> None:
    world.must(screened(case))
    world.must(screened(case, "match"))
    world.all_say(case, "oncd approve", "ostp approve")
    assert case.grant is None


@pytest.mark.parametrize(
    ("signer", "code"), [("oncd", "key_of_another_party"), ("stranger", "signature_invalid")]
)
def test_an_officer_signs_it(world: World, case: Followed, signer: str, code: str) -> None:
    assert world.refused(screened(case, signer=signer)) == code


def test_the_matches_are_those_that_were_signed_for_and_are_sealed(world: World, case: Followed) -> None:
    given = screened(case, "match", seen=["A. Sanctioned"])
    other = dataclasses.replace(given, candidates=Opening(given.candidates.salt, b"[]"))
    assert world.refused(other) == "candidates_unproven"
    world.must(given)
    entry = world.entries[-1]
    assert entry.sealed["candidates"].value() == ["A. Sanctioned"]
    assert b"Sanctioned" not in entry.leaf


def test_a_new_version_of_the_list_opens_records_again(world: World, case: Followed) -> None:
    world.must(screened(case))
    assert world.must(UseList("the list", "1"))["reopened"] == []
    assert world.must(UseList("the list", "2"))["reopened"] == [case.id]
    world.all_say(case, "oncd approve", "ostp approve")
    assert case.outcome is None
    assert world.refused(screened(case)) == "list_changed"
    assert world.must(screened(case, version="2"))["determination"] == "approved"
    assert world.must(UseList("the list", "3"))["reopened"] == [case.id]
    assert world.types().count("list.changed") == 3


def test_a_version_that_returns_closes_no_record(world: World, case: Followed) -> None:
    world.all_say(case, "oncd approve", "ostp approve")
    world.must(UseList("the list", "1"))
    world.must(screened(case, "match"))
    for version in ("2", "1", "1"):
        assert world.must(UseList("the list", version))["reopened"] == [case.id]
    assert world.must(screened(case))["determination"] == "approved"
    assert world.must(UseList("the list", "1"))["reopened"] == []


def test_a_clear_record_stays_open_when_its_version_returns(world: World, case: Followed) -> None:
    world.must(screened(case))
    world.must(UseList("the list", "2"))
    world.must(UseList("the list", "1"))
    world.all_say(case, "oncd approve", "ostp approve")
    assert case.grant is None
    assert world.must(screened(case))["determination"] == "approved"


def test_a_record_made_before_its_list_was_used_stays_clear(world: World, case: Followed) -> None:
    world.must(screened(case))
    world.must(UseList("another list", "2"))
    world.must(UseList("the list", "1"))
    world.all_say(case, "oncd approve", "ostp approve")
    assert case.grant is not None


def test_an_offer_is_not_taken_on_an_old_record(world: World, case: Followed) -> None:
    other = world.submit("org-2")
    for each in (other, case):
        world.must(screened(each))
        world.all_say(each, "oncd approve", "ostp approve")
    world.must(UseList("the list", "2"))
    world.must(SurrenderGrant(other.grant or ""))
    assert case.state == "offered"
    assert world.refused(Accept(case.id)) == "screening_needed"
    world.must(screened(case, version="2"))
    world.must(Accept(case.id))
    assert case.grant is not None


def test_a_determined_case_is_not_screened(world: World, case: Followed) -> None:
    world.all_say(case, "oncd object")
    assert world.refused(screened(case)) == "case_determined"


# Appeals


def appealed(world: World, case: Followed) -> Followed:
    return world.case(world.must(world.appeal(case.id))["case"])


def unscreened_denial(world: World) -> Followed:
    case = world.submit()
    world.all_say(case, "oncd object")
    return case


def unscreened_removal(world: World) -> Followed:
    case = world.case(world.must(OpenRemoval(world.admit(), "misuse", "why"))["case"])
    world.all_say(case, "oncd approve", "ostp approve")
    world.later(10)
    return case


@pytest.mark.parametrize("appealable", [unscreened_denial, unscreened_removal])
def test_what_an_appeal_gives_waits_for_a_clear_record_of_its_own(appealable: Any) -> None:
    """The list came with a tighter plan: nobody had been compared with one before."""
    world = World.opened()
    case = appealable(world)
    world.apply(plan_value(stages=[stage(eligibility={"screening": "clear"})]))
    appeal = appealed(world, case)
    world.say(appeal, "caisi")
    assert world.refused(screened(case)) == (
        "not_in_this_kind" if case.kind == "removal" else "case_determined"
    )
    world.must(screened(appeal, "match"))
    assert (appeal.outcome, world.state.seated(RELEASE, STAGE)) == (None, frozenset())
    assert world.must(screened(appeal))["determination"] == "approved"
    assert world.state.seated(RELEASE, STAGE) == {"org-1"}


def test_a_match_in_an_appeal_counts_more_than_an_older_clear_record(world: World, case: Followed) -> None:
    world.must(screened(case))
    world.all_say(case, "oncd object")
    appeal = appealed(world, case)
    world.must(screened(appeal, "match"))
    world.say(appeal, "caisi")
    assert appeal.outcome is None


def test_a_list_in_use_since_holds_up_an_appeal(world: World, case: Followed) -> None:
    world.must(screened(case))
    world.all_say(case, "oncd object")
    appeal = appealed(world, case)
    world.must(UseList("the list", "2"))
    world.say(appeal, "caisi")
    assert appeal.outcome is None
    world.must(screened(appeal, version="2"))
    assert appeal.outcome == "approved"
