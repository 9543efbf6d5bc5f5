"""What the rules know of persons beyond the table: who claimed what and how, who may attest,
which providers exist.

Rules:
- It is a fold of the ledger, as the state is that holds it. It holds digests of identifiers, and no name.
- A signed statement counts once: the digests of all assertions and attestations that were used are kept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sluicegate_record.entries import Body, Entry, credentials, people, seen
from sluicegate_record.statements.people import NONE


class ClaimOrigin(NamedTuple):
    """How a claim came about: by which `method`, sent by which person or program in which command,
    and from which assertion (its digest).

    Units: `at_ms` milliseconds since 1970 UTC.
    """

    method: str
    by: str
    command: str
    at_ms: int
    assertion: str | None = None


class SignatoryPin(NamedTuple):
    """A key of an organization's signatory; `id` is its name in the public record."""

    id: str
    keyid: str
    public: bytes


class RegisteredProvider(NamedTuple):
    """An identity provider of an organization, as in its entry."""

    organization: str
    stated: people.ProviderRow


@dataclass(slots=True)
class Registry:
    """Persons, signatories and providers, at one size of the log."""

    members: dict[str, dict[str, tuple[bytes, ...]]] = field(default_factory=dict)
    """The members of each organization, oldest first, with the digests of their identifiers."""
    told: dict[str, dict[str, ClaimOrigin]] = field(default_factory=dict)
    """The origin of a claim, by member and issuer."""
    signatories: dict[str, dict[str, SignatoryPin]] = field(default_factory=dict)
    """The signatories of each organization, by key id."""
    attested: dict[str, tuple[str, str]] = field(default_factory=dict)
    """The attestation of each credential: the key id that signed it, and its digest."""
    attesting: dict[str, dict[str, None]] = field(default_factory=dict)
    """The credentials that each key attests, by key id, oldest attestation first."""
    providers: dict[str, RegisteredProvider] = field(default_factory=dict)
    declared: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Who declared that identifiers name no one, by credential or grant: the key id, and the digest."""
    declaring: dict[str, dict[str, None]] = field(default_factory=dict)
    """The credentials and grants about which each key declares that, by key id, the oldest first."""
    spent: set[str] = field(default_factory=set)
    """Digests of the assertions, attestations and declarations that have been used."""


def _members_registered(registry: Registry, entry: Entry, body: people.MembersRegistered) -> None:
    members = registry.members.setdefault(seen(body.organization), {})
    for row in seen(body.members):
        members[row.member] = members.get(row.member, ()) + row.identifiers


def _members_removed(registry: Registry, entry: Entry, body: people.MembersRemoved) -> None:
    gone = set(seen(body.members))
    members = registry.members[seen(body.organization)]
    for member in gone:
        del members[member]
        registry.told.pop(member, None)


def _status_claimed(registry: Registry, entry: Entry, body: people.StatusClaimed) -> None:
    for claim in seen(body.claims):
        told = ClaimOrigin(claim.method or "", entry.by, entry.id, entry.at_ms, claim.assertion)
        registry.told.setdefault(claim.member, {})[claim.issuer] = told
        if told.assertion is not None:
            registry.spent.add(told.assertion)


def _status_revoked(registry: Registry, entry: Entry, body: people.StatusRevoked) -> None:
    for claim in seen(body.claims):
        registry.told.get(claim.member, {}).pop(claim.issuer, None)


def _signatory_pinned(registry: Registry, entry: Entry, body: people.SignatoryPinned) -> None:
    pinned = SignatoryPin(body.signatory, body.keyid, body.public_key)
    registry.signatories.setdefault(seen(body.organization), {})[pinned.keyid] = pinned


def _signatory_retired(registry: Registry, entry: Entry, body: people.SignatoryRetired) -> None:
    del registry.signatories[seen(body.organization)][body.keyid]


def _credential_attested(registry: Registry, entry: Entry, body: credentials.CredentialAttested) -> None:
    attested = seen(body.attested)
    before = registry.attested.pop(body.credential, None)
    if before is not None:
        del registry.attesting[before[0]][body.credential]
    if attested is None or attested.digest is None:
        return
    if attested.keyid is None:
        raise KeyError("keyid")
    registry.attested[body.credential] = (attested.keyid, attested.digest)
    registry.attesting.setdefault(attested.keyid, {})[body.credential] = None
    registry.spent.add(attested.digest)


def _identifiers_declared(registry: Registry, entry: Entry, body: credentials.IdentifiersDeclared) -> None:
    about = body.credential or body.grant or ""
    before = registry.declared.pop(about, None)
    if before is not None:
        del registry.declaring[before[0]][about]
    envelope = seen(body.envelope)
    if envelope is None:
        return
    registry.spent.add(envelope.digest)
    keyid = seen(body.keyid)
    if seen(body.identifiers) == NONE and keyid is not None:
        registry.declared[about] = (keyid, envelope.digest)
        registry.declaring.setdefault(keyid, {})[about] = None


def _provider_registered(registry: Registry, entry: Entry, body: people.ProviderRegistered) -> None:
    stated = seen(body.provider)
    registry.providers[stated.provider] = RegisteredProvider(seen(body.organization), stated)


def _provider_removed(registry: Registry, entry: Entry, body: people.ProviderRemoved) -> None:
    del registry.providers[body.provider]


FOLDS: dict[type[Body], Callable[[Registry, Entry, Any], None]] = {
    people.MembersRegistered: _members_registered,
    people.MembersRemoved: _members_removed,
    people.StatusClaimed: _status_claimed,
    people.StatusRevoked: _status_revoked,
    people.SignatoryPinned: _signatory_pinned,
    people.SignatoryRetired: _signatory_retired,
    credentials.CredentialAttested: _credential_attested,
    credentials.IdentifiersDeclared: _identifiers_declared,
    people.ProviderRegistered: _provider_registered,
    people.ProviderRemoved: _provider_removed,
}
