"""Credentials: issued under a grant, revoked at once.

Rules:
- The control plane never gets the key itself: its holder makes it, and sends the SHA-256 digest.
- A credential belongs to one grant, so approval on one surface never reaches another.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sluicegate.acts.credentials import CredentialEnd, KnownCredential
from sluicegate.core.lifecycle.answer import Acceptance, Command, Refusal
from sluicegate.core.lifecycle.state import State
from sluicegate_record.entities.grant import ENDED
from sluicegate_record.entries import Draft
from sluicegate_record.entries.credentials import CredentialIssued, CredentialRevoked
from sluicegate_record.log.leaf import Entropy

DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class IssueCredential(Command):
    """Register a key under a grant. `digest` is SHA-256 of the key, 64 lower-case hex digits.

    `member` is the only person who may use it; None means everyone in the organization.
    """

    grant: str
    digest: str
    member: str | None = None


@dataclass(frozen=True, slots=True)
class RevokeCredential(Command):
    """Revoke a credential."""

    credential: str


def issue_credential(
    state: State, command: IssueCredential, now_ms: int, entropy: Entropy
) -> Acceptance | Refusal:
    """Decide `IssueCredential`."""
    grant = state.table.grants_by_id.get(command.grant)
    if grant is None:
        return Refusal("unknown", "grant_unknown", f"no grant {command.grant[:80]!r}")
    standing = state.grants[grant.id].standing
    if standing in ENDED:
        said = f"grant {grant.id!r} has ended: {standing}"
        return Refusal("conflict", f"grant_{standing}", said, "apply again")
    if grant.valid_until_ms is not None and grant.valid_until_ms <= now_ms:
        return Refusal("conflict", "grant_expired", f"grant {grant.id!r} has expired", "apply again")
    digest = bytes.fromhex(command.digest)
    if digest in state.table.credentials:
        return Refusal("conflict", "key_known", "this key is already registered", "make a new key")
    members = state.registry.members.get(grant.organization, ())
    if command.member is not None and command.member not in members:
        said = f"no member {command.member[:80]!r} of the organization that holds {grant.id!r}"
        return Refusal("unknown", "member_unknown", said, "'member list' shows yours")
    credential = entropy.name("cred")
    body = CredentialIssued(credential=credential, grant=grant.id, digest=digest, member=command.member)
    result = KnownCredential(credential=credential, grant=grant.id, member=command.member)
    return Acceptance([Draft.of(credential, body, entropy)], result)


def revoke_credential(
    state: State, command: RevokeCredential, now_ms: int, entropy: Entropy
) -> Acceptance | Refusal:
    """Decide `RevokeCredential`. Revoking again changes nothing."""
    if command.credential not in state.credentials:
        return credential_unknown(command.credential)
    result = CredentialEnd(credential=command.credential)
    if state.table.revoked(command.credential):
        return Acceptance([], result)
    body = CredentialRevoked(credential=command.credential)
    return Acceptance([Draft(command.credential, body)], result)


def credential_unknown(name: str) -> Refusal:
    """The refusal for a credential that does not exist, or that the asker may not know of."""
    return Refusal("unknown", "credential_unknown", f"no credential {name[:80]!r}")
