from __future__ import annotations

import base64
import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from sluicegate.errors import BadCheckpoint, BadKey, InvalidInput
from sluicegate_record.log.checkpoint import MAX_SIZE, Checkpoint, open_checkpoint, parse_vkey, sign, vkey

NAME = "log.example/gpt-5.6"
KEY = Ed25519PrivateKey.from_private_bytes(b"\x01" * 32)
OTHER_KEY = Ed25519PrivateKey.from_private_bytes(b"\x02" * 32)
PUBLIC = KEY.public_key().public_bytes_raw()
VERIFIER = parse_vkey(vkey(NAME, PUBLIC))
ROOT = bytes(range(32))
BODY = f"{NAME}\n7\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"


def line(body: str = BODY, *, name: str = NAME, key: Ed25519PrivateKey = KEY, key_id: bytes = b"") -> str:
    """A signature line as the specification describes it, made without the code under test."""
    public = key.public_key().public_bytes_raw()
    own_id = hashlib.sha256(name.encode() + b"\n\x01" + public).digest()[:4]
    signature = (key_id or own_id) + key.sign(body.encode())
    return f"— {name} {base64.b64encode(signature).decode()}\n"


def signed(body: str) -> str:
    return f"{body}\n{line(body)}"


GOOD = signed(BODY)
WITNESS = line(name="witness.example", key=OTHER_KEY)


def test_a_note_is_what_the_specification_says() -> None:
    assert sign(NAME, 7, ROOT, KEY) == GOOD


@given(size=st.integers(0, MAX_SIZE), root=st.binary(min_size=32, max_size=32))
def test_what_was_signed_opens(size: int, root: bytes) -> None:
    assert open_checkpoint(sign(NAME, size, root, KEY), VERIFIER) == Checkpoint(NAME, size, root)


@pytest.mark.parametrize(
    "note",
    [
        GOOD,
        GOOD.encode(),
        GOOD + WITNESS,
        f"{BODY}\n{WITNESS}{line()}",
        GOOD + WITNESS + WITNESS,
        GOOD + WITNESS * 99,
        GOOD + line(key=OTHER_KEY),
        GOOD + line(name="other.example"),
        GOOD + "— short AAAAAAA=\n",
        signed(BODY + "an extension\nand another\n"),
    ],
    ids=[
        "text",
        "bytes",
        "with a witness",
        "after a witness",
        "a witness twice",
        "as many signatures as may be",
        "another key of that name",
        "the key under another name",
        "an unknown kind of signature",
        "extension lines",
    ],
)
def test_opens(note: str | bytes) -> None:
    assert open_checkpoint(note, VERIFIER) == Checkpoint(NAME, 7, ROOT)


def test_the_largest_size_opens() -> None:
    largest = BODY.replace("\n7\n", "\n9223372036854775807\n")
    assert open_checkpoint(signed(largest), VERIFIER).size == 2**63 - 1


def with_size(size: str) -> str:
    return signed(BODY.replace("\n7\n", f"\n{size}\n"))


def with_root(root: str) -> str:
    return signed(f"{NAME}\n7\n{root}\n")


WRONG: dict[str, tuple[str | bytes, str]] = {
    "nothing": ("", "no empty line"),
    "body only": (BODY, "no empty line"),
    "no signature": (BODY + "\n", "does not end with a newline"),
    "no final newline": (GOOD[:-1], "does not end with a newline"),
    "two final newlines": (GOOD + "\n", "does not end with a newline"),
    "no empty line": (GOOD.replace("\n\n", "\n"), "no empty line"),
    "two empty lines": (GOOD.replace("\n\n", "\n\n\n"), "does not verify"),
    "an empty line signed": (signed(BODY + "\n"), "none empty"),
    "an empty line between signatures": (GOOD + "\n" + WITNESS, "0 signatures by"),
    "carriage returns": (GOOD.replace("\n", "\r\n"), "control character '\\r'"),
    "a control character": (signed(BODY + "a\tb\n"), "control character '\\t'"),
    "a zero byte": (GOOD + "\0", "control character '\\x00'"),
    "not utf-8": (GOOD.encode() + b"\xff", "not utf-8"),
    "half a surrogate pair": (GOOD + "\ud800", "not utf-8"),
    "a byte order mark": ("\ufeff" + GOOD, "does not verify"),
    "too long": (signed(BODY + "x" * (1 << 20) + "\n"), "note of"),
    "too many signatures": (GOOD + WITNESS * 100, "101 signature lines"),
    "signed by another key": (f"{BODY}\n{line(key=OTHER_KEY)}", "0 signatures by"),
    "signed by another key under this id": (
        f"{BODY}\n{line(key=OTHER_KEY, key_id=VERIFIER.key_id)}",
        "does not verify",
    ),
    "signed under another id": (f"{BODY}\n{line(key_id=b'abcd')}", "0 signatures by"),
    "signed under another name": (f"{BODY}\n{line(name='other.example')}", "0 signatures by"),
    "only a witness": (f"{BODY}\n{WITNESS}", "0 signatures by"),
    "signed twice": (GOOD + line(), "2 signatures by"),
    "signed twice, once wrong": (GOOD + line("other"), "2 signatures by"),
    "another size": (GOOD.replace("\n7\n", "\n8\n"), "does not verify"),
    "another root": (GOOD.replace("\nAAEC", "\nAQEC"), "does not verify"),
    "signature over less": (f"{BODY}\n{line(BODY[:-1])}", "does not verify"),
    "signature over more": (f"{BODY}\n{line(BODY + chr(10))}", "does not verify"),
    "a line more than was signed": (f"{BODY}extra\n\n{line()}", "does not verify"),
    "another origin": (signed(BODY.replace("gpt", "GPT")), "checkpoint of 'log.example/GPT-5.6'"),
    "origin with a space": (signed(BODY.replace(NAME, NAME + " ")), "checkpoint of 'log.example/gpt-5.6 '"),
    "no origin": (signed("\n" + BODY.partition("\n")[2]), "none empty"),
    "no root": (signed(f"{NAME}\n7\n"), "expected lines of origin, size and root"),
    "only an origin": (signed(f"{NAME}\n"), "expected lines of origin, size and root"),
    "size 007": (with_size("007"), "tree size '007'"),
    "size 00": (with_size("00"), "tree size '00'"),
    "size -1": (with_size("-1"), "tree size '-1'"),
    "size -0": (with_size("-0"), "tree size '-0'"),
    "size +7": (with_size("+7"), "tree size '+7'"),
    "size 7.0": (with_size("7.0"), "tree size '7.0'"),
    "size 7e0": (with_size("7e0"), "tree size '7e0'"),
    "size 0x7": (with_size("0x7"), "tree size '0x7'"),
    "size 1_0": (with_size("1_0"), "tree size '1_0'"),
    "size with a space": (with_size("7 "), "tree size '7 '"),
    "size in other digits": (with_size("\u0667"), "tree size"),
    "size of 2**63": (with_size(str(2**63)), "tree size '9223372036854775808'"),
    "size of many digits": (with_size("9" * 5000), "tree size '999"),
    "root of 31 bytes": (with_root(base64.b64encode(ROOT[:31]).decode()), "root of 31 bytes"),
    "root of 33 bytes": (with_root(base64.b64encode(ROOT + b"x").decode()), "root of 33 bytes"),
    "root in hex": (with_root(ROOT.hex()), "root of 48 bytes"),
    "root without padding": (with_root(base64.b64encode(ROOT).decode()[:-1]), "root: "),
    "root with unused bits set": (with_root(base64.b64encode(ROOT).decode()[:-2] + "9="), "root: "),
    "root in another alphabet": (with_root(base64.urlsafe_b64encode(b"\xfb" * 32).decode()), "root: "),
    "a hyphen for the dash": (GOOD.replace("—", "-"), "expected '— name base64'"),
    "an en dash": (GOOD.replace("—", "\u2013"), "expected '— name base64'"),
    "two spaces": (GOOD.replace("— ", "—  "), "expected '— name base64'"),
    "a space at the end": (GOOD[:-1] + " \n", "expected '— name base64'"),
    "a line without name": (GOOD + "— AAAAAAAA\n", "expected '— name base64'"),
    "a name with a plus sign": (GOOD + "— a+b AAAAAAAA\n", "expected '— name base64'"),
    "a name with a wide space": (GOOD + "— a\u3000b AAAAAAAA\n", "expected '— name base64'"),
    "a comment": (GOOD + "hello\n", "expected '— name base64'"),
    "a signature not in base64": (GOOD + "— a AAA\n", "signature: "),
    "a signature of a key id only": (GOOD + "— a AAAAAA==\n", "of 4 bytes"),
    "an empty signature": (GOOD + "— a \n", "of 0 bytes"),
    "our signature cut short": (GOOD[:-5] + "\n", "does not verify"),
    "our signature with more": (
        f"{BODY}\n— {NAME} {base64.b64encode(VERIFIER.key_id + KEY.sign(BODY.encode()) + b'x').decode()}\n",
        "does not verify",
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_refuses(what: str) -> None:
    note, message = WRONG[what]
    with pytest.raises(BadCheckpoint) as caught:
        open_checkpoint(note, VERIFIER)
    assert message in caught.value.message
    assert len(caught.value.message.splitlines()) == 1
    assert len(caught.value.message) < 400


@given(place=st.integers(0, len(GOOD.encode()) - 1), bit=st.integers(0, 7))
def test_no_bit_can_change(place: int, bit: int) -> None:
    note = bytearray(GOOD.encode())
    note[place] ^= 1 << bit
    with pytest.raises(BadCheckpoint):
        open_checkpoint(bytes(note), VERIFIER)


def test_our_verifier_key_is_what_the_specification_says() -> None:
    assert vkey(NAME, PUBLIC) == vkey_of(NAME, PUBLIC)


def test_a_published_verifier_key_is_read() -> None:
    published = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
    verifier = parse_vkey(published)

    assert (verifier.name, verifier.key_id.hex()) == ("sum.golang.org", "033de0ae")
    assert vkey(verifier.name, verifier.public) == published


def vkey_of(name: str, public: bytes) -> str:
    """A verifier key with the right id, whatever it is a key of."""
    key_id = hashlib.sha256(name.encode() + b"\n\x01" + public).hexdigest()[:8]
    return f"{name}+{key_id}+{base64.b64encode(chr(1).encode() + public).decode()}"


VKEY = vkey_of(NAME, PUBLIC)
ENCODED = VKEY.split("+", 2)[2]


@pytest.mark.parametrize(
    "text",
    [
        "",
        NAME,
        f"{NAME}+{ENCODED}",
        VKEY.replace("+", " ", 1),
        VKEY[1:],
        VKEY + "\n",
        " " + VKEY,
        VKEY[:-1],
        VKEY.replace(VERIFIER.key_id.hex(), VERIFIER.key_id.hex().upper()),
        VKEY.replace(VERIFIER.key_id.hex(), "00000000"),
        VKEY.replace(VERIFIER.key_id.hex(), VERIFIER.key_id.hex()[:7]),
        VKEY.replace(NAME, "other"),
        vkey_of("", PUBLIC),
        vkey_of("a b", PUBLIC),
        vkey_of("a\n", PUBLIC),
        vkey_of(NAME, PUBLIC[:-1]),
        vkey_of(NAME, PUBLIC + b"x"),
        VKEY.replace(ENCODED, ""),
        VKEY.replace(ENCODED, base64.b64encode(b"\x04" + PUBLIC).decode()),
        VKEY.replace(ENCODED, base64.b64encode(PUBLIC).decode()),
    ],
)
def test_other_verifier_keys_are_refused(text: str) -> None:
    with pytest.raises(BadKey):
        parse_vkey(text)


@pytest.mark.parametrize(
    "name", ["", " ", "a b", "a+b", "a\n", "\ta", "a\u00a0b", "a\u2028b", "a\x7f", "\ud800"]
)
def test_names_that_would_not_be_read_again(name: str) -> None:
    with pytest.raises(BadKey, match="key name"):
        vkey(name, PUBLIC)
    with pytest.raises(BadKey, match="key name"):
        sign(name, 1, ROOT, KEY)


@pytest.mark.parametrize("public", [b"", PUBLIC[:31], PUBLIC + b"x"])
def test_keys_of_other_lengths(public: bytes) -> None:
    with pytest.raises(BadKey, match="expected 32"):
        vkey(NAME, public)


@pytest.mark.parametrize(
    ("size", "root"), [(-1, ROOT), (MAX_SIZE + 1, ROOT), (1, b""), (1, ROOT[:31]), (1, ROOT * 2)]
)
def test_nothing_is_signed_that_would_not_open(size: int, root: bytes) -> None:
    with pytest.raises(InvalidInput, match="expected 0 or more, 32"):
        sign(NAME, size, root, KEY)
