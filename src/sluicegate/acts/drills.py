"""Acts on drills: end one, and get its signed report. 'directive.issue' starts one."""

from __future__ import annotations

from typing import Annotated

from sluicegate.acts.act import AGENCY, DEVELOPER, Act, ActAnswer, Arguments, Done
from sluicegate.acts.growth import ENDS, ONCE
from sluicegate_record.form import Json, Note, form
from sluicegate_record.statements.directives import DrillReport


@form
class DrillArgument(Arguments):
    """Which drill."""

    drill: Annotated[str, Note("The drill's name.")]


@form
class DrillEnd(Done):
    """A drill that has ended."""

    directive: str


END = Act(
    "drill.end",
    frozenset({DEVELOPER, AGENCY}),
    "command",
    "/api/v1/drills/{drill}/end",
    DrillArgument,
    DrillEnd,
    "End a drill.",
    ENDS,
    effect="ends",
)


@form
class SignedDrillReport(DrillReport, ActAnswer):
    """The report of a drill, and the envelope in which the log's key has signed it."""

    envelope: Json


REPORT = Act(
    "drill.report",
    frozenset({DEVELOPER, AGENCY}),
    "question",
    "/api/v1/drills/{drill}/report",
    DrillArgument,
    SignedDrillReport,
    "Show the signed report of a drill: how long until it was in force everywhere, "
    "and until access was back.",
    ONCE,
)
