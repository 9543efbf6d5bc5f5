"""Signatures are checked before a command has its turn to write, however many are wrong."""

from __future__ import annotations

import dataclasses
import threading
from typing import Any

import pytest

from sluicegate.acts import cases, review
from sluicegate_record.log import dsse, publickey
from sluicegate_record.log.dsse import Envelope, Signature
from sluicegate_record.log.publickey import PublicKey
from tests import worlds
from tests.plane import Plane, no, yes
from tests.waiting import BOUND_S, eventually


def checked() -> int:
    """How many checks of signatures have not been found done."""
    return int(dsse._signed.cache_info().misses)


@pytest.fixture
def plane() -> Plane:
    dsse._signed.cache_clear()  # the same was signed in other tests
    plane = Plane()
    plane.opened()
    return plane


def junk(envelope: Envelope) -> Envelope:
    """The envelope with sixteen signatures that are no one's."""
    wrong = tuple(Signature(f"{number:064}", bytes([number]) * 64) for number in range(16))
    return dataclasses.replace(envelope, signatures=wrong)


def test_no_signature_is_checked_while_others_wait_for_their_turn(plane: Plane) -> None:
    case = plane.case(plane.submit().application)
    forged = junk(worlds.position(case, "oncd"))
    refused: list[str] = []

    def send() -> None:
        refused.append(no(plane.do("oncd", review.IMPORT, envelope=forged.to_json())))

    before = checked()
    thread = threading.Thread(target=send)
    with plane.ledger._lock.hold():
        thread.start()
        eventually(lambda: plane.ledger.waiting() == 1)
        then = checked()
    thread.join(BOUND_S)
    assert refused == ["signature_invalid"]
    assert before < then == checked()


def test_a_signature_that_names_its_key_is_checked_by_no_other(plane: Plane) -> None:
    case = plane.case(plane.submit().application)
    before = checked()
    plane.say(case.id, "oncd")
    assert checked() == before + 1


def keys_of(*names: str) -> dict[str, PublicKey]:
    found = [PublicKey(publickey.of(worlds.private_key(name))) for name in names]
    return {key.keyid: key for key in found}


@pytest.mark.parametrize("hint", ["", "unknown", "other"])
def test_what_was_rehearsed_is_known_for_each_set(hint: str) -> None:
    sets = [keys_of("oncd", "ostp"), keys_of("other")]
    keyid = next(iter(sets[1])) if hint == "other" else hint
    made = worlds.signed(f"said {hint}".encode(), "oncd")
    envelope = dataclasses.replace(made, signatures=(Signature(keyid, made.signatures[0].sig),))
    dsse.rehearse(envelope, sets)
    before = checked()
    found: list[Any] = [dsse.verify(envelope, keys) for keys in sets]
    assert found == [keys_of("oncd").keys(), set()]
    assert checked() == before


@pytest.mark.parametrize("hint", ["", "an id of no one", worlds.keyid("ostp"), None])
def test_a_position_counts_by_who_signed_it_whatever_its_keyid_hints(plane: Plane, hint: str | None) -> None:
    case = plane.submit().application
    sent: Any = worlds.position(plane.case(case), "oncd").to_json()
    (signature,) = sent["signatures"]
    del signature["keyid"]
    signature |= {} if hint is None else {"keyid": hint}
    yes(plane.do("oncd", review.IMPORT, envelope=sent))
    (said,) = yes(plane.do("developer", cases.SHOW, case=case)).positions
    assert said.agency == "oncd"
