"""Acts on the members of an organization: register, list, remove, claim a status, take it back, make a link.

Rules:
- A member is known by digests of identifiers. No user name is asked for, and no document.
"""

from __future__ import annotations

from typing import Annotated, TypeAlias

from sluicegate.acts.act import APPLICANT, DEVELOPER, Act, ActAnswer, Arguments, Done
from sluicegate.acts.fields import Identifier, ShortText, digest, some, text
from sluicegate.acts.growth import ENDS, daily
from sluicegate.acts.paging import LongPaging
from sluicegate.bounds import MEMBERS_BODY_MAX
from sluicegate_record.directives.status import STATUSES
from sluicegate_record.form import Note, Time, form

ADMINISTRATORS = frozenset({DEVELOPER, APPLICANT})
"""The roles whose holder may have applied for an organization."""
ROWS_MAX = 2_000
"""How many rows a command may have: others wait for their turn to write while it is decided."""
IDENTIFIERS_MAX = 8
IdentifierDigest: TypeAlias = Annotated[bytes, digest(16)]
"""What stands for an identifier of a member."""
GrantOfOrganization: TypeAlias = Annotated[str, Note("A grant of the organization.")]
MemberName: TypeAlias = Annotated[str, Note("The member, such as mem_….")]


@form
class OrganizationArgument(Arguments):
    """Which organization: the one that holds a grant."""

    grant: GrantOfOrganization


@form
class MemberArgument(Arguments):
    """Which member."""

    member: MemberName


@form
class ClaimWords(Arguments):
    """A status, and how it is known. `until` is a time, or a date in UTC."""

    status: Annotated[ShortText, Note(" | ".join(STATUSES))] | None = None
    method: Annotated[ShortText, Note("How it is known: document-seen, i-9, …")] | None = None
    assurance: Annotated[ShortText, Note("self-asserted | organization")] | None = None
    until: Annotated[ShortText, Note("When the claim ends, such as 2027-01-31.")] | None = None


@form
class MemberRow(ClaimWords):
    """A member by digests of identifiers, by `member` if it is known, and what the organization claims."""

    identifiers: Annotated[
        tuple[IdentifierDigest, ...],
        some(IdentifierDigest, 0, IDENTIFIERS_MAX),
        Note("How requests name the person."),
    ] = ()
    member: Annotated[Identifier, Note("A member who is already registered.")] | None = None


@form
class MemberRows(OrganizationArgument):
    """Members to register; with `update`, a row whose identifier is known is about that member.

    With `check`, no one is registered, and the answer names no member: it says whether all rows would be
    accepted now.
    """

    rows: Annotated[tuple[MemberRow, ...], some(MemberRow, 1, ROWS_MAX)]
    update: Annotated[bool, Note("Rows may be about members who are registered.")] = False
    check: Annotated[bool, Note("Only say whether the rows would be accepted.")] = False


@form
class NewMembers(Done):
    """The member of each row, in their order. `added` counts those that are new."""

    members: tuple[str, ...]
    added: int


REGISTER = Act(
    "member.register",
    ADMINISTRATORS,
    "command",
    "/api/v1/grants/{grant}/members",
    MemberRows,
    NewMembers,
    "Register members of an organization, and claim their statuses: all of the rows or no row.",
    daily("members"),
    MEMBERS_BODY_MAX,
)


@form
class MemberSearch(LongPaging):
    """Which organization, and which of its members."""

    grant: GrantOfOrganization
    identifier: Annotated[IdentifierDigest, Note("Only the member with this identifier.")] | None = None


@form
class ClaimView(ActAnswer):
    """A claim about a person's status. `status` is null if the reader may not see it."""

    issuer: str
    status: str | None
    method: str
    assurance: str
    until_ms: Time | None


@form
class MemberView(ActAnswer):
    """A member, and what the organization and its providers claim. `disputed`: the person says otherwise."""

    member: str
    identifiers: tuple[IdentifierDigest, ...]
    claims: tuple[ClaimView, ...]
    disputed: bool


@form
class MemberList(ActAnswer):
    """A page of members, oldest first."""

    members: tuple[MemberView, ...]
    next: str | None = None


LIST = Act(
    "member.list",
    ADMINISTRATORS,
    "question",
    "/api/v1/grants/{grant}/members",
    MemberSearch,
    MemberList,
    "List an organization's members and what it claims about them. 'disputed': the person says otherwise.",
)


@form
class MemberNames(OrganizationArgument):
    """Which members of which organization."""

    members: Annotated[tuple[Identifier, ...], some(Identifier, 1, ROWS_MAX), Note("Members, such as mem_….")]


@form
class MembersEnd(Done):
    """The members that were removed, and the credentials that were revoked with them."""

    removed: tuple[str, ...]
    revoked: tuple[str, ...]


REMOVE = Act(
    "member.remove",
    ADMINISTRATORS,
    "command",
    "/api/v1/grants/{grant}/members/remove",
    MemberNames,
    MembersEnd,
    "Remove members. The keys bound to them are revoked.",
    ENDS,
    effect="ends",
)


@form
class MemberClaim(ClaimWords):
    """A status and how it is known; or an assertion that says it, and the provider that signed it."""

    member: MemberName
    provider: Annotated[Identifier, Note("The provider that signed the assertion.")] | None = None
    assertion: Annotated[str, text(0, 8_192), Note("What the provider signed.")] | None = None


@form
class NewMemberClaim(Done):
    """What is claimed of a member, and the provider that signed it, if one did."""

    member: str
    status: str
    provider: str | None = None


CLAIM = Act(
    "member.claim",
    ADMINISTRATORS,
    "command",
    "/api/v1/members/{member}/claim",
    MemberClaim,
    NewMemberClaim,
    "Claim a member's status for your organization, or with an assertion of your provider.",
    daily("claims"),
)


@form
class ClaimArgument(Arguments):
    """Whose claim about which member: a provider's; null is the organization's."""

    member: MemberName
    provider: Annotated[Identifier | None, Note("What this provider claims.")] = None


@form
class ClaimEnd(Done):
    """The member, and the issuer of the claim that was taken back."""

    member: str
    issuer: str


REVOKE = Act(
    "member.revoke",
    ADMINISTRATORS,
    "command",
    "/api/v1/members/{member}/revoke",
    ClaimArgument,
    ClaimEnd,
    "Take back the claim of your organization, or of its provider, about a member.",
    ENDS,
    effect="ends",
)


@form
class MemberLink(ActAnswer):
    """A member's private link, by its token. The token is only in this answer."""

    member: str
    token: str


LINK = Act(
    "member.link",
    ADMINISTRATORS,
    "secret",
    "/api/v1/members/{member}/link",
    MemberArgument,
    MemberLink,
    "Make a private link where a member sees and corrects their own status. The link before it ends.",
    daily("links"),
)
