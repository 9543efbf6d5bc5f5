"""Acts on releases: preview a plan, apply it, see how far each stage is, open a stage."""

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
from sluicegate.acts.changes import ChangeGroup, PlanChange, PlanEffect, PlanOutline, TermsToAgree
from sluicegate.acts.deployments import StatedDeployment
from sluicegate.acts.designations import DesignationView
from sluicegate.acts.documents import ListedPlan, SignedStatement
from sluicegate.acts.fields import text
from sluicegate.acts.findings import FindingSummary
from sluicegate.acts.observations import ObservationView
from sluicegate.acts.promises import PromiseView
from sluicegate.acts.ramps import RampShare
from sluicegate.acts.stages import RequirementView
from sluicegate_record.form import Note, Time, form
from sluicegate_record.terms.audience import APPLICANTS
from sluicegate_record.terms.conditions import Conditions
from sluicegate_record.terms.exposure import AMeasure, Exposure
from sluicegate_record.terms.plan import Clock, Eligibility, StageBasis
from sluicegate_record.terms.programmes import Programmes
from sluicegate_record.terms.requirements import Group
from sluicegate_record.terms.rule import Rule
from sluicegate_record.terms.text import REASON_MAX


@form
class AffectedCounts(ActAnswer):
    """How many an applied plan affects: those that a release has now."""

    organizations: int
    grants: int
    open_applications: int


@form
class ExposureChange(ActAnswer):
    """A measure of what a stage is meant to let into the world that would change, and what it lets in now.

    `measure` is its word in the plan language: organizations, people, or requestsPerDay. Units: `now` of
    requests is those of today, UTC, as far as gateways have reported them.
    """

    stage: str
    measure: str
    now: int
    before: AMeasure | None
    after: AMeasure | None


@form
class PlanPreview(ActAnswer):
    """What applying a plan would change. `loosened` has the fields that may be less strict, by stage.

    `groups` has `changes` by what they are about, and `effects` what they lead to. `outline` is the plan of a
    new release in short. `unheard` says, by stage, why appeals may wait for ever. `exposure` has
    each measure of a stage that changes. `retargeted` are the stages whose target date
    was promised and changes: that needs a reason. `base` is the plan in force that it was compared with.
    """

    release: str
    new: bool
    terms_digests: Mapping[str, str]
    terms_to_agree: tuple[str, ...]
    tightened: tuple[str, ...]
    loosened: Mapping[str, tuple[str, ...]]
    changes: tuple[PlanChange, ...]
    affects: AffectedCounts
    unheard: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    groups: tuple[ChangeGroup, ...] = ()
    effects: tuple[PlanEffect, ...] = ()
    outline: PlanOutline | None = None
    exposure: tuple[ExposureChange, ...] = ()
    retargeted: tuple[str, ...] = ()
    scrutiny: Annotated[tuple[str, ...], Note("The scrutiny levels that would hold.")] = ()
    undesignated: Annotated[
        tuple[DesignationView, ...], Note("Designations that hold, and would lead to no level any more.")
    ] = ()
    base: str = ""


PREVIEW = Act(
    "plan.preview",
    frozenset({DEVELOPER}),
    "look",
    "/api/v1/releases/preview",
    ListedPlan,
    PlanPreview,
    "Show what a plan would change, and who is affected. This changes nothing.",
)


@form
class PlanReceipt(Done):
    """What a plan has changed. `cases` ask agencies to agree to new terms, `superseded` cases have ended.

    `retargeted` are the stages whose promised target date it changes.
    """

    release: str
    terms_digests: Mapping[str, str]
    tightened: tuple[str, ...]
    loosened: Mapping[str, tuple[str, ...]]
    changes: tuple[PlanChange, ...]
    cases: tuple[str, ...]
    superseded: tuple[str, ...]
    to_agree: Annotated[
        tuple[TermsToAgree, ...], Note("What is to be agreed now, also of earlier plans.")
    ] = ()
    retargeted: tuple[str, ...] = ()
    base: str = ""


@form
class PlanText(ListedPlan):
    """A plan to put in force."""

    reason: Annotated[str | None, text(1, REASON_MAX), Note("Why target dates change. It is public.")] = None
    base: Annotated[
        str | None,
        text(1, 128),
        Note("The plan that it is to replace, as 'plan' answers it; refused if another one is in force."),
    ] = None


APPLY = Act(
    "plan.apply",
    frozenset({DEVELOPER}),
    "command",
    "/api/v1/releases",
    PlanText,
    PlanReceipt,
    "Put a plan in force. Its agencies must agree to new terms before a stage admits anyone.",
)


@form
class AppealTerms(ActAnswer):
    """Who decides appeals of a stage, and within which time they may be made."""

    decide: Rule
    within: str


@form
class BasisView(ActAnswer):
    """The date of a basis, and what follows when that day is over: `after` is lapse, stay or review.

    `then` is what followed: lapse or stay; null before. `review` is the case that decides it.
    """

    until: str
    after: str
    then: str | None
    review: str | None
    words: str


@form
class HeardView(ActAnswer):
    """Who is heard about a stage that serves a concern: who is asked, by whose referral, who declined.

    `referred` says by the name of each such agency which other one referred to it. `neverAsked` are the
    agencies with that remit that no case asks.
    """

    concern: str
    asked: tuple[str, ...]
    referred: Mapping[str, str]
    declined: tuple[str, ...]
    never_asked: tuple[str, ...]


@form
class ExposureView(ActAnswer):
    """What a stage is meant to let into the world at most, as the plan states it, and what it lets in now.

    `organizations` hold a seat, or an account where the stage is for everyone; `people` are their registered
    members; `requestsToday` those of this day, UTC, as far as gateways have reported them. To applicants, few
    are null.
    """

    stated: Exposure
    organizations: int | None
    people: int | None
    requests_today: int | None = None


@form
class StageStatus(ActAnswer):
    """How far a stage is, and what it asks for. To applicants, few seats that are taken are null."""

    stage: str
    terms: str
    terms_agreed: bool
    terms_case: str | None
    awaiting: tuple[str, ...]
    open: bool
    basis: StageBasis
    basis_lapsed: bool
    mode: str
    rule: Rule
    removed_by: Rule
    opens_when: Group | None
    clock: Clock | None
    reply: str
    appeal: AppealTerms
    agencies: tuple[str, ...]
    seats: int | None
    seated: int | None
    waitlisted: int | None
    eligibility: Eligibility
    conditions: Conditions
    exposure: ExposureView | None = None
    requirements: tuple[RequirementView, ...] = ()
    audience: Annotated[
        str,
        Note(
            "`applicants`, each with a case; with an account `evaluators`, the `organizations` of a list,"
            " or `everyone`; `programme`: those whose grants have it."
        ),
    ] = APPLICANTS
    programme: Annotated[str | None, Note("The programme that those hold who it is for.")] = None
    listed: Annotated[int | None, Note("How many organizations the terms name, if they do.")] = None
    share: Annotated[int | None, Note("How many per cent of all organizations are in now, if it ramps.")] = (
        None
    )
    ramp: RampShare | None = None
    becoming: Annotated[
        int | None, Note("How many organizations have a grant that goes on as part of it.")
    ] = None
    opens_ms: Annotated[Time | None, Note("When it opens by itself, if nothing more happens.")] = None
    basis_after: BasisView | None = None
    heard: HeardView | None = None


@form
class ReportSaid(ActAnswer):
    """What a party said of a report: `signs` or `dissents`, and why."""

    party: str
    says: str
    reason: str = ""


@form
class ReleaseEnd(ActAnswer):
    """When a release was closed, the digest of its report, and what parties have said of that."""

    closed_ms: Time
    report: str
    said: tuple[ReportSaid, ...] = ()


@form
class ReleaseStatus(ActAnswer):
    """A release with its stages."""

    release: str
    title: str | None
    models: tuple[str, ...]
    surfaces: tuple[str, ...]
    announced: bool
    directs: Annotated[
        Mapping[str, tuple[str, ...]],
        Note(
            "The models about which each agency alone may issue directives, as the plan says or by default."
        ),
    ] = field(default_factory=dict)
    stages: tuple[StageStatus, ...]
    closed: Annotated[ReleaseEnd | None, Note("If it is closed.")] = None
    scrutiny: Annotated[
        tuple[str, ...], Note("The scrutiny levels that hold: their terms are in force.")
    ] = ()
    designations: Annotated[
        tuple[DesignationView, ...], Note("Judgements that hold, of agencies: whose and since when.")
    ] = ()
    programmes: Annotated[
        Programmes, Note("The programmes of its plan, by concern: what each asks, and what carries it.")
    ] = field(default_factory=dict)
    findings: Annotated[
        tuple[FindingSummary, ...], Note("Findings that are open, newest first, at most 50.")
    ] = ()
    deployment: Annotated[
        StatedDeployment | None, Note("What the developer asserts serves it, if it does or its plan asks.")
    ] = None
    contradicted: Annotated[
        tuple[ObservationView, ...],
        Note("What observers got against the record in a week, newest first; for staff and agencies."),
    ] = ()
    names: Annotated[Mapping[str, str], Note("What its agencies are called.")] = field(default_factory=dict)


@form
class Status(ActAnswer):
    """Every release that the reader may know of, as it is with `size` entries.

    `promises` are those that are open or were broken, newest first, at most 50.
    """

    size: int
    releases: tuple[ReleaseStatus, ...]
    directives_in_force: tuple[str, ...]
    promises: tuple[PromiseView, ...] = ()


STATUS = Act(
    "release.list",
    frozenset({DEVELOPER, AGENCY, APPLICANT}),
    "question",
    "/api/v1/releases",
    Nothing,
    Status,
    "Show each release with its stages: terms, opening, seats, what it asks; and directives in force.",
)


@form
class ReleaseArgument(Arguments):
    """Which release."""

    release: Annotated[str, Note("The release.")]


@form
class StageArgument(Arguments):
    """Which stage of which release."""

    release: Annotated[str, Note("The release.")]
    stage: Annotated[str, Note("The stage.")]


@form
class OpeningToSign(ActAnswer):
    """What an officer signs to open a stage, unchanged."""

    log: str
    release: str
    stage: str
    terms: str
    closing: str | None = None


OPENING = Act(
    "stage.opening",
    frozenset({DEVELOPER}),
    "question",
    "/api/v1/releases/{release}/stages/{stage}/opening",
    StageArgument,
    OpeningToSign,
    "Show what an officer signs to open a stage.",
)


@form
class LastClosing(ActAnswer):
    """The newest closing of a stage, also if it is open again; without values if it never closed.

    `officer` signed it; null if it closed by itself. `signed` is the digest of the newest that one signed.
    """

    closed_ms: Time | None = None
    officer: str | None = None
    signed: str | None = None


CLOSING = Act(
    "stage.closing",
    frozenset({DEVELOPER}),
    "question",
    "/api/v1/releases/{release}/stages/{stage}/closing",
    StageArgument,
    LastClosing,
    "Show when a stage was closed last, and by which officer.",
)


@form
class StageReceipt(Done):
    """The stage is open, or closed; or `case` asks agencies to agree to its opening."""

    release: str
    stage: str
    case: str | None = None


OPEN = Act(
    "stage.open",
    frozenset({DEVELOPER}),
    "command",
    "/api/v1/releases/openings",
    SignedStatement,
    StageReceipt,
    "Open a stage under the terms in force. An officer signs the opening.",
)


CLOSE = Act(
    "stage.close",
    frozenset({DEVELOPER}),
    "command",
    "/api/v1/releases/closings",
    SignedStatement,
    StageReceipt,
    "Close a stage for all who use it. An officer signs the closing, and only an officer opens it again.",
    effect="narrows",
)


@form
class JsonSchema(ActAnswer):
    """A JSON Schema, as it is."""


SCHEMA = Act(
    "plan.schema",
    ANYONE,
    "question",
    "/api/v1/schemas/plan",
    Nothing,
    JsonSchema,
    "Show the JSON Schema of plans.",
)
