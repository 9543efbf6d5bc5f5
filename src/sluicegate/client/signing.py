"""Signing with a party's own key, on the machine that has the key. Nothing here needs a network."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sluicegate.acts.clearances import ClearanceToSign
from sluicegate.acts.closures import ReportView
from sluicegate.acts.deployments import ReleaseDeployment
from sluicegate.acts.designations import DesignationToSign
from sluicegate.acts.evidence import SealingKey
from sluicegate.acts.fields import opened_beside
from sluicegate.acts.findings import FindingToSign, FindingView
from sluicegate.acts.observations import ObservationToSign
from sluicegate.acts.points import EnforcementToSign
from sluicegate.acts.promises import PromiseToSign
from sluicegate.acts.ramps import RampToSign
from sluicegate.acts.releases import OpeningToSign
from sluicegate.acts.review import CaseToSign, ExportedCase
from sluicegate.client import export, passphrases, sealing
from sluicegate.errors import InvalidInput, SluicegateError
from sluicegate.ports import UnsignedStatement
from sluicegate_record.directives.received import Arrival
from sluicegate_record.log import canonical, dsse, publickey, times
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.log.leaf import Opening
from sluicegate_record.log.publickey import PublicKey, SigningKey
from sluicegate_record.statements.cases import (
    Position,
    Proceeding,
    Receipt,
    Referral,
    Schedule,
    ScheduledCase,
    Screening,
    Transcription,
)
from sluicegate_record.statements.clearances import Clearance
from sluicegate_record.statements.deployments import DeploymentStatement
from sluicegate_record.statements.designations import DesignationStatement
from sluicegate_record.statements.directives import Confirmation
from sluicegate_record.statements.findings import FindingStatement, SealedDetails
from sluicegate_record.statements.observations import ObservationStatement
from sluicegate_record.statements.points import Enforcement
from sluicegate_record.statements.promises import Promising
from sluicegate_record.statements.ramps import RampMove
from sluicegate_record.statements.releases import ReleaseClosing, StageClosing, StageOpening
from sluicegate_record.statements.statement import Statement
from sluicegate_record.terms.deployments import ServedModel
from sluicegate_record.terms.observations import ProbeOutcome

_FOUND = itemgetter("list", "version", "decision", "reason")


def private_key(path: Path) -> SigningKey:
    """The key in a file; if it is encrypted, SLUICEGATE_PASSPHRASE opens it, or it is asked for."""
    return passphrases.private_key(path)


def signed(stated: Statement, *keys: SigningKey) -> dict[str, Any]:
    """A DSSE envelope over a statement, which says that it was signed now, with a signature by each key.

    Raises: BadEnvelope: no reader would accept it. InvalidInput: a key twice, or as `now_ms`.
    """
    first, *others = keys
    found = dsse.sign(dsse.PAYLOAD_TYPE_INTOTO, payload(stated), first).to_json()
    for key in others:
        found = countersigned(found, key)
    return found


def payload(stated: Statement) -> bytes:
    """The bytes of a statement to sign, which says that it is signed now.

    Raises: BadEnvelope: no reader would accept it.
    """
    return stated.payload_at(now_ms())


@dataclass(frozen=True, slots=True)
class Review:
    """A reviewer's position, its reason, and its conditions; `is_sealed` if the reason is not public.

    `concern` is what an objection is about.
    """

    word: str
    reason: str = ""
    conditions: dict[str, Any] | None = None
    is_sealed: bool = False
    concern: str | None = None


def position(case: CaseToSign, said: Review, key: SigningKey) -> dict[str, Any]:
    """The signed position of the key's party in an exported case, in the form that `review import` takes.

    Raises: InvalidInput: the key's party is not asked, or `said` is not a position.
    """
    made = stated_position(case, said, export.party_of(case, key))
    return _with_opened(signed(made.statement, key), made.opened.get("reason"))


def stated_position(case: CaseToSign, said: Review, party: str) -> UnsignedStatement:
    """The position of a party in a case."""
    opened = Opening(secrets.token_bytes(32), canonical.dumps(said.reason)) if said.is_sealed else None
    stated = Position(
        question=case.question,
        agency=party,
        position=said.word,
        reason="" if said.is_sealed else said.reason,
        previous=case.previous.get(party),
        conditions=said.conditions,
        sealed=opened.commitment("sealed", "reason") if opened else None,
        said=case.said,
        concern=said.concern,
    )
    return UnsignedStatement(stated, {} if opened is None else {"reason": opened})


def schedule(exported: Sequence[ExportedCase], said: Review, key: SigningKey) -> dict[str, Any]:
    """One signed position in several exported cases. Raises: InvalidInput: as `position`."""
    parties = {export.party_of(each, key) for each in exported}
    if len(parties) != 1:
        raise InvalidInput("a schedule is of one party")
    return signed(stated_schedule(exported, said, parties.pop()).statement, key)


def stated_schedule(cases: Sequence[CaseToSign], said: Review, party: str) -> UnsignedStatement:
    """One position of a party in several cases. Raises: InvalidInput."""
    if said.is_sealed or said.conditions or said.concern:
        raise InvalidInput("the reason of a schedule is public, and it has no conditions and no concern")
    listed = tuple(
        ScheduledCase(
            case=each.question.case,
            question=each.question.digest,
            previous=each.previous.get(party),
            said=each.said,
        )
        for each in cases
    )
    log = cases[0].question.log
    said_in_all = Schedule(log=log, agency=party, position=said.word, reason=said.reason, cases=listed)
    return UnsignedStatement(said_in_all)


def countersigned(given: Mapping[str, Any], key: SigningKey) -> dict[str, Any]:
    """The same statement with one more signature.

    Raises: BadEnvelope; InvalidInput: the key has signed it already.
    """
    inner = given.get("envelope", given)
    envelope = Envelope.from_json(inner)
    added = dsse.sign(envelope.payload_type, envelope.payload, key).signatures
    own = PublicKey(publickey.of(key))
    if dsse.verify(envelope, {own.keyid: own}):
        raise InvalidInput("this key has signed it already", remedy="countersign with another owner's key")
    both = Envelope(envelope.payload_type, envelope.payload, (*envelope.signatures, *added)).to_json()
    return {**given, "envelope": both} if "envelope" in given else both


def referral(case: CaseToSign, to: str, reason: str, key: SigningKey) -> dict[str, Any]:
    """The signed word of the key's party that another agency must be asked, too. Raises: InvalidInput."""
    party = export.party_of(case, key)
    stated = Referral(question=case.question, agency=party, to=to, reason=reason, said=case.said)
    return signed(stated, key)


def receipt(case: CaseToSign, key: SigningKey) -> dict[str, Any]:
    """The signed receipt of an exported case. Raises: InvalidInput: the key's party is not asked."""
    return signed(Receipt(question=case.question, agency=export.party_of(case, key)), key)


def proceeding(case: CaseToSign, reason: str, key: SigningKey) -> dict[str, Any]:
    """An officer's signed decision to proceed; a second officer countersigns it."""
    return signed(Proceeding(question=case.question, reason=reason), key)


def screening(
    case: ExportedCase, found: Mapping[str, str], candidates: list[Any], key: SigningKey
) -> dict[str, Any]:
    """A signed screening decision; `found` holds `list, version, decision, reason`."""
    opened = Opening(secrets.token_bytes(32), canonical.dumps(candidates))
    commitment = opened.commitment("sealed", "candidates")
    name, version, decision, reason = _FOUND(found)
    stated = Screening(
        question=case.question,
        list=name,
        version=version,
        decision=decision,
        reason=reason,
        candidates=commitment,
    )
    return _with_opened(signed(stated, key), opened)


def _with_opened(envelope: dict[str, Any], opened: Opening | None) -> dict[str, Any]:
    """A statement in the form for the record: alone, or with the opening of its commitment."""
    if opened is None:
        return envelope
    return {"envelope": envelope, "opened": opened_beside(opened)}


def opening(asked: OpeningToSign, key: SigningKey) -> dict[str, Any]:
    """The signed opening of a stage: `asked` unchanged."""
    return signed(StageOpening.from_json(asked.to_json()), key)


def clearance(
    asked: ClearanceToSign, key: SigningKey, *, reason: str, version: str | None, until: str | None
) -> dict[str, Any]:
    """A party's signed word on a requirement. Raises: BadEnvelope: malformed. Misread: no time."""
    more = {"version": version, "until": until, "previous": asked.previous}
    fields = {"log": asked.log, "release": asked.release, "party": asked.party, "says": asked.says}
    given = {
        **fields,
        "about": asked.about,
        "reason": reason,
        **{k: v for k, v in more.items() if v is not None},
    }
    return signed(Clearance.from_json(given), key)


def release_closing(asked: ReportView, key: SigningKey) -> dict[str, Any]:
    """The signed closing of a release, with its report."""
    return signed(ReleaseClosing(log=asked.log, release=asked.release, report=asked.digest), key)


def promising(asked: PromiseToSign, says: str, key: SigningKey, **said: Any) -> dict[str, Any]:
    """A party's signed word on a promise; `said` are fields of `Promising`. Raises: BadEnvelope."""
    stated = Promising(
        log=asked.log, party=asked.party, says=says, promise=asked.promise, previous=asked.previous, **said
    )
    return signed(stated, key)


def finding(
    asked: FindingToSign,
    says: str,
    key: SigningKey,
    details: str = "",
    seal_to: Sequence[str] = (),
    **said: Any,
) -> dict[str, Any]:
    """A party's signed word on a finding, and what opens its sealed details, `{envelope, opened}`.

    `said` are fields of `FindingStatement`; `details` can be read by the parties of `seal_to` alone.
    Raises: BadEnvelope: malformed. InvalidInput: a party that has no key to which anything can be sealed.
    """
    opened = None
    if details:
        keys = sealing_keys(asked.keys, seal_to)
        text = canonical.b64(sealing.sealed(details.encode(), list(keys.values())))
        opened = Opening(secrets.token_bytes(32), canonical.dumps(text))
        commitment = opened.commitment("sealed", "details")
        said["sealed_details"] = SealedDetails(commitment=commitment, keys=tuple(sorted(keys)))
    stated = FindingStatement(
        log=asked.log, party=asked.party, says=says, finding=asked.finding, previous=asked.previous, **said
    )
    envelope = signed(stated, key)
    return {"envelope": envelope} if opened is None else _with_opened(envelope, opened)


def details(found: FindingView, key: SigningKey) -> dict[str, str]:
    """The details of a finding that are sealed to a key, opened, by their entry.

    Raises: InvalidInput: a key to which nothing can be sealed; or what is sealed to it was changed.
    """
    opens = opening_key(key)
    sealed = {seq: canonical.unb64(text) for seq, text in found.details.items()}
    named = {seq: data for seq, data in sealed.items() if sealing.is_to(data, opens)}
    if sealed and not named:
        said = "the details are sealed to other keys than this one"
        raise InvalidInput(said, remedy="name a key of a party to which they are sealed")
    try:
        return {seq: sealing.opened(data, opens).decode() for seq, data in named.items()}
    except UnicodeDecodeError as error:
        raise InvalidInput("sealed details that are no text") from error


def opening_key(key: SigningKey) -> Ed25519PrivateKey:
    """A key that may open something. Raises: InvalidInput: of a kind to which nothing can be sealed."""
    if not isinstance(key, Ed25519PrivateKey):
        raise InvalidInput("nothing can be sealed to this key", remedy="it opens with an ed25519 key")
    return key


def sealing_keys(known: Sequence[SealingKey], parties: Sequence[str]) -> dict[str, bytes]:
    """The keys of some parties to which something can be sealed, by their ids. Raises: InvalidInput."""
    for party in parties:
        if party not in {each.party for each in known}:
            names = ", ".join(sorted({each.party for each in known})) or "no party has one"
            said = f"{party!r} has no key to which anything can be sealed: an ed25519 key that is no passkey"
            raise InvalidInput(said, remedy=f"one of {names}")
    return {PublicKey(each.public).keyid: each.public for each in known if each.party in parties}


def designation(
    asked: DesignationToSign, key: SigningKey, statement: str, basis: str | None
) -> dict[str, Any]:
    """An agency's signed judgement, and what opens its sealed basis, `{envelope, opened}`.

    Raises: BadEnvelope: malformed.
    """
    sealed = None if basis is None else Opening(secrets.token_bytes(32), canonical.dumps(basis))
    stated = DesignationStatement(
        log=asked.log,
        release=asked.release,
        agency=asked.agency,
        says=asked.says,
        model=asked.model,
        class_=asked.class_,
        comparable_to=asked.comparable_to,
        terms=asked.terms,
        statement=statement,
        sealed=None if sealed is None else sealed.commitment("sealed", "basis"),
        previous=asked.previous,
    )
    envelope = signed(stated, key)
    return {"envelope": envelope} if sealed is None else _with_opened(envelope, sealed)


def closing(asked: OpeningToSign, reason: str, key: SigningKey, *, recalls: bool = False) -> dict[str, Any]:
    """The signed closing of a stage, or of one in a recall. Raises: BadEnvelope: no such reason."""
    said = StageClosing(
        log=asked.log, release=asked.release, stage=asked.stage, reason=reason, recalls=recalls
    )
    return signed(said, key)


def ramp(
    asked: RampToSign, says: str, reason: str, key: SigningKey, share: int | None = None
) -> dict[str, Any]:
    """An officer's signed word on a ramp. Raises: BadEnvelope: no such word, share or reason."""
    said = RampMove(
        log=asked.log,
        release=asked.release,
        stage=asked.stage,
        says=says,
        share=share,
        reason=reason,
        previous=asked.previous,
    )
    return signed(said, key)


def deployment(
    asked: ReleaseDeployment, serves: Sequence[ServedModel], until_ms: int, key: SigningKey
) -> dict[str, Any]:
    """An officer's signed statement of what serves a release. Raises: BadEnvelope: malformed."""
    said = DeploymentStatement(
        log=asked.log,
        release=asked.release,
        serves=tuple(serves),
        until_ms=until_ms,
        previous=None if asked.statement is None else asked.statement.deployment,
    )
    return signed(said, key)


def observation(asked: ObservationToSign, outcome: ProbeOutcome, key: SigningKey) -> dict[str, Any]:
    """A party's signed statement of what a surface answered just now. Raises: BadEnvelope: malformed."""
    said = ObservationStatement(
        log=asked.log,
        observer=asked.observer,
        probe=asked.probe,
        outcome=outcome,
        size=asked.size,
        previous=asked.previous,
    )
    return signed(said, key)


def enforcement(asked: EnforcementToSign, says: str, at_ms: int, key: SigningKey) -> dict[str, Any]:
    """A point's signed statement about a directive. Raises: BadEnvelope: malformed."""
    said = Enforcement(
        log=asked.log,
        point=asked.point,
        directive=asked.directive,
        document=asked.document,
        says=says,
        at_ms=at_ms,
    )
    return signed(said, key)


def confirmation(log: str, name: str, document: str, key: SigningKey) -> dict[str, Any]:
    """An issuer's signed confirmation of what was transcribed: `document` is its digest."""
    return signed(Confirmation(log=log, directive=name, document=document), key)


def transcription(
    case: CaseToSign, word: str, received: Mapping[str, str], keys: Sequence[SigningKey]
) -> dict[str, Any]:
    """What the issuer of a transcribed order said about lifting it, signed by two officers."""
    issuer = export.issuer_of(case)
    stated = Transcription(
        question=case.question,
        agency=issuer,
        position=word,
        previous=case.previous.get(issuer),
        received=Arrival.from_json(dict(received)),
    )
    return signed(stated, *keys)


def now_ms() -> int:
    """The time that statements state: milliseconds since 1970 UTC.

    SLUICEGATE_SIGNED_AT says it on a machine whose clock is not set. Raises: InvalidInput: it is no time.
    """
    said = os.environ.get("SLUICEGATE_SIGNED_AT", "")
    if not said:
        return time.time_ns() // 1_000_000
    try:
        return times.parse_time(said)
    except SluicegateError as error:
        given = f"SLUICEGATE_SIGNED_AT is {said[:40]!r}"
        raise InvalidInput(f"{given}, expected a time such as 2026-06-24T12:00:00.000Z") from error
