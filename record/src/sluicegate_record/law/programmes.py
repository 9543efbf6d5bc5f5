"""The law of programmes: which ones a case may ask for, which ones a grant has, and which are suspended."""

from __future__ import annotations

from sluicegate_record.entities.case import Case
from sluicegate_record.entities.grant import Grant
from sluicegate_record.law.rule import At, require
from sluicegate_record.statements.question import Question
from sluicegate_record.terms import kinds
from sluicegate_record.terms.programmes import PROFILE, STANDARD, HeldProgramme, among


def are_stated(at: At, question: Question) -> None:
    """A case asks for programmes that its terms state, each once, and with the holders that it can have.

    Raises: Broken.
    """
    stated = at.terms(question.terms).plan.spec.programmes
    asked = question.programmes
    require(len({each.label for each in asked}) == len(asked), "a case that asks for a programme twice")
    require(among(asked, stated) == asked, "a case about a programme that its terms do not state")
    for each in asked:
        programme = stated[each.concern][each.name]
        in_profile = programme.travels == PROFILE
        require(in_profile or each.name != STANDARD, "a case about a programme that everyone has")
        is_held = bool(each.holders) if in_profile else not each.holders or programme.needs_person
        require(is_held, "a programme with holders that it cannot have, or without those that it needs")


def are_of_what_is_appealed(at: At, question: Question, first: Case) -> None:
    """An appeal asks for the programmes of what it is against. Raises: Broken."""
    wanted = first.question.programmes
    if first.kind == kinds.REMOVAL:
        wanted = at.grant(first.question.grant).programmes
    require(question.programmes == wanted, "an appeal about other programmes")


def are_as_agreed(at: At, stated: tuple[HeldProgramme, ...], case: Case, terms: str) -> None:
    """A grant has the programmes that were signed for in a case, as far as the terms in force have them.

    Raises: Broken.
    """
    agreed = among(case.question.programmes, at.terms(terms).plan.spec.programmes)
    require(stated == agreed, "a grant with other programmes than were agreed to")


def are_held(grant: Grant, labels: tuple[str, ...], *, halted: bool) -> None:
    """Programmes that are suspended, or resumed, are those of a grant, in order, and not so already.

    Raises: Broken.
    """
    require(sorted(set(labels)) == list(labels), "programmes that are named twice, or out of order")
    known = grant.halted if halted else {each.label for each in grant.programmes} - grant.halted
    require(known.issuperset(labels), "programmes that the grant does not have, or not in that state")
