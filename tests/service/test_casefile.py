"""What a case says that its reader can do: as the rules would accept it."""

from __future__ import annotations

import pytest

from sluicegate.acts import applications, cases
from sluicegate.core.lifecycle import Refusal
from sluicegate.pages import applicant
from sluicegate_record.statements.cases import Referral
from tests import worlds
from tests.core.lifecycle.test_referrals import AGENCIES, GIVEN, ONE
from tests.plane import Plane, filled, yes
from tests.worlds import plan_value, signed, stage


def may(plane: Plane, case: str, who: str = "developer") -> set[str]:
    return set(yes(plane.do(who, cases.SHOW, case=case)).may)


@pytest.mark.parametrize(("kind", "proceeds"), [("voluntary", True), ("agreed", False), ("order", False)])
def test_staff_may_proceed_where_the_basis_is_advice(kind: str, proceeds: bool) -> None:
    basis = {"kind": kind, "askedBy": ["oncd"], "how": "letter", "askedOn": "2026-06-24"}
    plane = Plane()
    plane.opened(plan_value(stages=[stage(basis=basis)]))
    case = yes(plane.submit()).application
    assert ("proceed" in may(plane, case)) is proceeds


def test_a_case_can_be_returned_until_an_agency_has_said_something_about_the_substance() -> None:
    plane = Plane()
    plane.opened()
    case = yes(plane.submit()).application
    assert may(plane, case) == {"return", "proceed"}
    assert may(plane, case, "applicant") == {"withdraw"}
    asks = worlds.position(plane.case(case), "oncd", "ask", reason="why?")
    yes(plane.carry(asks, "oncd"))
    assert may(plane, case) == {"return", "proceed"}
    assert may(plane, case, "applicant") == {"answer", "withdraw"}
    assert may(plane, case, "oncd") == set()
    yes(plane.do("applicant", applications.ANSWER, case=case, text="an answer"))
    yes(plane.say(case, "oncd", "approve"))
    assert "return" not in may(plane, case)
    answer = plane.do("developer", applications.RETURN, case=case, text="deficient")
    assert isinstance(answer, Refusal)


def test_staff_answer_and_withdraw_where_they_applied_for_someone() -> None:
    plane = Plane()
    plane.opened()
    case = yes(plane.submit("developer")).application
    assert may(plane, case) == {"return", "withdraw", "proceed"}
    yes(plane.carry(worlds.position(plane.case(case), "oncd", "ask", reason="why?"), "oncd"))
    assert may(plane, case) == {"answer", "return", "withdraw", "proceed"}


@pytest.mark.parametrize("binds", [True, False])
def test_an_agency_that_was_referred_to_is_asked_and_can_be_given_a_sealed_document(binds: bool) -> None:
    plane = Plane()
    gated = stage(concern="cyber", admission=ONE)
    plane.opened(plan_value(agencies=AGENCIES, stages=[gated], referrals={**GIVEN, "binding": binds}))
    case = yes(plane.submit()).application
    found = plane.case(case)
    said = Referral(
        question=found.question, agency="oncd", to="caisi", reason="it knows", said=found.discussed()
    )
    yes(plane.carry(signed(said.payload(), "oncd"), "oncd"))
    assert yes(plane.do("applicant", cases.SHOW, case=case)).parties == ("caisi", "oncd", "ostp")
    seal = filled(plane, "applicant", applicant.PAGES, cases.SHOW, case=case)["seal"]
    assert set(seal.parties) == {"caisi", "oncd", "ostp"}
