"""Acts on designations: an agency's judgement of a model's class, and the case that reconsiders it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from sluicegate.acts.act import AGENCY, DEVELOPER, Act, ActAnswer, Arguments, Done
from sluicegate.acts.changes import PlanChange
from sluicegate.acts.fields import Identifier, Opened, ReleaseName, SignedEnvelope, text
from sluicegate.acts.growth import daily
from sluicegate_record.form import Key, Note, Time, form

Class = Annotated[str, Key("class"), Note("covered-frontier-model | comparable-to")]


@form
class DesignationArgument(Arguments):
    """Which judgement: that a model of the release is of a class, or that this is not so any more.

    Without `model` it is the release's only one; without `agency` the caller's, or the only one that may.
    """

    release: ReleaseName
    class_: Class
    model: Annotated[str | None, Note("The model of the release, by its id.")] = None
    comparable_to: Annotated[str | None, Note("The other model, of comparable-to.")] = None
    says: Annotated[str, Note("designates | withdraws")] = "designates"
    agency: Annotated[str | None, Note("The agency that designates.")] = None


@form
class RaisedStage(ActAnswer):
    """What a judgement changes in the terms of a stage: field by field, and the rules among that as wholes.

    `lacks` is what the open stage would lack then.
    """

    stage: str
    terms: str
    changes: tuple[PlanChange, ...]
    rules: tuple[PlanChange, ...] = ()
    lacks: tuple[str, ...]


@form
class DesignationToSign(ActAnswer):
    """What an agency signs, without its public statement and its sealed basis; and what would follow.

    `scrutiny` are the levels that would hold then. The open cases in `superseded` would end.
    """

    log: str
    release: str
    agency: str
    says: str
    model: Annotated[str, Note("The digest of its weights.")]
    model_id: str
    class_: Class
    comparable_to: str | None = None
    terms: Annotated[Mapping[str, str], Note("The digests of the plan's own terms, by stage.")]
    previous: str | None = None
    scrutiny: tuple[str, ...]
    stages: tuple[RaisedStage, ...]
    superseded: tuple[str, ...]


@form
class SignedDesignation(Arguments):
    """A signed judgement, as a DSSE envelope; `opened` if it commits to a sealed basis."""

    envelope: SignedEnvelope
    opened: Opened | None = None


@form
class DesignationReceipt(Done):
    """An agency's judgement that is on the record. Its own digest is its name; `superseded` cases ended."""

    designation: str
    release: str
    agency: str
    says: str
    model: str
    class_: Class
    comparable_to: str | None = None
    scrutiny: tuple[str, ...]
    superseded: tuple[str, ...]


@form
class DesignationView(ActAnswer):
    """A judgement, as it is shown: whose it is and since when. `scrutiny` is the level to which it leads.

    `case` reconsiders it, or did. `sealed`: its basis is on the record, and not public.
    """

    designation: str
    agency: str
    model: str
    class_: Class
    comparable_to: str | None
    statement: str
    sealed: bool
    scrutiny: str | None
    since_ms: Time
    at_ms: Time
    seq: int
    case: str | None = None


@form
class ReconsiderationRequest(Arguments):
    """Which judgement of a release, by its digest, and why it should end. The text is sealed in the case."""

    release: ReleaseName
    designation: Annotated[Identifier, Note("The designation, by its digest.")]
    text: Annotated[str, text(1, 4_000), Note("Why it should end.")]


@form
class ReconsiderationCase(Done):
    """The case that asks whether a designation ends."""

    case: str
    release: str
    designation: str


TO_SIGN = Act(
    "designation.to-sign",
    frozenset({DEVELOPER, AGENCY}),
    "question",
    "/api/v1/releases/{release}/designation",
    DesignationArgument,
    DesignationToSign,
    "Show what an agency signs to designate a model, and what would follow. This changes nothing.",
)
RECORD = Act(
    "designation.record",
    frozenset({DEVELOPER, AGENCY}),
    "command",
    "/api/v1/designations",
    SignedDesignation,
    DesignationReceipt,
    "Put an agency's signed judgement of a model on the record.",
    daily("positions"),
)
RECONSIDER = Act(
    "designation.reconsider",
    frozenset({DEVELOPER}),
    "command",
    "/api/v1/designations/reconsiderations",
    ReconsiderationRequest,
    ReconsiderationCase,
    "Ask that a designation be reconsidered. Its agency decides, or who the terms say.",
)
