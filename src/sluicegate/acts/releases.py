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
from sluicegate.acts.documents import DocumentText, SignedStatement
from sluicegate_record.form import Json, Note, form
from sluicegate_record.terms.conditions import Conditions
from sluicegate_record.terms.plan import Clock, Eligibility, OpensWhen, StageBasis
from sluicegate_record.terms.rule import Rule


@form
class PlanChange(ActAnswer):
    """A field that a plan changes. `before` or `after` is null if the field is not there."""

    field: str
    before: Json
    after: Json


@form
class AffectedCounts(ActAnswer):
    """How many an applied plan affects: those that a release has now."""

    organizations: int
    grants: int
    open_applications: int


@form
class PlanPreview(ActAnswer):
    """What applying a plan would change. `loosened` has the fields that may be less strict, by stage.

    `unheard` says, by stage, why appeals may wait for ever.
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


PREVIEW = Act(
    "plan.preview",
    frozenset({DEVELOPER}),
    "look",
    "/api/v1/releases/preview",
    DocumentText,
    PlanPreview,
    "Show what a plan would change, and who is affected. This changes nothing.",
)


@form
class PlanReceipt(Done):
    """What a plan has changed. `cases` ask agencies to agree to new terms, `superseded` cases have ended."""

    release: str
    terms_digests: Mapping[str, str]
    tightened: tuple[str, ...]
    loosened: Mapping[str, tuple[str, ...]]
    changes: tuple[PlanChange, ...]
    cases: tuple[str, ...]
    superseded: tuple[str, ...]


APPLY = Act(
    "plan.apply",
    frozenset({DEVELOPER}),
    "command",
    "/api/v1/releases",
    DocumentText,
    PlanReceipt,
    "Put a plan in force. Its agencies must agree to new terms before a stage admits anyone.",
)


@form
class AppealTerms(ActAnswer):
    """Who decides appeals of a stage, and within which time they may be made."""

    decide: Rule
    within: str


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
    opens_when: OpensWhen | None
    clock: Clock | None
    reply: str
    appeal: AppealTerms
    agencies: tuple[str, ...]
    seats: int | None
    seated: int | None
    waitlisted: int | None
    eligibility: Eligibility
    conditions: Conditions


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


@form
class Status(ActAnswer):
    """Every release that the reader may know of, as it is with `size` entries."""

    size: int
    releases: tuple[ReleaseStatus, ...]
    directives_in_force: tuple[str, ...]


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
class StageArgument(Arguments):
    """Which stage of which release."""

    release: Annotated[str, Note("The release, as 'status' shows it.")]
    stage: Annotated[str, Note("The stage, as 'status' shows it.")]


@form
class OpeningToSign(ActAnswer):
    """What an officer signs to open a stage, unchanged."""

    log: str
    release: str
    stage: str
    terms: str


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
class StageReceipt(Done):
    """The stage is open; or `case` asks agencies to agree to its opening."""

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
