"""Signatories of organizations, and what they attest of all persons who can reach a credential.

They also declare what the identifiers mean that requests send.

Rules:
- Only a signatory of the organization that holds the credential attests it, for this log, for a limited time.
- An attestation counts once. After it is withdrawn or replaced, it cannot be used again.
- When a signatory is retired, its present attestations and declarations end.
- The envelope goes to the gate part, because statuses are not public.
"""

from __future__ import annotations

from dataclasses import dataclass

from sluicegate.acts.signatories import (
    AttestationEnd,
    KnownAttestation,
    KnownDeclaration,
    KnownSignatory,
    SignatoryEnd,
)
from sluicegate.core.lifecycle.answer import Acceptance, Command, Refusal, SignedCommand
from sluicegate.core.lifecycle.credentials import credential_unknown, issue_another
from sluicegate.core.lifecycle.keys import other_log
from sluicegate.core.lifecycle.persons import member_unknown
from sluicegate.core.lifecycle.state import State
from sluicegate_record.entries import Draft
from sluicegate_record.entries.credentials import AttestationRow, CredentialAttested, IdentifiersDeclared
from sluicegate_record.entries.people import SignatoryPinned, SignatoryRetired
from sluicegate_record.log import dsse, publickey, times
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.log.leaf import Entropy
from sluicegate_record.log.publickey import PublicKey
from sluicegate_record.log.times import DAY_MS
from sluicegate_record.statements.people import PERSONS, Attestation, IdentifierDeclaration

SIGNATORIES_MAX = 10
AHEAD_MAX_MS = 366 * DAY_MS
"""How far in the future an attestation may end."""


@dataclass(frozen=True, slots=True)
class PinSignatory(Command):
    """Allow a key to attest for an organization; `public` is the key in its form."""

    organization: str
    public: bytes


@dataclass(frozen=True, slots=True)
class RetireSignatory(Command):
    """Stop a signatory from attesting; `signatory` is its id."""

    organization: str
    signatory: str


@dataclass(frozen=True, slots=True)
class AttestCredential(SignedCommand):
    """Put a signed attestation of a credential in force. It replaces the one before."""


@dataclass(frozen=True, slots=True)
class DeclareIdentifiers(SignedCommand):
    """Put in force what identifiers mean that requests send, as a signatory has declared it."""


@dataclass(frozen=True, slots=True)
class WithdrawAttestation(Command):
    """End the attestation of a credential."""

    credential: str


def pin_signatory(state: State, command: PinSignatory, now_ms: int, entropy: Entropy) -> Acceptance | Refusal:
    """Decide `PinSignatory`.

    Pinning the same key again changes nothing. A key of a party signs for that party only.
    """
    keyid = publickey.keyid(command.public)
    pinned = state.registry.signatories.get(command.organization, {})
    if keyid in pinned:
        return Acceptance([], KnownSignatory(signatory=pinned[keyid].id, keyid=keyid))
    if keyid in state.keys:
        said = f"this key is pinned for {state.keys[keyid].party!r}"
        return Refusal("conflict", "key_of_another_party", said, "make another key for your signatory")
    if len(pinned) >= SIGNATORIES_MAX:
        said = f"an organization has at most {SIGNATORIES_MAX} signatories"
        return Refusal("conflict", "too_many_signatories", said, "retire one")
    body = SignatoryPinned(
        signatory=entropy.name("sig"),
        keyid=keyid,
        public_key=command.public,
        organization=command.organization,
    )
    draft = Draft.of("signatories", body, entropy)
    return Acceptance([draft], KnownSignatory(signatory=body.signatory, keyid=keyid))


def retire_signatory(
    state: State, command: RetireSignatory, now_ms: int, entropy: Entropy
) -> Acceptance | Refusal:
    """Decide `RetireSignatory`."""
    pinned = state.registry.signatories.get(command.organization, {}).values()
    found = next((each for each in pinned if each.id == command.signatory), None)
    if found is None:
        said = f"no signatory {command.signatory[:80]!r}"
        return Refusal(
            "unknown", "signatory_unknown", said, "'sluicegate signatory list --grant GRANT' shows yours"
        )
    ended = [
        name
        for name in state.registry.attesting.get(found.keyid, ())
        if _organization(state, name) == command.organization
    ]
    declared = [
        name
        for name in state.registry.declaring.get(found.keyid, ())
        if _holder(state, name) == command.organization
    ]
    drafts = [_withdrawn(name, entropy) for name in ended]
    drafts += [_undeclared(state, name, entropy) for name in declared]
    body = SignatoryRetired(signatory=found.id, keyid=found.keyid, organization=command.organization)
    drafts.append(Draft.of("signatories", body, entropy))
    return Acceptance(
        drafts,
        SignatoryEnd(signatory=found.id, withdrawn=tuple(ended), undeclared=tuple(declared)),
    )


def attest_credential(
    state: State, command: AttestCredential, now_ms: int, entropy: Entropy
) -> Acceptance | Refusal:
    """Decide `AttestCredential`. The same attestation again changes nothing.

    Raises: BadEnvelope: not an attestation.
    """
    stated = Attestation.read(command.envelope)
    organization = _organization(state, stated.credential)
    if organization is None:
        return credential_unknown(stated.credential)
    keyid = _signatory(state, organization, command.envelope)
    if isinstance(keyid, Refusal):
        return keyid
    refusal = _unfit(state, organization, stated, now_ms)
    if refusal is not None:
        return refusal
    digest = command.envelope.digest
    result = KnownAttestation(credential=stated.credential, until_ms=stated.until_ms, digest=digest)
    if state.registry.attested.get(stated.credential, ("", ""))[1] == digest:
        return Acceptance([], result)
    if digest in state.registry.spent:
        said = "this attestation was withdrawn, or replaced"
        return Refusal("conflict", "attestation_spent", said, "have the signatory sign another one")
    body = CredentialAttested(
        credential=stated.credential,
        attested=_attested(stated, keyid, digest),
        envelope=command.envelope,
    )
    return Acceptance([Draft.of(stated.credential, body, entropy)], result)


def declare_identifiers(
    state: State, command: DeclareIdentifiers, now_ms: int, entropy: Entropy
) -> Acceptance | Refusal:
    """Decide `DeclareIdentifiers`. The same declaration again changes nothing.

    Raises: BadEnvelope: not a declaration.
    """
    stated = IdentifierDeclaration.read(command.envelope)
    about = stated.credential or stated.grant or ""
    organization = _holder(state, about) if (about in state.grants) is (stated.grant is not None) else None
    if organization is None:
        said = f"no credential or grant {about[:80]!r}"
        remedy = "'sluicegate credential list' and 'sluicegate grant list' show yours"
        return Refusal("unknown", "subject_unknown", said, remedy)
    keyid = _signatory(state, organization, command.envelope)
    if isinstance(keyid, Refusal):
        return keyid
    if stated.log != state.log:
        return other_log()
    digest = command.envelope.digest
    result = KnownDeclaration(
        credential=stated.credential, grant=stated.grant, identifiers=stated.identifiers, digest=digest
    )
    if state.registry.declared.get(about, ("", ""))[1] == digest:
        return Acceptance([], result)
    if digest in state.registry.spent:
        said = "this declaration was made before, and has ended"
        return Refusal("conflict", "declaration_spent", said, "have the signatory sign another one")
    body = IdentifiersDeclared(
        credential=stated.credential,
        grant=stated.grant,
        identifiers=stated.identifiers,
        envelope=command.envelope,
        keyid=keyid,
    )
    return Acceptance([Draft.of(about, body, entropy)], result)


def withdraw_attestation(
    state: State, command: WithdrawAttestation, now_ms: int, entropy: Entropy
) -> Acceptance | Refusal:
    """Decide `WithdrawAttestation`. Withdrawing again changes nothing."""
    if state.grant_of(command.credential) is None:
        return credential_unknown(command.credential)
    is_attested = command.credential in state.registry.attested
    drafts = [_withdrawn(command.credential, entropy)] if is_attested else []
    return Acceptance(drafts, AttestationEnd(credential=command.credential))


def _organization(state: State, credential: str) -> str | None:
    """The organization that holds a credential, if there is such a credential."""
    found = state.table.credentials_by_id.get(credential)
    return None if found is None else found.grant.organization


def _holder(state: State, about: str) -> str | None:
    """The organization that holds a credential or a grant, if there is one of this name."""
    grant = state.table.grants_by_id.get(about)
    return grant.organization if grant is not None else _organization(state, about)


def keys_for(state: State, command: AttestCredential | DeclareIdentifiers) -> dict[str, PublicKey]:
    """The keys by which a statement is checked: those of the organization that holds what it is about."""
    if isinstance(command, AttestCredential):
        organization = _organization(state, Attestation.read(command.envelope).credential)
    else:
        stated = IdentifierDeclaration.read(command.envelope)
        organization = _holder(state, stated.credential or stated.grant or "")
    return {} if organization is None else _pinned(state, organization)


def _pinned(state: State, organization: str) -> dict[str, PublicKey]:
    pinned = state.registry.signatories.get(organization, {})
    return {keyid: PublicKey(each.public) for keyid, each in pinned.items()}


def _signatory(state: State, organization: str, envelope: Envelope) -> str | Refusal:
    """The key id of the organization's signatory that signed an envelope."""
    signed = dsse.verify(envelope, _pinned(state, organization))
    if signed:
        return min(signed)
    said = "no valid signature by a signatory of the organization that holds the credential"
    return Refusal(
        "unverified",
        "signature_invalid",
        said,
        "pin its key, 'sluicegate signatory pin --grant GRANT KEY', and sign with it",
    )


def _unfit(state: State, organization: str, stated: Attestation, now_ms: int) -> Refusal | None:
    if stated.log != state.log:
        return other_log()
    if state.table.credentials_by_id[stated.credential].state.revoked:
        said = f"the credential {stated.credential!r} is revoked"
        return Refusal("conflict", "credential_revoked", said, issue_another(state, stated.credential))
    if not now_ms < stated.until_ms <= now_ms + AHEAD_MAX_MS:
        said = f"an attestation until {times.format_time(stated.until_ms)}, expected a time within 366 days"
        return Refusal("conflict", "until_out_of_range", said, "sign it again, for a shorter time")
    members = state.registry.members.get(organization, {})
    stranger = next((each for each in stated.excluded or () if each not in members), None)
    return member_unknown(stranger) if stranger is not None else None


def _attested(stated: Attestation, keyid: str, digest: str) -> AttestationRow:
    """What a signatory's statement attests, in the form of an entry."""
    return AttestationRow(
        statuses=tuple(sorted(stated.statuses)),
        until_ms=stated.until_ms,
        models=tuple(sorted(stated.models)) if stated.models is not None else None,
        excluded=tuple(sorted(stated.excluded)) if stated.excluded is not None else None,
        keyid=keyid,
        digest=digest,
    )


def _undeclared(state: State, about: str, entropy: Entropy) -> Draft:
    is_grant = about in state.grants
    body = IdentifiersDeclared(
        credential=None if is_grant else about, grant=about if is_grant else None, identifiers=PERSONS
    )
    return Draft.of(about, body, entropy)


def _withdrawn(credential: str, entropy: Entropy) -> Draft:
    return Draft.of(credential, CredentialAttested(credential=credential, attested=None), entropy)
