from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sluicegate.errors import BadKey, BadSignature, InvalidInput, SluicegateError
from sluicegate_record.log import acknowledgement, canonical, dsse, publickey
from sluicegate_record.log.acknowledgement import Acknowledgement, SignedQuestion
from tests.passkeys import key_of

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(32))
QUESTION: dict[str, Any] = {
    "gateway": "gateway-1",
    "incarnation": "run-1",
    "surface": "api",
    "after": 7,
    "nonce": "n" * 32,
    "waitMs": 5,
    "report": {"streamsCut": {"d-1": 3}, "proven": []},
    "root": "00" * 32,
    "fold": 1,
}


def asked(**changes: Any) -> dict[str, Any]:
    return acknowledgement.signed({**QUESTION, **changes}, KEY)


def read(question: dict[str, Any]) -> Acknowledgement:
    found = acknowledgement.read(question)
    assert found is not None
    return found


def test_what_a_run_signs_is_read_back():
    found = read(asked())
    said = found.ask.to_json()
    assert {name: said[name] for name in ("gateway", "incarnation", "surface", "after", "root", "fold")} == {
        "gateway": "gateway-1",
        "incarnation": "run-1",
        "surface": "api",
        "after": 7,
        "root": "00" * 32,
        "fold": 1,
    }
    assert found.key == KEY.public_key().public_bytes_raw()


def test_what_is_shown_tells_nothing_of_the_report_and_does_not_grow_with_it():
    found = read(asked(report={"streamsCut": {f"d-{i}": i for i in range(9_000)}}))
    assert len(json.dumps(found.ask.to_json())) < 600
    assert "d-1" not in json.dumps(found.ask.to_json())


def test_a_run_has_an_ed25519_key():
    other = canonical.b64(publickey.of(key_of("gateway-1", "p256")))
    with pytest.raises(BadKey, match="expected an ed25519 key"):
        read({**asked(), "key": other})


def test_the_same_report_under_another_nonce_has_another_digest():
    assert read(asked()).ask.rest != read(asked(nonce="m" * 32)).ask.rest


def test_the_payload_has_a_type_of_its_own():
    """No signature of a run stands for anything else, nor the other way round."""
    found = read(asked())
    other = KEY.sign(
        dsse.pae("application/vnd.sluicegate.poll.v1+json", canonical.dumps(found.ask.to_json()))
    )
    with pytest.raises(BadSignature):
        acknowledgement.check(replace(found, sig=canonical.b64(other)))


def test_a_question_that_shows_no_key_acknowledges_nothing_that_could_be_proven():
    assert acknowledgement.read(QUESTION) is None
    assert acknowledgement.read({**QUESTION, "key": None, "sig": None}) is None


@pytest.mark.parametrize(
    "change",
    [
        {"after": 8},
        {"after": 6},
        {"gateway": "gateway-2"},
        {"incarnation": "run-2"},
        {"surface": "codex"},
        {"root": "11" * 32},
        {"fold": 2},
        {"nonce": "m" * 32},
        {"waitMs": 6},
        {"report": {"streamsCut": {"d-1": 4}, "proven": []}},
        {"report": {"streamsCut": {"d-1": 3}, "proven": ["grant_1"]}},
        {"more": 1},
        {"sig": ""},
        {"sig": "AAAA"},
        {"sig": "not base64"},
        {"sig": canonical.b64(bytes(64))},
        {
            "key": canonical.b64(
                Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key().public_bytes_raw()
            )
        },
    ],
    ids=str,
)
def test_whatever_is_altered_is_not_signed(change: dict[str, Any]):
    with pytest.raises(BadSignature):
        acknowledgement.read({**asked(), **change})


@pytest.mark.parametrize("name", [*acknowledgement.FIELDS, "sig"])
def test_a_key_comes_with_all_that_is_signed_with_it(name: str):
    question = asked()
    del question[name]
    with pytest.raises(InvalidInput, match=name):
        acknowledgement.read(question)


@pytest.mark.parametrize("name", ["nonce", "waitMs", "report"])
def test_nothing_can_be_left_out(name: str):
    question = asked()
    del question[name]
    with pytest.raises(BadSignature):
        acknowledgement.read(question)


@pytest.mark.parametrize(
    "key",
    ["", "AAAA", canonical.b64(bytes(32)), canonical.b64(b"\x01" + bytes(31)), "not base64", "é"],
)
def test_what_is_no_key_signs_nothing(key: str):
    with pytest.raises(BadKey):
        acknowledgement.read({**asked(), "key": key})


@pytest.mark.parametrize(
    "change",
    [
        {"after": True},
        {"after": "7"},
        {"fold": None},
        {"gateway": 5},
        {"more": 1},
        {"key": ["a"]},
        {"rest": 5},
    ],
    ids=str,
)
def test_an_acknowledgement_that_was_put_on_the_record_otherwise_is_refused(change: dict[str, Any]):
    found = read(asked())
    with pytest.raises(SluicegateError):
        acknowledgement.check(replace(found, ask=SignedQuestion.from_json({**found.ask.to_json(), **change})))
