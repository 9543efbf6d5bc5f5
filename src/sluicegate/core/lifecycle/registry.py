"""What the rules know of persons beyond the table: who said how, who may attest, which providers there are.

Rules:
- It is a fold of the ledger, as the state is that holds it. It holds digests of identifiers, and no name.
- What is signed counts once: the digest of every assertion and attestation that was used is kept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sluicegate_record.log import canonical, events
from sluicegate_record.log.events import Entry


class Told(NamedTuple):
    """How a claim came about: by what `method`, sent by whom, out of which assertion by its digest.

    Units: `at_ms` milliseconds since 1970 UTC.
    """

    method: str
    by: str
    at_ms: int
    assertion: str | None = None


class Signatory(NamedTuple):
    """A key of an organization's signatory; `id` is what the public record calls it."""

    id: str
    keyid: str
    public: bytes


class Provided(NamedTuple):
    """An identity provider, as it stands in the gate part of its entry."""

    organization: str
    stated: dict[str, Any]


@dataclass(slots=True)
class Registry:
    """Persons, signatories and providers, at one size of the log."""

    members: dict[str, dict[str, tuple[str, ...]]] = field(default_factory=dict)
    """Those of an organization, oldest first, with the digests of their identifiers, in hex."""
    told: dict[tuple[str, str], Told] = field(default_factory=dict)
    """By member and issuer."""
    signatories: dict[str, dict[str, Signatory]] = field(default_factory=dict)
    """Those of an organization, by key id."""
    attested: dict[str, tuple[str, str]] = field(default_factory=dict)
    """The attestation of a credential: the key id that signed it, and its digest."""
    providers: dict[str, Provided] = field(default_factory=dict)
    spent: set[str] = field(default_factory=set)
    """Digests of the assertions and attestations that have been used."""


def _members_registered(registry: Registry, entry: Entry) -> None:
    members = registry.members.setdefault(entry.gate_value("organization"), {})
    for row in entry.gate_value("members"):
        members[row["member"]] = members.get(row["member"], ()) + tuple(row["identifiers"])


def _members_removed(registry: Registry, entry: Entry) -> None:
    gone = set(entry.gate_value("members"))
    members = registry.members[entry.gate_value("organization")]
    for member in gone:
        del members[member]
    for key in [key for key in registry.told if key[0] in gone]:
        del registry.told[key]


def _status_claimed(registry: Registry, entry: Entry) -> None:
    for row in entry.gate_value("claims"):
        told = Told(row.get("method", ""), entry.by, entry.at_ms, row.get("assertion"))
        registry.told[row["member"], row["issuer"]] = told
        if told.assertion is not None:
            registry.spent.add(told.assertion)


def _status_revoked(registry: Registry, entry: Entry) -> None:
    for row in entry.gate_value("claims"):
        registry.told.pop((row["member"], row["issuer"]), None)


def _signatory_pinned(registry: Registry, entry: Entry) -> None:
    public = entry.public
    pinned = Signatory(public["signatory"], public["keyid"], canonical.unb64(public["publicKey"]))
    registry.signatories.setdefault(entry.gate_value("organization"), {})[pinned.keyid] = pinned


def _signatory_retired(registry: Registry, entry: Entry) -> None:
    del registry.signatories[entry.gate_value("organization")][entry.public["keyid"]]


def _credential_attested(registry: Registry, entry: Entry) -> None:
    credential, stated = entry.public["credential"], entry.gate_value("attested")
    registry.attested.pop(credential, None)
    if stated is not None and "digest" in stated:
        registry.attested[credential] = (stated["keyid"], stated["digest"])
        registry.spent.add(stated["digest"])


def _provider_registered(registry: Registry, entry: Entry) -> None:
    stated = entry.gate_value("provider")
    registry.providers[stated["provider"]] = Provided(entry.gate_value("organization"), stated)


def _provider_removed(registry: Registry, entry: Entry) -> None:
    del registry.providers[entry.public["provider"]]


FOLDS: dict[str, Callable[[Registry, Entry], None]] = {
    events.MEMBERS_REGISTERED: _members_registered,
    events.MEMBERS_REMOVED: _members_removed,
    events.STATUS_CLAIMED: _status_claimed,
    events.STATUS_REVOKED: _status_revoked,
    events.SIGNATORY_PINNED: _signatory_pinned,
    events.SIGNATORY_RETIRED: _signatory_retired,
    events.CREDENTIAL_ATTESTED: _credential_attested,
    events.PROVIDER_REGISTERED: _provider_registered,
    events.PROVIDER_REMOVED: _provider_removed,
}
