"""Entries of organizations, their members, claims about members, and those who may make claims."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from sluicegate_record.entries.body import Body, Gate, entry
from sluicegate_record.entries.cases import Description
from sluicegate_record.form import Base64, Form, Hex, Json, Key, Note, Time, form


@form
class Member(Form):
    """A member and digests of identifiers, 16 bytes each."""

    member: str
    identifiers: tuple[Hex, ...]


@form
class ClaimRow(Form):
    """What an issuer claims of a member; `method` and `assertion`, a digest, are for people."""

    member: str
    issuer: str
    status: str
    assurance: str
    until_ms: Time | None = None
    method: str | None = None
    assertion: str | None = None


@form
class ClaimRef(Form):
    """A claim, named by its issuer and its member."""

    member: str
    issuer: str


@form
class ProviderRow(Form):
    """An identity provider. Units: `max_age_s` seconds; `keys` holds JSON Web Keys by id."""

    provider: str
    issuer: str
    audience: str
    algorithms: tuple[str, ...]
    keys: Mapping[str, Json]
    max_age_s: int
    jwks_url: str | None = None


@entry("organization.described")
class OrganizationDescribed(Body):
    """What directives need to know of an organization. It replaces what was known before."""

    described: Gate[Description]


@entry("members.registered")
class MembersRegistered(Body):
    """Members of an organization, or more identifiers of members."""

    organization: Gate[str]
    members: Gate[tuple[Member, ...]]


@entry("members.removed")
class MembersRemoved(Body):
    """Members are removed."""

    organization: Gate[str]
    members: Gate[tuple[str, ...]]


@entry("status.claimed")
class StatusClaimed(Body):
    """Claims. Each replaces the claim that the same issuer made before."""

    claims: Gate[tuple[ClaimRow, ...]]


@entry("status.revoked")
class StatusRevoked(Body):
    """Claims that their issuer takes back."""

    claims: Gate[tuple[ClaimRef, ...]]


@entry("signatory.pinned")
class SignatoryPinned(Body):
    """A key that attests for an organization."""

    signatory: str
    keyid: str
    public_key: Base64
    organization: Gate[str]


@entry("signatory.retired")
class SignatoryRetired(Body):
    """A key that no longer attests."""

    signatory: str
    keyid: str
    organization: Gate[str]


@entry("provider.registered")
class ProviderRegistered(Body):
    """An identity provider of an organization. It is written whole, also when only a part of it is new."""

    name: Annotated[str, Key("provider"), Note("its id")]
    organization: Gate[str]
    provider: Gate[ProviderRow]


@entry("provider.removed")
class ProviderRemoved(Body):
    """A provider whose assertions no longer count."""

    provider: str
    organization: Gate[str]
