"""The law of how a case opens: by which rule and procedure, and about what."""

from __future__ import annotations

from sluicegate_record.entities.case import opened
from sluicegate_record.entries import Body, cases, commitment_of, seen
from sluicegate_record.law import programmes
from sluicegate_record.law.bases import reviews_in_time
from sluicegate_record.law.clocks import has_whole_time
from sluicegate_record.law.designations import deciding, standing
from sluicegate_record.law.rule import (
    At,
    LawRule,
    of_the_record,
    require,
    same,
    signed_by,
)
from sluicegate_record.statements.question import Question
from sluicegate_record.statements.releases import StageOpening
from sluicegate_record.terms import kinds
from sluicegate_record.terms.rule import Rule


def is_new(at: At, body: cases.CaseOpened) -> None:
    """A case is opened once."""
    require(body.case not in at.record.cases, "a case that was opened before")


def asks_by_its_rule(at: At, body: cases.CaseOpened) -> None:
    """A case is decided by the rule of what it is about."""
    if at.believes:
        require(body.rule == rule_of(at, body), "a case with another rule than that of what it is about")


def rule_of(at: At, body: cases.CaseOpened) -> Rule:
    """The rule by which a case has to be decided. Raises: Broken."""
    question = body.question
    if body.kind == kinds.LIFT:
        return at.directive(question.directive).document.spec.lifted_by
    if body.kind == kinds.LICENCE:
        return at.directive(question.directive).document.spec.licensing
    if body.kind == kinds.RECONSIDER:
        found = standing(at, question.designation, question.release)
        return deciding(at.release(question.release).stated, found)
    terms = at.terms(question.terms)
    is_needed = body.kind != kinds.OPENING or terms.body.agreed_by is not None
    require(is_needed, "an opening that no agency has to agree to")
    is_given = body.kind != kinds.REVIEW or terms.body.basis.review is not None
    require(is_given, "a review that the terms do not give")
    against = at.case(question.against).kind if question.against else ""
    return kinds.rule_of(body.kind, terms.plan, terms.body, against)


def goes_by_its_terms(at: At, body: cases.CaseOpened) -> None:
    """A case about an organization has the procedure of its terms, and all the time that they give."""
    if not at.believes:
        return
    is_about_one = body.kind in kinds.ABOUT_ONE
    procedure = at.terms(body.question.terms).body.admission.procedure if is_about_one else None
    require(body.procedure == procedure, "a case with another procedure than that of its terms")
    case, why = opened(at.entry, body, "", ""), "a case with less time than its terms give"
    require(has_whole_time(case, body.due_ms), why)
    if body.kind == kinds.REMOVAL:
        until_ms = at.at_ms + case.procedure.reply_ms
        require(body.reply_by_ms is not None and body.reply_by_ms >= until_ms, why)


@of_the_record
def asks_what_it_says(at: At, body: cases.CaseOpened) -> None:
    """A case says the same as its question, which binds for this log what cases of its kind bind."""
    question = body.question
    for name in ("case", "kind", "release", "stage", "surface", "directive"):
        stated = getattr(body, name) or ""
        require(stated == getattr(question, name), "a case that says something else than its question")
    require(question.log == at.log, "a question for another log")
    require(body.kind in kinds.KINDS, "a case of a kind that is none")
    bound = {"log", "case", "kind", *kinds.KINDS[body.kind].binds}
    more = {"scope"} if body.kind == kinds.LIFT else set()
    require(question.to_json().keys() <= bound | more, "a question that binds more than its kind")
    require((body.opening is not None) == (body.kind == kinds.OPENING), "an opening without an officer's")
    if body.opening is not None:
        signed = StageOpening.read(body.opening.envelope)
        same(question, signed, "log release stage terms", "an opening signed for other terms")
        signed_by(at, body.opening.envelope, at.keys.developer, [body.opening.officer],
                  "an opening that no officer signed")  # fmt: skip


@of_the_record
def is_about_what_there_is(at: At, body: cases.CaseOpened) -> None:
    """A case is about terms, a grant, a case or a directive with what the record says when it opens."""
    if body.kind in {kinds.LIFT, kinds.LICENCE}:
        found = at.directive(body.question.directive)
        require(body.question.document == found.document.digest, "a lift of another document")
        require(found.ended is None and not found.is_drill, "a lift of what is not in force")
        require(not body.basis, "a case with another basis than that of its terms")
        if body.kind == kinds.LICENCE:
            _is_of_a_holder(at, body.question)
        return
    if body.kind == kinds.RECONSIDER:
        _reconsiders(at, body)
        return
    _is_about_terms(at, body)
    if body.kind in kinds.ADMITS:
        programmes.are_stated(at, body.question)
    if body.kind in _ABOUT_GRANT:
        _is_about_grant(at, body)
    elif body.kind == kinds.APPEAL:
        _is_against(at, body.question)
    elif body.kind == kinds.ADMISSION:
        require(body.question.party == _committed(body, "application"), "a case about another dossier")


_ABOUT_GRANT = frozenset({kinds.AMENDMENT, kinds.REMOVAL})
_OF_GRANT = _ABOUT_GRANT | {kinds.LICENCE}


def _is_of_a_holder(at: At, question: Question) -> None:
    found = at.holding(question.grant)
    is_its = found.is_live and question.party == found.party
    require(is_its, "a licence for a grant that has ended, or over another dossier")


def _reconsiders(at: At, body: cases.CaseOpened) -> None:
    """A designation is reconsidered once, unless no one decided. The case has no basis of a stage."""
    found = standing(at, body.question.designation, body.question.release)
    before = at.record.cases.get(found.case or "")
    require(before is None or before.outcome in kinds.UNHEARD, "a designation that is reconsidered twice")
    require(not body.basis, "a case with another basis than that of its terms")


def _is_about_terms(at: At, body: cases.CaseOpened) -> None:
    question = body.question
    terms = at.terms(question.terms)
    require(question.terms in _terms_for(at, question), "a case about terms that are not in force")
    plan = terms.plan
    about = (question.release, question.stage, question.models)
    require(about == (plan.metadata.name, terms.stage, plan.model_digests),
            "terms of something else than their case asks")  # fmt: skip
    require(body.basis == terms.body.basis.kind, "a case with another basis than that of its terms")
    is_offered = body.kind != kinds.ADMISSION or question.surface in plan.spec.surfaces
    require(is_offered, "a case about a surface that is not offered")


def _terms_for(at: At, question: Question) -> set[str | None]:
    """The terms that a case may be about: those in force, or those by which a removed grant was held."""
    if question.kind == kinds.REMOVAL:
        return {at.grant(question.grant).terms}
    current = at.release(question.release).terms_for(question.kind, question.stage)
    if question.kind != kinds.APPEAL or at.case(question.against).kind != kinds.REMOVAL:
        return {current}
    return {current, at.grant(at.case(question.against).question.grant).terms}


def _is_about_grant(at: At, body: cases.CaseOpened) -> None:
    question, grant = body.question, at.grant(body.question.grant)
    same(question, grant, "release stage surface", "a case about another grant than it says")
    newer = grant.amendment if body.kind == kinds.AMENDMENT else grant.removal
    require(grant.is_live and newer is None, "a case about a grant that has ended, or has such a case")
    known = {at.record.party_of(grant.id)}
    if body.kind == kinds.AMENDMENT:
        known.add(_committed(body, "application"))
    require(question.party in known, "a case about another dossier")


def _is_against(at: At, question: Question) -> None:
    first = at.case(question.against, kinds.ADMISSION, kinds.AMENDMENT, kinds.REMOVAL)
    same(question, first.question, "release stage surface", "an appeal about something else")
    require(question.party in at.record.parties_of_appeal(first), "an appeal about something else")
    programmes.are_of_what_is_appealed(at, question, first)
    wrong = kinds.GRANTED if first.kind == kinds.REMOVAL else {"denied"}
    require(first.state == kinds.DETERMINED and first.outcome in wrong, "an appeal against no decision")
    unheard = at.record.unheard_appeal(first)
    require(first.appeal is None or unheard is not None, "a second appeal")
    ended_ms = (unheard or first).determined_ms or 0
    until_ms = ended_ms + first.procedure.appeal_ms
    require(at.at_ms < until_ms, "an appeal after its time")


def _committed(body: cases.CaseOpened, name: str) -> str:
    """The commitment to a part that is sealed in a case; empty if it is not there."""
    return commitment_of(body.sealed_parts.get(name), name)


@of_the_record
def is_of_its_organization(at: At, body: cases.CaseOpened) -> None:
    """A case about a grant, or an appeal, is of the organization that the grant or decision is about."""
    organization, described = seen(body.organization), seen(body.described)
    is_about_one = body.kind in kinds.OF_ONE
    require((organization is not None) == is_about_one, "an organization where the kind has none")
    question, applicant, holder = body.question, None, organization
    if body.kind in _OF_GRANT:
        holder = at.holding(question.grant).organization
        is_removal = body.kind == kinds.REMOVAL
        applicant = at.case(at.grant(question.grant).case).applicant if is_removal else None
    elif body.kind == kinds.APPEAL:
        holder = at.case(question.against).organization
    require(organization == holder, "a case of another organization")
    require(body.applicant == applicant, "a case of another applicant")
    _is_opened_by_its_own(at, body)
    require(described is None or described.organization == organization,
            "a description of another organization")  # fmt: skip


def _is_opened_by_its_own(at: At, body: cases.CaseOpened) -> None:
    """Who acts for an applicant acts in every later case about the same grant or decision."""
    question, opener = body.question, seen(body.opener)
    first = at.record.cases.get(question.against)
    if body.kind in _OF_GRANT and question.grant in at.record.grants:
        first = at.case(at.grant(question.grant).case)
    if first is not None and first.kind == kinds.TERMS:  # its holder has an account, and no case
        first = None
    is_own = opener is None or first is None or opener == first.principal
    require(is_own, "a case that another opened")


RULES: dict[type[Body], tuple[LawRule, ...]] = {
    cases.CaseOpened: (
        is_new,
        asks_by_its_rule,
        goes_by_its_terms,
        asks_what_it_says,
        is_about_what_there_is,
        is_of_its_organization,
        reviews_in_time,
    ),
}
