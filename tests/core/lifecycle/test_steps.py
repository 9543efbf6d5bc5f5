"""What the table of acts says is what the lifecycle does: every act, every kind, every state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sluicegate.core.lifecycle import Command, Refusal
from sluicegate.core.lifecycle.applications import Accept, Answer, Reply, Return, Withdraw
from sluicegate.core.lifecycle.directives import OpenLift
from sluicegate.core.lifecycle.grants import OpenRemoval, SurrenderGrant
from sluicegate.core.lifecycle.licences import RequestLicence
from sluicegate.core.lifecycle.positions import RecordPosition
from sluicegate.core.lifecycle.referrals import Refer
from sluicegate.core.lifecycle.releases import OpenStage
from sluicegate_record.log import canonical
from sluicegate_record.statements.cases import Referral
from sluicegate_record.terms import kinds
from sluicegate_record.terms.kinds import (
    ADMISSION,
    AMENDMENT,
    APPEAL,
    LICENCE,
    LIFT,
    OPENING,
    RECONSIDER,
    REMOVAL,
    REVIEW,
    TERMS,
)
from tests.core.lifecycle import test_designations as designated
from tests.worlds import (
    Followed,
    World,
    keyid,
    opening,
    plan_value,
    position,
    proceeding,
    public_key,
    receipt,
    screened,
    signed,
    stage,
    suspension,
)

RULE: dict[str, Any] = {"allOf": ["oncd", {"anyOf": ["ostp", "caisi"]}]}
"""`oncd` decides with either of the others: so one agency has always said nothing yet."""
ACTOR = "caisi"
TABLE = {"not_in_this_kind", "not_in_this_state", "case_determined"}
"""The codes of a refusal by the table."""

REACHED = {
    TERMS: ("in_review", "determined"),
    ADMISSION: kinds.STATES,
    AMENDMENT: ("submitted", "in_review", "asked", "determined"),
    OPENING: ("in_review", "determined"),
    REMOVAL: ("in_review", "determined"),
    LIFT: ("in_review", "determined"),
    APPEAL: ("submitted", "in_review", "asked", "determined"),
    REVIEW: ("in_review", "determined"),
    LICENCE: ("in_review", "asked", "determined"),
    RECONSIDER: ("in_review", "asked", "determined"),
}
"""The states that a case of each kind can be in."""


def referred(made: World, case: Followed) -> Command:
    """`ACTOR` has an agency asked whose key was pinned later."""
    public = {"owner": "nsc", "party": "nsc", "keyid": keyid("nsc"), "from": "configuration"}
    made.write("key.pinned", {**public, "publicKey": canonical.b64(public_key("nsc"))})
    said = Referral(question=case.question, agency=ACTOR, to="nsc", reason="why")
    return Refer(signed(said.payload(), ACTOR))


COMMANDS: dict[str, Callable[[World, Followed], Command]] = {
    "receive": lambda _, case: receipt(case, ACTOR),
    "position": lambda _, case: RecordPosition(position(case, ACTOR)),
    "answer": lambda _, case: Answer(case.id, "", "an answer"),
    "screen": lambda _, case: screened(case),
    "accept": lambda _, case: Accept(case.id),
    "withdraw": lambda _, case: Withdraw(case.id),
    "return": lambda _, case: Return(case.id, "deficient"),
    "refer": referred,
    "proceed": lambda _, case: proceeding(case),
    "reply": lambda _, case: Reply(case.id, "a reply"),
    "appeal": lambda made, case: made.appeal(case.id),
}


GIVEN: dict[str, Any] = {
    "agencies": {name: {"name": name} for name in ("oncd", "ostp", "caisi", "nsc")},
    "referrals": {"from": [ACTOR], "to": ["nsc"], "binding": False},
}
"""What a plan says so that `ACTOR` may refer cases."""


def world(**changes: Any) -> World:
    """A release open for applications; a change to its one stage."""
    admission = {"mode": "approve", "grant": RULE, "appeal": {"decide": {"allOf": ["ostp", "caisi"]}}}
    return World.opened(stages=[stage(admission=admission, **changes)], **GIVEN)


def terms() -> tuple[World, Followed]:
    made = World()
    made.apply(plan_value(stages=[stage(admission={"mode": "approve", "grant": RULE})]))
    (case,) = made.cases()
    return made, case


def asking_to_open() -> tuple[World, Followed]:
    admission = {"mode": "approve", "grant": RULE}
    when = {"allOf": [{"terms": "agreed"}, {"agreedBy": RULE}]}
    made = World.agreed(stages=[stage(admission=admission, opensWhen=when)], **GIVEN)
    return made, made.case(made.must(OpenStage(opening(made.state)))["case"])


def admission(**changes: Any) -> tuple[World, Followed]:
    made = world(**changes)
    return made, made.submit()


def granted() -> tuple[World, str]:
    made, case = admission()
    made.all_say(case, "oncd approve", "ostp approve")
    assert case.grant is not None
    return made, case.grant


def amendment() -> tuple[World, Followed]:
    made, grant = granted()
    return made, made.case(made.must(made.amend(grant, renew=True))["application"])


def removal() -> tuple[World, Followed]:
    made, grant = granted()
    return made, made.case(made.must(OpenRemoval(grant, "misuse", "a notice"))["case"])


def lift() -> tuple[World, Followed]:
    made = world()
    made.must(suspension(liftedBy={"anyOf": ["oncd", ACTOR]}))
    return made, made.case(made.must(OpenLift("d-1"))["case"])


def appeal() -> tuple[World, Followed]:
    made, case = admission()
    made.say(case, "oncd", "object")
    return made, made.case(made.must(made.appeal(case.id, "an appeal"))["case"])


def licence() -> tuple[World, Followed]:
    """A request for a licence under an order over everyone."""
    made, grant = granted()
    made.must(suspension(liftedBy={"anyOf": ["oncd", ACTOR]}))
    return made, made.case(made.must(RequestLicence("d-1", grant))["case"])


def reconsideration() -> tuple[World, Followed]:
    """An appeal of the developer against a designation."""
    decides = {"reconsider": {"anyOf": ["oncd", ACTOR]}}
    made = designated.world(designations={**designated.DESIGNATIONS, **decides})
    designated.designate(made)
    return made, designated.reconsidered(made)


def review() -> tuple[World, Followed]:
    """A review before the date of a basis."""
    until = {"until": "2026-07-01", "afterUntil": {"review": {"by": RULE, "then": "stay"}}}
    basis = {"kind": "voluntary", "askedBy": ["oncd"], "how": "a call", "askedOn": "2026-06-20", **until}
    made = world(basis=basis)
    return made, next(case for case in made.cases() if case.kind == REVIEW)


BEGIN: dict[str, Callable[[], tuple[World, Followed]]] = {
    TERMS: terms,
    ADMISSION: admission,
    AMENDMENT: amendment,
    OPENING: asking_to_open,
    REMOVAL: removal,
    LIFT: lift,
    APPEAL: appeal,
    REVIEW: review,
    LICENCE: licence,
    RECONSIDER: reconsideration,
}


def waitlisted() -> tuple[World, Followed, str]:
    made = world(seats=1)
    first, second = made.submit("org-1"), made.submit("org-2")
    for case in (first, second):
        made.all_say(case, "oncd approve", "ostp approve")
    assert first.grant is not None
    return made, second, first.grant


def reach(kind: str, state: str, act: str) -> tuple[World, Followed]:
    """A case of a kind in a state, in which `ACTOR` has said nothing."""
    if state in {"waitlisted", "offered"}:
        made, case, grant = waitlisted()
        if state == "offered":
            made.must(SurrenderGrant(grant))
        return made, case
    made, case = BEGIN[kind]()
    first = "ostp" if kind == APPEAL else "oncd"
    if state == "asked":
        made.must(RecordPosition(position(case, first, "ask", reason="which systems?")))
    elif state == "in_review" and case.state == "submitted":
        made.must(receipt(case, first))
    elif state == "determined" and (kind, act) == (REMOVAL, "appeal"):
        made.all_say(case, "oncd approve", "ostp approve")
        made.later(11)
    elif state == "determined":
        made.say(case, first, "approve" if kind in {LIFT, LICENCE, RECONSIDER} else "object")
    return made, case


@pytest.mark.parametrize("act", kinds.STEPS)
@pytest.mark.parametrize(("kind", "state"), [(kind, state) for kind, of in REACHED.items() for state in of])
def test_an_act_is_refused_by_the_table_exactly_where_the_table_says_so(act, kind, state):
    made, case = reach(kind, state, act)
    assert (case.kind, case.standing) == (kind, state)
    command = COMMANDS[act](made, case)
    before = made.state.size
    result = made.do(command)
    refused = isinstance(result, Refusal) and result.code in TABLE
    assert refused is not kinds.allows(act, kind, state), result
    assert not refused or made.state.size == before


DONE = {
    "receive": (ADMISSION, "submitted"),
    "position": (ADMISSION, "waitlisted"),
    "answer": (APPEAL, "asked"),
    "screen": (AMENDMENT, "submitted"),
    "accept": (ADMISSION, "offered"),
    "withdraw": (AMENDMENT, "asked"),
    "return": (ADMISSION, "asked"),
    "refer": (ADMISSION, "submitted"),
    "proceed": (OPENING, "determined"),
    "reply": (AMENDMENT, "determined"),
    "appeal": (REMOVAL, "determined"),
}


@pytest.mark.parametrize("act", kinds.STEPS)
def test_every_act_can_be_done_somewhere(act):
    made, case = reach(*DONE[act], act)
    command = COMMANDS[act](made, case)
    before = made.state.size
    made.must(command)
    assert made.state.size > before


def test_every_state_an_act_names_can_be_reached():
    for name, act in kinds.STEPS.items():
        reached = {state for kind in act.kinds for state in REACHED[kind]}
        assert act.states <= reached, name
