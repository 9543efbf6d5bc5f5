"""Who may be admitted: checked with the dossier when a case is opened,
and true for as long as the case is open.

Rules:
- A case that can admit (an application, an amendment, an appeal) is opened only about an eligible dossier.
  The terms that its question binds say who is eligible. They must be the terms in force.
- It continues, or is taken up again, only while the terms in force say the same about who may apply and how
  that is decided. A plan that changes either one ends the case. So in the end, whatever decides it (a
  position, a silence, a screening, a seat, a stage that opens, a reply, officers who proceed) admits an
  eligible applicant.
- The second rule is also law, so that everyone can check it. The first rule needs the dossier, which is
  sealed.
- A holder may contest a removal even if it is not eligible any more, or its stage is gone. Such an appeal
  binds the terms by which the grant was held, and no later plan ends it. If it is allowed, the record says
  that the removal was wrong, and no grant comes back.
"""

from __future__ import annotations

from sluicegate.core.lifecycle.answer import Refusal
from sluicegate.core.people import application
from sluicegate_record.entities.case import Case
from sluicegate_record.entities.release import Release
from sluicegate_record.log.leaf import Opening
from sluicegate_record.record import Record
from sluicegate_record.statements.question import Question
from sluicegate_record.terms import kinds

_REMEDIES = {
    kinds.ADMISSION: "apply when they are met",
    kinds.AMENDMENT: "amend it with '--organization' when they are met",
    kinds.APPEAL: "apply again when they are met",
}


def unfit(record: Record, question: Question, dossier: Opening | None) -> Refusal | None:
    """Why a case that can admit may not be opened about a dossier; None if it may.

    Requires: the question binds terms in force.
    """
    if dossier is None or dossier.commitment("sealed", "application") != question.party:
        said = "what was sent as the dossier is not what the case would be about"
        return Refusal("unverified", "dossier_unproven", said, "send the one that was agreed to, unchanged")
    eligibility = record.terms[question.terms].body.eligibility
    reasons = list(application.ineligible(dossier.value()["organization"], eligibility))
    if not reasons:
        return None
    said = f"not eligible under the terms in force of stage {question.stage!r}, {question.terms}: "
    remedy = f"'sluicegate status' shows the criteria; {_REMEDIES[question.kind]}"
    return Refusal("forbidden", "not_eligible", said + "; ".join(reasons), remedy)


def goes_on(record: Record, release: Release, case: Case) -> bool:
    """Whether a case continues in a release, in its present state or after another plan.

    Its terms must be in force, or tighter ones that say the same about who may apply and how that is decided.
    What agrees to terms, an opening and a review end with their terms: they are about those terms only.
    """
    question = question_of(record, case)
    stage, terms = question.stage, question.terms
    if case.kind in _OF_TERMS or not release.answers(stage, terms):
        return release.terms_for(case.kind, stage) == terms
    return record.terms[terms].body.admittance == release.plan.stages[stage].admittance


_OF_TERMS = kinds.AGREED | {kinds.OPENING}


def question_of(record: Record, case: Case) -> Question:
    """The question that decides a case.

    If an appeal put the case on the list, it is the question of the appeal, also in a later review.
    """
    appeals = (record.cases[name] for name in reversed(case.appeals))
    allowed = (appeal for appeal in appeals if appeal.outcome in kinds.GRANTED)
    appeal = next(allowed, None) if case.state != kinds.DETERMINED else None
    return case.question if appeal is None else appeal.question


def is_for_the_record(record: Record, case: Case) -> bool:
    """Whether a case is an open appeal against a removal by which no grant can come back."""
    if case.kind != kinds.APPEAL or record.cases[case.question.against].kind != kinds.REMOVAL:
        return False
    return not goes_on(record, record.releases[case.question.release], case)


def outlasts_plans(record: Record, case: Case) -> bool:
    """Whether no later plan ends a case: it does not depend on the plan in force."""
    return case.kind in kinds.LASTING or is_for_the_record(record, case)
