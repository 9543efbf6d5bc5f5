"""Signatories of organizations, and the attestations that they sign."""

from __future__ import annotations

from typing import Any

from sluicegate.core.lifecycle import Refusal
from sluicegate.core.lifecycle.attestations import (
    AttestCredential,
    PinSignatory,
    RetireSignatory,
    WithdrawAttestation,
)
from sluicegate.core.lifecycle.credentials import credential_unknown
from sluicegate.ports import Principal
from sluicegate.service import access
from sluicegate.service.ledger import Ledger
from sluicegate.service.persons import organization_of
from sluicegate_record.log import canonical, dsse
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.statements.people import Attestation


def pin(
    ledger: Ledger, principal: Principal, command_id: str, grant: str, key: str
) -> dict[str, Any] | Refusal:
    """Let a key attest for the organization that holds a grant of the caller's. Raises: BadKey."""
    public = dsse.load_public(key)
    organization = organization_of(ledger, principal, grant)
    if isinstance(organization, Refusal):
        return organization
    command = PinSignatory(organization, public)
    request = ["pin", grant, canonical.b64(public)]
    return ledger.execute(command, by=principal.id, command_id=command_id, request=request)


def retire(
    ledger: Ledger, principal: Principal, command_id: str, grant: str, signatory: str
) -> dict[str, Any] | Refusal:
    """Let a signatory attest no more; what it attests now ends."""
    organization = organization_of(ledger, principal, grant)
    if isinstance(organization, Refusal):
        return organization
    command = RetireSignatory(organization, signatory)
    request = ["retire", grant, signatory]
    return ledger.execute(command, by=principal.id, command_id=command_id, request=request)


def listed(ledger: Ledger, principal: Principal, grant: str) -> dict[str, Any] | Refusal:
    """The signatories of an organization, and what is attested of its credentials."""
    organization = organization_of(ledger, principal, grant)
    if isinstance(organization, Refusal):
        return organization
    with ledger.reading() as state:
        pinned = state.registry.signatories.get(organization, {})
        signatories = [
            {"signatory": each.id, "keyid": each.keyid, "publicKey": canonical.b64(each.public)}
            for each in pinned.values()
        ]
        attested = [
            {"credential": name, "signatory": pinned[keyid].id, "digest": digest}
            for name, (keyid, digest) in state.registry.attested.items()
            if state.table.credential(name).grant.organization == organization
        ]
    return {"signatories": signatories, "attested": attested}


def attest(ledger: Ledger, principal: Principal, command_id: str, envelope: Any) -> dict[str, Any] | Refusal:
    """Put a signed attestation in force. Raises: BadEnvelope."""
    given = Envelope.from_json(envelope)
    stated = Attestation.read(given)
    if not _holds(ledger, principal, stated.credential):
        return credential_unknown(stated.credential)
    command = AttestCredential(given)
    return ledger.execute(command, by=principal.id, command_id=command_id, request=["attest", envelope])


def withdraw(
    ledger: Ledger, principal: Principal, command_id: str, credential: str
) -> dict[str, Any] | Refusal:
    """Attest nothing of a credential of the caller's any more."""
    if not _holds(ledger, principal, credential):
        return credential_unknown(credential)
    command = WithdrawAttestation(credential)
    return ledger.execute(command, by=principal.id, command_id=command_id, request=["withdraw", credential])


def _holds(ledger: Ledger, principal: Principal, credential: str) -> bool:
    with ledger.reading() as state:
        grant = state.table.grants_by_id.get(state.credentials.get(credential, ""))
        return grant is not None and access.administers(principal, state, grant.organization)
