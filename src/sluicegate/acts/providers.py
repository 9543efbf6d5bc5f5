"""Acts on the identity providers of an organization: register, list, rotate the keys, remove."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, TypeAlias

from sluicegate.acts.act import Act, ActAnswer, Arguments, Done
from sluicegate.acts.fields import ShortText, some, text
from sluicegate.acts.growth import ENDS, daily
from sluicegate.acts.members import ADMINISTRATORS, GrantOfOrganization, OrganizationArgument
from sluicegate.acts.paging import LongPaging
from sluicegate.targets import TARGET_MAX
from sluicegate_record.form import Json, Key, Note, form

Uri: TypeAlias = Annotated[str, text(1, 1_024)]
Url: TypeAlias = Annotated[str, text(0, TARGET_MAX)]
JwkSet: TypeAlias = Mapping[str, Json]
ProviderId: TypeAlias = Annotated[str, Note("The provider, such as idp_….")]


@form
class ProviderRegistration(OrganizationArgument):
    """An identity provider: its keys as a JWK Set, or where they are fetched from, or both.

    Units: `max_age_s` seconds.
    """

    issuer: Annotated[Uri, Note("Its 'iss'.")]
    audience: Annotated[Uri, Note("Its 'aud' for this control plane.")]
    algorithms: Annotated[tuple[str, ...], some(ShortText, 1, 7), Note("What it signs with, such as ES256.")]
    jwks: Annotated[JwkSet | None, Note("Its keys, as a JWK Set.")] = None
    jwks_url: Annotated[Url | None, Key("jwks_url"), Note("Where its keys are.")] = None
    max_age_s: Annotated[int, Key("max_age_s"), Note("The longest life of an assertion, in seconds.")] = 3_600


@form
class KnownProvider(Done):
    """Which provider, and why some keys of its set are not used: one line each."""

    provider: str
    unusable: tuple[str, ...] = ()


REGISTER = Act(
    "provider.register",
    ADMINISTRATORS,
    "command",
    "/api/v1/grants/{grant}/providers",
    ProviderRegistration,
    KnownProvider,
    "Register an identity provider, with its keys or the URL of its keys.",
    daily("signers"),
)


@form
class ProviderView(ActAnswer):
    """A provider, the ids of its keys, and why keys could not be fetched or used the last time.

    Units: `max_age_s` seconds.
    """

    provider: str
    issuer: str
    audience: str
    algorithms: tuple[str, ...]
    max_age_s: int
    jwks_url: str | None
    kids: tuple[str, ...]
    failure: str | None


@form
class ProviderFilter(LongPaging):
    """Which organization, and which of its providers."""

    grant: GrantOfOrganization


@form
class ProviderList(ActAnswer):
    """A page of the providers, oldest first. `next` is the last one of this page, if there are more."""

    providers: tuple[ProviderView, ...]
    next: str | None = None


LIST = Act(
    "provider.list",
    ADMINISTRATORS,
    "question",
    "/api/v1/grants/{grant}/providers",
    ProviderFilter,
    ProviderList,
    "List an organization's identity providers, and why keys could not be fetched or used.",
)


@form
class KeyRotation(Arguments):
    """Another key set for a provider; null is the set that is at its URL now."""

    provider: ProviderId
    jwks: Annotated[JwkSet | None, Note("Its keys, as a JWK Set.")] = None


@form
class KeyChange(Done):
    """A provider, the ids of its keys, and why other keys of the set are not used: one line each."""

    provider: str
    keys: tuple[str, ...]
    unusable: tuple[str, ...] = ()


ROTATE = Act(
    "provider.rotate",
    ADMINISTRATORS,
    "command",
    "/api/v1/providers/{provider}/rotate",
    KeyRotation,
    KeyChange,
    "Replace a provider's keys by those in a file, or by those that are at its URL now.",
    daily("signers"),
)


@form
class ProviderArgument(Arguments):
    """Which provider."""

    provider: ProviderId


REMOVE = Act(
    "provider.remove",
    ADMINISTRATORS,
    "command",
    "/api/v1/providers/{provider}/remove",
    ProviderArgument,
    KnownProvider,
    "Stop believing a provider. Its claims about statuses stay until they are revoked.",
    ENDS,
    effect="ends",
)
