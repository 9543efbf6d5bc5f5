"""All relevant parts: who may have another agency asked, whose objection counts, and who was heard."""

from __future__ import annotations

from typing import Any

import pytest

from sluicegate.core.access.decision import Allow
from sluicegate.core.access.vouch import VouchedTable
from sluicegate.core.lifecycle import referrals
from sluicegate.core.lifecycle.positions import RecordPosition
from sluicegate.core.lifecycle.referrals import Refer
from sluicegate_record.entries import Entry
from sluicegate_record.errors import BadEnvelope
from sluicegate_record.statements.cases import Referral
from sluicegate_record.terms.rule import Rule
from tests.core.access.test_vouch import asked, folded, trust
from tests.forging import told
from tests.worlds import (
    RELEASE,
    STAGE,
    Followed,
    World,
    plan_value,
    position,
    signed,
    stage,
)

AGENCIES = {
    "oncd": {"name": "ONCD", "concerns": ["cyber"]},
    "ostp": {"name": "OSTP", "concerns": ["cyber", "export"]},
    "caisi": {"name": "CAISI", "concerns": ["export"]},
}
GIVEN = {"from": ["oncd"], "to": ["caisi"], "binding": True, "within": 5}
ONE = {"mode": "approve", "grant": {"anyOf": ["oncd", "ostp"]}}


def opened(admission: Any = None, **given: Any) -> World:
    """A stage for cyber, whose plan lets `oncd` refer cases to `caisi`."""
    gated = stage(concern="cyber", **({"admission": admission} if admission else {}))
    return World.opened(agencies=AGENCIES, stages=[gated], referrals={**GIVEN, **given})


def referral(case: Followed, agency: str = "oncd", to: str = "caisi", **changes: Any) -> Refer:
    fields = {"reason": "it knows the sector", "said": case.discussed(), **changes}
    said = Referral(question=case.question, agency=agency, to=to, **fields)
    return Refer(signed(said.payload(), agency))


# Referrals


def test_an_agency_that_was_referred_to_joins_those_who_decide() -> None:
    world = opened(ONE)
    case = world.submit()
    told_ = world.must(referral(case))
    assert (told_["referred"], case.awaiting) == ("caisi", ["caisi", "oncd", "ostp"])
    world.say(case, "oncd")
    assert case.outcome is None
    world.say(case, "caisi")
    assert case.outcome == "approved"


def test_where_referrals_do_not_bind_the_agency_is_asked_and_decides_nothing() -> None:
    world = opened(ONE, binding=False)
    case = world.submit()
    world.must(referral(case))
    assert "caisi" in case.parties
    world.say(case, "oncd")
    assert case.outcome == "approved"


def test_its_silence_means_what_the_terms_say_once_its_time_is_over() -> None:
    for silence, outcome in (("no-objection", "approved"), ("deny", "denied"), ("wait", None)):
        world = opened(ONE, silence=silence)
        case = world.submit()
        world.must(referral(case))
        world.say(case, "oncd")
        world.later(4)
        assert case.outcome is None
        world.later(3)
        assert case.outcome == outcome, silence


def test_a_referral_without_a_time_waits() -> None:
    world = World.opened(
        agencies=AGENCIES,
        stages=[stage(concern="cyber", admission=ONE)],
        referrals={name: value for name, value in GIVEN.items() if name != "within"},
    )
    case = world.submit()
    world.must(referral(case))
    world.say(case, "oncd")
    world.later(90)
    assert case.outcome is None


def test_the_same_referral_again_changes_nothing() -> None:
    world = opened()
    case = world.submit()
    command = referral(case)
    world.must(command)
    size = world.state.size
    world.must(command)
    assert world.state.size == size
    assert world.refused(referral(case, reason="again")) == "asked_already"


@pytest.mark.parametrize(
    ("agency", "to", "code"),
    [
        ("ostp", "caisi", "not_to_refer"),
        ("oncd", "ostp", "not_on_the_roster"),
        ("oncd", "x", "not_on_the_roster"),
    ],
)
def test_only_those_that_the_terms_name_refer_and_are_referred_to(agency: str, to: str, code: str) -> None:
    world = opened()
    assert world.refused(referral(world.submit(), agency, to)) == code


def test_without_referrals_in_the_plan_no_one_refers() -> None:
    world = World.opened()
    assert world.refused(referral(world.submit())) == "not_to_refer"


def test_how_deep_referrals_go_is_in_the_terms() -> None:
    for depth, code in ((1, "too_deep"), (2, None)):
        given = {"from": ["oncd", "caisi"], "to": ["caisi", "ostp"], "depth": depth}
        world = opened({"mode": "approve", "grant": {"allOf": ["oncd"]}}, **given)
        case = world.submit()
        world.must(referral(case))
        again = referral(case, "caisi", "ostp")
        if code is not None:
            assert world.refused(again) == code
        else:
            world.must(again)
            assert case.referrals["ostp"].depth == 2


def test_a_referral_says_why() -> None:
    case = opened().submit()
    with pytest.raises(BadEnvelope):
        Referral.read(referral(case, reason=" ").envelope)


# Declining


def test_an_agency_that_declines_leaves_the_case_to_the_others() -> None:
    world = opened()
    case = world.submit()
    world.must(referral(case))
    world.say(case, "oncd")
    world.say(case, "ostp")
    assert not case.outcome
    world.say(case, "caisi", "decline")
    assert case.outcome == "approved"
    assert (case.recused, case.saying("decline")) == ({"caisi"}, {"caisi"})


def test_where_all_decline_no_one_is_left_to_decide() -> None:
    world = opened()
    case = world.submit()
    world.say(case, "oncd", "decline")
    world.say(case, "ostp", "decline")
    assert case.outcome == "returned"


# Concerns


def objection(case: Followed, agency: str, concern: str | None) -> RecordPosition:
    return RecordPosition(position(case, agency, "object", concern=concern))


def test_an_objection_names_a_concern_where_the_stage_serves_one() -> None:
    world = opened()
    case = world.submit()
    assert world.refused(objection(case, "ostp", None)) == "concern_missing"
    world.must(objection(case, "ostp", "cyber"))
    assert case.outcome == "denied"


def test_an_objection_outside_is_recorded_as_such_and_does_not_count() -> None:
    world = opened()
    case = world.submit()
    world.say(case, "oncd")
    world.must(objection(case, "ostp", "export"))
    assert (case.outcome, case.against, case.positions["ostp"].is_outside) == (None, frozenset(), True)
    assert (case.awaiting, case.positions["oncd"].is_stale) == (["ostp"], False)
    world.say(case, "ostp")
    assert case.outcome == "approved"


def test_an_agency_whose_remit_is_another_cannot_object_for_this_concern() -> None:
    admission = {"mode": "approve", "grant": {"majorityOf": ["oncd", "ostp", "caisi"]}}
    world = opened(admission, to=["ostp"])
    case = world.submit()
    world.must(objection(case, "caisi", "cyber"))
    assert case.positions["caisi"].is_outside


def test_where_a_stage_serves_no_concern_objections_count_as_before() -> None:
    world = World.opened(agencies=AGENCIES)
    case = world.submit()
    world.must(objection(case, "ostp", None))
    assert case.outcome == "denied"


def test_changes_of_remits_and_referrals_are_asked_about_anew() -> None:
    world = opened()
    gated = stage(concern="cyber")
    for given in ({**GIVEN, "binding": False}, None):
        value = plan_value(agencies=AGENCIES, stages=[gated], referrals=given)
        assert world.apply(value)["tightened"] == []
    value = plan_value(agencies=AGENCIES, stages=[stage(concern="export")], referrals=GIVEN)
    assert world.apply(value)["tightened"] == []


# Who was heard


def test_an_opening_lists_who_was_asked_referred_declined_and_never_asked() -> None:
    agencies = {**AGENCIES, "caisi": {"name": "CAISI", "concerns": ["cyber"]}}
    opens = {"allOf": [{"terms": "agreed"}, {"agreedBy": {"allOf": ["oncd"]}}]}
    gated = stage(concern="cyber", opensWhen=opens)
    world = World.agreed(agencies=agencies, stages=[gated], referrals={**GIVEN, "binding": False})
    release = world.state.releases[RELEASE]

    def shown() -> Any:
        return referrals.view(world.state, release, release.plan.stages[STAGE])

    assert (shown().asked, shown().never_asked) == (("oncd", "ostp"), ("caisi",))
    case = world.case(world.open()["case"])
    world.must(referral(case))
    assert (shown().referred, shown().never_asked) == ({"caisi": "oncd"}, ())
    world.say(case, "caisi", "decline")
    world.say(case, "oncd")
    (heard,) = (entry.public["heard"] for entry in world.entries if entry.type == "stage.opened")
    assert heard == {
        "asked": ["caisi", "oncd", "ostp"],
        "referred": [{"by": "oncd", "to": "caisi"}],
        "declined": ["caisi"],
        "neverAsked": [],
    }


# A control plane that lies


def decided() -> tuple[World, str]:
    """`oncd` approves and has `caisi` asked, which approves too; a grant and its key."""
    world = opened(ONE)
    case = world.submit()
    world.must(referral(case))
    world.must(RecordPosition(position(case, "oncd", said=case.discussed())))
    world.must(RecordPosition(position(case, "caisi", said=case.discussed())))
    assert case.grant is not None
    world.credential(case.grant)
    return world, case.id


LOW = Rule("anyOf", ("oncd",))


def answers(entries: list[Entry]) -> bool:
    """Whether a gateway with a trust file lets the key through, after these entries at their places."""
    placed = [told(entry, {}, seq=seq) for seq, entry in enumerate(entries)]
    return isinstance(asked(folded(placed, VouchedTable(trust(LOW)))), Allow)


def test_a_gateway_that_checks_signatures_believes_a_referral_that_was_answered() -> None:
    assert answers(decided()[0].entries)


def test_a_gateway_admits_no_one_over_an_agency_that_was_referred_to() -> None:
    world, _ = decided()
    without = [e for e in world.entries if (e.type, e.public.get("agency")) != ("position.recorded", "caisi")]
    assert not answers(without)
    unbound = [told(e, {"binds": False}) if e.type == "case.referred" else e for e in without]
    assert not answers(unbound)


def test_a_gateway_admits_no_one_by_a_consent_that_knew_of_a_referral_that_was_dropped() -> None:
    world, _ = decided()
    dropped = [
        e
        for e in world.entries
        if e.type != "case.referred" and (e.type, e.public.get("agency")) != ("position.recorded", "caisi")
    ]
    assert not answers(dropped)


def test_a_gateway_counts_an_objection_that_is_said_to_be_outside() -> None:
    world = opened({"mode": "approve", "grant": {"atLeast": {"n": 2, "of": ["oncd", "ostp"]}}})
    case = world.submit()
    world.must(objection(case, "ostp", "cyber"))
    lied = [told(e, {"outside": True}) if e.public.get("concern") else e for e in world.entries]
    table = VouchedTable(trust(LOW))
    folded(lied, table)
    assert table.record.cases[case.id].objections == {"ostp"}
