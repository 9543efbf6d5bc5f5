from __future__ import annotations

import hashlib
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluicegate.core.access import apikey
from sluicegate.core.access.apikey import KEY_PREFIX, TOKEN_PREFIX, is_well_formed, make

KEY = make(KEY_PREFIX, bytes(range(32)))
ALPHABET = string.ascii_letters + string.digits + "-_"


def test_a_key_is_prefix_body_and_checksum() -> None:
    body = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
    assert KEY.startswith("sg_" + body)
    assert len(KEY) == 3 + 43 + 6


def test_a_digest_is_sha256_of_the_whole_key() -> None:
    assert apikey.digest(KEY) == hashlib.sha256(KEY.encode()).digest()


@given(st.binary(min_size=32, max_size=32), st.sampled_from([KEY_PREFIX, TOKEN_PREFIX]))
def test_what_is_made_is_well_formed(random: bytes, prefix: str) -> None:
    made = make(prefix, random)
    assert is_well_formed(made, prefix)
    assert not is_well_formed(made, TOKEN_PREFIX if prefix == KEY_PREFIX else KEY_PREFIX)


@given(st.integers(0, len(KEY) - 1), st.sampled_from(ALPHABET))
def test_one_wrong_character_is_noticed(at: int, other: str) -> None:
    typed = KEY[:at] + other + KEY[at + 1 :]
    assert is_well_formed(typed, KEY_PREFIX) is (typed == KEY)


@given(st.integers(0, len(KEY) - 2))
def test_two_characters_exchanged_are_noticed(at: int) -> None:
    typed = KEY[:at] + KEY[at + 1] + KEY[at] + KEY[at + 2 :]
    assert is_well_formed(typed, KEY_PREFIX) is (typed == KEY)


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "sg_",
        KEY[:-1],
        KEY + "A",
        KEY[1:],
        " " + KEY,
        KEY + "\n",
        KEY.upper(),
        "é" * len(KEY),
        "sg_" + "A" * 49,
    ],
)
def test_what_is_no_key(secret: str) -> None:
    assert not is_well_formed(secret, KEY_PREFIX)


def test_the_checksum_covers_the_prefix() -> None:
    assert not is_well_formed(make("sgt_", bytes(32)).replace("sgt_", "sg_", 1), KEY_PREFIX)
