"""Acts that show cases: the list of them, and one as its reader sees it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field
from typing import Annotated

from sluicegate.acts.act import AGENCY, APPLICANT, DEVELOPER, Act, ActAnswer, Arguments
from sluicegate.acts.fields import PartOfName, Word
from sluicegate.acts.grants import GrantView
from sluicegate.acts.paging import Paging
from sluicegate.acts.transcript import Officers, Transcribed, TranscribedFor
from sluicegate_record.form import Json, Note, Time, form
from sluicegate_record.statements.about import About
from sluicegate_record.statements.discussion import Discussion
from sluicegate_record.terms import kinds
from sluicegate_record.terms.conditions import Conditions
from sluicegate_record.terms.programmes import HeldProgramme
from sluicegate_record.terms.rule import Rule

CaseName = Annotated[str, Note("The case, such as case_6n3v….")]
OPEN = "open"
"""The word for every state of a case that is not determined."""
STANDINGS = (OPEN, *kinds.STATES, *kinds.OUTCOMES)
"""What a list of cases can be asked for as a state."""


@form
class CaseArgument(Arguments):
    """Which case."""

    case: CaseName


@form
class CaseFilter(Paging):
    """Which cases."""

    kind: Annotated[str | None, Note(" | ".join(kinds.KINDS))] = None
    state: Annotated[Word | None, Note(" | ".join(STANDINGS))] = None
    awaiting: Annotated[str | None, Note("An agency, the developer, or 'applicant'.")] = None
    organization: PartOfName = None
    directive: Annotated[str | None, Note("Only those about this directive.")] = None


@form
class CaseSummary(ActAnswer):
    """A case in a list. `awaiting` names parties, the developer, or `applicant`.

    `part` says in words which part of its directive a case is about, such as `for gpt-5.5 only`; null: all.
    `cannotSign` are the agencies that are asked and have too few keys to answer. `due` is when the whole case
    is due, `nextDue` the earliest date of anything in it.
    """

    case: str
    kind: str
    state: str
    determination: str | None
    release: str | None
    stage: str | None
    surface: str | None
    directive: str | None
    organization: str | None
    opened_at_ms: Time
    due_ms: Time | None
    next_due_ms: Time | None
    awaiting: tuple[str, ...]
    cannot_sign: tuple[str, ...] = ()
    transcribed_for: TranscribedFor = ()
    part: str | None = None

    @property
    def about(self) -> str:
        """The directive, or the part of it, the stage or the release that it is about."""
        if self.directive is None:
            return "/".join(filter(None, (self.release, self.stage)))
        return f"{self.directive} {self.part}" if self.part else self.directive


@form
class CaseList(ActAnswer):
    """A page of cases, newest first. `next` is the last case of this page, if there are more."""

    size: int
    cases: tuple[CaseSummary, ...]
    next: str | None


LIST = Act(
    "case.list",
    frozenset({DEVELOPER, AGENCY, APPLICANT}),
    "question",
    "/api/v1/cases",
    CaseFilter,
    CaseList,
    "List the cases you may see, newest first.",
)


@form
class ContributionView(ActAnswer):
    """What someone said in a case, at its place in the log.

    `what` is the word of a position, or answer, reply, screening, proceeding, note. `weighs` says that a
    consent does not count whose signer did not know of it.
    """

    seq: int
    who: str
    what: str
    weighs: bool = False


@form
class PositionView(ActAnswer):
    """A position. `sealedReason` is a reason that is not public, for those who may read it.

    `superseded` says that its agency has taken another position since. `said` is what had been said in the
    case as its signer saw it, `unheard` what was said after that and before the position came. `stale` says
    that it is a consent that does not count for that reason, until its agency signs again. `outside` says
    that it is an objection that does not count: its `concern` is not that of the stage, or not its agency's.
    `seq` is its place in the log.
    """

    agency: str
    position: str
    reason: str
    sealed: bool
    sealed_reason: str | None
    conditions: Conditions | None
    owners: tuple[str, ...]
    at_ms: Time
    digest: str
    superseded: bool
    said: Discussion | None = None
    unheard: tuple[ContributionView, ...] = ()
    stale: bool = False
    concern: str | None = None
    outside: bool = False
    transcribed: Transcribed = None
    officers: Officers = ()
    seq: int | None = None


@form
class ReferralView(ActAnswer):
    """That an agency had another one asked, and why. `binds`: that one has joined the rule."""

    by: str
    to: str
    reason: str
    binds: bool
    seq: int


@form
class ApplicantQuestion(ActAnswer):
    """An agency's open question to the applicant."""

    agency: str
    question: str
    since_ms: Time


@form
class SealedText(ActAnswer):
    """A text that is sealed in a case: `what` is answer, reply, appeal, notice, or returned."""

    seq: int
    what: str
    text: str


@form
class AgencyClock(ActAnswer):
    """An agency's clock. `step` counts the steps of its ladder so far.

    `silence` is the meaning of its silence, once it has one. `dueBy` says in words which day is the last one,
    in which time zone, and by which rule.
    """

    agency: str
    received_at_ms: Time | None
    due_ms: Time | None
    stopped: bool
    step: int
    escalated_to: str | None
    silence: str | None
    due_by: str | None = None


@form
class Block(ActAnswer):
    """What prevents a determination although the rule is satisfied.

    `condition` and `values` are those of a contradiction: who states which value. `until` is the end of the
    time to reply. `agency` is one that has too few keys to sign.
    """

    what: str
    code: str
    text: str
    condition: str | None = None
    values: Mapping[str, Json] = field(default_factory=dict)
    until_ms: Time | None = None
    agency: str | None = None


@form
class ScreeningView(ActAnswer):
    """A comparison with a list. `reopened` is when another version of the list came into use after it."""

    list: str
    version: str
    decision: str
    reason: str
    owner: str
    digest: str
    at_ms: Time
    seq: int
    reopened_ms: Time | None = None


@form
class CaseNote(ActAnswer):
    """A note in a case. One of the kind `proceeded` has `owners`, the others have what their party signed."""

    party: str
    about: About | None = None
    kind: str
    owners: tuple[str, ...] = ()
    on: str | None = None
    text: str
    owner: str | None = None
    digest: str | None = None
    at_ms: Time


@form
class CriterionAnswer(ActAnswer):
    """A criterion of a stage, in its own words, and what the applicant says to it. None: nothing."""

    criterion: str
    answer: str | None


@form
class NamedDocument(ActAnswer):
    """A document that an application names. It stays with the applicant; the digest is that of the document,
    not of a sealed copy.
    """

    name: str
    digest: str


@form
class DossierView(ActAnswer):
    """What an applicant sent: the organization as stated, the answer to each criterion, the documents."""

    organization: Mapping[str, Json]
    criteria: tuple[CriterionAnswer, ...]
    attachments: tuple[NamedDocument, ...]

    @classmethod
    def of(cls, dossier: Json, asked: Iterable[str] = ()) -> DossierView:
        """What a dossier says, also one that only looks like a dossier: the name first, what a stage `asked`
        in its order, then what else is answered.
        """
        stated, answers = _object(dossier, "organization"), _object(dossier, "criteria")
        documents = dossier.get("attachments") if isinstance(dossier, Mapping) else None
        return cls(
            organization=dict(sorted(stated.items(), key=lambda each: each[0] != "name")),
            criteria=tuple(
                CriterionAnswer(criterion=each, answer=said if isinstance(said, str) else None)
                for each in dict.fromkeys([*asked, *answers])
                for said in [answers.get(each)]
            ),
            attachments=tuple(
                NamedDocument(name=str(each.get("name", "")), digest=str(each.get("digest", "")))
                for each in (documents if isinstance(documents, list) else ())
                if isinstance(each, Mapping)
            ),
        )


def _object(dossier: Json, name: str) -> Mapping[str, Json]:
    """A part of a dossier that is an object; empty if it has no such."""
    found = dossier.get(name) if isinstance(dossier, Mapping) else None
    return found if isinstance(found, Mapping) else {}


@form
class CaseView(CaseSummary):
    """A case as its reader may see it.

    `wouldDecide` are the smallest sets of parties whose yes would decide it. `unreceived` are the agencies
    that have not confirmed receipt. `conditions` are those that a grant from it would have, `programmes`
    those that are asked for. `parties` are all that are asked, also by a referral. `place` is its place on
    the waitlist, counted from 1. `forTheRecord` says that an appeal cannot lead to a grant.
    `nextSteps` are what the case waits for its reader to do: steps by their names in the table of steps;
    `issue`, to make a key under the grant; `pin`, to give an agency that cannot sign another key. `may` are
    the steps that its reader can take now, of the developer's staff and of who applied; and `transcribe`, to
    write down what the issuer of an order said about lifting it.
    `dossier` is what the case is about: for who sent it, for the staff, and for the agencies that are asked.
    It is null in an export, which has it beside, with its salt.
    """

    application: str | None
    asks: str
    basis: Annotated[str | None, Note("`lapsed`: an officer decides alone")]
    rule: Rule
    would_decide: tuple[tuple[str, ...], ...]
    recused: tuple[str, ...]
    terms: str | None
    subject: str | None
    reason_code: str | None
    positions: tuple[PositionView, ...]
    questions: tuple[ApplicantQuestion, ...]
    answers: tuple[SealedText, ...]
    clocks: tuple[AgencyClock, ...]
    unreceived: tuple[str, ...]
    blocked_by: tuple[Block, ...]
    conditions: Conditions | None
    screening: ScreeningView | None
    reply_by_ms: Time | None
    replied_at_ms: Time | None
    offer_until_ms: Time | None
    place: int | None
    for_the_record: bool = False
    appeal: str | None
    appeal_outcome: str | None
    appeal_by_ms: Time | None
    nominated: bool | None
    notes: tuple[CaseNote, ...]
    grant: GrantView | None
    next_steps: tuple[str, ...] = ()
    may: tuple[str, ...] = ()
    referrals: tuple[ReferralView, ...] = ()
    declined: tuple[str, ...] = ()
    programmes: tuple[HeldProgramme, ...] = ()
    parties: tuple[str, ...] = ()
    dossier: DossierView | None = None


SHOW = Act(
    "case.show",
    frozenset({DEVELOPER, AGENCY, APPLICANT}),
    "question",
    "/api/v1/cases/{case}",
    CaseArgument,
    CaseView,
    "Show a case: what was sent, its state, clocks and positions, the agencies it waits for, and the grant.",
)
