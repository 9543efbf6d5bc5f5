"""Passkeys as an agency's signing keys: the form in which the record pins them, and their signatures.

Rules:
- A passkey of the desk signs at the desk's origin alone. No developer's page can ask it for a signature.

Source: WebAuthn Level 3, sections 5.2.2 and 6.5.1; RFC 9052 for COSE keys.
"""

from __future__ import annotations

from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from webauthn.helpers import (
    base64url_to_bytes,
    decode_credential_public_key,
    decoded_public_key_to_cryptography,
)

from sluicegate.errors import InvalidInput
from sluicegate.ports import Passkey
from sluicegate.signin.origins import PagesOrigin
from sluicegate_record.errors import NotCanonical
from sluicegate_record.log import canonical
from sluicegate_record.log.publickey import PublicKey
from sluicegate_record.log.webauthn import AuthenticatorAssertion, RelyingParty

ANSWER_MAX = 16_384
"""How many characters a browser's answer has at most."""


def pinned(passkey: Passkey, place: PagesOrigin) -> PublicKey:
    """A passkey in the form in which it is pinned. Raises: BadKey: no key of it can be pinned."""
    decoded = decoded_public_key_to_cryptography(decode_credential_public_key(passkey.public_key))
    info = decoded.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    made = PublicKey(info, RelyingParty(place.host, place.origin))
    made.check()
    return made


def signature_in(answer: str) -> tuple[bytes, AuthenticatorAssertion]:
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
