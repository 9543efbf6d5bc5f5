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
    remedy = f"'status' shows the criteria; {_REMEDIES[question.kind]}"
    return Refusal("forbidden", "not_eligible", said + "; ".join(reasons), remedy)


def goes_on(record: Record, release: Release, case: Case) -> bool:
    """Whether a case continues in a release, in its present state or after another plan.

    Its terms must be in force, or tighter ones that say the same about who may apply and how that is decided.
    An opening ends with its terms: an officer signed it for those terms only.
    """
    question = blocks.question_of(record, case)
    stage, terms = question.stage, question.terms
    if case.kind == kinds.OPENING or not release.answers(stage, terms):
        return release.terms.get(stage) == terms
    return record.terms[terms].body.admittance == release.plan.stages[stage].admittance
