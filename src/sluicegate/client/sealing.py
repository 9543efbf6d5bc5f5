"""Sealing something to Ed25519 keys, so that only who holds one of them reads it: the age format, version 1.

Rules:
- It is sealed on the machine of who wrote it, and opened on that of who reads it. No server can open it.
- The recipients are keys that are pinned for signing, as age takes them from SSH: parties need no other key.
- The format is age's own: its tools open what is sealed here, with the key in the form of OpenSSH.
- What is not exactly of this form, or was changed, is refused.

Source: age-encryption.org/v1 (C2SP), with recipients of type ssh-ed25519 as in its program.
"""

from __future__ import annotations

import secrets
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Iterator, Sequence
from hashlib import sha256, sha512
from hmac import compare_digest, digest
from itertools import count, pairwise

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from sluicegate.errors import InvalidInput

FIRST = "age-encryption.org/v1"
TYPE = "ssh-ed25519"
LABEL = f"{FIRST}/{TYPE}".encode()
CHUNK = 64 * 1024
FILE_KEY_BYTES, NONCE_BYTES, TAG_BYTES = 16, 16, 16
RECIPIENTS_MAX = 100
_PRIME = 2**255 - 19
_ZERO = bytes(12)


def sealed(data: bytes, recipients: Sequence[bytes]) -> bytes:
    """A text or a file as only the holders of these keys can read it.

    Requires: at least one recipient. Units: each is an Ed25519 public key of 32 raw bytes.
    Raises:   InvalidInput: a key to which nothing can be sealed.
    """
    file_key = secrets.token_bytes(FILE_KEY_BYTES)
    lines = [FIRST, *(line for each in recipients for line in _stanza(file_key, each)), "---"]
    head = "\n".join(lines).encode()
    nonce = secrets.token_bytes(NONCE_BYTES)
    key = _derived(file_key, nonce, b"payload")
    return b"".join([head, b" ", _b64(_mac(file_key, head)).encode(), b"\n", nonce, *_chunks(key, data)])


def opened(data: bytes, key: Ed25519PrivateKey) -> bytes:
    """What was sealed to a key among others.

    Raises: InvalidInput: it was not sealed to this key, was changed, or is of another form.
    """
    head, mac, payload = _parts(data)
    file_key = _file_key(head, key)
    if not compare_digest(_mac(file_key, head), mac):
        raise InvalidInput("sealed text whose head was changed")
    nonce, body = payload[:NONCE_BYTES], payload[NONCE_BYTES:]
    try:
        return b"".join(_plain(_derived(file_key, nonce, b"payload"), body))
    except InvalidTag as error:
        raise InvalidInput("sealed text that was changed, or cut off") from error


def is_to(data: bytes, key: Ed25519PrivateKey) -> bool:
    """Whether something is sealed to a key, by what its head says."""
    tag = _tag(_wire(key.public_key().public_bytes_raw()))
    return f"\n-> {TYPE} {tag} ".encode() in data.partition(b"\n--- ")[0]


def _stanza(file_key: bytes, public: bytes) -> Iterator[str]:
    """The lines from which the holder of a key finds the key of the file."""
    once = X25519PrivateKey.generate()
    share, theirs = once.public_key().public_bytes_raw(), _montgomery(public)
    wire = _wire(public)
    key = _derived(_tweaked(once, theirs, wire), share + theirs, LABEL)
    yield f"-> {TYPE} {_tag(wire)} {_b64(share)}"
    yield _b64(ChaCha20Poly1305(key).encrypt(_ZERO, file_key, None))


def _file_key(head: bytes, key: Ed25519PrivateKey) -> bytes:
    """The key of a file, by the stanza of a private key. Raises: InvalidInput."""
    public = key.public_key().public_bytes_raw()
    wire = _wire(public)
    own = X25519PrivateKey.from_private_bytes(sha512(key.private_bytes_raw()).digest()[:32])
    lines = head.decode("ascii").split("\n")
    for line, body in pairwise(lines):
        arguments = line.split(" ")
        if arguments[:3] != ["->", TYPE, _tag(wire)] or len(arguments) != 4:
            continue
        share = _unb64(arguments[3])
        wrapping = _derived(_tweaked(own, share, wire), share + own.public_key().public_bytes_raw(), LABEL)
        try:
            return ChaCha20Poly1305(wrapping).decrypt(_ZERO, _unb64(body), None)
        except InvalidTag:
            continue
    raise InvalidInput(
        "sealed to other keys than this one", remedy="open it with a key that it was sealed to"
    )


def _tweaked(own: X25519PrivateKey, share: bytes, wire: bytes) -> bytes:
    """The shared secret, bound to the signing key. Raises: InvalidInput: a share that hides nothing."""
    try:
        shared = own.exchange(X25519PublicKey.from_public_bytes(share))
        tweak = X25519PrivateKey.from_private_bytes(_derived(b"", wire, LABEL))
        return tweak.exchange(X25519PublicKey.from_public_bytes(shared))
    except ValueError as error:
        raise InvalidInput("a key to which nothing can be sealed") from error


def _montgomery(public: bytes) -> bytes:
    """The X25519 key of an Ed25519 key. Raises: InvalidInput. Source: RFC 7748 section 4.1."""
    y = int.from_bytes(public, "little") & ((1 << 255) - 1)
    if y == 1 or y >= _PRIME:
        raise InvalidInput("a key to which nothing can be sealed")
    u = (1 + y) * pow(1 - y, -1, _PRIME) % _PRIME
    return u.to_bytes(32, "little")


def _wire(public: bytes) -> bytes:
    """An Ed25519 key as SSH writes it. Source: RFC 8709 section 4."""
    return b"".join(len(part).to_bytes(4, "big") + part for part in (TYPE.encode(), public))


def _tag(wire: bytes) -> str:
    return _b64(sha256(wire).digest()[:4])


def _derived(secret: bytes, salt: bytes, info: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=salt, info=info).derive(secret)


def _mac(file_key: bytes, head: bytes) -> bytes:
    return digest(_derived(file_key, b"", b"header"), head, "sha256")


def _nonces() -> Iterator[bytes]:
    return (number.to_bytes(11, "big") for number in count())


def _chunks(key: bytes, plain: bytes) -> Iterator[bytes]:
    places = range(0, len(plain) or 1, CHUNK)
    for place, nonce in zip(places, _nonces(), strict=False):
        is_last = place == places[-1]
        yield ChaCha20Poly1305(key).encrypt(nonce + bytes([is_last]), plain[place : place + CHUNK], None)


def _plain(key: bytes, body: bytes) -> Iterator[bytes]:
    """The plain chunks. Raises: InvalidTag: changed, cut off, or with more behind its last chunk."""
    whole = CHUNK + TAG_BYTES
    places = range(0, len(body) or 1, whole)
    for place, nonce in zip(places, _nonces(), strict=False):
        is_last = place == places[-1]
        yield ChaCha20Poly1305(key).decrypt(nonce + bytes([is_last]), body[place : place + whole], None)


def _parts(data: bytes) -> tuple[bytes, bytes, bytes]:
    """The head up to its last line, the code over it, and what follows. Raises: InvalidInput."""
    head, found, rest = data.partition(b"\n--- ")
    mac, ends, payload = rest.partition(b"\n")
    lines = head.split(b"\n")
    is_head = head.isascii() and lines[0] == FIRST.encode() and len(lines) <= 2 * RECIPIENTS_MAX + 1
    if not (found and ends and is_head) or len(payload) < NONCE_BYTES + TAG_BYTES:
        raise InvalidInput("no sealed text: a file of age, of version 1, expected")
    return head + b"\n---", _unb64(mac.decode("ascii", "replace")), payload


def _b64(data: bytes) -> str:
    return b64encode(data).decode().rstrip("=")


def _unb64(text: str) -> bytes:
    """The bytes of base64 without padding, in its one form. Raises: InvalidInput."""
    try:
        data = b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (NotBase64, ValueError) as error:
        raise InvalidInput("sealed text that cannot be read") from error
    if _b64(data) != text:
        raise InvalidInput("sealed text that cannot be read")
    return data
