"""Who may be admitted: checked with the dossier when a case is opened, and true for as long as it is open.

Rules:
- A case that can admit (an application, an amendment, an appeal) is opened only about a dossier that is
  eligible under the terms its question binds, and those are the terms in force.
- It goes on, or is taken up again, only while the terms in force say the same of who may apply and how it is
  decided; a plan that changes either ends it. So whatever decides it in the end (a position, a silence, a
  screening, a seat, a stage that opens, a reply, officers who proceed) admits an applicant who is eligible.
- The second is law too, so that everyone can check it. The first needs the dossier, which is sealed.
"""

from __future__ import annotations

from sluicegate.core.lifecycle import blocks
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
    """Why a case that can admit may not be opened about a dossier, if it may not.

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
    remedy = f"'status' shows the criteria; {_REMEDIES[question.kind]}"
    return Refusal("forbidden", "not_eligible", said + "; ".join(reasons), remedy)


def goes_on(record: Record, release: Release, case: Case) -> bool:
    """Whether a case goes on in a release, as it is or as another plan would make it.

    Its terms are in force, or tighter ones that say the same of who may apply and how it is decided. An
    opening ends with its terms: what an officer signed opens those and no others.
    """
    question = blocks.question_of(record, case)
    stage, terms = question.stage, question.terms
    if case.kind == kinds.OPENING or not release.answers(stage, terms):
        return release.terms.get(stage) == terms
    return record.terms[terms].body.admittance == release.plan.stages[stage].admittance
