"""Statements of an agency at its desk: made, signed with passkeys, verified, and put on the record.

Rules:
- The log says what a statement binds: the question, the position before, what was said.
- A statement is kept as the bytes that are signed. What a page shows of it is read from these bytes again.
- A signature is verified here as the record verifies it, before it goes anywhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sluicegate.acts.documents import SignedStatement
from sluicegate.acts.fields import opened_beside
from sluicegate.acts.review import CaseToSign, ExportedEntry, ReviewStatement
from sluicegate.client import signing
from sluicegate.client.signing import Review, Stated
from sluicegate.core.lifecycle.signers import excluded
from sluicegate.core.lifecycle.signers import needed as needed_owners
from sluicegate.desk.checking import ReadCase
from sluicegate.desk.following import STOPPED, Following
from sluicegate.errors import CommandRefused, InvalidInput
from sluicegate.ports import PreparedStatement
from sluicegate.signin import signatures
from sluicegate_record.entities.case import Case
from sluicegate_record.entities.key import PinnedKey
from sluicegate_record.entities.proceedings import CONSENT
from sluicegate_record.law import keys
from sluicegate_record.log import canonical, dsse
from sluicegate_record.log.dsse import PAYLOAD_TYPE_INTOTO, Envelope
from sluicegate_record.log.publickey import PublicKey
from sluicegate_record.log.webauthn import challenge
from sluicegate_record.record import Record
from sluicegate_record.statements.cases import Position, Receipt, Referral, Schedule
from sluicegate_record.statements.discussion import Discussion
from sluicegate_record.statements.keys import PINS, KeyStatement
from sluicegate_record.statements.statement import Statement
from sluicegate_record.terms.text import counted

_TYPES: Mapping[str, type[Statement]] = {
    each.TYPE: each for each in (Position, Schedule, Receipt, Referral, KeyStatement)
}


def to_sign(following: Following, read: ReadCase) -> CaseToSign:
    """A case as the log has it, to sign in it. Requires: the lock is held."""
    case, record = read.case, following.record
    return CaseToSign(
        question=case.question,
        rule=case.rule,
        parties={key.keyid: key.party for key in record.keys.values() if key.counts},
        previous={party: said.digest for party, said in case.positions.items()},
        document=None,
        scope=None,
        said=case.discussed(),
        discussion=tuple(ExportedEntry(leaf=each.leaf) for each in read.discussion),
    )


def position(following: Following, read: ReadCase, said: Review) -> Stated:
    """The agency's position in a case. Raises: CommandRefused: what the instance shows does not allow it."""
    _check(read, said.word)
    with following.lock:
        return signing.stated_position(to_sign(following, read), said, following.instance.agency)


def schedule(following: Following, reads: Sequence[ReadCase], said: Review) -> Stated:
    """The agency's position in several cases, in the order of their arrival."""
    for each in reads:
        _check(each, said.word)
    ordered = sorted(reads, key=lambda each: each.case.seq)
    with following.lock:
        cases = [to_sign(following, each) for each in ordered]
        return signing.stated_schedule(cases, said, following.instance.agency)


def receipt(following: Following, read: ReadCase) -> Stated:
    """That the agency has received a case."""
    return Stated(Receipt(question=read.case.question, agency=following.instance.agency))


def referral(following: Following, read: ReadCase, to: str, reason: str) -> Stated:
    """That the agency has another one asked, too."""
    said = read.case.discussed()
    agency = following.instance.agency
    return Stated(Referral(question=read.case.question, agency=agency, to=to, reason=reason, said=said))


def _check(read: ReadCase, word: str) -> None:
    """Check that an agency may say a word in a case here. Raises: CommandRefused."""
    if not read.may_sign:
        said = "the instance shows this case otherwise than its log: nothing is signed in it here"
        raise CommandRefused(said, code="instance_lies", remedy="ask the developer; keep the copy of the log")
    if word in CONSENT and not read.may_consent:
        said = f"the instance does not show {' and '.join(read.gaps)}: no yes is signed without it"
        raise CommandRefused(said, code="text_withheld", remedy="ask for it, or object")


def check(following: Following, found: PreparedStatement, reads: Iterable[ReadCase]) -> None:
    """Check that a statement may be signed and sent now, by what the log and the instance say of its cases.

    Raises: CommandRefused: the instance is followed no more, lies or hides something; or it is outdated.
    """
    _check_followed(following)
    stated = stated_in(found)
    word = stated.position if isinstance(stated, Position | Schedule) else ""
    for each in reads:
        _check(each, word)
    with following.lock:
        why = outdated(following, stated)
    if why:
        raise CommandRefused(why, code="outdated", remedy="take the statement back, and make it again")


def _check_followed(following: Following) -> None:
    """Check that a log is one that the desk follows. Raises: CommandRefused."""
    if following.state.word == STOPPED:
        said = f"{following.instance.name} is followed no more: {following.state.why}"
        raise CommandRefused(said, code="log_forked", remedy="speak with the developer; nothing is signed")


def prepared(following: Following, stated: Stated, person: str) -> PreparedStatement:
    """A statement to sign.

    Raises: BadEnvelope: no reader would accept it. CommandRefused: the instance is followed no more.
    """
    _check_followed(following)
    payload = signing.payload(stated.statement)
    return PreparedStatement(
        id=canonical.sha256_hex(payload).removeprefix("sha256:"),
        instance=following.instance.name,
        agency=following.instance.agency,
        payload=payload,
        by=person,
        at_ms=signing.now_ms(),
        opened=stated.opened,
    )


def stated_in(found: PreparedStatement) -> Statement:
    """The statement, read from the bytes that are signed."""
    envelope = _envelope(found, ())
    return _TYPES[dsse.predicate_type(envelope)].read(envelope)


def cases_in(stated: Statement) -> tuple[str, ...]:
    """The cases that a statement is about."""
    match stated:
        case Position() | Receipt() | Referral():
            return (stated.question.case,)
        case Schedule():
            return tuple(each.case for each in stated.cases)
        case _:
            return ()


def challenge_of(found: PreparedStatement) -> bytes:
    """What an authenticator is asked to sign: 32 raw bytes."""
    return challenge(dsse.pae(PAYLOAD_TYPE_INTOTO, found.payload))


def signed_with(found: PreparedStatement, key: PublicKey, answer: str) -> PreparedStatement:
    """A statement with one more signature, of a passkey, in a browser's answer.

    Raises: BadSignature: it is not one of this key over this statement. InvalidInput: it has signed already.
    """
    own = signatures.signature(found.payload, key, answer)
    if any(each["keyid"] == key.keyid for each in found.signatures):
        raise InvalidInput("your passkey has signed it already", remedy="another owner signs next")
    return replace(found, signatures=(*found.signatures, own.to_json()))


def partial(record: Record, stated: Statement) -> frozenset[str]:
    """The owners whose signature a position does not take: they signed in a case that it is an appeal of."""
    cases = cases_in(stated) if isinstance(stated, Position | Schedule) else ()
    return frozenset[str]().union(*(excluded(record, record.cases[name]) for name in cases))


def signers(following: Following, found: PreparedStatement) -> frozenset[PinnedKey]:
    """The pinned keys of the agency that have signed a statement. Requires: the lock is held."""
    if not found.signatures:
        return frozenset()
    return following.record.pinned().signers(_envelope(found, found.signatures), {found.agency})


def _envelope(found: PreparedStatement, signatures: Iterable[Mapping[str, Any]]) -> Envelope:
    listed = [dict(each) for each in signatures]
    if not listed:
        return Envelope(PAYLOAD_TYPE_INTOTO, found.payload, ())
    payload = canonical.b64(found.payload)
    return Envelope.from_json({"payload": payload, "payloadType": PAYLOAD_TYPE_INTOTO, "signatures": listed})


def lacking(following: Following, found: PreparedStatement) -> str:
    """What signatures a statement lacks, in words; empty if it has enough. Requires: the lock is held."""
    stated, record = stated_in(found), following.record
    owners = {key.owner for key in signers(following, found)} - partial(record, stated)
    if isinstance(stated, KeyStatement) and stated.says == PINS:
        if stated.keyid not in {each["keyid"] for each in found.signatures}:
            return f"the new key of {stated.owner} signs, too"
        had = {key.owner for key in record.keys.values() if key.party == stated.party}
        handed = stated.replaces in {key.keyid for key in signers(following, found)}
        needed = 0 if handed else min(keys.TOGETHER, max(1, len(had)))
    elif isinstance(stated, KeyStatement):
        needed = 1
    else:
        needed = max(needed_owners(record.cases[name], found.agency) for name in cases_in(stated))
    more = needed - len(owners)
    if more <= 0:
        return ""
    signed = f"{counted(more, 'owner')} of {found.agency} must sign it still"
    is_handed_over = isinstance(stated, KeyStatement) and stated.replaces is not None
    return f"{signed}, or the key that it replaces" if is_handed_over else signed


def outdated(following: Following, stated: Statement) -> str:
    """Why a statement does not fit its case any more; empty if it does. Requires: the lock is held."""
    cases = following.record.cases
    if isinstance(stated, Position):
        case = cases[stated.question.case]
        return _outdated(case, stated.agency, stated.previous, stated.said)
    if isinstance(stated, Schedule):
        found = (
            _outdated(cases[each.case], stated.agency, each.previous, each.said) for each in stated.cases
        )
        return next(filter(None, found), "")
    return ""


def _outdated(case: Case, agency: str, previous: str | None, said: Discussion | None) -> str:
    newest = case.positions.get(agency)
    if previous != (None if newest is None else newest.digest):
        return f"your agency has taken another position in {case.id} since"
    if said is not None and said != case.discussed():
        return f"something was said in {case.id} since: read the case again"
    return ""


def exported(found: PreparedStatement) -> dict[str, Any]:
    """What was signed so far, in the form of the command line's files."""
    envelope = _envelope(found, found.signatures).to_json()
    return envelope if found.opened is None else {"envelope": envelope, "opened": opened_beside(found.opened)}


def carry(following: Following, found: PreparedStatement) -> int:
    """Put a signed statement on the record of its instance, and read the log; the size that it says.

    Raises: SluicegateError: the instance refuses it, does not answer, or is followed no more.
    """
    _check_followed(following)
    envelope = _envelope(found, found.signatures).to_json()
    if isinstance(stated_in(found), KeyStatement):
        size = following.counterpart.record_key(SignedStatement(envelope=envelope)).size
    else:
        given = ReviewStatement(envelope=envelope, opened=found.opened)
        size = following.counterpart.record(given).size
    following.catch_up()
    return size
