"""The law of results of evaluations. Which of them count follows from the plan, by `entities.evidence`."""

from __future__ import annotations

from sluicegate_record.entities.evidence import Evidence, recorded
from sluicegate_record.entries import Body
from sluicegate_record.entries.evidence import EvidenceRecorded, EvidenceWithdrawn
from sluicegate_record.form import replace
from sluicegate_record.law.rule import (
    At,
    LawRule,
    is_named_by_its_digest,
    known,
    require,
    same,
    signed_by,
)
from sluicegate_record.record import Record
from sluicegate_record.statements.evidence import EvidenceWithdrawal, ResultStatement
from sluicegate_record.terms import evaluations
from sluicegate_record.terms.evaluations import Evaluation
from sluicegate_record.terms.quorum import parties_of


def is_the_result_of_its_party(at: At, body: EvidenceRecorded) -> None:
    """A party signed its result for this log, and the entry says what was signed."""
    stated = ResultStatement.read(body.envelope)
    why = "a result that was signed otherwise"
    same(body, stated.said, "release evaluation party model tested run", why)
    require(body.result == stated.result, why)
    require(stated.said.log == at.log, "a result that was signed for another log")
    signed_by(at, body.envelope, body.party, [body.owner], "a result that its party did not sign")


def answers_what_was_asked(at: At, body: EvidenceRecorded) -> None:
    """A result is of an evaluation of the plan, by one who may run it, and follows from its counts.

    So is one of an evaluation of earlier terms on which grants go on.
    """
    release, stated = at.release(body.release), ResultStatement.read(body.envelope)
    meant = (
        each for each in asked_of(at.record, release.name, body.evaluation) if each.digest == stated.asked
    )
    in_force = release.plan.spec.evaluations
    asked = next(meant, None) or known(in_force, body.evaluation, "evaluation")
    require(body.party in parties_of(asked.from_), "a result of a party that the plan does not name")
    require(stated.asked == asked.digest, "a result of another evaluation than the plan names")
    found = evaluations.outcome(asked, body.run, body.model)
    require(body.result == found, "a result that does not follow from its counts")


def asked_of(record: Record, release: str, name: str) -> tuple[Evaluation, ...]:
    """The evaluations of a name: of the plan in force, and of earlier terms on which grants go on."""
    stated = (each.spec.evaluations.get(name) for each in record.plans(release))
    return tuple(dict.fromkeys(each for each in stated if each is not None))


def is_a_run_of_its_own(at: At, body: EvidenceRecorded) -> None:
    """A party records a run once, in whichever format its log is, unless it withdrew the result."""
    found = at.record.results_of(body.release, body.evaluation)
    stands = (each for each in found if each.party == body.party and each.withdrawn_ms is None)
    is_known = any(each.is_same_run(body.run) for each in stands)
    require(not is_known, "a run that was recorded before")


def raises_what_the_comparison_says(at: At, body: EvidenceRecorded) -> None:
    """The terms in force after a result are those of the level to which it leads, if it changes them."""
    require(dict(body.raised) == raised_by(at, body), "other terms than the comparison gives")


def is_its_partys_withdrawal(at: At, body: EvidenceWithdrawn) -> None:
    """A party signed for this log that it withdraws a result, and the entry says what was signed."""
    stated = EvidenceWithdrawal.read(body.envelope)
    same(body, stated, "release evidence party reason", "a withdrawal that was signed otherwise")
    require(stated.log == at.log, "a withdrawal that was signed for another log")
    signed_by(at, body.envelope, body.party, [body.owner], "a withdrawal that its party did not sign")


def withdraws_what_stands(at: At, body: EvidenceWithdrawn) -> None:
    """What is withdrawn is a result of the same party, once."""
    found = standing(at, body)
    require(found.release == body.release, "a withdrawal in another release")
    require(found.party == body.party, "a withdrawal of the result of another party")


def lowers_what_the_comparison_said(at: At, body: EvidenceWithdrawn) -> None:
    """The terms in force after a withdrawal are those of the levels that still hold."""
    require(dict(body.raised) == raised_by(at, body), "other terms than the levels give that still hold")


def standing(at: At, body: EvidenceWithdrawn) -> Evidence:
    """The result that is withdrawn. Raises: Broken: it is not there, or was withdrawn before."""
    found = known(at.record.evidence, body.evidence, "result")
    require(found.withdrawn_ms is None, "a withdrawal of what was withdrawn")
    return found


def raised_by(at: At, body: EvidenceRecorded | EvidenceWithdrawn) -> dict[str, str]:
    """The digests of the terms in force after an entry, where levels amend the plan's own.

    Of a result: none, if the terms in force do not change by it.
    """
    release = at.release(body.release)
    if isinstance(body, EvidenceWithdrawn):
        word = replace(standing(at, body), withdrawn_ms=at.at_ms)
        return at.record.raised(body.release, release.stated, word)
    found = at.record.raised(body.release, release.stated, recorded(at.entry, body))
    return {} if {**release.own_terms, **found} == dict(release.terms) else found


RULES: dict[type[Body], tuple[LawRule, ...]] = {
    EvidenceWithdrawn: (
        is_its_partys_withdrawal,
        withdraws_what_stands,
        is_named_by_its_digest,
        lowers_what_the_comparison_said,
    ),
    EvidenceRecorded: (
        is_the_result_of_its_party,
        answers_what_was_asked,
        is_a_run_of_its_own,
        is_named_by_its_digest,
        raises_what_the_comparison_says,
    ),
}
