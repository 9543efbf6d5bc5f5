"""Passkeys to sign in with: what a browser is asked, and what it answers.

Rules:
- The person is verified, by a PIN or a finger, each time.
- A passkey says whose it is, so no one types a name.
- What a browser says is read by the library; whatever it cannot read is one error.

Source: WebAuthn Level 3, sections 7.1 and 7.2.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import webauthn
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url, parse_client_data_json
from webauthn.helpers import structs as web
from webauthn.helpers.cose import COSEAlgorithmIdentifier

from sluicegate.errors import InvalidInput
from sluicegate.ports import Passkey
from sluicegate.signin.origins import PagesOrigin
from sluicegate_record.log import canonical

ALGORITHMS = [COSEAlgorithmIdentifier.EDDSA, COSEAlgorithmIdentifier.ECDSA_SHA_256]
ANSWER_MAX = 16_384
"""How many characters an answer has at most."""


class MadePasskey(NamedTuple):
    """A passkey that a browser has made: its id, base64url; its COSE key; its counter."""

    id: str
    public_key: bytes
    counter: int


def to_make(place: PagesOrigin, who: str, name: str, challenge: bytes, known: Sequence[Passkey]) -> str:
    """What a browser is asked to make a passkey for a principal: JSON."""
    options = webauthn.generate_registration_options(
        rp_id=place.host,
        rp_name="Sluicegate",
        user_id=who.encode(),
        user_name=name,
        challenge=challenge,
        authenticator_selection=web.AuthenticatorSelectionCriteria(
            resident_key=web.ResidentKeyRequirement.REQUIRED,
            user_verification=web.UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=[
            web.PublicKeyCredentialDescriptor(id=base64url_to_bytes(each.id)) for each in known
        ],
        supported_pub_key_algs=ALGORITHMS,
    )
    return webauthn.options_to_json(options)


def made(place: PagesOrigin, challenge: bytes, answer: str) -> MadePasskey:
    """The passkey that a browser has made. Raises: InvalidInput: it is not for this, or not read."""
    with _reading():
        found = webauthn.verify_registration_response(
            credential=_object(answer),
            expected_challenge=challenge,
            expected_rp_id=place.host,
            expected_origin=place.origin,
            require_user_verification=True,
            supported_pub_key_algs=ALGORITHMS,
        )
        return MadePasskey(
            bytes_to_base64url(found.credential_id), found.credential_public_key, found.sign_count
        )


def to_ask(place: PagesOrigin, challenge: bytes, known: Sequence[Passkey] = ()) -> str:
    """What a browser is asked for a signature by one of some passkeys, or by any: JSON."""
    options = webauthn.generate_authentication_options(
        rp_id=place.host,
        challenge=challenge,
        allow_credentials=[
            web.PublicKeyCredentialDescriptor(id=base64url_to_bytes(each.id)) for each in known
        ],
        user_verification=web.UserVerificationRequirement.REQUIRED,
    )
    return webauthn.options_to_json(options)


def passkey_in(answer: str) -> str:
    """The id of the passkey that an answer is by. Raises: InvalidInput."""
    return str(_object(answer).get("id", ""))


def challenge_in(answer: str) -> bytes:
    """The challenge that is answered. Raises: InvalidInput."""
    with _reading():
        client = base64url_to_bytes(_object(answer)["response"]["clientDataJSON"])
        return parse_client_data_json(client).challenge


def counted(place: PagesOrigin, challenge: bytes, passkey: Passkey, answer: str) -> int:
    """What the passkey has counted with the signature in an answer.

    Raises: InvalidInput: it is not its signature, or not for this challenge and place.
    """
    with _reading():
        return webauthn.verify_authentication_response(
            credential=_object(answer),
            expected_challenge=challenge,
            expected_rp_id=place.host,
            expected_origin=place.origin,
            credential_public_key=passkey.public_key,
            credential_current_sign_count=passkey.counter,
            require_user_verification=True,
        ).new_sign_count


def _object(answer: str) -> dict[str, Any]:
    found = canonical.loads(answer.encode()) if len(answer) <= ANSWER_MAX else None
    if not isinstance(found, dict):
        raise _unread()
    return found


@contextmanager
def _reading() -> Iterator[None]:
    try:
        yield
    except InvalidInput:
        raise
    except Exception as error:
        raise _unread() from error


def _unread() -> InvalidInput:
    return InvalidInput(
        "the passkey's answer does not verify",
        code="passkey_refused",
        remedy="try again; use the device on which the passkey was made, and this address",
    )
