"""Public keys: Ed25519, and ECDSA on P-256 and P-384; also those of passkeys.

Rules
- A key has one form: the 32 raw bytes of an Ed25519 key, and for every other key DER SubjectPublicKeyInfo
  with the whole point. So has the Ed25519 key of a passkey. What reads only Ed25519 keys of 32 bytes can take
  no other key for one.
- A key has one id, with a passkey or without: the SHA-256 of its 32 raw bytes (Ed25519), or of its
  SubjectPublicKeyInfo (ECDSA).
- A point is on its curve, and not one under which anyone could sign.
- ECDSA uses SHA-256 on P-256 and SHA-384 on P-384; signatures are DER. From one signature others can be made
  over the same message (-s for s), so nothing is named, counted or compared by a signature.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256
from typing import Any, NamedTuple, TypeAlias

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256, SHA384
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
    load_pem_public_key,
)

from sluicegate_record.errors import BadKey, NotCanonical
from sluicegate_record.log.canonical import unb64
from sluicegate_record.log.webauthn import RelyingParty

ED25519_BYTES = 32
EXPECTED = "ed25519, or ecdsa on p-256 or p-384"
SigningKey: TypeAlias = Ed25519PrivateKey | EllipticCurvePrivateKey
"""A private key of one of the three algorithms. `of` refuses other curves."""
VerifyingKey: TypeAlias = Ed25519PublicKey | EllipticCurvePublicKey
_ED25519_INFO = bytes.fromhex("302a300506032b6570032100")
"""The SubjectPublicKeyInfo of an Ed25519 key, before its 32 bytes. Source: RFC 8410 section 4."""
_HASHES = {"secp256r1": SHA256, "secp384r1": SHA384}
_PRIME = 2**255 - 19
_D = -121665 * pow(121666, -1, _PRIME) % _PRIME


class PublicKey(NamedTuple):
    """A key that signatures are checked with. `passkey` is its relying party, if it is that of a passkey.

    Units: `data` is the key in its form, not checked yet; one that is malformed has signed nothing.
    """

    data: bytes
    passkey: RelyingParty | None = None

    @property
    def keyid(self) -> str:
        """The id of the key, in hex."""
        return keyid(self.data)

    @classmethod
    def pinned(cls, text: str, passkey: RelyingParty | None) -> PublicKey:
        """The key in a text, in the form in which it is pinned. Raises: BadKey: as `load`."""
        data = load(text)
        is_raw = len(data) == ED25519_BYTES
        return cls(_ED25519_INFO + data if passkey is not None and is_raw else data, passkey)

    def check(self) -> None:
        """Check that it is a sound key in its form. Raises: BadKey."""
        if self.passkey is not None and len(self.data) == ED25519_BYTES:
            raise BadKey("the key of a passkey as raw bytes, expected der subjectpublickeyinfo")
        if self.passkey is None and _is_ed25519_info(self.data):
            raise BadKey("an ed25519 key as der subjectpublickeyinfo, expected its 32 raw bytes")
        _loaded(self.data)


def keyid(public: bytes) -> str:
    """The id of a public key: SHA-256 of 32 raw bytes (Ed25519), or of SubjectPublicKeyInfo; in hex."""
    return sha256(public[len(_ED25519_INFO) :] if _is_ed25519_info(public) else public).hexdigest()


def load(text: str) -> bytes:
    """A public key in its form, from SubjectPublicKeyInfo in PEM or base64, or the base64 of 32 raw bytes.

    Raises: BadKey: neither of these, another kind of key, or a point under which anyone could sign.
    Source: RFC 5480, RFC 8410, RFC 8032 section 5.1.
    """
    stripped = text.strip()
    public = _from_pem(stripped) if stripped.startswith("-----BEGIN") else _from_base64(stripped)
    PublicKey(public).check()
    return public


def load_ed25519(text: str) -> bytes:
    """The 32 raw bytes of an Ed25519 key. Raises: BadKey: as `load`, and for a key on another curve."""
    public = load(text)
    if len(public) != ED25519_BYTES:
        raise BadKey(f"public key of {len(public)} bytes, expected an ed25519 key of {ED25519_BYTES}")
    return public


def of(private: SigningKey) -> bytes:
    """The public key of a private one, in its form. Raises: BadKey: another kind of key."""
    return _form(private.public_key())


def sign(private: SigningKey, message: bytes) -> bytes:
    """A signature over a message. Raises: BadKey: another curve than these."""
    if isinstance(private, Ed25519PrivateKey):
        return private.sign(message)
    return private.sign(message, _ecdsa(private.curve.name))


def verify(public: bytes, message: bytes, signature: bytes) -> None:
    """Check a signature over a message.

    Raises: InvalidSignature. BadKey: `public` is not the form of a sound key.
    """
    key = _loaded(public)
    if isinstance(key, Ed25519PublicKey):
        key.verify(signature, message)
    else:
        key.verify(signature, message, _ecdsa(key.curve.name))


def _ecdsa(curve: str) -> ECDSA:
    if curve not in _HASHES:
        raise BadKey(f"a key on the curve {curve}, expected {EXPECTED}")
    return ECDSA(_HASHES[curve]())


def _form(key: Any) -> bytes:
    """A key in its form. Raises: BadKey: not of these algorithms."""
    if isinstance(key, Ed25519PublicKey):
        return key.public_bytes_raw()
    if not isinstance(key, EllipticCurvePublicKey):
        raise BadKey(f"public key is {type(key).__name__}, expected {EXPECTED}")
    _ecdsa(key.curve.name)
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


@lru_cache(maxsize=256)
def _loaded(public: bytes) -> VerifyingKey:
    """The key in a form. Raises: BadKey: not exactly the form of a sound key."""
    raw = public[len(_ED25519_INFO) :] if _is_ed25519_info(public) else public
    if len(raw) == ED25519_BYTES:
        if not _is_sound(raw):
            raise BadKey(f"public key {raw.hex()} is no point of large order, expected an ed25519 key")
        return Ed25519PublicKey.from_public_bytes(raw)
    try:
        key = load_der_public_key(public)
    except (ValueError, UnsupportedAlgorithm):
        said = f"public key of {len(public)} bytes, expected {ED25519_BYTES}, or der subjectpublickeyinfo"
        raise BadKey(said) from None
    if _form(key) != public:
        raise BadKey("public key in another form than der subjectpublickeyinfo with the whole point")
    assert isinstance(key, EllipticCurvePublicKey)  # `_form` has no other of this length
    return key


def _is_ed25519_info(public: bytes) -> bool:
    return len(public) == len(_ED25519_INFO) + ED25519_BYTES and public.startswith(_ED25519_INFO)


def _from_pem(text: str) -> bytes:
    try:
        key = load_pem_public_key(text.encode())
    except (ValueError, UnsupportedAlgorithm):
        raise BadKey(f"public key {_start(text)}, expected pem subjectpublickeyinfo") from None
    return _form(key)


def _from_base64(text: str) -> bytes:
    try:
        public = unb64(text)
    except NotCanonical:
        raise BadKey(f"public key {_start(text)}, expected pem, or base64 of {ED25519_BYTES} bytes") from None
    return public[len(_ED25519_INFO) :] if _is_ed25519_info(public) else public


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
