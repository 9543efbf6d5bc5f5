"""Acts on directives: preview, issue, confirm, list, show, follow, lift. What the words of orders mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Annotated

from sluicegate.acts.act import (
    AGENCY,
    ANYONE,
    APPLICANT,
    DEVELOPER,
    Act,
    ActAnswer,
    Arguments,
    Done,
    Nothing,
)
from sluicegate.acts.coverage import (
    AssuranceSides,
    ExceptionCoverage,
    NotKnown,
    OrganizationCoverage,
    SideCounts,
)
from sluicegate.acts.documents import DocumentText, SignedStatement
from sluicegate.acts.fields import Identifier, ListedName, Opened, PlainName, SignedEnvelope, some, text
from sluicegate.acts.growth import ONCE, daily
from sluicegate.acts.observations import ObservationView
from sluicegate.acts.paging import LongPaging
from sluicegate.acts.review import CaseToSign, PositionReceipt
from sluicegate.acts.sheets import ANNEXES
from sluicegate.acts.transcript import Officers, Transcribed, TranscribedFor
from sluicegate.bounds import ANNEXES_MAX
from sluicegate_record.directives.document import (
    Begins,
    Covered,
    DirectiveBasis,
    Document,
    Excepted,
    Replaces,
    StatedReasons,
    Surfaces,
)
from sluicegate_record.directives.names import ROWS_MAX
from sluicegate_record.directives.scope import LiftedPart, Scope
from sluicegate_record.form import Json, Note, Time, form
from sluicegate_record.terms.rule import Rule

DirectiveName = Annotated[str, Note("The directive's name.")]


@form
class DirectiveArgument(Arguments):
    """Which directive."""

    directive: DirectiveName


@form
class AnnexNames(Arguments):
    """The names in an annex: organizations or members."""

    organizations: Annotated[tuple[ListedName, ...], some(ListedName, 0, ROWS_MAX)] | None = None
    persons: Annotated[tuple[ListedName, ...], some(ListedName, 0, ROWS_MAX)] | None = None


@form
class DirectiveText(DocumentText):
    """A directive as written, the name of its file, and the names in its annexes."""

    annexes: Annotated[
        Mapping[str, AnnexNames],
        ANNEXES,
        Note('The names in each annex: {"annex-a": {"organizations": ["…"]}}.'),
    ] = field(default_factory=dict)


@form
class NamedCoverage(OrganizationCoverage):
    """The same with its legal name, if the reader may see a case of it."""

    name: str | None


@form
class UnmatchedName(ActAnswer):
    """A name that matches no organization here that the reader may see. It is matched when one comes."""

    name: str
    listed: Annotated[str, Note("Where it stands: `annex.…`, `except.organizations`.")]
    nearest: Annotated[tuple[str, ...], Note("Names here that are nearly the same, for the first ten names.")]
    look_alikes: Annotated[
        str, Note("Letters of another alphabet than the rest of their word. They look the same and are not.")
    ]


@form
class DirectivePreview(ActAnswer):
    """Who a directive would cover. `document` is the directive as written, with all defaults."""

    directive: str
    document: Json
    replaces: Replaces | None
    covered: SideCounts
    spared: SideCounts
    not_known: NotKnown
    organizations: tuple[NamedCoverage, ...]
    assurance: Mapping[str, AssuranceSides]
    exceptions: tuple[ExceptionCoverage, ...]
    unmatched: Annotated[int, Note("How many of the names match no organization that you see here yet.")]
    unmatched_names: Annotated[tuple[UnmatchedName, ...], Note("The first hundred of them.")]
    withheld: Annotated[
        bool,
        Note(
            "Organizations of which you see no case are not counted: there are fewer than five on a side, or "
            "the order names some."
        ),
    ]
    not_directed: Annotated[
        tuple[str, ...],
        Note("Models that its issuer does not direct alone: two officers transcribe the order."),
    ] = ()
    counted_since_ms: Annotated[Time, Note("From when on gateways' reports of use are counted.")]


PREVIEW = Act(
    "directive.preview",
    frozenset({DEVELOPER, AGENCY}),
    "look",
    "/api/v1/directives/preview",
    DirectiveText,
    DirectivePreview,
    "Show who a directive would cover and spare, and what each exception changes. This changes nothing.",
    body_max=ANNEXES_MAX,
)


@form
class SignedDirective(SignedStatement):
    """A signed directive, and what opens its commitments, by name."""

    opened: Mapping[str, Opened] = field(default_factory=dict)


@form
class AcceptedDirective(Done):
    """A directive that is on the record. The counts are missing if it has ended meanwhile."""

    directive: str
    accepted_at_ms: Time
    transcribed: Transcribed = None
    officers: Officers = ()
    covered: SideCounts | None = None
    spared: SideCounts | None = None
    exceptions: Annotated[tuple[ExceptionCoverage, ...], Note("What each exception spares.")] = ()
    unmatched: Annotated[int, Note("How many of the names match no organization that you see here yet.")] = 0
    unmatched_names: Annotated[tuple[UnmatchedName, ...], Note("The first hundred of them.")] = ()


ISSUE = Act(
    "directive.issue",
    frozenset({DEVELOPER, AGENCY}),
    "command",
    "/api/v1/directives",
    SignedDirective,
    AcceptedDirective,
    "Sign a directive and put it in force immediately, also for open streams.",
    daily("directives"),
    ANNEXES_MAX,
    effect="directs",
)


@form
class ConfirmedDirective(Done):
    """A transcribed directive that its issuer has confirmed."""

    directive: str
    issuer: str


CONFIRM = Act(
    "directive.confirm",
    frozenset({DEVELOPER, AGENCY}),
    "command",
    "/api/v1/directives/confirmations",
    SignedStatement,
    ConfirmedDirective,
    "Confirm, as its issuer, that an order that officers wrote down was entered correctly.",
    ONCE,
    effect="narrows",
)


@form
class LiftView(LiftedPart, ActAnswer):
    """A part of a directive that was lifted."""

    transcribed_for: TranscribedFor = ()


@form
class DirectiveSummary(ActAnswer):
    """What a directive says, and how it has ended. `confirmed` is null if it is not transcribed.

    A drill is not in force. `liftTranscribedFor` is about the case that lifted all of it.
    """

    directive: str
    issuer: str
    transcribed: Transcribed
    officers: Officers = ()
    confirmed: bool | None
    drill: bool
    in_force: bool
    ended: str | None
    ended_at_ms: Time | None
    issued_at_ms: Time
    effective_ms: Begins
    expires_ms: Time | None
    action: str
    models: tuple[str, ...]
    surfaces: Surfaces
    covers: Covered
    except_: Excepted
    basis: DirectiveBasis
    reasons: StatedReasons
    lifted: tuple[LiftView, ...]
    lifted_by: Rule
    lift_case: str | None
    lift_transcribed_for: TranscribedFor = ()


@form
class DirectiveFilter(LongPaging):
    """Which directives."""

    in_force: Annotated[bool, Note("Only those in force.")] = False


@form
class Directives(ActAnswer):
    """A page of the directives, newest first. `next` is the last one of this page, if there are more."""

    directives: tuple[DirectiveSummary, ...]
    next: str | None = None


LIST = Act(
    "directive.list",
    frozenset({DEVELOPER, AGENCY}),
    "question",
    "/api/v1/directives",
    DirectiveFilter,
    Directives,
    "List the directives on the record, newest first.",
)


@form
class Remark(ActAnswer):
    """What was said of a directive: `document` with its reasons, or a note by a party."""

    kind: str
    seq: int | None = None
    reasons: StatedReasons | None = None
    about: Json = None
    on: str | None = None
    text: str | None = None
    party: str | None = None
    owner: str | None = None
    digest: str | None = None
    at_ms: Time | None = None


@form
class DirectiveView(DirectiveSummary):
    """A directive with its document, and what was said of it, in order."""

    document: Document
    said: tuple[Remark, ...]


SHOW = Act(
    "directive.show",
    ANYONE,
    "question",
    "/api/v1/directives/{directive}",
    DirectiveArgument,
    DirectiveView,
    "Show what the public record says of a directive: who issued it, who it covers, why, and later notes.",
)


@form
class AffectedPeople(ActAnswer):
    """How many of one's own people a directive covers, and what would make unknown statuses known."""

    directive: str
    covered: SideCounts
    spared: SideCounts
    not_known: NotKnown


AFFECTED = Act(
    "directive.affected",
    frozenset({DEVELOPER, APPLICANT}),
    "question",
    "/api/v1/directives/{directive}/affected",
    DirectiveArgument,
    AffectedPeople,
    "Show how many of your own people a directive covers, and how to make unknown statuses known.",
)


@form
class StateAtGateway(ActAnswer):
    """How a run of a gateway stands with a directive: `acknowledged`, `counted_out` or `waiting`."""

    gateway: str
    incarnation: str
    surface: str
    size: int
    state: str
    at_ms: Time | None
    streams_cut: int
    signed: bool
    drifted: str | None


@form
class StateAtPoint(ActAnswer):
    """How a declared point stands with a directive: `stated` or `waiting`."""

    point: str
    surface: str
    kind: str
    state: str
    at_ms: Time | None


@form
class DirectiveObservation(ObservationView):
    """What an observer last got where a directive takes a model away, and what it `shows` of the directive.

    `removed`: refused by it; `refused`: for another reason; `still_served`; `answered`, as it does not cover
    the key; `before`: answered, when it was not in force everywhere yet; `earlier`: asked before it was
    issued; `failed`.
    """

    shows: str


@form
class DirectiveStatus(ActAnswer):
    """Where a directive is in force. `entry` is the place of the entry that says: everywhere. `confirmed` is
    null if it is not transcribed.

    A drill is in force where it is acknowledged, and `streamsCut` counts what it would have cut.
    """

    directive: str
    size: int
    drill: bool = False
    transcribed: Transcribed = None
    officers: Officers = ()
    confirmed: bool | None = None
    lifted: bool
    in_force: bool
    in_force_since_ms: Time | None
    entry: int | None
    gateways: tuple[StateAtGateway, ...]
    points: tuple[StateAtPoint, ...]
    observed: Annotated[
        tuple[DirectiveObservation, ...], Note("What observers got with keys of their own, where it applies.")
    ] = ()
    unobserved: Annotated[
        tuple[str, ...], Note("Where no one has seen since it was issued whether it is enforced.")
    ] = ()


STATUS = Act(
    "directive.status",
    frozenset({DEVELOPER, AGENCY}),
    "question",
    "/api/v1/directives/{directive}/status",
    DirectiveArgument,
    DirectiveStatus,
    "Show where a directive is in force: gateway by gateway, and point by point.",
)


@form
class DirectiveNames(ActAnswer):
    """Which names of a directive match no one now. Null, if the reader is neither its issuer nor staff."""

    directive: str
    unmatched: Annotated[int | None, Note("How many of its names match no organization that you see here.")]
    unmatched_names: Annotated[tuple[UnmatchedName, ...], Note("The first hundred of them.")]


NAMES = Act(
    "directive.names",
    frozenset({DEVELOPER, AGENCY}),
    "question",
    "/api/v1/directives/{directive}/names",
    DirectiveArgument,
    DirectiveNames,
    "Show which names of a directive match no organization, with the nearest names that you may see.",
)


@form
class LiftPart(Arguments):
    """Which part of a directive to lift, by default all of it.

    `opened` opens the commitment to the organizations of the part.
    """

    directive: DirectiveName
    scope: Scope = Scope()
    opened: Opened | None = None


LIFTING = Act(
    "directive.to-lift",
    frozenset({DEVELOPER, AGENCY}),
    "look",
    "/api/v1/directives/{directive}/lift/question",
    LiftPart,
    CaseToSign,
    "Show what a party signs to lift a directive, or a part of it. This opens no case.",
    body_max=ANNEXES_MAX,
)


@form
class LiftRequest(LiftPart):
    """Which part of a directive to lift, and perhaps the first position on it.

    `envelope` is a position, or a transcription of one, signed for `case` as LIFTING showed it. If it is
    refused, no case is opened.
    """

    case: Annotated[str | None, Note("the case that was signed for")] = None
    envelope: SignedEnvelope | None = None


@form
class LiftCase(PositionReceipt):
    """The case about lifting a directive, or a part of it; and what a position came to that came with it."""

    directive: str
    case: str


LIFT = Act(
    "directive.lift",
    frozenset({DEVELOPER, AGENCY}),
    "command",
    "/api/v1/directives/{directive}/lift",
    LiftRequest,
    LiftCase,
    "Ask to lift a directive, or a part of it. A party that its 'liftedBy' names signs.",
    daily("cases"),
    ANNEXES_MAX,
)


@form
class Meaning(Arguments):
    """What a name in an order means."""

    name: Annotated[PlainName, Note("The definition's name.")]
    statuses: Annotated[tuple[Identifier, ...], Note("A status it means.")]
    source: Annotated[str, text(1, 500), Note("Where that is written.")]


@form
class KnownDefinition(Done):
    """A definition that is on the record."""

    definition: str
    statuses: frozenset[str]
    source: str


DEFINE = Act(
    "definition.add",
    frozenset({DEVELOPER}),
    "command",
    "/api/v1/definitions",
    Meaning,
    KnownDefinition,
    "Say which person statuses the words of an order mean. It cannot be changed.",
)


@form
class DefinitionView(ActAnswer):
    """Which person statuses a name in an order means, and where that is written."""

    definition: str
    statuses: frozenset[str]
    source: str


@form
class Definitions(ActAnswer):
    """What the words of orders mean."""

    definitions: tuple[DefinitionView, ...]


DEFINITIONS = Act(
    "definition.list",
    ANYONE,
    "question",
    "/api/v1/definitions",
    Nothing,
    Definitions,
    "List what the words of orders mean here, and the source of each meaning.",
)
