"""Signing with key files of every algorithm, and adding a signature."""

from __future__ import annotations

from typing import Any

import pytest

from sluicegate.acts import review
from sluicegate.client import export, signing
from sluicegate.errors import InvalidInput
from sluicegate.statements.cases import Review
from sluicegate_record.form import replace
from sluicegate_record.log import dsse, publickey
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.log.publickey import PublicKey
from sluicegate_record.statements.directives import Confirmation
from tests.passkeys import ALGORITHMS, key_of
from tests.plane import Plane, yes
from tests.worlds import private_key


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_position_is_signed_with_a_key_of_any_algorithm(algorithm: str) -> None:
    plane, key = Plane(), key_of("oncd", algorithm)
    plane.opened()
    exported = yes(plane.do("oncd", review.EXPORT, case=plane.submit().application))
    own = PublicKey(publickey.of(key))
    case = replace(exported, parties={own.keyid: "oncd"})
    assert export.party_of(case, key) == "oncd"
    signed = Envelope.from_json(signing.position(case, Review("approve"), key))
    assert dsse.verify(signed, {own.keyid: own}) == {own.keyid}


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_key_signs_once(algorithm: str) -> None:
    """Also where the envelope has its signature under the id of another program."""
    key, other = key_of("oncd", algorithm), private_key("ostp")
    envelope: Any = signing.signed(
        Confirmation(log="log", directive="d-1", document="sha256:" + "0" * 64), key
    )
    assert len(signing.countersigned(envelope, other)["signatures"]) == 2
    envelope["signatures"][0]["keyid"] = "an id of its own"
    with pytest.raises(InvalidInput, match="has signed it already"):
        signing.countersigned(envelope, key)
