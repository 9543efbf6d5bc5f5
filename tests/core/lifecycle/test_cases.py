from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from sluicegate.core.lifecycle.applications import Accept
from sluicegate.core.lifecycle.directives import OpenLift
from sluicegate.core.lifecycle.positions import RecordPosition
from sluicegate.errors import BadEnvelope
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.statements.question import Question
from tests.forging import gate_value
from tests.worlds import (
    API,
    AT_MS,
    CODEX,
    DAY_MS,
    LOG,
    OFFICER,
    RELEASE,
    STAGE,
    Followed,
    World,
    application,
    looser,
    plan_value,
    position,
    signed,
    stage,
    stage_opening,
)


@pytest.fixture
def world() -> World:
    return World.opened()


@pytest.fixture
def case(world: World) -> Followed:
    return world.submit()


def admission(rule: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return stage(admission={"mode": "approve", "grant": rule}, **changes)


# Applying


def test_an_application_asks_a_question_that_binds_all_it_is_about(world: World, case: Followed) -> None:
    assert case.question.to_json() == {
        "log": LOG,
        "case": case.id,
        "kind": "admission",
        "release": RELEASE,
        "stage": STAGE,
        "surface": API,
        "terms": world.state.releases[RELEASE].terms[STAGE],
        "models": [
            {"digest": model.digest, "safeguards": model.safeguards}
            for model in world.state.releases[RELEASE].plan.spec.models
        ],
        "party": world.entries[-1].sealed["application"].commitment("sealed", "application"),
    }
    assert (case.state, case.outcome, case.awaiting) == ("submitted", None, ["oncd", "ostp"])


def test_the_applicant_is_sealed(world: World, case: Followed) -> None:
    entry = world.entries[-1]
    assert entry.sealed["application"].value() == {
        "organization": {"name": "Example org-1", "registeredIn": "US"}
    }
    assert gate_value(entry, "organization") == "org-1"
    assert b"Example" not in entry.leaf
    assert case.organization == "org-1"


@pytest.mark.parametrize(
    ("where", "code"),
    [
        ({"release": "gpt-7"}, "stage_unknown"),
        ({"name": "general"}, "stage_unknown"),
        ({"surface": "cloud"}, "surface_unknown"),
    ],
)
def test_one_applies_for_what_there_is(world: World, where: dict[str, str], code: str) -> None:
    assert world.refused(application(**where)) == code


def test_only_the_eligible_apply() -> None:
    world = World.opened(stages=[stage(eligibility={"registeredIn": ["US", "NO"]})])
    assert world.refused(application(country="GB")) == "not_eligible"
    world.must(application(country="NO"))


def test_an_open_application_is_waited_for(world: World, case: Followed) -> None:
    assert world.refused(application()) == "already_applied"
    world.must(application(surface=CODEX))
    world.must(application("org-2"))
    assert case.state == "submitted"


def test_who_holds_a_grant_does_not_apply_for_it(world: World) -> None:
    world.admit()
    assert world.refused(application()) == "already_granted"
    world.must(application(surface=CODEX))
    world.now_ms = AT_MS + 30 * DAY_MS - 1
    assert world.refused(application()) == "already_granted"
    world.now_ms = AT_MS + 30 * DAY_MS
    world.must(application())


def test_who_was_denied_may_apply_again(world: World, case: Followed) -> None:
    world.say(case, "ostp", "object")
    assert case.outcome == "denied"
    world.must(application())


# Determining


def test_a_grant_follows_when_the_rule_is_satisfied(world: World, case: Followed) -> None:
    assert world.say(case, "oncd")["determination"] is None
    assert not world.state.table.grants
    assert world.say(case, "ostp")["determination"] == "approved"
    grant = world.state.table.grants_by_id[case.grant or ""]
    assert (grant.organization, grant.release, grant.stage, grant.surface) == ("org-1", RELEASE, STAGE, API)
    assert (grant.valid_from_ms, grant.valid_until_ms) == (AT_MS, AT_MS + 30 * DAY_MS)
    assert (case.state, case.outcome, case.awaiting) == ("determined", "approved", [])


def test_a_grant_names_the_positions_it_rests_on(world: World, case: Followed) -> None:
    world.say(case, "oncd", "abstain")
    world.say(case, "ostp")
    world.say(case, "oncd")
    (granted,) = [entry for entry in world.entries if entry.type == "grant.approved"]
    recorded = {entry.seq: entry for entry in world.entries if entry.type == "position.recorded"}
    assert [said["agency"] for said in granted.public["positions"]] == ["oncd", "ostp"]
    for said in granted.public["positions"]:
        public = recorded[said["seq"]].public
        assert (public["agency"], public["digest"], public["position"]) == (
            said["agency"],
            said["digest"],
            "approve",
        )


@pytest.mark.parametrize("word", ["abstain", "ask", "object"])
def test_what_does_not_consent_admits_nobody(world: World, case: Followed, word: str) -> None:
    world.say(case, "oncd")
    world.must(RecordPosition(position(case, "ostp", word, reason="why")))
    assert case.grant is None


def test_to_have_no_objection_is_to_consent(world: World, case: Followed) -> None:
    world.say(case, "oncd", "no-objection")
    assert case.grant is None
    assert world.say(case, "ostp", "no-objection")["determination"] == "approved"


def test_a_case_is_in_review_from_the_first_that_is_said(world: World, case: Followed) -> None:
    world.say(case, "oncd", "abstain")
    assert case.state == "in_review"


@pytest.mark.parametrize(
    ("rule", "said", "outcome"),
    [
        ({"allOf": ["oncd", "ostp"]}, ["oncd object"], "denied"),
        ({"anyOf": ["oncd", "ostp"]}, ["oncd object"], None),
        ({"anyOf": ["oncd", "ostp"]}, ["oncd object", "ostp object"], "denied"),
        ({"anyOf": ["oncd", "ostp"]}, ["oncd object", "ostp approve"], "approved"),
        ({"anyOf": ["oncd", "ostp"]}, ["oncd abstain", "ostp abstain"], None),
        ({"majorityOf": ["oncd", "ostp", "caisi"]}, ["oncd approve"], None),
        ({"majorityOf": ["oncd", "ostp", "caisi"]}, ["oncd approve", "caisi approve"], "approved"),
        ({"majorityOf": ["oncd", "ostp", "caisi"]}, ["oncd object"], None),
        ({"majorityOf": ["oncd", "ostp", "caisi"]}, ["oncd object", "caisi object"], "denied"),
        (
            {"atLeast": {"n": 2, "of": ["oncd", "ostp", "caisi"]}},
            ["ostp approve", "caisi approve"],
            "approved",
        ),
        ({"allOf": ["oncd", {"anyOf": ["ostp", "caisi"]}]}, ["oncd approve", "ostp object"], None),
        ({"allOf": ["oncd", {"anyOf": ["ostp", "caisi"]}]}, ["ostp object", "caisi object"], "denied"),
    ],
)
def test_the_rule_of_the_plan_determines(rule: dict[str, Any], said: list[str], outcome: str | None) -> None:
    world = World.opened(stages=[admission(rule)])
    case = world.submit()
    for line in said:
        world.say(case, *line.split())
    assert case.outcome == outcome
    assert (case.grant is not None) is (outcome == "approved")


def test_the_same_agency_twice_is_one_agency(world: World, case: Followed) -> None:
    world.say(case, "oncd")
    world.say(case, "oncd")
    world.say(case, "oncd", "approve")
    assert case.grant is None
    assert case.awaiting == ["ostp"]


def test_an_agency_may_change_its_mind_until_the_case_is_determined(world: World, case: Followed) -> None:
    world.say(case, "oncd")
    world.say(case, "oncd", "abstain")
    world.say(case, "ostp")
    assert not world.state.table.grants
    world.say(case, "oncd")
    assert case.grant is not None
    assert world.refused(RecordPosition(position(case, "oncd", "object"))) == "case_determined"
    assert [said.position for said in case.history] == ["approve", "abstain", "approve", "approve"]


def test_a_grant_without_an_end() -> None:
    world = World.opened(stages=[stage(conditions=None)])
    grant = world.state.table.grants_by_id[world.admit()]
    assert (grant.valid_until_ms, grant.requests_per_minute) == (None, None)


# Seats


def test_no_seat_no_grant() -> None:
    world = World.opened(stages=[stage(seats=1)])
    world.admit("org-1")
    waiting = world.submit("org-2")
    world.say(waiting, "oncd")
    world.say(waiting, "ostp")
    assert (waiting.state, waiting.grant, waiting.outcome) == ("waitlisted", None, None)
    assert [entry.type for entry in world.entries].count("case.waitlisted") == 1


def test_an_organization_takes_one_seat_on_however_many_surfaces() -> None:
    world = World.opened(stages=[stage(seats=1)])
    world.admit("org-1")
    world.admit("org-1", CODEX)


def test_who_waits_is_told_so_once_and_offered_a_seat_when_one_is_free() -> None:
    world = World.opened(stages=[stage(seats=1)])
    world.admit("org-1")
    waiting = world.submit("org-2")
    world.say(waiting, "oncd")
    world.say(waiting, "ostp")
    world.say(waiting, "ostp")
    assert [entry.type for entry in world.entries].count("case.waitlisted") == 1
    world.now_ms = AT_MS + 30 * DAY_MS
    world.tick()
    assert (waiting.state, waiting.grant) == ("offered", None)
    assert world.must(Accept(waiting.id))["determination"] == "approved"
    assert waiting.grant is not None


def test_a_seat_is_held_until_the_last_millisecond_of_a_grant() -> None:
    world = World.opened(stages=[stage(seats=1)])
    world.admit("org-1")
    world.now_ms = AT_MS + 30 * DAY_MS - 1
    assert world.state.seated(RELEASE, STAGE) == {"org-1"}
    waiting = world.submit("org-2")
    world.say(waiting, "oncd")
    world.say(waiting, "ostp")
    assert waiting.state == "waitlisted"


def test_the_seats_of_one_stage_are_not_those_of_another() -> None:
    world = World.opened(stages=[stage(seats=1), stage("later", seats=1)])
    world.admit("org-1")
    world.admit("org-2", name="later")
    assert world.state.seated(RELEASE, STAGE) == {"org-1"}


def test_who_waits_may_still_be_denied() -> None:
    world = World.opened(stages=[stage(seats=1)])
    world.admit("org-1")
    waiting = world.submit("org-2")
    world.say(waiting, "oncd")
    world.say(waiting, "ostp")
    assert world.say(waiting, "oncd", "object")["determination"] == "denied"


# Positions that do not count


def test_a_position_for_another_application_is_refused(world: World, case: Followed) -> None:
    other = world.submit("org-2")
    given = position(case, "oncd")
    question = replace(case.question, case=other.id)
    forged = position(other, "oncd", question=question)
    assert world.refused(RecordPosition(forged)) == "other_question"
    world.must(RecordPosition(given))
    assert other.positions == {}


def test_a_position_under_an_unknown_case_is_refused(world: World, case: Followed) -> None:
    question = replace(case.question, case="case_aaaaaaaaaaaaaaaa")
    assert world.refused(RecordPosition(position(case, "oncd", question=question))) == "case_unknown"


@pytest.mark.parametrize(
    "change",
    [
        {"terms": "sha256:" + "0" * 64},
        {"surface": CODEX},
        {"party": "0" * 64},
        {"models": []},
        {"stage": "general"},
        {"release": "gpt-7"},
        {"kind": "removal"},
        {"log": LOG.replace("openai", "other")},
        {"more": 1},
    ],
    ids=str,
)
def test_a_position_on_another_question_is_refused(
    world: World, case: Followed, change: dict[str, Any]
) -> None:
    question = Question.from_json({**case.question.to_json(), **change})
    assert world.refused(RecordPosition(position(case, "oncd", question=question))) == "other_question"


@pytest.mark.parametrize("field", ["terms", "surface", "party", "models"])
def test_a_position_on_half_a_question_is_refused(world: World, case: Followed, field: str) -> None:
    asked = case.question.to_json()
    del asked[field]
    question = Question.from_json(asked)
    assert world.refused(RecordPosition(position(case, "oncd", question=question))) == "other_question"


def test_a_superseded_position_is_not_taken_again(world: World, case: Followed) -> None:
    first = position(case, "oncd")
    world.must(RecordPosition(first))
    world.say(case, "oncd", "abstain")
    assert world.refused(RecordPosition(first)) == "position_superseded"
    world.say(case, "oncd", "object")
    assert world.refused(RecordPosition(first)) in ("case_determined", "position_superseded")


def test_the_newest_position_sent_again_is_recorded_once(world: World, case: Followed) -> None:
    given = RecordPosition(position(case, "oncd"))
    first = world.must(given)
    again = world.must(given)
    assert {**again, "size": 0} == {**first, "size": 0}
    assert len(case.history) == 1


def test_the_same_words_signed_again_are_the_same_position(world: World, case: Followed) -> None:
    given = position(case, "oncd")
    world.must(RecordPosition(given))
    joined = Envelope(given.payload_type, given.payload, given.signatures * 3)
    world.must(RecordPosition(joined))
    assert len(case.history) == 1


@pytest.mark.parametrize("previous", ["sha256:" + "0" * 64, ""])
def test_a_position_follows_the_one_before_it(world: World, case: Followed, previous: str) -> None:
    assert world.refused(RecordPosition(position(case, "oncd", previous=previous))) == "position_superseded"
    world.say(case, "oncd")
    for wrong in (None, previous):
        again = position(case, "oncd", "abstain", previous=wrong)
        assert world.refused(RecordPosition(again)) == "position_superseded"


def test_a_position_does_not_follow_that_of_another_agency(world: World, case: Followed) -> None:
    world.say(case, "oncd")
    follows = case.positions["oncd"].digest
    assert world.refused(RecordPosition(position(case, "ostp", previous=follows))) == "position_superseded"


@pytest.mark.parametrize(
    ("signer", "code"),
    [
        ("ostp", "key_of_another_party"),
        (OFFICER, "key_of_another_party"),  # the developer cannot take an agency's position
        ("stranger", "signature_invalid"),
    ],
)
def test_a_position_signed_by_another_is_refused(
    world: World, case: Followed, signer: str, code: str
) -> None:
    assert world.refused(RecordPosition(position(case, "oncd", signer=signer))) == code


@pytest.mark.parametrize("agency", ["caisi", "openai"])
def test_who_is_not_asked_has_no_position(world: World, case: Followed, agency: str) -> None:
    signer = OFFICER if agency == "openai" else agency
    assert world.refused(RecordPosition(position(case, agency, signer=signer))) == "not_asked"


def test_an_unknown_agency_has_no_position(world: World, case: Followed) -> None:
    assert world.refused(RecordPosition(position(case, "commerce"))) == "signature_invalid"


def test_the_developer_has_no_part_in_a_case_under_an_agencys_name(world: World, case: Followed) -> None:
    """Two signatures, the officer's and a stranger's, are none of the agency's."""
    payload = position(case, "oncd").payload
    assert (
        world.refused(RecordPosition(signed(payload, OFFICER, "stranger", "ostp"))) == "key_of_another_party"
    )


def _flip(envelope: Envelope) -> Envelope:
    (signature,) = envelope.signatures
    flipped = bytes([signature.sig[0] ^ 1]) + signature.sig[1:]
    return Envelope(envelope.payload_type, envelope.payload, (type(signature)(signature.keyid, flipped),))


def _reword(envelope: Envelope) -> Envelope:
    return Envelope(
        envelope.payload_type, envelope.payload.replace(b'"abstain"', b'"approve"'), envelope.signatures
    )


@pytest.mark.parametrize("alter", [_flip, _reword])
def test_a_position_altered_after_signing_is_refused(
    world: World, case: Followed, alter: Callable[[Envelope], Envelope]
) -> None:
    given = position(case, "oncd", "abstain")
    assert world.refused(RecordPosition(alter(given))) == "signature_invalid"


def test_a_position_in_another_envelope_type_is_refused(world: World, case: Followed) -> None:
    payload = position(case, "oncd").payload
    with pytest.raises(BadEnvelope, match="payloadType"):
        world.do(RecordPosition(signed(payload, "oncd", payload_type="application/json")))


def test_an_opening_is_no_position(world: World) -> None:
    payload = stage_opening(LOG, RELEASE, STAGE, "x")
    with pytest.raises(BadEnvelope, match="predicateType"):
        world.do(RecordPosition(signed(payload, "oncd")))


@pytest.mark.parametrize("reason", ["x" * 2_001, "x" * 50_000, "a\u202eb", "a\x1b[2J"])
def test_a_reason_too_long_or_invisible_is_refused_and_leaves_nothing(
    world: World, case: Followed, reason: str
) -> None:
    size = world.state.size
    with pytest.raises(BadEnvelope, match="2000 characters"):
        world.do(RecordPosition(position(case, "oncd", reason=reason)))
    assert (world.state.size, case.positions) == (size, {})


def test_the_longest_reason_fits_an_entry(world: World, case: Followed) -> None:
    world.must(RecordPosition(position(case, "oncd", reason="\U00010348" * 2_000)))


# When terms move


def test_an_application_ends_when_its_terms_go_out_of_force(world: World, case: Followed) -> None:
    world.say(case, "oncd")
    other = world.submit("org-2", CODEX)
    result = world.apply(plan_value(stages=[looser()]))
    assert result["superseded"] == [case.id, other.id]
    assert (case.state, case.outcome, case.grant, case.awaiting) == ("determined", "superseded", None, [])
    world.agree()
    assert world.refused(RecordPosition(position(case, "ostp"))) == "case_determined"
    again = world.submit()
    assert again.question.terms == world.state.releases[RELEASE].terms[STAGE] != case.question.terms
    world.say(again, "oncd")
    assert again.grant is None
    world.say(again, "ostp")
    assert again.grant is not None


def test_who_waits_for_a_seat_under_terms_that_go_may_apply_again() -> None:
    world = World.opened(stages=[stage(seats=1)])
    world.admit("org-1")
    waiting = world.submit("org-2")
    world.say(waiting, "oncd")
    world.say(waiting, "ostp")
    assert waiting.state == "waitlisted"
    assert world.apply(plan_value(stages=[stage(seats=2)]))["superseded"] == [waiting.id]
    world.agree()
    assert world.admit("org-2")


def test_only_what_was_asked_under_the_old_terms_ends(world: World) -> None:
    world.apply(plan_value(stages=[stage(), stage("later")]))
    world.agree()
    world.direct("d-1")
    lift = world.case(world.must(OpenLift("d-1"))["case"])
    kept, gone = world.submit("org-1"), world.submit("org-2", name="later")
    denied = world.submit("org-3", name="later")
    world.say(denied, "oncd", "object")
    assert world.apply(plan_value(stages=[stage(), looser("later")]))["superseded"] == [gone.id]
    assert (kept.state, lift.state, denied.outcome) == ("submitted", "in_review", "denied")
    assert world.apply(plan_value())["superseded"] == [_terms_case(world, "later").id]


def _terms_case(world: World, name: str) -> Followed:
    """The newest terms case of a stage."""
    return [case for case in world.cases() if case.kind == "terms" and case.question.stage == name][-1]


def test_positions_on_agreed_terms_are_not_positions_on_new_ones() -> None:
    world = World.agreed()
    (old,) = [case for case in world.cases() if case.kind == "terms"]
    world.apply(plan_value(stages=[looser()]))
    (new,) = [case for case in world.cases() if case.kind == "terms" and case is not old]
    for agency in ("oncd", "ostp"):
        moved = position(new, agency, question=replace(old.question, case=new.id))
        assert world.refused(RecordPosition(moved)) == "other_question"
        world.must(RecordPosition(position(old, agency, previous=None)))  # known already, and of the old case
    assert new.positions == {}
    assert new.question.terms not in world.state.releases[RELEASE].agreed


def test_terms_that_an_agency_objects_to_are_not_agreed() -> None:
    world = World()
    world.apply(plan_value())
    (terms,) = world.cases()
    world.say(terms, "oncd")
    world.say(terms, "ostp", "object")
    assert terms.outcome == "denied"
    assert not world.state.releases[RELEASE].agreed


def test_nobody_is_admitted_before_the_terms_are_agreed() -> None:
    world = World()
    world.apply(plan_value())
    case = world.submit()
    assert world.refused(RecordPosition(position(case, "oncd"))) == "terms_not_agreed"
