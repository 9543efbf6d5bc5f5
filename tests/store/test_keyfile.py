from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    SECP384R1,
    SECP521R1,
    EllipticCurve,
    generate_private_key,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from sluicegate.errors import BadKey
from sluicegate.store.keyfile import load_ed25519, load_private, save_private, write_secret
from sluicegate_record.log import publickey

KEY = Ed25519PrivateKey.from_private_bytes(b"\x01" * 32)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.key"


@pytest.mark.parametrize("passphrase", ["", "correct horse", "é"])
def test_a_key_reads_back(path: Path, passphrase: str) -> None:
    save_private(path, KEY, passphrase)
    read = load_private(path, passphrase)
    assert isinstance(read, Ed25519PrivateKey)
    assert read.private_bytes_raw() == KEY.private_bytes_raw()
    assert (b"ENCRYPTED" in path.read_bytes()) is bool(passphrase)


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
def test_a_secret_is_its_owners_alone_from_the_start(path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        write_secret(path, b"secret")
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_file_that_is_there_is_never_replaced(path: Path) -> None:
    save_private(path, KEY)
    before = path.read_bytes()
    with pytest.raises(BadKey, match="exists already"):
        save_private(path, Ed25519PrivateKey.generate())
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_what_a_crash_left_is_no_obstacle(path: Path) -> None:
    path.with_name("a.key.new").write_bytes(b"half a sec")
    write_secret(path, b"secret")
    assert path.read_bytes() == b"secret"
    assert [file.name for file in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660, 0o700 | 0o1])
def test_a_key_that_others_can_read_is_refused(path: Path, mode: int) -> None:
    save_private(path, KEY)
    path.chmod(mode)
    with pytest.raises(BadKey, match="read by others") as caught:
        load_private(path)
    assert "chmod" in caught.value.remedy


@pytest.mark.parametrize(("saved", "given"), [("secret", ""), ("secret", "Secret"), ("", "secret")])
def test_a_wrong_passphrase_opens_nothing_and_is_not_told(path: Path, saved: str, given: str) -> None:
    save_private(path, KEY, saved)
    with pytest.raises(BadKey) as caught:
        load_private(path, given)
    assert "ecret" not in caught.value.message


@pytest.mark.parametrize(
    "data", [b"", b"not a key", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"]
)
def test_what_is_no_key_is_refused(path: Path, data: bytes) -> None:
    write_secret(path, data)
    with pytest.raises(BadKey):
        load_private(path)


@pytest.mark.parametrize("curve", [SECP256R1(), SECP384R1()])
@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
def test_a_key_on_a_curve_is_read(path: Path, curve: EllipticCurve, form: PrivateFormat) -> None:
    key = generate_private_key(curve)
    write_secret(path, key.private_bytes(Encoding.PEM, form, NoEncryption()))
    assert publickey.of(load_private(path)) == publickey.of(key)
    with pytest.raises(BadKey, match="expected an Ed25519 key"):
        load_ed25519(path)


def test_a_key_of_a_log_is_read(path: Path) -> None:
    save_private(path, KEY)
    assert load_ed25519(path).private_bytes_raw() == KEY.private_bytes_raw()


@pytest.mark.parametrize(
    "other",
    [generate_private_key(SECP521R1()), X25519PrivateKey.generate(), rsa.generate_private_key(65_537, 2_048)],
)
def test_a_key_of_another_kind_is_refused(path: Path, other: Any) -> None:
    write_secret(path, other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with pytest.raises(BadKey, match="expected ed25519, or ecdsa"):
        load_private(path)


def test_a_file_that_is_not_there_is_refused(path: Path) -> None:
    with pytest.raises(BadKey, match="cannot be read"):
        load_private(path)
    with pytest.raises(BadKey, match="cannot be read"):
        load_private(path.parent)
