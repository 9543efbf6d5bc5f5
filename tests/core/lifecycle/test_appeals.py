"""Replies and appeals: others decide."""

from __future__ import annotations

from typing import Any

import pytest

from sluicegate.core.lifecycle.applications import Accept, Reply, Withdraw
from sluicegate.core.lifecycle.grants import OpenRemoval, SurrenderGrant
from sluicegate.core.lifecycle.positions import RecordPosition
from sluicegate_record.log.times import DAY_MS
from sluicegate_record.terms.rule import Rule
from tests.worlds import (
    API,
    PINS,
    RELEASE,
    STAGE,
    Followed,
    World,
    application,
    pin,
    plan_value,
    position,
    proceeding,
    screened,
    stage,
    start,
)


def denied(world: World, organization: str = "org-1") -> Followed:
    case = world.submit(organization)
    world.all_say(case, "oncd object")
    assert case.outcome == "denied"
    return case


def appealed(world: World, case: Followed) -> Followed:
    return world.case(world.must(world.appeal(case.id, "it is wrong"))["case"])


def removed(world: World, grant: str) -> Followed:
    case = world.case(world.must(OpenRemoval(grant, "misuse", "why"))["case"])
    world.all_say(case, "oncd approve", "ostp approve")
    world.later(10)
    assert case.outcome == "approved"
    return case


@pytest.fixture
def world() -> World:
    return World.opened(stages=[stage(seats=1, conditions=None)])


# Replies


def test_a_denial_is_reviewed_again_once_when_it_is_replied_to(world: World) -> None:
    case = denied(world)
    world.must(Reply(case.id, "but"))
    assert (case.state, case.outcome) == ("in_review", None)
    assert world.refused(application()) == "already_applied"
    world.all_say(case, "ostp approve", "oncd approve")
    assert case.outcome == "approved"


def test_an_older_objection_counts_again_when_the_review_is_over(world: World) -> None:
    case = denied(world)
    world.must(Reply(case.id, "but"))
    world.all_say(case, "ostp approve")
    world.later(10)
    assert case.outcome == "denied"
    assert world.refused(Reply(case.id, "but again")) == "replied_already"
    assert appealed(world, case).state == "submitted"


def test_older_objections_count_with_newer_ones_after_the_review() -> None:
    most = {"mode": "approve", "grant": {"majorityOf": ["caisi", "oncd", "ostp"]}}
    world = World.opened(stages=[stage(admission=most)])
    case = world.submit()
    world.all_say(case, "oncd object", "caisi object")
    world.must(Reply(case.id, "but"))
    world.all_say(case, "caisi abstain")
    world.later(10)
    assert case.outcome is None
    world.all_say(case, "ostp object")
    assert case.outcome == "denied"


def test_there_is_a_time_to_reply(world: World) -> None:
    case = denied(world)
    world.later(10)
    assert world.refused(Reply(case.id, "but")) == "too_late"


def test_who_has_appealed_does_not_reply_too(world: World) -> None:
    case = denied(world)
    appealed(world, case)
    assert world.refused(Reply(case.id, "but")) == "appealed_already"


# Appeals


def test_an_appeal_is_decided_by_those_who_had_no_say(world: World) -> None:
    case = denied(world)
    appeal = appealed(world, case)
    assert appeal.rule == Rule("majorityOf", ("caisi",))
    assert world.refused(RecordPosition(position(appeal, "oncd"))) == "not_asked"
    world.say(appeal, "caisi")
    assert (appeal.outcome, case.outcome) == ("approved", "denied")
    grant = world.state.table.grants_by_id[appeal.grant or ""]
    assert (grant.organization, grant.surface, grant.stage) == ("org-1", API, STAGE)
    assert world.state.seated(RELEASE, STAGE) == {"org-1"}


def test_an_appeal_that_is_denied_is_the_end(world: World) -> None:
    case = denied(world)
    appeal = appealed(world, case)
    world.all_say(appeal, "caisi object")
    assert appeal.outcome == "denied"
    assert world.refused(world.appeal(case.id, "again")) == "appealed_already"
    assert world.refused(world.appeal(appeal.id, "again")) == "not_in_this_kind"
    assert world.refused(Reply(appeal.id, "again")) == "not_in_this_kind"
    assert world.refused(proceeding(appeal)) == "not_in_this_kind"


def test_there_is_a_time_to_appeal() -> None:
    rules = {"decide": {"allOf": ["caisi"]}, "within": "P2D"}
    both = {"mode": "approve", "grant": {"allOf": ["oncd", "ostp"]}, "appeal": rules}
    world = World.opened(stages=[stage(admission=both)])
    case, other = denied(world), denied(world, "org-2")
    world.later(2 - 1 / DAY_MS)
    assert appealed(world, case).rule == Rule("allOf", ("caisi",))
    world.later(1 / DAY_MS)
    assert world.refused(world.appeal(other.id, "it is wrong")) == "too_late"


@pytest.mark.parametrize("end", ["withdrawn", "approved", "open"])
def test_only_a_denial_is_appealed(world: World, end: str) -> None:
    case = world.submit()
    if end == "withdrawn":
        world.must(Withdraw(case.id))
    if end == "approved":
        world.all_say(case, "oncd approve", "ostp approve")
    expected = "not_in_this_state" if end == "open" else "nothing_to_appeal"
    assert world.refused(world.appeal(case.id, "it is wrong")) == expected


def test_nobody_decides_on_an_appeal_against_what_he_has_signed() -> None:
    """Where every agency had a say, others of its owners decide."""
    world = World(started=False)
    world.must(start(pins=[*PINS, pin("oncd-2", "oncd"), pin("ostp-2", "ostp")]))
    agencies = {name: {"name": name.upper()} for name in ("oncd", "ostp")}
    world.apply(plan_value(agencies=agencies))
    world.agree()
    world.open()
    appeal = appealed(world, denied(world))
    assert appeal.rule == Rule("allOf", ("oncd", "ostp"))
    assert world.refused(RecordPosition(position(appeal, "oncd"))) == "not_impartial"
    world.must(RecordPosition(position(appeal, "oncd", signer="oncd-2")))
    world.must(RecordPosition(position(appeal, "ostp")))  # ostp had not spoken
    assert appeal.outcome == "approved"


def conditional(case: Followed, agency: str, **conditions: Any) -> RecordPosition:
    return RecordPosition(position(case, agency, "approve-with-conditions", conditions=conditions))


def test_an_appeal_that_finds_every_seat_taken_waits_and_is_accepted_on_its_own_conditions(
    world: World,
) -> None:
    case = denied(world)
    holder = world.admit("org-2")
    appeal = appealed(world, case)
    world.must(conditional(appeal, "caisi", requestsPerMinute=7))
    assert (appeal.outcome, case.state, appeal.grant) == ("approved-with-conditions", "waitlisted", None)
    assert world.refused(RecordPosition(position(case, "ostp"))) == "decided_on_appeal"
    world.must(SurrenderGrant(holder))
    assert case.state == "offered"
    grant = world.state.table.grants_by_id[world.must(Accept(case.id))["grant"]]
    assert (grant.requests_per_minute, grant.organization) == (7, "org-1")
    assert [said["agency"] for said in world.entries[-1].public["positions"]] == ["caisi"]


def test_a_screening_does_not_undo_an_appeal_that_waits_for_a_seat() -> None:
    world = World.opened(stages=[stage(seats=1, eligibility={"screening": "clear"})])
    other = world.submit("org-2")
    world.all_say(other, "oncd approve", "ostp approve")
    case = world.submit()
    world.must(screened(other))
    world.must(screened(case))
    world.all_say(case, "oncd object")
    world.say(appealed(world, case), "caisi")
    assert case.state == "waitlisted"
    world.must(screened(case, version="2"))
    assert case.state == "waitlisted"


def test_contradictory_conditions_of_an_appeal_wait_too() -> None:
    rules = {"decide": {"allOf": ["caisi", "ostp"]}}
    both = {"mode": "approve", "grant": {"allOf": ["oncd"]}, "appeal": rules}
    world = World.opened(stages=[stage(admission=both)])
    appeal = appealed(world, denied(world))
    world.must(conditional(appeal, "caisi", logs={"value": 1, "declared": True}))
    world.must(conditional(appeal, "ostp", logs={"value": 2, "declared": True}))
    assert appeal.outcome is None


# Against a removal


def test_a_removal_appealed_gives_the_grant_back(world: World) -> None:
    grant = world.admit()
    appeal = appealed(world, removed(world, grant))
    world.say(appeal, "caisi")
    assert world.state.table.grants_by_id[grant].barred is None
    assert world.state.seated(RELEASE, STAGE) == {"org-1"}
    assert world.entries[-1].type == "grant.reinstated"


def test_a_grant_whose_time_is_over_comes_back_only_to_end() -> None:
    world = World.opened()
    grant = world.admit()
    world.later(19)
    appeal = appealed(world, removed(world, grant))
    world.later(5)
    world.say(appeal, "caisi")
    assert world.state.grants[grant].standing == "expired"
    assert world.state.seated(RELEASE, STAGE) == frozenset()


def test_a_grant_comes_back_on_the_list_where_every_seat_is_taken(world: World) -> None:
    grant = world.admit()
    admission = world.case(world.state.grants[grant].case)
    removal = removed(world, grant)
    holder = world.admit("org-2")
    world.say(appealed(world, removal), "caisi")
    assert admission.state == "waitlisted"
    world.must(SurrenderGrant(holder))
    assert world.must(Accept(admission.id))["grant"] != grant
    assert world.state.seated(RELEASE, STAGE) == {"org-1"}


def test_a_grant_that_an_appeal_gave_comes_back_on_the_list_by_its_application(world: World) -> None:
    case = denied(world)
    first = appealed(world, case)
    world.say(first, "caisi")
    removal = removed(world, first.grant or "")
    holder = world.admit("org-2")
    world.say(appealed(world, removal), "caisi")
    assert case.state == "waitlisted"
    world.must(SurrenderGrant(holder))
    world.must(Accept(case.id))
    assert world.state.seated(RELEASE, STAGE) == {"org-1"}


def test_who_was_granted_again_meanwhile_has_one_grant() -> None:
    world = World.opened()
    case = denied(world)
    appeal = appealed(world, case)
    grant = world.admit()
    world.say(appeal, "caisi")
    assert appeal.outcome == "approved"
    assert list(world.state.table.grants_by_id) == [grant]


def test_an_appeal_that_is_allowed_ends_the_newer_application() -> None:
    world = World.opened()
    appeal = appealed(world, denied(world))
    newer = world.submit()
    world.say(appeal, "caisi")
    assert (newer.outcome, newer.reason_code) == ("superseded", "appeal_allowed")
    assert list(world.state.table.grants_by_id) == [appeal.grant]


def test_a_grant_that_comes_back_is_the_one_that_counts() -> None:
    world = World.opened()
    grant = world.admit()
    removal = removed(world, grant)
    world.must(SurrenderGrant(world.admit()))
    world.say(appealed(world, removal), "caisi")
    assert world.state.table.grants["org-1", RELEASE, API].id == grant
    assert not world.state.table.grants_by_id[grant].replaced
