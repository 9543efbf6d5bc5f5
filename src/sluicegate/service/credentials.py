"""Credentials: list, issue under a grant, revoke.

Rules:
- A credential is listed for those who may see its grant; its member only for who looks after the members.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from sluicegate.acts import credentials as acts
from sluicegate.acts.act import DEVELOPER
from sluicegate.acts.credentials import (
    CredentialArgument,
    CredentialEnd,
    CredentialFilter,
    CredentialList,
    CredentialSummary,
    KeyDigest,
    KnownCredential,
)
from sluicegate.core.access import apikey
from sluicegate.core.lifecycle import Refusal, State
from sluicegate.core.lifecycle.credentials import (
    DIGEST,
    IssueCredential,
    RevokeCredential,
    credential_unknown,
)
from sluicegate.errors import InvalidInput
from sluicegate.ports import Principal
from sluicegate.service import access
from sluicegate.service.casefile import grant_of
from sluicegate.service.cases import seen_of
from sluicegate.service.context import Context, does
from sluicegate.service.grants import grant_unknown
from sluicegate.service.holdings import Search, legal_names
from sluicegate_record.entities.grant import Grant


@does(acts.LIST)
def listed(context: Context[CredentialList], wanted: CredentialFilter) -> CredentialList | Refusal:
    """The credentials under the grants that the reader may see, by grant, each grant's newest first."""
    for grant in (wanted.grant, _grant_of(context, wanted.before)):
        if grant is not None and not _sees(context, grant):
            return grant_unknown(grant) if grant == wanted.grant else credential_unknown(wanted.before or "")
    page = list(islice(_found(context, wanted), wanted.limit + 1))
    shown = page[: wanted.limit]
    names = legal_names(context.ledger, {grant.id: grant for grant, _ in shown}.values())
    with context.ledger.reading() as state:
        rows = tuple(
            _summary(state, context.principal, grant, name, names[grant.id]) for grant, name in shown
        )
        more = shown[-1][1] if len(page) > len(shown) else None
        return CredentialList(size=state.size, credentials=rows, next=more)


def _found(context: Context[Any], wanted: CredentialFilter) -> Iterator[tuple[Grant, str]]:
    """The wanted credentials after `before`, each with its grant."""
    ledger, before = context.ledger, wanted.before
    since = wanted.grant or _grant_of(context, before)
    search = Search(ledger, context.principal, wanted, is_keyed=True)
    for grant in search.found(since, inclusive=True):
        if wanted.grant not in {None, grant.id}:
            return
        with ledger.reading() as state:
            names = state.provisioned[grant.id][::-1]
        if before in names:
            names = names[names.index(before) + 1 :]
        yield from ((grant, name) for name in names)


def _sees(context: Context[Any], grant: str) -> bool:
    with context.ledger.reading() as state:
        return not isinstance(seen_of(state, context.principal, grant), Refusal)


def _grant_of(context: Context[Any], credential: str | None) -> str | None:
    """The grant of a credential; no grant's name if there is no such credential."""
    if credential is None:
        return None
    with context.ledger.reading() as state:
        return state.credentials.get(credential, "")


def _summary(
    state: State, principal: Principal, grant: Grant, name: str, organization: str
) -> CredentialSummary:
    row, shown = state.table.credential(name), grant_of(state, grant.id)
    assert shown is not None, f"no grant {grant.id}"
    is_theirs = access.administers(principal, state, grant.organization)
    return CredentialSummary(
        credential=name,
        grant=grant.id,
        organization=organization,
        release=grant.release,
        stage=grant.stage,
        surface=grant.surface,
        state="revoked" if row.revoked else "valid",
        grant_state=shown.state,
        member=row.member.id if row.member is not None and is_theirs else None,
    )


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
        applicant = state.cases[found.case].principal
    return context.principal.role == DEVELOPER or applicant == context.principal.id
