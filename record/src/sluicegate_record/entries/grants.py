"""Entries of grants: what an organization may use, and how that changes."""

from __future__ import annotations

from typing import Annotated

from sluicegate_record.entries.body import Body, Gate, entry
from sluicegate_record.entries.support import SupportedBody
from sluicegate_record.form import Json, Note, Time, form
from sluicegate_record.terms.conditions import Conditions


@form
class AboutGrant(Body):
    """A body about a grant, and the case that gave it."""

    grant: str
    case: str


@entry("grant.approved")
class GrantApproved(SupportedBody):
    """An organization is authorized.

    Earlier builds left out `conditions` that are the same as those of the terms.
    """

    grant: str
    case: str
    release: str
    stage: str
    surface: str
    terms: str
    conditions: Conditions | None = None
    party: str | None = None
    valid_from_ms: Time
    valid_until_ms: Time | None
    organization: Gate[str]


@entry("grant.amended")
class GrantAmended(SupportedBody):
    """A grant is renewed, or continues with the changes."""

    grant: str
    case: str
    terms: str
    conditions: Conditions
    party: str
    valid_until_ms: Time | None


@entry("grant.proven")
class GrantProven(AboutGrant):
    """A call under the grant has succeeded on its surface."""

    surface: str
    gateway: str


@entry("grant.suspended")
class GrantSuspended(AboutGrant):
    """The developer has suspended a grant."""

    reason_code: str


@entry("grant.resumed")
class GrantResumed(AboutGrant):
    """A suspended grant is valid again."""


@entry("grant.ended")
class GrantEnded(SupportedBody):
    """A grant has ended: `expired`, `removed` or `surrendered`. A removal says what it rests on."""

    grant: str
    case: str
    how: Annotated[str, Note("`expired`, `removed`, `surrendered`")]


@entry("grant.reinstated")
class GrantReinstated(SupportedBody):
    """A removal was wrong: the grant is again what it was before."""

    grant: str
    case: str


@entry("grant.fallback_chosen")
class GrantFallbackChosen(AboutGrant):
    """Whether the fallback answers where a directive refuses. Only a plain true means yes."""

    fallback: Json
