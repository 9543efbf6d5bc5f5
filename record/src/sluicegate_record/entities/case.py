"""A case: what the parties said, whose time runs, what is still open.

Rules:
- Only the newest position of a party counts. Its earlier positions are history, and never change.
- An agency consents if it approves, with or without conditions, or says that it has no objection. It also
  consents by silence, if the stage's clock says so. An agency is against if it objects, or by silence, if the
  clock says so.
- A party that recuses itself does not count among those who decide.
- A consent is stale if its signer did not know of a condition, an objection or a screening record that came
  before it. It does not count, and the time and the question of its agency go on, until the agency signs
  again. What else a signer did not know of is only shown. Objections and conditions stand.
- No agency can keep the consents of others stale: what it repeats does not weigh, and no more than `NEWS_MAX`
  of its objections and conditions do. A position that has no effect for a reader always weighs there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Annotated, Any, NamedTuple, Self

from sluicegate_record.entities.discussion import Contribution, case_of
from sluicegate_record.entities.happening import Happening
from sluicegate_record.entries import Hidden, cases, grants, or_hidden, releases, seen
from sluicegate_record.entries.body import Body
from sluicegate_record.form import Absent, Form, Json, Misread, Time, form, replace, shown
from sluicegate_record.log import times
from sluicegate_record.statements.discussion import Discussion
from sluicegate_record.statements.question import Question
from sluicegate_record.terms import conditions, kinds, quorum
from sluicegate_record.terms.conditions import Conditions
from sluicegate_record.terms.plan import UNTIMED, Clock, Procedure
from sluicegate_record.terms.rule import Rule

DECIDED = kinds.GRANTED | {"denied"}
CONSENT = frozenset({"approve", "approve-with-conditions", "no-objection"})


class Span(NamedTuple):
    """A stretch of time, `[from_ms, until_ms)`. Units: milliseconds since 1970 UTC."""

    from_ms: int
    until_ms: int

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """Two numbers. Raises: Misread."""
        if type(value) is not list or [type(each) for each in value] != [int, int]:
            raise Misread("two whole numbers", shown(value))
        return cls(*value)

    def to_json(self) -> list[int]:
        """Two numbers."""
        return list(self)


@form
class Opinion(Form):
    """A position on the record. `sealed` says that its reason is not public.

    `said` is what had been said in the case, as its signer saw it; None if the statement does not tell.
    """

    agency: str
    owners: tuple[str, ...]
    position: str
    reason: str
    digest: str
    seq: int
    at_ms: Time
    conditions: Conditions | None = None
    sealed: bool = False
    said: Discussion | None = None
    is_stale: bool = False

    def is_like(self, body: cases.PositionRecorded) -> bool:
        """Whether a later position says the same in public. Sealed reasons cannot be compared."""
        is_open = not self.sealed and body.sealed_reason is None
        own = (self.position, self.reason, self.conditions)
        return is_open and own == (body.position, body.reason, body.conditions)


@form
class Timer(Form):
    """An agency's time in a case, from its receipt.

    `due_ms` is None while it is stopped, or over. `warned_ms` is the due time that the last warning was
    about. `rung` counts the steps of the ladder so far; `climbed_ms` is the time of the last step. `silence`
    is the meaning of its silence, once it has one.
    """

    started_ms: Time
    receipt: str | None
    due_ms: Time | None = None
    warned_ms: Time | None = None
    rung: int = 0
    climbed_ms: Time | None = None
    asked_ms: Time | None = None
    stops: tuple[Span, ...] = ()
    silence: str | None = None
    ended_ms: Time | None = None

    @property
    def step_ms(self) -> int:
        """When the time of its present step began."""
        return self.started_ms if self.climbed_ms is None else self.climbed_ms

    def said(self, position: str, at_ms: int) -> Timer:
        """The timer after its agency took a position. A question to the applicant stops it."""
        stops = self.stops if self.asked_ms is None else (*self.stops, Span(self.asked_ms, at_ms))
        asks = position == "ask"
        return replace(
            self,
            stops=stops,
            due_ms=None,
            silence=None,
            asked_ms=at_ms if asks else None,
            ended_ms=None if asks else at_ms,
        )

    def answered(self, due_ms: int | None, at_ms: int) -> Timer:
        """The timer after the applicant answered its agency's question."""
        stops = self.stops if self.asked_ms is None else (*self.stops, Span(self.asked_ms, at_ms))
        return replace(self, stops=stops, asked_ms=None, due_ms=due_ms)


@form
class ListComparison(Form):
    """The newest comparison with a list.

    `reopened_ms` is when another version of the list came into use after it.
    """

    name: str
    version: str
    decision: str
    reason: str
    owner: str
    digest: str
    at_ms: Time
    seq: int
    reopened_ms: Time | None = None

    @property
    def is_clear(self) -> bool:
        """Whether it clears its applicant, and no later version of the list has opened it again."""
        return self.decision == "clear" and self.reopened_ms is None

    def is_reopened_by(self, name: str, version: str) -> bool:
        """Whether this version of a list opens it again, or leaves it open."""
        return self.name == name and (self.version != version or self.reopened_ms is not None)


@form
class Case(Form):
    """A question for the parties. `positions` holds the newest position of each party, `history` all of them.

    `procedure` is the procedure of the stage when the case was opened. `dossier` is the case whose sealed
    part has the dossier of this one. `root` is the application that it goes back to; `appeals` are the
    appeals against it. `used` says that the case has given what was asked for; `is_over` that it once ended
    without a decision, or that its terms did; `reply_is_over` that the time to reply is over. `discussion` is
    all that was said in it, oldest first.
    """

    id: str
    kind: str
    question: Question
    rule: Rule
    applicant: str
    seq: int
    at_ms: Time
    holder: Annotated[str | Hidden | None, or_hidden(str | None)]
    basis: str = ""
    procedure: Procedure = UNTIMED
    dossier: str = ""
    root: str = ""
    state: str = kinds.IN_REVIEW
    outcome: str | None = None
    reason_code: str | None = None
    determined_ms: Time | None = None
    determined_seq: int | None = None
    grant: str | None = None
    positions: Mapping[str, Opinion] = field(default_factory=dict)
    history: tuple[Opinion, ...] = ()
    clocks: Mapping[str, Timer] = field(default_factory=dict)
    due_ms: Time | None = None
    asked_ms: Time | None = None
    stops: tuple[Span, ...] = ()
    screening: ListComparison | None = None
    offer_until_ms: Time | None = None
    reply_by_ms: Time | None = None
    reply_is_over: bool = False
    replied_ms: Time | None = None
    replied_seq: int | None = None
    listed_seq: int | None = None
    unopposed: bool = False
    proceeded: bool = False
    appeal: str | None = None
    appeals: tuple[str, ...] = ()
    used: bool = False
    is_over: bool = False
    answers: tuple[int, ...] = ()
    discussion: tuple[Contribution, ...] = ()
    notes: tuple[Json, ...] = ()
    opening: cases.OfficerOpening | None = None
    described: Annotated[cases.Description | Hidden | None, or_hidden(cases.Description | None)] = None
    named: Annotated[Json | Hidden | None, or_hidden(Json)] = None
    opener: Annotated[str | Hidden | None, or_hidden(str | None)] = None

    def after(self, entry: Happening) -> Case:
        """The case after an entry. An entry about another case changes nothing."""
        body = entry.body
        move = _MOVES.get(type(body))
        if move is None:
            return self
        is_repeated = isinstance(body, cases.PositionRecorded) and self.is_repeated(body)
        return move(self, entry, body).hearing(entry, is_repeated=is_repeated)

    def hearing(self, entry: Happening, *, is_repeated: bool = False) -> Case:
        """The case after something was said in it, whatever follows from that. An entry that says that it
        does not weigh is believed only if it `is_repeated`.
        """
        if case_of(entry.body) != self.id:
            return self
        said = Contribution.of(entry)
        if not is_repeated:
            said = said._replace(weighs=said.what in kinds.WEIGHTY)
        return replace(self, discussion=(*self.discussion, said))

    def is_repeated(self, body: cases.PositionRecorded) -> bool:
        """Whether an objection or a condition need not make consents stale: it says what its agency's newest
        position says, or `NEWS_MAX` of its agency have weighed here. Skipped entries count as none of them.
        """
        if body.position not in kinds.WEIGHTY:
            return False
        newest = self.positions.get(body.agency)
        if newest is not None and newest.is_like(body):
            return True
        own = {each.seq for each in self.history if each.agency == body.agency}
        return sum(each.weighs for each in self.discussion if each.seq in own) >= kinds.NEWS_MAX

    def discussed(self, count: int | None = None) -> Discussion:
        """All that was said in it, or so many contributions from the beginning."""
        return Discussion.of([each.leaf for each in self.discussion[:count]])

    def unheard(self, said: Opinion) -> tuple[Contribution, ...]:
        """What was said before a position was recorded, and after its signer had looked at the case."""
        since = self.discussion[said.said.count :] if said.said is not None else ()
        return tuple(each for each in since if each.seq < said.seq)

    @property
    def organization(self) -> str | None:
        """The organization that it is about, by pseudonym; None if it is not about one. Raises: Withheld."""
        return seen(self.holder)

    @property
    def principal(self) -> str:
        """Who acts for its applicant; `applicant` may be a name for one command. Raises: Withheld."""
        return seen(self.opener) or self.applicant

    @property
    def subject(self) -> str | None:
        """The case that it appeals, or the grant that it is about."""
        return self.question.against or self.question.grant or None

    @property
    def parties(self) -> frozenset[str]:
        """The parties that its rule names."""
        return quorum.parties_of(self.rule)

    @property
    def standing(self) -> str:
        """The state in more detail: `asked` while a question to the applicant is open."""
        return kinds.ASKED if self.is_reviewed and self.asking else self.state

    @property
    def is_reviewed(self) -> bool:
        """Whether agencies decide it now: it is not on a waitlist, has no offer of a seat,
        and is not determined.
        """
        return self.state in _REVIEWED

    @property
    def is_cleared(self) -> bool:
        """Whether a screening record clears it, and no later version of the list
        has opened that record again.
        """
        return self.screening is not None and self.screening.is_clear

    @property
    def asking(self) -> dict[str, Opinion]:
        """The open questions to the applicant, by agency."""
        waiting = {party for party, timer in self.clocks.items() if timer.asked_ms is not None}
        asked = (said for said in self.history if said.position == "ask" and said.agency in waiting)
        newest = {said.agency: said for said in asked}
        return {party: newest[party] for party in self.clocks if party in newest}

    def saying(self, *words: str) -> frozenset[str]:
        """The parties whose newest position is one of these words."""
        return frozenset(party for party, said in self.positions.items() if said.position in words)

    def silent(self, *meanings: str) -> frozenset[str]:
        """The parties whose silence now has one of these meanings."""
        return frozenset(party for party, timer in self.clocks.items() if timer.silence in meanings)

    @property
    def recused(self) -> frozenset[str]:
        """The parties that recused themselves."""
        return self.saying("recuse")

    @property
    def consents(self) -> frozenset[str]:
        """The parties whose newest position is a yes that counts."""
        return frozenset(party for party in self.saying(*CONSENT) if not self.positions[party].is_stale)

    @property
    def consenting(self) -> frozenset[str]:
        """The parties whose yes counts, signed or by silence."""
        return self.consents | self.silent("no-objection")

    @property
    def against(self) -> frozenset[str]:
        """The parties whose no counts."""
        return self.saying("object") | self.silent("deny")

    @property
    def signed(self) -> frozenset[str]:
        """Every owner who has signed a position in it."""
        return frozenset(owner for said in self.history for owner in said.owners)

    @property
    def left(self) -> Rule | None:
        """The rule for the parties that did not recuse themselves; None if no party is left."""
        return quorum.without(self.rule, self.recused)

    @property
    def agreed(self) -> tuple[Conditions, conditions.Contradictions]:
        """The conditions of the positions, combined so that the strictest holds; and the contradictions."""
        stated = ((party, said.conditions) for party, said in sorted(self.positions.items()))
        return conditions.strictest((party, each) for party, each in stated if each is not None)

    @property
    def awaiting(self) -> list[str]:
        """The parties in the case's rule that have not yet said anything that counts; sorted."""
        if self.state == kinds.DETERMINED:
            return []
        spoken = {
            party for party, said in self.positions.items() if said.position != "ask" and not said.is_stale
        }
        return sorted(self.parties - spoken - self.silent("no-objection", "deny"))

    @property
    def is_notified(self) -> bool:
        """Whether the agencies are only notified, so that one objection is enough."""
        return self.procedure.is_notified and self.kind in kinds.ADMITS

    @property
    def whole_clock(self) -> tuple[int, str] | None:
        """How long the whole case may take, and what follows then: `admit`, `lapse` or `escalate`."""
        clock = self.procedure.clock
        if clock is None or not kinds.KINDS[self.kind].clocked:
            return None
        if self.procedure.is_notified and self.kind != kinds.APPEAL:
            return clock.within, "admit"
        return None if clock.overall is None else (clock.overall.within, clock.overall.then)

    @property
    def agency_clock(self) -> Clock | None:
        """The clock of each agency, if one runs."""
        runs = kinds.KINDS[self.kind].clocked and not self.procedure.is_notified
        return self.procedure.clock if runs else None


_REVIEWED = (kinds.SUBMITTED, kinds.IN_REVIEW)


def opened(entry: Happening, body: cases.CaseOpened, dossier: str, root: str) -> Case:
    """The case that an entry opens."""
    return Case(
        id=body.case,
        kind=body.kind,
        question=body.question,
        rule=body.rule,
        applicant=body.applicant if body.applicant is not None else entry.by,
        seq=entry.seq,
        at_ms=entry.at_ms,
        holder=body.organization,
        basis=body.basis,
        procedure=body.procedure or UNTIMED,
        dossier=dossier or body.case,
        root=root or body.case,
        state=kinds.SUBMITTED if body.kind in kinds.APPLIED else kinds.IN_REVIEW,
        reason_code=body.question.reason_code or None,
        due_ms=body.due_ms,
        reply_by_ms=body.reply_by_ms,
        opening=body.opening,
        described=body.described,
        named=body.named,
        opener=body.opener,
    )


def _timed(case: Case, agency: str, timer: Timer) -> Case:
    return replace(case, clocks={**case.clocks, agency: timer})


def _begun(case: Case) -> str:
    return kinds.IN_REVIEW if case.state == kinds.SUBMITTED else case.state


def _closed(case: Case, at_ms: int, whole_due_ms: int | Absent | None) -> Case:
    """When no question to the applicant is open any more, the clock of the whole case runs again."""
    if case.asked_ms is None or case.asking:
        return case
    due_ms = None if isinstance(whole_due_ms, Absent) else whole_due_ms
    return replace(case, stops=(*case.stops, Span(case.asked_ms, at_ms)), asked_ms=None, due_ms=due_ms)


def _received(case: Case, entry: Happening, body: cases.CaseReceived) -> Case:
    timer = Timer(started_ms=entry.at_ms, receipt=body.digest, due_ms=body.due_ms)
    return replace(case, clocks={**case.clocks, body.agency: timer}, state=_begun(case))


def _warned(case: Case, entry: Happening, body: cases.CaseWarned) -> Case:
    if body.agency is None:
        return replace(case, reply_is_over=True)
    timer = case.clocks[body.agency]
    return _timed(case, body.agency, replace(timer, warned_ms=timer.due_ms))


def _escalated(case: Case, entry: Happening, body: cases.CaseEscalated) -> Case:
    if body.agency is None:
        return replace(case, due_ms=None)
    timer = case.clocks[body.agency]
    timer = replace(timer, rung=timer.rung + 1, climbed_ms=entry.at_ms, due_ms=body.due_ms)
    return _timed(case, body.agency, timer)


def _fell_silent(case: Case, entry: Happening, body: cases.CaseSilent) -> Case:
    if body.agency is None:
        return replace(case, unopposed=True, due_ms=None)
    timer = replace(case.clocks[body.agency], silence=body.meaning, due_ms=None)
    return _timed(case, body.agency, timer)


def _answered(case: Case, entry: Happening, body: cases.CaseAnswered) -> Case:
    timer = case.clocks[body.agency].answered(body.due_ms, entry.at_ms)
    case = replace(case, clocks={**case.clocks, body.agency: timer}, answers=(*case.answers, entry.seq))
    return _closed(case, entry.at_ms, body.whole_due_ms)


def _screened(case: Case, entry: Happening, body: cases.CaseScreened) -> Case:
    screening = ListComparison(
        name=body.name,
        version=body.version,
        decision=body.decision,
        reason=body.reason,
        owner=body.owner,
        digest=body.digest,
        at_ms=entry.at_ms,
        seq=entry.seq,
    )
    return replace(case, screening=screening)


def _listed(case: Case, entry: Happening, body: releases.ListChanged) -> Case:
    """A record made with another version stays open until a new one is made, even if its version returns."""
    screening = case.screening
    if screening is None or not screening.is_reopened_by(body.name, body.version):
        return case
    if screening.reopened_ms is not None:
        return case
    return replace(case, screening=replace(screening, reopened_ms=entry.at_ms))


def _proceeded(case: Case, entry: Happening, body: cases.CaseProceeded) -> Case:
    at = times.format_time(entry.at_ms)
    note = {"kind": "proceeded", "owners": list(body.owners), "text": body.reason, "at": at}
    return replace(case, proceeded=True, notes=(*case.notes, note))


def _waitlisted(case: Case, entry: Happening, body: cases.CaseWaitlisted) -> Case:
    return replace(case, state=kinds.WAITLISTED, outcome=None, listed_seq=entry.seq)


def _offered(case: Case, entry: Happening, body: cases.CaseOffered) -> Case:
    return replace(case, state=kinds.OFFERED, offer_until_ms=body.until_ms, listed_seq=None)


def _off_the_list(case: Case) -> Case:
    """A case gives back its seat, or its place on the waitlist."""
    if case.state not in kinds.LISTED:
        return case
    return replace(case, state=kinds.IN_REVIEW, offer_until_ms=None, listed_seq=None)


def _resumed(case: Case, entry: Happening, body: cases.CaseResumed) -> Case:
    """The time to reply went on while the case was on the list."""
    is_over = case.reply_is_over or (case.reply_by_ms is not None and case.reply_by_ms <= entry.at_ms)
    return replace(_off_the_list(case), reply_is_over=is_over)


def _replied(case: Case, entry: Happening, body: cases.CaseReplied) -> Case:
    """A denial is under review again. An agency that had time left has at least the same time again."""
    case = replace(
        case,
        replied_ms=entry.at_ms,
        replied_seq=entry.seq,
        answers=(*case.answers, entry.seq),
        reply_by_ms=body.reply_by_ms,
        reply_is_over=False,
    )
    if case.state != kinds.DETERMINED:
        return case
    by_ms = body.reply_by_ms
    clocks = {
        agency: replace(timer, due_ms=_not_before(timer.due_ms, by_ms))
        for agency, timer in case.clocks.items()
    }
    due_ms = _not_before(case.due_ms, by_ms)
    return replace(case, state=kinds.IN_REVIEW, outcome=None, clocks=clocks, due_ms=due_ms)


def _not_before(at_ms: int | None, by_ms: int) -> int | None:
    return None if at_ms is None else max(at_ms, by_ms)


def _determined(case: Case, entry: Happening, body: cases.CaseDetermined) -> Case:
    return replace(
        _off_the_list(case),
        state=kinds.DETERMINED,
        outcome=body.outcome,
        is_over=case.is_over or body.outcome not in DECIDED,
        determined_ms=entry.at_ms,
        determined_seq=entry.seq,
        reason_code=body.reason_code if body.reason_code is not None else case.reason_code,
        reply_by_ms=body.reply_by_ms,
        reply_is_over=False,
    )


def _spoken(case: Case, entry: Happening, body: cases.PositionRecorded) -> Case:
    said = Opinion(
        agency=body.agency,
        owners=body.owners if body.owners is not None else (body.owner,),
        position=body.position,
        reason=body.reason,
        digest=body.digest,
        seq=entry.seq,
        at_ms=entry.at_ms,
        conditions=body.conditions,
        sealed=body.sealed_reason is not None,
        said=body.said,
        is_stale=_is_stale(case, body),
    )
    timer = case.clocks.get(said.agency)
    if timer is None and said.position == "ask":
        timer = Timer(started_ms=entry.at_ms, receipt=said.digest)  # a question proves receipt
    clocks = case.clocks
    if timer is not None and not said.is_stale:
        clocks = {**clocks, said.agency: timer.said(said.position, entry.at_ms)}
    asks_first = said.position == "ask" and case.asked_ms is None
    case = replace(
        case,
        positions={**case.positions, said.agency: said},
        history=(*case.history, said),
        clocks=clocks,
        state=_begun(case),
        asked_ms=entry.at_ms if asks_first else case.asked_ms,
    )
    return _closed(case, entry.at_ms, body.whole_due_ms)


def _is_stale(case: Case, body: cases.PositionRecorded) -> bool:
    """Whether a consent was signed over another discussion than that of the case, or without something of
    weight in it.
    """
    said = body.said
    if said is None or body.position not in CONSENT:
        return False
    is_weighty = any(each.weighs for each in case.discussion[said.count :])
    return is_weighty or said != case.discussed(said.count)


def _noted(case: Case, entry: Happening, body: releases.RecordAdded) -> Case:
    return replace(case, notes=(*case.notes, note_of(entry, body)))


def note_of(entry: Happening, body: releases.RecordAdded) -> dict[str, Json]:
    """A note as it is shown to readers."""
    return {
        "about": body.about.to_json(),
        "kind": body.kind,
        "on": body.on,
        "text": body.text,
        "party": body.party,
        "owner": body.owner,
        "digest": body.digest,
        "at": times.format_time(entry.at_ms),
    }


def _granted(case: Case, entry: Happening, body: grants.GrantApproved) -> Case:
    return replace(case, grant=body.grant, used=True)


def _used(case: Case, entry: Happening, body: Body) -> Case:
    return replace(case, used=True)


_MOVES: dict[type[Body], Callable[[Case, Happening, Any], Case]] = {
    cases.CaseReceived: _received,
    cases.CaseWarned: _warned,
    cases.CaseEscalated: _escalated,
    cases.CaseSilent: _fell_silent,
    cases.CaseAnswered: _answered,
    cases.CaseScreened: _screened,
    cases.CaseProceeded: _proceeded,
    cases.CaseWaitlisted: _waitlisted,
    cases.CaseOffered: _offered,
    cases.CaseResumed: _resumed,
    cases.CaseReplied: _replied,
    cases.CaseDetermined: _determined,
    cases.PositionRecorded: _spoken,
    releases.ListChanged: _listed,
    releases.RecordAdded: _noted,
    grants.GrantApproved: _granted,
    grants.GrantAmended: _used,
    grants.GrantReinstated: _used,
}
