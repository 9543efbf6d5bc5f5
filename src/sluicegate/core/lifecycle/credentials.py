"""Credentials: issued under a grant, revoked at once, ended at a time.

Rules:
- The control plane never gets the key itself: its holder makes it, and sends the SHA-256 digest.
- A credential belongs to one grant, so approval on one surface never reaches another.
- An expiry is only ever made earlier.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sluicegate.acts.credentials import CredentialEnd, KnownCredential, RotatedCredential
from sluicegate.core.access.keylist import LABEL_MAX
from sluicegate.core.lifecycle.answer import Acceptance, Command, Refusal
from sluicegate.core.lifecycle.state import State
from sluicegate_record.entities.grant import ENDED
from sluicegate_record.entries import Draft
from sluicegate_record.entries.credentials import CredentialExpiring, CredentialIssued, CredentialRevoked
from sluicegate_record.log import leaf, times
from sluicegate_record.log.leaf import Entropy
from sluicegate_record.log.times import DAY_MS
from sluicegate_record.terms.text import is_plain

OVERLAP_MAX_MS = 90 * DAY_MS
"""How long two keys may be valid, of which one takes the place of the other."""
DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class IssueCredential(Command):
    """Register a key under a grant. `digest` is SHA-256 of the key, 64 lower-case hex digits.

    `member` is the only person who may use it; None means everyone in the organization. `label` is what its
    holder calls it. Units: `expires_ms` milliseconds since 1970 UTC; None is without end.
    """

    grant: str
    digest: str
    member: str | None = None
    label: str | None = None
    expires_ms: int | None = None


@dataclass(frozen=True, slots=True)
class RevokeCredential(Command):
    """Revoke a credential."""

    credential: str


@dataclass(frozen=True, slots=True)
class RotateCredential(Command):
    """Register a key in the place of another one, which ends after a while; `digest` as above.

    Units: `overlap_ms` is how long both keys can be used, milliseconds.
    """

    credential: str
    digest: str
    overlap_ms: int
    expires_ms: int | None = None
    label: str | None = None


def issue_credential(
    state: State, command: IssueCredential, now_ms: int, entropy: Entropy
) -> Acceptance | Refusal:
    """Decide `IssueCredential`."""
    refusal = no_grant(state, command.grant, now_ms) or _unfit(state, command, now_ms)
    if refusal is not None:
        return refusal
    credential = entropy.name("cred")
    body = CredentialIssued(
        credential=credential,
        grant=command.grant,
        digest=bytes.fromhex(command.digest),
        member=command.member,
        label=leaf.opening(command.label, entropy) if command.label is not None else None,
    )
    drafts = [Draft.of(credential, body, entropy)]
    if command.expires_ms is not None:
        drafts.append(_expiring(credential, command.expires_ms, entropy))
    return Acceptance(
        drafts,
        KnownCredential(
            credential=credential,
            grant=command.grant,
            member=command.member,
            label=command.label,
            expires_ms=command.expires_ms,
        ),
    )


def rotate_credential(
    state: State, command: RotateCredential, now_ms: int, entropy: Entropy
) -> Acceptance | Refusal:
    """Decide `RotateCredential`. The new key is for the same member. `label` is that of the old one; what is
    attested of that stays with it.
    """
    old = state.table.credentials_by_id.get(command.credential)
    if old is None or not old.state.counts:
        return credential_unknown(command.credential)
    if old.state.revoked or old.state.has_expired(now_ms):
        standing = "revoked" if old.state.revoked else "expired"
        said = f"the credential {old.id!r} is {standing}"
        return Refusal("conflict", f"credential_{standing}", said, issue_another(state, old.id))
    if not 0 < command.overlap_ms <= OVERLAP_MAX_MS:
        days = OVERLAP_MAX_MS // DAY_MS
        said = f"an overlap of more than {days} days, or of nothing"
        return Refusal(
            "conflict",
            "overlap_out_of_range",
            said,
            "'sluicegate credential revoke CREDENTIAL' ends a key at once",
        )
    member = old.member.id if old.member is not None else None
    issuing = IssueCredential(old.grant.id, command.digest, member, command.label, command.expires_ms)
    issued = issue_credential(state, issuing, now_ms, entropy)
    if isinstance(issued, Refusal):
        return issued
    assert isinstance(issued.result, KnownCredential)
    until_ms = now_ms + command.overlap_ms
    if old.state.has_expired(until_ms):
        assert old.state.expires_ms is not None
        until_ms, drafts = old.state.expires_ms, list(issued.drafts)
    else:
        drafts = [*issued.drafts, _expiring(old.id, until_ms, entropy)]
    attested = old.state.attested
    result = RotatedCredential(
        credential=issued.result.credential,
        grant=old.grant.id,
        member=member,
        expires_ms=command.expires_ms,
        replaces=old.id,
        until_ms=until_ms,
        attested=attested is not None and now_ms < attested.until_ms,
    )
    return Acceptance(drafts, result)


def _expiring(credential: str, until_ms: int, entropy: Entropy) -> Draft:
    return Draft.of(credential, CredentialExpiring(credential=credential, until_ms=until_ms), entropy)


def no_grant(state: State, name: str, now_ms: int) -> Refusal | None:
    """Why no key can be under a grant, or an account."""
    account = state.table.accounts.get(name)
    if account is not None:
        return None if account.barred is None else account_closed(name)
    grant = state.table.grants_by_id.get(name)
    if grant is None:
        return Refusal("unknown", "grant_unknown", f"no grant {name[:80]!r}")
    standing = state.grants[name].standing
    if standing in ENDED:
        said = f"grant {name!r} has ended: {standing}"
        return Refusal("conflict", f"grant_{standing}", said, "apply again")
    if grant.valid_until_ms is not None and grant.valid_until_ms <= now_ms:
        return Refusal("conflict", "grant_expired", f"grant {name!r} has expired", "apply again")
    return None


def account_closed(name: str) -> Refusal:
    """The refusal of a key under an account that was closed."""
    return Refusal("conflict", "account_closed", f"account {name!r} is closed", "open another one")


def _unfit(state: State, command: IssueCredential, now_ms: int) -> Refusal | None:
    """Why no such key can be issued. Requires: its grant can have keys."""
    if state.table.taken(bytes.fromhex(command.digest)) is not None:
        return Refusal("conflict", "key_known", "this key is already registered", "make a new key")
    members = state.registry.members.get(state.table.row(command.grant).organization, ())
    if command.member is not None and command.member not in members:
        said = f"no member {command.member[:80]!r} of the organization that holds {command.grant!r}"
        return Refusal(
            "unknown", "member_unknown", said, "'sluicegate member list --grant GRANT' shows yours"
        )
    label, expires_ms = command.label, command.expires_ms
    if label is not None and (not 1 <= len(label) <= LABEL_MAX or not is_plain(label)):
        said = f"a label of {len(label)} characters, expected 1 to {LABEL_MAX}, none of them invisible"
        return Refusal("conflict", "label_invalid", said)
    if expires_ms is not None and expires_ms <= now_ms:
        said = f"an expiry at {times.format_time(expires_ms)}, which has passed"
        return Refusal("conflict", "expiry_passed", said, "say a later time, or none")
    return None


def revoke_credential(
    state: State, command: RevokeCredential, now_ms: int, entropy: Entropy
) -> Acceptance | Refusal:
    """Decide `RevokeCredential`. Revoking again changes nothing."""
    if state.grant_of(command.credential) is None:
        return credential_unknown(command.credential)
    result = CredentialEnd(credential=command.credential)
    if state.table.credentials_by_id[command.credential].state.revoked:
        return Acceptance([], result)
    body = CredentialRevoked(credential=command.credential)
    return Acceptance([Draft(command.credential, body)], result)


def issue_another(state: State, credential: str) -> str:
    """What to do where a credential has ended."""
    return f"issue another one: 'sluicegate credential issue --grant {state.grant_of(credential)}'"


def credential_unknown(name: str) -> Refusal:
    """The refusal for a credential that does not exist, or that the asker may not know of."""
    said = f"no credential {name[:80]!r}"
    return Refusal("unknown", "credential_unknown", said, "'sluicegate credential list' shows yours")
