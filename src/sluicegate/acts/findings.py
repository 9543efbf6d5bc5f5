"""Acts on findings: sign that your party reports, answers or retests one; list them, show one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Annotated

from sluicegate.acts.act import AGENCY, APPLICANT, DEVELOPER, Act, ActAnswer, Arguments, Done
from sluicegate.acts.evidence import ModelInForce, SealingKey
from sluicegate.acts.fields import Identifier, Opened, SignedEnvelope
from sluicegate.acts.growth import daily
from sluicegate.acts.paging import Paging
from sluicegate_record.directives.received import Outsider
from sluicegate_record.form import Note, Time, form
from sluicegate_record.terms.findings import Axes
from sluicegate_record.terms.plan import ModelDigests

FindingName = Annotated[Identifier, Note("The finding.")]


@form
class FindingToSignArgument(Arguments):
    """On which finding your party says a word, or of which release it reports one."""

    finding: FindingName | None = None
    release: Annotated[Identifier | None, Note("The release.")] = None


@form
class FindingToSign(ActAnswer):
    """For which log and party the caller signs: the models and levels of the release, lowest level first.

    `finding` and `previous`, the newest word on it, are there if it is about one; `model` is the one of it.
    """

    log: str
    party: str
    release: str
    models: tuple[ModelInForce, ...]
    levels: tuple[str, ...]
    finding: str | None = None
    previous: str | None = None
    model: str | None = None
    keys: Annotated[tuple[SealingKey, ...], Note("To these details can be sealed.")] = ()


@form
class FindingReceipt(Done):
    """A finding, and what it is now."""

    finding: str
    release: str
    party: str
    state: str


@form
class FindingDue(ActAnswer):
    """What the developer owes, and until when."""

    step: str
    due_ms: Time


@form
class FindingSummary(ActAnswer):
    """A finding: who found what, of which level, where it stands and what the developer owes.

    `response`: what follows for the stages of the release while it is open: `tell`, `halt` or `close`;
    `requestsPerMinute`: what each grant has of its model then; `suspends`: its grant is suspended then.
    """

    finding: str
    release: str
    party: str
    kind: str
    level: str
    axes: Axes | None
    text: str
    model: str | None
    tested: ModelDigests | None
    grant: str | None
    transcribed: Outsider | None
    state: str
    response: str | None
    requests_per_minute: int | None
    suspends: bool
    owed: tuple[FindingDue, ...]
    overdue: tuple[str, ...]
    sealed_to: Annotated[tuple[str, ...], Note("The parties that can read its details, if there are some.")]
    reported_at_ms: Time
    closed_at_ms: Time | None
    seq: int


@form
class FindingWordView(ActAnswer):
    """What a party said of a finding: what it asked for, gave, disputed, fixed or found again, and when."""

    says: str
    party: str
    digest: str
    seq: int
    at_ms: Time
    text: str | None = None
    tested: ModelDigests | None = None
    outcome: str | None = None
    transcribed: Outsider | None = None
    sealed_to: tuple[str, ...] = ()


@form
class FindingView(FindingSummary):
    """A finding with all that was said of it, oldest first; `closesBy` are the parties that may retest it.

    `details` are the sealed details of the report and of what was said, by the entry that has them, for the
    parties to which they are sealed: files of age, in base64. Only their keys open them.
    """

    said: tuple[FindingWordView, ...]
    closes_by: tuple[str, ...]
    details: Mapping[str, str] = field(default_factory=dict)


@form
class SignedFinding(Arguments):
    """A signed word on a finding, as a DSSE envelope; `opened` if it commits to sealed details."""

    envelope: SignedEnvelope
    opened: Opened | None = None


@form
class FindingFilter(Paging):
    """Which findings."""

    release: Annotated[str | None, Note("Only those of this release.")] = None
    state: Annotated[str | None, Note("open | closed")] = None


@form
class FindingList(ActAnswer):
    """A page of findings, newest first. `next` is the last one of this page, if there are more."""

    size: int
    findings: tuple[FindingSummary, ...]
    next: str | None


@form
class FindingArgument(Arguments):
    """Which finding."""

    finding: FindingName


_PARTIES = frozenset({DEVELOPER, AGENCY})

TO_SIGN = Act(
    "finding.to-sign",
    _PARTIES,
    "question",
    "/api/v1/findings/to-sign",
    FindingToSignArgument,
    FindingToSign,
    "Show what your party signs when it reports a finding, answers one or retests it.",
)
RECORD = Act(
    "finding.record",
    _PARTIES,
    "command",
    "/api/v1/findings",
    SignedFinding,
    FindingReceipt,
    "Put your party's signed word on a finding on the record: reported, answered or retested.",
    daily("positions"),
)
LIST = Act(
    "finding.list",
    frozenset({DEVELOPER, AGENCY, APPLICANT}),
    "question",
    "/api/v1/findings",
    FindingFilter,
    FindingList,
    "List findings, newest first: of which level, where each stands, and what the developer owes.",
)
SHOW = Act(
    "finding.show",
    frozenset({DEVELOPER, AGENCY, APPLICANT}),
    "question",
    "/api/v1/findings/{finding}",
    FindingArgument,
    FindingView,
    "Show a finding: what was asked for, given, disputed, fixed and tested again, who said it and when.",
)
