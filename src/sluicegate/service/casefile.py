"""The file of one case: as its reader may see it, and as a reviewer takes it away.

Rules:
- A sealed reason is shown to the developer's staff and to the agencies that are asked, not to the applicant.
- A dossier is shown to these, and to who sent it. What the developer has stated of an organization, in an
  account or in a list, is not shown to that organization.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sluicegate.acts import cases as acts
from sluicegate.acts import review
from sluicegate.acts.act import AGENCY, DEVELOPER
from sluicegate.acts.cases import (
    AgencyClock,
    ApplicantQuestion,
    CaseArgument,
    CaseNote,
    CaseView,
    DossierView,
    PositionView,
    ReferralView,
    ScreeningView,
    SealedText,
)
from sluicegate.acts.grants import GrantView, ProgrammeView
from sluicegate.acts.review import ExportedCase, ExportedDossier, ExportedEntry, ExportedNames
from sluicegate.core.lifecycle import Refusal, State, applications, blocks, directives, eligibility, signers
from sluicegate.core.lifecycle.blocks import stage_of
from sluicegate.core.lifecycle.lists import opened_in
from sluicegate.core.lifecycle.positions import has_lapsed, is_advice
from sluicegate.core.lifecycle.steps import contributions
from sluicegate.core.terms import clocks
from sluicegate.ports import Principal
from sluicegate.service import access
from sluicegate.service.bearers import namesakes
from sluicegate.service.cases import (
    dossier_of,
    dossier_place,
    is_open,
    legal_name,
    line,
    seen,
    sent_by,
)
from sluicegate.service.context import Context, does
from sluicegate.service.ledger import Ledger
from sluicegate_record.directives.document import Document
from sluicegate_record.directives.phrases import asked as in_words
from sluicegate_record.entities.case import Case
from sluicegate_record.entities.grant import Grant
from sluicegate_record.entities.proceedings import ListComparison, Timer
from sluicegate_record.entries.designations import DesignationRecorded
from sluicegate_record.form import Json, replace
from sluicegate_record.log import times
from sluicegate_record.log.leaf import Opening
from sluicegate_record.log.times import DAY_MS
from sluicegate_record.terms import kinds, quorum
from sluicegate_record.terms.conditions import Conditions
from sluicegate_record.terms.plan import Plan

_TEXTS = frozenset({"answer", "reply", "appeal", "notice", "reason"})
_Sealed = Mapping[tuple[int, str], Any]
"""What is sealed in a case, by entry and field."""


@does(acts.SHOW)
def show(context: Context[CaseView], asked: CaseArgument) -> CaseView | Refusal:
    """One case as its reader may see it."""
    with context.ledger.reading() as state:
        case = seen(state, context.principal, asked.case)
        if isinstance(case, Refusal):
            return case
        found = _shown(context.ledger, state, context.principal, case)
        return replace(found, dossier=_stated(context.ledger, state, context.principal, case))


@does(review.EXPORT)
def export(context: Context[ExportedCase], asked: CaseArgument) -> ExportedCase | Refusal:
    """What a reviewer needs to decide and sign, offline if need be.

    The dossier comes with its salt, so that the reviewer can check that it is what the question commits to.
    """
    ledger, principal = context.ledger, context.principal
    with ledger.reading() as state:
        case = seen(state, principal, asked.case)
        if isinstance(case, Refusal):
            return case
        return ExportedCase(
            kind="sluicegate-review",
            version=1,
            **to_sign(ledger, state, principal, case, _scope(ledger, case)),
            terms=_terms(state, case),
            dossier=_dossier(ledger, state, case),
            listed=tuple(_listed(ledger, state, case)),
            against=state.cases[case.question.against].kind if case.kind == kinds.APPEAL else None,
            designation=_designation(ledger, state, case),
            opening=next(_exported(ledger, [case.seq])),
            case=_shown(ledger, state, principal, case),
        )


def to_sign(
    ledger: Ledger, state: State, principal: Principal, case: Case, scope: ExportedNames | None
) -> dict[str, Any]:
    """The fields of a `CaseToSign`; `scope` opens the organizations that a lift is about."""
    parties = case.parties | ({state.developer} if principal.role == DEVELOPER else set())
    return {
        "question": case.question,
        "rule": case.rule,
        "parties": {
            key.keyid: key.party for key in state.keys.values() if key.counts and key.party in parties
        },
        "previous": {party: said.digest for party, said in case.positions.items()},
        "document": _document(state, case),
        "scope": scope,
        "said": case.discussed(),
        "discussion": tuple(_exported(ledger, [each.seq for each in case.discussion])),
    }


def grant_of(state: State, grant_id: str) -> GrantView | None:
    """A grant as its holder sees it."""
    grant = state.table.grants_by_id.get(grant_id)
    if grant is None:
        return None
    held = state.grants[grant_id]
    is_reopened = blocks.screening_needed(state.record, state.cases[held.case])
    return GrantView(
        grant=grant.id,
        case=held.case,
        release=grant.release,
        stage=grant.stage,
        surface=grant.surface,
        models=tuple(sorted(grant.models)),
        state=state_of(state, held),
        requests_per_minute=grant.requests_per_minute,
        valid_from_ms=grant.valid_from_ms,
        valid_until_ms=grant.valid_until_ms,
        amendment=held.amendment,
        removal=held.removal,
        stage_open=grant.terms in state.table.open_terms,
        fallback=grant.falls_back,
        screening="reopened" if is_reopened else None,
        programmes=tuple(_programmes(state, held)),
        differs={kind: times.format_time(day * DAY_MS)[:10] for kind, day in grant.differed},
    )


def _programmes(state: State, grant: Grant) -> Iterator[ProgrammeView]:
    """The programmes of a grant, by its terms."""
    stated = state.record.terms[grant.terms].plan.spec.programmes
    for each in grant.programmes:
        programme = stated[each.concern][each.name]
        yield ProgrammeView(
            programme=each.label,
            state="suspended" if each.label in grant.halted else "active",
            asks=programme.asks,
            travels=programme.travels,
            holders=each.holders,
        )


def state_of(state: State, held: Grant) -> str:
    """How a grant stands; of one that is valid, how far its holder has come: provisioned, proven."""
    if held.standing is not None:
        return held.standing
    grant = state.table.grants_by_id[held.id]
    if grant.proven:
        return "proven"
    return "provisioned" if grant.id in state.keyring.valid else "approved"


def _shown(ledger: Ledger, state: State, principal: Principal, case: Case) -> CaseView:
    opened = _sealed(ledger, case, principal)
    heading = state.docket.heading(case.id)
    untimed = [party for party in case.awaiting if party not in case.clocks]
    return CaseView(
        **line(case, _name_of(ledger, state, case)),
        awaiting=heading.awaiting,
        cannot_sign=heading.unable,
        transcribed_for=state.transcribed_for(case),
        application=case.id if case.kind == kinds.ADMISSION else None,
        asks=in_words(kinds.KINDS[case.kind].asks, case.question.scope),
        basis="lapsed" if has_lapsed(state, case) else case.basis or None,
        rule=case.joined(case.rule),
        referrals=_referrals(case),
        declined=tuple(sorted(case.saying("decline"))),
        would_decide=_would_decide(case),
        recused=tuple(sorted(case.recused)),
        terms=case.question.terms or None,
        programmes=case.question.programmes,
        parties=tuple(sorted(case.parties)),
        subject=case.subject,
        reason_code=_reason_code(case),
        positions=_positions(state, case, opened),
        questions=tuple(
            ApplicantQuestion(agency=agency, question=said.reason, since_ms=said.at_ms)
            for agency, said in sorted(case.asking.items())
        ),
        answers=_answers(case, opened),
        clocks=tuple(_clock(case, agency, clock) for agency, clock in sorted(case.clocks.items())),
        unreceived=tuple(untimed) if case.agency_clock is not None else (),
        blocked_by=_blocked_by(ledger, state, case),
        conditions=_granted(state, case),
        screening=None if access.is_outside(principal) else _screened(case.screening),
        reply_by_ms=case.reply_by_ms,
        replied_at_ms=case.replied_ms,
        offer_until_ms=case.offer_until_ms,
        place=_place(state, case),
        for_the_record=eligibility.is_for_the_record(state.record, case),
        appeal=case.appeal,
        appeal_outcome=state.cases[case.appeal].outcome if case.appeal else None,
        appeal_by_ms=applications.appeal_again_until_ms(state.record, case),
        nominated=None if access.is_outside(principal) else _is_nominated(ledger, state, case),
        notes=tuple(CaseNote.from_json({"party": state.developer, **note}) for note in case.notes),
        grant=grant_of(state, case.grant) if case.grant else None,
        next_steps=tuple(_next_steps(state, principal, case)),
        may=tuple(_may(state, principal, case)),
    )


def _next_steps(state: State, principal: Principal, case: Case) -> Iterator[str]:
    """What the case waits for its reader to do, first things first."""
    if principal.role == AGENCY:
        party = principal.party
        heading = state.docket.heading(case.id)
        if party in heading.awaiting and party not in heading.unable:
            if case.agency_clock is not None and party not in case.clocks:
                yield "receive"
            yield "position"
        return
    if principal.role == DEVELOPER and is_open(case):
        if blocks.screening_needed(state.record, case):
            yield "screen"
        if signers.is_stuck(case, state.docket.heading(case.id).unable):
            yield "pin"
    if case.principal == principal.acts_for and case.organization is not None:
        yield from _next_of_applicant(state, case)


def _may(state: State, principal: Principal, case: Case) -> Iterator[str]:
    """What the staff or an applicant can do in a case now; what an applicant does, only who applied."""
    applied, is_staff = case.principal == principal.acts_for, principal.role == DEVELOPER
    asked = {
        "position": is_staff and state.developer in case.parties,
        "answer": applied and bool(case.asking),
        "screen": blocks.screening_needed(state.record, case),
        "return": applications.is_returnable(case),
        "accept": applied,
        "reply": applied and case.reply_by_ms is not None and case.replied_ms is None,
        "withdraw": applied,
        "proceed": is_advice(state, case),
    }
    for step, holds in asked.items():
        if holds and principal.role in kinds.STEPS[step].roles and kinds.allows(step, case.kind, case.state):
            yield step
    directive = state.directives.get(case.question.directive or "")
    is_written_down = case.kind == kinds.LIFT and directive is not None and directive.document.is_transcribed
    if is_staff and is_open(case) and is_written_down:
        yield "transcribe"


def _next_of_applicant(state: State, case: Case) -> Iterator[str]:
    if case.grant and case.grant not in state.keyring.valid and state.grants[case.grant].standing is None:
        yield "issue"
    if case.standing == kinds.ASKED:
        yield "answer"
    if case.standing == kinds.OFFERED:
        yield "accept"
    if case.appeal is not None:
        return
    if case.reply_by_ms is not None and case.replied_ms is None:
        yield "reply"
    if applications.appeal_again_until_ms(state.record, case) is not None:
        yield "appeal"


def _name_of(ledger: Ledger, state: State, case: Case) -> str | None:
    """The legal name of the organization that a case is about, as it was given."""
    if case.organization is None:
        return None
    seq = dossier_place(state, case)
    return legal_name(ledger.store.log.sealed([seq]).get(seq, {}), case.question.party)


def _would_decide(case: Case) -> tuple[tuple[str, ...], ...]:
    rule = case.left
    if rule is None or not is_open(case):
        return ()
    return tuple(map(tuple, quorum.smallest(rule, case.consenting, case.against)))


def _positions(state: State, case: Case, opened: _Sealed) -> tuple[PositionView, ...]:
    return tuple(
        PositionView(
            agency=said.agency,
            position=said.position,
            reason=said.reason,
            sealed=said.sealed,
            sealed_reason=opened.get((said.seq, "reason")),
            conditions=said.conditions,
            owners=said.owners,
            at_ms=said.at_ms,
            digest=said.digest,
            superseded=case.positions[said.agency].seq != said.seq,
            said=said.said,
            unheard=contributions(case.unheard(said)),
            stale=said.is_stale,
            concern=said.concern,
            outside=said.is_outside,
            seq=said.seq,
            **state.whose(said.seq),
        )
        for said in case.history
    )


def _referrals(case: Case) -> tuple[ReferralView, ...]:
    found = sorted(case.referrals.items(), key=lambda each: each[1].seq)
    return tuple(
        ReferralView(by=each.by, to=to, reason=each.reason, binds=each.binds, seq=each.seq)
        for to, each in found
    )


def _answers(case: Case, opened: _Sealed) -> tuple[SealedText, ...]:
    """What the applicant said, the notice of a removal, and why the case was returned."""
    return tuple(
        SealedText(seq=seq, what=name if name != "reason" else "returned", text=text)
        for (seq, name), text in sorted(opened.items())
        if name != "reason" or seq == case.determined_seq
    )


def _clock(case: Case, agency: str, clock: Timer) -> AgencyClock:
    return AgencyClock(
        agency=agency,
        received_at_ms=clock.started_ms if clock.receipt else None,
        due_ms=clock.due_ms,
        stopped=clock.asked_ms is not None,
        step=clock.rung,
        escalated_to=_rung(case, clock),
        silence=clock.silence,
        due_by=_due_by(case, agency, clock),
    )


def _due_by(case: Case, agency: str, clock: Timer) -> str | None:
    """The last day of an agency's time, and by which rule; without the rule where it was referred."""
    stated = case.procedure.clock
    if clock.due_ms is None or stated is None:
        return None
    last = clocks.deadline(clock.due_ms, stated.calendar)
    if agency in case.referrals:
        return last
    return f"{last}; {clocks.rule(stated.within_at(clock.rung), stated.unit, stated.calendar)}"


def _blocked_by(ledger: Ledger, state: State, case: Case) -> tuple[acts.Block, ...]:
    """What prevents a decision, also that agencies cannot sign one."""
    lacking = tuple(
        acts.Block(what="keys", code="keys_missing", text=text, agency=agency)
        for agency, text in signers.shortages(state.record, case)
    )
    if not is_open(case) or case.kind == kinds.LIFT:
        return lacking
    return (*lacking, *blocks.blocked_by(state.record, case, ledger.now_ms()))


def _screened(screening: ListComparison | None) -> ScreeningView | None:
    if screening is None:
        return None
    return ScreeningView(
        list=screening.name,
        version=screening.version,
        decision=screening.decision,
        reason=screening.reason,
        owner=screening.owner,
        digest=screening.digest,
        at_ms=screening.at_ms,
        seq=screening.seq,
        reopened_ms=screening.reopened_ms,
    )


def _granted(state: State, case: Case) -> Conditions | None:
    """The conditions that a grant out of this case would have."""
    return blocks.granted_conditions(state.record, case)[0] if case.kind in kinds.ADMITS else None


def _sealed(ledger: Ledger, case: Case, principal: Principal) -> _Sealed:
    """The texts sealed in a case that its reader may read, by entry and field."""
    places = [*case.answers]
    if case.kind in {kinds.REMOVAL, kinds.APPEAL, kinds.RECONSIDER}:
        places.append(case.seq)
    if case.outcome == "returned" and case.determined_seq is not None:
        places.append(case.determined_seq)
    if not access.is_outside(principal):
        places += [said.seq for said in case.history if said.sealed]
    opened = _texts(ledger, places)
    return {(seq, name): each.value() for seq, parts in opened.items() for name, each in parts.items()}


def _texts(ledger: Ledger, places: Sequence[int]) -> dict[int, dict[str, Opening]]:
    """What opens the sealed texts of some entries."""
    sealed = ledger.store.log.sealed(places)
    return {
        seq: {name: opened for name, opened in parts.items() if name in _TEXTS}
        for seq, parts in sealed.items()
    }


def _exported(ledger: Ledger, places: Sequence[int]) -> Iterator[ExportedEntry]:
    """Entries that say what was said in a case, with what opens its texts: its reviewer checks them."""
    opened, leaves = _texts(ledger, places), ledger.store.log.leaves
    return (ExportedEntry(leaf=leaves(seq, seq + 1)[0], opened=opened.get(seq, {})) for seq in places)


def _reason_code(case: Case) -> str | None:
    """Why a removal is asked for, or why a case ended as it did; what a decision before gave is history."""
    if case.kind == kinds.REMOVAL:
        return case.question.reason_code
    return case.reason_code if case.outcome is not None and case.outcome not in kinds.GRANTED else None


def _rung(case: Case, clock: Timer) -> str | None:
    """The name on the step of the ladder that an agency's silence has reached."""
    stated = case.procedure.clock
    return stated.to[clock.rung - 1].name if clock.rung and stated is not None else None


def _place(state: State, case: Case) -> int | None:
    """The place on the waitlist, counted from 1."""
    if case.state != kinds.WAITLISTED:
        return None
    return list(state.waitlists[stage_of(case)]).index(case.id) + 1


def _is_nominated(ledger: Ledger, state: State, case: Case) -> bool:
    """Whether the developer hoped for this application, by the name of its organization."""
    if case.kind != kinds.ADMISSION or not state.nominations or case.organization is None:
        return False
    same = namesakes(ledger, case.organization)
    return any((*stage_of(case), organization) in state.nominations for organization in same)


def _document(state: State, case: Case) -> Document | None:
    """The directive that a lift or a licence is about."""
    is_of_one = case.kind in {kinds.LIFT, kinds.LICENCE}
    return state.directives[case.question.directive].document if is_of_one else None


def _terms(state: State, case: Case) -> Plan | None:
    """The plan with the terms that a case is about; if it reconsiders a designation, the plan in force."""
    if case.kind == kinds.RECONSIDER:
        return state.releases[case.question.release].stated
    bound = state.record.terms.get(case.question.terms)
    return None if bound is None else bound.plan


def _designation(ledger: Ledger, state: State, case: Case) -> Json:
    """What an agency signed that is reconsidered in a case; None in a case of another kind."""
    found = state.record.designated(case.question.designation) if case.kind == kinds.RECONSIDER else None
    if found is None:
        return None
    (entry,) = ledger.entries(found.seq, found.seq + 1)
    assert isinstance(entry.body, DesignationRecorded)
    return entry.body.envelope.to_json()


def _scope(ledger: Ledger, case: Case) -> ExportedNames | None:
    """What opens the commitment to the organizations that a lift is about."""
    sealed = ledger.store.log.sealed([case.seq]) if case.kind == kinds.LIFT else {}
    opened = sealed.get(case.seq, {}).get(directives.LIFTED)
    return None if opened is None else ExportedNames(value=tuple(opened.value()), salt=opened.salt)


def _listed(ledger: Ledger, state: State, case: Case) -> Iterator[ExportedDossier]:
    """Those that the terms name which a case is about, in the order of the plan."""
    stated = state.record.terms.get(case.question.terms) if case.kind == kinds.TERMS else None
    if stated is None or not stated.body.audience.is_listed:
        return
    sealed = ledger.store.log.sealed([case.seq]).get(case.seq, {})
    for party in stated.plan.listed(stated.body):
        opened = opened_in(sealed, party)
        if opened is not None:
            yield ExportedDossier(application=opened.value(), salt=opened.salt)


def _stated(ledger: Ledger, state: State, principal: Principal, case: Case) -> DossierView | None:
    """What an applicant sent, as far as its reader may read it, with what the terms of the case ask."""
    may_read = not access.is_outside(principal) or sent_by(state, case) == principal.acts_for
    opened = dossier_of(ledger, state, case) if case.organization is not None and may_read else None
    if opened is None:
        return None
    terms = _terms(state, case)
    stage = None if terms is None else terms.stages.get(case.question.stage)
    return DossierView.of(opened.value(), () if stage is None else stage.eligibility.criteria)


def _dossier(ledger: Ledger, state: State, case: Case) -> ExportedDossier | None:
    opened = dossier_of(ledger, state, case)
    return None if opened is None else ExportedDossier(application=opened.value(), salt=opened.salt)
