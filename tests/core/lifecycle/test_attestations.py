from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from sluicegate.core.lifecycle.attestations import (
    SIGNATORIES_MAX,
    AttestCredential,
    DeclareIdentifiers,
    PinSignatory,
    RetireSignatory,
    WithdrawAttestation,
)
from sluicegate.core.lifecycle.persons import MemberRegistration, RegisterMembers
from sluicegate.core.people.persons import identifier
from sluicegate.errors import BadEnvelope
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.statements.people import Attestation, IdentifierDeclaration
from tests import worlds
from tests.forging import gate_value
from tests.worlds import AT_MS, DAY_MS, LOG, World, public_key

SIGNER, THEIRS = "signatory", "signatory of another"


class Attesting(World):
    """Two organizations, each with a signatory and a key."""

    def __init__(self) -> None:
        super().__init__()
        self.apply(worlds.plan_value())
        self.agree()
        self.open()
        self.grants = [self.admit("org-1"), self.admit("org-2")]
        self.credentials = [self.credential(grant, grant)[1] for grant in self.grants]
        self.signatory = self.must(PinSignatory("org-1", public_key(SIGNER)))["signatory"]
        self.must(PinSignatory("org-2", public_key(THEIRS)))

    def stated(self, **changes: Any) -> Attestation:
        fields: dict[str, Any] = {"log": LOG, "credential": self.credentials[0], "statuses": ("us_citizen",)}
        return Attestation(**{**fields, "until_ms": AT_MS + 30 * DAY_MS, **changes})

    def envelope(self, signer: str = SIGNER, **changes: Any) -> Envelope:
        return worlds.signed(self.stated(**changes).payload(), signer)

    @property
    def attested(self) -> Any:
        return self.state.table.credentials_by_id[self.credentials[0]].state.attested


@pytest.fixture
def world() -> Attesting:
    return Attesting()


def test_a_signatory_attests_everyone_able_to_reach_a_credential(world):
    world.must(AttestCredential(world.envelope(models=["gpt-5.6"])))
    assert world.attested.statuses == {"us_citizen"}
    assert world.attested.models == {"gpt-5.6"}
    assert world.attested.until_ms == AT_MS + 30 * DAY_MS
    entry = world.entries[-1]
    assert dict(entry.public) == {"credential": world.credentials[0]}
    assert b"us_citizen" not in entry.leaf
    assert Envelope.from_json(gate_value(entry, "envelope")) == world.envelope(models=["gpt-5.6"])


@pytest.mark.parametrize(
    ("signer", "changes", "code"),
    [
        (THEIRS, {}, "signature_invalid"),
        ("oncd", {}, "signature_invalid"),
        (worlds.OFFICER, {}, "signature_invalid"),
        ("nobody", {}, "signature_invalid"),
        (SIGNER, {"log": LOG.replace("openai", "other")}, "other_log"),
        (SIGNER, {"credential": "cred_nobody"}, "credential_unknown"),
        (SIGNER, {"until_ms": AT_MS}, "until_out_of_range"),
        (SIGNER, {"until_ms": AT_MS + 366 * DAY_MS + 1}, "until_out_of_range"),
        (SIGNER, {"excluded": ["mem_nobody"]}, "member_unknown"),
    ],
)
def test_what_does_not_hold_attests_nothing(world, signer, changes, code):
    assert world.refused(AttestCredential(world.envelope(signer, **changes))) == code
    assert world.attested is None


def test_an_attestation_of_another_organizations_credential_is_refused(world):
    theirs = world.credentials[1]
    assert world.refused(AttestCredential(world.envelope(credential=theirs))) == "signature_invalid"
    world.must(AttestCredential(world.envelope(THEIRS, credential=theirs)))
    assert world.attested is None


def test_a_statement_of_another_kind_or_with_another_subject_is_none(world):
    payload = worlds.stage_opening(LOG, "a", "b", "c")
    with pytest.raises(BadEnvelope):
        world.do(AttestCredential(worlds.signed(payload, SIGNER)))
    altered = world.stated().payload().replace(b'"other"', b'"us_citizen"')
    twisted = altered.replace(world.credentials[0].encode(), world.credentials[1].encode(), 1)
    with pytest.raises(BadEnvelope):
        world.do(AttestCredential(worlds.signed(twisted, SIGNER)))


def test_exclusions_name_members_of_the_same_organization(world):
    rows = [MemberRegistration((identifier("ada"),))]
    (ada,) = world.must(RegisterMembers("org-1", rows))["members"]
    (eve,) = world.must(RegisterMembers("org-2", rows))["members"]
    assert world.refused(AttestCredential(world.envelope(excluded=[ada, eve]))) == "member_unknown"
    world.must(AttestCredential(world.envelope(excluded=[ada])))
    assert world.attested.excluded == {ada}


def test_an_attestation_counts_once(world):
    first, second = world.envelope(), world.envelope(statuses=["us_citizen", "other"])
    world.must(AttestCredential(first))
    size = world.state.size
    world.must(AttestCredential(first))
    assert world.state.size == size
    world.must(AttestCredential(second))
    assert world.refused(AttestCredential(first)) == "attestation_spent"
    world.must(WithdrawAttestation(world.credentials[0]))
    assert world.attested is None
    assert world.refused(AttestCredential(second)) == "attestation_spent"
    size = world.state.size
    world.must(WithdrawAttestation(world.credentials[0]))
    assert world.state.size == size
    assert world.refused(WithdrawAttestation("cred_nobody")) == "credential_unknown"


def test_a_revoked_key_is_not_attested(world):
    world.revoke(world.credentials[0])
    assert world.refused(AttestCredential(world.envelope())) == "credential_revoked"


def test_a_retired_signatory_takes_along_what_it_attests_and_no_more(world):
    other = world.credential(world.grants[0], "another key")[1]
    second = world.must(PinSignatory("org-1", public_key("second")))["signatory"]
    world.must(AttestCredential(world.envelope()))
    world.must(AttestCredential(world.envelope("second", credential=other)))
    assert world.refused(RetireSignatory("org-2", world.signatory)) == "signatory_unknown"
    assert world.must(RetireSignatory("org-1", world.signatory))["withdrawn"] == [world.credentials[0]]
    assert world.attested is None
    assert world.state.table.credentials_by_id[other].state.attested is not None
    assert world.refused(AttestCredential(world.envelope(models=["gpt-5.6"]))) == "signature_invalid"
    assert world.refused(RetireSignatory("org-1", world.signatory)) == "signatory_unknown"
    world.must(RetireSignatory("org-1", second))


def test_signatories_are_few_and_nobody_elses_keys(world):
    assert world.refused(PinSignatory("org-1", public_key("oncd"))) == "key_of_another_party"
    size = world.state.size
    assert world.must(PinSignatory("org-1", public_key(SIGNER)))["signatory"] == world.signatory
    assert world.state.size == size
    for number in range(SIGNATORIES_MAX - 1):
        world.must(PinSignatory("org-1", public_key(f"s-{number}")))
    assert world.refused(PinSignatory("org-1", public_key("one more"))) == "too_many_signatories"
    assert b"org-1" not in world.entries[-1].leaf


def test_one_signature_is_enough_and_others_change_nothing(world):
    payload = world.stated().payload()
    world.must(AttestCredential(worlds.signed(payload, "nobody", SIGNER)))
    assert world.attested is not None
    forged = dataclasses.replace(world.envelope(models=["m"]), payload=payload)
    assert isinstance(forged, Envelope)
    size = world.state.size
    assert world.refused(AttestCredential(forged)) == "signature_invalid"
    assert world.state.size == size


# What identifiers mean


def declaring(
    world: Attesting, identifiers: str = "none", signer: str = SIGNER, **about: Any
) -> DeclareIdentifiers:
    stated = {"log": LOG, **(about or {"credential": world.credentials[0]})}
    payload = IdentifierDeclaration(identifiers=identifiers, **stated).payload()
    return DeclareIdentifiers(worlds.signed(payload, signer))


def test_a_signatory_declares_that_identifiers_name_no_one_and_takes_it_back(world):
    credential = world.credentials[0]
    world.must(declaring(world))
    assert world.state.table.unnaming == {credential}
    assert b"none" not in world.entries[-1].leaf
    size = world.state.size
    world.must(declaring(world))
    assert world.state.size == size
    world.must(declaring(world, "persons"))
    assert not world.state.table.unnaming
    assert world.refused(declaring(world)) == "declaration_spent"
    world.must(declaring(world, grant=world.grants[0]))
    assert world.state.table.unnaming == {world.grants[0]}


@pytest.mark.parametrize("signer", [THEIRS, "oncd", worlds.OFFICER, "nobody"])
def test_no_one_else_declares_it(world, signer):
    for about in ({"credential": world.credentials[0]}, {"grant": world.grants[0]}):
        assert world.refused(declaring(world, signer=signer, **about)) == "signature_invalid"
    assert not world.state.table.unnaming


def test_a_declaration_is_of_this_log_about_something_of_it(world):
    other = LOG.replace("openai", "other")
    assert world.refused(declaring(world, log=other, credential=world.credentials[0])) == "other_log"
    for about in (
        {"credential": "cred_x"},
        {"grant": "grant_x"},
        {"credential": world.grants[0]},
        {"grant": world.credentials[0]},
    ):
        assert world.refused(declaring(world, **about)) == "subject_unknown"


@pytest.mark.parametrize(
    "stated",
    [
        {"identifiers": "none"},
        {"identifiers": "none", "credential": "c", "grant": "g"},
        {"identifiers": "some", "credential": "c"},
        {"identifiers": "", "grant": "g"},
    ],
)
def test_what_is_no_declaration_is_not_read(world, stated):
    payload = IdentifierDeclaration(log=LOG, **stated).payload()
    with pytest.raises(BadEnvelope):
        world.do(DeclareIdentifiers(worlds.signed(payload, SIGNER)))


def test_declarations_end_with_their_signatory(world):
    world.must(declaring(world))
    world.must(declaring(world, grant=world.grants[0]))
    theirs = {"signer": THEIRS, "credential": world.credentials[1]}
    world.must(declaring(world, **theirs))
    done = world.must(RetireSignatory("org-1", world.signatory))
    assert done["undeclared"] == [world.credentials[0], world.grants[0]]
    assert world.state.table.unnaming == {world.credentials[1]}


def test_a_declaration_that_says_more_than_this_build_knows_lets_no_identifier_be_ignored(world):
    credential = world.credentials[0]
    world.write("identifiers.declared", {"credential": credential, "until": "later"}, identifiers="none")
    assert not world.state.table.unnaming
    world.write("identifiers.declared", {"credential": credential}, identifiers="none")
    assert world.state.table.unnaming == {credential}
