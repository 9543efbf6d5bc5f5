from __future__ import annotations

import dataclasses
import hashlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluicegate.errors import BadEnvelope, BadKey
from sluicegate_record.log import dsse, publickey
from sluicegate_record.log.canonical import b64, dumps, loads
from sluicegate_record.log.dsse import Envelope, Signature, pae, sign, verify
from sluicegate_record.log.publickey import PublicKey
from sluicegate_record.log.webauthn import (
    AUTHENTICATOR_BYTES_MAX,
    CLIENT_BYTES_MAX,
    AuthenticatorAssertion,
    RelyingParty,
)
from tests.passkeys import ALGORITHMS, PARTY, UP, UV, Passkey, key_of

PAYLOAD = b'{"position":"approve"}'
PASSKEYS = {algorithm: Passkey(key_of("oncd", algorithm)) for algorithm in ALGORITHMS}
PASSKEY = PASSKEYS["p256"]
BACKED_UP, EXTENDED, ATTESTED = 0x18, 0x80, 0x40


def has_signed(envelope: Envelope, passkey: Passkey = PASSKEY) -> bool:
    pinned = passkey.public
    return bool(verify(envelope, {pinned.keyid: pinned}))


# What counts


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_passkey_signs_a_statement(algorithm: str) -> None:
    passkey = PASSKEYS[algorithm]
    envelope = passkey.sign(PAYLOAD)

    assert has_signed(envelope, passkey)
    assert has_signed(Envelope.from_json(loads(dumps(envelope.to_json()))), passkey)
    assert Envelope.from_json(envelope.to_json()) == envelope


@pytest.mark.parametrize(
    "how",
    [
        {"crossOrigin": None},
        {"flags": UP | UV | BACKED_UP},
        {"flags": UP | UV | EXTENDED, "tail": b"\xa0"},
        {"other_keys_can_be_added_here": "do not compare clientDataJSON against a template"},
        {"tokenBinding": {"status": "supported"}},
    ],
)
def test_what_browsers_and_authenticators_add_does_not_matter(how: dict[str, Any]) -> None:
    assert has_signed(PASSKEY.sign(PAYLOAD, **how))


def test_the_key_id_of_a_passkey_is_a_hint() -> None:
    pinned = PASSKEY.public
    (made,) = PASSKEY.sign(PAYLOAD).signatures
    for hint in (pinned.keyid, "", "the credential's own id"):
        assert has_signed(
            Envelope(dsse.PAYLOAD_TYPE_INTOTO, PAYLOAD, (dataclasses.replace(made, keyid=hint),))
        )


# What does not


OTHER = "https://evil.example"


@pytest.mark.parametrize(
    "how",
    [
        {"flags": UP},
        {"flags": UV},
        {"flags": 0},
        {"flags": UP | UV | ATTESTED},
        {"flags": UP | UV, "tail": b"\xa0"},
        {"flags": UP | UV | EXTENDED},
        {"type": "webauthn.create"},
        {"type": "payment.get"},
        {"type": None},
        {"origin": OTHER},
        {"origin": PARTY.origin + "/"},
        {"origin": PARTY.origin + ":8443"},
        {"origin": "http://sign.agency.example"},
        {"origin": "https://agency.example"},
        {"origin": None},
        {"crossOrigin": True},
        {"crossOrigin": 0},
        {"crossOrigin": "false"},
        {"topOrigin": PARTY.origin},
        {"challenge": ""},
        {"challenge": None},
        {"challenge": b64(hashlib.sha256(pae(dsse.PAYLOAD_TYPE_INTOTO, PAYLOAD)).digest())},
    ],
)
def test_an_assertion_for_something_else_does_not_count(how: dict[str, Any]) -> None:
    assert not has_signed(PASSKEY.sign(PAYLOAD, **how))


def test_an_assertion_is_for_one_payload_and_type() -> None:
    signatures = PASSKEY.sign(PAYLOAD).signatures
    assert not has_signed(Envelope(dsse.PAYLOAD_TYPE_INTOTO, PAYLOAD + b" ", signatures))
    assert not has_signed(Envelope("application/json", PAYLOAD, signatures))


@pytest.mark.parametrize(
    "party",
    [
        RelyingParty("sign.agency.example", "https://sign.agency.example"),
        RelyingParty("agency.example", "https://agency.example"),
        RelyingParty("other.example", "https://other.example"),
    ],
)
def test_an_assertion_for_another_relying_party_does_not_count(party: RelyingParty) -> None:
    assert not has_signed(Passkey(PASSKEY.key, party).sign(PAYLOAD))
    assert has_signed(Passkey(PASSKEY.key, party).sign(PAYLOAD), Passkey(PASSKEY.key, party))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_key_of_a_passkey_does_not_sign_without_an_assertion(algorithm: str) -> None:
    passkey = PASSKEYS[algorithm]
    assert not has_signed(sign(dsse.PAYLOAD_TYPE_INTOTO, PAYLOAD, passkey.key), passkey)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_an_assertion_does_not_count_for_a_key_that_is_no_passkey(algorithm: str) -> None:
    plain = PublicKey(publickey.of(PASSKEYS[algorithm].key))
    assert not verify(PASSKEYS[algorithm].sign(PAYLOAD), {plain.keyid: plain})
    (made,) = sign(dsse.PAYLOAD_TYPE_INTOTO, PAYLOAD, PASSKEYS[algorithm].key).signatures
    shown = PASSKEYS[algorithm].sign(PAYLOAD).signatures[0].webauthn
    both = dataclasses.replace(made, webauthn=shown)
    assert not verify(Envelope(dsse.PAYLOAD_TYPE_INTOTO, PAYLOAD, (both,)), {plain.keyid: plain})


MADE = {algorithm: passkey.sign(PAYLOAD).signatures[0] for algorithm, passkey in PASSKEYS.items()}


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("part", ["sig", "authenticator_data", "client_data"])
@given(data=st.data())
def test_any_altered_byte_fails(algorithm: str, part: str, data: st.DataObject) -> None:
    made = MADE[algorithm]
    assert made.webauthn is not None
    whole = made.sig if part == "sig" else getattr(made.webauthn, part)
    at, flip = data.draw(st.integers(0, len(whole) - 1)), data.draw(st.integers(1, 255))
    altered = bytes(each ^ flip if i == at else each for i, each in enumerate(whole))
    if part == "sig":
        changed = dataclasses.replace(made, sig=altered)
    else:
        changed = dataclasses.replace(made, webauthn=dataclasses.replace(made.webauthn, **{part: altered}))
    assert not has_signed(Envelope(dsse.PAYLOAD_TYPE_INTOTO, PAYLOAD, (changed,)), PASSKEYS[algorithm])


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b"\xff", b"1", b'{"type":"webauthn.get"}'])
def test_client_data_that_is_none(data: bytes) -> None:
    (made,) = PASSKEY.sign(PAYLOAD).signatures
    assert made.webauthn is not None
    shown = made.webauthn.authenticator_data
    sig = publickey.sign(PASSKEY.key, shown + hashlib.sha256(data).digest())
    forged = Signature("", sig, AuthenticatorAssertion(shown, data))
    assert not has_signed(Envelope(dsse.PAYLOAD_TYPE_INTOTO, PAYLOAD, (forged,)))


@pytest.mark.parametrize("size", [0, 32, 36])
def test_authenticator_data_that_is_too_short(size: int) -> None:
    (made,) = PASSKEY.sign(PAYLOAD).signatures
    assert made.webauthn is not None
    shown, said = made.webauthn.authenticator_data[:size], made.webauthn.client_data
    sig = publickey.sign(PASSKEY.key, shown + hashlib.sha256(said).digest())
    forged = Signature("", sig, AuthenticatorAssertion(shown, said))
    assert not has_signed(Envelope(dsse.PAYLOAD_TYPE_INTOTO, PAYLOAD, (forged,)))


# Their JSON


def with_assertion(**fields: Any) -> dict[str, Any]:
    found = PASSKEY.sign(PAYLOAD).to_json()
    shown = {**found["signatures"][0]["webauthn"], **fields}
    found["signatures"][0]["webauthn"] = {name: each for name, each in shown.items() if each is not None}
    return found


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (with_assertion(authenticatorData=None), "webauthn, expected an object"),
        (with_assertion(userHandle="AA=="), "webauthn, expected an object"),
        (with_assertion(authenticatorData=1), "authenticatorData, expected base64"),
        (with_assertion(authenticatorData=""), "authenticatorData, expected base64"),
        (with_assertion(authenticatorData="-_-_"), "authenticatorData: "),
        (with_assertion(clientDataJSON={}), "clientDataJSON, expected base64"),
        (with_assertion(clientDataJSON=b64(bytes(CLIENT_BYTES_MAX + 1))), "1 to 1024 bytes"),
        (with_assertion(authenticatorData=b64(bytes(AUTHENTICATOR_BYTES_MAX + 1))), "1 to 512 bytes"),
    ],
)
def test_other_assertions_are_refused(found: dict[str, Any], message: str) -> None:
    with pytest.raises(BadEnvelope) as caught:
        Envelope.from_json(found)
    assert message in caught.value.message


@pytest.mark.parametrize("shown", [None, [], {}, "x"])
def test_an_assertion_is_an_object(shown: Any) -> None:
    found = PASSKEY.sign(PAYLOAD).to_json()
    found["signatures"][0]["webauthn"] = shown
    with pytest.raises(BadEnvelope, match="webauthn"):
        Envelope.from_json(found)


# Relying parties


@pytest.mark.parametrize(
    ("rp_id", "origin"),
    [
        ("agency.example", "https://agency.example"),
        ("agency.example", "https://a.b.agency.example:8443"),
        ("localhost", "http://localhost:8080"),
        ("localhost", "https://localhost"),
    ],
)
def test_an_origin_is_of_its_domain(rp_id: str, origin: str) -> None:
    party = RelyingParty(rp_id, origin)
    assert RelyingParty.from_json(party.to_json()) == party


@pytest.mark.parametrize(
    ("rp_id", "origin"),
    [
        ("agency.example", "http://agency.example"),
        ("agency.example", "https://evilagency.example"),
        ("agency.example", "https://agency.example.evil.example"),
        ("agency.example", "https://agency.example/"),
        ("agency.example", "https://agency.example:0"),
        ("agency.example", "https://Agency.example"),
        ("agency.example", "https://user@agency.example"),
        ("agency.example", "https://agency.example\n"),
        ("agency.example", "https://example"),
        ("agency.example", ""),
        ("Agency.example", "https://agency.example"),
        ("agency.example.", "https://agency.example"),
        ("", "https://agency.example"),
        ("agency.example\n", "https://agency.example"),
        ("https://agency.example", "https://agency.example"),
        ("a" * 64 + ".example", "https://" + "a" * 64 + ".example"),
        ("com", "https://agency.com"),
        ("com", "https://com"),
        ("agency", "https://agency"),
        ("127.0.0.1", "https://127.0.0.1"),
        ("localhost.", "http://localhost"),
    ],
)
def test_other_relying_parties_are_refused(rp_id: str, origin: str) -> None:
    with pytest.raises(BadKey) as caught:
        RelyingParty(rp_id, origin)
    assert len(caught.value.message.splitlines()) == 1


@pytest.mark.parametrize(
    "found",
    [None, [], {}, "x", {"rpId": "a.example"}, {"rpId": 1, "origin": 1}, {**PARTY.to_json(), "more": "x"}],
)
def test_a_relying_party_has_two_fields(found: Any) -> None:
    with pytest.raises(BadKey):
        RelyingParty.from_json(found)
