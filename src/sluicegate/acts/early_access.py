"""Acts that answer who held which model, from when to when."""

from __future__ import annotations

from typing import Annotated, Literal

from sluicegate.acts.act import AGENCY, ANYONE, APPLICANT, DEVELOPER, Act, ActAnswer, Arguments
from sluicegate.acts.fields import Identifier, ReleaseName, ShortText
from sluicegate_record.form import Key, Note, Time, form
from sluicegate_record.terms.plan import StageBasis

How = Literal["application", "list", "evaluators", "everyone"]


@form
class EarlyAccessFilter(Arguments):
    """Of which release or model, and in which time."""

    of: Annotated[Identifier, Note("The release, or one of its models.")]
    since: Annotated[
        ShortText | None, Key("from"), Note("Only what lasted after this, such as 2026-07-01; a date in UTC.")
    ] = None
    until: Annotated[ShortText | None, Note("Only what began before this, such as 2026-08-01.")] = None


@form
class AccessStretch(ActAnswer):
    """For how long an organization stood in one way with a model. `until` is missing while it lasts.

    `how` it came to it: by an application, a list or the evaluators of the terms, or as everyone. `state` is
    `held`, or the reason of the refusal that its keys got; if `inPart`, only some persons got it. `under` is
    the grant or account, `case` the one that gave the grant. `terms` and `basis` are those that it rests on.
    `organization` and `purpose` are for who may see the application; `staff`: the developer's own people.
    """

    organization: str | None
    staff: bool | None
    how: How
    release: str
    stage: str
    surface: str
    model: str
    state: str
    in_part: bool
    directives: tuple[str, ...]
    from_ms: Annotated[Time, Key("from")]
    until_ms: Annotated[Time | None, Key("until")]
    under: str
    case: str | None
    terms: str
    basis: StageBasis | None
    purpose: str | None


@form
class EarlyAccess(ActAnswer):
    """Who held a model, at one size of the log.

    `organizations` counts those that held it in that time. If `cut`, there are more stretches than these.
    """

    size: int
    at_ms: Time
    organizations: int
    stretches: tuple[AccessStretch, ...]
    cut: bool = False


LIST = Act(
    "early-access.list",
    frozenset({DEVELOPER, AGENCY, APPLICANT}),
    "question",
    "/api/v1/early-access",
    EarlyAccessFilter,
    EarlyAccess,
    "Show who held a model: from when to when, on which terms and basis, for what, and when not.",
)


@form
class CountedRelease(Arguments):
    """Which release."""

    release: ReleaseName


@form
class StageCount(ActAnswer):
    """How many organizations a stage lets in now; null: fewer than five."""

    stage: str
    organizations: int | None


@form
class EarlyAccessCounts(ActAnswer):
    """How many organizations each stage of a release lets in now."""

    size: int
    release: str
    stages: tuple[StageCount, ...]


COUNTS = Act(
    "early-access.counts",
    ANYONE,
    "question",
    "/api/v1/releases/{release}/early-access",
    CountedRelease,
    EarlyAccessCounts,
    "Count the organizations that each stage of an announced release lets in, if they are five or more.",
)
