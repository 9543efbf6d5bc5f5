"""Acts on credentials: list, issue, revoke."""

from __future__ import annotations

from typing import Annotated

from sluicegate.acts.act import AGENCY, APPLICANT, DEVELOPER, Act, ActAnswer, Arguments, Done
from sluicegate.acts.fields import Identifier
from sluicegate.acts.grants import GrantName, HoldingFilter, HoldingView
from sluicegate.acts.growth import ENDS, daily
from sluicegate_record.form import Note, form, within


@form
class CredentialFilter(HoldingFilter):
    """Which credentials. At most 500 are listed at once."""

    grant: Annotated[str | None, Note("Only under this grant.")] = None
    before: Annotated[str | None, Note("The last credential of the page before.")] = None
    limit: Annotated[int, within(1, 500), Note("How many credentials.")] = 50


@form
class CredentialSummary(HoldingView):
    """A credential in a list. `state` is `valid` or `revoked`; `grantState` is the state of its grant.

    `member` is the only person who may use it, for the one who looks after the members.
    """

    credential: str
    state: str
    grant_state: str
    member: str | None


@form
class CredentialList(ActAnswer):
    """A page of credentials, by grant, each grant's newest first.

    `next` is the last credential of this page, if there are more.
    """

    size: int
    credentials: tuple[CredentialSummary, ...]
    next: str | None


LIST = Act(
    "credential.list",
    frozenset({DEVELOPER, AGENCY, APPLICANT}),
    "question",
    "/api/v1/credentials",
    CredentialFilter,
    CredentialList,
    "List the credentials under the grants you may see, each grant's newest first.",
)


@form
class KeyDigest(Arguments):
    """The SHA-256 of an API key, 64 lower-case hex digits. The key itself stays with its holder.

    `member` is the only one who may use it.
    """

    grant: GrantName
    digest: str
    member: Annotated[Identifier, Note("The only member who may use it.")] | None = None


@form
class KnownCredential(Done):
    """A credential under a grant."""

    credential: str
    grant: str
    member: str | None = None


ISSUE = Act(
    "credential.issue",
    frozenset({DEVELOPER, APPLICANT}),
    "command",
    "/api/v1/grants/{grant}/credentials",
    KeyDigest,
    KnownCredential,
    "Make an API key under a grant. It is made on this machine and shown once; only its digest is sent.",
    daily("keys"),
)


@form
class CredentialArgument(Arguments):
    """Which credential."""

    credential: Annotated[str, Note("The credential, such as cred_….")]


@form
class CredentialEnd(Done):
    """A credential that is revoked."""

    credential: str


REVOKE = Act(
    "credential.revoke",
    frozenset({DEVELOPER, APPLICANT}),
    "command",
    "/api/v1/credentials/{credential}/revoke",
    CredentialArgument,
    CredentialEnd,
    "Revoke a credential, immediately and forever. Its open streams end.",
    ENDS,
    effect="narrows",
)
