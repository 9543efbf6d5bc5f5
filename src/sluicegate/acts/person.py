"""Acts of a person, by their private link: see what is claimed about them, correct it, renew the link."""

from __future__ import annotations

from typing import Annotated

from sluicegate.acts.act import PERSON, Act, ActAnswer, Arguments, Done, Nothing
from sluicegate.acts.fields import ShortText
from sluicegate.acts.growth import daily
from sluicegate.acts.members import ClaimView, MemberLink
from sluicegate_record.directives.status import STATUSES
from sluicegate_record.form import Note, form

ONESELF = frozenset({PERSON})


@form
class OwnClaimView(ClaimView):
    """A claim as its person sees it. They made it if `yours`, perhaps under an earlier link."""

    yours: bool


@form
class PersonView(ActAnswer):
    """Everything that is claimed about a person. `organization` is its legal name."""

    member: str
    organization: str
    claims: tuple[OwnClaimView, ...]


SHOW = Act(
    "person.show",
    ONESELF,
    "question",
    "/api/v1/person",
    Nothing,
    PersonView,
    "Show everything that is claimed about your own status. The token is the link's part after '#'.",
)


@form
class OwnClaim(Arguments):
    """What a person says about their own status; null takes it back."""

    status: Annotated[ShortText | None, Note(" | ".join(STATUSES))]


@form
class NewOwnClaim(Done):
    """What a person said. If they took it back, there is an `issuer` in place of the `status`: `self`."""

    member: str
    status: str | None = None
    issuer: str | None = None


CLAIM = Act(
    "person.claim",
    ONESELF,
    "command",
    "/api/v1/person/claim",
    OwnClaim,
    NewOwnClaim,
    "Say what your status is. If others disagree, it is unknown until your organization settles it.",
    daily("corrections"),
)
LINK = Act(
    "person.link",
    ONESELF,
    "secret",
    "/api/v1/person/link",
    Nothing,
    MemberLink,
    "Make a link that only you know. The link before it ends.",
    daily("corrections"),
)
