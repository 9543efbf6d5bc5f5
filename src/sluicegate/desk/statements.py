"""Statements of an agency at its desk: made, signed with passkeys, verified, and put on the record.

Rules:
- The log says what a statement binds: the question, the position before, what was said.
- A signature is verified here as the record verifies it, before it goes anywhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sluicegate.acts.documents import SignedStatement
from sluicegate.acts.fields import opened_beside
from sluicegate.acts.review import CaseToSign, ExportedEntry, ReviewStatement
from sluicegate.client import signing
from sluicegate.core.lifecycle.keys import owners_to_sign
from sluicegate.core.lifecycle.signers import excluded
from sluicegate.core.lifecycle.signers import needed as needed_owners
from sluicegate.desk.checking import ReadCase
from sluicegate.desk.following import STOPPED, Following
from sluicegate.errors import CommandRefused
from sluicegate.ports import PreparedStatement, Principal
from sluicegate.signin import signatures
from sluicegate.statements import cases
from sluicegate.statements.cases import Review
from sluicegate.statements.kind import UnsignedStatement
from sluicegate_record.entities.case import Case
from sluicegate_record.entities.key import PinnedKey
from sluicegate_record.entities.proceedings import CONSENT
from sluicegate_record.log import dsse
from sluicegate_record.log.leaf import Opening
from sluicegate_record.record import Record
from sluicegate_record.statements.cases import Position, Receipt, Referral, Schedule
from sluicegate_record.statements.discussion import Discussion
from sluicegate_record.statements.keys import PINS, KeyStatement
from sluicegate_record.statements.statement import KEPT_MS, Statement
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


def position(following: Following, read: ReadCase, said: Review) -> UnsignedStatement:
    """The agency's position in a case. Raises: CommandRefused: what the instance shows does not allow it."""
    _check(read, said.word)
    with following.lock:
        return cases.position(to_sign(following, read), said, following.instance.agency)


def schedule(following: Following, reads: Sequence[ReadCase], said: Review) -> UnsignedStatement:
    """The agency's position in several cases, in the order of their arrival."""
    for each in reads:
        _check(each, said.word)
    ordered = sorted(reads, key=lambda each: each.case.seq)
    with following.lock:
        listed = [to_sign(following, each) for each in ordered]
        return cases.schedule(listed, said, following.instance.agency)


def receipt(following: Following, read: ReadCase) -> UnsignedStatement:
    """That the agency has received a case."""
    with following.lock:
        return cases.receipt(to_sign(following, read), following.instance.agency)


def referral(following: Following, read: ReadCase, to: str, reason: str) -> UnsignedStatement:
    """That the agency has another one asked, too."""
    with following.lock:
        return cases.referral(to_sign(following, read), to, reason, following.instance.agency)


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


def prepared(following: Following, made: UnsignedStatement, who: Principal) -> PreparedStatement:
    """A statement to sign.

    Raises: BadEnvelope: no reader would accept it. CommandRefused: the instance is followed no more.
    """
    _check_followed(following)
    return signatures.prepared(made, who, signing.now_ms(), following.instance.name)


def stated_in(found: PreparedStatement) -> Statement:
    """The statement, read from the bytes that are signed."""
    envelope = found.envelope
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


def partial(record: Record, stated: Statement) -> frozenset[str]:
    """The owners whose signature a position does not take: they signed in a case that it is an appeal of."""
    names = cases_in(stated) if isinstance(stated, Position | Schedule) else ()
    return frozenset[str]().union(*(excluded(record, record.cases[name]) for name in names))


def signers(following: Following, found: PreparedStatement) -> frozenset[PinnedKey]:
    """The pinned keys of the agency that have signed a statement. Requires: the lock is held."""
    return following.record.pinned().signers(found.envelope, {following.instance.agency})


def lacking(following: Following, found: PreparedStatement) -> str:
    """What signatures a statement lacks, in words; empty if it has enough. Requires: the lock is held."""
    stated, record = stated_in(found), following.record
    owners = {key.owner for key in signers(following, found)} - partial(record, stated)
    signed = {each.keyid for each in found.signatures}
    if isinstance(stated, KeyStatement):
        if stated.says == PINS and stated.keyid not in signed:
            return f"the new key of {stated.owner} signs, too"
        needed = owners_to_sign(stated, record.keys.values(), signed)
    else:
        needed = max(
            needed_owners(record.cases[name], following.instance.agency) for name in cases_in(stated)
        )
    more = needed - len(owners)
    if more <= 0:
        return ""
    said = f"{counted(more, 'owner')} of {following.instance.agency} must sign it still"
    is_handed_over = isinstance(stated, KeyStatement) and stated.replaces is not None
    return f"{said}, or the key that it replaces" if is_handed_over else said


def outdated(following: Following, stated: Statement) -> str:
    """Why a statement does not fit its case or its key any more; empty if it does.

    Requires: the lock is held.
    """
    signed_ms = stated.signed_at_ms
    if signed_ms is not None and signed_ms + KEPT_MS < signing.now_ms():
        return "it was made more than 30 days ago"
    known = following.record.cases
    if isinstance(stated, Position):
        case = known[stated.question.case]
        return _outdated(case, stated.agency, stated.previous, stated.said)
    if isinstance(stated, Schedule):
        found = (
            _outdated(known[each.case], stated.agency, each.previous, each.said) for each in stated.cases
        )
        return next(filter(None, found), "")
    if isinstance(stated, KeyStatement):
        return _outdated_key(following.record, stated)
    return ""


def _outdated_key(record: Record, stated: KeyStatement) -> str:
    """Why what is said of a key is not to be said any more; empty if it is."""
    known = record.keys.get(stated.keyid)
    ended = None if known is None else known.ended
    if stated.says != PINS:
        is_news = stated.since is not None and (
            ended is None or ended.since is None or stated.since < ended.since
        )
        return "" if ended is None or is_news else f"this key is {ended.how} already"
    if known is not None:
        return (
            "this key is pinned already" if ended is None else f"this key was pinned before, and {ended.how}"
        )
    own = (key.keyid for key in record.keys.values() if key.owner == stated.owner and key.counts)
    return "" if next(own, None) == stated.replaces else f"{stated.owner} has another key now"


def _outdated(case: Case, agency: str, previous: str | None, said: Discussion | None) -> str:
    newest = case.positions.get(agency)
    if previous != (None if newest is None else newest.digest):
        return f"your agency has taken another position in {case.id} since"
    if said is not None and said != case.discussed():
        return f"something was said in {case.id} since: read the case again"
    return ""


def exported(found: PreparedStatement) -> dict[str, Any]:
    """What was signed so far, in the form of the command line's files."""
    envelope = found.envelope.to_json()
    opened = _opened(found)
    return envelope if opened is None else {"envelope": envelope, "opened": opened_beside(opened)}


def _opened(found: PreparedStatement) -> Opening | None:
    """What opens the commitment of a statement, if it has one."""
    return next(iter(found.opened.values()), None)


def carry(following: Following, found: PreparedStatement) -> int:
    """Put a signed statement on the record of its instance, and read the log; the size that it says.

    Raises: SluicegateError: the instance refuses it, does not answer, or is followed no more.
    """
    _check_followed(following)
    envelope = found.envelope.to_json()
    if isinstance(stated_in(found), KeyStatement):
        size = following.counterpart.record_key(SignedStatement(envelope=envelope)).size
    else:
        given = ReviewStatement(envelope=envelope, opened=_opened(found))
        size = following.counterpart.record(given).size
    following.catch_up()
    return size
