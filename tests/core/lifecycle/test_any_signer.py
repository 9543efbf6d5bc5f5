"""Parties that sign with keys of every kind, under ids of their own: from the start of a log to a grant."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from sluicegate.core.access.decision import Allow
from sluicegate.core.access.refusals import Deny
from sluicegate.core.access.vouch import VouchedTable
from sluicegate.core.lifecycle.attestations import AttestCredential, PinSignatory
from sluicegate.core.lifecycle.points import SetPoint, StatePoint
from sluicegate.core.lifecycle.positions import RecordPosition
from sluicegate.core.lifecycle.releases import OpenStage
from sluicegate.core.terms.trust import Floor, Pin, Releases
from sluicegate.errors import BadEnvelope
from sluicegate_record.audit import Judge
from sluicegate_record.entries import Entry, read
from sluicegate_record.log import canonical
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.log.webauthn import RelyingParty
from sluicegate_record.terms.quorum import parties_of
from sluicegate_record.terms.rule import Rule
from tests.core.access.test_vouch import asked, folded
from tests.core.lifecycle.test_attestations import Attesting
from tests.passkeys import ALGORITHMS, PARTY, KeyFile, Passkey, key_of
from tests.worlds import (
    DEVELOPER,
    LOG,
    MODEL,
    OFFICER,
    RELEASE,
    World,
    opening,
    plan_value,
    pointing,
    position,
    signed,
    stage,
    start,
    stated,
)

SIGNERS: dict[str, KeyFile | Passkey] = {
    OFFICER: KeyFile(key_of(OFFICER, "ed25519"), "officer's card"),
    "oncd": KeyFile(key_of("oncd", "p384"), "projects/oncd/keys/1"),
    "ostp": Passkey(key_of("ostp", "p256")),
    "caisi": Passkey(key_of("caisi", "ed25519")),
}


def pin(owner: str, party: str, signer: KeyFile | Passkey) -> Pin:
    return Pin(owner, party, signer.public.data, signer.public.passkey)


STRANGER = KeyFile(key_of("stranger", "p384"))
MIXED = [pin(owner, DEVELOPER if owner == OFFICER else owner, signer) for owner, signer in SIGNERS.items()]


def opened() -> World:
    world = World(started=False)
    world.must(start(pins=MIXED))
    world.apply(plan_value())
    for case in world.cases():
        for agency in sorted(parties_of(case.rule)):
            world.must(RecordPosition(position(case, agency, signer=SIGNERS[agency])))
    world.must(OpenStage(opening(world.state, signer=SIGNERS[OFFICER])))
    return world


@cache
def admitted() -> tuple[Entry, ...]:
    world = opened()
    case = world.submit()
    for agency in ("oncd", "ostp"):
        world.must(RecordPosition(position(case, agency, signer=SIGNERS[agency])))
    assert case.grant is not None
    world.credential(case.grant)
    return tuple(world.entries)


def vouched(entries: tuple[Entry, ...], pins: list[Pin]) -> tuple[Allow | Deny, VouchedTable]:
    """What a gateway with a trust file decides."""
    floor = Floor(Rule("allOf", ("oncd", "ostp")), {MODEL: "demo"})
    table = VouchedTable(Releases(DEVELOPER, LOG, pins, {RELEASE: floor}))
    return asked(folded(list(entries), table)), table


def test_an_organization_is_admitted_by_signers_of_every_kind() -> None:
    decided, table = vouched(admitted(), MIXED)
    assert isinstance(decided, Allow)
    assert not table.findings


def test_an_auditor_finds_their_log_lawful() -> None:
    judge = Judge(LOG)
    for entry in admitted():
        assert judge.take(read(entry.leaf))
    assert not judge.judged().unlawful


def test_what_a_pinned_key_is_on_the_record() -> None:
    pinned = {entry.public["owner"]: entry.public for entry in admitted() if entry.type == "key.pinned"}
    assert pinned["oncd"] == {
        "owner": "oncd",
        "party": "oncd",
        "keyid": SIGNERS["oncd"].public.keyid,
        "publicKey": canonical.b64(SIGNERS["oncd"].public.data),
        "from": "configuration",
    }
    assert pinned["ostp"]["webauthn"] == PARTY.to_json()
    sizes = {owner: len(canonical.unb64(each["publicKey"])) for owner, each in pinned.items()}
    assert sizes == {OFFICER: 32, "oncd": 120, "ostp": 91, "caisi": 44}


def test_the_envelope_stays_as_it_was_signed() -> None:
    (entry, *_) = [
        each for each in admitted() if each.type == "position.recorded" and each.public["agency"] == "oncd"
    ]
    (signature,) = entry.public["envelope"]["signatures"]
    assert signature["keyid"] == "projects/oncd/keys/1"


@pytest.mark.parametrize("agency", ["oncd", "ostp"])
def test_a_gateway_that_pins_another_key_for_a_party_does_not_count_its_signature(agency: str) -> None:
    others: dict[str, Any] = {
        "another key": KeyFile(key_of("another", "p384")),
        "another relying party": Passkey(
            key_of(agency, "p256"), RelyingParty("evil.example", "https://evil.example")
        ),
        "no passkey": KeyFile(key_of(agency, "p256")),
    }
    for signer in others.values():
        pins = [pin(agency, agency, signer), *(each for each in MIXED if each.owner != agency)]
        decided, table = vouched(admitted(), pins)
        assert isinstance(decided, Deny)
        assert table.findings["position.recorded"]


def test_a_gateway_does_not_count_the_key_of_one_agency_for_another() -> None:
    exchanged = {"oncd": "ostp", "ostp": "oncd"}
    pins = [each._replace(owner=exchanged.get(each.owner, each.owner)) for each in MIXED]
    pins = [each._replace(party=exchanged.get(each.party, each.party)) for each in pins]
    assert isinstance(vouched(admitted(), pins)[0], Deny)


# What no signer can do


COUNTERSIGNED = {"mode": "approve", "grant": {"allOf": ["oncd", "ostp"]}, "countersign": ["oncd"]}


@pytest.mark.parametrize(
    ("code", "sign"),
    [
        ("key_of_another_party", lambda case: position(case, "oncd", signer=SIGNERS["ostp"])),
        ("key_of_another_party", lambda case: position(case, "ostp", signer=SIGNERS[OFFICER])),
        ("signature_invalid", lambda case: position(case, "oncd", signer=STRANGER)),
        ("signature_invalid", lambda case: position(case, "ostp", signer=KeyFile(key_of("ostp", "p256")))),
        ("signature_invalid", lambda case: position(case, "oncd", signer=Passkey(key_of("oncd", "p384")))),
    ],
    ids=["a passkey of another", "an officer", "a stranger", "no assertion", "an assertion by no passkey"],
)  # fmt: skip
def test_other_signatures_do_not_count(code: str, sign: Callable[[Any], Envelope]) -> None:
    world = opened()
    assert world.refused(RecordPosition(sign(world.submit()))) == code


def test_two_signatures_by_one_owner_are_one() -> None:
    """Where two owners must sign, the second signature of one, made from its first, does not count."""
    world = World(started=False)
    second = KeyFile(key_of("oncd-second", "p256"))
    world.must(start(pins=[*MIXED, pin("oncd-second", "oncd", second)]))
    world.apply(plan_value(stages=[stage(admission=COUNTERSIGNED)]))
    for case in world.cases():
        for agency in sorted(parties_of(case.rule)):
            given = position(case, agency, signer=SIGNERS[agency])
            if agency == "oncd":
                given = _with(given, position(case, agency, signer=second))
            world.must(RecordPosition(given))
    world.must(OpenStage(opening(world.state, signer=SIGNERS[OFFICER])))
    case = world.submit()
    once = position(case, "oncd", signer=SIGNERS["oncd"])
    (made,) = once.signatures
    key = SIGNERS["oncd"].key
    assert isinstance(key, EllipticCurvePrivateKey)
    r, s = decode_dss_signature(made.sig)
    order = int("f" * 48 + "c7634d81f4372ddf581a0db248b0a77aecec196accc52973", 16)
    twin = replace(made, keyid="another id", sig=encode_dss_signature(r, order - s))
    again = position(case, "oncd", signer=SIGNERS["oncd"])
    for other in (twin, made, replace(made, keyid=""), *again.signatures):
        both = replace(once, signatures=(made, other))
        assert world.refused(RecordPosition(both)) == "countersignature_missing"
    world.must(RecordPosition(_with(once, position(case, "oncd", signer=second))))


def _with(envelope: Envelope, other: Envelope) -> Envelope:
    return replace(envelope, signatures=(*envelope.signatures, *other.signatures))


# Whose a key is


def test_starting_again_with_the_same_keys_adds_nothing() -> None:
    world = opened()
    size = world.state.size
    world.must(start(pins=MIXED))
    assert world.state.size == size


@pytest.mark.parametrize("algorithm", ["ed25519", "p256", "p384"])
@pytest.mark.parametrize("other", [KeyFile, Passkey])
def test_a_key_has_one_owner_whatever_form_it_is_pinned_in(
    algorithm: str, other: type[KeyFile | Passkey]
) -> None:
    first, second = KeyFile(key_of("oncd", algorithm)), other(key_of("oncd", algorithm))
    world = World(started=False)
    officer = pin(OFFICER, DEVELOPER, SIGNERS[OFFICER])
    twice = [officer, pin("oncd", "oncd", first), pin("ostp", "ostp", second)]
    assert world.refused(start(pins=twice)) == "pinned_twice"
    world.must(start(pins=twice[:2]))
    world.must(start(pins=[*twice[:2], pin("ostp", "ostp", Passkey(key_of("ostp", algorithm)))]))


@pytest.mark.parametrize(
    "changed",
    [
        Passkey(key_of("oncd", "p384")),
        KeyFile(key_of("oncd", "p256")),
        Passkey(key_of("oncd", "p384"), RelyingParty("agency.example", "https://agency.example")),
    ],
)
def test_a_pin_does_not_change_its_kind_or_its_relying_party(changed: KeyFile | Passkey) -> None:
    pins = [*MIXED[:1], pin("oncd", "oncd", changed), *MIXED[2:]]
    assert opened().refused(start(pins=pins)) == "key_changed"


def test_the_relying_party_of_a_passkey_does_not_change() -> None:
    other = Passkey(key_of("ostp", "p256"), RelyingParty("agency.example", "https://agency.example"))
    pins = [*MIXED[:2], pin("ostp", "ostp", other), *MIXED[3:]]
    assert opened().refused(start(pins=pins)) == "key_changed"


@pytest.mark.parametrize(
    ("data", "passkey", "why"),
    [
        (SIGNERS["caisi"].public.data, None, "as der subjectpublickeyinfo"),
        (SIGNERS[OFFICER].public.data, PARTY, "as raw bytes"),
        (SIGNERS["oncd"].public.data[:-1], None, "public key of 119 bytes"),
        (SIGNERS["oncd"].public.data[:-1] + b"x", None, "public key of 120 bytes"),
    ],
)
def test_the_law_takes_a_key_in_its_one_form(data: bytes, passkey: RelyingParty | None, why: str) -> None:
    lie = Pin("oncd", "oncd", data, passkey)
    with pytest.raises(AssertionError, match=why):
        World(started=False).must(start(pins=[lie]))


# Keys of signatories and of points


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_signatory_signs_with_a_key_of_any_algorithm(algorithm: str) -> None:
    world = Attesting()
    signer = KeyFile(key_of("counsel", algorithm), "counsel's token")
    pinned = world.must(PinSignatory("org-1", signer.public.data))
    assert world.must(PinSignatory("org-1", signer.public.data))["signatory"] == pinned["signatory"]
    given = signed(world.stated().payload(), signer)
    stranger = signed(world.stated().payload(), STRANGER, Passkey(signer.key))
    assert world.refused(AttestCredential(stranger)) == "signature_invalid"
    world.must(AttestCredential(given))
    assert world.attested.statuses == {"us_citizen"}


@pytest.mark.parametrize("owner", ["oncd", "ostp", "caisi"])
def test_the_key_of_a_party_is_no_signatorys_or_points(owner: str) -> None:
    world, key = opened(), KeyFile(SIGNERS[owner].key).public.data
    assert world.refused(PinSignatory("org-1", key)) == "key_of_another_party"
    pointed = SetPoint(signed(pointing(key=key).payload(), SIGNERS[OFFICER]))
    assert world.refused(pointed) == "key_of_a_party"


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_point_signs_with_a_key_of_any_algorithm(algorithm: str) -> None:
    world, point = World.opened(), KeyFile(key_of("cloud", algorithm), "the cloud's own id")
    world.must(SetPoint(signed(pointing(key=point.public.data).payload(), OFFICER)))
    world.direct()
    said = stated(world.state)
    stranger = StatePoint(signed(said.payload(), STRANGER, "oncd"))
    assert world.refused(stranger) == "signature_invalid"
    world.must(StatePoint(signed(said.payload(), point)))


def test_a_point_has_no_passkey() -> None:
    with pytest.raises(BadEnvelope, match="the key of a point"):
        World.opened().do(SetPoint(signed(pointing(key=SIGNERS["caisi"].public.data).payload(), OFFICER)))
