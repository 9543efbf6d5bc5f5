"""What a plan changes and leads to: answers of the preview of a plan, and of `apply`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Annotated, Literal

from sluicegate.acts.act import ActAnswer
from sluicegate_record.form import Json, Note, form
from sluicegate_record.terms.audience import RampStep
from sluicegate_record.terms.conditions import UNCONDITIONAL, Conditions
from sluicegate_record.terms.evaluations import Evaluation
from sluicegate_record.terms.exposure import UNSTATED, Exposure
from sluicegate_record.terms.plan import Designations, Scrutiny
from sluicegate_record.terms.programmes import Programmes
from sluicegate_record.terms.rule import Rule


@form
class PlanChange(ActAnswer):
    """A field that a plan changes. `before` or `after` is null if the field is not there."""

    field: str
    before: Json
    after: Json


@form
class ChangeGroup(ActAnswer):
    """The changes in one part of a plan: of a stage, or of the release where `stage` is null."""

    stage: str | None
    part: Annotated[
        str,
        Note(
            "`models`, `surfaces`, `agencies` or `release`; of a stage: `seats`, `rules`, `conditions`, "
            "`requirements`, `exposure`, `grants`."
        ),
    ]
    changes: tuple[PlanChange, ...]


@form
class PlanEffect(ActAnswer):
    """What a plan leads to if it is applied: for a stage, or for all of them where `stage` is null.

    `because` are the changes that lead to it, in words. `superseded` counts open applications that end;
    `grants` those that go on under the terms by which they are held.
    """

    stage: str | None
    what: Annotated[
        Literal["new", "reopened", "tightened", "removed", "target", "models", "surfaces", "hidden", "doubt"],
        Note(
            "`new`: a stage; `reopened`: its terms have to be agreed again; `tightened`: they do not; "
            "`removed`: a stage; `target`: its promised date changes; `models`, `surfaces`: some are no "
            "longer offered; `hidden`: the release is no longer announced; `doubt`: a word that this log "
            "does not know."
        ),
    ]
    words: str
    because: tuple[str, ...] = ()
    agree: Annotated[tuple[str, ...], Note("Who has to agree to the terms.")] = ()
    closes: Annotated[bool, Note("Whether the stage is open, and admits no one until then.")] = False
    superseded: int = 0
    grants: int = 0
    becoming: Annotated[int, Note("How many grants of earlier stages become part of it when it opens.")] = 0


@form
class StageOutline(ActAnswer):
    """A stage of a plan in short."""

    stage: str
    audience: str
    programme: Annotated[str | None, Note("The programme that those hold who it is for.")] = None
    seats: int | None
    mode: str
    rule: Rule
    requires: Annotated[tuple[str, ...], Note("What it requires before it opens by itself.")]
    opens: Annotated[
        Literal["officer", "itself", "asked"],
        Note("Who opens it: an officer; `itself`; or agencies agree, when an officer asks them (`asked`)."),
    ]
    listed: Annotated[int, Note("How many organizations the terms name.")] = 0
    conditions: Conditions = UNCONDITIONAL
    exposure: Exposure = UNSTATED
    ramp: tuple[RampStep, ...] = ()
    takes: Annotated[tuple[str, ...], Note("The stages whose grants go on as part of it.")] = ()


@form
class PlanOutline(ActAnswer):
    """A plan in short."""

    models: tuple[str, ...]
    surfaces: tuple[str, ...]
    agencies: tuple[str, ...]
    programmes: Programmes = field(default_factory=dict)
    evaluations: Mapping[str, Evaluation] = field(default_factory=dict)
    designations: Designations | None = None
    scrutiny: Mapping[str, Scrutiny] = field(default_factory=dict)
    stages: tuple[StageOutline, ...]


@form
class TermsToAgree(ActAnswer):
    """Terms that agencies have to agree to: in which case, who has not yet, and how the stage opens then."""

    stage: str
    case: str
    awaiting: tuple[str, ...]
    opens: Literal["officer", "itself", "asked"]
