"""Passkeys as signing keys of a party: how the record pins them, what they sign, and their signatures.

Rules:
- A statement is kept as the bytes that are signed. What a page shows of it is read from these bytes again.
- A passkey signs at the origin of its pages alone. No developer's page can ask an agency's for a signature.
- A signature is verified as the record verifies it, before it goes anywhere.

Source: WebAuthn Level 3, sections 5.2.2 and 6.5.1; RFC 9052 for COSE keys.
"""

from __future__ import annotations

import base64
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from webauthn.helpers import (
    base64url_to_bytes,
    decode_credential_public_key,
    decoded_public_key_to_cryptography,
)

from sluicegate.errors import BadKey, BadSignature, InvalidInput
from sluicegate.ports import Passkey, Preparations, PreparedStatement, Principal
from sluicegate.signin import passkeys
from sluicegate.signin.origins import PagesOrigin
from sluicegate.statements.kind import UnsignedStatement
from sluicegate_record.errors import NotCanonical
from sluicegate_record.log import canonical, dsse
from sluicegate_record.log.dsse import PAYLOAD_TYPE_INTOTO, Envelope, Signature
from sluicegate_record.log.publickey import PublicKey
from sluicegate_record.log.webauthn import AuthenticatorAssertion, RelyingParty, challenge

ANSWER_MAX = 16_384
"""How many characters a browser's answer has at most."""


def pinned(passkey: Passkey, place: PagesOrigin) -> PublicKey:
    """A passkey in the form in which it is pinned. Raises: BadKey: no key of it can be pinned."""
    decoded = decoded_public_key_to_cryptography(decode_credential_public_key(passkey.public_key))
    info = decoded.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    made = PublicKey(info, RelyingParty(place.host, place.origin))
    made.check()
    return made


def pinnable(known: Iterable[Passkey], place: PagesOrigin) -> list[tuple[Passkey, PublicKey]]:
    """Those of some passkeys that can be pinned, in that form."""
    found = []
    for each in known:
        try:
            found.append((each, pinned(each, place)))
        except BadKey:
            continue
    return found


def trust_text(key: PublicKey, owner: str) -> str:
    """A passkey as an owner in a trust file."""
    return "\n".join(_trust(key, owner))


def _trust(key: PublicKey, owner: str) -> Iterator[str]:
    assert key.passkey is not None
    yield f"{owner}:"
    yield f'  key: "{base64.b64encode(key.data).decode()}"'
    yield f'  webauthn: {{rpId: {key.passkey.rp_id}, origin: "{key.passkey.origin}"}}'


def prepared(made: UnsignedStatement, who: Principal, at_ms: int, instance: str = "") -> PreparedStatement:
    """A statement to sign, which says that it is signed now. Raises: BadEnvelope: no reader would take it."""
    payload = made.statement.payload_at(at_ms)
    return PreparedStatement(_hex(payload), payload, who.id, who.name, at_ms, instance, made.opened)


def as_set(made: Sequence[PreparedStatement]) -> list[PreparedStatement]:
    """Statements as a set, in their order: all of them go on the record at once. Requires: at most 100."""
    name = _hex("".join(each.id for each in made).encode())
    return [replace(each, id=f"{name}-{place:03}") for place, each in enumerate(made)]


def _hex(data: bytes) -> str:
    return canonical.sha256_hex(data).removeprefix("sha256:")


def challenge_of(found: PreparedStatement) -> bytes:
    """What an authenticator is asked to sign: 32 raw bytes."""
    return challenge(dsse.pae(PAYLOAD_TYPE_INTOTO, found.payload))


def signature(payload: bytes, key: PublicKey, answer: str) -> Signature:
    """The signature of a passkey over a statement, in a browser's answer.

    Raises: BadSignature: it is not one of this key over these bytes. InvalidInput: no browser's answer.
    """
    made = Signature(key.keyid, *_signature_in(answer))
    if dsse.verify(Envelope(PAYLOAD_TYPE_INTOTO, payload, (made,)), {key.keyid: key}) != {key.keyid}:
        said = "this is no signature of your passkey over this statement"
        raise BadSignature(said, remedy="sign again on the page of the statement")
    return made


def sign(kept: Preparations, found: PreparedStatement, key: PublicKey, answer: str) -> PreparedStatement:
    """A statement that is kept, with one more signature: a passkey's, in a browser's answer.

    Raises: BadSignature, InvalidInput: as `signature`; or it was taken back, sent or signed meanwhile.
    """
    signed = kept.sign(found.id, signature(found.payload, key, answer))
    if signed is None:
        said = "this statement was taken back, sent or signed with this passkey meanwhile"
        raise InvalidInput(said, code="outdated", remedy="load its page again")
    return signed


def signed_by(found: PreparedStatement) -> frozenset[str]:
    """The ids of the keys that have signed a statement."""
    return frozenset(each.keyid for each in found.signatures)


@dataclass(frozen=True, slots=True)
class PasskeySigner:
    """Someone who signs statements: by their id, at some pages, with passkeys in the form that is pinned.

    Which keys may sign a statement is said by their ids.
    """

    id: str
    place: PagesOrigin
    own: Sequence[tuple[Passkey, PublicKey]]

    def speaking(self, may: Collection[str]) -> Mapping[str, PublicKey]:
        """Their keys that may sign a statement, by the ids of the passkeys."""
        return {passkey.id: key for passkey, key in self.own if key.keyid in may}

    def asked(self, found: PreparedStatement, may: Collection[str]) -> str:
        """What their browser is asked to sign with, as JSON; empty if no passkey of theirs can."""
        lacks = set(may) - signed_by(found)
        usable = [passkey for passkey, key in self.own if key.keyid in lacks]
        if not usable or not self.place.takes_passkeys:
            return ""
        return passkeys.to_ask(self.place, challenge_of(found), usable)

    def may_take_back(self, found: PreparedStatement, may: Collection[str]) -> bool:
        """Whether they made a statement, or may sign it."""
        return found.by == self.id or bool(self.speaking(may))


def _signature_in(answer: str) -> tuple[bytes, AuthenticatorAssertion]:
    """The signature that a browser brings, and what the authenticator signed with it.

    Raises: InvalidInput: it is not what a browser answers.
    """
    try:
        found: Any = canonical.loads(answer.encode()) if len(answer) <= ANSWER_MAX else {}
        said = found["response"]
        parts = [base64url_to_bytes(said[name]) for name in _PARTS]
    except (NotCanonical, KeyError, TypeError, ValueError) as error:
        remedy = "load the page of the statement again, and sign once more"
        raise InvalidInput("no signature of a passkey", code="passkey_refused", remedy=remedy) from error
    sig, authenticator, client = parts
    return sig, AuthenticatorAssertion(authenticator, client)


_PARTS = ("signature", "authenticatorData", "clientDataJSON")
