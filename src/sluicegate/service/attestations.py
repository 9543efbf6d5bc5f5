"""Signatories of organizations, and the attestations that they sign."""

from __future__ import annotations

from typing import Any

from sluicegate.acts import signatories as acts
from sluicegate.acts.credentials import CredentialArgument
from sluicegate.acts.documents import SignedStatement
from sluicegate.acts.signatories import (
    AttestationEnd,
    AttestationView,
    KnownAttestation,
    KnownDeclaration,
    KnownSignatory,
    SignatoryArgument,
    SignatoryEnd,
    SignatoryFilter,
    SignatoryKey,
    SignatoryList,
    SignatoryView,
)
from sluicegate.core.lifecycle import Refusal
from sluicegate.core.lifecycle.attestations import (
    AttestCredential,
    DeclareIdentifiers,
    PinSignatory,
    RetireSignatory,
    WithdrawAttestation,
)
from sluicegate.core.lifecycle.credentials import credential_unknown
from sluicegate.service import access
from sluicegate.service.context import Context, does
from sluicegate.service.grants import grant_unknown
from sluicegate.service.paging import following, page
from sluicegate.service.persons import organization_of
from sluicegate_record.log import publickey
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.statements.people import Attestation, IdentifierDeclaration


@does(acts.PIN)
def pin(context: Context[KnownSignatory], asked: SignatoryKey) -> KnownSignatory | Refusal:
    """Let a key attest for the organization that holds a grant of the caller's. Raises: BadKey."""
    public = publickey.load(asked.key)
    organization = organization_of(context, asked.grant)
    if isinstance(organization, Refusal):
        return organization
    return context.execute(PinSignatory(organization, public))


@does(acts.RETIRE)
def retire(context: Context[SignatoryEnd], asked: SignatoryArgument) -> SignatoryEnd | Refusal:
    """Let a signatory attest no more; what it attests now ends."""
    organization = organization_of(context, asked.grant)
    if isinstance(organization, Refusal):
        return organization
    return context.execute(RetireSignatory(organization, asked.signatory))


@does(acts.LIST)
def listed(context: Context[SignatoryList], asked: SignatoryFilter) -> SignatoryList | Refusal:
    """The signatories of an organization, oldest first, and what they attest of its credentials."""
    organization = organization_of(context, asked.grant)
    if isinstance(organization, Refusal):
        return organization
    with context.ledger.reading() as state:
        pinned = state.registry.signatories.get(organization, {}).values()
        shown, is_cut = page(following(pinned, asked.before, lambda each: each.id), asked.limit)
        signatories = tuple(
            SignatoryView(signatory=each.id, keyid=each.keyid, public_key=each.public) for each in shown
        )
        attested = tuple(
            AttestationView(credential=name, signatory=each.id, digest=state.registry.attested[name][1])
            for each in shown
            for name in state.registry.attesting.get(each.keyid, ())
            if state.table.credentials_by_id[name].grant.organization == organization
        )
    return SignatoryList(signatories=signatories, attested=attested, next=shown[-1].id if is_cut else None)


@does(acts.ATTEST)
def attest(context: Context[KnownAttestation], asked: SignedStatement) -> KnownAttestation | Refusal:
    """Put a signed attestation in force. Raises: BadEnvelope."""
    envelope = Envelope.from_json(asked.envelope)
    credential = Attestation.read(envelope).credential
    if not _holds(context, credential):
        return credential_unknown(credential)
    return context.execute(AttestCredential(envelope))


@does(acts.DECLARE)
def declare(context: Context[KnownDeclaration], asked: SignedStatement) -> KnownDeclaration | Refusal:
    """Put a signed declaration about identifiers in force. Raises: BadEnvelope."""
    envelope = Envelope.from_json(asked.envelope)
    stated = IdentifierDeclaration.read(envelope)
    with context.ledger.reading() as state:
        name = stated.grant or state.grant_of(stated.credential or "") or ""
        grant = state.table.grants_by_id.get(name)
        is_own = grant is not None and access.looks_after(context.principal, state, grant.organization)
    if not is_own:
        return credential_unknown(stated.credential or "") if stated.credential else grant_unknown(name)
    return context.execute(DeclareIdentifiers(envelope))


@does(acts.WITHDRAW)
def withdraw(context: Context[AttestationEnd], asked: CredentialArgument) -> AttestationEnd | Refusal:
    """Withdraw the attestation of a credential of the caller's."""
    if not _holds(context, asked.credential):
        return credential_unknown(asked.credential)
    return context.execute(WithdrawAttestation(asked.credential))


def _holds(context: Context[Any], credential: str) -> bool:
    with context.ledger.reading() as state:
        found = state.table.credentials_by_id.get(credential)
        return found is not None and access.looks_after(context.principal, state, found.grant.organization)
