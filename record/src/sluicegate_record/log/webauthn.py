"""Signatures of passkeys: WebAuthn assertions over the PAE of a statement.

Rules
- The challenge is the SHA-256 of the PAE, so an assertion is for one statement and one payload type.
- A key is pinned with its relying party. Only an assertion for this `rpId`, made at this `origin`, counts.
- The person was there and was verified: the flags UP and UV. A page inside another page does not count.
- The signature counter is not read. A statement that is signed twice is the same statement.
- What a person sees while signing, the page shows. An authenticator does not know what a challenge means.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, ClassVar, Self

from sluicegate_record.errors import BadEnvelope, BadKey, BadSignature, NotCanonical
from sluicegate_record.log.canonical import b64, loads, unb64

AUTHENTICATOR_BYTES_MAX = 512
CLIENT_BYTES_MAX = 1_024
PRESENT, VERIFIED, ATTESTED, EXTENDED = 0x01, 0x04, 0x40, 0x80
"""The flags of authenticator data. Source: WebAuthn Level 3, section 6.1."""
_HASH_BYTES, _FIXED_BYTES = 32, 37
_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(\.{_LABEL})*", re.ASCII)
_REGISTRABLE = re.compile(r".+\.[a-z0-9-]*[a-z-][a-z0-9-]*", re.ASCII)
"""A name below another, and no address of IPv4."""
_ORIGIN = re.compile(rf"(https?)://({_LABEL}(?:\.{_LABEL})*)(:[1-9][0-9]{{0,4}})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """Where a passkey signs: the domain that it is bound to, and the origin of the page that asks it.

    The origin is `https://`, the domain or a name below it, and perhaps a port. Only `localhost`, and names
    below it, may be http: they are always the machine of who asks (RFC 6761, section 6.3).
    The domain has two labels at least: `com` is not someone's. Which longer ones are like that is not asked
    here: browsers make no passkey for them, and lists of them change.
    """

    rp_id: str
    origin: str

    SCHEMA: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "description": "The relying party of a passkey: its rpId, and the origin of the page that asks it.",
        "properties": {"rpId": {"type": "string"}, "origin": {"type": "string"}},
        "required": ["rpId", "origin"],
        "additionalProperties": False,
    }

    def __post_init__(self) -> None:
        """Check both. Raises: BadKey."""
        found = _ORIGIN.fullmatch(self.origin)
        if not _DOMAIN.fullmatch(self.rp_id):
            raise BadKey(f"the rpId {self.rp_id[:80]!r}, expected a domain in lower case")
        host = found[2] if found else ""
        if self.rp_id != "localhost" and not _REGISTRABLE.fullmatch(self.rp_id):
            said = "expected a domain of someone, such as agency.example, or localhost"
            raise BadKey(f"the rpId {self.rp_id[:80]!r}, {said}")
        if found is None or not (found[1] == "https" or f".{host}".endswith(".localhost")):
            raise BadKey(f"the origin {self.origin[:80]!r}, expected https://, a domain, and perhaps a port")
        if host != self.rp_id and not host.endswith(f".{self.rp_id}"):
            raise BadKey(f"the origin {self.origin[:80]!r}, expected one of {self.rp_id!r} or below it")

    @classmethod
    def from_json(cls, found: object) -> Self:
        """The relying party in `{rpId, origin}`. Raises: BadKey."""
        if not isinstance(found, dict) or set(map(type, found.values())) != {str}:
            raise BadKey("a relying party that is not an object of texts")
        if found.keys() != {"rpId", "origin"}:
            raise BadKey(f"a relying party of {', '.join(sorted(found))[:80]}, expected rpId and origin")
        return cls(found["rpId"], found["origin"])

    def to_json(self) -> dict[str, str]:
        """`{rpId, origin}`."""
        return {"rpId": self.rp_id, "origin": self.origin}


@dataclass(frozen=True, slots=True)
class AuthenticatorAssertion:
    """What an authenticator signed, beside the signature. Units: raw bytes.

    Source: WebAuthn Level 3, sections 5.2.2, 5.8.1 and 6.1.
    """

    authenticator_data: bytes
    client_data: bytes

    @classmethod
    def from_json(cls, found: object) -> Self:
        """The assertion in `{authenticatorData, clientDataJSON}`, both base64. Raises: BadEnvelope."""
        if not isinstance(found, dict) or found.keys() != {"authenticatorData", "clientDataJSON"}:
            raise BadEnvelope("webauthn, expected an object of authenticatorData and clientDataJSON")
        return cls(
            _bytes(found, "authenticatorData", AUTHENTICATOR_BYTES_MAX),
            _bytes(found, "clientDataJSON", CLIENT_BYTES_MAX),
        )

    def to_json(self) -> dict[str, str]:
        """`{authenticatorData, clientDataJSON}`, both base64."""
        return {
            "authenticatorData": b64(self.authenticator_data),
            "clientDataJSON": b64(self.client_data),
        }

    def signed_bytes(self, message: bytes, party: RelyingParty) -> bytes:
        """The bytes that the authenticator has signed, if they are for this message and relying party.

        Raises: BadSignature: made for something else, or somewhere else, or without verifying the person.
        Source: WebAuthn Level 3, section 7.2, steps 10 to 20.
        """
        _check_client(self.client_data, message, party.origin)
        _check_authenticator(self.authenticator_data, party.rp_id)
        return self.authenticator_data + sha256(self.client_data).digest()


def challenge(message: bytes) -> bytes:
    """What a page gives the authenticator as its challenge, for a statement with this PAE: 32 raw bytes."""
    return sha256(message).digest()


def _check_client(data: bytes, message: bytes, origin: str) -> None:
    try:
        said = loads(data, max_bytes=CLIENT_BYTES_MAX)
    except NotCanonical as error:
        raise BadSignature(f"client data: {error.message}") from None
    if not isinstance(said, dict):
        raise BadSignature("client data that is not an object")
    asked = base64.urlsafe_b64encode(challenge(message)).rstrip(b"=").decode()
    for name, expected in (("type", "webauthn.get"), ("challenge", asked), ("origin", origin)):
        if said.get(name) != expected:
            raise BadSignature(f"client data with another {name} than {expected!r}")
    if said.get("crossOrigin", False) is not False or "topOrigin" in said:
        raise BadSignature("client data of a page inside another page")


def _check_authenticator(data: bytes, rp_id: str) -> None:
    if len(data) < _FIXED_BYTES or data[:_HASH_BYTES] != sha256(rp_id.encode()).digest():
        raise BadSignature(f"authenticator data of another relying party than {rp_id!r}")
    flags = data[_HASH_BYTES]
    if not (flags & PRESENT and flags & VERIFIED):
        raise BadSignature("an assertion without a verified person")
    if flags & ATTESTED or (len(data) > _FIXED_BYTES) != bool(flags & EXTENDED):
        raise BadSignature("authenticator data that is longer or shorter than its flags say")


def _bytes(found: Mapping[str, Any], name: str, most: int) -> bytes:
    text = found[name]
    try:
        data = unb64(text) if type(text) is str and len(text) <= 2 * most else b""
    except NotCanonical as error:
        raise BadEnvelope(f"{name}: {error.message}") from None
    if not 0 < len(data) <= most:
        raise BadEnvelope(f"{name}, expected base64 of 1 to {most} bytes")
    return data
