"""Acts on grants: list, show, suspend, resume, surrender, choose the fallback, ask for a removal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Annotated

from sluicegate.acts.act import AGENCY, APPLICANT, DEVELOPER, Act, ActAnswer, Arguments, Done
from sluicegate.acts.fields import PartOfName, some, text
from sluicegate.acts.growth import ENDS, daily
from sluicegate.acts.paging import Paging
from sluicegate_record.form import Json, Note, Time, form
from sluicegate_record.terms import kinds
from sluicegate_record.terms.text import REASON_MAX

GrantName = Annotated[str, Note("The grant, such as grant_6n3v….")]
Code = Annotated[str, text(1, 64), Note(f"{' | '.join(kinds.REASON_CODES)}. It is public.")]


@form
class GrantArgument(Arguments):
    """Which grant."""

    grant: GrantName


@form
class ProgrammeView(ActAnswer):
    """A programme of a grant: what it asks, in what a request names it, who alone has it, and whether it is
    active or suspended.
    """

    programme: str
    state: str
    asks: Mapping[str, Json]
    travels: str
    holders: tuple[str, ...] = ()


@form
class GrantLimit(ActAnswer):
    """What limits a grant now. `name` is of the directive, finding, stage or programme; and of the
    finding that suspends it.
    """

    kind: Annotated[
        str, Note("ended | suspended | not-begun | stage | deployment | programme | directive | finding")
    ]
    name: str | None
    words: str


@form
class GrantView(ActAnswer):
    """A grant as its holder sees it. Everyone has the standard programmes beside those that it names."""

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
    programmes: tuple[ProgrammeView, ...] = ()
    conditions: Annotated[Mapping[str, Json], Note("Its duties, by name.")] = field(default_factory=dict)
    limits: Annotated[tuple[GrantLimit, ...], Note("What limits it now, as far as you may know.")] = ()
    ends_at_ms: Annotated[Time | None, Note("Until when its keys work; null if it has ended.")] = None
    address: Annotated[str | None, Note("Where to send requests.")] = None
    differs: Annotated[
        Mapping[str, str],
        Note("How answers under it differed from what was granted, each kind with the newest day."),
    ] = field(default_factory=dict)


@form
class HoldingFilter(Paging):
    """Whose grants, and in which release."""

    organization: PartOfName = None
    release: Annotated[str | None, Note("Only this release.")] = None


@form
class GrantFilter(HoldingFilter):
    """Which grants."""

    state: Annotated[str | None, Note("Only those in this state, such as suspended.")] = None


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
    conditions: Annotated[Mapping[str, Json], Note("Its duties, by name.")] = field(default_factory=dict)
    limits: Annotated[tuple[GrantLimit, ...], Note("What limits it now, as far as you may know.")] = ()
    ends_at_ms: Annotated[Time | None, Note("Until when its keys work; null if it has ended.")] = None
    address: Annotated[str | None, Note("Where to send requests.")] = None


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
    """What a grant is now, or only these programmes of it."""

    grant: str
    state: str
    programmes: tuple[str, ...] = ()


Halted = Annotated[
    tuple[str, ...],
    some(Annotated[str, text(1, 130)], 0, 16),
    Note("Only this programme of it, such as cyber:daybreak_red."),
]


@form
class Suspension(Arguments):
    """Which grant, and why; or only some of its programmes."""

    grant: GrantName
    code: Code
    programme: Halted = ()


@form
class Resumption(Arguments):
    """Which grant goes on; or only some of its programmes."""

    grant: GrantName
    programme: Halted = ()


SUSPEND = Act(
    "grant.suspend",
    frozenset({DEVELOPER}),
    "command",
    "/api/v1/grants/{grant}/suspend",
    Suspension,
    GrantChange,
    "Suspend a grant immediately, or only a programme of it. Its open streams end. "
    "'sluicegate grant resume' makes it "
    "valid again.",
    effect="narrows",
)
RESUME = Act(
    "grant.resume",
    frozenset({DEVELOPER}),
    "command",
    "/api/v1/grants/{grant}/resume",
    Resumption,
    GrantChange,
    "Make a suspended grant valid again, or only a programme of it.",
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
