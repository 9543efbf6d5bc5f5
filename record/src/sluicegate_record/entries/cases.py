"""Entries of cases: opened, received, answered, decided by positions or by time."""

from __future__ import annotations

from dataclasses import field
from typing import Annotated

from sluicegate_record.directives.received import Arrival
from sluicegate_record.entries.body import Body, Gate, Openings, Sealed, entry
from sluicegate_record.form import ABSENT, Absent, Form, Json, Key, Note, Time, form
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.statements.discussion import Discussion
from sluicegate_record.statements.question import Question
from sluicegate_record.terms.conditions import Conditions
from sluicegate_record.terms.plan import Procedure
from sluicegate_record.terms.rule import Rule


@form
class OfficerOpening(Form):
    """An officer's signed opening, which waits for the agreement of the agencies."""

    officer: str
    envelope: Envelope


@form
class Description(Form):
    """What directives need to know of an organization. `name` is the tag of its legal name, 32 hex digits.

    `bare` is the tag of the name without punctuation, if it is another one. `also` are the tags of its other
    names and identifiers: they count only for who is covered. `sector` is `staff` for the developer's own
    people.
    """

    organization: str
    name: str
    registered_in: str
    sector: str | None = None
    bare: str | None = None
    also: tuple[str, ...] = ()


@entry("case.opened")
class CaseOpened(Body):
    """A question goes to the parties that the rule names."""

    case: str
    kind: str
    question: Question
    rule: Rule
    basis: str = ""
    release: str | None = None
    stage: str | None = None
    surface: str | None = None
    directive: str | None = None
    procedure: Annotated[Procedure | None, Note("the stage's `admission` as it was")] = None
    opening: OfficerOpening | None = None
    applicant: Annotated[str | None, Note("of a removal")] = None
    due_ms: Time | None = None
    reply_by_ms: Time | None = None
    organization: Annotated[Gate[str] | None, Note("of a kind about one")] = None
    described: Annotated[Gate[Description] | None, Note("amendment")] = None
    named: Annotated[Gate[Json] | None, Note("lift, terms that name organizations")] = None
    opener: Annotated[
        Gate[str] | None, Note("who acts for the applicant, if `by` is for this command only")
    ] = None
    sealed_parts: Annotated[
        Openings,
        Note(
            "application (admission, amendment), notice (removal), appeal (appeal), lift.organizations, "
            "listed (terms that name organizations)"
        ),
    ] = field(default_factory=dict)


@entry("case.received")
class CaseReceived(Body):
    """An agency's signed receipt: its clock starts."""

    case: str
    agency: str
    owner: str
    due_ms: Time | None
    digest: str
    envelope: Envelope


@entry("case.warned")
class CaseWarned(Body):
    """An agency's time is nearly over; or, without an agency, a time to reply is over."""

    case: str
    agency: Annotated[str | None, Note("null where a time to reply is over")]
    due_ms: Time | None


@entry("case.escalated")
class CaseEscalated(Body):
    """The silence of an agency goes one step up the ladder."""

    case: str
    agency: Annotated[str | None, Note("null for the whole case")]
    to: str
    was_ms: Time | None
    due_ms: Time | None


@entry("case.silent")
class CaseSilent(Body):
    """Silence now has a meaning: `no-objection`, `deny`, `wait`; for the whole case, `unopposed`."""

    case: str
    agency: Annotated[str | None, Note("null for the whole case")]
    meaning: str
    due_ms: Time | None
    receipt: str | Absent | None = ABSENT
    blocked: Annotated[
        tuple[str, ...], Note("codes of what keeps the case undecided, although its rule is satisfied")
    ] = ()


@entry("case.referred")
class CaseReferred(Body):
    """An agency says that another one must be asked, too. `binds`: it joins the rule of the case.

    `silence` is what its silence means when its time is over.
    """

    case: str
    agency: str
    to: str
    owner: str
    reason: str
    binds: bool
    due_ms: Time | None = None
    silence: str | None = None
    digest: str
    envelope: Envelope


@entry("case.answered")
class CaseAnswered(Body):
    """The applicant has answered an agency's question."""

    case: str
    agency: str
    question: Annotated[str, Note("digest")]
    due_ms: Time | None
    whole_due_ms: Time | Absent | None = ABSENT
    answer: Sealed | None = None


@entry("case.screened")
class CaseScreened(Body):
    """A person has compared an applicant with a list."""

    case: str
    name: Annotated[str, Key("list")]
    version: str
    decision: str
    reason: str
    owner: str
    digest: str
    envelope: Envelope
    candidates: Sealed | None = None


@entry("case.proceeded")
class CaseProceeded(Body):
    """Two officers go ahead in a case where positions are only advice; or one, where its basis has lapsed."""

    case: str
    owners: tuple[str, ...]
    reason: str
    digest: str
    over: Annotated[Json, Note("who objected, or `silence`")]
    envelope: Envelope
    lapsed: Annotated[bool, Note("whether the basis has lapsed: an officer alone decides")] = False


@entry("case.waitlisted")
class CaseWaitlisted(Body):
    """A case waits for a seat."""

    case: str


@entry("case.resumed")
class CaseResumed(Body):
    """A case on the waitlist is under review again."""

    case: str


@entry("case.offered")
class CaseOffered(Body):
    """A seat is offered, until a time."""

    case: str
    until_ms: Time


@entry("case.replied")
class CaseReplied(Body):
    """The applicant answers a denial; or the holder answers a removal before it counts."""

    case: str
    reply_by_ms: Time
    reply: Sealed | None = None


@entry("case.determined")
class CaseDetermined(Body):
    """A case has ended. `because` are the parties that were against."""

    case: str
    outcome: str
    reason_code: str | None = None
    because: Annotated[tuple[str, ...] | None, Note("who stood against")] = None
    reply_by_ms: Time | None = None
    appeal_by_ms: Time | None = None
    reason: Annotated[Sealed | None, Note("if returned")] = None


@entry("position.recorded")
class PositionRecorded(Body):
    """What an agency says in a case. Logs of earlier builds lack `owners`; they had only one."""

    case: str
    agency: str
    owner: str
    owners: tuple[str, ...] | None = None
    position: str
    reason: str
    digest: str
    envelope: Envelope
    conditions: Conditions | None = None
    sealed_reason: Annotated[str | None, Key("sealed"), Note("a commitment")] = None
    whole_due_ms: Time | Absent | None = ABSENT
    transcribed: Arrival | None = None
    said: Annotated[Discussion | None, Note("what had been said in the case, as its signer saw it")] = None
    weighs: Annotated[bool, Note("false if it makes no consent stale: its agency has said so before")] = True
    concern: Annotated[str | None, Note("what an objection is about")] = None
    outside: Annotated[bool, Note("whether an objection does not count for its concern")] = False
    secret: Annotated[Sealed | None, Key("reason"), Note("if sealed")] = None
