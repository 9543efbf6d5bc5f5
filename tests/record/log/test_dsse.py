from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from securesystemslib.dsse import Envelope as ForeignEnvelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer._crypto_signer import CryptoSigner
from securesystemslib.signer._key import SSlibKey

from sluicegate.errors import BadEnvelope, NotCanonical
from sluicegate_record.log.canonical import dumps, loads
from sluicegate_record.log.dsse import (
    MAX_PAYLOAD_BYTES,
    PAYLOAD_TYPE_INTOTO,
    STATEMENT_TYPE,
    Envelope,
    InTotoStatement,
    Signature,
    pae,
    parse_statement,
    sign,
    statement,
    verify,
)
from sluicegate_record.log.publickey import PublicKey, keyid

KEY = Ed25519PrivateKey.from_private_bytes(b"\x01" * 32)
OTHER_KEY = Ed25519PrivateKey.from_private_bytes(b"\x02" * 32)
PUBLIC = KEY.public_key().public_bytes_raw()
OTHER_PUBLIC = OTHER_KEY.public_key().public_bytes_raw()
KEYS = {keyid(public): PublicKey(public) for public in (PUBLIC, OTHER_PUBLIC)}

POSITION = "urn:sluicegate:position:v1"
DIGEST = hashlib.sha256(b"a model").hexdigest()
SIGNED = sign(PAYLOAD_TYPE_INTOTO, statement({"gpt-5.6": DIGEST}, POSITION, {"position": "approve"}), KEY)


# Signatures


def test_pae_of_the_specification() -> None:
    expected = b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    assert pae("http://example.com/HelloWorld", b"hello world") == expected


def test_pae_counts_bytes() -> None:
    assert pae("é", b"\xff\x00") == b"DSSEv1 2 \xc3\xa9 2 \xff\x00"
    assert pae("", b"") == b"DSSEv1 0  0 "


@given(
    st.tuples(st.text("a 1", max_size=6), st.binary(max_size=6)),
    st.tuples(st.text("a 1"), st.binary(max_size=6)),
)
def test_pae_has_one_reading(one: tuple[str, bytes], other: tuple[str, bytes]) -> None:
    assert (pae(*one) == pae(*other)) is (one == other)


def test_keyid_is_the_digest_of_the_raw_key() -> None:
    assert keyid(PUBLIC) == hashlib.sha256(PUBLIC).hexdigest()


@given(payload_type=st.text("abc/é ", max_size=20), payload=st.binary(max_size=50))
def test_what_was_signed_verifies(payload_type: str, payload: bytes) -> None:
    envelope = sign(payload_type, payload, KEY)

    assert verify(envelope, KEYS) == {keyid(PUBLIC)}
    assert Envelope.from_json(loads(dumps(envelope.to_json()))) == envelope


def joined(*envelopes: Envelope) -> Envelope:
    signatures = tuple(each for envelope in envelopes for each in envelope.signatures)
    return dataclasses.replace(envelopes[0], signatures=signatures)


def test_signers_are_counted_by_key() -> None:
    second = sign(SIGNED.payload_type, SIGNED.payload, OTHER_KEY)

    assert verify(joined(SIGNED, second), KEYS) == set(KEYS)
    assert verify(joined(SIGNED, SIGNED, SIGNED), KEYS) == {keyid(PUBLIC)}
    assert len(verify(joined(SIGNED, renamed("alias")), {**KEYS, "alias": PublicKey(PUBLIC)})) == 1


def renamed(name: str) -> Envelope:
    return dataclasses.replace(SIGNED, signatures=(Signature(name, SIGNED.signatures[0].sig),))


def test_a_wrong_signature_does_not_spoil_a_right_one() -> None:
    wrong = Signature(keyid(OTHER_PUBLIC), b"\0" * 64)

    assert verify(dataclasses.replace(SIGNED, signatures=(wrong, *SIGNED.signatures)), KEYS) == {
        keyid(PUBLIC)
    }


@pytest.mark.parametrize(
    "envelope",
    [
        dataclasses.replace(SIGNED, payload=SIGNED.payload + b" "),
        dataclasses.replace(SIGNED, payload_type="application/json"),
        dataclasses.replace(SIGNED, signatures=()),
        dataclasses.replace(SIGNED, signatures=(Signature(keyid(PUBLIC), b""),)),
        dataclasses.replace(SIGNED, signatures=(Signature(keyid(PUBLIC), SIGNED.signatures[0].sig[:-1]),)),
        dataclasses.replace(SIGNED, signatures=(Signature(keyid(PUBLIC), SIGNED.signatures[0].sig + b"x"),)),
        dataclasses.replace(SIGNED, signatures=(Signature(keyid(PUBLIC), KEY.sign(SIGNED.payload)),)),
    ],
    ids=[
        "another payload",
        "another type",
        "no signature",
        "an empty signature",
        "a signature cut short",
        "a signature with more",
        "a signature over the payload alone",
    ],
)
def test_nobody_signed(envelope: Envelope) -> None:
    assert verify(envelope, KEYS) == frozenset()


def test_only_keys_that_were_given_count() -> None:
    assert verify(SIGNED, {}) == frozenset()
    assert verify(SIGNED, {keyid(OTHER_PUBLIC): PublicKey(OTHER_PUBLIC)}) == frozenset()
    assert verify(SIGNED, {keyid(PUBLIC): PublicKey(b"not a key")}) == frozenset()


def foreign_key(key: Ed25519PrivateKey) -> SSlibKey:
    return SSlibKey.from_crypto(key.public_key(), keyid(key.public_key().public_bytes_raw()))


def test_a_foreign_library_verifies_ours() -> None:
    assert ForeignEnvelope.from_dict(SIGNED.to_json()).verify([foreign_key(KEY)], 1).keys() == {keyid(PUBLIC)}
    tampered = dataclasses.replace(SIGNED, payload=b"{}")
    with pytest.raises(VerificationError):
        ForeignEnvelope.from_dict(tampered.to_json()).verify([foreign_key(KEY)], 1)


def test_we_verify_a_foreign_librarys() -> None:
    foreign = ForeignEnvelope(SIGNED.payload, SIGNED.payload_type, {})
    for key in (KEY, OTHER_KEY):
        foreign.sign(CryptoSigner(key, foreign_key(key)))

    assert verify(Envelope.from_json(foreign.to_dict()), KEYS) == set(KEYS)


# Envelopes


def envelope_with(**fields: Any) -> dict[str, Any]:
    return {**SIGNED.to_json(), **fields}


def signature_with(**fields: Any) -> dict[str, Any]:
    return envelope_with(signatures=[{**SIGNED.to_json()["signatures"][0], **fields}])


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (None, "envelope is nothing"),
        ([], "envelope is list"),
        ("{}", "envelope is str"),
        ({}, "nothing as 'payload'"),
        ({"payload": "", "payloadType": ""}, "nothing as 'signatures'"),
        (envelope_with(payload=None), "nothing as 'payload'"),
        (envelope_with(payload=1), "int as 'payload'"),
        (envelope_with(payload="AA"), "payload: 'AA' is not base64"),
        (envelope_with(payload="AA==\n"), "payload: "),
        (envelope_with(payload="AB=="), "payload: "),
        (envelope_with(payload="-_-_"), "payload: "),
        (envelope_with(payloadType=["x"]), "list as 'payloadType'"),
        (envelope_with(signatures={}), "dict as 'signatures'"),
        (envelope_with(signatures=[]), "0 signatures"),
        (envelope_with(signatures=SIGNED.to_json()["signatures"] * 17), "17 signatures"),
        (envelope_with(signatures=[None]), "signature is nothing"),
        (envelope_with(signatures=["x"]), "signature is str"),
        (envelope_with(signatures=[{}]), "nothing as 'sig'"),
        (envelope_with(signatures=[*SIGNED.to_json()["signatures"], {"keyid": ""}]), "nothing as 'sig'"),
        (envelope_with(more=1), "unknown field 'more'"),
        (envelope_with(PAYLOAD="AA=="), "unknown field 'PAYLOAD'"),
        (signature_with(keyid=1), "int as 'keyid'"),
        (signature_with(keyid=None), "nothing as 'keyid'"),
        (signature_with(sig=None), "nothing as 'sig'"),
        (signature_with(sig="?"), "sig: '?' is not base64"),
        (signature_with(cert="x"), "unknown field 'cert'"),
        (
            envelope_with(payload=base64.b64encode(bytes(MAX_PAYLOAD_BYTES + 1)).decode()),
            "payload of 1048577",
        ),
    ],
)
def test_from_json_refuses(found: object, message: str) -> None:
    with pytest.raises(BadEnvelope) as caught:
        Envelope.from_json(found)
    assert message in caught.value.message
    assert len(caught.value.message.splitlines()) == 1


def test_from_json_accepts_up_to_its_bounds() -> None:
    payload = base64.b64encode(bytes(MAX_PAYLOAD_BYTES)).decode()
    found = envelope_with(payload=payload, signatures=SIGNED.to_json()["signatures"] * 16)

    assert Envelope.from_json(found).to_json() == found


# Statements


def test_a_statement_is_canonical() -> None:
    payload = statement({"b": DIGEST, "a": DIGEST}, POSITION, {"z": 1, "a": None})

    assert payload == dumps(loads(payload))
    assert loads(payload) == {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "a", "digest": {"sha256": DIGEST}}, {"name": "b", "digest": {"sha256": DIGEST}}],
        "predicateType": POSITION,
        "predicate": {"z": 1, "a": None},
    }


def test_a_statement_comes_back() -> None:
    assert parse_statement(SIGNED, POSITION) == InTotoStatement({"gpt-5.6": DIGEST}, {"position": "approve"})


def stated(**fields: Any) -> bytes:
    said = {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": "m", "digest": {"sha256": DIGEST}}],
        "predicateType": POSITION,
        "predicate": {},
    }
    return json.dumps(
        {name: value for name, value in {**said, **fields}.items() if value != "absent"}
    ).encode()


def envelope_of(payload: bytes, payload_type: str = PAYLOAD_TYPE_INTOTO) -> Envelope:
    return sign(payload_type, payload, KEY)


def test_fields_we_do_not_know_are_let_through() -> None:
    subject = {"name": "m", "digest": {"sha256": DIGEST, "gitCommit": "0"}, "uri": "https://example.com"}
    payload = stated(subject=[subject], predicate={"new": [{}]}, later=True)

    assert parse_statement(envelope_of(payload), POSITION) == InTotoStatement({"m": DIGEST}, {"new": [{}]})


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        (b"", "payload: not json"),
        (b"[]", "statement is list"),
        (b"\xff", "payload: byte 0 is not utf-8"),
        (b'{"_type":1,"_type":2}', "payload: key '_type' twice"),
        (stated()[:-1] + b',"predicate":{}}', "payload: key 'predicate' twice"),
        (stated(predicate={"value": 0.5}), "payload: number '0.5' has a fraction"),
        (stated(_type="absent"), "nothing as '_type'"),
        (stated(_type="https://in-toto.io/Statement/v0.1"), "_type is"),
        (stated(_type=1), "int as '_type'"),
        (stated(predicateType="absent"), "nothing as 'predicateType'"),
        (stated(predicateType="urn:sluicegate:position:v2"), "predicateType is 'urn:sluicegate:position:v2'"),
        (stated(predicateType=""), "predicateType is ''"),
        (stated(predicate="absent"), "nothing as 'predicate'"),
        (stated(predicate=None), "nothing as 'predicate'"),
        (stated(predicate=[]), "list as 'predicate'"),
        (stated(subject="absent"), "nothing as 'subject'"),
        (stated(subject={}), "dict as 'subject'"),
        (stated(subject=[]), "without subjects"),
        (stated(subject=["m"]), "subject is str"),
        (stated(subject=[{"name": "m"}]), "nothing as 'digest'"),
        (stated(subject=[{"digest": {"sha256": DIGEST}}]), "nothing as 'name'"),
        (stated(subject=[{"name": "m", "digest": {}}]), "'m' has sha256 'None'"),
        (stated(subject=[{"name": "m", "digest": {"sha512": DIGEST}}]), "'m' has sha256 'None'"),
        (stated(subject=[{"name": "m", "digest": {"sha256": DIGEST.upper()}}]), "'m' has sha256"),
        (stated(subject=[{"name": "m", "digest": {"sha256": "sha256:" + DIGEST}}]), "'m' has sha256"),
        (stated(subject=[{"name": "m", "digest": {"sha256": DIGEST + "\n"}}]), "'m' has sha256"),
        (stated(subject=[{"name": "m", "digest": {"sha256": 1}}]), "'m' has sha256"),
        (stated(subject=[{"name": "m", "digest": {"sha256": DIGEST}}] * 2), "subject 'm' twice"),
        (stated() + b" " * MAX_PAYLOAD_BYTES, "payload: 10"),
    ],
)
def test_parse_statement_refuses(payload: bytes, message: str) -> None:
    with pytest.raises(BadEnvelope) as caught:
        parse_statement(envelope_of(payload), POSITION)
    assert message in caught.value.message
    assert len(caught.value.message.splitlines()) == 1


def test_a_statement_under_another_type_is_none() -> None:
    with pytest.raises(BadEnvelope, match="payloadType is 'application/json'"):
        parse_statement(envelope_of(stated(), "application/json"), POSITION)


@pytest.mark.parametrize("subjects", [{}, {"m": ""}, {"m": "sha256:" + DIGEST}, {"m": DIGEST.upper()}])
def test_nothing_is_stated_that_would_not_be_read(subjects: dict[str, str]) -> None:
    with pytest.raises(BadEnvelope):
        statement(subjects, POSITION, {})


def test_a_predicate_is_canonical_or_refused() -> None:
    with pytest.raises(NotCanonical):
        statement({"m": DIGEST}, POSITION, {"value": 0.5})


def test_a_payload_that_was_read_is_decoded_when_it_is_used() -> None:
    read = Envelope.from_json(SIGNED.to_json())
    assert read.to_json() == SIGNED.to_json()
    assert read == SIGNED
    assert (hash(read), repr(read), read.digest) == (hash(SIGNED), repr(SIGNED), SIGNED.digest)
    assert not hasattr(read, "payloads")
    assert (
        dataclasses.replace(Envelope.from_json(SIGNED.to_json()), payload=b"{}").to_json()["payload"]
        == "e30="
    )
