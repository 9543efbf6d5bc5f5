"""Acts on grants: list, show, suspend, resume, surrender, choose the fallback, ask for a removal."""

from __future__ import annotations

from typing import Annotated

from sluicegate.acts.act import AGENCY, APPLICANT, DEVELOPER, Act, ActAnswer, Arguments, Done
from sluicegate.acts.fields import PartOfName, text
from sluicegate.acts.growth import ENDS, daily
from sluicegate_record.form import Note, Time, form, within
from sluicegate_record.terms import kinds
from sluicegate_record.terms.text import REASON_MAX

GrantName = Annotated[str, Note("The grant, such as grant_6n3v….")]
Code = Annotated[str, text(1, 64), Note(f"{' | '.join(kinds.REASON_CODES)}. It is public.")]


@form
class GrantArgument(Arguments):
    """Which grant."""

    grant: GrantName


@form
class GrantView(ActAnswer):
    """A grant as its holder sees it."""

    grant: str
    case: str
    release: str
    stage: str
    surface: str
    models: tuple[str, ...]
    state: str
    requests_per_minute: int | None
    valid_from_ms: Time
    valid_until_ms: Time | None
    amendment: str | None
    removal: str | None
    stage_open: bool
    fallback: bool
    screening: str | None


@form
class HoldingFilter(Arguments):
    """Whose grants, and in which release."""

    organization: PartOfName = None
    release: Annotated[str | None, Note("Only this release.")] = None


@form
class GrantFilter(HoldingFilter):
    """Which grants. At most 500 are listed at once."""

    before: Annotated[str | None, Note("The last grant of the page before.")] = None
    limit: Annotated[int, within(1, 500), Note("How many grants.")] = 50


@form
class HoldingView(ActAnswer):
    """What every list says of a grant: the legal name of its holder, and its release, stage and surface."""

    grant: str
    organization: str | None
    release: str
    stage: str
    surface: str


@form
class GrantSummary(HoldingView):
    """A grant in a list. `credentials` counts its keys that are not revoked."""

    case: str
    state: str
    valid_until_ms: Time | None
    stage_open: bool
    credentials: int


@form
class GrantList(ActAnswer):
    """A page of grants, newest first. `next` is the last grant of this page, if there are more."""

    size: int
    grants: tuple[GrantSummary, ...]
    next: str | None


LIST = Act(
    "grant.list",
    frozenset({DEVELOPER, AGENCY, APPLICANT}),
    "question",
    "/api/v1/grants",
    GrantFilter,
    GrantList,
    "List the grants you may see, newest first.",
)
SHOW = Act(
    "grant.show",
    frozenset({DEVELOPER, AGENCY, APPLICANT}),
    "question",
    "/api/v1/grants/{grant}",
    GrantArgument,
    GrantView,
    "Show a grant: what it allows, until when, and its state.",
)


@form
class GrantChange(Done):
    """What a grant is now."""

    grant: str
    state: str


@form
class Suspension(Arguments):
    """Which grant, and why."""

    grant: GrantName
    code: Code


SUSPEND = Act(
    "grant.suspend",
    frozenset({DEVELOPER}),
    "command",
    "/api/v1/grants/{grant}/suspend",
    Suspension,
    GrantChange,
    "Suspend a grant immediately. Its open streams end. 'grant resume' makes it valid again.",
    effect="narrows",
)
RESUME = Act(
    "grant.resume",
    frozenset({DEVELOPER}),
    "command",
    "/api/v1/grants/{grant}/resume",
    GrantArgument,
    GrantChange,
    "Make a suspended grant valid again.",
)
SURRENDER = Act(
    "grant.surrender",
    frozenset({DEVELOPER, APPLICANT}),
    "command",
    "/api/v1/grants/{grant}/surrender",
    GrantArgument,
    GrantChange,
    "Give a grant back. Its keys stop working, and its seat goes to the next organization.",
    ENDS,
    effect="narrows",
)


@form
class FallbackChoice(Arguments):
    """Whether the fallback answers requests under a grant that a directive refuses."""

    grant: GrantName
    fallback: Annotated[bool, Note("Answered by the fallback, or refused.")]


@form
class FallbackReceipt(Done):
    """What its holder has chosen for a grant."""

    grant: str
    fallback: bool


CHOOSE_FALLBACK = Act(
    "grant.fallback",
    frozenset({APPLICANT}),
    "command",
    "/api/v1/grants/{grant}/fallback",
    FallbackChoice,
    FallbackReceipt,
    "Choose whether the fallback answers requests that a directive refuses.",
    daily("choices"),
)


@form
class RemovalRequest(Arguments):
    """Which grant is to end, why, and the notice to its holder."""

    grant: GrantName
    code: Code
    text: Annotated[str, text(1, REASON_MAX), Note("The notice its holder reads.")]


@form
class NewRemoval(Done):
    """The case about a removal. `reply_by_ms` is missing if the case was open before."""

    case: str
    grant: str
    reply_by_ms: Time | None = None


REMOVE = Act(
    "grant.removal",
    frozenset({DEVELOPER, AGENCY}),
    "command",
    "/api/v1/grants/{grant}/removal",
    RemovalRequest,
    NewRemoval,
    "Open a case about ending a grant. Its holder may reply before it counts.",
    daily("cases"),
)
