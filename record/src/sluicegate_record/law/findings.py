"""The law of findings: who may report one, who says what of it, who closes it, and when it is overdue."""

from __future__ import annotations

from sluicegate_record.entities.finding import DEVELOPERS, Finding, reporters, retesters
from sluicegate_record.entries import Body, commitment_of
from sluicegate_record.entries.findings import FindingAnswered, FindingOverdue, FindingReported, OfFinding
from sluicegate_record.law.rule import (
    At,
    LawRule,
    is_named_by_its_digest,
    known,
    of_the_record,
    require,
    same,
    signed_by,
)
from sluicegate_record.statements.findings import GIVES, GONE, FindingStatement, name_of
from sluicegate_record.terms.plan import ModelDigests, Plan

OTHERWISE = "a finding that was signed otherwise"
_REPORT = "release party kind level axes text model tested grant transcribed sealed_details"
_ANSWER = "finding party says text tested outcome transcribed sealed_details"


def is_said_of_it(at: At, body: OfFinding) -> None:
    """A party signed its word on a finding for this log, and the entry says what was signed."""
    said = FindingStatement.read(body.envelope)
    same(body, said, _REPORT if isinstance(body, FindingReported) else _ANSWER, OTHERWISE)
    require(said.log == at.log, "a word on a finding that was signed for another log")
    signed_by(at, body.envelope, body.party, [body.owner], "a word on a finding that its party did not sign")


def seals_what_was_signed(at: At, body: OfFinding) -> None:
    """Details are those to which the statement commits, sealed to keys of this log."""
    sealed = body.sealed_details
    committed = "" if sealed is None else sealed.commitment
    is_its = body.details is None or commitment_of(body.details, "details") == committed
    require(is_its, "other details than were signed")
    are_known = not at.believes or sealed is None or at.record.keys.keys() >= set(sealed.keys)
    require(are_known, "details that are sealed to a key that is not pinned")


def is_a_new_finding(at: At, body: FindingReported) -> None:
    """A finding is reported once, under the name that its report gives it."""
    require(body.finding == name_of(body.digest), "a finding under another name than its report gives it")
    require(body.finding not in at.record.findings, "a finding that was reported before")


def is_of_its_release(at: At, body: FindingReported) -> None:
    """Who reports is named by the plan; what it reports is of a model or a grant of the release.

    Who is named by earlier terms on which grants go on reports as well, at a level of those.
    """
    plan = at.release(body.release).plan
    naming = [each for each in at.record.plans(body.release) if body.party in reporters(each)]
    require(naming, "a report of a party that the plan does not name")
    has_level = any(body.level in each.spec.scale.names for each in naming)
    require(has_level, "a report at a level that the plan does not have")
    _is_of_someone_without_a_key(at, body)
    if body.grant is not None:
        require(at.grant(body.grant).release == body.release, "a misuse of a grant of another release")
        return
    found = (body.model, "" if body.tested is None else body.tested.digest)
    models = [(each.id, each.digest) for each in plan.spec.models]
    require(found in models, "a report of a model that the release does not have")


def _is_of_someone_without_a_key(at: At, body: FindingReported | FindingAnswered) -> None:
    is_staff = body.transcribed is None or body.party == at.keys.developer
    require(is_staff, "a transcription that the developer's staff did not make")


def follows_what_was_said(at: At, body: FindingAnswered) -> None:
    """A word on a finding names the newest word of anyone on it, and is of its release."""
    found = finding_of(at, body)
    said = FindingStatement.read(body.envelope)
    require(said.previous == found.digest, "a word that does not follow the newest one on its finding")
    require(body.release == found.release, "a word on a finding of another release")


def is_its_to_say(at: At, body: FindingAnswered) -> None:
    """The developer answers while a finding is open; who may report gives detail; others than it retest."""
    found, plan = finding_of(at, body), at.release(body.release).plan
    if body.says in DEVELOPERS:
        require(body.party == at.keys.developer, "an answer that is the developer's to give")
        require(found.is_open, "an answer to a finding that is closed")
    elif body.says == GIVES:
        is_named = any(body.party in reporters(each) for each in at.record.plans(body.release))
        require(is_named, "detail of a party that the plan does not name")
        _is_of_someone_without_a_key(at, body)
    else:
        require(body.party in closers(at, found), "a retest that is not its party's to make")
        require(found.is_open or body.outcome != GONE, "a finding that is closed a second time")
        require(body.tested in retested(plan, found), "a retest of other digests than those in force")


def closers(at: At, found: Finding) -> frozenset[str]:
    """Who may close a finding: its reporter, an agency or evaluator of the plan; never the developer.

    The plan is that in force, and with it each one on whose terms grants still go on; of a misuse, that of
    the grant's own terms. So a plan to which no one has agreed yet does not name who frees a grant or a
    model. Who has no such grant has none that could be freed.

    Raises: Broken.
    """
    grant = at.record.grants.get(found.grant or "")
    is_here = at.release(found.release).name
    naming = at.record.plans(is_here) if grant is None else (at.terms(grant.terms).plan,)
    named = retesters(naming[0]).intersection(*map(retesters, naming[1:]))
    return (named | {found.party}) - {naming[0].metadata.developer}


def retested(plan: Plan, found: Finding) -> tuple[ModelDigests | None, ...]:
    """What a retest may be of: the model in force with the weights of the finding, or any one without it.

    A misuse has no digests.
    """
    if found.tested is None:
        return (None,)
    weights = found.tested.digest
    return tuple(each for each in plan.model_digests if each.digest == weights) or plan.model_digests


@of_the_record
def is_overdue(at: At, body: FindingOverdue) -> None:
    """The developer owes a step, and the time that the plan gives for it is over."""
    found = known(at.record.findings, body.finding, "finding")
    require(body.release == found.release, "a finding of another release")
    due = at.record.owed(found)
    require(due.get(body.step) == body.due_ms, "a step that is not owed, or by another time")
    require(body.due_ms <= at.at_ms, "a step that is not overdue yet")


def finding_of(at: At, body: FindingAnswered) -> Finding:
    """The finding that an entry is about. Raises: Broken."""
    return known(at.record.findings, body.finding, "finding")


RULES: dict[type[Body], tuple[LawRule, ...]] = {
    FindingReported: (
        is_said_of_it,
        is_named_by_its_digest,
        seals_what_was_signed,
        is_a_new_finding,
        is_of_its_release,
    ),
    FindingAnswered: (
        is_said_of_it,
        is_named_by_its_digest,
        seals_what_was_signed,
        follows_what_was_said,
        is_its_to_say,
    ),
    FindingOverdue: (is_overdue,),
}
