"""Positions and what officers sign beside them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sluicegate_record.directives.received import Arrival
from sluicegate_record.errors import BadEnvelope
from sluicegate_record.form import Misread
from sluicegate_record.log import dsse
from sluicegate_record.statements.cases import (
    SCHEDULE_MAX,
    Position,
    Proceeding,
    Schedule,
    ScheduledCase,
    Screening,
    Transcription,
    Word,
    check_conditions,
)
from sluicegate_record.statements.question import Question
from sluicegate_record.statements.statement import Statement
from tests.worlds import LOG, approval, by_letter, signed

QUESTION = Question(log=LOG, case="case_1", kind="admission", terms="sha256:00", party="ab")
SAID = approval(QUESTION, "oncd")
SEALED, DIGEST = "a" * 64, "sha256:" + "a" * 64
CASE = ScheduledCase(case="case_1", question=DIGEST, previous=None)
SCHEDULE = Schedule(log=LOG, agency="oncd", position="approve", reason="why", cases=(CASE,))
SCREENING = Screening(
    question=QUESTION, list="a", version="1", decision="clear", reason="looked", candidates=SEALED
)
INVISIBLE = ["a\x1b[2J", "a\u202eb", "a\u200bb", "a\u2028b", "a\u2029b", "a\nb"]


def read_again(said: Statement) -> Statement:
    return type(said).read(signed(said.payload(), "oncd"))


@pytest.mark.parametrize("word", ["Approve", "yes", "", "approve-with-conditions", "ask", "object"])
def test_what_is_no_position(word: str) -> None:
    with pytest.raises(BadEnvelope):
        read_again(replace(SAID, position=word))


@pytest.mark.parametrize("reason", ["", " ", "\n\t"])
@pytest.mark.parametrize("word", ["object", "ask", "recuse"])
def test_an_objection_a_question_and_a_recusal_say_why(word: str, reason: str) -> None:
    objection = replace(SAID, position=word, reason=reason)
    with pytest.raises(BadEnvelope, match="reason"):
        read_again(objection)
    said = replace(objection, reason="why")
    assert read_again(said) == said


def test_the_reason_of_an_objection_may_be_sealed_and_that_of_a_question_not() -> None:
    sealed = replace(SAID, position="object", sealed=SEALED)
    assert read_again(sealed) == sealed
    malformed: list[Any] = ["", "a" * 63, "A" * 64, "a" * 64 + "\n", 5, []]
    for wrong in malformed:
        with pytest.raises(BadEnvelope):
            read_again(replace(sealed, sealed=wrong))
    with pytest.raises(BadEnvelope, match="cannot be sealed"):
        read_again(replace(sealed, position="ask", reason="why"))


def test_conditions_go_with_the_position_that_states_them_and_no_other() -> None:
    stated = replace(SAID, position="approve-with-conditions", conditions={"requestsPerMinute": 5})
    assert read_again(stated) == stated
    for conditions in (None, {}, {"requestsPerMinute": 0}):
        with pytest.raises(BadEnvelope):
            read_again(replace(stated, conditions=conditions))
    for other in (b"[]", b"null", b'""', b"5"):
        payload = stated.payload().replace(b'{"requestsPerMinute":5}', other)
        with pytest.raises(BadEnvelope):
            Position.read(signed(payload, "oncd"))
    with pytest.raises(BadEnvelope, match="only with it"):
        read_again(replace(stated, position="approve"))


@pytest.mark.parametrize(
    "conditions",
    [
        {"requestsPerMinute": 1},
        {"requestsPerMinute": 10_000_000},
        {"validFor": "P30D", "requestsPerMinute": 5},
        {"validFor": "PT12H30M"},
        {"retentionDays": {"value": 30, "declared": True}},
        {"region": {"value": "US", "declared": True}, "zdr": {"value": False, "declared": True}},
    ],
    ids=str,
)
def test_conditions_that_a_grant_can_have(conditions: dict[str, Any]) -> None:
    check_conditions(conditions)


@pytest.mark.parametrize(
    "conditions",
    [
        {"requestsPerMinute": 0},
        {"requestsPerMinute": 10_000_001},
        {"requestsPerMinute": "5"},
        {"requestsPerMinute": True},
        {"requestsPerMinute": None},
        {"validFor": "P1M"},
        {"validFor": "P0D"},
        {"validFor": ""},
        {"validFor": 5},
        {"validFor": "P30D\n"},
        {"retentionDays": 30},
        {"retentionDays": {"value": 30}},
        {"retentionDays": {"value": 30, "declared": False}},
        {"retentionDays": {"value": 30, "declared": 1}},
        {"retentionDays": {"value": None, "declared": True}},
        {"retentionDays": {"value": [], "declared": True}},
        {"retentionDays": {"value": 30, "declared": True, "more": 1}},
        {"requestsPerMinute": 5, "retentionDays": "long"},
    ],
    ids=str,
)
def test_conditions_that_no_grant_can_have(conditions: dict[str, Any]) -> None:
    with pytest.raises(BadEnvelope, match="conditions that no grant can have, expected those of the plan"):
        check_conditions(conditions)


def test_conditions_say_something() -> None:
    with pytest.raises(BadEnvelope, match="conditions that say nothing, expected at least one"):
        check_conditions({})


@pytest.mark.parametrize("reason", [*INVISIBLE, "x" * 2_001])
def test_a_reason_is_short_and_shown_as_it_stands(reason: str) -> None:
    for said in (replace(SAID, reason=reason), replace(SCHEDULE, reason=reason)):
        with pytest.raises(BadEnvelope, match="a reason: text of at most 2000 characters"):
            read_again(said)
    longest = replace(SAID, reason="\u00f8" * 2_000)
    assert read_again(longest) == longest


def test_a_schedule_says_the_same_in_each_of_its_cases() -> None:
    other = ScheduledCase(case="case_2", question="sha256:" + "b" * 64, previous=DIGEST)
    said = replace(SCHEDULE, cases=(CASE, other))
    assert read_again(said) == said
    assert said.word("case_1") == Word("case_1", DIGEST, "oncd", "approve", "why", None)
    assert said.word("case_2") == Word("case_2", other.question, "oncd", "approve", "why", DIGEST)
    assert said.word("case_3") is said.word(None) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"position": "approve-with-conditions"},
        {"position": "yes"},
        {"position": "object", "reason": ""},
        {"cases": ()},
        {"cases": (CASE, CASE)},
        {"cases": (CASE, replace(CASE, question="sha256:" + "b" * 64))},
        {"cases": (replace(CASE, question="sha256:b"),)},
        {"cases": tuple(replace(CASE, case=f"case_{i}") for i in range(SCHEDULE_MAX + 1))},
    ],
    ids=str,
)
def test_what_is_no_schedule(changes: dict[str, Any]) -> None:
    said = replace(SCHEDULE, **changes)
    subjects = {each.case: each.question.removeprefix("sha256:").ljust(64, "0") for each in said.cases}
    payload = dsse.statement(subjects or {"case_1": "a" * 64}, Schedule.TYPE, said.to_json())
    with pytest.raises(BadEnvelope):
        Schedule.read(signed(payload, "oncd"))


@pytest.mark.parametrize(
    "changes",
    [
        {"decision": "Clear"},
        {"decision": ""},
        {"candidates": "a" * 63},
        {"candidates": "A" * 64},
        {"reason": ""},
        {"reason": " "},
        {"list": ""},
        {"version": "1" * 101},
        {"version": "1\n"},
    ],
    ids=str,
)
def test_what_is_no_screening(changes: dict[str, Any]) -> None:
    with pytest.raises(BadEnvelope):
        read_again(replace(SCREENING, **changes))


@pytest.mark.parametrize("reason", ["", " ", *INVISIBLE, "x" * 2_001])
def test_officers_who_proceed_say_why(reason: str) -> None:
    with pytest.raises(BadEnvelope, match="the reason for proceeding"):
        read_again(Proceeding(question=QUESTION, reason=reason))


LETTER = {"how": "letter", "on": "2026-06-12", "digest": DIGEST}


@pytest.mark.parametrize("word", ["abstain", "ask", "approve-with-conditions", ""])
def test_only_a_yes_or_a_no_is_transcribed(word: str) -> None:
    with pytest.raises(BadEnvelope, match="an approval or an objection"):
        read_again(by_letter(QUESTION, "bis", LETTER, word))


def test_a_position_and_a_transcription_of_it_say_the_same() -> None:
    for word in ("approve", "object"):
        said = by_letter(QUESTION, "bis", LETTER, word)
        assert read_again(said) == said
        assert said.word == replace(SAID, agency="bis", position=word).word
        assert said.word == Word("case_1", QUESTION.digest, "bis", word, "", None)


@pytest.mark.parametrize(
    "received",
    [
        {},
        {"how": "letter", "on": "2026-06-12"},
        {**LETTER, "how": "rumour"},
        {**LETTER, "on": "12 June"},
        {**LETTER, "on": "2026-06-12\n"},
        {**LETTER, "on": "\u0662026-06-12"},
        {**LETTER, "digest": "sha256:a"},
        {**LETTER, "digest": 5},
        {**LETTER, "note": ""},
        {**LETTER, "note": "x" * 501},
        {**LETTER, "note": "a\u202eb"},
        {**LETTER, "more": 1},
        {"how": "call", "on": "2026-06-12", "digest": None},
        "by letter",
    ],
    ids=str,
)
def test_how_an_order_came_is_told_whole(received: Any) -> None:
    with pytest.raises(Misread):
        Arrival.from_json(received)


def test_a_left_out_field_is_left_out() -> None:
    """A null would be a second spelling of the same words."""
    said = Transcription.from_json({**by_letter(QUESTION, "bis", LETTER).to_json(), "received": LETTER})
    payload = said.payload().replace(b'"on":', b'"note":null,"on":')
    with pytest.raises(BadEnvelope, match="canonical form"):
        Transcription.read(signed(payload, "oncd"))
    payload = SAID.payload().replace(b'"position":"', b'"conditions":null,"position":"')
    with pytest.raises(BadEnvelope, match="canonical form"):
        Position.read(signed(payload, "oncd"))
