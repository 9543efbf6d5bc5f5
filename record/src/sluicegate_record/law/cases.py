"""The law of cases: which positions count, what officers sign beside them, how a case ends."""

from __future__ import annotations

from sluicegate_record.directives.received import Arrival
from sluicegate_record.entities.case import Case
from sluicegate_record.entities.key import OWNERS_TOGETHER
from sluicegate_record.entries import Body, cases, commitment_of
from sluicegate_record.law import clocks, openings, referrals
from sluicegate_record.law.agreement import as_heard, carried, sides
from sluicegate_record.law.bases import has_lapsed
from sluicegate_record.law.clocks import has_whole_time
from sluicegate_record.law.referrals import names_a_concern, says_whether_it_counts
from sluicegate_record.law.rule import (
    At,
    Broken,
    LawRule,
    is_named_by_its_digest,
    of_the_record,
    require,
    signed_by,
)
from sluicegate_record.log import dsse
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.statements import cases as statements
from sluicegate_record.statements.cases import Word
from sluicegate_record.statements.statement import Statement
from sluicegate_record.terms import kinds, quorum


def is_signed(at: At, body: cases.PositionRecorded) -> None:
    """A position is signed by its agency for exactly the case's question, in this log."""
    case = at.case(body.case)
    require(case.question.log == at.log, "a case of another log")
    word = word_of(body)
    require(word.question == case.question.digest, "a position signed for another question")
    signed = signing(at, case, body)
    require(signed, f"no signature by a key of {word.agency!r} that is known here")


def is_as_signed(at: At, body: cases.PositionRecorded) -> None:
    """What the entry says of a position is what was signed."""
    word = word_of(body)
    conditions = body.conditions.to_json() if body.conditions is not None else None
    stated = (body.agency, body.position, body.reason, conditions, body.sealed_reason, body.said)
    signed = (word.agency, word.position, word.reason, word.conditions, word.sealed, word.said)
    require(stated == signed, "a position that was signed otherwise")
    require(body.concern == word.concern, "an objection about another concern than was signed")
    require(body.transcribed == _arrival(body.envelope), "a letter that came otherwise than was signed")
    sealed = commitment_of(body.secret, "reason")
    require(sealed == (body.sealed_reason or ""), "another sealed reason than was signed")
    if at.believes:
        require(body.owner == (body.owners or (body.owner,))[0], "an owner that is not its first")
        owners = signing(at, at.case(body.case), body)
        require(
            owners == frozenset(body.owners or (body.owner,)), "a position of other owners than signed it"
        )


def follows(at: At, body: cases.PositionRecorded) -> None:
    """A position follows the one before it of the same agency, as far as the record shows them."""
    newest = at.case(body.case).positions.get(body.agency)
    previous = newest.digest if newest is not None else None
    require(word_of(body).previous == previous, "a position that does not follow the one before it")


@of_the_record
def knows_the_discussion(at: At, body: cases.PositionRecorded) -> None:
    """A position that tells what had been said tells what the record has."""
    said = body.said
    same = said is None or said == at.case(body.case).discussed(said.count)
    require(same, "a position over another discussion than that of its case")


@of_the_record
def weighs_if_it_is_new(at: At, body: cases.PositionRecorded) -> None:
    """A position that is said not to make consents stale repeats what its agency has said."""
    is_right = body.weighs or at.case(body.case).is_repeated(body)
    require(is_right, "a position that says something new, and is said not to")


def _arrival(envelope: Envelope) -> Arrival | None:
    """How a letter came that officers transcribe; None if the agency signed itself."""
    is_letter = _states(statements.Transcription, envelope)
    return statements.Transcription.read(envelope).received if is_letter else None


@of_the_record
def is_asked(at: At, body: cases.PositionRecorded) -> None:
    """A position is of an agency that the case asks, while the case is open."""
    case = at.case(body.case)
    require(body.agency in case.parties, "a position of an agency that is not asked")
    require(kinds.allows("position", case.kind, case.standing), "a position in a case that is not open")
    require(has_whole_time(case, body.whole_due_ms), "a case with less time than its terms give")


def word_of(body: cases.PositionRecorded) -> Word:
    """What an envelope says in the case of its entry. Raises: Broken, BadEnvelope."""
    envelope = body.envelope
    if _states(statements.Transcription, envelope):
        return statements.Transcription.read(envelope).word
    if not _states(statements.Schedule, envelope):
        return statements.Position.read(envelope).word
    word = statements.Schedule.read(envelope).word(body.case)
    if word is None:
        raise Broken("a schedule that does not name the case")
    return word


def _states(kind: type[Statement], envelope: Envelope) -> bool:
    return dsse.predicate_type(envelope) == kind.TYPE


def signing(at: At, case: Case, body: cases.PositionRecorded) -> frozenset[str]:
    """The owners whose signatures carry a position. Raises: Broken: officers may not state it."""
    if not _states(statements.Transcription, body.envelope):
        return at.keys.owners(body.envelope, body.agency)
    name = case.question.directive
    found = at.record.directives.get(name) if case.kind == kinds.LIFT else None
    if found is None or not found.is_word:
        raise Broken("a transcription of what its agency signs itself")
    require(
        found.document.spec.issuer == body.agency,
        "a transcription of another agency's word than the issuer's",
    )
    return _officers(at, body.envelope, "a transcription that two officers did not sign")


def _officers(at: At, envelope: Envelope, why: str) -> frozenset[str]:
    owners = at.keys.owners(envelope, at.keys.developer)
    require(len(owners) >= OWNERS_TOGETHER, why)
    return owners


def is_an_officers_look(at: At, body: cases.CaseScreened) -> None:
    """A screening record is signed by an officer, and says what was signed."""
    screening = statements.Screening.read(body.envelope)
    require(screening.question.digest == at.case(body.case).question.digest, "a screening of another case")
    candidates = commitment_of(body.candidates, "candidates")
    stated = (body.name, body.version, body.decision, body.reason, candidates)
    signed = (screening.list, screening.version, screening.decision, screening.reason, screening.candidates)
    require(stated == signed, "a screening signed otherwise")
    signed_by(at, body.envelope, at.keys.developer, [body.owner], "a screening that no officer signed")


def is_advice(at: At, body: cases.CaseProceeded) -> None:
    """Two officers proceed, and only where positions are advice; or one, where the rules have lapsed."""
    case = at.case(body.case)
    stated = statements.Proceeding.read(body.envelope)
    require(stated.question.digest == case.question.digest, "a proceeding signed for another question")
    officers = 1 if body.lapsed else OWNERS_TOGETHER
    owners = at.keys.owners(body.envelope, at.keys.developer)
    require(len(owners) >= officers, "a proceeding that too few officers signed")
    require(body.reason == stated.reason, "a proceeding signed for another reason")
    if at.believes:
        require(owners == frozenset(body.owners), "a proceeding of other owners than signed it")
        require(body.over == (sorted(case.against) or "silence"), "a proceeding over something else")
    if body.lapsed:
        is_unbound = kinds.KINDS[case.kind].advice and has_lapsed(at, case)
        require(is_unbound, "a decision of an officer alone where the rules bind")
        return
    terms = at.terms(case.question.terms)
    require(case.basis == terms.body.basis.kind == "voluntary", "a proceeding where positions are not advice")


def is_open(at: At, body: cases.CaseDetermined) -> None:
    """A case is determined once; over a denial it may be decided again."""
    if at.believes:
        case = at.case(body.case)
        require(
            case.state != kinds.DETERMINED or case.outcome == "denied", "a case that was determined before"
        )
        require(body.outcome in kinds.OUTCOMES, "an outcome that is none")


def is_decided(at: At, body: cases.CaseDetermined) -> None:
    """What is granted is carried by the rule; after a denial no agency left could have made it a yes."""
    case = at.case(body.case)
    if body.outcome in kinds.GRANTED:
        _grants(at, case)
    elif at.believes and body.outcome == "denied":
        _denies(at, case, body.because)
    elif at.believes and body.outcome == "lapsed":
        due_ms = case.offer_until_ms if case.state == kinds.OFFERED else case.due_ms
        require(due_ms is not None and due_ms <= at.at_ms, "a case that lapsed before its time")


def _grants(at: At, case: Case) -> None:
    if case.kind == kinds.TERMS:
        _agrees(at, case)
    elif at.believes:
        heard = as_heard(at, case)
        carried(at, heard, heard.rule, heard.procedure.countersign)


def _agrees(at: At, case: Case) -> None:
    """Terms are agreed to if they are those in force, of what the case is about, and every agency signed."""
    at.case(case.id, kinds.TERMS)
    question = case.question
    terms = at.terms(question.terms)
    plan = terms.plan
    about = (question.release, question.stage, question.models)
    require(about == (plan.metadata.name, terms.stage, plan.model_digests),
            "terms of something else than their case asks")  # fmt: skip
    current = at.release(plan.metadata.name).own_terms.get(terms.stage)
    require(current == question.terms, "terms that are not in force")
    is_first = case.state != kinds.DETERMINED
    require(is_first or at.believes, "terms that were decided on before")  # `is_open` has asked who believes
    carried(at, case, kinds.rule_of(kinds.TERMS, plan, terms.body))


def _denies(at: At, case: Case, because: tuple[str, ...] | None) -> None:
    heard = as_heard(at, case)
    against, left = sides(at, heard)[1], heard.left
    is_enough = heard.is_notified and bool(against)
    require(left is None or is_enough or not quorum.reachable(left, against),
            "a denial that the positions do not carry")  # fmt: skip
    why = "a denial because of others than are against it"
    require(because in {None, tuple(sorted(heard.against))}, why)


RULES: dict[type[Body], tuple[LawRule, ...]] = {
    **openings.RULES,
    **clocks.RULES,
    **referrals.RULES,
    cases.CaseScreened: (is_an_officers_look, is_named_by_its_digest),
    cases.CaseProceeded: (is_advice, is_named_by_its_digest),
    cases.PositionRecorded: (
        is_signed,
        is_as_signed,
        follows,
        knows_the_discussion,
        weighs_if_it_is_new,
        is_asked,
        is_named_by_its_digest,
        names_a_concern,
        says_whether_it_counts,
    ),
    cases.CaseDetermined: (is_open, is_decided, clocks.gives_its_times),
}
