"""Identity providers of organizations. Their signature on an assertion names a person.

Rules:
- A provider belongs to one organization. Each provider of an organization has another issuer, so a token
  identifies its provider.
- Registering and rotating write the whole provider. So a gateway never needs an earlier entry.
- Keys change only to keys that fit the algorithms. A failed fetch never removes a key.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from sluicegate.acts.providers import KeyChange, KnownProvider
from sluicegate.core.access.decision import Instant
from sluicegate.core.lifecycle.answer import Acceptance, Command, Refusal
from sluicegate.core.lifecycle.state import State
from sluicegate.core.people import assertion, persons
from sluicegate.core.people.assertion import AssertionFailure, JwkSet, Provider
from sluicegate_record.directives.status import STATUSES
from sluicegate_record.entries import Draft, people
from sluicegate_record.log.leaf import Entropy

PROVIDERS_MAX = 10


@dataclass(frozen=True, slots=True)
class RegisterProvider(Command):
    """Register an identity provider; `jwks_url` is where its keys are fetched from,
    None if they are not fetched.
    """

    organization: str
    provider: Provider
    jwks_url: str | None = None


@dataclass(frozen=True, slots=True)
class RotateKeys(Command):
    """Replace the keys of a provider. With `jwks_url`, the new keys were fetched from that address.

    Fetched keys count only if the address is still the provider's.
    """

    provider: str
    keys: JwkSet
    jwks_url: str | None = None


@dataclass(frozen=True, slots=True)
class RemoveProvider(Command):
    """Stop believing a provider."""

    provider: str


class StatusAssertion(NamedTuple):
    """What an assertion says about a status, and the digest of the person's identifier."""

    subject: bytes
    status: str


def register_provider(
    state: State, command: RegisterProvider, now_ms: int, entropy: Entropy
) -> Acceptance | Refusal:
    """Decide `RegisterProvider`. The same registration again changes nothing."""
    given = command.provider
    own = state.table.providers.get(command.organization, {})
    known = {name: state.registry.providers[name] for name in own}
    for name, each in known.items():
        if each.stated == _stated(name, given, command.jwks_url):
            return Acceptance([], KnownProvider(provider=name))
        if each.stated.issuer == given.issuer:
            said = f"the issuer {given.issuer[:80]!r} is that of the provider {name!r}"
            return Refusal("conflict", "issuer_taken", said, "rotate its keys, or remove it first")
    if len(known) >= PROVIDERS_MAX:
        said = f"an organization has at most {PROVIDERS_MAX} providers"
        return Refusal("conflict", "too_many_providers", said, "remove one")
    name = entropy.name("idp")
    stated = _stated(name, given, command.jwks_url)
    return Acceptance([_draft(command.organization, stated, entropy)], KnownProvider(provider=name))


def rotate_keys(state: State, command: RotateKeys, now_ms: int, entropy: Entropy) -> Acceptance | Refusal:
    """Decide `RotateKeys`. The same keys change nothing.

    Raises: BadKey: no key fits the provider's algorithms.
    """
    found = state.registry.providers.get(command.provider)
    if found is None:
        return provider_unknown(command.provider)
    if command.jwks_url not in {None, found.stated.jwks_url}:
        said = f"the keys of {command.provider!r} are not fetched from there any more"
        return Refusal("conflict", "other_url", said)
    before = state.table.providers[found.organization][command.provider]
    after = Provider(before.issuer, before.audience, before.algorithms, command.keys, before.max_age_s)
    result = KeyChange(provider=command.provider, keys=tuple(sorted(command.keys)))
    if after == before:
        return Acceptance([], result)
    stated = _stated(command.provider, after, found.stated.jwks_url)
    return Acceptance([_draft(found.organization, stated, entropy)], result)


def remove_provider(
    state: State, command: RemoveProvider, now_ms: int, entropy: Entropy
) -> Acceptance | Refusal:
    """Decide `RemoveProvider`. Its claims about statuses stay until they are revoked."""
    found = state.registry.providers.get(command.provider)
    if found is None:
        return provider_unknown(command.provider)
    body = people.ProviderRemoved(provider=command.provider, organization=found.organization)
    return Acceptance([Draft.of("providers", body, entropy)], KnownProvider(provider=command.provider))


def asserted(
    state: State, organization: str, name: str, token: str, now_ms: int
) -> StatusAssertion | Refusal:
    """What an assertion says about a status, verified in the same way as gateways verify a caller."""
    provider = state.table.providers.get(organization, {}).get(name)
    if provider is None:
        return provider_unknown(name)
    found = assertion.verify(token, provider, Instant(now_ms, now_ms))
    if isinstance(found, AssertionFailure):
        said = f"the assertion does not hold: {found.value.replace('_', ' ')}"
        return Refusal("unverified", "assertion_invalid", said, "have the provider sign another one")
    status = assertion.payload(token).get(assertion.STATUS)
    if not isinstance(status, str) or status not in STATUSES:
        said = f"the assertion's {assertion.STATUS} is none of {', '.join(STATUSES)}"
        return Refusal("conflict", "status_not_asserted", said, "have the provider say it in that claim")
    return StatusAssertion(persons.identifier(found.subject), status)


def provider_unknown(name: str) -> Refusal:
    """The refusal for a provider that does not exist, or that the asker may not know of."""
    return Refusal(
        "unknown",
        "provider_unknown",
        f"no provider {name[:80]!r}",
        "'sluicegate provider list --grant GRANT' shows yours",
    )


def _stated(name: str, provider: Provider, jwks_url: str | None) -> people.ProviderRow:
    """A provider in the form of an entry."""
    return people.ProviderRow(
        provider=name,
        issuer=provider.issuer,
        audience=provider.audience,
        algorithms=tuple(sorted(provider.algorithms)),
        keys={kid: dict(key) for kid, key in provider.keys.items()},
        max_age_s=provider.max_age_s,
        jwks_url=jwks_url,
    )


def _draft(organization: str, stated: people.ProviderRow, entropy: Entropy) -> Draft:
    body = people.ProviderRegistered(name=stated.provider, organization=organization, provider=stated)
    return Draft.of("providers", body, entropy)
