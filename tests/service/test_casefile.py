"""What a case says that its reader can do: as the rules would accept it."""

from __future__ import annotations

import json

import pytest

from sluicegate.acts import accounts, applications, cases, directives, licences, review
from sluicegate.acts.cases import CriterionAnswer, DossierView, NamedDocument
from sluicegate.cli import wording
from sluicegate.core.lifecycle import Refusal
from sluicegate.pages import applicant
from sluicegate_record.directives.scope import Scope
from sluicegate_record.form import Json
from sluicegate_record.statements.cases import Referral
from tests import worlds
from tests.core.lifecycle.test_directives import LETTER, OFFICERS, transcription
from tests.core.lifecycle.test_referrals import AGENCIES, GIVEN, ONE
from tests.plane import Plane, filled, no, yes
from tests.worlds import STAGE, plan_value, signed, stage


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


ASKED = ["defends infrastructure", "answers at night"]
DIGEST = "sha256:" + "ab" * 32
SENT = {
    "name": "Example Utility",
    "registeredIn": "US",
    "owners": [{"name": "Holding", "share": 60}],
    "intendedUse": "finding faults",
    "criteria": {"answers at night": "Ada\ndoes", "something else": "yes"},
    "attachments": [{"name": "plan.txt", "digest": DIGEST}],
}


def test_who_applied_and_who_is_asked_read_what_was_sent_and_no_one_else_does() -> None:
    plane = Plane()
    plane.opened(plan_value(stages=[stage(eligibility={"criteria": ASKED})]))
    case = yes(plane.submit(organization=json.dumps(SENT))).application
    found = yes(plane.do("applicant", cases.SHOW, case=case)).dossier
    assert list(found.organization) == ["name", "intendedUse", "owners", "registeredIn"]
    assert found.organization["owners"] == SENT["owners"]
    assert found.criteria == (
        CriterionAnswer(criterion=ASKED[0], answer=None),
        CriterionAnswer(criterion=ASKED[1], answer="Ada\ndoes"),
        CriterionAnswer(criterion="something else", answer="yes"),
    )
    assert found.attachments == (NamedDocument(name="plan.txt", digest=DIGEST),)
    for who in ("developer", "oncd", "ostp"):
        assert yes(plane.do(who, cases.SHOW, case=case)).dossier == found
    for who in ("rival", "caisi"):
        assert no(plane.do(who, cases.SHOW, case=case)) == "case_unknown"
    exported = yes(plane.do("oncd", review.EXPORT, case=case))
    assert exported.case.dossier is None
    assert DossierView.of(exported.dossier.application, ASKED) == found


def test_what_changed_with_an_amendment_is_what_its_case_shows() -> None:
    plane = Plane()
    plane.opened()
    grant = plane.admit()
    renewed = yes(plane.do("applicant", applications.AMEND, grant=grant, renew=True)).application
    assert yes(plane.do("applicant", cases.SHOW, case=renewed)).dossier.attachments == ()
    yes(plane.do("applicant", applications.WITHDRAW, case=renewed))
    changed = yes(plane.do("applicant", applications.AMEND, grant=grant, organization=json.dumps(SENT)))
    found = yes(plane.do("applicant", cases.SHOW, case=changed.application)).dossier
    assert found.attachments[0].digest == DIGEST


def test_what_the_developer_stated_of_an_organization_is_not_shown_to_it() -> None:
    plane = Plane()
    plane.opened(plan_value(stages=[{"name": STAGE, "basis": stage()["basis"], "audience": "everyone"}]))
    opened = plane.do(
        "developer",
        accounts.OPEN,
        organization=json.dumps({"name": "Noted", "registeredIn": "US", "intendedUse": "we think: resale"}),
        holder=plane.who["applicant"].id,
    )
    account = yes(opened).account
    plane.credential(account)
    plane.direct(names=["Noted"])
    case = yes(plane.do("applicant", licences.REQUEST, directive="d-1", grant=account)).case
    assert yes(plane.do("applicant", cases.SHOW, case=case)).dossier is None
    assert yes(plane.do("developer", cases.SHOW, case=case)).dossier.organization["name"] == "Noted"


@pytest.mark.parametrize(
    "value",
    [None, "text", {}, {"organization": [], "criteria": "x", "attachments": {}}, {"attachments": ["x", 1]}],
)
def test_what_only_looks_like_a_dossier_is_read_as_far_as_it_is_one(value: Json) -> None:
    assert DossierView.of(value, ["a"]) == DossierView(
        organization={}, criteria=(CriterionAnswer(criterion="a", answer=None),), attachments=()
    )


def test_officers_write_down_what_an_issuer_says_only_of_an_order_that_they_wrote_down() -> None:
    plane = Plane()
    plane.opened()
    yes(plane.do("developer", directives.ISSUE, envelope=transcription(name="letter").envelope.to_json()))
    plane.direct("signed")
    found = {
        name: yes(plane.do("developer", directives.LIFT, directive=name)).case
        for name in ("letter", "signed")
    }
    assert may(plane, found["letter"]) == {"transcribe"}
    assert may(plane, found["signed"]) == set()
    said = worlds.by_letter(plane.case(found["letter"]).question, "bis", LETTER)
    yes(plane.carry(signed(said.payload(), *OFFICERS), "developer"))
    assert may(plane, found["letter"]) == set()


def test_the_developer_takes_a_position_where_it_is_asked() -> None:
    plane = Plane()
    plane.opened()
    plane.direct("d-1", liftedBy={"allOf": ["oncd", "openai"]})
    case = yes(plane.do("developer", directives.LIFT, directive="d-1")).case
    assert may(plane, case) == {"position"}
    yes(plane.say(case, "oncd", "object"))
    assert may(plane, case) == set()


def test_a_case_about_a_part_of_a_directive_says_which_wherever_it_is_named() -> None:
    plane = Plane()
    plane.opened(plan_value(models=["gpt-5.6", "gpt-5.6-mini"]))
    yes(plane.direct(models=["gpt-5.6", "gpt-5.6-mini"]))
    case = yes(plane.do("developer", directives.LIFT, directive="d-1", scope=Scope(models=("gpt-5.6",)))).case
    found = yes(plane.do("developer", cases.SHOW, case=case))
    assert (found.part, found.about) == ("for gpt-5.6 only", "d-1 for gpt-5.6 only")
    assert found.asks == "Should this directive be lifted for gpt-5.6 only?"
    (line,) = yes(plane.do("oncd", cases.LIST, kind="lift")).cases
    assert line.about == "d-1 for gpt-5.6 only"
    assert "d-1 for gpt-5.6 only" in wording.case(found)
    whole = yes(plane.do("developer", directives.LIFT, directive="d-1")).case
    found = yes(plane.do("developer", cases.SHOW, case=whole))
    assert (found.part, found.about, found.asks) == (None, "d-1", "Should this directive be lifted?")
