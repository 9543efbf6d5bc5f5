"""Checkpoints: signed tree heads, as C2SP signed notes with Ed25519 keys.

    origin                      who keeps the log; also the name of its key
    1024                        how many leaves, in decimal
    base64 of the root          32 bytes
                                an empty line; above it is what the signature covers, final newline included
    — origin base64             the key's id (4 bytes) and the signature

Rules
- Text is UTF-8 without control characters; every line ends with a newline, the last one too.
- A key's id is the start of SHA-256(name, newline, type, public key): it says which key to try, no more.
- Exactly one line is by the log's key. Lines by other keys are let through when they are well-formed: a
  witness's, or that of a key which the log had before. A malformed line spoils the note.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from sluicegate_record.errors import BadCheckpoint, BadKey, InvalidInput, NotCanonical
from sluicegate_record.log.canonical import b64, unb64
from sluicegate_record.log.merkle import HASH_BYTES

ED25519 = b"\x01"
KEY_ID_BYTES = 4
PUBLIC_KEY_BYTES = 32
MAX_NOTE_BYTES = 1 << 20
MAX_SIGNATURES = 100
MAX_SIZE = 2**63 - 1
SHOWN_MAX = 3
"""How many keys that signed a note are named."""

_SIZE = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")
_KEY_ID = re.compile(r"[0-9a-f]{8}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Verifier:
    """The public half of a log's key.

    Units: key_id is 4 bytes, public 32 raw bytes.
    """

    name: str
    key_id: bytes
    public: bytes


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A tree head. Units: size counts leaves; root is 32 raw bytes."""

    origin: str
    size: int
    root: bytes

    def body(self) -> str:
        """The text that is signed, final newline included. Source: C2SP tlog-checkpoint."""
        return f"{self.origin}\n{self.size}\n{b64(self.root)}\n"


def key_id(name: str, public_raw: bytes) -> bytes:
    """The 4 bytes that name the Ed25519 key `public_raw` of `name`. Source: C2SP signed-note."""
    return sha256(name.encode() + b"\n" + ED25519 + public_raw).digest()[:KEY_ID_BYTES]


def vkey(name: str, public_raw: bytes) -> str:
    """`name+id+key` on one line: the form that people who verify get.

    Requires: name is not empty and has no space, plus sign or control character; public_raw has 32 bytes.
    Raises:   BadKey: otherwise.
    Source:   C2SP signed-note, verifier keys.
    """
    _check_key(name, public_raw)
    return f"{name}+{key_id(name, public_raw).hex()}+{b64(ED25519 + public_raw)}"


def parse_vkey(text: str) -> Verifier:
    """The verifier that `vkey` wrote as `text`.

    Raises: BadKey: not three parts, another type than Ed25519, or an id that is not the key's.
    """
    name, found_id, encoded = _vkey_parts(text)
    try:
        key = unb64(encoded)
    except NotCanonical as error:
        raise BadKey(f"verifier key {text[:200]!r}: {error.message}") from None
    if key[:1] != ED25519:
        raise BadKey(f"verifier key {text[:200]!r} has type {key[:1].hex() or 'none'}, expected 01 (ed25519)")
    _check_key(name, key[1:])
    if found_id != key_id(name, key[1:]).hex():
        raise BadKey(f"verifier key id {found_id!r}, expected {key_id(name, key[1:]).hex()!r}")
    return Verifier(name, key_id(name, key[1:]), key[1:])


def sign(origin: str, size: int, root: bytes, *private_keys: Ed25519PrivateKey) -> str:
    """The whole signed note: the body, an empty line, a signature line for each key.

    Requires: origin is a valid key name; 0 <= size <= MAX_SIZE; root has 32 bytes.
    Raises:   BadKey: origin is not a key name. InvalidInput: size or root out of range.
    Source:   C2SP tlog-checkpoint and signed-note.
    """
    publics = [each.public_key().public_bytes_raw() for each in private_keys]
    for public in publics:
        _check_key(origin, public)
    if not 0 <= size <= MAX_SIZE or len(root) != HASH_BYTES:
        raise InvalidInput(f"size {size}, root of {len(root)} bytes; expected 0 or more, {HASH_BYTES}")
    body = Checkpoint(origin, size, root).body()
    signed = [
        b64(key_id(origin, public) + each.sign(body.encode()))
        for public, each in zip(publics, private_keys, strict=True)
    ]
    return f"{body}\n" + "".join(f"— {origin} {signature}\n" for signature in signed)


def open_checkpoint(note: str | bytes, verifier: Verifier) -> Checkpoint:
    """The checkpoint in `note`, which the key of `verifier` signed.

    Further well-formed lines in the body are extensions; they are signed too, and ignored.

    Raises: BadCheckpoint: malformed anywhere, of another origin, not signed by the key, or signed twice.
    Source: C2SP tlog-checkpoint and signed-note.
    """
    body, signatures = _split(_note_text(note))
    ours = [line for line in signatures if (line.name, line.key_id) == (verifier.name, verifier.key_id)]
    if len(ours) != 1:
        names = ", ".join(
            sorted({f"{line.name}+{line.key_id.hex()}"[:200] for line in signatures})[:SHOWN_MAX]
        )
        key = f"{verifier.name}+{verifier.key_id.hex()}"
        remedy = "check --key" if not ours else ""
        raise BadCheckpoint(
            f"{len(ours)} signatures by {key}, expected exactly one; it is signed by {names}", remedy=remedy
        )
    _check_signature(body, ours[0].signature, verifier)
    checkpoint = _parsed(body)
    if checkpoint.origin != verifier.name:
        raise BadCheckpoint(f"checkpoint of {checkpoint.origin!r}, expected {verifier.name!r}")
    return checkpoint


def stated(note: str | bytes) -> Checkpoint:
    """The checkpoint that a note says, by any signer: to find the key that has to verify it.

    Raises: BadCheckpoint: malformed anywhere.
    """
    return _parsed(_split(_note_text(note))[0])


def is_signed_otherwise(note: str | bytes, verifier: Verifier) -> bool:
    """Whether only other keys under the name of `verifier` signed a note. Raises: BadCheckpoint."""
    ids = {line.key_id for line in _split(_note_text(note))[1] if line.name == verifier.name}
    return bool(ids) and verifier.key_id not in ids


class _Line(NamedTuple):
    name: str
    key_id: bytes
    signature: bytes


def _valid_name(name: str) -> bool:
    return name.split() == [name] and "+" not in name and name.isprintable()


def _check_key(name: str, public_raw: bytes) -> None:
    if not _valid_name(name):
        raise BadKey(f"key name {name[:200]!r}, expected text without spaces and plus signs")
    if len(public_raw) != PUBLIC_KEY_BYTES:
        raise BadKey(f"public key of {len(public_raw)} bytes, expected {PUBLIC_KEY_BYTES}")


def _vkey_parts(text: str) -> tuple[str, str, str]:
    parts = text.split("+", 2)
    if len(parts) != 3 or not _KEY_ID.fullmatch(parts[1]):
        raise BadKey(f"verifier key {text[:200]!r}, expected name+8 hex digits+base64")
    return parts[0], parts[1], parts[2]


def _note_text(note: str | bytes) -> str:
    try:
        raw = note.encode() if isinstance(note, str) else note
        text = raw.decode()
    except UnicodeError:
        raise BadCheckpoint("note is not utf-8, expected utf-8") from None
    if len(raw) > MAX_NOTE_BYTES:
        raise BadCheckpoint(f"note of {len(raw)} bytes, expected at most {MAX_NOTE_BYTES}")
    if odd := _CONTROL.search(text):
        raise BadCheckpoint(f"control character {odd[0]!r} in note, expected only newlines")
    return text


def _split(text: str) -> tuple[str, Sequence[_Line]]:
    """The signed body and the signature lines; the last empty line parts them."""
    body, blank, tail = text.rpartition("\n\n")
    if not blank:
        raise BadCheckpoint(f"note {text[:200]!r} has no empty line before its signatures, expected one")
    if not tail.endswith("\n"):
        raise BadCheckpoint("note does not end with a newline, expected one")
    lines = tail[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise BadCheckpoint(f"{len(lines)} signature lines, expected at most {MAX_SIGNATURES}")
    return body + "\n", [_signature_line(line) for line in lines]


def _signature_line(line: str) -> _Line:
    parts = line.split(" ")
    if len(parts) != 3 or parts[0] != "—" or not _valid_name(parts[1]):
        raise BadCheckpoint(f"signature line {line[:200]!r}, expected '— name base64'")
    raw = _base64(parts[2], "signature")
    if len(raw) <= KEY_ID_BYTES:
        raise BadCheckpoint(f"signature {parts[2]!r} of {len(raw)} bytes, expected a key id and a signature")
    return _Line(parts[1], raw[:KEY_ID_BYTES], raw[KEY_ID_BYTES:])


def _check_signature(body: str, signature: bytes, verifier: Verifier) -> None:
    try:
        Ed25519PublicKey.from_public_bytes(verifier.public).verify(signature, body.encode())
    except (InvalidSignature, ValueError):
        raise BadCheckpoint(f"signature by {verifier.name!r} does not verify, expected its key's") from None


def _parsed(body: str) -> Checkpoint:
    lines = body[:-1].split("\n")
    if len(lines) < 3 or not all(lines):
        raise BadCheckpoint(f"checkpoint {body[:200]!r}, expected lines of origin, size and root, none empty")
    origin, size, encoded = lines[:3]
    if not _SIZE.fullmatch(size) or int(size) > MAX_SIZE:
        raise BadCheckpoint(f"tree size {size[:40]!r}, expected a decimal without sign or leading zeros")
    root = _base64(encoded, "root")
    if len(root) != HASH_BYTES:
        raise BadCheckpoint(f"root of {len(root)} bytes, expected {HASH_BYTES}")
    return Checkpoint(origin, int(size), root)


def _base64(text: str, what: str) -> bytes:
    try:
        return unb64(text)
    except NotCanonical as error:
        raise BadCheckpoint(f"{what}: {error.message}") from None
