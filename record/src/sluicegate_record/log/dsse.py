"""Signed statements: DSSE v1 envelopes over in-toto Statements v1, with Ed25519 keys.

Rules
- What is signed is the PAE of type and payload, so a signature over one type is never valid for another.
- A key is named by the SHA-256 of its 32 raw bytes. The `keyid` in an envelope is not signed: it only says
  which of the keys *given by the caller* to try.
- `verify` returns keys, not signatures: the same key twice counts once. The caller knows who owns it.
- A statement is read only from an envelope of its type. Reading does not verify, and verifying does not read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any, TypeVar

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from sluicegate_record.errors import BadEnvelope, BadKey, NotCanonical
from sluicegate_record.log.canonical import b64, check_b64, dumps, loads, sha256_hex, unb64

PAYLOAD_TYPE_INTOTO = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
MAX_PAYLOAD_BYTES = 1 << 20
MAX_SIGNATURES = 16
PUBLIC_KEY_BYTES = 32

_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_PRIME = 2**255 - 19
_D = -121665 * pow(121666, -1, _PRIME) % _PRIME
Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature. Units: sig is raw bytes; keyid is a hint from the signer, and is not signed."""

    keyid: str
    sig: bytes


@dataclass(frozen=True, slots=True)
class Envelope:
    """A payload with its signatures, none of them checked yet.

    The payload of an envelope that was read is decoded when it is first used. Most readers of a log only
    keep it.
    """

    payload_type: str
    payload: bytes
    signatures: tuple[Signature, ...]
    _encoded: str = field(default="", init=False, repr=False, compare=False)

    if not TYPE_CHECKING:  # mypy would accept every name

        def __getattr__(self, name: str) -> bytes:
            """The payload, where it is not decoded yet. No other field is ever left out."""
            if name != "payload":
                raise AttributeError(name)
            payload = unb64(self._encoded)
            object.__setattr__(self, "payload", payload)
            return payload

    @property
    def digest(self) -> str:
        """The name of a signed statement: the digest of its payload, `sha256:…`.

        It does not include the signatures: signing the same words again gives the same name.
        """
        return sha256_hex(self.payload)

    def to_json(self) -> dict[str, Any]:
        """The envelope as JSON. Source: DSSE v1, envelope.md."""
        return {
            "payload": self._encoded or b64(self.payload),
            "payloadType": self.payload_type,
            "signatures": [{"keyid": each.keyid, "sig": b64(each.sig)} for each in self.signatures],
        }

    @classmethod
    def from_json(cls, found: object) -> Envelope:
        """The envelope in `found`, a value as `canonical.loads` returns it.

        Raises: BadEnvelope: a field missing, unknown or of another type, not base64, no signature or more
                than MAX_SIGNATURES, a payload over MAX_PAYLOAD_BYTES.
        """
        payload_text, payload_type, signatures = _ENVELOPE.of(found)
        if not 1 <= len(signatures) <= MAX_SIGNATURES:
            raise BadEnvelope(f"{len(signatures)} signatures, expected 1 to {MAX_SIGNATURES}")
        size = _in_base64(check_b64, payload_text, "payload")
        if size > MAX_PAYLOAD_BYTES:
            raise BadEnvelope(f"payload of {size} bytes, expected at most {MAX_PAYLOAD_BYTES}")
        made = object.__new__(cls)  # without a payload: `__getattr__` decodes it
        for name, value in (
            ("payload_type", payload_type),
            ("signatures", tuple(map(_signature, signatures))),
            ("_encoded", payload_text),
        ):
            object.__setattr__(made, name, value)
        return made


@dataclass(frozen=True, slots=True)
class InTotoStatement:
    """What an in-toto Statement says, and about which subjects.

    Units: subjects maps names to SHA-256 in 64 lower-case hex digits; predicate keeps fields we do not know.
    """

    subjects: dict[str, str]
    predicate: dict[str, Any]


def pae(payload_type: str, payload: bytes) -> bytes:
    """The bytes that are signed: type and payload, each with its length in bytes. Source: DSSE v1, PAE."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def keyid(public_raw: bytes) -> str:
    """The name of an Ed25519 key: SHA-256 of its 32 raw bytes, in hex."""
    return sha256(public_raw).hexdigest()


def sign(payload_type: str, payload: bytes, private_key: Ed25519PrivateKey) -> Envelope:
    """An envelope with one signature. To join envelopes of several signers, join their signatures."""
    name = keyid(private_key.public_key().public_bytes_raw())
    return Envelope(payload_type, payload, (Signature(name, private_key.sign(pae(payload_type, payload))),))


def verify(envelope: Envelope, keys: Mapping[str, bytes]) -> frozenset[str]:
    """The names among `keys` whose key signed the envelope; empty if none of them did.

    Requires: keys maps names to 32 raw bytes; one key under two names counts once.
    """
    message = pae(envelope.payload_type, envelope.payload)
    signers = {
        keys[each.keyid]: each.keyid
        for each in envelope.signatures
        if each.keyid in keys and _signed(message, each.sig, keys[each.keyid])
    }
    return frozenset(signers.values())


def statement(subjects: Mapping[str, str], predicate_type: str, predicate: Mapping[str, Any]) -> bytes:
    """The payload that states `predicate` about `subjects`, in canonical JSON.

    Requires: at least one subject; digests are SHA-256 in 64 lower-case hex digits.
    Raises:   BadEnvelope: no subject, or another digest. NotCanonical: a predicate outside `canonical.dumps`.
    Source:   in-toto Attestation Framework, Statement v1.
    """
    if not subjects:
        raise BadEnvelope("statement without subjects, expected at least one")
    return dumps(
        {
            "_type": STATEMENT_TYPE,
            "subject": [
                {"name": name, "digest": {"sha256": _digest(name, found)}}
                for name, found in sorted(subjects.items())
            ],
            "predicateType": predicate_type,
            "predicate": dict(predicate),
        }
    )


def parse_statement(envelope: Envelope, predicate_type: str) -> InTotoStatement:
    """The statement in an envelope. This does not check its signatures: `verify` does.

    Raises: BadEnvelope: another payload type, `_type` or `predicateType`; a subject twice, or without a
            SHA-256; not strict JSON.
    Source: in-toto Attestation Framework, Statement v1.
    """
    _expect(envelope.payload_type, PAYLOAD_TYPE_INTOTO, "payloadType")
    kind, subjects, found_type, predicate = _STATEMENT.of(_payload(envelope.payload))
    _expect(kind, STATEMENT_TYPE, "_type")
    _expect(found_type, predicate_type, "predicateType")
    return InTotoStatement(_subjects(subjects), predicate)


def predicate_type(envelope: Envelope) -> str:
    """The predicate type that an envelope names. This checks only that it is a statement.

    Raises: BadEnvelope: not a statement.
    """
    (found,) = _NAMED.of(_payload(envelope.payload))
    return str(found)


def load_public(text: str) -> bytes:
    """The 32 raw bytes of an Ed25519 public key, from PEM SubjectPublicKeyInfo or the base64 of those bytes.

    Raises: BadKey: neither of these, another kind of key, or a point under which anyone could sign.
    Source: RFC 8410, RFC 8032 section 5.1.
    """
    stripped = text.strip()
    public = _from_pem(stripped) if stripped.startswith("-----BEGIN") else _from_base64(stripped)
    if not _is_sound(public):
        raise BadKey(f"public key {public.hex()} is no point of large order, expected an ed25519 key")
    return public


@lru_cache(maxsize=64)
def _signed(message: bytes, signature: bytes, public: bytes) -> bool:
    """Whether a key signed a message. Answers are cached: a command and the law check the same signatures."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


# Envelopes


def _signature(found: object) -> Signature:
    name, sig = _SIGNATURE.of(found)
    return Signature(name, _in_base64(unb64, sig, "sig"))


class _Object:
    """The fields of an object, each of its kind. It may have other fields only with `more`."""

    def __init__(self, what: str, kinds: Mapping[str, type], *, more: bool = False) -> None:
        self._what, self._kinds, self._more = what, kinds, more
        self._names, self._expected = tuple(kinds), tuple(kinds.values())

    def of(self, found: object) -> tuple[Any, ...]:
        """The values of the fields, in order. Raises: BadEnvelope."""
        if type(found) is dict and (self._more or len(found) <= len(self._names)):
            values = tuple(map(found.get, self._names))
            if tuple(map(type, values)) == self._expected:
                return values
        raise self._fault(found)

    def _fault(self, found: object) -> BadEnvelope:
        if not isinstance(found, dict):
            return BadEnvelope(f"{self._what} is {_kind(found)}, expected an object")
        for name, kind in self._kinds.items():
            if type(found.get(name)) is not kind:
                said = _kind(found.get(name))
                return BadEnvelope(f"{self._what} has {said} as {name!r}, expected {kind.__name__}")
        unknown = str(next(name for name in found if name not in self._kinds))[:80]
        expected = ", ".join(self._kinds)
        return BadEnvelope(f"{self._what} has an unknown field {unknown!r}, expected {expected}")


_ENVELOPE = _Object("envelope", {"payload": str, "payloadType": str, "signatures": list})
_SIGNATURE = _Object("signature", {"keyid": str, "sig": str})
_SUBJECT = _Object("subject", {"name": str, "digest": dict}, more=True)
_NAMED = _Object("statement", {"predicateType": str}, more=True)
_STATEMENT = _Object(
    "statement", {"_type": str, "subject": list, "predicateType": str, "predicate": dict}, more=True
)


def _kind(found: object) -> str:
    return "nothing" if found is None else type(found).__name__


def _in_base64(read: Callable[[str], Found], text: str, what: str) -> Found:
    try:
        return read(text)
    except NotCanonical as error:
        raise BadEnvelope(f"{what}: {error.message}") from None


# Statements


def _payload(payload: bytes) -> object:
    try:
        return loads(payload, max_bytes=MAX_PAYLOAD_BYTES)
    except NotCanonical as error:
        raise BadEnvelope(f"payload: {error.message}") from None


def _subjects(found: list[Any]) -> dict[str, str]:
    subjects: dict[str, str] = {}
    for each in found:
        name, digest = _SUBJECT.of(each)
        if name in subjects:
            raise BadEnvelope(f"subject {name[:80]!r} twice, expected once")
        subjects[name] = _digest(name, digest.get("sha256"))
    if not subjects:
        raise BadEnvelope("statement without subjects, expected at least one")
    return subjects


def _digest(name: str, found: object) -> str:
    if not isinstance(found, str) or not _SHA256.fullmatch(found):
        raise BadEnvelope(f"subject {name[:80]!r} has sha256 {str(found)[:80]!r}, expected 64 hex digits")
    return found


def _expect(found: str, expected: str, what: str) -> None:
    if found != expected:
        raise BadEnvelope(f"{what} is {found[:80]!r}, expected {expected!r}")


# Keys


def _from_pem(text: str) -> bytes:
    try:
        key = load_pem_public_key(text.encode())
    except (ValueError, UnsupportedAlgorithm):
        raise BadKey(f"public key {_start(text)}, expected pem subjectpublickeyinfo") from None
    if not isinstance(key, Ed25519PublicKey):
        raise BadKey(f"public key is {type(key).__name__}, expected ed25519")
    return key.public_bytes_raw()


def _from_base64(text: str) -> bytes:
    try:
        public = unb64(text)
    except NotCanonical:
        raise BadKey(f"public key {_start(text)}, expected pem, or base64 of 32 bytes") from None
    if len(public) != PUBLIC_KEY_BYTES:
        raise BadKey(f"public key of {len(public)} bytes, expected {PUBLIC_KEY_BYTES}")
    return public


def _start(text: str) -> str:
    """The start of a text, which is safe to show: the whole may be a secret key, given by mistake."""
    return repr(text.partition("\n")[0][:24] + "…") if text.startswith("-") else f"of {len(text)} characters"


def _is_sound(public: bytes) -> bool:
    """Whether the bytes encode a point of the curve whose order is not 1, 2, 4 or 8.

    On -x² + y² = 1 + dx²y² the points of order 1 and 2 have y² = 1, those of order 4 have y = 0, and those of
    order 8 double to these: x² = -y², so dy⁴ + 2y² = 1. So y alone decides. The check that the point exists
    does not need x either: x² = (y² - 1) / (dy² + 1) must be a square, or equally the product of the two.
    """
    y = int.from_bytes(public, "little") & (2**255 - 1)
    square = y * y % _PRIME
    small = y * (square - 1) * (_D * square * square + 2 * square - 1) % _PRIME == 0
    on_curve = pow((square - 1) * (_D * square + 1), (_PRIME - 1) // 2, _PRIME) == 1
    return y < _PRIME and on_curve and not small
