"""Acts on observations: what parties got when they asked surfaces for a model, with keys of their own."""

from __future__ import annotations

from typing import Annotated, Literal

from sluicegate.acts.act import AGENCY, DEVELOPER, Act, ActAnswer, Arguments, Done
from sluicegate.acts.documents import SignedStatement
from sluicegate.acts.fields import Identifier, ReleaseName, SurfaceName, text
from sluicegate.acts.growth import daily
from sluicegate_record.form import Note, Time, form
from sluicegate_record.terms.observations import Probe, ProbeOutcome


@form
class ProbeArgument(Arguments):
    """Which model is asked for, how and where: the surface, and its scheme, host and port."""

    release: ReleaseName
    model: Identifier
    surface: SurfaceName
    address: Annotated[str, text(1, 256)]
    ask: Annotated[str, text(1, 32)]
    expects: Annotated[str, text(1, 32)]
    point: Identifier | None = None
    programme: Annotated[str | None, text(1, 128)] = None
    covered_by: Identifier | None = None

    @property
    def probe(self) -> Probe:
        """The probe, as it is signed."""
        return Probe(
            release=self.release,
            model=self.model,
            surface=self.surface,
            address=self.address,
            ask=self.ask,
            expects=self.expects,
            point=self.point,
            programme=self.programme,
            covered_by=self.covered_by,
        )


@form
class ObservationToSign(ActAnswer):
    """For which log and party the caller signs, how long the log is, and its last word on the probe.

    `due`: there is no such word yet, or it is an hour old. `inForce`: the directives that take the model from
    the surface, for some or for everyone, and are in force everywhere.
    """

    log: str
    observer: str
    probe: Probe
    size: int
    previous: str | None
    due: bool
    in_force: tuple[str, ...]


@form
class ObservationReceipt(Done):
    """An observation, and what it shows. `recorded`: not if it shows the same as the last one, an hour ago
    at most; `observation` is that one then.
    """

    observation: str
    verdict: str
    due_by: str | None
    recorded: bool


@form
class ObservationView(ActAnswer):
    """What an observer last got from a surface, and what that shows: `as_due`, `still_served`, `not_served`,
    `undecided` or `failed`.

    `due_by`: the directive by which it was due to be refused. `since` is since when it shows the same.
    """

    observer: str
    probe: Probe
    outcome: ProbeOutcome
    verdict: str
    due_by: str | None
    signed_ms: Time
    since_ms: Time
    size: int
    seq: int
    observation: str


@form
class ObservationFilter(Arguments):
    """Of which release, and only what shows this."""

    release: Annotated[Identifier | None, Note("The release.")] = None
    shows: Annotated[
        Literal["as_due", "still_served", "not_served", "undecided", "failed"] | None,
        Note("Only what shows this."),
    ] = None


@form
class Observations(ActAnswer):
    """The newest observation of each probe by each observer: first what contradicts, then the newest."""

    size: int
    observations: tuple[ObservationView, ...]


_PARTIES = frozenset({DEVELOPER, AGENCY})

TO_SIGN = Act(
    "observation.to-sign",
    _PARTIES,
    "question",
    "/api/v1/observations/to-sign",
    ProbeArgument,
    ObservationToSign,
    "Show what your party signs about a request that it makes now: after which entries, and which last word.",
)
RECORD = Act(
    "observation.record",
    _PARTIES,
    "command",
    "/api/v1/observations",
    SignedStatement,
    ObservationReceipt,
    "Hand in your party's signed word on what a surface answered. What is news goes on the record.",
    daily("observations"),
)
LIST = Act(
    "observation.list",
    _PARTIES,
    "question",
    "/api/v1/observations",
    ObservationFilter,
    Observations,
    "List what surfaces answered to those who watch them, and what contradicts the record.",
)
