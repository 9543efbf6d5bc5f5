"""Acts of an application: apply, amend, answer, accept, withdraw, return, reply, appeal; and nominations."""

from __future__ import annotations

from typing import Annotated

from sluicegate.acts.act import APPLICANT, DEVELOPER, Act, ActAnswer, Arguments, Done, Nothing
from sluicegate.acts.cases import CaseArgument, CaseName
from sluicegate.acts.fields import (
    FileName,
    Identifier,
    ReleaseName,
    ShortText,
    StageName,
    SurfaceName,
    some,
    text,
)
from sluicegate.acts.grants import GrantName
from sluicegate.acts.growth import ENDS, ONCE, daily
from sluicegate.bounds import ORGANIZATION_CHARACTERS_MAX
from sluicegate_record.form import Note, Time, form
from sluicegate_record.terms import kinds
from sluicegate_record.terms.text import REASON_MAX

OrganizationText = Annotated[
    str,
    text(0, ORGANIZATION_CHARACTERS_MAX),
    Note("The organization, as YAML; 'sluicegate application template' prints one."),
]
Words = Annotated[str, text(1, REASON_MAX), Note("What you say. It is not public.")]
APPLICANTS = frozenset({DEVELOPER, APPLICANT})


ProgrammeWord = Annotated[str, text(1, 64, r"[a-z0-9._-]+")]


@form
class ProgrammeAsked(Arguments):
    """A programme that is asked for, such as daybreak_red in cyber.

    `holders` are the only ones who are to have it: members, or user profiles by digests of their ids.
    """

    concern: ProgrammeWord
    name: ProgrammeWord
    holders: Annotated[tuple[str, ...], some(Annotated[str, text(1, 64)], 0, 64)] = ()


Wanted = Annotated[
    tuple[ProgrammeAsked, ...],
    some(ProgrammeAsked, 0, 16),
    Note("A programme, such as cyber:daybreak_red; or cyber:daybreak_red@mem_1,mem_2 for these alone."),
]


@form
class Submission(Arguments):
    """An application for one stage on one surface; `organization` is the text of an organization file.

    `programmes` are those that the grant is to have, beside the standard ones.
    """

    release: ReleaseName
    stage: StageName
    surface: SurfaceName
    organization: OrganizationText
    file: FileName = "organization"
    programmes: Wanted = ()


@form
class NewApplication(Done):
    """The case about an application."""

    application: str
    state: str


SUBMIT = Act(
    "application.submit",
    APPLICANTS,
    "command",
    "/api/v1/applications",
    Submission,
    NewApplication,
    "Apply for one stage on one surface. 'sluicegate status' shows what each stage asks for.",
    daily("applications"),
)


@form
class Amendment(Arguments):
    """What is to change: the validity, the organization as the text of a file, the programmes.

    `programmes` are all that the grant is to have from then on; without it, it keeps those that it has.
    """

    grant: GrantName
    renew: Annotated[bool, Note("Ask for its validity to begin again.")] = False
    organization: (
        Annotated[
            str,
            text(0, ORGANIZATION_CHARACTERS_MAX),
            Note("What has changed, as the whole organization file."),
        ]
        | None
    ) = None
    file: FileName = "organization"
    programmes: Annotated[
        Wanted | None,
        Note(
            "All programmes that it is to have from then on, each such as cyber:daybreak_red, or"
            " cyber:daybreak_red@mem_1,mem_2 for these alone; 'standard' for no other one; by default as now."
        ),
    ] = None


@form
class NewAmendment(NewApplication):
    """The case about an amendment, and its grant."""

    grant: str


AMEND = Act(
    "grant.amend",
    APPLICANTS,
    "command",
    "/api/v1/grants/{grant}/amend",
    Amendment,
    NewAmendment,
    "Renew a grant, or change what it was agreed for, without a new application. "
    "Meanwhile the grant stays valid.",
    daily("applications"),
)


@form
class CaseText(Arguments):
    """Which case, and what is said in it."""

    case: CaseName
    text: Words


@form
class AgencyAnswer(Arguments):
    """What is answered in a case, and to which agency. It may be left out if only one agency asks."""

    case: CaseName
    text: Words
    agency: Annotated[ShortText, Note("The agency that asked, if several did.")] = ""


@form
class AnswerReceipt(Done):
    """Whose question is answered, and until when that agency now has time. None: it has no clock."""

    case: str
    agency: str
    due_ms: Time | None


ANSWER = Act(
    "case.answer",
    kinds.STEPS["answer"].roles,
    "command",
    "/api/v1/cases/{case}/answer",
    AgencyAnswer,
    AnswerReceipt,
    "Answer an agency's question. Its clock runs again.",
    ONCE,
)


@form
class SeatReceipt(Done):
    """The outcome of a case, and the grant that it gave."""

    case: str
    determination: str
    grant: str


ACCEPT = Act(
    "case.accept",
    kinds.STEPS["accept"].roles,
    "command",
    "/api/v1/cases/{case}/accept",
    CaseArgument,
    SeatReceipt,
    "Take the seat that is offered to you.",
    ONCE,
)


@form
class CaseEnd(Done):
    """The outcome of a case that is not decided on its merits."""

    case: str
    determination: str


WITHDRAW = Act(
    "case.withdraw",
    kinds.STEPS["withdraw"].roles,
    "command",
    "/api/v1/cases/{case}/withdraw",
    CaseArgument,
    CaseEnd,
    "End your own open case. An offered seat goes to the next organization.",
    ENDS,
    effect="ends",
)
RETURN = Act(
    "case.return",
    kinds.STEPS["return"].roles,
    "command",
    "/api/v1/cases/{case}/return",
    CaseText,
    CaseEnd,
    "Return a deficient application without a decision, before any agency has taken a position.",
)


@form
class ReplyReceipt(Done):
    """Until when a case with a reply is reviewed."""

    case: str
    reviewed_until_ms: Time


REPLY = Act(
    "case.reply",
    kinds.STEPS["reply"].roles,
    "command",
    "/api/v1/cases/{case}/reply",
    CaseText,
    ReplyReceipt,
    "Answer a denial, which is then reviewed again, or a removal before it counts. You can do this once.",
    ONCE,
)


@form
class NewAppeal(Done):
    """The case of an appeal, and the case that it is against.

    `noGrant` says why it cannot lead to a grant. Then it is heard for the record. `unheard` says why no one
    can decide it now: who is asked has too few keys.
    """

    case: str
    against: str
    state: str
    no_grant: str | None = None
    unheard: tuple[str, ...] = ()


APPEAL = Act(
    "case.appeal",
    kinds.STEPS["appeal"].roles,
    "command",
    "/api/v1/cases/{case}/appeal",
    CaseText,
    NewAppeal,
    "Appeal a denial or a removal. No one who signed in that case decides the appeal.",
    daily("applications"),
)


@form
class NominationText(Arguments):
    """The organization that the developer hopes for in a stage, as the text of an organization file.

    With `invite` it is an invitation: the holder of that token sees the release, although it is not
    announced, and can apply.
    """

    release: ReleaseName
    stage: StageName
    organization: OrganizationText
    file: FileName = "organization"
    invite: Annotated[
        Identifier | None,
        Note("The principal of the organization's token; 'sluicegate token list' lists them."),
    ] = None


@form
class NewNomination(Done):
    """The nomination: a new one, or the one that there was."""

    nomination: str


NOMINATE = Act(
    "nomination.add",
    frozenset({DEVELOPER}),
    "command",
    "/api/v1/nominations",
    NominationText,
    NewNomination,
    "Note that you hope for an organization's application, or invite it to apply. It is not an admission.",
)


@form
class NominationView(ActAnswer):
    """A nomination, the legal name of its organization, the cases that this organization opened, and the
    principal that is invited.
    """

    nomination: str
    release: str
    stage: str
    organization: str | None
    applied: tuple[str, ...]
    invited: str | None = None


@form
class Nominations(ActAnswer):
    """Every nomination, at a size of the log."""

    size: int
    nominations: tuple[NominationView, ...]


NOMINATIONS = Act(
    "nomination.list",
    frozenset({DEVELOPER}),
    "question",
    "/api/v1/nominations",
    Nothing,
    Nominations,
    "List nominations, and the applications that followed.",
)
