"""Acts on ramps: show where one stands, preview what a move does, and move it."""

from __future__ import annotations

from typing import Annotated

from sluicegate.acts.act import DEVELOPER, Act, ActAnswer, Arguments, Done
from sluicegate.acts.documents import SignedStatement
from sluicegate_record.form import Note, Time, form, within

Release = Annotated[str, Note("The release.")]
Stage = Annotated[str, Note("The stage.")]


@form
class RampShare(ActAnswer):
    """Where a ramp stands, in per cent of all organizations; and what comes next, if nothing more happens."""

    share: int
    paused: bool = False
    next_share: int | None = None
    next_ms: Time | None = None


@form
class RampArgument(Arguments):
    """Which ramp; and to which earlier share, to see what that takes away."""

    release: Release
    stage: Stage
    to: Annotated[int | None, within(1, 100), Note("An earlier share of the ramp, in per cent.")] = None


@form
class RampToSign(ActAnswer):
    """Where a ramp stands, what the next word on it names as the last one, and who is affected.

    `organizations` are those that are in now: with an account, or with a grant of the release. By the share
    `to`, `losing` of them have no access any more, and `kept` others only by a grant of an earlier stage.
    """

    log: str
    release: str
    stage: str
    share: int
    paused: bool
    previous: str | None = None
    organizations: int = 0
    losing: int = 0
    kept: int = 0


@form
class RampReceipt(Done):
    """What an officer said of a ramp, and the share in per cent that is in from now on."""

    release: str
    stage: str
    says: str
    share: int


TO_SIGN = Act(
    "ramp.to-sign",
    frozenset({DEVELOPER}),
    "question",
    "/api/v1/releases/{release}/stages/{stage}/ramp",
    RampArgument,
    RampToSign,
    "Show where a ramp stands, what an officer signs to move it, and who loses access if it goes back.",
)
MOVE = Act(
    "ramp.move",
    frozenset({DEVELOPER}),
    "command",
    "/api/v1/releases/ramps",
    SignedStatement,
    RampReceipt,
    "Pause a ramp, let it go on, or take it back to an earlier share. An officer signs it.",
    effect="directs",
)
