"""Acts on promises: sign that your party makes, keeps, changes or breaks one; list them."""

from __future__ import annotations

from typing import Annotated

from sluicegate.acts.act import AGENCY, APPLICANT, DEVELOPER, Act, ActAnswer, Arguments, Done
from sluicegate.acts.documents import SignedStatement
from sluicegate.acts.growth import daily
from sluicegate.acts.paging import Paging
from sluicegate_record.form import Note, Time, form
from sluicegate_record.statements.about import About

PromiseName = Annotated[str, Note("The promise.")]


@form
class PromiseArgument(Arguments):
    """On which promise your party says a word; none: it makes one."""

    promise: PromiseName | None = None


@form
class PromiseToSign(ActAnswer):
    """For which log and party the caller signs; and the promise as it stands, if it is about one.

    `previous` is the party's last signed word on it.
    """

    log: str
    party: str
    promise: str | None = None
    text: str | None = None
    due_ms: Time | None = None
    default: str | None = None
    previous: str | None = None


@form
class PromiseReceipt(Done):
    """A promise, and what it is now: `open`, `kept`, `broken` or `void`."""

    promise: str
    party: str
    state: str
    due_ms: Time


@form
class FormerPromise(ActAnswer):
    """How a promise was before its party changed it, and why it did."""

    text: str
    by: str
    reason: str
    at_ms: Time
    seq: int


@form
class PromiseView(ActAnswer):
    """A promise. `by` is its last day, `due` the end of that. `late`: kept after it was broken.

    `how` says by what it was broken: `time` or `act`; `said` what its party said when it kept or broke it.
    `signedBy` is who signed it; null if no one did, as in logs of earlier builds. `isTarget`: a plan made it.
    """

    promise: str
    party: str
    text: str
    by: str
    due_ms: Time
    default: str | None
    about: About
    state: str
    late: bool
    how: str | None
    said: str | None
    made_at_ms: Time
    ended_at_ms: Time | None
    seq: int
    changes: tuple[FormerPromise, ...]
    signed_by: str | None = None
    is_target: bool = False


@form
class PromiseFilter(Paging):
    """Which promises."""

    party: Annotated[str | None, Note("Only those of this party.")] = None
    state: Annotated[str | None, Note("open | kept | broken | void")] = None
    release: Annotated[str | None, Note("Only those about this release, its stages and its cases.")] = None


@form
class PromiseList(ActAnswer):
    """A page of promises, newest first. `next` is the last one of this page, if there are more."""

    size: int
    promises: tuple[PromiseView, ...]
    next: str | None


_PARTIES = frozenset({DEVELOPER, AGENCY})

TO_SIGN = Act(
    "promise.to-sign",
    _PARTIES,
    "question",
    "/api/v1/promises/to-sign",
    PromiseArgument,
    PromiseToSign,
    "Show what your party signs when it makes, keeps, changes or breaks a promise.",
)
RECORD = Act(
    "promise.record",
    _PARTIES,
    "command",
    "/api/v1/promises",
    SignedStatement,
    PromiseReceipt,
    "Put your party's signed word on a promise on the record: made, kept, changed or broken.",
    daily("promises"),
)
LIST = Act(
    "promise.list",
    frozenset({DEVELOPER, AGENCY, APPLICANT}),
    "question",
    "/api/v1/promises",
    PromiseFilter,
    PromiseList,
    "List promises, newest first: whose, until when, what follows by default, and what happened to them.",
)
