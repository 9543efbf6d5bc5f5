"""A case: what the parties said, whose time runs, what is still open.

Rules:
- Only the newest position of a party counts. Its earlier positions are history, and never change.
- An agency consents if it approves, with or without conditions, or says that it has no objection. It also
  consents by silence, if the stage's clock says so. An agency is against if it objects, or by silence, if the
  clock says so.
- A party that recuses itself, or declines because the case is not its own, does not count among those who
  decide. One that was referred to joins them if the terms say so.
- An objection outside the concern of the stage is on the record, and does not count.
- A consent is stale if its signer did not know of a condition, an objection or a screening record that came
  before it. It does not count, and the time and the question of its agency go on, until the agency signs
  again. What else a signer did not know of is only shown. Objections and conditions stand.
- A consent, or a recusal, that only a compromised key signed is stale, too (`keychain.py`).
- No agency can keep the consents of others stale: what it repeats does not weigh, and no more than `NEWS_MAX`
  of its objections and conditions do. A position that has no effect for a reader always weighs there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Annotated

from sluicegate_record.entities.casemoves import MOVES
from sluicegate_record.entities.discussion import Contribution, case_of
from sluicegate_record.entities.happening import Happening
from sluicegate_record.entities.proceedings import CONSENT, ListComparison, Opinion, Span, Timer
from sluicegate_record.entities.referral import ReferredParty
from sluicegate_record.entries import Hidden, cases, or_hidden, seen
from sluicegate_record.form import Form, Json, Time, form, replace
from sluicegate_record.statements.discussion import Discussion
from sluicegate_record.statements.question import Question
from sluicegate_record.terms import conditions, kinds, quorum
from sluicegate_record.terms.conditions import Conditions
from sluicegate_record.terms.plan import UNTIMED, Clock, Procedure
from sluicegate_record.terms.rule import Rule


@form
class Case(Form):
    """A question for the parties. `positions` holds the newest position of each party, `history` all of them.

    `procedure` is the procedure of the stage when the case was opened. `dossier` is the case whose sealed
    part has the dossier of this one. `root` is the application that it goes back to; `appeals` are the
    appeals against it. `used` says that the case has given what was asked for; `is_over` that it once ended
    without a decision, or that its terms did; `reply_is_over` that the time to reply is over.
    `unbound`: an officer decided it, because the rules of its stage had lapsed. `discussion` is
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
    unbound: bool = False
    appeal: str | None = None
    appeals: tuple[str, ...] = ()
    used: bool = False
    is_over: bool = False
    answers: tuple[int, ...] = ()
    discussion: tuple[Contribution, ...] = ()
    notes: tuple[Json, ...] = ()
    referrals: Mapping[str, ReferredParty] = field(default_factory=dict)
    opening: cases.OfficerOpening | None = None
    described: Annotated[cases.Description | Hidden | None, or_hidden(cases.Description | None)] = None
    named: Annotated[Json | Hidden | None, or_hidden(Json)] = None
    opener: Annotated[str | Hidden | None, or_hidden(str | None)] = None

    def after(self, entry: Happening) -> Case:
        """The case after an entry. An entry about another case changes nothing."""
        body = entry.body
        move = MOVES.get(type(body))
        if move is None:
            return self
        is_repeated = False
        if isinstance(body, cases.PositionRecorded):
            is_repeated = body.outside or self.is_repeated(body)
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
        """The parties that are asked: those that its rule names, and those that were referred to."""
        return quorum.parties_of(self.rule).union(self.referrals)

    def joined(self, rule: Rule) -> Rule:
        """A rule, with the agencies that joined it because the case was referred to them."""
        binding = tuple(sorted(to for to, each in self.referrals.items() if each.binds))
        return Rule("allOf", (rule, *binding)) if binding else rule

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
        """The parties that recused themselves, or declined."""
        out = self.saying("recuse", "decline")
        return frozenset(party for party in out if not self.positions[party].is_stale)

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
        return self.objections | self.silent("deny")

    @property
    def objections(self) -> frozenset[str]:
        """The parties whose newest position is an objection that counts."""
        return frozenset(party for party in self.saying("object") if not self.positions[party].is_outside)

    @property
    def signed(self) -> frozenset[str]:
        """Every owner who has signed a position in it."""
        return frozenset(owner for said in self.history for owner in said.owners)

    @property
    def left(self) -> Rule | None:
        """The rule for the parties that did not recuse themselves; None if no party is left."""
        return quorum.without(self.joined(self.rule), self.recused)

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
            party
            for party, said in self.positions.items()
            if said.position != "ask" and not said.is_stale and not said.is_outside
        }
        asked = quorum.parties_of(self.joined(self.rule))
        return sorted(asked - spoken - self.silent("no-objection", "deny"))

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
