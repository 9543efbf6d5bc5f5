"""Signers for tests: keys of three algorithms, and passkeys whose assertions are made by hand."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, SECP384R1, derive_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sluicegate_record.log import dsse, publickey
from sluicegate_record.log.dsse import Envelope, Signature
from sluicegate_record.log.publickey import PublicKey, SigningKey
from sluicegate_record.log.webauthn import AuthenticatorAssertion, RelyingParty, challenge

ALGORITHMS = ("ed25519", "p256", "p384")
PARTY = RelyingParty("agency.example", "https://sign.agency.example")
UP, UV = 0x01, 0x04


@cache
def key_of(name: str, algorithm: str) -> SigningKey:
    """The key of an algorithm that `name` signs with, in every test the same."""
    seed = hashlib.sha256(name.encode()).digest()
    if algorithm == "ed25519":
        return Ed25519PrivateKey.from_private_bytes(seed)
    return derive_private_key(
        int.from_bytes(seed, "big") >> 1, {"p256": SECP256R1, "p384": SECP384R1}[algorithm]()
    )


def pem_of(key: Any) -> str:
    """The public key as PEM."""
    text: bytes = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return text.decode()


@dataclass(frozen=True)
class KeyFile:
    """A key of any algorithm, whose program names it by `keyid`."""

    key: SigningKey
    keyid: str = ""

    @property
    def public(self) -> PublicKey:
        return PublicKey.pinned(pem_of(self.key), None)

    def sign(self, payload: bytes, payload_type: str = dsse.PAYLOAD_TYPE_INTOTO) -> Envelope:
        """An envelope with the key's signature, under the name that the program has for it."""
        made = dsse.sign(payload_type, payload, self.key)
        return replace(made, signatures=(replace(made.signatures[0], keyid=self.keyid),))


@dataclass(frozen=True)
class Passkey:
    """An authenticator with one key, which signs what it is told."""

    key: SigningKey
    party: RelyingParty = PARTY

    @property
    def public(self) -> PublicKey:
        return PublicKey.pinned(pem_of(self.key), self.party)

    def signature(self, message: bytes, *, flags: int = UP | UV, tail: bytes = b"", **said: Any) -> Signature:
        """The signature of a passkey over a PAE. A field of `said` that is None is left out."""
        asked = base64.urlsafe_b64encode(challenge(message)).rstrip(b"=").decode()
        client = {
            "type": "webauthn.get",
            "challenge": asked,
            "origin": self.party.origin,
            "crossOrigin": False,
            **said,
        }
        client_data = json.dumps({name: each for name, each in client.items() if each is not None}).encode()
        rp_id = hashlib.sha256(self.party.rp_id.encode()).digest()
        data = rp_id + bytes([flags]) + (7).to_bytes(4, "big") + tail
        sig = publickey.sign(self.key, data + hashlib.sha256(client_data).digest())
        return Signature("", sig, AuthenticatorAssertion(data, client_data))

    def sign(self, payload: bytes, payload_type: str = dsse.PAYLOAD_TYPE_INTOTO, **how: Any) -> Envelope:
        """An envelope with the passkey's signature."""
        made = self.signature(dsse.pae(payload_type, payload), **how)
        return Envelope(payload_type, payload, (made,))
