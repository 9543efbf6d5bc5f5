"""Acts on credentials: list, issue, revoke; how much they are used."""

from __future__ import annotations

from typing import Annotated

from sluicegate.acts.act import AGENCY, APPLICANT, DEVELOPER, Act, ActAnswer, Arguments, Done
from sluicegate.acts.fields import Identifier, ShortText
from sluicegate.acts.grants import GrantName, HoldingFilter
from sluicegate.acts.growth import ENDS, daily
from sluicegate.acts.paging import Paging
from sluicegate_record.form import Note, Time, form, within

EXPIRES = "When the key ends, such as 2027-01-31; a date in UTC, or a time."


@form
class CredentialFilter(HoldingFilter):
    """Which credentials."""

    grant: Annotated[str | None, Note("Only under this grant.")] = None


@form
class CredentialSummary(ActAnswer):
    """A credential in a list, and what it is under: a grant, or an account, which has no release, stage and
    surface. `organization` is the legal name of its holder.

    `state` is `valid`, `revoked` or `expired`; `pending` while its import does not count yet, `discarded` if
    it never does. `grantState` is that of the grant or account.

    `member` is the only person who may use it, for the one who looks after the members; `label` is what they
    call the key, and `lastUsed` the hour of its last use; both also for the developer's staff.
    """

    grant: Annotated[str, Note("The grant, or the account.")]
    organization: str | None
    release: str | None
    stage: str | None
    surface: str | None
    credential: str
    state: str
    grant_state: str
    member: str | None
    label: str | None = None
    expires_ms: Time | None = None
    last_used_ms: Time | None = None


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
    "List the credentials under the grants you may see, each grant's newest first; or those of one account.",
)


@form
class GrantUsageQuestion(Paging):
    """Of which grant, or account."""

    grant: GrantName


@form
class ModelUsage(ActAnswer):
    """How many requests for a model were let through and refused. None: those that are counted without one.
    An earlier gateway counted them, or they were refused before their model was known, or their model does
    not exist, or a gateway had no more place to count by model.
    """

    model: str | None
    passed: int
    refused: int


@form
class DayUsage(ActAnswer):
    """How many requests of a key were let through on a day in UTC, and how many were refused: all of them,
    and by model.
    """

    day: Annotated[str, Note("Such as 2027-01-31.")]
    passed: int
    refused: int
    models: tuple[ModelUsage, ...] = ()

    @property
    def by_model(self) -> tuple[ModelUsage, ...]:
        """The same by model; an earlier control plane says no model."""
        return self.models or (ModelUsage(model=None, passed=self.passed, refused=self.refused),)


@form
class KeyUsage(ActAnswer):
    """A key, and the days on which it was used."""

    credential: str
    label: str | None
    days: tuple[DayUsage, ...]


@form
class GrantUsage(ActAnswer):
    """The requests of the newest keys of a grant, from `since` to `until`, as gateways have reported.

    It is beside the log, and decides nothing. `next` is the last credential of this page, if there are more.
    """

    since: str
    until: str
    keys: tuple[KeyUsage, ...]
    next: str | None


USAGE = Act(
    "credential.usage",
    frozenset({DEVELOPER, APPLICANT}),
    "question",
    "/api/v1/grants/{grant}/usage",
    GrantUsageQuestion,
    GrantUsage,
    "Show how many requests of each key of a grant were let through and refused, by day and model; 30 days.",
)


@form
class KeyDigest(Arguments):
    """The SHA-256 of an API key, 64 lower-case hex digits. The key itself stays with its holder.

    `member` is the only one who may use it.
    """

    grant: GrantName
    digest: str
    member: Annotated[Identifier, Note("The only member who may use it.")] | None = None
    label: Annotated[ShortText, Note("What you call the key, such as where it is used.")] | None = None
    expires: Annotated[ShortText, Note(EXPIRES)] | None = None


@form
class KnownCredential(Done):
    """A credential under a grant."""

    credential: str
    grant: str
    member: str | None = None
    label: str | None = None
    expires_ms: Time | None = None


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
class CredentialRotation(Arguments):
    """Which credential gets another key, by the digest of that, and for how many days both can be used."""

    credential: Annotated[str, Note("The credential, such as cred_….")]
    digest: str
    days: Annotated[int, within(1, 90), Note("For how many days the old key can still be used.")] = 7
    expires: Annotated[ShortText, Note(EXPIRES)] | None = None


@form
class RotatedCredential(KnownCredential):
    """A credential, and the one that it `replaces`, which can be used until a time.

    `attested`: an attestation of the old one is in force. It is not about the new one.
    """

    replaces: str
    until_ms: Time
    attested: bool = False


ROTATE = Act(
    "credential.rotate",
    frozenset({DEVELOPER, APPLICANT}),
    "command",
    "/api/v1/credentials/{credential}/rotate",
    CredentialRotation,
    RotatedCredential,
    "Make a new key in the place of another one, which ends some days later. Only its digest is sent.",
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


SHOW = Act(
    "credential.show",
    frozenset({DEVELOPER, AGENCY, APPLICANT}),
    "question",
    "/api/v1/credentials/{credential}",
    CredentialArgument,
    CredentialSummary,
    "Show a credential under a grant you may see: its state, its label, when it ends.",
)
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
