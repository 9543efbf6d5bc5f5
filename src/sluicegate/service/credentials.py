"""Credentials: issue under a grant, revoke."""

from __future__ import annotations

from typing import Any

from sluicegate.acts import credentials as acts
from sluicegate.acts.act import DEVELOPER
from sluicegate.acts.credentials import CredentialArgument, CredentialEnd, KeyDigest, KnownCredential
from sluicegate.core.access import apikey
from sluicegate.core.lifecycle import Refusal
from sluicegate.core.lifecycle.credentials import (
    DIGEST,
    IssueCredential,
    RevokeCredential,
    credential_unknown,
)
from sluicegate.errors import InvalidInput
from sluicegate.service.context import Context, does
from sluicegate.service.grants import grant_unknown


@does(acts.ISSUE)
def issue(context: Context[KnownCredential], asked: KeyDigest) -> KnownCredential | Refusal:
    """Register a key by its digest under a grant of the caller's, for a member alone if one is named."""
    if not DIGEST.fullmatch(asked.digest):
        raise InvalidInput("the digest of a key is 64 lower-case hex digits of SHA-256")
    if not _holds(context, asked.grant):
        return grant_unknown(asked.grant)
    return context.execute(IssueCredential(asked.grant, asked.digest, asked.member))


@does(acts.REVOKE)
def revoke(context: Context[CredentialEnd], asked: CredentialArgument) -> CredentialEnd | Refusal:
    """Revoke a credential of the caller's."""
    with context.ledger.reading() as state:
        grant = state.credentials.get(asked.credential, "")
    if asked.credential.startswith(apikey.KEY_PREFIX):
        raise InvalidInput("an API key, expected the credential that it belongs to, such as cred_6n3v…")
    if not _holds(context, grant):
        return credential_unknown(asked.credential)
    return context.execute(RevokeCredential(asked.credential))


def _holds(context: Context[Any], grant: str) -> bool:
    """Whether the caller holds a grant; the developer's staff act for every holder."""
    with context.ledger.reading() as state:
        found = state.grants.get(grant)
        if found is None:
            return False
        applicant = state.cases[found.case].applicant
    return context.principal.role == DEVELOPER or applicant == context.principal.id
