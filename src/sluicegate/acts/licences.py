"""Acts on licences: ask for an exception from a directive, list licences, end one."""

from __future__ import annotations

from typing import Annotated

from sluicegate.acts.act import AGENCY, APPLICANT, DEVELOPER, Act, ActAnswer, Arguments, Done
from sluicegate.acts.directives import DirectiveName
from sluicegate.acts.fields import text
from sluicegate.acts.growth import ENDS, daily
from sluicegate.acts.paging import Paging
from sluicegate_record.form import Note, Time, form
from sluicegate_record.terms.text import REASON_MAX

LicenceName = Annotated[str, Note("The licence.")]


@form
class LicenceRequest(Arguments):
    """From which directive an exception is asked for: for an organization, or for one member of it."""

    directive: DirectiveName
    member: Annotated[str | None, Note("Only for this member.")] = None
    grant: Annotated[str | None, Note("The grant or account whose holder asks, if you act for several.")] = (
        None
    )


@form
class LicenceCase(Done):
    """The case in which a licence is asked for."""

    case: str
    directive: str
    grant: str
    member: str | None = None


@form
class LicenceView(ActAnswer):
    """A licence. `state` is valid, expired, revoked, or over: its directive has ended, or another document
    has replaced the one that it was granted under.
    """

    licence: str
    directive: str
    case: str
    grant: str
    member: str | None
    state: str
    requests_per_minute: int | None
    granted_at_ms: Time
    valid_until_ms: Time | None
    ended_at_ms: Time | None
    seq: int


@form
class LicenceFilter(Paging):
    """Which licences."""

    directive: Annotated[str | None, Note("Only those under this directive.")] = None


@form
class LicenceList(ActAnswer):
    """A page of licences, newest first. `next` is the last one of this page, if there are more."""

    size: int
    licences: tuple[LicenceView, ...]
    next: str | None


@form
class LicenceEnding(Arguments):
    """Which licence ends at once, and why."""

    licence: LicenceName
    reason: Annotated[str, text(1, REASON_MAX), Note("Why. It is public.")]


@form
class LicenceReceipt(Done):
    """A licence, and what it is now."""

    licence: str
    directive: str
    state: str


REQUEST = Act(
    "licence.request",
    frozenset({APPLICANT}),
    "command",
    "/api/v1/directives/{directive}/licences",
    LicenceRequest,
    LicenceCase,
    "Ask for an exception from a directive that covers your organization. Its 'licensedBy' says who decides.",
    daily("cases"),
)
LIST = Act(
    "licence.list",
    frozenset({DEVELOPER, AGENCY, APPLICANT}),
    "question",
    "/api/v1/licences",
    LicenceFilter,
    LicenceList,
    "List licences under directives, newest first: for which grant, until when, and whether they are valid.",
)
END = Act(
    "licence.end",
    frozenset({DEVELOPER, AGENCY}),
    "command",
    "/api/v1/licences/{licence}/end",
    LicenceEnding,
    LicenceReceipt,
    "End a licence at once: the directive covers its holder again.",
    ENDS,
    effect="narrows",
)
