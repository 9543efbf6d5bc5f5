"""Sealing to pinned keys: who reads it, what is refused, and what another program of age has sealed."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from sluicegate.client import sealing
from sluicegate.errors import InvalidInput
from tests.worlds import private_key, public_key

BY_ANOTHER = (
    "YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IHNzaC1lZDI1NTE5IERsRkw4dyB0RkwxeEM5MlE0RlBFcEFVNEVUcjUwYmJyOGpmM0JIa1JT"
    "Yk1ZSE4xeFFBCmMyOFFkaWp3RWc5UllFVVFHRmY5aFo1N0V4NFpuN0xRNE9qYSsrMUZjZ0UKLT4gc3NoLWVkMjU1MTkgL283VVZ3IHA4"
    "V0oyR0ZmeVVBU1phM1BQYTFHL2ltZ0dzbVpzSmNzUUE3MHFzbU5TazgKaHBiZ2pEdGc1WHhYMC92VGVpWmd4T2dSdzV2WU5aMXZwU2pN"
    "dTdnNjFodwotPiAlYklld3dJLWdyZWFzZSBubyF5XApuMnk0RjhFckJwUlQyUmhTcmhtOFJReWRkalFvMGZTMzMwRXhDNEJqTFFRUTI5"
    "SUFSbVRlMFR4TnZaa3VCTTkvClNNZmdoMWdOM0Y4UgotLS0gdkpmWHJDeFd4eW9SSXBKY29MaU9jNit1OHY5WHcxVDkrTUpPT0N6V2Zy"
    "VQpSot1GUzmqcQttNHqBPocxyjgT5gmcs+Q2ecbHg8CVeVF1mMwDERDM1ifLmF7Da2f+"
)
"""What pyrage 1.4, the age of Rust, sealed to the keys of caisi and oncd; with a line of a kind that no one
knows, as it adds them.
"""


def test_what_another_program_of_age_sealed_is_opened() -> None:
    for party in ("caisi", "oncd"):
        assert sealing.opened(base64.b64decode(BY_ANOTHER), private_key(party)) == "which prompts: é".encode()


@pytest.mark.parametrize("text", ["", "x", "é" * 40_000, "x" * sealing.CHUNK, "x" * (2 * sealing.CHUNK + 1)])
def test_who_it_is_sealed_to_reads_it_and_no_one_else(text: str) -> None:
    found = sealing.sealed(text.encode(), [public_key("caisi"), public_key("oncd")])
    for party in ("caisi", "oncd"):
        assert sealing.is_to(found, private_key(party))
        assert sealing.opened(found, private_key(party)) == text.encode()
    assert not sealing.is_to(found, private_key("ostp"))
    with pytest.raises(InvalidInput, match="sealed to other keys than this one"):
        sealing.opened(found, private_key("ostp"))


def test_the_same_text_is_never_sealed_alike() -> None:
    assert len({sealing.sealed(b"x", [public_key("caisi")]) for _ in range(20)}) == 20


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_whatever_is_changed_in_it_is_refused(data: st.DataObject) -> None:
    found = sealing.sealed(b"the prompt", [public_key("caisi")])
    place = data.draw(st.integers(0, len(found) - 1))
    how = data.draw(st.sampled_from(["change", "drop", "cut", "add"]))
    changed = {
        "change": found[:place] + bytes([found[place] ^ data.draw(st.integers(1, 255))]) + found[place + 1 :],
        "drop": found[:place] + found[place + 1 :],
        "cut": found[:place],
        "add": found[:place] + data.draw(st.binary(min_size=1, max_size=3)) + found[place:],
    }[how]
    if changed != found:
        with pytest.raises(InvalidInput):
            sealing.opened(changed, private_key("caisi"))


def test_a_last_part_that_is_left_out_is_missed() -> None:
    found = sealing.sealed(b"x" * (sealing.CHUNK + 5), [public_key("caisi")])
    with pytest.raises(InvalidInput, match="changed, or cut off"):
        sealing.opened(found[: -5 - sealing.TAG_BYTES], private_key("caisi"))


@pytest.mark.parametrize(
    "public", [bytes([1]) + bytes(31), b"\xff" * 32], ids=["the neutral point", "too large"]
)
def test_nothing_is_sealed_to_a_point_that_hides_nothing(public: bytes) -> None:
    with pytest.raises(InvalidInput, match="a key to which nothing can be sealed"):
        sealing.sealed(b"x", [public])


@pytest.mark.parametrize(
    "data", [b"", b"age-encryption.org/v1", b"\n--- \n" + bytes(64), b"x" * 1000], ids=repr
)
def test_what_is_no_sealed_text_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidInput, match="no sealed text"):
        sealing.opened(data, Ed25519PrivateKey.generate())
