"""Positions: what agencies sign in a case, and what officers sign beside it.

Rules:
- A position counts if a pinned key of its agency signed it, it binds the whole question of the case, and it
  follows the agency's position before it. So no one can replay a position in another case, under other terms,
  or after it was superseded.
- A position that tells what had been said in the case must tell what the record has. A consent is stale if
  something of weight was said meanwhile: it is recorded, and does not count.
- A receipt starts its agency's clock. A question to the applicant stops it.
- If the basis is voluntary, positions are advice: two officers may proceed, by a separate signed entry. If it
  has lapsed, one officer decides in the same way.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from sluicegate.acts.review import StatementReceipt
from sluicegate.core.lifecycle import blocks, determination, eligibility, referrals, signers, timing
from sluicegate.core.lifecycle.answer import Acceptance, Refusal, SignedCommand
from sluicegate.core.lifecycle.keys import owners_for, signer_for
from sluicegate.core.lifecycle.releases import terms_changed, terms_not_agreed
from sluicegate.core.lifecycle.state import State
from sluicegate.core.lifecycle.steps import case_unknown, contributions, not_now, other_question, placed
from sluicegate.core.terms import sizes
from sluicegate_record.directives.received import Arrival
from sluicegate_record.entities.case import Case
from sluicegate_record.entities.happening import Trial
from sluicegate_record.entities.key import OWNERS_TOGETHER
from sluicegate_record.entities.proceedings import Opinion
from sluicegate_record.entries import Draft
from sluicegate_record.entries.cases import (
    CaseDetermined,
    CaseProceeded,
    CaseReceived,
    CaseScreened,
    PositionRecorded,
)
from sluicegate_record.log import dsse
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.log.leaf import Entropy, Opening
from sluicegate_record.record import Record
from sluicegate_record.statements.cases import (
    Position,
    Proceeding,
    Receipt,
    Schedule,
    Screening,
    Transcription,
    Word,
)
from sluicegate_record.terms import kinds
from sluicegate_record.terms.conditions import Conditions


@dataclass(frozen=True, slots=True)
class RecordPosition(SignedCommand):
    """Put a signed position on the record.

    `reason` opens the commitment to a sealed reason; None if the reason is public. `case` names the case if
    one signature covers a schedule of cases.
    """

    reason: Opening | None = None
    case: str | None = None


@dataclass(frozen=True, slots=True)
class TranscribePosition(SignedCommand):
    """Record what the issuer of a transcribed order said, by letter or call, about lifting it."""


@dataclass(frozen=True, slots=True)
class Receive(SignedCommand):
    """Put an agency's signed receipt of a case on the record."""


@dataclass(frozen=True, slots=True)
class Screen(SignedCommand):
    """Put a person's screening decision on the record;
    `candidates` opens the commitment to what the person saw.
    """

    candidates: Opening


@dataclass(frozen=True, slots=True)
class Proceed(SignedCommand):
    """Decide a case despite silence or objection, if the basis is voluntary. Two officers sign it."""


def record_position(
    state: State, command: RecordPosition, now_ms: int, entropy: Entropy
) -> Acceptance | Refusal:
    """Decide `RecordPosition`: the position, and what follows from it."""
    if dsse.predicate_type(command.envelope) == Schedule.TYPE:
        word = Schedule.read(command.envelope).word(command.case)
        if word is None:
            said = f"the schedule does not name the case {command.case!r}"
            return Refusal("unknown", "case_unknown", said)
    else:
        word = Position.read(command.envelope).word
    owners = owners_for(state, command.envelope, word.agency)
    stated = _StatedPosition(command.envelope, word, owners, command.reason)
    return _record(state, stated, now_ms, entropy)


def transcribe_position(
    state: State, command: TranscribePosition, now_ms: int, entropy: Entropy
) -> Acceptance | Refusal:
    """Decide `TranscribePosition`: only a position of the issuer,
    and only while the order itself is a transcription.
    """
    said = Transcription.read(command.envelope)
    refusal = _not_to_transcribe(state, said.word)
    if refusal is not None:
        return refusal
    owners = owners_for(state, command.envelope, state.developer)
    if not isinstance(owners, Refusal):
        owners = two_officers(owners) or owners
    stated = _StatedPosition(command.envelope, said.word, owners, None, said.received)
    return _record(state, stated, now_ms, entropy)


def signed_in(
    state: State, case: str, envelope: Envelope, now_ms: int, entropy: Entropy
) -> Acceptance | Refusal:
    """Decide a position in a case, or a transcription of one, by what the envelope states.

    Raises: BadEnvelope: it states neither.
    """
    if dsse.predicate_type(envelope) == Transcription.TYPE:
        word = Transcription.read(envelope).word
        decided = transcribe_position(state, TranscribePosition(envelope), now_ms, entropy)
    else:
        word = Position.read(envelope).word
        decided = record_position(state, RecordPosition(envelope), now_ms, entropy)
    return decided if word.case == case else case_unknown(word.case)


def two_officers(owners: tuple[str, ...]) -> Refusal | None:
    """The refusal of a transcription that too few officers signed; None if enough did."""
    if len(owners) >= OWNERS_TOGETHER:
        return None
    said = "a transcription takes the signatures of two officers, one was given"
    return Refusal("forbidden", "one_officer", said, "sign it with a second officer's key too")


def _not_to_transcribe(state: State, word: Word) -> Refusal | None:
    case = state.cases.get(word.case)
    if case is None:
        return case_unknown(word.case)
    issued = state.directives.get(case.question.directive) if case.kind == kinds.LIFT else None
    if issued is None or not issued.is_word or issued.issuer != word.agency:
        said = "only the issuer's word about an order that was transcribed, and not confirmed, is transcribed"
        return Refusal("forbidden", "not_transcribed", said, "the agency signs its position itself")
    return None


@dataclass(frozen=True, slots=True)
class _StatedPosition:
    """A position in its envelope: who signed it, and how it arrived if it is transcribed."""

    envelope: Envelope
    word: Word
    owners: tuple[str, ...] | Refusal
    reason: Opening | None
    transcribed: Arrival | None = None


def _record(state: State, stated: _StatedPosition, now_ms: int, entropy: Entropy) -> Acceptance | Refusal:
    word, owners = stated.word, stated.owners
    case = state.cases.get(word.case)
    if case is None:
        return case_unknown(word.case)
    if isinstance(owners, Refusal):
        return owners
    digest = stated.envelope.digest
    newest = case.positions.get(word.agency)
    if newest is not None and newest.digest == digest:
        return Acceptance([], _taken(case, newest, stated.transcribed, case.outcome))
    refusal = (
        other_question(case, word.question)
        or _unproven(stated)
        or _misplaced(state, case, word)
        or _said_otherwise(case, word)
        or referrals.without_concern(state, case, word)
        or _not_signed_enough(state, case, word.agency, owners)
    )
    if refusal is not None:
        return refusal
    body = replace(_spoken(stated, owners, digest), outside=referrals.outside(state, case, word))
    if case.is_repeated(body):
        body = replace(body, weighs=False)
    after = case.after(Trial(body, state.size, now_ms))
    if case.asked_ms is not None and not after.asking and case.whole_clock is not None:
        body = replace(body, whole_due_ms=timing.whole_due(case, now_ms))
        after = case.after(Trial(body, state.size, now_ms))
    recorded = Draft.of(case.id, body, entropy)
    follows = determination.conclude(state, after, now_ms, entropy)
    said = after.positions[word.agency]
    return Acceptance([recorded, *follows], _taken(after, said, stated.transcribed, outcome_of(follows)))


def _spoken(stated: _StatedPosition, owners: tuple[str, ...], digest: str) -> PositionRecorded:
    word = stated.word
    return PositionRecorded(
        case=word.case,
        agency=word.agency,
        owner=owners[0],
        owners=owners,
        position=word.position,
        reason=word.reason,
        digest=digest,
        envelope=stated.envelope,
        conditions=None if word.conditions is None else Conditions.from_json(word.conditions),
        sealed_reason=word.sealed,
        transcribed=stated.transcribed,
        said=word.said,
        concern=word.concern,
        secret=stated.reason,
    )


def _unproven(stated: _StatedPosition) -> Refusal | None:
    opened = stated.reason.commitment("sealed", "reason") if stated.reason is not None else None
    if opened == stated.word.sealed:
        return None
    said = "what was sent as the sealed reason is not what the position commits to"
    return Refusal(
        "unverified", "reason_unproven", said, "send the file that 'sluicegate review sign' wrote, unchanged"
    )


def receive(state: State, command: Receive, now_ms: int, entropy: Entropy) -> Acceptance | Refusal:
    """Decide `Receive`: the agency's clock starts now. A second receipt changes nothing."""
    receipt = Receipt.read(command.envelope)
    question, agency = receipt.question, receipt.agency
    case = state.cases.get(question.case)
    if case is None:
        return case_unknown(question.case)
    key = signer_for(state, command.envelope, agency)
    if isinstance(key, Refusal):
        return key
    refusal = other_question(case, question.digest) or _not_asked(case, agency)
    if refusal is not None:
        return refusal
    clock, digest = case.agency_clock, command.envelope.digest
    known = case.clocks.get(agency)
    said = case.positions.get(agency)
    if known is not None or (said is not None and not said.is_stale):
        due = known.due_ms if known is not None else None
        return Acceptance([], _received(case, agency, digest, due))
    refusal = not_now("receive", case)
    if refusal is not None:
        return refusal
    due_ms = timing.due(case, now_ms, clock.within, []) if clock is not None else None
    body = CaseReceived(
        case=case.id,
        agency=agency,
        owner=key.owner,
        due_ms=due_ms,
        digest=digest,
        envelope=command.envelope,
    )
    return Acceptance([Draft(case.id, body)], _received(case, agency, digest, due_ms))


def _received(case: Case, agency: str, digest: str, due_ms: int | None) -> StatementReceipt:
    return StatementReceipt(case=case.id, agency=agency, digest=digest, due_ms=due_ms)


def screen(state: State, command: Screen, now_ms: int, entropy: Entropy) -> Acceptance | Refusal:
    """Decide `Screen`: the record, and what follows from it. An officer must sign it."""
    screening = Screening.read(command.envelope)
    case = placed(state, screening.question, "screen")
    if isinstance(case, Refusal):
        return case
    key = signer_for(state, command.envelope, state.developer)
    if isinstance(key, Refusal):
        return key
    if command.candidates.commitment("sealed", "candidates") != screening.candidates:
        return Refusal(
            "unverified",
            "candidates_unproven",
            "the candidates sent are not those committed to",
            "sign it again",
        )
    in_use = state.lists.get(screening.list)
    if in_use is not None and in_use != screening.version:
        said = f"version {in_use!r} of the list {screening.list!r} is in use, not {screening.version!r}"
        return Refusal("conflict", "list_changed", said, "screen again, with the version in use")
    body = CaseScreened(
        case=case.id,
        name=screening.list,
        version=screening.version,
        decision=screening.decision,
        reason=screening.reason,
        owner=key.owner,
        digest=command.envelope.digest,
        envelope=command.envelope,
        candidates=command.candidates,
    )
    after = case.after(Trial(body, state.size, now_ms))
    follows = determination.conclude(state, after, now_ms, entropy)
    result = StatementReceipt(case=case.id, decision=screening.decision, determination=outcome_of(follows))
    return Acceptance([Draft.of(case.id, body, entropy), *follows], result)


def proceed(state: State, command: Proceed, now_ms: int, entropy: Entropy) -> Acceptance | Refusal:
    """Decide `Proceed`: by two officers if the basis is voluntary, by one if it has lapsed."""
    proceeding = Proceeding.read(command.envelope)
    case = placed(state, proceeding.question, "proceed")
    if isinstance(case, Refusal):
        return case
    owners = owners_for(state, command.envelope, state.developer)
    if isinstance(owners, Refusal):
        return owners
    refusal = _not_to_proceed(state, case, owners, now_ms)
    if refusal is not None:
        return refusal
    digest = command.envelope.digest
    body = CaseProceeded(
        case=case.id,
        owners=owners,
        reason=proceeding.reason,
        digest=digest,
        over=sorted(case.against) or "silence",
        envelope=command.envelope,
        lapsed=has_lapsed(state, case),
    )
    after = case.after(Trial(body, state.size, now_ms))
    drafts = [Draft(case.id, body), *determination.approved(state, after, now_ms, entropy)]
    result = StatementReceipt(case=case.id, digest=digest, determination=outcome_of(drafts))
    return Acceptance(drafts, result)


def _not_to_proceed(state: State, case: Case, owners: tuple[str, ...], now_ms: int) -> Refusal | None:
    if has_lapsed(state, case):
        return _not_to_decide(state, case, now_ms)
    if case.basis != "voluntary":
        said = f"the basis of this case is {case.basis or 'a directive'!r}: its positions are not advice"
        return Refusal("forbidden", "not_voluntary", said, "only the agencies' positions can determine it")
    if len(owners) < OWNERS_TOGETHER:
        said = "proceeding takes the signatures of two officers, one was given"
        return Refusal("forbidden", "one_officer", said, "let a second officer countersign the same file")
    return _not_to_decide(state, case, now_ms)


def is_advice(state: State, case: Case) -> bool:
    """Whether officers may decide over silence or objection: two, or one where the rules have lapsed."""
    is_settled = case.state == kinds.DETERMINED and case.outcome != "denied"
    return not is_settled and (has_lapsed(state, case) or case.basis == "voluntary")


def has_lapsed(state: State, case: Case) -> bool:
    """Whether an officer alone decides a case, because the rules of its stage have lapsed."""
    question = case.question
    is_advised = kinds.KINDS[case.kind].advice
    return is_advised and state.record.has_lapsed(question.release, question.stage)


def _not_to_decide(state: State, case: Case, now_ms: int) -> Refusal | None:
    if case.state == kinds.DETERMINED and case.outcome != "denied":
        return Refusal("conflict", "case_determined", f"the case is already determined: {case.outcome}")
    return moved(state, case) or _in_the_way(state, case, now_ms) or _no_room(state, case)


def _in_the_way(state: State, case: Case, now_ms: int) -> Refusal | None:
    """What stops a case even if officers proceed: everything except a contradiction between agencies."""
    for block in blocks.blocked_by(state.record, case, now_ms):
        if block.what != "contradiction":
            return Refusal("conflict", block.code, block.text, "settle that first")
    return None


def grant_moved(state: State, case: Case) -> Refusal | None:
    """Why a case about a grant cannot be taken up again; None if it can."""
    if not case.question.grant:
        return None
    grant = state.grants[case.question.grant]
    if not grant.is_live:
        said = f"grant {grant.id!r} has ended: {grant.standing}"
        return Refusal("conflict", "grant_ended", said, "a new application is the way back")
    newer = grant.amendment if case.kind == kinds.AMENDMENT else grant.removal
    if newer not in {None, case.id}:
        said = f"case {newer!r} about this grant is open"
        return Refusal("conflict", "already_applied", said, "go on there")
    return None


def _no_room(state: State, case: Case) -> Refusal | None:
    if case.kind != kinds.ADMISSION:
        return grant_moved(state, case)
    question = case.question
    key = (case.organization or "", question.release, question.surface)
    other = state.open_applications.get(key, case.id)
    grant = state.table.grants.get(key)
    if other != case.id or (grant is not None and state.grants[grant.id].is_live):
        said = "the organization has since applied again, or been granted this surface"
        return Refusal("conflict", "already_applied", said, "proceed in the newer case")
    if case.state != kinds.OFFERED and not determination.has_seat(state, case):
        return Refusal(
            "conflict",
            "no_seat",
            "every seat of the stage is taken, or more people than it lets in would come",
            "wait for one, or change the plan",
        )
    return None


def _misplaced(state: State, case: Case, word: Word) -> Refusal | None:
    """Why a validly signed position does not belong here; None if it does."""
    refusal = _not_asked(case, word.agency) or not_now("position", case) or _settled(state, case)
    if refusal is not None:
        return refusal
    if word.position == "ask" and not can_say(state.record, case, word.position):
        return Refusal("conflict", "nobody_to_ask", f"a {case.kind} case has no applicant who could answer")
    refusal = _unfit_conditions(state, case, word)
    if refusal is not None:
        return refusal
    said = case.positions.get(word.agency)
    if word.previous != (said.digest if said else None):
        return Refusal(
            "conflict",
            "position_superseded",
            f"the position does not follow the newest one of {word.agency!r} in this case",
            "export the case again and sign that",
        )
    return moved(state, case)


def _said_otherwise(case: Case, word: Word) -> Refusal | None:
    """Whether a position tells that something else had been said in its case than the record has."""
    if word.said is None or word.said == case.discussed(word.said.count):
        return None
    said = "it was signed over another discussion than that of this case"
    return Refusal("conflict", "other_discussion", said, "export the case again and sign that")


def _unfit_conditions(state: State, case: Case, word: Word) -> Refusal | None:
    """Why a position may not have its conditions; None if it may, or has none."""
    if word.conditions is None:
        return None
    if not can_say(state.record, case, "approve-with-conditions"):
        said = "there is no grant here that conditions could be put on"
        return Refusal("conflict", "no_conditions_here", said, "approve, object or ask for an amendment")
    most = sizes.share(blocks.conditions_of_terms(state.record, case), len(case.parties))
    taken = sizes.size_of(Conditions.from_json(word.conditions))
    if taken <= most:
        return None
    said = f"conditions of {taken:,} bytes, expected at most {most:,}: all that are stated fit into one entry"
    return Refusal("conflict", "conditions_too_large", said, "say it in fewer words, or name a document")


def can_say(record: Record, case: Case, position: str) -> bool:
    """Whether a position has a sense in a case: there is someone who can answer, or a grant to condition."""
    if position == "ask":
        return kinds.allows("answer", case.kind, case.state)
    return position != "approve-with-conditions" or _can_have_conditions(record, case)


def _can_have_conditions(record: Record, case: Case) -> bool:
    """Whether an approval gives a new grant or amends one. A reinstated grant keeps its old conditions."""
    if case.kind == kinds.APPEAL:
        return record.cases[case.question.against].kind in kinds.ADMITS
    return case.kind in kinds.ADMITS or case.kind == kinds.LICENCE


def _settled(state: State, case: Case) -> Refusal | None:
    if not blocks.allowed_on_appeal(state.record, case):
        return None
    said = f"the appeal {case.appeal!r} has decided this case"
    return Refusal("conflict", "decided_on_appeal", said, "only a seat is awaited")


def _not_asked(case: Case, agency: str) -> Refusal | None:
    if agency in case.parties:
        return None
    return Refusal("forbidden", "not_asked", f"{agency!r} is not asked in this case")


def _not_signed_enough(state: State, case: Case, agency: str, owners: tuple[str, ...]) -> Refusal | None:
    if len(owners) < signers.needed(case, agency):
        said = f"a position of {agency!r} takes the signatures of two of its owners, one was given"
        return Refusal(
            "forbidden",
            "countersignature_missing",
            said,
            "'sluicegate review countersign FILE --key KEY -o FILE' adds the second",
        )
    partial = sorted(signers.excluded(state.record, case).intersection(owners))
    if partial:
        said = f"{', '.join(partial)} signed in the case that is appealed"
        return Refusal("forbidden", "not_impartial", said, "another owner of the agency must decide")
    return None


def moved(state: State, case: Case) -> Refusal | None:
    """Why a case no longer answers the terms in force, or may not continue yet; None if it may continue."""
    if eligibility.outlasts_plans(state.record, case):
        return None
    release, stage = state.releases[case.question.release], case.question.stage
    if not eligibility.goes_on(state.record, release, case):
        return terms_changed(stage)
    if case.kind != kinds.TERMS and release.terms[stage] not in release.agreed:
        return terms_not_agreed(stage)
    return None


def outcome_of(drafts: list[Draft]) -> str | None:
    """The outcome in these entries, if they determine a case."""
    outcomes = [draft.body.outcome for draft in drafts if isinstance(draft.body, CaseDetermined)]
    return outcomes[0] if outcomes else None


def _taken(case: Case, said: Opinion, transcribed: Arrival | None, outcome: str | None) -> StatementReceipt:
    return StatementReceipt(
        case=case.id,
        agency=said.agency,
        digest=said.digest,
        determination=outcome,
        unheard=contributions(case.unheard(said)),
        stale=said.is_stale,
        transcribed=transcribed,
        officers=() if transcribed is None else said.owners,
    )
