"""The law of a basis with a date: it ends on its date, not before, as the terms say that were agreed to."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from sluicegate_record.entities.case import Case
from sluicegate_record.entries import Body, bases, cases
from sluicegate_record.law.agreement import sides
from sluicegate_record.law.rule import At, Broken, LawRule, of_the_record, require
from sluicegate_record.terms import dates, kinds, quorum
from sluicegate_record.terms.after import LAPSE, REMINDS_MS, STAY, STAYS, AfterUntil, ReviewClause, Then
from sluicegate_record.terms.plan import StageBasis
from sluicegate_record.terms.rule import Rule


def ends_as_agreed(at: At, body: bases.BasisEnded) -> None:
    """A basis ends once its date is over, and as the terms say that its agencies have agreed to."""
    basis = dated(at, body)
    require(body.terms not in at.record.bases, "the end of a basis that has ended")
    require(end_ms(basis, at.record.reviewed(body.terms)) <= at.at_ms, "the end of a basis before its date")
    after, case = after_of(basis), at.record.reviewed(body.terms)
    require(body.case == (None if case is None else case.id), "the end of a basis by another review")
    require(body.then == _then(at, after, case), "another end of a basis than its terms and its review give")


@of_the_record
def reminds_in_time(at: At, body: bases.BasisReminded) -> None:
    """Parties are reminded once, when the date of a basis is near."""
    basis = dated(at, body)
    require(body.terms not in at.record.reminded, "a second reminder")
    require(body.then == after_of(basis).then, "a reminder of another end")
    require(dates.end_ms(body.until) - REMINDS_MS <= at.at_ms, "a reminder before its time")


def reviews_in_time(at: At, body: cases.CaseOpened) -> None:
    """A review of a basis opens before its date, once, and has the time that the terms give it."""
    if body.kind != kinds.REVIEW:
        return
    terms = body.question.terms
    basis = at.terms(terms).body.basis
    review = after_of(basis).review
    if review is None or basis.until is None:
        raise Broken("a review that the terms do not give")
    is_agreed = terms in at.release(body.question.release).agreed
    require(
        is_agreed and at.record.reviewed(terms) is None, "a review of what was not agreed, or a second one"
    )
    until_ms = dates.end_ms(basis.until)
    require(until_ms - review.opens_ms <= at.at_ms, "a review before its time")
    due_ms = max(until_ms, at.at_ms + review.opens_ms)
    require(body.due_ms == due_ms, "a review that has another time than the terms give")


def dated(at: At, body: bases.OfBasis) -> StageBasis:
    """The basis that an entry is about: of terms in force, agreed to, with this date. Raises: Broken."""
    release = at.release(body.release)
    in_force = release.own_terms.get(body.stage) == body.terms
    require(in_force and body.terms in release.agreed, "a basis of terms that are not in force and agreed to")
    basis = at.terms(body.terms).body.basis
    require(basis.until == body.until, "a basis with another date")
    return basis


def after_of(basis: StageBasis) -> AfterUntil:
    """What follows when the date of a basis is over. If it does not say it, its rules stay."""
    return STAYS if basis.after_until is None else basis.after_until


def end_ms(basis: StageBasis, review: Case | None) -> int:
    """When a basis with a date ends: at the end of that day, or when its review has had its time."""
    until_ms = dates.end_ms(basis.until or "")
    return until_ms if review is None or review.due_ms is None else max(until_ms, review.due_ms)


def decided(
    review: ReviewClause, rule: Rule | None, consenting: AbstractSet[str], against: AbstractSet[str]
) -> Then:
    """What a review comes to, from those who want the rules to stay and those who do not."""
    if rule is None:
        return review.then
    if not quorum.reachable(rule, against):
        return LAPSE
    return STAY if quorum.satisfied(rule, consenting) else review.then


def _then(at: At, after: AfterUntil, case: Case | None) -> Then:
    if after.review is None:
        return after.then
    if case is None:
        raise Broken("the end of a basis without its review")
    return decided(after.review, quorum.without(after.review.by, case.recused), *sides(at, case))


def has_lapsed(at: At, case: Case) -> bool:
    """Whether the rules of the stage that a case is about have lapsed, by the terms in force."""
    question = case.question
    return at.record.has_lapsed(question.release, question.stage)


RULES: dict[type[Body], tuple[LawRule, ...]] = {
    bases.BasisReminded: (reminds_in_time,),
    bases.BasisEnded: (ends_as_agreed,),
}
