"""Identity providers of organizations: registered, rotated, removed, and their keys fetched again.

Rules:
- Keys are fetched at the control plane, never for a request. If a key set cannot be fetched, or
  does not fit, nothing changes and the caller gets the reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from sluicegate.acts import providers as acts
from sluicegate.acts.fleet import MissingKey
from sluicegate.acts.growth import daily
from sluicegate.acts.providers import (
    KeyChange,
    KeyRotation,
    KnownProvider,
    ProviderArgument,
    ProviderFilter,
    ProviderList,
    ProviderRegistration,
    ProviderView,
)
from sluicegate.core.lifecycle import Refusal
from sluicegate.core.lifecycle.providers import RegisterProvider, RemoveProvider, RotateKeys, provider_unknown
from sluicegate.core.people import assertion
from sluicegate.core.people.assertion import Provider
from sluicegate.errors import InvalidInput
from sluicegate.service import access, allowance
from sluicegate.service.context import Context, does
from sluicegate.service.ledger import Ledger
from sluicegate.service.paging import following, page
from sluicegate.service.persons import organization_of
from sluicegate.settings import DailyLimits
from sluicegate_record.entries import people
from sluicegate_record.form import replace
from sluicegate_record.log import canonical

SIGNERS = daily("signers")
UNUSABLE_MAX = 1_000
"""How many characters are kept of what is said of unusable keys."""
REFRESHER = "refresher"
"""Who rotates keys that were fetched."""


class FetchedKeys(NamedTuple):
    """What was fetched from a URL, and for how long it may be kept, if the answer says so.

    Units: `max_age_s` seconds.
    """

    body: bytes
    max_age_s: float | None = None


def note_missing(context: Context[Any], missing: Iterable[MissingKey]) -> None:
    """Have the keys of providers fetched at once, where a gateway has seen a `kid` that they do not have."""
    with context.ledger.reading() as state:
        for each in missing:
            found = state.registry.providers.get(each.provider)
            if found is not None and found.stated.jwks_url and each.kid not in found.stated.keys:
                context.services.key_news.add(each.provider)


class KeyFetch(NamedTuple):
    """A provider whose keys are to be fetched from `url`."""

    provider: str
    url: str


def registered_from(context: Context[Any], asked: ProviderRegistration) -> str | Refusal:
    """The URL of the keys of a provider that the caller may register. Raises: InvalidInput: no URL."""
    organization = organization_of(context, asked.grant)
    if isinstance(organization, Refusal):
        return organization
    if asked.jwks_url is None:
        raise InvalidInput("no keys, expected 'jwks' or 'jwks_url'")
    return asked.jwks_url


@does(acts.REGISTER)
def register(context: Context[KnownProvider], asked: ProviderRegistration) -> KnownProvider | Refusal:
    """Register a provider of the organization that holds a grant of the caller's.

    Raises: InvalidInput, BadKey: not a provider, or not a key set.
    """
    organization = organization_of(context, asked.grant)
    if isinstance(organization, Refusal):
        return organization
    given = assertion.read_jwks(asked.jwks)
    provider = Provider(
        asked.issuer, asked.audience, frozenset(asked.algorithms), given.keys, asked.max_age_s
    )
    answer = context.execute(RegisterProvider(organization, provider, asked.jwks_url))
    return answer if isinstance(answer, Refusal) else replace(answer, unusable=given.unusable)


def rotated_from(context: Context[Any], asked: KeyRotation) -> str | Refusal:
    """The URL from which the keys of a provider of the caller's are fetched."""
    if not _holds(context, asked.provider):
        return provider_unknown(asked.provider)
    with context.ledger.reading() as state:
        url = state.registry.providers[asked.provider].stated.jwks_url
    said = f"the keys of {asked.provider!r} are not fetched from anywhere"
    return url or Refusal("conflict", "no_url", said, "give the new key set")


@does(acts.ROTATE)
def rotate(context: Context[KeyChange], asked: KeyRotation) -> KeyChange | Refusal:
    """Put another key set in the place of a provider's. Raises: BadKey."""
    if not _holds(context, asked.provider):
        return provider_unknown(asked.provider)
    given = assertion.read_jwks(asked.jwks)
    answer = context.execute(RotateKeys(asked.provider, given.keys))
    return answer if isinstance(answer, Refusal) else replace(answer, unusable=given.unusable)


@does(acts.REMOVE)
def remove(context: Context[KnownProvider], asked: ProviderArgument) -> KnownProvider | Refusal:
    """Believe a provider no more."""
    if not _holds(context, asked.provider):
        return provider_unknown(asked.provider)
    return context.execute(RemoveProvider(asked.provider))


@does(acts.LIST)
def listed(context: Context[ProviderList], asked: ProviderFilter) -> ProviderList | Refusal:
    """The providers of an organization, oldest first, and why keys could not be fetched the last time."""
    organization = organization_of(context, asked.grant)
    if isinstance(organization, Refusal):
        return organization
    with context.ledger.reading() as state:
        known = state.table.providers.get(organization, ())
        shown, is_cut = page(following(known, asked.before, str), asked.limit)
        found = tuple(
            _shown(state.registry.providers[name].stated, context.services.key_failures) for name in shown
        )
    return ProviderList(providers=found, next=shown[-1] if is_cut else None)


def _shown(stated: people.ProviderRow, failures: Mapping[str, str]) -> ProviderView:
    return ProviderView(
        provider=stated.provider,
        issuer=stated.issuer,
        audience=stated.audience,
        algorithms=stated.algorithms,
        max_age_s=stated.max_age_s,
        jwks_url=stated.jwks_url,
        kids=tuple(sorted(stated.keys)),
        failure=failures.get(stated.provider),
    )


def due(ledger: Ledger) -> list[KeyFetch]:
    """The providers whose keys are fetched, oldest first."""
    with ledger.reading() as state:
        urls = [(name, each.stated.jwks_url) for name, each in state.registry.providers.items()]
    return [KeyFetch(name, url) for name, url in urls if url is not None]


def fetched(ledger: Ledger, asked: KeyFetch, body: bytes, limits: DailyLimits | None = None) -> str:
    """Take in a key set that was fetched: an entry is written where it differs. Why it was not, or which of
    its keys are not used; or nothing.

    It is counted for the provider's organization: its URL may give other keys each time.
    Raises: StoreUnavailable.
    """
    try:
        keys, unusable = assertion.read_jwks(read(body))
        said = "; ".join(unusable)[:UNUSABLE_MAX]
        command = RotateKeys(asked.provider, keys, asked.url)
        considered = ledger.consider(command)
        if isinstance(considered, Refusal):
            return considered.message
        if not considered.drafts:
            return said
        with ledger.reading() as state:
            counted = allowance.charge_of_provider(state, asked.provider, SIGNERS, limits or DailyLimits())
        digest = canonical.digest([asked.provider, keys, ledger.size()])
        answer = ledger.execute(command, by=REFRESHER, command_id=digest, charge=counted)
    except InvalidInput as error:
        return error.message
    return answer.message if isinstance(answer, Refusal) else said


def read(body: bytes) -> Any:
    """A key set as it was fetched. Raises: NotCanonical."""
    return canonical.loads(body, floats=True)


def _holds(context: Context[Any], provider: str) -> bool:
    with context.ledger.reading() as state:
        found = state.registry.providers.get(provider)
        return found is not None and access.looks_after(context.principal, state, found.organization)
