from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sluicegate.core.access import decision
from sluicegate.core.access.decision import Allow, Ask, Instant
from sluicegate.core.directives.cover import Resolution
from sluicegate.core.lifecycle import Refusal
from sluicegate.core.lifecycle.directives import (
    LIFTED,
    AddDefinition,
    Confirm,
    IssueDirective,
    OpenLift,
)
from sluicegate.core.lifecycle.drills import EndDrill, ReportDrill
from sluicegate.core.lifecycle.positions import RecordPosition, TranscribePosition
from sluicegate.errors import BadEnvelope
from sluicegate_record.directives.scope import Scope
from sluicegate_record.log import canonical, dsse, times
from sluicegate_record.log.leaf import Opening
from sluicegate_record.statements.directives import Confirmation, DrillReport
from sluicegate_record.terms.rule import Rule
from tests.forging import gate_value
from tests.worlds import (
    API,
    AT_MS,
    CODEX,
    COVERED,
    DAY_MS,
    DEVELOPER,
    LOG,
    MODEL,
    OFFICER,
    OTHER_OFFICER,
    World,
    approval,
    by_letter,
    committed,
    covering,
    directive,
    directive_payload,
    directive_value,
    opened_names,
    plan_value,
    position,
    signed,
    suspension,
)

BOUND = {**directive_value("d-1"), "metadata": {"name": "d-1", "log": LOG}}
OTHER_LOG = LOG.replace("openai", "other")
NAMES = ["Example Utility", "Example Grid Operator"]


@pytest.fixture
def world() -> World:
    return World.opened()


def named(**changes: Any) -> IssueDirective:
    """A directive over two organizations, with fields of the command replaced."""
    fields: dict[str, Any] = {
        "envelope": directive(directive_value(covers=committed(NAMES))),
        "opened": {COVERED: opened_names(NAMES)},
        "named": {"covers": Resolution(["org-2", "org-1"])},
        **changes,
    }
    return IssueDirective(**fields)


# Issuing


def test_a_directive_is_in_force_at_once(world: World) -> None:
    result = world.direct("d-1")
    assert result["directive"] == "d-1"
    assert covering(world.state.table, MODEL, API, "anybody") == ["d-1"]
    public = world.entries[-1].public
    assert (public["issuer"], public["signedBy"]) == ("oncd", "oncd")
    assert public["document"] == BOUND


def test_organizations_are_on_the_record_as_count_and_commitment(world: World) -> None:
    world.must(named())
    entry = world.entries[-1]
    assert entry.public["document"]["spec"]["covers"] == committed(NAMES)
    assert gate_value(entry, "named") == {"covers": {"organizations": ["org-1", "org-2"]}}
    assert entry.sealed[COVERED].value() == NAMES
    assert not any(name.encode() in entry.leaf for name in (*NAMES, "org-1", "org-2"))
    assert covering(world.state.table, MODEL, API, "org-1")
    assert not covering(world.state.table, MODEL, API, "org-3")


@pytest.mark.parametrize("issuer", ["ostp", "caisi", DEVELOPER])
def test_any_party_issues_for_itself(world: World, issuer: str) -> None:
    value = directive_value("d-1", issuer=issuer, liftedBy={"allOf": [issuer]})
    world.must(IssueDirective(directive(value, signer=OFFICER if issuer == DEVELOPER else issuer)))
    assert world.entries[-1].public["signedBy"] == (OFFICER if issuer == DEVELOPER else issuer)


@pytest.mark.parametrize(
    ("signer", "code"),
    [("ostp", "key_of_another_party"), (OFFICER, "key_of_another_party"), ("stranger", "signature_invalid")],
)
def test_nobody_issues_in_the_name_of_another(world: World, signer: str, code: str) -> None:
    assert world.refused(IssueDirective(directive(directive_value(), signer=signer))) == code
    assert world.state.table.directives == {}


def test_a_directive_altered_after_signing_does_not_verify(world: World) -> None:
    given = directive(directive_value())
    other = directive(directive_value(basis={"kind": "order", "authority": "another"})).payload
    assert (
        world.refused(IssueDirective(type(given)(given.payload_type, other, given.signatures)))
        == "signature_invalid"
    )


@pytest.mark.parametrize("log", [OTHER_LOG, LOG.upper(), LOG + " ", "v"])
def test_a_directive_for_another_log_is_refused(world: World, log: str) -> None:
    value = directive_value()
    value["metadata"]["log"] = log
    assert world.refused(IssueDirective(directive(value))) == "other_log"
    assert world.state.table.directives == {}


def test_a_directive_that_names_no_log_is_refused(world: World) -> None:
    payload = directive_payload(directive_value())
    with pytest.raises(BadEnvelope, match="log"):
        world.do(IssueDirective(signed(payload, "oncd")))


@pytest.mark.parametrize(
    "opened",
    [
        {},
        {COVERED: opened_names(NAMES[:1])},
        {COVERED: opened_names([*NAMES, "Example Bank"])},
        {COVERED: opened_names(NAMES[::-1])},
        {COVERED: Opening(opened_names(NAMES).salt[::-1], canonical.dumps(NAMES))},
        {COVERED: Opening(opened_names(NAMES).salt, canonical.dumps([NAMES[0], "Another"]))},
        {"except.organizations": opened_names(NAMES)},
        {COVERED: opened_names(NAMES), "except.organizations": opened_names(NAMES)},
    ],
    ids=["none", "fewer", "more", "other order", "other salt", "other names", "of another part", "of more"],
)
def test_what_does_not_open_the_commitment_is_refused(world: World, opened: dict[str, Any]) -> None:
    assert world.refused(named(opened=opened)) == "scope_unproven"


def test_a_directive_whose_names_come_to_nobody_covers_everyone(world: World) -> None:
    """The service resolves names; should it fail, the order does not."""
    world.must(named(named={}))
    assert covering(world.state.table, MODEL, API, "anybody") == ["d-1"]


@pytest.mark.parametrize("count", [1, 3, 1_000])
def test_a_wrong_count_is_refused(world: World, count: int) -> None:
    value = directive_value(covers=committed(NAMES, count=count))
    assert world.refused(named(envelope=directive(value))) == "scope_unproven"


def test_everyone_is_not_named(world: World) -> None:
    assert world.refused(named(envelope=directive(directive_value()))) == "scope_unproven"


def test_a_name_is_used_once_even_when_it_was_lifted(world: World) -> None:
    world.direct("d-1")
    assert world.refused(suspension("d-1", ["org-1"])) == "name_taken"
    assert world.refused(suspension("d-1")) == "name_taken"
    world.lift("d-1")
    assert world.refused(suspension("d-1")) == "name_taken"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"models": ["gpt-7"]}, "model_unknown"),
        ({"models": [MODEL, "gpt-7"]}, "model_unknown"),
        ({"models": [MODEL.upper()]}, "model_unknown"),
        ({"surfaces": ["cloud"]}, "surface_unknown"),
        ({"surfaces": [API, "cloud"]}, "surface_unknown"),
        ({"issuer": "bis", "liftedBy": {"allOf": ["oncd"]}}, "party_unknown"),
        ({"liftedBy": {"allOf": ["oncd", "bis"]}}, "party_unknown"),
        ({"liftedBy": {"anyOf": [{"allOf": ["bis"]}, "oncd"]}}, "party_unknown"),
    ],
)
def test_what_covers_nothing_we_know_is_refused(world: World, changes: dict[str, Any], code: str) -> None:
    value = directive_value(**changes)
    assert world.refused(IssueDirective(directive(value))) == code


@pytest.mark.parametrize(
    "changes",
    [
        {"action": "restrict"},
        {"action": "restrict", "conditions": {"mfa": True}},
        {"expires": "2026-07-01"},
        {"effective": "2026-07-01T00:00:00+02:00"},
        {"drain": "P2D"},
        {"covers": {"organizations": NAMES}},
        {"covers": {"tiers": ["trusted"]}},
    ],
)
def test_what_is_signed_and_cannot_be_done_is_refused(world: World, changes: dict[str, Any]) -> None:
    with pytest.raises(BadEnvelope):
        world.do(IssueDirective(directive(directive_value(**changes))))


def test_a_directive_narrows_only_its_models_and_surfaces() -> None:
    world = World.opened(models=["a", "b"])
    world.direct("d-1", models=["a"], surfaces=[CODEX])
    assert covering(world.state.table, "a", CODEX, "o")
    assert not covering(world.state.table, "a", API, "o")
    assert not covering(world.state.table, "b", CODEX, "o")


def test_a_surface_is_one_of_the_models_named() -> None:
    world = World.opened(surfaces=[API])
    world.apply(plan_value("other", models=["b"], surfaces=[CODEX]))
    for models, surface in (([MODEL], CODEX), (["b"], API)):
        value = directive_value(models=models, surfaces=[surface])
        assert world.refused(IssueDirective(directive(value))) == "surface_unknown"
    world.direct("d-1", models=[MODEL, "b"], surfaces=[API, CODEX])


def test_what_is_granted_is_covered_though_no_plan_offers_it_any_more(world: World) -> None:
    world.admit("org-1", CODEX)
    world.apply(plan_value(models=["b"], surfaces=[API]))
    world.direct("d-1", surfaces=[CODEX])
    assert covering(world.state.table, MODEL, CODEX, "org-1")
    value = directive_value("d-2", surfaces=[API])
    assert world.refused(IssueDirective(directive(value))) == "surface_unknown"


def test_a_refusal_does_not_list_what_exists() -> None:
    world = World.opened()
    world.apply(plan_value("secret", models=["gpt-6"], surfaces=["hidden"], announced=False))
    for value in (directive_value(models=["gpt-7"]), directive_value(surfaces=["cloud"])):
        refused = world.do(IssueDirective(directive(value)))
        assert isinstance(refused, Refusal)
        assert not any(word in repr(refused) for word in ("gpt-6", "hidden", CODEX))


# Lifting


def test_the_issuer_lifts_what_it_issued(world: World) -> None:
    world.direct("d-1")
    case = world.case(world.must(OpenLift("d-1"))["case"])
    assert case.rule == Rule("allOf", ("oncd",))
    assert case.question.document == canonical.digest(BOUND)
    assert case.question.log == LOG
    assert world.say(case, "oncd")["determination"] == "approved"
    assert not covering(world.state.table, MODEL, API, "o")
    assert world.entries[-1].type == "directive.lifted"


@pytest.mark.parametrize(("agency", "signer"), [("ostp", "ostp"), (DEVELOPER, OFFICER)])
def test_nobody_else_lifts_it(world: World, agency: str, signer: str) -> None:
    world.direct("d-1")
    case = world.case(world.must(OpenLift("d-1"))["case"])
    assert world.refused(RecordPosition(position(case, agency, signer=signer))) == "not_asked"
    assert world.refused(RecordPosition(position(case, "oncd", signer=signer))) == "key_of_another_party"
    assert "d-1" in world.state.table.directives


def test_lifting_needs_all_whom_the_directive_names(world: World) -> None:
    world.direct("d-1", liftedBy={"allOf": ["oncd", "ostp"]})
    world.lift("d-1", "oncd")
    assert "d-1" in world.state.table.directives
    world.lift("d-1", "ostp")
    assert "d-1" not in world.state.table.directives


def test_an_open_lift_case_is_gone_on_with(world: World) -> None:
    world.direct("d-1")
    case = world.must(OpenLift("d-1"))["case"]
    size = world.state.size
    assert world.must(OpenLift("d-1"))["case"] == case
    assert world.state.size == size


def test_after_an_objection_lifting_may_be_asked_again(world: World) -> None:
    world.direct("d-1")
    first = world.case(world.must(OpenLift("d-1"))["case"])
    world.say(first, "oncd", "object")
    assert "d-1" in world.state.table.directives
    second = world.must(OpenLift("d-1"))["case"]
    assert second != first.id
    world.lift("d-1")
    assert "d-1" not in world.state.table.directives


def test_a_position_in_one_lift_case_is_none_in_the_next(world: World) -> None:
    world.direct("d-1", liftedBy={"allOf": ["oncd", "ostp"]})
    first = world.case(world.must(OpenLift("d-1"))["case"])
    given = position(first, "oncd")
    world.say(first, "ostp", "object")
    second = world.case(world.must(OpenLift("d-1"))["case"])
    assert world.refused(RecordPosition(given)) == "case_determined"
    replayed = approval(replace(first.question, case=second.id), "oncd")
    world.must(RecordPosition(signed(replayed.payload(), "oncd")))  # the same question
    assert second.positions.keys() == {"oncd"}


def test_lifting_one_directive_does_not_lift_another(world: World) -> None:
    world.direct("d-1")
    world.direct("d-2")
    case = world.case(world.must(OpenLift("d-1"))["case"])
    other = world.case(world.must(OpenLift("d-2"))["case"])
    forged = position(other, "oncd", question=replace(case.question, case=other.id))
    assert world.refused(RecordPosition(forged)) == "other_question"
    world.lift("d-1")
    assert world.state.table.directives.keys() == {"d-2"}
    assert covering(world.state.table, MODEL, API, "o")


@pytest.mark.parametrize("name", ["d-2", "", "x" * 200])
def test_what_is_not_there_is_not_lifted(world: World, name: str) -> None:
    world.direct("d-1")
    assert world.refused(OpenLift(name)) == "directive_unknown"


def test_what_was_lifted_is_not_lifted_again(world: World) -> None:
    world.direct("d-1")
    world.lift()
    assert world.refused(OpenLift("d-1")) == "directive_lifted"


def test_a_lift_outlives_the_plan_that_the_directive_was_about(world: World) -> None:
    world.direct("d-1")
    world.apply(plan_value(models=["gpt-5.6-mini"]))
    world.lift("d-1")
    assert world.state.table.directives == {}


# Transcribing

LETTER = {"how": "letter", "on": "2026-06-12", "digest": "sha256:" + "a" * 64}
OFFICERS = (OFFICER, OTHER_OFFICER)


def transcription(
    *signers: str, name: str = "d-1", issuer: str = "bis", replaces: Any = None, **changes: Any
) -> IssueDirective:
    """An order that came as a letter, entered by officers."""
    value = directive_value(name, issuer=issuer, **{"liftedBy": {"allOf": [issuer]}, **changes})
    value["metadata"] = {"name": name, "log": LOG, "transcribed": LETTER}
    if replaces is not None:
        value["metadata"]["replaces"] = replaces
    return IssueDirective(signed(directive_payload(value), *(signers or OFFICERS)))


def test_two_officers_transcribe_what_an_agency_without_a_key_ordered(world: World) -> None:
    world.must(transcription())
    public = world.entries[-1].public
    assert public["issuer"] == "bis"
    assert sorted(public["signers"]) == sorted(OFFICERS)
    assert public["document"]["metadata"]["transcribed"] == LETTER
    assert covering(world.state.table, MODEL, API, "anybody") == ["d-1"]
    assert not world.state.directives["d-1"].confirmed


@pytest.mark.parametrize(
    ("signers", "code"),
    [
        ((OFFICER,), "one_officer"),
        ((OFFICER, OFFICER), "one_officer"),
        ((OFFICER, "oncd"), "one_officer"),
        (("oncd", "ostp"), "key_of_another_party"),
        (("stranger",), "signature_invalid"),
    ],
)
def test_a_transcription_takes_two_officers(world: World, signers: tuple[str, ...], code: str) -> None:
    assert world.refused(transcription(*signers)) == code
    assert world.state.table.directives == {}


def test_the_developer_does_not_transcribe_itself(world: World) -> None:
    assert world.refused(transcription(issuer=DEVELOPER)) == "not_transcribed"


def test_whoever_else_lifts_a_transcription_has_a_key(world: World) -> None:
    assert world.refused(transcription(liftedBy={"allOf": ["bis", "nsc"]})) == "party_unknown"


def confirmation(world: World, name: str = "d-1", signer: str = "oncd", **changes: str) -> Confirm:
    document = world.state.directives[name].document.digest
    stated: dict[str, Any] = {"log": LOG, "directive": name, "document": document, **changes}
    return Confirm(signed(Confirmation(**stated).payload(), signer))


def test_its_issuer_confirms_a_transcription_once(world: World) -> None:
    world.must(transcription(issuer="oncd"))
    world.must(confirmation(world))
    assert world.entries[-1].type == "directive.confirmed"
    assert world.state.directives["d-1"].confirmed
    size = world.state.size
    world.must(confirmation(world))
    assert world.state.size == size


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"signer": "ostp"}, "key_of_another_party"),
        ({"signer": OFFICER}, "key_of_another_party"),
        ({"signer": "stranger"}, "signature_invalid"),
        ({"log": OTHER_LOG}, "other_log"),
        ({"directive": "d-9"}, "directive_unknown"),
        ({"document": "sha256:" + "0" * 64}, "directive_changed"),
    ],
)
def test_what_confirms_nothing(world: World, changes: dict[str, Any], code: str) -> None:
    world.must(transcription(issuer="oncd"))
    assert world.refused(confirmation(world, **changes)) == code


def test_what_its_issuer_signed_needs_no_confirmation(world: World) -> None:
    world.direct("d-1")
    assert world.refused(confirmation(world)) == "not_transcribed"


def test_a_confirmation_is_of_the_document_as_it_stands(world: World) -> None:
    world.must(transcription(issuer="oncd"))
    before = confirmation(world)
    world.must(transcription(issuer="oncd", replaces=standing(world), surfaces="all", drain="PT0S"))
    assert world.refused(before) == "directive_changed"
    world.must(confirmation(world))


def test_what_has_ended_is_not_confirmed(world: World) -> None:
    world.must(transcription(issuer="oncd"))
    confirmed = confirmation(world)
    world.lift()
    assert world.refused(confirmed) == "directive_lifted"


# The issuer's letter in a lift


def lifting(world: World, name: str = "d-1", **scope: Any) -> Any:
    return world.case(world.must(OpenLift(name, Scope.from_json(scope) if scope else None))["case"])


def letter(case: Any, agency: str, *signers: str, word: str = "approve") -> TranscribePosition:
    said = by_letter(case.question, agency, LETTER, word)
    return TranscribePosition(signed(said.payload(), *(signers or OFFICERS)))


def test_the_issuers_letter_lifts_what_was_transcribed(world: World) -> None:
    world.must(transcription())
    case = lifting(world)
    assert world.must(letter(case, "bis"))["determination"] == "approved"
    assert world.state.table.directives == {}
    recorded = [entry.public for entry in world.entries if entry.type == "position.recorded"][-1]
    assert recorded["transcribed"] == LETTER
    assert sorted(recorded["owners"]) == sorted(OFFICERS)


def test_one_officer_transcribes_no_position(world: World) -> None:
    world.must(transcription())
    case = lifting(world)
    assert world.refused(letter(case, "bis", OFFICER)) == "one_officer"
    assert world.refused(letter(case, "bis", OFFICER, OFFICER)) == "one_officer"
    assert world.refused(letter(case, "bis", "oncd", "ostp")) == "key_of_another_party"


def test_only_the_issuers_word_is_transcribed(world: World) -> None:
    world.must(transcription(liftedBy={"allOf": ["bis", "oncd"]}))
    case = lifting(world)
    assert world.refused(letter(case, "oncd")) == "not_transcribed"
    world.must(letter(case, "bis"))
    assert "d-1" in world.state.table.directives
    world.say(case, "oncd")
    assert world.state.table.directives == {}


def test_what_its_issuer_signed_is_lifted_by_its_signature_alone(world: World) -> None:
    world.direct("d-1")
    assert world.refused(letter(lifting(world), "oncd")) == "not_transcribed"


def test_what_its_issuer_confirmed_is_lifted_by_its_signature_alone(world: World) -> None:
    world.must(transcription(issuer="oncd"))
    case = lifting(world)
    world.must(confirmation(world))
    assert world.refused(letter(case, "oncd")) == "not_transcribed"
    world.say(case, "oncd")
    assert world.state.table.directives == {}


def test_no_letter_is_a_position_in_another_kind_of_case(world: World) -> None:
    case = world.submit()
    assert world.refused(letter(case, "oncd")) == "not_transcribed"


# Changing


def standing(world: World, name: str = "d-1") -> dict[str, str]:
    """What a change binds: the directive as it stands."""
    return {"directive": name, "document": world.state.directives[name].document.digest}


def change(
    world: World, *signers: str, name: str = "d-1", of: str = "d-1", document: str = "", **changes: Any
) -> IssueDirective:
    """A directive that takes the place of another."""
    value = directive_value(name, **changes)
    replaced = standing(world, of) | ({"document": document} if document else {})
    value["metadata"] = {"name": name, "log": LOG, "replaces": replaced}
    return IssueDirective(signed(directive_payload(value), *(signers or ("oncd",))))


RULE = {"allOf": ["oncd", "ostp"]}


def test_its_issuer_narrows_a_directive_alone(world: World) -> None:
    world.direct("d-1", surfaces=[API], liftedBy=RULE)
    assert not covering(world.state.table, MODEL, CODEX, "o")
    world.must(change(world, surfaces=[API, CODEX], liftedBy=RULE))
    assert covering(world.state.table, MODEL, CODEX, "o") == ["d-1"]
    assert world.entries[-1].public["replaces"] == "d-1"
    assert [each.document.spec.surfaces for each in world.state.directives["d-1"].history] == [(API,)]


def test_what_is_wider_takes_whoever_lifts_it(world: World) -> None:
    world.direct("d-1", liftedBy=RULE)
    wider: dict[str, Any] = {"surfaces": [API], "liftedBy": RULE}
    assert world.refused(change(world, "oncd", **wider)) == "not_narrower"
    assert world.refused(change(world, "oncd", OFFICER, **wider)) == "not_narrower"
    assert covering(world.state.table, MODEL, CODEX, "o") == ["d-1"]
    world.must(change(world, "oncd", "ostp", **wider))
    assert not covering(world.state.table, MODEL, CODEX, "o")


def test_nobody_else_changes_a_directive(world: World) -> None:
    world.direct("d-1")
    assert world.refused(change(world, "ostp")) == "key_of_another_party"
    theirs: dict[str, Any] = {"issuer": "ostp", "liftedBy": {"allOf": ["ostp"]}}
    assert world.refused(change(world, "ostp", name="d-2", **theirs)) == "not_narrower"
    assert world.refused(change(world, "ostp", name="d-2", issuer="ostp")) == "not_narrower"
    assert world.state.table.directives.keys() == {"d-1"}


def test_a_change_is_of_the_directive_as_it_stands(world: World) -> None:
    world.direct("d-1")
    stale = change(world, models=[MODEL])
    world.must(change(world, reasons={"form": "written"}))
    assert world.refused(stale) == "directive_changed"
    assert world.refused(change(world, document="sha256:" + "0" * 64)) == "directive_changed"


def test_a_directive_under_another_name_supersedes(world: World) -> None:
    world.direct("d-1")
    world.must(change(world, name="d-2"))
    assert world.state.table.directives.keys() == {"d-2"}
    assert world.ended("d-1") == "replaced"
    assert world.refused(OpenLift("d-1")) == "directive_replaced"
    assert world.refused(change(world, of="d-1", name="d-3")) == "directive_replaced"
    world.lift("d-2")
    assert world.state.table.directives == {}


def test_a_change_takes_a_name_of_its_own_or_the_one_it_had(world: World) -> None:
    world.direct("d-1")
    world.direct("d-2")
    assert world.refused(change(world, name="d-2", of="d-1")) == "name_taken"
    assert world.state.table.directives.keys() == {"d-1", "d-2"}


def test_a_change_restates_the_whole(world: World) -> None:
    """What was lifted in part before is over, and so are the cases about it."""
    world.direct("d-1")
    world.say(lifting(world, surfaces=[CODEX]), "oncd")
    case = lifting(world, surfaces=[API])
    assert not covering(world.state.table, MODEL, CODEX, "o")
    world.must(change(world))
    assert covering(world.state.table, MODEL, CODEX, "o") == ["d-1"]
    assert (case.outcome, case.reason_code) == ("superseded", "directive_replaced")


def test_officers_do_not_take_what_an_issuer_signed_into_their_hands(world: World) -> None:
    """A transcription in its place, word for word the same, they could lift with a letter."""
    world.direct("d-1")
    again = transcription(issuer="oncd", replaces=standing(world))
    assert world.refused(again) == "not_narrower"
    other = transcription(issuer="oncd", name="d-2", replaces=standing(world))
    assert world.refused(other) == "not_narrower"
    assert not world.state.directives["d-1"].document.is_transcribed


def test_officers_do_not_take_back_what_an_issuer_confirmed(world: World) -> None:
    world.must(transcription(issuer="oncd"))
    world.must(confirmation(world))
    assert world.refused(transcription(issuer="oncd", replaces=standing(world))) == "not_narrower"


def test_the_issuers_letter_changes_what_was_transcribed(world: World) -> None:
    world.must(transcription())
    world.must(transcription(replaces=standing(world), surfaces=[API]))
    assert not covering(world.state.table, MODEL, CODEX, "o")
    assert world.state.directives["d-1"].document.is_transcribed


def test_the_letter_of_another_agency_changes_nothing(world: World) -> None:
    world.must(transcription())
    other = transcription(name="d-2", issuer="nsc", replaces=standing(world), surfaces=[API])
    assert world.refused(other) == "not_narrower"
    assert covering(world.state.table, MODEL, CODEX, "o") == ["d-1"]


# Lifting in part

COMMITTED = {"count": 2, "commitment": opened_names(NAMES).commitment("sealed", LIFTED)}


def lift_of(organizations: Any = COMMITTED, opened: Any = None, named: Any = ("org-1",)) -> OpenLift:
    found = opened if opened is not None else opened_names(NAMES)
    scope = Scope.from_json({"organizations": organizations})
    return OpenLift("d-1", scope, found, Resolution(list(named)))


def test_a_part_is_lifted_and_the_rest_stays(world: World) -> None:
    world.direct("d-1")
    case = lifting(world, surfaces=[CODEX], models=[MODEL])
    assert case.question.scope == Scope(surfaces=(CODEX,), models=(MODEL,))
    world.say(case, "oncd")
    assert world.entries[-1].public["scope"] == {"surfaces": [CODEX], "models": [MODEL]}
    assert not covering(world.state.table, MODEL, CODEX, "o")
    assert covering(world.state.table, MODEL, API, "o") == ["d-1"]
    assert world.ended("d-1") is None
    world.say(lifting(world), "oncd")
    assert world.ended("d-1") == "lifted"


def test_organizations_are_lifted_by_commitment(world: World) -> None:
    world.direct("d-1")
    case = world.case(world.must(lift_of())["case"])
    opened = world.entries[-1]
    assert opened.sealed[LIFTED].value() == NAMES
    assert not any(name.encode() in opened.leaf for name in (*NAMES, "org-1"))
    world.say(case, "oncd")
    assert not covering(world.state.table, MODEL, API, "org-1")
    assert covering(world.state.table, MODEL, API, "org-2") == ["d-1"]


@pytest.mark.parametrize(
    "command",
    [
        OpenLift("d-1", Scope.from_json({"organizations": COMMITTED})),
        OpenLift("d-1", None, opened_names(NAMES)),
        lift_of(opened=opened_names(NAMES[::-1])),
        lift_of(organizations={**COMMITTED, "count": 3}),
        lift_of(organizations={**COMMITTED, "commitment": "a" * 64}),
    ],
    ids=["not opened", "not committed", "other names", "another count", "another commitment"],
)
def test_what_does_not_open_the_part_is_refused(world: World, command: OpenLift) -> None:
    world.direct("d-1")
    assert world.refused(command) == "scope_unproven"


@pytest.mark.parametrize(
    "scope",
    [{"models": ["gpt-7"]}, {"surfaces": [CODEX]}, {"annexes": ["annex-a"]}, {"models": [MODEL, "x"]}],
)
def test_a_part_that_is_none_of_the_directives_is_refused(world: World, scope: dict[str, Any]) -> None:
    world.direct("d-1", surfaces=[API])
    assert world.refused(OpenLift("d-1", Scope.from_json(scope))) == "scope_unknown"


def test_the_same_part_goes_on_with_its_open_case(world: World) -> None:
    world.direct("d-1")
    part = lifting(world, surfaces=[CODEX])
    whole = lifting(world)
    assert part.id != whole.id
    size = world.state.size
    assert lifting(world, surfaces=[CODEX]).id == part.id
    assert lifting(world).id == whole.id
    assert world.state.size == size


def test_the_cases_about_parts_end_with_the_whole(world: World) -> None:
    world.direct("d-1")
    part = lifting(world, surfaces=[CODEX])
    world.lift()
    assert (part.outcome, part.reason_code) == ("superseded", "directive_lifted")
    assert world.refused(RecordPosition(position(part, "oncd"))) == "case_determined"


def test_the_positions_on_a_part_are_none_on_the_whole(world: World) -> None:
    world.direct("d-1")
    part, whole = lifting(world, surfaces=[CODEX]), lifting(world)
    forged = position(whole, "oncd", question=replace(part.question, case=whole.id))
    assert world.refused(RecordPosition(forged)) == "other_question"


# Time


def test_a_directive_expires_by_itself(world: World) -> None:
    world.direct("d-1", expires=times.format_time(AT_MS + DAY_MS))
    case = lifting(world)
    world.later(1)
    assert world.types(world.state.size - 2) == ["case.determined", "directive.expired"]
    assert world.state.table.directives == {}
    assert (case.outcome, case.reason_code) == ("superseded", "directive_expired")
    assert world.ended("d-1") == "expired"
    assert world.refused(OpenLift("d-1")) == "directive_expired"
    world.later(1)
    assert world.types().count("directive.expired") == 1


@pytest.mark.parametrize("how", ["lift", "change"])
def test_what_ended_before_does_not_expire_too(world: World, how: str) -> None:
    world.direct("d-1", expires=times.format_time(AT_MS + DAY_MS))
    world.lift() if how == "lift" else world.must(change(world, name="d-2"))
    world.later(2)
    assert "directive.expired" not in world.types()


def test_what_has_expired_already_is_refused(world: World) -> None:
    for at_ms in (AT_MS, AT_MS - DAY_MS):
        value = directive_value(expires=times.format_time(at_ms), effective="2026-01-01T00:00:00.000Z")
        assert world.refused(IssueDirective(directive(value))) == "expired"


def test_a_directive_that_has_not_begun_can_be_lifted(world: World) -> None:
    world.direct("d-1", effective=times.format_time(AT_MS + DAY_MS))
    world.lift()
    assert world.state.table.directives == {}


# Drills


def drill(signer: str = OFFICER, **changes: Any) -> IssueDirective:
    issuer = DEVELOPER if signer == OFFICER else signer
    value = directive_value("drill-1", issuer=issuer, liftedBy={"allOf": [issuer]}, **changes)
    value["metadata"] = {"name": "drill-1", "drill": True}
    return IssueDirective(directive(value, signer=signer))


def test_a_drill_refuses_nobody_and_is_ended_at_once(world: World) -> None:
    key, _ = world.credential(world.admit())
    world.must(drill())
    now = Instant(AT_MS, AT_MS)
    assert isinstance(decision.decide(Ask(key, MODEL, API), world.state.table, now), Allow)
    assert world.state.table.drills.keys() == {"drill-1"}
    world.must(EndDrill("drill-1"))
    assert world.entries[-1].public == {"directive": "drill-1", "case": None}
    assert world.state.table.drills == {}
    assert world.ended("drill-1") == "lifted"
    size = world.state.size
    world.must(EndDrill("drill-1"))
    assert world.state.size == size


@pytest.mark.parametrize(
    ("stated", "signer", "code"),
    [
        ({"log": LOG, "drill": "drill-2"}, "log", "other_drill"),
        ({"log": "other", "drill": "drill-1"}, "log", "other_drill"),
        ({"log": LOG, "drill": "drill-1"}, OFFICER, "signature_invalid"),
    ],
)
def test_a_report_is_of_its_drill_and_signed_by_the_log(
    world: World, stated: dict[str, Any], signer: str, code: str
) -> None:
    world.must(drill())
    world.must(EndDrill("drill-1"))
    bound = {"drill-1": canonical.digest(stated).removeprefix("sha256:")}
    envelope = signed(dsse.statement(bound, DrillReport.TYPE, stated), signer)
    assert world.refused(ReportDrill("drill-1", envelope)) == code


def test_a_drill_is_no_directive(world: World) -> None:
    world.must(drill())
    assert world.refused(OpenLift("drill-1")) == "directive_unknown"
    assert world.refused(change(world, OFFICER, of="drill-1", name="d-2")) == "directive_unknown"
    assert world.refused(suspension("drill-1")) == "name_taken"


def test_a_directive_is_not_ended_as_a_drill(world: World) -> None:
    world.direct("d-1")
    assert world.refused(EndDrill("d-1")) == "drill_unknown"
    assert world.refused(EndDrill("d-2")) == "drill_unknown"
    assert covering(world.state.table, MODEL, API, "o") == ["d-1"]


def test_a_drill_does_not_expire(world: World) -> None:
    world.must(drill(expires=times.format_time(AT_MS + DAY_MS)))
    world.later(2)
    assert "directive.expired" not in world.types()


# Definitions


def test_a_definition_means_one_thing_for_good(world: World) -> None:
    added = AddDefinition("alien", frozenset({"other"}), "8 U.S.C. 1101(a)(3)")
    world.must(added)
    size = world.state.size
    world.must(added)
    assert world.state.size == size
    for command in (
        AddDefinition("alien", frozenset({"other", "us_protected_person"}), added.source),
        AddDefinition("alien", added.statuses, "another source"),
        AddDefinition("us-person", frozenset({"other"}), "another source"),
    ):
        assert world.refused(command) == "name_taken"


def people(statuses: list[str], source: str, name: str = "alien") -> dict[str, Any]:
    return {"persons": {"definition": name, "statuses": statuses, "source": source}}


def _part(part: str, whom: Any) -> dict[str, Any]:
    return {part: whom}


@pytest.mark.parametrize("part", ["covers", "except"])
def test_what_is_signed_means_what_the_record_says(world: World, part: str) -> None:
    world.must(AddDefinition("alien", frozenset({"other"}), "a law"))
    for wrong in (people(["us_citizen"], "a law"), people(["other"], "another law")):
        value = directive_value(**_part(part, wrong))
        assert world.refused(IssueDirective(directive(value))) == "definition_differs"
    world.must(IssueDirective(directive(directive_value(**_part(part, people(["other"], "a law"))))))


# A directive over its own issuer


def test_a_directive_over_everyone_covers_its_issuer_and_is_lifted(world: World) -> None:
    """Nothing on the control plane asks the table: no order can keep anybody from lifting it."""
    value = directive_value("d-1", issuer=DEVELOPER, liftedBy={"allOf": [DEVELOPER]})
    world.must(IssueDirective(directive(value, signer=OFFICER)))
    case = lifting(world)
    assert (
        world.must(RecordPosition(position(case, DEVELOPER, signer=OFFICER)))["determination"] == "approved"
    )
    assert world.state.table.directives == {}
