"""Signing at the desk: nothing is signed that a check refuses, and no signature is lost."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from sluicegate.acts import applications
from sluicegate.acts.review import ExportedCase
from sluicegate.desk import reading, statements, steps
from sluicegate.desk.casepage import case_page
from sluicegate.desk.checking import ReadCase
from sluicegate.desk.following import Following
from sluicegate.errors import (
    CommandRefused,
    InvalidInput,
    Overloaded,
    SluicegateError,
    Unauthorized,
    Unreachable,
)
from sluicegate.ports import PreparedStatement
from sluicegate_record.form import replace
from sluicegate_record.log import times
from sluicegate_record.statements.cases import Referral
from sluicegate_record.terms.rule import Rule
from tests import worlds
from tests.desk.conftest import Desk
from tests.desk.reviewer import Reviewer, signed_with
from tests.plane import yes


@pytest.fixture(autouse=True)
def _signed_when_the_log_is(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLUICEGATE_SIGNED_AT", times.format_time(int(desk.plane.wall())))


@pytest.fixture
def case(desk: Desk) -> str:
    return desk.asked()


@pytest.fixture
def anna(desk: Desk, case: str, tmp_path: Path) -> Reviewer:
    return Reviewer(desk, tmp_path / "desk")


def _lies(desk: Desk, case: str) -> None:
    """The instance shows another rule, and the desk asks it again."""
    desk.counterpart.shown = lambda shown: replace(shown, rule=Rule("anyOf", ("ostp",)))
    desk.following._read.clear()


def _forks(desk: Desk, case: str) -> None:
    note = desk.plane.ledger.checkpoint().encode()
    desk.plane.submit("rival", "Example Rival")
    desk.following.follow()
    desk.counterpart.served = lambda path, data: note if path == "checkpoint" else data
    desk.following.follow()


def _goes_on(desk: Desk, case: str) -> None:
    """Another agency speaks, so that the statement is outdated."""
    desk.plane.say(case, "oncd", "object")
    desk.following.follow()


def test_a_statement_that_is_signed_is_on_the_record(desk: Desk, anna: Reviewer, case: str) -> None:
    found = anna.prepared(case)
    assert "Sign with your passkey" in anna.text(steps._statement, id=found.id)
    assert anna.at(steps._sign, {"answer": [anna.answer(found)]}, id=found.id).status_code == 303
    assert desk.following.record.cases[case].positions["ostp"].position == "approve"
    assert anna.site.preparations.get(found.id) is None


@pytest.mark.parametrize("fault", [_lies, _forks, _goes_on])
def test_what_a_check_refuses_gets_no_signature_and_no_file(
    desk: Desk, anna: Reviewer, case: str, fault: object
) -> None:
    found = anna.prepared(case)
    assert callable(fault)
    fault(desk, case)
    anna.text(steps._sign, {"answer": [anna.answer(found)]}, id=found.id)
    kept = anna.site.preparations.get(found.id)
    assert kept is not None
    assert kept.signatures == ()
    assert "Sign with your passkey" not in anna.text(steps._statement, id=found.id)
    assert "no one has signed it" in anna.text(steps._file, id=found.id)


REFUSALS = (
    CommandRefused("no such case", code="case_unknown"),
    Unauthorized("an unknown token"),
    InvalidInput("not a case"),
    Overloaded("too much is asked"),
    Unreachable("no answer"),
)


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda each: type(each).__name__)
def test_an_instance_that_refuses_to_show_a_case_stops_a_yes_and_no_objection(
    desk: Desk, anna: Reviewer, case: str, refusal: SluicegateError
) -> None:
    def refuses(_: ExportedCase) -> ExportedCase:
        raise refusal

    desk.counterpart.shown = refuses
    desk.plane.say(case, "oncd")
    desk.following.follow()
    with pytest.raises(CommandRefused, match="no yes is signed"):
        anna.prepared(case)
    found = anna.prepared(case, "object", "we may not see it")
    assert anna.at(steps._sign, {"answer": [anna.answer(found)]}, id=found.id).status_code == 303
    assert desk.following.record.cases[case].positions["ostp"].position == "object"


def test_a_refusal_to_show_a_case_is_not_remembered(desk: Desk, anna: Reviewer, case: str) -> None:
    def refuses(_: ExportedCase) -> ExportedCase:
        raise REFUSALS[0]

    desk.counterpart.shown = refuses
    desk.following._read.clear()
    desk.following.follow()
    desk.counterpart.shown = lambda shown: shown
    found = anna.prepared(case)
    assert "Sign with your passkey" in anna.text(steps._statement, id=found.id)


def test_no_page_asks_the_instance(desk: Desk, anna: Reviewer, case: str) -> None:
    found = anna.prepared(case)
    desk.plane.say(case, "oncd", "approve")
    desk.following.follow()
    desk.following._read.clear()

    def slow(_: ExportedCase) -> ExportedCase:
        raise AssertionError("a page waits for the instance")

    desk.counterpart.shown = slow
    assert "has not shown it yet" in anna.text(reading._case, instance="openai", case=case)
    anna.at(steps._step, word="object", instance="openai", case=case)
    anna.at(steps._statements)
    anna.at(steps._statement, id=found.id)
    desk.counterpart.shown = lambda shown: shown
    desk.following.follow()
    assert "has not shown it yet" not in anna.text(reading._case, instance="openai", case=case)


def test_a_signature_that_comes_for_a_statement_that_was_taken_back_brings_it_not_back(
    desk: Desk, anna: Reviewer, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, check = anna.prepared(case), statements.check

    def meanwhile(following: Following, stated: PreparedStatement, reads: Iterable[ReadCase]) -> None:
        check(following, stated, reads)
        anna.site.preparations.forget(stated.id)

    monkeypatch.setattr(statements, "check", meanwhile)
    assert "no such statement waits here" in anna.text(
        steps._sign, {"answer": [anna.answer(found)]}, id=found.id
    )
    assert anna.site.preparations.get(found.id) is None


def test_who_signed_in_the_appealed_case_signs_nothing_in_the_appeal(desk: Desk, tmp_path: Path) -> None:
    desk.following.follow()
    anna = Reviewer(desk, tmp_path / "desk")
    rules = {"decide": {"allOf": ["ostp"]}, "within": "P2D"}
    both = {"mode": "approve", "grant": {"allOf": ["oncd", "ostp"]}, "appeal": rules}
    desk.plane.opened(worlds.plan_value(stages=[worlds.stage(admission=both)]))
    case = desk.plane.submit().application
    desk.following.follow()
    found = anna.prepared(case, "object", "no")
    assert anna.at(steps._sign, {"answer": [anna.answer(found)]}, id=found.id).status_code == 303
    appeal = yes(desk.plane.do("applicant", applications.APPEAL, case=case, text="It is wrong.")).case
    desk.following.follow()
    found = anna.prepared(appeal)
    assert "Sign with your passkey" not in anna.text(steps._statement, id=found.id)
    anna.text(steps._sign, {"answer": [anna.answer(found)]}, id=found.id)
    signed = signed_with(found, anna.passkey.public, anna.answer(found))
    with desk.following.lock:
        assert statements.lacking(desk.following, signed) == "1 owner of ostp must sign it still"
    desk.plane.say(appeal, "ostp")
    assert desk.plane.case(appeal).outcome == "approved"


def test_a_referral_is_offered_where_the_terms_let_it_be_made(desk: Desk) -> None:
    """Not a referral of a referral, where these allow one in a row."""
    for depth, expected in ((1, ()), (2, ("caisi",))):
        given = {"from": ["oncd", "ostp"], "to": ["ostp", "caisi"], "binding": True, "depth": depth}
        one = {"mode": "approve", "grant": {"allOf": ["oncd"]}}
        value = worlds.plan_value(stages=[worlds.stage(admission=one)], referrals=given)
        desk.plane.opened(value)
        case = desk.plane.submit(name=f"Example {depth}").application
        question = desk.plane.case(case).question
        said = Referral(question=question, agency="oncd", to="ostp", reason="they know it", said=None)
        desk.plane.carry(worlds.signed(said.payload(), "oncd"), "oncd")
        desk.following.follow()
        read = desk.following.read(case)
        assert read is not None
        assert case_page(desk.following, read, None, desk.plane.wall()).refers_to == expected
