"""Credentials: issue under a grant, revoke."""

from __future__ import annotations

from typing import Any

from sluicegate.core.lifecycle import Refusal
from sluicegate.core.lifecycle.credentials import DIGEST, IssueCredential, RevokeCredential
from sluicegate.errors import InvalidInput
from sluicegate.ports import Principal
from sluicegate.service import access
from sluicegate.service.ledger import Ledger


def issue(  # noqa: PLR0913 - a key, and for whom
    ledger: Ledger, principal: Principal, command_id: str, grant: str, digest: str, member: str | None = None
) -> dict[str, Any] | Refusal:
    """Register a key by its digest under a grant of the caller's, for a member alone if one is named."""
    if not DIGEST.fullmatch(digest):
        raise InvalidInput("the digest of a key is 64 lower-case hex digits of SHA-256")
    if not _holds(ledger, principal, grant):
        return Refusal(
            "unknown", "grant_unknown", f"no grant {grant[:80]!r}", "'application show' names your grant"
        )
    command = IssueCredential(grant, digest, member)
    request = ["issue", grant, digest, *([member] if member is not None else [])]
    return ledger.execute(command, by=principal.id, command_id=command_id, request=request)


def revoke(
    ledger: Ledger, principal: Principal, command_id: str, credential: str
) -> dict[str, Any] | Refusal:
    """Revoke a credential of the caller's."""
    with ledger.reading() as state:
        grant = state.credentials.get(credential, "")
    if not _holds(ledger, principal, grant):
        return Refusal("unknown", "credential_unknown", f"no credential {credential[:80]!r}")
    command = RevokeCredential(credential)
    return ledger.execute(command, by=principal.id, command_id=command_id, request=["revoke", credential])


def _holds(ledger: Ledger, principal: Principal, grant: str) -> bool:
    with ledger.reading() as state:
        found = state.grants.get(grant)
        if found is None:
            return False
        applicant = state.cases[found.case].applicant
        return principal.role == access.DEVELOPER or applicant == principal.id
