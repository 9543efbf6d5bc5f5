"""The law of cases: how they open, which positions count, what the passing of time does, how they end."""

from __future__ import annotations

from sluicegate_record.entities.case import Case, opened
from sluicegate_record.entries import Body, cases
from sluicegate_record.law import rule
from sluicegate_record.law.agreement import carried, sides
from sluicegate_record.law.rule import At, Broken, require
from sluicegate_record.log import dsse
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.statements import cases as statements
from sluicegate_record.statements.cases import Word
from sluicegate_record.statements.statement import Statement
from sluicegate_record.terms import kinds, quorum
from sluicegate_record.terms.rule import Rule

_DAY_MS, _HOUR_MS = 86_400_000, 3_600_000
OFFICERS = 2
"""How many officers it takes to proceed, or to transcribe."""


def is_new(at: At, body: cases.CaseOpened) -> None:
    """A case is opened once."""
    require(body.case not in at.record.cases, "a case that was opened before")


def asks_by_its_rule(at: At, body: cases.CaseOpened) -> None:
    """A case is decided by the rule of what it is about."""
    if at.believes:
        require(body.rule == rule_of(at, body), "a case with another rule than that of what it is about")


def goes_by_its_terms(at: At, body: cases.CaseOpened) -> None:
    """A case about an organization has the procedure of its terms, and all the time that they give."""
    if not at.believes:
        return
    is_about_one = body.kind in kinds.ABOUT_ONE
    procedure = at.terms(body.question.terms).body.admission.procedure if is_about_one else None
    require(body.procedure == procedure, "a case with another procedure than that of its terms")
    if body.due_ms is None:
        return
    whole = opened(at.entry, body, "", "").whole_clock
    require(
        whole is None or _has_time(at, whole[0], body.due_ms), "a case with less time than its terms give"
    )


def _has_time(at: At, within: int, due_ms: int) -> bool:
    """Whether a time of so many days, which the clock starts now, can be over then.

    A day of a calendar may have 23 hours; the date on which the clock starts does not count.
    """
    return due_ms >= at.at_ms + within * _DAY_MS - _HOUR_MS


def rule_of(at: At, body: cases.CaseOpened) -> Rule:
    """The rule by which a case has to be decided. Raises: Broken."""
    question = body.question
    if body.kind == kinds.LIFT:
        return at.directive(question.directive).document.spec.lifted_by
    terms = at.terms(question.terms)
    against = at.case(question.against).kind if question.against else ""
    return kinds.rule_of(body.kind, terms.plan, terms.body, against)


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
    stated = (body.agency, body.position, body.reason, conditions, body.sealed_reason)
    signed = (word.agency, word.position, word.reason, word.conditions, word.sealed)
    require(stated == signed, "a position that was signed otherwise")
    if at.believes:
        owners = signing(at, at.case(body.case), body)
        require(
            owners == frozenset(body.owners or (body.owner,)), "a position of other owners than signed it"
        )


def follows(at: At, body: cases.PositionRecorded) -> None:
    """A position follows the one before it of the same agency, as far as the record shows them."""
    newest = at.case(body.case).positions.get(body.agency)
    previous = newest.digest if newest is not None else None
    require(word_of(body).previous == previous, "a position that does not follow the one before it")


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
    require(len(owners) >= OFFICERS, why)
    return owners


def is_received(at: At, body: cases.CaseReceived) -> None:
    """A receipt is signed by its agency for the case's question: only then does its clock start."""
    receipt = statements.Receipt.read(body.envelope)
    case = at.case(body.case)
    require(receipt.question.digest == case.question.digest, "a receipt signed for another question")
    require(receipt.agency == body.agency, "a receipt of another agency")
    require(at.keys.owners(body.envelope, body.agency), f"no signature by a key of {body.agency!r}")
    clock = case.agency_clock
    if body.due_ms is not None and clock is not None and at.believes:
        require(_has_time(at, clock.within, body.due_ms), "an agency with less time than the terms give")


def is_an_officers_look(at: At, body: cases.CaseScreened) -> None:
    """A screening record is signed by an officer, and says what was signed."""
    screening = statements.Screening.read(body.envelope)
    require(screening.question.digest == at.case(body.case).question.digest, "a screening of another case")
    stated = (body.name, body.version, body.decision)
    require(stated == (screening.list, screening.version, screening.decision), "a screening signed otherwise")
    require(at.keys.owners(body.envelope, at.keys.developer), "a screening that no officer signed")


def is_advice(at: At, body: cases.CaseProceeded) -> None:
    """Two officers proceed, and only where positions are advice."""
    case = at.case(body.case)
    stated = statements.Proceeding.read(body.envelope)
    require(stated.question.digest == case.question.digest, "a proceeding signed for another question")
    _officers(at, body.envelope, "a proceeding that two officers did not sign")
    terms = at.terms(case.question.terms)
    require(case.basis == terms.body.basis.kind == "voluntary", "a proceeding where positions are not advice")


def is_due(at: At, body: cases.CaseSilent) -> None:
    """Silence means what the clock says, and only once its time is over."""
    case = at.case(body.case)
    if body.agency is None:
        require(case.due_ms is not None and case.due_ms <= at.at_ms, "a case whose time is not over")
        whole = case.whole_clock
        require(whole is not None and whole[1] == "admit", "a case that silence does not admit")
        return
    timer, clock = case.clocks.get(body.agency), case.agency_clock
    require(timer is not None and timer.due_ms is not None and timer.due_ms <= at.at_ms,
            "a silence before its time is over")  # fmt: skip
    assert timer is not None
    require(clock is not None, "a silence that no clock gives a meaning")
    assert clock is not None
    meaning = clock.silence
    if meaning == "escalate":
        require(timer.rung >= len(clock.to), "a silence before the ladder's last step")
        meaning = clock.then or "wait"
    require(body.meaning == meaning, "a silence that means something else")


def is_open(at: At, body: cases.CaseDetermined) -> None:
    """A case is determined once; over a denial it may be decided again."""
    if at.believes:
        case = at.case(body.case)
        require(
            case.state != kinds.DETERMINED or case.outcome == "denied", "a case that was determined before"
        )


def is_decided(at: At, body: cases.CaseDetermined) -> None:
    """What is granted is carried by the rule; after a denial no agency left could have made it a yes."""
    case = at.case(body.case)
    if body.outcome in kinds.GRANTED:
        _grants(at, case)
    elif at.believes and body.outcome == "denied":
        _denies(at, case)
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
    current = at.release(plan.metadata.name).terms.get(terms.stage)
    require(current == question.terms, "terms that are not in force")
    carried(at, case, Rule("allOf", tuple(sorted(terms.body.agencies))))


def _denies(at: At, case: Case) -> None:
    heard = as_heard(at, case)
    against, left = sides(at, heard)[1], heard.left
    is_enough = heard.is_notified and bool(against)
    require(left is None or is_enough or not quorum.reachable(left, against),
            "a denial that the positions do not carry")  # fmt: skip


def as_heard(at: At, case: Case) -> Case:
    """A case after an appeal against it was allowed: the positions of the appeal replace its own."""
    appeal = at.record.cases.get(case.appeal or "")
    if case.kind != kinds.ADMISSION or appeal is None or appeal.outcome not in kinds.GRANTED:
        return case
    return appeal


RULES: dict[type[Body], tuple[rule.LawRule, ...]] = {
    cases.CaseOpened: (is_new, asks_by_its_rule, goes_by_its_terms),
    cases.CaseReceived: (is_received,),
    cases.CaseScreened: (is_an_officers_look,),
    cases.CaseProceeded: (is_advice,),
    cases.CaseSilent: (is_due,),
    cases.PositionRecorded: (is_signed, is_as_signed, follows),
    cases.CaseDetermined: (is_open, is_decided),
}
