"""The law of remits and referrals: which objections count, who may refer a case to which agency, and who was
asked.
"""

from __future__ import annotations

from sluicegate_record.entities.case import Case
from sluicegate_record.entities.release import Release
from sluicegate_record.entries import Body, cases
from sluicegate_record.entries.releases import Heard, HeardReferral, StageOpened
from sluicegate_record.law.rule import (
    At,
    Broken,
    LawRule,
    is_named_by_its_digest,
    of_the_record,
    require,
    same,
    signed_by,
)
from sluicegate_record.log.times import DAY_MS, HOUR_MS
from sluicegate_record.record import Record
from sluicegate_record.statements.cases import Referral
from sluicegate_record.terms import kinds
from sluicegate_record.terms.plan import Plan, Stage
from sluicegate_record.terms.referrals import Referrals


def is_outside(plan: Plan, stage: Stage, agency: str, concern: str | None) -> bool:
    """Whether an objection is outside: it does not name the concern that the stage serves, or its agency has
    another remit. Where the stage serves none, every objection is inside.
    """
    if stage.concern is None:
        return False
    found = plan.spec.agencies.get(agency)
    return concern != stage.concern or found is None or stage.concern not in found.concerns


def says_whether_it_counts(at: At, body: cases.PositionRecorded) -> None:
    """An objection is said to be outside if its concern is not that of the stage, or its agency's."""
    case = at.case(body.case)
    found = False
    if body.position == "object" and case.kind in kinds.CONCERNED:
        terms = at.terms(case.question.terms)
        found = is_outside(terms.plan, terms.body, body.agency, body.concern)
    require(body.outside == found, "an objection that counts otherwise than its concern says")


@of_the_record
def names_a_concern(at: At, body: cases.PositionRecorded) -> None:
    """Where a stage serves a concern, an objection names one."""
    case = at.case(body.case)
    if body.position != "object" or case.kind not in kinds.CONCERNED:
        return
    is_named = at.terms(case.question.terms).body.concern is None or body.concern is not None
    require(is_named, "an objection without a concern")


def is_a_signed_referral(at: At, body: cases.CaseReferred) -> None:
    """A referral is signed by an agency for the question of its case, and says what was signed."""
    stated = Referral.read(body.envelope)
    require(stated.question.digest == at.case(body.case).question.digest, "a referral of another question")
    same(body, stated, "agency to reason", "a referral that was signed otherwise")
    signed_by(at, body.envelope, body.agency, [body.owner], f"no signature by a key of {body.agency!r}")


def refers_as_terms_allow(at: At, body: cases.CaseReferred) -> None:
    """An agency of the terms refers a case to one of the roster, as deep as they allow, and each once."""
    case = at.case(body.case)
    stated = referrals_of(at, case)
    is_theirs = body.agency in stated.from_ and body.to in stated.to
    require(is_theirs, "a referral by an agency, or to one, that the terms do not name")
    require(body.to not in case.parties, "a referral to an agency that is asked already")
    require(depth_of(case, body.agency) <= stated.depth, "a referral deeper than the terms allow")


@of_the_record
def refers_in_time(at: At, body: cases.CaseReferred) -> None:
    """A case is referred while it is under review, and the agency has the time that the terms give."""
    case = at.case(body.case)
    require(kinds.allows("refer", case.kind, case.standing), "a referral of a case that is not under review")
    stated = referrals_of(at, case)
    meaning = stated.silence if stated.within is not None else None
    require((body.due_ms is None, body.silence) == (stated.within is None, meaning),
            "a referral with another clock than the terms give")  # fmt: skip
    least_ms = at.at_ms + (stated.within or 0) * DAY_MS - HOUR_MS
    require(body.due_ms is None or body.due_ms >= least_ms, "a referral with less time than the terms give")


def binds_as_terms_say(at: At, body: cases.CaseReferred) -> None:
    """A referral binds if the terms say so."""
    stated = referrals_of(at, at.case(body.case))
    require(body.binds == stated.binding, "a referral that binds otherwise than the terms say")


def referrals_of(at: At, case: Case) -> Referrals:
    """The referrals of the terms of a case. Raises: Broken."""
    stated = at.terms(case.question.terms).plan.spec.referrals
    if stated is None:
        raise Broken("a referral that the terms do not give")
    return stated


def depth_of(case: Case, agency: str) -> int:
    """How many referrals there would be in a row if an agency referred a case now."""
    found = case.referrals.get(agency)
    return 1 if found is None else found.depth + 1


@of_the_record
def lists_who_was_heard(at: At, body: StageOpened) -> None:
    """Where a stage serves a concern, its opening lists who was asked, referred, declined, or never asked."""
    require(body.heard == heard(at, body), "an opening that lists others than were heard")


def heard(at: At, body: StageOpened) -> Heard | None:
    """Who was heard before an opening; None if its stage serves no concern. Raises: Broken."""
    terms = at.terms(body.terms)
    case = at.case(body.case) if body.case is not None else None
    own = at.release(body.release).own_terms.get(body.stage, body.terms)
    return _heard(at.record, terms.plan, terms.body, own, case)


def heard_before(record: Record, release: Release, stage: str, case: Case | None = None) -> Heard | None:
    """Who is heard before a stage opens under the terms in force; None if it serves no concern.

    `case` asks about the opening, where agencies must agree to it.
    """
    plan = release.plan
    return _heard(record, plan, plan.stages[stage], release.own_terms[stage], case)


def _heard(record: Record, plan: Plan, stage: Stage, terms: str, case: Case | None) -> Heard | None:
    """Who was asked, who referred them, who declined, and who with that remit was not asked."""
    if stage.concern is None:
        return None
    asked = [record.cases[name] for name in record.asked.get(terms, ())[-1:]]
    if case is not None:
        asked.append(case)
    parties = frozenset[str]().union(*(each.parties for each in asked))
    referred = [(found.by, to) for each in asked for to, found in each.referrals.items()]
    declined = frozenset[str]().union(*(each.saying("decline") for each in asked))
    remit = {name for name, each in plan.spec.agencies.items() if stage.concern in each.concerns}
    return Heard(
        asked=tuple(sorted(parties)),
        referred=tuple(HeardReferral(by=by, to=to) for by, to in sorted(referred)),
        declined=tuple(sorted(declined)),
        never_asked=tuple(sorted(remit - parties)),
    )


RULES: dict[type[Body], tuple[LawRule, ...]] = {
    cases.CaseReferred: (
        is_a_signed_referral,
        refers_as_terms_allow,
        refers_in_time,
        is_named_by_its_digest,
        binds_as_terms_say,
    ),
}
"""`law.cases` and `law.releases` have those for positions and openings."""
