"""The law of designations: whose judgement it is, whether the terms let it be made, and what it leads to.

The judgement itself is not law: whether a model is of a class is the agency's word. `law.releases` has what a
plan is under the designations that hold, and `law.openings` the case that reconsiders one.
"""

from __future__ import annotations

from sluicegate_record.entities.designation import Designation, after
from sluicegate_record.entries import Body, commitment_of
from sluicegate_record.entries.designations import DesignationEnded, DesignationRecorded
from sluicegate_record.form import replace
from sluicegate_record.law.agreement import carried, rests_on_its_case
from sluicegate_record.law.rule import (
    At,
    Broken,
    LawRule,
    follows_at_once,
    is_named_by_its_digest,
    require,
    same,
    signed_by,
)
from sluicegate_record.statements.designations import DESIGNATES, DesignationStatement
from sluicegate_record.terms import kinds
from sluicegate_record.terms.plan import Plan
from sluicegate_record.terms.rule import Rule


def is_its_agencys_judgement(at: At, body: DesignationRecorded) -> None:
    """An agency signed its judgement for this log, and the entry says what was signed."""
    stated = DesignationStatement.read(body.envelope)
    why = "a designation that was signed otherwise"
    same(body, stated, "release agency says model class_ comparable_to statement", why)
    require(body.sealed_basis == stated.sealed, why)
    is_its_basis = body.basis is None or commitment_of(body.basis, "basis") == stated.sealed
    require(is_its_basis, "another sealed basis than was signed")
    require(stated.log == at.log, "a designation that was signed for another log")
    signed_by(at, body.envelope, body.agency, [body.owner], "a designation that its agency did not sign")


def follows_the_last_judgement(at: At, body: DesignationRecorded) -> None:
    """A word comes after the last one of its agency on the same model and class; what holds is withdrawn."""
    known, stated = known_before(at, body), DesignationStatement.read(body.envelope)
    last = None if known is None else known.digest
    require(stated.previous == last, "a designation that does not follow the one before it")
    is_in_turn = body.says == DESIGNATES or (known is not None and known.holds)
    require(is_in_turn, "a withdrawal of what does not hold")


def is_for_its_agency_to_say(at: At, body: DesignationRecorded) -> None:
    """An agency designates what the terms that it saw let it: these classes, models of this release."""
    plan = at.release(body.release).stated
    stated = DesignationStatement.read(body.envelope)
    require(dict(stated.terms) == plan.terms, "a designation over other terms than those in force")
    if body.says == DESIGNATES:
        word = after(None, body, at.entry.seq, at.at_ms)
        require(word.counts(plan), "a designation that the terms do not let its agency make")


def raises_what_the_terms_say(at: At, body: DesignationRecorded) -> None:
    """The terms in force after a designation are those that its level gives."""
    require(dict(body.raised) == raised_by(at, body), "other terms than the level gives")


def ends_what_holds(at: At, body: DesignationEnded) -> None:
    """A designation ends by the case that reconsiders it, which the positions carry by its rule."""
    case = at.case(body.case, kinds.RECONSIDER)
    found = standing(at, body.designation, body.release)
    asked = (case.question.log, case.question.release, case.question.designation)
    require(asked == (at.log, body.release, body.designation), "the end of a designation by another case")
    require(not case.used, "signatures that have been used")
    carried(at, case, deciding(at.release(body.release).stated, found))
    follows_at_once(at, case)


def lowers_what_the_terms_say(at: At, body: DesignationEnded) -> None:
    """The terms in force after the end of a designation are those of the levels that still hold."""
    require(dict(body.raised) == raised_by(at, body), "other terms than the levels give that still hold")


def known_before(at: At, body: DesignationRecorded) -> Designation | None:
    """The word of the same agency on the same model and class before this one."""
    return at.record.designations.get(after(None, body, at.entry.seq, at.at_ms).name)


def standing(at: At, digest: str, release: str) -> Designation:
    """A designation that holds, by the digest of its word. Raises: Broken."""
    found = at.record.designated(digest)
    if found is None or not found.holds or found.release != release:
        raise Broken("no designation of this release that holds")
    return found


def deciding(plan: Plan, found: Designation) -> Rule:
    """The rule that decides whether a designation ends: that of the plan, or its agency alone."""
    stated = plan.spec.designations
    rule = None if stated is None else stated.reconsider
    return Rule("allOf", (found.agency,)) if rule is None else rule


def raised_by(at: At, body: DesignationRecorded | DesignationEnded) -> dict[str, str]:
    """The digests of the terms in force after an entry, where levels amend the plan's own. Raises: Broken."""
    if isinstance(body, DesignationRecorded):
        word = after(known_before(at, body), body, at.entry.seq, at.at_ms)
    else:
        word = replace(standing(at, body.designation, body.release), ended_ms=at.at_ms)
    return at.record.raised(body.release, at.release(body.release).stated, word)


RULES: dict[type[Body], tuple[LawRule, ...]] = {
    DesignationRecorded: (
        is_its_agencys_judgement,
        follows_the_last_judgement,
        is_for_its_agency_to_say,
        is_named_by_its_digest,
        raises_what_the_terms_say,
    ),
    DesignationEnded: (ends_what_holds, rests_on_its_case, lowers_what_the_terms_say),
}
