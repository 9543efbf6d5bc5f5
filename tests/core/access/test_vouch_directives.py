"""Lies about directives: none of them lets anybody through at a gateway that checks signatures."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sluicegate.core.access.decision import Allow
from sluicegate.core.access.refusals import Deny
from sluicegate.core.access.table import Table
from sluicegate.core.access.vouch import VouchedTable
from sluicegate.core.directives.cover import Resolution
from sluicegate.core.lifecycle.directives import LIFTED, Confirm, IssueDirective, OpenLift
from sluicegate.core.lifecycle.positions import RecordPosition
from sluicegate_record.directives.scope import CommittedNames, Scope
from sluicegate_record.log import canonical, times
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.statements.directives import Confirmation, DirectiveStatement
from tests.core.access.test_vouch import asked, folded, honest, trust
from tests.core.access.test_vouch_attacks import Liar
from tests.core.lifecycle.test_directives import (
    LETTER,
    change,
    confirmation,
    letter,
    lifting,
    standing,
    transcription,
)
from tests.worlds import (
    API,
    CODEX,
    DAY_MS,
    LOG,
    OFFICER,
    OTHER_OFFICER,
    World,
    by_letter,
    directive_payload,
    directive_value,
    opened_names,
    position,
    signed,
)

RULE = {"allOf": ["oncd", "ostp"]}


def check_honest(world: World, answer: type[Allow | Deny], **findings: int) -> None:
    """A gateway that checks answers as one that believes, and finds nothing wrong but what is expected."""
    table = VouchedTable(trust())
    at_ms = world.now_ms + 1_000
    vouched = asked(folded(world.entries, table), at_ms=at_ms)
    assert vouched == asked(folded(world.entries, Table()), at_ms=at_ms)
    assert isinstance(vouched, answer)
    assert table.findings == findings


def issued_as(command: IssueDirective, **changes: Any) -> dict[str, Any]:
    """The public part of an entry that a control plane writes about a signed directive."""
    document = DirectiveStatement.read(command.envelope).document
    replaced = document["metadata"].get("replaces")
    return {
        "directive": document["metadata"]["name"],
        "issuer": document["spec"]["issuer"],
        "document": document,
        "envelope": command.envelope.to_json(),
        **({"replaces": replaced["directive"]} if replaced else {}),
        **changes,
    }


# What is honest


def test_a_directive_changed_by_those_who_may_is_changed() -> None:
    world = honest()
    world.direct("d-1", liftedBy=RULE)
    check_honest(world, Deny)
    world.must(change(world, "oncd", drain="PT0S", liftedBy=RULE))
    check_honest(world, Deny)
    world.must(change(world, "oncd", "ostp", surfaces=[CODEX], liftedBy=RULE))
    check_honest(world, Allow)


def test_a_transcription_is_replaced_by_one_no_wider_without_those_who_lift_it() -> None:
    world = honest()
    lifted_by = {"allOf": ["bis", "ostp"]}
    world.must(transcription(liftedBy=lifted_by))
    world.must(transcription(liftedBy=lifted_by, replaces=standing(world)))
    check_honest(world, Deny)


def test_a_directive_lifted_in_part_is_lifted_in_that_part() -> None:
    world = honest()
    world.direct("d-1")
    world.say(lifting(world, surfaces=[CODEX]), "oncd")
    check_honest(world, Deny)
    world.say(lifting(world, surfaces=[API]), "oncd")
    check_honest(world, Allow)


def test_a_transcription_is_lifted_by_its_issuers_letter() -> None:
    world = honest()
    world.must(transcription())
    check_honest(world, Deny)
    world.must(letter(lifting(world), "bis"))
    check_honest(world, Allow)


def test_a_confirmed_transcription_is_lifted_by_its_issuer() -> None:
    world = honest()
    world.must(transcription(issuer="oncd"))
    world.must(confirmation(world))
    world.lift()
    check_honest(world, Allow)


def test_a_directive_expires_when_its_time_has_come() -> None:
    world = honest()
    world.direct("d-1", expires=times.format_time(world.now_ms + DAY_MS))
    check_honest(world, Deny)
    world.later(1)
    check_honest(world, Allow)


# A directive said to take the place of another


def wider(world: World, *signers: str, **changes: Any) -> IssueDirective:
    return change(world, *(signers or ("oncd",)), surfaces=[CODEX], liftedBy=RULE, **changes)


@pytest.mark.parametrize("name", ["d-1", "d-2"])
@pytest.mark.parametrize(
    "signers", [("oncd",), ("oncd", OFFICER), ("oncd", "stranger"), (OFFICER,), ("stranger",)]
)
def test_a_wider_one_without_whom_its_rule_names(name: str, signers: tuple[str, ...]) -> None:
    world = honest()
    world.direct("d-1", liftedBy=RULE)
    liar = Liar(world)
    liar.write("directive.issued", issued_as(wider(world, *signers, name=name)))
    liar.refused()


def test_a_wider_one_signed_for_another_document() -> None:
    world = honest()
    world.direct("d-1", liftedBy=RULE)
    stale = wider(world, "oncd", "ostp")
    world.must(change(world, "oncd", reasons={"form": "written"}, liftedBy=RULE))
    liar = Liar(world)
    liar.write("directive.issued", issued_as(stale))
    liar.refused()


def test_one_that_its_issuer_did_not_sign_to_replace_anything() -> None:
    world = honest()
    world.direct("d-1")
    value = directive_value("d-2", surfaces=[CODEX])
    value["metadata"]["log"] = LOG
    alone = IssueDirective(signed(directive_payload(value), "oncd"))
    liar = Liar(world)
    liar.write("directive.issued", issued_as(alone, replaces="d-1"))
    liar.refused()


def test_one_of_another_issuer() -> None:
    world = honest()
    world.direct("d-1")
    liar = Liar(world)
    theirs: dict[str, Any] = {"issuer": "ostp", "liftedBy": {"allOf": ["ostp"]}, "surfaces": [CODEX]}
    liar.write("directive.issued", issued_as(change(world, "ostp", name="d-2", **theirs)))
    liar.refused()


def test_one_over_whom_the_control_plane_says_a_narrower_one_says() -> None:
    """The document that was signed is narrower; what the entry says is not what was signed."""
    world = honest()
    world.direct("d-1")
    liar = Liar(world)
    narrower = issued_as(change(world, "oncd"))
    narrower["document"]["spec"]["surfaces"] = [CODEX]
    liar.write("directive.issued", narrower)
    liar.refused()


def test_a_drill_in_its_place() -> None:
    """Nobody signed it, and its specification is the same; ended as a drill it lifts nothing."""
    world = honest()
    world.direct("d-1")
    liar = Liar(world)
    drill = issued_as(change(world, "stranger"))
    drill["document"]["metadata"]["drill"] = True
    liar.write("directive.issued", drill)
    liar.write("directive.lifted", {"directive": "d-1", "case": None})
    liar.write("directive.lifted", {"directive": "d-1", "case": None})
    liar.refused()


def transcribed_position(case: Any, agency: str, *signers: str) -> Envelope:
    return signed(by_letter(case.question, agency, LETTER).payload(), *signers)


def lifted_by_letter(liar: Liar, case: Any, agency: str, *signers: str) -> None:
    """A letter, and the lift that is said to follow."""
    envelope = transcribed_position(case, agency, *(signers or (OFFICER, OTHER_OFFICER)))
    public = {"case": case.id, "agency": agency, "envelope": envelope.to_json(), "transcribed": LETTER}
    liar.write("position.recorded", public)
    scope = {"scope": case.question.scope.to_json()} if case.question.scope else {}
    liar.write("directive.lifted", {"directive": "d-1", "case": case.id, **scope})


def test_a_transcription_in_place_of_what_its_issuer_signed() -> None:
    """Word for word the same, so that a letter, which officers write, would lift it."""
    world = honest()
    world.direct("d-1")
    liar = Liar(world)
    again = issued_as(transcription(issuer="oncd", replaces=standing(world)))
    document = canonical.digest(again["document"])
    question = replace(lifting(world).question, case="case_lie", document=document)
    liar.write("directive.issued", again)
    opened = {
        "case": "case_lie",
        "kind": "lift",
        "directive": "d-1",
        "question": question.to_json(),
        "rule": {"allOf": ["oncd"]},
    }
    liar.write("case.opened", opened)
    said = by_letter(question, "oncd", LETTER)
    envelope = signed(said.payload(), OFFICER, OTHER_OFFICER)
    liar.write("position.recorded", {"case": "case_lie", "agency": "oncd", "envelope": envelope.to_json()})
    liar.write("directive.lifted", {"directive": "d-1", "case": "case_lie"})
    liar.refused()


def test_the_letter_of_another_agency_in_place_of_a_transcription() -> None:
    world = honest()
    world.must(transcription())
    liar = Liar(world)
    other = transcription(name="d-2", issuer="nsc", replaces=standing(world), surfaces=[CODEX])
    liar.write("directive.issued", issued_as(other))
    liar.refused()


# Lifts


@pytest.mark.parametrize(
    "scope", [None, {}, {"surfaces": [API]}, {"surfaces": [API, CODEX]}, {"models": ["gpt-5.6"]}]
)
def test_a_part_that_was_signed_lifted_as_another(scope: dict[str, Any] | None) -> None:
    world = honest()
    world.direct("d-1")
    case = lifting(world, surfaces=[CODEX])
    world.say(case, "oncd")
    liar = Liar(world)
    stated = {"scope": scope} if scope is not None else {}
    liar.write("directive.lifted", {"directive": "d-1", "case": case.id, **stated})
    if scope == {}:
        liar.write("directive.lifted", {"directive": "d-1", "case": case.id, "scope": {"surfaces": [API]}})
    liar.refused()


def test_another_directive_lifted_with_a_case() -> None:
    world = honest()
    world.direct("d-1")
    world.direct("d-2", surfaces=[CODEX])
    case = lifting(world, "d-2")
    world.say(case, "oncd")
    liar = Liar(world)
    liar.write("directive.lifted", {"directive": "d-1", "case": case.id})
    liar.refused()


def test_a_directive_as_it_was_before_lifted_as_it_stands() -> None:
    world = honest()
    world.direct("d-1")
    case = lifting(world)
    approval = position(case, "oncd")
    world.must(change(world, "oncd", reasons={"form": "written"}))
    liar = Liar(world)
    liar.write("position.recorded", {"case": case.id, "agency": "oncd", "envelope": approval.to_json()})
    liar.write("directive.lifted", {"directive": "d-1", "case": case.id})
    liar.refused()


@pytest.mark.parametrize(
    "signers", [(OFFICER,), (OFFICER, OFFICER), (OFFICER, "oncd"), ("oncd", "ostp"), ("stranger",)]
)
def test_a_letter_that_two_officers_did_not_sign(signers: tuple[str, ...]) -> None:
    world = honest()
    world.must(transcription())
    case = lifting(world)
    liar = Liar(world)
    lifted_by_letter(liar, case, "bis", *signers)
    liar.refused()


def test_a_letter_after_its_issuer_has_confirmed() -> None:
    world = honest()
    world.must(transcription(issuer="oncd"))
    case = lifting(world)
    world.must(confirmation(world))
    liar = Liar(world)
    lifted_by_letter(liar, case, "oncd")
    liar.refused()


def test_a_letter_about_what_its_issuer_signed() -> None:
    world = honest()
    world.direct("d-1")
    case = lifting(world)
    liar = Liar(world)
    lifted_by_letter(liar, case, "oncd")
    liar.refused()


def test_a_letter_of_another_than_the_issuer() -> None:
    world = honest()
    world.must(transcription(liftedBy={"allOf": ["oncd"]}))
    case = lifting(world)
    liar = Liar(world)
    lifted_by_letter(liar, case, "oncd")
    liar.refused()


def test_a_letter_in_a_case_that_is_no_lift() -> None:
    """An admission by letters: nobody is admitted."""
    world = World.opened()
    case = world.submit()
    for agency in ("oncd", "ostp"):
        envelope = transcribed_position(case, agency, OFFICER, OTHER_OFFICER)
        public = {"case": case.id, "agency": agency, "owner": OFFICER, "position": "approve", "reason": ""}
        stated = {"digest": agency, "envelope": envelope.to_json()}
        world.write("position.recorded", {**public, **stated})
    table = VouchedTable(trust())
    folded(world.entries, table)
    assert table.findings["position.recorded"] == 2
    assert not table.record.cases[case.id].positions


def test_what_a_stranger_confirms_is_not_confirmed() -> None:
    """Else whoever writes the log could keep an order from ever being lifted by its issuer's letter."""
    world = honest()
    world.must(transcription())
    document = world.state.directives["d-1"].document.digest
    for signer in ("stranger", "oncd", OFFICER):
        forged = Confirm(signed(Confirmation(log=LOG, directive="d-1", document=document).payload(), signer))
        public = {
            "directive": "d-1",
            "owner": "bis",
            "document": document,
            "envelope": forged.envelope.to_json(),
        }
        world.write("directive.confirmed", public)
    world.state.record.put(replace(world.state.directives["d-1"], confirmed=False))
    world.must(letter(lifting(world), "bis"))
    check_honest(world, Allow, **{"directive.confirmed": 3})


def test_an_expiry_before_its_time_or_of_what_never_expires() -> None:
    for expires in (None, times.format_time(honest().now_ms + DAY_MS)):
        world = honest()
        world.direct("d-1", expires=expires)
        liar = Liar(world)
        liar.write("directive.expired", {"directive": "d-1"})
        liar.refused()
        table = VouchedTable(trust())
        folded(liar.entries, table)
        assert table.findings == {"directive.expired": 1}


def test_whom_the_names_of_a_lifted_part_mean_is_the_control_planes_word() -> None:
    """Not detectable here: a commitment is signed, and what opens it stays with the control plane."""
    world = honest()
    world.direct("d-1")
    names = ["Example Utility"]
    commitment = opened_names(names).commitment("sealed", LIFTED)
    scope = Scope(organizations=CommittedNames(count=1, commitment=commitment))
    opened = world.must(OpenLift("d-1", scope, opened_names(names), Resolution(["org-1"])))
    world.must(RecordPosition(position(world.case(opened["case"]), "oncd")))
    check_honest(world, Allow)
