"""An authenticator in software that says what a test wants: for answers that no browser would give."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from tests.passkeys import UP, UV

ATTESTED = 0x40


def text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def data(digits: str) -> bytes:
    return base64.urlsafe_b64decode(digits + "=" * (-len(digits) % 4))


@dataclass
class Authenticator:
    """One passkey, at one origin. It counts its signatures."""

    origin: str
    rp_id: str
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    id: bytes = b"a-passkey-of-a-test"
    counter: int = 0

    def made(self, options: str, **said: Any) -> str:
        """The answer to what a browser is asked to make a passkey."""
        numbers = self.key.public_key().public_numbers()
        point = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        key = cbor2.dumps(point)
        attested = bytes(16) + len(self.id).to_bytes(2, "big") + self.id + key
        flags = said.pop("flags", UP | UV)
        signed = self._data(flags | ATTESTED) + attested
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": signed})
        client = self._client("webauthn.create", options, said)
        return self._answer({"clientDataJSON": text(client), "attestationObject": text(attestation)})

    def asserted(self, options: str, **said: Any) -> str:
        """The answer to what a browser is asked to sign someone in."""
        self.counter += 1
        flags = said.pop("flags", UP | UV)
        client, signed = self._client("webauthn.get", options, said), self._data(flags)
        signature = self.key.sign(signed + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        return self._answer(
            {
                "clientDataJSON": text(client),
                "authenticatorData": text(signed),
                "signature": text(signature),
            }
        )

    def _data(self, flags: int) -> bytes:
        rp_id = hashlib.sha256(self.rp_id.encode()).digest()
        return rp_id + bytes([flags]) + self.counter.to_bytes(4, "big")

    def _client(self, kind: str, options: str, said: dict[str, Any]) -> bytes:
        challenge = json.loads(options)["challenge"]
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin, **said}).encode()

    def _answer(self, response: dict[str, str]) -> str:
        named = {"id": text(self.id), "rawId": text(self.id), "type": "public-key"}
        return json.dumps({**named, "response": response, "clientExtensionResults": {}})
