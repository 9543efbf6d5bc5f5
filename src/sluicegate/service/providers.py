"""Identity providers of organizations: registered, rotated, removed, and their keys fetched anew.

Rules:
- Keys are fetched at the control plane, never for a request. What cannot be fetched, or is no key set that
  fits, changes nothing and is told.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from sluicegate.core.lifecycle import Refusal
from sluicegate.core.lifecycle.providers import RegisterProvider, RemoveProvider, RotateKeys, provider_unknown
from sluicegate.core.people import assertion
from sluicegate.core.people.assertion import Provider
from sluicegate.errors import InvalidInput
from sluicegate.ports import Principal
from sluicegate.service import access
from sluicegate.service.ledger import Ledger
from sluicegate.service.persons import organization_of
from sluicegate_record.entries import people
from sluicegate_record.log import canonical

REFRESHER = "refresher"
"""Who rotates keys that were fetched."""


class KeyFetch(NamedTuple):
    """A provider whose keys are to be fetched from `url`."""

    provider: str
    url: str


def register(
    ledger: Ledger, principal: Principal, command_id: str, grant: str, asked: Mapping[str, Any]
) -> dict[str, Any] | Refusal:
    """Register a provider of the organization that holds a grant of the caller's.

    `asked` is `{issuer, audience, algorithms, jwks, jwks_url, max_age_s}`; `jwks` was given, or fetched.
    Raises: InvalidInput, BadKey: it is none.
    """
    organization = organization_of(ledger, principal, grant)
    if isinstance(organization, Refusal):
        return organization
    provider = Provider(
        asked["issuer"],
        asked["audience"],
        frozenset(asked["algorithms"]),
        assertion.read_jwks(asked["jwks"]),
        asked["max_age_s"],
    )
    command = RegisterProvider(organization, provider, asked.get("jwks_url"))
    request = ["provider", grant, {**asked, "jwks": None}]
    return ledger.execute(command, by=principal.id, command_id=command_id, request=request)


def rotate(
    ledger: Ledger, principal: Principal, command_id: str, provider: str, jwks: Any
) -> dict[str, Any] | Refusal:
    """Put another key set in the place of a provider's. Raises: BadKey."""
    if not _holds(ledger, principal, provider):
        return provider_unknown(provider)
    command = RotateKeys(provider, assertion.read_jwks(jwks))
    request = ["rotate", provider, sorted(command.keys)]
    return ledger.execute(command, by=principal.id, command_id=command_id, request=request)


def remove(ledger: Ledger, principal: Principal, command_id: str, provider: str) -> dict[str, Any] | Refusal:
    """Believe a provider no more."""
    if not _holds(ledger, principal, provider):
        return provider_unknown(provider)
    request = ["remove provider", provider]
    return ledger.execute(RemoveProvider(provider), by=principal.id, command_id=command_id, request=request)


def listed(
    ledger: Ledger, principal: Principal, grant: str, failures: Mapping[str, str]
) -> dict[str, Any] | Refusal:
    """The providers of an organization; `failures` says why keys could not be fetched the last time."""
    organization = organization_of(ledger, principal, grant)
    if isinstance(organization, Refusal):
        return organization
    with ledger.reading() as state:
        found = [
            _shown(each.stated, failures)
            for each in state.registry.providers.values()
            if each.organization == organization
        ]
    return {"providers": found}


def _shown(stated: people.ProviderRow, failures: Mapping[str, str]) -> dict[str, Any]:
    return {
        "provider": stated.provider,
        "issuer": stated.issuer,
        "audience": stated.audience,
        "algorithms": list(stated.algorithms),
        "maxAgeS": stated.max_age_s,
        "jwksUrl": stated.jwks_url,
        "kids": sorted(stated.keys),
        "failure": failures.get(stated.provider),
    }


def url_of(ledger: Ledger, principal: Principal, provider: str) -> str | Refusal:
    """Where the keys of a provider of the caller's are fetched from."""
    if not _holds(ledger, principal, provider):
        return provider_unknown(provider)
    with ledger.reading() as state:
        url = state.registry.providers[provider].stated.jwks_url
    said = f"the keys of {provider!r} are not fetched from anywhere"
    return url or Refusal("conflict", "no_url", said, "give the new key set")


def due(ledger: Ledger) -> list[KeyFetch]:
    """The providers whose keys are fetched, oldest first."""
    with ledger.reading() as state:
        urls = [(name, each.stated.jwks_url) for name, each in state.registry.providers.items()]
    return [KeyFetch(name, url) for name, url in urls if url is not None]


def fetched(ledger: Ledger, asked: KeyFetch, body: bytes) -> str:
    """Take in a key set that was fetched: an entry is written where it differs. Why it was not, or nothing.

    Raises: StoreUnavailable.
    """
    try:
        keys = assertion.read_jwks(read(body))
        command = RotateKeys(asked.provider, keys, asked.url)
        digest = canonical.digest([asked.provider, keys, ledger.size()])
        answer = ledger.execute(command, by=REFRESHER, command_id=digest)
    except InvalidInput as error:
        return error.message
    return answer.message if isinstance(answer, Refusal) else ""


def read(body: bytes) -> Any:
    """A key set as it was fetched. Raises: NotCanonical."""
    return canonical.loads(body, floats=True)


def _holds(ledger: Ledger, principal: Principal, provider: str) -> bool:
    with ledger.reading() as state:
        found = state.registry.providers.get(provider)
        return found is not None and access.administers(principal, state, found.organization)
