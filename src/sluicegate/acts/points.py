"""Acts on declared points, where others enforce: declare or retire one, list them, carry their statements."""

from __future__ import annotations

from typing import Annotated

from sluicegate.acts.act import AGENCY, DEVELOPER, Act, ActAnswer, Arguments, Done
from sluicegate.acts.directives import DirectiveName
from sluicegate.acts.documents import SignedStatement
from sluicegate.acts.paging import LongPaging
from sluicegate_record.form import Base64, Note, Time, form


@form
class KnownPoint(Done):
    """A point that is declared or retired."""

    point: str
    surface: str
    state: str


PUT = Act(
    "point.put",
    frozenset({DEVELOPER}),
    "command",
    "/api/v1/points",
    SignedStatement,
    KnownPoint,
    "Declare or retire an enforcement point that has no gateway of ours. An officer signs it.",
)


@form
class PointSaying(ActAnswer):
    """The newest statement of a point about a directive. `size` is that of the directive's document."""

    directive: str
    says: str
    size: int
    at_ms: Time
    seq: int


@form
class PointView(ActAnswer):
    """A declared point."""

    point: str
    surface: str
    state: str
    keyid: str
    public_key: Base64
    owner: str
    declared_at_ms: Time
    stated: tuple[PointSaying, ...]


@form
class PointFilter(LongPaging):
    """Which points."""

    point: Annotated[str | None, Note("Only the one with this name.")] = None


@form
class Points(ActAnswer):
    """A page of the points, oldest first. `next` is the last one of this page, if there are more."""

    points: tuple[PointView, ...]
    next: str | None = None


LIST = Act(
    "point.list",
    frozenset({DEVELOPER, AGENCY}),
    "question",
    "/api/v1/points",
    PointFilter,
    Points,
    "List declared enforcement points, and the newest statement of each about each directive.",
)


@form
class PointAndDirective(Arguments):
    """Which point, and which directive."""

    point: Annotated[str, Note("The point's name; 'sluicegate point list' lists them.")]
    directive: DirectiveName


@form
class EnforcementToSign(ActAnswer):
    """What a point signs, unchanged; it adds what it says, and when. `document` is a digest."""

    log: str
    point: str
    directive: str
    document: str


TO_STATE = Act(
    "point.to-state",
    frozenset({DEVELOPER}),
    "question",
    "/api/v1/points/{point}/directives/{directive}",
    PointAndDirective,
    EnforcementToSign,
    "Show what a point signs about a directive.",
)


@form
class KnownEnforcement(Done):
    """What a point has said of a directive, on the record."""

    point: str
    directive: str
    says: str
    at_ms: Time


STATE = Act(
    "point.state",
    frozenset({DEVELOPER}),
    "command",
    "/api/v1/points/statements",
    SignedStatement,
    KnownEnforcement,
    "Say, with the point's own key, that it now enforces a directive or has restored access.",
)
