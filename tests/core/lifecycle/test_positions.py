"""A schedule of cases, a sealed reason, two signatures, a receipt, a question."""

from __future__ import annotations

from typing import Any

import pytest

from sluicegate.core.lifecycle.applications import Answer
from sluicegate.core.lifecycle.positions import RecordPosition
from sluicegate.errors import BadEnvelope
from sluicegate_record.log import canonical
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.log.leaf import Opening
from sluicegate_record.statements.cases import Schedule, ScheduledCase
from tests.worlds import LOG, PINS, Followed, World, pin, plan_value, position, receipt, signed, stage, start


@pytest.fixture
def world() -> World:
    return World.opened()


# Schedules


def schedule(agency: str, *cases: Followed, word: str = "approve", signer: str = "", **item: Any) -> Envelope:
    named = []
    for case in cases:
        previous = case.positions[agency].digest if agency in case.positions else None
        fields = {"case": case.id, "question": case.question.digest, "previous": previous, **item}
        named.append(ScheduledCase(**fields))
    said = Schedule(log=LOG, agency=agency, position=word, reason="why", cases=tuple(named))
    return signed(said.payload(), signer or agency)


def test_one_signature_says_the_same_in_several_cases(world: World) -> None:
    cases = [world.submit(f"org-{i}") for i in range(3)]
    both = {agency: schedule(agency, *cases) for agency in ("oncd", "ostp")}
    for case in cases:
        for given in both.values():
            world.must(RecordPosition(given, case=case.id))
    assert [case.outcome for case in cases] == ["approved"] * 3
    assert len({case.positions["oncd"].digest for case in cases}) == 1


def test_a_schedule_speaks_in_the_cases_it_names_and_no_other(world: World) -> None:
    named, other = world.submit(), world.submit("org-2")
    given = schedule("oncd", named)
    for case in (other.id, None, ""):
        assert world.refused(RecordPosition(given, case=case)) == "case_unknown"
    forged = schedule("oncd", other, question=named.question.digest)
    assert world.refused(RecordPosition(forged, case=other.id)) == "other_question"
    stranger = schedule("oncd", named, signer="stranger")
    assert world.refused(RecordPosition(stranger, case=named.id)) == "signature_invalid"
    assert other.positions == {}


def test_a_schedule_is_not_replayed(world: World) -> None:
    case = world.submit()
    given = schedule("oncd", case)
    world.must(RecordPosition(given, case=case.id))
    size = world.state.size
    world.must(RecordPosition(given, case=case.id))
    assert world.state.size == size
    world.all_say(case, "oncd abstain")
    assert world.refused(RecordPosition(given, case=case.id)) == "position_superseded"


def test_a_schedule_names_a_case_once_and_states_no_conditions(world: World) -> None:
    case = world.submit()
    for wrong in (
        schedule("oncd", case, case),
        schedule("oncd", case, word="approve-with-conditions"),
    ):
        with pytest.raises(BadEnvelope):
            world.do(RecordPosition(wrong, case=case.id))


# Sealed reasons


REASON = Opening(b"s" * 32, canonical.dumps("because of what we may not say"))


def test_the_reason_of_an_objection_may_be_sealed(world: World) -> None:
    case = world.submit()
    commitment = REASON.commitment("sealed", "reason")
    given = position(case, "oncd", "object", reason="", sealed=commitment)
    assert world.refused(RecordPosition(given)) == "reason_unproven"
    other = Opening(REASON.salt, canonical.dumps("another"))
    assert world.refused(RecordPosition(given, other)) == "reason_unproven"
    world.must(RecordPosition(given, REASON))
    entry = next(entry for entry in reversed(world.entries) if entry.type == "position.recorded")
    assert entry.public["sealed"] == commitment
    assert entry.sealed["reason"] == REASON
    assert b"may not say" not in entry.leaf
    assert (case.positions["oncd"].sealed, case.outcome) == (True, "denied")


def test_nothing_is_sealed_that_was_not_committed_to(world: World) -> None:
    case = world.submit()
    assert world.refused(RecordPosition(position(case, "oncd", "object"), REASON)) == "reason_unproven"


# Two signatures


def countersigned() -> World:
    world = World(started=False)
    world.must(start(pins=[*PINS, pin("oncd-2", "oncd")]))
    both = {"mode": "approve", "grant": {"allOf": ["oncd", "ostp"]}, "countersign": ["oncd"]}
    world.apply(plan_value(stages=[stage(admission=both)]))
    world.agree()
    world.open()
    return world


@pytest.mark.parametrize("signers", [("oncd",), ("oncd", "oncd"), ("oncd", "ostp"), ("oncd-2", "stranger")])
def test_where_two_must_sign_one_is_not_enough(signers: tuple[str, ...]) -> None:
    world = countersigned()
    case = world.submit()
    given = signed(position(case, "oncd").payload, *signers)
    assert world.refused(RecordPosition(given)) == "countersignature_missing"


def test_where_two_must_sign_two_are_named() -> None:
    world = countersigned()
    case = world.submit()
    world.must(RecordPosition(signed(position(case, "oncd").payload, "oncd", "oncd-2")))
    world.say(case, "ostp")
    assert case.positions["oncd"].owners == ("oncd", "oncd-2")
    assert case.outcome == "approved"


# Receipts and questions


@pytest.mark.parametrize(
    ("signer", "code"), [("ostp", "key_of_another_party"), ("stranger", "signature_invalid")]
)
def test_a_receipt_is_signed_by_the_agency(world: World, signer: str, code: str) -> None:
    case = world.submit()
    assert world.refused(receipt(case, "oncd", signer=signer)) == code
    assert world.refused(receipt(case, "caisi")) == "not_asked"
    assert case.state == "submitted"
    world.must(receipt(case, "oncd"))
    assert case.state == "in_review"


def test_a_question_is_answered_by_the_applicant_and_only_while_it_is_open(world: World) -> None:
    case = world.submit()
    assert world.refused(Answer(case.id, "", "so")) == "nothing_asked"
    world.all_say(case, "oncd ask", "ostp ask")
    assert world.refused(Answer(case.id, "", "so")) == "nothing_asked"  # whose?
    world.must(Answer(case.id, "oncd", "so"))
    assert world.refused(Answer(case.id, "oncd", "so")) == "nothing_asked"
    world.must(Answer(case.id, "", "so"))
    assert case.awaiting == ["oncd", "ostp"]
    assert b'"so"' not in b"".join(entry.leaf for entry in world.entries)


def test_where_there_is_no_applicant_nobody_is_asked() -> None:
    world = World()
    world.apply(plan_value())
    (terms,) = world.cases()
    given = position(terms, "oncd", "ask", reason="why")
    assert world.refused(RecordPosition(given)) == "nobody_to_ask"
