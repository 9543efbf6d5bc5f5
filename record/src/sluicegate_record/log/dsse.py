"""Signed statements: DSSE v1 envelopes over in-toto Statements v1, by any signer.

Rules
- What is signed is the PAE of type and payload, so a signature over one type is never valid for another.
- The `keyid` in an envelope is not signed, and a signer may have ids of its own. It only says which of the
  keys *given by the caller* to try first; then OTHERS_MAX others are tried.
- `verify` returns keys, not signatures: a signature counts for one key, a key counts once. The caller knows
  who owns it.
- A passkey signs by an assertion, every other key without one.
- A statement is read only from an envelope of its type. Reading does not verify, and verifying does not read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from cryptography.exceptions import InvalidSignature

from sluicegate_record.errors import BadEnvelope, BadKey, BadSignature, NotCanonical
from sluicegate_record.log import publickey
from sluicegate_record.log.canonical import b64, check_b64, dumps, loads, sha256_hex, unb64
from sluicegate_record.log.publickey import PublicKey, SigningKey
from sluicegate_record.log.webauthn import AuthenticatorAssertion

PAYLOAD_TYPE_INTOTO = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
MAX_PAYLOAD_BYTES = 1 << 20
MAX_SIGNATURES = 16
OTHERS_MAX = 32
"""How many keys that a signature does not name are tried for it.

So to verify an envelope once costs at most 16 × 33 checks, whatever is in it and however many keys are
pinned.
"""
RIGHT_KEPT, WRONG_KEPT = 64, 4 * MAX_SIGNATURES * (1 + OTHERS_MAX)
"""How many checks are remembered: those of 64 right signatures, and all of the last four envelopes."""

_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature. Units: sig is raw bytes; keyid is a hint from the signer, and is not signed.

    `webauthn` is what a passkey signed beside the statement.
    """

    keyid: str
    sig: bytes
    webauthn: AuthenticatorAssertion | None = None

    def to_json(self) -> dict[str, Any]:
        """The signature as JSON. Source: DSSE v1, envelope.md; `webauthn` is ours."""
        shown = {} if self.webauthn is None else {"webauthn": self.webauthn.to_json()}
        return {"keyid": self.keyid, "sig": b64(self.sig), **shown}


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
            "signatures": [each.to_json() for each in self.signatures],
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


def sign(payload_type: str, payload: bytes, private_key: SigningKey) -> Envelope:
    """An envelope with one signature. To join envelopes of several signers, join their signatures.

    Raises: BadKey: a key on another curve.
    """
    name = publickey.keyid(publickey.of(private_key))
    signature = publickey.sign(private_key, pae(payload_type, payload))
    return Envelope(payload_type, payload, (Signature(name, signature),))


def verify(envelope: Envelope, keys: Mapping[str, PublicKey]) -> frozenset[str]:
    """The names among `keys` whose key signed the envelope; empty if none of them did.

    Requires: a key is named by its id, so that hints find it. One key under two names counts once.
    """
    message = pae(envelope.payload_type, envelope.payload)
    signers: dict[str, str] = {}
    for each in envelope.signatures:
        tried = (name for name in _candidates(each.keyid, keys) if _signed(message, each, keys[name]))
        signers |= {keys[name].keyid: name for name in islice(tried, 1)}
    return frozenset(signers.values())


def rehearse(envelope: Envelope, key_sets: Iterable[Mapping[str, PublicKey]]) -> None:
    """Check the signatures of an envelope by each of some sets of keys, so that it costs little later.

    A signature that the key made which it names is checked by no other.
    """
    message, sets = pae(envelope.payload_type, envelope.payload), list(key_sets)
    named = {name: key for keys in sets for name, key in keys.items()}

    def is_clear(each: Signature) -> bool:
        return each.keyid in named and _signed(message, each, named[each.keyid])

    unclear = tuple(each for each in envelope.signatures if not is_clear(each))
    for keys in sets if unclear else ():
        verify(replace(envelope, signatures=unclear), keys)


def _candidates(hint: str, keys: Mapping[str, PublicKey]) -> Iterator[str]:
    """The names of the keys to try for a signature, in order."""
    if hint in keys:
        yield hint
    yield from islice((name for name in keys if name != hint), OTHERS_MAX)


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


@lru_cache(maxsize=WRONG_KEPT)
def _signed(message: bytes, signature: Signature, key: PublicKey) -> bool:
    """Whether a key made a signature over a message: kept, since a command and the law ask the same.

    The right ones are kept once more, so that no number of wrong ones pushes them out.
    """
    try:
        _check(message, signature, key)
    except (InvalidSignature, BadKey, BadSignature, ValueError):
        return False
    return True


@lru_cache(maxsize=RIGHT_KEPT)
def _check(message: bytes, signature: Signature, key: PublicKey) -> None:
    """Check a signature.

    Raises: InvalidSignature; BadKey; BadSignature: a wrong assertion, or a passkey's without one.
    """
    if key.passkey is None and signature.webauthn is None:
        publickey.verify(key.data, message, signature.sig)
    elif key.passkey is not None and signature.webauthn is not None:
        signed = signature.webauthn.signed_bytes(message, key.passkey)
        publickey.verify(key.data, signed, signature.sig)
    else:
        raise BadSignature("an assertion by a key that is no passkey, or a passkey without one")


# Envelopes


def _signature(found: object) -> Signature:
    if type(found) is not dict or found.keys() == _PLAIN:
        name, sig = _SIGNATURE.of(found)
        return Signature(name, _in_base64(unb64, sig, "sig"))
    plain = {name: value for name, value in found.items() if name != "webauthn"}
    name, sig = _SIGNATURE.of({"keyid": "", **plain})  # DSSE lets a signer leave it out
    shown = AuthenticatorAssertion.from_json(found["webauthn"]) if "webauthn" in found else None
    return Signature(name, _in_base64(unb64, sig, "sig"), shown)


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
_PLAIN = {"keyid", "sig"}
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
