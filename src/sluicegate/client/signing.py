"""Signing with a party's own key, on the machine that has it. Only `say` and `recorded` use a network."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sluicegate.acts.act import Answered, Arguments
from sluicegate.acts.evidence import SealingKey
from sluicegate.acts.fields import opened_beside
from sluicegate.acts.findings import FindingView
from sluicegate.acts.review import CaseToSign, ExportedCase
from sluicegate.client import export, passphrases, sealing
from sluicegate.client.http import Client
from sluicegate.errors import InvalidInput, SluicegateError
from sluicegate.statements import cases
from sluicegate.statements.cases import Review
from sluicegate.statements.kind import AnyKind, Making, StatementKind, UnsignedStatement
from sluicegate_record.form import replace
from sluicegate_record.log import canonical, dsse, publickey, times
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.log.leaf import Opening
from sluicegate_record.log.publickey import PublicKey, SigningKey
from sluicegate_record.statements.findings import FindingStatement, SealedDetails
from sluicegate_record.statements.statement import Statement


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


def for_record(unsigned: UnsignedStatement, *keys: SigningKey) -> dict[str, Any]:
    """A signed statement, as files for the record have it: alone, or with what opens its commitment."""
    envelope, opened = signed(unsigned.statement, *keys), next(iter(unsigned.opened.values()), None)
    return envelope if opened is None else {"envelope": envelope, "opened": opened_beside(opened)}


def made(kind: AnyKind, found: Any, said: Any) -> UnsignedStatement:
    """A statement of what is shown and said, made now. Raises: InvalidInput: there is no such one."""
    return kind.make(Making(found, said, now_ms()))


def say(
    client: Client, kind: StatementKind[Answered], said: Arguments, key: Path, found: Any = None
) -> Answered:
    """Make what is said a statement, or a set, sign it, and put it on the record: what the act answers.

    `found` is what was asked before, and shown. Raises: BadEnvelope, InvalidInput: no such statement.
    """
    shown = kind.look(client.do, said) if found is None else found
    return recorded(client, kind, private_key(key), *kind.make_all(Making(shown, said, now_ms())))


def recorded(
    client: Client, kind: StatementKind[Answered], key: SigningKey, *unsigned: UnsignedStatement
) -> Answered:
    """Sign a statement, or those of a set, and put it on the record: what the act answers."""
    found = [(signed(each.statement, key), each.opened) for each in unsigned]
    return client.do(kind.act, kind.record_all(found))


def position(case: CaseToSign, said: Review, key: SigningKey) -> dict[str, Any]:
    """The signed position of the key's party in an exported case, in the form that `review import` takes.

    Raises: InvalidInput: the key's party is not asked, or `said` is not a position.
    """
    return for_record(cases.position(case, said, export.party_of(case, key)), key)


def schedule(exported: Sequence[ExportedCase], said: Review, key: SigningKey) -> dict[str, Any]:
    """One signed position in several exported cases. Raises: InvalidInput: as `position`."""
    parties = {export.party_of(each, key) for each in exported}
    if len(parties) != 1:
        raise InvalidInput("a schedule is of one party")
    return for_record(cases.schedule(exported, said, parties.pop()), key)


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


def with_details(
    stated: FindingStatement, details: str, known: Sequence[SealingKey], seal_to: Sequence[str]
) -> UnsignedStatement:
    """A word on a finding, with details that only some parties can read.

    Raises: InvalidInput: a party that has no key to which anything can be sealed.
    """
    keys = sealing_keys(known, seal_to)
    text = canonical.b64(sealing.sealed(details.encode(), list(keys.values())))
    opened = Opening(secrets.token_bytes(32), canonical.dumps(text))
    sealed = SealedDetails(commitment=opened.commitment("sealed", "details"), keys=tuple(sorted(keys)))
    return UnsignedStatement(replace(stated, sealed_details=sealed), {"details": opened})


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
