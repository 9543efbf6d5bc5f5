"""Statements at the desk: what they bind, whose signatures they lack, and which signatures count."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from webauthn.helpers import bytes_to_base64url

from sluicegate.acts.documents import SignedStatement
from sluicegate.client.signing import countersigned
from sluicegate.desk import people, sentences, statements
from sluicegate.desk.checking import ReadCase
from sluicegate.errors import BadSignature, CommandRefused
from sluicegate.ports import PreparedStatement
from sluicegate.statements.cases import Review
from sluicegate.statements.kind import UnsignedStatement
from sluicegate_record.log import times
from sluicegate_record.log.dsse import PAYLOAD_TYPE_INTOTO, pae
from sluicegate_record.log.webauthn import RelyingParty
from sluicegate_record.statements.keys import PINS, KeyStatement
from tests.desk.conftest import Desk
from tests.desk.reviewer import signed_with
from tests.passkeys import Passkey, key_of
from tests.worlds import private_key

PLACE = RelyingParty("desk.localhost", "http://desk.localhost:8650")
ANNA = Passkey(key_of("anna", "p256"), PLACE)
ANNA_HERE = people.principal_of("anna")


@pytest.fixture(autouse=True)
def _signed_when_the_log_is(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLUICEGATE_SIGNED_AT", times.format_time(int(desk.plane.wall())))


def _read(desk: Desk) -> ReadCase:
    found = desk.following.read(desk.asked())
    assert found is not None
    return found


def _prepared(desk: Desk, read: ReadCase, word: str = "approve", reason: str = "") -> PreparedStatement:
    stated = statements.position(desk.following, read, Review(word, reason))
    return statements.prepared(desk.following, stated, ANNA_HERE)


def _answer(passkey: Passkey, found: PreparedStatement, **how: Any) -> str:
    """What a browser answers that was asked for a signature."""
    made = passkey.signature(pae(PAYLOAD_TYPE_INTOTO, found.payload), **how)
    assert made.webauthn is not None
    parts = {
        "signature": made.sig,
        "authenticatorData": made.webauthn.authenticator_data,
        "clientDataJSON": made.webauthn.client_data,
    }
    return json.dumps({"response": {name: bytes_to_base64url(each) for name, each in parts.items()}})


def _pinning(
    desk: Desk, passkey: Passkey, owner: str = "ostp.anna", replaces: str | None = None
) -> PreparedStatement:
    key = passkey.public
    stated = KeyStatement(
        log=desk.plane.ledger.vkey(),
        party="ostp",
        owner=owner,
        says=PINS,
        keyid=key.keyid,
        key=key.data,
        webauthn=key.passkey,
        replaces=replaces,
    )
    return statements.prepared(desk.following, UnsignedStatement(stated), ANNA_HERE)


def test_a_signature_over_another_statement_is_none(desk: Desk) -> None:
    read = _read(desk)
    approves, objects = _prepared(desk, read), _prepared(desk, read, "object", "no")
    with pytest.raises(BadSignature):
        signed_with(objects, ANNA.public, _answer(ANNA, approves))


@pytest.mark.parametrize(
    "other",
    [
        RelyingParty("control.localhost", "http://control.localhost:8600"),
        RelyingParty("desk.localhost", "http://desk.localhost:8651"),
        RelyingParty("localhost", "http://localhost:8650"),
    ],
)
def test_a_signature_made_at_another_page_is_none(desk: Desk, other: RelyingParty) -> None:
    found = _prepared(desk, _read(desk))
    elsewhere = Passkey(ANNA.key, other)
    with pytest.raises(BadSignature):
        signed_with(found, ANNA.public, _answer(elsewhere, found))


def test_a_signature_of_someone_who_was_not_verified_is_none(desk: Desk) -> None:
    found = _prepared(desk, _read(desk))
    with pytest.raises(BadSignature):
        signed_with(found, ANNA.public, _answer(ANNA, found, flags=0x01))


def test_a_key_that_is_not_pinned_is_no_owner(desk: Desk) -> None:
    found = _prepared(desk, _read(desk))
    signed = signed_with(found, ANNA.public, _answer(ANNA, found))
    with desk.following.lock:
        assert statements.lacking(desk.following, signed) == "1 owner of ostp must sign it still"


def test_a_new_key_signs_itself_and_an_owner_signs_it(desk: Desk) -> None:
    _read(desk)
    found = _pinning(desk, ANNA)
    with desk.following.lock:
        assert "the new key of ostp.anna signs" in statements.lacking(desk.following, found)
        signed = signed_with(found, ANNA.public, _answer(ANNA, found))
        assert statements.lacking(desk.following, signed) == "1 owner of ostp must sign it still"
    with pytest.raises(CommandRefused):
        statements.carry(desk.following, signed)


def test_a_second_device_takes_the_place_of_the_first_by_the_signatures_of_both(desk: Desk) -> None:
    _read(desk)
    first = signed_with(found := _pinning(desk, ANNA), ANNA.public, _answer(ANNA, found))
    desk.counterpart.record_key(_with(first, "ostp"))
    desk.following.follow()
    phone = Passkey(key_of("phone", "p256"), PLACE)
    moved = _pinning(desk, phone, replaces=ANNA.public.keyid)
    moved = signed_with(moved, phone.public, _answer(phone, moved))
    with desk.following.lock:
        assert statements.lacking(desk.following, moved).endswith("or the key that it replaces")
    moved = signed_with(moved, ANNA.public, _answer(ANNA, moved))
    with desk.following.lock:
        assert statements.lacking(desk.following, moved) == ""
    statements.carry(desk.following, moved)
    keys = desk.following.record.keys
    assert keys[phone.public.keyid].counts
    assert not keys[ANNA.public.keyid].counts


def _with(found: PreparedStatement, owner: str) -> SignedStatement:
    """A statement with the signature of an owner who has a key file, too."""
    return SignedStatement(envelope=countersigned(statements.exported(found), private_key(owner)))


def test_a_statement_does_not_fit_once_something_was_said(desk: Desk) -> None:
    read = _read(desk)
    found = _prepared(desk, read)
    statements.check(desk.following, found, [])
    desk.plane.say(read.case.id, "oncd", "object")
    desk.following.follow()
    with pytest.raises(CommandRefused, match="was said in"):
        statements.check(desk.following, found, [])


def test_a_schedule_is_in_the_order_of_arrival(desk: Desk) -> None:
    first = _read(desk)
    other = desk.plane.submit("rival", "Example Rival").application
    desk.following.follow()
    second = desk.following.read(other)
    assert second is not None
    stated = statements.schedule(desk.following, [second, first], Review("no-objection"))
    made = statements.stated_in(statements.prepared(desk.following, stated, ANNA_HERE))
    assert statements.cases_in(made) == (first.case.id, second.case.id)


@pytest.mark.parametrize(
    ("word", "follows"),
    [
        ("approve", "Then it still needs a yes of oncd."),
        ("object", "That decides the case: no."),
        ("recuse", "Then it is decided without ostp, by: oncd."),
    ],
)
def test_what_a_word_does_is_said_before_it_is_signed(desk: Desk, word: str, follows: str) -> None:
    read = _read(desk)
    with desk.following.lock:
        record = desk.following.record
        found = list(sentences.follows(record, read.case, word, "ostp", desk.plane.wall()))
    assert follows in found


def test_nothing_is_signed_for_a_log_that_forked_or_in_a_case_that_is_shown_otherwise_by_now(
    desk: Desk,
) -> None:
    read = _read(desk)
    found = _prepared(desk, read)
    statements.check(desk.following, found, [read])
    with pytest.raises(CommandRefused, match="otherwise than its log"):
        statements.check(desk.following, found, [replace(read, lies=("it shows another rule",))])
    note = desk.plane.ledger.checkpoint().encode()
    desk.plane.submit("rival", "Example Rival")
    desk.following.follow()
    desk.counterpart.served = lambda path, data: note if path == "checkpoint" else data
    desk.following.follow()
    for again in (lambda: _prepared(desk, read), lambda: statements.carry(desk.following, found)):
        with pytest.raises(CommandRefused, match="followed no more"):
            again()
