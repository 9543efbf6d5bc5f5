"""The law of plans, terms and openings."""

from __future__ import annotations

from sluicegate_record.entries import Body, seen
from sluicegate_record.entries.releases import ReleaseApplied, StageOpened
from sluicegate_record.law.agreement import carried, in_force
from sluicegate_record.law.rule import At, LawRule, require
from sluicegate_record.statements.releases import StageOpening
from sluicegate_record.terms import kinds, tightness


def is_of_the_release(at: At, body: ReleaseApplied) -> None:
    """A plan is of the release and the developer it is said to be of."""
    plan = seen(body.given)
    require(
        plan.metadata.name == body.release and plan.metadata.developer == at.keys.developer,
        "a plan of another release or developer",
    )


def states_its_terms(at: At, body: ReleaseApplied) -> None:
    """The digests of the terms are those of the plan."""
    plan = seen(body.given)
    require(plan.terms == dict(body.terms), "terms whose digests are not those of the plan")


def is_tighter(at: At, body: ReleaseApplied) -> None:
    """Terms that need no new agreement are provably tighter than those in force, and those were agreed."""
    if not body.tightened:
        return
    plan, before = seen(body.given), at.record.releases.get(body.release)
    for stage, looser in body.tightened.items():
        require(
            before is not None and before.terms.get(stage) == looser and looser in before.agreed,
            "terms said to be tighter than others that were not in force and agreed",
        )
        old = at.terms(looser)
        fields = tightness.loosened(plan, plan.stages[stage], old.plan, old.body)
        require(not fields, f"terms said to be tighter, but not in {', '.join(fields)}")


def is_signed_by_an_officer(at: At, body: StageOpened) -> None:
    """An officer signed this opening, for this log."""
    opening = StageOpening.read(body.envelope)
    stated = (opening.release, opening.stage, opening.terms)
    require(stated == (body.release, body.stage, body.terms), "an opening signed for other terms")
    signed = at.keys.owners(body.envelope, at.keys.developer)
    require(opening.log == at.log and signed, "an opening that no officer signed for this log")


def opens_terms_in_force(at: At, body: StageOpened) -> None:
    """What is opened are the terms in force, which every agency has agreed to."""
    in_force(at, body.release, body.stage, body.terms)


def is_agreed_to(at: At, body: StageOpened) -> None:
    """Where agencies must agree to the opening, they have, in a case about these terms."""
    terms = at.terms(body.terms)
    if terms.body.agreed_by is None:
        return
    case = at.case(body.case or "", kinds.OPENING)
    question = case.question
    asked = (question.log, question.release, question.stage, question.terms)
    require(asked == (at.log, body.release, body.stage, body.terms), "an opening agreed to in another case")
    carried(at, case, terms.body.agreed_by)


RULES: dict[type[Body], tuple[LawRule, ...]] = {
    ReleaseApplied: (is_of_the_release, states_its_terms, is_tighter),
    StageOpened: (is_signed_by_an_officer, opens_terms_in_force, is_agreed_to),
}
