"""Key files: private keys as PKCS #8 PEM, readable by their owner alone.

Rules:
- A secret's file is made with mode 0600 from the start, appears whole, and never replaces one that is there.
- A key file that others can read is refused.
"""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from sluicegate.errors import BadKey
from sluicegate_record.log import publickey
from sluicegate_record.log.publickey import SigningKey


def write_secret(path: Path, data: bytes) -> None:
    """Write a new file that only its owner can read, whole or not at all; durable when this returns.

    Raises: BadKey: there is a file already.
    """
    written = path.with_name(f"{path.name}.new")
    written.unlink(missing_ok=True)  # what a process left that was ended here
    descriptor = os.open(written, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(written, path)
    except FileExistsError as error:
        raise BadKey(f"{path} exists already and is not replaced", remedy="name another file") from error
    finally:
        written.unlink()
    sync_folder(path.parent)


def save_private(path: Path, key: Ed25519PrivateKey, passphrase: str = "") -> None:
    """Write a private key to a new file, encrypted where a passphrase is given."""
    encryption = BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()
    write_secret(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption))


def load_ed25519(path: Path) -> Ed25519PrivateKey:
    """Read the key of a log or a feed. Raises: BadKey: as `load_private`, and for another algorithm."""
    key = load_private(path)
    if not isinstance(key, Ed25519PrivateKey):
        raise BadKey(f"{path} holds a key on another curve, expected an Ed25519 key")
    return key


def is_encrypted(path: Path) -> bool:
    """Whether a key file needs a passphrase. One that cannot be read does not."""
    try:
        return b"ENCRYPTED" in path.read_bytes()
    except OSError:
        return False


def load_private(path: Path, passphrase: str = "") -> SigningKey:
    """Read a private key.

    Raises: BadKey: no such file, readable by others, neither Ed25519 nor ECDSA on P-256 or P-384, or the
            passphrase is missing or wrong.
    """
    try:
        mode, data = path.stat().st_mode, path.read_bytes()
    except OSError as error:
        raise BadKey(f"the key file {path} cannot be read: {error.strerror}") from error
    if mode & 0o077:
        raise BadKey(f"the key file {path} can be read by others", remedy=f"chmod 600 {path}")
    try:
        key = load_pem_private_key(data, passphrase.encode() or None)
    except (TypeError, ValueError, UnsupportedAlgorithm) as error:
        raise BadKey(
            f"{path} is not a private key in PEM, or its passphrase is missing or wrong",
            remedy="if it is encrypted, set SLUICEGATE_PASSPHRASE, or run it at a terminal",
        ) from error
    if not isinstance(key, SigningKey):
        raise BadKey(f"{path} holds a {type(key).__name__}, expected {publickey.EXPECTED}")
    publickey.of(key)
    return key


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
