"""The act that shows one release on one screen: where it is, what it waits for, what probably comes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from sluicegate.acts.act import AGENCY, APPLICANT, DEVELOPER, Act, ActAnswer
from sluicegate.acts.cases import CaseSummary
from sluicegate.acts.evidence import WeighedEvidence
from sluicegate.acts.promises import PromiseView
from sluicegate.acts.releases import ReleaseArgument, ReleaseStatus
from sluicegate_record.directives.document import Covered
from sluicegate_record.directives.phrases import narrows
from sluicegate_record.form import Note, Time, form
from sluicegate_record.terms.plan import Plan


@form
class StageEvent(ActAnswer):
    """Something that happens to a stage. `comes`: it is still to come."""

    at_ms: Time
    what: Annotated[
        Literal["asked", "agreed", "opened", "closed", "opens", "expected", "until"],
        Note(
            "`asked`: agencies, about its terms; `agreed` to them; `opens`: by itself, if nothing more "
            "happens; `expected`: by the forecast; `until`: the last day of its basis."
        ),
    ]
    comes: bool
    text: str = ""
    entry: Annotated[int | None, Note("The entry of the log that says so, of what happened.")] = None

    @property
    def shown_ms(self) -> int:
        """A moment of its day: the last day of a basis is over when the next one begins."""
        return self.at_ms - 1 if self.what == "until" else self.at_ms


@form
class StageCourse(ActAnswer):
    """A stage on the time line: what happened to it and what comes, in the order of time."""

    stage: str
    state: Annotated[
        Literal["open", "halted", "closed", "waits"],
        Note(
            "`halted`: open, but no one is admitted; `closed`: it was open; "
            "`waits`: not open yet, under the terms in force."
        ),
    ]
    events: tuple[StageEvent, ...]


@form
class ActiveDirective(ActAnswer):
    """A directive in force on models of the release."""

    directive: str
    action: str
    models: tuple[str, ...]
    covers: Covered
    since_ms: Time

    @property
    def words(self) -> str:
        """What it does to which models, and who it covers."""
        return narrows(self.action, self.models, self.covers)


@form
class AgencyHistory(ActAnswer):
    """How long an agency took in the cases that it has answered. Units: milliseconds."""

    agency: str
    cases: int
    median_ms: int
    shortest_ms: int
    longest_ms: int


@form
class OpeningForecast(ActAnswer):
    """When the next stage probably opens, and why that is said.

    `basis`: `time`, only time is missing; `history`, what agencies took before; `none`, nothing says when.
    From `earliest` to `latest` is the spread of that history. It is no promise of anyone.
    """

    stage: str
    basis: Literal["time", "history", "none"]
    at_ms: Time | None
    earliest_ms: Time | None
    latest_ms: Time | None
    history: tuple[AgencyHistory, ...]
    waits_for: Annotated[tuple[str, ...], Note("What no time can be said for.")]
    words: str


@form
class ReleaseOutlook(ActAnswer):
    """A release with `size` entries of the log: its stages as in a status, and all that runs or comes.

    `forecast` is null if every stage is open. At most 50 cases are listed; `openCases` counts them all.
    """

    size: int
    at_ms: Time
    status: ReleaseStatus
    timeline: tuple[StageCourse, ...]
    open_cases: int
    cases: tuple[CaseSummary, ...]
    directives: tuple[ActiveDirective, ...]
    promises: tuple[PromiseView, ...]
    forecast: OpeningForecast | None
    evidence: Annotated[
        tuple[WeighedEvidence, ...],
        Note("The newest result of each party of each evaluation that stands, and those that decide."),
    ] = ()
    plan: Annotated[Plan | None, Note("The plan in force, for staff.")] = None

    @property
    def standing(self) -> str:
        """How it stands, in words: what comes; or that every stage is open, and what keeps people out."""
        if self.forecast is not None:
            return self.forecast.words
        return ", but ".join(filter(None, ["every stage is open", " and ".join(self._against())]))

    def _against(self) -> Iterator[str]:
        """What keeps people out although every stage is open."""
        halted = [each.stage for each in self.timeline if each.state == "halted"]
        if halted:
            yield f"no one is admitted to {', '.join(halted)}"
        if self.directives:
            are = "a directive is" if len(self.directives) == 1 else f"{len(self.directives)} directives are"
            named = "; ".join(f"{each.directive}, to {each.words}" for each in self.directives)
            yield f"{are} in force: {named}"


SHOW = Act(
    "release.show",
    frozenset({DEVELOPER, AGENCY, APPLICANT}),
    "question",
    "/api/v1/releases/{release}",
    ReleaseArgument,
    ReleaseOutlook,
    "Show one release: its time line, seats, requirements, cases, promises, directives, and a forecast.",
)
