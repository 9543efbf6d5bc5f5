"""Acts on a whole release: withdraw it, all stages at once, and bring it back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from sluicegate.acts.act import DEVELOPER, Act, ActAnswer, Arguments, Done
from sluicegate.acts.fields import SignedEnvelope, some
from sluicegate.acts.releases import OpeningToSign, ReleaseArgument
from sluicegate_record.form import Note, Time, form

STAGES_MAX = 100
"""How many stages of a release are closed or opened at once: those of its plan, and of earlier ones."""


@form
class SignedStatements(Arguments):
    """Signed statements, one for each stage, as DSSE envelopes."""

    envelopes: Annotated[tuple[SignedEnvelope, ...], some(SignedEnvelope, 1, STAGES_MAX)]


@form
class ReleaseReach(ActAnswer):
    """Who a release reaches now: holders of grants, grants, accounts, valid keys; and what is in flight.

    `streams` are open, `requests` are of the last day, as gateways report them.
    """

    organizations: int
    grants: int
    accounts: int
    keys: int
    streams: int
    requests: int
    open_applications: int


@form
class RecalledStage(ActAnswer):
    """A stage that a recall closes. `inPlan`: whether the plan in force has it; if not, its grants go on."""

    stage: str
    open: bool
    grants: int
    in_plan: bool


@form
class RecallToSign(ActAnswer):
    """What an officer signs to withdraw a release: a closing of each stage. And who it reaches."""

    log: str
    release: str
    stages: tuple[RecalledStage, ...]
    reach: ReleaseReach


RECALLING = Act(
    "release.recalling",
    frozenset({DEVELOPER}),
    "question",
    "/api/v1/releases/{release}/recall",
    ReleaseArgument,
    RecallToSign,
    "Show which stages a recall of a release closes, and who is refused then.",
)


@form
class RecallReceipt(Done):
    """The release is withdrawn: these stages are closed, in one commit."""

    release: str
    stages: tuple[str, ...]


RECALL = Act(
    "release.recall",
    frozenset({DEVELOPER}),
    "command",
    "/api/v1/releases/recalls",
    SignedStatements,
    RecallReceipt,
    "Withdraw a release: close all its stages at once. An officer signs the closing of each.",
    effect="narrows",
)


@form
class ReturningStage(ActAnswer):
    """What a restoration does with a closed stage: `opens`, `asks` agencies first, or it `waits`.

    `waitsFor` is what is missing, `grants` are refused until it opens. `share` is that by which it begins
    again, in per cent, if it ramps.
    """

    stage: str
    what: Literal["opens", "asks", "waits"]
    waits_for: tuple[str, ...]
    closed_ms: Time
    grants: int
    share: Annotated[int | None, Note("If it ramps.")] = None
    opening: Annotated[OpeningToSign | None, Note("What an officer signs, unless it waits.")] = None


@form
class RestorationToSign(ActAnswer):
    """What an officer signs to bring a release back: an opening of each stage that was open."""

    release: str
    stages: tuple[ReturningStage, ...]
    reach: ReleaseReach


RESTORING = Act(
    "release.restoring",
    frozenset({DEVELOPER}),
    "question",
    "/api/v1/releases/{release}/restoration",
    ReleaseArgument,
    RestorationToSign,
    "Show which stages of a withdrawn release can open again, and what the others wait for.",
)


@form
class RestorationReceipt(Done):
    """These stages are open again, in one commit; `asked` has the cases about the others, by stage."""

    release: str
    opened: tuple[str, ...]
    asked: Mapping[str, str]


RESTORE = Act(
    "release.restore",
    frozenset({DEVELOPER}),
    "command",
    "/api/v1/releases/restorations",
    SignedStatements,
    RestorationReceipt,
    "Bring a withdrawn release back: open its stages again at once. An officer signs the opening of each.",
)
