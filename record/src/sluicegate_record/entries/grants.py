"""Entries of grants: what an organization may use, and how that changes."""

from __future__ import annotations

from typing import Annotated

from sluicegate_record.entries.body import Body, Gate, entry
from sluicegate_record.entries.support import SupportedBody
from sluicegate_record.form import Json, Note, Time, form
from sluicegate_record.terms.conditions import Conditions
from sluicegate_record.terms.programmes import HeldProgramme

Labels = Annotated[tuple[str, ...], Note("only these, such as `cyber: daybreak_red`")]


@form
class AboutGrant(Body):
    """A body about a grant, and the case that gave it."""

    grant: str
    case: str


@entry("grant.approved")
class GrantApproved(SupportedBody):
    """An organization is authorized.

    If the terms of its stage name it, `case` is the one about those terms, and `party` the commitment there.
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
    programmes: tuple[HeldProgramme, ...] = ()
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
    programmes: tuple[HeldProgramme, ...] = ()


@entry("grant.moved")
class GrantMoved(SupportedBody):
    """A grant goes on as part of another stage, by the agreed terms of that stage: its keys stay.

    `case` is the one about those terms. `party` is the commitment to the name of its holder.
    """

    grant: str
    case: str
    release: str
    stage: str
    terms: str
    conditions: Conditions
    party: Annotated[str | None, Note("if a list names its holder")] = None
    programmes: tuple[HeldProgramme, ...] = ()


@entry("grant.proven")
class GrantProven(AboutGrant):
    """A call under the grant has succeeded on its surface."""

    surface: str
    gateway: str


@entry("grant.differed")
class GrantDiffered(AboutGrant):
    """An answer under the grant says that something else ran than was asked for and granted.

    A gateway of its surface reports it; each kind is here once a day for a grant.
    """

    surface: str
    gateway: str
    kind: Annotated[str, Note("`programme_not_given`, `programme_not_granted`")]


@entry("grant.suspended")
class GrantSuspended(AboutGrant):
    """The developer has suspended a grant, or only some of its programmes."""

    reason_code: str
    programmes: Labels = ()


@entry("grant.resumed")
class GrantResumed(AboutGrant):
    """A suspended grant is valid again, or only some of its programmes."""

    programmes: Labels = ()


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
