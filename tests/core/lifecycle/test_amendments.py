"""Renewals and changes of a grant."""

from __future__ import annotations

from typing import Any

import pytest

from sluicegate.core.access.refusals import Reason
from sluicegate.core.access.rows import GrantRow
from sluicegate.core.lifecycle.applications import Reply, Withdraw
from sluicegate.core.lifecycle.grants import SurrenderGrant, SuspendGrant
from tests.worlds import AT_MS, DAY_MS, RELEASE, STAGE, Followed, World, looser, plan_value, proceeding, stage

OTHER = {"organization": {"name": "Example renamed", "registeredIn": "US"}}


@pytest.fixture
def world() -> World:
    return World.opened(stages=[stage(seats=1)])


def amended(world: World, grant: str, *, renew: bool = True, dossier: Any = None) -> Followed:
    return world.case(world.must(world.amend(grant, renew=renew, dossier=dossier))["application"])


def found(world: World, grant: str) -> GrantRow:
    return world.state.table.grants_by_id[grant]


def test_a_renewal_begins_the_time_again_and_needs_no_second_seat(world: World) -> None:
    grant = world.admit()
    world.later(20)
    case = amended(world, grant)
    assert found(world, grant).valid_until_ms == AT_MS + 30 * DAY_MS
    world.all_say(case, "oncd approve", "ostp approve")
    assert found(world, grant).valid_until_ms == AT_MS + 50 * DAY_MS
    assert case.question.party == world.case(world.state.grants[grant].case).question.party
    world.later(29)
    assert found(world, grant).barred is None
    world.later(1)
    assert found(world, grant).barred is Reason.GRANT_EXPIRED
    assert world.state.seated(RELEASE, STAGE) == frozenset()


def test_a_change_keeps_the_end_and_has_another_party(world: World) -> None:
    grant = world.admit()
    world.later(20)
    case = amended(world, grant, renew=False, dossier=OTHER)
    before = world.state.party_of(grant)
    world.all_say(case, "oncd approve", "ostp approve")
    assert found(world, grant).valid_until_ms == AT_MS + 30 * DAY_MS
    assert world.state.party_of(grant) == case.question.party != before


def test_a_grant_goes_on_as_it_is_while_and_after_its_amendment_is_denied(world: World) -> None:
    grant = world.admit()
    case = amended(world, grant)
    world.all_say(case, "oncd object")
    assert (case.outcome, found(world, grant).barred) == ("denied", None)
    assert found(world, grant).valid_until_ms == AT_MS + 30 * DAY_MS


def test_there_is_one_amendment_at_a_time_and_it_says_something(world: World) -> None:
    grant = world.admit()
    assert world.refused(world.amend(grant, renew=False)) == "nothing_to_amend"
    case = amended(world, grant)
    assert world.refused(world.amend(grant, renew=True)) == "already_applied"
    world.must(Withdraw(case.id))
    assert amended(world, grant).id != case.id


def test_a_denial_is_not_taken_up_again_beside_a_newer_amendment(world: World) -> None:
    grant = world.admit()
    denied = amended(world, grant)
    world.all_say(denied, "oncd object")
    newer = amended(world, grant)
    assert world.refused(Reply(denied.id, "but")) == "already_applied"
    assert world.refused(proceeding(denied)) == "already_applied"
    world.must(Withdraw(newer.id))
    world.must(Reply(denied.id, "but"))
    assert world.refused(world.amend(grant, renew=True)) == "already_applied"


def test_a_denial_is_not_taken_up_again_when_the_grant_is_over(world: World) -> None:
    grant = world.admit()
    denied = amended(world, grant)
    world.all_say(denied, "oncd object")
    appeal = world.case(world.must(world.appeal(denied.id, "but"))["case"])
    world.must(SurrenderGrant(grant))
    assert world.refused(proceeding(denied)) == "grant_ended"
    world.all_say(appeal, "caisi approve")
    assert appeal.outcome == "approved"
    assert "grant.amended" not in world.types()
    world.later(100)
    assert world.types().count("grant.ended") == 1


def test_an_amendment_ends_with_its_grant(world: World) -> None:
    case = amended(world, world.admit())
    world.later(30)
    assert (case.outcome, case.reason_code) == ("superseded", "grant_expired")


def test_an_amendment_does_not_resume(world: World) -> None:
    grant = world.admit()
    world.must(SuspendGrant(grant, "misuse"))
    world.all_say(amended(world, grant), "oncd approve", "ostp approve")
    assert found(world, grant).barred is Reason.GRANT_SUSPENDED


def test_an_amendment_brings_a_grant_under_the_terms_in_force(world: World) -> None:
    grant = world.admit()
    world.apply(plan_value(stages=[looser()]))
    world.agree()
    world.open()
    world.all_say(amended(world, grant), "oncd approve", "ostp approve")
    assert found(world, grant).terms == world.state.releases[RELEASE].terms[STAGE]
    assert found(world, grant).valid_until_ms == AT_MS + 60 * DAY_MS


def test_who_has_become_ineligible_does_not_amend() -> None:
    world = World.opened(stages=[stage(eligibility={"registeredIn": ["US"]})])
    grant = world.admit()
    elsewhere = {"organization": {"name": "Example", "registeredIn": "GB"}}
    assert world.refused(world.amend(grant, renew=False, dossier=elsewhere)) == "not_eligible"
