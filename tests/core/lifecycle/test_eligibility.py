"""An organization that is admitted is eligible under the terms in force then, by whatever case."""

from __future__ import annotations

from typing import Any

import pytest

from sluicegate.core.lifecycle import Command
from sluicegate.core.lifecycle.applications import Accept, Nominate, OpenAppeal, Reply, Withdraw
from sluicegate.core.lifecycle.grants import OpenRemoval, ResumeGrant, SurrenderGrant, SuspendGrant
from sluicegate_record.log.leaf import Entropy, opening
from sluicegate_record.log.times import DAY_MS
from tests.worlds import RELEASE, STAGE, Followed, World, application, looser, plan_value, proceeding, stage

WIDE, NARROW = {"registeredIn": ["US", "NO"]}, {"registeredIn": ["US"]}
COUNTERSIGNED = {**stage()["admission"], "countersign": ["oncd"]}
MOVED = {"organization": {"name": "Example moved", "registeredIn": "US"}}


@pytest.fixture
def world() -> World:
    return World.opened(stages=[stage(seats=1, eligibility=WIDE)])


def narrow(world: World, **changes: Any) -> dict[str, Any]:
    """A tighter plan, by which organizations of Norway may not apply any more."""
    return world.apply(plan_value(stages=[stage(**{"seats": 1, "eligibility": NARROW, **changes})]))


def submitted(world: World, country: str, organization: str = "org-1") -> Followed:
    return world.case(world.must(application(organization, country=country))["application"])


def denied(world: World, country: str) -> Followed:
    case = submitted(world, country)
    world.all_say(case, "oncd object")
    return case


def admitted(world: World, country: str) -> str:
    case = submitted(world, country)
    world.all_say(case, "oncd approve", "ostp approve")
    assert case.grant is not None
    return str(case.grant)


def renewal(world: World, grant: str) -> Followed:
    return world.case(world.must(world.amend(grant, renew=True))["application"])


def refused_renewal(world: World, country: str) -> Followed:
    case = renewal(world, admitted(world, country))
    world.all_say(case, "oncd object")
    return case


def removed(world: World, grant: str) -> Followed:
    case = world.case(world.must(OpenRemoval(grant, "misuse", "why"))["case"])
    world.all_say(case, "oncd approve", "ostp approve")
    world.later(10)
    return case


def removal(world: World, country: str) -> Followed:
    return removed(world, admitted(world, country))


def appealed(world: World, case: Followed) -> Followed:
    return world.case(world.must(world.appeal(case.id))["case"])


CASES = pytest.mark.parametrize("appealable", [denied, refused_renewal, removal])


# Appeals


@pytest.mark.parametrize("appealable", [denied, refused_renewal])
def test_who_has_become_ineligible_does_not_appeal_a_denial_and_hears_why(
    world: World, appealable: Any
) -> None:
    case = appealable(world, "NO")
    narrow(world)
    command = world.appeal(case.id)
    assert world.refused(command) == "not_eligible"
    refusal: Any = world.do(command)
    assert refusal.kind == "forbidden"
    assert (
        f"terms in force of stage {STAGE!r}, {world.state.releases[RELEASE].terms[STAGE]}: "
        in refusal.message
    )
    assert "registered in US, this one is registered in 'NO'" in refusal.message
    assert "apply again" in refusal.remedy


@CASES
def test_who_is_eligible_still_appeals_under_the_terms_in_force(world: World, appealable: Any) -> None:
    case = appealable(world, "US")
    narrow(world)
    appeal = appealed(world, case)
    assert appeal.question.terms == world.state.releases[RELEASE].terms[STAGE] != case.question.terms
    world.say(appeal, "caisi")
    assert world.types()[-1] in {"grant.approved", "grant.amended", "grant.reinstated"}


@CASES
def test_an_appeal_under_way_ends_with_the_terms_that_made_its_party_eligible(
    world: World, appealable: Any
) -> None:
    appeal = appealed(world, appealable(world, "NO"))
    assert appeal.id in narrow(world)["superseded"]
    assert (appeal.outcome, appeal.grant) == ("superseded", None)
    assert world.entries[-1].type == "release.applied"


def no_more(world: World) -> None:
    world.apply(plan_value(stages=[stage("other")]))


ENDED = pytest.mark.parametrize(
    ("change", "why"), [(narrow, "registered in US"), (no_more, f"the terms of stage {STAGE!r} have changed")]
)


@ENDED
def test_a_holder_who_could_not_be_admitted_now_contests_a_removal_for_the_record(
    world: World, change: Any, why: str
) -> None:
    grant = admitted(world, "NO")
    case = removed(world, grant)
    change(world)
    opened = world.must(world.appeal(case.id))
    assert why in opened["noGrant"]
    appeal = world.case(opened["case"])
    assert appeal.question.terms == world.state.grants[grant].terms
    world.say(appeal, "caisi")
    assert appeal.outcome == "approved"
    assert world.types()[-2:] == ["position.recorded", "case.determined"]
    assert world.state.grants[grant].standing == "removed"
    assert world.state.seated(RELEASE, STAGE) == frozenset()


@ENDED
def test_no_later_plan_ends_an_appeal_for_the_record(world: World, change: Any, why: str) -> None:
    case = removal(world, "NO")
    change(world)
    appeal = appealed(world, case)
    later = world.apply(plan_value(stages=[{**looser(), "eligibility": NARROW}]))
    assert appeal.id not in later["superseded"]
    world.all_say(appeal, "caisi object")
    assert appeal.outcome == "denied"
    assert world.refused(world.appeal(case.id)) == "appealed_already"


def test_a_grant_comes_back_if_the_terms_by_which_it_was_held_do(world: World) -> None:
    grant = admitted(world, "NO")
    case = removed(world, grant)
    narrow(world)
    appeal = appealed(world, case)
    world.apply(plan_value(stages=[stage(seats=1, eligibility=WIDE)]))
    world.agree()
    world.say(appeal, "caisi")
    assert world.state.grants[grant].is_live


def test_who_is_not_to_be_screened_for_a_grant_is_heard_without(world: World) -> None:
    case = removal(world, "NO")
    narrow(world, eligibility={**NARROW, "screening": "clear"})
    appeal = appealed(world, case)
    world.say(appeal, "caisi")
    assert appeal.outcome == "approved"


def test_an_appeal_is_about_the_dossier_of_its_case(world: World) -> None:
    case = denied(world, "NO")
    narrow(world)
    other = opening(MOVED, Entropy(bytes(32)))
    assert world.refused(OpenAppeal(case.id, "why", other)) == "dossier_unproven"
    assert world.refused(OpenAppeal(case.id, "why", None)) == "dossier_unproven"


def amended_while_removed(world: World, country: str) -> tuple[str, Followed]:
    """A grant whose holder moves to the United States while its removal is open."""
    grant = admitted(world, country)
    case = world.case(world.must(OpenRemoval(grant, "misuse", "why"))["case"])
    amendment = world.case(world.must(world.amend(grant, renew=False, dossier=MOVED))["application"])
    world.all_say(amendment, "oncd approve", "ostp approve")
    world.all_say(case, "oncd approve", "ostp approve")
    world.later(10)
    assert case.outcome == "approved"
    return grant, case


def test_an_appeal_is_about_the_dossier_that_the_grant_had_last(world: World) -> None:
    grant, case = amended_while_removed(world, "NO")
    narrow(world)
    assert world.refused(OpenAppeal(case.id, "why", world.dossier(case.dossier))) == "dossier_unproven"
    appeal = appealed(world, case)
    assert appeal.dossier == world.state.grants[grant].dossier != case.dossier
    assert appeal.question.party == world.state.party_of(grant) != case.question.party
    world.say(appeal, "caisi")
    assert world.state.grants[grant].is_live


def test_a_seat_by_an_appeal_is_taken_with_the_dossier_that_the_grant_had_last(world: World) -> None:
    grant, case = amended_while_removed(world, "NO")
    narrow(world)
    party = world.state.party_of(grant)
    back = accepted(world, *put_on_the_list(world, case))
    assert world.entries[-1].public["party"] == party == world.state.party_of(back.id)


# Appeals that ended without a decision


@CASES
def test_an_appeal_that_a_plan_has_ended_is_made_again(world: World, appealable: Any) -> None:
    case = appealable(world, "US")
    first = appealed(world, case)
    narrow(world)
    assert first.outcome == "superseded"
    again = appealed(world, case)
    world.say(again, "caisi")
    assert world.types()[-1] in {"grant.approved", "grant.amended", "grant.reinstated"}
    assert world.refused(world.appeal(case.id)) == "appealed_already"


def test_the_time_to_appeal_runs_again_from_the_end_of_an_appeal_that_was_not_heard(world: World) -> None:
    case = denied(world, "US")
    appealed(world, case)
    world.later(5)
    narrow(world)
    world.later(30 - 1 / DAY_MS)
    appealed(world, case)
    narrow(world, eligibility={**NARROW, "criteria": ["more"]})
    world.later(30)
    assert world.refused(world.appeal(case.id)) == "too_late"


def test_an_appeal_that_ends_because_all_who_hear_it_recuse_themselves_is_made_again(world: World) -> None:
    case = denied(world, "US")
    first = appealed(world, case)
    world.all_say(first, "caisi recuse")
    assert (first.outcome, first.reason_code) == ("returned", "recused")
    assert appealed(world, case).state == "submitted"


def test_an_appeal_that_is_withdrawn_is_not_made_again(world: World) -> None:
    case = denied(world, "US")
    world.must(Withdraw(appealed(world, case).id))
    assert world.refused(world.appeal(case.id)) == "appealed_already"


# Amendments


def test_who_has_become_ineligible_renews_only_with_what_has_changed(world: World) -> None:
    grant = admitted(world, "NO")
    narrow(world)
    assert world.refused(world.amend(grant, renew=True)) == "not_eligible"
    assert world.state.grants[grant].is_live
    case = world.case(world.must(world.amend(grant, renew=True, dossier=MOVED))["application"])
    world.all_say(case, "oncd approve", "ostp approve")
    assert renewal(world, grant).question.party == case.question.party


def test_a_renewal_is_checked_against_looser_terms_too(world: World) -> None:
    grant = admitted(world, "NO")
    world.apply(plan_value(stages=[{**looser(), "eligibility": NARROW}]))
    world.agree()
    assert world.refused(world.amend(grant, renew=True)) == "not_eligible"


def test_a_renewal_that_waits_for_its_stage_ends_with_the_terms_it_was_asked_under(world: World) -> None:
    grant = admitted(world, "NO")
    wide = {**looser(), "eligibility": WIDE}
    world.apply(plan_value(stages=[wide]))
    world.agree()
    case = renewal(world, grant)
    world.all_say(case, "oncd approve", "ostp approve")
    assert (case.outcome, case.grant) == (None, None)
    world.apply(plan_value(stages=[{**wide, "eligibility": NARROW}]))
    world.open()
    assert case.outcome == "superseded"
    assert "grant.amended" not in world.types()


def test_a_grant_goes_on_as_it_was_given_also_after_a_suspension(world: World) -> None:
    grant = admitted(world, "NO")
    world.must(SuspendGrant(grant, "misuse"))
    narrow(world)
    world.must(ResumeGrant(grant))
    assert world.state.table.grants_by_id[grant].barred is None


# What is taken up again


TAKEN_UP = pytest.mark.parametrize("act", [lambda case: Reply(case.id, "but"), proceeding])


@TAKEN_UP
@pytest.mark.parametrize(
    "change", [{"eligibility": NARROW}, {"eligibility": WIDE, "admission": COUNTERSIGNED}]
)
@pytest.mark.parametrize("country", ["US", "NO"])
@pytest.mark.parametrize("takeable", [denied, refused_renewal])
def test_no_denial_is_taken_up_after_who_may_apply_or_who_decides_has_changed(
    world: World, takeable: Any, country: str, change: dict[str, Any], act: Any
) -> None:
    case = takeable(world, country)
    narrow(world, **change)
    assert world.refused(act(case)) == "terms_changed"


@TAKEN_UP
def test_a_denial_is_taken_up_under_tighter_terms_that_say_the_same_of_both(world: World, act: Any) -> None:
    case = denied(world, "NO")
    world.apply(
        plan_value(
            stages=[
                stage(seats=1, eligibility=WIDE, conditions={"validFor": "P3D", "requestsPerMinute": 600})
            ]
        )
    )
    world.must(act(case))
    world.all_say(case, *([] if case.grant else ["ostp approve", "oncd approve"]))
    assert case.outcome == "approved"


def test_what_an_appeal_has_answered_is_not_taken_up_again_under_the_terms_of_the_denial(
    world: World,
) -> None:
    case = denied(world, "US")
    narrow(world)
    appeal = appealed(world, case)
    world.say(appeal, "caisi")
    world.must(SurrenderGrant(appeal.grant))
    assert world.refused(proceeding(case)) == "terms_changed"


# The waitlist


def put_on_the_list(world: World, case: Followed) -> tuple[Followed, str]:
    """The application that an appeal puts on the list, because another holds the one seat; and that grant."""
    holder = world.admit("org-2")
    world.say(appealed(world, case), "caisi")
    listed = world.case(case.root)
    assert listed.state == "waitlisted"
    return listed, holder


def accepted(world: World, listed: Followed, holder: str) -> Any:
    """The grant that is taken when the seat is free."""
    world.must(SurrenderGrant(holder))
    return world.state.grants[world.must(Accept(listed.id))["grant"]]


@pytest.mark.parametrize("appealable", [denied, removal])
def test_who_waits_for_a_seat_by_an_appeal_and_becomes_ineligible_leaves_the_list(
    world: World, appealable: Any
) -> None:
    listed, holder = put_on_the_list(world, appealable(world, "NO"))
    assert listed.id in narrow(world)["superseded"]
    world.must(SurrenderGrant(holder))
    assert listed.outcome == "superseded"


@pytest.mark.parametrize("appealable", [denied, removal])
def test_a_seat_by_an_appeal_is_taken_under_the_terms_of_the_appeal(world: World, appealable: Any) -> None:
    case = appealable(world, "US")
    narrow(world)
    grant = accepted(world, *put_on_the_list(world, case))
    assert grant.terms == world.state.releases[RELEASE].terms[STAGE] != case.question.terms


def test_a_seat_by_an_appeal_outlives_terms_that_were_agreed_to_anew_before_it(world: World) -> None:
    grant = admitted(world, "US")
    world.apply(plan_value(stages=[{**looser(), "seats": 1}]))
    world.agree()
    listed, holder = put_on_the_list(world, removed(world, grant))
    assert narrow(world, eligibility=None, conditions=stage()["conditions"])["superseded"] == []
    assert accepted(world, listed, holder).organization == "org-1"


def test_a_seat_by_an_appeal_is_given_for_the_dossier_that_was_eligible(world: World) -> None:
    """The application was made from Norway, and amended before the plan asked for the United States."""
    grant = admitted(world, "NO")
    case = world.case(world.must(world.amend(grant, renew=False, dossier=MOVED))["application"])
    world.all_say(case, "oncd approve", "ostp approve")
    narrow(world)
    back = accepted(world, *put_on_the_list(world, removed(world, grant)))
    assert world.entries[-1].public["party"] == case.question.party
    assert world.state.party_of(back.id) == case.question.party
    renewal(world, back.id)


# Applications


def test_a_nomination_makes_nobody_eligible(world: World) -> None:
    narrow(world)
    abroad: Command = application(country="NO")
    world.must(Nominate(RELEASE, STAGE, "org-1", {"organization": {"registeredIn": "NO"}}))
    assert world.refused(abroad) == "not_eligible"


def test_an_application_ends_with_the_terms_that_made_it_eligible(world: World) -> None:
    case = submitted(world, "NO")
    world.all_say(case, "oncd approve")
    assert narrow(world)["superseded"] == [case.id]
