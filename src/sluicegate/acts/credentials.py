"""Acts on credentials: issue, revoke."""

from __future__ import annotations

from typing import Annotated

from sluicegate.acts.act import APPLICANT, DEVELOPER, Act, Arguments, Done
from sluicegate.acts.fields import Identifier
from sluicegate.acts.grants import GrantName
from sluicegate_record.form import Note, form


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
)
